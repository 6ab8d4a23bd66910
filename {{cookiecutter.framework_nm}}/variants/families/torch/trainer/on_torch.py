"""What models on PyTorch share: where they run, on how many threads, and how they are exported.

Not here: what they are made of; that is in model.py. PyTorch is imported where it is needed: a server that runs the
compiled model (ONNX) starts without.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import warnings
from typing import Any

from ._core import ModelError


def move(model: Any, device: str) -> None:
    """Move a model, or None where there is none yet, to a GPU if `device` is one. Raises ModelError without a GPU."""
    if device == "cpu":
        return
    import torch

    if not torch.cuda.is_available():
        raise ModelError(
            f"the device {device} was requested, but PyTorch finds no GPU: it needs one, and a CUDA build of PyTorch"
        )
    if model is not None:
        model.to(device)


def use_one_thread() -> None:
    """Unless OMP_NUM_THREADS says otherwise: requests are batched before they come here, and PyTorch would count
    the cores of the whole machine."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


def export(model: Any, example: Any, free: dict[int, str]) -> bytes:
    """A model on the CPU as ONNX, with one input; `free` names those of its dimensions that are of any size."""
    import torch

    with warnings.catch_warnings():
        if importlib.util.find_spec("onnxscript") is None:  # beside KFServing: PyTorch exports what it records
            warnings.simplefilter("ignore", torch.jit.TracerWarning)
            file = io.BytesIO()
            torch.onnx.export(model, (example,), file, input_names=["input"], dynamic_axes={"input": free})
            return file.getvalue()
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass

        warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated", FutureWarning)  # by PyTorch, in PyTorch
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns that torchvision is missing
        sizes = {at: torch.export.Dim(name) for at, name in free.items()}
        program = torch.onnx.export(model, (example,), dynamo=True, dynamic_shapes=(sizes,), verbose=False)
    ClearMetadataAndDocStringPass()(program.model)  # stack traces, with the paths of this machine
    return program.model_proto.SerializeToString()
