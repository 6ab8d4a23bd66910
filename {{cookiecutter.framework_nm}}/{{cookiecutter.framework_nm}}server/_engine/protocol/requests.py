"""From a request's bytes to the model's input.

Everything that a client can get wrong is found here or in what is called from here, and raised as `InvalidRequest`; how
it is said is in refusals.py. No server and no framework is known here. V1 and V2 are parsed by one decoder; what it
does not know is another server's form (peers.py, lines.py), or a mistake.

Sources: the V1 protocol (https://kserve.github.io/website, "Protocol V1") and the Open Inference Protocol
with its binary tensor extension (https://github.com/kserve/open-inference-protocol).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Dict, List, NamedTuple, Optional

import msgspec
import numpy as np

from ..contract.signature import Signature, Tensor
from . import lenient, lines, parameters, peers, plain
from .inputs import named, read_tensors
from .media import CSV, JSON, PLAIN, Media
from .outputs import Asked, Outputs, RequestedOutput
from .refusals import Refusals
from .rows import Rows
from .tensors import FlatTensor, InputTensor, InvalidRequest, NamedArray, check, show

#: Parameters, as a request has them.
_Given = Optional[Dict[str, Any]]
_DEFAULT = (Asked(),)
#: The parameters of nearly every binary tensor, which reading it checks.
_SIZE = {"binary_data_size"}


class Request(NamedTuple):
    """A decoded request: the model's input, and how the answer is to look."""

    X: Any
    v1: bool
    proba: Optional[bool] = None
    id: Optional[str] = None
    outputs: tuple[Asked, ...] = _DEFAULT
    #: The form of the answer, where it is one to rows.
    writes: str = JSON


