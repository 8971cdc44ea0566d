"""How far something is: steps of a search, and a line at a terminal or in a notebook while something runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from html import escape as html
from importlib import import_module
from typing import Any, ClassVar, ParamSpec, TypeAlias, TypeVar

from kanopt.errors import knows_arguments
from kanopt.text import money_text, seconds_text

P = ParamSpec("P")
R = TypeVar("R")

_FIRST = 1.0
"""Seconds before which nothing is shown: what is done by then needs no word."""
_EVERY = 0.2
"""Seconds between two texts: faster ones cannot be read."""


@dataclass(frozen=True)
class Progress:
    """One step of a search: the incumbent, and the bound where the solver has one.

    Examples
    --------
    >>> print(Progress(2.5, 740.9, 700.0))
    2.5 s: incumbent 740.90, bound 700.00
    """

    seconds: float
    objective: float | None
    bound: float | None = None
    message: str = ""

    def __str__(self) -> str:
        parts = [] if self.objective is None else [f"incumbent {money_text(self.objective)}"]
        parts += [] if self.bound is None else [f"bound {money_text(self.bound)}"]
        parts += [self.message] if self.message else []
        return f"{seconds_text(self.seconds)}: {', '.join(parts) or 'searching'}"


Show: TypeAlias = Callable[[str], object]
"""Shows a text in place of the one before; an empty one takes it away."""

_cells: list[tuple[object, int, Any]] = []
"""The notebook, the number of the cell that ran last, and its output."""


def _terminal_line() -> Show:
    """Return what shows texts on the last line on stderr."""
    from rich.console import Console
    from rich.markup import escape

    status = Console(stderr=True, highlight=False).status("")
    status.start()
    return lambda text: status.update(escape(text)) if text else status.stop()


def _notebook_line() -> Show:
    """Return what shows texts in an output of the cell that runs: one for all of them, and empty in the end."""
    module = import_module("IPython.display")  # loaded already, and without types
    shell = sys.modules["IPython"].get_ipython()
    cell = int(getattr(shell, "execution_count", 0))
    if not _cells or _cells[0][0] is not shell or _cells[0][1] != cell:
        _cells[:] = [(shell, cell, module.display(_as_output(""), raw=True, display_id=True))]
    handle = _cells[0][2]
    return lambda text: handle.update(_as_output(text), raw=True)


def _as_output(text: str) -> dict[str, str]:
    """Return a text as a notebook shows it; empty HTML takes no room, where an empty text takes a line."""
    return {"text/plain": text, "text/html": f'<div style="opacity:.75">{html(text)}</div>' if text else ""}


class ProgressLine:
    """Shows the latest of many texts, at a terminal (stderr) or in a notebook; elsewhere nothing.

    What takes less than a second shows nothing; what was shown is gone at the end. A line within another one writes
    into that.

    Parameters
    ----------
    clock
        Counts seconds.
    line
        Makes the line; by default the one that fits where the program runs.
    """

    _outermost: ClassVar[ProgressLine | None] = None

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, line: Callable[[], Show] | None = None
    ) -> None:
        self._clock = clock
        self._make = line or _line_here()
        self._next = clock() + _FIRST
        self._show: Show | None = None
        self._outer: ProgressLine | None = None

    @property
    def is_seen(self) -> bool:
        """Whether there is somebody to look at it."""
        return self._make is not None

    def __call__(self, state: object) -> None:
        """Show the text of a state, if it is time to."""
        if self._outer is not None:
            self._outer(state)
            return
        if self._make is None or self._clock() < self._next:
            return
        self._show = self._show or self._make()
        self._show(str(state))
        self._next = self._clock() + _EVERY

    def __enter__(self) -> ProgressLine:
        self._outer = ProgressLine._outermost
        ProgressLine._outermost = self._outer or self
        return self

    def __exit__(self, *_: object) -> None:
        if ProgressLine._outermost is self:
            ProgressLine._outermost = None
        if self._show is not None:
            self._show("")


def told_by_line(function: Callable[P, R]) -> Callable[P, R]:
    """Show the progress of a function in a line, where somebody looks and it is called without ``progress``.

    Examples
    --------
    >>> @told_by_line
    ... def count(*, progress=None):
    ...     return progress
    >>> count() is None, count(progress=print) is print
    (True, True)
    """
    function = knows_arguments(function)

    @wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> R:
        if options.get("progress") is not None:
            return function(*args, **options)
        with ProgressLine() as line:
            if line.is_seen:
                options["progress"] = line
            return function(*args, **options)

    return call


def _line_here() -> Callable[[], Show] | None:
    """Return what makes a line where the program runs; None where nobody looks."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        return _notebook_line
    return _terminal_line if sys.stderr is not None and sys.stderr.isatty() else None
