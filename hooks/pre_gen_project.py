"""Refuses answers that cannot work: all of them in one message, before a single file is written.

Here: what an answer must look like for Kubernetes, KServe and image registries to take it, and what to
answer instead. Not here: whether a bucket, a registry or a namespace exists. Last, the files of a project that is
there are moved out of the way, before cookiecutter writes over them.
Cookiecutter renders this file and runs it by itself, so it imports nothing from this repository, and it runs
on Python 3.7 and newer.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

#: The answers, as data. JSON writes every double quote of an answer as \" and every backslash as \\, and a
#: raw string is not ended by an escaped quote: no answer can close this literal and become code.
ANSWERS = r"""{{ cookiecutter | jsonify }}"""

#: Where the files of a project that was there before are, as they were, until post_gen_project.py has finished.
KEPT = ".before"

#: What cookiecutters before 2.0 do not know.
TOO_OLD = (
    "This cookiecutter is too old for this template, which needs 2.1 or newer: `pipx upgrade cookiecutter`, "
    "`python3 -m pip install --upgrade cookiecutter`, or `uvx cookiecutter` for the newest."
)

#: Of Kubernetes, for most names, for the value of a label, and for a part of a host's name.
NAME_LIMIT = 63

#: The names that k8s/ makes of the framework's end in one of -storage, -models, and -train with the time of the run.
FRAMEWORK_LIMIT = NAME_LIMIT - len("server-train-20260131-235959")

#: `make image-train` adds to the tag.
TAG_LIMIT = 128 - len("-train")

#: Nobody reads, or types, a longer answer.
LONGEST_SHOWN = 200

#: No shortened answer is suggested that says less than this.
SHORTEST_SUGGESTION = 8

STORES = ("gs", "s3", "hdfs", "webhdfs", "https", "http", "pvc", "hf", "oci")

#: What follows the scheme, where that is no bucket.
STORE_PARTS = {
    **dict.fromkeys(("http", "https", "oci"), "host"),
    **dict.fromkeys(("hdfs", "webhdfs"), "folder"),
    "pvc": "claim",
    "hf": "owner",
}

#: What other tools call the stores.
STORE_ALIASES = {"gcs": "gs", "s3a": "s3", "s3n": "s3"}

#: Names that Windows keeps for devices; a folder cannot have them.
DEVICES = {"aux", "con", "nul", "prn"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)}

_HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[0-9A-Fa-f:]+\])(?::([0-9]+))?")
_PATH_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")


# --- What is wrong with an answer: a sentence or two, or "" when nothing is.


def check_framework_nm(answer: str) -> str:
    """Check what becomes a folder, a Python package and a part of the image's name."""
    if not re.fullmatch(r"[a-z][a-z0-9]*", answer):
        return (
            "The folder, the Python package, the image and objects in the cluster are named after it, so it has "
            'lower-case letters and digits only, starting with a letter, such as "sklearn".'
        )
    if len(answer) > FRAMEWORK_LIMIT:
        return f"It has {len(answer)} characters, and names objects in the cluster: use at most {FRAMEWORK_LIMIT}."
    if answer in DEVICES:
        return 'Windows cannot make a folder of that name. Use a longer one, such as "sklearn".'
    return ""


def check_serving_sdk(answer: str) -> str:
    """Check the name of the SDK."""
    return "" if answer in ("kserve", "kfserving") else 'Choose "kserve" or "kfserving".'


def check_model_name(answer: str) -> str:
    """Check what becomes the name of the InferenceService."""
    if not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", answer):
        return (
            'Kubernetes allows lower-case letters, digits and "-" in a name, starting with a letter and '
            "ending with a letter or digit."
        )
    return ""


