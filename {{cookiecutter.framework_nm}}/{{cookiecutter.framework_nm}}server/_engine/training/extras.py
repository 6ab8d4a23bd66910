"""Making the compiled model (ONNX), in a process of its own that can be ended.

Converters are other people's code: some need minutes, some all the memory there is, and some do not end. So the
weights are saved first, and a child process, which loads them as a server would, converts and compares. What a
compiled model is, and how it answers, is artifact/compiled.py's matter.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from ..artifact import compiled
from .graphs import vectorised

#: Rows that the compiled model is compared on, at most.
ROWS = 10_000
#: Characters of the reason why there is no compiled model, at most.
LONGEST = 200


class NotCompiled(Exception):
    """There is no compiled model. The message is the reason."""


def compile_model(model: Any, directory: Path, X: Any, seconds: float) -> dict[str, float]:
    """Write the compiled model of a saved one into its directory, and say on how many rows it was compared, how far it
    is off, and from how many rows on the model itself is quicker, where it is.

    `model` is what was saved there, and X its preprocessed input, [rows, ...]. Raises NotCompiled where there is
    none after so many seconds, or where it answers otherwise.
    """
    made_of = type(model)
    if made_of.__module__ == "__main__" or "<locals>" in made_of.__qualname__:
        raise NotCompiled(f"another process cannot import {made_of.__qualname__}: put the class into a module")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "rows").write_bytes(pickle.dumps(X))
        result = _convert(made_of, directory, work, seconds)
        if "reason" in result:
            raise NotCompiled(result["reason"])
        shutil.copyfile(work / compiled.FILE, directory / compiled.FILE)
    return result


def _convert(made_of: type, directory: Path, work: Path, seconds: float) -> dict[str, Any]:
    """Run the child process, and return what it found out."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        # What it leaves behind when it is ended goes with the folder.
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(work)),
        # The compiled model is compared on the CPU, and a GPU's memory may be full.
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    arguments = [made_of.__module__, made_of.__qualname__, str(directory), str(work), str(seconds)]
    child = subprocess.Popen(
        [sys.executable, "-m", __name__, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # so that Ctrl-C reaches this process alone
    )
    try:
        status = child.wait(seconds)
    except subprocess.TimeoutExpired:
        raise NotCompiled(
            f"the conversion took longer than {seconds:g} seconds; --extras_seconds allows more"
        ) from None
    finally:
        _end(child)
    if status < 0:
        name = signal.Signals(-status).name
        hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
        raise NotCompiled(f"the conversion was ended by {name}{hint}")
    try:
        return json.loads((work / "result.json").read_bytes())
    except (OSError, ValueError):
        raise NotCompiled(f"the conversion ended with status {status} and no message") from None


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child, and whatever it has started."""
    if sys.platform == "win32":
        child.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdin:
        child.stdin.close()


# -- the child ------------------------------------------------------------------------------------------------


def main(module: str, name: str, directory: str, work: str, seconds: str) -> None:
    """Convert and compare a saved model; write the compiled model and what came of it into the folder `work`."""
    _go_with_the_parent(Path(work), float(seconds))
    result: dict[str, Any]
    try:
        made_of = importlib.import_module(module)
        for part in name.split("."):
            made_of = getattr(made_of, part)
        X = pickle.loads((Path(work) / "rows").read_bytes())
        file = Path(work) / compiled.FILE
        model: Any = made_of(dirpath=directory)  # type: ignore[operator]
        file.write_bytes(vectorised(model.to_onnx()))
        result = _compare(compiled.CompiledModel(file, order=model.state.get("label_order")), model, X)
    except Exception as error:  # converters raise whatever they come upon, and so does ONNX Runtime
        result = {"reason": reason(error)}
    (Path(work) / "result.json").write_text(json.dumps(result))


def reason(error: Exception) -> str:
    """The first line of what a converter says, or as many whole sentences of it as are short."""
    line = str(error).partition("\n")[0] or type(error).__name__
    return line if len(line) <= LONGEST else line[:LONGEST].rpartition(". ")[0] or line[:LONGEST]


def _compare(ours: compiled.CompiledModel, model: Any, X: Any) -> dict[str, Any]:
    """How far the compiled model is off, and from how many rows on the model itself is quicker, if ever."""
    found = {"rows": len(X), "largest_difference": compiled.compare(ours, model, X)}
    quicker = compiled.native_from(
        lambda encoded: ours.infer(encoded, model.labels, False),
        lambda encoded: model.quick.infer(encoded, False),
        lambda count: model.encode(compiled.repeated(X, count)),
    )
    return found if quicker is None else {**found, "native_from": quicker}


def _go_with_the_parent(work: Path, seconds: float) -> None:
    """End when the parent does, whose end of the pipe closes then; be the first to go when memory runs out."""

    def watch() -> None:
        os.read(0, 1)
        shutil.rmtree(work, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    faulthandler.dump_traceback_later(seconds + 1, exit=True)  # even if the converter lets no other thread run
    with contextlib.suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    main(*sys.argv[1:])
