"""Three models of one server, and what they answer in process: of numbers, of text to labels, and of text to numbers.

Not here: how they are asked.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from running import Server, shell
from triton_client import Tensors

MODELS = ["numbers", "labels", "prices"]
#: Largest request of the servers here. Answers are larger than that, and than what gRPC sends unless it is told to.
LARGEST = 2_000_000
#: Numbers that every datatype holds, signed, unsigned or of half precision.
NUMBERS = [[5, 3, 1, 0], [6, 3, 4, 1], [7, 3, 6, 2], [6, 2, 5, 2], [5, 3, 2, 0]]
NUMERIC = {
    f"{protocol}{bits}": np.dtype(f"{name}{bits}")
    for protocol, name, sizes in (
        ("FP", "float", (16, 32, 64)),
        ("INT", "int", (8, 16, 32, 64)),
        ("UINT", "uint", (8, 16, 32, 64)),
    )
    for bits in sizes
}
COLUMNS = {"age": "FP64", "spend": "FP64", "plan": "BYTES", "city": "BYTES", "active": "BOOL"}
ROWS: list[dict[str, Any]] = [
    {"age": age, "spend": 10.1 * number, "plan": plan, "city": city, "active": active}
    for number, (age, plan, city, active) in enumerate(
        [
            (31.5, "basic", "München", True),
            (None, "pro", "São Paulo", False),
            (64, "pro", "東京", True),
            (18, "basic", "", False),
            (None, "never seen", "x" * 300, True),
        ]
    )
]
CUSTOMERS = "\n".join(
    ["age,spend,plan,city,active,churned"]
    + [
        f"{'' if i % 5 == 0 else 18 + i},{i * 3.7 % 100:.2f},{'basic' if i % 3 else 'pro'},"
        f"{('München', 'São Paulo', '', '東京')[i % 4]},{i % 2 == 0},{'não' if i % 7 < 3 else 'sim'}"
        for i in range(80)
    ]
)
#: What the project's own class answers, asked without a server.
IN_PROCESS = """
import json, sys
import numpy as np
import pandas as pd
from pathlib import Path
from sklearnserver.trainer.model import MyModel
folder = Path(sys.argv[1])
answers = {}
for name, rows in json.loads((folder / "rows.json").read_text()).items():
    model = MyModel(dirpath=folder / "models" / name / "0001", runtime="auto")
    X = pd.DataFrame(rows) if isinstance(rows[0], dict) else np.array(rows)
    outputs = ["predict"] + ["predict_proba"] * model.has_proba
    answers[name] = {output: model.predict(X, output == "predict_proba").tolist() for output in outputs}
numbers = MyModel(dirpath=folder / "models/numbers/0001", runtime="auto")
np.save(folder / "many.npy", numbers.predict(np.load(folder / "many_rows.npy").astype(float), True))
print(json.dumps(answers))
"""
#: So many rows of small numbers that their probabilities are more than 8 MB, which KServe sends at most, and more than
#: LARGEST, while they themselves are less.
MANY = np.tile(np.array(NUMBERS, dtype=np.int8), (80_000, 1))


@dataclass
class Served:
    """A running server, and what its models answer: by model and output for NUMBERS or ROWS; probabilities of MANY."""

    server: Server
    expected: dict[str, dict[str, list[Any]]]
    many: np.ndarray


def serve_models(project: Path, folder: Path) -> Served:
    """Serve three models: numbers, the sample; labels and prices, learnt from text and missing values."""
    shutil.copytree(project / "sklearnserver/example_models/0001", folder / "models/numbers/0001")
    (folder / "customers.csv").write_text(CUSTOMERS)
    train = ".venv/bin/python -m sklearnserver.trainer --allow_useless --data"
    for name, target in (("labels", "churned"), ("prices", "spend")):
        (folder / "models" / name).mkdir()
        shell(project, f"{train} {folder}/customers.csv --target {target} --output_dir {folder}/models/{name}")
    prices = [{"churned": "sim", **{k: v for k, v in row.items() if k != "spend"}} for row in ROWS]
    (folder / "rows.json").write_text(json.dumps({"numbers": NUMBERS, "labels": ROWS, "prices": prices}))
    np.save(folder / "many_rows.npy", MANY)
    (folder / "ask.py").write_text(IN_PROCESS)
    expected = json.loads(shell(project, f".venv/bin/python {folder}/ask.py {folder}", PYTHONPATH=str(project)))
    server = Server(project, f"--max_buffer_size={LARGEST}", MODEL_NAME="numbers", MODEL_DIR=str(folder / "models"))
    return Served(server.__enter__(), expected, np.load(folder / "many.npy"))


def arrays(model: str) -> Tensors:
    """The rows as tensors by name, each with its datatype."""
    if model == "numbers":
        return {"input-0": (np.array(NUMBERS, dtype=np.float64), "FP64")}
    dtypes = {"FP64": np.float64, "BYTES": np.object_, "BOOL": np.bool_}
    found: Tensors = {
        name: (np.array([row[name] for row in ROWS], dtypes[kind]), kind) for name, kind in COLUMNS.items()
    }
    if model == "prices":
        found["churned"] = (np.array(["sim"] * len(ROWS), np.object_), "BYTES")
        del found["spend"]
    return found


def plain(array: np.ndarray) -> Any:
    """An answered array as lists, its text as str."""
    values = [value.decode() if isinstance(value, bytes) else value for value in array.ravel().tolist()]
    return np.array(values, dtype=object).reshape(array.shape).tolist()
