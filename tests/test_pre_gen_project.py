"""What a user can rely on when an answer cannot work: a message that says how to answer, and nothing on disk.

Here: hooks/pre_gen_project.py, as functions and inside cookiecutter, with a template made for the test.
Not here: the template itself and what it generates from good answers.
"""

import ast
import importlib.util
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

import pytest
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter
from cookiecutter.utils import create_env_with_context
from facts import FRAMEWORKS, QUESTIONS, TEMPLATE, find_python
from needed import needed_python

HOOK = Path(__file__).parents[1] / "hooks" / "pre_gen_project.py"

#: The brief's example.
GOOD = {
    "framework_nm": "sklearn",
    "serving_sdk": "kserve",
    "model_name": "sklearnserver-test",
    "namespace": "test",
    "image_registry": "gcr.io/airuntime-templates",
    "image_tag": "0.1.0",
    "storage_uri": "gs://airuntime-demo/templates/sklearn/examples",
    "python_version": "3.11",
    "ci": "github",
}

#: Stands for a command line, where what it says does not matter.
COMMAND = "cookiecutter ..."

#: The questions that take any text; the others are menus.
FREE = [question for question in GOOD if question not in ("framework_nm", "serving_sdk", "ci")]

#: The tables of facts, as cookiecutter hands them on with the answers.
TABLES = {table: QUESTIONS[table] for table in ("_frameworks", "_places", "_sdks")}

ACCEPTED = {
    "framework_nm": ["xgboost", "lightgbm", "tf2", "a", "a" * 35],
    "serving_sdk": ["kserve"],
    "model_name": ["a", "m1", "my-model", "a--b", "a" * 41],
    "namespace": ["a", "1", "1-a", "team-7", "kube-system", "a" * 27],
    "image_registry": [
        "myname",
        "docker.io/myname",
        "localhost",
        "localhost:5000",
        "localhost:1/team",
        "registry:65535/team",
        "10.0.0.1:5000/a/b/c",
        "[::1]:5000/team",
        "gcr.io",
        "GCR.io/team",
        "europe-docker.pkg.dev/my-project/models",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team",
        "ghcr.io/a.b/c_d/e__f/g-h/i---j",
    ],
    "image_tag": ["latest", "1", "_", "v1.0_rc-2", "A" * 122],
    "storage_uri": [
        "gs://bucket",
        "gs://bucket/",
        "s3://bucket/a/b",
        "hdfs://user/me/model",
        "webhdfs://user/me/model",
        "https://example.com/model.tar.gz?version=1&signature=a%20b",
        "http://10.0.0.1:9000/model.joblib",
        "https://account.blob.core.windows.net/container/model",
        "https://account.file.core.windows.net/share/model",
        "pvc://claim",
        "pvc://claim/models/iris",
        "hf://owner/model",
        "hf://owner/model:main",
        "oci://ghcr.io/team/model:1.0",
        "gs://bucket/modèle/모델",
        "gs://bucket/" + "a" * 100_000,
    ],
    "python_version": ["3.12", "3.13"],
    "ci": ["none"],
}

