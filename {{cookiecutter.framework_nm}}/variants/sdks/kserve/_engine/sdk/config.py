"""What can be set about the server: the engine's options beside KServe's own.

KServe reads its options off the command line while it is imported. So this module imports nothing of KServe before
`read` has put the command line in order, and the server imports this module first.
"""

from __future__ import annotations

import argparse
import sys

from ..serving.options import Options, Parser, port, switch
from .platforms import defaults


def options(prog: str) -> Options:
    """The options of the server command `prog`."""
    given = sys.argv[1:]
    parser = Options(defaults(given), prog=prog, add_help=False)
    sys.argv[1:] = given
    parser.add("grpc_port", "8081", port, "gRPC port")
    parser.add("enable_docs_url", "false", switch, "show pages to ask the models, at / to browsers and at /docs")
    parser.add("enable_metrics_url", "true", switch, "show metrics for Prometheus at /metrics")
    parser.add("enable_latency_logging", "false", switch, "log a line per request that KServe answers")
    return parser


def read(ours: Options) -> argparse.Namespace:
    """Read command line and environment; exit with a message where an option is unknown or does not fit."""
    given = sys.argv[1:]
    if {"-h", "--help"} & set(given):  # whatever else does not fit, such as a port that is in use
        sys.argv[1:] = []
        _with_those_of_kserve(ours).parse_args(["--help"])
    arguments, rest = ours.parse_known_args(given)
    if arguments.grpc_port == arguments.http_port:
        ours.refuse([f"GRPC_PORT or --grpc_port: expected another port than REST's, which is {arguments.http_port}"])
    sys.argv[1:] = [
        f"--http_port={arguments.http_port}",
        f"--grpc_port={arguments.grpc_port}",
        "--enable_docs_url=false",  # KServe's page needs the internet; page.py has one that does not
        f"--enable_latency_logging={arguments.enable_latency_logging}",
        f"--grpc_max_receive_message_length={min(arguments.max_buffer_size, 2**31 - 1)}",  # gRPC has no larger one
        "--grpc_max_send_message_length=-1",  # no limit: an answer can be many times as large as its request
        *rest,
    ]
    if rest:  # KServe ignores unknown options; here a misspelt one is an error
        _with_those_of_kserve(ours).parse_args(given)
    return arguments


def _with_those_of_kserve(ours: Options) -> Parser:
    from kserve.model_server import parser as kserve_parser

    return Parser(
        prog=ours.prog,
        parents=[kserve_parser, ours],
        conflict_handler="resolve",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Serve a model over REST and gRPC. Environment variables, in brackets below, set options too.",
    )
