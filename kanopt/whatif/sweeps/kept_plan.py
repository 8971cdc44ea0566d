"""One plan priced at many points: all at once where only prices of vehicles change, else one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import KanoptError
from kanopt.explain.service import Service
from kanopt.records.reading import RecordReader
from kanopt.validation import LARGEST
from kanopt.whatif.changes import Change, Value, column_names
from kanopt.whatif.scenario_files.columns import change_mistakes, field_columns
from kanopt.whatif.sweeps.point_result import PointResult
from kanopt.whatif.sweeps.question import SweepQuestion

if TYPE_CHECKING:
    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.routing.assessment import RoutingAssessment
    from kanopt.problems.routing.entities import VehicleType

_MOST_LEGS = 4_000_000
"""Legs that are priced together; beyond, memory would tell."""


_BELOW_ZERO = "a cost law is below zero somewhere and counted as 0"


class PricedBy(StrEnum):
    """How the kept plan is priced at the points of a sweep, and why not all at once."""

    AT_ONCE = "all points at once, since only prices of vehicles change"
    KIND = "one by one: only routes are priced all at once"
    LAWS_OR_KEYS = "one by one: laws or keys change"
    TABLES = "one by one: what changes is no price of vehicles"
    RULES = "one by one: a rule, or travel or service times, read what changes"
    OPEN = "one by one: departures or breaks of the plan are chosen by price"
    WHERE = "one by one: which rows change depends on what changes"
    REFUSED = "one by one: a value among them is refused"


def way_of_pricing(question: SweepQuestion, problem: Problem[Any], plan: Plan) -> PricedBy:
    """Say how a plan is priced at the points of a sweep.

    Parameters
    ----------
    question
        What varies.
    problem
        The problem at the base of it.
    plan
        The plan that is kept.
    """
    from kanopt.problems import RoutingProblem
    from kanopt.problems.routing.leg_laws import DURATION
    from kanopt.problems.routing.simulate import PRICE_FIELDS

    changes = [axis.change(axis.values.items[0]) for axis in question.axes]
    if not isinstance(problem, RoutingProblem):
        return PricedBy.KIND
    if any(change.is_of_section for change in changes):
        return PricedBy.LAWS_OR_KEYS
    spec = question.scenario.problem
    readers = {change.table: list(spec.parts_of(change.table)) for change in changes}
    if any(found != ["vehicles"] for found in readers.values()):
        return PricedBy.TABLES
    times = problem.leg_laws.formulas().get(DURATION)
    read = {str(reference) for reference in (times.references if times is not None else ())}
    if problem.policy.service is not None:
        read |= {str(reference) for reference in problem.policy.service.references}
    rules = spec.fields_of("vehicles") - PRICE_FIELDS | frozenset(problem.policy.capacities)
    varied = [_field(question, change) for change in changes]
    if any(_field(question, change, name) in varied for change in changes for name in change.where):
        return PricedBy.WHERE
    for field in varied:
        if field in rules or f"vehicle.{field}" in read:
            return PricedBy.RULES
    is_open = any(route.departure is None for route in plan.routes)  # type: ignore[attr-defined]
    return PricedBy.OPEN if is_open or any(v.breaks for v in problem.vehicles) else PricedBy.AT_ONCE


def _field(question: SweepQuestion, change: Change, name: str | None = None) -> str:
    """Return the name under which the problem reads a column of a change; left out, the one that is changed."""
    name = change.column if name is None else name
    words = field_columns(question.scenario.problem, change.table)
    column = column_names(question.scenario.changed[change.table], words).get(name, name)
    return next((field for field, own in words.items() if own == column), column)


@dataclass(frozen=True, eq=False)
class _Base:
    """The plan where nothing is changed, of which its prices are all that differs at a point."""

    found: PointResult
    assessment: RoutingAssessment


def price_at_once(
    question: SweepQuestion, problem: Problem[Any], plan: Plan, points: Sequence[int]
) -> list[PointResult] | None:
    """Return the kept plan priced at points, all at once; None where a value is refused: then each is asked alone.

    Parameters
    ----------
    question
        What varies; :func:`way_of_pricing` says that it can be done.
    problem, plan
        At the base of it.
    points
        Numbers of points.
    """
    from kanopt.problems.evaluate import evaluate

    result = evaluate(problem, plan)
    assessment: Any = result.assessment
    rank = result.rank
    found = PointResult(
        -1,
        str(result.status),
        kept_status=str(result.status),
        unserved=rank.unserved,
        violations=rank.violations,
        service=Service.of(result),
        caveat="; ".join(assessment.law_caveats),
    )
    base = _Base(found, assessment)
    size = max(1, _MOST_LEGS // max(1, len(assessment.simulation.tail)))
    priced: list[PointResult] = []
    for start in range(0, len(points), size):
        chunk = points[start : start + size]
        fleets = _fleets(question, chunk)
        if fleets is None:
            return None
        try:
            priced += _priced(base, chunk, fleets)
        except KanoptError:  # a law has no value at one of them, which asked alone says so
            return None
    return priced


def _priced(base: _Base, points: Sequence[int], fleets: Sequence[Sequence[VehicleType]]) -> list[PointResult]:
    terms, below = base.assessment.prices_of_fleets(fleets), base.assessment.fleets_below_zero(fleets)
    found = []
    for place, point in enumerate(points):
        amounts = {term: float(values[place]) for term, values in terms.items()}
        price = math.fsum(amounts.values())
        found.append(
            replace(
                base.found,
                point=point,
                objective=price,
                kept_objective=price,
                terms=amounts,
                kept_terms=amounts,
                caveat=_BELOW_ZERO if below[place] else base.found.caveat,
            )
        )
    return found


def _is_plain_number(value: Value) -> bool:
    """Say whether a value is a number that a change may write; others are refused, or told of, one by one."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def _fleets(question: SweepQuestion, points: Sequence[int]) -> list[Sequence[VehicleType]] | None:
    """Read the vehicles of many points as one table; None where something in it is refused."""
    from kanopt.tables import units_of, with_units

    scenario = question.scenario
    part = scenario.problem.parts()["vehicles"]
    frame, words = scenario.changed[part.table], field_columns(scenario.problem, part.table)
    kinds, count = len(frame), len(points)
    wide = frame.iloc[np.tile(np.arange(kinds), count)].reset_index(drop=True)
    for number, axis in enumerate(question.axes):
        first = axis.change(question.points[points[0]][number])
        if list(change_mistakes(first, scenario.problem, scenario.changed, scenario.tables)):
            return None
        column = column_names(frame, words).get(first.column, first.column)
        given = [question.points[point][number] for point in points]
        if column not in frame or not all(map(_is_plain_number, given)):
            return None
        values = np.repeat(np.array(given, dtype=float), kinds)
        before = wide[column].to_numpy()
        chosen = np.tile(first.rows(frame, words), count)
        wide[column] = np.where(chosen, before * values if first.action == "scale" else values, before)
    name = words.get("name", "name")
    names = frame[name].tolist()
    wide[name] = [f"{one} {place}" for place in range(count) for one in names]
    reader = RecordReader()
    read = reader.read(part.read(with_units(wide, units_of(frame))), scenario.problem.schemas()["vehicles"])
    if reader.faults or len(read) != kinds * count:
        return None
    return [read[place * kinds : (place + 1) * kinds] for place in range(count)]
