"""Triton's client. Its gRPC half is asked in a process of its own: its messages have the names of KServe's, and one
process cannot hold both.
"""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from tritonclient.utils import InferenceServerException

#: Tensors by name, each with its datatype.
Tensors = dict[str, tuple[np.ndarray, str]]


class Answer(NamedTuple):
    """Outputs by name, and which of them came in JSON."""

    arrays: dict[str, np.ndarray]
    in_json: set[str]


class Refused(Exception):
    """The client's own exception, which does not travel between processes."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


def infer(
    over: str,
    port: int,
    model: str,
    tensors: Tensors,
    outputs: list[str] | None = None,
    binary: tuple[bool, bool] | None = None,
    compression: str | None = None,
) -> Answer:
    """Ask `over` grpc or http for outputs by name, or for the default one, `predict`.

    `binary` says for http whether inputs and outputs are; None leaves it to the client. `compression`, gzip or deflate,
    is that of both. Raises Refused.
    """
    module = importlib.import_module(f"tritonclient.{over}")
    client = module.InferenceServerClient(f"127.0.0.1:{port}")
    inputs = []
    for name, (values, datatype) in tensors.items():
        inputs.append(module.InferInput(name, list(values.shape), datatype))
        inputs[-1].set_data_from_numpy(values, **({"binary_data": binary[0]} if binary else {}))
    options = {"binary_data": binary[1]} if binary else {}
    asked = [module.InferRequestedOutput(name, **options) for name in outputs or ()]
    compress = dict.fromkeys(("request_compression_algorithm", "response_compression_algorithm"), compression)
    if over == "grpc":
        compress = {"compression_algorithm": compression}
    try:
        result = client.infer(model, inputs, outputs=asked or None, **compress)
        names = outputs or ["predict"]
        in_json = {name for name in names if over == "http" and "data" in result.get_output(name)}
        return Answer({name: result.as_numpy(name) for name in names}, in_json)
    except InferenceServerException as error:
        raise Refused(error.status(), error.message()) from None
    finally:
        client.close()


@contextmanager
def process() -> Iterator[Callable[..., Answer]]:
    """Start the process; gives what asks in it, with the arguments of `infer`."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:

        def ask(*arguments: Any) -> Answer:
            return pool.submit(infer, *arguments).result(120)

        yield ask
