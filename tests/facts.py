"""Facts about the template and about this machine, read from where they stand."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parent.parent
SKELETON = TEMPLATE / "{{cookiecutter.framework_nm}}"
VARIANTS = SKELETON / "variants"
QUESTIONS: dict[str, Any] = json.loads((TEMPLATE / "cookiecutter.json").read_text())
FRAMEWORKS: list[str] = QUESTIONS["framework_nm"]


@functools.cache
def find_links() -> str:
    """The folder of wheels that this machine's pip looks into besides its index; "" if there is none."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    settings = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return os.environ.get("PIP_FIND_LINKS") or "".join(re.findall(r"find-links='([^']+)'", settings)[-1:])
