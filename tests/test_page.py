"""The pages of a server in a real browser: what people see and do there, and that nothing of a model's runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from facts import SKELETON
from hostile import LABEL, NAME
from playwright.sync_api import Browser, Page, expect
from running import Server, shell

pytestmark = pytest.mark.slow

#: Two models of the owner's: one with names and labels that would run if they were taken for HTML, one of tensors.
TRAIN = f"""
import sys
from pathlib import Path
import numpy as np
import pandas as pd
from sklearnserver.trainer.model import MyModel
random = np.random.default_rng(0)
table = pd.DataFrame({{
    "age": random.integers(18, 80, 200).astype(float),
    {NAME!r}: random.normal(size=200),
    "__proto__": random.normal(size=200),
    "7": random.random(200) < 0.5,
    "plan": random.choice(["basic", "pro", "<b>team</b>"], 200),
}})
table.loc[::7, "age"] = np.nan
model = MyModel()
model.train(table, np.where(table["age"].fillna(40) > 45, {LABEL!r}, "não & mais"))
model.save(Path(sys.argv[1]) / "table" / "0001")
"""


@pytest.fixture(scope="module")
def models(install: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of two models: `numbers`, the sample, and `table`."""
    project, folder = install(), tmp_path_factory.mktemp("models")
    shutil.copytree(project / "sklearnserver/example_models/0001", folder / "numbers")
    (folder.parent / "train.py").write_text(TRAIN)
    shell(project, f".venv/bin/python {folder.parent}/train.py {folder}", PYTHONPATH=str(project))
    return folder


@pytest.fixture(scope="module")
def server(install: Callable[..., Path], models: Path) -> Iterator[Server]:
    with Server(install(), "--enable_docs_url", MODEL_DIR=str(models), MODEL_NAME="numbers") as server:
        yield server


@pytest.fixture(params=[(1200, 800), (360, 640)], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[Page]:
    """A page that may reach this server and nothing else, and in which no script of anybody else's has run."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=server.address)
    page, problems = context.new_page(), list[str]()
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request", lambda asked: None if asked.url.startswith((server.address, "data:")) else problems.append(asked.url)
    )
    page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
    yield page
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("main img, main b:has-text('team')").count() == 0
    context.close()


def open_model(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def bars(page: Page, title: str) -> dict[str, str]:
    """A table of bars: its rows' names and numbers. Each has a bar of some width, and one is the longest."""
    expect(page.get_by_role("table", name=title)).to_be_visible()
    rows = page.get_by_role("table", name=title).get_by_role("row")
    widths = [bar.bounding_box() for bar in rows.locator(".bar").all()]
    assert max(box["width"] for box in widths if box) > 20
    return {row.get_by_role("rowheader").inner_text(): row.get_by_role("cell").last.inner_text() for row in rows.all()}


def test_a_form_is_filled_with_the_example_and_shows_the_answer(page: Page, server: Server) -> None:
    open_model(page, "numbers")
    expect(page.get_by_label("petal width (cm)")).to_have_value("0.2")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#prediction")).to_have_text("0")
    body = json.loads((SKELETON / "variants" / "samples" / "kserve" / "sklearn" / "0001" / "input.json").read_bytes())
    asked = {**body, "parameters": {"predict_proba": True}}
    likely = server.client.post("/v1/models/numbers:predict", json=asked).json()["predictions"][0]
    assert bars(page, "Probability of each label") == {str(at): f"{100 * p:.1f} %" for at, p in enumerate(likely)}
    explained = server.client.post("/v1/models/numbers:explain", json=body).json()["explanations"][0]
    assert set(bars(page, "What each column adds to the score")) == set(explained["contributions"])
    page.get_by_label("petal length (cm)").fill("6")
    page.get_by_label("petal width (cm)").fill("2.2")
    page.get_by_label("petal width (cm)").press("Enter")
    expect(page.locator("#prediction")).to_have_text("2")


def test_hostile_names_and_labels_are_text(page: Page) -> None:
    open_model(page, "table")
    names = ["age", NAME, "__proto__", "7", "plan"]
    labels = [label.inner_text() for label in page.locator("label").all()]
    assert all(label.startswith(f"{name} ") for label, name in zip(labels, names, strict=True))
    page.get_by_role("textbox", name="age number").fill("70")
    page.get_by_label("plan").fill("<b>team</b>")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#prediction")).to_have_text(LABEL)
    assert set(bars(page, "Probability of each label")) == {LABEL, "não & mais"}
    assert set(bars(page, "What each column adds to the score")) == set(names)


def test_an_empty_field_is_a_missing_value(page: Page) -> None:
    open_model(page, "table")
    page.get_by_role("textbox", name="age number").fill("")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#prediction")).not_to_be_empty()
    page.get_by_text("Request and answer").click()
    expect(page.locator("pre")).to_contain_text('{"instances":[[null,')


def test_errors_are_shown_as_the_server_says_them(page: Page) -> None:
    open_model(page, "numbers")
    page.get_by_label("petal width (cm)").fill("<i>wide</i>")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("alert")).to_have_text(
        "400: row 0, column 'petal width (cm)': expected a number, got \"<i>wide</i>\""
    )
    page.get_by_role("button", name="Example again").click()
    expect(page.get_by_label("petal width (cm)")).to_have_value("0.2")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#prediction")).to_have_text("0")


def test_the_docs_list_every_route_and_send_its_example(page: Page, server: Server) -> None:
    page.goto("/docs")
    expect(page.get_by_role("heading", level=1)).to_have_text("Routes")
    described = server.client.get("/openapi.json").json()["paths"]
    assert sorted(code.inner_text() for code in page.locator("summary code").all()) == sorted(described)
    page.get_by_text("/v2/models/table/infer", exact=True).click()
    page.get_by_role("button", name="tensors").click()
    page.get_by_role("button", name="Send").click()
    expect(page.locator("pre").first).to_contain_text('"model_name":"table"')
    expect(page.get_by_role("table", name="Statuses")).to_contain_text("503")
