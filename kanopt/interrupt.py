"""Ctrl-C during a search or a fit: stop soon, and keep the best plan or law; a second Ctrl-C stops at once."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, ClassVar, NoReturn

AGAIN = 10.0
"""Seconds after Ctrl-C within which another one counts as the second, although another fit or search has begun."""
PATIENCE = 10.0
"""Seconds for which a search that was asked to stop goes on looking for a first plan."""
_LOADER = "<frozen importlib"


@dataclass
class _Told:
    """What came of signals so far; shared by Interrupts inside each other."""

    asked: bool = False
    raised: bool = False
    number: int | None = None


class Interrupt:
    """While active, a first Ctrl-C sets :attr:`asked` instead of raising KeyboardInterrupt; a second one raises it.

    A solver written in C++ runs no Python code, so an exception would surface only after the search and the plan
    would be lost; in a fit it would lose the best law so far. The solver's callback, or the trainer's, looks at
    :attr:`asked` and ends the search in order. Outside the main thread, where Python delivers no signals, this does
    nothing.

    Loops around fits, such as cross-validation, go on with the next one after a first Ctrl-C: they are ended by a
    second, also where it meets the next fit. Where one Interrupt is active inside another, both are asked, and what
    the outer one was asked before is asked of the inner one too.

    Parameters
    ----------
    keeps
        Whether there is something to keep. Where nothing is, here or in an Interrupt around this one, the first signal
        raises KeyboardInterrupt at once.
    signals
        Which signals are meant.
    leave
        Called, with this, in place of raising KeyboardInterrupt while a module is being loaded; ends the process.

    Examples
    --------
    >>> with Interrupt() as interrupt:
    ...     signal.raise_signal(signal.SIGINT)
    >>> interrupt.asked
    True
    """

    _last_asked: ClassVar[float] = float("-inf")

    def __init__(
        self,
        *,
        keeps: bool = True,
        signals: Sequence[int] = (signal.SIGINT,),
        leave: Callable[[Interrupt], NoReturn] | None = None,
    ) -> None:
        self.keeps = keeps
        self._leave = leave
        self._signals = signals
        self._told = _Told()
        self._looking_since: float | None = None
        self._around: Interrupt | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            outer = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
            if isinstance(outer, Interrupt):
                self._around, self._told = outer, outer._told
            for number in self._signals:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave signals to whoever had them before.

        Raises
        ------
        KeyboardInterrupt
            If it was raised in between, and what comes out is another exception, or none although nothing is kept:
            libraries in C make an ImportError of it while they are loaded, and others drop it.
        """
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()
        is_lost = not self.keeps if kind is None else not issubclass(kind, KeyboardInterrupt)
        if self.raised and is_lost:
            raise KeyboardInterrupt from error

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        return self._told.asked

    @property
    def raised(self) -> bool:
        """Whether a signal has raised KeyboardInterrupt."""
        return self._told.raised

    @property
    def number(self) -> int | None:
        """The signal by which it was asked first, None where there was none."""
        return self._told.number

    def should_stop(self, *, found: bool) -> bool:
        """Say whether a search is to stop: it was asked to, and has found something or looked for it long enough.

        Parameters
        ----------
        found
            Whether there is something to show for it.
        """
        if not self.asked or found:
            return self.asked
        now = time.monotonic()
        # from the first look on: what was asked while modules were loaded has not been looked for yet
        self._looking_since = self._looking_since or now
        return now > self._looking_since + PATIENCE

    def ask(self, number: int | None = None) -> None:
        """Ask to stop, here and in the Interrupts around this one.

        Parameters
        ----------
        number
            The signal by which, None where it was none.
        """
        if not self.asked:
            self._told.asked, self._told.number = True, number

    def keep(self) -> None:
        """Have it keep something from now on.

        Raises
        ------
        KeyboardInterrupt
            If it was asked to stop before, and whatever ran then has dropped the exception.
        """
        self.check()
        self.keeps = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if it was asked to stop and nothing is kept."""
        if self.asked and not self.keeps:
            raise KeyboardInterrupt

    def _chain(self) -> Iterator[Interrupt]:
        """Yield this one and those around it."""
        each: Interrupt | None = self
        while each is not None:
            yield each
            each = each._around

    def _receive(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        again = self.asked or now - Interrupt._last_asked < AGAIN
        Interrupt._last_asked = now
        self.ask(number)
        if again or not all(each.keeps for each in self._chain()):
            self._told.raised = True
            if not _is_loading(frame):
                raise KeyboardInterrupt
            # C++ that loads Python does not expect an exception, and may abort
            for each in self._chain():
                if each._leave is not None:
                    each._leave(each)
            if again:
                raise KeyboardInterrupt
            return  # raised by the next check, or where this ends
        once_more = "press Ctrl-C again" if number == signal.SIGINT else "send a second signal"
        # The signal may have come in the midst of another message, in which Python lets nobody write.
        with contextlib.suppress(RuntimeError, OSError, AttributeError):
            print(f"stopping in order; {once_more} to stop at once", file=sys.stderr, flush=True)


def _is_loading(frame: FrameType | None) -> bool:
    """Say whether a module is being loaded where a signal came."""
    while frame is not None and not frame.f_code.co_filename.startswith(_LOADER):
        frame = frame.f_back
    return frame is not None