#: Answers that look as if they would work, each with the suggestion that they get, if one can be made.
REFUSED: dict[str, list[tuple[str, str | None]]] = {
    "framework_nm": [
        ("Scikit-Learn", "scikitlearn"),
        ("my framework", "myframework"),
        ("my_framework", "myframework"),
        ("../escape", "escape"),
        ("/", None),
        ("1st", None),
        ("_private", "private"),
        ("a__b", "ab"),
        ("a" * 36, "a" * 35),
        ("con", None),
        ("lpt1", None),
    ],
    "serving_sdk": [("KServe", "kserve"), ("kserve 0.21", "kserve"), ("mlserver", None)],
    "model_name": [
        ("My Model", "my-model"),
        ("my_model", "my-model"),
        ("Modèle d'été", "modele-d-ete"),
        ("0001", "model-0001"),
        ("-a", "a"),
        ("a-", "a"),
        ("a.b", "a-b"),
        ("모델", None),
        ("---", None),
        ("a" * 42, "a" * 41),
        ("a" * 40 + "-b", "a" * 40),
        ("model\n", "model"),
        (" model", "model"),
    ],
    "namespace": [
        ("My_Team", "my-team"),
        ("team.a", "team-a"),
        ("-a-", "a"),
        ("a\tb", "a-b"),
        ("!", None),
    ],
    "image_registry": [
        ("https://gcr.io/team", "gcr.io/team"),
        ("https://gcr.io/Team/", "gcr.io/team"),
        ("gcr.io/team/", "gcr.io/team"),
        ("/team", "team"),
        ("gcr.io//team", "gcr.io/team"),
        ("gcr.io/team:1.0", "gcr.io/team"),
        ("gcr.io/team@sha256:abc", "gcr.io/team"),
        ("myname:latest", "myname"),
        ("MyName", "myname"),
        ("gcr.io/My Team", "gcr.io/my-team"),
        ("gcr.io/-team", "gcr.io/team"),
        ("a..b/c", None),
        ("gcr.io/a___b", None),
        ("gcr.io/a..b", None),
        ("-host.io/a", None),
        ("localhost:0", None),
        ("localhost:65536", None),
        ("localhost:" + "9" * 5000, None),
        ("localhost:", "localhost"),
        ("gcr.io/team ", "gcr.io/team"),
    ],
    "image_tag": [
        ("v 1", "v-1"),
        (":1.0", "1.0"),
        ("1.0+cu118", "1.0-cu118"),
        (".1", "1"),
        ("-1", "1"),
        ("a/b", "a-b"),
        ("A" * 123, "A" * 122),
        ("A" * 121 + "-b", "A" * 121),
        ("1.0\r", "1.0"),
        ("-", None),
        ("٣", None),
    ],
    "storage_uri": [
        ("my-bucket/models", None),
        ("gs://", None),
        ("gs:///models", "gs://models"),
        ("gs:/bucket/models", "gs://bucket/models"),
        ("GS://bucket", "gs://bucket"),
        ("s3a://bucket/models", "s3://bucket/models"),
        ("gcs://bucket/models", "gs://bucket/models"),
        ("'gs://bucket/models'", "gs://bucket/models"),
        (" gs://bucket/models\n", "gs://bucket/models"),
        ("gs://bucket/my models", None),
        ("gs://bucket/\N{NO-BREAK SPACE}", None),
        ("gs://bucket/\N{RIGHT-TO-LEFT OVERRIDE}a", None),
        ("gs://bucket/\x1b[2J", None),
        ("gs://bucket/\x00", None),
        ('gs://bucket/"a"', None),
        ("gs://bucket/`a`", None),
        ("gs://bucket/$(HOME)", None),
        ("gs://bucket/a\\b", None),
        ("pvc://", None),
        ("pvc:///models", "pvc://models"),
        ("https://example.com", None),
        ("https://example.com/", None),
        ("http://example.com", None),
        ("s3a://bucket/" + "a" * 300, None),
        ("hf://model", None),
        ("hf://owner/", None),
        ("ftp://example.com/model", None),
        ("file:///models", None),
        ("/mnt/models", None),
        ("./example_models/0001", None),
        ("~/models", None),
        (r"C:\models", None),
        ("abfss://box@account.dfs.core.windows.net/iris", "https://account.blob.core.windows.net/box/iris"),
        ("azure://box/iris", None),
    ],
    "python_version": [
        ("3", None),
        ("3.11.4", "3.11"),
        ("python3.11", "3.11"),
        ("2.7", None),
        ("3.11\n", "3.11"),
    ],
    "ci": [("GitHub Actions", "github"), ("None", "none"), ("gitlab", None)],
}

