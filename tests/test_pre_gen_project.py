"""Which answers are refused, and how it is said; and that no answer can do harm."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter
from facts import TEMPLATE

GOOD = {
    "framework_nm": "sklearn",
    "model_name": "sklearnserver-test",
    "namespace": "test",
    "image_registry": "gcr.io/airuntime-templates",
    "image_tag": "0.1.0",
    "storage_uri": "gs://airuntime-demo/templates/sklearn/examples",
}


def load_hook() -> ModuleType:
    """The hook as it stands: it is valid Python before it is rendered, too."""
    spec = importlib.util.spec_from_file_location("pre_gen_project", TEMPLATE / "hooks" / "pre_gen_project.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hook = load_hook()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("model_name", "a"),
        ("model_name", "a" * 53),
        ("model_name", "churn-2024"),
        ("namespace", "a" * 63),
        ("namespace", "1team"),
        ("image_registry", "localhost:5000"),
        ("image_registry", "localhost/team"),
        ("image_registry", "my-user"),
        ("image_registry", "registry.example.com:8443/a/b__c/d.e"),
        ("image_registry", "Registry.Example.com/a"),
        ("image_tag", "_x"),
        ("image_tag", "v" * 128),
        ("storage_uri", "s3://bucket"),
        ("storage_uri", "pvc://claim/path"),
        ("storage_uri", "hf://org/model"),
        ("storage_uri", "https://account.blob.core.windows.net/container/model.joblib?sv=1&sig=a%2Fb"),
    ],
)
def test_what_can_work_is_accepted(question: str, answer: str) -> None:
    assert hook.problems({**GOOD, question: answer}) == []


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("framework_nm", "../up", "Python"),
        ("framework_nm", "class", "Python"),
        ("model_name", "My Model", 'Try "my-model".'),
        ("model_name", "2fast", "starting with a letter"),
        ("model_name", "ends-", 'Try "ends".'),
        ("model_name", "a" * 54, "54 characters"),
        ("model_name", "", "empty"),
        ("model_name", "a\n", "KServe"),
        ("namespace", "Team_A", 'Try "team-a".'),
        ("namespace", "a" * 64, "64 characters"),
        ("image_registry", "https://gcr.io/x", 'Leave out "https://"'),
        ("image_registry", "gcr.io/x/", '"/" at the end'),
        ("image_registry", "gcr.io/Upper", "small letters"),
        ("image_registry", "gcr.io/x:latest", "without a tag"),
        ("image_registry", "gcr.io//x", "expected host"),
        ("image_registry", "a b", "expected host"),
        ("image_registry", "x/" * 150 + "x", "Shorten"),
        ("image_tag", ".1", "a tag has"),
        ("image_tag", "v" * 129, "128"),
        ("image_tag", "a:b", "a tag has"),
        ("storage_uri", "bucket/path", "expected a URI"),
        ("storage_uri", "ftp://host/x", "expected a URI"),
        ("storage_uri", "gs://", "is missing behind gs://"),
        ("storage_uri", "gs:///x", "is missing behind gs://"),
        ("storage_uri", "gs://b/a b", "%20"),
        ("storage_uri", "gs://b/ä", "%20"),
    ],
)
def test_what_cannot_work_is_refused_with_a_way_out(question: str, answer: str, said: str) -> None:
    (problem,) = hook.problems({**GOOD, question: answer})
    assert problem.startswith(question)
    assert said in problem
    assert "\n" not in problem


def test_all_problems_are_said_at_once() -> None:
    bad = {"model_name": "A", "namespace": "-", "image_registry": "/", "image_tag": "", "storage_uri": "x"}
    assert [line.split()[0] for line in hook.problems({**GOOD, **bad})] == list(bad)


def test_a_refused_answer_leaves_nothing_on_disk(tmp_path: Path) -> None:
    """And the message is for people, every question by name. (What is on stdout is cookiecutter's own.)"""
    command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "model_name=My Model", "namespace=_"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert 'model_name "My Model"' in run.stderr and 'namespace "_"' in run.stderr
    assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("question", [*list(GOOD)[1:]])
@pytest.mark.parametrize(
    "answer",
    [
        '"""',
        "'''",
        '""" + __import__("os").system("touch pwned") + r"""',
        "\\",
        '\\"',
        "a\nb",
        "\x00",
        "$(touch pwned)",
        "`touch pwned`",
        "; touch pwned",
        "$$(shell touch pwned)",
        "$(shell touch pwned)",
        "../../x",
        "ünïcode",
        "x" * 10_000,
    ],
)
def test_a_hostile_answer_is_refused_as_data(tmp_path: Path, question: str, answer: str) -> None:
    """Nothing is run, nothing breaks, nothing stays on disk."""
    with pytest.raises(FailedHookException):
        cookiecutter(str(TEMPLATE), no_input=True, extra_context={question: answer}, output_dir=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", ["{{ 1/0 }}", "{% raw %}", "{{ cookiecutter }}", "{# a comment #}"])
def test_jinja_typed_at_a_prompt_is_refused_as_data(tmp_path: Path, answer: str) -> None:
    """(On the command line it is cookiecutter itself that renders an answer, before any hook runs.)"""
    typed = "\n" + f"{answer}\n" * 5 + "\n"
    command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE)]
    run = subprocess.run(command, cwd=tmp_path, input=typed, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert f'model_name "{answer}"' in run.stderr
    assert f'storage_uri "{answer}"' in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_uri_with_special_characters_stays_one_string(tmp_path: Path) -> None:
    """What is allowed in a URI means something in YAML and make, and must not there."""
    uri = "https://host/a%20b/m.joblib?x=1&y=#z:%7B"
    project = cookiecutter(str(TEMPLATE), no_input=True, extra_context={"storage_uri": uri}, output_dir=str(tmp_path))
    manifest = yaml.safe_load((Path(project) / "sklearnserver.yaml").read_text())
    (container,) = manifest["spec"]["predictor"]["containers"]
    assert {"name": "STORAGE_URI", "value": uri} in container["env"]
