"""Writes k8s/components/monitoring of the template, its alerts and its dashboard, from slos.json.

usage: python tools/monitoring, after a change of slos.json or of what is asked
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True  # caches do not belong into the template's folder

import yaml  # noqa: E402
from dashboard import dashboard  # noqa: E402
from queries import MODEL, NAMESPACE  # noqa: E402
from rules import groups  # noqa: E402

HERE = Path(__file__).parent
COMPONENT = HERE.parents[1] / "{{cookiecutter.framework_nm}}" / "k8s" / "components" / "monitoring"
ANSWERS = {MODEL: "cookiecutter.model_name", NAMESPACE: "cookiecutter.namespace"}
_RULE = """\
# When somebody has to look at the model. The template's tools/monitoring writes this file from its slos.json.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: "{{ cookiecutter.model_name }}"
  namespace: "{{ cookiecutter.namespace }}"
  labels:
    app.kubernetes.io/name: {{ cookiecutter.__package }}
    app.kubernetes.io/instance: "{{ cookiecutter.model_name }}"
    app.kubernetes.io/version: "{{ cookiecutter.__version_label }}"
    app.kubernetes.io/component: monitoring
    app.kubernetes.io/part-of: "{{ cookiecutter.model_name }}"
spec:
"""


def files() -> dict[str, str]:
    """What is written, by its name."""
    slos = json.loads((HERE / "slos.json").read_text())
    rules = yaml.safe_dump(groups(slos), sort_keys=False, width=10_000)
    indented = "".join(f"  {line}\n" for line in rules.splitlines())
    return {
        "rules.yaml": _RULE + _template(indented),
        "dashboard.json": _template(json.dumps(dashboard(slos), indent=1) + "\n"),
    }


def _template(text: str) -> str:
    """Text whose braces are its own, with the project's answers where they belong."""
    for mark, answer in ANSWERS.items():
        text = text.replace(mark, f"{{% endraw %}}{{{{ {answer} }}}}{{% raw %}}")
    return f"{{% raw %}}\n{text}{{% endraw %}}\n"


def main(arguments: list[Any]) -> int:
    """Write the files; `--check` says whether they are what would be written."""
    if "--check" not in arguments:
        for name, text in files().items():
            (COMPONENT / name).write_text(text)
    different = [name for name, text in files().items() if (COMPONENT / name).read_text() != text]
    for name in different:
        print(f"{name} is not what tools/monitoring writes: python tools/monitoring", file=sys.stderr)
    return len(different)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
