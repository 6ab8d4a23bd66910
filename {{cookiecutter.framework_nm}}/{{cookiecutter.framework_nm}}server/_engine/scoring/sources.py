"""What is to be scored: the files, their columns, and the chunks that workers score, always the same ones.

A chunk of CSV or JSON Lines is some MiB of whole lines, and one of Parquet a row group. Not here: what is in a chunk.
"""

from __future__ import annotations

import codecs
import csv
import io
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple, Union

import orjson
import pyarrow.parquet as pq

from ..contract.listed import lacking
from ..protocol.lines import named
from ..tables.files import DataError, separator_of
from .places import Place, failing, find

#: The formats, by the endings of files.
FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}
#: What lines may be packed with, beside: table.csv.gz, payloads.jsonl.gz.
PACKED = ".gz"
#: Bytes of a chunk of lines; a line may be that long a few times over.
CHUNK = 4 << 20
_LONGEST = 64 << 20
_BOM = b"\xef\xbb\xbf"


class Reading(NamedTuple):
    """How CSV files are written; a separator that is "" is found out."""

    separator: str = ""
    encoding: str = "utf-8"


class File(NamedTuple):
    """A file to score: its columns' names, where it begins among the bytes of all files, and for CSV what separates
    cells. JSON Lines have the names of the first row."""

    place: Place
    size: int
    changed: int
    first: int
    names: Tuple[str, ...] = ()
    separator: str = ""
    types: Any = None


class Chunk(NamedTuple):
    """Rows of a file: whole lines, or the number of a row group. `end` is where it ends among the bytes of all files,
    nearly."""

    number: int
    file: File
    content: Union[bytes, int]
    end: int


class Source(NamedTuple):
    """Files of one format."""

    format: str
    files: List[File]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def workers(self) -> int:
        """How many workers can be of use: they take seconds to start, and few rows are scored sooner than that."""
        return 1 + self.size // CHUNK


def open_source(address: str, reading: Reading) -> Source:
    """Find the files of an address, and look at the first row of each. Raises DataError."""
    place = find(address)
    if not place.exists:
        raise DataError(f"{place.shown} does not exist: expected a file, or a folder of files")
    found = [place] if place.info.is_file else _tables_in(place)
    formats = {_format(item) for item in found}
    if not found or "" in formats:
        kinds = f"{', '.join(FORMATS)}, or of lines in {PACKED} after that"
        raise DataError(f"{place.shown}: expected a file, or a folder of files, whose names end in {kinds}")
    if len(formats) > 1:
        raise DataError(
            f"{place.shown} holds files of several formats ({', '.join(sorted(formats))}): score each alone"
        )
    files: List[File] = []
    for item in found:
        info = item.info
        first = files[-1].first + files[-1].size if files else 0
        file = File(item, info.size, info.mtime_ns or 0, first)
        with failing(item):
            files.append(_LOOK[_format(item)](file, reading))
    return Source(formats.pop(), files)


def _format(place: Place) -> str:
    """The format of a file by its name; "" where it has none. pyarrow unpacks by the name, too."""
    if place.suffix != PACKED:
        return FORMATS.get(place.suffix, "")
    inner = FORMATS.get(place._replace(path=place.path[: -len(PACKED)]).suffix, "")
    return "" if inner == "parquet" else inner


def _tables_in(folder: Place) -> List[Place]:
    """The tables in a folder, without what tools keep beside them."""
    found = [item for item in folder.files() if _format(item)]
    below = len(folder.path)
    return [item for item in found if not any(part[:1] in "._" for part in item.path[below:].strip("/").split("/"))]


