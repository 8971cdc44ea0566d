"""What a plan decides, in a form in which two plans compare: what is used, what goes where, what is paid for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from kanopt.formulas.edges import crossed_edges
from kanopt.text import count_text, join_list, number_text

if TYPE_CHECKING:
    from kanopt.plans.base import Plan
    from kanopt.plans.result import Result
    from kanopt.scenarios.files.problem_spec import ProblemSpec

_EQUAL = 1e-9
"""Share of a price below which a term counts as nothing."""
_NAMES = 3
_AT_END = 1e-6
"""Share of a range within which a number is at its end."""


class Decision(NamedTuple):
    """Something that a plan decides.

    Parameters
    ----------
    kind
        ``"in use"`` (a site, a machine, how many vehicles), ``"assignment"`` (what is served, made or sent from where),
        ``"term"`` (whether something is paid for at all, such as overtime).
    thing
        What is decided about.
    """

    kind: str
    thing: str


def decisions_of(result: Result, spec: ProblemSpec, like: Result | None = None) -> dict[Decision, str]:
    """Return what a plan decides, each with its choice in words.

    Parameters
    ----------
    result
        The plan.
    spec
        The problem, of which columns of plans say what is put where.
    like
        Another plan, after whose numbers vehicles that are alike are numbered.
    """
    assessment = result.assessment
    if assessment is None:
        return {}
    other = None if like is None else like.plan
    frame = pd.DataFrame() if result.plan is None else _numbered(result.plan, spec, other)
    if spec.kind == "decision":
        found = dict(_numbers(result))
    else:
        found = {Decision("assignment", thing): place for thing, place in _places(frame, spec).items()}
    if assessment.in_use is not None:
        found |= _in_use(assessment.in_use.names, frame, spec)
    price = abs(assessment.pricing.objective)
    for term, amount in assessment.pricing.terms().items():
        paid = abs(float(amount)) > _EQUAL * max(1.0, price)
        found[Decision("term", str(term))] = "paid" if paid else "nothing"
    return found


def assignments(plan: Plan | None, spec: ProblemSpec, like: Plan | None = None) -> dict[str, str]:
    """Return where a plan puts each thing; several places are joined, and what has none is left out.

    Vehicles that are alike are numbered after another plan, where one is given.
    """
    return {} if plan is None else _places(_numbered(plan, spec, like), spec)


def _numbered(plan: Plan, spec: ProblemSpec, like: Plan | None) -> pd.DataFrame:
    frame = plan.to_frame()
    if spec.alike_columns is None or like is None:
        return frame
    return _numbered_like(frame, like.to_frame(), spec)


def _in_use(names: tuple[str, ...], frame: pd.DataFrame, spec: ProblemSpec) -> Mapping[Decision, str]:
    if spec.alike_columns is None:
        return {Decision("in use", name): "in use" for name in names}
    kind, number = spec.alike_columns
    counts = frame.dropna(subset=[kind]).groupby(kind)[number].nunique()
    return {
        Decision("in use", str(name)): count_text(int(count), "vehicle") for name, count in counts.items()
    }


def _numbers(result: Result) -> Iterator[tuple[Decision, str]]:
    """Yield whole numbers as they are; of others, whether they are at an end of their range."""
    values: Mapping[str, float] = result.plan.values  # type: ignore[union-attr]
    for one in result.problem.records:  # type: ignore[attr-defined]
        value, slack = values[one.name], _AT_END * (one.high - one.low)
        place = "between its ends"
        if one.integer:
            place = number_text(value)
        elif value - one.low <= slack or one.high - value <= slack:
            place = f"at its {'low' if value - one.low <= slack else 'high'} end"
        yield Decision("assignment", one.name), place


def _places(frame: pd.DataFrame, spec: ProblemSpec) -> dict[str, str]:
    things, places = (
        _join_columns(frame, columns) for columns in (spec.entity_columns, spec.assignment_columns)
    )
    grouped = places.groupby(things, sort=False).agg(lambda found: ", ".join(sorted(set(found))))
    return {str(thing): str(place) or "left out" for thing, place in grouped.items()}


def _join_columns(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series[Any]:
    words = frame[list(columns)].astype(object).where(frame[list(columns)].notna(), "")
    texts = words.map(lambda cell: number_text(cell) if isinstance(cell, float) else str(cell))
    rows = [" ".join(row).strip() for row in texts.itertuples(index=False)]
    return pd.Series(rows, index=frame.index, dtype=object)


def _numbered_like(frame: pd.DataFrame, like: pd.DataFrame, spec: ProblemSpec) -> pd.DataFrame:
    """Give vehicles of a type the numbers by which most clients keep theirs.

    They are alike: a plan in which two of them change places is the same plan.
    """
    from scipy.optimize import linear_sum_assignment

    assert spec.alike_columns is not None
    kind, number = spec.alike_columns
    things = list(spec.entity_columns)
    pairs = frame[[*things, kind, number]].merge(like[[*things, kind, number]], on=[*things, kind])
    frame = frame.copy()
    for name, rows in frame.groupby(kind):
        own = sorted(rows[number].unique())
        shared = pairs[pairs[kind] == name]
        others = sorted({*own, *like.loc[like[kind] == name, number]})
        counts = pd.crosstab(shared[f"{number}_x"], shared[f"{number}_y"]).reindex(
            index=own, columns=others, fill_value=0
        )
        # among equal ones, a vehicle keeps its number
        stays = 0.5 * (np.array(own)[:, None] == np.array(others)[None, :])
        row, column = linear_sum_assignment(counts.to_numpy(dtype=float) + stays, maximize=True)
        frame.loc[rows.index, number] = rows[number].map(
            {own[i]: others[j] for i, j in zip(row, column, strict=True)}
        )
    return frame


def edge_between(below: tuple[Result, Result | None], above: tuple[Result, Result | None]) -> str:
    """Say which rule or which edge of a law makes two plans change places; empty where their prices cross.

    Parameters
    ----------
    below, above
        Each plan where it is the better one, and where the other is.
    """
    sides = ((*below, "below", "above"), (*above, "above", "below"))
    for good, bad, which, there in sides:
        if bad is None or bad.assessment is None:
            return f"the plan {which} cannot be carried out {there}"
        if bad.rank[:3] > good.rank[:3]:
            return f"the plan {which} breaks a rule {there}: {_rule(good, bad)}"
    for good, bad, *_ in sides:
        assert good.assessment is not None
        assert bad is not None
        assert bad.assessment is not None
        for use, other in zip(good.assessment.law_uses, bad.assessment.law_uses, strict=False):
            for edge in crossed_edges(use.formula, other.formula, use.arguments, other.arguments):
                return f"the law of {edge}"
    return ""


def _rule(good: Result, bad: Result) -> str:
    """Name the rule that one plan breaks and the other does not, with the first places."""
    kept = {(violation.constraint, violation.where) for violation in good.check.violations}
    new = [one for one in bad.check.violations if (one.constraint, one.where) not in kept]
    rules = list(dict.fromkeys(one.constraint for one in new))
    places = list(dict.fromkeys(one.where for one in new if one.constraint == rules[0]))
    return f"{join_list(rules, _NAMES)} ({join_list(places, _NAMES)})"
