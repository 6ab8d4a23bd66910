"""The served model: what the serving SDK asks for a prediction."""

from .._engine.sdk import model
from ..trainer.model import MyModel


class ServingModel(model.ServingModel):
    """Serves a directory that `MyModel` saved. It is a model of the SDK's, too: override what you want to change."""

    model_class = MyModel
