"""Promises of the options that KServe's servers have beside those of all servers."""

from __future__ import annotations

import importlib
import socket
import sys

import pytest

config = importlib.import_module("_engine.sdk.config")  # which mypy cannot find: see conftest.py


def read(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """What read does with a command line: the status that it exits with, or None."""
    monkeypatch.setattr(sys, "argv", ["server", *arguments])
    with pytest.raises(SystemExit) as exit:
        config.read(config.options("server"))
    return exit.value.code


def test_rest_and_grpc_do_not_share_a_port(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """gRPC would open it where REST has, and each would get some of the other's connections."""
    monkeypatch.setenv("HTTP_PORT", "8081")
    assert read(monkeypatch) == 2
    assert capsys.readouterr().err == (
        "server: error: GRPC_PORT or --grpc_port: expected another port than REST's, which is 8081\n"
    )


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_shown_whatever_does_not_fit(
    flag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As beside a server that runs, and has the port."""
    monkeypatch.setenv("MAX_ROWS", "none")
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        monkeypatch.setenv("HTTP_PORT", str(taken.getsockname()[1]))
        assert read(monkeypatch, "--log_level=loud", flag) == 0
    shown = capsys.readouterr().out
    assert "--max_rows MAX_ROWS" in shown
    assert "--max_asyncio_workers" in shown  # KServe's


def test_an_unknown_option_is_named_with_where_the_known_ones_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(monkeypatch, "--max_waitin=3") == 2
    assert capsys.readouterr().err == (
        "server: error: unrecognized arguments: --max_waitin=3 (--help lists the options)\n"
    )
