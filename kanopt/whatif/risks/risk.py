"""The risk of a plan: how likely it holds, and what it costs on bad days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.display import Part
from kanopt.errors import ProblemError
from kanopt.text import clock_text, count_text, join_list, list_names, percent_text
from kanopt.validation import count_fault
from kanopt.whatif.risks.day_costs import DayCosts, quantile_of_days, share_error
from kanopt.whatif.risks.ranges import DayRanges

if TYPE_CHECKING:
    from kanopt.problems.routing.assessment import RoutingAssessment
    from kanopt.problems.routing.days import DrivenDays
    from kanopt.problems.scheduling.assessment import SchedulingAssessment
    from kanopt.problems.supply.assessment import SupplyAssessment
    from kanopt.problems.uncertainty import Uncertainty
    from kanopt.whatif.risks.schedule_risk import ScheduleRisk
    from kanopt.whatif.risks.supply_risk import Recourse, SupplyRisk

Floats = NDArray[np.float64]

_FEWEST = 20
_SHOWN = 5
_RULES = {
    "time window": "a window is missed",
    "shift": "a vehicle is back after its shift",
    "duration": "a route takes longer than it may",
    "break": "a driver has no time for a break",
    "capacity": "a vehicle has more to carry than it can",
    "road": "a route cannot be driven to its end",
}


@dataclass(frozen=True, repr=False, eq=False)
class Risk(DayCosts):
    """A routing plan driven on many days, on which legs and stops take longer or shorter than the laws say.

    Parameters
    ----------
    assessment
        The plan as it is on the laws.
    days
        What came of it, day by day.
    promised
        Probability that each stop was promised to be on time; NaN where nothing is promised. (stops,)
    seed
        Seed of the days.
    assumptions
        What is taken to be uncertain, in sentences.

    Notes
    -----
    A probability is the share of the days, with its Monte Carlo error: the standard error of a share of so many days,
    which is not 0 where it never failed. Every day counts: one on which a rule is broken is told, and costs what it
    costs without a remedy. Errors of prices are taken for independent of those of times.
    """

    assessment: RoutingAssessment
    days: DrivenDays
    promised: Floats
    seed: int
    assumptions: tuple[str, ...] = field(default=())

    @cached_property
    def stops(self) -> pd.DataFrame:
        """One row per stop at a client, in the order of routes.

        Columns: ``vehicle``, ``stop``, ``client``, ``latest`` (end of the last window), ``planned`` (arrival on the
        laws), ``q05``, ``q50``, ``q95`` (quantiles of the arrival), ``on_time`` (probability that service begins by
        then), ``error`` (of that, Monte Carlo), ``promised``. Times are in the problem's unit.
        """
        data, plan = self.assessment.problem.data, self.assessment.plan
        days, driven = self.days, self.assessment.simulation
        planned = driven.arrive[driven.head >= len(data.depots)]
        numbers = pd.Series(days.route).groupby(days.route).cumcount() + 1
        low, middle, high = (quantile_of_days(days.arrive, level) for level in (0.05, 0.5, 0.95))
        on_time = self.in_time.mean(axis=0)
        return pd.DataFrame(
            {
                "vehicle": [plan.routes[route].label for route in days.route],
                "stop": numbers.to_numpy(),
                "client": [data.names[node] for node in days.client],
                "latest": data.latest[days.client],
                "planned": planned,
                "q05": low,
                "q50": middle,
                "q95": high,
                "on_time": on_time,
                "error": share_error(on_time, self.draws),
                "promised": self.promised,
            }
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"stops": self.stops, "routes": self.routes}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(("on_time", "holds", "back", "overload", "error", "promised"), "share")

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`stops`."""
        return self.stops.copy()

    def ranges(self) -> DayRanges:
        """Return the arrivals at stops whose window ends."""
        names = {"client": "name", "latest": "limit", "on_time": "share"}
        frame = self.stops.rename(columns=names)
        columns = ["name", "limit", "planned", "q05", "q50", "q95", "share"]
        frame = frame.loc[self.has_limit, columns].reset_index(drop=True)
        return DayRanges(
            frame, "arrival after the end of the window", self.assessment.problem.units.time, clock=True
        )

    @cached_property
    def routes(self) -> pd.DataFrame:
        """One row per route.

        Columns: ``vehicle``, ``on_time`` (probability that all its stops are), ``holds`` (that it breaks no rule),
        ``back`` (that it is back by the end of its shift), ``overload`` (that it has more to carry than it can),
        ``error`` (of ``holds``), ``q05``, ``q50`` and ``q95``
        (quantiles of the return).
        """
        days = self.days
        broken = np.any(list(days.broken.values()), axis=0)
        late = np.zeros(days.finish.shape, dtype=bool)
        for stop, route in enumerate(days.route):
            late[:, route] |= ~self.in_time[:, stop]
        low, middle, high = (quantile_of_days(days.finish, level) for level in (0.05, 0.5, 0.95))
        holds = 1.0 - broken.mean(axis=0)
        return pd.DataFrame(
            {
                "vehicle": [route.label for route in self.assessment.plan.routes],
                "on_time": 1.0 - late.mean(axis=0),
                "holds": holds,
                "back": 1.0 - (days.broken["shift"] | days.broken["road"]).mean(axis=0),
                "overload": days.broken["capacity"].mean(axis=0),
                "error": share_error(holds, self.draws),
                "q05": low,
                "q50": middle,
                "q95": high,
            }
        )

    @cached_property
    def in_time(self) -> NDArray[np.bool_]:
        """Whether service begins by the end of the last window; (days, stops)."""
        from kanopt.problems.routing.simulate import slack

        latest = self.assessment.problem.data.latest[self.days.client]
        return np.asarray(np.isfinite(self.days.begin) & (self.days.begin <= latest + slack(latest)))

    @property
    def has_limit(self) -> NDArray[np.bool_]:
        """Whether the last window of each stop ends; (stops,)."""
        return np.asarray(np.isfinite(self.assessment.problem.data.latest[self.days.client]))

    @property
    def late_in_plan(self) -> NDArray[np.bool_]:
        """Whether service begins too late in the plan itself, without errors; (stops,)."""
        from kanopt.problems.routing.days import late_legs

        data, driven = self.assessment.problem.data, self.assessment.simulation
        return late_legs(data, driven)[driven.head >= len(data.depots)]

    @property
    def on_time(self) -> float:
        """Probability that every stop of the day is on time."""
        return float(self.in_time.all(axis=1).mean())

    @property
    def holds(self) -> float:
        """Probability that no rule is broken all day."""
        return float((~self._fails).mean())

    @property
    def overload(self) -> float:
        """Probability that some vehicle has more to carry than it can."""
        return float(self.days.broken["capacity"].any(axis=1).mean())

    @cached_property
    def _fails(self) -> NDArray[np.bool_]:
        return np.asarray(np.any([flags.any(axis=1) for flags in self.days.broken.values()], axis=0))

    @property
    def broken(self) -> Mapping[str, int]:
        """Rule to the number of days on which it is broken, for those that are; the most often broken first."""
        counts = {rule: int(flags.any(axis=1).sum()) for rule, flags in self.days.broken.items()}
        return dict(sorted(((r, n) for r, n in counts.items() if n), key=lambda each: -each[1]))

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Whether each promise is kept, as far as is known: within two Monte Carlo errors below it; (stops,)."""
        frame = self.stops
        return np.asarray(~(frame["on_time"] + 2.0 * frame["error"] < frame["promised"]))

    def to_json(self) -> dict[str, Any]:
        """Return plain data: probabilities, costs, and what is assumed."""
        return {
            "draws": self.draws,
            "seed": self.seed,
            "on_time": self.on_time,
            "holds": self.holds,
            "overload": self.overload,
            "broken_days": dict(self.broken),
            "cost": self.cost_json(),
            "assumptions": list(self.assumptions),
        }

    def _shown(self) -> list[Part]:
        lines = [self._headline(), *self._stops_text(), self.cost_text(), *self._broken_text()]
        return [*lines, "Assumed: " + "; ".join(self.assumptions) + "."]

    def _headline(self) -> str:
        shares = [self.on_time, self.holds]
        on_time, holds = (
            f"{percent_text(share)} (± {percent_text(float(share_error(share, self.draws)))})"
            for share in shares
        )
        left_out = self.assessment.plan.unserved
        served = f" It leaves out {count_text(len(left_out), 'client')}." if left_out else ""
        return (
            f"Of {self.draws:,} days on which the plan is driven, every stop is on time on {on_time} and every rule "
            f"kept on {holds}.{served}"
        )

    def _stops_text(self) -> list[str]:
        frame = self.stops[np.isfinite(self.stops["latest"])]
        unit = self.assessment.problem.units.time
        worst = frame.sort_values("on_time", kind="stable").head(_SHOWN)
        lines = [
            f"{row.client} ({row.vehicle}, by {clock_text(row.latest, unit)}): {percent_text(row.on_time)}, planned "
            f"for {clock_text(row.planned, unit)}, 90 % of days {clock_text(row.q05, unit)} to "
            f"{clock_text(row.q95, unit)}"
            for row in worst.itertuples()
            if row.on_time < 1.0
        ]
        found = ["Least certain stops:", *(f"  {line}" for line in lines)] if lines else []
        failed = self.stops["client"][~self.kept].tolist()
        if failed:
            found.append(f"Promises not kept: {list_names(failed)}.")
        return found

    def _broken_text(self) -> list[str]:
        told = [f"{_RULES[rule]} on {count_text(days, 'day')}" for rule, days in self.broken.items()]
        return [f"Counted with the others, though {join_list(told)}."] if told else []


def risk(
    result: Any,
    uncertainty: Uncertainty | None = None,
    *,
    recourse: Recourse = "none",
    draws: int = 1000,
    seed: int = 0,
) -> Risk | ScheduleRisk | SupplyRisk:
    """Drive a plan of routes, run a schedule, or supply what is drawn, many times: how likely it holds, what it costs.

    Vehicles leave when the plan says and drive in its order. Each leg and each stop takes as long as the law says, with
    an error as the law made on held-out rows: a bias that is the same for all, what the legs of a day have in common,
    and what each has alone. Of a schedule it is the tasks that err, and jobs that are late.

    Parameters
    ----------
    result
        Of :func:`solve` or :func:`evaluate`, for a problem of routing, scheduling or supply.
    uncertainty
        What is taken to be uncertain; by default what the laws know of their own errors.
    recourse
        Of a supply plan, what is decided when demand is known: ``"none"``, so that what was sent stays sent, what a
        market has not used serves its next periods, and what is missing is lost; or ``"flows"``, so that sites are
        open as planned and all flows are decided anew for each draw.
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
    >>> found.stops[["client", "latest", "planned", "on_time"]].round(2).values.tolist()  # Φ(1) = 0.84
    [['a', 33.0, 30.0, 0.84]]
    """
    from kanopt.problems.routing.assessment import RoutingAssessment
    from kanopt.problems.routing.days import drive_days, routing_time_laws
    from kanopt.problems.supply.assessment import SupplyAssessment
    from kanopt.problems.uncertainty import Uncertainty
    from kanopt.whatif.risks.schedule_risk import risk_of_schedule
    from kanopt.whatif.risks.supply_risk import risk_of_supply

    if wrong := count_fault(draws, _FEWEST):
        raise ProblemError(f"draws: shares of days need {wrong}")
    assessment, assumed = _assessment(result), uncertainty or Uncertainty()
    if isinstance(assessment, SupplyAssessment):
        return risk_of_supply(assessment, assumed, recourse, draws, seed)
    if recourse != "none":
        raise ProblemError(
            f"recourse = {recourse!r} is for supply plans; routes and schedules keep their order"
        )
    if not isinstance(assessment, RoutingAssessment):
        return risk_of_schedule(assessment, assumed, draws, seed)
    problem = assessment.problem
    laws = routing_time_laws(problem, assumed)
    wants = [client for client in problem.clients if client.demand]
    varying = [
        client.name for client in wants if (client.demand_sd if assumed.demand is None else assumed.demand)
    ]
    if all(law.model is None for law in laws) and not varying:
        raise ProblemError(
            "nothing of this plan is uncertain: no law of time has a fit that tells its errors, and no client has a "
            "demand_sd; learn the law from trips, or state errors as Uncertainty(travel=0.1), "
            "--uncertain travel=0.1"
        )
    days = drive_days(problem, assessment, laws, assumed, draws, seed)
    by_name = {client.name: client.on_time for client in problem.clients}
    names = [problem.data.names[node] for node in days.client]
    promised = np.array([np.nan if by_name[name] is None else by_name[name] for name in names], dtype=float)
    told = (*(law.told for law in laws), _demand_text(varying, assumed))
    return Risk(assessment, days, promised, seed, told)


def _demand_text(varying: Sequence[str], assumed: Uncertainty) -> str:
    if not varying:
        return "demands are as stated"
    shared = assumed.shared_demand
    common = f", {percent_text(shared)} of the variance common to all" if shared else ", each by itself"
    by = "their demand_sd" if assumed.demand is None else percent_text(assumed.demand)
    return f"demands of {count_text(len(varying), 'client')} vary by {by} (log-normal{common})"


def _assessment(result: Any) -> RoutingAssessment | SchedulingAssessment | SupplyAssessment:
    from kanopt.problems.routing.assessment import RoutingAssessment
    from kanopt.problems.scheduling.assessment import SchedulingAssessment
    from kanopt.problems.supply.assessment import SupplyAssessment

    found = getattr(result, "assessment", result)
    if isinstance(found, RoutingAssessment | SchedulingAssessment | SupplyAssessment):
        return found
    if found is None:
        raise ProblemError("there is no plan whose risk could be told: the result has none")
    known = getattr(result, "result", None)
    if known is not None:
        raise ProblemError(f"risk is told of a plan, not of a {type(result).__name__}; give its .result")
    kind = getattr(getattr(result, "problem", None), "kind", "")
    if kind != "decision" or not hasattr(result, "plan"):
        raise ProblemError(
            f"risk is told of a plan, not of a {type(result).__name__}; give what ko.solve, ko.evaluate or "
            "scenario.run().result returns"
        )
    raise ProblemError(f"risk is there for plans of routes, schedules and supply plans, not for {kind}")
