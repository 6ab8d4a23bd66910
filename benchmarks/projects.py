"""Ours: projects baked from this template, installed, and the models that they train."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .environments import Environment, Tools, run
from .load import CONNECTIONS, FORMS, LOADS, ROWS
from .paths import CACHE, HERE, TEMPLATE


@dataclass(frozen=True)
class Model:
    """A model to compare servers with. `starts`: whether starting is measured with it, too.

    All servers get `loads`, and some of them `sweeps`. `columns` are those of its data, if it is not the project's own;
    a server has it `copies` times.
    """

    key: str
    title: str
    framework: str
    options: tuple[str, ...]
    loads: tuple[str, ...]
    sweeps: tuple[str, ...] = ()
    columns: int = 0
    copies: int = 1
    starts: bool = False


_ONE = ("one c=1", "one c=16", "one c=64")
_BULK = ("bulk v1", "bulk json", "bulk binary")
_CONNECTIONS = tuple(f"one c={connections}" for connections in CONNECTIONS)
_FORMS = tuple(f"one {form}" for form in FORMS)
_ROWS = tuple(f"{form} rows={rows}" for form in ("json", "binary") for rows in ROWS)
_FOREST, _LINEAR = ("--estimator", "forest"), ("--estimator", "linear")
#: How many models a server has, and how many columns a model.
COPIES, COLUMNS = (1, 10, 50), (4, 30, 300, 2000)
MODELS = (
    Model("iris", "logistic regression, iris, 4 columns", "sklearn", (), _ONE, (*_CONNECTIONS, *_FORMS), starts=True),
    Model("forest", "random forest of 100 trees, 30 columns", "sklearn", _FOREST, _ONE, columns=30),
    Model("xgboost", "XGBoost, 100 rounds, 30 columns", "xgboost", (), (*_ONE, *_BULK), columns=30, starts=True),
    Model("linear", "logistic regression, 30 columns", "sklearn", _LINEAR, _BULK, ("one c=16", *_ROWS), columns=30),
    *(
        Model(f"columns-{columns}", f"{columns:,} columns", "sklearn", _LINEAR, (), ("one c=16",), columns=columns)
        for columns in COLUMNS[2:]
    ),
    *(
        Model(f"copies-{copies}", f"{copies} models of iris", "sklearn", (), (), ("one c=16",), copies=copies)
        for copies in COPIES[1:]
    ),
)


class Project:
    """A project of one framework, with an environment of its own."""

    def __init__(self, framework: str) -> None:
        self.framework = framework
        self.package = f"{framework}server"
        self.folder = CACHE / "projects" / framework
        self.environment = Environment(f"ours-{framework}")

    def bake(self) -> None:
        """Generate it from the template as it is now."""
        shutil.rmtree(self.folder, ignore_errors=True)
        command: list[str | Path] = [Tools().bin("cookiecutter"), TEMPLATE, "--no-input", "-o", self.folder.parent]
        run([*command, f"framework_nm={self.framework}"], COOKIECUTTER_CONFIG=str(_no_habits()))
        self.source = _digest(self.folder)

    def install(self) -> None:
        """Install it for training and serving, with what the compiled model needs where the project knows of one."""
        setup = (self.folder / "setup.py").read_text()
        extras = "train,onnx" if '"onnx"' in setup else "train"
        requirements = (self.folder / "requirements.txt").read_text()
        self.environment.install(("--editable", f"{self.folder}[{extras}]"), setup + requirements)

    def pin(self, package: str) -> str:
        """A requirement as the project pins it, so that peers run on the same version; "" where it does not."""
        lines = (self.folder / "requirements.txt").read_text().splitlines()
        return next((line for line in lines if line.startswith(f"{package}==")), "")

    def train(self, model: Model) -> Trained:
        """Train with the project's own command, unless this very project did already."""
        folder = CACHE / "models" / model.key
        stamp = folder / ".trained"
        sizes = sorted({LOADS[name].rows for name in (*model.loads, *model.sweeps)})
        wanted = self.source + (HERE / "material.py").read_text() + repr((model.options, sizes))
        wanted = hashlib.sha256(wanted.encode()).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            print(f"training {model.key}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            options = list(model.options)
            material: list[str | Path] = [self.environment.python, HERE / "material.py"]
            if model.columns:
                data = folder / "data.csv"
                run([*material, "csv", str(model.columns), data])
                options += ["--data", str(data), "--target", "target"]
            output = run([self.environment.python, "-m", f"{self.package}.trainer", *options, "--output_dir", folder])
            (folder / "training.log").write_text(output)
            file = folder / "requests.json"
            run([*material, "requests", self.package, folder / "0001", file, *map(str, sizes)])
            stamp.write_text(wanted)
        return Trained(model, self, folder / "0001", json.loads((folder / "requests.json").read_text()))


@dataclass(frozen=True)
class Trained:
    """A trained model: its directory, and requests with the answers that they must get."""

    model: Model
    project: Project
    directory: Path
    requests: dict[str, dict[str, Any]]

    @property
    def weights(self) -> Path:
        """The fitted estimator, which peers load as it is."""
        return next(file for file in self.directory.iterdir() if file.suffix in {".joblib", ".ubj"})

    @property
    def why_not_compiled(self) -> str:
        """Why it has no compiled model, as training said, or "" where it has one."""
        if (self.directory / "model.onnx").exists():
            return ""
        lines = (self.directory.parent / "training.log").read_text().splitlines()
        return next((line for line in lines if line.startswith("No compiled model")), "there is no compiled model")


def _no_habits() -> Path:
    """A cookiecutter configuration of its own: a user's defaults must not change what is measured."""
    file = CACHE / "cookiecutter.yaml"
    file.write_text(f"replay_dir: {CACHE / 'replay'}\ncookiecutters_dir: {CACHE / 'cookiecutters'}\n")
    return file


def _digest(folder: Path) -> str:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    content = [(str(file.relative_to(folder)), file.read_bytes()) for file in files]
    return hashlib.sha256(repr(content).encode()).hexdigest()
