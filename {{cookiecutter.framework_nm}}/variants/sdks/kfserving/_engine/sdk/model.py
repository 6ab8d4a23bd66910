"""The model as KFServing sees it: the CloudEvents that come by KFServing's own way.

Plain requests are answered by predictions.py, with the same decoder and the same queue, of serving/model.py. The model
itself is `MyModel` in trainer/model.py.
"""

from __future__ import annotations

import uuid
from typing import Any

import kfserving
import orjson
from cloudevents.http import CloudEvent

from ..protocol.answers import encode
from ..protocol.tensors import InvalidRequest
from ..serving.batching import Overloaded
from ..serving.model import Serving
from .errors import Refused


class ServingModel(Serving, kfserving.KFModel):
    """Serves the model directory `model_dir` under a name."""

    async def preprocess(self, request: Any) -> Any:
        """Take the data out of a CloudEvent, and the client's attributes, with which KFServing would answer."""
        data = await super().preprocess(request)
        if isinstance(request, CloudEvent):
            for name in {*request} - {"specversion"}:
                del request[name]
            request["id"] = str(uuid.uuid4())
            request["type"] = "io.kfserving.inference.response"
            request["source"] = f"io.kfserving.inference.{self.name}"
            request["datacontenttype"] = "application/json"
        return data

    async def predict(self, request: Any) -> dict[str, Any]:
        """Answer what KFServing took out of a CloudEvent: a dict, or bytes that it could not read."""
        body = request if isinstance(request, bytes) else orjson.dumps(request)
        try:
            decoded = self.decoder.decode(body, v1=True)
            answer: dict[str, Any] = orjson.loads(encode(self.name, decoded, await self.answer(decoded)).body)
        except InvalidRequest as error:
            raise Refused(400, str(error)) from None
        except Overloaded as error:
            raise Refused(503, str(error)) from None
        return answer
