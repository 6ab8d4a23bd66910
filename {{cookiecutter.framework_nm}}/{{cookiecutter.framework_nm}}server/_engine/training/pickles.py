"""What a file made elsewhere would run when it is opened: found out without opening it.

A pickle is a program: whoever loads one runs what it names. Here its names are collected by reading it with classes
that do nothing in the place of those it asks for. Not here: files that are data only, and opening any of them.
"""

from __future__ import annotations

import bz2
import importlib
import io
import lzma
import pickle
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Set, Tuple

import numpy as np

#: What pickles are called; PyTorch's are pickles in a ZIP archive.
SUFFIXES = (".joblib", ".pkl", ".pickle", ".pth", ".bin", ".pt2")
#: What TensorFlow's graphs can do beyond computing.
_OPERATIONS = re.compile(rb"\b(?:WriteFile|ReadFile|PyFunc|EagerPyFunc|PyFuncStateless)\b")
#: How compressed pickles begin, and what undoes that.
_COMPRESSED: Tuple[Tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", lambda content: zlib.decompress(content, 47)),
    (b"\x78", zlib.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ", lzma.decompress),
    (b"\x5d\x00", lzma.decompress),
)


def would_run(path: Path) -> List[str]:
    """What opening a model would run, sorted: the names in pickles, the types that skops does not trust, and the files
    of Python in a folder; none where a file is data only."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return sorted({name for file in files for name in _names_in(file)})


def _names_in(file: Path) -> Iterator[str]:
    if file.suffix == ".py":
        yield file.name
    elif file.suffix == ".skops":
        yield from _untrusted_types(file)
    elif file.suffix in SUFFIXES:
        yield from globals_in(file.read_bytes())
    elif file.name == "saved_model.pb":
        yield from (f"the operation {name.decode()}" for name in _OPERATIONS.findall(file.read_bytes()))
    elif file.name == "MLmodel":
        modules = re.findall(r"^\s*loader_module:\s*(\S+)", file.read_text(errors="replace"), re.MULTILINE)
        yield from (f"the module {module}" for module in modules if not module.startswith("mlflow."))


def _untrusted_types(file: Path) -> List[str]:
    try:
        skops = importlib.import_module("skops.io")
    except ImportError:
        return ["types that skops would list, which is not installed"]
    return list(skops.get_untrusted_types(file=file))


def globals_in(content: bytes) -> Set[str]:
    """The functions and classes that a pickle names, and so may call: plain, compressed, of joblib or in a ZIP archive.

    What cannot be read to its end is named as that.
    """
    found: Set[str] = set()
    try:
        for part in _pickles_in(content):
            _Reader(io.BytesIO(part), found).load()
    except Exception as error:  # whatever a file that is none, or one that was made to deceive, leads to
        found.add(f"what is behind a part that cannot be read ({type(error).__name__})")
    return found


def _pickles_in(content: bytes) -> List[bytes]:
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
        nested = [pickled for part in parts if part.startswith(b"PK") for pickled in _pickles_in(part)]
        return [part for part in parts if part.startswith(b"\x80")] + nested
    return [next((undo(content) for start, undo in _COMPRESSED if content.startswith(start)), content)]


class _Inert:
    """Stands where a pickle asks for a function or a class, takes whatever it is called with, and does nothing."""

    arguments: Tuple[Any, ...] = ()

    def __new__(cls, *arguments: Any, **_: Any) -> Any:
        made = super().__new__(cls)
        made.arguments = arguments
        return made

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        pass

    extend = add = update = append


#: Python's own that is written in Python, as joblib uses it: the one in C cannot be told what lies between.
_Unpickler: Any = vars(pickle)["_Unpickler"]


class _Reader(_Unpickler):
    """Reads a pickle, and makes nothing of what it names."""

    dispatch = dict(_Unpickler.dispatch)

    def __init__(self, file: BinaryIO, found: Set[str]) -> None:
        super().__init__(file)
        self.file, self.found = file, found
        self.kinds: Dict[str, type] = {}

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        self.found.add(full)
        return self.kinds.setdefault(full, type(name, (_Inert,), {"name": full}))

    def persistent_load(self, _: Any) -> None:
        """PyTorch keeps its numbers outside the pickle."""

    def load_build(self) -> None:
        """The state of an object; joblib writes the numbers of an array behind it, as they are."""
        super().load_build()
        made = self.stack[-1]
        if getattr(made, "name", "").endswith(".NumpyArrayWrapper"):
            self._skip_array(made.state)

    dispatch[pickle.BUILD[0]] = load_build

    def _skip_array(self, state: Dict[str, Any]) -> None:
        spelt = state["dtype"].arguments[0]
        if spelt.startswith("O"):  # of objects, in a pickle of their own
            _Reader(self.file, self.found).load()
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self.file.read(self.file.read(1)[0])
        kind = state["dtype"]
        size = kind.state[5] if getattr(kind, "state", None) and kind.state[5] > 0 else np.dtype(spelt).itemsize
        self.file.read(size * int(np.prod(state["shape"], dtype=object)))
