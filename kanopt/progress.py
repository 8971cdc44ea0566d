"""How far something is: steps of a search, and a line at a terminal or in a notebook while something runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from kanopt.text import money_text, seconds_text

__all__ = ["Progress", "ProgressLine"]

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
    """An output of the cell that runs."""

    def __init__(self) -> None:
        module = import_module("IPython.display")  # loaded already, and without types
        self._handle: Any = module.display({"text/plain": ""}, raw=True, display_id=True)

    def update(self, text: str) -> None:
        self._handle.update({"text/plain": text}, raw=True)

    def clear(self) -> None:
        self.update("")


class ProgressLine:
    """Shows the latest of many texts, at a terminal (stderr) or in a notebook; elsewhere nothing.

    What takes less than a second shows nothing; what was shown is gone at the end.

    Parameters
    ----------
    clock
        Counts seconds.
    line
        Makes the line; by default the one that fits where the program runs.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, line: Callable[[], _Line] | None = None
    ) -> None:
        self._clock = clock
        self._make = line or _line_here()
        self._next = clock() + _FIRST
        self._line: _Line | None = None

    def __call__(self, state: object) -> None:
        """Show the text of a state, if it is time to."""
        if self._make is None or self._clock() < self._next:
            return
        self._line = self._line or self._make()
        self._line.update(str(state))
        self._next = self._clock() + _EVERY

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.clear()


def _line_here() -> Callable[[], _Line] | None:
    """Return what makes a line where the program runs; None where nobody looks."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        return _NotebookLine
    stream = sys.stderr
    return _TerminalLine if stream is not None and stream.isatty() else None
