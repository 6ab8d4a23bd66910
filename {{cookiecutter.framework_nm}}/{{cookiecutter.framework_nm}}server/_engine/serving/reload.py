"""A server that is started again after each edit, and for each new model: `make serve ARGS=--reload`.

For development. It takes the server's options, and runs the server as a process of its own, so that whatever an edit
breaks ends that process only. Not here: what the server does, and which model is the newest that answers.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Dict, List, NoReturn, Optional

from ..artifact.metadata import FILE
from ..artifact.versions import current

PACKAGE = Path(__file__).parents[2]
#: Seconds between two looks at the files, and those that a server has to end.
INTERVAL, LIMIT = 0.3, 10


def named_model(arguments: List[str]) -> str:
    """The model directory or address that the command line or MODEL_DIR names; "" where neither does."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--model_dir", default=os.environ.get("MODEL_DIR", ""))
    return str(parser.parse_known_args(arguments)[0].model_dir)


def look(models: Path) -> Dict[Path, int]:
    """When each of the owner's modules, and the newest model in `models`, were written."""
    # Model directories have other names than modules.
    rooms = [PACKAGE / room for room in ("trainer", "inferencer")]
    modules = chain.from_iterable(chain(room.glob("*.py"), room.glob("[A-Za-z]*/**/*.py")) for room in rooms)
    files = [path for path in modules if path.name != "conftest.py" and not path.name.startswith("test_")]
    newest = current(models)
    found = {}
    for path in files + ([newest / FILE] if newest else []):
        with suppress(FileNotFoundError):  # it is being replaced
            found[path] = path.stat().st_mtime_ns
    return found


def start(arguments: List[str], model: str) -> Optional[subprocess.Popen[bytes]]:
    """Start the server of `model`, or of the newest one that answers; None where there is none, which has been said."""
    program = [sys.executable, "-m"]
    inferencer = f"{PACKAGE.name}.inferencer"
    if not model:
        newest = subprocess.run([*program, f"{inferencer}.newest"], stdout=subprocess.PIPE, text=True, check=False)
        if newest.returncode:
            return None
        model = newest.stdout.strip()
    environment = {"DRAIN_SECONDS": "0", **os.environ, "MODEL_DIR": model}
    return subprocess.Popen([*program, inferencer, *arguments], env=environment)


def stop(server: subprocess.Popen[bytes]) -> None:
    """End a server, whatever state it is in."""
    server.terminate()
    try:
        server.wait(LIMIT)
    except subprocess.TimeoutExpired:
        pass
    finally:
        server.kill()
        server.wait()


def wait_for_edit(before: Dict[Path, int], models: Path, server: Optional[subprocess.Popen[bytes]]) -> str:
    """Wait until the files are others than `before`; returns their names. Says so if the server ends meanwhile."""
    running = True
    while (now := look(models)) == before:
        if running and (server is None or server.poll() is not None):
            running = False
            say("The server is not running; it starts again after the next edit")
        time.sleep(INTERVAL)
    changed = {path for path, _ in now.items() ^ before.items()}
    return ", ".join(sorted(os.path.relpath(path) for path in changed))


def say(line: str) -> None:
    """Print a line beside the server's log."""
    print(line, file=sys.stderr, flush=True)


def end(number: int, _: object) -> NoReturn:
    """End, with the server: main does the rest."""
    sys.exit(128 + number)


def main() -> None:
    """Serve until Ctrl-C or SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    arguments = sys.argv[1:]
    model = named_model(arguments)
    models = Path(model) if model else PACKAGE / "trainer"
    while True:
        before = look(models)
        server = start(arguments, model)
        try:
            changed = wait_for_edit(before, models, server)
        finally:
            if server:
                stop(server)
        say(f"{changed} changed: the server starts again")


if __name__ == "__main__":
    main()
