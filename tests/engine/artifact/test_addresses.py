"""Promises of addresses in messages: where a model is can be read, and no secret can."""

from __future__ import annotations

from pathlib import Path

import pytest
from _engine.artifact.addresses import redacted, shown


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/mnt/models", "/mnt/models"),
        ("s3://bucket/models/iris", "s3://bucket/models/iris"),
        ("oci://host:5000/model@sha256:1234", "oci://host:5000/model@sha256:1234"),
        ("https://[::1]:9000/iris", "https://[::1]:9000/iris"),
        ("https://host/iris.tar.gz?sig=S3CRET&v=1", "https://host/iris.tar.gz?..."),
        ("https://host/iris.tar.gz#S3CRET", "https://host/iris.tar.gz#..."),
        ("https://S3CRET@host/iris", "https://...@host/iris"),
        ("s3://key:S3CRET@bucket/iris", "s3://...@bucket/iris"),
        ("s3://key:a/S3/CRET?S3#CRET@bucket/iris?x", "s3://...@bucket/iris?..."),
        ("s3://key:a@S3CRET@bucket/iris", "s3://...@bucket/iris"),
        ("s3://key:S3CRET/iris", "s3://...@/iris"),
        ("key:S3CRET@bucket", "...@bucket"),
        ("host/iris?S3CRET", "host/iris?..."),
        ("https:/user:S3CRET@127.0.0.1:9/iris", "https:/...@127.0.0.1:9/iris"),
        ("https:///user:S3CRET@host/iris", "https:///...@host/iris"),
        ("https:/S3CRET@host/iris", "https:/...@host/iris"),
        ("//user:S3CRET@127.0.0.1/iris", "//...@127.0.0.1/iris"),
        ("s3//key:S3CRET@bucket/iris", "s3//...@bucket/iris"),
        ("s3//key:a/S3?CRET@bucket/iris", "s3//...@bucket/iris"),
        ("s3:key:S3CRET@bucket/iris", "...@bucket/iris"),
        ("../iris/key:S3CRET@bucket", "../...@bucket"),
        ("./iris?sig=S3CRET", "./iris?..."),
        ("~/iris#S3CRET", "~/iris#..."),
        ("/mnt/models@1/iris", "/mnt/models@1/iris"),
        ("file:///mnt/models/iris", "file:///mnt/models/iris"),
        (r"C:\models\iris", r"C:\models\iris"),
        ("file:///C:/models/iris", "file:///C:/models/iris"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, expected: str) -> None:
    assert shown(address) == expected


def test_a_path_that_exists_is_shown_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "key:word@2" / "iris?v=1"
    path.mkdir(parents=True)
    assert shown(str(path)) == str(path)


@pytest.mark.parametrize(
    "text",
    [
        "cannot open https://key:S3/C RET@host/iris?sig=T0K/EN",
        "cannot open 'key:S3/C RET@host'",
        "Max retries exceeded with url: /iris?sig=T0K%2FEN (Caused by ...)",
        "the signature T0K%252fEN does not fit",
        "redirected to https://other/iris?sig=ANOTHER",
        "redirected to https://ANOTHER@other/iris",
        "Invalid header value: 'Bearer HEADER-T0KEN'",
        "Invalid header value: b'ENVIR0NMENT\\n'",
    ],
)
def test_no_secret_stays_in_a_text(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("host-headers", '{"Authorization": "Bearer HEADER-T0KEN"}')
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ENVIR0NMENT\n")
    kept = redacted(text, "https://key:S3%2FC%20RET@host/iris?sig=T0K%2FEN")
    assert not any(secret in kept for secret in ("S3", "T0K", "ANOTHER", "ENVIR0NMENT"))


def test_a_text_without_secrets_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/etc/google/key.json")
    text = "HTTP 404: s3://bucket/iris is not there, and /etc/google/key.json cannot be read. Is it a file?"
    assert redacted(text, "s3://bucket/iris") == text


@pytest.mark.parametrize("part", ["m", "?", "?=", "a.", "a://", "a://?", "[:", ":@", "%25", "S3CRET-OF-MINE"])
def test_a_long_text_takes_no_longer_than_it_is(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's name for a model stands in a message, too. Looked at from each character on, this takes an hour."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S3CRET-OF-MINE")
    kept = redacted(part * 500_000, "s3://key:S3CRET@bucket/iris")
    assert "S3CRET" not in kept
