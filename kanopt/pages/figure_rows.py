"""The figures of a plan, each with a row to which its tile leads, how often it is in time, and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pandas as pd

from kanopt.display import CellBar, Formatter, Grid, bar_lengths, change_table, number_form, table_of
from kanopt.pages.charts import named_rows
from kanopt.plans.days_in_time import COMMON_SEED, common_draws, is_dearer
from kanopt.plans.differences import difference, does_less, service_difference
from kanopt.plans.explanation import Explanation, explain
from kanopt.plans.findings import GanttView
from kanopt.plans.plan_figures import PlanFigure, Roster
from kanopt.plans.result import PlanExports, Result
from kanopt.plans.summary import groundless_sentence
from kanopt.plans.uncertainty import Uncertainty
from kanopt.questions.risk import UNSURE, Risk, days_table, risk, share_error
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.days import (
    in_time,
    late_in_plan,
    routing_time_laws,
    shift_ends,
)
from kanopt.routing.search.departure_choice import punctuality_frontier
from kanopt.scenarios import LearnedLaw, Run
from kanopt.scenarios.run import environment, unanswered
from kanopt.scheduling.assessment import SchedulingAssessment
from kanopt.scheduling.days import duration_law
from kanopt.tables import TableReport
from kanopt.text import (
    clock_text,
    count_text,
    fixed_text,
    join_list,
    money_decimals,
    money_text,
    percent_text,
    round_money,
    shorten,
    sure_text,
    with_unit,
)


@dataclass(frozen=True)
class FigureRow:
    """One figure: what it is, in this plan and in today's, and how it is worked out.

    Parameters
    ----------
    key
        What it is, in a word that stays the same; its row has the id ``figure-`` and this word.
    label
        The same for people.
    plan
        As the row has it.
    short
        As its tile has it.
    how
        How it is worked out, in a clause.
    today, change
        Of today's plan, and by how much this one differs; empty where there is nothing to compare.
    figure
        That of the plan, where the kind of problem has it.
    """

    key: str
    label: str
    plan: str
    short: str
    how: str
    today: str = ""
    change: str = ""
    figure: PlanFigure | None = None

    @property
    def anchor(self) -> str:
        """The id of its row."""
        return f"figure-{self.key}"


def figure_rows(subject: ReportSubject) -> dict[str, FigureRow]:
    """Return the figures of a plan by their keys, money first; none without a plan."""
    result, today = subject.explanation.result, subject.today
    if result.assessment is None or result.objective is None:
        return {}
    rows = [
        *_money(result, today),
        *_saving(subject),
        *_service(result, today),
    ]
    before = {} if today is None or today.assessment is None else _by_key(today)
    own = {**_by_key(result), **_on_time(subject.punctuality)}
    before |= _on_time(subject.punctuality_today)
    for key, one in own.items():
        was, change = (before[key].text, one.change_from(before[key])) if key in before else ("", "")
        rows.append(FigureRow(key, one.label, one.text, one.text, one.how, was, change, one))
    return {row.key: row for row in rows}


def figure_table(rows: Mapping[str, FigureRow]) -> Grid | None:
    """Return the table of the figures; the columns of today's plan only where there is one."""
    if not rows:
        return None
    compared = any(row.today for row in rows.values())
    heads = ("figure", "this plan", *(("today", "change") if compared else ()), "how it is worked out")
    cells = tuple(
        (row.label, row.plan, *((row.today, row.change) if compared else ()), row.how)
        for row in rows.values()
    )
    numeric = tuple(0 < place < len(heads) - 1 for place in range(len(heads)))
    ids = tuple(row.anchor for row in rows.values())
    return Grid(heads, numeric, cells, caption="Each figure, and how it is worked out", ids=ids)


def _by_key(result: Result) -> dict[str, PlanFigure]:
    known = result.assessment
    return {} if known is None else {figure.key: figure for figure in known.figures()}


