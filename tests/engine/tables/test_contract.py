"""Promises of the data contract: a value means the same in CSV, in Parquet, and in every form of a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pytest
from _engine.contract.features import Features
from _engine.contract.signature import Column, Signature, Tensor
from _engine.protocol.media import CSV, Media
from _engine.protocol.requests import Decoder
from _engine.protocol.tensors import NamedArray, to_bytes
from _engine.tables.files import DataError, Dialect
from _engine.tables.reading import Table, Wanted, read_data

OUTPUTS = (Tensor("predict", "FP64", (-1,)),)
NAN = None

#: Cells of a column as a file has them, and what they are for a model: numbers, or text; None is a missing value.
AWKWARD: dict[str, tuple[list[str], list[Any]]] = {
    "whole numbers": (["1", "2", "-30", ""], [1, 2, -30, NAN]),
    "fractions": (["1.5", ".5", "-2.", "1e3"], [1.5, 0.5, -2, 1000]),
    "dollars": (["$16,950.20", "$5", "-$3.5", "$-4"], [16950.2, 5, -3.5, -4]),
    "dollars of bookkeepers": (["$1,200.00", "($300.50)", "$7", ""], [1200, -300.5, 7, NAN]),
    "euros behind": (["3 €", "4.5 €", "1,000 €", "2"], [3, 4.5, 1000, 2]),
    "euros of Germany": (["1.234,50 €", "3,5 €", "1.000 €", ""], [1234.5, 3.5, 1000, NAN]),
    "codes of currencies": (["USD 5", "USD 1,250", "12.5 USD", "3"], [5, 1250, 12.5, 3]),
    "percent": (["12%", "3.5 %", "-1%", ""], [12, 3.5, -1, NAN]),
    "thousands": (["24,879", "3,100", "1,000,000", "12"], [24879, 3100, 1000000, 12]),
    "decimal commas": (["12,5", "0,25", "-3,75", "4"], [12.5, 0.25, -3.75, 4]),
    "decimal commas of three digits": (["0,125", "0,375", "1,234", ""], [0.125, 0.375, 1.234, NAN]),
    "spaces": (["1 234", "12 345,5", "7", ""], [1234, 12345.5, 7, NAN]),
    "narrow spaces": (["1\u202f234", "12\u00a0345", "7", ""], [1234, 12345, 7, NAN]),
    "apostrophes": (["1'234.5", "12\u2019345", "7", "8"], [1234.5, 12345, 7, 8]),
    "the sign minus": (["\u22125", "\u22127,5", "3", "2"], [-5, -7.5, 3, 2]),
    "brackets": (["(6.42)", "0.13", "7", ""], [-6.42, 0.13, 7, NAN]),
    "the sign minus before a point": (["\u22125.5", "3", "2", ""], [-5.5, 3, 2, NAN]),
    "codes with zeros": (["01067", "99999", "00001", ""], ["01067", "99999", "00001", NAN]),
    "codes of many digits": (["1234567890123456789", "12", "7", ""], ["1234567890123456789", "12", "7", NAN]),
    "codes with letters": (["12", "A7", "15", "B8"], ["12", "A7", "15", "B8"]),
    "sizes": (["38", "M", "40", "L"], ["38", "M", "40", "L"]),
    "yes and no": (["yes", "no", "Yes", "NO"], [1, 0, 1, 0]),
    "true and false": (["true", "False", "TRUE", ""], [1, 0, 1, NAN]),
    "t and f": (["t", "f", "", "t"], [1, 0, NAN, 1]),
    "Y and N": (["Y", "N", "Y", ""], [1, 0, 1, NAN]),
    "zero and one": (["0", "1", "1", ""], [0, 1, 1, NAN]),
    "yes, no and perhaps": (["yes", "no", "perhaps", ""], ["yes", "no", "perhaps", NAN]),
    "plans": (["pro", "basic", " pro", ""], ["pro", "basic", " pro", NAN]),
    "countries": (["NA", "DE", "FR", ""], ["NA", "DE", "FR", NAN]),
    "versions": (["1.2.10", "1.2.9", "2.0.0", "1.0.0"], ["1.2.10", "1.2.9", "2.0.0", "1.0.0"]),
    "two currencies": (["$5", "€7", "$8", "€9"], ["$5", "€7", "$8", "€9"]),
    "infinities in words": (["inf", "A", "nan", "B"], ["inf", "A", "nan", "B"]),
}


def seconds(text: str) -> float:
    return float((np.datetime64(text) - np.datetime64("1970-01-01")) / np.timedelta64(1, "us")) / 1e6


#: The same of dates and times, in seconds since 1970.
DATES: dict[str, tuple[list[str], list[Optional[str]]]] = {
    "ISO 8601": (["2024-05-31", "1999-01-01", "", "2024-2-3"], ["2024-05-31", "1999-01-01", None, "2024-02-03"]),
    "months": (["2024-05", "1999-01", "2000-12", ""], ["2024-05-01", "1999-01-01", "2000-12-01", None]),
    "times": (
        ["2024-05-31T14:30:05", "2024-05-31 00:00", "", "2024-05-31T01:02:03.25"],
        ["2024-05-31T14:30:05", "2024-05-31", None, "2024-05-31T01:02:03.250"],
    ),
    "offsets": (
        ["2024-05-31T14:30:00+02:00", "2024-05-31T14:30:00Z", "2024-05-31 14:30:00 -0130", ""],
        ["2024-05-31T12:30", "2024-05-31T14:30", "2024-05-31T16:00", None],
    ),
    "German": (["31.05.2024", "1.2.1999", "", "03.04.2000"], ["2024-05-31", "1999-02-01", None, "2000-04-03"]),
    "American": (["05/31/2024", "1/2/1999", "", "12/25/2000"], ["2024-05-31", "1999-01-02", None, "2000-12-25"]),
    "British": (["31/05/2024", "1/2/1999", "", "25/12/2000"], ["2024-05-31", "1999-02-01", None, "2000-12-25"]),
    "American, with hours": (
        ["05/31/2024 2:30 PM", "01/02/1999 12:00 AM", "", "12/25/2000 1:05 am"],
        ["2024-05-31T14:30", "1999-01-02", None, "2000-12-25T01:05"],
    ),
    "in words": (["31 May 2024", "1 Feb 1999", "", "3 Apr 2000"], ["2024-05-31", "1999-02-01", None, "2000-04-03"]),
    "of stocks": (["Jan 1 2000", "Feb 1 2000", "Mar 1 2000", ""], ["2000-01-01", "2000-02-01", "2000-03-01", None]),
    "short years": (["05/31/24", "01/02/99", "", "12/25/00"], ["2024-05-31", "1999-01-02", None, "2000-12-25"]),
    "far away": (["9999-12-31", "1066-10-14", "", "2024-01-01"], ["9999-12-31", "1066-10-14", None, "2024-01-01"]),
}
TABLES = {**AWKWARD, **{name: (cells, [w and seconds(w) for w in wanted]) for name, (cells, wanted) in DATES.items()}}
FORMS = [name for name in TABLES if name != "infinities in words"]


def write(folder: Path, cells: list[str], form: str) -> Path:
    """A file with the cells twice, a column of numbers, and a target."""
    frame = pd.DataFrame({"c": cells * 2, "n": np.arange(len(cells) * 2) % 3 + 0.5})
    frame["y"] = [n % 2 for n in range(len(frame))]
    if form == "csv":
        frame.to_csv(folder / "data.csv", index=False)
    else:
        frame.assign(c=frame["c"].replace("", None)).to_parquet(folder / "data.parquet")
    return folder / f"data.{form}"


def learnt(table: Table, missing: tuple[str, ...] = ()) -> Signature:
    return Signature.learn(table.X, missing, table.forms)


def answers(signature: Signature, cells: list[str]) -> Iterator[tuple[str, Any]]:
    """The input that requests of all forms give, by the name of the form."""
    column, decoder = signature.columns[0], Decoder(signature, OUTPUTS)
    sent = [in_json(column, cell) for cell in cells]
    rows = [[value, 1.5] for value in sent]
    records = [{"n": 1.5, **({} if value is None else {"c": value})} for value in sent]

    def decoded(content: Any, **options: Any) -> Any:
        return decoder.decode(content if isinstance(content, bytes) else json.dumps(content).encode(), **options).X

    yield "rows", decoded({"instances": rows})
    yield "records", decoded({"instances": records})
    yield "split", decoded({"dataframe_split": {"columns": ["c", "n"], "data": rows}})
    lines = pd.DataFrame({"c": cells, "n": 1.5}).to_csv(index=False).encode()
    yield "CSV", decoded(lines, media=Media(CSV, "application/json", None))
    if column.datatype == "FP64" and column.form is None:
        return
    kind = "BOOL" if column.form is None and column.datatype == "BOOL" else "BYTES"
    tensors: list[dict[str, Any]] = [
        {"name": "c", "datatype": kind, "shape": [len(cells)], "data": sent},
        {"name": "n", "datatype": "FP32", "shape": [len(cells)], "data": [1.5] * len(cells)},
    ]
    yield "V2", decoded({"inputs": tensors})
    numbers = NamedArray("n", "FP32", np.full(len(cells), 1.5, np.float32))
    if kind == "BYTES":
        array = np.array([cell for cell in cells], dtype=object)
        yield "gRPC", decoder.request([NamedArray("c", "BYTES", array), numbers], None, None, []).X
        raw = to_bytes(array)
        for tensor, size in zip(tensors, (len(raw), 4 * len(cells))):
            tensor["parameters"] = {"binary_data_size": size}
        head = json.dumps({"inputs": [{k: v for k, v in tensor.items() if k != "data"} for tensor in tensors]}).encode()
        yield "binary", decoded(head + raw + to_bytes(numbers.values), json_size=len(head))


def in_json(column: Column, cell: str) -> Any:
    if column.datatype == "BYTES" or column.form is not None:
        return cell or None
    if not cell:
        return None
    return float(cell) if column.datatype == "FP64" else cell.lower() == "true"


def first_column(X: Any) -> list[Any]:
    values = X[:, 0].tolist() if isinstance(X, np.ndarray) else X.iloc[:, 0].tolist()
    return [None if value is None or value != value else value for value in values]


@pytest.mark.parametrize("name", FORMS)
def test_a_value_means_the_same_on_all_ways(name: str, tmp_path: Path) -> None:
    cells, expected = TABLES[name]
    for form in ("csv", "parquet"):
        table = read_data(write(tmp_path, cells, form), "y")
        signature = learnt(table)
        assert signature.columns[0].nullable is ("" in cells)
        assert first_column(signature.conform(table.X)) == expected * 2, form
        for way, X in answers(signature, cells):
            assert first_column(X) == expected, (form, way)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([Decimal("1.50"), None, Decimal("3")], "number", [1.5, None, 3.0]),
        (pd.to_datetime(["2024-05-31", None, "2024-06-01"]), "date", ["2024-05-31", None, "2024-06-01"]),
        (pd.to_datetime(["2024-05-31T12:00+02:00"] * 2 + [None], utc=True), "date", ["2024-05-31T10:00"] * 2 + [None]),
        (
            [date(2024, 5, 31), None, date(1066, 10, 14)],
            "date",
            ["2024-05-31", None, "1066-10-14"],
        ),
        ([time(14, 30), None, time(1, 2, 3)], "date", ["1900-01-01T14:30", None, "1900-01-01T01:02:03"]),
        (pd.to_timedelta([90, None, 30], unit="s"), "number", [90.0, None, 30.0]),
        (pd.array([1, None, 3], "Int64"), "number", [1.0, None, 3.0]),
        (pd.array([True, None, False], "boolean"), "true or false", [1.0, None, 0.0]),
        (pd.Categorical(["pro", None, "basic"]), "text", ["pro", None, "basic"]),
        (pd.Categorical([3, None, 1]), "number", [3.0, None, 1.0]),
        ([b"pro", None, b"basic"], "text", ["pro", None, "basic"]),
    ],
    ids=[
        "decimals",
        "times",
        "times with offsets",
        "days",
        "times of day",
        "durations",
        "Int64",
        "boolean",
        "categories",
        "codes",
        "bytes",
    ],
)
def test_types_of_parquet_are_kept(values: Any, kind: str, expected: list[Any], tmp_path: Path) -> None:
    pd.DataFrame({"c": values, "y": [1, 2, 1]}).to_parquet(tmp_path / "data.parquet")
    table = read_data(tmp_path / "data.parquet", "y")
    signature = learnt(table)
    assert (signature.columns[0].kind, signature.columns[0].nullable) == (kind, True)
    if kind == "date":
        expected = [when and seconds(when) for when in expected]
    assert first_column(signature.conform(table.X)) == expected
    # As other commands read the file, which know the signature.
    assert first_column(signature.conform(pd.read_parquet(tmp_path / "data.parquet"))) == expected


@pytest.mark.parametrize(
    ("cells", "ambiguous"),
    [
        (["2024-01-02", "2024-03-04"], ""),
        (["2024-01-02 10:00", "2024-03-04T10:00:00"], ""),
        (["2024-01-02T10:00Z", "2024-03-04T10:00Z"], ""),
        (["2024-01-02", "31.05.2024", "30.06.2024"], ""),
        (["1.2.2024", "3.4.2024"], ""),
        (["1/2/2024", "3/4/2024"], "'1/2/2024' is read as %m/%d/%Y; if it is %d/%m/%Y, use --columns c:date=%d/%m/%Y"),
    ],
)
def test_another_way_to_read_dates_is_said_if_there_is_one(
    cells: list[str], ambiguous: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = read_data(write(tmp_path, cells, "csv"), "y")
    assert learnt(table).columns[0].kind == "date"
    assert capsys.readouterr().out == (f"column 'c': {ambiguous}\n" if ambiguous else "")


def test_a_date_becomes_the_parts_that_vary() -> None:
    times = pd.to_datetime(["2024-05-31 14:30", "2024-06-03 14:30", None])
    signature = Signature.learn(pd.DataFrame({"when": times, "when_day": [1.0, 2.0, 3.0]}))
    features = Features(signature)
    assert features.names == ["when_days", "when_month", "when_day_", "when_weekday", "when_day"]
    X = features(signature.conform([["2024-05-31T14:30:00", 1], [None, 2]]))
    day = seconds("2024-05-31T14:30") / 86400
    np.testing.assert_allclose(X, [[day, 5, 31, 4, 1], [np.nan] * 4 + [2]])
    assert signature.inputs[0] == Tensor("when", "BYTES", (-1,))


def test_parts_are_those_of_pandas() -> None:
    times = pd.Series(pd.to_datetime(np.random.default_rng(0).integers(-(10**9), 4 * 10**9, 500), unit="s"))
    signature = Signature.learn(pd.DataFrame({"t": times}))
    found = pd.DataFrame(
        Features(signature)(signature.conform(pd.DataFrame({"t": times}))), columns=Features(signature).names
    )
    for part in ("year", "month", "day", "weekday", "hour", "minute", "second"):
        assert (found[f"t_{part}"] == getattr(times.dt, part)).all()


STRAY = {
    "a number": ([str(n) for n in range(20, 40)], "12O", "numbers"),
    "a price": ([f"${n}.50" for n in range(20, 40)], "free", "numbers"),
    "a date": (
        [f"2024-05-{n}" for n in range(10, 30)],
        "2024-13-01",
        "dates",
    ),
    "a truth": (["yes", "no"] * 10, "?", "true or false"),
    "a missing value": ([str(n) for n in range(20, 40)], "NA", "numbers"),
}


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("name", STRAY)
def test_a_stray_cell_is_named_unless_it_is_said_to_be_missing(name: str, form: str, tmp_path: Path) -> None:
    cells, stray, kind = STRAY[name]
    file = write(tmp_path, [*cells, stray, *cells * 4], form)
    with pytest.raises(DataError) as error:
        read_data(file, "y", Wanted({"n": "number"}))
    assert f"column 'c' has {kind} in 200 cells, but {stray!r} in 2 (row 21, 122;" in str(error.value)
    assert "--columns n:number,c:text" in str(error.value)
    table = read_data(file, "y", Wanted(missing=(stray,)))
    signature = learnt(table, (stray,))
    assert signature.columns[0].kind != "text"
    assert table.X["c"].isna().sum() == 2
    for way, X in answers(signature, [cells[0], "" if signature.columns[0].form is None else stray]):
        assert first_column(X)[1] is None, way


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("a,b,y\n1.5,x,0\n2.5,y,1\n", {}),
        ("a;b;y\n1,5;x;0\n2,5;y;1\n", {}),
        ("a\tb\ty\n1.5\tx\t0\n2.5\ty\t1\n", {}),
        ("a|b|y\n1,5|x|0\n2,5|y|1\n", {}),
        ('"a";"b";"y"\r\n"1,5";"x";"0"\r\n"2,5";"y";"1"\r\n', {}),
        ("a^b^y\n1.5^x^0\n2.5^y^1\n", {"separator": "^"}),
    ],
    ids=["commas", "semicolons", "tabs", "bars", "Excel", "as said"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_way_a_csv_file_is_written_is_found_out(content: str, options: Any, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(content.replace("x", "café").encode(encoding))
    X, y, *_ = read_data(tmp_path / "data.csv", "y", dialect=Dialect(**options))
    assert X.to_dict("list") == {"a": [1.5, 2.5], "b": ["café", "y"]}
    assert y.tolist() == [0, 1]


def test_thousands_of_a_file_with_decimal_commas(tmp_path: Path) -> None:
    """Where 12,5 is a number, 1.234 is twelve hundred and some, unless it is said otherwise."""
    (tmp_path / "data.csv").write_text("a;b;y\n1.234;12,5;0\n2.500;3,5;1\n")
    assert read_data(tmp_path / "data.csv", "y").X["a"].tolist() == [1234, 2500]
    said = read_data(tmp_path / "data.csv", "y", dialect=Dialect(decimal="."))
    assert said.X["a"].tolist() == [1.234, 2.5]


def test_what_is_said_of_columns_overrules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.csv").write_text("zip,when,on,id,y\n01067,03/04/2024,1,7,a\n00501,05/06/2024,0,8,b\n")
    table = read_data(tmp_path / "data.csv", "y")
    assert table.X["zip"].tolist() == ["01067", "00501"]
    assert table.X["when"].dt.month.tolist() == [3, 5]
    assert "if it is %d/%m/%Y, use --columns when:date=%d/%m/%Y" in capsys.readouterr().out
    kinds = {"zip": "number", "when": "date=%d/%m/%Y", "on": "text"}
    table = read_data(tmp_path / "data.csv", "y", Wanted(kinds), drop=["id"])
    assert table.X["zip"].tolist() == [1067, 501]
    assert table.X["when"].dt.month.tolist() == [4, 6]
    assert table.X["on"].tolist() == ["1", "0"]
    assert (list(table.X), [*table.unused]) == (["zip", "when", "on"], ["id"])
    with pytest.raises(DataError, match="has no column 'nosuch', 'other'; its columns are 'zip', "):
        read_data(tmp_path / "data.csv", "y", Wanted({"nosuch": "text"}), drop=["other"])


@pytest.mark.parametrize("kind", ["number", "date", "bool"])
def test_what_is_said_of_a_column_must_be_true_of_it(kind: str, tmp_path: Path) -> None:
    file = write(tmp_path, ["pro", "basic", "team"], "csv")
    with pytest.raises(DataError, match=r"in 0 cells, but 'pro', 'basic', 'team' in 6 \(row 1, 2, 3, 4, 5, \.\.\.;"):
        read_data(file, "y", Wanted({"c": kind}))


MIXED = {
    "when": ["31.05.2024", "1.6.2024", "3.7.2024", "4.8.2024"],
    "price": ["$1,200", "$3", "$4", "$5"],
    "ok": ["yes", "no", "no", "yes"],
}


@pytest.fixture
def mixed(tmp_path: Path) -> Decoder:
    pd.DataFrame({**MIXED, "y": [0, 1, 0, 1]}).to_csv(tmp_path / "data.csv", index=False)
    table = read_data(tmp_path / "data.csv", "y")
    unused = dict.fromkeys(["id", "Unnamed: 0"], "it names the rows")
    return Decoder(Signature.learn(table.X, (), table.forms, unused), OUTPUTS)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (["31/05/2024", 3, True], "column 'when': expected a date or time such as 31.05.2024, or as 2024-05-31"),
        ([5, 3, True], "column 'when': expected a date or time such as 31.05.2024"),
        (["2024-05-31T10:00Z", 3, True], 'without an offset from UTC, got "2024-05-31T10:00Z"'),
        (["31.05.2024", "3 EUR", True], 'expected a number, or text such as $1,234.5, got "3 EUR"'),
        (["31.05.2024", 3, "maybe"], 'expected true or false, or the text yes or no, got "maybe"'),
        (["31.05.2024", 3, 1], "expected true or false, or the text yes or no, got 1"),
        (["", 3, True], 'got none (null or ""); this column had no missing values in training'),
    ],
)
def test_what_cannot_be_read_is_refused_by_row_and_column(mixed: Decoder, row: list[Any], complaint: str) -> None:
    for rows in ([row], [["31.05.2024", "$3", "no"], row]):
        with pytest.raises(ValueError) as error:
            mixed.decode(json.dumps({"instances": rows}).encode())
        assert complaint in str(error.value)
        assert f"row {len(rows) - 1}, column" in str(error.value)
    records = [dict(zip(MIXED, row))]
    with pytest.raises(ValueError) as error:
        mixed.decode(json.dumps({"dataframe_records": records}).encode())
    assert complaint in str(error.value)


def test_other_spellings_of_the_same_are_taken(mixed: Decoder) -> None:
    X = mixed.decode(b'{"instances": [["2024-05-31", 1200, true], ["31.05.2024", "$1,200", "YES"]]}').X
    assert X[0].tolist() == X[1].tolist() == [seconds("2024-05-31"), 1200, 1]


def test_what_is_not_learnt_from_may_be_sent(mixed: Decoder) -> None:
    record = {"when": "31.05.2024", "price": 3, "ok": False}
    expected = mixed.decode(json.dumps({"instances": [record]}).encode()).X.tolist()
    for value in (7, "a7", None, [1]):
        assert mixed.decode(json.dumps({"instances": [{**record, "id": value}]}).encode()).X.tolist() == expected
    tensors = [
        {"name": name, "datatype": kind, "shape": [1], "data": [value]}
        for (name, value), kind in zip({**record, "id": "a7"}.items(), ("BYTES", "INT32", "BOOL", "BYTES"))
    ]
    assert mixed.decode(json.dumps({"inputs": tensors}).encode()).X.tolist() == expected
    for name in (b"id", b""):
        lines = name + b",when,price,ok\na7,31.05.2024,3,no\n"
        assert mixed.decode(lines, media=Media(CSV, "application/json", None)).X.tolist() == expected


def test_inputs_of_one_signature_share_their_names() -> None:
    """What puts requests together, or counts them, need not compare names."""
    X = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    signature = Signature.learn(X)
    first: Any = signature.conform(X)
    second: Any = signature.conform([[3.0, "z"]])
    assert first.columns is second.columns
    assert list(first.columns) == ["a", "b"]
