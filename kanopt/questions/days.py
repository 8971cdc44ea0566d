"""A book of days: orders of many days, each planned, beside what was driven and beside a variant."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from kanopt.display import Grid, KeyFigure, Link, table_of
from kanopt.errors import nearest
from kanopt.files import file_name
from kanopt.plans.base import Plan, Problem
from kanopt.plans.findings import Status
from kanopt.plans.result import Result, evaluate
from kanopt.progress import told_by_line
from kanopt.questions.answer import Answer, Picture, Said
from kanopt.questions.ask import Asking, question_words
from kanopt.questions.axes import refused
from kanopt.questions.days_tables import (
    SURE,
    Acceptance,
    Day,
    Mean,
    acceptance,
    fleet_of,
    interval_text,
    mean_of,
    read_days,
    share_of_days,
)
from kanopt.questions.point import PointResult
from kanopt.questions.point_search import hands_of
from kanopt.questions.question import Prepared, Question, SweepOptions, prepare, require_scenario
from kanopt.questions.review import Drift, Review, drift, learned_again, review
from kanopt.questions.store import open_store
from kanopt.routing import RoutingPlan
from kanopt.routing.driven import read_driven
from kanopt.routing.review import ReviewedDay
from kanopt.routing.search.departure_choice import knows_errors
from kanopt.scenarios.events import Event, OnEvent, ignore_event
from kanopt.scenarios.run import Run, finish_run, leaving_in_time, solve_problem
from kanopt.scenarios.scenario import Scenario
from kanopt.tables import report_of
from kanopt.text import (
    capital,
    count_text,
    fixed_text,
    join_list,
    list_names,
    money_text,
    percent_text,
    sure_text,
    with_unit,
)

# Days as points of a question: each is planned, planned with something changed, and priced as it was
# driven.

PLANNED, DRIVEN, VARIANT = "planned", "driven", "variant"
AS_IT_WAS, WAS_IN_TIME = "as it was", "was in time"
"""What a driven day cost at the times that were, and whether everyone was served in time."""
REMARKS = "remarks"
"""How much is to be said of what was driven: stops that nobody ordered, clients visited twice, times that run back."""
IN_TIME = "in time"
_FIGURES = ("distance", "hours", "vehicles")
_MOST_CHANGES = 4
_TINY = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class DaysQuestion(Question):
    """What is asked of days; a point is the name of a day and how it is planned.

    Parameters
    ----------
    days
        The days.
    base
        The scenario as it is, with its laws.
    variant
        What is changed, with its laws; None where nothing is.
    """

    days: tuple[Day, ...]
    base: Prepared
    variant: Prepared | None = None

    def day(self, point: int) -> Day:
        """Return the day of a point."""
        return self.days[self._place[self.points[point][0]]]

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return {day.name: place for place, day in enumerate(self.days)}

    def number(self, name: str, plan: str) -> int | None:
        """Return the number of a point; None where it is none."""
        return self._numbers.get((name, plan))

    @cached_property
    def _numbers(self) -> Mapping[Any, int]:
        return {place: number for number, place in enumerate(self.points)}

    @property
    def nothing(self) -> Result:
        """The problem as it is, without a plan."""
        return Result(self.base.problem, None, Status.NO_PLAN, None, None, "")

    def words(self) -> dict[str, Any]:
        """Return what tells one book of days from another."""
        frames = [frame for day in self.days for frame in (day.clients, day.driven) if frame is not None]
        texts, variant = "".join(frame.to_csv(index=False) for frame in frames), list[str]()
        if self.variant is not None:
            other = self.variant.scenario
            variant = [other.name, *map(str, other.changes), *(doc.sha256 for doc in other.layers.documents)]
            variant += [report_of(table).sha256 for table in other.tables.values()]
        return {"days": hashlib.sha256(texts.encode()).hexdigest(), "variant": variant}

    def asked(self, point: int) -> Prepared:
        """Return the scenario and the laws of a point."""
        return self.base if self.points[point][1] != VARIANT or self.variant is None else self.variant

    def scenario_at(self, point: int) -> Scenario:
        """Return the scenario on a day."""
        return self.day(point).of(self.asked(point).scenario)

    def problem_at(self, point: int) -> Problem[Any]:
        """Return the problem of a day."""
        scenario = self.scenario_at(point)
        return scenario.build(scenario.formulas(self.asked(point).formulas))

    def days_in_time(self, point: int) -> float | None:
        """Return on which share of days a plan is to be in time."""
        return self.scenario_at(point).solver.share_in_time if point >= 0 else None

    def search(self, point: int, problem: Problem[Any], repeat: int, initial: Plan | None) -> Result:
        """Plan a day, or price what was driven."""
        share = self.days_in_time(point)
        if self.points[point][1] == DRIVEN:
            return leaving_in_time(self._driven(point, problem), share, keep_given=True)
        found = solve_problem(
            self.scenario_at(point),
            problem,
            seed=self.seed + repeat,
            time_limit=self.time_limit,
            initial=initial,
        )
        if found.interrupted:
            raise KeyboardInterrupt
        return found

    def _driven(self, point: int, problem: Any) -> Result:
        """Return the routes that were driven, on the laws: who served whom in which order, leaving when they did."""
        # of a plan without routes nothing counts as left out
        nothing: Any = evaluate(problem, RoutingPlan((), self.day(point).names)).assessment
        return evaluate(problem, read_driven(nothing, self.day(point).driven).plan)

    def figures(self, point: int, result: Result) -> Mapping[str, float]:
        """Return what is told of a plan besides its price."""
        known: Any = result.assessment
        if known is None:
            return {}
        found = {each.key: float(each.value) for each in known.figures() if each.key in _FIGURES}
        share, is_late = result.days_in_time, bool((known.simulation.late > _TINY).any())
        found[IN_TIME] = float(not is_late) if share is None else share.share
        used = Counter(route.vehicle for route in known.plan.routes)
        found |= {f"{one.name} used": float(used[one.name]) for one in known.problem.data.vehicles}
        return found | self._as_it_was(point, known) if self.points[point][1] == DRIVEN else found

    def _as_it_was(self, point: int, priced: Any) -> dict[str, float]:
        found = ReviewedDay.of(priced, self.day(point).driven)
        price, in_time = float(found.money["driven"].sum()), float(found.late.empty)
        return {AS_IT_WAS: price, WAS_IN_TIME: in_time, REMARKS: len(found.day.notes), **found.travel.of_day}

    def waves(self) -> Iterable[Sequence[tuple[int, int | None]]]:
        """Return days with clients that none before had, then those that start from the plan of a day with the same.

        With what is changed, a day starts from its own plan as it is.
        """
        waves: tuple[list[tuple[int, int | None]], ...] = ([], [], [])
        known: dict[frozenset[str], int] = {}
        for number, (name, plan) in enumerate(self.points):
            if plan == VARIANT:
                waves[2].append((number, self.number(name, PLANNED)))
                continue
            start = known.setdefault(frozenset(self.day(number).names), number) if plan == PLANNED else number
            waves[start != number].append((number, None if start == number else start))
        return waves

    def neighbours(self) -> Sequence[Sequence[int]]:
        """Return the other plans of the day, of which each planned one takes the best."""
        found = []
        for name, plan in self.points:
            others = [self.number(name, other) for other in (PLANNED, DRIVEN, VARIANT) if other != plan]
            found.append([] if plan == DRIVEN else [other for other in others if other is not None])
        return found


_MEASURES = ("cost", "distance", "hours", "vehicles", IN_TIME, "unserved")


@dataclass(frozen=True, eq=False, repr=False)
class Days(Answer):
    """Days of orders, each planned, beside what was driven and beside a variant, all on the same laws.

    Parameters
    ----------
    question
        The days with their orders, the scenario and what is changed.
    results
        What came of each plan of a day; those that are missing were not reached.
    hire
        What a vehicle costs that is hired for a day, by type, as far as that is known.
    notes
        What was wrong, missing or unknown in the tables, in sentences.
    interrupted
        True where the user stopped it.
    folder
        Where pages of days are, beside the page; empty where there are none.
    """

    question: DaysQuestion
    results: Mapping[int, PointResult]
    hire: Mapping[str, float]
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    folder: str = ""

    @property
    def scenario(self) -> Scenario:
        """What the days are planned with."""
        return self.question.base.scenario

    @property
    def status(self) -> Status:
        """Whether some day has a plan, and all plans hold and serve everybody."""
        if not len(self.rows_of(PLANNED)):
            return Status.NO_PLAN
        return Status.INFEASIBLE if any(map(len, self.faults().values())) else Status.FEASIBLE

    kind = "days"

    @property
    def problem(self) -> Problem[Any]:
        """The problem as it is."""
        return self.question.base.problem

    @property
    def plans(self) -> tuple[str, ...]:
        """How days are planned or driven: ``"planned"``, ``"driven"`` where it is known, ``"variant"`` where asked."""
        return tuple(dict.fromkeys(plan for _, plan in self.question.points))

    @property
    def vehicles(self) -> Sequence[Any]:
        """The types of vehicles."""
        problem: Any = self.question.base.problem
        return tuple(problem.data.vehicles)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per day and plan.

        Columns ``day``, ``plan``, ``status``, ``cost``, ``distance``, ``hours``, ``vehicles``; ``in time`` (on which
        share of days like this everyone is in time; 0 or 1 where the law of time knows no errors); ``orders``
        (clients), ``unserved`` (of them); one ``… used`` for each type of vehicle; ``unlike`` (what the plan serves
        instead of what the planned one does; empty where prices compare like with like) and ``message``. Of driven days
        ``as it was`` (the price at the times that were), ``was in time``, by which share travel took longer than the
        law says (``effect``, with its ``error``), and how many ``remarks`` :meth:`review` has on the table.
        """
        rows = [self._row(number, found) for number, found in sorted(self.results.items())]
        first = ["day", "plan", "status", "cost", *_MEASURES[1:], "orders"]
        others = [name for name in pd.DataFrame(rows).columns if name not in first]
        return pd.DataFrame(rows, columns=[*first, *others])

    def _row(self, number: int, found: PointResult) -> dict[str, Any]:
        name, plan = self.question.points[number]
        day, planned = self.question.day(number), self._found(name, PLANNED)
        served = 0 if found.service is None else len(day.names) - len(found.service.coverage.left_out)
        orders = len(day.names) + len(day.unplaced)
        return {
            "day": name,
            "plan": plan,
            "status": found.status,
            "cost": found.objective,
            "orders": orders,
            "unserved": orders - served,
            **found.figures,
            "unlike": "" if planned is None else found.unlike(planned),
            "message": found.message,
        }

    def _found(self, name: str, plan: str) -> PointResult | None:
        number = self.question.number(name, plan)
        return None if number is None else self.results.get(number)

    def rows_of(self, plan: str) -> pd.DataFrame:
        """Return the rows of :attr:`frame` of one way to plan, by day, of days that have such a plan."""
        return self.frame[(self.frame["plan"] == plan) & self.frame["cost"].notna()].set_index("day")

    def _beside(self, plan: str) -> pd.DataFrame:
        """Return what another plan comes to more than the planned one, by day, where both serve alike."""
        one, other = self.rows_of(PLANNED), self.rows_of(plan)
        alike = other.index[other["unlike"] == ""].intersection(one.index)
        columns = list(_MEASURES)
        return other.loc[alike, columns].astype(float) - one.loc[alike, columns].astype(float)

    @cached_property
    def means(self) -> dict[tuple[str, str], Mean]:
        """The mean of each measure by plan and measure, as :attr:`intervals` has them."""
        tables = {plan: self.rows_of(plan)[list(_MEASURES)].astype(float) for plan in self.plans}
        tables |= {f"{plan} − {PLANNED}": self._beside(plan) for plan in self.plans if plan != PLANNED}
        found = {
            (plan, measure): mean_of(table[measure].to_numpy())
            for plan, table in tables.items()
            for measure in _MEASURES
        }
        if len(driven := self.rows_of(DRIVEN)):
            found[DRIVEN, AS_IT_WAS] = mean_of(driven[AS_IT_WAS].to_numpy(float))
            found[DRIVEN, WAS_IN_TIME] = share_of_days(int(driven[WAS_IN_TIME].sum()), len(driven))
        return found

    @property
    def intervals(self) -> pd.DataFrame:
        """Means over days with intervals that hold the mean of all such days in 95 of 100 cases.

        Columns ``plan`` (``"driven − planned"`` is paired by day, of days on which both serve alike), ``measure``,
        ``mean``, ``low``, ``high`` and ``days``.
        """
        rows = [(*key, *found) for key, found in self.means.items()]
        return pd.DataFrame(rows, columns=["plan", "measure", *Mean._fields])

    @cached_property
    def fleet(self) -> pd.DataFrame:
        """What it costs a day to own so many vehicles and to hire the others on days that need more.

        Owned vehicles cost their ``fixed_cost`` every day, and those that go out as planned are needed. One row for
        each ``type`` and number ``owned``: ``needed`` (share of days that need so many), ``low`` and ``high`` of that,
        ``overflow`` (share of days on which some are hired), ``hired`` (vehicles a day), ``cost`` (a day),
        ``break_even`` (from which price of hiring it pays to own the last of them) and ``best``.
        """
        planned = self.rows_of(PLANNED)
        known = [one for one in self.vehicles if f"{one.name} used" in planned]
        used = pd.DataFrame({one.name: planned[f"{one.name} used"] for one in known})
        return fleet_of(used, {one.name: one.fixed_cost for one in known}, self.hire)

    @cached_property
    def acceptance(self) -> Acceptance | None:
        """Whether the variant is to be accepted; None where nothing is changed."""
        if VARIANT not in self.plans:
            return None
        pairs = [
            (self._found(name, VARIANT), self._found(name, PLANNED)) for name in self.rows_of(PLANNED).index
        ]
        less = sum(bool(one and other and one.verdict(other).does_less) for one, other in pairs)
        why = f"on {count_text(less, 'day')} it leaves out more, or breaks a rule" if less else ""
        change, own = self.means[f"{VARIANT} − {PLANNED}", IN_TIME], self.means[VARIANT, IN_TIME].mean
        if not why and change.high < 0.0 and own < (self.scenario.solver.share_in_time or 0.0):
            why = f"everyone is in time on {sure_text(own)} of days only"
        return acceptance(self._beside(VARIANT)["cost"].to_numpy(), self.means[PLANNED, "cost"].mean, why)

    @cached_property
    def drift(self) -> Drift:
        """Whether the law of travel time has changed over the days that were driven."""
        return drift(self.rows_of(DRIVEN))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"days": self.frame, "intervals": self.intervals, "fleet": self.fleet}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        money, shares = (
            ("cost", AS_IT_WAS, "break_even"),
            (IN_TIME, "needed", "fleet.low", "fleet.high", "overflow"),
        )
        by_day = {f"{plan}, cost": "money" for plan in self.plans}
        by_day |= {"days.effect": "share"} | {f"{plan}, {IN_TIME}": "share" for plan in self.plans}
        return dict.fromkeys(money, "money") | dict.fromkeys(shares, "share") | by_day

    def to_json(self) -> dict[str, Any]:
        """Return what is told in sentences as plain data."""
        return {"sentences": list(self.sentences()), "cautions": list(self.cautions())}

    def run(self, day: str, plan: str = PLANNED) -> Run:
        """Return a plan of a day with all that is behind it, what was driven beside it as today's plan.

        Raises
        ------
        ScenarioError
            If there is no such day, or no plan of it.
        """
        number, result = self._result(day, plan)
        driven = self._found(day, DRIVEN)
        today = None if driven is None or driven.plan is None else evaluate(result.problem, driven.plan)
        laws = self.question.asked(number).laws
        return finish_run(self.question.scenario_at(number), laws, result, today, seconds=0.0, warns=False)

    def review(self, day: str) -> Review:
        """Return what was driven on a day beside its own routes on the laws; see :func:`kanopt.review`.

        Raises
        ------
        ScenarioError
            If nothing is known of what was driven.
        """
        number, result = self._result(day, DRIVEN)
        return replace(review(result, self.question.day(number).driven), scenario=self.scenario)

    def rows(self) -> pd.DataFrame:
        """Return the legs of all driven days as rows of the table that the law of travel time was learned from.

        A column ``date`` says the day.
        """
        days = [str(name) for name in self.rows_of(DRIVEN).index]
        parts = [self.review(name).rows().assign(date=name) for name in days]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def learned_again(self) -> Scenario:
        """Return the scenario whose law of travel time is learned from its rows and all legs that were driven.

        ``ko.compare([scenario, days.learned_again()])`` says what that changes in price and plan.
        """
        return learned_again(self.scenario, self.rows())

    def _result(self, day: str, plan: str) -> tuple[int, Result]:
        number, found = self.question.number(day, plan), self._found(day, plan)
        if number is None:
            told = f"there is no such day that is {plan}; {nearest(day, [each.name for each in self.question.days])}"
            raise refused("days", day, told)
        if found is None or found.plan is None:
            raise refused("days", day, f"it has no plan: {found.message if found else 'it was not reached'}")
        return number, evaluate(self.question.problem_at(number), found.plan)

    def sentences(self) -> tuple[str, ...]:
        """Return what the days tell, the verdict on a variant first."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        cost, share = self.means[PLANNED, "cost"], self.means[PLANNED, IN_TIME]
        if not cost.days:
            yield "No day has a plan."
            return
        if self.acceptance is not None and self.question.variant is not None:
            changes = join_list(self.question.variant.scenario.change_sentences(self.scenario), _MOST_CHANGES)
            yield f"{self.acceptance.text(self.unit, cost.mean)} In it {changes}."
        yield (
            f"A day costs {money_text(cost.mean, self.unit)} as planned{_interval(cost)}, over "
            f"{count_text(cost.days, 'day')}; everyone is in time on {sure_text(share.mean)} of such days."
        )
        if DRIVEN in self.plans and self.means[f"{DRIVEN} − {PLANNED}", "cost"].days:
            yield self._driven_text()
        yield from self._fleet_texts()
        if DRIVEN in self.plans:
            yield self._drift_text()

    def _driven_text(self) -> str:
        more, apart = self.means[f"{DRIVEN} − {PLANNED}", "cost"], self.means[DRIVEN, "cost"].days
        share, was = self.means[DRIVEN, IN_TIME], self.means[DRIVEN, WAS_IN_TIME]
        word, days = "more" if more.mean > 0 else "less", count_text(more.days, "day")
        return (
            f"What was driven costs {money_text(abs(more.mean), self.unit)} a day {word}{_interval(more)} on the same "
            f"laws, over {days} of {apart} on which both serve alike. Everyone is in time with it on "
            f"{sure_text(share.mean)} of such days, and was on {round(was.mean * was.days)} of {was.days}."
        )

    def _fleet_texts(self) -> Iterator[str]:
        for one in self.vehicles:
            rows = self.fleet[self.fleet["type"] == one.name]
            last = rows.iloc[-1] if len(rows) else {"owned": 0}
            if not last["owned"] or not one.fixed_cost:
                continue
            often = percent_text(last["needed"])
            if rows["best"].any():
                best = rows[rows["best"]].iloc[0]
                price, hiring = money_text(best["cost"], self.unit), percent_text(best["overflow"])
                yield f"Own {best['owned']} × {one.name}, and hire on {hiring} of days: {price} a day."
            else:
                price = money_text(last["break_even"], self.unit)
                yield (
                    f"{last['owned']} × {one.name} go out on {often} of days: it pays to own the last of them where "
                    f"hiring one costs more than {price} a day."
                )
            if last["owned"] == one.num_available:
                yield f"All {last['owned']} × {one.name} go out on {often} of days: more may be needed."

    def _drift_text(self) -> str:
        found = self.drift
        if found.since is None:
            return f"No drift of the law of travel time is seen (evidence {found.evidence:.2g}, where 20 would tell)."
        day = self.rows_of(DRIVEN).index[found.since]
        ends = f"{percent_text(found.low)} to {percent_text(found.high)}"
        return (
            f"The law of travel time no longer holds from {day} on: travel takes {percent_text(found.change)} longer "
            f"({ends}). Learn it again on old and new rows."
        )

    def faults(self, plan: str = PLANNED) -> dict[str, pd.DataFrame]:
        """Return the rows of days that are not in order, by what is wrong with them."""
        frame = self.frame[self.frame["plan"] == plan]
        has_plan = frame["cost"].notna()
        return {
            "without a plan, which no figure counts": frame[~has_plan],
            "on which somebody is not served": frame[has_plan & (frame["unserved"] > 0)],
            "on which a rule is broken": frame[frame["status"] == Status.INFEASIBLE],
        }

    def cautions(self) -> tuple[str, ...]:
        """Return what must be known before the figures are believed: days not in order, and what the tables lack."""
        told = []
        for plan in self.plans:
            for words, rows in self.faults(plan).items():
                if len(rows):
                    days, why = list_names(rows["day"].tolist(), quoted=False), rows["message"].iloc[0]
                    first = f"; of {rows['day'].iloc[0]}: {why}" if why else ""
                    told.append(f"{count_text(len(rows), 'day')} {words} ({plan}): {days}{first}")
        driven = self.rows_of(DRIVEN)
        odd = [str(day) for day in driven.index[driven[REMARKS] > 0]] if len(driven) else []
        if odd:
            told.append(
                f"What was driven on {count_text(len(odd), 'day')} has stops that nobody ordered, clients visited "
                f"twice or times that run backwards, which review(day) tells of: {list_names(odd, quoted=False)}"
            )
        if not knows_errors(self.question.base.problem):
            told.append(
                "The law of time knows no errors: a day counts as in time where it is so on the law itself."
            )
        return (*told, *self.notes)

    def said(self) -> Said:
        """Return what it says."""
        sentences, plans = self.sentences(), count_text(len(self.question.points), "plan")
        return Said(
            title=f"{self.scenario.name}: {count_text(len(self.question.days), 'day')} of orders",
            answer=sentences[:3],
            lines=sentences[3:],
            figures=tuple(self._keys()),
            sure=(
                f"Intervals hold the mean of all days like these in {round(100 * SURE)} of 100 cases, if days are "
                "drawn alike and each by itself; differences are paired by day.",
            ),
            notices=self._warnings(len(self.results), plans, self.cautions()),
            tables=tuple(self._grids()),
            pictures=(Picture("plot_days", f"What each day costs ({self.unit})"),),
        )

    def _keys(self) -> Iterator[KeyFigure]:
        for plan in self.plans:
            cost, share = self.means[plan, "cost"], self.means[plan, IN_TIME]
            if cost.days:
                told = f"{count_text(cost.days, 'day')}, in time on {sure_text(share.mean)} of such days"
                yield KeyFigure(f"a day {plan}", money_text(cost.mean), self.unit, told)
        if (verdict := self.acceptance) is not None:
            more = interval_text(verdict.change, signed=True)
            yield KeyFigure("the variant", verdict.word, "", f"{more} {self.unit} a day" if more else "")

    def _grids(self) -> Iterator[Grid]:
        yield table_of(self._means(), "A mean day; of differences also where their mean surely lies")
        if len(self.fleet):
            heads = {"needed": "days that need so many", "low": "at least", "high": "at most"}
            heads |= {"overflow": "days of hiring", "hired": "hired a day", "cost": "cost a day"}
            heads |= {"break_even": "pays from hiring at"}
            frame = self.fleet if self.hire else self.fleet.drop(columns=["cost", "best"])
            yield self._table("fleet", frame, self._priced("How many vehicles to own"), heads=heads)
        grid = self._table(
            "days", self._by_day(), self._priced("The days"), heads={"effect": "longer than the law"}
        )
        known = set(self.rows_of(PLANNED).index) if self.folder else set()
        pages = ((quote(f"{self.folder}/{page_of(str(row[0]))}"), row) for row in grid.rows)
        rows = tuple((Link(str(row[0]), page), *row[1:]) if row[0] in known else row for page, row in pages)
        yield replace(grid, rows=rows)

    def _means(self) -> pd.DataFrame:
        """Return a row for each measure with its mean of each plan, and how far that lies from the planned one."""
        problem: Any = self.problem
        units = {"cost": self.unit, "distance": problem.units.distance}
        columns: dict[str, list[str]] = {
            "": [capital(with_unit(one, units.get(one, ""))) for one in _MEASURES]
        }
        for plan in self.plans:
            for name in (plan, f"{plan} − {PLANNED}")[: 1 + (plan != PLANNED)]:
                columns[name] = [
                    _mean_text(self.means[name, one], one, is_less=name != plan) for one in _MEASURES
                ]
        return pd.DataFrame(columns)

    def _by_day(self) -> pd.DataFrame:
        """Return a row for each day: what each plan of it costs, on which share of days like it all are in time."""
        days = [day.name for day in self.question.days]
        plans = {
            plan: self.frame[self.frame["plan"] == plan].set_index("day").reindex(days) for plan in self.plans
        }
        found = {"orders": plans[PLANNED]["orders"], "vehicles": plans[PLANNED]["vehicles"]}
        found |= {f"{plan}, cost": rows["cost"] for plan, rows in plans.items()}
        found |= {f"{plan}, {IN_TIME}": rows[IN_TIME] for plan, rows in plans.items() if IN_TIME in rows}
        found |= {f"{plan}, unserved": one for plan, rows in plans.items() if (one := rows["unserved"]).any()}
        found |= {"effect": plans[DRIVEN]["effect"]} if "effect" in plans.get(DRIVEN, ()) else {}
        why = plans[PLANNED]["message"].fillna("")
        found |= {"why": why} if why.any() else {}
        return pd.DataFrame(found).reset_index()

    def to_html(self, path: Any, *, pages: bool = False) -> Path:
        """Write it as a page; with `pages`, each day's own page too, in a folder beside it. Returns its path."""
        if not pages:
            return super().to_html(path)
        folder = Path(path).with_suffix("")
        for name in map(str, self.rows_of(PLANNED).index):
            self.run(name).to_html(folder / page_of(name))
        return replace(self, folder=folder.name).to_html(path)


