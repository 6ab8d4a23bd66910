"""The gallery: a project of each pair of framework and SDK, generated while the site is built."""

from __future__ import annotations

import html
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parents[2]
QUESTIONS: dict[str, Any] = json.loads((TEMPLATE / "cookiecutter.json").read_text())
FRAMEWORKS: dict[str, Any] = QUESTIONS["_frameworks"]
SDKS: dict[str, Any] = QUESTIONS["_sdks"]
PAIRS = [(framework, sdk) for framework in FRAMEWORKS for sdk in SDKS if FRAMEWORKS[framework].get(sdk, True)]
#: What is shown on a pair's page, below its tree; the other files are links.
SHOWN = {
    "{fw}server/trainer/model.py": "python",
    "{fw}server/trainer/preprocessor.py": "python",
    "{fw}server/trainer/postprocessor.py": "python",
    "{fw}server.yaml": "yaml",
    "{fw}.Dockerfile": "dockerfile",
}
UNSEARCHED = "---\nsearch:\n  exclude: true\n---\n\n"


def bake(folder: Path) -> dict[tuple[str, str], Path]:
    """Generate a project of each pair in `folder`. Raises CalledProcessError where the template refuses."""

    def one(pair: tuple[str, str]) -> Path:
        framework, sdk = pair
        output = folder / sdk
        answers = [f"framework_nm={framework}", f"serving_sdk={sdk}"]
        command = [
            sys.executable,
            "-m",
            "cookiecutter",
            "--no-input",
            "--output-dir",
            str(output),
            str(TEMPLATE),
            *answers,
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return output / framework

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(PAIRS, pool.map(one, PAIRS)))


def title(framework: str, sdk: str) -> str:
    return f"{FRAMEWORKS[framework]['title']} on {SDKS[sdk]['title']}"


def pages(projects: dict[tuple[str, str], Path]) -> Iterator[tuple[str, str]]:
    """Names and texts of the gallery's pages, and of the files that they link to."""
    yield "gallery/index.md", _index()
    engines = []
    for sdk in SDKS:
        project = projects["sklearn", sdk]
        engine = project / f"{project.name}server" / "_engine"
        yield from _copies(engine, f"engine-{sdk}")
        engines.append(f"## For {SDKS[sdk]['title']}\n\n{_tree(engine, f'engine-{sdk}', '_engine')}")
    yield (
        "gallery/engine.md",
        "\n\n".join([f"{UNSEARCHED}# The engine", "The same in every project of an SDK.", *engines]),
    )
    for (framework, sdk), project in projects.items():
        yield f"gallery/{framework}-{sdk}.md", _page(framework, sdk, project)
        yield from _copies(project, f"{framework}-{sdk}")


def _index() -> str:
    rows = "\n".join(
        f"| {FRAMEWORKS[framework]['title']} | "
        + " | ".join(f"[{framework}-{sdk}]({framework}-{sdk}.md)" if (framework, sdk) in PAIRS else "" for sdk in SDKS)
        + " |"
        for framework in FRAMEWORKS
    )
    names = [SDKS[sdk]["title"] for sdk in SDKS]
    return (
        "# Gallery\n\nWhat the template generates, for each framework and SDK, with the default answers. "
        "These projects were generated when this site was built.\n\n"
        f"| framework | {' | '.join(names)} |\n|---|{'---|' * len(names)}\n{rows}\n\n"
        "[The engine](engine.md) is the same in all projects of an SDK.\n"
    )


def _page(framework: str, sdk: str, project: Path) -> str:
    row = {**FRAMEWORKS[framework], **(FRAMEWORKS[framework].get(sdk) or {})}
    pythons = row.get("pythons", SDKS[sdk]["pythons"])
    command = f'cookiecutter "$TEMPLATE" --no-input framework_nm={framework} serving_sdk={sdk}'
    parts = [
        f"{UNSEARCHED}# {title(framework, sdk)}",
        f"```bash\n{command}\n```",
        f"Python {', '.join(pythons)}; {SDKS[sdk]['protocols']}; the weights are `{row['weights']}`.",
        "## Files",
        _tree(project, f"{framework}-{sdk}", project.name),
    ]
    for name, language in SHOWN.items():
        name = name.format(fw=framework)
        parts.append(f"## {name}\n\n````{language}\n{(project / name).read_text()}````")
    return "\n\n".join(parts) + "\n"


def _files(folder: Path) -> Iterator[Path]:
    """What is generated in a folder, in the order in which it is shown: folders come last."""
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.name != "__pycache__":
            yield path


def _text(path: Path) -> str | None:
    """What is in a file, without where this machine keeps the template; None where it is not text."""
    content = path.read_bytes()
    try:
        return None if b"\0" in content else content.decode().replace(str(TEMPLATE), "gh:org/kfserving-template")
    except UnicodeDecodeError:
        return None


def _copies(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    """The files of a project, to be read in a browser, which shows text by that ending alone."""
    for path in _files(folder):
        if path.is_dir():
            yield from () if path.name == "_engine" else _copies(path, f"{name}/{path.name}")
        elif (text := _text(path)) is not None:
            yield f"gallery/files/{name}/{path.name}.txt", text


def _tree(folder: Path, name: str, shown: str) -> str:
    return f"<pre>{shown}\n{''.join(_branches(folder, name, ''))}</pre>"


def _branches(folder: Path, name: str, indent: str) -> Iterator[str]:
    found = list(_files(folder))
    for path in found:
        last = path == found[-1]
        shown = html.escape(path.name)
        if path.name == "_engine":
            shown = f'<a href="../engine/">{shown}</a>'
        elif path.is_file() and _text(path) is not None:
            shown = f'<a href="../files/{name}/{path.name}.txt">{shown}</a>'
        yield f"{indent}{'└── ' if last else '├── '}{shown}\n"
        if path.is_dir() and path.name != "_engine":
            yield from _branches(path, f"{name}/{path.name}", indent + ("    " if last else "│   "))
