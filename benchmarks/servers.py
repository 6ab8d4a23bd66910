"""What is compared: a table of servers, each with its environment, its command and the protocols that it speaks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import protocols
from .environments import Environment
from .load import CONNECTIONS, ROWS
from .paths import CACHE, PEERS
from .projects import Trained
from .protocols import Protocol

#: The one that ratios are taken to.
BASELINE = "kserve"
#: Where a peer gathers requests by waiting: the most of them, and how many seconds it waits at most.
_GATHERED, _WAIT = 64, 0.005


@dataclass(frozen=True)
class Place:
    """Where a server is started: its model, its interpreter, its free ports, and a folder of its own."""

    trained: Trained
    environment: Environment
    ports: tuple[int, int, int]
    folder: Path

    @property
    def copies(self) -> int:
        """How often the server has the model: as model, model1, model2, ..."""
        return self.trained.model.copies


@dataclass(frozen=True)
class Server:
    """A row of the tables. `environment` is a key of `ENVIRONMENTS`, or "" for the project's own."""

    key: str
    title: str
    environment: str
    command: Callable[[Place], list[str]]
    loads: dict[str, Protocol]
    environ: dict[str, str] = field(default_factory=dict)
    #: Whether it takes part in a quick run, too.
    quick: bool = False
    #: Whether it gets the sweeps, too.
    swept: bool = False
    #: How often its start is timed; starts vary least where ours is compared with KServe.
    starts: int = 1
    #: Why it cannot serve a model, or "" where it can.
    why_not: Callable[[Trained], str] = lambda trained: ""

    @property
    def ours(self) -> bool:
        return not self.environment


def _ours(place: Place) -> list[str]:
    package, directory = place.trained.project.package, place.trained.directory
    options = ["--model_name=model", f"--model_dir={directory}"]
    if place.copies > 1:
        models = place.folder / "models"
        shutil.rmtree(models, ignore_errors=True)
        for name in ["model", *(f"model{i}" for i in range(1, place.copies))]:
            shutil.copytree(directory, models / name)
        options = [f"--model_dir={models}"]
    return [str(place.environment.python), "-m", f"{package}.inferencer", *options, *_kserve_ports(place)]


def _kserve(place: Place) -> list[str]:
    return [str(place.environment.python), str(PEERS / "naive_kserve.py"), *_kserve_ports(place)]


def _kserve_ports(place: Place) -> list[str]:
    return [f"--http_port={place.ports[0]}", f"--grpc_port={place.ports[1]}"]


def _mlserver(batching: bool) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        runtime = {"sklearn": "mlserver_sklearn.SKLearnModel", "xgboost": "mlserver_xgboost.XGBoostModel"}
        http, grpc, metrics = place.ports
        ports = {"http_port": http, "grpc_port": grpc, "metrics_port": metrics}
        settings = {"host": "127.0.0.1", "parallel_workers": 0, **ports}
        model = {
            "name": "model",
            "implementation": runtime[place.trained.project.framework],
            "parameters": {"uri": str(place.trained.weights)},
            **({"max_batch_size": _GATHERED, "max_batch_time": _WAIT} if batching else {}),
        }
        (place.folder / "settings.json").write_text(json.dumps(settings))
        (place.folder / "model-settings.json").write_text(json.dumps(model))
        return [str(place.environment.bin("mlserver")), "start", str(place.folder)]

    return command


def _bentoml(service: str) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        where = ["--working-dir", str(PEERS), "--host", "127.0.0.1", "--port", str(place.ports[0])]
        return [str(place.environment.bin("bentoml")), "serve", f"bento_service:{service}", *where]

    return command


def _litserve(place: Place) -> list[str]:
    return [str(place.environment.python), str(PEERS / "litserve_api.py")]


def _uvicorn(module: str) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        where = ["--app-dir", str(PEERS), "--host", "127.0.0.1", "--port", str(place.ports[0])]
        # The loop and the parser that KServe's uvicorn runs on, and no line per request.
        alike = ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
        return [str(place.environment.bin("uvicorn")), f"{module}:app", *where, *alike]

    return command


