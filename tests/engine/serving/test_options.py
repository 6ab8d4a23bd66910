"""Promises of the server's options: what does not fit is refused in a sentence that says what would."""

from __future__ import annotations

import pytest
from _engine.serving.options import Options


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("--max_waiting=0", f"expected a whole number from 1 to {10**18}, got '0'"),
        ("--max_waiting=1.5", f"expected a whole number from 1 to {10**18}, got '1.5'"),
        (f"--max_waiting={10**18 + 1}", f"expected a whole number from 1 to {10**18}, got '{10**18 + 1}'"),
        ("--http_port=x", "expected a port from 1 to 65535, got 'x'"),
        ("--http_port=65536", "expected a port from 1 to 65535, got '65536'"),
        ("--drain_seconds=1000000", "expected a number of seconds from 0 to 999999, such as 5 or 0.5, got '1000000'"),
    ],
)
def test_a_number_out_of_range_is_told_the_range(
    given: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        Options(prog="server").parse_args([given])
    assert complaint in capsys.readouterr().err


def test_the_largest_number_is_taken() -> None:
    assert Options(prog="server").parse_args([f"--max_waiting={10**18}"]).max_waiting == 10**18


def test_all_values_that_do_not_fit_are_told_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a line each, be they of the command line or of the environment, an owner's own options among them."""
    monkeypatch.setenv("MAX_ROWS", "none")
    monkeypatch.setenv("SEED", "x")
    options = Options(prog="server")
    options.add("seed", "0", int, "an owner's own")
    with pytest.raises(SystemExit) as exit:
        options.parse_args(["--workers=2", "--log_format=xml"])
    assert exit.value.code == 2
    assert [line.split(":")[2].strip() for line in capsys.readouterr().err.splitlines()] == [
        "WORKERS or --workers",
        "LOG_FORMAT or --log_format",
        "MAX_ROWS or --max_rows",
        "SEED or --seed",
    ]
