"""Promises of Paddle's inference models that were made elsewhere: their own answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...trainer.model import _paddle
from .importing import NUMBERS, imported

paddle = _paddle()

ROWS = NUMBERS.to_numpy(np.float32)


def test_a_folder_answers_as_it_does_itself(tmp_path: Path) -> None:
    made = paddle.nn.Sequential(paddle.nn.Linear(2, 8), paddle.nn.ReLU(), paddle.nn.Linear(8, 3))
    made.eval()
    spec = [paddle.static.InputSpec([None, 2], "float32")]
    paddle.jit.save(made, str(tmp_path / "elsewhere" / "churn"), input_spec=spec)
    answers = made(paddle.to_tensor(ROWS))
    model = imported(tmp_path, tmp_path / "elsewhere")
    np.testing.assert_array_equal(model.predict(ROWS), answers.numpy().argmax(axis=1))
    expected = paddle.nn.functional.softmax(answers).numpy()
    np.testing.assert_allclose(model.predict(ROWS, proba=True), expected, atol=1e-6)
