"""Promises of k8s/components/monitoring: alerts ring when they should and else not, by metrics that the server has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from facts import TEMPLATE
from needed import needed
from running import Server, free_port, shell

COMPONENT = "k8s/components/monitoring"
LABELS = 'namespace="test", pod="one"'
MODEL = f'{LABELS}, model_name="sklearnserver-test"'
PODS = f'{LABELS}, inferenceservice="sklearnserver-test"'
REQUESTS = f'inference_requests_total{{{MODEL}, protocol="v1", status="%s"}}'
#: Nine hours of a model without trouble, a value a minute.
HEALTHY = {
    REQUESTS % "200": "0+60x540",
    REQUESTS % "499": "0+6x540",
    REQUESTS % "400": "0+60x540",
    f'inference_request_duration_seconds_bucket{{{MODEL}, le="0.25"}}': "0+126x540",
    f'inference_request_duration_seconds_bucket{{{MODEL}, le="+Inf"}}': "0+126x540",
    f"inference_request_duration_seconds_count{{{MODEL}}}": "0+126x540",
    f'inference_queue_seconds_bucket{{{MODEL}, le="0.1"}}': "0+60x540",
    f'inference_queue_seconds_bucket{{{MODEL}, le="1.0"}}': "0+60x540",
    f'inference_queue_seconds_bucket{{{MODEL}, le="+Inf"}}': "0+60x540",
    f"process_start_time_seconds{{{PODS}}}": "5x540",
    f"up{{{PODS}}}": "1x540",
    f"inference_drift_rows{{{MODEL}}}": "5000x540",
    f'inference_drift_psi{{{MODEL}, column="age"}}': "0.05x540",
    f"inference_drift_prediction_psi{{{MODEL}}}": "0.05x540",
}
#: What goes wrong in the last of them, and what rings then.
TROUBLES: dict[str, tuple[list[str], dict[str, str]]] = {
    "nothing": ([], {}),
    "errors": (["ModelErrors"], {REQUESTS % "500": "0+12x540"}),
    "errors over gRPC": (["ModelErrors"], {REQUESTS % "INTERNAL": "0+12x540"}),
    "few errors": ([], {REQUESTS % "500": "0+0.06x540"}),
    "slow": (["ModelSlow"], {f'inference_request_duration_seconds_bucket{{{MODEL}, le="0.25"}}': "0+90x540"}),
    "queue": (["ModelQueue"], {f'inference_queue_seconds_bucket{{{MODEL}, le="0.1"}}': "0+30x540"}),
    "restarts": (["ModelRestarts"], {f"process_start_time_seconds{{{PODS}}}": "5x520 6x4 7x4 8x4 9x4"}),
    "one restart": ([], {f"process_start_time_seconds{{{PODS}}}": "5x520 6x19"}),
    "no traffic": (
        ["ModelNoTraffic"],
        {series: "0+6x480 2880x60" for series in HEALTHY if re.match(r"\w+(_total|_bucket|_count)\b", series)},
    ),
    "not reached": (["ModelAbsent"], {f"up{{{PODS}}}": "1x520 0x20"}),
    "drift": (["ModelDrift"], {f'inference_drift_psi{{{MODEL}, column="age"}}': "0.3x540"}),
    "drift of few rows": (
        [],
        {f'inference_drift_psi{{{MODEL}, column="age"}}': "0.3x540", f"inference_drift_rows{{{MODEL}}}": "500x540"},
    ),
    "predictions": (["ModelPredictionDrift"], {f"inference_drift_prediction_psi{{{MODEL}}}": "0.3x540"}),
}


@pytest.fixture(scope="module")
def component(bake: Callable[..., Path]) -> Path:
    return bake("sklearn") / COMPONENT


@pytest.fixture(scope="module")
def rules(component: Path) -> dict[str, Any]:
    """The alerts, as Prometheus reads them."""
    found: dict[str, Any] = yaml.safe_load((component / "rules.yaml").read_text())["spec"]
    return found


def test_the_files_are_what_the_script_writes() -> None:
    subprocess.run([sys.executable, TEMPLATE / "tools" / "monitoring", "--check"], check=True)


def test_each_alert_has_its_heading_in_the_runbook(rules: dict[str, Any]) -> None:
    page = (TEMPLATE / "docs" / "operating.md").read_text()
    headings = re.findall(r"^### (\w+)$", page.partition("## Alerts\n")[2], re.MULTILINE)
    named = {rule["annotations"]["runbook"] for group in rules["groups"] for rule in group["rules"]}
    assert {f"docs/operating.md#{heading.lower()}" for heading in headings} == named


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_goes_wrong_rings_and_nothing_else(rules: dict[str, Any], trouble: str, tmp_path: Path) -> None:
    ringing, series = TROUBLES[trouble]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
    expected = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in ringing]
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "5m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in {**HEALTHY, **series}.items()],
                "promql_expr_test": [
                    {
                        "expr": 'group by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": "535m",
                        "exp_samples": expected,
                    }
                ],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    promtool = needed("promtool")
    for command in (["check", "rules", "rules.yml"], ["test", "rules", "test.yml"]):
        run = subprocess.run([promtool, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


class Prometheus:
    """A real one, which scrapes one server every second."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.address = f"http://127.0.0.1:{free_port()}"
        labels = {"namespace": "test", "pod": "one", "inferenceservice": "sklearnserver-test"}
        targets = [{"targets": [server.address.removeprefix("http://")], "labels": labels}]
        scraped = {"job_name": "model", "scrape_interval": "1s", "static_configs": targets}
        (folder / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [scraped]}))
        options = {
            "config.file": folder / "prometheus.yml",
            "storage.tsdb.path": folder / "data",
            "web.listen-address": self.address.removeprefix("http://"),
        }
        with (folder / "log").open("w") as log:
            command = [needed("prometheus"), *(f"--{name}={value}" for name, value in options.items())]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def ask(self, query: str) -> list[Any]:
        """What a query gives: its samples, or an exception."""
        url = f"{self.address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: list[Any] = json.load(answer)["data"]["result"]
        return found


