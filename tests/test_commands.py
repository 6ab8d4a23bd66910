"""Every command that README, docs and the generated README tell their readers to type is tried, or needs a cluster.

Who adds a command names here what tries it. Commands that no other test runs are run here, where that takes seconds.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from facts import SKELETON, TEMPLATE
from running import shell

CLUSTER = "needs a cluster"
#: What this repository's developers run by hand, because it takes long; what it does is tested in parts.
BY_HAND = "takes long"
#: docs/deploying.md lists it with what was never run.
SIGNED = "needs an image that GitHub's workflow signed"

MIGRATION = "test_migration.py::test_a_package_of_2021_is_served_by_kserve_with_the_same_answers"
#: Pages whose blocks of shell a test follows word for word.
FOLLOWED = {
    "docs/migrating-from-kfserving.md": MIGRATION,
    "docs/migrating-to-2.md": "test_migration_to_2.py::test_a_project_of_the_first_version_moves_to_the_engine",
    "docs/non-tabular.md": "test_non_tabular.py::test_every_part_of_the_page_works_as_it_stands",
}

IMPORTED = "promises/frameworks/{}/trainer/test_framework.py::test_a_file_made_elsewhere_is_imported_by_the_command"
#: How commands begin, and the test that runs them. The longest beginning counts.
TRIED = {
    "TEMPLATE=": "test_commands.py::test_each_way_to_get_cookiecutter_generates_a_project",
    "uvx cookiecutter": "test_commands.py::test_each_way_to_get_cookiecutter_generates_a_project",
    "pipx run cookiecutter": "test_commands.py::test_each_way_to_get_cookiecutter_generates_a_project",
    "python3 -m venv cookies": "test_commands.py::test_each_way_to_get_cookiecutter_generates_a_project",
    "cookiecutter": "test_tutorial.py::test_every_step_of_the_tutorial_works",
    "cd sklearn": "test_tutorial.py::test_every_step_of_the_tutorial_works",
    "python3 - > customers.csv": "test_tutorial.py::test_every_step_of_the_tutorial_works",
    "make inspect": "test_tutorial.py::test_every_step_of_the_tutorial_works",
    "make compare": "test_tutorial.py::test_every_step_of_the_tutorial_works",
    "make report": "test_tutorial.py::test_every_step_of_the_tutorial_works",
    "make models": "test_tutorial.py::test_every_step_of_the_tutorial_works",
    "curl": "test_tutorial.py::test_every_step_of_the_tutorial_works",
    "make train": "test_journey.py::test_the_readme_works_word_for_word",
    "make serve": "test_journey.py::test_the_readme_works_word_for_word",
    "make predict": "test_journey.py::test_the_readme_works_word_for_word",
    "HOST=": "test_journey.py::test_the_readme_works_word_for_word",
    "MODEL_NAME=": "test_journey.py::test_the_readme_works_word_for_word",
    "NAMESPACE=": "test_journey.py::test_the_readme_works_word_for_word",
    ".venv/bin/python -m {{ pkg }}.trainer": "test_journey.py::test_the_readme_works_word_for_word",
    "make test": "test_journey.py::test_a_project_passes_its_own_tests_and_checks",
    "make lint": "test_journey.py::test_a_project_passes_its_own_tests_and_checks",
    "make image": "test_image.py::test_the_readmes_run_and_curl_work_word_for_word",
    "make image-train": "test_image.py::test_the_training_image_trains_as_the_job_in_k8s_does",
    "make run": "test_image.py::test_the_readmes_run_and_curl_work_word_for_word",
    "docker build": "test_image.py::test_the_readmes_run_and_curl_work_word_for_word",
    "docker run": "test_image.py::test_the_readmes_run_and_curl_work_word_for_word",
    "kubectl kustomize": "manifests/test_deploying_page.py::test_commands_of_the_page_run",
    "make update": "test_update.py::test_make_update_runs_the_updater_of_the_template_that_it_gets",
    "git diff": "test_update.py::test_no_edit_is_lost_and_the_engine_is_todays",
    "python3 kfserving-template/tools/update": "test_update.py::test_no_edit_is_lost_and_the_engine_is_todays",
    "make demo": "test_demo.py::test_it_shows_the_whole_way_and_what_to_type_next",
    "make docs": "test_docs.py::test_no_page_loads_anything_from_elsewhere",
    "make sign-model": "test_trust.py::test_signed_models",
    "make serve VERIFY_KEY": "test_trust.py::test_signed_models",
    "make score": "test_scoring.py::test_a_table_has_the_answers_of_the_server",
    "make score IN=s3": "test_scoring.py::test_a_bucket_is_read_and_written",
    "openssl": "test_commands.py::test_the_keys_of_the_readme_can_be_made",
    ".venv/bin/python -m onnxserver.trainer --model": IMPORTED.format("onnx"),
    ".venv/bin/python -m pmmlserver.trainer --model": IMPORTED.format("pmml"),
    ".venv/bin/python -m mlflowserver.trainer --model": "promises/frameworks/mlflow/trainer/test_framework.py"
    "::test_a_logged_model_is_served_as_it_is",
    ".venv/bin/python -m sklearnserver.trainer --model": "promises/frameworks/sklearn/trainer/test_imported.py"
    "::test_data_tells_what_may_be_missing_and_evaluates",
    ".venv/bin/python -m sklearnserver.trainer --from-mlserver": "promises/frameworks/sklearn/trainer/test_imported.py"
    "::test_a_model_of_mlserver_is_found_by_its_settings",
    ".venv/bin/python -m xgboostserver.trainer --model": "promises/frameworks/xgboost/trainer/test_imported.py"
    "::test_labels_are_numbered_or_named_in_order",
    "cosign verify": SIGNED,
    "make loadtest": "test_journey.py::test_the_readme_works_word_for_word",
    '.venv/bin/python -c "import glob': "test_commands.py::test_payloads_are_compared_with_training_as_the_page_says",
    "make drift": "test_commands.py::test_payloads_are_compared_with_training_as_the_page_says",
    "make push-model": "test_pushing.py::test_a_version_goes_beside_the_one_that_the_manifests_name",
    "make deploy": CLUSTER,
    "make canary": CLUSTER,
    "make promote": CLUSTER,
    "make rollback": CLUSTER,
    "make train-job": CLUSTER,
    "make score-job": CLUSTER,
    "make predict HOST=": CLUSTER,
    "kubectl": CLUSTER,
    "make test-all": BY_HAND,
    "make images": BY_HAND,
    "make bench": BY_HAND,
    "make bench-training": BY_HAND,
}


class Typed(NamedTuple):
    """A command of a page, and the section that it is in."""

    page: str
    command: str
    section: str


def commands(page: str, text: str) -> Iterator[Typed]:
    """The commands in the blocks of shell of a page: its lines, but for what belongs to the line before."""
    for section in re.split(r"^#+ ", text, flags=re.MULTILINE):
        for block in re.findall(r"^ *```(?:bash|console|sh)\n(.*?)^ *```$", section, re.DOTALL | re.MULTILINE):
            prompts = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
            block = re.sub(r"\\\n", " ", re.sub(r"<<'END'(.*\n)(?:.*\n)*?END\n", r"\1", block))
            inside = ("#", "    ", "done", "for ")
            lines = prompts or [line for line in block.splitlines() if not line.startswith(inside)]
            yield from (Typed(page, line, section) for line in lines if line.strip())


def typed() -> list[Typed]:
    """All commands of all pages, but those of pages that a test follows."""
    pages = [TEMPLATE / "README.md", TEMPLATE / "CONTRIBUTING.md", SKELETON / "README.md"]
    found: list[Typed] = []
    for path in [*pages, *sorted((TEMPLATE / "docs").glob("*.md"))]:
        name = str(path.relative_to(TEMPLATE))
        text = path.read_text()
        console = re.sub(r"^```bash\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
        found += commands(name, console if name in FOLLOWED else text)
    return found


def tried_by(command: str) -> str:
    """What tries a command; "" where nobody does."""
    return TRIED.get(max((start for start in TRIED if command.startswith(start)), key=len, default=""), "")


def test_each_command_is_tried_or_needs_a_cluster() -> None:
    assert len(typed()) > 40
    assert [f"{one.page}: {one.command}" for one in typed() if not tried_by(one.command)] == []


def test_what_needs_a_cluster_says_so() -> None:
    """In its section."""
    needing = [one for one in typed() if tried_by(one.command) == CLUSTER]
    assert needing
    assert [f"{one.page}: {one.command}" for one in needing if "cluster" not in one.section] == []


@pytest.mark.parametrize("test", sorted({*FOLLOWED.values(), *TRIED.values()} - {CLUSTER, BY_HAND, SIGNED}))
def test_what_tries_commands_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert f"\ndef {name}(" in (TEMPLATE / "tests" / file).read_text()


def ways() -> list[str]:
    """The README's ways to get cookiecutter and run it."""
    section = (TEMPLATE / "README.md").read_text().partition("\n## Get it\n")[2]
    block = section.partition("```bash\n")[2].partition("```")[0]
    return [line.partition("  #")[0].strip() for line in block.splitlines() if "cookiecutter " in line]


