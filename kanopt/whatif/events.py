"""What a run tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Event", "Report", "silent"]


@dataclass(frozen=True)
class Event:
    """Something worth telling while a run goes on.

    Parameters
    ----------
    stage
        ``"learn"``, ``"build"``, ``"solve"`` or ``"explain"``.
    message
        A line of text.
    passing
        Whether the next event replaces it, as with the incumbents of a search.
    """

    stage: Literal["learn", "build", "solve", "explain"]
    message: str
    passing: bool = False


Report: TypeAlias = Callable[[Event], None]


def silent(event: Event) -> None:
    """Report nothing."""
