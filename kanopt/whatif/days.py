"""A book of days: orders of many days, each planned, beside what was driven and beside a variant."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kanopt.display import Alarm, Part, grid_of
from kanopt.errors import nearest
from kanopt.parallel import cluster
from kanopt.problems.evaluate import evaluate
from kanopt.problems.result import Result, Status
from kanopt.progress import told_by_line
from kanopt.text import capital, count_text, fixed_text, join_list, list_names, money_text, percent_text, seconds_text, sure_text
from kanopt.whatif.days_figures import Acceptance, Mean, acceptance, fleet_of, interval_text, mean_of, share_of_days
from kanopt.whatif.days_points import AS_IT_WAS, DRIVEN, BIAS, EFFECT, ERROR, PLANNED, SPREAD, VARIANT, WAS_IN_TIME, DaysQuestion
from kanopt.whatif.days_tables import Day, read_days
from kanopt.whatif.events import Event, OnEvent, ignore_event
from kanopt.whatif.law_cache import LawCache
from kanopt.whatif.questions.ask import Asking, question_words
from kanopt.whatif.questions.axes import refused
from kanopt.whatif.questions.point import REFUSED, PointResult
from kanopt.whatif.questions.prepare import Prepared, prepare_checked, require_scenario
from kanopt.whatif.questions.question import SweepOptions
from kanopt.whatif.questions.store import open_store
from kanopt.whatif.review import Drift, Review, drift, review
from kanopt.whatif.run import Run, finish_run, tell_remarks
from kanopt.whatif.table_exports import TableExports

if TYPE_CHECKING:
    from kanopt.whatif.scenario import Scenario

_MEASURES = ("cost", "distance", "hours", "vehicles", "in time", "unserved")
_SHOWN = 12


@dataclass(frozen=True, eq=False, repr=False)
class Days(TableExports):
    """Days of orders, each planned, beside what was driven and beside a variant, all on the same laws.

    Parameters
    ----------
    prepared
        The scenario, its laws and its problem.
    question
        The days, and what is changed.
    results
        What came of each plan of a day; those that are missing were not reached.
    hire
        What a vehicle costs that is hired for a day, by type, as far as that is known.
    notes
        What was wrong, missing or unknown in the tables, in sentences.
    interrupted
        True where the user stopped it.
    seconds
        Wall seconds of it all.
    folder
        Where pages of days are, beside the page; empty where there are none.
    """

    prepared: Prepared
    question: DaysQuestion
    results: Mapping[int, PointResult]
    hire: Mapping[str, float]
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    seconds: float = 0.0
    folder: str = ""

    @property
    def scenario(self) -> Scenario:
        """What the days are planned with."""
        return self.prepared.scenario

    @property
    def unit(self) -> str:
        """Unit of money."""
        return self.prepared.problem.unit

    @property
    def plans(self) -> tuple[str, ...]:
        """How days are planned or driven: ``"planned"``, ``"driven"`` where it is known, ``"variant"`` where asked."""
        return tuple(dict.fromkeys(plan for _, plan in self.question.points))

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per day and plan.

        Columns ``day``, ``plan``, ``status``, ``cost``, ``distance``, ``hours``, ``vehicles``; one ``… used`` for each
        type of vehicle; ``in time`` (on which share of days like this everyone is in time; 0 or 1 where the law of time
        knows no errors); ``orders`` (clients), ``unserved`` (of them), ``unlike`` (what the plan serves instead of what
        the planned one does; empty where prices compare like with like) and ``message``. Of driven days ``as it was``
        (the price at the times that were), ``was in time``, and by which share travel took longer than the law says
        (``effect``, with its ``effect error``).
        """
        rows = []
        for number, found in sorted(self.results.items()):
            name, plan = self.question.points[number]
            planned = self._found(name, PLANNED)
            day = self.question.day(number)
            coverage = None if found.service is None else found.service.coverage
            left = len(day.unplaced) + (len(coverage.left_out) if coverage else len(day.clients))
            rows.append(
                {
                    "day": name,
                    "plan": plan,
                    "status": found.status,
                    "cost": found.objective,
                    **found.figures,
                    "orders": len(day.clients) + len(day.unplaced),
                    "unserved": left,
                    "unlike": found.unlike(planned) if planned is not None else "",
                    "message": found.message,
                }
            )
        first = ["day", "plan", "status", "cost", "distance", "hours", "vehicles", "in time"]
        last = ["orders", "unserved", "unlike", "message"]
        frame = pd.DataFrame(rows)
        between = [name for name in frame.columns if name not in (*first, *last)]
        return frame.reindex(columns=[*first, *between, *last])

    def _found(self, name: str, plan: str) -> PointResult | None:
        number = self.question.number(name, plan)
        return None if number is None else self.results.get(number)

    @property
    def base(self) -> Result:
        """A problem without a plan: what was asked about."""
        return Result(self.prepared.problem, None, Status.NO_PLAN, None, None, "")

    @property
    def types(self) -> tuple[str, ...]:
        """The types of vehicles."""
        return tuple(one.name for one in self.prepared.problem.data.vehicles)

    def planned_days(self) -> list[str]:
        """Return the days that have a plan."""
        return [str(name) for name in self._of(PLANNED).index]

    def faulty(self) -> set[str]:
        """Return the days on which as planned somebody is left out, a rule is broken, or there is no plan."""
        rows = self.frame[self.frame["plan"] == PLANNED]
        wrong = rows["cost"].isna() | (rows["unserved"] > 0) | (rows["status"] == Status.INFEASIBLE)
        return set(rows.loc[wrong, "day"])

    def _of(self, plan: str) -> pd.DataFrame:
        """Return the rows of one way to plan, by day, of days that have such a plan."""
        rows = self.frame[(self.frame["plan"] == plan) & self.frame["cost"].notna()]
        return rows.set_index("day")

    def _beside(self, plan: str) -> pd.DataFrame:
        """Return what another plan comes to more than the planned one, by day, where both serve alike."""
        one, other = self._of(PLANNED), self._of(plan)
        alike = other.index[other["unlike"] == ""].intersection(one.index)
        return other.loc[alike, list(_MEASURES)].astype(float) - one.loc[alike, list(_MEASURES)].astype(float)

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """Means over days with intervals that hold the mean of all such days in 95 of 100 cases.

        Columns ``plan`` (``"driven − planned"`` is paired by day, of days on which both serve alike), ``measure``,
        ``mean``, ``low``, ``high`` and ``days``.
        """
        tables = {plan: self._of(plan)[list(_MEASURES)].astype(float) for plan in self.plans}
        tables |= {f"{plan} − {PLANNED}": self._beside(plan) for plan in self.plans if plan != PLANNED}
        rows: list[tuple[Any, ...]] = [
            (plan, measure, *mean_of(table[measure].to_numpy()))
            for plan, table in tables.items()
            for measure in _MEASURES
        ]
        driven = self._of(DRIVEN)
        if len(driven):
            rows.append((DRIVEN, AS_IT_WAS, *mean_of(driven[AS_IT_WAS].to_numpy(float))))
            rows.append((DRIVEN, WAS_IN_TIME, *share_of_days(int(driven[WAS_IN_TIME].sum()), len(driven))))
        return pd.DataFrame(rows, columns=["plan", "measure", "mean", "low", "high", "days"])

    def mean(self, plan: str, measure: str) -> Mean:
        """Return a row of :attr:`intervals`."""
        frame = self.intervals
        row = frame[(frame["plan"] == plan) & (frame["measure"] == measure)].iloc[0]
        return Mean(row["mean"], row["low"], row["high"], row["days"])

    @cached_property
    def fleet(self) -> pd.DataFrame:
        """What it costs a day to own so many vehicles and to hire the others; see :func:`fleet_of`.

        Owned vehicles cost their ``fixed_cost`` every day, and those that are planned count as needed.
        """
        planned, vehicles = self._of(PLANNED), self.prepared.problem.data.vehicles
        used = pd.DataFrame({one.name: planned.get(f"{one.name} used", 0.0) for one in vehicles if len(planned)})
        return fleet_of(used, {one.name: one.fixed_cost for one in vehicles}, self.hire)

    @cached_property
    def acceptance(self) -> Acceptance | None:
        """Whether the variant is to be accepted; None where nothing is changed."""
        if VARIANT not in self.plans:
            return None
        rows = self._of(VARIANT)
        less = [
            name
            for name in rows.index
            if (found := self._found(name, VARIANT)) and (planned := self._found(name, PLANNED))
            and found.verdict(planned).does_less
        ]
        lost = [name for name in self._of(PLANNED).index if (one := self._found(name, VARIANT)) and math.isnan(one.objective)]
        why = f"on {count_text(len(less + lost), 'day')} it serves less, or breaks a rule" if less or lost else ""
        share = self.scenario.solver.share_in_time or 0.0
        if not why and len(rows) > 1:
            shift, own = self.mean(f"{VARIANT} − {PLANNED}", "in time"), self.mean(VARIANT, "in time").mean
            if shift.high < 0.0 and own < share:
                why = f"everyone is in time on {sure_text(own)} of days only"
        return acceptance(self._beside(VARIANT)["cost"].to_numpy(), why)

    @cached_property
    def drift(self) -> Drift:
        """Whether the law of travel time has changed over the days that were driven."""
        driven = self._of(DRIVEN).reindex(columns=[EFFECT, ERROR, SPREAD, BIAS]).rename(columns={ERROR: "error"})
        spread, bias = driven[SPREAD].median(), driven[BIAS].median()
        return drift(
            driven, day_spread=None if math.isnan(spread) else float(spread), bias_error=float(np.nan_to_num(bias))
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"days": self.frame, "intervals": self.intervals, "fleet": self.fleet}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return {"cost": "money", AS_IT_WAS: "money", "break_even": "money", "in time": "share", "needed": "share", "overflow": "share"}

    def run(self, day: str, plan: str = PLANNED) -> Run:
        """Return a plan of a day with all that is behind it, what was driven beside it as today's plan.

        Raises
        ------
        ScenarioError
            If there is no such day, or no plan of it.
        """
        number, result = self._result(day, plan)
        driven = self._found(day, DRIVEN)
        asked = self.question.asked(number)
        today = None if driven is None or driven.plan is None else self._result(day, DRIVEN)[1]
        own = None if today is None else evaluate(result.problem, today.plan)
        return finish_run(self.question.scenario_at(number), asked.laws, result, own, seconds=0.0, warns=False)

    def review(self, day: str) -> Review:
        """Return the review of what was driven on a day, against its own routes on the laws; see :func:`review`.

        Raises
        ------
        ScenarioError
            If nothing is known of what was driven.
        """
        number, result = self._result(day, DRIVEN)
        return review(result, self.question.day(number).driven)

    def rows(self) -> pd.DataFrame:
        """Return the legs of all driven days as rows of the table that the law of travel time was learned from.

        A column ``date`` says the day.
        """
        parts = [
            self.review(name).rows().assign(date=name) for name in self._of(DRIVEN).index
        ]
        laws = self.scenario.laws
        found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        return found.rename(columns={name: law.target for name, law in laws.items() if hasattr(law, "target")})

    def _result(self, day: str, plan: str) -> tuple[int, Result]:
        number = self.question.number(day, plan)
        if number is None:
            known = list(dict.fromkeys(name for name, kind in self.question.points if kind == plan))
            raise refused("days", day, f"there is no such day that is {plan}; {nearest(day, known)}")
        found = self.results.get(number)
        if found is None or found.plan is None:
            told = "it was not reached" if found is None else found.message
            raise refused("days", day, f"there is no plan of it: {told}")
        return number, evaluate(self.question.problem_at(number), found.plan)

    def sentences(self) -> tuple[str, ...]:
        """Return what the days tell, the verdict on a variant first."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        days, unit = len(self._of(PLANNED)), self.unit
        if not days:
            yield "No day has a plan."
            return
        cost, share = self.mean(PLANNED, "cost"), self.mean(PLANNED, "in time")
        if (verdict := self.acceptance) is not None:
            yield verdict.text(unit, cost.mean)
        yield (
            f"A day costs {money_text(cost.mean, unit)} as planned{_interval(cost)}, over {count_text(days, 'day')}; "
            f"everyone is in time on {sure_text(share.mean)} of such days."
        )
        if DRIVEN in self.plans and len(beside := self._beside(DRIVEN)):
            yield self._driven_text(beside)
        yield from self._fleet_texts()
        if DRIVEN in self.plans:
            yield self._drift_text()

    def _drift_text(self) -> str:
        found = self.drift
        if found.since is None:
            return f"{capital(str(found))}."
        day = self._of(DRIVEN).index[found.since]
        ends = f"{percent_text(found.low)} to {percent_text(found.high)}"
        return (
            f"The law of travel time no longer holds from {day} on: travel takes {percent_text(found.change)} longer ({ends}). "
            "Learn it again on old and new rows."
        )

    def _driven_text(self, beside: pd.DataFrame) -> str:
        more = self.mean(f"{DRIVEN} − {PLANNED}", "cost")
        told = f"What was driven costs {money_text(abs(more.mean), self.unit)} a day {'more' if more.mean > 0 else 'less'}{_interval(more)}"
        share, was = self.mean(DRIVEN, "in time"), self.mean(DRIVEN, WAS_IN_TIME)
        apart = len(self._of(DRIVEN)) - len(beside)
        rest = f"; on {count_text(apart, 'day')} more it served less or broke a rule, and is not counted" if apart else ""
        return (
            f"{told} on the same laws, over {count_text(len(beside), 'day')} on which both serve alike{rest}. Everyone is in "
            f"time with it on {sure_text(share.mean)} of such days, and was on {round(was.mean * was.days)} of {was.days}."
        )

    def _fleet_texts(self) -> Iterator[str]:
        frame, limits = self.fleet, {one.name: one.num_available for one in self.prepared.problem.data.vehicles}
        for name, rows in frame.groupby("type", sort=False):
            most = rows["owned"].max()
            if not most or not rows["break_even"].max():  # owning costs nothing, so that there is no question
                continue
            if rows["best"].any():
                best = rows[rows["best"]].iloc[0]
                yield (
                    f"Own {best['owned']:,} × {name} and hire on {percent_text(best['overflow'])} of days: "
                    f"{money_text(best['cost'], self.unit)} a day for them."
                )
            else:
                last = rows.iloc[-1]
                yield (
                    f"The {most:,}. {name} goes out on {percent_text(last['needed'])} of days: to own it pays where hiring "
                    f"one costs more than {money_text(last['break_even'], self.unit)} a day."
                )
            if most == limits[str(name)]:
                yield f"All {most:,} × {name} go out on {percent_text(rows['needed'].iloc[-1])} of days: more may be needed."

    def cautions(self) -> tuple[str, ...]:
        """Return what must be known before the figures are believed: days without a plan, and what the tables lack."""
        frame, told = self.frame, []
        for plan in self.plans:
            of_plan = frame[frame["plan"] == plan]
            failed = of_plan[of_plan["cost"].isna()]
            if len(failed):
                first = failed.iloc[0]
                told.append(
                    f"{count_text(len(failed), 'day')} without a plan ({plan}), which no figure counts: "
                    f"{list_names(failed['day'].tolist(), quoted=False)}; of {first['day']}: {first['message']}"
                )
            short = of_plan[of_plan["cost"].notna() & (of_plan["unserved"] > 0)]
            if len(short):
                clients = count_text(int(short["unserved"].sum()), "client")
                told.append(
                    f"{clients} not served on {count_text(len(short), 'day')} ({plan}): {list_names(short['day'].tolist(), quoted=False)}."
                )
            broken = of_plan[of_plan["status"] == Status.INFEASIBLE]
            if len(broken):
                told.append(
                    f"{count_text(len(broken), 'day')} on which a rule is broken ({plan}): {list_names(broken['day'].tolist(), quoted=False)}; "
                    f"of {broken['day'].iloc[0]}: {broken['message'].iloc[0]}."
                )
        return (*told, *self.notes)

    def _shown(self) -> Iterator[Part]:
        days = count_text(len(self.question.days), "day")
        yield f"{self.scenario.name}: {days} of orders ({seconds_text(self.seconds)})"
        if self.interrupted or len(self.results) < len(self.question.points):
            yield Alarm(f"STOPPED after {len(self.results):,} of {len(self.question.points):,} plans")
        if self.question.variant is not None:
            yield from (f"  variant: {each}" for each in self.question.variant.scenario.change_sentences(self.scenario))
        yield from ("", *self.sentences(), "")
        shown = self.frame.drop(columns=["unlike", "message", SPREAD, BIAS, EFFECT, ERROR], errors="ignore")
        yield grid_of(shown, partial(fixed_text, decimals=2), most=_SHOWN, rest="days.frame has all")
        yield from map(Alarm, self.cautions())

    def plot(self, ax: Any = None) -> Any:
        """Draw the days in a strip: what each costs, with how many vehicles; return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_days(self, ax)

    def to_html(self, path: Any, *, pages: bool = False) -> Path:
        """Write it as a page; with `pages`, each day's own page too, in a folder beside it. Returns its path."""
        if not pages:
            return super().to_html(path)
        folder = Path(path).with_suffix("")
        for name in self.planned_days():
            self.run(name).to_html(folder / page_of(name))
        return replace(self, folder=folder.name).to_html(path)


