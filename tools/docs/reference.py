"""The reference: tables of what the code says of itself, so that no page can say anything else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gallery import FRAMEWORKS, SDKS


def pages(projects: dict[tuple[str, str], Path]) -> Iterator[tuple[str, str]]:
    """Names and texts of the reference's pages."""
    kserve = _probe([project for (_, sdk), project in projects.items() if sdk == "kserve"])
    kfserving = _probe([projects["sklearn", "kfserving"]])
    yield "reference/commands.md", _commands({sdk: projects["sklearn", sdk] for sdk in SDKS})
    yield "reference/training.md", _training(kserve["training"], kserve["hyperparameters"])
    yield "reference/settings.md", _settings(kserve["server"], kfserving["server"])
    yield "reference/metrics.md", _metrics(kserve["metrics"])
    yield "reference/errors.md", _errors(kserve["errors"])
    yield "reference/versions.md", _versions()


def _probe(projects: list[Path]) -> dict[str, Any]:
    """What the projects' code says of itself. Raises CalledProcessError where it cannot be asked."""
    command = [sys.executable, "-B", str(Path(__file__).parent / "probe.py"), *map(str, projects)]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]})
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def _commands(projects: dict[str, Path]) -> str:
    targets = {
        sdk: dict(re.findall(r"^([a-z-]+):.*## (.*)$", (project / "Makefile").read_text(), re.MULTILINE))
        for sdk, project in projects.items()
    }
    names = list(dict.fromkeys(name for of in targets.values() for name in of))
    rows = []
    for name in names:
        having = [sdk for sdk in targets if name in targets[sdk]]
        only = "" if len(having) == len(targets) else f" ({SDKS[having[0]]['title']} only)"
        rows.append([f"`make {name}`", targets[having[0]][name] + only])
    return (
        f"# Commands\n\nIn a generated project; `make` lists them, too.\n\n{table(['command', 'what it does'], rows)}"
    )


def _training(common: list[dict[str, str]], hyperparameters: dict[str, list[dict[str, str]]]) -> str:
    def options(items: list[dict[str, str]]) -> str:
        head = ["option", "takes", "default", "what it is"]
        return table(head, ([f"`--{item['name']}`", item["kind"], item["default"], item["help"]] for item in items))

    parts = [
        "# Options of training",
        "Those of `python -m <package>.trainer`, and of `make train ARGS='...'`. Each is an environment variable, too: "
        "`--eval_share` is `TRAIN_EVAL_SHARE`. `--no-report` switches off what is on, as any switch.",
        "## Every framework",
        options(common),
        *(f"## {FRAMEWORKS[fw]['title']}\n\n{options(items)}" for fw, items in hyperparameters.items()),
    ]
    return "\n\n".join(parts)


def _settings(kserve: list[dict[str, str]], kfserving: list[dict[str, str]]) -> str:
    common = {item["name"] for item in kfserving}
    rows = []
    for item in kserve:
        only = "" if item["name"] in common else " (KServe only)"
        default = "" if item["default"] in ("", "0") else f"`{item['default']}`"
        rows.append([f"`--{item['name']}`", f"`{item['name'].upper()}`", default, item["help"] + only])
    return (
        "# Settings of the server\n\nEach is an option of `python -m <package>.inferencer` and an environment "
        "variable; the option wins where both are given. KServe's own options work, too: `--help` lists them.\n\n"
        + table(["option", "variable", "default", "what it is"], rows)
    )


def _metrics(metrics: list[dict[str, Any]]) -> str:
    rows = ([f"`{m['name']}`", m["kind"], ", ".join(f"`{label}`" for label in m["labels"]), m["help"]] for m in metrics)
    return (
        "# Metrics\n\nOn KServe, at `/metrics`, for Prometheus. Those of Python and of the process are there, too. "
        "A histogram has three series, `_bucket`, `_sum` and `_count`.\n\n"
        + table(["metric", "kind", "labels", "what it is"], rows)
    )


def _errors(errors: list[dict[str, Any]]) -> str:
    rows = (
        [
            f"{error['status']} {HTTPStatus(error['status']).phrase}",
            f"`{error['code']}`",
            "yes" if error["retry"] else "",
            error["help"],
        ]
        for error in errors
    )
    return (
        '# Errors\n\nOver REST the body is `{"error": message}`; over gRPC the status carries the message. '
        "It says what was wrong, where, and what was expected. "
        "Where trying again makes sense, the answer has `Retry-After`.\n\n"
        + table(["REST", "gRPC", "try again", "what happened"], rows)
    )


def _versions() -> str:
    parts = ["# Versions\n\nWhat projects pin. What else is installed is locked in `requirements.lock`, with digests."]
    for sdk, row in SDKS.items():
        rows = []
        for framework in FRAMEWORKS.values():
            pins = {"pythons": row["pythons"], **framework, **(framework.get(sdk) or {})}
            if framework.get(sdk, True):
                requirements = (
                    ", ".join(f"`{pin}`" for pin in [*pins["unlocked"], *pins["serve"]]),
                    ", ".join(f"`{pin}`" for pin in pins["train"]),
                )
                rows.append([framework["title"], *requirements, ", ".join(pins["pythons"])])
        parts.append(f"## {row['title']}\n\n" + table(["framework", "serving", "training, besides", "Python"], rows))
    return "\n\n".join(parts)
