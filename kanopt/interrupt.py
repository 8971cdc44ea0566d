"""Ctrl-C during a search or a fit: stop soon, and keep the best plan or law."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupt"]


class Interrupt:
    """While active, Ctrl-C sets :attr:`asked` instead of raising KeyboardInterrupt.

    A solver written in C++ runs no Python code, so an exception would surface only after the search and the plan
    would be lost; in a fit it would lose the best law so far. The solver's callback, or the trainer's, looks at
    :attr:`asked` and ends the search in order. Outside the main thread, where Python delivers no signals, this does
    nothing.

    Examples
    --------
    >>> with Interrupt() as interrupt:
    ...     signal.raise_signal(signal.SIGINT)
    >>> interrupt.asked
    True
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None
        self._installed = False

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
            self._installed = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._before)
            self._installed = False

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
