"""Reasons of one kind with one bottleneck, told together by the worst of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from kanopt.plans.findings import Reason
from kanopt.text import count_text

_NOUNS = {
    "client": "clients",
    "constraint": "constraints",
    "facility": "facilities",
    "job": "jobs",
    "machine": "machines",
    "market": "markets",
    "task": "tasks",
}


@dataclass(frozen=True)
class ReasonGroup:
    """Reasons of one kind that have the same bottleneck.

    Parameters
    ----------
    reasons
        At least one.

    Examples
    --------
    >>> found = [Reason(f"client c{i}", "unserved", "", bottleneck="no room", amount=float(i)) for i in range(4)]
    >>> group = ReasonGroup(tuple(found))
    >>> group.counted, group.names, group.worst.subject
    ('4 clients', ['c0', 'c1', 'c2', 'c3'], 'client c3')
    """

    reasons: tuple[Reason, ...]

    @property
    def kind(self) -> str:
        """The kind of the reasons."""
        return self.reasons[0].kind

    @property
    def bottleneck(self) -> str:
        """The rule or resource that stands in the way of all of them."""
        return self.reasons[0].bottleneck

    @property
    def worst(self) -> Reason:
        """The reason with the most at stake; the first where that is not counted."""
        return max(self.reasons, key=lambda reason: reason.amount or 0.0)

    @property
    def has_amounts(self) -> bool:
        """Whether it is known how much is at stake, so that there is a worst one."""
        return any(reason.amount for reason in self.reasons)

    @cached_property
    def subjects(self) -> list[str]:
        """What the reasons are about, each once."""
        return list(dict.fromkeys(reason.subject for reason in self.reasons))

    @cached_property
    def noun(self) -> str:
        """What all subjects are, such as ``"client"``; empty where they are no such thing, or several."""
        nouns = {subject.partition(" ")[0] for subject in self.subjects}
        return nouns.pop() if len(nouns) == 1 and nouns <= {*_NOUNS} else ""

    @property
    def names(self) -> list[str]:
        """The subjects, without the word for what they are."""
        return [subject.removeprefix(f"{self.noun} ") if self.noun else subject for subject in self.subjects]

    @property
    def counted(self) -> str:
        """How many subjects there are, and how many reasons where there are more of these."""
        noun = self.noun or "case"
        text = count_text(len(self.subjects), noun, _NOUNS.get(noun, ""))
        more = len(self.reasons) > len(self.subjects)
        return f"{text}, {count_text(len(self.reasons), 'reason')}" if more else text


def group_reasons(causes: Sequence[Reason], most: int, few: int = 3) -> tuple[list[ReasonGroup], int]:
    """Group reasons by bottleneck, in the order in which bottlenecks first appear.

    Parameters
    ----------
    causes
        The reasons.
    most
        So many groups at most.
    few
        So many reasons with one bottleneck are told one by one, if there is room.

    Returns
    -------
    groups, hidden
        The groups, and how many reasons are in none of them, being in smaller groups than all others.
    """
    found: dict[tuple[str, str], list[Reason]] = {}
    for place, cause in enumerate(causes):
        found.setdefault((cause.kind, cause.bottleneck or f"{place}"), []).append(cause)
    groups = [ReasonGroup(tuple(reasons)) for reasons in found.values()]
    shown = [
        part
        for group in groups
        for part in ([ReasonGroup((one,)) for one in group.reasons] if len(group.reasons) <= few else [group])
    ]
    if len(shown) > most:
        shown = groups
    if len(shown) <= most:
        return shown, 0
    largest = sorted(range(len(shown)), key=lambda place: -len(shown[place].reasons))[: most - 1]
    kept = [shown[place] for place in sorted(largest)]
    return kept, len(causes) - sum(len(group.reasons) for group in kept)
