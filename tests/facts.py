"""Facts about the template, read from where they stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parent.parent
SKELETON = TEMPLATE / "{{cookiecutter.framework_nm}}"
VARIANTS = SKELETON / "variants"
QUESTIONS: dict[str, Any] = json.loads((TEMPLATE / "cookiecutter.json").read_text())
FRAMEWORKS: list[str] = QUESTIONS["framework_nm"]
