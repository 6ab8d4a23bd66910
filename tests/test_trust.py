"""What a user does who trusts nobody with the model directory: weights that are no pickle, and signatures."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from facts import SDKS
from running import Server, free_port, serving, shell

pytestmark = pytest.mark.slow

#: Makes of the model directory in its argument one that would call os.system, with the right digests.
RUNS_CODE = """
import os, sys
from pathlib import Path
import msgspec, skops.io
from sklearnserver._engine.artifact import metadata, stored
folder = Path(sys.argv[1])
skops.io.dump({"call": os.system}, folder / "model.skops")
found = metadata.read(folder)
files = {**found.files, "model.skops": stored.digest(folder / "model.skops")}
metadata.write(folder, msgspec.structs.replace(found, files=files))
"""
#: Makes a model elsewhere, imports it as a user types it, and prints whether both answer alike, and what was saved.
MADE_ELSEWHERE = """
import json, subprocess, sys
import numpy as np, skops.io
from sklearn.linear_model import LogisticRegression
from sklearnserver.trainer.model import MyModel
X = np.random.default_rng(0).normal(size=(200, 3))
made = LogisticRegression().fit(X, X[:, 0] > 0.3)
skops.io.dump(made, "elsewhere.skops")
command = [sys.executable, "-m", "sklearnserver.trainer", "--model", "elsewhere.skops", "--output_dir", "elsewhere"]
subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
model = MyModel(dirpath="elsewhere/0001")
alike = np.array_equal(model.predict(X, proba=True), made.predict_proba(X))
print(json.dumps([alike, sorted(model.artifact.metadata.files)]))
"""
#: Trains boosted trees for each task, and reads them again.
BOOSTED = """
import numpy as np
from sklearnserver.trainer.model import MyModel
X = np.random.default_rng(0).normal(size=(200, 3))
for at, y in enumerate((np.where(X[:, 0] > 0, "a", "b"), np.digitize(X[:, 0], [-1, 1]).astype(str), X[:, 0])):
    task = "regression" if y.dtype == float else "classification"
    model = MyModel(task=task, weights="skops", estimator="boosting")
    model.train(X, y)
    model.save(f"boosted/{at}", extras_seconds=0, report=False)
    assert np.array_equal(MyModel(dirpath=f"boosted/{at}").predict(X), model.predict(X))
