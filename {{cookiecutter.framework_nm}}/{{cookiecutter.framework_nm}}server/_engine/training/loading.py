"""Loading a model: what it runs on, the compiled model (ONNX) or the framework. Not here: what a directory is."""

from __future__ import annotations

import copy
import logging
import platform
from pathlib import Path
from typing import Any, Dict

from ..artifact import compiled
from ..artifact.compiled import CompiledModel
from ..artifact.stored import Artifact
from ..contract.errors import ModelError, NotAsAsked
from . import quickening

logger = logging.getLogger(__name__)


class Learnt(Dict[str, Any]):
    """What the code that trained a model noted of it, which raises ModelError for what other code looks for there."""

    def __missing__(self, name: str) -> Any:
        raise ModelError(
            f"the model notes no {name!r}, which trainer/model.py needs now: other code trained it. Train again (make "
            "train), or restore what was there then"
        )


def open_compiled(artifact: Artifact, runtime: str, device: str) -> CompiledModel | None:
    """The compiled model, if that is what the runtime "native", "onnx" or "auto" takes on this device; else None.

    Raises NotAsAsked where the runtime is "onnx" and there is none, and what ONNX Runtime does where it cannot run it.
    """
    there = artifact.metadata.compiled is not None
    if runtime == "onnx" and not there:
        raise NotAsAsked(f"{artifact.path} has no compiled model, which the runtime onnx needs")
    if runtime == "onnx" and not compiled.available():
        raise NotAsAsked("the runtime onnx needs ONNX Runtime: pip install onnxruntime")
    on = {"native": False, "onnx": True, "auto": device == "cpu"}[runtime]
    if not (there and on and compiled.available()):
        return None
    content = artifact.read(compiled.FILE)
    try:
        return CompiledModel(content, device, artifact.metadata.state.get("label_order"))
    except Exception as error:  # ONNX Runtime raises kinds of its own
        if runtime == "onnx":
            raise
        logger.warning("%s cannot be run, so the framework answers: %s", artifact.path / compiled.FILE, error)
        return None


def restore(model: Any, artifact: Artifact, weights: Path) -> None:
    """Have the framework read the weights, onto the device that is asked for."""
    _warn_of_versions(artifact, model.FRAMEWORK, model.version())
    model.restore(weights)
    model._move()
    model._quick = _quick_copy(model)


def _quick_copy(model: Any) -> Any:
    """A copy that shares everything and answers by arithmetic alone; None where that is not known."""
    quick = quickening.quickened(model.model)
    if quick is None:
        return None
    answering = copy.copy(model)
    answering.model = quick
    return answering


def _warn_of_versions(artifact: Artifact, framework: str, version: str) -> None:
    """Log which versions differ from those that the model was saved with, as far as that may matter."""
    for name, here in (("python", platform.python_version()), (framework, version)):
        saved = artifact.metadata.versions.get(name, "unknown")
        if saved.split(".")[:2] != here.split(".")[:2]:
            logger.warning("%s was saved with %s %s but is loaded with %s", artifact.path, name, saved, here)
