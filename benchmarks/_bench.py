"""What the benchmarks share: alternating measurements, and a line that says where they were made."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version

import torch

__all__ = ["Timing", "alternate", "footer", "installed"]


@dataclass(frozen=True)
class Timing:
    """Medians over the repeats, in seconds."""

    wall: float
    cpu: float


def alternate(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, Timing]:
    """Run contenders in turns, A B A B, so that a busy machine is busy for all; return their medians.

    Each runs once before, unmeasured. CUDA is waited for.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, run in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {
        name: Timing(statistics.median(w for w, _ in runs), statistics.median(c for _, c in runs))
        for name, runs in times.items()
    }


def installed(package: str) -> bool:
    """Whether a peer is there; says so in one line where it is not."""
    try:
        version(package)
    except PackageNotFoundError:
        print(f"{package} is not installed and left out (pip install {package})")
        return False
    return True


def footer(packages: list[str], seed: int | str) -> str:
    """Return date, machine, versions and seed in one line."""
    found = ", ".join(f"{name} {version(name)}" for name in ("kanopt", "torch", "numpy", *packages))
    card = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return (
        f"{date.today()}, {os.cpu_count()} cores of {platform.machine()}{card}, Python {platform.python_version()}, "
        f"{found}, {torch.get_num_threads()} thread, seed {seed}"
    )
