"""Everything that can be set about the server: this package's options beside KServe's own.

KServe reads its options off the command line while it is imported. So this module imports nothing of KServe
before `read_arguments` has put the command line in order, and the server imports this module first.
"""

from __future__ import annotations

import argparse
import sys

from .options import Options, Parser, port, switch
from .platforms import defaults


def _parser(platform: dict[str, str]) -> Options:
    parser = Options(platform, add_help=False)
    parser.add("grpc_port", "8081", port, "port of gRPC")
    parser.add("enable_docs_url", "false", switch, "show Swagger UI at /docs")
    parser.add("enable_latency_logging", "false", switch, "log a line per request that KServe answers")
    return parser


def read_arguments() -> argparse.Namespace:
    """Read command line and environment; exit with a message where an option is unknown or does not fit."""
    given = sys.argv[1:]
    ours = _parser(defaults(given))
    ours.prog = f"python -m {__package__}"
    arguments, rest = ours.parse_known_args(given)
    sys.argv[1:] = [
        f"--http_port={arguments.http_port}",
        f"--grpc_port={arguments.grpc_port}",
        f"--enable_docs_url={arguments.enable_docs_url}",
        f"--enable_latency_logging={arguments.enable_latency_logging}",
        f"--grpc_max_receive_message_length={arguments.max_buffer_size}",
        "--grpc_max_send_message_length=-1",  # no limit: an answer can be many times as large as its request
        *rest,
    ]
    if rest:
        from kserve.model_server import parser as kserve_parser

        # KServe ignores what it does not know; a misspelt option is to be heard of. This also prints --help.
        Parser(
            prog=ours.prog,
            parents=[kserve_parser, ours],
            conflict_handler="resolve",
            allow_abbrev=False,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
            description="Serve a model over REST and gRPC. Options that name a variable read it from there too.",
        ).parse_args(given)
    return arguments
