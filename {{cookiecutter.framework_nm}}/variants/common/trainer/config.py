"""What can be set about a training run: the engine's settings, the model's hyperparameters, and what you add here.

`--max_depth 4` on the command line is `TRAIN_MAX_DEPTH=4` in the environment. The server's options are in
inferencer/config.py.
"""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from .._engine.training.settings import TrainingSettings
from .model import Hyperparameters


class Settings(TrainingSettings, Hyperparameters):
    """Train a model, evaluate it, and save it as the next version."""

    model_config = SettingsConfigDict(cli_prog_name=f"python -m {__package__}")
