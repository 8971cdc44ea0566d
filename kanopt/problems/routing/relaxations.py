"""The rules that stand in the way of a client, and what would have to give, in words and at a price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kanopt.problems.findings import Violation
from kanopt.problems.routing.data import Facts
from kanopt.problems.routing.insertion import Insertion
from kanopt.problems.wording import amount_text

__all__ = ["LOAD", "TIME", "WHO", "kinds_of", "price_text", "smallest", "total", "ways_out"]

LOAD, TIME, WHO = "load", "time", "who"
_KIND = {
    "capacity": LOAD,
    "time window": TIME,
    "shift": TIME,
    "duration": TIME,
    "skill": WHO,
    "pinned": WHO,
}
_MUST_HOLD = {"order", "fleet", "depot", "visits"}
_MOST = 3


def kinds_of(place: Insertion) -> frozenset[str]:
    """Return the kinds of rule a place breaks: load, time, who may serve, or a constraint by its name."""
    return frozenset(_KIND.get(violation.constraint, violation.constraint) for violation in place.broken)


def total(place: Insertion, kind: str) -> float:
    """Return by how much a place breaks the rules of a kind."""
    return sum(violation.amount for violation in _of(place, kind))


def _of(place: Insertion, kind: str) -> list[Violation]:
    return [each for each in place.broken if _KIND.get(each.constraint, each.constraint) == kind]


def smallest(places: Iterable[Insertion]) -> list[Insertion]:
    """Return for each way to let a client in the place that breaks its rules least, the cheapest way first.

    Ways that break rules of two kinds count only where none breaks rules of one kind.
    """
    best: dict[frozenset[str], Insertion] = {}
    for place in places:
        kinds = kinds_of(place)
        if not kinds & _MUST_HOLD and (kinds not in best or _size(place) < _size(best[kinds])):
            best[kinds] = place
    fewest = min((len(kinds) for kinds in best), default=0)
    found = [place for kinds, place in best.items() if len(kinds) == fewest]
    return sorted(found, key=lambda place: place.cost)[:_MOST]


def _size(place: Insertion) -> tuple[float, ...]:
    return (*(round(total(place, kind), 9) for kind in sorted(kinds_of(place))), round(place.cost, 9))


def ways_out(facts: Facts, places: Sequence[Insertion]) -> str:
    """Say what would have to give at each of some places, and what the plan would then cost more."""
    return ", or ".join(
        f"{place.place} with {_given(facts, place)}, for {price_text(facts, place.cost)}" for place in places
    )


def price_text(facts: Facts, cost: float) -> str:
    """Write what a plan costs more, or less."""
    return f"{amount_text(abs(cost), facts.units.money)} {'more' if cost >= 0 else 'less'}"


def _given(facts: Facts, place: Insertion) -> str:
    kinds = sorted(kinds_of(place))
    return " together with ".join(_kind_text(facts, place, kind) for kind in kinds)


def _kind_text(facts: Facts, place: Insertion, kind: str) -> str:
    broken = _of(place, kind)
    if kind == WHO:
        pinned = [each for each in broken if each.constraint == "pinned"]
        return f"{pinned[0].where} pinned to it" if pinned else f"{broken[0].where} allowed on it"
    if kind == LOAD:
        return " and ".join(
            f"{amount_text(each.amount, each.unit)} more capacity{_measure(facts, each)}" for each in broken
        )
    if kind == TIME and len(broken) > 1:
        limits = ["the windows" for each in broken if each.constraint == "time window"]
        limits += [
            f"its {'shift' if each.constraint == 'shift' else 'longest duration'}"
            for each in broken
            if each.constraint != "time window"
        ]
        names = list(dict.fromkeys(limits))
        return f"{amount_text(total(place, kind), broken[0].unit)} more in {' and '.join(names)}"
    return " and ".join(dict.fromkeys(_one_text(each) for each in broken))


def _measure(facts: Facts, violation: Violation) -> str:
    return next(
        (f" of {name}" for name in facts.policy.capacities if f" of {name}," in violation.message), ""
    )


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
