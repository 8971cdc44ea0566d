"""Exceptions as exit codes and messages; no traceback, unless one is asked for."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from io import StringIO
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli.options import echo, warnings_to_stderr
from kanopt.cli.stopping import exit_code_of_stop, stop_of_command, words_of_stop
from kanopt.errors import FormulaError, KanoptError, NoPlanError, SolverError
from kanopt.interrupt import Interrupt

if TYPE_CHECKING:
    from kanopt.plans.result import Result
    from kanopt.questions.answer import Answer

DEBUG = "KANOPT_DEBUG"


class ExitCode(IntEnum):
    """The exit codes of the command line."""

    SOLVED = 0
    INTERNAL_ERROR = 1
    BAD_INPUT = 2
    INFEASIBLE = 3
    NO_PLAN = 4
    LAW_REFUSED = 5
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


_CODES = {
    "optimal": ExitCode.SOLVED,
    "feasible": ExitCode.SOLVED,
    "partial": ExitCode.INFEASIBLE,
    "infeasible": ExitCode.INFEASIBLE,
    "no plan": ExitCode.NO_PLAN,
}
"""By the status of a result."""


def exit_code_of(found: Result | Answer | NoPlanError, stop: Interrupt | None = None) -> ExitCode:
    """Return the exit code of a result, of an answer, or of a question that has none for want of a plan.

    What hears the signals is that of the command that runs, where it is not given.
    """
    stop = stop or stop_of_command()
    if getattr(found, "interrupted", False) or stop.asked:
        return ExitCode(exit_code_of_stop(stop))
    return _CODES[str(found.status)]


def run_guarded(command: Callable[[], Any], stop: Interrupt) -> int:
    """Run a command; turn whatever it raises into a message on stderr and an exit code.

    Parameters
    ----------
    command
        Returns an exit code, or anything else where all is well.
    stop
        What hears the signals meanwhile.
    """
    try:
        with warnings_to_stderr():
            code = command()
        sys.stdout.flush()
    except BaseException as error:
        return _report(error, stop)
    return code if isinstance(code, int) else ExitCode.SOLVED


def _report(error: BaseException, stop: Interrupt) -> int:
    """Print what an exception says; return its exit code."""
    match error:
        case BrokenPipeError() | SystemExit():
            # the reader of our output has closed the pipe (click makes that a SystemExit, and nothing else one)
            _leave_stdout()
            return ExitCode.PIPE_CLOSED
        case KeyboardInterrupt() | click.Abort():
            # click makes an Abort of a KeyboardInterrupt
            echo(str(error.__cause__ or error) or words_of_stop(stop), err=True)
            return exit_code_of_stop(stop)
        case Exception() if stop.raised:
            # C extensions that are just being loaded make an ImportError of a KeyboardInterrupt
            echo(words_of_stop(stop), err=True)
            return exit_code_of_stop(stop)
        case click.ClickException():
            shown = StringIO()
            error.show(shown)  # usage and hints with the message
            echo(shown.getvalue().rstrip("\n"), err=True)
            return ExitCode.BAD_INPUT
        case SolverError():
            return _print_error(error, ExitCode.INTERNAL_ERROR)
        case NoPlanError():
            return _print_error(error, exit_code_of(error, stop))
        case FormulaError():
            return _print_error(error, ExitCode.LAW_REFUSED)
        case KanoptError():
            return _print_error(error, ExitCode.BAD_INPUT)
        case MemoryError() | ImportError() | OSError() if _is_short_of_memory(error):
            told = "there is too little memory for this process; allow it more, or give it smaller tables"
            return _print_error(error, ExitCode.BAD_INPUT, told)
        case OSError():
            return _report_file(error)
        case Exception():  # a fault of our own is reported in one line
            told = f"kanopt failed: {type(error).__name__}: {error}"
            hint = f"This is a fault of kanopt, not of your files. Run it again with {DEBUG}=1 for the traceback."
            return _print_error(error, ExitCode.INTERNAL_ERROR, told, hint)
    raise error


def _leave_stdout() -> None:
    """Let what is still buffered for stdout go nowhere: it must not raise again when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_file(error: OSError) -> int:
    """Name the file that could not be read or written."""
    place = f"{error.filename}: " if error.filename else ""
    try:
        sys.stdout.flush()
    except OSError:
        place = "standard output: "
        _leave_stdout()
    echo(f"{place}{error.strerror or error}", err=True)
    return ExitCode.BAD_INPUT


def _print_error(error: Exception, code: int, told: str = "", hint: str = "") -> int:
    """Print a message, and the traceback if it is asked for, else a hint; return the exit code."""
    echo(told or str(error), err=True)
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    elif hint:
        echo(hint, err=True)
    return code


def _is_short_of_memory(error: BaseException) -> bool:
    """Say whether an error means that there is not enough memory: libraries that do not fit are not loaded."""
    return (
        isinstance(error, MemoryError)
        or getattr(error, "errno", None) == errno.ENOMEM
        or any(said in str(error) for said in ("failed to map segment", "annot allocate memory"))
    )
