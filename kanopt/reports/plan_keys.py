"""How far a plan was proved and checked, as figures for the analyst."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kanopt.explain import Explanation
from kanopt.problems.result import Result, Status
from kanopt.reports.page_parts import KeyFigure, Tone
from kanopt.text import fixed_text, money_text, percent_text, score_text

if TYPE_CHECKING:
    from kanopt.whatif import LearnedLaw


def check_figures(why: Explanation, laws: Mapping[str, LearnedLaw]) -> list[KeyFigure]:
    """Return how far a plan was proved and checked, and how good its weakest law is."""
    result = why.result
    unit = result.problem.unit
    price = "–" if result.objective is None else money_text(result.objective)
    keys = [KeyFigure("Objective", price, unit, result.status.value)]
    if result.objective is not None:
        keys.append(_bound_key(result, unit))
    if result.coverage is not None:
        keys.append(_rules_key(result))
        left_out = {*result.coverage.left_out}
        late = sum(
            each.kind == "late" and each.subject.partition(" ")[2] not in left_out for each in why.causes
        )
        keys += [KeyFigure("Late", fixed_text(late, 0), "", "see the reasons", "bad")] if late else []
        outside = sum(not one.below_zero for one in why.extrapolations)
        places = "places outside the data of a law"
        tone: Tone = "bad" if outside else ""
        keys.append(KeyFigure("Extrapolated", fixed_text(outside, 0), "", places, tone))
    fits = {name: law.formula.fit for name, law in laws.items() if law.formula.fit is not None}
    if fits:
        worst = min(fits, key=lambda name: getattr(fits[name], "r2", 1.0))
        r2 = getattr(fits[worst], "r2", float("nan"))
        keys.append(KeyFigure("Weakest law", score_text(r2), "R²", f"{worst}, held out"))
    return keys


def _rules_key(result: Result) -> KeyFigure:
    broken = 0 if result.assessment is None else len(result.assessment.broken_rules)
    note = "every rule is checked on the law"
    return KeyFigure("Rules broken", fixed_text(broken, 0), "", note, "bad" if broken else "")


def _bound_key(result: Result, unit: str) -> KeyFigure:
    if result.bound is None or result.gap is None:
        return KeyFigure("Lower bound", "none", "", "no bound is claimed")
    gap = "proved optimal" if result.status is Status.OPTIMAL else f"gap {percent_text(result.gap)}"
    return KeyFigure("Lower bound", money_text(result.bound), unit, gap)
