"""Adds to the site, while it is built, the pages that docs/ does not have: README and its like, gallery, reference."""

from __future__ import annotations

import posixpath
import re
import tempfile
from pathlib import Path
from typing import Any

import gallery
import reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel

#: Pages of the repository's root, and what they are called here.
ROOT = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
#: A link to a file: its text, the file, and the place in it.
LINK = re.compile(r"\[([^]]*)\]\(([^)#:\s]+)((?:#[^)\s]*)?)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pairs to the gallery's part of the navigation."""
    pairs = [{f"{gallery.title(*pair)}": f"gallery/{'-'.join(pair)}.md"} for pair in gallery.PAIRS]
    for part in config.nav or []:
        part.get("Gallery", []).extend(pairs)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Generate the projects, and add the pages that are made of them, and those of the repository's root."""
    root = Path(config.config_file_path).parent
    made = {page: (root / name).read_text() for name, page in ROOT.items()}
    made["site.css"] = (Path(__file__).parent / "site.css").read_text()
    with tempfile.TemporaryDirectory() as folder:
        projects = gallery.bake(Path(folder))
        made.update(gallery.pages(projects))
        made.update(reference.pages(projects))
    for name, content in made.items():
        files.append(File.generated(config, name, content=content, inclusion=InclusionLevel.INCLUDED))
    return files


def on_page_markdown(text: str, page: Any, **_: Any) -> str:
    """Turn what GitHub shows into what this site shows."""
    name = page.file.src_uri
    if "/" in name:
        return text
    folder = "" if name in ROOT.values() else "docs"
    text = LINK.sub(lambda link: _link(link[1], link[2], link[3], folder), text)
    # A fence of GitHub's may have more than its language, and a numbered list indents by three.
    text = re.sub(r"^```(\w+) (\S.*)$", r'```\1 title="\2"', text, flags=re.MULTILINE)
    return re.sub(r"^   (?=\S)", "    ", text, flags=re.MULTILINE)


def _link(text: str, target: str, anchor: str, folder: str) -> str:
    """A link as it is on the site; only its text where it leads to what the site does not have."""
    path = posixpath.normpath(posixpath.join(folder, target))
    if path in ROOT or path.startswith("docs/"):
        return f"[{text}]({ROOT.get(path, path.removeprefix('docs/'))}{anchor})"
    return text
