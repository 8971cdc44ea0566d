"""Departures with which everyone is in time on a share of days, against the textbook and every choice there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import kanopt as ko
from kanopt.problems.routing.simulate.departures import judge_departures
from kanopt.problems.uncertainty import Uncertainty
from kanopt.routing import Client, Depot, VehicleType
from kanopt.solvers.routing.days_in_time import leave_in_time, punctuality_frontier
from kanopt.solvers.routing.departure_choice import DepartureChoice, days_needed
from tests.whatif.risks.test_risk import line, normal_law

TIGHT = Client("a", earliest=125.0, latest=127.0)


def two_vans(share: float = 0.0, **van: Any) -> ko.RoutingProblem:
    """Two vans with two stops each; waiting costs money."""
    minutes = np.array(
        [
            [0.0, 30.0, 40.0, 35.0, 45.0],
            [30.0, 0.0, 25.0, 50.0, 60.0],
            [40.0, 25.0, 0.0, 60.0, 70.0],
            [35.0, 50.0, 60.0, 0.0, 20.0],
            [45.0, 60.0, 70.0, 20.0, 0.0],
        ]
    )
    clients = [
        Client("a", earliest=100.0, latest=104.0, service_duration=5.0),
        Client("b", latest=138.0),
        Client("c", earliest=100.0, latest=103.0, service_duration=5.0),
        Client("d", earliest=120.0, latest=133.0),
    ]
    law = normal_law(3.0, share).bind(minutes=ko.refs.arc.distance)
    van = {"num_available": 2, "unit_duration_cost": 0.5, **van}
    return ko.RoutingProblem([Depot("depot")], clients, [VehicleType("van", **van)], {}, law, minutes)


ROUTES = [["a", "b"], ["c", "d"]]


def test_one_vehicle_leaves_as_much_earlier_as_the_quantile_says() -> None:
    result = ko.solve(line([TIGHT], normal_law(3.0)), time_limit=1.0)
    known = result.days_in_time
    assert known is not None
    assert known.reached
    # thirty minutes err by three; the lower bound of the share lies above the target
    planned = float(result.assessment.simulation.arrive[0])
    assert 127.0 - 3.0 * norm.ppf(0.97) < planned < 127.0 - 3.0 * norm.ppf(0.95)
    assert known.share == pytest.approx(0.96, abs=0.02)
    assert known.typical_share == pytest.approx(norm.cdf(2.0 / 3.0), abs=0.05)
    assert known.extra == pytest.approx(0.5 * (125.0 - planned), abs=1e-6)
    assert known.earlier == pytest.approx(125.0 - planned, abs=1e-6)
    assert "in time on 9" in str(result)
    assert ko.solve(result.problem, time_limit=1.0, days_in_time=None).days_in_time is None


def test_the_price_of_punctuality_rises_and_meets_what_is_chosen() -> None:
    problem = two_vans()
    plan = ko.evaluate(problem, problem.plan_from(ROUTES)).assessment
    found = punctuality_frontier(plan)
    shares, prices = zip(*found, strict=True)
    assert len(found) >= 3
    assert list(shares) == sorted(shares)
    assert list(prices) == sorted(prices)
    assert prices[0] == pytest.approx(problem.assess(plan.plan.reopened()).pricing.objective)
    for share, price in found[1:]:
        chosen = leave_in_time(plan, share - 0.02)[1]
        assert chosen.price == pytest.approx(price, rel=0.02)


def test_a_plan_that_is_in_time_stays_as_it_is() -> None:
    problem = line([Client("a", latest=150.0)], normal_law(3.0))
    known = ko.solve(problem, time_limit=1.0).days_in_time
    assert known is not None
    assert (known.moved, known.share, known.extra) == (0, 1.0, 0.0)
    assert not known.text()


@pytest.mark.parametrize("share", [0.0, 0.7])
@pytest.mark.parametrize("target", [0.8, 0.95])
def test_together_the_departures_are_the_cheapest_of_all(share: float, target: float) -> None:
    problem = two_vans(share)
    typical = problem.assess(problem.plan_from(ROUTES)).settled()
    choice = DepartureChoice(typical, np.array([True, True]), target, Uncertainty())
    chosen, reached = choice.departures()
    assert reached

    def mean_price(route: int, leave: float) -> float:
        days = choice.grid.select(np.arange(250) * 2 + route)
        return judge_departures(days, np.full(250, leave))[3].mean()

    kept, cost = [], []
    for route in range(2):
        leaves = typical.simulation.departure[route] - np.linspace(0.0, 12.0, 49)
        rows = np.arange(choice.days) * 2 + route
        kept.append(np.stack([choice.in_time(rows, np.full(choice.days, at)) for at in leaves]).astype(float))
        cost.append([mean_price(route, at) for at in leaves])
    best = np.add.outer(*cost)[kept[0] @ kept[1].T >= choice.needed].min()
    # a step of a quarter of a minute costs an eighth
    assert mean_price(0, chosen[0]) + mean_price(1, chosen[1]) <= best + 0.05
    rows = np.arange(2 * choice.days)
    in_time = choice.in_time(rows, np.tile(chosen, choice.days)).reshape(-1, 2).all(axis=1)
    assert in_time.sum() >= choice.needed


def test_where_no_departures_are_enough_the_most_punctual_ones_are_chosen_and_it_is_said() -> None:
    problem = line([Client("a", latest=31.0)], normal_law(3.0))
    known = ko.solve(problem, time_limit=1.0).days_in_time
    assert known is not None
    assert not known.reached
    assert known.share == pytest.approx(norm.cdf(1.0 / 3.0), abs=0.05)
    assert "No departures of these routes are in time on 95 % of days" in known.text()


def test_vehicles_are_back_by_the_end_of_their_shift() -> None:
    problem = line([Client("a", earliest=100.0)], normal_law(3.0), shift_end=131.0)
    result = ko.solve(problem, time_limit=1.0)
    known = result.days_in_time
    assert known is not None  # it leaves too late by nobody's fault: service begins when the window opens
    assert not known.reached
    assert known.share < 0.8


def test_departures_that_are_given_are_kept() -> None:
    problem = two_vans(max_duration=110.0)
    routes = problem.plan_from(ROUTES).routes
    plan = replace(problem.plan_from(ROUTES), routes=(replace(routes[0], departure=68.0), routes[1]))
    found, known = leave_in_time(problem.assess(plan), 0.8, keep_given=True)
    assert found.check.ok
    assert found.simulation.departure[0] == 68.0
    assert known.moved <= 1
    assert "van 1" not in found.assumed
    assert "van 2 at" in found.assumed


@pytest.mark.parametrize("share", [0, 1.5, "often", True, float("nan")])
def test_shares_that_are_none_are_refused(share: Any) -> None:
    with pytest.raises(ko.SolverError, match="days_in_time must be a share of days above 0 and below 1"):
        ko.solve(line([TIGHT], normal_law(3.0)), days_in_time=share)


def test_days_needed_are_none_where_too_few_were_drawn() -> None:
    assert days_needed(0.95, 10) == 11
    assert days_needed(0.5, 1000) == pytest.approx(526, abs=1)


def test_a_promise_that_is_kept_on_all_days_is_none_that_is_not_kept() -> None:
    """Of a large plan fewer days are looked at, but as many as tell of the promise."""
    far = np.random.default_rng(0).uniform(0.0, 30.0, (301, 2))
    km = np.hypot(*(far[:, None] - far).transpose(2, 0, 1))
    clients = [Client(f"c{place}", latest=5000.0) for place in range(300)]
    clients[0] = replace(clients[0], on_time=0.999)
    van = VehicleType("van", num_available=20, unit_duration_cost=0.5)
    law = normal_law(1.0).bind(minutes=ko.refs.arc.distance)
    problem = ko.RoutingProblem([Depot("depot")], clients, [van], {}, law, km)
    names = [client.name for client in clients]
    typical = problem.assess(problem.plan_from([names[place::20] for place in range(20)])).settled()
    choice = DepartureChoice(typical, np.ones(20, dtype=bool), 0.95, Uncertainty())
    assert choice.departures()[1]
    assert choice.not_kept == ()
