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
    #: Servers that cannot serve a model, and why.
    absent: list[dict[str, Any]] = field(default_factory=list)

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
    #: Rounds of the loads that only some servers get.
    sweeps: int = 0


def measure(trained: Trained, servers: Iterable[Server], pace: Pace, results: Results) -> None:
    """Start `servers` with a model, measure them in turns, and end them."""
    model = trained.model
    with ExitStack() as stack:
        running: list[Running] = []
        for server in servers:
            wanted = [name for name in _wanted(trained, pace) if _gets(server, trained, name)]
            if not wanted:
                continue
            reason = server.why_not(trained)
            if reason:
                results.absent.append({"server": server.key, "model": model.key, "reason": reason})
                continue
            try:
                running.append(_start(stack, trained, server, wanted[0], pace, results))
            except Failed as error:
                results.fail(server, model.key, "start", error)
        for round in range(max(pace.rounds, pace.sweeps) if running else 0):
            print(f"  {model.key}: round {round + 1}, {len(running)} servers", flush=True)
            for name in _wanted(trained, pace, round):
                for one in running:
                    if _gets(one.server, trained, name):
                        _take_turn(one, name, round, pace, results)
        for one in running:
            results.memory.append({"server": one.server.key, "model": model.key, "megabytes": one.memory()})


def _wanted(trained: Trained, pace: Pace, round: int = 0) -> list[str]:
    """The loads of a round."""
    model = trained.model
    names = [*(model.loads if round < pace.rounds else ()), *(model.sweeps if round < pace.sweeps else ())]
    return list(dict.fromkeys(names))


def _gets(server: Server, trained: Trained, name: str) -> bool:
    return name in server.loads and (server.swept or name in trained.model.loads)


def _start(stack: ExitStack, trained: Trained, server: Server, load: str, pace: Pace, results: Results) -> Running:
    """Start a server and leave it paused. Where starts are measured, the first one, of cold files, does not count."""
    print(f"  {trained.model.key}: starting {server.key}", flush=True)
    request = _request(trained, server, load)
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
        if round == 0 and LOADS[name].rows > 1:
            one.settle()
            one.ask(request)  # by what has been loaded
        before = one.processor_time()
        result = load.run(LOADS[name], request, one.port_of(request), pace.seconds, one.place.folder, one.place.copies)
        processor = one.processor_time() - before
        wrong = one.ask(request)
        if wrong:
            raise Failed(f"after the load: {wrong}")
        if result.errors:
            raise Failed(f"{result.errors} errors, {result.rate:.0f} requests a second without one")
        if not result.requests:
            raise Failed("no request was answered in time")
    except (Failed, OSError, http.client.HTTPException) as error:
        results.fail(server, trained.model.key, name, error)
        return
    finally:
        one.pause()
    row = {"server": server.key, "model": trained.model.key, "load": name, "round": round}
    results.loads.append(row | asdict(result) | {"processor": 1e6 * processor / max(result.requests, 1)})


def _request(trained: Trained, server: Server, name: str) -> Request:
    return server.loads[name](trained.requests[str(LOADS[name].rows)])
