"""The index of a model repository: each version of each model, its state and the reason for it.

Its form is that of Triton's model repository extension. Not here: loading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Dict, List

from .model import Serving


def index(models: Iterable[Serving], names: Iterable[str], failed: Mapping[str, str]) -> List[Dict[str, str]]:
    """List the `models` that are loaded, and those of `names`, in the repository, that are not. `failed` says why a
    model's last load failed, by its name.
    """
    served = {model.name: model for model in models}  # type: ignore[attr-defined]  # the SDK's
    entries = [entry for model in served.values() for entry in _of(model, failed)]
    absent = sorted({*names, *failed} - {*served})
    return entries + [_entry(name, "", "UNAVAILABLE", failed.get(name, "not loaded")) for name in absent]


def _of(model: Serving, failed: Mapping[str, str]) -> List[Dict[str, str]]:
    name: str = model.name  # type: ignore[attr-defined]  # the SDK's
    why = failed.get(name, f"version {model.version} is served")
    others = [_entry(name, item, "UNAVAILABLE", why) for item in model.versions if item != model.version]
    state = "READY" if model.ready else "UNAVAILABLE"
    return [*others, _entry(name, model.version, state, model.stuck if state == "UNAVAILABLE" else "")]


def _entry(name: str, version: str, state: str, reason: str) -> Dict[str, str]:
    """Triton leaves out what it has nothing to say of."""
    entry = {"name": name, "version": version, "state": state, "reason": reason}
    return {key: value for key, value in entry.items() if value}
