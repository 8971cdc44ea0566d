"""Plans that are on time with a promised probability, and what the promise costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import ProblemError
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.nodes import Constant
from kanopt.text import amount_text, count_text, join_list, list_names, money_text, percent_text
from kanopt.whatif.risks.day_costs import share_error
from kanopt.whatif.risks.risk import Risk, risk
from kanopt.whatif.risks.surer_plan import SurerPlan

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems.result import Result
    from kanopt.problems.routing import RoutingPlan, RoutingProblem
    from kanopt.problems.uncertainty import Uncertainty
    from kanopt.solvers.base import SolveOptions, Solver

Floats = NDArray[np.float64]

_PLAIN = 0.1
"""Part of the time limit that the plan without promises takes."""
_STRETCHED = (0.5, 0.2)
"""That of plans on longer travel times; of more rounds each is too short to find a good plan."""
_BUFFERED = (0.15, 0.05)
"""That of plans with buffers: the first looks for a cheaper plan, the other mends what it misses."""
_SURER = 1.15
"""By how much more or less travel times are stretched after a plan that misses its promises or keeps them."""
_LOOKED_AT = 2000
"""Days on which buffers are chosen, at least."""
_FRESH = 1_000_003
"""Added to the seed of the days on which buffers are chosen, for those on which the promise is measured."""


@dataclass(frozen=True, repr=False, eq=False)
class OnTimePlan(SurerPlan):
    """A routing plan that keeps promises of being on time, beside the one that is made without them.

    Parameters
    ----------
    result
        The plan, which leaves early enough, priced and checked on the problem as it was given.
    risk
        How likely it holds, on days that were not looked at while it was made.
    plain
        The cheapest plan that was found without promises.
    plain_risk
        How likely that one holds, on the same days.
    buffers
        Client to how long before the end of its window the plan must be there, on the laws; those without are 0. Of a
        plan on longer travel times, what lies between the quantile of its arrival and the arrival on the laws.
    shift_buffers
        The same of vehicle types and the end of their shift.
    stretch
        Factor of travel times on which it was planned; 1 where buffers alone do.
    back
        Promised probability that each vehicle is back by the end of its shift; None where that is not promised.
    rounds
        How often was planned.
    """

    result: Result
    risk: Risk
    plain: Result
    plain_risk: Risk
    buffers: Mapping[str, float]
    shift_buffers: Mapping[str, float]
    stretch: float
    back: float | None
    rounds: int

    @property
    def price(self) -> float:
        """What the promises cost: mean cost of a day with them, less that without them."""
        return float(self.risk.cost.mean() - self.plain_risk.cost.mean())

    @property
    def kept(self) -> bool:
        """Whether every promise is kept, as far as is known, and no rule is broken that the laws see."""
        return not self.not_kept and self.risk.assessment.check.ok

    @property
    def not_kept(self) -> tuple[str, ...]:
        """Clients who are late too often or left out, and vehicles that are back too late too often."""
        frame, problem = self.risk.stops, self.risk.assessment.problem
        wanted = {client.name for client in problem.clients if client.on_time is not None}
        served = set(frame["client"])
        late = [name for name, kept in zip(frame["client"], self.risk.kept, strict=True) if not kept]
        routes = self.risk.routes
        over = routes["back"] + 2.0 * share_error(routes["back"], self.risk.draws) < (self.back or 0.0)
        return (*late, *sorted(wanted - served), *routes["vehicle"][over])

    @property
    def own_risk(self) -> Risk:
        """The risk of the plan."""
        return self.risk

    def to_frame(self) -> pd.DataFrame:
        """Return the stops of the plan, as :attr:`kanopt.Risk.stops` has them.

        Two columns more: ``on_time_plain``, the probability without promises, NaN where that plan leaves the client
        out, and ``buffer``, how long before the end of its window the plan must be there.
        """
        before = self.plain_risk.stops.set_index("client")["on_time"]
        clients = self.risk.stops["client"]
        buffers = [float(self.buffers.get(client, 0.0)) for client in clients]
        return self.risk.stops.assign(on_time_plain=clients.map(before), buffer=buffers)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"stops": self.to_frame(), "routes": self.risk.routes}

    def told(self) -> list[str]:
        """Return what is promised, and what that costs, a sentence each."""
        problem = self.risk.assessment.problem
        unit, money = problem.units.time, problem.unit
        frame = self.risk.stops[self.risk.stops["promised"].notna()]
        before = self.plain_risk.stops[self.plain_risk.stops["promised"].notna()]
        failing = self.plain_risk.stops["client"][~self.plain_risk.kept].tolist()
        lines = [
            f"{count_text(len(frame), 'promise')} of being on time: the least certain stop is on time on "
            f"{percent_text(float(frame['on_time'].min()))} of the days, without promises on "
            f"{percent_text(float(before['on_time'].min()))}."
            if len(frame) and len(before)
            else "No stop is promised to be on time.",
        ]
        if self.not_kept:
            lines.append(
                f"Not kept: {list_names(self.not_kept)}. No plan was found that keeps every promise."
            )
        if failing:
            broken = f"{count_text(len(failing), 'stop')} would break them: {list_names(failing)}"
            lines.append(f"Without promises {broken}.")
        paid, instead = (money_text(float(each.cost.mean())) for each in (self.risk, self.plain_risk))
        price = money_text(self.price, money, signed=True)
        lines.append(f"That costs {price} a day on average: {paid} instead of {instead}.")
        if self.rounds > 1:
            lines.append(
                f"The plan without promises had {percent_text(_PLAIN)} of the time limit: a longer search may find a "
                "cheaper one, and promises then cost more than that."
            )
        if self.stretch > 1.0:
            longer = percent_text(self.stretch - 1.0)
            lines.append(f"Planned on travel times {longer} longer than the law says.")
        large = max(self.buffers.items(), key=lambda each: each[1], default=None)
        if large is not None:
            lines.append(
                f"Buffers before the ends of {count_text(len(self.buffers), 'window')}, up to "
                f"{amount_text(large[1], unit, 3)} at {large[0]}."
            )
        shifts = {name: buffer for name, buffer in self.shift_buffers.items() if buffer > 0.0}
        if shifts:
            told = [f"{amount_text(buffer, unit, 3)} of {name}" for name, buffer in shifts.items()]
            lines.append(f"Buffers before the ends of shifts: {join_list(told)}.")
        return lines


@dataclass(frozen=True, eq=False)
class _Try:
    """A plan that was tried, on the problem as it was given."""

    result: Result
    plan: RoutingPlan
    risk: Risk
    buffers: _Buffers
    back: float | None

    @property
    def shortfall(self) -> Floats:
        """By how much each promise is missed, of stops and of returns."""
        frame = self.risk.stops
        stops = np.nan_to_num((frame["promised"] - frame["on_time"]).to_numpy())
        returns = (self.back or 0.0) - self.risk.routes["back"].to_numpy()
        return np.asarray(np.maximum(np.concatenate([stops, returns]), 0.0))

    @property
    def missed(self) -> bool:
        """Whether a promise is missed, or a rule is broken that the laws see."""
        return self.rank[:2] != (False, 0.0)

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Smaller is better: no rule broken, promises missed by less in all, and cheaper."""
        cost = float(self.risk.cost.mean())
        return not self.risk.assessment.check.ok, round(float(self.shortfall.sum()), 3), cost

    @property
    def stretch(self) -> float:
        """Factor of travel times that brings arrivals to the quantiles which are promised, over all of them."""
        assessment, days = self.risk.assessment, self.risk.days
        driven = assessment.simulation
        served = driven.head >= len(assessment.problem.data.depots)
        so_far = [np.cumsum(driven.duration[driven.route == each]) for each in range(len(driven.finish))]
        goals = list(
            zip(
                days.arrive.T,
                driven.arrive[served],
                np.concatenate(so_far)[served],
                self.risk.promised,
                strict=True,
            )
        )
        if self.back is not None:
            ends = (each[-1] for each in so_far)
            goals += [(*each, self.back) for each in zip(days.finish.T, driven.finish, ends, strict=True)]
        found = [(self._needed(*goal[:2], goal[3]), goal[2]) for goal in goals if not np.isnan(goal[3])]
        late, driving = np.sum(found, axis=0)
        return float(1.0 + late / driving) if driving > 0.0 else 1.0

    def next_buffers(self, *, only_more: bool) -> _Buffers:
        """Return the buffers that this plan would need; `only_more`, if none may be less than it was made with.

        A client that it leaves out needs half as much as before.
        """
        assessment, days, before = self.risk.assessment, self.risk.days, self.buffers
        driven, data = assessment.simulation, assessment.problem.data
        served = driven.head >= len(data.depots)
        frame = self.risk.stops
        clients = {name: buffer / 2.0 for name, buffer in before.clients.items()}
        for stop, (name, level) in enumerate(zip(frame["client"], frame["promised"], strict=True)):
            if not np.isnan(level):
                clients[name] = self._needed(days.begin[:, stop], float(driven.begin[served][stop]), level)
        vehicles: dict[str, float] = {}
        for place, route in enumerate(assessment.plan.routes if self.back is not None else ()):
            buffer = self._needed(days.finish[:, place], float(driven.finish[place]), self.back or 0.0)
            vehicles[route.vehicle] = max(buffer, vehicles.get(route.vehicle, 0.0))
        found = _Buffers(clients, vehicles)
        return found.at_least(before) if only_more else found

    def _needed(self, times: Floats, planned: float, level: float) -> float:
        """Return by how much a quantile of times, a little on the safe side, lies after the one planned."""
        sure = min(level + np.sqrt(level * (1.0 - level) / self.risk.draws), 1.0)
        buffer = max(float(np.quantile(times, sure, method="higher")) - planned, 0.0)
        return buffer if np.isfinite(buffer) else 0.0