def _on_time(known: Punctuality | None) -> dict[str, PlanFigure]:
    """Return the share of days on which all is in time, where learned times know their errors."""
    if known is None:
        return {}
    name, often = known.worst
    note = f"{shorten(name, 30)} is late on {sure_text(often)}" if often else "nothing is late on any"
    error = percent_text(float(share_error(known.share, known.risk.draws)))
    aside = ", those aside that the plan itself has late" if known.frame["late"].any() else ""
    how = (
        f"{known.everyone}{aside}: share of {known.risk.draws:,} days on which {known.err} err as they did on rows "
        f"held out (± {error} from so few days, seed {known.risk.seed})"
    )
    text = f"{sure_text(known.share)} of days"
    figure = PlanFigure(
        "on_time", "In time", known.share, text, how, note, "more", "%", bad=known.share < UNSURE
    )
    return {figure.key: figure}


def _money(result: Result, today: Result | None) -> list[FigureRow]:
    """Return the cost; what is earned is told as such."""
    unit, value = result.problem.unit, result.objective or 0.0
    earns = value < 0
    label, sign = ("Earns", -1.0) if earns else ("Cost", 1.0)
    how = "all lines of the price, added up" + ("; what comes in less what is paid" if earns else "")
    was = change = ""
    if today is not None and today.objective is not None:
        was = money_text(sign * today.objective, unit)
        change = money_text(sign * (value - today.objective), unit, signed=True)
    plan, short = money_text(sign * value, unit), round_money(sign * value, unit)
    return [FigureRow("cost", label, plan, short, how, was, change)]


def _saving(subject: ReportSubject) -> list[FigureRow]:
    """Return what is saved against today's plan, and in a year; none where the two do not compare like with like."""
    result, today, times = subject.explanation.result, subject.today, subject.plans_per_year
    if today is None or today.objective is None or result.objective is None:
        return []
    saved, unit, size = (
        today.objective - result.objective,
        result.problem.unit,
        abs(today.objective - result.objective),
    )
    # of nothing, and from costs to earnings, a share says nothing
    known = today.objective * result.objective > 0
    share = f" ({percent_text(abs(saved / today.objective))})" if known else ""
    text, short = (f"{write(size, unit)}{share}" for write in (money_text, round_money))
    if other := service_difference(result, today):
        no_saving = "no saving, since " if does_less(result, today) else ""
        how = f"{no_saving}the two plans do not do the same: today's plan {other}"
        return [FigureRow("saving", "Less than today" if saved >= 0 else "More than today", text, short, how)]
    more, less = ("Earns more", "Earns less") if result.objective < 0 else ("Saves", "Costs more")
    label = more if saved >= 0 else less
    how = "the price of today's plan against that of this plan"
    if today.assessment is not None and today.assessment.assumed:
        how += f"; today's {today.assessment.assumed}"
    found = [FigureRow("saving", label, text, short, how)]
    if times is not None:
        how = f"the line above, {fixed_text(times, 0 if times == round(times) else 2)} times a year"
        year = size * times
        row = ("saving_year", f"{label} in a year", money_text(year, unit), round_money(year, unit), how)
        found.append(FigureRow(*row))
    return found


def _service(result: Result, today: Result | None) -> list[FigureRow]:
    coverage = result.coverage
    if coverage is None or not coverage.text:
        return []
    was = "" if today is None or today.coverage is None else today.coverage.amount
    how = coverage.missing or f"all {coverage.words.count(coverage.things)}"
    label = coverage.words.verb.capitalize()
    return [FigureRow("served", label, coverage.amount, coverage.amount, how, was)]


# What a report is about: a run of a scenario, or a plan that was explained.