def page_of(day: str) -> str:
    """Return the file of the page of a day."""
    return f"{re.sub('[^0-9A-Za-z-]+', '_', day)}.html"


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
    columns: Mapping[str, str] | None = None,
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> Days:
    """Plan many days of orders, beside what was driven and beside a variant.

    Laws are learned once. Each day is a plan of its own; what was driven, and the same day with a variant, are priced on
    the same laws, each takes the best of the plans of its day, and prices are compared on days on which both serve alike.

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
    columns
        What columns are called otherwise: ``{"date": "Lieferdatum"}``.
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
        If a table is none or has no dates, or tables, laws and problem do not fit together. A day that cannot be planned
        is told of, and does not lose the others.
    FormulaError
        If a law predicts too poorly to be used.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/parcel_month.toml")                 # doctest: +SKIP
    >>> print(ko.plan_days(base, "orders", history="driven", hire=95.0))       # doctest: +SKIP
    """
    require_scenario(base, "plan_days")
    start, options, report = time.perf_counter(), options or SweepOptions(), progress or ignore_event
    days, notes = read_days(base, orders, history, columns or {})
    for note in notes:
        report(Event("build", f"note: {note}"))
    prepared, changed = (_prepared(each, options, report) for each in (base, variant))
    assert prepared is not None
    prices = _prices(hire, [one.name for one in prepared.problem.data.vehicles])
    question = DaysQuestion.of(prepared, days, changed)
    words = question_words(question, prepared, "anew") | question.words()
    with nullcontext() if options.out is None else open_store(Path(options.out), words) as store:
        with cluster(options.dask) as client:
            nothing = Result(prepared.problem, None, Status.NO_PLAN, None, None, "")
            asking = Asking(question, nothing, report, store)
            ended = asking.run(workers=options.workers, client=client)
    return Days(
        prepared, question, asking.results, prices, notes, interrupted=not ended, seconds=time.perf_counter() - start
    )


def _prepared(scenario: Scenario | None, options: SweepOptions, report: OnEvent) -> Prepared | None:
    """Learn the laws of a scenario and build its problem, once for all days."""
    if scenario is None:
        return None
    require_scenario(scenario, "plan_days")
    scenario.check(planning=True)
    tell_remarks([scenario], report)
    made = prepare_checked(scenario, options.seed, report, LawCache(relearn=options.relearn))
    return made if options.time_limit is None else replace(made, time_limit=options.time_limit)


def _prices(hire: float | Mapping[str, float] | None, types: list[str]) -> dict[str, float]:
    """Return the price of hiring by type."""
    given = dict.fromkeys(types, hire) if isinstance(hire, (int, float)) else dict(hire or {})
    for name, price in given.items():
        if name not in types:
            raise refused("plan_days", "hire", f"there is no type of vehicle {name!r}; {nearest(name, types)}")
        if isinstance(price, bool) or not isinstance(price, (int, float)) or not 0.0 <= price < math.inf:
            raise refused("plan_days", "hire", f"a price of a day of {name!r} is a number from 0, not {price!r}")
    return {name: float(price) for name, price in given.items()}