@dataclass(frozen=True)
class _Buffers:
    """How long before the end of its window a client is to be served, and a vehicle back before that of its shift.

    Or travel times are taken for longer by a factor, `stretch`: of any order of stops that the search tries, those late
    on a route get more than those early on it.
    """

    clients: Mapping[str, float] = field(default_factory=dict)
    vehicles: Mapping[str, float] = field(default_factory=dict)
    stretch: float = 1.0

    def at_least(self, other: _Buffers) -> _Buffers:
        """Return the larger ones of both."""

        def larger(one: Mapping[str, float], two: Mapping[str, float]) -> dict[str, float]:
            return {name: max(one.get(name, 0.0), two.get(name, 0.0)) for name in {**one, **two}}

        return _Buffers(larger(self.clients, other.clients), larger(self.vehicles, other.vehicles))


def solve_on_time(
    problem: RoutingProblem,
    on_time: float | None = None,
    *,
    uncertainty: Uncertainty | None = None,
    time_limit: float = 60.0,
    seed: int = 0,
    draws: int = 1000,
    deterministic: bool = False,
    solver: Solver | None = None,
) -> OnTimePlan:
    """Plan routes that serve clients on time with a promised probability, and say what that costs.

    A plan is made, and driven on many days. Where a client is late more often than promised, plans are made on travel
    times that are longer by what brings arrivals to the quantiles which are promised. From the best of them the end of
    each window is brought forward by what lies between that quantile of its arrival and the arrival on the laws, and
    the plan is made again with travel times as they are. What is promised in the end is measured by driving on days
    that were not looked at before. A chance constraint for each client, in the words of stochastic programming
    (Charnes and Cooper 1959, Management Science 6).

    Parameters
    ----------
    problem
        With ``on_time`` of clients.
    on_time
        Promise to all clients with a window that have none of their own, between 0 and 1; vehicles are then promised to
        be back by the end of their shift as likely.
    uncertainty
        What is taken to be uncertain, as of :func:`risk`.
    time_limit, seed, deterministic
        As of :func:`solve`; the limit is for all plans together.
    draws
        Days on which the promises are measured.
    solver
        As of :func:`solve`, but no name.

    Raises
    ------
    FormulaError
        If the plan rests on a law of time where that falls below zero.
    ProblemError
        If nothing is promised or nothing is uncertain, or no plan is found without promises.
    """
    from kanopt.problems.routing import RoutingProblem
    from kanopt.solvers.base import SolveOptions
    from kanopt.solvers.solve import refuse_impossible

    if not isinstance(problem, RoutingProblem):
        raise ProblemError(
            f"solve_on_time plans routes, not a {type(problem).__name__}; give a RoutingProblem, such as "
            "scenario.run().problem"
        )
    given = _with_promises(problem, on_time)
    problem.warn_of_unread()
    how = SolveOptions(time_limit=time_limit, seed=seed, deterministic=deterministic)
    search = _Search(given, on_time, uncertainty, max(draws, _LOOKED_AT), how, solver)
    first = search.plan(_Buffers(), None, _PLAIN)
    tries = search.with_promises(first) if first.missed else [first]
    best = min(tries, key=lambda each: each.rank)
    # a plan that was found under promises may be the cheapest one without them, too
    plain = min(tries, key=lambda each: (each.rank[0], each.rank[-1]))
    with_promises, without = (_risk(each.result, uncertainty, draws, seed + _FRESH) for each in (best, plain))
    refuse_impossible(best.result)
    buffers = best.buffers if best.buffers.stretch == 1.0 else best.next_buffers(only_more=False)
    return OnTimePlan(
        best.result,
        with_promises,
        plain.result,
        without,
        buffers.clients,
        buffers.vehicles,
        best.buffers.stretch,
        on_time,
        len(tries),
    )


