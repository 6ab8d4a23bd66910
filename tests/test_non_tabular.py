"""docs/non-tabular.md, word for word: what it tells its readers to write and to type, in a project of theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from facts import TEMPLATE
from running import borrow, free_port, serving, shell

pytestmark = pytest.mark.slow

PARTS = re.split(r"^## ", (TEMPLATE / "docs" / "non-tabular.md").read_text(), flags=re.MULTILINE)[1:]
ANSWERS = {
    "Text": [{"predictions": ["good", "bad"]}, ["good", "bad"]],
    "Images": [[0]],
    "Series, spectra, signals": [{"predictions": ["rises"]}],
}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.partition("\n")[0])
def test_every_part_of_the_page_works_as_it_stands(bake: Callable[..., Path], environment: Path, part: str) -> None:
    """Preprocessor, training, signature and requests."""
    project = bake("sklearn")
    borrow(project, environment)
    title, text = part.split("\n", 1)
    (preprocessor, *scripts), commands = (
        [m for m in re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)] for kind in ("python", "bash")
    )
    with (project / "sklearnserver" / "trainer" / "preprocessor.py").open("a") as file:
        file.write(preprocessor)  # the later definition holds
    for name, script in zip(re.findall(r"`(train_\w+\.py)`", text), scripts, strict=True):
        (project / name).write_text(script)
    asks = [command for command in commands if "curl" in command or "make predict" in command]
    for command in commands:
        if command not in asks:
            shell(project, command)

    port = free_port()
    url = f"http://localhost:{port}/v2/models/sklearnserver-test"
    with serving(project, f"make serve HTTP_PORT={port} GRPC_PORT={free_port()}", f"{url}/ready"):
        signature = json.loads(shell(project, f"curl --silent {url}"))["inputs"]
        documented = re.search(r"\*\*The signature\*\* is .*?`({.*?})`", text, re.DOTALL)
        assert documented and signature == [json.loads(documented[1])]
        answers = []
        for command in asks:
            typed = command.replace(":8080", f":{port}").replace("make predict", f"make predict HTTP_PORT={port}")
            answer = json.loads(shell(project, typed))
            answers.append(answer if "predictions" in answer else answer["outputs"][0]["data"])
    assert answers == ANSWERS[title]