def page_of(day: str) -> str:
    """Return the file of the page of a day; days that are called otherwise have other files."""
    return file_name(day, ".html")


def _mean_text(found: Mean, measure: str, *, is_less: bool) -> str:
    """Write a mean, of a difference with its interval."""

    def form(value: float) -> str:
        if measure == IN_TIME:
            return f"{fixed_text(100.0 * value, 1, signed=True)} points" if is_less else sure_text(value)
        return fixed_text(value, 2, signed=is_less)

    known = is_less and not math.isnan(found.low)
    return form(found.mean) + (f" ({form(found.low)} to {form(found.high)})" if known else "")


def _interval(found: Mean) -> str:
    ends = interval_text(found)
    return f" ({ends})" if ends else ""


@told_by_line
def plan_days(
    base: Scenario,
    orders: Any = "orders",
    *,
    history: Any = None,
    variant: Scenario | None = None,
    hire: float | Mapping[str, float] | None = None,
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> Days:
    """Plan many days of orders, beside what was driven and beside a variant.

    Laws are learned once. Each day is a plan of its own, beside what was driven and the same day with a variant. All
    are priced on the laws, each takes the best of the plans of its day, and prices are compared on days on which both
    serve alike.

    Parameters
    ----------
    base
        The scenario of a day.
    orders
        A row for each order: ``date``, ``client``, and whatever is otherwise than in the table of clients, such as the
        demand. Who is no client brings place and window along. A frame, a file, or a table of the scenario.
    history
        What was driven, a row for each stop: ``date`` and the columns that :func:`kanopt.review` reads.
    variant
        The same days with another fleet, law or rule: ``base.set("vehicles[name=van].num_available", 5)``.
    hire
        What a vehicle costs that is hired for a day, for all types or by type; where it is not given, it is told from
        which price on hiring is dearer than owning.
    options
        Seeds, limits, workers, and the folder from which a book that was stopped goes on.
    progress
        Called with each stage; without it, a line tells at a terminal or in a notebook.

    Returns
    -------
    Days
        After Ctrl-C with the days until then.

    Raises
    ------
    ScenarioError
        If a table is none or has no dates, or tables, laws and problem do not fit together. A day that cannot be
        planned is told of, and does not lose the others.
    FormulaError
        If a law predicts too poorly to be used.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/parcel_month.toml")                 # doctest: +SKIP
    >>> print(ko.plan_days(base, "orders", history="driven", hire=95.0))       # doctest: +SKIP
    """
    require_scenario(base, "plan_days")
    options, report = options or SweepOptions(), progress or ignore_event
    days, notes = read_days(base, orders, history)
    for note in notes:
        report(Event("build", f"note: {note}"))
    require_scenario(variant or base, "plan_days")
    prepared, *others = (
        prepare(each, (), options, report, with_today=False) for each in (base, variant) if each is not None
    )
    points = [(day.name, PLANNED) for day in days]
    points += [(day.name, DRIVEN) for day in days if day.driven is not None]
    points += [(day.name, VARIANT) for day in days if others]
    question = DaysQuestion.of(
        prepared, (), points, days=days, base=prepared, variant=others[0] if others else None
    )
    problem: Any = prepared.problem
    prices = _prices(hire, [one.name for one in problem.data.vehicles])
    words = question_words(question, prepared, "anew") | question.words()
    with open_store(options.out, words) as store, hands_of(options) as hands:
        asking = Asking(question, question.nothing, report, store, hands)
        ended = asking.run()
    return Days(question, asking.results, prices, notes, interrupted=not ended)


def _prices(hire: float | Mapping[str, float] | None, types: list[str]) -> dict[str, float]:
    """Return the price of hiring by type."""
    given = dict(hire or {}) if hire is None or isinstance(hire, Mapping) else dict.fromkeys(types, hire)
    for name, price in given.items():
        if name not in types:
            raise refused(
                "plan_days", "hire", f"there is no type of vehicle {name!r}; {nearest(name, types)}"
            )
        if isinstance(price, bool) or not isinstance(price, (int, float)) or not 0.0 <= price < math.inf:
            raise refused(
                "plan_days", "hire", f"a price of a day of {name!r} is a number from 0, not {price!r}"
            )
    return {name: float(price) for name, price in given.items()}
