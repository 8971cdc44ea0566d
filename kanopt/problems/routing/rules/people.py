"""Who serves whom: vehicles that there are, skills, pins, goods kept apart, and clients served once or for a prize."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from kanopt.errors import nearest
from kanopt.faults import Fault
from kanopt.problems.broken_rules import UNSERVED, RuleWords
from kanopt.problems.findings import Violation
from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.entities import split_label
from kanopt.problems.routing.plan import Route, RoutingPlan
from kanopt.problems.routing.policy import RoutingPolicy
from kanopt.problems.routing.rules.rule import (
    Drive,
    DrivenPlan,
    Flags,
    Given,
    LoneTrip,
    Obstacle,
    RoutePrice,
    Rule,
)
from kanopt.text import count_text, join_list, list_names


class Skills(Rule):
    """A vehicle has the skills that its clients need, and is of a type that they allow."""

    name = "skill"
    what = "skills"
    words = RuleWords(
        "client is served by a vehicle that may not", "clients are served by vehicles that may not"
    )
    fields = ("clients.needs", "clients.vehicles")
    tables = ("clients", "vehicles")
    kind = "who"
    mend = "{where} allowed on it"
    bottleneck = "no vehicle may serve them"
    given_up = ("skill", "skills")
    freed = fields

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield skills that no vehicle has."""
        known = sorted(frozenset().union(*(vehicle.skills for vehicle in given.vehicles)))
        for word in dict.fromkeys(word for client in given.clients for word in client.needs):
            if word not in known:
                wrong = tuple(client.name for client in given.clients if word in client.needs)
                hint = nearest(word, known) if known else "no vehicle has any skills"
                yield Fault("clients", f"no vehicle has the skill {word!r}", wrong, "needs", advice=hint)

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield clients served by a vehicle that may not."""
        data = case.data
        for route in case.plan.routes:
            kind = data.type_index[route.vehicle]
            for name in route.clients:
                if not data.has_skills[kind, data.index[name]]:
                    message = f"{route.label} may not serve client {name}: {missing_skill(data, kind, name)}"
                    yield Violation(self.name, f"client {name}", 1.0, "", message)

    def obstacles(self, trip: LoneTrip) -> Iterator[Obstacle]:
        """Yield that the vehicle type may not serve the client, to which others may be pinned."""
        data, name = trip.data, trip.client.name
        if data.allowed[trip.kind, trip.place]:
            return
        pinned, why = data.pinned.get(name), missing_skill(data, trip.kind, name)
        if pinned is not None and pinned[0] != trip.vehicle.name:
            why = f"it is pinned to {pinned[0]} {pinned[1]}"
        yield self.obstacle(trip, np.inf, why, f"{trip.vehicle.name} allowed to serve it")

    def given_up_text(self, names: Sequence[str]) -> str:
        """Name who may serve some clients."""
        return f"who may serve {join_list(names, 6)}"


def missing_skill(data: RoutingData, kind: int, name: str) -> str:
    """Say why a vehicle type, by its position, may not serve a client."""
    client, vehicle = data.clients[data.index[name] - len(data.depots)], data.vehicles[kind]
    lacking = sorted({*client.needs} - {*vehicle.skills})
    if lacking:
        return f"it needs {join_list(lacking)}, which {vehicle.name} does not have"
    if not data.has_skills[kind, data.index[name]]:
        return f"it may be served by {' or '.join(sorted(frozenset(client.vehicles)))} only"
    pinned, number = data.pinned[name]
    return f"it is pinned to {pinned} {number}"


class Fleet(RoutePrice):
    """A vehicle of a route exists, and drives one route at a time; using it has a price."""

    name = "fleet"
    words = RuleWords(
        "vehicle is not in the fleet or drives twice at once",
        "vehicles are not in the fleet or drive twice at once",
    )
    must_hold = True
    term = "fixed"

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield vehicles that do not exist, or are used twice."""
        data = case.data
        used = Counter((route.vehicle, route.index) for route in case.plan.routes)
        for (name, index), times in used.items():
            vehicle = data.vehicles[data.type_index[name]]
            label = Route(name, index, "", (), named=vehicle.is_named).label
            if not 1 <= index <= vehicle.num_available:
                message = f"{label} does not exist: {there_are(vehicle.num_available)} of type {name!r}"
                yield Violation(self.name, label, 1.0, "", message)
            if times > 1:
                message = f"{label} drives {times} routes at once"
                yield Violation(self.name, label, times - 1.0, "", message)

    def is_paid(self, data: RoutingData) -> bool:
        """Say whether any vehicle has a fixed cost."""
        return bool(data.of_vehicles("fixed_cost").any())

    def amounts(self, data: RoutingData, kind: Ints, spent: Floats) -> Floats:
        """Return the fixed cost of each route."""
        return data.of_vehicles("fixed_cost")[kind]


def there_are(count: int) -> str:
    """Say how many vehicles there are."""
    return f"there {'is' if count == 1 else 'are'} {count_text(count, 'vehicle')}"


class Ends(Rule):
    """A route starts from the depot of its vehicle, and ends where that is to end."""

    name = "depot"
    tables = ("vehicles", "depots")
    words = RuleWords("route starts from the wrong depot", "routes start from the wrong depot")
    must_hold = True

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield vehicles of which it is not said where they start, or said twice how they end."""
        depots = {depot.name for depot in given.depots}
        for vehicle in given.vehicles:
            if vehicle.start_depot is None and len(depots) > 1:
                advice = nearest("", depots)
                yield Fault("vehicles", "say which depot it belongs to", (vehicle.name,), advice=advice)
            if vehicle.end_depot and not vehicle.returns:
                what = f"its routes end at {vehicle.end_depot!r}, and it does not return"
                yield Fault(
                    "vehicles", what, (vehicle.name,), advice="leave out one of end_depot and returns"
                )

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield routes that start from another depot."""
        for route in case.plan.routes:
            home = case.data.depot_of[route.vehicle]
            if route.depot != home:
                message = f"{route.label} starts from {route.depot!r}, but its depot is {home!r}"
                yield Violation(self.name, route.label, 1.0, "", message)


