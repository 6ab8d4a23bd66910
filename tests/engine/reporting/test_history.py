"""Promises of the commands that look at versions: all are listed, and what differs between two is shown."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from _engine.artifact import metadata
from _engine.artifact.metadata import Metadata
from _engine.artifact.provenance import Data, Provenance
from _engine.contract.dates import Dates
from _engine.contract.signature import Column, Tensor
from _engine.reporting.__main__ import main


def model(**changes: object) -> Metadata:
    made = Provenance(
        time="2026-01-02T03:04:05Z",
        hyperparameters={"depth": 3, "rounds": 100},
        settings={"target": "churned", "folds": None, "extras_seconds": 20, "min_count": 10},
        data=Data("customers.csv", "ab" * 32, 1200, 2),
        commit=None,
        code={},
    )
    return msgspec.structs.replace(
        Metadata(
            name="testserver",
            platform="test",
            task="classification",
            inputs=(),
            outputs=(Tensor("predict", "BYTES", (-1,)),),
            columns=(Column("age", "FP64"), Column("[red]plan", "BYTES"), Column("since", "BYTES", form=Dates())),
            labels=["leaves", "stays"],
            metrics={"accuracy": 0.75, "baseline_accuracy": 0.5},
            state={},
            compiled=None,
            versions={"python": "3.11", "test": "1.0"},
            files={},
            made=made,
        ),
        **changes,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two versions that differ in an option, a column and a metric, and a damaged one; the newest has a report."""
    first = model()
    assert first.made
    settings = {**first.made.settings, "extras_seconds": 60, "min_count": 5}
    made = msgspec.structs.replace(first.made, hyperparameters={"depth": 4, "rounds": 100}, settings=settings)
    columns = (Column("age", "FP64", nullable=True), Column("since", "BYTES", form=Dates("%d.%m.%Y", parts=("month",))))
    second = model(made=made, columns=columns, metrics={"accuracy": 0.8})
    for name, found in (("0001", first), ("0002", second)):
        (tmp_path / name).mkdir()
        metadata.write(tmp_path / name, found)
    (tmp_path / "0002" / "report.html").write_text("")
    (tmp_path / "0003").mkdir()
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """The printed cells by the first one in their line."""
    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines() if line.strip()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    return {row[0]: row[1:] for row in cells}


def test_all_versions_are_listed_with_what_differs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--dir", str(folder), "models"])
    found = lines(capsys)
    assert found["0001"] == ["2026-01-02 03:04:05", "customers.csv, 1,200 rows", "depth 3, min_count 10", "0.750"]
    assert found["0002"] == ["2026-01-02 03:04:05", "customers.csv, 1,200 rows", "depth 4, min_count 5", "0.800"]
    assert any(line.startswith("0003 cannot be read: ") for line in found)


def test_what_differs_between_two_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--dir", str(folder), "compare", "1", "0002"])
    found = lines(capsys)
    assert {name: found[name] for name in ("depth", "accuracy")} == {
        "depth": ["3", "4"],
        "accuracy": ["0.750", "0.800", "+0.050"],
    }
    assert found["column 'age'"] == ["number", "number or missing"]
    assert found["column '[red]plan'"] == ["text", "-"]
    assert found["column 'since'"] == ["date such as 2024-05-31", "date such as 31.05.2024"]
    assert not {"rounds", "target", "data", "extras_seconds"} & set(found)
    main(["--dir", str(folder), "compare", "1", "1"])
    assert capsys.readouterr().out == "0001 and 0001 do not differ in data, settings or metrics.\n"


def test_the_newest_report_is_found(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    main(["--dir", str(folder), "report"])
    assert capsys.readouterr().out == f"{folder / '0002' / 'report.html'}\n"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (["compare", "1", "7"], "has no version '7'; there is 0001, 0002, 0003"),
        (["compare", "1", "3"], "is missing"),
        (["report", "1"], "there is no report.html in version 0001"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(folder: Path, command: list[str], complaint: str) -> None:
    with pytest.raises(SystemExit, match=complaint):
        main(["--dir", str(folder), *command])
