"""A law of travel time in its role: a fixed time per leg, and legs at speeds at which nobody drives."""

import numpy as np
import pytest

import kanopt as ko
from kanopt import refs
from kanopt.problems import Client, Depot, RoutingProblem, VehicleType

PLACES = np.array([0.0, 6.0, 30.0, 30.2])
WAYS = np.abs(PLACES[:, None] - PLACES[None, :])


def assessed(law: str):
    km, minutes = ko.Variable("km", "km"), ko.Variable("minutes", "min")
    problem = RoutingProblem(
        depots=[Depot("yard")],
        clients=[Client("a"), Client("b"), Client("c")],
        vehicles=[VehicleType("van")],
        cost={},
        duration=ko.parse_formula(law, [km], minutes).bind(km=refs.arc.distance),
        distance=WAYS,
    )
    return problem.assess(problem.plan_from([["a", "b", "c"]]))


@pytest.mark.parametrize(
    ("law", "fixed", "told"),
    [
        ("3 + 1.5 * km", "3 min", ()),
        ("1.5 * km", None, ()),
        (
            "20 + 20 * km",
            "20 min",
            ("3 of 4 legs are slower than one walks", "yard → a (van 1), 6 km in 140 min"),
        ),
        ("0.3 * km", None, ("3 of 4 legs are faster than the road allows",)),
        ("90 + 1.5 * km", "90 min", ()),  # a fixed time is no driving
        ("5 * log(km)", None, ()),  # which has no value at 0
    ],
)
def test_fixed_times_and_speeds_are_told(law: str, fixed: str | None, told: tuple[str, ...]) -> None:
    found = assessed(law)
    figures = {each.key: each.text for each in found.figures()}
    assert figures.get("fixed time") == fixed
    assert len(found.implausible) == bool(told)
    assert all(text in found.implausible[0] for text in told)
    assert set(found.implausible) <= set(found.law_caveats)
