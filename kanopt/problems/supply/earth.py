"""A supply network on the earth: places, and the lanes that carry something, in degrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.problems.earth import EarthLine, EarthPlan, EarthPoint
from kanopt.problems.supply.views import nodes_of, used_lanes

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem
    from kanopt.problems.supply.simulate import Ledger


def flows_on_earth(problem: SupplyProblem, ledger: Ledger) -> EarthPlan | None:
    """Return places and lanes in degrees; None where any place has no latitude and longitude."""
    if not problem.on_earth:
        return None
    network = problem.network
    degrees = network.positions.degrees
    nodes = nodes_of(problem, ledger)
    points = tuple(
        EarthPoint(float(lat), float(lon), {"name": str(name), "role": str(role), "label": str(label)})
        for (lat, lon), name, role, label in zip(
            degrees, nodes["name"], nodes["role"], nodes["label"], strict=True
        )
    )
    lanes, moved = used_lanes(problem, ledger)
    lines = tuple(
        EarthLine(
            tuple(
                (float(lat), float(lon)) for lat, lon in degrees[[network.tails[lane], network.heads[lane]]]
            ),
            {
                "name": network.lanes[lane].name,
                "role": "lane",
                "tail": network.lanes[lane].tail,
                "head": network.lanes[lane].head,
                "amount": float(amount),
                "unit": problem.units.weight,
            },
        )
        for lane, amount in zip(lanes.tolist(), moved, strict=True)
    )
    return EarthPlan(points, lines)
