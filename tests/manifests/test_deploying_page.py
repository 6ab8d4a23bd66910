"""docs/deploying.md: what is in a ```bash block runs here, what is in a ```console block needs a cluster."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from facts import QUESTIONS, TEMPLATE
from kserve_deployment import deployments
from manifest_sets import COMPONENTS, FOLDERS, manifests
from needed import without

PAGE = TEMPLATE / "docs" / "deploying.md"


def test_memory_suffices_for_the_bytes_in_flight_everywhere(project: Path) -> None:
    """The numbers are made of one line of cookiecutter.json, and the page has a table that agrees."""
    serving = QUESTIONS["_serving"]
    for name in ("root", "production"):
        (deployment,) = deployments(manifests(project, name))
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        options = dict(argument.lstrip("-").split("=") for argument in container["args"])
        largest, in_flight = int(options["max_buffer_size"]), int(options["max_bytes_in_flight"])
        limit = container["resources"]["limits"]["memory"]
        assert largest == serving["largest_request_mib"] * 2**20 <= in_flight
        assert (
            int(limit.removesuffix("Mi")) * 2**20
            >= serving["server_mib"] * 2**20 + serving["memory_per_byte"] * in_flight
        )
        row = f"| 100 MiB, as generated | {largest} | {in_flight} | {limit} |"
        assert row in PAGE.read_text()
    for _, in_flight_text, memory in re.findall(
        r"^\| \d+ MiB.*?\| (\d+) \| (\d+) \| (\d+)Mi", PAGE.read_text(), re.MULTILINE
    ):
        needed = serving["server_mib"] + serving["memory_per_byte"] * int(in_flight_text) / 2**20
        assert int(memory) >= needed


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return [line for block in found for line in block.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", blocks("bash"))
def test_commands_of_the_page_run(bake: Callable[..., Path], line: str) -> None:
    if line.startswith("kubectl") and not shutil.which("kubectl"):
        without("install kubectl")
    # The image and what is typed with it are for test_image.py and test_journey.py.
    command = line.replace("make ", "make --dry-run ")
    run = subprocess.run(["bash", "-c", command], cwd=bake("sklearn"), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_page_names_what_there_is() -> None:
    """Its folders by their names, and its components in the rows of the table."""
    text = PAGE.read_text()
    assert set(re.findall(r"k8s/([a-z-]+)", text)) == {*FOLDERS, "components"}
    table = text[text.index("| in `k8s/components`") :].split("\n\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:]))) == set(
        COMPONENTS
    )
    for line in blocks("console"):
        assert line.startswith(("kubectl ", "make ", "curl ")), line
