"""How far something is: steps of a search, and a line at a terminal or in a notebook while something runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from html import escape
from importlib import import_module
from typing import Any, ClassVar, ParamSpec, Protocol, TypeVar

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


class _Line(Protocol):
    """Where one text stands in place of the one before."""

    def update(self, text: str) -> None:
        """Replace the text."""

    def clear(self) -> None:
        """Take the text away."""


class _TerminalLine:
    """The last line on stderr."""

    def __init__(self) -> None:
        from rich.console import Console

        self._status = Console(stderr=True, highlight=False).status("")
        self._status.start()

    def update(self, text: str) -> None:
        from rich.markup import escape

        self._status.update(escape(text))

    def clear(self) -> None:
        self._status.stop()


class _NotebookLine:
    """An output of the cell that runs: one, whatever is shown in it one after the other, and empty in the end."""

    _known: ClassVar[tuple[object, int, Any] | None] = None
    """The notebook, the number of the cell that ran last, and its output."""

    def __init__(self) -> None:
        module = import_module("IPython.display")  # loaded already, and without types
        shell = sys.modules["IPython"].get_ipython()
        cell = int(getattr(shell, "execution_count", 0))
        if self._known is None or self._known[0] is not shell or self._known[1] != cell:
            handle = module.display(_as_output(""), raw=True, display_id=True)
            type(self)._known = (shell, cell, handle)
        assert self._known is not None
        self._handle = self._known[2]

    def update(self, text: str) -> None:
        self._handle.update(_as_output(text), raw=True)

    def clear(self) -> None:
        self.update("")


def _as_output(text: str) -> dict[str, str]:
    """Return a text as a notebook shows it; empty HTML takes no room, where an empty text takes a line."""
    return {"text/plain": text, "text/html": f'<div style="opacity:.75">{escape(text)}</div>' if text else ""}


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
        self, clock: Callable[[], float] = time.monotonic, line: Callable[[], _Line] | None = None
    ) -> None:
        self._clock = clock
        self._make = line or _line_here()
        self._next = clock() + _FIRST
        self._line: _Line | None = None
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
        self._line = self._line or self._make()
        self._line.update(str(state))
        self._next = self._clock() + _EVERY

    def __enter__(self) -> ProgressLine:
        if ProgressLine._outermost is None:
            ProgressLine._outermost = self
        else:
            self._outer = ProgressLine._outermost
        return self

    def __exit__(self, *_: object) -> None:
        if ProgressLine._outermost is self:
            ProgressLine._outermost = None
        if self._line is not None:
            self._line.clear()


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


def _line_here() -> Callable[[], _Line] | None:
    """Return what makes a line where the program runs; None where nobody looks."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        return _NotebookLine
    stream = sys.stderr
    return _TerminalLine if stream is not None and stream.isatty() else None
