"""The rules that keep a client out, and their smallest relaxations in words and with a price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kanopt.problems.findings import Violation
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.insertion import Insertion
from kanopt.problems.routing.rules import BY_NAME
from kanopt.text import amount_text, join_list, money_text

LOAD, TIME, WHO = "load", "time", "who"
_MOST = 3


def violated_rule_kinds(place: Insertion) -> frozenset[str]:
    """Return the kinds of rule that an insertion breaks: load, time, skills, or a constraint by its name."""
    return frozenset(map(_kind, place.violations))


def _kind(violation: Violation) -> str:
    rule = BY_NAME[violation.constraint]
    return rule.kind or rule.name


def total_violation(place: Insertion, kind: str) -> float:
    """Return by how much an insertion breaks the rules of a kind."""
    return sum(violation.amount for violation in _violations_of(place, kind))


def _violations_of(place: Insertion, kind: str) -> list[Violation]:
    return [each for each in place.violations if _kind(each) == kind]


def smallest_relaxations(places: Iterable[Insertion]) -> list[Insertion]:
    """Return the insertion that breaks its rules least, for each set of rules to relax; cheapest first.

    Insertions that break rules of two kinds count only where none breaks rules of one kind.
    """
    best: dict[frozenset[str], Insertion] = {}
    for place in places:
        kinds = violated_rule_kinds(place)
        if not any(BY_NAME[each.constraint].must_hold for each in place.violations) and (
            kinds not in best or _violation_size(place) < _violation_size(best[kinds])
        ):
            best[kinds] = place
    fewest = min((len(kinds) for kinds in best), default=0)
    found = [place for kinds, place in best.items() if len(kinds) == fewest]
    return sorted(found, key=lambda place: place.cost)[:_MOST]


def _violation_size(place: Insertion) -> tuple[float, ...]:
    return (
        *(round(total_violation(place, kind), 9) for kind in sorted(violated_rule_kinds(place))),
        round(place.cost, 9),
    )


def relaxation_text(data: RoutingData, places: Sequence[Insertion]) -> str:
    """Say which limits each insertion needs relaxed, and how much more the plan would then cost."""
    return ", or ".join(
        f"{place.position_text} with {_one_relaxation_text(data, place)}, for {price_text(data, place.cost)}"
        for place in places
    )


def price_text(data: RoutingData, cost: float) -> str:
    """Write what a plan costs more, or less."""
    return f"{money_text(abs(cost), data.units.money)} {'more' if cost >= 0 else 'less'}"


def _one_relaxation_text(data: RoutingData, place: Insertion) -> str:
    kinds = sorted(violated_rule_kinds(place))
    return " together with ".join(_kind_text(data, place, kind) for kind in kinds)


def _kind_text(data: RoutingData, place: Insertion, kind: str) -> str:
    broken = _violations_of(place, kind)
    if kind == TIME and len(broken) > 1:
        names = list(dict.fromkeys(BY_NAME[each.constraint].limit_text for each in broken))
        return f"{amount_text(total_violation(place, kind), broken[0].unit)} more in {join_list(names)}"
    first = broken[0]
    if kind == WHO:  # a vehicle may not serve a client, or not only that: one change would do for each
        first = next((each for each in broken if each.constraint == "pinned"), first)
        broken = [first]
    return BY_NAME[first.constraint].relaxed(data, broken)
