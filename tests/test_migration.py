"""docs/migrating-from-kfserving.md, followed word for word with a package of 2021."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from facts import SDKS, TEMPLATE
from manifest_judges import against_the_crd
from running import free_port, serving, shell

PAGE = (TEMPLATE / "docs" / "migrating-from-kfserving.md").read_text()


def block(title: str) -> str:
    """A block of the page, by what stands after its fence."""
    (found,) = re.findall(rf"^```{title}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("manifest", re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
def test_both_generations_fit_the_api_that_they_are_shown_under(manifest: str) -> None:
    content = yaml.safe_load(manifest)
    assert against_the_crd(content) == []
    (container,) = content["spec"]["predictor"]["containers"]
    (sdk,) = [sdk for sdk in SDKS.values() if sdk["api_version"] == content["apiVersion"]]
    assert container["name"] == sdk["container"]


@pytest.mark.slow
def test_a_package_of_2021_is_served_by_kserve_with_the_same_answers(bake: Callable[..., Path], tmp_path: Path) -> None:
    """Its model moved as the page shows, then regenerated with one other answer and three files copied."""
    (tmp_path / "old").mkdir()
    for name in ("preprocessor", "postprocessor"):
        (tmp_path / "old" / f"{name}.py").write_text(block(rf"python {name}\.py"))
    (tmp_path / "old" / "model.py").write_text(block(r"python old model\.py"))

    bake("sklearn", serving_sdk="kfserving").rename(tmp_path / "sklearn")
    trainer = tmp_path / "sklearn" / "sklearnserver" / "trainer"
    for name in ("preprocessor", "postprocessor"):
        (trainer / f"{name}.py").write_text(block(rf"python {name}\.py"))
    (trainer / "model.py").write_text(block(r"python new model\.py"))

    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell(tmp_path, block("bash"), PATH=path, TEMPLATE=str(TEMPLATE))
    project = tmp_path / "new" / "sklearn"
    assert "kserve==" in (project / "requirements.txt").read_text()
    shell(project, "make train")

    rows = "[[5.1, 3.5, 1.4, 0.2], [6.0, 2.9, 4.5, 1.5], [6.7, 3.1, 5.6, 2.4]]"
    then = f"""
from sklearn.datasets import load_iris
from old.model import MyModel
model = MyModel()
model.train(*load_iris(return_X_y=True))
print(*model.predict({rows}))
"""
    answers = [int(answer) for answer in shell(tmp_path, f"new/sklearn/.venv/bin/python -c '{then}'").split()]
    assert answers == [0, 1, 1]

    http, grpc = free_port(), free_port()
    url = f"http://localhost:{http}/v2/models/sklearnserver-test"
    with serving(project, f"make serve HTTP_PORT={http} GRPC_PORT={grpc}", f"{url}/ready"):
        asked = shell(project, f"curl --silent --fail-with-body -d '{{\"instances\": {rows}}}' {url}/infer")
    assert json.loads(asked) == {"predictions": answers}
