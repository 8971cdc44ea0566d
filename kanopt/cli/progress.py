"""What commands print: texts, and progress on stderr, a line that moves on a terminal and plain lines elsewhere.

Names and cells of others' files are shown, and never obeyed by the terminal.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import click

from kanopt.cli.stopping import stop_of_command

if TYPE_CHECKING:
    from kanopt.scenarios import Event
    from kanopt.scenarios.events import OnEvent

# control characters but for tabs and line ends, and marks that turn the direction of what follows
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def echo(text: str, *, err: bool = False) -> None:
    """Print a text on stdout, or on stderr, as :func:`visible` has it."""
    click.echo(visible(text), err=err)


def echo_alarm(text: str) -> None:
    """Print a line that must not be overlooked; red in a terminal, unless NO_COLOR is set."""
    coloured = picture_width() is not None and not os.environ.get("NO_COLOR")
    click.echo(click.style(visible(text), fg="red") if coloured else visible(text), color=coloured or None)


def picture_width() -> int | None:
    """Return the columns of the terminal on stdout; None where there is none, or it cannot show block characters."""
    from rich.console import Console

    console = Console()
    shows = console.is_terminal and not console.is_dumb_terminal and console.encoding.startswith("utf")
    return console.width if shows else None


def visible(text: str) -> str:
    r"""Return a text without characters that a terminal obeys; JSON means the same afterwards.

    Examples
    --------
    >>> print(visible("red \x1b[31m van"))
    red \u001b[31m van
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@contextmanager
def progress_reporter(*, quiet: bool) -> Iterator[OnEvent]:
    """Yield the function that receives the events of a run.

    Once a search begins there is something to keep: from then on a first Ctrl-C stops in order, whether it comes in the
    search or while its result is explained and written. So does one while a law is being learned: a first structure is
    trained for a step at least, and the law is the best until then. Before and between, there is nothing, and Ctrl-C
    ends the command.
    """
    stop, searched = stop_of_command(), False
    with _shown(quiet=quiet) as show:

        def report(event: Event) -> None:
            nonlocal searched
            searched = searched or event.stage == "solve"
            if searched or event.transient or event.begins:
                stop.keep()
            elif event.stage == "learn" and not stop.asked:
                stop.keeps = False
            stop.check()
            show(event)

        yield report


@contextmanager
def _shown(*, quiet: bool) -> Iterator[OnEvent]:
    """Yield the function that shows the events of a run."""
    if quiet:
        yield lambda _: None
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _print_event
        return
    with console.status("starting") as status:

        def show_event(event: Event) -> None:
            status.update(_escaped(event.message))
            if not event.transient:
                console.print(_escaped(event.message), style="dim")

        yield show_event


@contextmanager
def warnings_to_stderr() -> Iterator[None]:
    """Print the warnings of kanopt as lines on stderr, and silence those of other libraries."""
    from kanopt.errors import KanoptWarning

    def print_warning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        echo(f"warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", KanoptWarning)
        warnings.showwarning = print_warning
        yield


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(visible(text))


def _print_event(event: Event) -> None:
    if not event.transient:
        echo(event.message, err=True)
