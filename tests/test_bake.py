"""What a generated project consists of, whatever the answers. Nothing is installed or run here."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from facts import ENGINE, FLAVOURS, FRAMEWORKS, QUESTIONS, SDKS, SKELETON, TEMPLATE, VARIANTS, pins

PROJECT_FILES = """
    .cruft.json .dockerignore .editorconfig .gitattributes .gitignore .pre-commit-config.yaml .python-version
    .github/dependabot.yml .github/workflows/ci.yml .github/workflows/release.yml
    {fw}.Dockerfile AGENTS.md CHANGELOG.md LICENSE MANIFEST.in Makefile README.md SECURITY.md
    input.json pyproject.toml requirements.lock requirements.txt run_modelserver setup.py {fw}server.yaml
    k8s/training/kustomization.yaml k8s/training/training.yaml k8s/training-bucket/kustomization.yaml
    k8s/scoring/kustomization.yaml k8s/scoring/scoring.yaml k8s/scoring-nightly/kustomization.yaml
"""
PACKAGE_FILES = """
    __init__.py conftest.py py.typed score.py
    example_models/0001/metadata.json
    inferencer/__init__.py inferencer/__main__.py inferencer/config.py inferencer/conftest.py inferencer/model.py
    inferencer/model_repository.py inferencer/newest.py inferencer/test_model.py inferencer/test_model_repository.py
    trainer/__init__.py trainer/__main__.py trainer/_core.py trainer/config.py trainer/drift.py trainer/model.py
    trainer/postprocessor.py trainer/preprocessor.py trainer/test_trainer.py trainer/utils.py
"""
#: What only some frameworks' projects have.
FRAMEWORK_FILES = {
    "sklearn": "trainer/categories.py trainer/importing.py",
    "catboost": "trainer/categories.py trainer/importing.py",
    "xgboost": "trainer/categories.py trainer/importing.py trainer/objectives.py",
    "lightgbm": "trainer/categories.py trainer/importing.py trainer/objectives.py",
    "pytorch": "trainer/categories.py trainer/importing.py trainer/network.py trainer/on_torch.py",
    "tensorflow": "trainer/categories.py trainer/importing.py trainer/network.py",
    "huggingface": "trainer/importing.py trainer/network.py trainer/on_torch.py",
    "paddle": "trainer/categories.py trainer/importing.py trainer/network.py",
    "onnx": "trainer/categories.py trainer/importing.py",
    "pmml": "trainer/categories.py",
    "mlflow": "trainer/categories.py trainer/schema.py",
    "custom": "trainer/categories.py",
}
#: What only one SDK's projects have, beside the SDK's part of the engine.
SDK_FILES = {
    "kserve": """
        {fw}server/inferencer/test_kserve.py
        k8s/components/availability/availability.yaml k8s/components/availability/kustomization.yaml
        k8s/components/canary/kustomization.yaml
        k8s/components/credentials/credentials.yaml k8s/components/credentials/kustomization.yaml
        k8s/components/grpc/kustomization.yaml k8s/components/grpc-knative/kustomization.yaml
        k8s/components/hpa/kustomization.yaml k8s/components/keda/kustomization.yaml
        k8s/components/knative/kustomization.yaml
        k8s/components/logger/kustomization.yaml
        k8s/components/logger/logger.yaml
        k8s/components/monitoring/dashboard.json k8s/components/monitoring/kustomization.yaml
        k8s/components/monitoring/monitor.yaml k8s/components/monitoring/rules.yaml
        k8s/components/network/kustomization.yaml k8s/components/network/network.yaml
        k8s/knative/kustomization.yaml k8s/production/kustomization.yaml k8s/standard/kustomization.yaml
        k8s/runtime/kustomization.yaml k8s/runtime/runtime.yaml k8s/runtime/service.yaml
    """,
    "kfserving": "",
}
#: Every name in the trees of the original document, for {fw}.
BRIEF = """
    Makefile README.md {fw}.Dockerfile {fw}server/__init__.py run_modelserver setup.py requirements.txt
    {fw}server/example_models/0001 {fw}server/inferencer/__init__.py {fw}server/inferencer/__main__.py
    {fw}server/inferencer/model.py {fw}server/inferencer/model_repository.py {fw}server/inferencer/test_model.py
    {fw}server/inferencer/test_model_repository.py {fw}server/trainer/__init__.py {fw}server/trainer/__main__.py
    {fw}server/trainer/config.py {fw}server/trainer/_core.py {fw}server/trainer/model.py
    {fw}server/trainer/postprocessor.py {fw}server/trainer/preprocessor.py {fw}server/trainer/utils.py
