"""The rules that a plan breaks, in a sentence for each: how many break it, and the worst of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kanopt.plans.findings import Violation
from kanopt.text import amount_text, count_text, join_list

UNSERVED = "unserved"
"""The constraint of what must be served and is not; :class:`Coverage` tells it."""
_NAMES = 5


class RuleWords(NamedTuple):
    """How the breaking of a rule is told.

    Parameters
    ----------
    one, many
        Who breaks it and how, for one and for several: ``"client is served after its window closes"``.
    """

    one: str
    many: str


def broken_rule_sentences(violations: Sequence[Violation], words: Mapping[str, RuleWords]) -> tuple[str, ...]:
    """Return a sentence, without its full stop, for each rule that is broken, in the order of the violations.

    Parameters
    ----------
    violations
        Of a check. What must be served and is not is left to the plan's coverage.
    words
        Constraint to the words for it; places where another one is broken are told one by one.

    Examples
    --------
    >>> late = [Violation("time window", f"client c{i}", 2.0 * i, "min", f"client c{i} is late") for i in (3, 7)]
    >>> words = {"time window": RuleWords("client is served too late", "clients are served too late")}
    >>> broken_rule_sentences(late, words)
    ('2 clients are served too late, the worst c7 by 14 min',)
    >>> broken_rule_sentences(late[:1], words)
    ('client c3 is late',)
    """
    by_rule: dict[str, list[Violation]] = {}
    for violation in violations:
        rule = violation.constraint
        if rule != UNSERVED:
            by_rule.setdefault(rule if rule in words else violation.message, []).append(violation)
    return tuple(_sentence(broken, words.get(rule)) for rule, broken in by_rule.items())


def _sentence(broken: Sequence[Violation], words: RuleWords | None) -> str:
    if words is None or len(broken) == 1:
        return broken[0].message.rstrip(".")
    where = list(dict.fromkeys(violation.where for violation in broken))
    noun, _, clause = words.one.partition(" ")
    worst = max(broken, key=lambda violation: violation.amount)
    by = ""
    units = {violation.unit for violation in broken}
    if units.isdisjoint({"", noun}) and len(units) == 1 and math.isfinite(worst.amount):
        by = f" by {amount_text(worst.amount, worst.unit)}"
    if len(where) == 1:
        return f"{where[0]} {clause} {len(broken):,} times" + (f", at worst{by}" if by else "")
    names = [name.removeprefix(f"{noun} ") for name in where]
    times = f" ({len(broken):,} times)" if len(broken) > len(where) else ""
    counted = f"{count_text(len(where), *words)}{times}"
    if by:
        return f"{counted}, the worst {worst.where.removeprefix(f'{noun} ')}{by}"
    return f"{counted}: {join_list(names, _NAMES)}"
