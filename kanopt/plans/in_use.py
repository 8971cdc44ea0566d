"""The sites, vehicles or machines that a plan uses, and how two plans differ in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kanopt.text import join_list

_NAMES = 8


@dataclass(frozen=True)
class InUseWords:
    """How it is told that things come into use, and that they are no longer used.

    Parameters
    ----------
    begins, ends
        For one and for several: ``("opens", "open")``, ``("closes", "close")``.
    """

    begins: tuple[str, str]
    ends: tuple[str, str]


@dataclass(frozen=True)
class InUse:
    """The sites, vehicles or machines that a plan uses.

    Parameters
    ----------
    words
        The words for it.
    names
        The things in use.

    Examples
    --------
    >>> words = InUseWords(("opens", "open"), ("closes", "close"))
    >>> before, after = InUse(words, ("north", "south")), InUse(words, ("south", "east", "west"))
    >>> after.changes_from(before)
    ('north closes', 'east and west open')
    """

    words: InUseWords
    names: tuple[str, ...] = ()

    def changes_from(self, before: InUse) -> tuple[str, ...]:
        """Say what another plan used and this one does not, and the reverse, in clauses."""
        ended = [name for name in before.names if name not in self.names]
        begun = [name for name in self.names if name not in before.names]
        both = ((ended, self.words.ends), (begun, self.words.begins))
        return tuple(_clause(names, verbs) for names, verbs in both if names)


def _clause(names: Sequence[str], verbs: tuple[str, str]) -> str:
    return f"{join_list(names, _NAMES)} {verbs[len(names) > 1]}"