"""
ROW = {"instances": [[5.1, 3.5, 1.4, 0.2]]}


@pytest.fixture(scope="module")
def make(bake: Callable[..., Path]) -> Callable[[str], Path]:
    """Make an installed project of scikit-learn beside an SDK, which may be changed."""

    def make(sdk: str) -> Path:
        project = bake("sklearn", serving_sdk=sdk)
        shell(project, "make install")
        return project

    return make


def write_keys(folder: Path) -> tuple[Path, Path]:
    """A private key and its public one, as openssl writes them."""
    folder.mkdir()
    key, private, public = ec.generate_private_key(ec.SECP256R1()), folder / "private.pem", folder / "public.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def refusal(project: Path, **environment: Any) -> str:
    """What a server says that does not start."""
    server = Server(project, **environment)
    try:
        assert server.process.wait(120) != 0
        return server.log
    finally:
        server.__exit__()


def predictions(server: Server) -> Any:
    return server.client.post("/v1/models/m:predict", json=ROW).json()


@pytest.mark.parametrize("sdk", SDKS)
def test_weights_that_are_no_pickle(sdk: str, make: Callable[[str], Path], tmp_path: Path) -> None:
    project = make(sdk)
    train = ".venv/bin/python -m sklearnserver.trainer --weights skops --output_dir models"
    run = subprocess.run(["bash", "-c", train], cwd=project, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and run.stderr.splitlines()[-1].endswith(".venv/bin/pip install -e '.[skops]'")
    shell(project, ".venv/bin/pip install --quiet -e '.[skops]'")
    shell(project, train)
    folder = project / "models" / "0001"
    assert "model.skops" in json.loads((folder / "metadata.json").read_text())["files"]
    assert not [*folder.rglob("*.joblib")]
    logs = {
        "native": "model.skops answers",
        "auto": "model.onnx answers, model.skops was not opened",
    }
    for runtime, log in logs.items():
        with Server(project, MODEL_DIR=str(folder), RUNTIME=runtime) as server:
            assert predictions(server) == {"predictions": [0]}
            assert log in server.log
            response = server.client.post("/v1/models/m:explain", json=ROW)
            assert response.status_code == 200, response.text
    shell(project, f".venv/bin/python -c '{BOOSTED}'")
    alike, files = json.loads(shell(project, f".venv/bin/python -c '{MADE_ELSEWHERE}'"))
    assert alike and "model.skops" in files
    shell(project, f".venv/bin/python -c '{RUNS_CODE}' {folder}")
    importing = f".venv/bin/python -m sklearnserver.trainer --model {folder / 'model.skops'} --output_dir imported"
    run = subprocess.run(["bash", "-c", importing], cwd=project, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and ".system" in run.stderr and "--trust" in run.stderr
    assert not (project / "imported").exists()
    log = refusal(project, MODEL_DIR=str(folder), RUNTIME="native")
    assert "model.skops needs types that this project does not trust: " in log and ".system" in log
    assert "name them in TRUSTED in trainer/model.py" in log and "Traceback" not in log


def test_signed_models(make: Callable[[str], Path], tmp_path: Path) -> None:
    project, (private, public) = make("kserve"), write_keys(tmp_path / "ours")
    assert ".[sign]" in refusal(project, VERIFY_KEY=str(public))
    shell(project, "make train ARGS='--n_estimators 10'")
    sign = f"make sign-model SIGN_KEY={private}"
    shell(project, sign)
    folder = project / "sklearnserver" / "trainer" / "0001"
    first = (folder / "model.sig").read_bytes()
    run = subprocess.run(["make", "sign-model", f"SIGN_KEY={public}"], cwd=project, capture_output=True, text=True)
    assert run.returncode and f"SIGN_KEY is {public}: expected an ECDSA private key in PEM" in run.stderr
    shell(project, f"{sign} VERIFY_KEY={public}")
    assert (folder / "model.sig").read_bytes() != first
    port = free_port()
    url = f"http://127.0.0.1:{port}/v2/models/sklearnserver-test/ready"
    ports = f"HTTP_PORT={port} GRPC_PORT={free_port()}"
    with serving(project, f"make serve {ports} VERIFY_KEY={public}", url):
        assert "predictions" in shell(project, f"make predict HTTP_PORT={port}")
    with Server(project, MODEL_DIR=str(folder), VERIFY_KEY=str(public)) as server:
        assert predictions(server) == {"predictions": [0]}
        (folder / "more").touch()
        response = server.client.post("/v2/repository/models/m/load")
        assert response.status_code >= 400 and "is refused" in response.json()["error"]
        assert predictions(server) == {"predictions": [0]}
    log = refusal(project, MODEL_DIR=str(folder), VERIFY_KEY=str(public))
    assert "The server cannot start: " in log and "Extra files found" in log and "Traceback" not in log
    (folder / "more").unlink()
    _, foreign = write_keys(tmp_path / "theirs")
    assert f"not as the owner of {foreign} signed it" in refusal(
        project, MODEL_DIR=str(folder), VERIFY_KEY=str(foreign)
    )
    shell(project, "make train")
    run = subprocess.run(
        ["make", "serve", f"VERIFY_KEY={public}"], cwd=project, capture_output=True, text=True, check=False
    )
    assert run.returncode and "trainer/0002 is refused, because it is not signed" in run.stderr


@pytest.mark.parametrize("sdk", SDKS)
def test_a_container_checks_by_the_key_that_make_run_is_given(sdk: str, bake: Callable[..., Path]) -> None:
    """An engine of which nothing is there but its name prints what it is told."""
    project = bake("sklearn", serving_sdk=sdk)
    (project / "public key.pem").touch()
    run = "make --silent run MODEL_DIR=sklearnserver/example_models/0001 ENGINE=\"printf '%s\\n'\" VERIFY_KEY="
    said = shell(project, f"{run}'public key.pem'").splitlines()
    assert f"{project.resolve()}/public key.pem:/mnt/key.pem:ro" in said
    assert "VERIFY_KEY=/mnt/key.pem" in said
    assert "VERIFY_KEY" not in shell(project, run)


def test_a_server_that_cannot_check_signatures_does_not_start(install: Callable[..., Path], tmp_path: Path) -> None:
    """KFServing's Python is too old for model-signing."""
    log = refusal(install("sklearn", "kfserving"), VERIFY_KEY=str(write_keys(tmp_path / "ours")[1]))
    assert "--verify_key: signatures are checked by model-signing, which needs Python 3.10, and this is 3.8" in log
    assert "Traceback" not in log
