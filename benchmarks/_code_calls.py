"""What runs while kanopt runs: functions replaced by ones that count, and code objects passed through."""

from __future__ import annotations

import functools
import inspect
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from _code_source import PACKAGE

__all__ = ["functions", "load_all", "passing", "replace_everywhere"]

NO_FUNCTIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}


def load_all() -> None:
    """Import every module of kanopt, so that nothing is imported while calls are counted."""
    for module in pkgutil.walk_packages([str(PACKAGE)], "kanopt."):
        import_module(module.name)


def replace_everywhere(path: str, made: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace a function, in its class or in every module of kanopt that has a name for it."""
    module, _, name = path.partition(":")
    *outer, last = name.split(".")
    try:
        owner = functools.reduce(getattr, outer, import_module(module))
        original = vars(owner)[last]
    except (ImportError, AttributeError, KeyError) as error:
        raise SystemExit(f"there is no {path} any more; write what took its place into the table") from error
    wrapped = functools.wraps(original)(made(original))
    loaded = [vars(each) for key, each in list(sys.modules.items()) if key.split(".")[0] == "kanopt"]
    setattr(owner, last, wrapped)
    for names in [] if inspect.isclass(owner) else loaded:
        for key in [key for key, value in names.items() if value is original]:
            names[key] = wrapped


@contextmanager
def passing(passed: set[CodeType] | None) -> Iterator[None]:
    """Note every code object that runs, if there is where to note it."""

    def enter(frame: FrameType, event: str, _: Any) -> None:
        if passed is not None:
            passed.add(frame.f_code)

    if passed is None:
        yield
        return
    sys.settrace(enter)
    threading.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(None)
        threading.settrace(None)


def functions(passed: set[CodeType]) -> int:
    """Return how many functions of kanopt are among code objects."""
    own = (c for c in passed if c.co_flags & inspect.CO_OPTIMIZED and c.co_name not in NO_FUNCTIONS)
    return sum(Path(code.co_filename).is_relative_to(PACKAGE) for code in own)
