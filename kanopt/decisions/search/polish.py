"""Plans improved on the law itself by ``scipy.optimize``: what is found on pieces is polished, never made worse."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import minimize

from kanopt.array_types import Floats
from kanopt.decisions.decision_law import values_at
from kanopt.decisions.problem import DecisionProblem
from kanopt.decisions.simulate import slack
from kanopt.formulas.nodes import postorder
from kanopt.formulas.pieces import Step

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
