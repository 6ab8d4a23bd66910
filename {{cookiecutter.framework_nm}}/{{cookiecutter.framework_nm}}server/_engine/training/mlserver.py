"""model-settings.json, by which MLServer knows a model. Not here: the model itself, which other files hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import msgspec

from ..contract.columns import Column
from ..contract.errors import ModelError

FILE = "model-settings.json"
#: The frameworks here, by the end of the class that MLServer runs a model with.
RUNTIMES = {
    "SKLearnModel": "scikit-learn",
    "XGBoostModel": "xgboost",
    "LightGBMModel": "lightgbm",
    "CatboostModel": "catboost",
    "MLflowRuntime": "mlflow",
    "HuggingFaceRuntime": "transformers",
}
_DATATYPES: Dict[str, Any] = {"BYTES": "BYTES", "BOOL": "BOOL"}


class _Input(msgspec.Struct):
    name: str
    datatype: str = "FP64"
    shape: List[int] = []


class _Parameters(msgspec.Struct):
    uri: Optional[str] = None


class _Settings(msgspec.Struct):
    implementation: str = ""
    parameters: Optional[_Parameters] = None
    inputs: List[_Input] = []


def read(folder: Path, framework: str) -> Tuple[Path, Tuple[Column, ...]]:
    """Where the model of a folder is, and the columns that its settings tell: one for each of several inputs.

    Raises ModelError where there are no settings, or those of a model that the framework does not run.
    """
    file = folder / FILE
    try:
        settings = msgspec.json.decode(file.read_bytes(), type=_Settings)
    except OSError as error:
        raise ModelError(
            f"{file} cannot be read ({error.strerror}): name the folder that MLServer has the model in"
        ) from None
    except msgspec.MsgspecError as error:
        raise ModelError(f"{file} is none of MLServer's: {error}") from None
    runtime = settings.implementation.rpartition(".")[2]
    if RUNTIMES.get(runtime) != framework:
        better = f": generate a project of {RUNTIMES[runtime]} for it" if runtime in RUNTIMES else ""
        raise ModelError(
            f"{file} is of {settings.implementation or 'no class'}, which {framework} does not run{better}"
        )
    uri = settings.parameters.uri if settings.parameters else None
    if uri and "://" in uri:
        raise ModelError(f"the model of {file} is at {uri}: download it, and name it with --model")
    several = len(settings.inputs) > 1
    columns = [Column(item.name, _DATATYPES.get(item.datatype, "FP64")) for item in settings.inputs if several]
    return folder / uri if uri else folder, tuple(columns)
