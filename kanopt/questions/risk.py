"""The risk of a plan of any kind: how likely it holds, and what it costs on bad days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.display import Formatter, Grid, KeyFigure, Tone, table_of
from kanopt.errors import ProblemError, knows_arguments
from kanopt.faults import count_fault
from kanopt.plans.base import Problem
from kanopt.plans.findings import Status
from kanopt.plans.money_at_stake import price_deviations
from kanopt.plans.uncertainty import Uncertainty
from kanopt.questions.answer import Answer, Picture, Said
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.days import DrivenDays, drive_days, late_in_plan, routing_time_laws
from kanopt.routing.rules.rule import slack
from kanopt.scheduling.assessment import SchedulingAssessment
from kanopt.scheduling.days import duration_law, run_days
from kanopt.scheduling.simulate import TOLERANCE
from kanopt.supply.assessment import SupplyAssessment
from kanopt.supply.draws import DrawnSupply, demand_law, keep_flows
from kanopt.supply.plan import slack as supply_slack
from kanopt.supply.tariff import DEMAND_KEYS
from kanopt.text import (
    amount_text,
    capital,
    clock_text,
    count_text,
    join_list,
    list_names,
    money_text,
    percent_text,
    sure_text,
)

Flags = NDArray[np.bool_]

TAIL = 0.95
"""Days cheaper than this share of all are left out of the conditional value at risk."""


UNSURE = 0.5
"""Share of days in time below which the figure is told as a bad one: on most days somebody waits."""


@dataclass(frozen=True)
class Words:
    """How the risk of a kind of plan is told.

    Parameters
    ----------
    days, of_all
        What the days are, ``"days on which the plan is driven"``, and a share of them, ``"of the days"``.
    everyone
        What all things are that are in time: ``"every stop is on time"``.
    thing
        What one of them is.
    beyond
        By what things lie beyond their limits: ``"arrival after the end of the window"``.
    unit
        Of limits and of what lies against them.
    clock
        Whether they are times of day.
    one
        What it is that costs something.
    """

    days: str
    of_all: str
    everyone: str
    thing: str
    beyond: str
    unit: str
    clock: bool = False
    one: str = "A day"

    def amount(self, value: float) -> str:
        """Write a limit, or what lies against one."""
        return clock_text(value, self.unit) if self.clock else amount_text(value, self.unit)


@dataclass(frozen=True, repr=False, eq=False)
class Risk(Answer):
    """A plan carried out on many days, on which legs, tasks or demands are other than the laws say.

    Parameters
    ----------
    assessment
        The plan as it is on the laws.
    days
        What came of it, day by day.
    words
        How it is told.
    things
        What is looked at, a row for each stop, job or amount that is wanted; ``name`` is what it is called.
    values
        When each is reached or done, or how much of it is wanted; (days, things).
    limit, planned
        Up to where that is in time, infinite where nothing is asked, and where it lies on the laws; (things,).
    in_time, late_in_plan
        Whether each is in time, (days, things), and whether it is late in the plan itself; (things,).
    figures
        What else is told of all days, by name: shares of days and mean amounts.
    seed
        Seed of the days.
    assumptions
        What is taken to be uncertain, in sentences.
    notes
        What must be said beside it, in sentences.
    routes
        Of routes, a row each; None of other plans.
    broken
        Rule to the number of days on which it is broken, the most often broken first.
    scenario
        What the plan was made of, if of a scenario.
    status, interrupted
        Those of the plan.

    Notes
    -----
    A probability is the share of the days, with its Monte Carlo error: the standard error of a share of so many days,
    which is not 0 where it never failed. Every day counts: one on which a rule is broken is told, and costs what it
    costs without a remedy; demand that must be delivered and is missing has no price. Errors of prices are taken for
    independent of those of times.
    """

    assessment: Any
    days: Any
    words: Words
    things: pd.DataFrame
    values: Floats
    limit: Floats
    planned: Floats
    in_time: Flags
    late_in_plan: Flags
    figures: Mapping[str, float]
    seed: int
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    routes: pd.DataFrame | None = None
    broken: Mapping[str, int] = field(default_factory=dict)
    scenario: Any = None
    status: Status = Status.FEASIBLE
    interrupted: bool = False

    kind = "risk"

    @property
    def problem(self) -> Problem[Any]:
        """The problem of the plan."""
        found: Problem[Any] = self.assessment.problem
        return found

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per stop, job or amount that is wanted.

        Columns: what it is (``vehicle``, ``stop`` and ``client``; ``job``; ``market``, ``product`` and ``period``);
        ``limit`` (end of the last window, due date, what is delivered); ``planned`` (on the laws); ``q05``, ``q50``
        and ``q95`` (quantiles over days); ``on_time`` (share of days on which the limit holds) and ``error`` (of that,
        Monte Carlo). Of a stop also ``promised``, of an amount ``shortage`` (mean units missing), ``shortage_error``
        and ``fill_rate`` (part of it that is met).
        """
        low, middle, high = (quantile_of_days(self.values, level) for level in (0.05, 0.5, 0.95))
        on_time = self.in_time.mean(axis=0)
        columns = {"limit": self.limit, "planned": self.planned, "q05": low, "q50": middle, "q95": high}
        columns |= {"on_time": on_time, "error": share_error(on_time, self.draws)}
        after = [
            name for name in self.things if name in ("promised", "shortage", "shortage_error", "fill_rate")
        ]
        names = self.things.drop(columns=after)
        return pd.concat([names, pd.DataFrame(columns), self.things[after]], axis=1)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        shown = {f"{self.words.thing}s": self.to_frame()}
        return shown if self.routes is None else shown | {"routes": self.routes}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(
            ("on_time", "holds", "back", "overload", "error", "promised", "fill_rate"), "share"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`frame`, without the names that its columns have already."""
        return self.frame.drop(columns="name")

    @property
    def has_limit(self) -> Flags:
        """Whether each thing has a limit; (things,)."""
        return np.asarray(np.isfinite(self.limit))

    @property
    def of_all(self) -> str:
        """What a share is of: the days, or the draws."""
        return self.words.of_all

    @property
    def on_time(self) -> float:
        """Share of days on which everything is in time."""
        return float(self.in_time.all(axis=1).mean())

    @property
    def cost(self) -> Floats:
        """What each day costs; (draws,)."""
        return np.asarray(self.days.cost)

    @property
    def cost_error(self) -> float:
        """Monte Carlo error of the mean cost."""
        return float(self.cost.std(ddof=1) / np.sqrt(self.draws))

    @property
    def draws(self) -> int:
        """How many days there are."""
        return len(self.cost)

    def cost_quantile(self, level: float) -> float:
        """Return the cost that is exceeded on ``1 − level`` of the days."""
        return float(np.quantile(self.cost, level))

    def cvar(self, level: float = TAIL) -> float:
        """Return the conditional value at risk: the mean cost of the dearest ``1 − level`` of the days.

        See Rockafellar and Uryasev 2000, "Optimization of conditional value-at-risk", Journal of Risk 2.
        """
        dearest = np.sort(self.cost)[min(int(np.floor(level * self.draws)), self.draws - 1) :]
        return float(dearest.mean())

    def cost_json(self) -> dict[str, float]:
        """Return the main figures of costs as plain data."""
        return {
            "planned": float(self.assessment.pricing.objective),
            "mean": float(self.cost.mean()),
            "error": self.cost_error,
            "sd": float(self.cost.std(ddof=1)),
            "q05": self.cost_quantile(0.05),
            "q95": self.cost_quantile(0.95),
            "cvar95": self.cvar(),
        }

    def cost_text(self) -> str:
        """Return them in a sentence."""
        told = {name: money_text(value) for name, value in self.cost_json().items()}
        mean = f"{told['mean']} {self.assessment.problem.unit}"
        return (
            f"{self.words.one} costs {mean} on average (planned {told['planned']}), "
            f"{told['q05']} to {told['q95']} on 90 % {self.words.of_all}; the dearest 5 % cost {told['cvar95']} on "
            "average."
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data: shares of days, costs, and what is assumed."""
        return {
            "status": self.status.value,
            "changes": [] if self.scenario is None else list(self.scenario.change_sentences()),
            "draws": self.draws,
            "seed": self.seed,
            "on_time": self.on_time,
            **self.figures,
            "broken_days": dict(self.broken),
            "cost": self.cost_json(),
            "assumptions": list(self.assumptions),
        }

    def plot_costs(self, ax: Any = None) -> Any:
        """Draw how often a day costs how much, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_day_costs(self, ax)

    def said(self) -> Said:
        """Return what it says."""
        name = self.problem.kind if self.scenario is None else self.scenario.name
        error = percent_text(float(share_error(0.5, self.draws)))
        caption = f"{capital(self.words.beyond)}; at the right how often it holds"
        unsure = self.to_frame().sort_values("on_time", kind="stable")
        return Said(
            title=f"{name}: how sure is the plan?",
            answer=(self.headline, self.cost_text()),
            lines=(*self._late_notes(), *self.notes),
            figures=tuple(self._keys()),
            sure=(
                f"{self.draws:,} {self.of_all.removeprefix('of the ')}, always the same with the seed {self.seed}: a "
                f"share of them errs by at most {error}.",
            ),
            notices=self._warnings(0, "", ()),
            tables=(days_table(unsure, self.words, "One by one, the least certain first"),),
            assumed=self.assumptions,
            pictures=(
                *([Picture("plot_ranges", caption)] if self.has_limit.any() else []),
                Picture("plot_day_costs", "What the plan costs"),
            ),
        )

    def _late_notes(self) -> Iterator[str]:
        """Yield what the plan itself has late: that is so on nearly every day."""
        if late := self.things["name"][self.late_in_plan].tolist():
            told = count_text(len(late), f"{self.words.thing} is", f"{self.words.thing}s are")
            yield f"{told} not in time in the plan itself: {list_names(late, quoted=False)}."

    def _keys(self) -> Iterator[KeyFigure]:
        costs, of, known = self.cost_json(), self.of_all, {"on_time": self.on_time, **self.figures}
        shares = (
            ("on_time", "all on time", of),
            ("holds", "every rule kept", of),
            ("overload", "a vehicle is too full", of),
            ("fill_rate", "of demand met", ""),
        )
        prices = (
            ("planned", "planned", "on the laws as they are"),
            ("mean", "mean", "on average"),
            ("q95", "95 % quantile", f"exceeded on 5 % {of}"),
            ("cvar95", "dearest 5 %", f"{of}, their mean"),
        )
        for name, label, note in shares:
            tone: Tone = "bad" if name != "overload" and known.get(name, 1.0) < UNSURE else ""
            if known.get(name) or (name in known and name != "overload"):  # that none is too full is expected
                yield KeyFigure(label, sure_text(known[name]), "", note, tone)
        yield from (
            KeyFigure(label, money_text(costs[name]), self.unit, note) for name, label, note in prices
        )

    @property
    def headline(self) -> str:
        """Say on how many days all is in time, and every rule is kept."""
        words, kept = self.words, self.figures.get("holds")
        rules = "" if kept is None else f" and every rule kept on {self._share(kept)}"
        return f"Of {self.draws:,} {words.days}, {words.everyone} on {self._share(self.on_time)}{rules}."

    def _share(self, share: float) -> str:
        return f"{percent_text(share)} (± {percent_text(float(share_error(share, self.draws)))})"


_QUANTILES = {"q05": "5 % quantile", "q50": "median", "q95": "95 % quantile", "error": "error of that (±)"}
_SHARES = ("share", "on_time", "promised", "error", "fill_rate")
_MOMENTS = ("limit", "latest", "planned", "q05", "q50", "q95")


def days_table(
    frame: pd.DataFrame, words: Words, caption: str, heads: Mapping[str, str] | None = None
) -> Grid:
    """Write what becomes of things on many days; `heads` go beyond those of quantiles."""
    forms: dict[str, Formatter] = dict.fromkeys(_SHARES, lambda value: sure_text(float(value)))
    if words.clock:
        forms |= dict.fromkeys(_MOMENTS, lambda value: clock_text(float(value), words.unit))
    return table_of(frame, caption, heads={**_QUANTILES, **(heads or {})}, forms=forms)


def quantile_of_days(values: Floats, level: float) -> Floats:
    """Return quantiles over days, one of the days' values each, so that infinite ones leave the others numbers."""
    return np.asarray(np.quantile(values, level, axis=0, method="lower"))


def share_error(share: Any, draws: int) -> Any:
    """Return the standard error of a share of days, which is not 0 where it is 0 or 1.

    See Agresti and Coull 1998, "Approximate is better than 'exact'", The American Statistician 52.
    """
    count = draws + 4.0
    middle = (np.asarray(share) * draws + 2.0) / count
    return np.sqrt(middle * (1.0 - middle) / count)


# How days are drawn for each kind of plan: routes are driven, schedules run, markets supplied.

_FEWEST = 20
_RULES = {
    "time window": "a window is missed",
    "shift": "a vehicle is back after its shift",
    "duration": "a route takes longer than it may",
    "break": "a driver has no time for a break",
    "capacity": "a vehicle has more to carry than it can",
    "road": "a route cannot be driven to its end",
}


@knows_arguments
def risk(result: Any, uncertainty: Uncertainty | None = None, *, draws: int = 1000, seed: int = 0) -> Risk:
    """Drive a plan of routes, run a schedule, or supply what is drawn, many times: how likely it holds, what it costs.

    Vehicles leave when the plan says and drive in its order. Each leg and each stop takes as long as the law says, with
    an error as the law made on held-out rows: a bias that is the same for all, what the legs of a day have in common,
    and what each has alone. Of a schedule it is the tasks that err, and jobs that are late: machines keep their order,
    and a task starts when it was to start, or as soon as what is ahead of it has ended. Of a supply plan it is demand:
    what was sent stays sent, what a market has not used serves its next periods, and what is missing is lost.

    Parameters
    ----------
    result
        Of :func:`solve` or :func:`evaluate`, for a problem of routing, scheduling or supply.
    uncertainty
        What is taken to be uncertain; by default what the laws know of their own errors.
    draws, seed
        How many days, and the seed of what happens on them.

    Raises
    ------
    ProblemError
        If there is no plan, it is one of decisions, or nothing is uncertain.

    Examples
    --------
    >>> import kanopt as ko
    >>> minutes = np.array([[0.0, 30.0], [30.0, 0.0]])
    >>> problem = ko.RoutingProblem(
    ...     depots=[ko.routing.Depot("depot")],
    ...     clients=[ko.routing.Client("a", latest=33)],
    ...     vehicles=[ko.routing.VehicleType("van", unit_duration_cost=0.5)],
    ...     cost={},
    ...     duration=minutes,
    ...     distance=minutes,
    ... )
    >>> found = risk(ko.evaluate(problem, [["a"]]), ko.Uncertainty(travel=0.1), draws=4000)
    >>> found.frame[["client", "limit", "planned", "on_time"]].round(2).values.tolist()  # Φ(1) = 0.84
    [['a', 33.0, 30.0, 0.84]]
    """
    if wrong := count_fault(draws, _FEWEST):
        raise ProblemError(f"draws: shares of days need {wrong}")
    assumed = uncertainty or Uncertainty()
    match getattr(result, "assessment", result):
        case RoutingAssessment() as routes:
            found = _of_routes(routes, assumed, draws, seed)
        case SchedulingAssessment() as schedule:
            found = _of_schedule(schedule, assumed, draws, seed)
        case SupplyAssessment() as flows:
            found = _of_supply(flows, assumed, draws, seed)
        case None:
            raise ProblemError("there is no plan whose risk could be told: the result has none")
        case _:
            kind = getattr(getattr(result, "problem", None), "kind", type(result).__name__)
            told = "risk is there for results of routes, schedules and supply plans"
            raise ProblemError(
                f"{told}, as ko.solve, ko.evaluate or scenario.run().result returns them, not for {kind}"
            )
    stopped = getattr(result, "interrupted", False)
    return replace(found, status=getattr(result, "status", Status.FEASIBLE), interrupted=stopped)


def _of_routes(known: RoutingAssessment, assumed: Uncertainty, draws: int, seed: int) -> Risk:
    problem, data, driven = known.problem, known.problem.data, known.simulation
    laws = routing_time_laws(problem, assumed)
    wants = [client for client in problem.clients if client.demand]
    varying = [one.name for one in wants if (one.demand_sd if assumed.demand is None else assumed.demand)]
    if all(law.model is None for law in laws) and not varying:
        raise ProblemError(
            "nothing of this plan is uncertain: no law of time has a fit that tells its errors, and no client has a "
            "demand_sd; learn the law from trips, or state errors as Uncertainty(travel=0.1), "
            "--uncertain travel=0.1"
        )
    days = drive_days(problem, known, laws, assumed, draws, seed)
    latest, names = data.latest[days.client], [data.names[node] for node in days.client]
    in_time = np.isfinite(days.begin) & (days.begin <= latest + slack(latest))
    numbers = pd.Series(days.route).groupby(days.route).cumcount() + 1
    promised = {client.name: client.on_time for client in problem.clients}
    things = pd.DataFrame(
        {
            "vehicle": [known.plan.routes[route].label for route in days.route],
            "stop": numbers.to_numpy(),
            "client": names,
            "name": names,
            "promised": np.array([promised[name] for name in names], dtype=float),
        }
    )
    any_broken = np.any(list(days.broken.values()), axis=0)
    counts = {rule: int(flags.any(axis=1).sum()) for rule, flags in days.broken.items()}
    broken = dict(sorted(((r, n) for r, n in counts.items() if n), key=lambda each: -each[1]))
    holds = float((~any_broken.any(axis=1)).mean())
    return Risk(
        assessment=known,
        days=days,
        words=Words(
            "days on which the plan is driven",
            "of the days",
            "every stop is on time",
            "stop",
            "arrival after the end of the window",
            problem.units.time,
            clock=True,
        ),
        things=things,
        values=days.arrive,
        limit=latest,
        planned=driven.arrive[driven.head >= len(data.depots)],
        in_time=in_time,
        late_in_plan=late_in_plan(known)[0],
        figures={"holds": holds, "overload": float(days.broken["capacity"].any(axis=1).mean())},
        seed=seed,
        assumptions=(*(law.told for law in laws), _demand_text(varying, assumed)),
        notes=tuple(_route_notes(known, things, in_time, broken)),
        routes=_routes(known, days, in_time, any_broken),
        broken=broken,
    )


def _routes(known: RoutingAssessment, days: DrivenDays, in_time: Any, any_broken: Any) -> pd.DataFrame:
    """Return a row per route: how often all its stops are on time, it holds, is back, and has too much to carry."""
    late = np.zeros(days.finish.shape, dtype=bool)
    for stop, route in enumerate(days.route):
        late[:, route] |= ~in_time[:, stop]
    holds = 1.0 - any_broken.mean(axis=0)
    columns = {
        "vehicle": [route.label for route in known.plan.routes],
        "on_time": 1.0 - late.mean(axis=0),
        "holds": holds,
        "back": 1.0 - (days.broken["shift"] | days.broken["road"]).mean(axis=0),
        "overload": days.broken["capacity"].mean(axis=0),
        "error": share_error(holds, len(days.cost)),
    }
    quantiles = {"q05": 0.05, "q50": 0.5, "q95": 0.95}
    columns |= {name: quantile_of_days(days.finish, level) for name, level in quantiles.items()}
    return pd.DataFrame(columns)


def _route_notes(
    known: RoutingAssessment, things: pd.DataFrame, in_time: Any, broken: Mapping[str, int]
) -> list[str]:
    """Say which promises are not kept, as far as is known, who is left out, and which rules are broken how often."""
    share = in_time.mean(axis=0)
    # within two Monte Carlo errors below it a promise may be kept
    failed = things["client"][share + 2.0 * share_error(share, len(in_time)) < things["promised"]].tolist()
    told = [f"Promises not kept: {list_names(failed)}."] if failed else []
    left_out = known.plan.unserved
    told += [f"It leaves out {count_text(len(left_out), 'client')}."] if left_out else []
    days = [f"{_RULES[rule]} on {count_text(count, 'day')}" for rule, count in broken.items()]
    return told + ([f"Counted with the others, though {join_list(days)}."] if days else [])


def _demand_text(varying: Sequence[str], assumed: Uncertainty) -> str:
    if not varying:
        return "demands are as stated"
    shared = assumed.shared_demand
    common = f", {percent_text(shared)} of the variance common to all" if shared else ", each by itself"
    by = "their demand_sd" if assumed.demand is None else percent_text(assumed.demand)
    return f"demands of {count_text(len(varying), 'client')} vary by {by} (log-normal{common})"


def _of_schedule(known: SchedulingAssessment, assumed: Uncertainty, draws: int, seed: int) -> Risk:
    law, data = duration_law(known.problem, assumed), known.problem.data
    if law.model is None:
        raise ProblemError(
            "nothing of this schedule is uncertain: its durations are no law with a fit that tells its errors; learn "
            "the law from a log, or state errors as Uncertainty(task=0.1), --uncertain task=0.1"
        )
    days = run_days(known, law, draws, seed)
    planned = known.simulation.completion(len(data.jobs))
    placed = np.isfinite(planned)
    done, due = days.completion[:, placed], np.asarray(data.timing.due)[placed]
    names = [job.name for job, is_placed in zip(data.jobs, placed, strict=True) if is_placed]
    return Risk(
        assessment=known,
        days=days,
        words=Words(
            "days on which the schedule is run",
            "of the days",
            "every job is done by its due date",
            "job",
            "completion after the due date",
            known.problem.units.time,
        ),
        things=pd.DataFrame({"job": names, "name": names}),
        values=done,
        limit=due,
        planned=planned[placed],
        in_time=np.asarray(done <= due + TOLERANCE),
        late_in_plan=np.asarray(planned[placed] > due + TOLERANCE),
        figures={},
        seed=seed,
        assumptions=(law.told,),
    )


def _of_supply(known: SupplyAssessment, assumed: Uncertainty, draws: int, seed: int) -> Risk:
    problem, delivered = known.problem, known.simulation.delivered
    law = demand_law(problem, assumed)
    days = keep_flows(known, law, draws, seed)
    planned, limit = problem.demand_array[days.cells], delivered[days.cells]
    wanted, missing = float(days.demand.sum()), float(days.shortage.sum())
    figures = {
        "fill_rate": 1.0 - missing / wanted if wanted else 1.0,
        "shortage": missing / draws,
        "left": float(days.left.mean()),
        "fails": float(days.fails(problem.network.must_deliver).mean()),
    }
    words = Words(
        "draws of demand",
        "of the draws",
        "nothing is missing",
        "demand",
        "demand above what is delivered",
        problem.units.quantity,
        one="The plan",
    )
    laws = price_deviations(use for use in known.law_uses if use.law == "tariff")
    return Risk(
        assessment=known,
        days=days,
        words=words,
        things=_amounts(known, days),
        values=days.demand,
        limit=limit,
        planned=planned,
        in_time=np.asarray(days.shortage <= 0.0),
        late_in_plan=np.asarray(planned > limit + supply_slack(planned)),
        figures=figures,
        seed=seed,
        assumptions=(
            law.told,
            "all flows are as planned: what was sent stays sent, what a market has not used serves its next periods at "
            "no cost, what is missing is lost",
            *(f"what is paid on lanes errs as law {name!r} did on held-out rows" for name in laws),
        ),
        notes=tuple(_supply_notes(figures, words, draws)),
    )


def _amounts(known: SupplyAssessment, days: DrawnSupply) -> pd.DataFrame:
    """Return a row per amount that is wanted: where and when, how much of it is missing, and which part is met."""
    network, wanted, missing = known.problem.network, days.demand.mean(axis=0), days.shortage.mean(axis=0)
    pairs = zip(DEMAND_KEYS, days.cells, strict=True)
    found = pd.DataFrame({kind: np.array(network.names[kind], dtype=object)[at] for kind, at in pairs})
    return found.assign(
        name=found.agg(", ".join, axis=1) if len(found) else [],
        shortage=missing,
        shortage_error=days.shortage.std(axis=0, ddof=1) / np.sqrt(len(days.demand)),
        fill_rate=1.0 - np.divide(missing, wanted, out=np.zeros_like(missing), where=wanted > 0),
    )


def _supply_notes(figures: Mapping[str, float], words: Words, draws: int) -> Iterator[str]:
    short, left = words.amount(figures["shortage"]), words.amount(figures["left"])
    met = percent_text(figures["fill_rate"])
    yield f"{met} of all demand is met; on average {short} are missing and {left} left over."
    if figures["fails"]:
        count = count_text(round(figures["fails"] * draws), "draw")
        yield (
            f"In {count} demand is missing that must be delivered; it has no price, and these draws are counted with "
            "the others."
        )
