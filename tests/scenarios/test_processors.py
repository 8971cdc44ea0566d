"""The same seed gives the same law and the same plan on processors that add and take exponentials in other ways."""

from __future__ import annotations

import numpy as np
import pytest

import kanopt as ko
from kanopt import refs, routing
from tests.cases.processors import PROCESSORS, run_as


def told() -> str:
    """Return the file of a law with a curve that is learned from noisy rows, and routes on it with their price."""
    city, rng = ko.load_example("city"), np.random.default_rng(3)
    trips = city.trips
    noise = np.exp(0.08 * rng.standard_normal(len(trips)))
    trips = trips.assign(minutes=city.true_minutes(trips["distance_km"], trips["hour"]) * noise)
    train, test = ko.split(trips, by="week", holdout=4)
    columns = ["distance_km", "hour"]
    model = ko.KANRegressor(hidden=(), seed=3).fit(train[columns], train["minutes"])
    law = model.to_formula(test[[*columns, "minutes"]], per="leg")
    minutes = law.bind(distance_km=refs.arc.distance, hour=refs.clock.hour)
    clients = city.clients.head(25)
    problem = ko.RoutingProblem(
        [routing.Depot("depot", 2.5, 5.0)],
        [
            routing.Client(
                row["name"], row["x_km"], row["y_km"], demand=row["demand_t"], service_duration=5.0
            )
            for row in clients.to_dict("records")
        ],
        [
            routing.VehicleType(
                "van", 4, capacity=3.5, unit_duration_cost=0.4, shift_start=420, shift_end=1020
            )
        ],
        cost={},
        duration=minutes,
    )
    result = ko.solve(problem, time_limit=0.5, seed=3, deterministic=True)
    routes = [(each.vehicle, each.index, each.clients) for each in result.plan.routes]
    return f"{law}\n{law.to_json()}\n{result.objective:.9g}\n{routes}"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_law_and_plan_on_other_processors() -> None:
    code = "from tests.scenarios.test_processors import told; print(told())"
    first, *others = (run_as(name, ["-c", code]) for name in PROCESSORS)
    assert "s(hour)" in first
    for name, other in zip(list(PROCESSORS)[1:], others, strict=True):
        assert other.splitlines()[0] == first.splitlines()[0], name
        assert other == first, name
