"""Random routing problems priced by random formulas, and random plans that fit them as solvers see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import kanopt as ko
from kanopt import refs, routing
from kanopt.formulas import Formula, Variable
from kanopt.solvers.routing.integers import RoutingIntegers, lower

if TYPE_CHECKING:
    from _random_formulas import RandomLaw

__all__ = ["random_plan", "random_routing"]

_CLIENTS, _SHIFT = 8, (420.0, 1020.0)


def random_routing(rng: np.random.Generator, law: RandomLaw) -> RoutingIntegers:
    """Return a problem in whole numbers; a leg costs what a formula says of its length, its client and its vehicle."""
    names = sorted(law.formula.used - {"kind"})
    ranges = {variable.name: (variable.low, variable.high) for variable in law.formula.inputs}
    by_distance = next((name for name in names if ranges[name][0] >= 0.0), None)
    others = [name for name in names if name != by_distance]
    of_client = [name for place, name in enumerate(others) if place % 2 == 0]
    of_vehicle = [name for place, name in enumerate(others) if place % 2 == 1]
    size = _CLIENTS + 1
    distance = rng.uniform(*(ranges[by_distance] if by_distance else (1.0, 30.0)), (size, size))
    bound: dict[str, Any] = {name: getattr(refs.client, f"has_{name}") for name in of_client}
    bound |= {name: getattr(refs.vehicle, f"has_{name}") for name in of_vehicle}
    if by_distance:
        bound[by_distance] = refs.arc.distance
    if "kind" in law.formula.used:
        bound["kind"] = refs.vehicle.kind
    read = tuple(variable for variable in law.formula.inputs if variable.name in bound)
    cost = Formula(law.formula.root, read, Variable("cost", "EUR")).bind(**bound)
    minutes = ko.parse_formula(
        f"{float(rng.uniform(10.0, 60.0) / distance.mean())!r} * km ^ {float(rng.uniform(0.6, 1.0))!r}",
        [Variable("km", "km")],
        Variable("minutes", "min"),
    ).bind(km=refs.arc.distance)
    people = [_client(rng, place, {name: ranges[name] for name in of_client}) for place in range(_CLIENTS)]
    fleet = [_vehicle(rng, kind, law, {name: ranges[name] for name in of_vehicle}) for kind in range(2)]
    depot = routing.Depot("depot", attributes=_drawn(rng, {name: ranges[name] for name in of_client}))
    return lower(ko.RoutingProblem([depot], people, fleet, {"driving": cost}, minutes, distance))


def random_plan(rng: np.random.Generator, integers: RoutingIntegers) -> list[list[int]]:
    """Return routes of clients in a random order, as far as they fit."""
    nodes = rng.permutation(np.arange(integers.depots, integers.size)).tolist()
    cuts = np.sort(rng.integers(0, len(nodes) + 1, len(integers.fleet) - 1))
    seen: set[int] = set()
    return [
        integers.trimmed(kind, part.tolist(), seen, place)
        for place, ((kind, _), part) in enumerate(
            zip(integers.fleet, np.split(np.array(nodes, dtype=int), cuts), strict=True)
        )
    ]


def _drawn(rng: np.random.Generator, ranges: dict[str, tuple[float, float]]) -> dict[str, float]:
    return {f"has_{name}": float(rng.uniform(low, high)) for name, (low, high) in ranges.items()}


def _client(rng: np.random.Generator, place: int, ranges: dict[str, tuple[float, float]]) -> routing.Client:
    opens, has_window = rng.uniform(*_SHIFT), rng.random() < 0.4
    return routing.Client(
        f"c{place}",
        demand=float(rng.uniform(0.0, 2.0)),
        service_duration=float(rng.uniform(0.0, 20.0)),
        earliest=float(opens) if has_window else 0.0,
        latest=float(opens + rng.uniform(30.0, 200.0)) if has_window else float("inf"),
        prize=float(rng.uniform(0.0, 50.0)) if rng.random() < 0.3 else None,
        attributes=_drawn(rng, ranges),
    )


def _vehicle(
    rng: np.random.Generator, kind: int, law: RandomLaw, ranges: dict[str, tuple[float, float]]
) -> routing.VehicleType:
    overtime = rng.random() < 0.3
    return routing.VehicleType(
        f"type {kind}",
        2,
        capacity=float(rng.uniform(2.0, 8.0)),
        fixed_cost=float(rng.uniform(0.0, 100.0)),
        unit_duration_cost=float(rng.uniform(0.0, 1.0)) if rng.random() < 0.7 else 0.0,
        shift_start=_SHIFT[0],
        shift_end=_SHIFT[1],
        returns=bool(rng.random() < 0.8),
        shift_duration=float(rng.uniform(60.0, 300.0)) if overtime else float("inf"),
        unit_overtime_cost=float(rng.uniform(0.1, 1.0)) if overtime else 0.0,
        attributes={**_drawn(rng, ranges), "kind": law.fixed["kind"]},
    )