#: Answers that try to become code somewhere, or to break what shows them.
HOSTILE = [
    '"',
    '"""',
    '""" + __import__("os").system("touch pwned") + r"""',
    '\\"""\nimport os; os.system("touch pwned")\n"""',
    "'''",
    "\\",
    "\\\\",
    'a\\"""',
    r"\u0022\u0022\u0022",
    "{{ 1/0 }}",
    "{{ cookiecutter.__class__ }}",
    "{% raw %}",
    "{# comment",
    "%}}}",
    "$(touch pwned)",
    "gs://bucket/$(touch${IFS}pwned)",
    "`touch pwned`",
    "; rm -rf .",
    "test; touch pwned",
    "test && touch pwned",
    "../../pwned",
    "a\nnamespace: kube-system",
    "a\r\nb",
    "\x00",
    "\x1b]0;title\x07",
    "\N{RIGHT-TO-LEFT OVERRIDE}abc",
    "\N{LINE SEPARATOR}",
    "\ud800",
    "모델",
    "\N{PILE OF POO}",
    "a" * 300_000,
    "-" * 300_000,
    "a-" * 150_000,
    '"\\' * 1_000,
]


def _load() -> ModuleType:
    """Import the hook as it is, before cookiecutter renders it."""
    spec = importlib.util.spec_from_file_location("pre_gen_project", HOOK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hook = _load()


def problems(**changes: object) -> list[str]:
    """Ask the hook about the good answers with some of them changed."""
    return list(hook.problems({**TABLES, **GOOD, **changes}))


def _good() -> list[tuple[str, str]]:
    return [(question, answer) for question, answers in ACCEPTED.items() for answer in answers]


def _bad() -> list[tuple[str, str, str | None]]:
    return [(question, *row) for question, rows in REFUSED.items() for row in rows]


def _name(value: object) -> str:
    return ascii(value)[:40]


# --- As functions.


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_defaults(framework: str) -> None:
    """Who answers with Enter only is never refused."""
    assert problems(framework_nm=framework, model_name=f"{framework}server-test") == []


@pytest.mark.parametrize(("question", "answer"), _good(), ids=_name)
def test_accepted(question: str, answer: str) -> None:
    """An answer that works is taken, unusual as it may be."""
    assert problems(**{question: answer}) == []


@pytest.mark.parametrize(("question", "answer", "suggestion"), _bad(), ids=_name)
def test_refused(question: str, answer: str, suggestion: str | None) -> None:
    """An answer that cannot work is refused by its question's name, in sentences, with a way out."""
    (problem,) = problems(**{question: answer})
    assert problem.startswith(f"{question} ")
    assert problem.isprintable()
    assert problem[-1] in '."'
    if suggestion is None:
        assert " Try " not in problem
    else:
        assert problem.endswith(f' Try "{suggestion}".')
        assert problems(**{question: suggestion}) == []


@pytest.mark.parametrize("question", GOOD)
@pytest.mark.parametrize("answer", ["", None, True, 3.11, [], {"a": 1}], ids=_name)
def test_no_text(question: str, answer: object) -> None:
    """An empty answer, or one that a configuration file gives another type, is refused, not stumbled over."""
    (problem,) = problems(**{question: answer})
    assert problem.startswith(f"{question} ")
    assert "It is empty." in problem if answer in ("", None) else "It is not text." in problem


@pytest.mark.parametrize("question", GOOD)
def test_unanswered(question: str) -> None:
    """A question that was lost on the way counts as empty."""
    answers = {key: answer for key, answer in {**TABLES, **GOOD}.items() if key != question}
    (problem,) = hook.problems(answers)
    assert problem.startswith(f'{question} "": It is empty.')


def corrected(**changes: object) -> dict[str, str]:
    """The answers in the command line that a refusal offers."""
    command = hook.command_line({**TABLES, **GOOD, **changes}, False).replace("\\\n", "")
    first, template, option, *words = shlex.split(command)
    assert [first, template, option] == ["cookiecutter", "THE-TEMPLATE", "--no-input"]
    return dict(word.split("=", 1) for word in words)


@pytest.mark.parametrize(("question", "answer", "suggestion"), _bad(), ids=_name)
def test_the_corrected_command_line_is_printed(question: str, answer: str, suggestion: str | None) -> None:
    """With the suggestion, and "..." where none can be made: typed as it is, that is refused."""
    typed = corrected(**{question: answer})
    assert typed[question] == (suggestion or "...")
    if suggestion is None:
        assert problems(**typed) != []
    else:
        assert problems(**typed) == []


def test_what_is_corrected_goes_together() -> None:
    """An SDK whose name was misspelt has another Python, too; and names that are too long together are shortened."""
    assert corrected(serving_sdk="KFServing")["python_version"] == "3.8"
    for answers in ({"serving_sdk": "KFServing"}, {"model_name": "M" * 50, "namespace": "n" * 30}):
        assert problems(**corrected(**answers)) == []
    assert corrected(storage_uri="gs://bucket/" + "a" * 5000)["storage_uri"] == "..."
    assert corrected(framework_nm="", image_tag=None, namespace=3) == {
        **GOOD,
        "framework_nm": "...",
        "image_tag": "...",
        "namespace": "...",
    }


def test_all_at_once() -> None:
    """Every problem is in the one message, in the order of the questions, with what was answered."""
    bad = {question: rows[0][0] for question, rows in REFUSED.items()}
    found = problems(**bad)
    assert [problem.split(" ")[0] for problem in found] == list(GOOD)
    text = hook.message(found, COMMAND)
    assert "9 answers cannot work, so nothing was generated" in text
    for question, answer in bad.items():
        assert f'  {question} "{answer}": ' in text


def test_wording() -> None:
    """The message is for a data scientist: the question, the answer, the rule and a way out."""
    assert problems(model_name="My Model") == [
        'model_name "My Model": Kubernetes allows lower-case letters, digits and "-" in a name, starting '
        'with a letter and ending with a letter or digit. Try "my-model".'
    ]
    assert "One answer cannot work" in hook.message(problems(model_name="My Model"), COMMAND)


def test_line_break_is_named() -> None:
    """A line break is called one, and shown as \\n instead of breaking the message."""
    (problem,) = problems(namespace="a\nb")
    assert problem.startswith(r"namespace 'a\nb': It contains a line break")


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("gcr.io/team:1.0", "image_tag"),
        ("https://gcr.io", "https://"),
        ("gcr.io/", "at the end"),
        ("localhost:70000", "port"),
        ("gcr.io/Team", "lower-case"),
    ],
)
def test_registry_says_which_part(answer: str, rule: str) -> None:
    """A message about a registry names the part that is wrong."""
    assert rule in problems(image_registry=answer)[0].partition(": ")[2]


