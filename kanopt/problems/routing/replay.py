"""A routing plan as it stands, for pages that price it anew when prices, loads and departures move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.binding import BoundFormula, Reference, ReferenceValue
from kanopt.formulas.formula import Formula
from kanopt.problems.law_use import unit_factor
from kanopt.problems.replay import Lever, Replay, column_of, plain_numbers
from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.entities import VehicleType
from kanopt.problems.routing.leg_laws import DURATION
from kanopt.problems.routing.service_times import SERVICE
from kanopt.problems.routing.simulate import PRICE_FIELDS, Drive
from kanopt.problems.routing.simulate.breaks import WAYS
from kanopt.problems.routing.simulate.price import LATENESS, LONGEST, MISSED, OVERTIME
from kanopt.records.declaration import declared_fields
from kanopt.records.record import field_values
from kanopt.units import convert

if TYPE_CHECKING:
    from kanopt.problems.pricing import Pricing
    from kanopt.problems.routing.plan import RoutingPlan
    from kanopt.problems.routing.problem import RoutingProblem

_LOAD, _SHIFT = "load", "departures"
_STATE = {"arc.duration": "duration", "state.load": "load", "clock.late": "late"}
_MOST_MINUTES, _STEP_MINUTES = 120.0, 5.0
_TIMES = (DURATION, SERVICE)
_RATES = {item.price: item.name for item in declared_fields(VehicleType) if item.is_price}


def replay_of(problem: RoutingProblem, plan: RoutingPlan, driven: Drive, pricing: Pricing) -> Replay | None:
    """Return what a page needs to price a plan anew; None of one that cannot be driven to its end.

    The stops stay in their order. Prices are moved by a factor. Loads are, where no law reads the demand itself.
    Departures are moved together, but of routes that have left, and the routes driven again: breaks are placed anew.
    """
    known = np.isfinite(driven.duration).all() and np.isfinite(driven.begin).all()
    if not known or not np.isfinite(driven.finish).all():
        return None
    return _Replays(problem, plan, driven, pricing).build()


class _Replays:
    """Builds the data of one plan."""

    def __init__(self, problem: RoutingProblem, plan: RoutingPlan, driven: Drive, pricing: Pricing) -> None:
        self.problem, self.plan, self.driven, self.pricing = problem, plan, driven, pricing
        self.data, self.laws = problem.data, problem.leg_laws
        self.formulas: list[Formula] = []
        self.columns: dict[str, NDArray[Any]] = {}
        self.levers: dict[str, Lever] = {}

    def build(self) -> Replay:
        """Return the plan with everything of it that can be moved."""
        uses = [self._use(name, law) for name, law in self.laws.cost.items() if isinstance(law, BoundFormula)]
        rates = self._rates()
        chain = self._chain()
        if self._can_load:
            self._add(Lever(_LOAD, "load on board", "load", high=1.5))
        if self._shift_matters:
            minutes = [convert(each, "min", self.data.units.time) for each in (_MOST_MINUTES, _STEP_MINUTES)]
            self._add(
                Lever(
                    _SHIFT,
                    "departure of all vehicles" if all(self._moves) else "departure of those still there",
                    "shift",
                    self.data.units.time,
                    low=-minutes[0],
                    high=minutes[0],
                    step=minutes[1],
                )
            )
        data = {
            "stays": self._stays,
            "places": ("leg", "legs"),
            "columns": {name: column_of(values) for name, values in self._state_columns().items()},
            "uses": uses,
            "constants": self._constants(),
            "rates": rates,
            "routes": self._routes(),
            "chain": chain,
        }
        return Replay(tuple(self.formulas), tuple(self.levers.values()), self.pricing.unit, data)

    @property
    def _stays(self) -> str:
        """What does not change, and what follows what is moved, in a clause."""
        told = ["the same vehicles", "the same stops in the same order"]
        if not all(self._moves):
            told.append("routes that have left keep the time at which they did")
        if any(self.data.breaks[kind] for kind in self._kinds):
            told.append("breaks are taken where that is then best")
        return ", ".join(told)

    def _add(self, lever: Lever) -> str:
        self.levers.setdefault(lever.key, lever)
        return lever.key

    # ---- laws

    def _use(self, name: str, law: BoundFormula) -> dict[str, Any]:
        """Return a law, and from where each of its inputs comes on a leg."""
        formula = law.formula
        if formula not in self.formulas:
            self.formulas.append(formula)
        used = [variable for variable in formula.inputs if variable.name in formula.used]
        ranges = {variable.name: formula.domain.range_of(variable.name) for variable in used}
        return {
            "term": name,
            "clocked": name in self.laws.cost and self.laws.is_moved_by_clock(name),
            "law": self.formulas.index(formula),
            "factor": unit_factor(
                formula.output.unit, self.data.units.time if name == SERVICE else self.laws.unit(name)
            ),
            "cut": True,
            "inputs": {
                variable.name: self._input(name, variable.unit, law.bindings[variable.name], variable.name)
                for variable in used
            },
            "ranges": {
                name: plain_numbers((seen.low, seen.high))
                for name, seen in ranges.items()
                if seen is not None
            },
        }

    def _input(self, law: str, unit: str, bound: Reference | float | str, name: str) -> dict[str, Any]:
        """Return from where one input of a law comes, in the law's unit."""
        if not isinstance(bound, Reference):
            known: dict[str, Any] = {"value": bound}
            if law not in _TIMES and isinstance(bound, int | float) and bound > 0:
                lever = Lever(f"{name} = {bound} {unit}", name.replace("_", " "), "price", unit, float(bound))
                known["lever"] = self._add(lever)
            return known
        what = str(bound)
        if bound.scope == "vehicle":
            return self._vehicle_input(law, unit, bound.field)
        if what in ("clock.hour", "clock.minute"):
            turn = ("h", 24.0) if bound.field == "hour" else ("min", 1440.0)
            per_day = [convert(1.0, self.data.units.time, turn[0]), turn[1]]
            return {"column": "leave", "turn": per_day, "scale": _scale(turn[0], unit)}
        if what in _STATE:
            units = self.data.units
            source = units.load if what == "state.load" else units.time
            return {"column": _STATE[what], "scale": _scale(source, unit)}
        found = self.laws.resolver(law, self.driven.inputs)(bound)
        self.columns[f"{what} ({unit})"] = np.broadcast_to(found.to(unit), self.driven.head.shape)
        return {"column": f"{what} ({unit})"}

    def _vehicle_input(self, law: str, unit: str, field: str) -> dict[str, Any]:
        units = self.data.units.of(VehicleType)
        found = field_values(self.data.vehicles, field, units=units, where=f"law {law!r}: vehicles")
        values = found.to(unit)
        known: dict[str, Any] = {"kinds": column_of(values)}
        if values.dtype != object and law not in _TIMES and self._is_price(field) and (values > 0).any():
            known["lever"] = self._price_lever(field, found)
        return known

    def _is_price(self, field: str) -> bool:
        """Say whether a field of the vehicles moves the price and nothing else."""
        if field in PRICE_FIELDS - {"shift_duration"}:
            return not self._times_read("vehicle", field)
        own = set(type(self.data.vehicles[0]).__dataclass_fields__) | set(self.data.policy.capacities)
        return field not in own and not self._times_read("vehicle", field)

    def _times_read(self, scope: str, field: str) -> bool:
        service = self.data.policy.service
        timed = [law for law in (self.laws.duration, service) if isinstance(law, BoundFormula)]
        return any(str(each) == f"{scope}.{field}" for law in timed for each in law.references)

    def _price_lever(self, field: str, found: ReferenceValue) -> str:
        values = np.unique(np.asarray(found.values, dtype=float))
        base = float(values[0]) if len(values) == 1 else None
        return self._add(Lever(f"vehicle.{field}", field.replace("_", " "), "price", found.unit, base))

    # ---- what is not priced by a law

    def _constants(self) -> dict[str, float]:
        """Return the terms that nothing moves."""
        terms = self.pricing.terms()
        matrices = [name for name, law in self.laws.cost.items() if not isinstance(law, BoundFormula)]
        return {name: float(terms[name]) for name in (*matrices, MISSED) if name in terms.index}

    def _rates(self) -> list[dict[str, Any]]:
        """Return the terms that are a rate times what is driven: of routes, or of legs."""
        found, kinds = [], self._kinds
        for term, field in _RATES.items():
            rates = self.data.of_vehicles(field)
            if term == OVERTIME:
                rates = np.where(np.isfinite(self.data.of_vehicles("shift_duration")), rates, 0.0)
            if rates.any():
                each = np.unique(rates)
                base = float(each[0]) if len(each) == 1 else None
                lever = Lever(
                    f"vehicle.{field}",
                    field.replace("_", " "),
                    "price",
                    self.data.units.of(VehicleType)[field],
                    base,
                )
                found.append({"term": term, "rates": plain_numbers(rates[kinds]), "lever": self._add(lever)})
        if self.data.lateness_rate.any():
            rates = self.data.lateness_rate[self.driven.head]
            lever = Lever("client.unit_lateness_cost", "cost per lateness", "price")
            found.append({"term": LATENESS, "rates": plain_numbers(rates), "lever": self._add(lever)})
        if rate := self.data.policy.longest_route_cost:
            lever = Lever("policy.longest_route_cost", "cost of the longest route", "price", "", float(rate))
            found.append({"term": LONGEST, "rates": [float(rate)], "lever": self._add(lever)})
        return found

    # ---- how it is driven

    @property
    def _kinds(self) -> NDArray[np.intp]:
        return np.array([self.data.type_index[route.vehicle] for route in self.plan.routes], dtype=np.intp)

    @property
    def _can_load(self) -> bool:
        """Whether something reads the load, and no law reads demands, which would move with it."""
        read = any(self.laws.reads(name, "state.load") for name in (*self.laws.cost, DURATION))
        read = read or self.data.service_times.reads("state.load")
        laws = (*self.laws.formulas().values(), self.data.policy.service)
        references = {str(each) for law in laws if law is not None for each in law.references}
        own = references & {"client.demand", "client.pickup"}
        return bool(read and self.driven.load.any()) and not own

    @property
    def _shift_matters(self) -> bool:
        moved = any(self.laws.is_moved_by_clock(name) for name in self.laws.cost)
        opens = np.isfinite(self.data.opens[:, self.driven.head]).any()
        timed = self.laws.reads(DURATION, "clock") or self.data.service_times.reads("clock")
        return any(self._moves) and (moved or timed or bool(opens) or bool(self.data.lateness_rate.any()))

    @cached_property
    def _moves(self) -> list[bool]:
        """Which routes can leave at another time: those of which it is not known when they have left."""
        known = [self.data.started_of.get((route.vehicle, route.index)) for route in self.plan.routes]
        return [one is None or one.route.departure is None for one in known]

    def _chain(self) -> dict[str, Any]:
        """Return what it takes to drive the routes again."""
        data, head, law = self.data, self.driven.head, self.laws.duration
        timed = isinstance(law, BoundFormula) and self.laws.reads(DURATION, "state", "clock")
        return {
            "duration": self._use(DURATION, law) if isinstance(law, BoundFormula) and timed else None,
            "arrivals": self._arrivals(law) if isinstance(law, ArrivalFunctions) else None,
            "service": self._service(),
            "stay": plain_numbers(self.driven.stay),
            "ready": _filled(self.driven.ready),
            "opens": [_filled(opens) for opens in data.opens[:, head]],
            "closes": [_filled(closes) for closes in data.closes[:, head]],
            "soft": np.flatnonzero(data.has_soft_window[head]).tolist(),
            **self._breaks(),
        }

    def _arrivals(self, law: ArrivalFunctions) -> dict[str, Any]:
        """Return the arrival functions of the legs, each once."""
        arcs = np.stack([self.driven.tail, self.driven.head], axis=1)
        each, of = np.unique(arcs, axis=0, return_inverse=True)
        points = [law.points(*arc) for arc in each]
        functions = [
            {"leave": plain_numbers(leave), "arrive": plain_numbers(arrive), "noise": law.noise}
            for leave, arrive in points
        ]
        return {"of": of.reshape(-1).tolist(), "functions": functions}

    def _service(self) -> dict[str, Any] | None:
        """Return the law of service times where only a plan fixes them, and on which legs it counts."""
        times, data = self.data.service_times, self.data
        if not times.plan_inputs or times.law is None:
            return None
        at = self.driven.head >= len(data.depots)
        resolve = times.resolver(self.driven.stops(np.flatnonzero(at)))
        use = self._use(SERVICE, times.law)
        for name, source in use["inputs"].items():
            bound = times.law.bindings[name]
            if source.get("column") == "leave":
                source["column"] = "begin"
            elif isinstance(bound, Reference) and bound.scope == "client":
                column = f"{SERVICE} {bound} ({name})"
                unit = next(each.unit for each in times.law.formula.inputs if each.name == name)
                values = resolve(bound).to(unit)
                self.columns[column] = _spread(values, at)
                use["inputs"][name] = {"column": column}
        return {**use, "at": at.tolist()}

    def _breaks(self) -> dict[str, Any]:
        """Return the breaks of each vehicle type, and how many ways of taking them are followed; none without any."""
        data, law = self.data, self.laws.duration
        if not any(data.breaks[kind] for kind in self._kinds):
            return {"breaks": None}
        timed = isinstance(law, BoundFormula) and self.laws.reads(DURATION, "clock")
        by_clock = timed or any(self.laws.is_moved_by_clock(name) for name in self.laws.cost)
        breaks = [[plain_numbers(astuple(each)) for each in kind] for kind in data.breaks]
        ways = WAYS if by_clock or data.lateness_rate.any() else 1
        return {"breaks": breaks, "ways": ways, "byClock": by_clock}

    def _state_columns(self) -> Mapping[str, NDArray[Any]]:
        driven = self.driven
        state = {"load": driven.load, "leave": driven.leave, "duration": driven.duration, "late": driven.late}
        if self.data.service_times.plan_inputs:
            state["begin"] = driven.begin
        return {**state, **self.columns}

    def _routes(self) -> dict[str, Any]:
        driven, kinds = self.driven, self._kinds
        starts = np.searchsorted(driven.route, np.arange(len(kinds) + 1))
        lengths = self.data.lengths(driven.tail, driven.head)
        shift_end, longest = (self.data.of_vehicles(name)[kinds] for name in ("shift_end", "max_duration"))
        return {
            "labels": [route.label for route in self.plan.routes],
            "moves": self._moves,
            "kind": kinds.tolist(),
            "first": starts.tolist(),
            "departure": plain_numbers(driven.departure),
            "finish": plain_numbers(driven.finish),
            "length": plain_numbers(np.bincount(driven.route, weights=lengths, minlength=len(kinds))),
            "regular": plain_numbers(self.data.of_vehicles("shift_duration")[kinds]),
            "earliest": plain_numbers(self.data.leaves_from(route) for route in self.plan.routes),
            "shiftEnd": plain_numbers(shift_end),
            "longest": plain_numbers(longest),
            "capacity": plain_numbers(self.data.capacities[0][kinds]),
        }


def _spread(values: NDArray[Any], at: NDArray[np.bool_]) -> NDArray[Any]:
    """Return values of some legs as a column of all; the others have the first of them, or none has any."""
    found = np.full(len(at), values[0] if len(values) else 0.0, dtype=values.dtype)
    found[at] = values
    return found


def _filled(values: NDArray[Any]) -> list[Any] | None:
    """Return a column; None of one that is nowhere finite, which says nothing."""
    return plain_numbers(values) if np.isfinite(values).any() else None


def _scale(source: str, target: str) -> list[float]:
    """Return factor and offset from one unit to another."""
    offset, one = (float(value) for value in ReferenceValue(np.array([0.0, 1.0]), source).to(target))
    return [one - offset, offset]
