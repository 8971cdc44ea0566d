"""Plans of every kind whose names are those of an attack."""

from __future__ import annotations

import numpy as np
import pytest

from kanopt import Result, RoutingProblem, SchedulingProblem
from kanopt.plans.result import evaluate
from kanopt.routing import Client, Depot, VehicleType
from kanopt.scheduling import Job, Machine, Mode, Task
from tests.cases.supply import small

NAMES = ["=1+1", "<b>x</b>", "a|b_*c*", "@home [x](y)", "-2 &amp; \u2028</script>", "left 'out'\"`"]
PLACES = [(52.52, 13.4), (52.4, 13.1), (52.6, 13.2), (52.5, 13.9), (52.3, 13.3), (52.45, 13.5)]


def city(places: list[tuple[float, float]] | None = None, *, degrees: bool = True) -> RoutingProblem:
    """Return six clients with windows and goods, in degrees or on a plane."""
    spots = places or PLACES
    return RoutingProblem(
        depots=[Depot("hub", lat=52.5, lon=13.35) if degrees else Depot("hub", 0.0, 0.0)],
        clients=[
            Client(
                name,
                demand=0.2,
                service_duration=6.0,
                earliest=480.0,
                latest=1020.0,
                goods="milk" if name == NAMES[0] else "",
                **({"lat": lat, "lon": lon} if degrees else {"x": lat, "y": lon}),
            )
            for name, (lat, lon) in zip(NAMES, spots, strict=True)
        ],
        vehicles=[
            VehicleType(
                "van",
                num_available=2,
                capacity=1.5,
                fixed_cost=40.0,
                unit_distance_cost=0.5,
                shift_start=360.0,
            )
        ],
        cost={},
        duration=np.full((7, 7), 20.0),
    )


@pytest.fixture(scope="session")
def routed() -> Result:
    """Return two routes that leave one client out."""
    return evaluate(city(), [NAMES[:3], NAMES[3:5]])


@pytest.fixture(scope="session")
def scheduled() -> Result:
    """Return three tasks on two machines."""
    problem = SchedulingProblem(
        [Job("j1", due_date=30.0, tardiness_cost=2.0), Job("=j2")],
        [Task("cut", "j1"), Task("glue", "j1"), Task("saw", "=j2")],
        [Machine("m1"), Machine("m2")],
        [
            Mode("cut", "m1", duration=20.0),
            Mode("glue", "m2", duration=15.0),
            Mode("saw", "m1", duration=5.0),
        ],
        makespan_cost=1.0,
    )
    rows = [
        {"task": "cut", "machine": "m1", "mode": "", "start": 0.0},
        {"task": "glue", "machine": "m2", "mode": "", "start": 20.0},
        {"task": "saw", "machine": "m1", "mode": "", "start": 20.0},
    ]
    return evaluate(problem, rows)


@pytest.fixture(scope="session")
def supplied() -> Result:
    """Return flows through one of two sites, without coordinates."""
    problem = small()
    flows = [
        {"tail": "mill", "head": "north", "product": "flour", "period": "1", "quantity": 10.0},
        {"tail": "north", "head": "Lyon", "product": "flour", "period": "1", "quantity": 10.0},
    ]
    return evaluate(problem, flows)