def test_no_store_is_on_your_machine() -> None:
    """Who answers with a local folder learns that the cluster cannot reach it."""
    assert "your own machine" in problems(storage_uri="/home/me/models")[0]


def test_whole_image_name() -> None:
    """The image's name has at most 255 characters, the framework's part included."""
    longest = "a" * (255 - len("/sklearnserver"))
    assert problems(image_registry=longest) == []
    (problem,) = problems(image_registry=longest + "a")
    assert "would have 256 characters" in problem
    # With a longer framework the same registry is too long.
    assert problems(image_registry=longest, framework_nm="xgboost1") != []


def test_a_python_that_the_sdk_does_not_run_on_is_refused_with_one_that_it_does() -> None:
    assert problems(serving_sdk="kfserving", python_version="3.8") == []
    assert problems(serving_sdk="kfserving") == [
        'python_version "3.11": KFServing with sklearn runs on 3.8, 3.9. Try "3.8".'
    ]
    (problem,) = problems(python_version="3.9")
    assert problem.endswith('runs on 3.11, 3.12, 3.13. Try "3.11".')
    (problem,) = problems(framework_nm="tensorflow", serving_sdk="kfserving", python_version="3.8")
    assert problem.endswith('KFServing with tensorflow runs on 3.9. Try "3.9".')


