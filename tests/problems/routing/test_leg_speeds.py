"""A law of travel time in its role: a fixed time per leg, and legs at speeds at which nobody drives."""

import numpy as np
import pytest

import kanopt as ko
from kanopt import refs
from kanopt.problems import Client, Depot, RoutingProblem, VehicleType

PLACES = np.array([0.0, 6.0, 30.0, 30.2])
WAYS = np.abs(PLACES[:, None] - PLACES[None, :])


@pytest.mark.parametrize(
    ("law", "fixed", "told"),
    [
        ("3 + 1.5 * km", "3 min", ""),
        ("1.5 * km", None, ""),
        ("20 + 20 * km", "20 min", "3 of 4 legs are slower than one walks"),
        ("0.3 * km", None, "3 of 4 legs are faster than the road allows"),
        ("90 + 1.5 * km", "90 min", ""),  # a fixed time is no driving
        ("5 * log(km)", None, ""),  # which has no value at 0
    ],
)
def test_fixed_times_and_speeds_are_told(law: str, fixed: str | None, told: str) -> None:
    minutes = ko.parse_formula(law, [ko.Variable("km", "km")], ko.Variable("minutes", "min"))
    clients, duration = [Client(name) for name in "abc"], minutes.bind(km=refs.arc.distance)
    problem = RoutingProblem([Depot("yard")], clients, [VehicleType("van")], {}, duration, WAYS)
    found = problem.assess(problem.plan_from([["a", "b", "c"]]))
    assert {each.key: each.text for each in found.figures()}.get("fixed time") == fixed
    assert len(found.implausible) == bool(told)
    assert told in " ".join(found.implausible)
    assert set(found.implausible) <= set(found.law_caveats)