def check_namespace(answer: str) -> str:
    """Check the name of a Kubernetes namespace."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", answer):
        return (
            'Kubernetes allows lower-case letters, digits and "-" in a namespace, starting and ending with a '
            "letter or digit."
        )
    if len(answer) > NAME_LIMIT:
        return f"It has {len(answer)} characters. Kubernetes allows at most {NAME_LIMIT} in a namespace."
    return ""


def check_image_registry(answer: str) -> str:
    """Check where the image is pushed, by the grammar that Docker and all registries share."""
    if "://" in answer:
        return 'An image\'s name has no "https://". Start with the host, such as "gcr.io/my-project".'
    if answer.endswith("/"):
        return 'Leave out the "/" at the end: it is added before the name of the image.'
    host, path = _host_and_path(answer)
    if path and re.search("[:@]", path[-1]):
        return "Leave out the tag: it has a question of its own, image_tag."
    if host is not None:
        match = _HOST.fullmatch(host)
        if not match:
            return (
                f'"{_short(host)}" is not a host, or host and port. Answer with host and path, such as '
                '"gcr.io/my-project" or "localhost:5000", or with your Docker Hub user.'
            )
        # The length comes first: Python refuses to turn thousands of digits into a number.
        if match[1] and (len(match[1]) > 5 or not 1 <= int(match[1]) <= 65535):
            return f'"{_short(match[1])}" is not a port: use a number from 1 to 65535, as in "localhost:5000".'
    for component in path:
        if not _PATH_COMPONENT.fullmatch(component):
            return (
                f'"{_short(component)}" cannot be a part of an image\'s name. Registries allow lower-case '
                'letters and digits, with ".", "_", "__" or "-" between them, as in "gcr.io/my-project".'
            )
    return ""


def check_image_tag(answer: str) -> str:
    """Check what follows the colon in the image's name."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", answer):
        return 'A tag has letters, digits, "_", "." and "-", but not "." or "-" first, such as "0.1.0".'
    if len(answer) > TAG_LIMIT:
        return (
            f"It has {len(answer)} characters. A tag has at most 128, and the training image adds "
            f'"-train" to yours: use at most {TAG_LIMIT}.'
        )
    return ""


def check_storage_uri(answer: str) -> str:
    """Check that KServe's storage initializer can download from there."""
    example = 'such as "gs://my-bucket/models/iris"'
    if re.match(r"file:|[/~.]|[A-Za-z]:[\\/]", answer):
        return (
            "The cluster cannot reach a place on your own machine. Answer with the place that you will "
            f"upload the model to, {example}."
        )
    forbidden = re.search(r"""[\s"'`<>\\^{|}$]""", answer)
    if forbidden:
        what = "a space" if forbidden[0].isspace() else forbidden[0]
        reason = ": Kubernetes would take it for a variable" if what == "$" else ""
        return f"It contains {what}, which is not allowed{reason}. Answer with a plain address, {example}."
    scheme, found, rest = answer.partition("://")
    if not found or scheme not in STORES:
        if re.fullmatch("abfss?|wasbs?|azure|az", scheme.lower()):
            return (
                "KServe reads Azure storage by its web address, "
                "https://<account>.blob.core.windows.net/<container>/<path>."
            )
        stores = ", ".join(f"{store}://" for store in STORES)
        return f"KServe downloads from addresses that start with one of {stores}. Answer with one, {example}."
    place, _, path = rest.partition("/")
    if not any(character.isalnum() for character in place):
        missing = STORE_PARTS.get(scheme, "bucket")
        return (
            f"There is no {missing} after {scheme}://. Answer with the whole address, such as "
            f'"{scheme}://my-{missing}/my-model".'
        )
    if scheme in ("http", "https") and not path:
        return f"It names a host but no file. Add the path, such as {scheme}://example.com/model.tar.gz."
    if scheme == "hf" and path.partition(":")[0] in ("", "/"):
        return 'Hugging Face models have an owner and a name, such as "hf://my-team/my-model".'
    return ""


def check_ci(answer: str) -> str:
    """Check the name of the service."""
    return "" if answer in ("github", "none") else 'Choose "github" or "none".'


def check_python_version(answer: str) -> str:
    """Check what becomes the tag of the base image."""
    if not re.fullmatch(r"3\.[0-9]{1,2}", answer):
        return 'Answer with major and minor version, such as "3.11".'
    return ""


# --- What was probably meant. A guess may be wrong: problems() offers it only if the check above accepts it.


def repair_label(answer: str, limit: int) -> str:
    """Guess a Kubernetes name."""
    return re.sub(r"[^a-z0-9]+", "-", _ascii(answer).lower()).strip("-")[:limit].rstrip("-")


def repair_framework_nm(answer: str) -> str:
    """Guess a name for a package."""
    return re.sub(r"[^a-z0-9]+", "", _ascii(answer).lower())[:FRAMEWORK_LIMIT]


def repair_serving_sdk(answer: str) -> str:
    """Guess an SDK."""
    return re.sub("[^a-z]", "", _ascii(answer).lower())


