"""A generated project scores tables: as its server answers, in little memory, into buckets, and whatever ends a run.

Formats, rows that do not fit, and shards are tested in tests/engine/scoring.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pandas as pd
import pytest
from buckets import Store, running_google_store
from facts import TEMPLATE
from running import Server, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(bake: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose newest model, 0001, knows numbers, text, missing values and labels that are text."""
    project = bake("sklearn")
    (project / ".venv").symlink_to(sys.prefix)  # the template's has all that scoring and serving need
    rows = messy(200)
    data = tmp_path_factory.mktemp("data") / "train.csv"
    rows.assign(target=np.where(rows["size"].fillna(0) > 50, "large", "small")).to_csv(data, index=False)
    command = [sys.executable, "-m", "sklearnserver.trainer", "--data", str(data), "--target", "target"]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    return project


def messy(rows: int) -> pd.DataFrame:
    """Rows of a table with numbers that are missing, codes, and text that needs quotes."""
    random = np.random.default_rng(0)
    size = random.uniform(0, 100, rows).round(1)
    size[::7] = np.nan
    town = random.choice(["Ulm", "Bonn, Rhein", 'the "old" town', "Łódź"], rows)
    return pd.DataFrame({"size": size, "town": town, "zip": random.choice(["01067", "89073"], rows)})


