"""A model's requests and answers as JSON Schema: what requests.py takes and what answers.py gives, for one signature.

Not here: paths and statuses, which are an SDK's. What a schema cannot say, such as that a tensor's data fills its
shape, is said in its description.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Tuple

from ..contract.signature import LARGEST, Column, Signature, Tensor
from .outputs import DEFAULT
from .parameters import CONTENT_TYPES

Schema = Dict[str, Any]

ERROR: Schema = {
    "type": "object",
    "description": "What was wrong, where, and what was expected.",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}
_CONTENT_TYPE: Schema = {"enum": list(CONTENT_TYPES), "description": "What MLServer's clients say of values."}
_JSON_TYPES = {"BOOL": "boolean", "BYTES": "string", "FP16": "number", "FP32": "number", "FP64": "number"}


def answer(properties: Dict[str, Schema]) -> Schema:
    """An object that has all of these properties."""
    schema: Schema = {"type": "object", "properties": dict(properties)}
    return {**schema, "required": list(properties)} if properties else schema


def request_v1(signature: Signature, outputs: Sequence[Tensor]) -> Schema:
    """Rows or records."""
    rows: Schema = {"anyOf": [_row(signature), _record(signature)]}
    return _object({"instances": _rows(rows)}, parameters=_parameters_v1(outputs))


def request_of_peers(signature: Signature, outputs: Sequence[Tensor]) -> Schema:
    """What MLflow's clients send, as pandas writes tables. The forms of further servers are in no schema."""
    forms = {"dataframe_records": _rows(_record(signature))}
    if not signature.tensor:
        names: Schema = {"const": signature.names}
        forms["dataframe_split"] = _object({"columns": names, "data": _rows(_row(signature))})
    parameters = _parameters_v1(outputs)
    return {"anyOf": [_object({name: form}, parameters=parameters) for name, form in forms.items()]}


def request_v2(signature: Signature, outputs: Sequence[Tensor]) -> Schema:
    """Tensors: those of the signature, or one per column."""
    tensor = _object(
        {
            "name": {"type": "string"},
            "datatype": {"type": "string"},
            "shape": _array({"type": "integer", "minimum": 0}),
        },
        data={"type": "array", "description": "As many values as the shape says, in rows; none where binary."},
        parameters=_object({}, binary_data_size={"type": "integer", "minimum": 0}, content_type=_CONTENT_TYPE),
    )
    output = _object({"name": {"enum": _names(outputs)}}, parameters=_object({}, binary_data={"type": "boolean"}))
    parameters = _object({}, **_proba(outputs), binary_data_output={"type": "boolean"}, content_type=_CONTENT_TYPE)
    inputs = {
        **_array(tensor),
        "minItems": 1,
        "description": f"{signature.expected}; or a tensor per column, in any order.",
    }
    return _object({"inputs": inputs}, id={"type": "string"}, parameters=parameters, outputs=_array(output))


def answer_v1(outputs: Sequence[Tensor], labels: Optional[Sequence[Any]]) -> Schema:
    """Predictions, or probabilities where they were asked for; `labels` are the answers that there are.

    Where several outputs were asked for, a prediction is an object with their names.
    """
    values = {item.name: _value(item, labels) for item in outputs}
    several = {**_object({}, **values, **{DEFAULT: {"anyOf": list(values.values())}}), "minProperties": 2}
    return answer({"predictions": {"anyOf": [*map(_array, values.values()), _array(several)]}})


def answer_v2(outputs: Sequence[Tensor], labels: Optional[Sequence[Any]]) -> Schema:
    """The outputs that were asked for. Where one is binary, `parameters` has its size in place of `data`."""
    found = [
        {
            "type": "object",
            "required": ["name", "datatype", "shape"],
            "properties": {
                "name": {"enum": [item.name, DEFAULT]},
                "datatype": {"const": item.datatype},
                "shape": _array({"type": "integer"}),
                "data": _array(_value(Tensor(item.name, item.datatype, (-1,)), labels)),
                "parameters": {"type": "object"},
            },
        }
        for item in outputs
    ]
    schema = answer({"model_name": {"type": "string"}, "outputs": _array({"anyOf": found})})
    schema["properties"]["id"] = {"type": "string"}
    return schema


def explanations(outputs: Sequence[Tensor], labels: Optional[Sequence[Any]]) -> Schema:
    """For each row the prediction, a base score, and what each column adds to it."""
    explanation = answer(
        {
            "prediction": _value(outputs[0], labels),
            "base": {"type": "number"},
            "contributions": {"type": "object", "additionalProperties": {"type": "number"}},
        }
    )
    return answer({"explanations": _array(explanation)})


