"""How much work something is, told by counting instead of by a clock, which a busy machine slows down."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["TooMuch", "at_most"]

MEGABYTE = 1_000_000


class TooMuch(BaseException):
    """More work than there may be; no ``except Exception`` on the way holds it up."""


@contextmanager
def at_most(calls: int, *, megabytes: float | None = None) -> Iterator[None]:
    """Refuse work of more than so many calls, of functions in Python and in C, or of more memory at a time.

    Parameters
    ----------
    calls
        Work is broken off at the first call beyond.
    megabytes
        Allocated at a time, beyond what was there before; None asks nothing.

    Raises
    ------
    TooMuch
        In the middle of the work, or after it where it is memory.
    """
    if megabytes is not None:
        tracemalloc.start()
    try:
        with _profiled(_Count(calls)):
            yield
        peak = tracemalloc.get_traced_memory()[1] / MEGABYTE
    finally:
        tracemalloc.stop()
    if megabytes is not None and peak > megabytes:
        raise TooMuch(f"{peak:.1f} MB of memory, more than {megabytes:g}")


class _Count:
    """Counts calls, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.calls, self.limit = 0, limit

    def __call__(self, frame: FrameType, event: str, given: Any) -> None:
        if event in ("call", "c_call"):
            self.calls += 1
            if self.calls > self.limit:
                sys.setprofile(None)
                raise TooMuch(f"more than {self.limit:,} calls, the last in {frame.f_code.co_qualname}")


@contextmanager
def _profiled(count: _Count) -> Iterator[None]:
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
