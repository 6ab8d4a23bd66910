"""A model of the owner's that tables are scored with, at the top of a module: workers import it by its name."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import pandas as pd
from _engine.contract.columns import Column
from _engine.contract.dates import Dates
from _engine.contract.errors import Unanswerable
from _engine.contract.signature import Signature
from _engine.scoring import command

SIGNATURE = Signature(
    (
        Column("size", "FP64"),
        Column("age", "FP64", nullable=True),
        Column("town", "BYTES"),
        Column("zip", "BYTES", nullable=True),
        Column("member", "BOOL"),
        Column("since", "BYTES", form=Dates(parts=("days",))),
    ),
    missing=("n/a", "-999"),
    unused={"id": "it numbers the rows"},
)


class Told:
    """Predicts a text that tells the row as the model sees it, so that no two rows have one answer."""

    signature = SIGNATURE
    labels: Optional[np.ndarray] = np.array(["no", "yes"])
    has_proba = True

    def __init__(self, dirpath: Path, runtime: str = "auto", device: str = "cpu", verify_key: Any = None) -> None:
        self.dirpath = dirpath
        self.example = self.signature.assemble([[1.0], [None], ["Ulm"], ["01"], [True], ["2024-05-31"]])

    def answer(self, X: Any, proba: bool) -> np.ndarray:
        if os.environ.get("FAIL_AT") in {*X["town"]}:
            raise TypeError("the owner's code")
        if os.environ.get("DIE_AT") in {*X["town"]}:
            os._exit(9)
        if "nowhere" in {*X["town"]}:
            raise Unanswerable("row 0: nobody lives there")
        share = X["size"].to_numpy() / 10_000
        if proba:
            return np.column_stack([1 - share, share]).astype(np.float32)
        return np.array([json.dumps(row) for row in X.astype(object).where(X.notna(), None).values.tolist()])

    def explainer(self) -> Told:
        return self

    def explain(self, X: Any) -> List[Dict[str, Any]]:
        return [{"prediction": "", "base": 0.5, "contributions": {"size": size}} for size in X["size"].tolist()]


def records(rows: int) -> List[Dict[str, Any]]:
    """Rows as JSON has them, with whatever makes tables difficult."""
    towns = ["Ulm", 'the "old" town', "Bonn, Rhein", "zwei\nZeilen", "Łódź", "007", " "]
    return [
        {
            "id": row,
            "size": row + 0.5,
            "age": None if row % 5 == 0 else float(row % 90),
            "town": towns[row % len(towns)],
            "zip": None if row % 3 == 0 else f"0{row % 10}",
            "member": row % 2 == 0,
            "since": f"20{10 + row % 10}-0{1 + row % 9}-1{row % 10}",
            "note": f"anything {row}",
        }
        for row in range(rows)
    ]


def as_csv(rows: List[Dict[str, Any]], separator: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows({name: str(v).lower() if isinstance(v, bool) else v for name, v in row.items()} for row in rows)
    return text.getvalue().encode()


def write(file: Path, rows: List[Dict[str, Any]]) -> Path:
    """Write rows as a table of the format that the file's name has."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".csv":
        file.write_bytes(as_csv(rows))
    elif file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    else:
        pd.DataFrame(rows).to_parquet(file, row_group_size=7)
    return file


def read(place: Path) -> pd.DataFrame:
    """What was written there, a file or a folder; without what is missing, text is ""."""
    if place.is_dir():
        parts = [path for path in sorted(place.rglob("*")) if path.is_file()]
        return pd.concat([read(path) for path in parts], ignore_index=True)
    if place.suffix == ".csv":
        return pd.read_csv(place, dtype=str, keep_default_na=False, encoding="utf-8")
    if place.suffix == ".jsonl":
        return pd.DataFrame([json.loads(line) for line in place.read_text("utf-8").splitlines()]).fillna("")
    return pd.read_parquet(place).fillna("")


def score(folder: Path, *arguments: str, model: Any = Told) -> None:
    """Run the command with a model in a package of its own."""
    package = folder / "pkg"
    (package / "trainer" / "0001").mkdir(parents=True, exist_ok=True)
    (package / "trainer" / "0001" / "metadata.json").write_text(model.__name__)
    workers = [] if "--workers" in arguments else ["--workers", "1"]
    command.run(model, package, [*arguments, *workers])
