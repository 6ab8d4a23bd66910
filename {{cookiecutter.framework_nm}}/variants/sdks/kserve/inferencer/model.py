"""The served model: what KServe asks for a prediction."""

from .._engine.sdk import model
from ..trainer.model import MyModel


class ServingModel(model.ServingModel):
    """Serves a directory that `MyModel` saved. It inherits from kserve.Model: override what shall be different."""

    model_class = MyModel
