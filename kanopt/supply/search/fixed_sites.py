"""Flows decided anew through sites that stay as they are."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from kanopt.engines.highs import GAP
from kanopt.supply import FlowPlan
from kanopt.supply.problem import SupplyProblem
from kanopt.supply.search.model import SupplyProgram
from kanopt.supply.search.tariffs import TariffPieces

_LONGEST = 1e9
_MISSED = 1e-7
"""By how much HiGHS may miss a row, as scipy calls it."""


def flows_through_sites(
    problem: SupplyProblem,
    sites: Collection[tuple[str, str]],
    pieces: TariffPieces | None,
    seconds: float = np.inf,
) -> FlowPlan | None:
    """Return the plan of least price in which these sites are open and no others.

    Parameters
    ----------
    problem
        The problem.
    sites
        Pairs of facility and period, as :attr:`FlowPlan.open` has them.
    pieces
        The tariff as pieces; None for its rates at planning values.
    seconds
        The time limit.

    Returns
    -------
    FlowPlan or None
        Where these sites cannot deliver all that must be, the cheapest of those that leave out the least. None where
        others must be open or one of these is closed, or no plan was found in time.

    Examples
    --------
    >>> from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier
    >>> problem = SupplyProblem(
    ...     suppliers=[Supplier("mill", "flour", capacity=50.0, unit_cost=2.0)],
    ...     facilities=[Facility("north", fixed_cost=30.0), Facility("south", fixed_cost=90.0)],
    ...     markets=[Market("Lyon")],
    ...     products=[Product("flour", shortage_cost=9.0)],
    ...     periods=[Period("1")],
    ...     lanes=[Lane("mill", "north"), Lane("north", "Lyon"), Lane("mill", "south"), Lane("south", "Lyon")],
    ...     tariff=1.0,
    ...     demand=20.0,
    ... )
    >>> problem.price(flows_through_sites(problem, [("south", "1")], None)).terms().to_dict()
    {'sites': 90.0, 'purchase': 40.0, 'transport': 40.0}
    """
    network, model = problem.network, SupplyProgram(problem, pieces=pieces)
    opened = np.zeros((len(network.facilities), network.shape[2]), dtype=bool)
    place = {name: row for row, name in enumerate(network.facility_names)}
    when = {name: column for column, name in enumerate(network.period_names)}
    for site, period in sites:
        opened[place[site], when[period]] = True
    must_open, shut = network.has_status("open"), network.has_status("closed")
    if not opened[must_open].all() or opened[shut].any():
        return None
    end = time.perf_counter() + min(seconds, _LONGEST)
    point = _cheapest(model, opened, end)
    if point is None and np.isinf(network.shortage_cost).any():
        relaxed = replace(model, must_deliver=False)
        least = _cheapest(relaxed, opened, end, relaxed.missing)
        if least is not None:
            most = float(relaxed.missing @ least)
            point = _cheapest(replace(relaxed, most_missing=most + _MISSED * max(1.0, most)), opened, end)
    return None if point is None else model.plan(point)


def _cheapest(
    model: SupplyProgram, opened: NDArray[np.bool_], end: float, cost: NDArray[np.float64] | None = None
) -> NDArray[np.float64] | None:
    """Return the best point with these sites open, shape (F, T); None where there is none, or no time."""
    left = end - time.perf_counter()
    if left <= 0:
        return None
    linear, (gates, kept) = model.linear, model.gates(opened)
    lower, upper = linear.lower.copy(), linear.upper.copy()
    lower[gates] = upper[gates] = kept
    seen = linear.to_arrays()
    shape = (len(linear.row_lower), len(lower))
    matrix = csr_array((seen["values"], (seen["rows"], seen["columns"])), shape=shape)
    found = milp(
        seen["cost"] if cost is None else cost,
        integrality=linear.integer.astype(int),
        bounds=Bounds(lower, upper),
        constraints=LinearConstraint(matrix, linear.row_lower, linear.row_upper),
        options={"time_limit": left, "mip_rel_gap": GAP},
    )
    return None if found.x is None else np.asarray(found.x, dtype=float)
