"""From a request's bytes to the model's input.

Everything that a client can get wrong is found here or in tensors.py, and raised as `InvalidRequest`; how it is said is
in refusals.py. No server and no framework is known here.

Sources: the V1 protocol (https://kserve.github.io/website, "Protocol V1") and the Open Inference Protocol
with its binary tensor extension (https://github.com/kserve/open-inference-protocol).
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import msgspec
import numpy as np

from ..contract.signature import LARGEST, Signature, Tensor
from .refusals import Refusals
from .tensors import FlatTensor, InputTensor, InvalidRequest, NamedArray, read_tensors, show

#: How a column's values look in JSON, for the decoder.
_JSON_TYPES: dict[str, Any] = {"FP64": Optional[float], "BOOL": Optional[bool], "BYTES": Optional[str]}

#: Bytes of a body from which on decoding would keep others waiting for longer than a thread costs.
LARGE = 200_000


class Request(NamedTuple):
    """A decoded request: the model's input, and how the answer is to look."""

    X: Any
    v1: bool
    proba: Optional[bool] = None
    id: Optional[str] = None
    #: The outputs asked for, by name ("" is the default one), and whether each is sent as binary.
    outputs: tuple[tuple[str, bool], ...] = (("", False),)


def json_size(header: Optional[str]) -> Optional[int]:
    """Read Inference-Header-Content-Length: where V2's binary tensors begin; None without it. Raises InvalidRequest."""
    if header is None:
        return None
    if not header.isdecimal() or len(header) > 18:
        raise InvalidRequest("Inference-Header-Content-Length: expected a number of bytes")
    return int(header)


class _RequestedOutput(msgspec.Struct):
    name: str
    parameters: Optional[Dict[str, Any]] = None


