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
    ],
)
def test_a_number_that_is_not_in_the_range_is_told_the_range(
    given: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        Options(prog="server").parse_args([given])
    assert complaint in capsys.readouterr().err


def test_the_largest_number_is_taken() -> None:
    assert Options(prog="server").parse_args([f"--max_waiting={10**18}"]).max_waiting == 10**18
