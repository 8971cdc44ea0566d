"""What a command does with the signals that stop it. Loads nothing: it is there before anything else is."""

from __future__ import annotations

import os
import signal
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


def stop_of_command() -> Interrupt:
    """Return what hears the signals of the command that runs; one that hears none where no command runs."""
    import click

    context = click.get_current_context(silent=True)
    found = None if context is None else context.find_object(Interrupt)
    return Interrupt() if found is None else found
