"""The report of a version in a real browser: it opens without the network, runs nothing, and fits on a phone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostile import LABEL, NAME
from huggingface_hub import ModelCard
from playwright.sync_api import Browser, Page, expect
from running import shell

pytestmark = pytest.mark.slow

#: Models of two labels, of five, and of numbers, with names and labels that would run if they were taken for HTML.
TRAIN = f"""
import sys
from pathlib import Path
import numpy as np
import pandas as pd
from sklearnserver.trainer.model import MyModel
random = np.random.default_rng(0)
table = pd.DataFrame({{
    "age": random.integers(18, 80, 400).astype(float),
    {NAME!r}: random.normal(size=400),
    "a name that is much longer than a phone is wide, and then " + "x" * 200: random.normal(size=400),
    "plan": random.choice(["basic", "pro", "<b>team</b>"], 400),
}})
table.loc[::7, "age"] = np.nan
age = table["age"].fillna(40) + random.normal(0, 6, 400)
targets = {{
    "two": np.where(age > 45, {LABEL!r}, "stays"),
    "five": np.digitize(age, [25, 40, 55, 65]),
    "numbers": (age * 1000).to_numpy(),
}}
for name, y in targets.items():
    model = MyModel(task="regression" if name == "numbers" else "classification")
    model.train(table[:300], y[:300])
    model.evaluate(table[300:], y[300:], range(301, 401))
    model.save(Path(sys.argv[1]) / name / "0001", report_rows=name == "five")
"""
SECTIONS = {
    "two": ["Labels", "Confusion matrix", "ROC", "Precision and recall", "Calibration"],
    "five": ["Labels", "Confusion matrix", "ROC", "Precision and recall", "Calibration"],
    "numbers": ["Predicted against true", "Residuals", "Calibration"],
}


@pytest.fixture(scope="module")
def models(install: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "train.py").write_text(TRAIN)
    project = install()
    shell(project, f".venv/bin/python {folder}/train.py {folder}", PYTHONPATH=str(project))
    return folder


@pytest.fixture(params=[(1200, "light"), (1200, "dark"), (360, "light")], ids=["desktop", "dark", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page that asks nobody for anything, and says nothing on the console."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, problems = context.new_page(), list[str]()
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text))
    page.on("request", lambda asked: problems.append(asked.url) if not asked.url.startswith("file:") else None)
    page.on("requestfailed", lambda asked: problems.append(asked.url))
    yield page
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("performance.getEntriesByType('resource').length") == 0
    assert page.locator("script, img, td b").count() == 0
    context.close()


@pytest.mark.parametrize("name", SECTIONS)
def test_a_report_opens_anywhere(page: Page, models: Path, name: str) -> None:
    page.goto((models / name / "0001" / "report.html").as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text("sklearnserver, version 0001")
    for section in ["Metrics", "Permutation importance", "Worst rows", "Columns", "How it was made", *SECTIONS[name]]:
        expect(page.get_by_role("heading", name=section, exact=True)).to_be_visible()
    for drawing in page.get_by_role("img").all():
        box = drawing.bounding_box()
        assert box and box["width"] > 200 and box["height"] > 150
    expect(page.get_by_role("rowheader", name=NAME, exact=True).first).to_be_visible()
    if name == "two":
        expect(page.get_by_role("rowheader", name=LABEL, exact=True).first).to_be_visible()
    metrics = json.loads((models / name / "0001" / "metadata.json").read_bytes())["metrics"]
    measure = "Mean absolute error" if name == "numbers" else "Accuracy"
    written = f"{metrics['mae']:,.0f}" if name == "numbers" else f"{metrics['accuracy']:.3f}"
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=measure, exact=True))
    expect(row.get_by_role("cell").first).to_have_text(written)


@pytest.mark.parametrize("name", SECTIONS)
def test_the_card_is_one_that_the_hub_reads(models: Path, name: str) -> None:
    card = ModelCard.load(models / name / "0001" / "MODEL_CARD.md")
    metrics = json.loads((models / name / "0001" / "metadata.json").read_bytes())["metrics"]
    assert card.data.library_name == "sklearn"
    assert card.data.pipeline_tag == f"tabular-{'regression' if name == 'numbers' else 'classification'}"
    found = {result.metric_type: result.metric_value for result in card.data.eval_results or ()}
    measure = "mae" if name == "numbers" else "accuracy"
    assert found[measure] == metrics[measure]
