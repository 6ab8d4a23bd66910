"""The OpenAPI documents, this server's and the protocol's, against a server of an installed project, as schemathesis
understands them: no request that it makes of them is answered in a way that they do not allow, nor with a 5xx.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
import yaml
from facts import TEMPLATE
from openapi_spec_validator import validate
from running import Server, shell
from schemathesis import GenerationMode, checks

pytestmark = pytest.mark.slow

#: As the protocol's project publishes it; see its head.
PROTOCOL = TEMPLATE / "tests" / "clients" / "open_inference_rest.yaml"
#: The same requests each time, however long one takes.
SETTINGS = hypothesis.settings(
    max_examples=30, derandomize=True, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
)
ALLOWED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
CUSTOMERS = "\n".join(
    ["age,active,plan,churned"]
    + [
        f"{'' if i % 5 == 0 else 18 + i},{i % 2 == 0},{('basic', 'pro')[i % 2]},{('no', 'yes')[i % 8 in (1, 3, 5)]}"
        for i in range(80)
    ]
)


@pytest.fixture(scope="module")
def server(install: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves `numbers`, the sample, and `table`, with text and missing values; nobody may unload them."""
    project, folder = install(), tmp_path_factory.mktemp("models")
    shutil.copytree(project / "sklearnserver/example_models/0001", folder / "numbers")
    (folder.parent / "customers.csv").write_text(CUSTOMERS)
    (folder / "table").mkdir()
    train = f".venv/bin/python -m sklearnserver.trainer --data {folder.parent}/customers.csv --target churned"
    shell(project, f"{train} --output_dir {folder}/table")
    with Server(project, "--enable_repository_api=false", MODEL_DIR=str(folder), MODEL_NAME="numbers") as server:
        yield server


def ask_all(
    server: Server, document: dict[str, Any], mode: GenerationMode, exact: Callable[[str], bool] = lambda path: False
) -> int:
    """Ask what a document allows, or what it does not; returns how many answers there were. Raises where an answer is
    none that the document has.

    `exact` says of a path whether all that the document allows there is accepted, too.
    """
    # Of what is not allowed, only a body can be made.
    methods = ["POST"] if mode is GenerationMode.NEGATIVE else ["GET", "POST"]
    schema = schemathesis.openapi.from_dict(document).include(method=methods)
    answers = 0
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # a document that cannot be read has none: an error, too

        @hypothesis.seed(0)
        @SETTINGS
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case[Any]) -> None:
            nonlocal answers
            described = exact(case.path) and case.media_type == "application/json"  # of CSV it says that it is text
            extra = [checks.positive_data_acceptance] if described else []
            case.call_and_validate(base_url=server.address, checks=[*ALLOWED, *extra])
            answers += 1

        ask()
    return answers


def test_the_document_is_valid(server: Server) -> None:
    validate(server.client.get("/openapi.json").json())


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_is_one_that_the_document_allows(server: Server, mode: GenerationMode) -> None:
    document = server.client.get("/openapi.json").json()
    answers = ask_all(server, document, mode, lambda path: path.endswith((":predict", ":explain")))
    assert answers > 50


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_is_one_that_the_protocol_allows(server: Server, mode: GenerationMode) -> None:
    """Its paths name a version, which a request need not."""
    document = yaml.safe_load(PROTOCOL.read_text())
    paths = {}
    for path, operations in document["paths"].items():
        operations.pop("parameters", None)
        paths[path.replace("${MODEL_NAME}/versions/${MODEL_VERSION}", "numbers")] = operations
    assert ask_all(server, {**document, "paths": paths}, mode) > 10
