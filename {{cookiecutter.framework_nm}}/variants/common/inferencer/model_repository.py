"""Which models are served, and from where: loading, reloading and unloading by name while the server runs."""

from .._engine.sdk import repository


class ServingModelRepository(repository.ServingModelRepository):
    """The models below MODEL_DIR, or the one model there. Override what you want to change."""
