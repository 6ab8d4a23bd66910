"""Promises of reading tables: what a cell means does not depend on the file's form, and what cannot be read is said."""

from __future__ import annotations

import gzip
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from _engine.contract.listed import split
from _engine.contract.signature import Signature
from _engine.tables.reading import DataError, Wanted, read_data


def csv(folder: Path, content: str) -> Path:
    (folder / "data.csv").write_bytes(content.encode("latin-1"))
    return folder / "data.csv"


def test_without_a_file_there_is_a_sample() -> None:
    X, y, *_ = read_data(None, None)
    assert (X.shape, y.nunique()) == ((150, 4), 3)


def test_csv_and_parquet_hold_the_same_table(tmp_path: Path) -> None:
    data = pd.DataFrame(
        {"age": [31.5, np.nan, 40], "plan": ["pro", None, "NA"], "ok": [True, False, True], "y": [1, 0, 1]}
    )
    data.to_csv(tmp_path / "data.csv", index=False)
    data.to_parquet(tmp_path / "data.parquet")
    tables = [read_data(tmp_path / name, "y")[0] for name in ("data.csv", "data.parquet")]
    for table in tables:
        assert table["age"].isna().tolist() == table["plan"].isna().tolist() == [False, True, False]
        assert table["plan"][2] == "NA"
        assert table["ok"].tolist() == [True, False, True]


def test_the_empty_cell_is_missing_and_so_is_what_spells_it(tmp_path: Path) -> None:
    """Namibia is a country, unless --missing names NA."""
    file = csv(tmp_path, "country,visits,y\nNA,1,a\n,2,b\nnull,6,a\n")
    X, *_ = read_data(file, "y")
    assert X["country"].isna().tolist() == [False, True, False]
    X, *_ = read_data(file, "y", Wanted(missing=("NA", "6")))
    assert X["country"].isna().tolist() == [True, True, False]
    assert X["visits"].isna().tolist() == [False, False, True]


def test_codes_keep_their_zeros_and_what_is_said_to_be_text_is_text(tmp_path: Path) -> None:
    cells = ["99999", "01067", "99999"]
    file = csv(tmp_path, "\n".join(["zip,room,y", *(f"{cell},{cell[1:]},{at % 2}" for at, cell in enumerate(cells))]))
    X, *_ = read_data(file, "y", Wanted({"room": "text"}))
    assert X["zip"].tolist() == cells
    assert X["room"].tolist() == ["9999", "1067", "9999"]


def test_numbers_do_not_become_text_silently(tmp_path: Path) -> None:
    """The error names the column, the cells, and both remedies."""
    ages = [*map(str, range(20, 40)), "?", "NA"]
    file = csv(tmp_path, "\n".join(["age,y", *(f"{age},{at % 2}" for at, age in enumerate(ages))]))
    with pytest.raises(DataError) as error:
        read_data(file, "y")
    assert "column 'age' has numbers in 20 cells, but '?', 'NA' in 2 (row 21, 22; the first row" in str(error.value)
    assert "use --missing '?,NA'; if the column is text, use --columns age:text" in str(error.value)


@pytest.mark.parametrize("cells", [["12", "A7", "15"] * 20, ["36", "38", "M"] * 20], ids=["codes", "sizes"])
def test_codes_and_sizes_are_text(tmp_path: Path, cells: list[str]) -> None:
    file = csv(tmp_path, "\n".join(["size,y", *(f"{cell},{at % 2}" for at, cell in enumerate(cells))]))
    assert read_data(file, "y")[0]["size"].tolist() == cells