@dataclass(frozen=True)
class ReportSubject:
    """The subject of a report.

    Parameters
    ----------
    title
        Its headline.
    explanation
        The plan, and why it is as it is.
    laws
        By name.
    today
        The plan it is compared with, None for none.
    description
        The scenario's description.
    changes
        What a what-if changes, in words.
    tables
        How each table was read.
    provenance
        Seeds, versions and hashes.
    plans_per_year
        How often such a plan is carried out in a year; None where nobody said.
    assumed
        What the file says is assumed, such as that a table is made up.
    unanswered
        What only the user knows and did not say; then there is no advice.
    """

    title: str
    explanation: Explanation
    laws: Mapping[str, LearnedLaw]
    today: Result | None = None
    description: str = ""
    changes: tuple[str, ...] = ()
    tables: Mapping[str, TableReport] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    plans_per_year: float | None = None
    assumed: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed where the data do not say, a sentence each; what the file says first."""
        known = (*self.assumed, *self.explanation.result.problem.assumptions())
        return tuple(f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in known)

    @cached_property
    def rows(self) -> dict[str, FigureRow]:
        """Its figures by their keys; see :func:`figure_rows`."""
        return figure_rows(self)

    @cached_property
    def groundless(self) -> str:
        """Why the plan proposes nothing, in a sentence; empty where it does."""
        return groundless_sentence(self.explanation.result, self.assumed)

    @cached_property
    def punctuality(self) -> Punctuality | None:
        """How often the plan is on time, where learned times know their errors."""
        return punctuality(self.explanation.result)

    @cached_property
    def frontier(self) -> list[tuple[float, float]]:
        """Shares of days on which everyone is in time, and prices: of the cheapest plan on typical times, then others.

        Of routes they are planned prices with the plan's routes, of schedules those of a day on average.
        """
        result = self.explanation.result
        if result.days_in_time is None or not isinstance(result.assessment, RoutingAssessment):
            return [] if result.days_in_time is None else list(result.days_in_time.frontier)
        return punctuality_frontier(result.assessment)

    @cached_property
    def punctuality_today(self) -> Punctuality | None:
        """The same of the plan that it is compared with."""
        return None if self.today is None else punctuality(self.today)


def days_text(result: Result) -> str:
    """Return how often a plan is on time, in sentences; empty where nothing is known of that."""
    known = punctuality(result)
    return "" if known is None else known.text()


def subject_of(source: PlanExports) -> ReportSubject:
    """Return the report subject of a result, or of a run of a scenario."""
    if isinstance(source, Result):
        return subject_of_explanation(explain(source), "", None)
    return subject_of_run(cast("Run", source))


def subject_of_run(run: Run) -> ReportSubject:
    """Return the report subject of a run of a scenario."""
    return ReportSubject(
        title=run.scenario.headline,
        explanation=run.explanation,
        laws=run.laws,
        today=run.today,
        description=run.scenario.description,
        changes=run.scenario.change_sentences(),
        tables=run.tables,
        provenance=run.provenance,
        plans_per_year=run.scenario.report.plans_per_year,
        assumed=run.scenario.report.assumed,
        unanswered=unanswered([run.scenario]),
    )


def subject_of_explanation(
    explanation: Explanation, title: str, today: Result | None, plans_per_year: float | None = None
) -> ReportSubject:
    """Return the report subject of an explained plan whose problem was not read from a file."""
    result = explanation.result
    return ReportSubject(
        title=title or f"{result.problem.kind.capitalize()} plan",
        explanation=explanation,
        laws={name: LearnedLaw(name, formula) for name, formula in result.problem.laws().items()},
        today=today,
        provenance=environment(),
        plans_per_year=plans_per_year,
    )


# Tables of a plan: stops below their vehicle and flows below their lane; vehicles, jobs and sites; times.

_TIMES = ("departure", "arrival", "start", "arrive", "begin", "end")
_GROUPED = (
    ("vehicle", "index", "departure"),
    ("tail", "head", "mode"),
)  # columns that name what a row belongs to
_FLOWS = ("tail", "head", "mode", "product", "period", "quantity")
_MOST_ACROSS = 12
_OF_MARKS = ("vehicle", "machine")
"""Rosters whose names stand in drawings as well."""
_MOST_TIMES = 16


def time_of(result: Result) -> tuple[str, bool]:
    """Return the unit of times in a plan, empty where there are none, and whether zero is midnight."""
    views = () if result.assessment is None else result.assessment.views()
    return next(((view.unit, view.clock) for view in views if isinstance(view, GanttView)), ("", False))


def plan_table(result: Result) -> Grid | None:
    """Return the decisions of a plan, times as clocks where zero is midnight; None without any."""
    frame = result.to_frame()
    if frame.empty:
        return None
    unit, clock = time_of(result)
    forms = dict.fromkeys(_TIMES, clock_form(unit)) if clock else {}
    heads = {} if clock else {name: with_unit(name, unit) for name in _TIMES}
    if len(frame) < 2:
        return table_of(frame, "Decisions", heads=heads, forms=forms)
    caption = "Decisions"
    if {*frame.columns}.issuperset(_FLOWS):
        problem: Any = result.problem
        caption, frame = f"What is sent ({problem.units.quantity})", _periods_across(frame)
    groups = _groups(frame)
    of = groups if "vehicle" in frame else tuple(map(str, frame.get("machine", ())))
    if groups:
        frame = frame.drop(columns=[name for keys in _GROUPED for name in keys if name in frame])
    same = [
        str(name)
        for name in frame.columns
        if frame[name].nunique(dropna=False) == 1 and frame[name].notna().all()
    ]
    values = {name: forms.get(name, str)(frame[name].iloc[0]) for name in same}
    values_text = ", ".join(
        f"{name.replace('_', ' ')}: {value}"
        for name, value in values.items()
        if value and not (name == "late" and not frame[name].any())
    )
    note = f"The same in every row: {values_text}." if values_text else ""
    table = table_of(frame.drop(columns=same), caption, heads=heads, forms=forms, note=note)
    shown = len(table.rows)
    return replace(table, groups=groups[:shown], of=of[:shown])


def _periods_across(frame: pd.DataFrame) -> pd.DataFrame:
    """Give each period a column, where flows have few: a lane and product are then one row."""
    keys, periods = [*_FLOWS[:4]], list(dict.fromkeys(frame["period"]))
    if not 1 < len(periods) <= _MOST_ACROSS or {*periods} & {*keys}:
        return frame
    wide: pd.DataFrame = frame.pivot_table(
        index=keys, columns="period", values="quantity", aggfunc="sum", sort=False
    )
    return wide[periods].reset_index()


def _groups(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return what the rows of a plan belong to, where they follow each other: a vehicle's tour, or a lane."""
    for keys in _GROUPED:
        if not {*keys} <= {*frame.columns}:
            continue
        rows = list(frame[[*keys]].itertuples(index=False))
        numbers: dict[str, set[Any]] = {}
        for row in rows:
            numbers.setdefault(str(row[0]), set()).add(row[1])
        names = [_group_name(row, alone=numbers[str(row[0])] == {1}) for row in rows]
        starts = sum(one != other for one, other in pairwise(names)) + 1
        return tuple(names) if starts == len({*names}) else ()
    return ()


