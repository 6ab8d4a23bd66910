"""From a request's bytes to the model's input, and from its answer back to bytes.

Everything that a client can get wrong is found here or in tensors.py, and reported as `InvalidRequest` with row,
column and what was expected. No server and no framework is known here.

Sources: the V1 protocol (https://kserve.github.io/website, "Protocol V1") and the Open Inference Protocol
with its binary tensor extension (https://github.com/kserve/open-inference-protocol).
"""

from __future__ import annotations

import itertools
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import msgspec
import numpy as np
import orjson

from ..contract.signature import LARGEST, Column, Signature, Tensor
from .tensors import FlatTensor, InputTensor, InvalidRequest, NamedArray, datatype_of, read_tensors, show, to_bytes

#: How a column's values look in JSON, for the decoder and for people.
_JSON_TYPES: dict[str, Any] = {"FP64": Optional[float], "BOOL": Optional[bool], "BYTES": Optional[str]}
_SPOKEN = {"FP64": "a number", "BOOL": "true or false", "BYTES": "a string"}
_SHOWN = 10  # problems in one message


class Request(NamedTuple):
    """A decoded request: the model's input, and how the answer is to look."""

    X: Any
    v1: bool
    proba: Optional[bool] = None
    id: Optional[str] = None
    #: The outputs asked for, by name ("" is the default one), and whether each is sent as binary.
    outputs: tuple[tuple[str, bool], ...] = (("", False),)


class Output(NamedTuple):
    name: str
    values: np.ndarray


class _RequestedOutput(msgspec.Struct):
    name: str
    parameters: Optional[Dict[str, Any]] = None


