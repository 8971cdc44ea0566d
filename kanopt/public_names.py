"""Names that a module gives, listed once: as it imports them for type checkers, and loaded when they are first used."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def homes_of(module: str) -> dict[str, str]:
    """Return the module that each name comes from which a module imports for type checkers."""
    source = ast.parse(inspect.getsource(sys.modules[module]))
    block = next(each for each in source.body if isinstance(each, ast.If))
    found = [each for each in block.body if isinstance(each, ast.ImportFrom) and each.module != module]
    return {name.name: str(each.module) for each in found for name in each.names}


def lazy_names(module: str) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__all__``, ``__getattr__`` and ``__dir__`` of a module: its names, what loads and what lists them."""
    homes = homes_of(module)
    names = sorted(homes)

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[module], name, value)
        return value

    return names, load, lambda: names