def _group_name(row: Any, *, alone: bool) -> str:
    """Name what a row belongs to; a vehicle `alone` under a name that ends in a number, as ``Van 1``, has that name."""
    if hasattr(row, "tail"):
        return f"{row.tail} → {row.head}" + (f" ({row.mode})" if str(row.mode) else "")
    if pd.isna(row.index) or not str(row.vehicle):
        return "on no vehicle"
    return str(row.vehicle) if alone and str(row.vehicle)[-1:].isdigit() else f"{row.vehicle} {row.index}"


def clock_form(unit: str) -> Formatter:
    """Return how a column of times of day is written."""
    return lambda value: clock_text(float(value), unit)


def roster_table(roster: Roster) -> Grid:
    """Return a row for each vehicle, job, machine, site or market."""
    frame = roster.frame
    forms: dict[str, Formatter] = dict.fromkeys(roster.clocks, clock_form(roster.time))
    forms |= dict.fromkeys(roster.shares, lambda value: percent_text(float(value)))
    forms |= {name: number_form(money_decimals(frame[name].dropna())) for name in roster.money}
    table = table_of(frame, roster.caption, forms=forms)
    names = tuple(str(name) for name in frame.iloc[: len(table.rows), 0])
    return replace(table, of=names) if roster.key in _OF_MARKS else table


