"""The counter of work counts, breaks off, and leaves nothing behind."""

from __future__ import annotations

import sys
import tracemalloc

import pytest

from tests.effort import TooMuch, at_most


def test_work_is_broken_off_at_the_first_call_beyond() -> None:
    done = []

    def work() -> None:
        for k in range(10**9):
            done.append(k)  # noqa: PERF402 - every step is to be a call

    with pytest.raises(TooMuch, match="more than 100 calls"), at_most(100):
        work()
    assert 90 < len(done) <= 100
    assert sys.getprofile() is None


def test_memory_is_what_is_held_at_a_time() -> None:
    with at_most(100, megabytes=3.0):
        for _ in range(9):
            bytes(2_000_000)
    with pytest.raises(TooMuch, match=r"4\.0 MB of memory, more than 3"), at_most(100, megabytes=3.0):
        bytes(4_000_000)
    assert not tracemalloc.is_tracing()
