"""docs/tutorial.md, word for word, by somebody who types what it says."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from facts import TEMPLATE
from running import free_port, serving, shell

pytestmark = pytest.mark.slow


def test_every_step_of_the_tutorial_works(install: Callable[[str, str], Path], tmp_path: Path) -> None:
    """The ports are the only thing that is not as written: others may run on this machine."""
    text = (TEMPLATE / "docs" / "tutorial.md").read_text().partition("\n## 5.")[0]
    blocks = re.findall(r"^```(bash|python)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (first, generate), *steps = blocks
    assert first == "bash"
    shell(tmp_path, generate, TEMPLATE=str(TEMPLATE), PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    project = tmp_path / "sklearn"
    (project / ".venv").symlink_to(install("sklearn", "kserve") / ".venv")
    for name in ("setup.py", "requirements.txt", "requirements.lock"):  # older than the environment
        os.utime(project / name, (0, 0))

    http, answers = 8080, []
    with contextlib.ExitStack() as served:
        for language, block in steps:
            if language == "python":
                with (project / "sklearnserver" / "trainer" / "preprocessor.py").open("a") as file:
                    file.write(block)  # the later definition holds
            elif block == "make serve\n":
                served.close()
                http = free_port()
                ready = f"http://localhost:{http}/v2/models/sklearnserver-test/ready"
                served.enter_context(serving(project, f"make serve HTTP_PORT={http} GRPC_PORT={free_port()}", ready))
            else:
                typed = block.replace(":8080", f":{http}").replace("make predict", f"make predict HTTP_PORT={http}")
                printed = shell(project, typed)
                answers += [json.loads(printed)] if printed.startswith("{") else []
    first_answer, prediction, probabilities, refusal = answers
    assert first_answer == {"predictions": [0]}
    assert prediction == {"predictions": ["yes"]}
    assert probabilities["predictions"][0][1] > 0.5
    assert [refusal] == [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", text, re.DOTALL | re.M)]
    assert "0003" in printed
    # What the project's README tells of reports has these versions, too.
    listed = re.findall(r"^\$ (make \S+.*?)  +#", (project / "README.md").read_text(), re.MULTILINE)
    report, models, compare = [command for command in listed if command.split()[1] in ("report", "models", "compare")]
    assert shell(project, report).strip().endswith("0003/report.html")
    assert "0002" in shell(project, models) and "0002" in shell(project, compare)