def times_table(known: Punctuality) -> Grid:
    """Return the stops or jobs that are least certain to be in time."""
    words = known.risk.words
    unit = "" if words.clock else f" ({words.unit})"
    heads = {"name": known.thing, "limit": f"by{unit}", "planned": f"planned{unit}"}
    heads |= {"share": "days in time", "late": "late in the plan"}
    columns = _LIKELY[: 8 if known.frame["late"].any() else 7]
    caption = f"Least certain of {known.thing}s"
    return days_table(known.frame[columns].head(_MOST_TIMES), words, caption, heads)


def term_table(explanation: Explanation, today: Result | None) -> Grid:
    """Return the cost terms, which add up to the objective, with today's beside them."""
    result, frame = explanation.result, explanation.terms()
    unit, price = result.problem.unit, result.objective or 0.0
    note = "What is earned is a negative cost." if (frame["amount"] < 0).any() else ""
    if today is not None and today.pricing is not None and today.problem.unit == unit:
        change = difference(today, result).sort_values("after", ascending=False, kind="stable")
        words = {"before": "today", "after": "new plan", "change": "change"}
        table = change_table(change, f"Cost by term, today's plan and the new one ({unit})", words)
        return replace(table, note=note)
    decimals = money_decimals([*frame["amount"], price])
    rows = tuple(
        (str(row.term), fixed_text(row.amount, decimals), percent_text(row.share), CellBar(length))
        for row, length in zip(named_rows(frame), bar_lengths(frame["amount"].tolist()), strict=True)
    )
    total = ("total", fixed_text(price, decimals), percent_text(1.0) if price else "–", "")
    heads = ("term", unit or "amount", "share", "")
    caption = f"Cost by term ({unit})" if unit else "Cost by term"
    return Grid(heads, (False, True, True, False), rows, note, caption=caption, total=total)


_LIKELY = ["name", "share", "limit", "planned", "q05", "q50", "q95", "late", "thing"]
"""Columns of what is said of times."""


