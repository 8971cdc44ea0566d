"""What becomes of decided numbers: checked and priced once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from kanopt.decisions.decision_law import DecisionLaw
from kanopt.decisions.problem import DecisionPlan, DecisionProblem
from kanopt.decisions.simulate import (
    RULE_WORDS,
    check_plan,
    infeasibility_reasons,
    price_plan,
    violation_reasons,
)
from kanopt.plans.base import Assessment
from kanopt.plans.coverage import Coverage, CoverageWords, LeftOutPrice
from kanopt.plans.findings import Check, Reason, SeriesView, View
from kanopt.plans.law_use import LawUse, unit_factor
from kanopt.plans.plan_figures import PlanFigure
from kanopt.plans.slider_prices import Pricing
from kanopt.text import amount_text, join_list

_LINES = 6
_POINTS = 101


# The laws that decided numbers are priced and checked by, as the plan uses them.


_ITEMS = ("item", "items")


def _uses(laws: Iterable[DecisionLaw], values: Mapping[str, float], share: float) -> list[LawUse]:
    """Return the use of each law, of which the price is paid in a share: all of an objective, nothing of a limit.

    A law that is counted for items is used once, in a place for each of them: what is wrong with its constants is wrong
    for all.
    """
    joined: dict[tuple[object, ...], list[DecisionLaw]] = {}
    for law in laws:
        joined.setdefault((law.name, id(law.formula), law.unit, bool(law.item)), []).append(law)
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


_WORDS = CoverageWords("keeps", "constraint", "constraints")
_SHOWN = 8


class DecisionAssessment(Assessment[DecisionPlan, Mapping[str, float]]):
    """What becomes of decided numbers. Nothing follows from them but the values of laws, and nothing is frozen."""

    problem: DecisionProblem
    rule_words = RULE_WORDS
    without_plan = staticmethod(infeasibility_reasons)

    @property
    def choice(self) -> str:
        """What each decision is set to, the first few by name."""
        told = [
            f"{one.name} to {amount_text(self.plan.values[one.name], one.unit)}"
            for one in self.problem.records
        ]
        return f"sets {join_list(told, _SHOWN)}"

    @property
    def proposal(self) -> str:
        """What is to be set."""
        return f"Set {self.choice.removeprefix('sets ')}"

    def _figures(self) -> Iterator[PlanFigure]:
        """Yield how many decisions stand at an end of their range."""
        if free := [one for one in self.problem.records if one.low < one.high]:
            found = [one.name for one in free if self.plan.values[one.name] in (one.low, one.high)]
            how = (
                "decisions that are as small or as large as they may be: a wider range may be worth something"
            )
            text, note = f"{len(found):,} of {len(free):,}", join_list(found, 3)
            yield PlanFigure("ends", "At an end of the range", len(found), text, how, note, rank=3)

    def table(self) -> pd.DataFrame:
        """Return one row per decision: ``decision``, ``value``, its ``unit`` where one has one, ``low``, ``high``."""
        ranges = self.problem.records
        frame = self.plan.to_frame().assign(
            unit=[one.unit for one in ranges],
            low=[one.low for one in ranges],
            high=[one.high for one in ranges],
        )
        return frame if any(one.unit for one in ranges) else frame.drop(columns="unit")

    def views(self) -> tuple[View, ...]:
        """Return the price along the range of the decisions that move it most, the others as in the plan.

        What a plan earns is a negative price, and is drawn as earnings.
        """
        problem, values = self.problem, self.plan.values
        at_plan = sum(float(law.value(values)) for law in problem.objective_terms)
        sign, word = (-1.0, "earnings") if at_plan < 0 else (1.0, "price")
        share = np.linspace(0.0, 1.0, _POINTS)
        lines = {}
        for one in problem.records:
            if one.low == one.high:
                continue
            moved = one.low + share * (one.high - one.low)
            if one.integer:
                moved = np.clip(np.round(moved), np.ceil(one.low), np.floor(one.high))
            price = sign * sum(law.value({**values, one.name: moved}) for law in problem.objective_terms)
            lines[one.name] = np.broadcast_to(np.asarray(price, dtype=float), share.shape)
        spread = sorted(lines, key=lambda name: -float(np.ptp(lines[name])))[:_LINES]
        kept = {name: lines[name] for name in lines if name in spread}
        if not kept:
            return ()
        data = pd.DataFrame(kept, index=pd.Index(100.0 * share, name="place in the range (%)"))
        title = f"{word.capitalize()} when one decision moves and the others stay"
        if problem.constraint_laws:  # else it would look as if less of a thing that is needed were better
            title = f"{word.capitalize()} when one decision moves, the others stay and limits are left aside"
        return (SeriesView(title, data, "place in its range (%)", f"{word} ({problem.unit or 'no unit'})"),)

    def _simulate(self) -> Mapping[str, float]:
        return self.plan.values

    def _check(self) -> Check:
        return check_plan(self.problem, self.plan)

    def _coverage(self) -> Coverage:
        broken = [each.where for each in self.check.violations if each.constraint == "constraint"]
        return Coverage(_WORDS, len(self.problem.constraint_laws), tuple(broken), lacking="broken")

    def _left_out_price(self) -> LeftOutPrice:
        return LeftOutPrice.of(0.0, unknown=f"keeping {join_list(self.coverage.left_out, 5)}")

    def _price(self) -> Pricing:
        return price_plan(self.problem, self.plan)

    def _reasons(self) -> tuple[Reason, ...]:
        return violation_reasons(self.check)

    def _law_uses(self) -> tuple[LawUse, ...]:
        problem, values = self.problem, self.plan.values
        limits = [part for _, law in problem.constraint_laws for part in law.given]
        return (*_uses(problem.objective_terms, values, 1.0), *_uses(limits, values, 0.0))