@dataclass(frozen=True, eq=False)
class _Search:
    """Plans a problem, and looks at the risk of its plans on days of its own."""

    given: RoutingProblem
    back: float | None
    uncertainty: Uncertainty | None
    draws: int
    how: SolveOptions
    solver: Solver | None

    def with_promises(self, first: _Try) -> list[_Try]:
        """Return what is tried after the plan without promises, and that."""
        tries, stretch = [first], first.stretch
        for share in _STRETCHED if isinstance(self.given.duration, BoundFormula | np.ndarray) else ():
            tries.append(self.plan(_Buffers(stretch=stretch), tries[-1], share))
            surer = _SURER if tries[-1].missed else 1.0 / _SURER
            stretch = 1.0 + surer * (stretch - 1.0)
        start = min(tries, key=lambda each: each.rank)
        for round_, share in enumerate(_BUFFERED):
            # in the end a buffer is never taken back, so that promises are kept
            buffers = start.next_buffers(only_more=round_ > 0)
            start = self.plan(buffers, start, share)
            tries.append(start)
        return tries

    def plan(self, buffers: _Buffers, start: _Try | None, share: float) -> _Try:
        """Plan with buffers, from another plan, in a part of the time limit, and leave when that plan must."""
        from kanopt.problems.evaluate import evaluate
        from kanopt.solvers.solve import search_and_assess

        initial = None if start is None else start.plan.reopened()
        limit = share * (self.how.time_limit or 0.0)
        how = replace(self.how, time_limit=limit, initial=initial)
        found = search_and_assess(_tightened(self.given, buffers), how, self.solver)
        if found.assessment is None:
            if start is None:
                raise ProblemError(
                    f"no plan was found without promises: {found.message or found.status.value}"
                )
            return start
        assessment = found.assessment
        plan = assessment.settled().plan
        about = {name: getattr(found, name) for name in ("solver", "seed", "wall_seconds", "cpu_seconds")}
        result = replace(evaluate(self.given, plan), **about)
        measured = _risk(result, self.uncertainty, self.draws, self.how.seed)
        return _Try(result, plan, measured, buffers, self.back)


