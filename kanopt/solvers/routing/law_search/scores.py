"""What a route scores: its price on the law, when it leaves, and by how much it breaks limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.routing.law_search.forward import DrivenBatch, RouteBatch

__all__ = ["RouteScores"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RouteScores:
    """Scores of routes; arrays of one shape.

    Parameters
    ----------
    price
        On the law, fixed cost and time included; infinite where a leg has no road or the law no number there.
    departure
        Clock time of leaving.
    load, late, excess
        By how much capacities, the windows of clients (all together), and the shift and the other rules are exceeded,
        beyond half of what a check lets pass.
    """

    price: Floats
    departure: Floats
    load: Floats
    late: Floats
    excess: Floats

    @classmethod
    def of(cls, batch: RouteBatch, driven: DrivenBatch, rows: Ints) -> RouteScores:
        """Score routes that were driven.

        Parameters
        ----------
        batch
            The routes.
        driven
            How they were driven.
        rows
            The route of each of these; broadcasts to the shape of the arrays in `driven`.
        """
        tables, kinds = batch.tables, batch.kinds[rows]
        reached = np.isfinite(driven.finish)
        rules, price = tables.rules, batch.price[rows] + driven.clock_price
        lasting = tables.cost_per_time.any() or rules.max_duration is not None or rules.overtime is not None
        spent = np.zeros_like(driven.finish)
        if lasting:
            np.subtract(driven.finish, driven.departure, out=spent, where=reached)
            price = price + tables.cost_per_time[kinds] * spent
        price = np.where(reached, price, np.inf)
        with np.errstate(invalid="ignore"):
            over = np.fmax(driven.finish - tables.end[kinds], 0.0)
            over = over + batch.rule_violation[rows]
        if rules.max_duration is not None:
            over = over + np.maximum(spent - rules.max_duration[kinds], 0.0)
        if rules.overtime is not None:
            price = price + rules.overtime[kinds] * np.maximum(spent - rules.regular_time[kinds], 0.0)
        load = batch.overload[rows]
        if load.shape != price.shape:
            load = np.broadcast_to(load, price.shape)
        return cls(price, driven.departure, load, driven.late, over)

    @classmethod
    def concatenate(cls, parts: Sequence[RouteScores]) -> RouteScores:
        """Return several batches of scores as one."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(cls)))

    @property
    def total_excess(self) -> Floats:
        """The sum of all excesses."""
        return self.load + self.late + self.excess

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Which routes can be driven and keep every limit."""
        return (self.total_excess <= 0) & np.isfinite(self.price)

    def cost(self) -> Floats:
        """Return the price, infinite where a limit is broken."""
        found: Floats = np.where(self.total_excess <= 0, self.price, np.inf)
        return found

    def select(self, place: Any) -> RouteScores:
        """Return the scores at some places."""
        return RouteScores(*(getattr(self, item.name)[place] for item in fields(self)))

    def raveled(self) -> RouteScores:
        """Return the scores as one-dimensional arrays."""
        return RouteScores(*(getattr(self, item.name).ravel() for item in fields(self)))

    def chosen(self) -> Ints:
        """Return for each row of a matrix the column that keeps the limits best, and of these the cheapest."""
        cost = self.cost()
        column: Ints = cost.argmin(axis=1)
        lost = ~np.isfinite(cost[np.arange(len(cost)), column])
        if lost.any():
            column[lost] = self.total_excess[lost].argmin(axis=1)
        return column

    def improved(self, rows: Ints, other: RouteScores) -> RouteScores:
        """Return these with what is better in others; `rows` are the places of the others among these."""
        cost = other.cost()
        order = np.lexsort((-cost, rows))
        last = np.append(rows[order][1:] != rows[order][:-1], True)
        best = order[last]
        gain = cost[best] < self.cost()[rows[best]]
        if not gain.any():
            return self
        into, source = rows[best[gain]], best[gain]
        found = []
        for item in fields(self):
            values = np.array(getattr(self, item.name))
            values[into] = getattr(other, item.name)[source]
            found.append(values)
        return RouteScores(*found)
