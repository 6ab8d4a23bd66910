"""The model as KFServing sees it.

Requests are answered by serving/rest.py. The model itself is `MyModel` in trainer/model.py.
"""

from __future__ import annotations

import kfserving

from ..serving.model import Serving


class ServingModel(Serving, kfserving.KFModel):
    """Serves the model directory `model_dir` under a name."""
