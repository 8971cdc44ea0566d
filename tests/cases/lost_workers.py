"""Tasks whose workers are killed, for tests of those that send them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    """A task with a number."""

    point: int
    kills: int = 0


@dataclass(frozen=True)
class Done:
    """Its result."""

    point: int
    value: object
    process: int


def work(folder: str, task: Task) -> Done:
    """Return the square of the number; kill the own process first, as often as the task says."""
    for attempt in range(task.kills):
        mark = Path(folder) / f"{task.point}-{attempt}"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return Done(task.point, task.point**2, os.getpid())


def fail(folder: str, task: Task) -> Done:
    """Raise an error."""
    raise ValueError(f"task {task.point} in {folder}")


def blocked_signals(folder: str, task: Task) -> Done:
    """Return the signals that the worker does not hear."""
    return Done(task.point, signal.pthread_sigmask(signal.SIG_BLOCK, ()), os.getpid())