def score(project: Path, *arguments: Any, wrap: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[str]:
    command = [*wrap, sys.executable, "-m", "sklearnserver.score", *map(str, arguments)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=project, env={**os.environ, **environment}, start_new_session=True, **pipes)


def scored(project: Path, *arguments: Any, wrap: tuple[str, ...] = (), **environment: str) -> str:
    process = score(project, *arguments, wrap=wrap, **environment)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out


def test_a_table_has_the_answers_of_the_server(project: Path, tmp_path: Path) -> None:
    """The same model over REST, asked for the same rows: labels that are text, probabilities, and each refusal."""
    rows = messy(60)
    rows.to_csv(tmp_path / "in.csv", index=False)
    rows.to_parquet(tmp_path / "in.parquet")
    rows.astype(object).where(rows.notna(), None).to_json(tmp_path / "in.jsonl", orient="records", lines=True)
    instances = rows.astype(object).where(rows.notna(), None).to_dict("records")
    model_dir = str(project / "sklearnserver" / "trainer" / "0001")
    with Server(project, MODEL_DIR=model_dir, MODEL_NAME="m") as server:
        asked = {"instances": instances, "parameters": {"outputs": ["predict", "predict_proba"]}}
        answers = server.client.post("/v1/models/m:predict", json=asked).json()["predictions"]
        bad = {**instances[0], "size": "big"}
        refused = server.client.post("/v1/models/m:predict", json={"instances": [bad]}).json()["error"]
    for format in ("csv", "jsonl", "parquet"):
        scored(project, tmp_path / f"in.{format}", tmp_path / f"{format}.parquet", "--proba")
        found = pd.read_parquet(tmp_path / f"{format}.parquet")
        assert found["predict"].tolist() == [answer["predict"] for answer in answers]
        columns = [column for column in found if column.startswith("proba_")]
        assert columns == ["proba_large", "proba_small"]
        assert found[columns].to_numpy().tolist() == [answer["predict_proba"] for answer in answers]
    pd.DataFrame([bad]).to_csv(tmp_path / "bad.csv", index=False)
    scored(project, tmp_path / "bad.csv", tmp_path / "refused.csv")
    assert f"row 0, {pd.read_csv(tmp_path / 'refused.csv')['error'][0]}" == refused


def big(folder: Path, rows: int) -> Path:
    """A table of many rows, made of a thousand, with more in them than the model takes: ten thousand are a chunk."""
    table = messy(1000).assign(note="x" * 400).to_csv(index=False, header=False).encode()
    with (folder / "in.csv").open("wb") as file:
        file.write(b"size,town,zip,note\n")
        file.writelines(table for _ in range(rows // 1000))
    return folder / "in.csv"


def parts(out: Path) -> set[str]:
    partial = out.with_name(f"{out.name}.partial")
    return {path.name for path in partial.iterdir() if path.name.startswith("_part-")} if partial.exists() else set()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_what_ends_a_run_loses_no_finished_part(project: Path, tmp_path: Path, ending: signal.Signals) -> None:
    """Neither does it leave a process behind; the next run goes on, and has what one run has."""
    table, out = big(tmp_path, 60_000), tmp_path / "out"
    process = score(project, table, out, "--workers", "2", "--batch_rows", "64")
    until(lambda: parts(out), process)
    process.send_signal(ending)
    said = process.communicate(timeout=60)[1]  # which ends when no process has the pipe any more
    finished = parts(out)
    assert finished and not out.exists()
    if ending is signal.SIGINT:
        assert (process.returncode, said) == (130, "Interrupted. The same command goes on where this one ended.\n")
    again = scored(project, table, out, "--workers", "1", "--batch_rows", "64")
    (earlier,) = re.findall(r"([\d,]+) of them by an earlier run", again)
    assert int(earlier.replace(",", "")) > 0
    found = pd.concat([pd.read_csv(path) for path in sorted(out.iterdir())])
    first = found["predict"][:1000].tolist()
    assert found["predict"].tolist() == first * 60


def test_memory_does_not_grow_with_the_table(project: Path, tmp_path: Path) -> None:
    """Four times the rows take no quarter of their bytes more; it is the peak of the one process that does all."""
    peaks, sizes = [], []
    for rows in (100_000, 400_000):
        folder = tmp_path / str(rows)
        folder.mkdir()
        table = big(folder, rows)
        code = (
            "import re, runpy\n"
            "runpy.run_module('sklearnserver.score', run_name='__main__', alter_sys=True)\n"
            r"print('peak', re.search(r'VmHWM:\s+(\d+)', open('/proc/self/status').read())[1])"
        )
        command = [sys.executable, "-c", code, str(table), str(folder / "out.csv"), "--workers", "1"]
        run = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
        peaks.append(int(run.stdout.split()[-1]) * 1024)
        sizes.append(table.stat().st_size)
    assert peaks[1] - peaks[0] < (sizes[1] - sizes[0]) / 4


def test_a_bucket_is_read_and_written(project: Path, tmp_path: Path, store: Store) -> None:
    """By the variables that KServe and Amazon's tools know; a store that refuses is said, and no password is shown."""
    rows = messy(50)
    rows.to_parquet(tmp_path / "a.parquet")
    rows.to_csv(tmp_path / "a.csv", index=False)
    store.s3.upload_file(str(tmp_path / "a.parquet"), "models", "tables/a.parquet")
    store.s3.upload_file(str(tmp_path / "a.csv"), "models", "a.csv")
    scored(project, tmp_path / "a.csv", tmp_path / "here.csv")
    expected = pd.read_csv(tmp_path / "here.csv")["predict"].tolist()

    scored(project, "s3://models/tables", "s3://models/scores", **store.access)
    scored(project, "s3://models/a.csv", "s3://models/one.csv", **store.access)
    scored(project, "s3://models/a.csv", "s3://models/shards", "--shard", "0/2", **store.access)
    scored(project, "s3://models/a.csv", "s3://models/shards", "--shard", "1/2", **store.access)
    keys = [item["Key"] for item in store.s3.list_objects_v2(Bucket="models")["Contents"]]
    found = sorted(key for key in keys if not key.endswith("/"))
    assert found == [
        "a.csv",
        "one.csv",
        "scores/_SUCCESS",
        "scores/part-000000.parquet",
        "shards/shard-00000-of-00002/_SUCCESS",
        "shards/shard-00000-of-00002/part-000000.csv",
        "shards/shard-00001-of-00002/_SUCCESS",
        "tables/a.parquet",
    ]
    for key, read in (
        ("scores/part-000000.parquet", pd.read_parquet),
        ("one.csv", pd.read_csv),
        (found[5], pd.read_csv),
    ):
        store.s3.download_file("models", key, str(tmp_path / "found"))
        assert read(tmp_path / "found")["predict"].tolist() == expected

    refused = score(
        project, "s3://models/a.csv", "s3://models/two.csv", **{**store.access, "AWS_SECRET_ACCESS_KEY": "x"}
    )
    said = refused.communicate(timeout=120)[1]
    assert refused.returncode == 1
    assert said.startswith("Scoring stopped: s3://models/a.csv ") and said.count("\n") == 1


def test_a_bucket_of_googles_is_read_and_written(project: Path, tmp_path: Path) -> None:
    """A file and a folder, with the scores that the same table has on this machine."""
    messy(50).to_csv(tmp_path / "a.csv", index=False)
    scored(project, tmp_path / "a.csv", tmp_path / "here.csv")
    with running_google_store() as (url, options):
        objects = f"{url}/storage/v1/b/models/o"
        httpx.post(
            f"{url}/upload/storage/v1/b/models/o",
            params={"uploadType": "media", "name": "tables/a.csv"},
            headers={"Content-Type": "text/csv"},
            content=(tmp_path / "a.csv").read_bytes(),
        ).raise_for_status()
        for table, scores in (("tables/a.csv", "one.csv"), ("tables", "scores")):
            scored(project, *(f"gs://anonymous@models/{path}{options}" for path in (table, scores)))
        found = sorted(item["name"] for item in httpx.get(objects).json()["items"])
        assert found == ["one.csv", "scores/_SUCCESS", "scores/part-000000.csv", "tables/a.csv"]
        for name in ("one.csv", "scores/part-000000.csv"):
            answer = httpx.get(f"{objects}/{quote(name, safe='')}", params={"alt": "media"})
            assert answer.text == (tmp_path / "here.csv").read_text()


def blocks(name: str) -> list[str]:
    text = (TEMPLATE / "docs" / "scoring.md").read_text()
    return re.findall(rf"^```{name}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_page_scores_on_dask(project: Path, tmp_path: Path) -> None:
    """With a local cluster of two processes, whose answers are those of the command."""
    rows = messy(100)
    for part in range(4):
        (tmp_path / "tables").mkdir(exist_ok=True)
        rows[25 * part : 25 * part + 25].to_parquet(tmp_path / "tables" / f"{part}.parquet")
    (tmp_path / "dask_scoring.py").write_text(blocks("python")[0])
    environment = {
        **os.environ,
        "PYTHONPATH": str(project),
        "MODEL": str(project / "sklearnserver" / "trainer" / "0001"),
    }
    command = [sys.executable, "dask_scoring.py"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    scored(project, tmp_path / "tables", tmp_path / "expected")
    found, expected = (
        pd.concat([pd.read_parquet(path) for path in sorted((tmp_path / name).iterdir())], ignore_index=True)
        for name in ("scores", "expected")
    )
    assert found["predict"].tolist() == expected["predict"].tolist()
