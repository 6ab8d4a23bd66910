"""Where things are."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
TEMPLATE = HERE.parent
PEERS = HERE / "peers"
#: Environments, projects, models, logs: whatever can be made again.
CACHE = TEMPLATE / ".bench"
PAGE = TEMPLATE / "docs" / "performance.md"
CHART = PAGE.with_suffix(".svg")


def make_cache() -> None:
    """Make the cache folder, unseen by git."""
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
