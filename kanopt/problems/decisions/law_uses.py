"""The laws that decided numbers are priced and checked by, as the plan uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.decisions.decision_law import DecisionLaw
from kanopt.problems.law_use import LawUse, unit_factor

if TYPE_CHECKING:
    from kanopt.problems.decisions.problem import DecisionProblem

_ITEMS = ("item", "items")


def decision_law_uses(problem: DecisionProblem, values: Mapping[str, float]) -> tuple[LawUse, ...]:
    """Return each law of the objective, which is paid as it is, and each law of a limit, which is not paid.

    A law that is counted for items is used once, in a place for each of them: what is wrong with its constants is wrong
    for all.
    """
    limits = [part for _, law in problem.constraint_laws for part in law.given]
    return (*_uses(problem.objective_terms, values, 1.0), *_uses(limits, values, 0.0))


def _uses(laws: Iterable[DecisionLaw], values: Mapping[str, float], share: float) -> list[LawUse]:
    joined: dict[tuple[object, ...], list[DecisionLaw]] = {}
    for law in laws:
        formula = law.formula
        joined.setdefault((law.name, id(formula), law.unit, bool(law.item)), []).append(law)
    return [_use(same, values, share) for same in joined.values()]


def _use(laws: Sequence[DecisionLaw], values: Mapping[str, float], share: float) -> LawUse:
    first, shape = laws[0], (len(laws),)
    factor = unit_factor(first.formula.output.unit, first.unit) if first.unit else 1.0
    each = [law.arguments(values) for law in laws]
    arguments = {
        name: np.concatenate([np.broadcast_to(given[name], (1,)) for given in each]) for name in each[0]
    }
    shared = (first.formula, arguments, np.array(share * factor), shape)
    places = _ITEMS if first.item else ("", "")
    items = [(law.item, "") for law in laws]
    return LawUse(
        f"law {first.name!r}", *shared, places, where=partial(list, items), term=first.name if share else ""
    )
