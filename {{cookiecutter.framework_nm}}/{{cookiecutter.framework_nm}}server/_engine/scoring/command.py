"""The scoring command: finds the tables and the model, has the chunks scored, and names the result.

Not here: how any of that is done.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

from ..artifact.metadata import FILE
from ..artifact.signing import find_key
from ..artifact.versions import current
from ..contract.errors import ModelError
from ..contract.listed import split
from ..tables.files import DataError
from .places import Place, Unfinished, find
from .progress import Progress
from .scorer import Scorer, Wanted
from .sources import FORMATS, PACKED, Reading, check_columns, chunks, open_source
from .state import Part, Run
from .workers import Job, make_model, score

#: The exit status of a command that Ctrl-C ended.
INTERRUPTED = 130


def run(model_class: Any, package: Path, arguments: Optional[Sequence[str]] = None) -> None:
    """Score the tables that the command line names; exit with a line where that cannot be done."""
    asked = _parser(package.name).parse_args(arguments)
    try:
        print(_Scoring(model_class, package, asked).run())
    except (DataError, ModelError, Unfinished) as error:
        sys.exit(f"Scoring stopped: {error}")
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on where this one ended.", file=sys.stderr)
        sys.exit(INTERRUPTED)


class _Scoring:
    """One run of the command. Until all that can be told of the input is checked, nothing is written."""

    def __init__(self, model_class: Any, package: Path, asked: argparse.Namespace) -> None:
        self._asked = asked
        self._source = open_source(asked.input, Reading(asked.separator, asked.encoding))
        path = _model_at(asked.model, package)
        key = find_key(os.environ["VERIFY_KEY"]) if os.environ.get("VERIFY_KEY") else None
        options = {"runtime": asked.runtime, "device": asked.device, "verify_key": key}
        make = partial(make_model, model_class, path, options)
        model = make()
        required = [column.name for column in model.signature.columns if not column.nullable]
        check_columns(self._source, required)
        self._say_absent(model.signature.names)
        wanted = Wanted(asked.proba, asked.explain, self._kept(), asked.errors == "column")
        self._scorer = _scorer(model, wanted, path)
        schema = self._scorer.schema(self._source.files[0].types)
        out = _out(asked.output, asked.shard)
        format = FORMATS.get(out.suffix, self._source.format)
        self._run = Run(out, format, schema, self._decided(path, wanted, format))
        self._job = Job(make, wanted, schema, self._run, asked.batch_rows, asked.encoding)

    def run(self) -> str:
        if self._asked.shard and self._run.out.exists and not self._asked.restart:
            return f"{self._run.out.shown} is there already; --restart scores this shard again"
        finished = self._run.begin(self._asked.restart)
        try:
            return self._score(finished)
        except DataError:
            self._run.discard()
            raise

    def _score(self, finished: Dict[int, Part]) -> str:
        progress = Progress(self._source.size)
        numbers = []
        all_chunks = chunks(self._source, self._asked.shard or (0, 1))
        workers = min(self._asked.workers, self._source.workers)
        try:
            for chunk, part in score(self._job, self._scorer, all_chunks, finished, workers):
                numbers.append(chunk.number)
                progress.add(chunk, part, chunk.number in finished)
                if part.wrong and self._asked.errors == "stop":
                    raise DataError(progress.first)
        finally:
            progress.end()
        self._run.finish(numbers)
        return progress.said(self._run.out.shown)

    def _kept(self) -> Tuple[str, ...]:
        keep = tuple(name for names in self._asked.keep for name in names)
        if keep == ("all",):
            return self._source.files[0].names
        check_columns(self._source, keep)
        return keep

    def _say_absent(self, names: Sequence[str]) -> None:
        absent = [name for name in names if name not in self._source.files[0].names]
        if absent and self._source.format != "jsonl":
            said = ", ".join(map(repr, absent))
            print(f"columns that IN lacks are taken as missing in every row: {said}", file=sys.stderr)

    def _decided(self, path: Path, wanted: Wanted, format: str) -> Dict[str, Any]:
        """What decides what the scores are."""
        options = {name: getattr(self._asked, name) for name in ("separator", "encoding", "shard", "runtime", "device")}
        return {
            "the input": [[file.place.path, file.size, file.changed] for file in self._source.files],
            "the model": hashlib.sha256((path / FILE).read_bytes()).hexdigest(),
            "the options": {**wanted._asdict(), **options, "format": format},
        }


def _scorer(model: Any, wanted: Wanted, path: Path) -> Scorer:
    try:
        return Scorer(model, wanted)
    except (DataError, ModelError):
        raise
    except Exception as error:  # the owner's code
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise ModelError(f"{path} does not answer its own input.json with your code as it is now: {said}") from error


def _model_at(asked: str, package: Path) -> Path:
    """The model directory to score with: one that is asked for, else the newest, or the sample."""
    places = [Path(asked)] if asked else [package / "trainer", package / "example_models"]
    found = next((model for model in map(current, places) if model), None)
    if found is None:
        raise ModelError(f"{asked or package} holds no model: train one (make train), or name one with --model")
    return found


def _out(address: str, shard: Optional[Tuple[int, int]]) -> Place:
    """Where scores go; those of a shard to a file or folder of their own in a folder."""
    out = find(address)
    if shard is None:
        return out
    if FORMATS.get(out.suffix):
        raise DataError(f"--shard: {out.shown} is one file, and shards write one each: name a folder")
    return out / f"shard-{shard[0]:05d}-of-{shard[1]:05d}"


def _shard(text: str) -> Tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or int(found[1]) >= int(found[2]):
        raise argparse.ArgumentTypeError("expected i/n with i from 0 to n - 1, such as 0/4")
    return int(found[1]), int(found[2])


def _names(text: str) -> Tuple[str, ...]:
    try:
        return split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a whole number from 1 on")
    return int(text)


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _parser(package: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {package}.score",
        description="Score tables with your model. What was scored before a run ended is not scored again by the next.",
    )
    add = parser.add_argument
    kinds = ", ".join(FORMATS)
    add(
        "input",
        metavar="IN",
        help=f"file ({kinds}; lines also in {PACKED}), or folder of files; also s3://... or gs://...",
    )
    add("output", metavar="OUT", help=f"file ({kinds}), or folder that gets a file for each part, in the format of IN")
    add("--model", default="", help="model directory, or folder of versions; unless given, the newest that you trained")
    add("--proba", action="store_true", help="write the probability of each label, too")
    add("--explain", action="store_true", help="write what each column adds to the prediction, too")
    add(
        "--keep",
        type=_names,
        action="append",
        default=[],
        metavar="NAMES",
        help='columns of IN to write, too: id,name, or id,"last, first" where one has a comma; or all',
    )
    add(
        "--errors",
        choices=("column", "stop"),
        default="column",
        help="rows that do not fit: say why in a column, or stop",
    )
    add("--shard", type=_shard, help="score the i-th of n parts of IN, from 0/n on; OUT is a folder for all of them")
    add("--restart", action="store_true", help="forget what an earlier run has scored")
    add("--workers", type=_positive, default=_cores(), help="processes that score; as many as cores unless given")
    add("--batch_rows", type=_positive, default=4096, help="rows that the model is asked at once")
    add("--separator", default="", help="what separates columns in CSV; detected unless given")
    add("--encoding", default="utf-8", help="encoding of CSV, such as cp1252")
    add("--runtime", choices=("auto", "onnx", "native"), default="auto", help="what runs the model, as for the server")
    add("--device", choices=("cpu", "cuda"), default="cpu", help="where the model runs")
    return parser