def repair_model_name(answer: str) -> str:
    """Guess the name of a model."""
    name = repair_label(answer, NAME_LIMIT)
    return repair_label(f"model-{name}", NAME_LIMIT) if name[:1].isdigit() else name


def repair_namespace(answer: str) -> str:
    """Guess a namespace."""
    return repair_label(answer, NAME_LIMIT)


def repair_image_registry(answer: str) -> str:
    """Guess host and path."""
    text = re.sub(r"^[A-Za-z]+://", "", _ascii(answer).strip()).strip("/")
    host, path = _host_and_path(text)
    if path:
        path[-1] = re.split("[:@]", path[-1])[0]
    elif host and not _HOST.fullmatch(host):
        host = host.partition(":")[0]
    parts = [re.sub(r"[^a-z0-9._-]+", "-", component.lower()).strip("._-") for component in path]
    return "/".join(part for part in [host or "", *parts] if part)


def repair_image_tag(answer: str) -> str:
    """Guess a tag."""
    tag = re.sub(r"[^A-Za-z0-9_.-]+", "-", _ascii(answer).strip().lstrip(":"))
    return tag.lstrip(".-").rstrip("-")[:TAG_LIMIT].rstrip("-")


def repair_storage_uri(answer: str) -> str:
    """Guess an address."""
    text = answer.strip(" \t\r\n\"'`")
    azure = re.fullmatch(r"(?:abfs|wasb)s?://([^@/]+)@([^./]+)\.(?:dfs|blob)\.core\.windows\.net/?(.*)", text)
    if azure:
        return f"https://{azure[2]}.blob.core.windows.net/{azure[1]}/{azure[3]}"
    scheme, found, rest = text.partition(":")
    scheme = scheme.lower()
    return f"{STORE_ALIASES.get(scheme, scheme)}://{rest.lstrip('/')}" if found else text


def repair_python_version(answer: str) -> str:
    """Guess a version."""
    return ".".join(re.findall("[0-9]+", answer)[:2])


def repair_ci(answer: str) -> str:
    """Guess a service: GitHub Actions by any of its names."""
    return "github" if "github" in answer.lower() else answer.strip().lower()


# --- All questions together.

#: In the order in which they are asked.
QUESTIONS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "framework_nm": (check_framework_nm, repair_framework_nm),
    "serving_sdk": (check_serving_sdk, repair_serving_sdk),
    "model_name": (check_model_name, repair_model_name),
    "namespace": (check_namespace, repair_namespace),
    "image_registry": (check_image_registry, repair_image_registry),
    "image_tag": (check_image_tag, repair_image_tag),
    "storage_uri": (check_storage_uri, repair_storage_uri),
    "python_version": (check_python_version, repair_python_version),
    "ci": (check_ci, repair_ci),
}


class Problem(str):
    """What is wrong, as a paragraph; and by question what to answer instead, "" where only its owner can know."""

    instead: dict[str, str]

    def __new__(cls, text: str, **instead: str) -> Problem:
        problem = super().__new__(cls, text)
        problem.instead = instead
        return problem


def problems(answers: Mapping[str, Any]) -> list[Problem]:
    """Say what is wrong with the answers, a paragraph for each that cannot work."""
    found = {}
    for question, (check, repair) in QUESTIONS.items():
        answer = answers.get(question)
        wrong = _wrong(answer, check)
        if wrong:
            guess = _guess(answer, check, repair)
            suggestion = f' Try "{guess}".' if guess else ""
            found[question] = Problem(f"{question} {_shown(answer)}: {wrong}{suggestion}", **{question: guess})
    # An answer that is wrong by itself says nothing about those it goes with.
    together = [problem for parts, check in TOGETHER if not parts & found.keys() for problem in check(answers)]
    return [*found.values(), *together]


def check_sdk(answers: Mapping[str, Any]) -> list[Problem]:
    """Check that the framework and the Python go with the SDK, by the table of facts."""
    name, frameworks = answers["serving_sdk"], answers["_frameworks"]
    sdk, found = answers["_sdks"][name], []
    # A row without an entry for the SDK holds for it as it is.
    beside_it = frameworks.get(answers["framework_nm"], {}).get(name, {})
    if beside_it is None:
        beside = ", ".join(framework for framework, row in frameworks.items() if row.get(name, True) is not None)
        text = (
            f"framework_nm {_shown(answers['framework_nm'])}: It has no versions that run beside {sdk['title']}. "
            f"Choose one of {beside}, or another serving_sdk."
        )
        found.append(Problem(text, framework_nm=""))
    pythons = (beside_it or {}).get("pythons", sdk["pythons"])
    if answers["python_version"] not in pythons:
        text = (
            f"python_version {_shown(answers['python_version'])}: {sdk['title']} with {answers['framework_nm']} "
            f'runs on {", ".join(pythons)}. Try "{pythons[0]}".'
        )
        found.append(Problem(text, python_version=pythons[0]))
    return found


