"""Watch over a search for a law: Ctrl-C, a budget in seconds, and what is told of how far it is."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from numbers import Real
from typing import Any, TypeVar

from kanopt.errors import FitError, KanoptWarning
from kanopt.interrupt import Interrupt
from kanopt.progress import ProgressLine
from kanopt.surrogates.monitor import FitMonitor, FitProgress
from kanopt.text import count_text

__all__ = ["checked_budget", "checked_progress", "line_unless_told", "warn_if_stopped", "watched"]

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
