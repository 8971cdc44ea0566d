"""Parts of a problem: some clients and some vehicles of it, as a problem of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.arc_blocks import of_types
from kanopt.solvers.routing.arrays import Integers, NodeRoutes, RoutingArrays
from kanopt.solvers.routing.integer_rules import RoutingRules
from kanopt.solvers.routing.shared_rows import distinct

__all__ = ["NODE_AXES", "ProblemPart", "part_of"]

NODE_AXES: Mapping[str, tuple[int, ...]] = {
    "demands": (1,), "pickup": (0,), "source": (0,), "release": (0,), "opens": (1,), "closes": (1,), "due": (0,),
    "lateness": (0,), "length": (0, 1), "service": (1,), "apart": (0, 1), "pinned": (0,), "load_cost": (1, 2),
    "load_units": (1,),
}  # fmt: skip
"""Which axes of a rule are nodes."""


@dataclass(frozen=True)
class ProblemPart:
    """A part of a problem, and what it is called in the whole.

    Parameters
    ----------
    arrays
        The part as a problem.
    nodes
        Node of the whole for each node of the part.
    vehicles
        Vehicle of the whole for each vehicle of the part.
    """

    arrays: RoutingArrays
    nodes: NDArray[np.intp]
    vehicles: tuple[int, ...]

    def routes_of(self, whole: NodeRoutes) -> list[list[int]]:
        """Return the routes that its vehicles drive in a plan of the whole."""
        place = {int(node): number for number, node in enumerate(self.nodes)}
        return [[place[node] for node in whole[vehicle]] for vehicle in self.vehicles]

    def put_into(self, whole: NodeRoutes, routes: NodeRoutes) -> list[list[int]]:
        """Return a plan of the whole in which its vehicles drive other routes."""
        found = [list(route) for route in whole]
        for vehicle, route in zip(self.vehicles, routes, strict=True):
            found[vehicle] = self.nodes[list(route)].tolist() if route else []
        return found


def part_of(arrays: RoutingArrays, clients: Sequence[int], vehicles: Sequence[int]) -> ProblemPart:
    """Return some clients and vehicles of a problem as a problem; all depots are part of it.

    Parameters
    ----------
    arrays
        The whole.
    clients
        Nodes. Clients that are served together come together.
    vehicles
        Positions in the fleet.
    """
    nodes = np.concatenate([np.arange(arrays.depots), np.sort(np.asarray(clients, dtype=np.intp))])
    types = len(arrays.capacity)
    part = replace(
        arrays.without_names(),
        fleet=tuple(arrays.fleet[vehicle] for vehicle in vehicles),
        cost=of_types(_between(distinct(arrays.cost), nodes, (1, 2)), types),
        transit=of_types(_between(distinct(arrays.transit), nodes, (1, 2)), types),
        missed_prizes=0,
        unreachable_mandatory=0,
        rules=_rules(arrays.rules, nodes, vehicles),
        **{
            name: getattr(arrays, name)[nodes]
            for name in ("demand", "earliest", "latest", "prize", "mandatory")
        },
    )
    return ProblemPart(part, nodes, tuple(vehicles))


def _rules(rules: RoutingRules, nodes: NDArray[np.intp], vehicles: Sequence[int]) -> RoutingRules:
    if rules.is_empty:
        return rules
    kept: dict[str, Any] = {}
    for item in fields(rules):
        values = getattr(rules, item.name)
        axes = NODE_AXES.get(item.name, ())
        kept[item.name] = _between(values, nodes, axes) if axes and values.size else values
    if rules.source.size:
        kept["source"] = _renamed(kept["source"], nodes)
    if rules.pinned.size:
        kept["pinned"] = _renamed(kept["pinned"], vehicles)
    return RoutingRules(**kept)


def _between(values: Any, nodes: NDArray[np.intp], axes: Sequence[int]) -> Any:
    for axis in axes:
        values = np.take(values, nodes, axis=axis)
    return values


def _renamed(values: Integers, kept: Sequence[int] | NDArray[np.intp]) -> Integers:
    """Return positions in the whole as positions among those that are kept, -1 where there is none."""
    place = {int(old): new for new, old in enumerate(kept)}
    return np.array([place.get(int(value), -1) for value in values], dtype=np.int64)
