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
            assert server.client.get("/v2").json()["extensions"] == ["binary_tensor_data"]
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


@pytest.mark.parametrize("sdk", ["kserve", "kfserving"])
def test_a_key_guards_what_loads_and_unloads(sdk: str, install: Callable[[str, str], Path], tmp_path: Path) -> None:
    """Over REST and gRPC. The key is read anew each time; nobody may where it is gone. All else needs no key."""
    key = tmp_path / "key"
    key.write_text("first\n")
    with Server(install("sklearn", sdk), f"--api_key_file={key}") as server:

        def admitted(authorization: str | None) -> bool:
            given = {} if authorization is None else {"authorization": authorization}
            answer = server.client.post(ROUTES[1], headers=given)
            refused = answer.status_code == 401
            if refused:
                assert (answer.headers["www-authenticate"], list(answer.json())) == ("Bearer", ["error"])
                assert "Authorization: Bearer" in answer.json()["error"]
            else:
                assert answer.json() == {"name": "m", "load": True}
            if sdk == "kserve":
                assert over_grpc(server, given) == ("UNAUTHENTICATED" if refused else "OK")
            return not refused

        assert [admitted(given) for given in (None, "", "first", "Basic first", "Bearer first2", "Bearer")] == [
            False
        ] * 6
        assert admitted("Bearer first") and admitted("bearer first")
        key.write_text("second")
        assert [admitted("Bearer first"), admitted("Bearer second")] == [False, True]
        key.unlink()
        assert not admitted("Bearer second")
        assert server.client.post("/v1/models/m:predict", json={"instances": [[5.1, 3.5, 1.4, 0.2]]}).status_code == 200
        assert "first" not in server.log and "second" not in server.log


def over_grpc(server: Server, metadata: dict[str, str]) -> str:
    """Load a model over gRPC; returns the name of the status."""
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        try:
            stub.RepositoryModelLoad(messages.RepositoryModelLoadRequest(model_name="m"), metadata=[*metadata.items()])
        except grpc.RpcError as error:
            assert "Authorization: Bearer" in error.details()
            return str(error.code().name)
    return "OK"


@pytest.mark.parametrize("sdk", ["kserve", "kfserving"])
def test_pages_of_the_named_origins_may_ask(sdk: str, install: Callable[[str, str], Path]) -> None:
    """Each answer says so, errors included; a browser's question before is answered. Others may not."""
    ours, other = "https://ours.example", "https://other.example"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type, x-request-id"}
    with Server(install("sklearn", sdk), f"--cors_origins={ours}, http://localhost:3000") as server:
        for path, body, status in (
            ("/v1/models/m:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]]}, 200),
            ("/v2/models/m/infer", {"instances": "x"}, 400),
            ("/v1/models/absent:predict", {}, 404),
        ):
            for origin in (ours, other):
                answer = server.client.post(path, json=body, headers={"Origin": origin})
                allowed = answer.headers.get("access-control-allow-origin")
                assert (answer.status_code, allowed) == (status, ours if origin == ours else None)
            before = server.client.options(path, headers={"Origin": ours, **asked})
            assert before.status_code in (200, 204)
            assert before.headers["access-control-allow-origin"] == ours
            assert "POST" in before.headers["access-control-allow-methods"]
            assert "x-request-id" in before.headers["access-control-allow-headers"].lower()
            refused = server.client.options(path, headers={"Origin": other, **asked})
            assert refused.status_code >= 400 and "access-control-allow-origin" not in refused.headers
        assert server.client.get("/elsewhere", headers={"Origin": ours}).headers["access-control-allow-origin"] == ours
        assert server.client.post(ROUTES[0], headers={"Origin": ours}).status_code == 403


def test_a_server_without_a_model_is_not_ready(install: Callable[[str, str], Path]) -> None:
    """KServe's own says it is; KFServing has no readiness but a model's."""
    with Server(install("sklearn", "kserve")) as server, grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        for change, ready in (("unload", False), ("load", True)):
            assert server.client.post(f"/v2/repository/models/m/{change}").status_code == 200
            assert server.client.get("/v2/health/ready").status_code == (200 if ready else 503)
            assert stub.ServerReady(messages.ServerReadyRequest()).ready is ready
            assert server.client.get("/v2/health/live").status_code == 200