"""


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_project_has_exactly_these_files(project: Path, flavour: tuple[str, str]) -> None:
    fw, sdk = flavour
    sample = f"{fw}server/example_models/0001"
    metadata = json.loads((project / sample / "metadata.json").read_text())
    listed = [*metadata["files"], *(["metadata.sha256"] if metadata.get("format", 1) > 1 else [])]
    modules = [*PACKAGE_FILES.split(), *FRAMEWORK_FILES.get(fw, "").split()]
    package = {f"{fw}server/{name}" for name in modules} | {f"{sample}/{name}" for name in listed}
    for engine in (ENGINE, VARIANTS / "sdks" / sdk / "_engine"):
        package |= {f"{fw}server/_engine/{name}" for name in files(engine) if "__pycache__" not in name}
    package.add(f"{fw}server/_engine/DIGESTS")
    expected = set((PROJECT_FILES + SDK_FILES[sdk]).format(fw=fw).split()) | package
    assert files(project) == expected


def test_a_project_has_every_name_of_the_original_trees(project: Path) -> None:
    missing = [name for name in BRIEF.format(fw=project.name).split() if not (project / name).exists()]
    assert missing == []


def test_nothing_is_left_to_render(project: Path) -> None:
    """No brace of Jinja, and none of cookiecutter's answers by its name, in any text; weights may have any bytes."""
    for name in files(project):
        if "/example_models/" in name:  # weights hold any bytes, and are copied as they are
            continue
        content = (project / name).read_bytes()
        if b"\0" in content:
            continue
        assert b"cookiecutter." not in content, name
        assert b"{%" not in content, name


def test_every_file_parses(project: Path) -> None:
    for name in files(project):
        content = (project / name).read_bytes()
        if name.endswith(".py"):
            ast.parse(content)
        elif name.endswith(".toml"):
            tomllib.loads(content.decode())
        elif name.endswith(".yaml"):
            assert list(yaml.safe_load_all(content))
        elif name.endswith(".json"):
            json.loads(content)


def test_variants_are_copied_byte_for_byte(project: Path, flavour: tuple[str, str]) -> None:
    """What editors and tools read in the template is what the user gets."""
    fw, sdk = flavour
    package = project / f"{fw}server"
    families = [VARIANTS / "families" / family for family in QUESTIONS["_frameworks"][fw]["families"]]
    sources = [VARIANTS / "common", *families, VARIANTS / "frameworks" / fw, VARIANTS / "sdks" / sdk]
    copied = [(source / name, package / name) for source in sources for name in files(source)]
    sample = VARIANTS / "samples" / sdk / fw
    copied += [(sample / name, package / "example_models" / name) for name in files(sample)]
    copied += [(ENGINE / name, package / "_engine" / name) for name in files(ENGINE)]
    assert len(copied) > 20
    for source, copy in copied:
        if "__pycache__" not in source.parts:
            assert source.read_bytes() == copy.read_bytes(), copy


def test_the_lock_holds_what_requirements_txt_pins(project: Path) -> None:
    """Each with its digests, and nothing of where it was made; `make locks` makes it again."""
    text = (project / "requirements.lock").read_text()
    locked = re.findall(r"^([a-z0-9.-]+)==(\S+)(.*?)(?=^[a-z]|\Z)", text, re.DOTALL | re.MULTILINE)
    names = [name for name, _, _ in locked]
    assert all("--hash=sha256:" in digests for _, _, digests in locked)
    assert not re.search(r"://|^-|file:", text, re.MULTILINE)
    pins = dict(re.findall(r"^(\S+)==([^\s;]+)", (project / "requirements.txt").read_text(), re.MULTILINE))
    unlocked = [requirement.split("==")[0] for requirement in QUESTIONS["_frameworks"][project.name]["unlocked"]]
    assert not set(unlocked) & set(names)
    assert {name: pin for name, pin, _ in locked if name in pins} == {
        name: pin for name, pin in pins.items() if name not in unlocked
    }


