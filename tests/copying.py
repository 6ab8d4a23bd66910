"""The template as it is on disk, without what git ignores: environments and benchmarks beside it are gigabytes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from facts import TEMPLATE


def copy_template(folder: Path, without: str = "(?!)") -> None:
    """Copy it into a folder, except files whose names match the pattern `without`."""
    command = ["git", "-C", str(TEMPLATE), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in names:
        if (TEMPLATE / name).is_file() and not re.search(without, name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TEMPLATE / name, folder / name)
