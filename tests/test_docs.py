"""The documentation: its site builds without a warning, loads nothing from elsewhere, and no command in it is untried.

Whether the commands do what is said is held by the tests that the pages name. Not here: the generated README, which
test_journey.py follows.
"""

from __future__ import annotations

import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from facts import FLAVOURS, SKELETON, TEMPLATE
from playwright.sync_api import Browser

PAGES = sorted(path.name for path in (TEMPLATE / "docs").glob("*.md"))
PROSE = [
    TEMPLATE / "README.md",
    TEMPLATE / "CONTRIBUTING.md",
    *(TEMPLATE / "docs" / name for name in PAGES),
    SKELETON / "README.md",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    run = subprocess.run(
        command,
        cwd=TEMPLATE,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert run.returncode == 0, run.stderr
    return folder


class Loaded(HTMLParser):
    """The addresses that a page makes a browser load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        names = ["src", "srcset"] + (["href"] if tag == "link" and given.get("rel") != "canonical" else [])
        self.found += [value for name in names if (value := given.get(name))]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server without a log."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_no_page_is_left_out_of_the_navigation() -> None:
    """A page that is new needs a line in mkdocs.yml, under the part that its readers would look in."""
    navigation = (TEMPLATE / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    assert [name for name in PAGES if not re.search(rf": {re.escape(name)}$", navigation, re.MULTILINE)] == []


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 40
    for page in pages:
        assert [address for address in Loaded(page.read_text()).found if "//" in address] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import )[\"']?(https?:)?//", style.read_text()), style


def test_a_browser_that_reads_the_site_asks_nobody_else(site: Path, browser: Browser) -> None:
    """Scripts, too; and nothing that it asks for is missing."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        home = f"http://127.0.0.1:{server.server_port}/"
        page = browser.new_page()
        asked: list[tuple[str, int]] = []
        page.on("response", lambda response: asked.append((response.url, response.status)))
        failed: list[str] = []
        page.on("requestfailed", lambda request: failed.append(request.url))
        for name in ("", "tutorial/", "reference/settings/", "gallery/sklearn-kserve/"):
            page.goto(home + name, wait_until="networkidle")
        page.locator("input.md-search__input").click()
        page.keyboard.type("canary")
        page.locator("a.md-search-result__link").first.wait_for()
        page.close()
        server.shutdown()
    assert failed == []
    assert [(url, status) for url, status in asked if not url.startswith(home) or status >= 400] == []


@pytest.mark.parametrize(("framework", "sdk"), FLAVOURS)
def test_the_gallery_has_each_project_that_can_be_generated(site: Path, framework: str, sdk: str) -> None:
    """With the files that its tree links to."""
    page = site / "gallery" / f"{framework}-{sdk}" / "index.html"
    links = re.findall(r'<a href="(\.\./(?:files|engine)/[^"]*)"', page.read_text())
    assert {f"../files/{framework}-{sdk}/Makefile.txt", "../engine/"} <= set(links)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_gallerys_files_are_those_of_a_project(site: Path, bake: Callable[..., Path]) -> None:
    """All of them that are text; the engine's are where each project of its SDK links to."""
    project = bake("xgboost", serving_sdk="kfserving")
    folders = {"xgboostserver/_engine/": "engine-kfserving/", "": "xgboost-kfserving/"}
    for path in project.rglob("*"):
        name = path.relative_to(project).as_posix()
        inside = next(folder for folder in folders if name.startswith(folder))
        copy = site / "gallery" / "files" / f"{folders[inside]}{name.removeprefix(inside)}.txt"
        if path.is_file() and path.name not in (".cruft.json", "DIGESTS") and path.suffix not in (".ubj", ".onnx"):
            assert copy.read_bytes() == path.read_bytes(), name
    assert str(TEMPLATE) not in "".join(path.read_text() for path in site.rglob("*.txt"))


def test_the_reference_has_what_the_code_has(site: Path) -> None:
    """Its options, settings, metrics and errors by their names; how they are found is in tools/docs/probe.py."""
    expected = {
        "commands": ["make train", "make canary", "(KServe only)"],
        "training": ["--data", "--min_count", "--n_estimators", "--patience", "--pretrained", "&lt;package&gt;"],
        "settings": ["--grpc_port", "GRPC_PORT", "--max_bytes_in_flight", "16777216"],
        "metrics": [
            "inference_requests_total",
            "inference_batch_rows",
            "inference_model_info",
            "inference_drift_psi",
            "request_predict_seconds",
        ],
        "errors": ["400 Bad Request", "503 Service Unavailable", "RESOURCE_EXHAUSTED", "500 Internal Server Error"],
        "versions": ["kserve", "scikit-learn==", "3.13"],
    }
    for name, words in expected.items():
        page = (site / "reference" / name / "index.html").read_text()
        assert [word for word in words if word not in page] == [], name
