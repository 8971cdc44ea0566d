"""Clients that one vehicle serves and no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kanopt.errors import nearest
from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Violation
from kanopt.routing.arrays import RoutingData
from kanopt.routing.entities import split_label
from kanopt.routing.rules.fleet import there_are
from kanopt.routing.rules.rule import DrivenPlan, Given, Rule


class Pinned(Rule):
    """A client that is pinned to a vehicle is on its route."""

    name = "pinned"
    what = "clients pinned to one of several vehicles"
    words = RuleWords(
        "client is on another vehicle than the one it is pinned to",
        "clients are on other vehicles than those they are pinned to",
    )
    tables = ("clients", "vehicles")
    kind = "who"
    mend = "{where} pinned to it"

    def stated(self, data: RoutingData) -> bool:
        """Say whether any client is pinned."""
        return bool(data.pinned)

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield vehicles and clients that there are not, and clients that are pinned twice."""
        names, types = [client.name for client in given.clients], [one.name for one in given.vehicles]
        seen: set[str] = set()
        for label, pinned in given.policy.pinned.items():
            yield from self._vehicle_faults(given, label, types)
            for client in pinned:
                if client not in names:
                    what = f"pinned names the client {client!r}"
                    yield Fault("policy", what, advice=nearest(client, names))
                elif client in seen:
                    yield Fault("policy", f"client {client!r} is pinned to two vehicles")
                seen.add(client)

    @staticmethod
    def _vehicle_faults(given: Given, label: str, types: Sequence[str]) -> Iterator[Fault]:
        name, index = split_label(label, types)
        vehicle = next((vehicle for vehicle in given.vehicles if vehicle.name == name), None)
        if vehicle is None:
            yield Fault("policy", f"pinned names the vehicle {label!r}", advice=nearest(name, types))
        elif label == name and vehicle.num_available > 1:
            advice = (
                f"say which of its {vehicle.num_available} vehicles, as '{name} 1', or use the clients' field "
                "vehicles"
            )
            yield Fault("policy", f"pinned names the type {label!r}", advice=advice)
        elif not 1 <= index <= vehicle.num_available:
            what = f"pinned names {label!r}, but {there_are(vehicle.num_available)} of type {name!r}"
            yield Fault("policy", what)

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield clients on another vehicle."""
        for route in case.plan.routes:
            for name in route.clients:
                pinned = case.data.pinned.get(name)
                if pinned is not None and pinned != (route.vehicle, route.index):
                    message = f"client {name} is pinned to {pinned[0]} {pinned[1]}, not to {route.label}"
                    yield Violation(self.name, f"client {name}", 1.0, "", message)
