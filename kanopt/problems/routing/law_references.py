"""What the laws of a routing problem may be bound to, and what they and its rules read of its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from kanopt.faults import Fault
from kanopt.formulas.binding import BoundFormula
from kanopt.problems.given_law import law_mistake, references_to
from kanopt.problems.plan_day import DAY_REFERENCES, laws_without_day
from kanopt.problems.road_network import RoadNetwork
from kanopt.problems.routing.entities import Client, Depot, VehicleType
from kanopt.problems.routing.leg_laws import DURATION
from kanopt.problems.routing.matrices import long_table_use
from kanopt.problems.routing.rules import RESERVED
from kanopt.problems.routing.service_times import SERVICE, STOP_REFERENCES
from kanopt.records.unread_columns import TableUse, fields_read, table_use
from kanopt.text import list_names
from kanopt.validation import WHOLE_TEXT, is_whole

if TYPE_CHECKING:
    from kanopt.problems.routing.problem import RoutingProblem

_TABLES_OF_SCOPES = {"client": {"depots", "clients"}, "vehicle": {"vehicles"}}


def law_mistakes(problem: RoutingProblem, broken: AbstractSet[str]) -> list[Fault]:
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
        if str(each) in known and each.scope in ("arc", "clock") and str(each) not in STOP_REFERENCES:
            advice = (
                "a law of stops may read client.<…>, vehicle.<…>, day.<…>, clock.hour or clock.minute (when service "
                "begins) and state.load (on board on arrival)"
            )
            what = f"{str(each)!r} belongs to a leg, and a stop is none"
            yield Fault("policy", what, field="service", advice=advice, reference=str(each))


def _name_mistakes(problem: RoutingProblem) -> Iterator[Fault]:
    """Yield the names of cost laws that are taken, or that no file can hold."""
    named = (*RESERVED, DURATION, *([SERVICE] if problem.policy.service is not None else []))
    taken = [name for name in problem.named_costs if name in named]
    if taken:
        what = f"the name {list_names(taken)} is taken by a term of the problem"
        yield Fault("cost", what, advice="choose another")
    halves = [name for name in problem.named_costs if not is_whole(str(name))]
    if halves:
        yield Fault("cost", f"the name {halves[0]!r} must be {WHOLE_TEXT}")


def table_uses(problem: RoutingProblem) -> tuple[TableUse, ...]:
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
