"""What commands print: names and cells of others' files are shown, and never obeyed by the terminal."""

from __future__ import annotations

import os
import re

import click

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