def test_libraries_are_told_to_be_quiet_unless_the_owner_says_otherwise(
    project: Path, flavour: tuple[str, str]
) -> None:
    """By the package, before it imports any of them, and by the image."""
    quiet = {**SDKS[flavour[1]]["quiet"], **pins(*flavour)["quiet"]}
    program = f"import json, os, {project.name}server; print(json.dumps(dict(os.environ)))"

    def found(environment: dict[str, str]) -> dict[str, str]:
        command = [sys.executable, "-c", program]
        variables: dict[str, str] = json.loads(subprocess.check_output(command, cwd=project, env=environment))
        return {name: variables[name] for name in quiet}

    assert found({"PYTHONDONTWRITEBYTECODE": "1"}) == quiet
    owners = {name: "of the owner" for name in quiet}
    assert found({"PYTHONDONTWRITEBYTECODE": "1", **owners}) == owners
    image = re.findall(r"^ENV ((?:\w+=\w+ ?)+)$", (project / f"{project.name}.Dockerfile").read_text(), re.MULTILINE)
    assert dict(word.split("=") for line in image for word in line.split()) == quiet


def test_the_entry_point_can_be_executed(project: Path) -> None:
    assert os.access(project / "run_modelserver", os.X_OK)


def test_a_project_passes_ruff(project: Path) -> None:
    for command in (["check"], ["format", "--check"]):
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", project], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout


