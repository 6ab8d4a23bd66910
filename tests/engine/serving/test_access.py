"""Who may use the repository API: its switch, its key, and pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from _engine.serving.access import Access, Refusal, read_key
from _engine.serving.options import Options


def status(refusal: Refusal | None) -> int:
    return refusal.status if refusal else 200


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("Bearer key-1", 200),
        ("bearer  key-1 ", 200),
        ("Bearer key-12", 401),
        ("Bearer Key-1", 401),
        ("Bearer ", 401),
        ("Bearer", 401),
        ("Basic key-1", 401),
        ("key-1", 401),
        ("", 401),
        ("Bearer \xe9\ud800", 401),
    ],
)
def test_only_the_key_is_let_in(tmp_path: Path, authorization: str, expected: int) -> None:
    (tmp_path / "key").write_text(" key-1\n")
    refusal = Access(True, tmp_path / "key").refusal(False, authorization)
    assert status(refusal) == expected
    assert refusal is None or (refusal.code == "UNAUTHENTICATED" and "key-1" not in refusal.message)


def test_who_is_refused_where_there_is_no_key() -> None:
    assert status(Access(True).refusal(False, "")) == 200
    assert status(Access(True).refusal(True, "")) == 403
    assert status(Access(False).refusal(False, "Bearer key")) == 404


def test_a_key_that_is_missing_or_empty_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").write_text(" \n")
    for name, complaint in (("absent", "cannot be read"), ("empty", "is empty"), (".", "cannot be read")):
        with pytest.raises(ValueError, match=complaint):
            read_key(tmp_path / name)
        with pytest.raises(SystemExit):
            Options(prog="server").parse_args([f"--api_key_file={tmp_path / name}"])
        assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("given", ["example.com", "https://a.example/", "https://a.example, b", "ftp://a.example"])
def test_what_is_no_origin_is_refused(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Options(prog="server").parse_args([f"--cors_origins={given}"])
    assert "expected origins such as https://example.com" in capsys.readouterr().err


def test_origins_are_separated_by_commas() -> None:
    given = Options(prog="server").parse_args(["--cors_origins=https://a.example, http://localhost:3000,*"])
    assert given.cors_origins == ("https://a.example", "http://localhost:3000", "*")
    assert Options(prog="server").parse_args([]).cors_origins == ()
