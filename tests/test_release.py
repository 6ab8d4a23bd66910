"""`make release`, on a clone of the template: what is written, tagged and published, and what is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from copying import copy_template
from facts import ENGINE, TEMPLATE

ENGINES_VERSION = (ENGINE / "VERSION").relative_to(TEMPLATE)
WHO = {f"GIT_{who}_{what}": "ann@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env={**os.environ, **WHO}, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The template as it is here, in a clone that can push; with gh, which records its calls."""
    clone, origin, program = tmp_path / "clone", tmp_path / "origin.git", tmp_path / "bin" / "gh"
    copy_template(clone, without="variants/(samples|locks)/")  # most of it, and no part of this
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(clone, "init", "--quiet", "--initial-branch=main")
    git(clone, "remote", "add", "origin", str(origin))
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "Work")
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s " "$@" > "$(dirname "$0")/calls"\n')
    program.chmod(0o755)
    return clone


def release(clone: Path, *words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **WHO, "PATH": path or f"{clone.parent / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(
        ["make", "release", *words], cwd=clone, env=environment, capture_output=True, text=True, check=False
    )


def at(clone: Path, commit: str, name: str | Path) -> str:
    return git(clone, "show", f"{commit}:{name}")


@pytest.mark.parametrize(("version", "following"), [("99.0.0", "99.0.1.dev0"), ("99.1.0rc1", "99.1.0rc2")])
def test_a_release_is_one_command(clone: Path, version: str, following: str) -> None:
    """Version, changelog, tag with its notes, the updater's table, and the version that is worked on next."""
    work = git(clone, "rev-parse", "HEAD")
    changes = at(clone, work, "CHANGELOG.md").partition("## Unreleased\n")[2].split("\n## ")[0].strip()
    done = release(clone, f"VERSION={version}", "PUBLISH=1")
    assert done.returncode == 0, done.stderr
    tag = f"v{version}"
    assert at(clone, tag, ENGINES_VERSION) == version
    assert f'\nversion = "{version}"\n' in at(clone, tag, "pyproject.toml")
    before, rest = at(clone, tag, "CHANGELOG.md").split(f"\n## {version} - ")
    assert before.endswith("## Unreleased\n")
    assert re.match(r"\d{4}-\d\d-\d\d\n", rest) and changes in rest
    assert git(clone, "tag", "--list", "--format=%(contents)", tag) == f"{version}\n\n{changes}"
    assert at(clone, "HEAD", ENGINES_VERSION) == following
    assert json.loads(at(clone, "HEAD", "tools/update/releases.json"))[version] == git(clone, "rev-list", "-1", tag)
    assert git(clone, "rev-list", "--count", f"{work}..HEAD") == "2" and git(clone, "status", "--porcelain") == ""
    origin = clone.parent / "origin.git"
    assert git(origin, "rev-parse", "main", tag) == git(clone, "rev-parse", "HEAD", tag)
    called = (clone.parent / "bin" / "calls").read_text().strip()
    assert called == f"release create {tag} --verify-tag --title {version} --notes-from-tag"


def test_without_publishing_nothing_leaves_the_machine(clone: Path) -> None:
    """And what to type for it is said."""
    done = release(clone, "VERSION=99.0.0")
    assert done.returncode == 0, done.stderr
    assert "git push --atomic origin main v99.0.0" in done.stdout
    assert not (clone.parent / "bin" / "calls").exists()
    assert git(clone.parent / "origin.git", "for-each-ref") == ""


def test_what_cannot_be_released_is_refused_all_at_once_and_nothing_is_changed(clone: Path) -> None:
    changelog = clone / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\n## Unreleased\n\n## 1.0.0\n\n- All of it.\n")
    git(clone, "tag", "v2.0.0.dev1")
    before = git(clone, "rev-parse", "HEAD"), git(clone, "diff")
    refused = release(clone, "VERSION=2.0.0.dev1", "PUBLISH=1", path="/usr/bin:/bin")
    assert refused.returncode != 0
    for said in ("is not newer than", "a tag v2.0.0.dev1", "not committed", "nothing under Unreleased", "no gh"):
        assert said in refused.stderr
    for nothing in ("VERSION=next", "VERSION="):
        assert "is no version: write it as 2.1.0" in release(clone, nothing).stderr
    assert (git(clone, "rev-parse", "HEAD"), git(clone, "diff")) == before


def test_the_engine_and_the_packaging_are_of_one_version() -> None:
    assert f'\nversion = "{(ENGINE / "VERSION").read_text().strip()}"\n' in (TEMPLATE / "pyproject.toml").read_text()