def test_a_framework_without_versions_beside_the_sdk_is_refused_with_those_that_have_some() -> None:
    rows = {"sklearn": {"kfserving": {"serve": []}}, "new": {"kfserving": None}}
    assert problems(_frameworks=rows, framework_nm="new") == []
    (problem,) = problems(_frameworks=rows, framework_nm="new", serving_sdk="kfserving", python_version="3.8")
    beside = "It has no versions that run beside KFServing. Choose one of sklearn, or another serving_sdk."
    assert problem == f'framework_nm "new": {beside}'


#: The longest model's name that goes with a namespace of this length: KServe joins both in one part of a host's name,
#: puts the model's into a label, and Kubernetes allows 63 characters in either. KFServing joins nothing.
LONGEST = {
    "kserve": {1: 41, 4: 41, 5: 40, 22: 23, 44: 1},
    "kfserving": {1: 45, 63: 45},
}


@pytest.mark.parametrize(("sdk", "namespace"), [(sdk, length) for sdk in LONGEST for length in LONGEST[sdk]])
def test_names_are_as_long_together_as_the_cluster_takes(sdk: str, namespace: int) -> None:
    longest = LONGEST[sdk][namespace]
    answers = {"serving_sdk": sdk, "python_version": TABLES["_sdks"][sdk]["pythons"][0], "namespace": "n" * namespace}
    assert problems(**answers, model_name="m" * longest) == []
    (problem,) = problems(**answers, model_name="m" * (longest + 1))
    assert problem.startswith("model_name ")


def test_names_that_are_too_long_together_are_refused_with_a_way_to_answer() -> None:
    """By both answers, their lengths, the limit, and a name that would do: the model's, if it says enough."""
    model, namespace = "customer-churn-by-region-and-plan", "data-science-platform1"
    (problem,) = problems(model_name=model, namespace=namespace)
    assert problem == (
        f'model_name "{model}", namespace "{namespace}": They have 33 and 22 characters. KServe makes the name '
        "<model_name>-canary-predictor-<namespace> of both, and Kubernetes allows 63 in all: use at most 45 together. "
        'Try "customer-churn-by-regio" as model_name.'
    )
    assert problems(model_name="customer-churn-by-regio", namespace=namespace) == []
    (problem,) = problems(model_name="churn", namespace="n" * 63)
    assert problem.endswith(f'use at most 45 together. Try "{"n" * 40}" as namespace.')
    assert problems(model_name="churn", namespace="n" * 40) == []
    (problem,) = problems(model_name="m" * 38, namespace="n" * 38)
    assert problem.endswith("use at most 45 together.")


def test_answers_that_do_not_go_together_are_refused_beside_those_that_are_wrong_by_themselves() -> None:
    """One message says all, so that nobody is sent away twice."""
    found = problems(image_tag="not a tag", python_version="3.8", model_name="m" * 42)
    assert [problem.split(" ")[0] for problem in found] == ["image_tag", "python_version", "model_name"]


def test_long_answers_stay_readable() -> None:
    """An answer of any length is shown by its beginning and its length."""
    (problem,) = problems(model_name="A" * 5000)
    assert "(5000 characters)" in problem
    assert len(problem) < 500


@pytest.mark.parametrize("answer", HOSTILE, ids=_name)
def test_hostile_answers_are_only_text(answer: str) -> None:
    """Whatever is answered, to all questions at once, is named in a message of a sane size, and soon."""
    start = time.perf_counter()
    found = problems(**dict.fromkeys(GOOD, answer))
    assert time.perf_counter() - start < 2
    assert all(problem.isprintable() and len(problem) < 900 for problem in found)
    assert found


