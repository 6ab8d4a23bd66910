"""The address of the model in the project's manifests: where it is read, and written.

Not here: what is at the address.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Optional

#: Of Kubernetes, for the value of a label and for a part of a host's name.
NAME_LIMIT = 63
#: The line with the address: of a model that a runtime serves, or of a container, whose variable may have a comment.
_LINES = (r"(?m)^( *storageUri: )(.*)$", r"(?m)^( *- name: STORAGE_URI\n(?: *#.*\n)* *value: )(.*)$")
_VERSION = r"(?m)^( *model-version: )(.*)$"


def version(uri: str) -> str:
    """The version's name for a label: the last part of its address, without what a label cannot have."""
    last = uri.split("?")[0].rstrip("/").split("/")[-1][-NAME_LIMIT:]
    return re.sub(r"[^A-Za-z0-9._-]", "-", last).strip("._-")


def read(manifest: Path, name: str) -> Optional[str]:
    """The address in the manifest of the service `name`; None where the file is no such manifest."""
    text = _text(manifest, name)
    found = next(filter(None, (re.search(line, text) for line in _LINES)), None)
    if not found:
        return None
    return str(json.loads(found[2])) if found[2].startswith('"') else found[2]


def write(manifest: Path, name: str, uri: str) -> bool:
    """Write the address, and the version's label, into the manifest of the service `name`; returns whether it had
    others."""
    before = text = _text(manifest, name)
    for line, value in [*((line, uri) for line in _LINES), (_VERSION, version(uri))]:
        # In a replacement, a backslash means something.
        written = json.dumps(value, ensure_ascii=False).replace("\\", r"\\")
        text = re.sub(line, rf"\g<1>{written}", text)
    if text == before:
        return False
    manifest.write_text(text, encoding="utf-8")
    return True


def is_of(manifest: Path, name: str) -> bool:
    """Whether the file is a manifest of the service `name`."""
    return bool(_text(manifest, name))


def _text(manifest: Path, name: str) -> str:
    """What is in it; "" where it is another service's, or not there."""
    text = manifest.read_text(encoding="utf-8") if manifest.is_file() else ""
    return text if re.search(rf'(?m)^  name: "?{re.escape(name)}"?$', text) else ""
