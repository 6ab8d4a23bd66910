"""Which outputs a request asks for, by which names, and in which form. Not here: their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Dict, NamedTuple, Optional

import msgspec

from ..contract.signature import Tensor
from . import parameters
from .tensors import InvalidRequest, show

#: What KServe's own servers call what they answer where no output is named.
DEFAULT = "output-0"


class RequestedOutput(msgspec.Struct, forbid_unknown_fields=True):
    """An output that a V2 request names."""

    name: str
    parameters: Optional[Dict[str, Any]] = None


class Asked(NamedTuple):
    """An output that a request asks for: the model's name for it, "" being the default one's, whether it is sent as
    binary, and the client's name for it, where that is another one.
    """

    output: str = ""
    binary: bool = False
    alias: Optional[str] = None


class Outputs:
    """What can be asked of a model with these `outputs`. `aliases` are other names of them, such as a graph's own."""

    def __init__(self, outputs: tuple[Tensor, ...], aliases: Mapping[str, str]) -> None:
        self._names = [output.name for output in outputs]
        self._aliases = {DEFAULT: "", **aliases}

    def of_rows(self, known: dict[str, Any]) -> tuple[Asked, ...]:
        """The outputs that a request of V1 names in its parameters. Raises InvalidRequest."""
        names = known.get("outputs", [])
        if not all(isinstance(name, str) for name in names):
            raise InvalidRequest(f"parameter outputs: expected names, got {show(names)}")
        return self._understood([Asked(name) for name in names]) if names else (Asked(),)

    def of_tensors(
        self, known: dict[str, Any], outputs: Iterable[tuple[str, dict[str, Any] | None]]
    ) -> tuple[Asked, ...]:
        """The outputs that a request of V2 names, with their parameters, or the default one. Raises InvalidRequest."""
        binary = known.get("binary_data_output", False)
        asked = []
        for name, given in outputs:
            own = parameters.check(given, parameters.OUTPUT, f"output {name!r}: ")
            asked.append(Asked(name, own.get("binary_data", binary)))
        return self._understood(asked) if asked else (Asked("", binary),)

    def proba(self, known: dict[str, Any]) -> bool | None:
        """Whether a request's parameters ask for probabilities; None where they do not say. Raises InvalidRequest."""
        proba: bool | None = known.get("predict_proba")
        if proba and "predict_proba" not in self._names:
            raise InvalidRequest("parameter predict_proba: this model has no probabilities")
        return proba

    def _understood(self, asked: list[Asked]) -> tuple[Asked, ...]:
        found = tuple(item if item.output in self._names else self._called_otherwise(item) for item in asked)
        if len({item.output for item in found}) < len(found):
            raise InvalidRequest("an output is requested twice")
        return found

    def _called_otherwise(self, asked: Asked) -> Asked:
        output = self._aliases.get(asked.output)
        if output is None:
            names = ", ".join(sorted(self._names))
            raise InvalidRequest(f"no output is named {asked.output!r}; this model's outputs are {names}")
        return Asked(output, asked.binary, asked.output)
