"""Asks once over gRPC, and prints what is answered, as JSON. It runs in an environment that has KServe.

usage: grpc_ask.py PORT FILE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import grpc  # type: ignore[import-not-found,import-untyped,unused-ignore]
from kserve import InferResponse  # type: ignore[import-not-found,import-untyped,unused-ignore]
from kserve.protocol.grpc.grpc_predict_v2_pb2 import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    ModelInferResponse,
)

if __name__ == "__main__":
    with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
        ask = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer", response_deserializer=ModelInferResponse.FromString
        )
        answer = InferResponse.from_grpc(ask(Path(sys.argv[2]).read_bytes()[5:], timeout=30))
    print(json.dumps(answer.outputs[0].as_numpy().tolist()))