# --- As data: what cookiecutter renders into the hook.


def _render(answers: dict[str, object]) -> str:
    context = {"cookiecutter": answers}
    source = HOOK.read_text(encoding="utf-8")
    return str(create_env_with_context(context).from_string(source).render(**context))


def _answers_of(source: str) -> object:
    """Read the answers out of a rendered hook without running it."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ANSWERS":
            # A string and nothing else: a call or a sum here would be an answer that became code.
            assert isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
            return json.loads(node.value.value)
    raise AssertionError("The hook has no ANSWERS.")


def test_hook_has_one_place_for_answers() -> None:
    """Answers enter the hook in one place, and only there is the hook a template."""
    before, after = HOOK.read_text(encoding="utf-8").split("{{ cookiecutter | jsonify }}")
    for part in (before, after):
        assert not any(mark in part for mark in ("{{", "}}", "{%", "%}", "{#", "#}"))


@pytest.mark.parametrize("answer", HOSTILE, ids=_name)
def test_answers_arrive_as_they_were_typed(answer: str) -> None:
    """An answer, a key, and a private table hold any text, and the hook reads that very text."""
    answers: dict[str, object] = {
        **GOOD,
        "namespace": answer,
        "_frameworks": {answer: {"serve": [answer, "", {}]}},
    }
    assert _answers_of(_render(answers)) == answers


def test_no_answer_becomes_code() -> None:
    """No mixture of quotes, backslashes, braces and line breaks gets out of the answers' string."""
    pieces = [*"\"'\\\n\r\0aé", '"""', "'''", "\\\\", "{{", "}}", "{%", "%}", "{#", "#}"]
    draw = random.Random(20240101)
    texts = ["".join(draw.choices(pieces, k=draw.randrange(12))) for _ in range(5_000)]
    answers: dict[str, object] = {str(n): text for n, text in enumerate(texts)}
    rendered = _render(answers)
    assert _answers_of(rendered) == answers
    # All else in the file is as it was.
    before, after = HOOK.read_text(encoding="utf-8").split("{{ cookiecutter | jsonify }}")
    assert rendered == before + json.dumps(answers, sort_keys=True, indent=4) + after


# --- Inside cookiecutter.


