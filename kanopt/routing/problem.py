"""The routing problem: a fleet, clients, and laws of what a leg costs and how long it takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kanopt.arc_blocks import of_types
from kanopt.errors import ProblemError, knows_arguments
from kanopt.faults import WHOLE_TEXT, Fault, is_whole
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.findings import FrozenInput, Reason
from kanopt.plans.geography import at_one_point, degrees_question, place_checks
from kanopt.plans.law_use import DAY_REFERENCES, law_mistake, laws_without_day, read_day, references_to
from kanopt.records.fields import moment
from kanopt.records.reading import (
    RecordCheck,
    RecordReader,
    empty_tables,
    idle_fields,
    reference_checks,
    shared_names,
)
from kanopt.records.unread_columns import TableUse, fields_read, lookalikes, missing_price, table_use
from kanopt.routing.arrays import RoutingPolicy
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.routing.leg_laws import DURATION, SERVICE
from kanopt.routing.matrices import long_table_use
from kanopt.routing.model import RoutingModel
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.reasons import infeasibility_reasons
from kanopt.routing.road_network import RoadNetwork
from kanopt.routing.rules import RESERVED, RULES
from kanopt.routing.rules.release import RELEASE
from kanopt.routing.rules.rule import Given
from kanopt.routing.rules.started import read_started, routes_at
from kanopt.text import amount_text, count_text, join_list, list_names, number_text
from kanopt.units import convert, same_dimension

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula


# Possible mistakes in the data of a routing problem, reported before anything is solved.

_SLOW, _FAST = 0.5, 300.0
_SAMPLE = 200
"""Places from which speeds are looked at where matrices are not kept."""


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


_LOADS = ("demand", "pickup")
_OF_STOPS = ("clock.hour", "clock.minute", "state.load")
"""What a law of service times may read of the plan."""


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


@knows_arguments
@dataclass(frozen=True, eq=False, repr=False)
class RoutingProblem(RoutingModel):
    """Which vehicle serves which clients, in which order, at the least cost.

    Parameters
    ----------
    depots, clients, vehicles
        :class:`Depot`, :class:`Client` and :class:`VehicleType` objects, or frames with their fields as columns;
        further columns become attributes that a law may read.
    cost
        Price of a leg: a formula bound to what a leg knows, or a matrix, or several of them by the name of the
        term. An empty mapping where only vehicles cost money.
    duration
        Travel time of a leg: a bound formula, a matrix, a :class:`~kanopt.plans.RoadNetwork`, or
        :class:`~kanopt.plans.ArrivalFunctions` of the clock.
    distance
        None for straight lines between x and y or great circles between latitudes and longitudes (or lengths of the
        fastest paths, where `duration` is a road network), a matrix, or a road network. Where a network is given, a
        point lies at the node of its attribute ``node``, else of its own name.
    units
        What distances, times, loads and prices are counted in.
    policy
        Rules of the whole plan: a law of service times, further capacities, goods kept apart, backhauls, even
        work, and clients pinned to vehicles.
    started
        Routes that are under way, whatever :meth:`plan_from` reads. A vehicle keeps its route's depot, its departure
        where one is stated, and its first ``locked`` stops. What is on board for the trip it is on stays there and no
        more is loaded before it comes back to its depot; what is picked up, or brought from a client to another, may
        be added. See :meth:`with_routes_under_way`.
    detour
        Factor on distances that follow from coordinates: how much longer ways are than as the crow flies. None for 1.3,
        about that of roads, on great circles, and for 1 on straight lines; see :mod:`kanopt.plans.geography`.
    day
        The day of the plan, a date or ``"2026-03-02"``, which laws read as ``day.weekday``, ``day.month`` and the like.
        It is the day on which shifts begin, and from whose midnight clock times count that are dates with a time of
        day. None where neither is read.

    Raises
    ------
    ProblemError
        If data contradict themselves; every mistake of a kind is named at once.

    Notes
    -----
    Some solvers see load and clock at values that they choose: for cost laws half the capacity and the middle of the
    shift, for travel and service times the load and the full hour of the shift with the highest median. That is the
    careful side, not a proof: a leg may be slower at another hour, and then a plan may break a rule on it, which
    :meth:`check` and the status of a result say. Arrival functions are planned at each arc's average over the shift.

    A formula may read ``arc.distance``, ``arc.duration``, the place at either end of the leg as ``arc.from_lat`` or
    ``arc.to_zone`` (its name, coordinates and attributes), ``vehicle.<field or attribute>``, ``client.<field or
    attribute>`` (of the leg's head), ``day.weekday`` and the like, ``state.load`` (on board during the leg: all that is
    still to be delivered, and what was picked up), ``clock.hour`` or ``clock.minute`` (at the start of the leg) and
    ``clock.late`` (by how much service at the leg's head begins after its last window, where it may). A matrix has one
    row and column per depot and
    client, depots first; infinity means that there is no road. It may also be a frame: square with names, or long with
    the columns ``from``, ``to`` and a value. A law's value below zero counts as zero, for solver and re-pricing
    alike; a plan that uses a travel time below zero is refused by :func:`~kanopt.solve`. A law of service times is
    one of the stop: see :class:`RoutingPolicy`.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.routing import Client, Depot, VehicleType
    >>> minutes = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 12.0], [20.0, 12.0, 0.0]])
    >>> problem = RoutingProblem(
    ...     depots=[Depot("depot")],
    ...     clients=[Client("a", demand=0.4), Client("b", demand=0.5)],
    ...     vehicles=[VehicleType("van", num_available=2, capacity=1.0, fixed_cost=5.0)],
    ...     cost={"fuel": minutes * 0.1},
    ...     duration=minutes,
    ...     distance=minutes,
    ... )
    >>> problem.price(problem.plan_from([["a", "b"]])).terms().to_dict()
    {'fixed': 5.0, 'fuel': 4.2}
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "day", read_day(self.day))
        reader = RecordReader(read_day(self.day))
        for table in self.units.tables():
            object.__setattr__(self, table.name, reader.read(getattr(self, table.name), table))
        if not isinstance(self.policy, RoutingPolicy):
            raise ProblemError(f"policy: give a RoutingPolicy, not a {type(self.policy).__name__}")
        reader.faults += law_mistakes(self, reader.broken)
        measured = self._is_measured
        points = {"depots": self.depots, "clients": self.clients}
        records: dict[str, Sequence[Any]] = {**points, "vehicles": self.vehicles}
        given = Given(self.depots, self.clients, self.vehicles, self.policy, self.units)
        reader.finish(
            [
                *empty_tables(records, ("depots", "vehicles")),
                RecordCheck(shared_names(points), [*points]),
                *reference_checks(self.units.tables(), records),
                *(RecordCheck(rule.faults(given), [*rule.tables]) for rule in RULES),
                *place_checks(self, points, reader, measured=measured, needed=True),
                *unstated_checks(self, reader.filled),
            ]
        )
        object.__setattr__(self, "started", read_started(self.started, self._data_without_routes))
        # evaluates every law once on every arc, so that what a law cannot price is refused here
        _ = self.planning_values.row_peaks, self.data.demands, self.data.capacities
        self.leg_laws.check_service()
        reader.questions += at_one_point(points) if measured else ()
        reader.questions += load_questions(self, reader.filled)
        self._tell_of_reading(questions=reader.questions, from_frames=bool(reader.filled))

    def __repr__(self) -> str:
        vehicles = sum(each.num_available for each in self.vehicles)
        counted = [(len(self.clients), "client"), (len(self.depots), "depot"), (vehicles, "vehicle")]
        return f"RoutingProblem({', '.join(count_text(number, word) for number, word in counted)})"

    def laws(self) -> Mapping[str, Formula]:
        """Return the formulas by cost term, and ``"duration"``."""
        found = {name: law.formula for name, law in self.leg_laws.formulas().items()}
        if self.network is not None and isinstance(self.network.law, BoundFormula):
            found.setdefault(DURATION, self.network.law.formula)
        if self.policy.service is not None:
            found[SERVICE] = self.policy.service.formula
        return found

    def with_routes_under_way(self, plan: Any, now: Any) -> RoutingProblem:
        """Return the same problem as it stands at a time of the day while a plan is driven.

        Vehicles that have left by then are under way: stops at which service has begun, and the one driven to, stay,
        and the departure is that of the plan as it is driven. No other trip begins before that time.

        Parameters
        ----------
        plan
            Whatever :meth:`plan_from` reads.
        now
            Clock time: a number in the problem's unit of time, or a text such as ``"10:30"``.

        Raises
        ------
        ProblemError
            If `now` is no clock time, or the plan names what the problem does not know.

        Examples
        --------
        >>> import numpy as np
        >>> from kanopt.routing import Client, Depot, VehicleType
        >>> km = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 12.0], [20.0, 12.0, 0.0]])
        >>> given = RoutingProblem([Depot("depot")], [Client("a"), Client("b")], [VehicleType("van")], km, km, km)
        >>> given.with_routes_under_way({"van": ["a", "b"]}, "0:15").started
        (Route(vehicle='van', index=1, depot='depot', clients=('a', 'b'), departure=0.0, locked=2),)
        """
        try:
            moment_now = moment(str(now), self.units.time)
        except ValueError:
            time = self.units.time
            raise ProblemError(
                f"now = {now!r} is no clock time; write a number in {time!r} or a text such as '8:30'"
            ) from None
        read = self.plan_from(plan)
        routes = routes_at(self.data, read, self.drive(read.routes), moment_now)
        return replace(self, started=routes, policy=replace(self.policy, not_before=moment_now))

    def frozen_inputs(self) -> tuple[FrozenInput, ...]:
        """Return the loads and clock times that a solver sees at planning values."""
        return tuple(self.planning_values.frozen())

    def table_uses(self) -> tuple[TableUse, ...]:
        """Return what is read of depots, clients, vehicles, matrices, and the links and nodes of a road network."""
        units, policy = self.units, self.policy
        laws = [*self.named_costs.values(), self.duration, policy.service]
        capacities = frozenset(policy.capacities)
        ends = fields_read("arc.from_", laws) | fields_read("arc.to_", laws)
        clients = (
            fields_read("client", laws) | ends | capacities | ({"node"} if self.network else frozenset())
        )
        read = {"vehicles": fields_read("vehicle", laws) | capacities}
        given = (self.duration, self.distance)
        networks = {id(roads): roads for roads in given if isinstance(roads, RoadNetwork)}
        return (
            *(
                table_use(schema, getattr(self, schema.name), read.get(schema.name, clients))
                for schema in units.tables()
            ),
            *(use for network in networks.values() for use in network.table_uses()),
            *long_table_use("distances", self.distance, units.distance),
            *long_table_use("durations", self.duration, units.time),
        )

    def assumptions(self) -> tuple[str, ...]:
        """Tell how distances follow from coordinates, where that is not by straight lines, and of idle promises."""
        from kanopt.plans.uncertainty import Uncertainty
        from kanopt.routing.days import routing_time_laws

        notes = [note] if self._is_measured and (note := self.positions.note()) else []
        promised = [client.name for client in self.clients if client.on_time is not None]
        if promised and all(law.model is None for law in routing_time_laws(self, Uncertainty())):
            notes.append(
                f"clients {list_names(promised)}: on_time is a promise that is planned for where a law of times knows "
                "its errors, and none does"
            )
        return tuple(notes)

    def data_remarks(self) -> tuple[str, ...]:
        """Return what looks like a mistake in the data: units that do not fit, depots that are closed, idle fields.

        What contradicts itself (negative or missing entries, names that come twice, windows that close before they
        open) is refused when the problem is built, and not looked for again.

        Examples
        --------
        >>> import numpy as np
        >>> from kanopt.routing import Client, Depot, VehicleType
        >>> metres = np.array([[0.0, 2000.0], [2000.0, 0.0]])
        >>> problem = RoutingProblem([Depot("yard")], [Client("a")], [VehicleType("van")], {}, metres / 500, metres)
        >>> print(*problem.data_remarks())
        van: half of all legs are driven at 30,000 km/h or more; are distances in km and times in min?
        """
        asked = degrees_question(self.data.points, self.units.distance) if self.distance is None else ""
        degrees = asked and self.network is None  # of tables without units that is refused
        records = {"clients": self.data.clients, "vehicles": self.data.vehicles}
        tables = [(table, records[table.name]) for table in self.units.tables() if table.name in records]
        return (
            *([f"x and y {asked}; degrees belong into lat and lon"] if degrees else []),
            *_speed(self),
            *(text for rule in RULES for text in rule.remarks(self.data)),
            *map(str, idle_fields(tables)),
        )

    def unreachable(self) -> tuple[str, ...]:
        """Tell of clients that no road joins with a depot, there and back, or whose goods come after their windows.

        Examples
        --------
        >>> import numpy as np
        >>> from kanopt.routing import Client, Depot, RoadNetwork, VehicleType
        >>> roads = pd.DataFrame({"tail": ["yard", "a", "a"], "head": ["a", "yard", "b"], "length": 1.0})
        >>> network = RoadNetwork(roads, np.ones(3))
        >>> problem = RoutingProblem(
        ...     [Depot("yard")], [Client("a"), Client("b")], [VehicleType("van")], {}, network, network
        ... )
        >>> print(problem.unreachable()[0])
        road network: no vehicle can drive from its depot to 'b' and back
        """
        data, laws = self.data, self.leg_laws
        every = np.arange(len(data.depots), len(data.names))
        # without a network matrices say by themselves where no road leads
        reached = np.full(len(every), self.network is None)
        for vehicle, start, end in zip(data.vehicles, data.homes, data.ends, strict=True):
            if vehicle.num_available > 0 and self.network is not None:
                reached |= laws.roads(start, every) & (laws.roads(every, end) if vehicle.returns else True)
        missing = [client.name for client, there in zip(data.clients, reached, strict=True) if not there]
        back = " and back" if all(vehicle.returns for vehicle in data.vehicles) else ""
        told = [f"road network: no vehicle can drive from its depot to {list_names(missing)}{back}"]
        return (*(told if missing else []), *RELEASE.too_late(data))

    def timetable(self, plan: Any) -> pd.DataFrame:
        """Return when every stop is reached and served on the law, how late, and what is on board.

        Parameters
        ----------
        plan
            Whatever :meth:`plan_from` reads.

        Returns
        -------
        DataFrame
            One row per leg: ``vehicle``, ``stop``, ``place``, ``leave`` (of the place before), ``arrive``, ``begin``
            and ``end`` (of the service), ``late``, ``breaks`` (how long the driver has breaks and rests on the way),
            ``load`` and ``distance`` (of the way).
        """
        return self.assess(self.plan_from(plan)).timetable()

    def assess(self, plan: RoutingPlan) -> RoutingAssessment:
        """Return what becomes of a plan at the true load and clock: every rule, and the price leg by leg.

        A vehicle that comes before a window opens waits; ``"unserved"`` is a mandatory client on no route. Terms of the
        price are the cost laws by name, ``"fixed"``, ``"distance"``, ``"time"``, ``"overtime"``, ``"lateness"``,
        ``"longest route"`` and ``"missed prizes"``; the group is the vehicle (``"van 1"``) and the item the leg
        (``"depot → c03"``).
        """
        return self._cached_assessment(
            plan, lambda problem, given: RoutingAssessment(problem, given.with_names(self.data.vehicles))
        )

    def infeasibility_reasons(self) -> tuple[Reason, ...]:
        """Say which clients no vehicle can serve, and where the whole fleet is too small."""
        return infeasibility_reasons(self.leg_laws, self.planning_values)

    def carried_over(self, plan: Any) -> RoutingPlan:
        """Return a plan made for other data as it is driven here: in its order, leaving when that is best."""
        return self.plan_from(plan).reopened()
