"""How much memory there is, asked before much of it is taken."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from kanopt.text import number_text

_GROUP = Path("/sys/fs/cgroup")


def available_bytes() -> float:
    """Return how many bytes this process can still take: of the machine, its group and its limit; infinity if unknown.

    Examples
    --------
    >>> available_bytes() > 1_000_000
    True
    """
    return min(_limits(), default=float("inf"))


def _limits() -> Iterator[float]:
    machine = Path("/proc/meminfo")
    if machine.exists():
        for line in machine.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                yield float(line.split()[1]) * 1024
    most, used = _GROUP / "memory.max", _GROUP / "memory.current"
    if most.exists() and used.exists() and (limit := most.read_text().strip()) != "max":
        yield float(limit) - float(used.read_text())
    if sys.platform == "win32":
        return
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    own = Path("/proc/self/statm")
    if soft != resource.RLIM_INFINITY and own.exists():
        yield float(soft) - float(own.read_text().split()[0]) * resource.getpagesize()


def gigabytes(count: float) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> gigabytes(6.4e9)
    '6.4 GB'
    """
    return f"{number_text(count / 1e9, 2)} GB"
