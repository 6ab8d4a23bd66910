"""The load test: what `make loadtest` has locust run. Its users ask at a fixed rate, however late the answers are.

Latency counts from when a request was due, not from when it could be sent. locust's `constant_throughput` leaves out
what it could not send in time: a server that stands still for a second would delay one request of each user, and not
all that were due meanwhile. Not here: how many users there are and for how long, which are locust's own options.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from locust import FastHttpUser, stats

#: Requests per second of each user: `--users 50` are 500 per second.
RATE = 10
PATH = f"/v2/models/{os.environ['MODEL_NAME']}/infer"
BODY = Path(os.environ["INPUT"]).read_bytes()
HEADERS = {"Content-Type": "application/json", "Host": os.environ["SERVICE_HOST"]}

stats.PERCENTILES_TO_CHART = [0.5, 0.99]


def ask(user: User) -> None:
    """Send the request, and count its latency, in milliseconds, from when it was due."""
    with user.client.post(PATH, data=BODY, headers=HEADERS, catch_response=True) as response:
        response.request_meta["response_time"] = (time.perf_counter() - user.due) * 1000


class User(FastHttpUser):
    """One connection, whose requests are due every 1 / RATE seconds."""

    tasks = [ask]
    #: When the next request is due, by `time.perf_counter`.
    due = 0.0

    def on_start(self) -> None:
        """Start at a time of its own: users who start together would all ask at once."""
        self.due = time.perf_counter() - random.random() / RATE
        self.wait()

    def wait_time(self) -> float:
        """Seconds until the next request is due; 0 where it is late."""
        self.due += 1 / RATE
        return max(0.0, self.due - time.perf_counter())
