"""What a command knows of the signals that may stop it."""

from __future__ import annotations

import click

from kanopt.interrupt import Interrupt

__all__ = ["stop_of_command"]


def stop_of_command() -> Interrupt:
    """Return what hears the signals of the command that runs; one that hears none where no command runs."""
    context = click.get_current_context(silent=True)
    found = None if context is None else context.find_object(Interrupt)
    return Interrupt() if found is None else found
