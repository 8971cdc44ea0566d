"""The rules of a routing problem beyond load, windows and shifts, in integers; absent rules are empty arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def _none() -> Any:
    return np.zeros(0, dtype=np.int64)


def _no_table() -> Any:
    return np.zeros((0, 0), dtype=np.int64)


def _no_flags() -> Any:
    return np.zeros((0, 0), dtype=bool)


def _no_breaks() -> Any:
    return np.zeros((0, 0, 3), dtype=np.int64)


def _no_arcs() -> Any:
    return np.zeros((0, 0, 0), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class RoutingRules:
    """Rules that most problems do not have. Nodes and vehicle types are those of :class:`RoutingIntegers`.

    Parameters
    ----------
    demands, capacities
        Demands and capacities in every measure but the load; (measures, nodes) and (measures, types).
    pickup
        What comes on board at each node.
    source
        Node at which the demand of each node is loaded, -1 where that is the depot.
    release
        When what each node receives is ready; 0 where it always is.
    opens, closes
        Windows of each node where some have several, the last one repeated; (windows, nodes).
    due, lateness
        Where service may begin late: the last closing of each node, and the price of each step of time after it.
        `latest` of such a node is the horizon; other nodes have `due` there as well.
    length, max_distance
        Distances, (nodes, nodes), and how far each vehicle type may drive.
    max_duration
        Of each vehicle type.
    regular, overtime
        Of each vehicle type: duration from which on each step of time costs more, and how much more.
    one_way
        Which vehicle types do not return to their depot.
    service
        Time of service, (types, nodes), where it has to be known apart from the drive.
    reloads, reload_time
        Of each vehicle type.
    break_table
        Length, earliest and latest begin of the breaks of each vehicle type, (types, most breaks, 3); a length below
        zero stands for none.
    backhaul
        Whether a trip delivers before it picks up.
    apart
        Which nodes may not be on one route, (nodes, nodes).
    pinned
        Vehicle of the fleet that serves each node, -1 where any may.
    longest
        Price of each step of time of the longest route.
    load_cost, load_units
        Price of a unit of load on each arc, by vehicle type, (types, nodes, nodes); and what each node takes and gives
        in these units, (2, nodes).
    """

    demands: Integers = field(default_factory=_no_table)
    capacities: Integers = field(default_factory=_no_table)
    pickup: Integers = field(default_factory=_none)
    source: Integers = field(default_factory=_none)
    release: Integers = field(default_factory=_none)
    opens: Integers = field(default_factory=_no_table)
    closes: Integers = field(default_factory=_no_table)
    due: Integers = field(default_factory=_none)
    lateness: Integers = field(default_factory=_none)
    length: Integers = field(default_factory=_no_table)
    max_distance: Integers = field(default_factory=_none)
    max_duration: Integers = field(default_factory=_none)
    regular: Integers = field(default_factory=_none)
    overtime: Integers = field(default_factory=_none)
    one_way: Flags = field(default_factory=lambda: np.zeros(0, dtype=bool))
    service: Integers = field(default_factory=_no_table)
    reloads: Integers = field(default_factory=_none)
    reload_time: Integers = field(default_factory=_none)
    break_table: Integers = field(default_factory=_no_breaks)
    backhaul: bool = False
    apart: Flags = field(default_factory=_no_flags)
    pinned: Integers = field(default_factory=_none)
    longest: int = 0
    load_cost: Integers = field(default_factory=_no_arcs)
    load_units: Integers = field(default_factory=_no_table)

    @cached_property
    def is_empty(self) -> bool:
        """Whether there is no rule at all."""
        return not any(
            np.size(getattr(self, item.name)) for item in fields(self) if item.name not in _SCALARS
        ) and (not self.backhaul and not self.longest)

    def returns(self, kind: int) -> bool:
        """Say whether a vehicle type returns to its depot."""
        return not (self.one_way.size and self.one_way[kind])

    def most_reloads(self, kind: int) -> int:
        """Return how often a vehicle type may come back to load again."""
        return int(self.reloads[kind]) if self.reloads.size else 0

    def reload_of(self, kind: int) -> int:
        """Return how long a reload takes."""
        return int(self.reload_time[kind]) if self.reload_time.size else 0

    def stay(self, kind: int, node: int) -> int:
        """Return the time of service where it is known apart from the drive, else 0."""
        return int(self.service[kind, node]) if self.service.size else 0

    def breaks(self, kind: int) -> list[tuple[int, int, int]]:
        """Return length, earliest and latest begin of the breaks of a vehicle type."""
        found = self.break_table[kind].tolist() if self.break_table.size else []
        return [(length, first, last) for length, first, last in found if length >= 0]

    @cached_property
    def ready_at_depot(self) -> Integers:
        """When what is loaded at the depot for each node is ready; 0 where it always is."""
        return np.where(self.source < 0, self.release, 0) if self.source.size else self.release

    @cached_property
    def dependents(self) -> dict[int, list[int]]:
        """Nodes whose demand is loaded at a node."""
        found: dict[int, list[int]] = {}
        for node in np.flatnonzero(self.source >= 0).tolist():
            found.setdefault(int(self.source[node]), []).append(node)
        return found


_SCALARS = ("backhaul", "longest")
