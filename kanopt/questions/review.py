"""A day as it was driven, held against its plan; and whether a law has drifted since it was learned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kanopt.array_types import Floats
from kanopt.display import Formatter, Grid, KeyFigure, caution, number_form, table_of
from kanopt.errors import ProblemError, TableError, knows_arguments
from kanopt.plans.base import Problem
from kanopt.plans.findings import Status
from kanopt.plans.result import Result
from kanopt.questions.answer import Answer, Picture, Said
from kanopt.questions.axes import refused
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.review import ReviewedDay
from kanopt.scenarios.files.sections import LearnedSpec
from kanopt.scenarios.run import Run
from kanopt.scenarios.scenario import Scenario
from kanopt.tables import read_table, units_of, with_units
from kanopt.text import amount_text, clock_text, count_text, join_list, money_text, percent_text

LEVEL = 0.05
"""How likely a law that is as it was is called otherwise, ever."""
LOOKS = 250
"""On how many days that holds: about a year of working days."""
NOT_FOLLOWED = ("order and vehicles", "departure", "loads", "detours")
"""Parts that say that the plan was not followed."""
_SHIFT = 1.0
"""Spread of changes that are looked for, in standard deviations of a day."""
_NAMED = 3
_FEWEST_DAYS = 3
_MOMENT = 0.5
"""Units of time by which a departure differs from the one that was planned, at least."""


@dataclass(frozen=True, eq=False, repr=False)
class Review(Answer):
    """What became of a plan on its day, and why.

    Parameters
    ----------
    planned
        The plan on the laws.
    day
        The day beside it.
    scenario
        What the plan was made of; None where it was made in Python.
    assumed
        What is taken for granted, in sentences.
    status
        That of the plan.
    """

    planned: RoutingAssessment
    day: ReviewedDay
    scenario: Scenario | None = None
    assumed: tuple[str, ...] = ()
    status: Status = Status.FEASIBLE

    kind = "review"
    interrupted = False

    @property
    def problem(self) -> Problem[Any]:
        """The problem of the plan."""
        return self.planned.problem

    @property
    def parts(self) -> pd.DataFrame:
        """One row per part, with what it did to money and time.

        Parts: ``order and vehicles``, ``departure``, ``loads`` and ``detours`` (the plan was not followed), ``the day``
        (all times were longer or shorter), ``the law`` (it is wrong at single places, hours, vehicles or loads) and
        ``chance``. Columns ``money`` and ``minutes`` (in the problem's unit of time), each with an interval of 90 %
        (``… low``, ``… high``). They add up to what was driven less what was planned.
        """
        return self.day.intervals

    @property
    def notes(self) -> tuple[str, ...]:
        """What was wrong, missing or unknown in the table, in sentences."""
        return self.day.day.notes

    @property
    def effect(self) -> tuple[float, float]:
        """By which share travel took longer on this day than the law says, and the standard error of that."""
        told = self.day.travel.of_day
        return told["effect"], told["error"]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        day = self.day
        return {
            "parts": self.parts.rename_axis("part").reset_index(),
            "costs": day.money.rename_axis("term").reset_index(),
            "vehicles": day.vehicles.rename_axis("vehicle").reset_index(),
            "minutes": day.minutes.rename_axis("vehicle").reset_index(),
            "stops": day.stops.rename_axis("client").reset_index(),
            "hours": day.hours,
            "wrong": day.wrong,
            "rows": self.rows(),
        }

    def to_json(self) -> dict[str, Any]:
        """Return what is told in sentences as plain data."""
        return {"notes": list(self.cautions()), "sentences": list(self.sentences())}

    def rows(self) -> pd.DataFrame:
        """Return the legs that were driven as rows of the table that the law of travel time was learned from."""
        rows, laws = self.day.rows(), {} if self.scenario is None else self.scenario.laws
        targets = {name: target for name, law in laws.items() if (target := getattr(law, "target", None))}
        return rows.rename(columns=targets)

    def enlarged(self, history: pd.DataFrame) -> pd.DataFrame:
        """Return a history with the legs of this day behind its rows, to learn the law anew.

        Raises
        ------
        TableError
            If the history lacks a column of the law, or travel times are no law.
        """
        return _enlarged(history, self.rows())

    def learned_again(self) -> Scenario:
        """Return the scenario whose law of travel time is learned from its rows and the legs of this day.

        ``ko.compare([scenario, review.learned_again()])`` says what that changes in price and plan.

        Raises
        ------
        ScenarioError
            If the plan was made in Python, or travel times are no law that is learned.
        """
        if self.scenario is None:
            raise refused(
                "review", "scenario", "the plan is of no scenario whose laws could be learned again"
            )
        return learned_again(self.scenario, self.rows().assign(date="driven"))

    def said(self) -> Said:
        """Return what it says."""
        money, minutes = self.day.money.sum(), self.day.minutes.sum()
        unit, time = self.unit, self.planned.problem.units.time
        changed = money["driven"] - money["planned"]
        more = f"{money_text(abs(changed), unit)} {'more' if changed > 0 else 'less'} than planned"
        followed = float(money[list(NOT_FOLLOWED)].sum())
        order = [f"{what}{end}" for what in ("money", "minutes") for end in ("", " low", " high")]
        parts = self.parts[order].rename_axis("part").reset_index()
        heads = {str(name): str(name).replace("money", unit).replace("minutes", time) for name in parts}
        told = "What each part did; low and high hold it in nine of ten cases"
        captions = {
            "stops": f"Arrivals at clients, {time}",
            "vehicles": f"By vehicle, {unit}",
            "costs": f"By term, {unit}",
        }
        return Said(
            title=("" if self.scenario is None else f"{self.scenario.name}: ") + "what became of the plan?",
            answer=(
                f"The day cost {money_text(money['driven'], unit)}, {more}. "
                f"Not following the plan came to {money_text(followed, unit, signed=True)}.",
                *self.sentences(),
            ),
            figures=tuple(
                KeyFigure(one, money_text(money[one]), unit, amount_text(minutes[one], time))
                for one in ("planned", "driven")
            ),
            sure=("The parts add up exactly; the day, the law and chance are told apart by an estimate.",),
            notices=tuple(map(caution, self.cautions())),
            tables=(
                table_of(parts, told, heads=heads, forms=dict.fromkeys(parts.columns[1:], number_form(2))),
                *(self._by(name, caption) for name, caption in captions.items()),
            ),
            pictures=(Picture("plot_review", "What made the difference"),),
        )

    def _by(self, name: str, caption: str) -> Grid:
        """Return what each part that did something did to stops, vehicles or terms; of stops it is arrivals."""
        frame, unit = self.tables()[name], self.planned.problem.units.time
        frame = frame.drop(columns=[part for part in self.parts.index if not frame[part].any()])
        forms: dict[str, Formatter] = dict.fromkeys(frame.columns[1:], number_form(2))
        if name == "stops":
            forms |= dict.fromkeys(("planned", "driven"), lambda value: clock_text(float(value), unit))
        return table_of(frame, caption, forms=forms)

    def cautions(self) -> tuple[str, ...]:
        """Return what must be known before the prices are believed: stops left out, and what the table lacks."""
        before = self.planned.plan.unserved
        left_out = [name for name in self.day.day.plan.unserved if name not in before]
        told = [*self.assumed]
        if left_out:
            told.append(
                f"Left out on the way: {join_list(left_out, 8)}; the prices do not compare like with like."
            )
        late, time = self.day.late, self.planned.problem.units.time
        if len(late):
            worst = late.iloc[0]
            were = int((late["planned"] > 0.0).sum())
            told.append(
                f"{count_text(len(late), 'client was', 'clients were')} served after the window had closed, "
                f"{worst['client']} by {amount_text(worst['late'], time, 3)}"
                + (f"; {were} of them as planned." if were else "; none was planned to be.")
            )
        return (*told, *self.notes)

    def sentences(self) -> tuple[str, ...]:
        """Return what was not followed, and what the day and the law say, in sentences."""
        found = [*self._departures()]
        for what, times in (("travel", self.day.travel), ("service", self.day.service)):
            if times.effects is not None:
                low, high = np.quantile(times.effects.day, (0.05, 0.95))
                mean = float(times.effects.day.mean())
                if low > 0.0 or high < 0.0:
                    word = "longer" if mean > 0 else "shorter"
                    ends = sorted((abs(low), abs(high)))
                    found.append(
                        f"All times of {what} were {percent_text(abs(mean))} {word} than the law says "
                        f"({percent_text(ends[0])} to {percent_text(ends[1])})."
                    )
            elif len(times.law):
                few = count_text(len(times.law), f"time of {what} is", f"times of {what} are")
                found.append(
                    f"{few} too few to tell the day and the law from chance: all of it counts as chance."
                )
        found += [
            f"The law of {row.what} is wrong for {row.group} {row.level!r}: by {percent_text(row.effect)} "
            f"({percent_text(row.low)} to {percent_text(row.high)}), as {row.times} times tell with a probability of "
            f"{percent_text(row.probability)}."
            for row in _rows_of(self.day.wrong.head(_NAMED))
        ]
        return tuple(found)

    def _departures(self) -> Iterator[str]:
        """Say by how much vehicles left later or earlier than planned."""
        planned = {
            (route.vehicle, route.index): leaves
            for route, leaves in zip(self.planned.plan.routes, self.planned.simulation.departure, strict=True)
        }
        apart = {
            route.label: float(left - planned[route.vehicle, route.index])
            for route, left in zip(self.day.day.plan.routes, self.day.departure, strict=True)
            if (route.vehicle, route.index) in planned
        }
        time = self.planned.problem.units.time
        for word, sign in (("later", 1.0), ("earlier", -1.0)):
            some = {label: sign * value for label, value in apart.items() if sign * value > _MOMENT}
            if some:
                most = max(some, key=lambda label: some[label])
                vehicles = count_text(len(some), "vehicle left", "vehicles left")
                yield f"{vehicles} {word} than planned, {most} by {amount_text(some[most], time, 3)}."


@knows_arguments
def review(run: Run | Result, driven: Any, *, assumed: Sequence[str] = ()) -> Review:
    """Hold what was driven against the plan.

    The difference in money and time is split into parts that add up exactly: the plan was not followed (order and
    vehicles, departures, loads, detours), the day was different, the law is wrong at single places, hours, vehicles or
    loads, and chance. Gaps in the table, another order, another vehicle and missing stops are normal, and told.

    Parameters
    ----------
    run
        A run of a scenario, or the result of a routing problem.
    driven
        A frame with a row for each stop: ``vehicle`` as the plan calls it, ``client``, ``arrival`` and ``end`` of the
        visit, and perhaps ``stop`` (its number), ``departure`` and ``back`` of the vehicle (in any row), and ``load``
        on arrival. Clock times are written as in tables of clients. The frame of a plan is such a table, too.
    assumed
        What is taken for granted, in sentences that are told first.

    Returns
    -------
    Review
        ``parts``, frames by term, vehicle, stop and hour, and ``rows()`` to learn from.

    Raises
    ------
    ProblemError
        If the plan is none of routes; with every mistake in the table.

    Examples
    --------
    >>> import kanopt as ko
    >>> from kanopt import routing
    >>> legs = np.array([[0.0, 20.0, 30.0], [20.0, 0.0, 15.0], [30.0, 15.0, 0.0]])
    >>> problem = ko.RoutingProblem(
    ...     [routing.Depot("hub")], [routing.Client("a", demand=1.0), routing.Client("b", demand=1.0)],
    ...     [routing.VehicleType("van", unit_duration_cost=0.5, capacity=2.0, shift_start=480.0)],
    ...     cost={}, duration=legs, distance=legs)
    >>> plan = ko.evaluate(problem, {"van 1": ["a", "b"]})
    >>> driven = pd.DataFrame({"vehicle": "van 1", "client": ["a", "b"], "arrival": ["8:22", "8:39"],
    ...                        "end": ["8:22", "8:39"], "departure": "8:00", "back": ["", "9:10"]})
    >>> found = ko.review(plan, driven)
    >>> round(float(found.parts["minutes"].sum()), 9), round(float(found.parts["money"].sum()), 9)
    (5.0, 2.5)
    """
    result: Any = getattr(run, "result", run)
    assessment = getattr(result, "assessment", None)
    if not isinstance(assessment, RoutingAssessment):
        raise ProblemError("review: only plans of routes are held against what was driven")
    planned = assessment.settled()
    found = ReviewedDay.of(planned, driven)
    scenario, status = getattr(run, "scenario", None), getattr(result, "status", Status.FEASIBLE)
    return Review(planned, found, scenario, tuple(assumed), status)


def _rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a frame, of whose columns a type checker knows nothing."""
    yield from frame.itertuples()


def _enlarged(history: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a history with legs that were driven behind its rows; see :meth:`Review.enlarged`."""
    missing = [name for name in rows.columns if name not in history.columns]
    if rows.empty or missing:
        what = f"has no column {join_list([repr(name) for name in missing])}" if missing else "is of no law"
        raise TableError(f"the history {what}: give the table that the law of travel time was learned from")
    return with_units(pd.concat([history, rows], ignore_index=True), units_of(history))


def learned_again(scenario: Scenario, legs: pd.DataFrame) -> Scenario:
    """Return a scenario whose law of travel time is learned from its rows and from legs that were driven.

    Each ``date`` of the legs is a group of its own, where the law has groups. What is held out stays so: the law is
    learned from all legs, and judged by the rows that judged it before.

    Raises
    ------
    ScenarioError
        If no leg was driven, or travel times are no law that is learned.
    """
    if legs.empty:
        raise refused(
            "review", "driven", "nothing is known of what was driven, so that nothing more is learned"
        )
    use = getattr(scenario.problem, "duration", None)
    spec = None if use is None else scenario.laws.get(use.law)
    if not isinstance(spec, LearnedSpec):
        raise refused(
            "review", "duration", "travel times are no law that is learned, so that it is not learned again"
        )
    history, rows = scenario.tables[spec.table], legs.drop(columns="date")
    if spec.groups is not None:
        known, days = history[spec.groups], pd.Series(pd.factorize(legs["date"])[0], legs.index)
        is_number = pd.api.types.is_numeric_dtype(known)
        rows[spec.groups] = days + known.max() + 1 if is_number else legs["date"].astype(str)
    if spec.holdout.by is not None:
        rows[spec.holdout.by] = history[spec.holdout.by].min()
    tables = {**scenario.tables, spec.table: read_table(_enlarged(history, rows))}
    return replace(scenario, name=f"{scenario.name}, learned again", tables=tables)


@dataclass(frozen=True)
class Drift:
    """Whether a law has changed.

    Parameters
    ----------
    found
        Whether it has: a law that has not is called so in at most one of twenty cases, however often one looks.
    evidence
        How much likelier the days are with a change than without (an e-value); at 20 a change is found.
    since
        Number of the first day of the change, from 0, as far as the days tell; None where none is found.
    change
        By which share travel takes longer since then.
    low, high
        Its interval of 90 %.
    """

    found: bool
    evidence: float
    since: int | None
    change: float
    low: float
    high: float

    def __str__(self) -> str:
        if not self.found:
            return (
                f"no drift: the days are {self.evidence:.2g} times as likely with a change, 20 are asked for"
            )
        return (
            f"the law has drifted since day {self.since}: travel takes {percent_text(self.change)} longer "
            f"({percent_text(self.low)} to {percent_text(self.high)})"
        )


def drift(
    reviews: Sequence[Review] | pd.DataFrame, *, day_spread: float | None = None, bias_error: float = 0.0
) -> Drift:
    """Say whether a law has drifted, given reviews of days one after the other.

    Each day says by how much travel took longer than the law says. That the law is wrong by a little on all days is no
    drift. Changes from any day on are weighed against none by a mixture of likelihood ratios (Robbins 1970,
    "Statistical methods related to the law of the iterated logarithm", *Ann. Math. Stat.* 41; Ville 1939), so that the
    level holds however often one looks.

    Parameters
    ----------
    reviews
        Reviews of days in order, or a frame with the columns ``effect`` and ``error``, and perhaps ``day spread`` and
        ``bias error``.
    day_spread
        By how much days differ, as a share; None for what the law has learned of it, else for what these days tell by
        how far each is from the one before (von Neumann 1941, *Ann. Math. Stat.* 12).
    bias_error
        Of a frame: standard error of what the law is wrong by on all days, as a share.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> quiet = pd.DataFrame({"effect": 0.01 * rng.standard_normal(60), "error": 0.01})
    >>> later = quiet.assign(effect=quiet["effect"] + 0.05 * (quiet.index >= 30))
    >>> drift(quiet, day_spread=0.0).found, drift(later, day_spread=0.0).found
    (False, True)
    """
    told = (
        reviews
        if isinstance(reviews, pd.DataFrame)
        else pd.DataFrame([each.day.travel.of_day for each in reviews])
    )
    told = told.reindex(columns=["effect", "error", "day spread", "bias error"]).astype(float)
    effects, errors, spreads, biases = told.to_numpy().T
    if day_spread is None and np.isfinite(spreads).any():
        day_spread = float(np.nanmedian(spreads))
    if np.isfinite(biases).any():
        bias_error = float(np.nanmedian(biases))
    kept = np.isfinite(effects) & np.isfinite(errors)
    places, effects, errors = np.flatnonzero(kept), effects[kept], errors[kept]
    if len(effects) < _FEWEST_DAYS:
        return Drift(False, 1.0, None, math.nan, math.nan, math.nan)
    if day_spread is None:
        variance = np.square(np.diff(effects)).mean() / 2.0 - np.square(errors).mean()
        day_spread = math.sqrt(max(float(variance), 0.0))
    variances = np.maximum(errors**2 + day_spread**2, 1e-12)
    evidence, start = _evidence(effects, variances, bias_error)
    weights = 1.0 / variances[start:]
    before = float(np.average(effects[:start], weights=1.0 / variances[:start])) if start else 0.0
    change = float(np.average(effects[start:], weights=weights)) - before
    error = math.sqrt(
        1.0 / weights.sum() + (1.0 / (1.0 / variances[:start]).sum() if start else bias_error**2)
    )
    found = evidence >= 1.0 / LEVEL
    since = int(places[start]) if found else None
    return Drift(found, evidence, since, change, change - 1.645 * error, change + 1.645 * error)


def _evidence(effects: Floats, variances: Floats, bias_error: float) -> tuple[float, int]:
    """Return the largest evidence until now, of a mixture over the days on which a change may have begun, and the day.

    With and without a change all days have a bias in common, so that their covariance is that of the days and a
    constant.
    """
    size = _SHIFT**2 * float(np.median(variances))
    weight, weighted = np.cumsum(1.0 / variances), np.cumsum(effects / variances)
    best, likeliest = 0.0, 0
    for last in range(len(effects)):
        shrunk = bias_error**2 / (1.0 + bias_error**2 * weight[last])
        own = weight[last] - np.concatenate([[0.0], weight[:last]])
        sums = weighted[last] - np.concatenate([[0.0], weighted[:last]])
        inner = own - shrunk * own**2
        found = sums - shrunk * own * weighted[last]
        logs = size * found**2 / (2.0 * (1.0 + size * inner)) - np.log1p(size * inner) / 2.0
        # a change that is yet to come has a ratio of 1
        total = np.exp(np.minimum(logs, 700.0)).sum() / LOOKS + max(LOOKS - last - 1, 0) / LOOKS
        best, likeliest = max(best, float(total)), int(np.argmax(logs))
    return best, likeliest
