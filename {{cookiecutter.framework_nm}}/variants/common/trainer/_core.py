"""The one step from your rooms into the engine: what `MyModel`, and what your files take from there.

Not here: anything of yours; that goes into `model.py`, `preprocessor.py`, `postprocessor.py` and `utils.py`.
"""

from .._engine.artifact.compiled import find_provider, open_session
from .._engine.contract.errors import ModelError, Unanswerable
from .._engine.contract.signature import Column, Signature, Tensor
from .._engine.training.model import Model

__all__ = ["Column", "Model", "ModelError", "Signature", "Tensor", "Unanswerable", "find_provider", "open_session"]
