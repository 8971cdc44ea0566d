"""Child processes: a script at work in a process of its own, heard line by line, asked to stop, never left behind.

One script is one kind of work. It defines a function that takes its order and a :class:`Channel`, and ends with ::

    if __name__ == "__main__":
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # where the package lies
        from kanopt.worker import serve

        serve(work)

It is run as a script so that no program of the user is imported again, and so that it imports no more than it needs.
Order, commands and answers go through pipes and complaints into a file without a name, so that nothing is left in the
temporary folder, whichever of the two processes is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

__all__ = ["GRACE", "Channel", "WorkerEnd", "run_workers", "serve"]

GRACE = 3.0
"""Seconds in which a worker that was asked to stop may say its last word."""
_GLANCE = 0.1
_STOP = b"stop\n"
_COMPLAINTS = 15

Lines = queue.Queue[tuple[int, str | None]]


@dataclass
class WorkerEnd:
    """What became of a worker.

    Parameters
    ----------
    wall_seconds, cpu_seconds
        What it took, the start of the process included.
    message
        The last word of its script; if it failed, ``failed:`` and why.
    failed
        Whether the process ended, or spoke nonsense, before its script had said a last word.
    complaints
        The last lines that it printed, and that libraries printed in it.
    """

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    message: str = ""
    failed: bool = False
    complaints: tuple[str, ...] = ()


def run_workers(
    script: str,
    orders: Sequence[Any],
    *,
    left: Callable[[], float],
    asked: Callable[[], bool],
    heard: Callable[[int, Any], None],
    grace: float = GRACE,
) -> list[WorkerEnd]:
    """Run a script side by side, once for each order, until all have ended.

    A worker that crashes ends; the others go on, and what it had told before is not lost.

    Parameters
    ----------
    script
        Path of the script.
    orders
        What each worker is to do: anything that can be pickled.
    left
        Wall seconds that are left; what the start of a process takes is not added to them.
    asked
        Looked at ten times a second: whether to stop.
    heard
        Called with the number of an order and what its worker tells. If it raises, all workers are ended at once and
        the exception goes on.
    grace
        Seconds between asking workers to stop and ending them.
    """
    lines: Lines = queue.Queue()
    with contextlib.ExitStack() as all_ended:
        workers = []
        for number, order in enumerate(orders):
            workers.append(_Worker(script, number, order, lines))
            all_ended.callback(workers[-1].close)
        _listen(workers, lines, left=left, asked=asked, heard=heard, grace=grace)
        all_ended.close()
        while not lines.empty():
            _handle_line(workers, lines.get(), left, heard)
        return [worker.end for worker in workers]


def _listen(
    workers: Sequence[_Worker],
    lines: Lines,
    *,
    left: Callable[[], float],
    asked: Callable[[], bool],
    heard: Callable[[int, Any], None],
    grace: float,
) -> None:
    """Hear the workers until all have ended, or have had time to after they were asked to."""
    stopped: float | None = None
    while any(worker.speaks for worker in workers):
        if stopped is None and (asked() or left() <= 0):
            stopped = time.perf_counter()
            for worker in workers:
                worker.send(_STOP)
        if stopped is not None and time.perf_counter() > stopped + grace:
            return
        with contextlib.suppress(queue.Empty):
            _handle_line(workers, lines.get(timeout=_GLANCE), left, heard)


def _handle_line(
    workers: Sequence[_Worker],
    item: tuple[int, str | None],
    left: Callable[[], float],
    heard: Callable[[int, Any], None],
) -> None:
    """Take in one line of a worker, or that there will be no more."""
    number, line = item
    worker = workers[number]
    if line is None:
        worker.speaks = False
        return
    kind, content = _parse(line)
    if kind == "ready":
        worker.send(f"{left()}\n".encode())
    elif kind == "told":
        heard(number, content)
    elif kind == "end":
        worker.end.message, worker.has_ended = str(content), True
    else:
        worker.nonsense = line.strip()
        worker.process.kill()


def _parse(line: str) -> tuple[str, Any]:
    """Return kind and content of a line; an empty kind where it is none of ours.

    Examples
    --------
    >>> _parse('["told", 3]'), _parse("hello")
    (('told', 3), ('', None))
    """
    with contextlib.suppress(ValueError, TypeError):
        kind, content = json.loads(line)
        return str(kind), content
    return "", None


class _Worker:
    """One process at work, with a thread that reads from it and one that writes to it."""

    def __init__(self, script: str, number: int, order: Any, lines: Lines) -> None:
        # first, since what cannot be pickled must not leave a process behind
        pickled = pickle.dumps(order)
        self.number = number
        self.end = WorkerEnd()
        self.speaks = True
        self.has_ended = False
        self.nonsense = ""
        self.began = time.perf_counter()
        self.complaints = TemporaryFile()  # noqa: SIM115 - closed with the worker
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            start_new_session=True,
        )
        self.commands: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.send(pickled)
        self.threads = [
            threading.Thread(target=self._read, args=(lines,), daemon=True),
            threading.Thread(target=self._write, daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def send(self, command: bytes) -> None:
        """Send an order or a command; a worker that does not read it holds nobody up."""
        self.commands.put(command)

    def _read(self, lines: Lines) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            # what was cut off when the process ended is no line
            if line.endswith(b"\n"):
                lines.put((self.number, line.decode("utf-8", "replace")))
        self.end.wall_seconds = time.perf_counter() - self.began
        lines.put((self.number, None))

    def _write(self) -> None:
        assert self.process.stdin is not None
        # a process that is gone needs no commands
        with contextlib.suppress(OSError), self.process.stdin as pipe:
            for command in iter(self.commands.get, None):
                pipe.write(command)
                pipe.flush()

    def close(self) -> None:
        """End it if it has not ended, and note what became of it."""
        self.end.failed = bool(self.nonsense) or not (self.has_ended or self.speaks)
        if not self.has_ended:
            self.process.kill()
        self.commands.put(None)
        before = sum(os.times()[2:4])
        code = self.process.wait()
        self.end.cpu_seconds = sum(os.times()[2:4]) - before
        for thread in self.threads:
            thread.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        with self.complaints:
            self.complaints.seek(0)
            told = self.complaints.read().decode("utf-8", "replace").strip().splitlines()
        self.end.complaints = tuple(told[-_COMPLAINTS:])
        if self.nonsense:
            self.end.message = f"failed: its process wrote what is no message: {self.nonsense[:80]!r}"
        elif self.end.failed:
            self.end.message = f"failed: {told[-1] if told else f'its process ended with code {code}'}"


class Channel:
    """What a script says to the process that started it, and hears from it.

    Parameters
    ----------
    out
        Takes the lines.
    commands
        Gives commands. Its end means that the process that started this one is gone; then this one ends at once.

    Attributes
    ----------
    stop_requested
        Whether it was asked to stop.
    """

    def __init__(self, out: IO[str], commands: IO[bytes]) -> None:
        self.stop_requested = False
        self._out = out
        self._seconds: queue.SimpleQueue[float] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(commands,), daemon=True).start()

    def _listen(self, commands: IO[bytes]) -> None:
        for command in commands:
            if command == _STOP:
                self.stop_requested = True
            self._seconds.put(0.0 if command == _STOP else float(command))
        os._exit(1)

    def ready(self) -> float:
        """Say that all is read and imported; return the seconds that are left for the work."""
        self._write("ready", None)
        return self._seconds.get()

    def tell(self, content: Any) -> None:
        """Tell something, as JSON."""
        self._write("told", content)

    def leave(self, message: str) -> None:
        """Say a last word and end the process, from within a search that knows no other end."""
        self._write("end", message)
        os._exit(0)

    def _write(self, kind: str, content: Any) -> None:
        # a reader that has gone away must not become an exception inside a solver
        try:
            print(json.dumps([kind, content]), file=self._out, flush=True)
        except OSError:
            os._exit(1)


def serve(work: Callable[[Any, Channel], str]) -> None:
    """Do the work of a script: read its order, let it tell, and pass on the last word that it returns.

    Standard output of the process belongs to the channel: what libraries print goes to the complaints.
    """
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    commands = sys.stdin.buffer
    order = pickle.load(commands)  # noqa: S301 - from the process that started this one
    channel = Channel(os.fdopen(own, "w", encoding="utf-8"), commands)
    try:
        message = work(order, channel)
    except BaseException:
        traceback.print_exc()
        # the thread that listens would hold up an end in order
        os._exit(1)
    channel.leave(message)
