"""The benchmark of scoring: install, train, score one table in each way in turns, write into docs/scoring.md."""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from ..environments import TOOLS, Environment, Tools, run
from ..paths import CACHE, HERE, TEMPLATE, make_cache
from ..projects import MODELS, Model, Project, Trained

PAGE = TEMPLATE / "docs" / "scoring.md"
BEGIN, END = "<!-- Written by `make bench-scoring`. -->\n", "<!-- So far. -->\n"
PEERS = HERE / "scoring" / "peers.py"
MLFLOW = "mlflow==3.17.2"

HEAD = """
{rows:,} rows of 30 columns in a CSV file, {cores} cores, whole commands from start to end: seconds, then those of all
cores together, medians of {rounds} rounds in turns, and in brackets how many times the first ({date}). `predict` on the
frame is a script that reads the file with pandas, calls `MyModel.predict` once, on the same runtime, and writes the
answers.

"""


@dataclass(frozen=True)
class Way:
    """A command that scores a table, and where its answers go."""

    title: str
    command: list[str | Path]
    output: Path

    def seconds(self) -> tuple[float, float]:
        """Score the table once; returns how long that took, and how long on all cores together."""
        self.output.unlink(missing_ok=True)
        began, used = time.monotonic(), _used()
        run(self.command)
        return time.monotonic() - began, _used() - used


def main() -> None:
    """Measure one model after another."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring", description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000, help="rows of the table")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way is measured")
    arguments = parser.parse_args()
    make_cache()
    Tools().install(TOOLS)
    trained = [_train(model) for model in MODELS if model.key in ("linear", "xgboost")]
    mlflow = Environment("mlflow")
    pins = [one.project.pin(name) for one in trained for name in ("scikit-learn", "xgboost-cpu", "numpy", "pandas")]
    mlflow.install((MLFLOW, *sorted({pin for pin in pins if pin})))
    lines = ["| | " + " | ".join(one.model.title for one in trained) + " |", "| --- " * (len(trained) + 1) + "|"]
    columns = [_measure(one.model.key, _ways(one, mlflow, arguments.rows), arguments.rounds) for one in trained]
    lines += [f"| {title} | " + " | ".join(column[title] for column in columns) + " |" for title in columns[0]]
    facts = {"date": time.strftime("%Y-%m-%d"), "cores": len(os.sched_getaffinity(0))}
    _write(HEAD.format(rows=arguments.rows, rounds=arguments.rounds, **facts) + "\n".join(lines) + "\n\n")


def _train(model: Model) -> Trained:
    project = Project(model.framework)
    project.bake()
    project.install()
    return project.train(model)


def _ways(trained: Trained, mlflow: Environment, rows: int) -> list[Way]:
    """The ways to score a table of so many rows, which is written, as is what MLflow serves."""
    folder = CACHE / "scoring" / trained.model.key
    folder.mkdir(parents=True, exist_ok=True)
    table, saved = folder / "table.csv", folder / "mlflow"
    ours, package = trained.project.environment.python, trained.project.package
    run([ours, PEERS, "table", table, str(rows)])
    run([mlflow.python, PEERS, "save", trained.weights, saved])
    scores, frame, predictions = folder / "scores.csv", folder / "frame.csv", folder / "predictions.json"
    score: list[str | Path] = [ours, "-m", f"{package}.score", table, scores, "--model", trained.directory]
    files: list[str | Path] = ["--model-uri", saved, "--input-path", table, "--output-path", predictions]
    predict: list[str | Path] = [mlflow.bin("mlflow"), "models", "predict", "--env-manager", "local"]
    return [
        Way("`score`", score, scores),
        Way("`score --workers 1`", [*score, "--workers", "1"], scores),
        Way("`predict` on the frame", [ours, PEERS, "frame", package, trained.directory, table, frame], frame),
        Way("`mlflow models predict`", [*predict, "--content-type", "csv", *files], predictions),
    ]


def _measure(key: str, ways: list[Way], rounds: int) -> dict[str, str]:
    """What is said of each way: its seconds and those of all cores, and how many times those of the first."""
    found: dict[str, list[tuple[float, float]]] = {way.title: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            found[way.title].append(way.seconds())
            print(key, way.title, *(f"{seconds:.1f} s" for seconds in found[way.title][-1]), flush=True)
    medians = {title: [statistics.median(kind) for kind in zip(*times)] for title, times in found.items()}
    first = medians[ways[0].title]
    return {
        title: ", ".join(f"{one:.1f} s ({one / other:.1f})" for one, other in zip(times, first))
        for title, times in medians.items()
    }


def _used() -> float:
    """Seconds that processes which have ended were on a core."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _write(text: str) -> None:
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + rest.split(END)[1])
    print(text)
    print(f"written: {PAGE.parent.name}/{PAGE.name}")


if __name__ == "__main__":
    main()
