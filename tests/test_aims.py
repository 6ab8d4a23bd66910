"""The benchmark's aims: each is reached, missed, or it says why there is no figure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.aims import aims
from benchmarks.figures import Numbers

AIM = ("compiled: req/s, one c=64", "forest")


def row(server: str, rate: float) -> dict[str, Any]:
    return {"server": server, "model": "forest", "load": "one c=64", "round": 0, "rate": rate}


def failure(server: str, model: str, what: str) -> dict[str, Any]:
    return {"server": server, "model": model, "what": what, "reason": "it broke"}


@pytest.mark.parametrize(
    "found, verdict",
    [
        ({"loads": [row("compiled", 500), row("kserve", 2)]}, "250"),
        ({"loads": [row("compiled", 100), row("kserve", 2)]}, "50, **missed**"),
        (
            {"absent": [{"server": "compiled", "model": "forest", "reason": "No compiled model: it took too long."}]},
            "No compiled model: it took too long.",
        ),
        ({"failures": [failure("compiled", "forest", "one c=64")]}, "compiled failed: see what did not work"),
        ({"failures": [failure("kserve", "forest", "start")]}, "kserve failed: see what did not work"),
        ({"failures": [failure("kserve", "", "installation")]}, "kserve failed: see what did not work"),
        ({"loads": [row("kserve", 2)]}, "not asked in this quick run"),
    ],
)
def test_an_aim_is_judged_or_says_why_not(found: dict[str, Any], verdict: str) -> None:
    data = {"form": "quick", "loads": [], "failures": [], "absent": [], "starts": [], "memory": [], **found}
    assert [told for what, model, _, told in aims(Numbers(data)) if (what, model) == AIM] == [verdict]