class Codec:
    """Decodes and encodes requests for one model."""

    def __init__(self, signature: Signature, outputs: tuple[Tensor, ...]) -> None:
        self.signature = signature
        self.columns = signature.columns
        self.outputs = {output.name for output in outputs}
        # One decoder checks types, widths and names while it parses: a row is a tuple of the columns' types,
        # a record an object with the columns' names. Gaps are let through here, and checked by `_checked`.
        types = [_JSON_TYPES[column.datatype] for column in self.columns]
        row: Any = Tuple.__getitem__(tuple(types))
        if signature.tensor:
            row = float
            for _ in signature.tensor:
                row = List[row]
            types = [row]
        self._order = signature.names  # the signature makes a new list whenever it is asked
        self._names = frozenset(self._order)
        self._fields = [f"c{i}" for i in range(len(types))]  # a column's name need not be an identifier
        fields = list(zip(self._fields, self.columns, types))
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

    # -- decoding -----------------------------------------------------------------------------------------------

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
                raise InvalidRequest(self._explain(text, str(error))) from None
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
            raise InvalidRequest("an output is asked for twice")
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
            problems = (f"row {i}{problem}" for i, row in enumerate(rows) for problem in self._explain_row(row))
            raise InvalidRequest(_join([*itertools.islice(problems, _SHOWN + 1)]))
        return self._checked(X)

    def from_tensors(self, tensors: list[NamedArray]) -> Any:
        """Bring V2 tensors into the model's input: one matrix, or one tensor per column in any order.

        Raises InvalidRequest.
        """
        if not tensors:
            raise InvalidRequest('"inputs" is empty: ' + self._expected())
        if len(tensors) == 1 and (self.signature.tensor or tensors[0].name not in self._names):
            return self._from_matrix(tensors[0])
        by_name = {tensor.name: tensor for tensor in tensors}
        problems = [f"input {name!r} is not a column" for name in by_name if name not in self._names]
        if len(by_name) < len(tensors):
            problems.append("an input is named twice")
        rows = len(tensors[0].values) if tensors[0].values.ndim else 0
        for column in self.columns:
            tensor = by_name.get(column.name)
            if tensor is None:
                if not column.nullable:
                    problems.append(f"column {column.name!r} is missing")
                continue
            problems += _fits(tensor, column)
            shape = list(tensor.values.shape)
            if shape not in ([rows], [rows, 1]) or rows == 0:
                problems.append(f"column {column.name!r} has shape {shape}: expected [{rows or 'rows'}]")
        if problems:
            raise InvalidRequest(f"{_join(problems)}; {self._expected()}")
        absent = np.full(rows, np.nan, dtype=object)
        values = [by_name[name].values.ravel() if name in by_name else absent for name in self._order]
        return self._checked(self.signature.assemble(values))

    def _from_matrix(self, tensor: NamedArray) -> Any:
        shape = list(tensor.values.shape)
        if len(shape) < 2 or shape[1:] != list(self.signature.tensor or [len(self.columns)]) or shape[0] == 0:
            raise InvalidRequest(f"input {tensor.name!r} has shape {shape}; {self._expected()}")
        problems = [problem for column in self.columns for problem in _fits(tensor, column)]
        if problems:
            raise InvalidRequest(f"{_join(problems)}; {self._expected()}")
        if self.signature.numeric:
            return self._checked(tensor.values.astype(np.float64, copy=False))
        return self._checked(self.signature.assemble(list(tensor.values.T)))

    def _checked(self, X: Any) -> Any:
        """Refuse infinite numbers, and gaps in columns that had none in training."""
        if isinstance(X, np.ndarray):
            X = self.signature.without_missing(X)
            if (np.abs(X) <= LARGEST).all():  # not so where there are gaps, either
                return X
            if self.signature.tensor:
                bad = np.flatnonzero(~(np.abs(X.reshape(len(X), -1)) <= LARGEST).all(axis=1))
                raise InvalidRequest(_join([f"row {row}: expected numbers up to {LARGEST:.1e}" for row in bad]))
            columns = list(X.T)
        else:
            columns = [X[name].to_numpy() for name in self._order]
        problems = []
        for column, values in zip(self.columns, columns):
            if column.datatype == "BYTES":
                gaps = np.array([value is None for value in values])
            else:
                gaps = np.isnan(values)
                large = np.flatnonzero(np.abs(values) > LARGEST)[:_SHOWN]
                problems += [
                    f"row {row}, column {column.name!r}: expected a number up to {LARGEST:.1e}" for row in large
                ]
            if not column.nullable:
                spellings = self.signature.spellings if column.datatype == "BYTES" else ()
                none = f"got none ({' or '.join(['null', *map(show, sorted(spellings))])})"
                problems += [
                    f"row {row}, column {column.name!r}: expected {_SPOKEN[column.datatype]}, {none}, "
                    "and training saw no missing values here"
                    for row in np.flatnonzero(gaps)[:_SHOWN]
                ]
        if problems:
            raise InvalidRequest(_join(problems))
        return X

    # -- errors -------------------------------------------------------------------------------------------------

    def _expected(self) -> str:
        inputs = (f"{item.name!r} {item.datatype} {list(item.shape)}" for item in self.signature.inputs)
        return f"expected {', '.join(inputs)}"

    def _explain(self, body: bytes, reason: str) -> str:
        """Say what is wrong with a body that the decoder refused, all of it, in the model's own words."""
        try:
            content = orjson.loads(body)
        except ValueError as error:
            return f"the body is not JSON: {error}"
        if not isinstance(content, dict):
            return f'expected an object, {{"instances": [row, ...]}}, got {show(content)}'
        instances = content.get("instances")
        if instances is None:
            return reason
        if not isinstance(instances, list):
            return f'"instances": expected a list of rows, got {show(instances)}'
        problems = (
            f"row {i}{problem}" for i, instance in enumerate(instances) for problem in self._explain_row(instance)
        )
        return _join([*itertools.islice(problems, _SHOWN + 1)]) or reason

    def _explain_row(self, row: Any) -> list[str]:
        names = self._order
        if self.signature.tensor:
            return _misshapen(row.get(names[0]) if isinstance(row, dict) else row, self.signature.tensor)
        if isinstance(row, list):
            if len(row) != len(names):
                return [f": expected {len(names)} values ({', '.join(names)}), got {len(row)}"]
            values = dict(zip(names, row))
        elif isinstance(row, dict):
            values = row
        else:
            return [f": expected a list of {len(names)} values or an object with the columns' names, got {show(row)}"]
        foreign = itertools.islice((name for name in values if name not in self._names), _SHOWN + 1)
        problems = [f", column {name!r}: no such column; expected {', '.join(names)}" for name in foreign]
        for column in self.columns:
            where = f", column {column.name!r}: expected {_SPOKEN[column.datatype]}"
            if column.name not in values:
                problems += [] if column.nullable else [f"{where}, and it is missing"]
                continue
            value = values[column.name]
            kind: Any = {"FP64": (int, float), "BOOL": bool, "BYTES": str}[column.datatype]
            if value is not None and not (isinstance(value, kind) and isinstance(value, bool) == (kind is bool)):
                problems.append(f"{where}, got {show(value)}")
        return problems

    # -- encoding -----------------------------------------------------------------------------------------------

    def encode(self, name: str, request: Request, outputs: list[Output]) -> tuple[bytes, int | None]:
        """Encode an answer; returns the body and, where binary tensors follow, the size of its JSON."""
        if request.v1:
            return orjson.dumps({"predictions": _jsonable(outputs[0].values)}, option=orjson.OPT_SERIALIZE_NUMPY), None
        tensors, tail = [], []
        for output, (_, binary) in zip(outputs, request.outputs):
            tensor: dict[str, Any] = {
                "name": output.name,
                "shape": output.values.shape,
                "datatype": datatype_of(output.values),
            }
            if binary:
                raw = to_bytes(output.values)
                tensor["parameters"] = {"binary_data_size": len(raw)}
                tail.append(raw)
            else:
                tensor["data"] = _jsonable(output.values.ravel())
            tensors.append(tensor)
        answer = {"model_name": name, "id": request.id, "outputs": tensors}
        if request.id is None:
            del answer["id"]
        text = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
        return (b"".join([text, *tail]), len(text)) if tail else (text, None)


def _misshapen(row: Any, shape: tuple[int, ...]) -> list[str]:
    """Say of a row that is a tensor what is wrong with it."""
    expected = f": expected numbers in lists of the shape {list(shape)}"
    try:
        values = np.array(row, dtype=object)
    except ValueError:
        return [f"{expected}, got lists of several lengths"]
    if any(isinstance(value, list) for value in values.flat):
        return [f"{expected}, got lists of several lengths"]
    if values.shape != shape:
        return [f"{expected}, got {list(values.shape) if isinstance(row, list) else show(row)}"]
    return [] if all(isinstance(value, (int, float)) for value in values.flat) else [f"{expected}, got {show(row)}"]


def _jsonable(values: np.ndarray) -> Any:
    return np.ascontiguousarray(values) if values.dtype.kind in "biuf" else values.tolist()


def _fits(tensor: NamedArray, column: Column) -> list[str]:
    """Any datatype of numbers fits FP64; text and truth values fit nothing but their own."""
    number = tensor.datatype not in ("BOOL", "BYTES")
    if number if column.datatype == "FP64" else tensor.datatype == column.datatype:
        return []
    return [f"column {column.name!r}: expected {_SPOKEN[column.datatype]} ({column.datatype}), got {tensor.datatype}"]


def _join(problems: list[str]) -> str:
    more = "; and more" if len(problems) > _SHOWN else ""
    return "; ".join(problems[:_SHOWN]) + more