class Decoder:
    """Decodes requests for one model. `aliases` are other names of its outputs, such as a graph's own.

    `lenient` says whether numbers written as text, and columns that the model does not have, are let pass.
    """

    def __init__(
        self,
        signature: Signature,
        outputs: tuple[Tensor, ...],
        aliases: Mapping[str, str] = MappingProxyType({}),
        lenient: bool = False,
    ) -> None:
        self.signature = signature
        self._outputs = Outputs(outputs, aliases)
        self._lenient = lenient
        self.order = signature.names  # the signature makes a new list whenever it is asked
        self._names = frozenset(self.order)
        self._unused = frozenset(signature.unused)
        self.refusals = Refusals(signature)
        self.rows = Rows(signature, self.refusals)

        def decoder(tensor: Any) -> msgspec.json.Decoder[Any]:
            fields: list[Any] = [
                ("instances", Optional[self.rows.type], None),
                ("inputs", Optional[List[tensor]], None),
                ("id", Optional[str], None),
                ("model_name", Optional[str], None),  # KServe's client says it in the body, too
                ("parameters", Optional[Dict[str, Any]], None),
                ("outputs", Optional[List[RequestedOutput]], None),
            ]
            return msgspec.json.Decoder(msgspec.defstruct("Request", fields, forbid_unknown_fields=True))

        self._flat = decoder(FlatTensor)
        self._any = decoder(InputTensor)

    def decode(
        self, body: bytes, json_size: int | None = None, v1: bool = False, media: Media = PLAIN, lists: bool = False
    ) -> Request:
        """Decode a body of either protocol, or one of a peer's; `json_size` is where V2's binary tensors begin. With
        `lists`, few rows of numbers stay a list of tuples.

        `{"instances": ...}` is understood on the V2 path too, and is answered in its own form.
        Raises InvalidRequest.
        """
        if media.reads != JSON:
            return self._from_lines(body, media)
        if json_size is not None and not 0 <= json_size <= len(body):
            raise InvalidRequest(f"Inference-Header-Content-Length is {json_size}, and the body has {len(body)} bytes")
        text = body if json_size is None else body[:json_size]
        found = self.decode_plain(text, json_size, v1, media)
        if found:
            return found
        try:
            request: Any = self._flat.decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):  # nested tensors, or a mistake
            try:
                request = self._any.decode(text)
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                return self._from_body(text, v1, media.writes, str(error))
        if request.inputs is None and request.instances is not None and request.outputs is None:
            if not request.parameters:
                to_input = self.rows.few if lists else self.rows.to_input
                return Request(to_input(request.instances), True, None, None, _DEFAULT, media.writes)
            return self._v1(request.instances, request.parameters, media.writes)
        if v1 or request.inputs is None or request.instances is not None:
            return self._from_body(text, v1, media.writes, "")
        return self._v2(request, memoryview(body)[len(text) :], lists)

    def decode_plain(self, text: bytes, json_size: int | None, v1: bool, media: Media) -> Request | None:
        """Decode a body of many plain numbers, in a millisecond or two; None where it is another one.

        Raises InvalidRequest.
        """
        if len(text) < plain.MANY or json_size is not None or media.reads != JSON:
            return None
        X = self.rows.of_plain(text)
        if X is not None:
            return Request(X, True, None, None, _DEFAULT, media.writes)
        found = None if v1 else plain.tensor(text)
        if found is None:
            return None
        item, values, id = found
        check(item.name, item.datatype, item.shape)
        return self.request([named(item, values)], None, id, ())

    def _v1(self, rows: list[Any], given: dict[str, Any] | None, writes: str) -> Request:
        return self.of_rows(given, writes)._replace(X=self.rows.to_input(rows))

    def of_rows(self, given: dict[str, Any] | None, writes: str) -> Request:
        """A V1 request by its parameters, still without rows. Raises InvalidRequest."""
        known = parameters.check(given, parameters.V1)
        proba, asked = self._outputs.proba(known), self._outputs.of_rows(known)
        if len(asked) > 1 and writes == CSV:
            raise InvalidRequest("CSV has room for one output: ask for one, or accept JSON or JSON Lines")
        return Request(None, True, proba, None, asked, writes)

    def _v2(self, request: Any, tail: memoryview, lists: bool) -> Request:
        asked = [(output.name, output.parameters) for output in request.outputs or ()]
        rows = self.rows.few_of(request.inputs, tail) if lists and not self._lenient else None
        if rows and "content_type" not in (request.parameters or ()):
            return Request(rows, *self._wanted(request.parameters, request.id, asked)[1:])
        self.check_inputs(request.inputs)
        tensors = read_tensors(request.inputs, tail, self.order)
        return self.request(tensors, request.parameters, request.id, asked)

    def check_inputs(self, inputs: list[Any]) -> None:
        """Raise InvalidRequest where one of V2's inputs has parameters that do not go with it."""
        for item in inputs:
            if item.parameters and item.parameters.keys() != _SIZE:
                self.check_input(item.name, item.datatype, item.parameters)

    def check_input(self, name: str, datatype: str, given: dict[str, Any] | None) -> None:
        """Raise InvalidRequest where a V2 input has parameters that are not known, or say that it is what it is not."""
        known = parameters.check(given, parameters.INPUT, f"input {name!r}: ")
        parameters.check_text(name, datatype, known)

    def request(
        self,
        tensors: list[NamedArray],
        given: dict[str, Any] | None,
        id: str | None,
        outputs: Iterable[tuple[str, dict[str, Any] | None]],
    ) -> Request:
        """Put a V2 request together: its tensors, its parameters, and the outputs that the client wants, if it names
        any, with their parameters. Raises InvalidRequest.
        """
        request, arranged = self.arranged(tensors, given, id, outputs)
        return Request(self.rows.checked(self.converted(arranged)), *request[1:])  # _replace takes microseconds

    def arranged(
        self,
        tensors: list[NamedArray],
        given: dict[str, Any] | None,
        id: str | None,
        outputs: Iterable[tuple[str, dict[str, Any] | None]],
    ) -> tuple[Request, list[np.ndarray]]:
        """The same, still without the model's input, which `converted` makes of the arrays beside it, or of some rows
        of each of them. Raises InvalidRequest.
        """
        request = self._wanted(given, id, outputs)
        return request, self._arrays(tensors, (given or {}).get("content_type") == "pd")

    def _wanted(self, given: _Given, id: str | None, outputs: Iterable[tuple[str, _Given]]) -> Request:
        """A V2 request by its parameters, still without its tensors. Raises InvalidRequest."""
        known = parameters.check(given, parameters.V2)
        return Request(None, False, self._outputs.proba(known), id, self._outputs.of_tensors(known, outputs))

    def _from_lines(self, body: bytes, media: Media) -> Request:
        rows = lines.from_csv(body, self.signature, media.header) if media.reads == CSV else lines.from_json_lines(body)
        return self._from_rows({"instances": rows}, media.writes)

    def _from_body(self, text: bytes, v1: bool, writes: str, reason: str) -> Request:
        return self._from_rows(peers.content(text, v1, reason), writes)

    def _from_rows(self, content: dict[str, Any], writes: str) -> Request:
        given = content.get("parameters") or content.get("params")
        if not isinstance(given, (dict, type(None))):
            raise InvalidRequest(f'"parameters": expected an object, got {show(given)}')
        rows = peers.rows_in(content, self.order, bool(self.signature.tensor))
        if self._lenient:
            rows = lenient.rows(self.signature, rows)
        return self._v1(self.rows.converted(rows), given, writes)

    def _arrays(self, tensors: list[NamedArray], columns: bool) -> list[np.ndarray]:
        """One matrix, or an array for each of the model's columns, from tensors in any order, as they have to be where
        `columns` says so. Raises InvalidRequest.
        """
        if not tensors:
            raise InvalidRequest(f'"inputs" is empty: {self.refusals.expected()}')
        if self._lenient:
            tensors = lenient.tensors(self.signature, tensors)
        if self._unused:
            tensors = [tensor for tensor in tensors if tensor.name not in self._unused]
        if not columns and len(tensors) == 1 and (self.signature.tensor or tensors[0].name not in self._names):
            return [self._matrix(tensors[0])]
        rows = len(tensors[0].values) if tensors[0].values.ndim else 0
        self._refuse(self.refusals.tensors(tensors, rows))
        by_name = {tensor.name: tensor.values.ravel() for tensor in tensors}
        absent = np.full(rows, np.nan, dtype=object)
        return [by_name.get(name, absent) for name in self.order]

    def _matrix(self, tensor: NamedArray) -> np.ndarray:
        shape = list(tensor.values.shape)
        if len(shape) < 2 or shape[1:] != list(self.signature.tensor or [len(self.order)]) or shape[0] == 0:
            raise InvalidRequest(f"input {tensor.name!r} has shape {shape}; {self.refusals.expected()}")
        self._refuse(self.refusals.matrix(tensor))
        return tensor.values

    def converted(self, arrays: list[np.ndarray], first: int = 0) -> Any:
        """The model's input, whose values are still to be checked: of a matrix, or of an array for each column. The
        first row has the number `first`. Raises InvalidRequest.
        """
        if arrays[0].ndim == 1:
            return self.rows.assembled(arrays, first)
        if self.rows.plain or (self.signature.numeric and arrays[0].dtype != object):
            return arrays[0].astype(np.float64, copy=False)
        return self.rows.assembled(list(arrays[0].T), first)

    def _refuse(self, problems: str) -> None:
        """Raise InvalidRequest where tensors have problems."""
        if problems:
            raise InvalidRequest(f"{problems}; {self.refusals.expected()}")
