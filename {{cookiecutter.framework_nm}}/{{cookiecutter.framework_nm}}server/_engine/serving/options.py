"""Reading the server's options: the kinds of values that there are, and the options that a server has on every SDK.

What only one SDK's server can do is added in config.py.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ..artifact.addresses import redacted, shown
from ..artifact.signing import find_key
from .access import read_key
from .logs import FORMATS, LEVELS


def memory() -> int:
    """Bytes of memory that this process may use: the container's limit, or what the machine has."""
    machine = 2**32  # what Windows would have to be asked for
    if sys.platform != "win32":
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return min(machine, int(Path(limit).read_text()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return machine


def switch(value: str) -> bool:
    """Read true or false."""
    try:
        return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"expected true or false, got {value!r}") from None


def count(value: str, largest: int = 10**18, what: str = "a whole number") -> int:
    """Read a whole number from 1 to `largest`."""
    if not value.isdecimal() or len(value) > 19 or not 1 <= int(value) <= largest:
        raise argparse.ArgumentTypeError(f"expected {what} from 1 to {largest}, got {value!r}")
    return int(value)


def seconds(value: str) -> float:
    """Read a number of seconds from 0."""
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", value):
        raise argparse.ArgumentTypeError(
            f"expected a number of seconds from 0 to 999999, such as 5 or 0.5, got {value!r}"
        )
    return float(value)


def port(value: str) -> int:
    """Read a port that nobody listens on yet."""
    number = count(value, 65535, "a port")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", number))
        except OSError as error:
            raise argparse.ArgumentTypeError(f"port {number} cannot be used: {error.strerror}") from None
    return number


def key(value: str) -> Path | None:
    """Read where the key is that signatures are checked by; nothing is None."""
    try:
        return find_key(value) if value else None
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def secret(value: str) -> Path | None:
    """Read where a secret is, which has to be there; nothing is None."""
    try:
        if value:
            read_key(Path(value))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(value) if value else None


def origins(value: str) -> tuple[str, ...]:
    """Read origins of web pages, separated by commas: https://example.com, or * for all."""
    found = tuple(item.strip() for item in value.split(",") if item.strip())
    for item in found:
        if item != "*" and not re.fullmatch(r"https?://[^/?#@\s]+", item):
            raise argparse.ArgumentTypeError(f"expected origins such as https://example.com, or *, got {item!r}")
    return found


def one(value: str) -> int:
    """Read the number of workers, which is one."""
    if value != "1":
        raise argparse.ArgumentTypeError(
            f"expected 1, got {value!r}: each would load its own copy of the model; scale by replicas"
        )
    return 1


def one_of(*names: str) -> Callable[[str], str]:
    """Make what reads one of these names."""

    def read(value: str) -> str:
        if value not in names:
            raise argparse.ArgumentTypeError(f"expected {' or '.join(names)}, got {value!r}")
        return value

    return read


class Parser(argparse.ArgumentParser):
    """argparse's, whose errors are a line each, without the usage, which is long, and without the secrets in them."""

    def error(self, message: str) -> NoReturn:
        self.refuse([f"{message} (--help lists the options)"])

    def refuse(self, problems: list[str]) -> NoReturn:
        """Say what does not fit, and exit."""
        self.exit(2, "".join(f"{self.prog}: error: {redacted(problem)}\n" for problem in problems))


class Options(Parser):
    """Options, each of which is an environment variable too; those of every server are there from the start."""

    def __init__(self, platform: dict[str, str] | None = None, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)
        #: Values that the place where the server runs decides: the image sets the variables for all places.
        self.platform = platform or {}
        self._texts: dict[str, str] = {}
        self._problems: list[str] = []
        self.add("model_name", "", str, "name of the model in the request's URL")
        self.add("model_dir", "/mnt/models", str, "directory or URI of a model, of its versions, or of several models")
        self.add("http_port", "8080", port, "REST port")
        runtimes = one_of("auto", "native", "onnx")
        self.add(
            "runtime",
            "auto",
            runtimes,
            "native, onnx (the compiled model), or auto (the compiled model if there is one)",
        )
        self.add("device", "cpu", one_of("cpu", "cuda"), "what the model runs on: cpu or cuda")
        self.add("predict_proba", "false", switch, "answer with probabilities instead of labels")
        self.add("lenient", "false", switch, "read numbers written as text, leave out columns that are not the model's")
        self.add("access_log", "false", switch, "log a line per prediction or explanation")
        self.add("log_format", "text", one_of(*FORMATS), "the log's lines: text, or json for an object in each")
        self.add("log_level", "info", one_of(*LEVELS), "what is logged from: debug, info, warning or error")
        self.add("workers", "1", one, "always 1; scale by replicas")
        self.add("max_buffer_size", "104857600", count, "largest request, in bytes")
        text = "largest request, in bytes, that is not of numbers alone, and has to be read whole"
        self.add("max_text_size", "16777216", count, text)
        quick = "make calls in the event loop that were quick when the model was loaded"
        self.add("quick_calls", "true", switch, quick)
        self.add("max_batch_rows", "1024", count, "most rows batched into one call of the model")
        self.add("max_waiting", "1024", count, "most requests waiting for a model; further ones are answered 503")
        self.add("max_requests", "2048", count, "most requests in flight, of all models; further ones are answered 503")
        self.add("max_rows", "1000000", count, "most rows in flight; a request may have more if it is the only one")
        in_flight = "most bytes of requests in flight, at least --max_buffer_size; default: an eighth of the memory"
        self.add("max_bytes_in_flight", str(memory() // 8), count, in_flight)
        self.add("deadline_seconds", "60", seconds, "longest time that a request may take, in seconds; 0 for any")
        slow = "longest time that a client may take over a megabyte of its answer, in seconds; 0 for any"
        self.add("read_seconds", "60", seconds, slow)
        stuck = "longest call of a model, in seconds; after it, liveness is false, so that the server is restarted"
        self.add("stuck_seconds", "60", count, stuck)
        self.add("drain_seconds", "5", seconds, "seconds to keep answering after SIGTERM, while readiness is false")
        signed = "serve only what the owner of this key signed: a file with a public key or certificates in PEM"
        self.add("verify_key", "", key, signed)
        self.add("allow_no_models", "false", switch, "start, and be ready, where MODEL_DIR has no model yet")
        self.add("enable_repository_api", "true", switch, "let requests load and unload models")
        guard = "a file with the key that requests to load or unload models have to send: Authorization: Bearer KEY"
        self.add("api_key_file", "", secret, guard)
        pages = "origins of web pages that may ask the server, separated by commas, or * for all"
        self.add("cors_origins", "", origins, pages)

    def add(self, name: str, default: str, type: Callable[[str], Any], help: str) -> None:
        """Add one; its variable is its name in capitals."""
        variable = name.upper()
        flag: dict[str, Any] = {"nargs": "?", "const": True} if type is switch else {}
        default = self.platform.get(name) or os.environ.get(variable) or default
        if type is str:  # --help prints defaults, and one may be an address
            self._texts[name], default = default, shown(default)

        def read(text: str) -> Any:
            try:
                return type(text)
            except (argparse.ArgumentTypeError, ValueError) as error:
                self._problems.append(f"{variable} or --{name}: {error}")

        self.add_argument(f"--{name}", default=default, type=read, help=f"{help} [{variable}]", **flag)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """argparse's, with the true values of the defaults that are shown without their secrets.

        Exits with all values that do not fit, of the command line and the environment.
        """
        self._problems.clear()
        found = super().parse_known_args(args, namespace or argparse.Namespace(**self._texts))
        if self._problems:
            self.refuse(self._problems)
        return found