def check_image(answers: Mapping[str, Any]) -> list[Problem]:
    """Check the whole name of the image, whose parts are fine."""
    name = f"{answers['image_registry']}/{answers['framework_nm']}server"
    if len(name) <= 255:
        return []
    text = (
        f"image_registry {_shown(answers['image_registry'])}: The image's name would have {len(name)} "
        "characters, and registries allow at most 255. Use a shorter path."
    )
    return [Problem(text, image_registry="")]


def check_names(answers: Mapping[str, Any]) -> list[Problem]:
    """Check the names that the SDK's controller makes of the model's and the namespace's."""
    sdk, model, namespace = answers["_sdks"][answers["serving_sdk"]], answers["model_name"], answers["namespace"]

    def room(made: str) -> int:
        """The characters that such a name leaves to the model's."""
        return NAME_LIMIT - len(made.replace("MODEL", "").replace("NAMESPACE", namespace))

    made = min(sdk["names"], key=room)
    if len(model) <= room(made):
        return []
    name = made.replace("MODEL", "<model_name>").replace("NAMESPACE", "<namespace>")
    rule = f"{sdk['title']} makes the name {name} of"
    shorter = repair_label(model, max(room(made), 0))
    if "NAMESPACE" not in made:
        text = (
            f"model_name {_shown(model)}: It has {len(model)} characters. {rule} it, and Kubernetes allows "
            f'{NAME_LIMIT} in all: use at most {room(made)}. Try "{shorter}".'
        )
        return [Problem(text, model_name=shorter)]
    both = room(made) + len(namespace)
    guesses = {"model_name": shorter, "namespace": repair_label(namespace, max(both - len(model), 0))}
    instead = {question: guess for question, guess in guesses.items() if len(guess) >= SHORTEST_SUGGESTION}
    suggestion = "".join(f' Try "{guess}" as {question}.' for question, guess in list(instead.items())[:1])
    text = (
        f"model_name {_shown(model)}, namespace {_shown(namespace)}: They have {len(model)} and {len(namespace)} "
        f"characters. {rule} both, and Kubernetes allows {NAME_LIMIT} in all: use at most {both} together.{suggestion}"
    )
    return [Problem(text, **dict(list(instead.items())[:1] or [("model_name", "")]))]


#: What is checked of several answers, each of which is fine by itself.
TOGETHER: tuple[tuple[frozenset[str], Callable[[Mapping[str, Any]], list[Problem]]], ...] = (
    (frozenset({"framework_nm", "serving_sdk", "python_version"}), check_sdk),
    (frozenset({"framework_nm", "image_registry"}), check_image),
    (frozenset({"serving_sdk", "model_name", "namespace"}), check_names),
)


def command_line(answers: Mapping[str, Any], overwrite: bool) -> str:
    """The command that generates the project of corrected answers; "..." stands for what only its owner can know."""
    corrected = dict(answers)
    # What was corrected may not go with the rest, such as another SDK with the Python.
    for _ in QUESTIONS:
        for problem in problems(corrected):
            corrected.update(problem.instead)
    left = {question for problem in problems(corrected) for question in problem.instead}
    left |= {question for question in QUESTIONS if len(str(corrected.get(question))) > LONGEST_SHOWN}
    typed = [
        f"{question}=..." if question in left else shlex.quote(f"{question}={corrected[question]}")
        for question in QUESTIONS
    ]
    template = re.sub("//[^/@]*@", "//", answers.get("_template") or "THE-TEMPLATE")  # without a password
    options = ["--checkout", answers["_checkout"]] if answers.get("_checkout") else []
    if answers.get("_output_dir") and answers["_output_dir"] != os.environ.get("PWD"):
        options += ["--output-dir", answers["_output_dir"]]
    first = ["cookiecutter", template, "--no-input", *options, *(["--overwrite-if-exists"] if overwrite else [])]
    lines = textwrap.wrap(" ".join(typed), 100, break_long_words=False, break_on_hyphens=False)
    return " \\\n      ".join([" ".join(map(shlex.quote, first)), *lines])


