"""The run: all servers of a model are started, then take turns, so that the machine's moods meet each of them alike."""

from __future__ import annotations

import http.client
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from . import load
from .environments import Environment, Failed
from .load import LOADS
from .paths import TEMPLATE
from .process import Running, folder_of, free_ports
from .projects import Trained
from .protocols import Request
from .servers import Place, Server


@dataclass
class Results:
    """What was measured, as plain lists, ready for JSON."""

    loads: list[dict[str, Any]] = field(default_factory=list)
    starts: list[dict[str, Any]] = field(default_factory=list)
    memory: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, server: Server, model: str, what: str, reason: object) -> None:
        print(f"  {server.key}: {what}: {reason}", flush=True)
        self.failures.append(
            {"server": server.key, "model": model, "what": what, "reason": str(reason).replace(f"{TEMPLATE}/", "")}
        )


@dataclass(frozen=True)
class Pace:
    """How often and how long."""

    rounds: int
    seconds: int
    #: The most starts that are timed of one server.
    starts: int


def measure(trained: Trained, servers: Iterable[Server], pace: Pace, results: Results) -> None:
    """Start `servers` with a model, measure them in turns, and end them."""
    model = trained.model
    with ExitStack() as stack:
        running: list[Running] = []
        for server in servers:
            wanted = [name for name in model.loads if name in server.loads]
            if not wanted or not server.serves(trained):
                continue
            try:
                running.append(_start(stack, trained, server, pace, results))
            except Failed as error:
                results.fail(server, model.key, "start", error)
        for round in range(pace.rounds):
            print(f"  {model.key}: round {round + 1} of {pace.rounds}, {len(running)} servers", flush=True)
            for name in model.loads:
                for one in running:
                    if name in one.server.loads:
                        _take_turn(one, name, round, pace, results)
        for one in running:
            results.memory.append({"server": one.server.key, "model": model.key, "megabytes": one.memory()})


def _start(stack: ExitStack, trained: Trained, server: Server, pace: Pace, results: Results) -> Running:
    """Start a server and leave it paused. Where starts are measured, the first one, of cold files, does not count."""
    print(f"  {trained.model.key}: starting {server.key}", flush=True)
    first_load = next(name for name in trained.model.loads if name in server.loads)
    request = _request(trained, server, first_load)
    timed = min(server.starts, pace.starts) if trained.model.starts else 0
    for start in range(timed + 1):
        environment = trained.project.environment if server.ours else Environment(server.environment)
        place = Place(trained, environment, free_ports(), folder_of(server, trained.model.key))
        with ExitStack() as this_start:
            one = Running(server, place)
            this_start.callback(one.close)
            seconds = one.wait(request)
            if start:
                results.starts.append({"server": server.key, "model": trained.model.key, "seconds": seconds})
            if start == timed:
                one.pause()
                stack.push(this_start.pop_all())
    return one


def _take_turn(one: Running, name: str, round: int, pace: Pace, results: Results) -> None:
    """Measure one load on one server: a right answer first, and numbers only without errors."""
    server, trained = one.server, one.place.trained
    request = _request(trained, server, name)
    one.resume()
    try:
        wrong = one.ask(request)
        if wrong:
            raise Failed(wrong)
        before = one.processor_time()
        result = load.run(LOADS[name], request, one.port, pace.seconds, one.place.folder)
        processor = one.processor_time() - before
        wrong = one.ask(request)
        if wrong:
            raise Failed(f"after the load: {wrong}")
        if result.errors:
            raise Failed(f"{result.errors} errors, {result.rate:.0f} requests a second without one")
    except (Failed, OSError, http.client.HTTPException) as error:
        results.fail(server, trained.model.key, name, error)
        return
    finally:
        one.pause()
    row = {"server": server.key, "model": trained.model.key, "load": name, "round": round}
    results.loads.append(row | asdict(result) | {"processor": 1e6 * processor / max(result.requests, 1)})


def _request(trained: Trained, server: Server, name: str) -> Request:
    return server.loads[name](trained.requests[LOADS[name].material])