@dataclass(frozen=True, eq=False)
class Punctuality:
    """How often things are done in time, as far as the errors of learned times go.

    Parameters
    ----------
    risk
        The plan on many days.
    everyone
        What all of them are, in words: ``"everyone is served in time"``.
    err
        What errs, in words for those who do not plan.
    chosen
        What was done for it, and what that costs, in sentences; empty where nothing was.
    """

    risk: Risk
    everyone: str
    err: str
    chosen: str = ""

    @property
    def thing(self) -> str:
        """What one of them is."""
        return self.risk.words.thing

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row for each thing with a limit, the least certain of those first that the plan has in time.

        Columns: ``name``, ``limit``, ``planned``, ``q05``, ``q50``, ``q95``, ``share`` (of days in time), ``late`` (in
        the plan itself), and ``thing``, what it is.
        """
        found = self.risk.frame.assign(late=self.risk.late_in_plan, thing=self.thing)
        found = found.loc[self.risk.has_limit].rename(columns={"on_time": "share"})[_LIKELY]
        if self.risk.routes is not None:
            found = pd.concat([found, _returns(self.risk)], ignore_index=True)
        return found.sort_values(["late", "share"], kind="stable").reset_index(drop=True)

    @cached_property
    def share(self) -> float:
        """Share of days on which everything is done in time that the plan has in time."""
        known = self.risk.assessment
        if isinstance(known, RoutingAssessment):  # vehicles are to be back, too
            return float(in_time(known, self.risk.days).mean())
        return float((self.risk.in_time | self.risk.late_in_plan).all(axis=1).mean())

    @property
    def worst(self) -> tuple[str, float]:
        """The thing most often late of those that the plan has in time, and its share of days on which it is late."""
        first = self.frame.iloc[0]
        return str(first["name"]), 1.0 - float(first["share"])

    @cached_property
    def dear_day(self) -> float | None:
        """What a day costs on average, where that is more than the plan says by more than so few days may err."""
        planned, mean = self.risk.assessment.pricing.objective, float(self.risk.cost.mean())
        return mean if is_dearer(mean, planned, self.risk.cost_error) else None

    def text(self) -> str:
        """Say on what share of days all is in time, what is most often late, and what was done for it."""
        return f"{self.days} {self.chosen}".rstrip()

    @property
    def days(self) -> str:
        """On what share of days all is in time, and what is most often late, in a sentence."""
        (name, often), late, share = self.worst, int(self.frame["late"].sum()), sure_text(self.share)
        text, worst = (
            f"{self.everyone} on {share} of days",
            f"the {self.frame['thing'].iloc[0]} most often late is {name}",
        )
        if late:
            count = count_text(late, self.thing)
            text = f"on {share} of days nothing else is late than the {count} that the plan itself has late"
            worst = f"of the others {name} is late most often"
        told = f"If {self.err} err as they did in the past, {text}"
        return told + (f"; {worst} ({sure_text(often)} of days)." if often else ".")


def _returns(known: Risk) -> pd.DataFrame:
    """Return when vehicles whose shift ends are back, a row each."""
    ends, late = shift_ends(known.assessment), late_in_plan(known.assessment)[1]
    assert known.routes is not None
    rows = known.routes.rename(columns={"vehicle": "name", "back": "share"}).assign(
        limit=ends, planned=known.assessment.simulation.finish, late=late, thing="vehicle"
    )
    return rows.loc[np.isfinite(ends), _LIKELY]


def punctuality(result: Result) -> Punctuality | None:
    """Run a plan on many days, always the same ones, and say how often it is on time.

    Returns
    -------
    Punctuality or None
        None where no learned time knows its errors, or the plan has nothing in time that has to be.
    """
    errs, things = _what_errs(result)
    if not errs or not things:
        return None
    found = risk(result, draws=common_draws(things), seed=COMMON_SEED)
    complete = result.coverage is None or result.coverage.complete
    everyone = "everyone is served in time" if complete else "every stop of the plan is in time"
    if not isinstance(found.assessment, RoutingAssessment):
        everyone = "every job is done in time"
    elif np.isfinite(shift_ends(found.assessment)).any():
        everyone += " and every vehicle is back"
    known = Punctuality(found, everyone, join_list(errs))
    if result.days_in_time is not None:
        known = replace(known, chosen=result.days_in_time.text())
    elif known.dear_day is not None:
        planned, mean = found.assessment.pricing.objective, money_text(known.dear_day, found.unit)
        known = replace(known, chosen=f"A day costs {mean} on average, not {money_text(planned)}.")
    return None if known.frame["late"].all() else known


def _what_errs(result: Result) -> tuple[list[str], int]:
    """Return the learned times of a plan that know their errors, in words, and how many stops or tasks it has."""
    match result.assessment:
        case RoutingAssessment() as known:
            names = ("travel times", "service times")
            laws = zip(names, routing_time_laws(known.problem, Uncertainty()), strict=True)
            stops = sum(len(route.clients) for route in known.plan.routes)
            return [name for name, law in laws if law.model is not None], stops
        case SchedulingAssessment() as known:
            errs = duration_law(known.problem, Uncertainty()).model is not None
            return ["times of tasks"] if errs else [], len(known.simulation.task)
    return [], 0
