"""Everything that can be set about the server: this package's options beside KServe's own.

KServe reads its options off the command line while it is imported. So this module imports nothing of KServe
before `read_arguments` has put the command line in order, and the server imports this module first.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from .platforms import defaults


def switch(value: str) -> bool:
    """Read true or false."""
    try:
        return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"expected true or false, got {value!r}") from None


def count(value: str) -> int:
    """Read a whole number from 1."""
    if not value.isdecimal() or len(value) > 18 or int(value) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {value!r}")
    return int(value)


def port(value: str) -> int:
    """Read a port that nobody listens on yet."""
    number = count(value)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"expected a port, from 1 to 65535, got {value!r}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", number))
        except OSError as error:
            raise argparse.ArgumentTypeError(f"port {number} cannot be used: {error.strerror}") from None
    return number


def one(value: str) -> int:
    """Read the number of workers, which is one."""
    if value != "1":
        raise argparse.ArgumentTypeError(f"expected 1, got {value!r}: each would load its own model; scale by replicas")
    return 1


def one_of(*names: str) -> Callable[[str], str]:
    """Make what reads one of these names."""

    def read(value: str) -> str:
        if value not in names:
            raise argparse.ArgumentTypeError(f"expected {' or '.join(names)}, got {value!r}")
        return value

    return read


def _parser(platform: dict[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)

    def add(name: str, default: str, type: Callable[[str], Any], help: str) -> None:
        variable = name.upper()
        flag: dict[str, Any] = {"nargs": "?", "const": True} if type is switch else {}
        # The platform comes first: the image sets the variables for all.
        default = platform.get(name) or os.environ.get(variable) or default
        parser.add_argument(f"--{name}", default=default, type=type, help=f"{help} [{variable}]", **flag)

    add("model_name", "", str, "name of the model in the request's URL")
    add("model_dir", "/mnt/models", str, "directory or URI of the model, of its versions, or of several models")
    add("http_port", "8080", port, "port of REST")
    add("grpc_port", "8081", port, "port of gRPC")
    runtimes = one_of("auto", "native", "onnx")
    add("runtime", "auto", runtimes, "native, onnx (the compiled twin), or auto (the twin if there is one)")
    add("device", "cpu", one_of("cpu", "cuda"), "what the model runs on: cpu or cuda")
    add("predict_proba", "false", switch, "answer with probabilities instead of labels")
    add("enable_docs_url", "false", switch, "show Swagger UI at /docs")
    add("access_log", "false", switch, "log a line of JSON per REST prediction")
    add("enable_latency_logging", "false", switch, "log a line per request that KServe answers")
    add("workers", "1", one, "one process; scale by replicas")
    add("max_buffer_size", "104857600", count, "largest request, in bytes")
    add("max_batch_rows", "1024", count, "most rows put together for one call of the model")
    add("max_waiting", "1024", count, "most requests that wait for a model; more are answered 503")
    return parser


def read_arguments() -> argparse.Namespace:
    """Read command line and environment; exit with a message where an option is unknown or does not fit."""
    given = sys.argv[1:]
    ours = _parser(defaults(given))
    ours.prog = f"python -m {__package__}"
    arguments, rest = ours.parse_known_args(given)
    sys.argv[1:] = [
        f"--http_port={arguments.http_port}",
        f"--grpc_port={arguments.grpc_port}",
        f"--enable_docs_url={arguments.enable_docs_url}",
        f"--enable_latency_logging={arguments.enable_latency_logging}",
        f"--grpc_max_receive_message_length={arguments.max_buffer_size}",
        *rest,
    ]
    if rest:
        from kserve.model_server import parser as kserve_parser

        # KServe ignores what it does not know; a misspelt option is to be heard of. This also prints --help.
        argparse.ArgumentParser(
            prog=ours.prog,
            parents=[kserve_parser, ours],
            conflict_handler="resolve",
            allow_abbrev=False,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
            description="Serve a model over REST and gRPC. Options that name a variable read it from there too.",
        ).parse_args(given)
    return arguments
