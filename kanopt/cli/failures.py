"""Exceptions as exit codes and messages; no traceback, unless one is asked for."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli.progress import warnings_to_stderr
from kanopt.errors import FormulaError, KanoptError, SolverError

if TYPE_CHECKING:
    from kanopt.problems.result import Result

__all__ = ["DEBUG", "ExitCode", "exit_code_of", "run_guarded"]

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


def exit_code_of(result: Result) -> ExitCode:
    """Return the exit code of a result."""
    if result.interrupted:
        return ExitCode.INTERRUPTED
    return {
        "optimal": ExitCode.SOLVED,
        "feasible": ExitCode.SOLVED,
        "partial": ExitCode.INFEASIBLE,
        "infeasible": ExitCode.INFEASIBLE,
        "no plan": ExitCode.NO_PLAN,
    }[result.status.value]


def run_guarded(command: Callable[[], Any]) -> int:
    """Run a command; turn whatever it raises into a message on stderr and an exit code."""
    try:
        with warnings_to_stderr():
            code = command()
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        # the reader of our output has closed the pipe (click makes that a SystemExit, and nothing else one); the output
        # that is still buffered must not raise again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.PIPE_CLOSED
    except click.ClickException as error:
        error.show()
        return ExitCode.BAD_INPUT
    except (KeyboardInterrupt, click.Abort) as error:
        # click makes an Abort of a KeyboardInterrupt
        words = str(error.__cause__ or error)
        click.echo(words or "stopped by the user before there was anything to write", err=True)
        return ExitCode.INTERRUPTED
    except SolverError as error:
        return _print_error(error, ExitCode.INTERNAL_ERROR)
    except FormulaError as error:
        return _print_error(error, ExitCode.LAW_REFUSED)
    except KanoptError as error:
        return _print_error(error, ExitCode.BAD_INPUT)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"{place}{error.strerror or error}", err=True)
        return ExitCode.BAD_INPUT
    except Exception as error:  # a fault of our own is reported in one line
        return _internal_error(error)
    return code if isinstance(code, int) else ExitCode.SOLVED


def _print_error(error: KanoptError, code: ExitCode) -> int:
    click.echo(str(error), err=True)
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    return code


def _internal_error(error: Exception) -> int:
    click.echo(f"kanopt failed: {type(error).__name__}: {error}", err=True)
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    else:
        click.echo(
            f"This is a fault of kanopt, not of your files. Run it again with {DEBUG}=1 for the traceback.",
            err=True,
        )
    return ExitCode.INTERNAL_ERROR