def _loads(one: Protocol, json: Protocol) -> dict[str, Protocol]:
    return {"bulk json": json} | {f"one c={connections}": one for connections in CONNECTIONS}


_KSERVE = {
    **_loads(protocols.v1, protocols.v2),
    **{"one v2": protocols.v2, "one binary": protocols.v2_binary, "one grpc": protocols.grpc},
    **{"bulk v1": protocols.v1, "bulk binary": protocols.v2_binary},
    **{f"json rows={rows}": protocols.v2 for rows in ROWS},
    **{f"binary rows={rows}": protocols.v2_binary for rows in ROWS},
}
#: A naive model takes one input.
_OURS = {**_KSERVE, "one columns": protocols.v2_columns}
#: MLServer's REST has no binary tensors.
_V2 = _loads(protocols.v2, protocols.v2)
_ROWS = _loads(protocols.rows, protocols.rows)
_ECHO = _loads(protocols.echo, protocols.echo)
_BENTO = {"BENTOML_DO_NOT_TRACK": "true", "BENTOML_HOME": str(CACHE / "bentoml")}
_LIT = {"LITSERVE_BATCH": "1", "LITSERVE_WAIT": str(_WAIT)}

SERVERS = (
    Server("native", "**this template**", "", _ours, _OURS, {"RUNTIME": "native"}, quick=True, swept=True, starts=3),
    Server(
        "compiled",
        "**this template, compiled model**",
        "",
        _ours,
        _OURS,
        quick=True,
        swept=True,
        starts=3,
        why_not=lambda trained: trained.why_not_compiled,
    ),
    Server(BASELINE, "KServe, a naive model", "kserve", _kserve, _KSERVE, quick=True, swept=True, starts=3),
    Server("mlserver", "MLServer", "mlserver", _mlserver(batching=False), _V2),
    Server("mlserver-batching", "MLServer, batching", "mlserver", _mlserver(batching=True), _V2, quick=True),
    Server("bentoml", "BentoML", "bentoml", _bentoml("Plain"), _ROWS, _BENTO),
    Server("bentoml-batching", "BentoML, batchable", "bentoml", _bentoml("Batching"), _ROWS, _BENTO),
    Server("litserve", "LitServe", "litserve", _litserve, _ROWS, _LIT),
    Server(
        "litserve-batching",
        "LitServe, batching",
        "litserve",
        _litserve,
        _ROWS,
        _LIT | {"LITSERVE_BATCH": str(_GATHERED)},
    ),
    Server("fastapi", "FastAPI, orjson", "uvicorn", _uvicorn("fastapi_app"), _ROWS, quick=True),
    Server(
        "echo",
        "*no model: uvicorn, echo*",
        "uvicorn",
        _uvicorn("asgi_echo"),
        _ECHO,
        quick=True,
        why_not=lambda trained: "" if trained.model.key == "iris" else "it has no model",
    ),
)


def environments(pin: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
    """What each environment holds; `pin` gives a package as ours pins it, so that all run the same library."""
    frameworks = (pin("scikit-learn"), pin("numpy"), pin("xgboost-cpu"))
    return {
        "kserve": (pin("kserve"), pin("pandas"), *frameworks),
        # Its XGBoost runtime asks for the build with GPUs, by name.
        "mlserver": (
            *("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "mlserver-xgboost==1.7.1"),
            *(pin("scikit-learn"), pin("numpy"), pin("xgboost-cpu").replace("-cpu", "")),
        ),
        "bentoml": ("bentoml==1.4.39", *frameworks),
        "litserve": ("litserve==0.2.19", *frameworks),
        "uvicorn": ("fastapi==0.165.0", "uvicorn[standard]==0.54.0", pin("orjson"), *frameworks),
    }


#: What the page names the versions of.
NAMED = (
    *("kserve", "mlserver", "bentoml", "litserve", "fastapi", "uvicorn", "uvloop", "httptools", "pydantic", "orjson"),
    *("msgspec", "numpy", "scikit-learn", "xgboost", "xgboost-cpu", "onnxruntime", "skl2onnx", "onnxmltools"),
)
