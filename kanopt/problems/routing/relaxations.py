"""The rules that keep a client out, and their smallest relaxations in words and with a price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kanopt.problems.findings import Violation
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.insertion import Insertion
from kanopt.text import amount_text, join_list, money_text

LOAD, TIME, ELIGIBILITY = "load", "time", "who"
_KIND = {
    "capacity": LOAD,
    "time window": TIME,
    "shift": TIME,
    "duration": TIME,
    "skill": ELIGIBILITY,
    "pinned": ELIGIBILITY,
}
_MUST_HOLD = {"order", "fleet", "depot", "visits", "started"}
_MOST = 3


def violated_rule_kinds(place: Insertion) -> frozenset[str]:
    """Return the kinds of rule that an insertion breaks: load, time, skills, or a constraint by its name."""
    return frozenset(_KIND.get(violation.constraint, violation.constraint) for violation in place.violations)


def total_violation(place: Insertion, kind: str) -> float:
    """Return by how much an insertion breaks the rules of a kind."""
    return sum(violation.amount for violation in _violations_of(place, kind))


def _violations_of(place: Insertion, kind: str) -> list[Violation]:
    return [each for each in place.violations if _KIND.get(each.constraint, each.constraint) == kind]


def smallest_relaxations(places: Iterable[Insertion]) -> list[Insertion]:
    """Return the insertion that breaks its rules least, for each set of rules to relax; cheapest first.

    Insertions that break rules of two kinds count only where none breaks rules of one kind.
    """
    best: dict[frozenset[str], Insertion] = {}
    for place in places:
        kinds = violated_rule_kinds(place)
        if not kinds & _MUST_HOLD and (
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
    if kind == ELIGIBILITY:
        pinned = [each for each in broken if each.constraint == "pinned"]
        return f"{pinned[0].where} pinned to it" if pinned else f"{broken[0].where} allowed on it"
    if kind == LOAD:
        return join_list(
            [f"{amount_text(each.amount, each.unit)} more capacity{_measure(data, each)}" for each in broken]
        )
    if kind == TIME and len(broken) > 1:
        limits = ["the windows" for each in broken if each.constraint == "time window"]
        limits += [
            f"its {'shift' if each.constraint == 'shift' else 'longest duration'}"
            for each in broken
            if each.constraint != "time window"
        ]
        names = list(dict.fromkeys(limits))
        return f"{amount_text(total_violation(place, kind), broken[0].unit)} more in {join_list(names)}"
    return join_list(list(dict.fromkeys(_one_text(each) for each in broken)))


def _measure(data: RoutingData, violation: Violation) -> str:
    return next((f" of {name}" for name in data.policy.capacities if f" of {name}," in violation.message), "")


def _one_text(violation: Violation) -> str:
    by = amount_text(violation.amount, violation.unit)
    texts = {
        "time window": f"the window of {violation.where} {by} later",
        "shift": f"its shift {by} longer",
        "duration": f"its longest duration {by} longer",
        "distance": f"its longest distance {by} longer",
        "break": "a break left out" if violation.amount == 1 else f"{by} breaks left out",
        "goods": "goods on it that are kept apart",
        "backhaul": f"{violation.where} served after a pickup",
        "reload": "one more reload" if violation.amount == 1 else f"{by} more reloads",
    }
    return texts.get(violation.constraint, violation.message)
