"""Which form of a model answers a call: the compiled one, or of many rows the framework's own where that is quicker.

Training notes from how many rows on it was quicker there. The first such call has the framework's own model loaded, so
that nobody waits for that, or has it in memory, who asks for few rows; then both are timed here. Not here: how they are
timed, which is in artifact/compiled.py, and which calls are made by the event loop.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, Optional

import numpy as np

from ..artifact.compiled import native_from, repeated
from .beside import BESIDE
from .opening import Servable

logger = logging.getLogger(__name__)


class Choosing:
    """Answers by the form of a model that is quicker. As the model's calls, its own are made one at a time."""

    def __init__(self, model: Servable) -> None:
        self._model = model
        #: From how many rows on the framework's own model is worth being looked at; None where it never is.
        self._least = model.native_from
        self._begun = False
        self._native: Optional[Servable] = None
        self._timed = False

    def answer(self, X: Any, proba: bool) -> np.ndarray:
        """Answer X by the form that is quicker with so many rows. Raises what they raise."""
        if self._is_large(X) and not self._begun:
            self._begun = True
            threading.Thread(target=self._load, name="native", daemon=True).start()
        if self._native and not self._timed and self._is_large(X):
            self._time(self._native, X, proba)
        chosen = self._native if self._native and self._is_large(X) else self._model
        return chosen.answer(X, proba)

    def _is_large(self, X: Any) -> bool:
        return self._least is not None and len(X) >= self._least

    def _load(self) -> None:
        """Load the framework's own model, and let it answer, while the compiled one goes on answering others."""
        try:
            with BESIDE:
                native = self._model.native()
                native.answer(native.example, False)
            self._native = native
        except Exception as error:
            self._stay(str(error))

    def _time(self, native: Servable, X: Any, proba: bool) -> None:
        """Find out from how many rows on the framework's own model is quicker here, by rows such as X: over one row
        again and again, trees take half the time.
        """
        self._timed = True
        try:
            self._least = native_from(
                lambda rows: self._model.answer(rows, proba),
                lambda rows: native.answer(rows, proba),
                lambda count: repeated(X, count),
            )
        except Exception as error:
            self._stay(str(error))
            return
        if self._least is None:
            self._stay("it is as quick here")
        else:
            logger.info("Calls of %d rows and more are answered by %s, which is quicker", self._least, native.platform)

    def _stay(self, reason: str) -> None:
        self._least = self._native = None
        logger.info("Calls of many rows stay with the compiled model: %s", reason)
