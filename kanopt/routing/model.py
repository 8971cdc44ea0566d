"""A routing problem as it is planned on: its data as arrays, its laws, and its planning values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from kanopt.array_types import Floats
from kanopt.errors import ProblemError, UnitError
from kanopt.faults import LARGEST
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.base import Problem
from kanopt.plans.geography import Positions
from kanopt.plans.law_use import read_day
from kanopt.records.reading import Quantity, names_of
from kanopt.routing.arrays import RoutingData, RoutingPolicy
from kanopt.routing.arrival_functions import ArrivalFunctions
from kanopt.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.routing.leg_laws import RoutingLaw, RoutingLaws
from kanopt.routing.matrices import read_matrix
from kanopt.routing.plan import Route, RoutingPlan
from kanopt.routing.plan_reading import read_plan
from kanopt.routing.planning_values import PlanningValues
from kanopt.routing.road_network import RoadNetwork, TravelMatrix
from kanopt.routing.rules.rule import Drive
from kanopt.routing.rules.started import started_routes
from kanopt.routing.simulate.departures import drive
from kanopt.text import list_names, number_text
from kanopt.units import convert


@dataclass(frozen=True, eq=False, repr=False)
class RoutingModel(Problem[RoutingPlan]):
    """What a routing problem is made of, and what follows from it before anything is planned.

    Parameters
    ----------
    depots, clients, vehicles, cost, duration, distance, units, policy, detour, started, day
        As in :class:`~kanopt.plans.RoutingProblem`, which reads and verifies them.
    """

    kind: ClassVar[str] = "routing"
    solver: ClassVar[str] = "kanopt.routing.search.solver:RoutingSearch"

    depots: Sequence[Depot]
    clients: Sequence[Client]
    vehicles: Sequence[VehicleType]
    cost: RoutingLaw | Mapping[str, RoutingLaw]
    duration: RoutingLaw | RoadNetwork
    distance: Floats | RoadNetwork | None = None
    units: RoutingUnits = field(default_factory=RoutingUnits)
    policy: RoutingPolicy = field(default_factory=RoutingPolicy)
    detour: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    started: Any = ()
    day: date | str | None = None

    @property
    def unit(self) -> str:
        """Unit of the objective."""
        return self.units.money

    @cached_property
    def network(self) -> RoadNetwork | None:
        """The roads, where there are any."""
        given = [values for values in (self.duration, self.distance) if isinstance(values, RoadNetwork)]
        return given[0] if given else None

    @cached_property
    def network_nodes(self) -> tuple[str, ...]:
        """Node of the road network at which each depot and client lies."""
        points: tuple[Depot | Client, ...] = (*self.depots, *self.clients)
        nodes = (point.attributes.get("node", point.name) for point in points)
        return tuple(names_of([node.value if isinstance(node, Quantity) else node for node in nodes]))

    @cached_property
    def data(self) -> RoutingData:
        """The data as arrays over depots, then clients."""
        known = self._data_without_routes
        return replace(known, started=started_routes(self.started, known)) if self.started else known

    @cached_property
    def _data_without_routes(self) -> RoutingData:
        return RoutingData(
            tuple(self.depots),
            tuple(self.clients),
            tuple(self.vehicles),
            self._distances(),
            self.units,
            self.policy,
            day=read_day(self.day),
        )

    @property
    def named_costs(self) -> Mapping[str, RoutingLaw]:
        """The cost laws as they were given, by term."""
        return self.cost if isinstance(self.cost, Mapping) else {"cost": self.cost}

    @cached_property
    def leg_laws(self) -> RoutingLaws:
        """The laws, ready to be evaluated on legs."""
        given = self.named_costs
        money, time = self.units.money, self.units.time
        cost = {name: self._law(law, f"cost {name!r}", money) for name, law in given.items()}
        if isinstance(self.duration, RoadNetwork):
            duration: RoutingLaw = self._travel(self.duration).time
        elif isinstance(self.duration, ArrivalFunctions):
            duration = self._arrivals(self.duration)
        else:
            duration = self._law(self.duration, "duration", time)
        return RoutingLaws(self.data, cost, duration)

    @cached_property
    def planning_values(self) -> PlanningValues:
        """The planning values and the matrices under them."""
        return PlanningValues(self.leg_laws)

    def _law(self, law: Any, what: str, unit: str) -> RoutingLaw:
        if isinstance(law, BoundFormula):
            return law
        return read_matrix(law, self.data.names, what, unit, len(self.depots))

    def _distances(self) -> Floats | Positions:
        points: tuple[Depot | Client, ...] = (*self.depots, *self.clients)
        names = [point.name for point in points]
        source = self.distance
        if source is None and isinstance(self.duration, RoadNetwork):
            source = self.duration
        if isinstance(source, RoadNetwork):
            return self._travel(source).length
        if source is not None:
            return read_matrix(source, names, "distance", self.units.distance, len(self.depots))
        return self._measured(names)

    def _measured(self, names: Sequence[str]) -> Positions:
        """Return where the places lie, from which distances follow."""
        where = self.positions.given
        wrong = [name for name, place in zip(names, where, strict=True) if (np.abs(place) > LARGEST).any()]
        if wrong:
            raise ProblemError(
                f"depots and clients {list_names(wrong)}: coordinates larger than {number_text(LARGEST)}"
            )
        first = np.zeros(1, dtype=np.intp)
        try:
            self.positions.lengths(first, first)
        except UnitError as error:
            raise ProblemError(f"units: distance: {error}") from error
        return self.positions

    @cached_property
    def positions(self) -> Positions:
        """Where depots and clients lie."""
        return Positions.of((*self.depots, *self.clients), self.units.distance, self.detour)

    @property
    def on_earth(self) -> bool:
        """Whether every depot and client has a latitude and a longitude."""
        return self.positions.on_earth

    @property
    def _is_measured(self) -> bool:
        """Whether distances follow from coordinates."""
        return self.distance is None and not isinstance(self.duration, RoadNetwork)

    def _arrivals(self, law: ArrivalFunctions) -> ArrivalFunctions:
        """Return arrival functions in the problem's unit of time."""
        if law.size != len(self.data.names):
            raise ProblemError(
                f"duration: arrival functions between {law.size} nodes, but there are {len(self.data.names)} depots "
                f"and clients"
            )
        return law.in_unit(self.units.time)

    def _travel(self, network: RoadNetwork) -> TravelMatrix:
        """Return a network's travel in the problem's units."""
        travel = network.matrix(self.network_nodes)
        try:
            return TravelMatrix(
                convert(travel.time, network.time, self.units.time),
                convert(travel.length, network.distance, self.units.distance),
            )
        except UnitError as error:
            raise ProblemError(f"road network: {error}") from error

    def drive(self, routes: Sequence[Route], *, frozen: bool = False) -> Drive:
        """Drive routes forward: loads, departures, waits and arrivals, on the law or at planning values."""
        return drive(self.leg_laws, self.planning_values, routes, frozen=frozen)

    def plan_from(self, decision: Any) -> RoutingPlan:
        """Read a plan the user already has.

        Parameters
        ----------
        decision
            A :class:`RoutingPlan`; a frame with the columns ``vehicle``, ``stop`` and ``client`` (and ``index``,
            ``depot``, ``departure`` where known); a mapping of vehicle to client names, as
            ``{"van 1": ["c1", "c4"]}``; or lists of client names, given to the vehicles in their order.

        Raises
        ------
        ProblemError
            If it names vehicles, clients or depots the problem does not know.
        """
        return read_plan(decision, self.data)
