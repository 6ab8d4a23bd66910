"""Measures the images: how large, how long to the first answer, how long for one row. Prints a table in Markdown.

usage: make images ARGS='framework ...'; all of them by default

It runs them as the manifest does: one CPU, 2 GiB, read-only. Times are medians, taken on the machine that this runs on,
through the engine's port mapping, so that only the rows of one table can be compared.
"""

from __future__ import annotations

import http.client
import statistics
import sys
import tempfile
import time
from pathlib import Path

from container_engine import Container, Engine, EngineError
from cookiecutter.main import cookiecutter
from facts import FLAVOURS, FRAMEWORKS, QUESTIONS, TEMPLATE, pins
from test_image import HARDENED, Image

STARTS = 3
REQUESTS = 1000


def first_answer(container: Container, body: bytes) -> http.client.HTTPConnection:
    """Ask until there is an answer; returns the connection that it came on."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", container.port(8080), timeout=60)
        try:
            if ask(connection, body) == 200:
                return connection
        except (OSError, http.client.HTTPException):
            pass
        connection.close()
        time.sleep(0.02)
    raise TimeoutError(container.logs())


def ask(connection: http.client.HTTPConnection, body: bytes) -> int:
    connection.request("POST", "/v1/models/m:predict", body)
    response = connection.getresponse()
    response.read()
    return response.status


def measure(image: Image, runtime: str) -> tuple[float, float]:
    """Seconds from `docker run` to the first answer, and milliseconds for one row."""
    body = (image.sample / "input.json").read_bytes()
    starts, rows = [], []
    for _ in range(STARTS):
        begin = time.perf_counter()
        with image.run(*HARDENED, "--tmpfs", "/tmp", "--cpus", "1", MODEL_NAME="m", RUNTIME=runtime) as container:
            connection = first_answer(container, body)
            starts.append(time.perf_counter() - begin)
            for _ in range(REQUESTS):
                begin = time.perf_counter()
                ask(connection, body)
                rows.append(time.perf_counter() - begin)
            connection.close()
    return statistics.median(starts), statistics.median(rows) * 1000


def main() -> None:
    frameworks = sys.argv[1:] or FRAMEWORKS
    table = ["| framework | image, MB | start, s: as trained / native | one row, ms: as trained / native |"]
    table.append("|---|--:|--:|--:|")
    for framework, sdk in [flavour for flavour in FLAVOURS if flavour[0] in frameworks]:
        engine = Engine.find(pins(framework, sdk)["pythons"][0])
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)  # the engine mounts the sample model from there
            answers = {"framework_nm": framework, "serving_sdk": sdk}
            project = cookiecutter(str(TEMPLATE), no_input=True, extra_context=answers, output_dir=folder)
            try:
                with Image(engine, Path(project), sdk) as image:
                    size = engine.image_size(image.tag) / 1e6
                    (start, row), (native_start, native_row) = (measure(image, way) for way in ("auto", "native"))
            except EngineError as error:  # an index out of reach, and the others' rows are not to be lost for it
                print(f"{framework} on {sdk} is left out: {error}", file=sys.stderr)
                continue
        title = QUESTIONS["_frameworks"][framework]["title"] + (" on KFServing" if sdk == "kfserving" else "")
        times = f"{start:.1f} / {native_start:.1f} | {row:.2f} / {native_row:.2f}"
        table.append(f"| {title} | {size:.0f} | {times} |")
    print(*table, sep="\n")


if __name__ == "__main__":
    main()
