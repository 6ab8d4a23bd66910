"""Promises of reading tables: what a cell means does not depend on the file's form, and what cannot be read is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
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
        "1 rows are left out, because they have no value in 'y' (the empty cell)",
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
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(DataError) as error:
        read_data(csv(tmp_path, content), "y")
    assert complaint in str(error.value)


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


def test_missing_is_not_proposed_for_a_spelling_with_a_comma(tmp_path: Path) -> None:
    file = csv(tmp_path, "\n".join(["age,y", *(f"{age},{age % 2}" for age in range(20, 40)), '"n,a",1', ""]))
    with pytest.raises(DataError, match=r"leave their cells empty in the file, .* use --columns age:text"):
        read_data(file, "y")
