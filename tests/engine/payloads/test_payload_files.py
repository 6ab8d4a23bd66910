"""Files of payloads: when they are finished, and which stay."""

from __future__ import annotations

import gzip
import importlib
import os
from pathlib import Path

import pytest

files_room = importlib.import_module("_engine.payloads.files")  # which mypy cannot find: see conftest.py
Files, Limits = files_room.Files, files_room.Limits
LIMITS = Limits(1000, 3600, 10 * 86400, 1 << 20)
NOISE = [os.urandom(150).hex().encode() + b"\n" for _ in range(40)]


class Clock:
    """Seconds since 1970, which stand still."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def finished(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def content(folder: Path) -> bytes:
    return b"".join(gzip.decompress(path.read_bytes()) for path in finished(folder))


def test_a_file_appears_when_it_is_large_enough_and_holds_whole_lines(tmp_path: Path, clock: Clock) -> None:
    files = Files(tmp_path, LIMITS._replace(bytes=20_000), clock)
    for number in range(5000):
        files.write(NOISE[number % 40].replace(b"0", b"%d" % number))
        clock.now += 0.01
    found = finished(tmp_path)
    assert len(found) > 3
    assert all(gzip.decompress(path.read_bytes()).endswith(b"\n") for path in found)
    files.finish()
    assert content(tmp_path).count(b"\n") == 5000
    assert all(path.stat().st_size < 150_000 for path in finished(tmp_path))


def test_a_file_appears_when_it_is_old_enough(tmp_path: Path, clock: Clock) -> None:
    files = Files(tmp_path, LIMITS, clock)
    files.write(b"1\n")
    files.tick()
    assert finished(tmp_path) == []
    clock.now += 3600
    files.tick()
    assert content(tmp_path) == b"1\n"


def test_the_oldest_files_go_where_all_are_too_large(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    files = Files(tmp_path, LIMITS._replace(keep_bytes=4000), clock)
    for number in range(20):
        files.write(b"%d\n" % number + b"".join(NOISE[:5]))
        files.finish()
        clock.now += 60
    kept = finished(tmp_path)
    assert kept.pop().name == "notes.txt"
    assert 1500 < sum(path.stat().st_size for path in kept) <= 4000
    assert gzip.decompress(kept[-1].read_bytes()).startswith(b"19\n")


def test_files_that_are_too_old_go(tmp_path: Path, clock: Clock) -> None:
    files = Files(tmp_path, LIMITS, clock)
    for number, age in enumerate((11 * 86400, 9 * 86400, 0)):
        files.write(b"%d\n" % number)
        files.finish()
        os.utime(finished(tmp_path)[-1], (clock.now - age,) * 2)
        clock.now += 1
    files.finish()
    assert content(tmp_path) == b"1\n2\n"


def test_a_full_disk_loses_what_does_not_fit_and_nothing_else(tmp_path: Path, clock: Clock) -> None:
    files = Files(tmp_path, LIMITS._replace(bytes=1 << 30), clock)
    files.write(b"before\n")
    files.finish()
    full = tmp_path / ".20231114T221321.000000Z.jsonl.gz.unfinished"
    full.symlink_to("/dev/full")
    clock.now += 1
    with pytest.raises(OSError, match="No space left"):
        files.write(b"".join(NOISE) * 1000)
    full.unlink()
    clock.now += 1
    files.write(b"after\n")
    files.finish()
    assert content(tmp_path) == b"before\nafter\n"
