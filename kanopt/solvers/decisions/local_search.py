"""Local search on the law itself: plans that a solver finds on pieces are improved, never made worse."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from kanopt.formulas.nodes import postorder
from kanopt.formulas.pieces import Step
from kanopt.problems.decisions import DecisionProblem
from kanopt.problems.decisions.evaluator import Evaluator
from kanopt.problems.decisions.simulate import slack

Floats = NDArray[np.float64]
_SAMPLES = 512
_STARTS = 6
_ITERATIONS = 60
_STEP = 6e-6
_NUDGES = (1e-9, 1e-7)
_WHOLE_ROUNDS = 6
_RESTORING = 5
_STRICT = 1e-3
"""The share of what a check allows by which a plan may miss a limit and still be preferred to one that misses none."""
_MARGIN = 1e-2
"""The share of it by which a search keeps away from a limit."""


@dataclass(frozen=True)
class _ConstraintRule:
    """A constraint, and the tolerance of the check on each limit."""

    law: Evaluator
    low: float
    high: float
    slacks: tuple[float, float]

    def violation(self, values: Floats) -> Floats:
        """Return by how much values violate the limits, in units of the tolerance of the check."""
        over = np.maximum((values - self.high) / self.slacks[1], (self.low - values) / self.slacks[0])
        return np.where(np.isnan(over), np.inf, np.maximum(over, 0.0))

    def shortfall(self, value: float) -> float:
        """Return by how much a value must rise to be inside the limits by a margin, or on them; 0 where it is."""
        if self.low == self.high:
            return self.low - value
        top, bottom = self.high - _MARGIN * self.slacks[1], self.low + _MARGIN * self.slacks[0]
        return min(top - value, 0.0) or max(bottom - value, 0.0)


@dataclass(eq=False)
class LocalSearch:
    """Keeps the best plan, and improves plans on the law.

    Continuous decisions move by sequential quadratic programming (SLSQP, Kraft 1988) with gradients by central
    differences, all points of a gradient at once; whole numbers stay, and are then tried one up and one down.

    Parameters
    ----------
    problem
        The problem.
    until
        The moment of ``time.perf_counter`` at which no new start is made.
    stop_requested
        Called with whether there is a plan; whether to make no new start.

    Attributes
    ----------
    best, price
        The best plan found that meets every constraint, shape (decisions,), and its price; None and infinity
        without one.
    """

    problem: DecisionProblem
    until: float = np.inf
    stop_requested: Callable[[bool], bool] = lambda _: False
    best: Floats | None = None
    price: float = np.inf
    _strict: bool = False
    _rules: list[_ConstraintRule] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        records, names = self.problem.records, [one.name for one in self.problem.records]
        low, high = np.array([one.low for one in records]), np.array([one.high for one in records])
        self._low, self._width = low, high - low
        self._free = np.array([not one.integer for one in records]) & (self._width > 0.0)
        self._prices = Evaluator(self.problem.objective_formula, names)
        self._rules = [
            _ConstraintRule(
                Evaluator(law.as_formula, names), rule.low, rule.high, (slack(rule.low), slack(rule.high))
            )
            for rule, law in self.problem.constraint_laws
        ]
        laws = (self.problem.objective_formula, *(law.as_formula for _, law in self.problem.constraint_laws))
        self._jumps = any(isinstance(node, Step) for law in laws for node in postorder(law.root))

    @property
    def _is_over(self) -> bool:
        return time.perf_counter() >= self.until or self.stop_requested(self.best is not None)

    def offer(self, points: Floats) -> bool:
        """Keep the cheapest of some points if it is better than the best plan; return whether it is.

        A point must pass the check of every constraint; one that uses none of the tolerances is preferred to one that
        does.

        Parameters
        ----------
        points
            Shape (count, decisions).
        """
        points = self.problem.rounded(points)
        prices = self._prices(points)
        missed = np.zeros(len(points))
        for rule in self._rules:
            missed = np.maximum(missed, rule.violation(rule.law(points)))
        found = False
        for strict in (True, False):
            fits = (missed <= (_STRICT if strict else 1.0)) & np.isfinite(prices)
            if not fits.any():
                continue
            place = int(np.flatnonzero(fits)[np.argmin(prices[fits])])
            # using the tolerance of a limit must pay off; using none may cost a little
            better = float(strict) - float(self._strict)
            worth = self.problem.optimality_tolerance * better if self.best is not None else 0.0
            if prices[place] < self.price + worth:
                self.best, self.price, self._strict = points[place], float(prices[place]), strict
                found = True
        return found

    def explore(self, seed: int, starts: int = _STARTS) -> None:
        """Search from the most promising of some hundred points of the box."""
        points = self.problem.sample(_SAMPLES, seed)
        prices, missed = self._prices(points), np.zeros(len(points))
        for rule in self._rules:
            values = rule.law(points)
            over = np.maximum(np.maximum(values - rule.high, rule.low - values), 0.0)
            with np.errstate(invalid="ignore"):
                spread = float(np.nanmax(values) - np.nanmin(values)) if np.isfinite(values).any() else 0.0
            missed += over / (spread or 1.0)
        known = np.isfinite(prices) & np.isfinite(missed)
        points, prices, missed = points[known], prices[known], missed[known]
        if not len(points):
            return
        order = np.argsort((prices - prices.min()) / (float(np.ptp(prices)) or 1.0) + missed, kind="stable")
        for place in order[:starts]:
            if self._is_over:
                return
            self.improve(points[place])

    def improve(self, point: Floats) -> bool:
        """Search around a point; return whether a better plan was found."""
        before = self.best
        point = self.problem.rounded(point[None, :])
        self.offer(point)
        moved = self._minimise_continuous(point[0])
        self.offer(np.stack([moved, self._restore_feasibility(moved)]))
        if self._jumps:
            self._perturb(point[0])
            self._perturb(moved)
        if not self._free.all():
            self._step_integers(moved)
        return self.best is not before

    def _perturb(self, point: Floats) -> None:
        """Take a tiny step to each side: next to a jump the other side may be cheaper."""
        directions = np.concatenate([np.eye(len(point)), -np.eye(len(point))])[np.tile(self._free, 2)]
        for size in _NUDGES:
            if len(directions):
                self.offer(point + size * self._width * directions)

    def _step_integers(self, point: Floats) -> None:
        """Move integer decisions one up or down while that helps; optimise the continuous ones after each move."""
        places = np.flatnonzero(~self._free & (self._width > 0.0))
        for _ in range(_WHOLE_ROUNDS):
            start, better = point if self.best is None else self.best, False
            near = np.repeat(start[None, :], 2 * len(places), axis=0)
            near[np.arange(len(near)), np.tile(places, 2)] += np.repeat([1.0, -1.0], len(places))
            near = self.problem.rounded(near)
            if self._free.any():
                for moved in near[(near != start).any(axis=1)]:
                    if self._is_over:
                        return
                    better |= self.offer(
                        np.stack(
                            [
                                improved := self._minimise_continuous(moved),
                                self._restore_feasibility(improved),
                            ]
                        )
                    )
            elif len(near):
                better = self.offer(near)
            if not better:
                return

    def _restore_feasibility(self, point: Floats) -> Floats:
        """Return a nearby point that meets the constraints more closely: Newton's method with least-norm steps."""
        places = np.flatnonzero(self._free)
        if not len(places) or not self._rules:
            return point
        at = self._points_at_shares(point, places)
        shares = (point[places] - self._low[places]) / self._width[places]
        for _ in range(_RESTORING):
            rows, lacks = [], []
            for rule in self._rules:
                function = _LawFunction(rule.law, at)
                value = function.value(shares)
                lack = rule.shortfall(value)
                if lack:
                    rows.append(function.slope(shares))
                    lacks.append(lack)
            if not rows:
                break
            step, *_ = np.linalg.lstsq(np.array(rows), np.array(lacks), rcond=None)
            shares = np.clip(shares + step, 0.0, 1.0)
        return np.asarray(at(shares[None, :])[0])

    def _points_at_shares(self, point: Floats, places: NDArray[np.intp]) -> Callable[[Floats], Floats]:
        """Return a function from shares of some ranges, shape (count, places), to points, shape (count, decisions)."""

        def at(shares: Floats) -> Floats:
            full = np.repeat(point[None, :], len(shares), axis=0)
            full[:, places] = self._low[places] + np.clip(shares, 0.0, 1.0) * self._width[places]
            return full

        return at

    def _minimise_continuous(self, point: Floats) -> Floats:
        """Return the point with continuous decisions optimised; the point itself where there are none."""
        places = np.flatnonzero(self._free)
        if not len(places):
            return point
        price = float(self._prices(point[None, :])[0])
        unit = max(1e-3 * abs(price), 1e-12) if np.isfinite(price) else 1.0

        at = self._points_at_shares(point, places)
        priced = _LawFunction(lambda points: self._prices(points) / unit, at)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = minimize(
                priced.value,
                np.clip((point[places] - self._low[places]) / self._width[places], 0.0, 1.0),
                jac=priced.slope,
                method="SLSQP",
                bounds=[(0.0, 1.0)] * len(places),
                constraints=self._limits(at),
                options={"maxiter": _ITERATIONS, "ftol": 1e-12},
            )
        return np.asarray(at(found.x[None, :])[0]) if np.isfinite(found.x).all() else point

    def _limits(self, at: Callable[[Floats], Floats]) -> list[dict[str, Any]]:
        """Return the constraints as SLSQP wants them: equal to zero, or at least zero."""
        found = []
        for rule in self._rules:
            if rule.low == rule.high:
                found.append(("eq", _law_minus_limit(rule.law, rule.low, rule.slacks[0])))
                continue
            for limit, size, sign in ((rule.high, rule.slacks[1], -1.0), (rule.low, rule.slacks[0], 1.0)):
                if np.isfinite(limit):
                    found.append(
                        ("ineq", _law_minus_limit(rule.law, limit + sign * _MARGIN * size, sign * size))
                    )
        functions = [(kind, _LawFunction(law, at)) for kind, law in found]
        return [{"type": kind, "fun": one.value, "jac": one.slope} for kind, one in functions]


def _law_minus_limit(law: Evaluator, limit: float, size: float) -> Callable[[Floats], Floats]:
    """Return a law less a limit, in units of ten thousand times the tolerance of the check."""
    return lambda points: np.asarray((law(points) - limit) / (1e4 * size))


class _LawFunction:
    """A law over shares of ranges, with its gradient."""

    def __init__(self, law: Callable[[Floats], Floats], at: Callable[[Floats], Floats]) -> None:
        self._law, self._at = law, at

    def value(self, shares: Floats) -> float:
        """Return its value; a large number where it has none."""
        found = float(self._law(self._at(shares[None, :]))[0])
        return found if np.isfinite(found) else 1e30

    def slope(self, shares: Floats) -> Floats:
        """Return its gradient by central differences, one-sided at the ends."""
        count = len(shares)
        up = np.minimum(shares + _STEP * np.eye(count), 1.0)
        down = np.maximum(shares - _STEP * np.eye(count), 0.0)
        values = self._law(self._at(np.concatenate([up, down])))
        rise = (values[:count] - values[count:]) / np.diagonal(up - down)
        return np.asarray(np.where(np.isfinite(rise), rise, 0.0))