def test_hadolint_finds_nothing_in_a_dockerfile(project: Path) -> None:
    tokenizers = "--ignore=DL3064"  # takes TOKENIZERS_PARALLELISM for a token
    program, dockerfile = Path(sys.executable).parent / "hadolint", project / f"{project.name}.Dockerfile"
    run = subprocess.run([program, tokenizers, dockerfile], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_the_defaults_are_the_original_example(bake: Callable[..., Path]) -> None:
    project = bake("sklearn")
    manifest = yaml.safe_load((project / "sklearnserver.yaml").read_text())
    (container,) = manifest["spec"]["predictor"]["containers"]
    assert (manifest["metadata"]["name"], manifest["metadata"]["namespace"]) == ("sklearnserver-test", "test")
    assert container["image"] == "gcr.io/airuntime-templates/sklearnserver:0.1.0"
    assert {"name": "STORAGE_URI", "value": "gs://airuntime-demo/templates/sklearn/examples"} in container["env"]
    assert "--max_buffer_size=104857600" in container["args"]


def test_answers_reach_every_place_they_belong_to(bake: Callable[..., Path]) -> None:
    project = bake(
        "xgboost",
        model_name="churn",
        namespace="scoring",
        image_registry="localhost:5000/team",
        image_tag="2.0",
        storage_uri="s3://bucket/churn",
        python_version="3.12",
    )
    assert "FROM ${BASE_IMAGE}" in (project / "xgboost.Dockerfile").read_text()
    assert "BASE_IMAGE=python:3.12-slim" in (project / "xgboost.Dockerfile").read_text()
    manifest = yaml.safe_load((project / "xgboostserver.yaml").read_text())
    (container,) = manifest["spec"]["predictor"]["containers"]
    assert (manifest["metadata"]["name"], manifest["metadata"]["namespace"]) == ("churn", "scoring")
    assert container["image"] == "localhost:5000/team/xgboostserver:2.0"
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/models/churn/ready"
    makefile = (project / "Makefile").read_text()
    for line in ("MODEL_NAME = churn", "NAMESPACE = scoring", "IMAGE = localhost:5000/team/xgboostserver:2.0"):
        assert line in makefile
    assert "sklearn" not in makefile


@pytest.mark.parametrize(
    "namespace", ["123", "1e3", "true", "null", "0x1f", "on"], ids=lambda value: f"namespace {value}"
)
def test_an_answer_that_looks_like_another_type_stays_text(bake: Callable[..., Path], namespace: str) -> None:
    project = bake("sklearn", namespace=namespace)
    manifest = yaml.safe_load((project / "sklearnserver.yaml").read_text())
    assert manifest["metadata"]["namespace"] == namespace


def test_a_uri_with_special_characters_stays_one_string(bake: Callable[..., Path]) -> None:
    """What is allowed in a URI means something in YAML, and must not there."""
    uri = "https://host/a%20b/m.joblib?x=1&y=#z:%7B"
    manifest = yaml.safe_load((bake("sklearn", storage_uri=uri) / "sklearnserver.yaml").read_text())
    (container,) = manifest["spec"]["predictor"]["containers"]
    assert {"name": "STORAGE_URI", "value": uri} in container["env"]


def test_kserve_is_what_serves_unless_answered_otherwise(bake: Callable[..., Path]) -> None:
    assert "kserve==" in (bake("sklearn") / "requirements.txt").read_text()


def test_a_project_of_kfserving_promises_nothing_that_kfserving_lacks(bake: Callable[..., Path]) -> None:
    """No gRPC, no metrics, no KServe: neither in its files nor in its words."""
    project = bake("sklearn", serving_sdk="kfserving")
    for name in files(project):
        if not name.endswith((".py", ".json", ".lock", "README.md", ".onnx", ".joblib", "DIGESTS")):
            content = (project / name).read_text()
            for word in ("grpc", "8081", "prometheus", "serving.kserve.io", "kserve-container"):
                assert word not in content.lower(), name
    readme = (project / "README.md").read_text()
    assert "KFServing has no gRPC, no `/metrics`" in readme
    for word in ("8081", "GRPC_PORT", "enable_docs_url", "k8s/standard", "make canary"):
        assert word not in readme


def test_the_python_that_a_pair_needs_is_said_in_every_place(bake: Callable[..., Path]) -> None:
    """TensorFlow runs beside KFServing on a part of KFServing's Pythons."""
    project = bake("tensorflow", serving_sdk="kfserving")
    assert "python:3.9-slim" in (project / "tensorflow.Dockerfile").read_text()
    assert 'python_requires=">=3.9,<3.10"' in (project / "setup.py").read_text()
    makefile, readme = (project / "Makefile").read_text(), (project / "README.md").read_text()
    assert "--python-version 3.9 " in makefile
    assert "python_version < '3.10'" in (project / "pyproject.toml").read_text()
    assert "It needs Python 3.9, make" in readme
    assert "`uv python install 3.9`" in readme
    assert "3.8" not in makefile + readme
    assert 'python_requires=">=3.8,<3.10"' in (bake("sklearn", serving_sdk="kfserving") / "setup.py").read_text()


@pytest.mark.parametrize(("sdk", "version"), [(sdk, version) for sdk in SDKS for version in SDKS[sdk]["pythons"]])
def test_every_python_of_an_sdk_can_be_chosen(bake: Callable[..., Path], sdk: str, version: str) -> None:
    project = bake("sklearn", serving_sdk=sdk, python_version=version)
    assert f"python:{version}-slim" in (project / "sklearn.Dockerfile").read_text()


def test_make_lists_its_targets(project: Path) -> None:
    """With no argument, and each with a word on what it does."""
    run = subprocess.run(["make"], cwd=project, capture_output=True, text=True, check=True)
    for name in [
        "install",
        "train",
        "serve",
        "predict",
        "test",
        "lint",
        "lock",
        "image",
        "run",
        "score",
        "train-job",
        "score-job",
        "deploy",
        "undeploy",
    ]:
        assert re.search(rf"^  make {name} +\w", run.stdout, re.MULTILINE), name


def test_the_commands_to_type_next_are_printed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "framework_nm=xgboost"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [line.split("#")[0].strip() for line in run.stdout.splitlines() if line.startswith("    ")] == [
        "cd xgboost",
        "make serve",
        "make train",
    ]


def test_there_are_at_most_nine_questions_and_each_has_a_label() -> None:
    """A choice's label fits into a line of a terminal."""
    asked = [key for key in QUESTIONS if not key.startswith("_")]
    labels = QUESTIONS["__prompts__"]
    assert len(asked) <= 9
    assert set(asked) == set(labels)
    for question in asked:
        if isinstance(QUESTIONS[question], list):
            assert set(labels[question]) == {"__prompt__", *QUESTIONS[question]}
            # "    12 - " comes before them.
            assert max(len(label) for label in labels[question].values()) <= 71


def test_choices_table_and_folders_are_one_list() -> None:
    """A framework is one choice, one row, one folder; an SDK is, too; each pair has a sample."""
    folders = sorted(path.name for path in (VARIANTS / "frameworks").iterdir())
    assert folders == sorted(FRAMEWORKS) == sorted(QUESTIONS["_frameworks"])
    assert sorted(path.name for path in (VARIANTS / "sdks").iterdir()) == sorted(SDKS)
    assert list(SDKS) == QUESTIONS["serving_sdk"]
    for table in (QUESTIONS["_frameworks"], SDKS):
        rows = list(table.values())
        assert all(row.keys() == rows[0].keys() for row in rows)
    assert all(pins(fw, sdk).keys() >= {"serve", "train"} for fw, sdk in FLAVOURS)
    assert {path.parts[-3:-1] for path in VARIANTS.glob("samples/*/*/0001")} == {(sdk, fw) for fw, sdk in FLAVOURS}


def test_families_hold_what_frameworks_share() -> None:
    """Each is one of at least two frameworks; no two frameworks hold the same file, and no layer hides another's."""
    rows = {fw: row["families"] for fw, row in QUESTIONS["_frameworks"].items()}
    members = Counter(family for families in rows.values() for family in families)
    assert sorted(path.name for path in (VARIANTS / "families").iterdir()) == sorted(members)
    assert min(members.values()) > 1
    modules = [path.read_bytes() for layer in ("families", "frameworks") for path in VARIANTS.glob(f"{layer}/**/*.py")]
    assert len(set(modules)) == len(modules)
    for fw, families in rows.items():
        layers = [VARIANTS / "frameworks" / fw, *(VARIANTS / "families" / family for family in families)]
        laid = Counter(name for layer in layers for name in files(layer) if name.endswith(".py"))
        assert laid.keys() >= {"trainer/model.py", "trainer/preprocessor.py"}
        assert max(laid.values()) == 1, (fw, laid)


def test_no_template_asks_which_framework_it_is() -> None:
    """Nor which SDK. What differs is data in the tables or code in variants/."""
    for path in SKELETON.rglob("*"):
        if path.is_file() and VARIANTS not in path.parents:
            assert not re.search(
                r"\{%-?\s*(el)?if[^%]*(framework_nm|serving_sdk)\s*[=!]=", path.read_text(errors="replace")
            ), path


@pytest.mark.parametrize(("framework", "sdk"), FLAVOURS)
def test_the_sample_model_was_made_by_what_the_project_pins(framework: str, sdk: str) -> None:
    """Otherwise it would load with a warning, or not at all: `make samples` makes it again."""
    metadata = json.loads((VARIANTS / "samples" / sdk / framework / "0001/metadata.json").read_text())
    row = pins(framework, sdk)
    versions = [pin.split("==")[1].split(" ")[0] for pin in [*row["serve"], *row["unlocked"], *SDKS[sdk]["serve"]]]
    assert metadata["versions"][metadata["platform"]] in versions
    assert metadata["versions"]["python"].startswith(row["pythons"][0] + ".")


def test_the_sample_model_was_trained_by_the_code_beside_it(project: Path) -> None:
    """Its metadata tells anyone who looks how it was made, and neither of whose machine nor of which checkout."""
    package = project / f"{project.name}server"
    sample = package / "example_models" / "0001"
    metadata = json.loads((sample / "metadata.json").read_text())
    trainer = package / "trainer"
    assert metadata["format"] in (2, 3)
    assert metadata["made"]["code"] == {
        name: digest(trainer / name) for name in ("model.py", "preprocessor.py", "postprocessor.py")
    }
    assert metadata["made"]["commit"] is None
    assert metadata["made"]["data"]["file"] is None
    stored = {path.relative_to(sample).as_posix(): digest(path) for path in sample.rglob("*") if path.is_file()}
    expected = {**metadata["files"], "metadata.json": (sample / "metadata.sha256").read_text().split()[0]}
    assert {name: found for name, found in stored.items() if name != "metadata.sha256"} == expected
    assert sum(path.stat().st_size for path in sample.rglob("*")) < 1_000_000
    for name in stored:
        assert not re.search(rb"/(home|root|tmp|Users|var|work)/", unpacked(sample / name)), name


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def unpacked(file: Path) -> bytes:
    """What is in a file, and where it is an archive, in its members: several kinds of weights are one."""
    if not zipfile.is_zipfile(file):
        return file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())
