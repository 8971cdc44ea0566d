"""The script that solves a linear program for each draw of demand, see :mod:`kanopt.solvers.supply.recourse`.

Beside highspy and NumPy it imports :mod:`kanopt.worker` and the script next to it alone, so that it starts quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.supply.growing_child import GrowingLp

if TYPE_CHECKING:
    from kanopt.worker import Channel

Floats = NDArray[np.float64]
_MISSED = 1e-9
"""As a share of what must be missing, at least of one unit: by how much more may be when the cost is least."""


class _Draws:
    """One linear program, of which the demand changes."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.model, self.rows = order["model"], order["rows"].astype(np.int32)
        self.must = order["must"].astype(np.int32)
        none = np.zeros(0, dtype=np.intp)
        pool = dict.fromkeys(("rows", "columns", "values", "gates", "sizes"), none)
        columns = np.arange(len(self.model["cost"]))
        self.highs = GrowingLp(self.model, pool, columns, order["options"]).highs
        self.cap = self.highs.getNumRow()
        ones = np.ones(len(self.must))
        self.highs.addRow(-np.inf, np.inf, len(self.must), self.must, ones)
        self._may_miss(most=0.0)

    def _may_miss(self, most: float) -> None:
        """Say how much of what must be delivered may be missing in all; of each, nothing or all of it."""
        none = np.zeros(len(self.must))
        self.highs.changeColsBounds(len(self.must), self.must, none, none if most == 0.0 else none + np.inf)
        self.highs.changeRowBounds(self.cap, -np.inf, np.inf if most == 0.0 else most)

    def _price(self, cost: Floats) -> None:
        columns = np.arange(len(cost), dtype=np.int32)
        self.highs.changeColsCost(len(cost), columns, cost)

    def _run(self) -> bool:
        """Solve; return whether there is an optimum, or fail."""
        self.highs.run()
        status = self.highs.getModelStatus()
        if status in (
            highspy.HighsModelStatus.kInfeasible,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        ):
            return False
        if status != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"a linear program ended with {status.name}")
        return True

    def solve(self, demand: Floats) -> tuple[float, Floats, float]:
        """Return cost, point, and how much is missing in any case of what must be delivered."""
        self.highs.changeRowsBounds(len(self.rows), self.rows, demand, demand)
        least = 0.0
        feasible = self._run()
        if not feasible:
            self._may_miss(np.inf)
            weights = np.zeros(len(self.model["cost"]))
            weights[self.must] = 1.0
            self._price(weights)
            if not self._run():
                raise RuntimeError("a linear program in which all may be missing has no solution")
            least = float(self.highs.getInfo().objective_function_value)
            self._price(self.model["cost"])
            self._may_miss(least + _MISSED * max(1.0, least))
            feasible = self._run()
        if not feasible:
            raise RuntimeError("a linear program in which the least is missing has no solution")
        point = np.array(self.highs.getSolution().col_value)
        cost = float(self.highs.getInfo().objective_function_value)
        if least:
            self._may_miss(0.0)
        return cost, point, least


def work(order: dict[str, Any], channel: Channel) -> str:
    """Solve; send ``{"draw": …, "cost": …, "least": …}`` with the ``values`` at ``places`` of some columns."""
    channel.ready()
    draws, told = _Draws(order), order["told"]
    for draw, demand in enumerate(order["demand"]):
        cost, point, least = draws.solve(demand)
        places = told[point[told] > 0.0]
        channel.send(
            {
                "draw": draw,
                "cost": cost,
                "least": least,
                "places": places.tolist(),
                "values": point[places].tolist(),
            }
        )
    return "done"


if __name__ == "__main__":
    from kanopt.worker import serve

    serve(work)
