"""The command: `python -m <package>._engine.licences FOLDER`, which the image's build runs.

It writes a table of the installed distributions, and links to the texts that come with them. Not here: which licences
are acceptable, and those of the base image, whose texts Debian keeps in /usr/share/doc.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

NOTE = """The Python packages in this image, and the licence that each states. The texts that come with a package are in
the folder of its name. Those of the base image and of Debian's packages are in /usr/share/doc/*/copyright.

"""
#: What files with a licence's text are called.
TEXTS = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS", "COPYRIGHT")


def main(folder: Path) -> None:
    """Write README and the folders of texts. Raises OSError where that is not possible."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {distribution.metadata["Name"]: distribution for distribution in metadata.distributions()}
    lines = []
    for name, distribution in sorted(found.items(), key=lambda item: item[0].lower()):
        lines.append(f"{name} {distribution.version}: {licence(distribution)}")
        link_texts(distribution, folder / name)
    (folder / "README").write_text(NOTE + "\n".join(lines) + "\n", encoding="utf-8")


def licence(distribution: metadata.Distribution) -> str:
    """What a distribution says of its licence, in a line: an expression, classifiers, or the first line of its text."""
    fields = distribution.metadata
    named = [text.split(" :: ")[-1] for text in fields.get_all("Classifier") or [] if text.startswith("License :: ")]
    told = [*(fields.get_all("License-Expression") or []), ", ".join(named), *(fields.get_all("License") or [])]
    lines = [line for text in told for line in text.strip().splitlines()[:1]]
    return lines[0] if lines else "not stated; see its texts"


def link_texts(distribution: metadata.Distribution, folder: Path) -> None:
    """Link to the texts of a distribution's licence, as it has them; copies would take megabytes."""
    for file in distribution.files or []:
        if file.parts[0].endswith(".dist-info") and file.name.upper().startswith(TEXTS):
            link = folder / "-".join(part for part in file.parts[1:] if part not in ("licenses", "license_files"))
            link.parent.mkdir(exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(Path(str(distribution.locate_file(file))).resolve())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
