"""Decision problems solved by HiGHS on certified pieces, refined where its answer is far from the laws."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from scipy.optimize import minimize

from kanopt.array_types import Floats
from kanopt.decisions import DecisionPlan
from kanopt.decisions.decision_law import values_at
from kanopt.decisions.problem import DecisionProblem
from kanopt.decisions.search.relaxation import (
    LinearModel,
    Relaxation,
    first_slacks,
    last_slacks,
    lower_laws,
)
from kanopt.decisions.simulate import slack
from kanopt.engines.base import Outcome, SolveOptions, Solver, Termination, cpu_seconds
from kanopt.engines.highs import HighsOptions, HighsResult, run_highs
from kanopt.errors import FormulaError, SolverError
from kanopt.formulas.nodes import postorder
from kanopt.formulas.pieces import Step
from kanopt.interrupt import Interrupt
from kanopt.plans.base import Plan, Problem
from kanopt.plans.findings import Status
from kanopt.plans.result import EngineRun, Progress
from kanopt.text import join_list

# Plans improved on the law itself by ``scipy.optimize``: what is found on pieces is polished, never made
# worse.

Law = Callable[[Floats], Floats]
_SAMPLES, _ITERATIONS = 512, 60
_STEP = 6e-6
_NUDGES = (1e-9, 1e-7)
_STRICT = 1e-3
"""The share of what a check allows by which a plan may miss a limit and still be preferred to one that misses none."""
_MARGIN = 1e-2
"""The share of it by which a search keeps away from a limit."""


class Polish:
    """Keeps the best plan, and improves plans on the law.

    Continuous decisions move by sequential quadratic programming (SLSQP, Kraft 1988) with gradients by central
    differences, all points of a gradient at once; whole numbers stay.

    Parameters
    ----------
    problem
        The problem.

    Attributes
    ----------
    best, price
        The best plan found that meets every constraint, shape (decisions,), and its price; None and infinity
        without one. A plan that uses none of the tolerances of a check is preferred to one that does.
    """

    def __init__(self, problem: DecisionProblem) -> None:
        self.problem = problem
        self.best: Floats | None = None
        self.price = np.inf
        self._missed = np.inf
        records, names = problem.records, [one.name for one in problem.records]
        self._low = np.array([one.low for one in records])
        self._width = np.array([one.high for one in records]) - self._low
        self._free = np.flatnonzero(np.array([not one.integer for one in records]) & (self._width > 0.0))
        self._prices = partial(values_at, problem.objective_formula, names)
        self._rules = [
            (rule, partial(values_at, law.as_formula, names)) for rule, law in problem.constraint_laws
        ]
        laws = (problem.objective_formula, *(law.as_formula for _, law in problem.constraint_laws))
        continuous = {names[place] for place in self._free}
        self._moved = [bool(law.as_formula.used & continuous) for _, law in problem.constraint_laws]
        jumps = any(isinstance(node, Step) for law in laws for node in postorder(law.root))
        # next to a jump the other side may be cheaper
        self._nudges = _NUDGES if jumps else ()

    def offer(self, points: Floats) -> None:
        """Keep the cheapest of some points, shape (count, decisions), if it is better than the best plan."""
        points = self.problem.rounded(points)
        prices, missed = self._prices(points), np.zeros(len(points))
        for rule, law in self._rules:
            values = law(points)
            over = np.maximum((values - rule.high) / slack(rule.high), (rule.low - values) / slack(rule.low))
            missed = np.fmax(np.where(np.isnan(over), np.inf, over), missed)
        for most in (_STRICT, 1.0):
            fits = np.flatnonzero((missed <= most) & np.isfinite(prices))
            if not len(fits) or most > max(self._missed, _STRICT):
                continue
            place = int(fits[np.argmin(prices[fits])])
            if prices[place] < self.price or most < self._missed:
                self.best, self.price, self._missed = points[place], float(prices[place]), most
            return

    def starts(self, seed: int, count: int) -> Floats:
        """Return the most promising of some hundred points of the box, shape (at most count, decisions)."""
        points = self.problem.sample(_SAMPLES, seed)
        prices, missed = self._prices(points), np.zeros(len(points))
        for rule, law in self._rules:
            values = law(points)
            known = values[np.isfinite(values)]
            over = np.maximum(np.maximum(values - rule.high, rule.low - values), 0.0)
            missed += over / ((float(np.ptp(known)) if len(known) else 0.0) or 1.0)
        fits = np.isfinite(prices) & np.isfinite(missed)
        points, prices, missed = points[fits], prices[fits], missed[fits]
        spread = (float(np.ptp(prices)) if len(prices) else 0.0) or 1.0
        return np.asarray(points[np.argsort(prices / spread + missed, kind="stable")[:count]])

    def improve(self, point: Floats) -> None:
        """Search around a point."""
        point = self.problem.rounded(point[None, :])[0]
        found = [point]
        if len(self._free):
            found.append(self._minimised(point))
        directions = np.eye(len(point))[self._free] * self._width
        for each in tuple(found):
            found += [
                each + sign * size * one for size in self._nudges for one in directions for sign in (1, -1)
            ]
        self.offer(np.array(found))

    def _minimised(self, point: Floats) -> Floats:
        """Return the point with continuous decisions optimised, as shares of their ranges."""
        free, low, width = self._free, self._low[self._free], self._width[self._free]
        price = float(self._prices(point[None, :])[0])
        # SLSQP ends off the limits where prices and limits are not counted in about their own size
        unit = max(abs(price), self.problem.optimality_tolerance) if np.isfinite(price) else 1.0

        def at(shares: Floats) -> Floats:
            full = np.repeat(point[None, :], len(shares), axis=0)
            full[:, free] = low + np.clip(shares, 0.0, 1.0) * width
            return full

        def function(law: Law, limit: float, size: float) -> dict[str, Any]:
            def value(shares: Floats) -> float:
                found = (float(law(at(shares[None, :]))[0]) - limit) / size
                return found if np.isfinite(found) else 1e30

            return {"fun": value, "jac": lambda shares: _slope(lambda all_: law(at(all_)) / size, shares)}

        limits = []
        for (rule, law), is_moved in zip(self._rules, self._moved, strict=True):
            if not is_moved:  # a limit that whole numbers reach exactly would leave no room
                continue
            if rule.low == rule.high:
                limits.append({"type": "eq", **function(law, rule.low, max(1.0, abs(rule.low)))})
                continue
            for limit, sign in ((rule.high, -1.0), (rule.low, 1.0)):
                if np.isfinite(limit):
                    inside = limit + sign * _MARGIN * slack(limit)
                    limits.append({"type": "ineq", **function(law, inside, sign * max(1.0, abs(limit)))})
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = minimize(
                x0=np.clip((point[free] - low) / width, 0.0, 1.0),
                **function(self._prices, 0.0, unit),
                method="SLSQP",
                bounds=[(0.0, 1.0)] * len(free),
                constraints=limits,
                options={"maxiter": _ITERATIONS, "ftol": 1e-12},
            )
        return at(found.x[None, :])[0] if np.isfinite(found.x).all() else point


def _slope(law: Law, shares: Floats) -> Floats:
    """Return the gradient of a law of shares by central differences, one-sided at the ends."""
    count = len(shares)
    up = np.minimum(shares + _STEP * np.eye(count), 1.0)
    down = np.maximum(shares - _STEP * np.eye(count), 0.0)
    values = law(np.concatenate([up, down]))
    rise = (values[:count] - values[count:]) / np.diagonal(up - down)
    return np.asarray(np.where(np.isfinite(rise), rise, 0.0))


_STARTS = 6
_TIGHTER = 0.1
_WANTED = 1e-3
"""The gap, as a share of the price, that is good enough where no tolerance was given."""
_SHARPER, _MOST_SHARPER = 0.1, 2
_MOST_ROUNDS = 100
_MOST_DELETIONS = 16


class HighsPieces(Solver):
    """Certified piecewise linear laws in HiGHS, refined where its answer is far from the laws.

    The bound is proved for the law: it is HiGHS's bound on a relaxation of the pieces, less the proved distance of the
    pieces from the law. A plan is optimal where its price on the law is within the problem's tolerance of it.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt import DecisionProblem
    >>> law = parse_formula("(x - 0.3)^2 + sin(4 * y) + x * y", [Variable("x"), Variable("y")], Variable("cost"))
    >>> problem = DecisionProblem({"x": (-1, 1), "y": (-1, 1)}, law, tolerance=0.01)
    >>> outcome = HighsPieces().solve(problem, SolveOptions())
    >>> outcome.status.value, round(problem.price(outcome.plan).objective, 3)
    ('optimal', -1.164)
    """

    @property
    def name(self) -> str:
        """Name and version."""
        return f"HiGHS {version('highspy')} on certified pieces"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a decision problem whose laws can be made of pieces, else why they cannot."""
        if not isinstance(problem, DecisionProblem):
            return "it solves decision problems"
        try:
            lower_laws(problem)
        except FormulaError as error:
            return str(error)
        return ""

    def solve(self, problem: DecisionProblem, options: SolveOptions) -> Outcome:
        """Search, round after round, until the best values are proved to be within the tolerance.

        The error of the pieces is the rounding bound.

        Raises
        ------
        FormulaError
            If a law cannot be made of pieces.
        """
        options.refuse_deterministic(self.name)
        found = _Rounds(problem, options)
        found.run()
        best, price, answer = found.polish.best, found.polish.price, found.answer
        size = f"round {found.rounds}: {found.size}" if answer else "the first plan was good enough"
        spent, won = (time.perf_counter() - found.wall, cpu_seconds() - found.cpu), best is not None
        told: dict[str, Any] = {"history": tuple(found.history), "interrupted": found.interrupted}
        told["engines"] = (EngineRun(self.name, price if won else None, 0, *spent, won, size),)
        if best is None:
            infeasible = answer is not None and answer.termination is Termination.INFEASIBLE
            status = Status.INFEASIBLE if infeasible else Status.NO_PLAN
            return Outcome(None, status, None, None, 0.0, message=found.why_no_plan(), **told)
        relaxation = found.relaxation
        rounding = relaxation.programs[0].certificate.bound
        optimal = price - found.bound <= problem.optimality_tolerance
        names = [one.name for one in problem.records]
        return Outcome(
            DecisionPlan(dict(zip(names, best.tolist(), strict=True))),
            Status.OPTIMAL if optimal else Status.FEASIBLE,
            objective=float(relaxation.values(best)[relaxation.objective]),
            bound=found.bound + rounding if np.isfinite(found.bound) else None,
            rounding_bound=rounding,
            message="" if found.is_optimal else found.limit,
            solver_view=_solver_view(found),
            **told,
        )

    def whole_decisions(self, problem: Problem[Any], plan: Plan) -> tuple[tuple[str, float], ...] | None:
        """Return the whole numbers; the others follow."""
        if not (isinstance(problem, DecisionProblem) and isinstance(plan, DecisionPlan)):
            return None
        whole = tuple((one.name, plan.values[one.name]) for one in problem.records if one.integer)
        return whole if 0 < len(whole) < len(problem.records) else None

    def with_quantities(
        self, problem: DecisionProblem, whole: tuple[tuple[str, float], ...], options: SolveOptions
    ) -> Plan | None:
        """Return the best other numbers; None where the whole ones lie outside their ranges or no others fit."""
        ranges = {one.name: (one.low, one.high) for one in problem.records}
        if not all(ranges[name][0] <= value <= ranges[name][1] for name, value in whole):
            return None
        return self.solve(problem.with_values(dict(whole)), options).plan