def tensors(signature: Signature, instances: Sequence[Any]) -> Schema:
    """The V2 request of the same rows or records: the tensors that the signature lists."""
    rows = [[row[name] for name in signature.names] if isinstance(row, dict) else row for row in instances]
    shaped = len(signature.inputs) == 1 and len(signature.inputs[0].shape) > 1
    columns = [_flat(rows)] if shaped else [list(column) for column in zip(*rows)]
    inputs = [
        {"name": item.name, "datatype": item.datatype, "shape": [len(rows), *item.shape[1:]], "data": data}
        for item, data in zip(signature.inputs, columns)
    ]
    return {"inputs": inputs}


def _row(signature: Signature) -> Schema:
    if signature.tensor:
        return _nested({"type": "number", "minimum": -LARGEST, "maximum": LARGEST}, signature.tensor)
    cells = [{"title": column.name, **_cell(signature, column)} for column in signature.columns]
    return {"type": "array", "prefixItems": cells, "minItems": len(cells), "maxItems": len(cells)}


def _record(signature: Signature) -> Schema:
    return {
        "type": "object",
        "required": [column.name for column in signature.columns if not column.nullable],
        "properties": {
            **{
                column.name: _row(signature) if signature.tensor else _cell(signature, column)
                for column in signature.columns
            },
            **{name: {"description": f"Nothing is learnt from it: {why}."} for name, why in signature.unused.items()},
        },
        "additionalProperties": False,
    }


def _cell(signature: Signature, column: Column) -> Schema:
    """A column's values. Where training saw none missing, what spells a missing value is not among them."""
    kind = _JSON_TYPES[column.datatype]
    kinds = list(dict.fromkeys([kind, *["string"] * (column.form is not None), *["null"] * column.nullable]))
    schema: Schema = {"type": kinds if len(kinds) > 1 else kind}
    if column.form is not None:
        schema.update(description=f"Expected: {column.form.expected}.", examples=[column.form.example])
    if kind == "number":
        schema.update(format="double", minimum=-LARGEST, maximum=LARGEST)
    spellings: list[Any] = signature.missing_numbers if kind == "number" else []
    if "string" in kinds:
        spellings = [*spellings, *sorted(signature.spellings)]
    if spellings and not column.nullable:
        schema["not"] = {"enum": spellings}
    return schema


def _value(output: Tensor, labels: Optional[Sequence[Any]]) -> Schema:
    """One row's value of an output."""
    if output.name == "predict" and labels is not None:
        return {"enum": list(dict.fromkeys(labels))}
    kind = _JSON_TYPES.get(output.datatype, "integer")
    schema: Schema = {"type": ["number", "null"] if kind == "number" else kind}  # null is what JSON has for NaN
    if output.name != "predict_proba":
        return _nested(schema, output.shape[1:])
    schema.update(minimum=0, maximum=1)
    nested = _nested(schema, output.shape[1:])
    if labels is not None and output.shape[1:]:
        nested["description"] = f"A probability for each label, in this order: {', '.join(map(str, labels))}."
    return nested


def _nested(schema: Schema, shape: Tuple[int, ...]) -> Schema:
    for size in reversed(shape):
        schema = {"type": "array", "items": schema}
        if size >= 0:
            schema.update(minItems=size, maxItems=size)
    return schema


def _names(outputs: Sequence[Tensor]) -> list[str]:
    return [*(item.name for item in outputs), DEFAULT]


def _proba(outputs: Sequence[Tensor]) -> Dict[str, Schema]:
    has_proba = any(item.name == "predict_proba" for item in outputs)
    return {"predict_proba": {"type": "boolean"} if has_proba else {"const": False}}


def _parameters_v1(outputs: Sequence[Tensor]) -> Schema:
    asked = {**_array({"enum": _names(outputs)}), "uniqueItems": True}
    return _object({}, **_proba(outputs), outputs=asked)


def _object(required: Dict[str, Schema], **others: Schema) -> Schema:
    """What a client sends: these properties and no others."""
    return {**answer(required), "properties": {**required, **others}, "additionalProperties": False}


def _rows(items: Schema) -> Schema:
    return {**_array(items), "minItems": 1}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _flat(values: Any) -> list[Any]:
    return [item for part in values for item in _flat(part)] if isinstance(values, list) else [values]
