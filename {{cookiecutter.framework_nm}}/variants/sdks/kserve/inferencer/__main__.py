"""The server command: `python -m <package>.inferencer --help`.

Routes, middleware and metrics of your own go into `main`: `app` of kserve.model_server is a FastAPI application.
"""

from .._engine.serving.drain import end_at_sigterm
from .config import read_arguments


def main() -> None:
    """Load the models, then serve them until SIGTERM."""
    arguments = read_arguments()
    end_at_sigterm()
    # KServe reads the command line while it is imported, so what imports it comes after the options.
    from .._engine.sdk.command import serve
    from .model import ServingModel
    from .model_repository import ServingModelRepository

    serve(ServingModel, ServingModelRepository, arguments)


if __name__ == "__main__":
    main()
