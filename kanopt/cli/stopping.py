"""What a command does with the signals that stop it. Loads nothing: it is there before anything else is."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from kanopt.interrupt import Interrupt

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Those that stop a command in order."""


def exit_code_of_stop(stop: Interrupt) -> int:
    """Return the exit code of a command that was stopped: that of Ctrl-C, where it was no other signal.

    Examples
    --------
    >>> exit_code_of_stop(Interrupt())
    130
    """
    return 128 + (stop.number or signal.SIGINT)


def words_of_stop(stop: Interrupt) -> str:
    """Say that a signal has stopped a command, and what is left of it."""
    how = "terminated" if stop.number == signal.SIGTERM else "stopped by the user"
    if stop.keeps and stop.raised:
        return f"{how} at once; what was not written yet is lost"
    return f"{how} before there was anything to write"


def leave(stop: Interrupt) -> NoReturn:
    """End the process at once.

    While modules are loaded there is nothing to tidy up, and KeyboardInterrupt may make the process abort: libraries in
    C++ do not expect it there.
    """
    os.write(2, f"{words_of_stop(stop)}\n".encode())
    os._exit(exit_code_of_stop(stop))


MEMORY_NEEDED = 2 << 30
"""Bytes of address space that the libraries take which learn laws and plan; measured with one thread each."""


def words_of_memory() -> str:
    """Say that there is too little memory, and what limits it."""
    limit = _memory_limit()
    limited = "" if limit is None else f": it is limited to {limit // 1024:,} kB (ulimit -v)"
    return f"there is too little memory for this process{limited}; allow it more, or give it smaller tables"


def has_memory() -> bool:
    """Say whether there is enough memory to load libraries, where it is limited.

    OpenBLAS asks for its memory again and again while it is loaded, and no signal ends that.
    """
    if _memory_limit() is None:
        return True
    import mmap

    # each thread takes memory of its own, and there may be many
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        mmap.mmap(-1, MEMORY_NEEDED, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except (OSError, MemoryError):
        return False
    return True


def _memory_limit() -> int | None:
    """Return the bytes of address space that the process may use; None where nothing limits them."""
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def stop_of_command() -> Interrupt:
    """Return what hears the signals of the command that runs; one that hears none where no command runs."""
    import click

    context = click.get_current_context(silent=True)
    found = None if context is None else context.find_object(Interrupt)
    return Interrupt() if found is None else found
