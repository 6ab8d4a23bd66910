"""Imports that wait until somebody uses them: an SDK imports what a server never needs, such as Kubernetes' client.

That takes a third of the time to start, and of the memory. Not here: which modules these are, which is the SDK's part.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import Any, Iterable


def import_without(package: str, *names: str) -> None:
    """Import a package, and modules that it imports, be it in part, only once they are used: `names`, and those below.

    What is imported already stays. The package itself may import names from these modules, and any module may mention
    them, such as in annotations; a class of theirs may be no other one's base.
    """
    finder = _Finder(name for name in names if name not in sys.modules)
    sys.meta_path.insert(0, finder)
    collects = gc.isenabled()
    gc.disable()  # what is imported stays, and to look through it over and over takes a sixth of the time
    try:
        module = importlib.import_module(package)
    finally:
        sys.meta_path.remove(finder)
        for waiting in finder.found:
            del sys.modules[waiting.__name__]
            waiting.__dict__["imports"] = True
        gc.freeze()
        if collects:
            gc.enable()
    _forget(module)


class _Waiting(ModuleType):
    """Stands for a module: while its importer is imported, any name is a class; later, what it is in the module."""

    imports = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.imports:
            return getattr(importlib.import_module(self.__name__), name)
        return type(name, (_Mentioned,), {"__module__": self.__name__})


class _Mentioned:
    """Stands for what is in a module that waits."""


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules that wait in place of those that are there."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)
        self.found: list[_Waiting] = []

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:
        if any(fullname == name or fullname.startswith(f"{name}.") for name in self._names):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Waiting(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        assert isinstance(module, _Waiting)
        self.found.append(module)


def _forget(package: ModuleType) -> None:
    """Have a package look up, each time, what it has imported from modules that wait."""
    places = {
        name: value.__module__
        for name, value in vars(package).items()
        if isinstance(value, type) and issubclass(value, _Mentioned)
    }
    for name in places:
        delattr(package, name)

    def look_up(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(places[name]), name)

    if places:
        package.__dict__["__getattr__"] = look_up
