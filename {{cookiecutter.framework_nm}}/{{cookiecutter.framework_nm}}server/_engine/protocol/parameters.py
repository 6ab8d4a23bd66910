"""Parameters of V1 and V2 requests: which there are, and what they hold. One that is not known is refused by name.

Not here: what comes of them.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from .tensors import InvalidRequest, show

_SPOKEN: Dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    str: "a string",
    list: "a list",
    object: "a number or a string",
}

#: Triton's, which say when a request is computed and not what: this server has one queue, and models without a state.
_SCHEDULING: Dict[str, type] = {
    "priority": int,
    "timeout": int,
    "sequence_id": object,
    "sequence_start": bool,
    "sequence_end": bool,
    "triton_enable_empty_final_response": bool,
}
V1: Dict[str, type] = {"predict_proba": bool, "outputs": list}
V2: Dict[str, type] = {"predict_proba": bool, "binary_data_output": bool, "content_type": str, **_SCHEDULING}
INPUT: Dict[str, type] = {"binary_data_size": int, "content_type": str}
OUTPUT: Dict[str, type] = {"binary_data": bool}

#: MLServer's names for what a tensor's values mean: numbers or text as they are, columns of a table, text.
CONTENT_TYPES = ("np", "pd", "str")


def check(parameters: Optional[Dict[str, Any]], known: Dict[str, type], where: str = "") -> Dict[str, Any]:
    """The parameters that a request gives, without those that are null; `where` begins messages.

    Raises InvalidRequest where one is not among `known`, or of another kind.
    """
    if not parameters:
        return {}
    given = {name: value for name, value in parameters.items() if value is not None}
    for name, value in given.items():
        if name not in known:
            raise InvalidRequest(f"{where}parameter {show(name)}: not known; there are {', '.join(known)}")
        kind = known[name]
        if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
            raise InvalidRequest(f"{where}parameter {name}: expected {_SPOKEN[kind]}, got {show(value)}")
    content_type = given.get("content_type")
    if content_type is not None and content_type not in CONTENT_TYPES:
        raise InvalidRequest(
            f"{where}parameter content_type: values are read as {' or '.join(CONTENT_TYPES)}, not as "
            f"{show(content_type)}: send them as the model's metadata has them"
        )
    return given


def check_text(name: str, datatype: str, parameters: Dict[str, Any]) -> None:
    """Raise InvalidRequest where an input that is said to be text is of another datatype."""
    if parameters.get("content_type") == "str" and datatype != "BYTES":
        raise InvalidRequest(f"input {name!r}: content_type is str, which is BYTES, and the datatype is {datatype}")
