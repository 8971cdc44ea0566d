"""Mistakes between the records of a routing problem, each as a sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, replace
from typing import Any

import numpy as np

from kanopt.arc_blocks import of_types
from kanopt.faults import WHOLE_TEXT, Fault, is_whole
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.geography import degrees_question
from kanopt.plans.law_use import DAY_REFERENCES, law_mistake, laws_without_day, references_to
from kanopt.records.reading import RecordCheck, empty_tables, idle_fields, reference_checks, shared_names
from kanopt.records.unread_columns import TableUse, fields_read, lookalikes, missing_price, table_use
from kanopt.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.routing.leg_laws import DURATION, SERVICE
from kanopt.routing.matrices import long_table_use
from kanopt.routing.model import RoutingModel
from kanopt.routing.road_network import RoadNetwork
from kanopt.routing.rules import RESERVED, RULES
from kanopt.routing.rules.rule import Given
from kanopt.text import amount_text, join_list, list_names, number_text
from kanopt.units import convert, same_dimension

# Possible mistakes in the data of a routing problem, reported before anything is solved.

_SLOW, _FAST = 0.5, 300.0
_SAMPLE = 200
"""Places from which speeds are looked at where matrices are not kept."""


def data_remarks(problem: RoutingModel) -> Iterator[str]:
    """Yield what looks like a mistake in the data: units that do not fit, depots that are closed, idle fields.

    What contradicts itself (negative or missing entries, names that come twice, windows that close before they open)
    is refused when the problem is built, and not looked for again.

    Examples
    --------
    >>> from kanopt import RoutingProblem
    >>> from kanopt.routing import Client, Depot, VehicleType
    >>> metres = np.array([[0.0, 2000.0], [2000.0, 0.0]])
    >>> problem = RoutingProblem([Depot("yard")], [Client("a")], [VehicleType("van")], {}, metres / 500, metres)
    >>> print(*data_remarks(problem))
    van: half of all legs are driven at 30,000 km/h or more; are distances in km and times in min?
    """
    asked = degrees_question(problem.data.points, problem.units.distance) if problem.distance is None else ""
    if asked and problem.network is None:  # of tables without units that is refused
        yield f"x and y {asked}; degrees belong into lat and lon"
    yield from _speed(problem)
    yield from (text for rule in RULES for text in rule.remarks(problem.data))
    records = {"clients": problem.data.clients, "vehicles": problem.data.vehicles}
    tables = [table for table in problem.units.tables() if table.name in records]
    yield from map(str, idle_fields([(table, records[table.name]) for table in tables]))


def _speed(problem: RoutingModel) -> Iterator[str]:
    """Report a speed (distance over time) that suggests another unit than the declared one."""
    units, data = problem.units, problem.data
    if not same_dimension(units.distance, "km"):
        return
    tails = np.arange(len(data.names)) if data.keeps_matrices else np.arange(min(len(data.names), _SAMPLE))
    distance = data.lengths(tails[:, None], np.arange(len(data.names))[None, :])
    times = of_types(problem.planning_values.arcs_from(tails)[0], len(problem.vehicles))
    for time, vehicle in zip(times, problem.vehicles, strict=True):
        driven = np.isfinite(time) & np.isfinite(distance) & (time > 0) & (distance > 0)
        if not driven.any():
            continue
        ratio = float(np.median(distance[driven] / time[driven]))
        speed = convert(ratio, units.distance, "km") / convert(1.0, units.time, "h")
        if not _SLOW <= speed <= _FAST:
            text = (
                f"{vehicle.name}: half of all legs are driven at {number_text(speed)} km/h or "
                f"{'more' if speed > 1 else 'less'}; are distances in {units.distance} and times in {units.time}?"
            )
            yield text
            return


def unreachable_clients(problem: RoutingModel) -> tuple[str, ...]:
    """Say which clients no vehicle can reach by road from its depot, or return from where it must return.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from kanopt import RoutingProblem
    >>> from kanopt.routing import RoadNetwork
    >>> from kanopt.routing import Client, Depot, VehicleType
    >>> roads = pd.DataFrame({"tail": ["yard", "a", "a"], "head": ["a", "yard", "b"], "length": 1.0})
    >>> network = RoadNetwork(roads, np.ones(3))
    >>> problem = RoutingProblem(
    ...     [Depot("yard")], [Client("a"), Client("b")], [VehicleType("van")], {}, network, network
    ... )
    >>> print(unreachable_clients(problem)[0])
    road network: no vehicle can drive from its depot to 'b' and back
    """
    if problem.network is None:
        return ()
    data, laws = problem.data, problem.leg_laws
    every = np.arange(len(data.depots), len(data.names))
    reached = np.zeros(len(every), dtype=bool)
    for vehicle, start, end in zip(data.vehicles, data.homes, data.ends, strict=True):
        if vehicle.num_available > 0:
            reached |= laws.roads(start, every) & (laws.roads(every, end) if vehicle.returns else True)
    missing = [client.name for client, there in zip(data.clients, reached, strict=True) if not there]
    back = " and back" if all(vehicle.returns for vehicle in data.vehicles) else ""
    return (
        (f"road network: no vehicle can drive from its depot to {list_names(missing)}{back}",)
        if missing
        else ()
    )


_LOADS = ("demand", "pickup")
_OF_STOPS = ("clock.hour", "clock.minute", "state.load")
"""What a law of service times may read of the plan."""


def routing_checks(problem: RoutingModel) -> list[RecordCheck]:
    """Look for what contradicts itself, words that name nothing, and windows and breaks that cannot be read."""
    units, places = problem.units, {"depots": problem.depots, "clients": problem.clients}
    records: dict[str, Sequence[Any]] = {**places, "vehicles": problem.vehicles}
    given = Given(problem.depots, problem.clients, problem.vehicles, problem.policy, units)
    return [
        *empty_tables(records, ("depots", "vehicles")),
        RecordCheck(shared_names(places), [*places]),
        *reference_checks(units.tables(), records),
        *(RecordCheck(rule.faults(given), [*rule.tables]) for rule in RULES),
    ]


def unstated_checks(problem: RoutingModel, filled: Mapping[str, Collection[str]]) -> list[RecordCheck]:
    """Look whether nothing costs anything, or nothing is to be carried, where tables were read and do not say so.

    Parameters
    ----------
    problem
        The problem, its records read.
    filled
        Table to the fields that its columns fill, of tables that were given as frames.
    """
    units, tables = RoutingUnits(), ("depots", "clients", "vehicles")
    priced = [(units.table(VehicleType), problem.vehicles), (units.table(Client), problem.clients)]
    is_priced = bool(problem.named_costs) or problem.policy.longest_route_cost
    unsaid = []
    limit = _idle_capacity(problem)
    if limit and not {*_LOADS} & {*filled.get("clients", _LOADS)}:
        what = (
            f"no column says how much there is to carry ({' or '.join(_LOADS)}), but {limit}; a column of zeros says "
            "that nothing is"
        )
        unsaid.append(Fault("clients", (what, *lookalikes(problem.table_uses(), _LOADS))))
    free = () if is_priced else missing_price(priced, filled, problem.table_uses, "a cost law")
    return [RecordCheck(free, tables), RecordCheck(unsaid, tables)]


def load_questions(problem: RoutingModel, filled: Mapping[str, Collection[str]]) -> Iterable[Fault]:
    """Yield that columns say that nothing is to be carried although something limits it."""
    stated = [name for name in _LOADS if name in filled.get("clients", ())]
    if stated and (limit := _idle_capacity(problem)):
        said = f"{join_list(stated)} {'is' if len(stated) == 1 else 'are'} 0 throughout"
        yield Fault("clients", f"{said}, but {limit}; is nothing to be carried?")


def _idle_capacity(problem: RoutingModel) -> str:
    """Say what limits loads, where there are none; empty where there are, or nothing limits them."""
    fleet = [each for each in problem.vehicles if each.num_available > 0 and np.isfinite(each.capacity)]
    moved = any(client.demand > 0 or client.pickup > 0 for client in problem.clients)
    if problem.policy.capacities or not problem.clients or not fleet or moved:
        return ""
    return f"{fleet[0].name!r} carries {amount_text(fleet[0].capacity, problem.units.load)} at most"


_TABLES_OF_SCOPES = {"client": {"depots", "clients"}, "vehicle": {"vehicles"}}


def law_mistakes(problem: RoutingModel, broken: AbstractSet[str]) -> list[Fault]:
    """Say which laws are none, such as a formula whose inputs are not bound, and what they cannot read.

    Parameters
    ----------
    problem
        The problem, its records read.
    broken
        The tables of which no records could be made.
    """
    units = problem.units
    points: tuple[Depot | Client, ...] = (*problem.depots, *problem.clients)
    known = {
        **units.references(),
        **_of_ends(points, units.of(Client)),
        **DAY_REFERENCES,
        **references_to("client", Client, points, units.of(Client)),
        **references_to("vehicle", VehicleType, problem.vehicles, units.of(VehicleType)),
    }
    unread = {scope for scope, tables in _TABLES_OF_SCOPES.items() if broken & tables}
    forms = "a bound formula or a matrix"
    several = isinstance(problem.cost, Mapping)
    in_all = f"{forms}, a RoadNetwork or ArrivalFunctions"
    found = law_mistake("duration", problem.duration, in_all, known, unread)
    for term, law in problem.named_costs.items():
        forms = forms if several else f"{forms}, or {{}} where only vehicles cost money"
        found += law_mistake(f"cost {term!r}" if several else "cost", law, forms, known, unread)
    if problem.policy.service is not None:
        found += _of_stops(problem.policy.service, known, unread)
    named = {f"cost {term!r}": law for term, law in problem.named_costs.items()}
    given = {"duration": problem.duration, **named, "policy: service": problem.policy.service}
    found += laws_without_day(given, problem.day)
    return [*found, *_name_mistakes(problem)]


def _of_ends(points: Iterable[Depot | Client], units: Mapping[str, str]) -> dict[str, str]:
    """Return the references to places at the ends of a leg, each with its unit: what depots and clients both have."""
    of_place = {item.name for item in fields(Depot)}
    own = {name: unit for name, unit in units.items() if name in of_place}
    known = references_to("arc", Depot, points, own)
    return {
        f"arc.{end}_{name.removeprefix('arc.')}": unit
        for end in ("from", "to")
        for name, unit in known.items()
    }


def _of_stops(law: BoundFormula, known: Mapping[str, str], unread: AbstractSet[str]) -> Iterator[Fault]:
    """Yield what a law of service times cannot read: what the problem does not know, and what belongs to a leg."""
    for fault in law_mistake("policy", law, "a bound formula", known, unread):
        yield replace(fault, field="service")
    for each in law.references:
        if str(each) in known and each.scope in ("arc", "clock") and str(each) not in _OF_STOPS:
            advice = (
                "a law of stops may read client.<…>, vehicle.<…>, day.<…>, clock.hour or clock.minute (when service "
                "begins) and state.load (on board on arrival)"
            )
            what = f"{str(each)!r} belongs to a leg, and a stop is none"
            yield Fault("policy", what, field="service", advice=advice, reference=str(each))


def _name_mistakes(problem: RoutingModel) -> Iterator[Fault]:
    """Yield the names of cost laws that are taken, or that no file can hold."""
    named = (*RESERVED, DURATION, *([SERVICE] if problem.policy.service is not None else []))
    taken = [name for name in problem.named_costs if name in named]
    if taken:
        what = f"the name {list_names(taken)} is taken by a term of the problem"
        yield Fault("cost", what, advice="choose another")
    halves = [name for name in problem.named_costs if not is_whole(str(name))]
    if halves:
        yield Fault("cost", f"the name {halves[0]!r} must be {WHOLE_TEXT}")


def table_uses(problem: RoutingModel) -> tuple[TableUse, ...]:
    """Return what is read of depots, clients, vehicles, matrices, and the links and nodes of a road network."""
    units, policy = problem.units, problem.policy
    laws = [*problem.named_costs.values(), problem.duration, policy.service]
    capacities = frozenset(policy.capacities)
    ends = fields_read("arc.from_", laws) | fields_read("arc.to_", laws)
    clients = fields_read("client", laws) | ends | capacities | ({"node"} if problem.network else frozenset())
    read = {"vehicles": fields_read("vehicle", laws) | capacities}
    given = (problem.duration, problem.distance)
    networks = {id(roads): roads for roads in given if isinstance(roads, RoadNetwork)}
    return (
        *(
            table_use(schema, getattr(problem, schema.name), read.get(schema.name, clients))
            for schema in units.tables()
        ),
        *(use for network in networks.values() for use in network.table_uses()),
        *long_table_use("distances", problem.distance, units.distance),
        *long_table_use("durations", problem.duration, units.time),
    )