def message(found: list[Problem], command: str) -> str:
    """Put the problems into words for whoever typed the answers."""
    with_answers = ", with answers in the place of ..." if "=..." in command else ""
    count = "One answer" if len(found) == 1 else f"{len(found)} answers"
    paragraphs = "".join(f"\n  {problem}\n" for problem in found)
    return (
        f"\n{count} cannot work, so nothing was generated:\n{paragraphs}\n"
        f"Run cookiecutter again{with_answers}:\n\n    {command}\n\n"
        "A traceback after this only means that this check stopped it.\n"
    )


def main() -> int:
    """Check the answers, and keep the files of a project that is there; the status tells cookiecutter to stop."""
    answers = json.loads(ANSWERS)
    if "cookiecutter" in answers.get(
        "__package", ""
    ):  # handed on as it is written, where cookiecutter knows no such variables
        print(TOO_OLD, file=sys.stderr)
        return 1
    found = problems(answers)
    if found:
        # Cookiecutter goes on in a folder that is not empty only if it was told to.
        print(message(found, command_line(answers, any(Path.cwd().iterdir()))), file=sys.stderr)
        return 1
    try:
        keep(Path.cwd(), f"{answers['framework_nm']}server", answers["_places"])
    except OSError as error:
        print(f"The project was not changed, because one of its files cannot be moved: {error}.", file=sys.stderr)
        return 1
    return 0


def keep(project: Path, package: str, places: list[str]) -> None:
    """Move the files that are where the template writes to KEPT, from where post_gen_project.py gives the owner's back.

    A run that was interrupted has left KEPT: that is the project as it was. Raises OSError where a file cannot be
    moved: then all are where they were.
    """
    kept = project / KEPT
    _move_all(kept, project, ["**/*"])
    try:
        _move_all(project, kept, [place.format(package=package) for place in places])
    except OSError:
        _move_all(kept, project, ["**/*"])
        shutil.rmtree(kept, ignore_errors=True)
        raise
    shutil.rmtree(project / package / "_engine", ignore_errors=True)


def _move_all(folder: Path, target: Path, places: list[str]) -> None:
    """Move the files in some places of a folder to where they are in another."""
    for path in [path for place in places for path in folder.glob(place)]:
        if path.is_file() and "__pycache__" not in path.parts:
            _move(path, target / path.relative_to(folder))


def _move(source: Path, target: Path) -> None:
    """Move a file, over another, but into no folder of its name; a link stays a link."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_file():
        target.unlink()
    shutil.move(str(source), str(target))


def _wrong(answer: object, check: Callable[[str], str]) -> str:
    """Say what is wrong with an answer of any type."""
    if answer is None or answer == "":
        return "It is empty. Answer it, or leave the question out to get its default."
    if not isinstance(answer, str):
        return "It is not text. Put it in quotes where it is written."
    if not answer.isprintable():
        return "It contains a line break or another invisible character. Answer with one line of plain text."
    return check(answer)


def _guess(answer: object, check: Callable[[str], str], repair: Callable[[str], str]) -> str:
    """Say what was probably meant, or nothing if that is hard to tell."""
    if not isinstance(answer, str):
        return ""
    guess = repair(answer)
    # A guess too long to be read is no help.
    return "" if len(guess) > LONGEST_SHOWN or _wrong(guess, check) else guess


def _host_and_path(registry: str) -> tuple[str | None, list[str]]:
    """Split as Docker does: what looks like no host is a user of Docker Hub."""
    first, *path = registry.split("/")
    if "." in first or ":" in first or first == "localhost":
        return first, path
    return None, [first, *path]


def _ascii(answer: str) -> str:
    """Take the accents off."""
    return unicodedata.normalize("NFKD", answer).encode("ascii", "ignore").decode("ascii")


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def _shown(answer: object) -> str:
    """Show an answer so that it cannot move the cursor, break the line or fill the screen."""
    if answer is None:
        return '""'
    if not isinstance(answer, str):
        return _short(repr(answer))
    plain = answer.isprintable() and '"' not in answer
    text = answer[:60]
    quoted = f'"{text}"' if plain else repr(text)
    return quoted if len(answer) <= 60 else f"{quoted}... ({len(answer)} characters)"


if __name__ == "__main__":
    sys.exit(main())
