"""Good plans by local search on the law itself: what a solver finds on pieces is polished, never made worse."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from kanopt.formulas.formula import Formula
from kanopt.problems.decisions import DecisionProblem
from kanopt.problems.decisions.checking import slack
from kanopt.problems.decisions.evaluation import values_at

__all__ = ["LocalSearch"]

Floats = NDArray[np.float64]
_SAMPLES = 512
_STARTS = 6
_ITERATIONS = 60
_STEP = 6e-6
_NUDGES = (1e-9, 1e-7)
_WHOLE_ROUNDS = 6


@dataclass(eq=False)
class LocalSearch:
    """Keeps the best plan, and improves plans on the law.

    Continuous decisions move by sequential quadratic programming (SLSQP, Kraft 1988) with gradients by central
    differences, all points of a gradient at once; whole numbers stay, and are then tried one up and one down.

    Parameters
    ----------
    problem
        The problem.

    Attributes
    ----------
    best, price
        The best plan found that meets every constraint, shape (decisions,), and its price; None and infinity
        without one.
    """

    problem: DecisionProblem
    best: Floats | None = None
    price: float = np.inf
    _names: list[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._names = [one.name for one in self.problem.records]
        low = np.array([one.low for one in self.problem.records])
        high = np.array([one.high for one in self.problem.records])
        self._low, self._width = low, high - low
        self._free = np.array([not one.integer for one in self.problem.records]) & (self._width > 0.0)

    @cached_property
    def _rules(self) -> list[tuple[Formula, float, float]]:
        return [(law.joint, rule.low, rule.high) for rule, law in self.problem.rules]

    def offer(self, point: Floats) -> bool:
        """Take in a point where it meets every constraint and is cheaper than the best one; return whether it is."""
        point = self.problem.rounded(point[None, :])
        price = float(self.problem.prices(point)[0])
        if not price < self.price or self._missed(point)[0] > 1.0:
            return False
        self.best, self.price = point[0], price
        return True

    def _missed(self, points: Floats) -> Floats:
        """Return how far points miss constraints, in units of what a check allows, shape (count,)."""
        worst = np.zeros(len(points))
        for law, low, high in self._rules:
            value = values_at(law, self._names, points)
            over = np.maximum((value - high) / slack(high), (low - value) / slack(low))
            worst = np.maximum(worst, np.where(np.isnan(over), np.inf, over))
        return worst

    def explore(self, seed: int) -> None:
        """Search from the most promising of some hundred points of the box."""
        points = self.problem.sample(_SAMPLES, seed)
        prices = self.problem.prices(points)
        missed = self._violation(points)
        known = np.isfinite(prices) & np.isfinite(missed)
        if not known.any():
            return
        points, prices, missed = points[known], prices[known], missed[known]
        spread = float(np.ptp(prices)) or 1.0
        order = np.argsort((prices - prices.min()) / spread + missed, kind="stable")
        for place in order[:_STARTS]:
            self.improve(points[place])

    def _violation(self, points: Floats) -> Floats:
        """Return how far points miss constraints, in units of the spread of each law, shape (count,)."""
        total = np.zeros(len(points))
        for law, low, high in self._rules:
            value = values_at(law, self._names, points)
            over = np.maximum(np.maximum(value - high, low - value), 0.0)
            total += over / (float(np.nanmax(value) - np.nanmin(value)) or 1.0)
        return total

    def improve(self, point: Floats) -> bool:
        """Search around a point; return whether a better plan was found."""
        before = self.price
        point = self.problem.rounded(point[None, :])[0]
        self.offer(point)
        self._nudge(point)
        moved = self._slide(point)
        self.offer(moved)
        if not self._free.all():
            self._step(moved)
        return self.price < before

    def _nudge(self, point: Floats) -> None:
        """Step a hair to each side: next to a jump the cheaper value may lie beyond it."""
        for size in _NUDGES:
            for place in np.flatnonzero(self._free):
                for sign in (-1.0, 1.0):
                    near = point.copy()
                    near[place] += sign * size * self._width[place]
                    self.offer(near)

    def _step(self, point: Floats) -> None:
        """Move whole numbers one up or down for as long as that helps, and slide after each move."""
        for _ in range(_WHOLE_ROUNDS):
            start = point if self.best is None else self.best
            better = False
            for place in np.flatnonzero(~self._free & (self._width > 0.0)):
                for sign in (-1.0, 1.0):
                    near = start.copy()
                    near[place] += sign
                    near = self.problem.rounded(near[None, :])[0]
                    if (near != start).any() and self.offer(self._slide(near) if self._free.any() else near):
                        better = True
            if not better:
                return

    def _slide(self, point: Floats) -> Floats:
        """Return where continuous decisions come to rest; the point itself where there are none."""
        places = np.flatnonzero(self._free)
        if not len(places):
            return point
        start = (point[places] - self._low[places]) / self._width[places]
        unit = self._unit(point)

        def at(shares: Floats) -> Floats:
            """Return full points, shape (count, decisions), from shares of ranges, shape (count, free)."""
            full = np.repeat(point[None, :], len(shares), axis=0)
            full[:, places] = self._low[places] + np.clip(shares, 0.0, 1.0) * self._width[places]
            return full

        price = _Function(lambda points: self.problem.prices(points) / unit, at)
        rules = [
            {"type": kind, "fun": function.value, "jac": function.slope}
            for kind, function in self._rule_functions(at)
        ]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = minimize(
                price.value,
                np.clip(start, 0.0, 1.0),
                jac=price.slope,
                method="SLSQP",
                bounds=[(0.0, 1.0)] * len(places),
                constraints=rules,
                options={"maxiter": _ITERATIONS, "ftol": 1e-12},
            )
        if not np.isfinite(found.x).all():
            return point
        return np.asarray(at(found.x[None, :])[0])

    def _unit(self, point: Floats) -> float:
        price = float(self.problem.prices(point[None, :])[0])
        return max(self.problem.allowed, 1e-3 * abs(price) if np.isfinite(price) else 0.0)

    def _rule_functions(self, at: Callable[[Floats], Floats]) -> list[tuple[str, _Function]]:
        """Return the constraints as SLSQP wants them: zero, or at least zero."""
        found = []
        for law, low, high in self._rules:
            size = slack(high if np.isfinite(high) else low) * 1e4
            sides = [(-1.0, high), (1.0, low)]
            if low == high:
                found.append(("eq", _Function(self._less(law, low, size), at)))
                continue
            for sign, limit in sides:
                if np.isfinite(limit):
                    found.append(("ineq", _Function(self._less(law, limit, sign * size), at)))
        return found

    def _less(self, law: Formula, limit: float, size: float) -> Callable[[Floats], Floats]:
        """Return a law less a limit, divided by a size."""
        return lambda points: np.asarray((values_at(law, self._names, points) - limit) / size)


class _Function:
    """A law over shares of ranges, with its gradient."""

    def __init__(self, law: Callable[[Floats], Floats], at: Callable[[Floats], Floats]) -> None:
        self._law, self._at = law, at

    def value(self, shares: Floats) -> float:
        found = float(self._law(self._at(shares[None, :]))[0])
        return found if np.isfinite(found) else 1e30

    def slope(self, shares: Floats) -> Floats:
        count = len(shares)
        up = np.minimum(shares + _STEP * np.eye(count), 1.0)
        down = np.maximum(shares - _STEP * np.eye(count), 0.0)
        values = self._law(self._at(np.concatenate([up, down])))
        rise = (values[:count] - values[count:]) / np.diagonal(up - down)
        return np.asarray(np.where(np.isfinite(rise), rise, 0.0))
