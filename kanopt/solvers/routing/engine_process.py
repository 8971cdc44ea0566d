"""Routing engines in processes of their own, side by side, heard by one that may be asked to stop."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kanopt.solvers.routing import engine_child as child
from kanopt.solvers.routing.arrays import NodeRoutes, Rank, RoutingArrays
from kanopt.solvers.routing.engines import EngineOrder

__all__ = ["EngineEnd", "run_processes"]

GRACE = 3.0
"""Seconds in which an engine that was asked to stop may say its last word."""
_GLANCE = 0.1

OnIncumbent = Callable[[int, NodeRoutes, Rank], None]
Lines = queue.Queue[tuple[int, dict[str, Any] | None]]


@dataclass
class EngineEnd:
    """What became of an engine in a process of its own.

    Parameters
    ----------
    wall_seconds, cpu_seconds
        What it took, the start of the process included.
    message
        Why the search ended; empty for the time limit.
    failed
        Whether the process ended before the search did; then `message` is the end of its complaints.
    """

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    message: str = ""
    failed: bool = False


def run_processes(
    arrays: RoutingArrays,
    orders: Sequence[EngineOrder],
    *,
    left: Callable[[], float],
    asked: Callable[[], bool],
    heard: OnIncumbent,
) -> list[EngineEnd]:
    """Run engines side by side, each in a process of its own, until all have ended.

    An engine that crashes ends; the others go on, and what it had found before is not lost.

    Parameters
    ----------
    arrays
        The problem.
    orders
        What each engine is to do.
    left
        Wall seconds that are left; what the start of a process takes is not added to them.
    asked
        Looked at ten times a second: whether to stop.
    heard
        Called with the number of an order and each better plan of its engine. If it raises, all engines are ended
        and the exception goes on.
    """
    lines: Lines = queue.Queue()
    with (
        TemporaryDirectory(prefix="kanopt-", ignore_cleanup_errors=True) as name,
        contextlib.ExitStack() as all_ended,
    ):
        folder = Path(name)
        arrays.save(folder / child.ARRAYS)
        processes = []
        for number, order in enumerate(orders):
            processes.append(_EngineProcess(folder, number, order, lines))
            all_ended.callback(processes[-1].close)
        _listen(processes, lines, left=left, asked=asked, heard=heard)
        all_ended.close()
        while not lines.empty():
            _handle_line(processes, lines.get(), left, heard)
        return [process.end for process in processes]


def _listen(
    processes: Sequence[_EngineProcess],
    lines: Lines,
    *,
    left: Callable[[], float],
    asked: Callable[[], bool],
    heard: OnIncumbent,
) -> None:
    """Hear the engines until all have ended, or have had time to after they were asked to."""
    stopped: float | None = None
    while any(process.has_written for process in processes):
        if stopped is None and (asked() or left() <= 0):
            stopped = time.perf_counter()
            for process in processes:
                process.stop()
        if stopped is not None and time.perf_counter() > stopped + GRACE:
            return
        with contextlib.suppress(queue.Empty):
            _handle_line(processes, lines.get(timeout=_GLANCE), left, heard)


def _handle_line(
    processes: Sequence[_EngineProcess],
    item: tuple[int, dict[str, Any] | None],
    left: Callable[[], float],
    heard: OnIncumbent,
) -> None:
    """Take in one line of an engine, or that there will be no more."""
    number, line = item
    process = processes[number]
    if line is None:
        process.has_written = False
    elif "ready" in line:
        process.begin(left())
    elif "end" in line:
        process.end.message, process.reported_end = line["end"], True
    else:
        heard(number, line["ways"], (int(line["rank"][0]), int(line["rank"][1])))


class _EngineProcess:
    """One engine at work."""

    def __init__(self, folder: Path, number: int, order: EngineOrder, lines: Lines) -> None:
        self.number = number
        self.end = EngineEnd()
        self.has_written = True
        self.reported_end = False
        self.began = time.perf_counter()
        self.errors = folder / f"errors{number}.txt"
        (folder / child.ORDER.format(number)).write_text(json.dumps(asdict(order)), "utf-8")
        with self.errors.open("wb") as complaints:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", child.__file__, str(folder), str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
                encoding="utf-8",
            )
        self.reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self.reader.start()

    def _read(self, lines: Lines) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            # what was cut off when the process ended is no line
            if line.endswith("\n"):
                lines.put((self.number, json.loads(line)))
        self.end.wall_seconds = time.perf_counter() - self.began
        lines.put((self.number, None))

    def begin(self, seconds: float) -> None:
        """Let it search for so long."""
        assert self.process.stdin is not None
        # a process that is gone or was told to stop needs no time
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """Ask it to stop and to say its last word."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def close(self) -> None:
        """End it if it has not ended, and note what became of it."""
        self.end.failed = not (self.reported_end or self.has_written)
        self.stop()
        if not self.reported_end:
            self.process.kill()
        before = sum(os.times()[2:4])
        code = self.process.wait()
        self.end.cpu_seconds = sum(os.times()[2:4]) - before
        self.reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        if self.end.failed:
            told = self.errors.read_text("utf-8", "replace").strip().splitlines()[-1:]
            self.end.message = f"failed: {told[0] if told else f'its process ended with code {code}'}"