def _risk(result: Result, uncertainty: Uncertainty | None, draws: int, seed: int) -> Risk:
    found = risk(result, uncertainty, draws=draws, seed=seed)
    assert isinstance(found, Risk)  # of routes
    return found


def _with_promises(problem: RoutingProblem, on_time: float | None) -> RoutingProblem:
    """Return the problem with a promise to all clients with a window that have none."""
    latest = problem.data.latest[len(problem.depots) :]
    clients = problem.clients
    if on_time is not None:
        if not 0.0 < on_time < 1.0:
            raise ProblemError(f"on_time = {on_time!r}: a probability is between 0 and 1, such as 0.95")
        clients = [
            replace(client, on_time=on_time) if client.on_time is None and np.isfinite(ends) else client
            for client, ends in zip(clients, latest, strict=True)
        ]
    if all(client.on_time is None for client in clients):
        raise ProblemError(
            "no client is promised to be on time; state on_time of clients with a window, or for all as "
            "solve_on_time(problem, 0.95)"
        )
    return problem if clients is problem.clients else replace(problem, clients=clients)


def _tightened(problem: RoutingProblem, buffers: _Buffers) -> RoutingProblem:
    """Return the problem with windows and shifts that end earlier, by at most their length, or longer travel times."""
    data = problem.data
    clients = []
    for client, windows in zip(problem.clients, data.windows, strict=True):
        buffer = buffers.clients.get(client.name, 0.0)
        if buffer > 0.0:
            ends = max(windows[-1][1] - buffer, windows[0][0])
            if client.windows:
                left = [(opens, min(closes, ends)) for opens, closes in windows if opens <= ends]
                client = replace(client, windows=", ".join(f"{a:.6f}-{b:.6f}" for a, b in left))
            else:
                client = replace(client, latest=ends)
        clients.append(client)
    vehicles = [
        replace(van, shift_end=max(van.shift_end - buffers.vehicles.get(van.name, 0.0), van.shift_start))
        for van in problem.vehicles
    ]
    return replace(
        problem, clients=clients, vehicles=vehicles, duration=_stretched(problem.duration, buffers.stretch)
    )


def _stretched(duration: Any, factor: float) -> Any:
    """Return travel times that are longer by a factor."""
    if factor == 1.0:
        return duration
    if not isinstance(duration, BoundFormula):
        return factor * duration
    law = duration.formula
    longer = replace(law, root=Constant(factor) * law.root, covariance=None, alternatives=())
    return replace(duration, formula=longer)
