"""What can be wrong with a model directory or with rows, for every room. Not here: mistakes in a protocol's bytes."""

from __future__ import annotations

import traceback
from pathlib import Path

_ENGINE = Path(__file__).parents[1]


class ModelError(Exception):
    """A model directory that cannot be used. The message names the file and the reason."""


class NotAsAsked(ModelError):
    """A model that cannot be used as the settings ask for it: on this runtime or device, with these answers.

    Another version of it is no way out: whoever set them would not know what answers. The message says what to change.
    """


class Unanswerable(ValueError):
    """Rows that fit the signature but that the model cannot answer: the client's mistake.

    The message names the row and the reason.
    """


class NoExplanations(NotImplementedError):
    """A model of a kind that is not explained. The message says so."""


def owners_frames(error: BaseException | None) -> list[traceback.FrameSummary]:
    """Where in the owner's code, which is this package without the engine, an error came from; the innermost last."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    folders = [(frame, Path(frame.filename).parents) for frame in frames]
    return [frame for frame, parents in folders if _ENGINE.parent in parents and _ENGINE not in parents]