@pytest.fixture(scope="module")
def prometheus(install: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped a server under load."""
    needed("prometheus")
    project, folder = install("sklearn", "kserve"), tmp_path_factory.mktemp("prometheus")
    shell(project, f".venv/bin/python -m sklearnserver.trainer --output_dir {folder / 'models'}")
    with Server(project, MODEL_NAME="sklearnserver-test", MODEL_DIR=str(folder / "models")) as server:
        found = Prometheus(folder, server)
        try:
            row = json.loads((folder / "models" / "0001" / "input.json").read_text())
            deadline = time.monotonic() + 60
            while _scraped(found) < 5 and time.monotonic() < deadline:
                for _ in range(20):
                    assert server.client.post("/v1/models/sklearnserver-test:predict", json=row).status_code == 200
            yield found
        finally:
            found.process.terminate()
            found.process.wait(60)


def _scraped(prometheus: Prometheus) -> float:
    """How often requests were seen to be more than before."""
    try:
        answer = prometheus.ask("changes(inference_requests_total[1m])")
    except OSError:  # it is still starting
        return 0
    return float(answer[0]["value"][1]) if answer else 0


@pytest.mark.slow
def test_each_drawing_of_the_dashboard_has_lines(component: Path, prometheus: Prometheus) -> None:
    panels = json.loads((component / "dashboard.json").read_text())["panels"]
    asked = {target["expr"] for panel in panels for target in panel["targets"]}
    assert len(asked) > 12
    assert [query for query in asked if not prometheus.ask(query)] == []


@pytest.mark.slow
def test_each_alert_asks_for_metrics_that_there_are(rules: dict[str, Any], prometheus: Prometheus) -> None:
    """A healthy server under load rings none, but that one row all the time is not like the rows of training."""
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    names = {name for rule in alerts for name in re.findall(r"\b(?:inference|process)_\w+|\bup\b", rule["expr"])}
    assert len(names) > 8
    assert [name for name in names if not prometheus.ask(name)] == []
    ringing = {rule["alert"] for rule in alerts if prometheus.ask(rule["expr"])}
    assert ringing == {"ModelDrift", "ModelPredictionDrift"}