class Roads(Rule):
    """Routes drive where roads lead."""

    name = "road"
    words = RuleWords("route drives where no road leads", "routes drive where no road leads")
    by_time = True
    bottleneck = "no road leads to them and back"

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield legs without a road."""
        driven, names = case.driven, case.data.names
        for leg in np.flatnonzero(~np.isfinite(driven.duration)):
            label = case.label(driven.route[leg])
            message = f"{label}: no road leads from {names[driven.tail[leg]]} to {names[driven.head[leg]]}"
            yield Violation(self.name, label, np.inf, case.data.units.distance, message)

    def breaking(self, data: RoutingData, driven: Drive) -> Flags:
        """Say which routes do not come to their end."""
        return np.asarray(~np.isfinite(driven.finish))

    def obstacles(self, trip: LoneTrip) -> Iterator[Obstacle]:
        """Yield that no road leads to the client, or on from it."""
        depot = trip.data.depot_of[trip.vehicle.name]
        if not trip.reached:
            end = f"on to {trip.vehicle.end_depot}" if trip.vehicle.end_depot else f"back to {depot}"
            way = f"from it {end}" if np.isfinite(trip.arrive) else f"from {depot} to it"
            yield self.obstacle(trip, np.inf, f"no road leads {way}", f"a road {way}")


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
    given_up = ("pinned", "pinned")

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

    def binds(self, data: RoutingData, names: Collection[str]) -> Iterator[str]:
        """Yield the clients that are pinned."""
        return (each.name for each in data.clients if each.name in names and each.name in data.pinned)

    def given_up_text(self, names: Sequence[str]) -> str:
        """Name the vehicle that some clients are pinned to."""
        return f"the vehicle that {join_list(names, 6)} {'is' if len(names) == 1 else 'are'} pinned to"

    def free_policy(self, policy: RoutingPolicy, held: Collection[str]) -> RoutingPolicy:
        """Return the policy in which only some clients are pinned."""
        some = {label: [name for name in names if name in held] for label, names in policy.pinned.items()}
        return replace(policy, pinned={label: names for label, names in some.items() if names})


class GoodsApart(Rule):
    """Kinds of goods that are kept apart are not on one route."""

    name = "goods"
    what = "goods kept apart"
    words = RuleWords(
        "route carries goods that must be kept apart", "routes carry goods that must be kept apart"
    )
    tables = ("clients", "vehicles")
    fields = ("policy.apart",)
    mend = "goods on it that are kept apart"
    given_up = ("apart", "apart")
    freed = fields

    def stated(self, data: RoutingData) -> bool:
        """Say whether any two clients cannot be on one route."""
        return bool(data.apart.any())

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield what is no pair, clients with both goods, and words near those that clients have."""
        goods = sorted(frozenset().union(*(client.goods for client in given.clients)))
        pairs: Sequence[Sequence[str]] = given.policy.apart
        for pair in pairs:
            if len(pair) != 2:
                yield Fault("policy", f"apart = {pair!r} is no pair of goods")
                continue
            both = [client.name for client in given.clients if set(pair) <= {*client.goods}]
            if both and pair[0] != pair[1]:
                what = f"apart = {pair!r} cannot be kept apart: clients {list_names(both)} have both"
                yield Fault("policy", what)
            for word in pair:
                # goods that nobody has today are no mistake, but a word near one that somebody has is
                hint = nearest(word, goods) if word not in goods else ""
                if hint.startswith("did you mean"):
                    yield Fault("policy", f"apart names {word!r}, which no client has", advice=hint)

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield pairs of clients on one route."""
        for route in case.plan.routes:
            stops = [case.data.index[name] for name in route.clients]
            for one, other in np.argwhere(np.triu(case.data.apart[np.ix_(stops, stops)])):
                pair = f"{route.clients[one]} and {route.clients[other]}"
                message = f"{route.label}: the goods of clients {pair} may not be on one route"
                yield Violation(self.name, route.label, 1.0, "", message)


class Visits(Rule):
    """A client is served at most once, and one without a prize is served."""

    name = "visits"
    words = RuleWords("client is served more than once", "clients are served more than once")
    must_hold = True

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield clients served more than once, and mandatory ones not served."""
        visits = Counter(client for route in case.plan.routes for client in route.clients)
        for client in case.data.clients:
            times, where = visits[client.name], f"client {client.name}"
            if times > 1:
                yield Violation(self.name, where, times - 1.0, "", f"{where} is served {times} times")
            if times == 0 and client.mandatory:
                message = f"{where} must be served and is on no route"
                yield Violation(UNSERVED, where, client.demand, case.data.units.load, message)


class Prizes(Rule):
    """Not serving a client costs its prize."""

    name = "prize"
    what = "prizes"
    fields = ("clients.prize",)
    term = "missed prizes"

    def missed(self, data: RoutingData, plan: RoutingPlan) -> dict[str, float]:
        """Return the prizes of the clients that a plan leaves out, by name; empty where no client has a prize."""
        if not self.stated(data):
            return {}
        served = {name for route in plan.routes for name in route.clients}
        return {
            client.name: client.prize
            for client in data.clients
            if client.prize is not None and client.name not in served
        }
