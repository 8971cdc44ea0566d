"""How far a search for a law is, and when it is to stop: for the structure of a network, and for a formula."""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeVar

from kanopt.errors import FitError, KanoptWarning
from kanopt.interrupt import Interrupt
from kanopt.progress import ProgressLine
from kanopt.text import count_text, number_text, percent_text, seconds_text

if TYPE_CHECKING:
    from torch import Tensor


FOR_FIT = 0.6
"""Share of the seconds for a law that the fit of its network has; the rest, and what it leaves, is for the formula."""


class SearchStopped(Exception):  # noqa: N818 - no error: the search was asked to end
    """A search was stopped on request; whoever began it takes the best law so far."""


@dataclass(frozen=True)
class FitProgress:
    """How far a search for a law is.

    Attributes
    ----------
    structure
        What is being fitted, or looked for, in words.
    refits
        Number of training steps, or refits of 2,000 rows, in all.
    refits_most
        After about how many refits a search for a formula ends; None for training steps, which no number ends.
    error
        Smallest error of a structure so far, None before the first is finished: the root mean square error of rows
        left out, in the units of the target; of a formula that of the rows.
    relative
        Whether the error is that of the logarithm, and so a share of the target.
    seconds, seconds_left
        How long it takes already, and how much of the time given is left, None where none was given.
    """

    structure: str = ""
    refits: int = 0
    refits_most: int | None = None
    error: float | None = None
    relative: bool = False
    seconds: float = 0.0
    seconds_left: float | None = None

    def __str__(self) -> str:
        work = count_text(self.refits, "step")
        if self.refits_most is not None:
            work = f"{self.refits:,} of about {self.refits_most:,} refits"
        parts = [*([self.structure] if self.structure else []), work]
        if self.error is not None:
            error = percent_text(self.error) if self.relative else number_text(self.error, 3)
            parts.append(f"best error {error}")
        if self.seconds_left is not None:
            parts.append(f"{seconds_text(max(self.seconds_left, 0.0))} left")
        return ", ".join(parts)


class FitMonitor:
    """Reports how far a search for a law is, and decides when to stop.

    Where its time is over, where a Ctrl-C has come, and where the function that is told raises KeyboardInterrupt, it
    asks to stop; whoever searches then returns the best law so far.

    Parameters
    ----------
    on_progress
        Called with the progress after every step.
    interrupt
        Hears Ctrl-C; by default nothing does.
    budget
        Seconds after which to stop, from now on; None for no end.

    Attributes
    ----------
    stopped
        By what the search was stopped, in words, as after "it was stopped"; empty where it was not.
    """

    def __init__(
        self,
        on_progress: Callable[[FitProgress], object] | None = None,
        interrupt: Interrupt | None = None,
        budget: float | None = None,
    ) -> None:
        self._on_progress = on_progress
        self._interrupt = interrupt or Interrupt()
        self._began = time.monotonic()
        self.budget = budget
        self.stopped = ""
        self._state = FitProgress()
        self._refits = 0.0

    @property
    def seconds_left(self) -> float | None:
        """How much of the time given is left; None where none was given."""
        return None if self.budget is None else self.budget - (time.monotonic() - self._began)

    @property
    def is_out_of_time(self) -> bool:
        """Whether all the time given is over."""
        left = self.seconds_left
        return left is not None and left <= 0.0

    def begin(self, structure: str) -> None:
        """Start reporting on another structure, or another search for a formula."""
        self._state = replace(self._state, structure=structure)

    def begin_formula(self, refits: float) -> None:
        """Start reporting on a formula, the searches for which end by themselves after so many refits."""
        self._state = replace(self._state, refits_most=round(refits))

    def note_error(self, error: float, *, relative: bool = False) -> None:
        """Take notice of the error of a structure that is finished."""
        known = self._state.error
        if known is None or relative != self._state.relative or error < known:
            self._state = replace(self._state, error=error, relative=relative)

    def record(self, fit: str) -> dict[str, str]:
        """Return what the provenance of a formula says where it, or the fit before it, was stopped before its end.

        Parameters
        ----------
        fit
            By what the fit was stopped, in words; empty where it was not.
        """
        parts = [f"the fit {fit}"] if fit else []
        if self.stopped:
            parts.append(f"the search for a formula {self.stopped} after {count_text(self.refits, 'refit')}")
        return {"stopped": " and ".join(parts)} if parts else {}

    def should_stop(self) -> bool:
        """Say whether to stop."""
        if not self.stopped and self._interrupt.asked:
            self.stopped = "on request"
        elif not self.stopped and self.is_out_of_time:
            self.stopped = f"by its budget of {number_text(self.budget or 0.0)} s"
        return bool(self.stopped)

    def __call__(self, iteration: int, losses: Tensor) -> bool:
        """Report one step of a trainer; return whether to stop."""
        return self.count()

    @property
    def refits(self) -> int:
        """How many training steps, or refits, there were."""
        return int(self._refits)

    def count(self, work: float = 1.0) -> bool:
        """Report one step, or so many refits; return whether to stop."""
        self._refits += work
        if self._on_progress is not None:
            seconds, left = time.monotonic() - self._began, self.seconds_left
            self._state = replace(self._state, refits=self.refits, seconds=seconds, seconds_left=left)
            try:
                self._on_progress(self._state)
            except KeyboardInterrupt:
                self._interrupt.ask()
        return self.should_stop()


