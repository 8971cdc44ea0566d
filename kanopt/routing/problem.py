"""The routing problem: a fleet, clients, and laws of what a leg costs and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from kanopt.errors import ProblemError, knows_arguments
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.findings import FrozenInput, Reason
from kanopt.plans.geography import at_one_point, place_checks
from kanopt.plans.law_use import read_day
from kanopt.records.fields import moment
from kanopt.records.reading import RecordReader
from kanopt.records.unread_columns import TableUse
from kanopt.routing.arrays import RoutingPolicy
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.leg_laws import DURATION, SERVICE
from kanopt.routing.model import RoutingModel
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.reasons import infeasibility_reasons
from kanopt.routing.rules.release import RELEASE
from kanopt.routing.rules.started import read_started, routes_at
from kanopt.routing.validation import (
    data_remarks,
    law_mistakes,
    load_questions,
    routing_checks,
    table_uses,
    unreachable_clients,
    unstated_checks,
)
from kanopt.text import count_text, list_names

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula


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
        reader.finish(
            [
                *routing_checks(self),
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
        """Return what is read of depots, clients, vehicles, and the links and nodes of a road network."""
        return table_uses(self)

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
        """Tell of units that do not fit, shifts too short, and fields that change nothing."""
        return tuple(data_remarks(self))

    def unreachable(self) -> tuple[str, ...]:
        """Tell of clients that no road joins with a depot, there and back, or whose goods come after their windows."""
        return (*unreachable_clients(self), *(text for _, text in RELEASE.too_late(self.data)))

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
