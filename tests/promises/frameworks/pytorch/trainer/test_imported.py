"""Promises of PyTorch's networks that were made elsewhere: their own answers."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ...trainer.model import make_network
from .importing import NUMBERS, imported
from .trained import train

ROWS = NUMBERS.to_numpy(np.float32)


def network(scores: int, *head: Any) -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, scores), *head).eval()


def answers(made: Any) -> np.ndarray:
    with torch.inference_mode():
        found: np.ndarray = made(torch.from_numpy(ROWS)).numpy()
    return found


def test_torchscript_gets_its_columns_from_data(tmp_path: Path) -> None:
    made = network(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are many such files, whatever PyTorch advises
        torch.jit.script(made).save(str(tmp_path / "model.pt"))
    run = train("--model", tmp_path, "--output_dir", tmp_path / "runs")
    assert run.returncode == 1
    assert "give --data" in run.stderr
    NUMBERS.to_csv(tmp_path / "data.csv", index=False)
    model = imported(tmp_path, tmp_path, "--data", tmp_path / "data.csv")
    assert model.signature.names == ["age", "score"]
    np.testing.assert_array_equal(model.predict(NUMBERS), answers(made).argmax(axis=1))
    expected = torch.from_numpy(answers(made)).softmax(dim=1).numpy()
    np.testing.assert_allclose(model.predict(NUMBERS, proba=True), expected, atol=1e-6)


def test_an_exported_program_tells_its_columns_and_needs_trust(tmp_path: Path) -> None:
    """Its tensors are pickles."""
    made = network(2, nn.Softmax(dim=1))
    rows = ({0: torch.export.Dim("rows")},)
    torch.export.save(torch.export.export(made, (torch.zeros(2, 2),), dynamic_shapes=rows), tmp_path / "model.pt2")
    assert train("--model", tmp_path, "--output_dir", tmp_path / "runs").returncode == 1
    model = imported(tmp_path, tmp_path, "--trust", "--labels", "stays,leaves")
    np.testing.assert_allclose(model.predict(ROWS, proba=True)[:, ::-1], answers(made), atol=1e-6)
    expected = np.array(["stays", "leaves"])[answers(made).argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(ROWS), expected)


@pytest.mark.parametrize("scores", [1, 3])
def test_weights_go_into_the_network_of_the_project(tmp_path: Path, scores: int) -> None:
    torch.manual_seed(0)
    made = make_network([2], scores, layers=3, width=16, dropout=0.1).eval()
    save_file(made.state_dict(), tmp_path / "weights.safetensors")
    model = imported(tmp_path, tmp_path / "weights.safetensors", "--layers", 3, "--width", 16)
    expected = answers(made)
    if scores == 1:
        np.testing.assert_allclose(model.predict(ROWS), expected[:, 0], rtol=1e-5)
    else:
        np.testing.assert_array_equal(model.predict(ROWS), expected.argmax(axis=1))


def test_weights_of_another_network_are_told_apart(tmp_path: Path) -> None:
    """By their names, or by their sizes."""
    save_file(network(2).state_dict(), tmp_path / "weights.safetensors")
    run = train("--model", tmp_path, "--output_dir", tmp_path / "runs", "--layers", 1)
    assert run.returncode == 1
    assert "it has '0.bias', '0.weight', '2.bias', '2.weight', and that has '1.weight', '1.bias'" in run.stderr
    made = make_network([2], 2, layers=1, width=8, dropout=0.1)
    save_file(made.state_dict(), tmp_path / "weights.safetensors")
    run = train("--model", tmp_path, "--output_dir", tmp_path / "runs", "--layers", 1)
    assert "size mismatch for 1.weight" in run.stderr
    assert "Give its --layers and --width" in run.stderr


def test_a_pickled_network_is_refused_with_what_to_do(tmp_path: Path) -> None:
    torch.save(network(3), tmp_path / "model.pt")
    run = train("--model", tmp_path, "--output_dir", tmp_path / "runs")
    assert run.returncode == 1
    assert "is no TorchScript: save the network with" in run.stderr
