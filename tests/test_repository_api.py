"""Who may load and unload models while a server runs, and what it says of itself when it has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from running import Server

pytestmark = pytest.mark.slow

ROUTES = ["/v2/repository/models/m/unload", "/v2/repository/models/m/load", "/v2/repository/index"]


@pytest.mark.parametrize("sdk", ["kserve", "kfserving"])
def test_the_repository_api_can_be_turned_off(sdk: str, install: Callable[[str, str], Path]) -> None:
    """Over REST and gRPC; the answer says how to turn it on, and the model goes on being served."""
    with Server(install("sklearn", sdk), "--enable_repository_api=false") as server:
        for route in ROUTES:
            answer = server.client.post(route)
            assert (answer.status_code, list(answer.json())) == (404, ["error"])
            assert "--enable_repository_api=true" in answer.json()["error"]
        if sdk == "kserve":
            assert server.client.get("/v2").json()["extensions"] == []
            with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
                stub = GRPCInferenceServiceStub(channel)
                for call, request in (
                    (stub.RepositoryModelUnload, messages.RepositoryModelUnloadRequest(model_name="m")),
                    (stub.RepositoryModelLoad, messages.RepositoryModelLoadRequest(model_name="m")),
                ):
                    with pytest.raises(grpc.RpcError) as error:
                        call(request)
                    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
                    assert "--enable_repository_api=true" in error.value.details()
        assert server.client.get("/v1/models/m").json() == {"name": "m", "ready": True}


@pytest.mark.parametrize("sdk", ["kserve", "kfserving"])
def test_no_web_page_loads_or_unloads_a_model(sdk: str, install: Callable[[str, str], Path]) -> None:
    """Browsers send Origin with each POST, whatever page it comes from; tools send none, and may."""
    with Server(install("sklearn", sdk)) as server:
        for origin in ("https://elsewhere.example", "null", server.address):
            for route in ROUTES[:2]:
                headers = {"Origin": origin, "Content-Type": "text/plain"}
                answer = server.client.post(route, content=b"", headers=headers)
                assert (answer.status_code, list(answer.json())) == (403, ["error"])
        assert server.client.get("/v1/models/m").status_code == 200
        assert server.client.post(ROUTES[0]).json() == {"name": "m", "unload": True}


def test_a_server_without_a_model_is_not_ready(install: Callable[[str, str], Path]) -> None:
    """KServe's own says it is; KFServing has no readiness but a model's."""
    with Server(install("sklearn", "kserve")) as server, grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        for change, ready in (("unload", False), ("load", True)):
            assert server.client.post(f"/v2/repository/models/m/{change}").status_code == 200
            assert server.client.get("/v2/health/ready").status_code == (200 if ready else 503)
            assert stub.ServerReady(messages.ServerReadyRequest()).ready is ready
            assert server.client.get("/v2/health/live").status_code == 200
