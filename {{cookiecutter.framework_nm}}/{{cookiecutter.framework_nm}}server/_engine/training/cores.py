"""How many cores there are to train with. Not here: what each framework does with them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

#: Numbers in a table for which another thread is worth its while: on fewer, threads wait for each other for longer than
#: they compute, many times as long where the machine is busy.
NUMBERS = 500_000


def useful_cores(numbers: int) -> int:
    """The cores to train with on a table of so many numbers."""
    return min(available_cores(), 1 + numbers // NUMBERS)


def available_cores(group: Path = Path("/sys/fs/cgroup")) -> int:
    """The cores that this process may use: those of the machine, unless its own or its container's limit is lower."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no container, no limit, or the older kind of control groups
        quota, period = (group / "cpu.max").read_text().split()
        cores = min(cores, max(1, int(quota) // int(period)))
    return cores
