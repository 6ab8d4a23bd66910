"""Tables are scored: every format, in the order of their rows, with the answers and the refusals of the server."""

from __future__ import annotations

import gzip
import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pandas as pd
import pytest
from _engine.contract.signature import Tensor
from _engine.protocol.requests import Decoder
from _engine.protocol.tensors import InvalidRequest
from _engine.scoring import sources
from _engine.scoring.places import find
from scored import SIGNATURE, Told, as_csv, read, records, score, write

FORMATS = ["csv", "jsonl", "parquet"]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a table of few rows has several chunks."""
    monkeypatch.setattr(sources, "CHUNK", 700)


def served(rows: List[Dict[str, Any]]) -> List[str]:
    """What a server answers to rows: the prediction, or why it refuses one."""
    decoder = Decoder(SIGNATURE, (Tensor("predict", "BYTES", (-1,)),))
    known, answers = {*SIGNATURE.names, *SIGNATURE.unused}, []
    for row in rows:
        body = json.dumps({"instances": [{name: value for name, value in row.items() if name in known}]})
        try:
            answers.append(Told(Path()).answer(decoder.decode(body.encode(), v1=True).X, False)[0])
        except InvalidRequest as error:
            answers.append(str(error).replace("row 0, ", ""))
    return answers


@pytest.mark.parametrize("to", [*FORMATS, ""])
@pytest.mark.parametrize("origin", FORMATS)
def test_every_format_has_the_servers_answers_in_the_order_of_rows(tmp_path: Path, origin: str, to: str) -> None:
    rows = records(30)
    out = tmp_path / (f"out.{to}" if to else "out")
    score(tmp_path, str(write(tmp_path / f"in.{origin}", rows)), str(out), "--keep", "id,note", "--batch_rows", "4")
    found = read(out)
    assert list(found) == ["id", "note", "predict", "error"]
    assert found["predict"].tolist() == served(rows)
    assert [int(item) for item in found["id"]] == [row["id"] for row in rows]
    assert set(found["error"]) == {""}
    assert {path.name for path in tmp_path.iterdir()} == {"pkg", f"in.{origin}", out.name}
    assert to or len(list(out.iterdir())) > 2


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_is_scored_file_by_file_by_name(tmp_path: Path, format: str) -> None:
    rows = records(30)
    write(tmp_path / "in" / f"b.{format}", rows[10:])
    write(tmp_path / "in" / "a" / f"z.{format}", rows[:10])
    (tmp_path / "in" / "_SUCCESS").write_text("")
    (tmp_path / "in" / "_delta_log").mkdir()
    shutil.copy(tmp_path / "in" / f"b.{format}", tmp_path / "in" / "_delta_log" / f"c.{format}")
    score(tmp_path, str(tmp_path / "in"), str(tmp_path / "out"))
    assert read(tmp_path / "out")["predict"].tolist() == served(rows)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_packed_files_are_unpacked_and_each_is_one_shards(tmp_path: Path, format: str, shards: int) -> None:
    """As the receiver of payloads writes them."""
    rows = records(90)
    for first in range(0, 90, 30):
        file = write(tmp_path / "in" / f"{first}.{format}", rows[first : first + 30])
        (tmp_path / "in" / f"{first}.{format}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    for shard in range(shards):
        score(tmp_path, str(tmp_path / "in"), str(tmp_path / "out"), f"--shard={shard}/{shards}")
    assert read(tmp_path / "out")["predict"].tolist() == served(rows)


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_table_without_rows_has_scores_without_rows(tmp_path: Path, format: str) -> None:
    if format == "csv":
        (tmp_path / "in.csv").write_bytes(as_csv(records(1)).splitlines()[0])
    else:
        pd.DataFrame(records(1))[:0].to_parquet(tmp_path / "in.parquet")
    score(tmp_path, str(tmp_path / f"in.{format}"), str(tmp_path / f"out.{format}"), "--proba")
    found = read(tmp_path / f"out.{format}")
    assert (len(found), list(found)) == (0, ["predict", "proba_no", "proba_yes", "error"])


def test_processes_score_as_one_does(tmp_path: Path) -> None:
    rows = records(60)
    score(tmp_path, str(write(tmp_path / "in.csv", rows)), str(tmp_path / "out.parquet"), "--workers", "2")
    assert read(tmp_path / "out.parquet")["predict"].tolist() == served(rows)


@pytest.mark.parametrize("to", FORMATS)
def test_probabilities_and_explanations_are_columns(tmp_path: Path, to: str) -> None:
    rows = records(10)
    score(tmp_path, str(write(tmp_path / "in.csv", rows)), str(tmp_path / f"out.{to}"), "--proba", "--explain")
    found = read(tmp_path / f"out.{to}")
    assert list(found) == ["predict", "proba_no", "proba_yes", "explain_base", "explain_size", "error"]
    sizes = np.array([row["size"] for row in rows])
    assert found["explain_size"].astype(float).tolist() == sizes.tolist()
    assert np.float32(found["proba_yes"].astype(float)).tolist() == np.float32(sizes / 10_000).tolist()


@pytest.mark.parametrize("format", FORMATS)
def test_all_columns_can_be_kept_as_they_came(tmp_path: Path, format: str) -> None:
    rows = records(20)
    file = write(tmp_path / f"in.{format}", rows)
    score(tmp_path, str(file), str(tmp_path / f"out.{format}"), "--keep", "all")
    pd.testing.assert_frame_equal(read(tmp_path / f"out.{format}")[list(rows[0])], read(file))


SPOILT: Dict[str, Dict[str, Any]] = {
    "no number": {"size": "many"},
    "too large": {"size": 1e300},
    "never missing": {"size": None},
    "spelt as missing": {"town": "n/a"},
    "no truth": {"member": "perhaps"},
    "no date": {"since": "2024-13-01"},
    "Python's number": {"size": "1_000"},
    "two at once": {"size": "many", "since": "soon"},
}


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_rows_that_do_not_fit_have_the_servers_reason_and_the_others_their_scores(tmp_path: Path, format: str) -> None:
    rows = records(3 * len(SPOILT))
    for at, spoilt in enumerate(SPOILT.values()):
        rows[3 * at + 1].update(spoilt)
    score(tmp_path, str(write(tmp_path / f"in.{format}", rows)), str(tmp_path / "out.csv"), "--proba")
    found, expected = read(tmp_path / "out.csv"), served(rows)
    for at, (predicted, error) in enumerate(zip(found["predict"], found["error"])):
        assert (error or predicted) == expected[at]
        assert bool(error) == (at % 3 == 1) == (not predicted) == (found["proba_no"][at] == "")


def test_values_of_parquet_fit_by_their_types(tmp_path: Path) -> None:
    """Dates, decimals, whole numbers, categories and text that says numbers, as files of other programs have them."""
    rows = records(12)
    frame = pd.DataFrame(rows)
    frame["since"] = pd.to_datetime(frame["since"])
    frame["town"] = frame["town"].astype("category")
    frame["age"] = frame["age"].astype("Int64")
    frame["size"] = frame["size"].astype(str)
    frame.to_parquet(tmp_path / "in.parquet")
    score(tmp_path, str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"))
    assert read(tmp_path / "out.parquet")["predict"].tolist() == served(rows)


def test_lines_that_are_no_rows_are_told_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = records(40)
    lines = as_csv([{**row, "town": "Ulm"} for row in rows]).splitlines()
    lines[20] += b",one more"
    lines[30] = b"1,2"
    (tmp_path / "in.csv").write_bytes(b"\n".join(lines))
    score(tmp_path, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--keep", "id")
    found = read(tmp_path / "out.csv")
    assert found["id"].tolist() == [str(row["id"]) for row in rows[:29]] + ["1"] + [str(r["id"]) for r in rows[30:]]
    assert [at for at, error in enumerate(found["error"]) if error] == [19, 29]
    assert found["error"][19].startswith("expected 8 cells (id, size, ") and found["error"][19].endswith("got 9")
    said = capsys.readouterr().out
    assert "2 of them do not fit" in said and "in.csv, row 20: expected 8 cells" in said

    (tmp_path / "in.jsonl").write_text('{"size": 1\n[]\n"text"\n' + json.dumps(rows[0]))
    score(tmp_path, str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert [bool(error) for error in read(tmp_path / "out.jsonl")["error"]] == [True, True, True, False]


def test_a_row_that_only_the_model_cannot_answer_is_one_that_does_not_fit(tmp_path: Path) -> None:
    rows = records(9)
    rows[4]["town"] = "nowhere"
    score(tmp_path, str(write(tmp_path / "in.jsonl", rows)), str(tmp_path / "out.jsonl"))
    assert read(tmp_path / "out.jsonl")["error"].tolist() == [*[""] * 4, "nobody lives there", *[""] * 4]


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("format", FORMATS)
def test_stop_names_the_first_row_and_changes_nothing(
    tmp_path: Path, format: str, workers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = records(50)
    rows[44]["size"] = rows[46]["size"] = None
    file = write(tmp_path / f"in.{format}", rows)
    with pytest.raises(SystemExit, match=rf"in\.{format}, row 45: column 'size': expected a number") as stopped:
        score(tmp_path, str(file), str(tmp_path / "out"), "--errors", "stop", "--workers", workers)
    assert stopped.value.code != 0
    assert {path.name for path in tmp_path.iterdir()} == {"pkg", file.name}


def test_what_separates_cells_is_found_out_and_an_encoding_can_be_named(tmp_path: Path) -> None:
    rows = [{**row, "town": "Köln"} for row in records(9)]
    (tmp_path / "in.csv").write_bytes(as_csv(rows, ";").decode().encode("cp1252"))
    with pytest.raises(SystemExit, match="name its encoding, such as --encoding cp1252"):
        score(tmp_path, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"))
    score(tmp_path, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--encoding", "cp1252")
    assert read(tmp_path / "out.csv")["predict"].tolist() == served(rows)


@pytest.mark.parametrize("keep", [["--keep", 'id,"last, first"'], ["--keep", "id", '--keep="last, first"']])
def test_a_column_with_a_comma_is_kept(tmp_path: Path, keep: List[str]) -> None:
    write(tmp_path / "in.csv", [{**row, "last, first": "Lovelace, Ada"} for row in records(5)])
    with pytest.raises(SystemExit, match='write "last, first", with the double quotes'):
        score(tmp_path, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--keep", "last, first")
    score(tmp_path, str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), *keep)
    assert list(read(tmp_path / "out.csv")) == ["id", "last, first", "predict", "error"]


REFUSED = {
    "a quote that is not closed": (["in.csv", "out.csv", "--keep", '"id'], "2"),
    "no such file": (["nothing.csv", "out.csv"], "nothing.csv does not exist: expected a file, or a folder"),
    "no table": (["pkg", "out.csv"], "expected a file, or a folder of files, whose names end in .csv"),
    "no such column to keep": (["in.csv", "out.csv", "--keep", "name"], "has no column 'name'; its columns are 'id'"),
    "a column twice": (["error.csv", "out.csv", "--keep", "error"], "'error' would be twice"),
    "a column that is not there": (["short.csv", "out.csv"], "has no column 'town', 'member', 'since'"),
    "a name twice": (["twice.csv", "out.csv"], "'size' names two columns"),
    "UTF-16": (["utf-16.csv", "out.csv"], "utf-16.csv is in UTF-16, .*: save it in UTF-8"),
    "an empty file": (["empty.csv", "out.csv"], "it is empty"),
    "no Parquet": (["bad.parquet", "out.csv"], "bad.parquet cannot be read"),
    "scores are there": (["in.csv", "there.csv"], "there.csv exists: it is not overwritten"),
    "shards of one file": (["in.csv", "out.csv", "--shard", "0/2"], "name a folder"),
    "no such store": (["in.csv", "nfs3://bucket/out.csv"], "nfs3://bucket/out.csv cannot be reached"),
    "no such model": (["in.csv", "out.csv", "--model", "nowhere"], "nowhere holds no model"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_scored_is_said_and_changes_nothing(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = records(5)
    write(tmp_path / "in.csv", rows)
    write(tmp_path / "error.csv", [{**row, "error": ""} for row in rows])
    write(tmp_path / "short.csv", [{"size": 1}])
    (tmp_path / "twice.csv").write_text("size,size\n1,2\n")
    (tmp_path / "utf-16.csv").write_text("size,town\n1,2\n", encoding="utf-16")
    (tmp_path / "there.csv").write_text("scores")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "bad.parquet").write_text("PAR1 and no more")
    (tmp_path / "pkg").mkdir()
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    arguments, message = REFUSED[case]
    with pytest.raises(SystemExit, match=message):
        score(tmp_path, *arguments)
    (tmp_path / "pkg" / "trainer" / "0001" / "metadata.json").unlink()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("options, seconds", [("", 60), ("?scheme=http", 60), ("?retry_limit_seconds=600", 600)])
def test_a_store_of_googles_that_does_not_answer_is_asked_for_a_minute(options: str, seconds: int) -> None:
    """Not for the quarter of an hour that its client would ask; an address may say otherwise."""
    store = find(f"gs://anonymous@bucket/a.csv{options}").store
    _, (settings,) = store.__reduce__()
    assert settings["retry_time_limit"] == timedelta(seconds=seconds)
