"""What tests of a server need: the server as a process of its own, and rows as tensors. No image holds this module."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Callable

import httpx
import numpy as np

from ..contract.errors import ModelError, owners_frames
from ..contract.rows import as_sent
from ..contract.signature import Signature
from .opening import AnyModel, open_model


def free_port() -> int:
    """A port that nobody uses, below those that connections take for themselves at any moment."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port


class Server:
    """Serves `model_dir` under a name, with the server command of this package, while a `with` block runs.

    `options` are environment variables of the server, such as PREDICT_PROBA="true".
    """

    def __init__(self, model_dir: Path, name: str = "m", **options: str) -> None:
        self.name = name
        self.http, self.grpc = free_port(), free_port()
        variables = {
            "MODEL_NAME": name,
            "MODEL_DIR": str(model_dir),
            "HTTP_PORT": str(self.http),
            "GRPC_PORT": str(self.grpc),
            "DRAIN_SECONDS": "0",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__.split('.')[0]}.inferencer"],
            env={**os.environ, **variables, **options},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.http}", timeout=60)

    def __enter__(self) -> Server:
        """Wait until the model is ready. Raises RuntimeError with what the server printed if it ends before."""
        while self.process.poll() is None:
            try:
                if self.client.get(f"/v1/models/{self.name}").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {self.process.communicate()[0]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def post(self, path: str, body: Any) -> httpx.Response:
        """Send a body as JSON."""
        return self.client.post(path, json=body)

    def stop(self) -> int:
        """Ask it to stop, as Kubernetes does, and wait; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        self.client.close()
        return self.process.returncode


def tensors(signature: Signature, X: Any) -> list[dict[str, Any]]:
    """Rows in a signature's form as the V2 tensors that the signature lists."""
    if isinstance(X, np.ndarray) and len(signature.inputs) == 1:
        arrays = [X]
    else:
        arrays = [
            X[:, at] if isinstance(X, np.ndarray) else X[name].to_numpy() for at, name in enumerate(signature.names)
        ]
    found = []
    for item, column, values in zip(signature.inputs, signature.columns, arrays):  # all columns of one input are alike
        data = [as_sent(column, value) for value in values.ravel().tolist()]
        found.append({"name": item.name, "datatype": item.datatype, "shape": list(values.shape), "data": data})
    return found


def open_for_tests(model_class: Callable[..., AnyModel], model_dir: Path) -> AnyModel:
    """Load a model as the server does. Raises ModelError with a sentence, and where in the owner's code it failed."""
    try:
        return open_model(model_class, Path(os.path.relpath(model_dir)))[0]
    except ModelError as error:
        frames = traceback.format_list(owners_frames(error.__cause__))
        raise ModelError("\n".join([str(error), *frames])) from error


def assert_same(answers: Any, expected: np.ndarray) -> None:
    """Hold answers against those of a model: text and labels are equal, numbers to single precision.

    Near zero that is a share of the largest number: rows answered together are added up in another order.
    """
    answers = np.asarray(answers)
    if answers.dtype.kind in "SO":
        answers = np.array([item.decode() if isinstance(item, bytes) else item for item in answers.ravel()])
    if expected.dtype.kind == "f":
        largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
        np.testing.assert_allclose(answers.astype(np.float64), expected, rtol=1e-4, atol=1e-4 * largest)
    else:
        np.testing.assert_array_equal(answers.astype(expected.dtype), expected)