@pytest.mark.parametrize("way", ways(), ids=lambda way: way.split()[0])
def test_each_way_to_get_cookiecutter_generates_a_project(tmp_path: Path, way: str) -> None:
    """On a machine that has uv, pipx or Python alone; uv has pipx, too."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "pipx").write_text('#!/bin/sh\nexec uvx --quiet pipx==1.16.2 "$@"\n')
    (tools / "pipx").chmod(0o755)
    environment = Path(sys.executable).parent
    (tools / "uvx").symlink_to(environment / "uvx")
    home = {"HOME": str(tmp_path), "PIPX_HOME": str(tmp_path / "pipx")}
    path = f"{tools}:{os.path.dirname(os.path.realpath(sys.executable))}:{os.environ['PATH']}"
    shell(tmp_path, f"{way} --no-input", TEMPLATE=str(TEMPLATE), PATH=path, **home)
    answers = json.loads((tmp_path / "sklearn" / ".cruft.json").read_text())["context"]["cookiecutter"]
    assert answers["framework_nm"] == "sklearn"


def test_the_keys_of_the_readme_can_be_made(bake: Callable[..., Path], tmp_path: Path) -> None:
    lines = [one.command for one in typed() if one.command.startswith("openssl ")]
    assert len(lines) == 2
    shell(tmp_path, "\n".join(lines))
    assert "PUBLIC KEY" in (tmp_path / "public.pem").read_text()


@pytest.mark.slow
def test_payloads_are_compared_with_training_as_the_page_says(install: Callable[..., Path], tmp_path: Path) -> None:
    """Files of the receiver's, one of which has a row whose columns' names were not known."""
    installed, project = install("sklearn"), tmp_path / "sklearn"
    shutil.copytree(installed, project, ignore=shutil.ignore_patterns(".venv"))
    (project / ".venv").symlink_to(installed / ".venv")
    text = (TEMPLATE / "docs" / "operating.md").read_text()
    lines = [one.command for one in commands("", text) if "today.csv" in one.command]
    assert len(lines) == 2
    sample = json.loads((project / "sklearnserver" / "example_models" / "0001" / "metadata.json").read_text())
    row = {column["name"]: 1.0 for column in sample["columns"]}
    (project / "payloads").mkdir()
    files: list[list[dict[str, Any]]] = [[row] * 300, [row, {"logged_values": [1.0]}]]
    for number, found in enumerate(files):
        written = "".join(json.dumps({"logged_id": "1", **one}) + "\n" for one in found)
        (project / "payloads" / f"{number}.jsonl.gz").write_bytes(gzip.compress(written.encode()))
    printed = shell(project, "\n".join(["make train", *lines]))
    assert all(name in printed for name in row)
