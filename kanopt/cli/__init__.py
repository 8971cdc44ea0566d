"""The command line: scenarios checked, run and compared; laws fitted.

Results go to stdout, progress and messages to stderr. Nothing heavy is loaded before a command needs it; nothing at all
before signals are listened to, so that Ctrl-C while modules load ends as it does later.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import ExitStack
from typing import Any

from kanopt.cli.stopping import SIGNALS, exit_code_of_stop, leave
from kanopt.interrupt import Interrupt

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Parameters
    ----------
    arguments
        In place of those of the process, without the program's name.
    """
    _open_closed_streams()
    with ExitStack() as restored:
        own = arguments is None  # the process is ours, and ends with the command
        stop = Interrupt(keeps=False, signals=SIGNALS, leave=leave if own else None)
        restored.enter_context(stop)
        code = _run(arguments, stop)
        stop.keeps = True  # KeyboardInterrupt has become the code, and is not to come out any more
        if own:
            # what comes now must neither change the code nor print a traceback
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            restored.pop_all()
            # it takes Python seconds to look through all that was loaded for what need not be freed any more
            gc.freeze()
    raise SystemExit(code)


def _open_closed_streams() -> None:
    """Let output that nobody takes go nowhere, as with ``kanopt run … >&-``.

    Python has no stream then, and the first file that is opened would get its number: what a library prints would be
    written into the report.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # the lowest free number is taken, until the three of the streams are
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8")  # noqa: SIM115


def _run(arguments: list[str] | None, stop: Interrupt) -> int:
    """Run the command line; return its exit code."""

    def command() -> Any:
        from kanopt.cli.commands import kanopt

        return kanopt.main(args=arguments, prog_name="kanopt", standalone_mode=False, obj=stop)

    try:
        from kanopt.cli.failures import run_guarded

        return run_guarded(command, stop)
    except BaseException:
        if not stop.raised:
            raise
        return exit_code_of_stop(stop)
