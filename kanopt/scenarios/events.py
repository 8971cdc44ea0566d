"""The events that a run reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True)
class Event:
    """A report of where a run stands.

    Parameters
    ----------
    stage
        ``"learn"``, ``"build"``, ``"solve"`` or ``"explain"``.
    message
        A line of text.
    transient
        Whether the next event replaces it, as with the incumbents of a search.
    begins
        Whether what begins with it ends in order when it is asked to, with something to keep.
    """

    stage: Literal["learn", "build", "solve", "explain"]
    message: str
    transient: bool = False
    begins: bool = False

    def __str__(self) -> str:
        return self.message


OnEvent: TypeAlias = Callable[[Event], None]


def ignore_event(event: Event) -> None:
    """Report nothing."""
