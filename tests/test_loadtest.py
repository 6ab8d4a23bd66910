"""What `make loadtest` measures: latency from when a request was due, of a server that somebody else wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from facts import ENGINE, QUESTIONS

pytestmark = pytest.mark.slow

#: How long the server stands still at its first request.
STILL = 2.0


class Stalling(BaseHTTPRequestHandler):
    """Answers the first request late, and all others at once."""

    protocol_version = "HTTP/1.1"
    hosts: list[str] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if not self.hosts:
            time.sleep(STILL)
        self.hosts.append(self.headers["Host"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def test_latency_counts_from_when_a_request_was_due(tmp_path: Path) -> None:
    """A server that stands still delays all requests that are due meanwhile; those behind it are made up for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "input.json").write_text("{}")
    locust = f"locust=={QUESTIONS['_tools']['locust']}"
    command: list[str | Path] = [
        Path(sys.executable).with_name("uv"),
        "tool",
        "run",
        "--quiet",
        "--python",
        ">=3.11",
        "--from",
        locust,
    ]
    command += ["locust", "--locustfile", ENGINE / "serving" / "loadtest.py", "--headless", "--json", "--users", "1"]
    run = subprocess.run(
        [*command, "--run-time", "5s", "--host", f"http://127.0.0.1:{server.server_port}"],
        env={**os.environ, "MODEL_NAME": "m", "INPUT": str(tmp_path / "input.json"), "SERVICE_HOST": "m.example.com"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    server.shutdown()
    server.server_close()
    (found,) = json.loads(run.stdout)
    late = sum(count for latency, count in found["response_times"].items() if float(latency) > 500)
    assert late >= 10  # of the 20 that were due in two seconds
    assert found["num_requests"] >= 30  # ten per second, those included
    assert set(Stalling.hosts) == {"m.example.com"}  # as the ingress of a cluster needs it
