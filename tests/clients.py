"""Clients that go on asking a server, and remember what became of each of their requests.

None of them tries again: a request that is refused, cut off or answered with anything but the prediction is a failure.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import grpc
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from running import until

#: Channels of one process share a connection unless told otherwise.
_OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1)]


class Clients:
    """Ask model `m` on ports of this machine for label 0, over REST and, if there is a port for it, over gRPC.

    `row` is the input; a request over REST has it `rows` times. `each` clients keep their connection as long as the
    server does, and as many make a new one for each request.
    """

    def __init__(self, row: list[float], http_port: int, grpc_port: int | None, each: int = 4, rows: int = 1) -> None:
        self.http_port, self.grpc_port = http_port, grpc_port
        self.body = json.dumps({"instances": [row] * rows})
        self.rows = rows
        tensor = messages.ModelInferRequest.InferInputTensor(name="input-0", datatype="FP64", shape=[1, len(row)])
        tensor.contents.fp64_contents.extend(row)
        self.message = messages.ModelInferRequest(model_name="m", inputs=[tensor])
        #: How many requests were answered, and which were not: when, by `time.monotonic`; how it was sent; and why.
        self.answered: Counter[str] = Counter()
        self.failures: list[tuple[float, str, str]] = []
        self._stopped = threading.Event()
        self._kinds: dict[str, Callable[[], Iterator[None]]] = {"REST, new": self._rest_anew, "REST, open": self._rest}
        if grpc_port:
            self._kinds |= {"gRPC, new": self._grpc_anew, "gRPC, open": self._grpc}
        self._threads = [
            threading.Thread(target=self._go_on, args=(kind,)) for kind in self._kinds for _ in range(each)
        ]

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask all the while, from the first answers on."""
        for thread in self._threads:
            thread.start()
        try:
            self.wait()
            yield
        finally:
            self._stopped.set()
            for thread in self._threads:
                thread.join()

    def wait(self, more: int = 20) -> None:
        """Wait until there are more answers of each kind, or something went wrong."""
        before = Counter(self.answered)
        until(
            lambda: self.failures or all(self.answered[kind] >= before[kind] + more for kind in self._kinds),
            said=lambda: f"answered: {self.answered}",
        )

    def _go_on(self, kind: str) -> None:
        while not self._stopped.is_set():
            try:
                for _ in self._kinds[kind]():
                    self.answered[kind] += 1
                    if self._stopped.is_set():
                        break
            except Exception as error:
                self.failures.append((time.monotonic(), kind, repr(error)))
                time.sleep(0.05)

    def _rest_anew(self) -> Iterator[None]:
        with closing(self._connect()) as connection:
            self._post(connection)
        yield

    def _rest(self) -> Iterator[None]:
        with closing(self._connect()) as connection:
            while True:  # it connects anew after an answer with `Connection: close`
                self._post(connection)
                yield

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=60)

    def _post(self, connection: http.client.HTTPConnection) -> None:
        connection.request("POST", "/v1/models/m:predict", self.body)
        answer = json.loads(connection.getresponse().read())
        assert answer == {"predictions": [0] * self.rows}, answer

    def _grpc_anew(self) -> Iterator[None]:
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}", _OWN_CONNECTION) as channel:
            self._infer(GRPCInferenceServiceStub(channel))
        yield

    def _grpc(self) -> Iterator[None]:
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}", _OWN_CONNECTION) as channel:
            stub = GRPCInferenceServiceStub(channel)
            while True:
                self._infer(stub)
                yield

    def _infer(self, stub: GRPCInferenceServiceStub) -> None:
        (output,) = stub.ModelInfer(self.message, timeout=60).outputs
        assert list(output.contents.int64_contents) == [0], output
