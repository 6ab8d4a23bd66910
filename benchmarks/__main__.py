"""The benchmark: install, bake, train, measure in turns, report. `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from . import load, report
from .environments import TOOLS, Environment, Failed, Tools, run
from .measure import Pace, Results, measure
from .paths import CACHE, CHART, HERE, PAGE, make_cache
from .projects import MODELS, Project
from .servers import BASELINE, NAMED, SERVERS, Server, environments

#: The pace of each form, and how many minutes it takes, without the installations.
FORMS = {
    "full": (Pace(rounds=3, seconds=1, starts=3, sweeps=2), "twenty minutes"),
    "medium": (Pace(rounds=2, seconds=1, starts=1, sweeps=1), "ten minutes: fewer peers and rounds"),
    "quick": (Pace(rounds=2, seconds=1, starts=1), "four minutes: the same, without the sweeps"),
    "short": (
        Pace(rounds=1, seconds=1, starts=1),
        "a minute: ratios to KServe's own, which are printed and not judged",
    ),
}
RESULTS = CACHE / "results.json"
#: What the short form measures.
_SHORT_MODELS, _SHORT_SERVERS = ["iris", "linear"], ["native", "compiled", BASELINE]


def main() -> None:
    """Do everything, in this order; servers end however this ends."""
    arguments = _read_arguments()
    if arguments.page:
        _write(json.loads(RESULTS.read_text()))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    load.check_machine()
    make_cache()
    results = Results()
    try:
        Tools().install(TOOLS)
        projects = {framework: Project(framework) for framework in dict.fromkeys(model.framework for model in MODELS)}
        for project in projects.values():
            project.bake()
        models = [model for model in MODELS if model.key in arguments.models]
        needed = {model.framework: projects[model.framework] for model in models}
        for project in needed.values():
            project.install()
        trained = [needed[model.framework].train(model) for model in models]
    except Failed as error:
        sys.exit(f"The benchmark cannot begin: {error}")

    def pin(package: str) -> str:
        """The version that ours runs on; each framework is pinned by one of the projects."""
        return next(found for found in (project.pin(package) for project in projects.values()) if found)

    servers = [server for server in SERVERS if server.key in arguments.servers]
    servers, versions = _install(servers, pin, results)
    for project in needed.values():
        versions = {**project.environment.versions(NAMED), **versions}

    # Everything but the servers and wrk stays on the load's core.
    os.sched_setaffinity(0, {int(load.CORE)})
    began = time.monotonic()
    for one in trained:
        measure(one, servers, arguments.pace, results)
    facts = {
        "command": shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        "minutes": (time.monotonic() - began) / 60,
        "form": arguments.form,
        "versions": dict(sorted(versions.items())),
        "pace": asdict(arguments.pace),
        **report.machine(),
    }
    data = {**asdict(results), **facts}
    if arguments.form == "short":
        print(report.ratios(data))
        return
    RESULTS.write_text(json.dumps(data, indent=1))
    print(report.page(data))
    if not arguments.dry_run:
        _write(data)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    for form, (_, minutes) in FORMS.items():
        parser.add_argument(f"--{form}", dest="form", action="store_const", const=form, help=f"about {minutes}")
    parser.set_defaults(form="full")
    parser.add_argument("--page", action="store_true", help=f"write {PAGE.name} from the last results, measure nothing")
    parser.add_argument("--servers", nargs="+", choices=[server.key for server in SERVERS], help="only these")
    parser.add_argument("--models", nargs="+", choices=[model.key for model in MODELS], help="only these")
    parser.add_argument("--rounds", type=int, help="how often each load is measured")
    parser.add_argument("--dry-run", action="store_true", help=f"print the tables, leave {PAGE.name} as it is")
    arguments = parser.parse_args()
    arguments.pace, _ = FORMS[arguments.form]
    if arguments.rounds:
        arguments.pace = replace(arguments.pace, rounds=arguments.rounds)
    if arguments.form == "short":
        arguments.models, arguments.servers = arguments.models or _SHORT_MODELS, arguments.servers or _SHORT_SERVERS
    some = [model.key for model in MODELS if model.loads or arguments.pace.sweeps]
    arguments.models = arguments.models or some
    all_peers = arguments.form == "full"
    arguments.servers = arguments.servers or [server.key for server in SERVERS if server.quick or all_peers]
    return arguments


def _install(servers: list[Server], pin: Callable[[str], str], results: Results) -> tuple[list[Server], dict[str, str]]:
    """Install what peers need; returns those that can take part, and the versions."""
    versions: dict[str, str] = {}
    broken: dict[str, Failed] = {}
    for name, requirements in environments(pin).items():
        if name not in {server.environment for server in servers}:
            continue
        environment = Environment(name)
        try:
            environment.install(requirements)
            found = environment.versions(NAMED)
            versions.update({package: version for package, version in found.items() if package not in versions})
        except Failed as error:
            broken[name] = error
    for server in servers:
        if server.environment in broken:
            results.fail(server, "", "installation", broken[server.environment])
    return [server for server in servers if server.environment not in broken], versions


def _write(data: dict[str, Any]) -> None:
    PAGE.write_text(report.page(data))
    run([Tools().python, HERE / "chart.py", RESULTS, CHART])
    print(f"written: {PAGE.parent.name}/{PAGE.name}, {CHART.parent.name}/{CHART.name}")


if __name__ == "__main__":
    main()
