"""The key figures of a plan: what it serves first, then what it costs and how far that is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kanopt.explain import Explanation
from kanopt.explain.service import service_difference
from kanopt.problems.result import Result, Status
from kanopt.reports.page_parts import KeyFigure, Tone
from kanopt.text import fixed_text, money_text, percent_text, score_text

if TYPE_CHECKING:
    from kanopt.whatif import LearnedLaw

__all__ = ["key_figures"]


def key_figures(why: Explanation, today: Result | None, laws: Mapping[str, LearnedLaw]) -> list[KeyFigure]:
    """Return the numbers that matter, with what to compare them with."""
    result = why.result
    unit = result.problem.unit
    keys = [
        *_service_keys(result),
        KeyFigure(
            "Objective",
            "–" if result.objective is None else money_text(result.objective),
            unit,
            result.status.value,
        ),
    ]
    if today is not None and today.objective is not None and result.objective is not None:
        keys.append(_today_key(result, today, unit))
    if result.objective is not None:
        keys.append(_bound_key(result, unit))
    if result.coverage is not None:
        keys.append(_rules_key(result))
        left_out = {*result.coverage.left_out}
        late = sum(
            each.kind == "late" and each.subject.partition(" ")[2] not in left_out for each in why.causes
        )
        keys += [KeyFigure("Late", fixed_text(late, 0), "", "see the reasons", "bad")] if late else []
        places = "places outside the data of a law"
        outside = sum(not one.below_zero for one in why.extrapolations)
        keys.append(
            KeyFigure(
                "Extrapolated",
                fixed_text(outside, 0),
                "",
                places,
                "bad" if outside else "",
            )
        )
    fits = {name: law.formula.fit for name, law in laws.items() if law.formula.fit is not None}
    if fits:
        worst = min(fits, key=lambda name: getattr(fits[name], "r2", 1.0))
        r2 = getattr(fits[worst], "r2", float("nan"))
        keys.append(KeyFigure("Weakest law", score_text(r2), "R²", f"{worst}, held out"))
    return keys


def _service_keys(result: Result) -> list[KeyFigure]:
    """Return what the plan serves."""
    coverage = result.coverage
    if coverage is None or not coverage.text:
        return []
    note = coverage.missing or f"all {coverage.words.count(coverage.things)}"
    tone: Tone = "" if coverage.complete else "bad"
    return [KeyFigure(coverage.words.verb.capitalize(), coverage.amount, "", note, tone)]


def _rules_key(result: Result) -> KeyFigure:
    broken = 0 if result.assessment is None else len(result.assessment.broken_rules)
    note = "every rule is checked on the law"
    return KeyFigure("Rules broken", fixed_text(broken, 0), "", note, "bad" if broken else "")


def _today_key(result: Result, today: Result, unit: str) -> KeyFigure:
    """Return the change of price against today, coloured where the two prices compare like with like."""
    was, now = today.objective or 0.0, result.objective or 0.0
    share = percent_text((now - was) / abs(was), signed=True) if was else "–"
    note = f"today {money_text(was, unit)}"
    if service_difference(result, today):
        return KeyFigure("Against today", share, "", f"{note}; not like with like")
    tone: Tone = "good" if now < was else "bad" if now > was else ""
    return KeyFigure("Against today", share, "", note, tone)


def _bound_key(result: Result, unit: str) -> KeyFigure:
    if result.bound is None or result.gap is None:
        return KeyFigure("Lower bound", "none", "", "no bound is claimed")
    gap = "proved optimal" if result.status is Status.OPTIMAL else f"gap {percent_text(result.gap)}"
    return KeyFigure("Lower bound", money_text(result.bound), unit, gap)