class Kitchen:
    """A template with this hook, and places to look at after a bake."""

    def __init__(self, room: Path) -> None:
        self.template = room / "template"
        self.output = room / "output"
        self.elsewhere = room / "elsewhere"
        self.config = room / "config.yaml"
        self.room = room
        project = self.template / "{{cookiecutter.framework_nm}}"
        for folder in (project, self.template / "hooks", self.output, self.elsewhere, room / "tmp"):
            folder.mkdir(parents=True)
        shutil.copy(HOOK, self.template / "hooks")
        questions = {
            "_frameworks": {"sklearn": {"serve": ['a"""b\\']}, "xgboost": {"serve": []}},
            "_sdks": TABLES["_sdks"],
            "_places": TABLES["_places"],
            "framework_nm": ["sklearn", "xgboost"],
            "serving_sdk": ["kserve", "kfserving"],
            **{question: GOOD[question] for question in FREE},
            "model_name": "{{cookiecutter.framework_nm}}server-test",
            "ci": ["github", "none"],
        }
        (self.template / "cookiecutter.json").write_text(json.dumps(questions), encoding="utf-8")
        (project / "answers.json").write_text("{{ cookiecutter | jsonify }}", encoding="utf-8")
        # JSON is YAML. Without it cookiecutter would write to the home folder.
        folders = {"replay_dir": str(room / "replay"), "cookiecutters_dir": str(room / "cookiecutters")}
        self.config.write_text(json.dumps(folders), encoding="utf-8")

    def bake(self, answers: dict[str, str], overwrite: bool = False) -> dict[str, object]:
        """Generate with these answers, taken as plain text, and read what a generated file says of them."""
        return self.compute({q: "{{ " + ascii(answer) + " }}" for q, answer in answers.items()}, overwrite)

    def compute(self, answers: dict[str, str], overwrite: bool = False) -> dict[str, object]:
        """Generate with these answers as the command line takes them: cookiecutter renders them first."""
        project = cookiecutter(
            str(self.template),
            no_input=True,
            extra_context=answers,
            output_dir=str(self.output),
            config_file=str(self.config),
            overwrite_if_exists=overwrite,
        )
        loaded: dict[str, object] = json.loads((Path(project) / "answers.json").read_text(encoding="utf-8"))
        return loaded

    def ask(self, *lines: str) -> "subprocess.CompletedProcess[str]":
        """Answer the questions as a user does, at the prompt."""
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "cookiecutter",
                self.template,
                "-o",
                self.output,
                "--config-file",
                self.config,
            ],
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
            cwd=self.elsewhere,
            env={**os.environ, "TMPDIR": str(self.room / "tmp"), "PYTHONUTF8": "1", "NO_COLOR": "1"},
        )

    def nothing_left(self) -> bool:
        """Tell whether a refused bake left no project, and no answer ran."""
        return not list(self.output.iterdir()) and self.nothing_ran()

    def nothing_ran(self) -> bool:
        """Tell whether no answer was run as code."""
        return not list(self.room.rglob("*pwned*")) and not list(self.elsewhere.iterdir())


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    """A fresh template, with the process in an empty folder and temporary files where they can be seen."""
    room = Kitchen(tmp_path)
    monkeypatch.chdir(room.elsewhere)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return room


def test_good_answers_generate(kitchen: Kitchen, capfd: pytest.CaptureFixture[str]) -> None:
    """With good answers the hook says nothing and stays out of the way."""
    made = kitchen.compute({"framework_nm": "xgboost", "namespace": "team-a"})
    assert made["model_name"] == "xgboostserver-test"
    assert made["namespace"] == "team-a"
    assert capfd.readouterr() == ("", "")