def test_what_is_left_out_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{row},u{row}@example.com,30,,{'' if row == 3 else 'n'}" for row in range(20)]
    X, y, *_ = read_data(csv(tmp_path, "\n".join([",email,age,none,y", *rows])), "y")
    assert (list(X.columns), len(y)) == (["Unnamed: 0", "email", "age"], 19)
    assert [line.partition(": ")[0] for line in capsys.readouterr().out.splitlines()] == [
        "1 row is left out, because it has no value in 'y' (the empty cell)",
        "columns without any value are left out",
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a,y\n1,2,3\n1,2,3\n", "cannot be read"),
        ("", "cannot be read"),
        ("a^y\n1^2\n", "its columns are 'a^y'; if something else separates columns, use --separator"),
        ("a,b\n1,2\n", "no column 'y'; its columns are 'a', 'b'"),
        ("y\n1\n2\n", "0 other columns to use"),
        ("a,y\n1,2\n", "1 rows with a value in 'y'"),
        ("a,y,a,b,b\n1,2,3,4,5\n", "'a', 'b' names several columns; give each a name of its own"),
        ("a,y\n1,2\n1,2,3\n1,2\n1,2,3,4\n", "its header has 2 cells, but line 3 has 3, line 5 has 4. Put quotes"),
        ("# made by a tool\n\na,y\n1,2\n", "its header has 1 cells, but line 3 has 2, line 4 has 2. Put quotes"),
        ("a,y\n" + "1,2,3\n" * 9, "line 6 has 3 and 4 more lines have another number. Put quotes"),
        ("\x1f\x8b\x08" + "\0" * 7 + "\xff" * 9, "cannot be read: Error -3 while decompressing data"),
        ("PK\x03\x04\x14\0", "an Excel file or a zip archive: save the table as CSV, or unpack it"),
        ("\xd0\xcf\x11\xe0", "an Excel file: save the table as CSV"),
        ('{"a": 1, "y": 2}\n', "JSON: save the table as CSV or Parquet"),
        ("a,y\n1,\0\n", "bytes that are no text in utf-8-sig; name its encoding, such as --encoding latin-1"),
        ("a,y\n\x81,1\n", "name its encoding, such as --encoding latin-1"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(DataError) as error:
        read_data(csv(tmp_path, content), "y")
    assert complaint in str(error.value)


def test_a_file_that_is_not_there_says_so_once(tmp_path: Path) -> None:
    for name, complaint in (("data.csv", "No such file or directory"), (".", "Is a directory")):
        with pytest.raises(DataError) as error:
            read_data(tmp_path / name, "y")
        assert str(error.value) == f"{tmp_path / name} cannot be read: {complaint}"


def test_what_is_wrong_with_all_columns_is_said_at_once(tmp_path: Path) -> None:
    """And one command mends them."""
    numbers = [*map(str, range(20, 40))]
    table = {
        "a": [*numbers, "?"],
        "b": ["-", *numbers],
        "c": [*numbers, "1e99"],
        "d": [*numbers, "12O"],
        "y": [0, 1, 2] * 7,
    }
    pd.DataFrame(table).to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(DataError) as error:
        read_data(tmp_path / "data.csv", "y", Wanted(missing=("-9",)))
    said = str(error.value)
    assert re.findall("column '(.)' has", said) == ["a", "b", "c", "d"]
    assert (
        "in 1 cells (row 21; the first row of data is row 1): leave these cells empty, or leave the column out" in said
    )
    assert said.count("If they are missing values") == 1
    assert "use --missing=-9,?,-,12O" in said.replace("'", "")
    assert said.endswith("if the columns are text, use --columns a:text,b:text,d:text")


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
def test_infinite_numbers_are_named_by_row(value: float, tmp_path: Path) -> None:
    pd.DataFrame({"a": [1.5, value, 2.5], "y": [1, 0, 1]}).to_parquet(tmp_path / "data.parquet")
    with pytest.raises(DataError, match=r"column 'a' has infinite .* in 1 cells \(row 2; .*--drop a"):
        read_data(tmp_path / "data.parquet", "y")


def test_lines_that_are_too_short_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    X, *_ = read_data(csv(tmp_path, "a,y,b\n1,0,2\n2,1\n3,0,\n4,1\n"), "y")
    assert X["b"].isna().tolist() == [False, True, True, True]
    said = "the header has 3 cells, but line 3 has 2, line 5 has 2: those that they lack are read as missing\n"
    assert capsys.readouterr().out == said


def test_a_packed_file_and_one_that_says_its_separator_are_read(tmp_path: Path) -> None:
    """The latter is how programs tell Excel."""
    content = "a|b;y\r\n1|x;0\r\n2|x;1\r\n"
    (tmp_path / "data.csv").write_text(f"sep=;\n{content}")
    with gzip.open(tmp_path / "data.csv.gz", "wt", encoding="utf-16") as file:
        file.write(content.replace("|", ".").replace(";", ","))
    assert read_data(tmp_path / "data.csv", "y").X["a|b"].tolist() == ["1|x", "2|x"]
    assert read_data(tmp_path / "data.csv.gz", "y").X["a.b"].tolist() == ["1.x", "2.x"]


def test_an_index_with_a_name_is_a_column(tmp_path: Path) -> None:
    """It is one for whoever reads the file without pandas, as scoring does."""
    table = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=3), "a": [1, 2, 3], "y": [1, 0, 1]})
    table.set_index("when").to_parquet(tmp_path / "data.parquet")
    assert list(read_data(tmp_path / "data.parquet", "y").X) == ["when", "a"]
    table.set_index(table["a"].rename(None) * 10).to_parquet(tmp_path / "data.parquet")
    assert list(read_data(tmp_path / "data.parquet", "y").X) == ["when", "a"]