Progress = TypeVar("Progress")


@contextmanager
def watched(
    progress: Callable[[FitProgress], None] | bool | None, budget: float | None
) -> Iterator[FitMonitor]:
    """Yield what is told how far a search is, and says when to stop.

    Parameters
    ----------
    progress
        Is called after every step; None for a line where somebody looks, False for nothing.
    budget
        Seconds; None for no end.

    Raises
    ------
    FitError
        If one of them is something else.
    """
    checked_progress(progress)
    seconds = checked_budget(budget)
    with one_thread(), Interrupt() as interrupt, line_unless_told(progress) as tell:
        yield FitMonitor(tell, interrupt, seconds)


@contextmanager
def line_unless_told(
    progress: Callable[[Any], object] | bool | None,
) -> Iterator[Callable[[Any], object] | None]:
    """Yield what is called with the progress: a given function, for False nothing, else a line where somebody looks."""
    if callable(progress) or progress is False:
        yield progress or None
    else:
        with ProgressLine() as line:
            yield line


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep PyTorch and the linear algebra of numpy to one thread inside the block.

    The matrices of a fit are small: a second thread gains nothing, and on a busy machine threads spin while they wait
    for each other.

    Examples
    --------
    >>> import torch
    >>> before = torch.get_num_threads()
    >>> with one_thread():
    ...     print(torch.get_num_threads())
    1
    >>> torch.get_num_threads() == before
    True
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _libraries(len(sys.modules)).limit(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:
    """Return the libraries that have threads.

    Looking for them takes as long as a small fit. They come with modules: as long as no more of these are loaded, no
    more of those are either.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def warn_if_stopped(watch: FitMonitor) -> None:
    """Warn where a search for a formula was stopped before its end."""
    if watch.stopped:
        warnings.warn(
            f"the search for a formula was stopped {watch.stopped} after {count_text(watch.refits, 'refit')}; kept is "
            "the best law until then",
            KanoptWarning,
            stacklevel=3,
        )


def checked_progress(progress: Progress) -> Progress:
    """Return what is told how far something is, checked."""
    if not callable(progress) and not (progress is None or isinstance(progress, bool)):
        raise FitError(
            f"progress={progress!r} must be a function of the progress, such as progress=print, or False for no line"
        )
    return progress


def checked_budget(budget: Any) -> float | None:
    """Return a budget, checked."""
    if budget is None:
        return None
    if isinstance(budget, bool) or not isinstance(budget, Real) or not float(budget) > 0.0:
        raise FitError(
            f"budget={budget!r} must be a number of seconds above 0, such as 20, or None for no end"
        )
    return None if math.isinf(float(budget)) else float(budget)
