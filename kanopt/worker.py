"""A child process: a script at work in a process of its own, read line by line, never left behind.

One script is one kind of work. It defines a function that takes its order and a :class:`Channel`, and ends with ::

    if __name__ == "__main__":
        from kanopt.worker import serve

        serve(work)

It is run as a script so that no program of the user is imported again, and so that it imports no more than it needs.
Its order, and what it prints on standard error, lie in files without a name, so that nothing is left in the temporary
folder, whichever of the two processes is killed. Under Linux the kernel ends it with the process that started it.
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
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

_POLL_SECONDS = 0.1
_ERROR_LINES = 15
_START = """
import runpy, sys, sysconfig
package, script = sys.argv[1:]
installed = sysconfig.get_path("purelib")
sys.path.insert(sys.path.index(installed) if installed in sys.path else len(sys.path), package)
runpy.run_path(script, run_name="__main__")
"""
"""Runs a script so that it finds the package of the process that started it: before another kanopt that is installed,
but behind the standard library, whose modules something beside an installed package could hide."""
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class WorkerEnd:
    """What became of a worker.

    Parameters
    ----------
    message
        The last message of its script; if it failed, ``failed:`` and why; empty where it was ended.
    failed
        Whether the process ended, or wrote what is no message, before its script had said a last word.
    error_output
        The last lines that it printed, and that libraries printed in it.
    """

    message: str = ""
    failed: bool = False
    error_output: tuple[str, ...] = ()


def run_worker(
    script: str,
    order: Any,
    *,
    stop_requested: Callable[[], bool],
    on_message: Callable[[Any], None],
) -> WorkerEnd:
    """Run a script until it ends, or is to.

    Parameters
    ----------
    script
        Path of the script.
    order
        What it is to do: anything that can be pickled.
    stop_requested
        Whether to end it; called ten times a second. What it has told by then is taken in.
    on_message
        Called with each message. If it raises, the worker is ended at once and the exception goes on.
    """
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    last, told = "", None

    def take(line: str | None) -> None:
        nonlocal last, told
        kind, content = ("gone", None) if line is None else _parse(line)
        if kind == "message":
            on_message(content)
        else:
            last, told = kind, content

    with TemporaryFile() as given, TemporaryFile() as errors:
        pickle.dump((os.getpid(), order), given)
        given.seek(0)
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-c", _START, str(_PACKAGE), script],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            while not last and not stop_requested():
                with contextlib.suppress(queue.Empty):
                    take(lines.get(timeout=_POLL_SECONDS))
        finally:
            if last != "end":
                process.kill()
            code = process.wait()
            reader.join()
        was_ended = not last
        while was_ended and last != "end" and not lines.empty():
            take(lines.get())
        errors.seek(0)
        printed = errors.read().decode("utf-8", "replace").strip().splitlines()
    output = tuple(printed[-_ERROR_LINES:])
    if last == "end" or was_ended:
        return WorkerEnd(str(told) if last == "end" else "", False, output)
    why = printed[-1] if printed else f"its process ended with code {code}"
    garbage = f"its process wrote what is no message: {str(told)[:80]!r}"
    return WorkerEnd(f"failed: {garbage if last == 'garbage' else why}", True, output)


def _read(pipe: IO[bytes], lines: queue.SimpleQueue[str | None]) -> None:
    with pipe:
        for line in pipe:
            # what was cut off when the process ended is no line
            if line.endswith(b"\n"):
                lines.put(line.decode("utf-8", "replace"))
    lines.put(None)


def _parse(line: str) -> tuple[str, Any]:
    """Return kind and content of a line; what is none of ours is garbage.

    Examples
    --------
    >>> _parse('["message", 3]'), _parse("hello")
    (('message', 3), ('garbage', 'hello'))
    """
    with contextlib.suppress(ValueError, TypeError):
        kind, content = json.loads(line)
        if kind in ("message", "end"):
            return kind, content
    return "garbage", line.strip()


class Channel:
    """What a script tells the process that started it, line by line in `out`."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def send(self, content: Any, kind: str = "message") -> None:
        """Send a message, as JSON."""
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
    parent, order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    if sys.platform == "linux":
        import ctypes

        # PR_SET_PDEATHSIG, SIGKILL: also where a library holds the interpreter's lock
        ctypes.CDLL(None).prctl(1, 9)
        if os.getppid() != parent:
            os._exit(1)
    channel = Channel(os.fdopen(own, "w", encoding="utf-8"))
    try:
        message = work(order, channel)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    channel.send(message, "end")
    os._exit(0)