def test_a_parquet_file_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2, 3], "y": [1, 0, 1]}).to_parquet(tmp_path / "data")
    assert read_data(tmp_path / "data", "y").X["a"].tolist() == [1, 2, 3]


def test_a_spelling_of_a_missing_value_is_known_with_blanks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_data(csv(tmp_path, "job,y\n ?,1\n clerk,2\n"), "y")
    assert (
        "column 'job': ' ?' is read as text; if it means a missing value, use --missing ' ?'" in capsys.readouterr().out
    )


def test_a_column_of_lists_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"a": [[1], [2], [3]], "y": [1, 0, 1]}).to_parquet(tmp_path / "data.parquet")
    with pytest.raises(DataError, match="column 'a' holds lists or structures"):
        read_data(tmp_path / "data.parquet", "y")


def test_columns_that_pandas_calls_nullable_are_read_as_others_are(tmp_path: Path) -> None:
    plain = {"a": [1, None, 3], "b": [True, None, False], "c": [0.5, None, 2.5], "d": ["x", None, "z"]}
    nullable = pd.DataFrame(plain).astype({"a": "Int64", "b": "boolean", "c": "Float64", "d": "string"})
    nullable.assign(y=[1, 2, 1]).astype({"y": "Int64"}).to_parquet(tmp_path / "data.parquet")
    X, *_ = read_data(tmp_path / "data.parquet", "y")
    signature = Signature.learn(X)
    assert [column.datatype for column in signature.columns] == ["FP64", "BOOL", "FP64", "BYTES"]
    assert all(column.nullable for column in signature.columns)
    found = pd.DataFrame(signature.conform(X), columns=list("abcd"))
    expected = pd.DataFrame({"a": [1, np.nan, 3], "b": [1, np.nan, 0], "c": [0.5, np.nan, 2.5], "d": plain["d"]})
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    numbers = Signature.learn(X.drop(columns="d"))
    np.testing.assert_array_equal(numbers.conform(X), expected.drop(columns="d").to_numpy(float))


def test_a_number_that_means_a_missing_value_must_match_to_the_letter_in_text_alone(tmp_path: Path) -> None:
    """As in requests: a column of numbers has no letters."""
    codes = ["-999", "-999.0", "A7", "-999.00", "B8", ""]
    rows = [
        f"{code},{code},{number},{at}" for at, (code, number) in enumerate(zip(codes, [1, -999, "-999.0", 2, 3, 4]))
    ]
    file = csv(tmp_path, "\n".join(["code,said,number,y", *rows, ""]))
    X, *_ = read_data(file, "y", Wanted({"said": "text"}, ("-999",)))
    assert X["code"].isna().tolist() == X["said"].isna().tolist() == [True, False, False, False, False, True]
    assert X["code"].dropna().tolist() == X["said"].dropna().tolist() == codes[1:5]
    assert X["number"].isna().tolist() == [False, True, True, False, False, False]
    signature = Signature.learn(X, ("-999",))
    asked = signature.conform(pd.DataFrame({"code": codes, "said": codes, "number": [1, -999, -999.0, 2, 3, 4]}))
    pd.testing.assert_frame_equal(pd.DataFrame(asked).isna(), X.isna())


@pytest.mark.parametrize("cell", ["n,a", "-,-", 'it\'s "n,a"'])
def test_what_is_proposed_for_spellings_with_commas_helps(cell: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"age": [*map(str, range(20, 40)), cell], "y": [0, 1, 0] * 7})
    table.to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(DataError) as error:
        read_data(tmp_path / "data.csv", "y")
    command = str(error.value).partition("If they are missing values, use ")[2].partition("; if ")[0]
    said = " ".join(shlex.split(command)).replace("=", " ").partition(" ")[2]
    X, *_ = read_data(tmp_path / "data.csv", "y", Wanted(missing=split(said)))
    assert X["age"].isna().sum() == 1