def test_refusal_leaves_nothing(kitchen: Kitchen, capfd: pytest.CaptureFixture[str]) -> None:
    """Refused answers are all in one message on stderr, and no folder is left behind."""
    with pytest.raises(FailedHookException):
        kitchen.bake({"model_name": "My Model", "namespace": "My Team", "storage_uri": "/mnt/models"})
    out, err = capfd.readouterr()
    assert out == ""
    assert "3 answers cannot work" in err
    for part in ('model_name "My Model"', 'Try "my-team".', 'storage_uri "/mnt/models"'):
        assert part in err
    assert kitchen.nothing_left()


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_command_line_of_a_refusal_generates(kitchen: Kitchen, overwrite: bool) -> None:
    """Typed as it is printed, where it was printed: into the same folder, over the same project."""
    config = ["--config-file", str(kitchen.config)]
    if overwrite:
        kitchen.bake({"model_name": "first"})
    options = ["--no-input", "-o", str(kitchen.output), *(["-f"] if overwrite else []), "image_tag=not a tag"]
    command = [sys.executable, "-m", "cookiecutter", *config, str(kitchen.template), *options, "model_name=My Model"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    printed = refused.stderr.split("Run cookiecutter again:\n\n")[1].split("\n\n")[0]
    words = shlex.split(printed.replace("\\\n", ""))
    subprocess.run([sys.executable, "-m", *words, *config], check=True)
    answers = json.loads((kitchen.output / "sklearn" / "answers.json").read_text())
    assert (answers["image_tag"], answers["model_name"]) == ("not-a-tag", "my-model")


def test_refusal_keeps_your_project(kitchen: Kitchen) -> None:
    """Generating over a project that exists changes nothing in it when an answer is refused."""
    kitchen.bake({})
    project = kitchen.output / "sklearn"
    (project / "answers.json").write_text("edited", encoding="utf-8")
    (project / "mine.py").write_text("mine", encoding="utf-8")
    with pytest.raises(FailedHookException):
        kitchen.bake({"image_tag": "not a tag"}, overwrite=True)
    assert (project / "answers.json").read_text(encoding="utf-8") == "edited"
    assert (project / "mine.py").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("answer", HOSTILE, ids=_name)
def test_hostile_answers_everywhere(kitchen: Kitchen, capfd: pytest.CaptureFixture[str], answer: str) -> None:
    """A hostile answer to every question is refused without a traceback, a trace on disk or anything run."""
    with pytest.raises(FailedHookException):
        kitchen.bake(dict.fromkeys(FREE, answer))
    out, err = capfd.readouterr()
    assert out == ""
    assert "cannot work, so nothing was generated" in err
    assert "Traceback" not in err
    assert kitchen.nothing_left()


@pytest.mark.parametrize(
    "answer",
    [
        "gs://bucket/모델",
        "gs://bucket/\N{PILE OF POO}",
        "gs://bucket/;touch&&pwned#",
        "gs://bucket/../../%0A%22",
        "gs://bucket/!important:*&a",
        "gs://bucket/" + "a" * 50_000,
    ],
    ids=_name,
)
def test_odd_addresses_are_data(kitchen: Kitchen, capfd: pytest.CaptureFixture[str], answer: str) -> None:
    """An odd address that a store may well have is taken as it is, and run nowhere."""
    assert kitchen.bake({"storage_uri": answer})["storage_uri"] == answer
    assert capfd.readouterr() == ("", "")
    assert kitchen.nothing_ran()


def test_at_the_prompt(kitchen: Kitchen) -> None:
    """What is typed at the prompt is text, Jinja included: the message shows it, and nothing is left."""
    done = kitchen.ask("1", "1", "{{ 1/0 }}", "{% raw %}", '"""', "$(touch pwned)", "`touch pwned`", "", "")
    assert done.returncode != 0
    for question, shown in [
        ("model_name", '"{{ 1/0 }}"'),
        ("namespace", '"{% raw %}"'),
        ("image_registry", '\'"""\''),
        ("image_tag", '"$(touch pwned)"'),
        ("storage_uri", '"`touch pwned`"'),
    ]:
        assert f"  {question} {shown}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert kitchen.nothing_left()


def test_enter_at_every_prompt(kitchen: Kitchen) -> None:
    """Pressing Enter at every question generates."""
    done = kitchen.ask(*[""] * len(GOOD))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (kitchen.output / "sklearn" / "answers.json").is_file()


def test_jinja_given_on_the_command_line(kitchen: Kitchen) -> None:
    """Cookiecutter itself computes expressions given on the command line; what comes out is checked."""
    with pytest.raises(FailedHookException):
        kitchen.compute({"namespace": "{{ 'NO' * 2 }}"})
    # An expression that fails never reaches the hook; it leaves nothing either.
    with pytest.raises(ZeroDivisionError):
        kitchen.compute({"namespace": "{{ 1/0 }}"})
    assert kitchen.nothing_left()


@pytest.mark.slow
def test_a_cookiecutter_that_is_too_old_is_one_sentence(tmp_path: Path) -> None:
    """Cookiecutter 1.7 hands on variables unrendered. It runs on Pythons up to 3.9."""
    python = find_python("3.9") or needed_python("3.8")
    old = ["uv", "tool", "run", "--quiet", "--python", python, "cookiecutter==1.7.3"]
    command = [*old, str(TEMPLATE), "--no-input", "--default-config"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode != 0 and not list(tmp_path.iterdir())
    assert "This cookiecutter is too old for this template, which needs 2.1 or newer: " in run.stderr
    assert "python_version" not in run.stdout + run.stderr
