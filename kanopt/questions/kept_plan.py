"""One plan priced at many points at once, where only prices of vehicles change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import KanoptError
from kanopt.questions.point import PointResult, of_kept
from kanopt.questions.question import Question
from kanopt.records.reading import RecordReader
from kanopt.scenarios.changes import Change, Value
from kanopt.scenarios.files.columns import change_mistakes, field_columns
from kanopt.validation import LARGEST

if TYPE_CHECKING:
    from kanopt.plans.base import Plan, Problem
    from kanopt.routing.entities import VehicleType

_MOST_LEGS = 4_000_000
"""Legs that are priced together; beyond, memory would tell."""


_BELOW_ZERO = "a cost law is below zero somewhere and counted as 0"


def price_at_once(
    question: Question, problem: Problem[Any], plan: Plan, points: Sequence[int]
) -> list[PointResult] | None:
    """Return a plan priced at points, all at once; None where that cannot be: then each point is asked alone.

    Parameters
    ----------
    question
        What varies.
    problem, plan
        At the base of it.
    points
        Numbers of points.
    """
    from kanopt.plans.evaluate import evaluate

    if not _changes_prices_alone(question, problem, plan):
        return None
    base = evaluate(problem, plan)
    assessment: Any = base.assessment
    found = of_kept(-1, base)
    size = max(1, _MOST_LEGS // max(1, len(assessment.simulation.tail)))
    priced: list[PointResult] = []
    for start in range(0, len(points), size):
        chunk = points[start : start + size]
        fleets = _fleets(question, chunk)
        if fleets is None:
            return None
        try:
            terms, below = assessment.prices_of_fleets(fleets), assessment.fleets_below_zero(fleets)
        except KanoptError:  # a law has no value at one of them, which asked alone says so
            return None
        for place, point in enumerate(chunk):
            amounts = {term: float(values[place]) for term, values in terms.items()}
            price, caveat = math.fsum(amounts.values()), _BELOW_ZERO if below[place] else found.caveat
            prices: dict[str, Any] = {
                "objective": price,
                "kept_objective": price,
                "terms": amounts,
                "kept_terms": amounts,
            }
            priced.append(replace(found, point=point, caveat=caveat, result=None, **prices))
    return priced


def _changes_prices_alone(question: Question, problem: Problem[Any], plan: Plan) -> bool:
    """Say whether all that varies are prices of vehicles, which neither rules nor times nor the plan read."""
    from kanopt.routing.leg_laws import DURATION
    from kanopt.routing.problem import RoutingProblem
    from kanopt.routing.simulate import PRICE_FIELDS

    changes = [axis.change(axis.values.items[0]) for axis in question.axes]
    spec = question.scenario.problem
    if not isinstance(problem, RoutingProblem) or any(change.is_of_section for change in changes):
        return False
    if any(list(spec.parts_of(change.table)) != ["vehicles"] for change in changes):
        return False
    times = problem.leg_laws.formulas().get(DURATION)
    read = {str(reference) for reference in (times.references if times is not None else ())}
    if problem.policy.service is not None:
        read |= {str(reference) for reference in problem.policy.service.references}
    rules = spec.fields_of("vehicles") - PRICE_FIELDS | frozenset(problem.policy.capacities)
    varied = [_field(question, change) for change in changes]
    if any(field in rules or f"vehicle.{field}" in read for field in varied):
        return False
    if any(_field(question, change, name) in varied for change in changes for name in change.where):
        return False  # which rows change depends on what changes
    # departures and breaks that are open are chosen by price
    is_open = any(route.departure is None for route in plan.routes)  # type: ignore[attr-defined]
    return not is_open and not any(vehicle.breaks for vehicle in problem.vehicles)


def _field(question: Question, change: Change, name: str | None = None) -> str:
    """Return the name under which the problem reads a column of a change; left out, the one that is changed."""
    named = change if name is None else Change("set", change.table, name, 0)
    words = field_columns(question.scenario.problem, change.table)
    column = question.scenario.in_cells(named).column
    return next((field for field, own in words.items() if own == column), column)


def _is_plain_number(value: Value) -> bool:
    """Say whether a value is a number that a change may write; others are refused, or told of, one by one."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def _fleets(question: Question, points: Sequence[int]) -> list[Sequence[VehicleType]] | None:
    """Read the vehicles of many points as one table; None where something in it is refused."""
    from kanopt.tables import units_of, with_units

    scenario = question.scenario
    part = scenario.problem.parts()["vehicles"]
    frame, words = scenario.changed[part.table], field_columns(scenario.problem, part.table)
    kinds, count = len(frame), len(points)
    wide = frame.iloc[np.tile(np.arange(kinds), count)].reset_index(drop=True)
    for number, axis in enumerate(question.axes):
        given = [value for point in points if (value := question.points[point][number]) is not None]
        first = axis.change(given[0])
        if list(change_mistakes(first, scenario.problem, scenario.changed, scenario.tables)):
            return None
        cells = scenario.in_cells(first)
        column = cells.column
        if column not in frame or len(given) < count or not all(map(_is_plain_number, given)):
            return None
        values = np.repeat(np.array(given, dtype=float), kinds)
        before = wide[column].to_numpy()
        chosen = np.tile(cells.rows(frame), count)
        wide[column] = np.where(chosen, before * values if first.action == "scale" else values, before)
    name = words.get("name", "name")
    names = frame[name].tolist()
    wide[name] = [f"{one} {place}" for place in range(count) for one in names]
    reader = RecordReader()
    read = reader.read(part.read(with_units(wide, units_of(frame))), scenario.problem.schemas()["vehicles"])
    if reader.faults or len(read) != kinds * count:
        return None
    return [read[place * kinds : (place + 1) * kinds] for place in range(count)]