class Decoder:
    """Decodes requests for one model."""

    def __init__(self, signature: Signature, outputs: tuple[Tensor, ...]) -> None:
        self.signature = signature
        self.outputs = {output.name for output in outputs}
        # One decoder checks types, widths and names while it parses: a row is a tuple of the columns' types,
        # a record an object with the columns' names. Missing values are let through here, and checked by `_checked`.
        types = [_JSON_TYPES[column.datatype] for column in signature.columns]
        row: Any = Tuple.__getitem__(tuple(types))
        if signature.tensor:
            row = float
            for _ in signature.tensor:
                row = List[row]
            types = [row]
        self._order = signature.names  # the signature makes a new list whenever it is asked
        self._names = frozenset(self._order)
        self._refusals = Refusals(signature)
        self._fields = [f"c{i}" for i in range(len(types))]  # a column's name need not be an identifier
        fields = list(zip(self._fields, signature.columns, types))
        record: Any = msgspec.defstruct(
            "Record",
            [(field, kind) for field, column, kind in fields if not column.nullable]
            + [(field, kind, None) for field, column, kind in fields if column.nullable],
            rename={field: column.name for field, column, _ in fields},
            forbid_unknown_fields=True,
        )

        def decoder(tensor: Any) -> msgspec.json.Decoder[Any]:
            fields: list[Any] = [
                ("instances", Optional[List[Union[row, record]]], None),
                ("inputs", Optional[List[tensor]], None),
                ("id", Optional[str], None),
                ("parameters", Optional[Dict[str, Any]], None),
                ("outputs", Optional[List[_RequestedOutput]], None),
            ]
            return msgspec.json.Decoder(msgspec.defstruct("Request", fields))

        self._flat = decoder(FlatTensor)
        self._any = decoder(InputTensor)

    def decode(self, body: bytes, json_size: int | None = None, v1: bool = False) -> Request:
        """Decode a body of either protocol; `json_size` is where V2's binary tensors begin.

        `{"instances": ...}` is understood on the V2 path too, and is answered in its own form.
        Raises InvalidRequest.
        """
        if json_size is not None and not 0 <= json_size <= len(body):
            raise InvalidRequest(f"Inference-Header-Content-Length is {json_size}, and the body has {len(body)} bytes")
        text = body if json_size is None else body[:json_size]
        try:
            request: Any = self._flat.decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):  # nested tensors, or a mistake
            try:
                request = self._any.decode(text)
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                raise InvalidRequest(self._refusals.body(text, str(error))) from None
        proba = self.proba(request.parameters)
        if request.instances is not None:
            return Request(self._from_rows(request.instances), True, proba)
        if v1 or request.inputs is None:
            raise InvalidRequest(
                'the request has no "instances": expected {"instances": [row, ...]}'
                + ("" if v1 else ' or a V2 request, {"inputs": [tensor, ...]}')
            )
        tail = memoryview(body)[len(text) :]
        X = self.from_tensors(read_tensors(request.inputs, tail, self._order))
        everything = bool((request.parameters or {}).get("binary_data_output"))
        asked = [
            (output.name, bool((output.parameters or {}).get("binary_data", everything)))
            for output in request.outputs or ()
        ]
        return self.request(X, proba, request.id, asked, everything)

    def request(
        self, X: Any, proba: bool | None, id: str | None, asked: list[tuple[str, bool]], binary: bool = False
    ) -> Request:
        """Put a V2 request together; `asked` are the outputs that the client wants, if it names any."""
        if len({name for name, _ in asked}) < len(asked):
            raise InvalidRequest("an output is requested twice")
        unknown = [name for name, _ in asked if name not in self.outputs]
        if unknown:
            raise InvalidRequest(
                f"no output is named {unknown[0]!r}; this model's outputs are {', '.join(sorted(self.outputs))}"
            )
        return Request(X, False, proba, id, tuple(asked) or (("", binary),))

    def proba(self, parameters: dict[str, Any] | None) -> bool | None:
        """Whether a request's parameters ask for probabilities; None where they do not say."""
        proba = (parameters or {}).get("predict_proba")
        if proba is not None and not isinstance(proba, bool):
            raise InvalidRequest(f"parameter predict_proba: expected true or false, got {show(proba)}")
        if proba and "predict_proba" not in self.outputs:
            raise InvalidRequest("parameter predict_proba: this model has no probabilities")
        return proba

    def _from_rows(self, instances: list[Any]) -> Any:
        if not instances:
            raise InvalidRequest('"instances" is empty: expected one row or more')
        if self.signature.tensor:
            return self._from_nested([row if row.__class__ is list else row.c0 for row in instances])
        rows = [
            row if row.__class__ is tuple else tuple(getattr(row, field) for field in self._fields) for row in instances
        ]
        if self.signature.numeric:
            return self._checked(np.array(rows, dtype=np.float64))
        return self._checked(self.signature.assemble(list(zip(*rows))))

    def _from_nested(self, rows: list[Any]) -> Any:
        try:
            X = np.array(rows, dtype=np.float64)
        except ValueError:  # lists of several lengths
            X = np.empty(0)
        if X.shape[1:] != self.signature.tensor:
            raise InvalidRequest(self._refusals.rows(rows))
        return self._checked(X)

    def from_tensors(self, tensors: list[NamedArray]) -> Any:
        """Bring V2 tensors into the model's input: one matrix, or one tensor per column in any order.

        Raises InvalidRequest.
        """
        if not tensors:
            raise InvalidRequest(f'"inputs" is empty: {self._refusals.expected()}')
        if len(tensors) == 1 and (self.signature.tensor or tensors[0].name not in self._names):
            return self._from_matrix(tensors[0])
        rows = len(tensors[0].values) if tensors[0].values.ndim else 0
        self._refuse(self._refusals.tensors(tensors, rows))
        by_name = {tensor.name: tensor.values.ravel() for tensor in tensors}
        absent = np.full(rows, np.nan, dtype=object)
        return self._checked(self.signature.assemble([by_name.get(name, absent) for name in self._order]))

    def _from_matrix(self, tensor: NamedArray) -> Any:
        shape = list(tensor.values.shape)
        if len(shape) < 2 or shape[1:] != list(self.signature.tensor or [len(self._order)]) or shape[0] == 0:
            raise InvalidRequest(f"input {tensor.name!r} has shape {shape}; {self._refusals.expected()}")
        self._refuse(self._refusals.matrix(tensor))
        if self.signature.numeric:
            return self._checked(tensor.values.astype(np.float64, copy=False))
        return self._checked(self.signature.assemble(list(tensor.values.T)))

    def _refuse(self, problems: str) -> None:
        """Raise InvalidRequest where tensors have problems."""
        if problems:
            raise InvalidRequest(f"{problems}; {self._refusals.expected()}")

    def _checked(self, X: Any) -> Any:
        """Refuse infinite numbers, and missing values in columns that had none in training."""
        if isinstance(X, np.ndarray):
            X = self.signature.without_missing(X)
            if (np.abs(X) <= LARGEST).all():  # false where values are missing, too
                return X
        problems = self._refusals.values(X)
        if problems:
            raise InvalidRequest(problems)
        return X
