"""Child processes: a script at work in a process of its own, read line by line, asked to stop, never left behind.

One script is one kind of work. It defines a function that takes its order and a :class:`Channel`, and ends with ::

    if __name__ == "__main__":
        from kanopt.worker import serve

        serve(work)

It is run as a script so that no program of the user is imported again, and so that it imports no more than it needs.
Order, commands and messages go through pipes and standard error into a file without a name, so that nothing is left in
the temporary folder, whichever of the two processes is killed. A worker ends within a second of the process that
started it.
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
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

__all__ = ["GRACE", "Channel", "WorkerEnd", "run_workers", "serve"]

GRACE = 3.0
"""Seconds in which a worker that was asked to stop may send its last message."""
_POLL_SECONDS = 0.1
_STOP = b"stop\n"
_ERROR_LINES = 15
_START = """
import os, runpy, sys, sysconfig
package, script, parent = sys.argv[1:]
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(parent):
    os._exit(1)
installed = sysconfig.get_path("purelib")
sys.path.insert(sys.path.index(installed) if installed in sys.path else len(sys.path), package)
runpy.run_path(script, run_name="__main__")
"""
"""Runs a script so that it finds the package of the process that started it: before another kanopt that is installed,
but behind the standard library, whose modules something beside an installed package could hide.

Under Linux the kernel kills it (PR_SET_PDEATHSIG, SIGKILL) as soon as the thread that started it is gone, however that
came: a library that holds the interpreter's lock would keep :class:`Channel` from hearing of it. The order of the two
lines leaves no gap: who died before the first is seen by the second.
"""

_PACKAGE = Path(__file__).resolve().parents[1]

Lines = queue.Queue[tuple[int, str | None]]


@dataclass
class WorkerEnd:
    """What became of a worker.

    Parameters
    ----------
    wall_seconds, cpu_seconds
        What it took, the start of the process included.
    message
        The last message of its script; if it failed, ``failed:`` and why.
    failed
        Whether the process ended, or spoke invalid_line, before its script had said a last word.
    error_output
        The last lines that it printed, and that libraries printed in it.
    """

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    message: str = ""
    failed: bool = False
    error_output: tuple[str, ...] = ()


def run_workers(
    script: str,
    orders: Sequence[Any],
    *,
    seconds_left: Callable[[], float],
    stop_requested: Callable[[], bool],
    on_message: Callable[[int, Any], None],
    grace: float = GRACE,
) -> list[WorkerEnd]:
    """Run a script side by side, once for each order, until all have ended.

    A worker that crashes ends; the others go on, and its messages are not lost.

    Parameters
    ----------
    script
        Path of the script.
    orders
        What each worker is to do: anything that can be pickled.
    seconds_left
        Wall seconds that are left; what the start of a process takes is not added to them.
    stop_requested
        Whether to stop; called ten times a second.
    on_message
        Called with the number of an order and a message of its worker. If it raises, all workers are ended at once and
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
        _listen(
            workers,
            lines,
            seconds_left=seconds_left,
            stop_requested=stop_requested,
            on_message=on_message,
            grace=grace,
        )
        all_ended.close()
        while not lines.empty():
            _handle_line(workers, lines.get(), seconds_left, on_message)
        return [worker.end for worker in workers]


def _listen(
    workers: Sequence[_Worker],
    lines: Lines,
    *,
    seconds_left: Callable[[], float],
    stop_requested: Callable[[], bool],
    on_message: Callable[[int, Any], None],
    grace: float,
) -> None:
    """Read from the workers until all have ended, or have had time to after they were asked to."""
    stopped: float | None = None
    while any(worker.is_open for worker in workers):
        if stopped is None and (stop_requested() or seconds_left() <= 0):
            stopped = time.perf_counter()
            for worker in workers:
                worker.send(_STOP)
        if stopped is not None and time.perf_counter() > stopped + grace:
            return
        with contextlib.suppress(queue.Empty):
            _handle_line(workers, lines.get(timeout=_POLL_SECONDS), seconds_left, on_message)


def _handle_line(
    workers: Sequence[_Worker],
    item: tuple[int, str | None],
    seconds_left: Callable[[], float],
    on_message: Callable[[int, Any], None],
) -> None:
    """Take in one line of a worker, or that there will be no more."""
    number, line = item
    worker = workers[number]
    if line is None:
        worker.is_open = False
        return
    kind, content = _parse(line)
    if kind == "ready":
        worker.send(f"{seconds_left()}\n".encode())
    elif kind == "message":
        on_message(number, content)
    elif kind == "end":
        worker.end.message, worker.has_ended = str(content), True
    else:
        worker.invalid_line = line.strip()
        worker.process.kill()


def _parse(line: str) -> tuple[str, Any]:
    """Return kind and content of a line; an empty kind where it is none of ours.

    Examples
    --------
    >>> _parse('["message", 3]'), _parse("hello")
    (('message', 3), ('', None))
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
        self.is_open = True
        self.has_ended = False
        self.invalid_line = ""
        self.began = time.perf_counter()
        self.error_output = TemporaryFile()  # noqa: SIM115 - closed with the worker
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-c", _START, str(_PACKAGE), script, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.error_output,
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
        self.end.failed = bool(self.invalid_line) or not (self.has_ended or self.is_open)
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
        with self.error_output:
            self.error_output.seek(0)
            lines = self.error_output.read().decode("utf-8", "replace").strip().splitlines()
        self.end.error_output = tuple(lines[-_ERROR_LINES:])
        if self.invalid_line:
            self.end.message = f"failed: its process wrote what is no message: {self.invalid_line[:80]!r}"
        elif self.end.failed:
            self.end.message = f"failed: {lines[-1] if lines else f'its process ended with code {code}'}"


class Channel:
    """What a script sends to the process that started it, and receives from it.

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
        """Report that all is read and imported; return the seconds that are left for the work."""
        self._write("ready", None)
        return self._seconds.get()

    def send(self, content: Any) -> None:
        """Send a message, as JSON."""
        self._write("message", content)

    def finish(self, message: str) -> None:
        """Send the last message and end the process, from within a search that knows no other end."""
        self._write("end", message)
        os._exit(0)

    def _write(self, kind: str, content: Any) -> None:
        # a reader that has gone away must not become an exception inside a solver
        try:
            print(json.dumps([kind, content]), file=self._out, flush=True)
        except OSError:
            os._exit(1)


def serve(work: Callable[[Any, Channel], str]) -> None:
    """Do the work of a script: read its order, let it send messages, and pass on the last one that it returns.

    Standard output of the process belongs to the channel: what libraries print goes to standard error.
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
    channel.finish(message)
