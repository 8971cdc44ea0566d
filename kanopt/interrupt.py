"""Ctrl-C during a search or a fit: stop soon, and keep the best plan or law; a second Ctrl-C stops at once."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any, ClassVar

__all__ = ["Interrupt"]

AGAIN = 10.0
"""Seconds after Ctrl-C within which another one counts as the second, although another fit or search has begun."""


class Interrupt:
    """While active, a first Ctrl-C sets :attr:`asked` instead of raising KeyboardInterrupt; a second one raises it.

    A solver written in C++ runs no Python code, so an exception would surface only after the search and the plan
    would be lost; in a fit it would lose the best law so far. The solver's callback, or the trainer's, looks at
    :attr:`asked` and ends the search in order. Outside the main thread, where Python delivers no signals, this does
    nothing.

    Loops around fits, such as cross-validation, go on with the next one after a first Ctrl-C: they are ended by a
    second, also where it meets the next fit. Where one Interrupt is active inside another, both are asked.

    Examples
    --------
    >>> with Interrupt() as interrupt:
    ...     signal.raise_signal(signal.SIGINT)
    >>> interrupt.asked
    True
    """

    _last_asked: ClassVar[float] = float("-inf")

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
        now = time.monotonic()
        again = self.asked or now - Interrupt._last_asked < AGAIN
        Interrupt._last_asked = now
        self._note()
        if again:
            raise KeyboardInterrupt
        # The signal may have come in the midst of another message, in which Python lets nobody write.
        with contextlib.suppress(RuntimeError, OSError, AttributeError):
            print("stopping in order; press Ctrl-C again to stop at once", file=sys.stderr, flush=True)

    def _note(self) -> None:
        """Note that Ctrl-C was pressed, here and in the Interrupt around this one."""
        self.asked = True
        around = getattr(self._before, "__self__", None)
        if isinstance(around, Interrupt):
            around._note()
