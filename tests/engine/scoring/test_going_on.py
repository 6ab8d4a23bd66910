"""A run that ended goes on where it ended, and shards share a table: no row is scored twice, and none is left out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from _engine.scoring import sources
from scored import Told, read, records, score, write

FORMATS = ["csv", "jsonl", "parquet"]
ASKED: List[int] = []


class Counted(Told):
    """Notes how many rows it was asked for, by call."""

    def answer(self, X: Any, proba: bool) -> np.ndarray:
        ASKED.append(len(X))
        return super().answer(X, proba)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "CHUNK", 700)
    ASKED.clear()


@pytest.mark.parametrize("to", ["out", "out.csv", "out.parquet"])
@pytest.mark.parametrize("format", FORMATS)
def test_the_next_run_scores_what_the_one_before_did_not(
    tmp_path: Path, format: str, to: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = records(40)
    rows[38]["town"] = "Babel"
    file, out = write(tmp_path / f"in.{format}", rows), tmp_path / to
    monkeypatch.setenv("FAIL_AT", "Babel")
    with pytest.raises(SystemExit, match=r"the model fails on rows that fit .*TypeError: the owner's code"):
        score(tmp_path, str(file), str(out), model=Counted)
    assert not out.exists()

    monkeypatch.delenv("FAIL_AT")
    ASKED.clear()
    score(tmp_path, str(file), str(out), model=Counted)
    assert 0 < sum(ASKED) - 1 < 20  # and its own example
    assert "of them by an earlier run" in capsys.readouterr().out
    score(tmp_path, str(file), str(tmp_path / "again" / to), model=Counted)
    assert read(out)["predict"].tolist() == read(tmp_path / "again" / to)["predict"].tolist()
    assert not out.with_name(f"{to}.partial").exists()


def test_a_worker_that_is_killed_ends_the_run_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = records(40)
    rows[38]["town"] = "Babel"
    file, out = write(tmp_path / "in.csv", rows), tmp_path / "out.csv"
    monkeypatch.setenv("DIE_AT", "Babel")
    with pytest.raises(
        SystemExit, match=r"a worker was killed, or ran out of memory.*The same command goes on where this one ended"
    ):
        score(tmp_path, str(file), str(out), "--workers", "2")
    monkeypatch.delenv("DIE_AT")
    score(tmp_path, str(file), str(out))
    assert "of them by an earlier run" in capsys.readouterr().out
    assert len(read(out)) == len(rows)


@pytest.mark.parametrize("change", ["the input", "the model", "the options"])
def test_parts_of_another_run_are_not_taken(tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = records(40)
    file = write(tmp_path / "in.csv", rows)
    monkeypatch.setenv("FAIL_AT", rows[39]["town"])
    with pytest.raises(SystemExit, match="the model fails"):
        score(tmp_path, str(file), str(tmp_path / "out.csv"), model=Counted)
    parts = sorted(path.name for path in (tmp_path / "out.csv.partial").iterdir())
    monkeypatch.delenv("FAIL_AT")

    more: List[str] = []
    model: Any = Counted
    if change == "the input":
        os.utime(write(file, rows[1:]), (1, 1))
    elif change == "the model":
        model = Told
    else:
        more = ["--proba"]
    with pytest.raises(SystemExit, match=f"parts of another run: {change} differ.*--restart"):
        score(tmp_path, str(file), str(tmp_path / "out.csv"), *more, model=model)
    assert sorted(path.name for path in (tmp_path / "out.csv.partial").iterdir()) == parts
    score(tmp_path, str(file), str(tmp_path / "out.csv"), *more, "--restart", model=model)
    assert len(read(tmp_path / "out.csv")) == len(rows) - (change == "the input")


@pytest.mark.parametrize("shards", [1, 2, 5, 50])
@pytest.mark.parametrize("format", FORMATS)
def test_shards_score_each_row_once_and_stand_in_its_order(tmp_path: Path, format: str, shards: int) -> None:
    rows = records(60)
    write(tmp_path / "in" / f"a.{format}", rows[:50])
    write(tmp_path / "in" / f"b.{format}", rows[50:])
    for shard in range(shards):
        score(tmp_path, str(tmp_path / "in"), str(tmp_path / "out"), "--keep", "id", "--shard", f"{shard}/{shards}")
    assert [int(item) for item in read(tmp_path / "out")["id"]] == [row["id"] for row in rows]


def test_a_shard_that_is_done_is_not_scored_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "in.csv", records(40))
    arguments = (str(file), str(tmp_path / "out"), "--shard", "1/2")
    score(tmp_path, *arguments, model=Counted)
    ASKED.clear()
    score(tmp_path, *arguments, model=Counted)
    assert sum(ASKED) <= 1
    assert "shard-00001-of-00002 is there already" in capsys.readouterr().out
