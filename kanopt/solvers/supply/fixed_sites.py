"""The cheapest flows through sites that are given: what is left of a supply problem once the sites are decided."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from kanopt.problems.supply import FlowPlan, SupplyProblem
from kanopt.solvers.highs import GAP
from kanopt.solvers.supply.model import SupplyModel
from kanopt.solvers.supply.tariff_pieces import TariffPieces

__all__ = ["flows_through_sites"]


def flows_through_sites(
    problem: SupplyProblem,
    sites: Collection[tuple[str, str]],
    pieces: TariffPieces | None,
    seconds: float = np.inf,
) -> FlowPlan | None:
    """Return the plan of least price in which these sites are open and no others.

    For many demands at once, at rates alone, there is :func:`~kanopt.solvers.supply.recourse.flows_anew`.

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
        None where these sites cannot deliver what must be, or no plan was found in time.

    Examples
    --------
    >>> from kanopt.problems.supply import Facility, Lane, Market, Period, Product, Supplier
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
    network, model = problem.network, SupplyModel(problem, pieces=pieces)
    linear, opened = model.linear, np.zeros((len(network.facilities), network.shape[2]), dtype=bool)
    place = {name: row for row, name in enumerate(network.facility_names)}
    when = {name: column for column, name in enumerate(network.period_names)}
    for site, period in sites:
        opened[place[site], when[period]] = True
    gates, kept = model.gates(opened)
    lower, upper = linear.lower.copy(), linear.upper.copy()
    if np.any(kept < lower[gates]) or np.any(kept > upper[gates]):
        return None  # another site must be open, or one of these is closed
    lower[gates] = upper[gates] = kept
    seen = linear.to_arrays()
    matrix = csr_array(
        (seen["values"], (seen["rows"], seen["columns"])), shape=(len(linear.row_lower), len(lower))
    )
    found = milp(
        seen["cost"],
        integrality=linear.integer.astype(int),
        bounds=Bounds(lower, upper),
        constraints=LinearConstraint(matrix, linear.row_lower, linear.row_upper),
        options={"time_limit": min(seconds, 1e9), "mip_rel_gap": GAP},
    )
    return None if found.x is None else model.plan(found.x)