def chunks(source: Source, shard: Tuple[int, int] = (0, 1)) -> Iterator[Chunk]:
    """The chunks of a shard (i, n), in the order of their rows: of n shards each has its nth of the bytes, and each
    chunk is one shard's. Raises DataError."""
    number, shards = shard
    count = 0
    for file in source.files:
        begins, ends = ((start * shards) // max(source.size, 1) for start in (file.first, file.first + file.size))
        if not begins <= number <= ends:
            continue
        with failing(file.place):
            for content, start, end in _PARTS[source.format](file):
                if min((start * shards) // max(source.size, 1), shards - 1) == number:
                    yield Chunk(count, file, content, end)
                    count += 1


def _look_at_csv(file: File, reading: Reading) -> File:
    header, _ = _header(file)
    if header.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{file.place.shown} is in UTF-16, whose lines are not found by their bytes: save it in UTF-8")
    try:
        text = header.decode(reading.encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(f"{file.place.shown}: {error}; name its encoding, such as --encoding cp1252") from error
    separator = reading.separator or separator_of([text])
    names = named(next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), []))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        wrong = (
            f"{twice[0]!r} names two columns" if twice else "it is empty: expected the columns' names in the first line"
        )
        raise DataError(f"{file.place.shown}: {wrong}")
    return file._replace(names=tuple(names), separator=separator)


def _look_at_lines(file: File, reading: Reading) -> File:
    with file.place.store.open_input_stream(file.place.path) as stream:
        line = next((line for line in stream.read(CHUNK).splitlines() if line.strip()), b"null")
    try:
        row = orjson.loads(line)
    except ValueError:  # said of this row when it is scored
        row = None
    return file._replace(names=tuple(row) if isinstance(row, dict) else ())


def _look_at_parquet(file: File, reading: Reading) -> File:
    schema = pq.read_schema(file.place.path, filesystem=file.place.store)
    return file._replace(names=tuple(schema.names), types=schema)


def _header(file: File) -> Tuple[bytes, int]:
    """The first line of CSV, without the mark that some programs put before it, and where the second begins."""
    with file.place.store.open_input_stream(file.place.path) as stream:
        start = stream.read(CHUNK)
    end = start.find(b"\n")
    while end >= 0 and start.count(b'"', 0, end) % 2:
        end = start.find(b"\n", end + 1)
    length = end + 1 if end >= 0 else len(start)
    return start[:length].replace(_BOM, b"", 1), length


def _csv_parts(file: File) -> Iterator[Tuple[bytes, int, int]]:
    return _parts_of_lines(file, _header(file)[1], quoted=True)


def _lines_parts(file: File) -> Iterator[Tuple[bytes, int, int]]:
    return _parts_of_lines(file, 0, quoted=False)


def _parts_of_lines(file: File, skip: int, quoted: bool) -> Iterator[Tuple[bytes, int, int]]:
    """Whole lines, with where they start and end; a line break between quotes ends none. Those of a packed file all
    start where it does, so that they are one shard's."""
    rest, start = b"", file.first + skip
    with file.place.store.open_input_stream(file.place.path) as stream:
        stream.read(skip)
        for block in iter(lambda: stream.read(CHUNK), b""):
            rest += block
            length = _whole_lines(rest, quoted)
            if length:
                yield rest[:length], start, start + length
                rest = rest[length:]
                start += 0 if file.place.suffix == PACKED else length
            elif len(rest) > _LONGEST:
                why = "a quote that nothing closes?" if quoted else "expected JSON Lines, a row a line"
                raise DataError(f"{file.place.shown} has a line of more than {_LONGEST >> 20} MiB: {why}")
    if rest.strip():
        yield rest, start, start + len(rest)


def _whole_lines(data: bytes, quoted: bool) -> int:
    """How many bytes of data are whole lines."""
    end, inside = len(data), quoted and data.count(b'"') % 2
    while True:
        at = data.rfind(b"\n", 0, end)
        inside = quoted and inside ^ (data.count(b'"', at, end) % 2)
        if at < 0 or not inside:
            return at + 1
        end = at


def _row_groups(file: File) -> Iterator[Tuple[int, int, int]]:
    """Row groups, and where they would be if all were of one size."""
    groups = pq.read_metadata(file.place.path, filesystem=file.place.store).num_row_groups
    for group in range(groups):
        start, end = (file.first + file.size * at // groups for at in (group, group + 1))
        yield group, start, end


_LOOK: Dict[str, Callable[[File, Reading], File]] = {
    "csv": _look_at_csv,
    "jsonl": _look_at_lines,
    "parquet": _look_at_parquet,
}
_PARTS: Dict[str, Callable[[File], Iterator[Tuple[Any, int, int]]]] = {
    "csv": _csv_parts,
    "jsonl": _lines_parts,
    "parquet": _row_groups,
}


def check_columns(source: Source, required: Sequence[str]) -> None:
    """Raise DataError where a file's columns lack some of these; lines of JSON may each have others."""
    problems = []
    for file in source.files if source.format != "jsonl" else ():
        problem = lacking(required, file.names)
        if problem:
            problems.append(f"{file.place.shown} has {problem}")
    if problems:
        raise DataError("\n".join(problems[:10]))
