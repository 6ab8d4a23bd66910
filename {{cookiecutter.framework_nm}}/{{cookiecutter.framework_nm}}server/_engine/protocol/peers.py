"""The bodies of other servers' clients, as the rows of V1: columns, and what MLflow and SageMaker take; and bodies that
are nobody's.

Rows are lists or objects, as in `{"instances": [row, ...]}`; whether they fit a model is found out elsewhere.
Not here: other forms than JSON, which are in lines.py.

Sources: MLflow's scoring server (https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally), SageMaker's
"Common data formats for inference" (https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html), and the tests
and samples of KServe's servers for scikit-learn and LightGBM.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import orjson

from .tensors import InvalidRequest, show

#: What rows are called: by V1, by TensorFlow Serving and MLflow, and by MLflow.
NAMES = ("instances", "inputs", "dataframe_split", "dataframe_records")

#: Fields of a body beside the rows that V1, MLflow and TensorFlow Serving know; there is but one signature.
_V1_FIELDS = {*NAMES, "parameters", "params", "id", "model_name", "signature_name"}


def content(text: bytes, v1: bool, reason: str) -> Dict[str, Any]:
    """Read a body that is neither V1's nor V2's as it stands: another's, which has at least one of NAMES, or a mistake,
    as the decoder's `reason` says. Raises InvalidRequest.
    """
    try:
        content: Any = orjson.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise InvalidRequest(f'expected an object, {{"instances": [row, ...]}}, got {show(content)}')
    if not v1 and _has_tensors(content):
        raise InvalidRequest(reason or 'the request has "instances" and "inputs": expected one of them')
    if "outputs" in content:
        how = '{"parameters": {"outputs": [name, ...]}}'
        raise InvalidRequest(f'"outputs" goes with V2\'s tensors: to rows, outputs are named by {how}')
    foreign = content.keys() - _V1_FIELDS
    if foreign:
        raise InvalidRequest(f"{show(min(foreign))} is not known; there are {', '.join(sorted(_V1_FIELDS))}")
    if all(content.get(name) is None for name in NAMES):
        raise InvalidRequest(
            'the request has no "instances": expected {"instances": [row, ...]}'
            + ("" if v1 else ' or a V2 request, {"inputs": [tensor, ...]}')
        )
    return content


def _has_tensors(content: Dict[str, Any]) -> bool:
    """Whether a body's inputs are V2's tensors, or meant to be."""
    inputs = content.get("inputs")
    if not isinstance(inputs, list):
        return False
    fields = {"name", "shape", "datatype", "data"}
    return not inputs or any(isinstance(item, dict) and len(fields & {*item}) > 1 for item in inputs)


def rows_in(content: Dict[str, Any], columns: List[str], tensor: bool) -> List[Any]:
    """The rows in a body that has at least one of NAMES, for a model of these columns, or of a single `tensor`.

    What is no form of a peer's comes back as it is. Raises InvalidRequest.
    """
    name, *others = [name for name in NAMES if content.get(name) is not None]
    if others:
        raise InvalidRequest(f"the request has {name!r} and {others[0]!r}: expected one of them")
    given = content[name]
    if name == "dataframe_split":
        return _from_split(given)
    if isinstance(given, dict):
        return _from_columns(given, name, tensor)
    if not isinstance(given, list):
        raise InvalidRequest(f'"{name}": expected a list of rows, got {show(given)}')
    return [row for item in given for row in _from_item(item, columns, tensor)]


def _from_split(given: Any) -> List[Any]:
    """pandas' `to_dict(orient="split")`, whose index says nothing about the rows."""
    if not isinstance(given, dict) or not isinstance(given.get("data"), list):
        raise InvalidRequest('"dataframe_split": expected {"columns": [name, ...], "data": [row, ...]}')
    foreign = given.keys() - {"columns", "data", "index"}
    if foreign:
        raise InvalidRequest(f'"dataframe_split": {show(min(foreign))} is not known')
    names = given.get("columns")
    rows: List[Any] = given["data"]
    if names is None:
        return rows
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        raise InvalidRequest(f'"dataframe_split": expected columns with a name each, got {show(names)}')
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            raise InvalidRequest(f"row {index}: expected a list of {len(names)} values, got {show(row)}")
    return [dict(zip(names, row)) for row in rows]


def _from_columns(given: Dict[str, Any], name: str, tensor: bool) -> List[Any]:
    """`{"column": [value, ...], ...}`, or pandas' `{"column": {"0": value, ...}, ...}`."""
    if not given:
        return []
    rows = _table(given, tensor)
    if rows is None:
        raise InvalidRequest(f'"{name}": expected rows, or columns with a list of as many values each')
    return rows


def _from_item(item: Any, columns: List[str], tensor: bool) -> List[Any]:
    """What stands where a row is expected: a row of V1 or SageMaker's, or what KServe's servers make a table of."""
    if isinstance(item, dict):
        features = _features(item) if not {"data", "features"} & {*columns} else None
        if features is not None:
            return [features]
        return [item] if tensor or not item else _table(item) or [item]
    if isinstance(item, list) and item and all(isinstance(value, dict) and len(value) == 1 for value in item):
        merged = {name: value for cell in item for name, value in cell.items()}
        if len(merged) == len(item):
            return [merged]
    return [item]


def _features(item: Dict[str, Any]) -> Optional[List[Any]]:
    """SageMaker's `{"features": row}` or `{"data": {"features": {"values": row}}}`; None where it is no such thing."""
    found: Any = item
    for name in ("data", "features", "values"):
        if isinstance(found, dict) and [*found] == [name]:
            found = found[name]
    return found if isinstance(found, list) else None


def _table(given: Dict[str, Any], tensor: bool = False) -> Optional[List[Any]]:
    """The rows of columns; None where they are no columns, or of several lengths."""
    first, *others = columns = list(given.values())
    if all(isinstance(column, dict) for column in columns):
        if any(other.keys() != first.keys() for other in others):
            return None
        return [dict(zip(given, (column[index] for column in columns))) for index in first]
    if all(isinstance(column, list) and len(column) == len(first) for column in columns):
        return [dict(zip(given, row)) for row in zip(*columns)]
    return None