@dataclass(eq=False)
class _Rounds:
    """One search: the best plan on the law, the best bound, and the rounds between them.

    Attributes
    ----------
    relaxation
        The pieces, finer from round to round where answers lie.
    bound
        The best lower bound on the law so far.
    tolerance
        How far above the bound a plan may be.
    answer, size, rounds
        HiGHS's last answer, the size of its model, and how often it was asked.
    conflict, limit
        Which constraints cannot hold together, and why pieces could not be made finer, where that is so.
    """

    problem: DecisionProblem
    options: SolveOptions
    bound: float = -np.inf
    rounds: int = 0
    answer: HighsResult | None = None
    size: str = ""
    conflict: str = ""
    limit: str = ""
    history: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        # the time limit counts from here
        self.wall, self.cpu = time.perf_counter(), cpu_seconds()
        self.polish, self._sharper = Polish(self.problem), 0
        self.tolerance = self.problem.optimality_tolerance
        self._slacks = first_slacks(self.problem)
        laws = lower_laws(self.problem, self.tolerance, self._slacks)
        self.relaxation = Relaxation.of(self.problem, laws)
        self._interrupt, self.interrupted = Interrupt(), False

    def run(self) -> None:
        """Search until the plan is proved to be within the tolerance, or time is up."""
        try:
            with self._interrupt:
                self._first_plans()
                while self._may_go_on and (
                    self._tighten_tolerance() if self.is_optimal else self._solve_once()
                ):
                    pass
                infeasible = self.answer and self.answer.termination is Termination.INFEASIBLE
                if infeasible and self.polish.best is None:
                    self.conflict = self._conflict()
        except KeyboardInterrupt:
            self.interrupted = True
        self.interrupted |= self._interrupt.asked

    @property
    def _seconds_left(self) -> float:
        return self.options.time_limit - (time.perf_counter() - self.wall)

    @property
    def is_optimal(self) -> bool:
        """Whether the plan is within the tolerance of the bound."""
        return self.polish.price - self.bound <= self.tolerance

    @property
    def _may_go_on(self) -> bool:
        stopped = self.interrupted or self._interrupt.should_stop(found=self.polish.best is not None)
        return self._seconds_left > 0.0 and not stopped and self.rounds < _MOST_ROUNDS

    def why_no_plan(self) -> str:
        """Say why there is no plan."""
        if self.conflict or self.interrupted:
            return self.conflict or "stopped before a first plan was found"
        if self._seconds_left <= 0.0:
            return "no plan within the time limit"
        return "no plan meets every constraint to a millionth; give limits more room"

    def _first_plans(self) -> None:
        initial = self.options.initial
        if initial is not None:
            if not isinstance(initial, DecisionPlan):
                raise SolverError(
                    f"a decision problem starts from a DecisionPlan, not from a {type(initial).__name__}"
                )
            middle = zip(self.problem.records, self.problem.sample(1)[0].tolist(), strict=True)
            self._improve(np.array([initial.values.get(one.name, at) for one, at in middle], dtype=float))
        # where every curve bends outwards, every local minimum is the global one
        whole = any(one.integer for one in self.problem.records)
        starts = 1 if self.relaxation.is_convex and not whole else _STARTS
        for point in self.polish.starts(self.options.seed, starts):
            if self._may_go_on:
                self._improve(point)
        if self.polish.best is not None:
            self.relaxation.refine_around(self.polish.best)

    def _improve(self, point: Floats) -> None:
        """Search around a point, and report a better plan."""
        before = self.polish.price
        self.polish.improve(point)
        if self.polish.price < before:
            self._report()

    def _report(self) -> None:
        bound = self.bound if np.isfinite(self.bound) else None
        price = self.polish.price if np.isfinite(self.polish.price) else None
        self.history.append(Progress(time.perf_counter() - self.wall, price, bound))
        if self.options.progress is not None:
            self.options.progress(self.history[-1])

    def _ask(self, relaxation: Relaxation) -> tuple[LinearModel, HighsResult]:
        """Let HiGHS minimise a relaxation."""
        found = self.polish.best is not None
        made = LinearModel(relaxation, self.tolerance, self.polish.price if found else None)
        options = HighsOptions(
            time_limit=max(self._seconds_left, 0.0),
            seed=self.options.seed,
            threads=self.options.workers,
            has_plan=found,
        )
        return made, run_highs(made.linear, options)

    def _solve_once(self) -> bool:
        """Ask HiGHS once, and refine where its answer is not accurate; return whether to ask again."""
        relaxation = self.relaxation
        made, answer = self._ask(relaxation)
        self.answer, self.rounds = answer, self.rounds + 1
        self.size = f"{made.binaries:,} binaries and {len(made.linear.cost):,} columns"
        self.interrupted |= answer.termination is Termination.INTERRUPTED
        if answer.termination is Termination.INFEASIBLE:
            return False
        low = -np.inf if answer.bound is None else made.bound(answer.bound)
        if low - relaxation.programs[0].certificate.high > self.bound:
            self.bound = low - relaxation.programs[0].certificate.high
            self._report()
        if answer.values is None:
            return False
        point = made.quantities(answer.values)
        decided = point[: len(self.problem.records)]
        self._improve(decided)
        if self.is_optimal or answer.termination is not Termination.OPTIMAL:
            return self.is_optimal
        return relaxation.refine_at(point) or self._tighten_constraints(decided)

    def _tighten_constraints(self, around: Floats) -> bool:
        """Make the pieces of constraints more accurate; return whether they were not accurate enough."""
        least = last_slacks(self.problem)
        proofs = [program.certificate for program in self.relaxation.programs[1:]]
        if all(proof.bound <= end for proof, end in zip(proofs, least, strict=True)):
            return False
        slacks = tuple(max(_TIGHTER * now, end) for now, end in zip(self._slacks, least, strict=True))
        return self._lower_finer(self.tolerance, slacks, around)

    def _tighten_tolerance(self) -> bool:
        """Tighten the tolerance if none was given and the gap is large beside the price; return whether to go on."""
        gap = self.polish.price - self.bound
        if self.problem.tolerance is not None or gap <= _WANTED * abs(self.polish.price):
            return False
        self._sharper += 1
        return self._sharper <= _MOST_SHARPER and self._lower_finer(_SHARPER * self.tolerance, self._slacks)

    def _lower_finer(self, tolerance: float, slacks: tuple[float, ...], around: Floats | None = None) -> bool:
        """Approximate the laws more closely; return whether that was possible."""
        try:
            laws = lower_laws(self.problem, tolerance, slacks)
        except FormulaError as error:
            self.limit = f"pieces nearer to the laws could not be made: {error}"
            return False
        self.tolerance, self._slacks = tolerance, slacks
        self.relaxation = Relaxation.of(self.problem, laws)
        for point in (around, self.polish.best):
            if point is not None:
                self.relaxation.refine_around(point)
        return True

    def _conflict(self) -> str:
        """Return constraints that cannot hold together: those that do not matter are left out one by one."""
        names = [rule.name for rule, _ in self.problem.constraint_laws]
        out: set[str] = set()
        for name in names[:_MOST_DELETIONS]:
            if self._seconds_left <= 0.0 or self._interrupt.asked:
                break
            _, answer = self._ask(self.relaxation.without({*out, name}))
            if answer.termination is Termination.INFEASIBLE:
                out.add(name)
        kept = [repr(name) for name in names if name not in out]
        proved = (
            f"within the ranges of the decisions (proved by HiGHS {version('highspy')} on certified pieces)"
        )
        if len(kept) == 1:
            return f"constraint {kept[0]} cannot hold {proved}"
        return f"constraints {join_list(kept)} cannot hold together {proved}"


def _solver_view(found: _Rounds) -> tuple[str, ...]:
    """Describe what HiGHS minimised instead of the laws."""
    objective, *rules = (program.certificate for program in found.relaxation.programs)
    views = [f"the objective on straight pieces {objective}" if objective.segments else "a linear objective"]
    for (rule, _), proof in zip(found.problem.constraint_laws, rules, strict=True):
        if proof.segments:
            views.append(f"{rule.name} on straight pieces {proof}, and looser by as much")
    if found.answer is not None and found.relaxation.curves:
        views.append(f"of them, {found.size}")
    return tuple(views)
