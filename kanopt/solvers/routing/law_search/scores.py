"""What a route scores: its price on the law, when it leaves, and by how much it breaks limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.routing.law_search.forward import Driven, Ways

__all__ = ["Scores"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of routes; arrays of one shape.

    Parameters
    ----------
    price
        On the law, fixed cost and time included; infinite where a leg has no road or the law no number there.
    departure
        Clock time of leaving.
    load, late, over
        By how much capacities, the windows of clients (all together), and the shift and the other rules are exceeded,
        beyond half of what a check lets pass.
    """

    price: Floats
    departure: Floats
    load: Floats
    late: Floats
    over: Floats

    @classmethod
    def of(cls, ways: Ways, driven: Driven, rows: Ints) -> Scores:
        """Score routes that were driven.

        Parameters
        ----------
        ways
            The routes.
        driven
            How they were driven.
        rows
            The route of each of these; broadcasts to the shape of the arrays in `driven`.
        """
        tables, kinds = ways.tables, ways.kinds[rows]
        reached = np.isfinite(driven.finish)
        rules, price = tables.rules, ways.price[rows] + driven.moving
        lasting = tables.rate.any() or rules.longest is not None or rules.overtime is not None
        spent = np.zeros_like(driven.finish)
        if lasting:
            np.subtract(driven.finish, driven.departure, out=spent, where=reached)
            price = price + tables.rate[kinds] * spent
        price = np.where(reached, price, np.inf)
        with np.errstate(invalid="ignore"):
            over = np.fmax(driven.finish - tables.end[kinds], 0.0)
            over = over + ways.misfit[rows]
        if rules.longest is not None:
            over = over + np.maximum(spent - rules.longest[kinds], 0.0)
        if rules.overtime is not None:
            price = price + rules.overtime[kinds] * np.maximum(spent - rules.regular[kinds], 0.0)
        load = ways.overload[rows]
        if load.shape != price.shape:
            load = np.broadcast_to(load, price.shape)
        return cls(price, driven.departure, load, driven.late, over)

    @classmethod
    def joined(cls, parts: Sequence[Scores]) -> Scores:
        """Return several as one."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(cls)))

    @property
    def excess(self) -> Floats:
        """All that is exceeded, added up."""
        return self.load + self.late + self.over

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Which routes can be driven and keep every limit."""
        return (self.excess <= 0) & np.isfinite(self.price)

    def cost(self) -> Floats:
        """Return the price, infinite where a limit is broken."""
        found: Floats = np.where(self.excess <= 0, self.price, np.inf)
        return found

    def at(self, place: Any) -> Scores:
        """Return some of them."""
        return Scores(*(getattr(self, item.name)[place] for item in fields(self)))

    def raveled(self) -> Scores:
        """Return them in one row."""
        return Scores(*(getattr(self, item.name).ravel() for item in fields(self)))

    def chosen(self) -> Ints:
        """Return for each row of a matrix the column that keeps the limits best, and of these the cheapest."""
        cost = self.cost()
        column: Ints = cost.argmin(axis=1)
        lost = ~np.isfinite(cost[np.arange(len(cost)), column])
        if lost.any():
            column[lost] = self.excess[lost].argmin(axis=1)
        return column

    def improved(self, rows: Ints, other: Scores) -> Scores:
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
        return Scores(*found)
