"""Departures with which everyone is in time on a share of days, against the textbook and every choice there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import kanopt as ko
from kanopt import Uncertainty
from kanopt.formulas import Variable, parse_formula
from kanopt.refs import arc, clock
from kanopt.routing import Client, Depot, VehicleType
from kanopt.routing.search.departure_choice import DepartureChoice, leave_in_time, punctuality_frontier
from kanopt.routing.simulate.departures import judge_departures
from tests.questions.risks.test_risk import line, normal_law

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
    with pytest.raises(
        ko.errors.SolverError, match="days_in_time must be a share of days above 0 and below 1"
    ):
        ko.solve(line([TIGHT], normal_law(3.0)), days_in_time=share)


MINUTES = np.array([[0.0, 30.0, 40.0], [30.0, 0.0, 25.0], [40.0, 25.0, 0.0]])


def planned(*clients: Client, **van: Any) -> ko.RoutingProblem:
    """One or two stops; waiting costs money."""
    size = len(clients) + 1
    minutes, vans = MINUTES[:size, :size], [VehicleType("van", **{"unit_duration_cost": 0.5, **van})]
    return ko.RoutingProblem([Depot("depot")], clients, vans, {}, minutes, minutes)


def two_stops(**fields: float) -> ko.RoutingProblem:
    """A stop with a window that opens, and one that is wanted by a time."""
    first = Client("a", earliest=100.0, latest=130.0, service_duration=10.0, **fields)
    return planned(first, Client("b", latest=170.0, **fields), fixed_cost=50.0, shift_end=400.0)


def one_stop(**client: Any) -> ko.RoutingProblem:
    """Half an hour there."""
    return planned(Client("a", **client))


@pytest.mark.parametrize("promise", [None, 0.99])
def test_the_plan_leaves_as_much_earlier_as_the_quantile_says(promise: float | None) -> None:
    problem = one_stop(earliest=125.0, latest=130.0, on_time=promise)
    found = ko.solve(problem, uncertainty=Uncertainty(travel=0.1), time_limit=2.0)
    # 30 minutes err by 3; the lower bound of the share is to be no less
    planned = found.assessment.simulation.arrive[0]
    level = promise or 0.95
    assert 130.0 - 3.0 * norm.ppf((1.0 + 3.0 * level) / 4.0) < planned < 130.0 - 3.0 * norm.ppf(level)
    assert found.days_in_time.reached
    assert found.check.ok


@pytest.mark.parametrize("promise", [None, 0.95])
def test_what_no_plan_keeps_is_told(promise: float | None) -> None:
    """The window ends when the fastest way is over: nobody is there before it on more than half of the days."""
    problem = one_stop(latest=30.0, on_time=promise)
    found = ko.solve(problem, uncertainty=Uncertainty(travel=0.1), time_limit=1.0)
    assert not found.days_in_time.reached
    assert found.days_in_time.not_kept == (() if promise is None else ("a",))
    told = (
        "No departures of these routes are in time on 95 % of days"
        if promise is None
        else "Promises of their own are not kept to a."
    )
    assert told in str(found)
    assert found.check.ok  # the plan still serves it, and holds on the laws


def test_a_promise_in_a_table_is_between_0_and_1_and_told_where_it_is_idle() -> None:
    with pytest.raises(ko.errors.ProblemError, match="on_time"):
        two_stops(on_time=95.0)
    assert any("is a promise that is planned for where" in each for each in two_stops(on_time=0.99).remarks())


def test_where_departures_are_not_enough_other_routes_are() -> None:
    """One van does it in 95 minutes, with errors of √(3² + 2.5² + 4²) = 5.6, and the shift ends after 100."""

    def problem(shift_end: float) -> ko.RoutingProblem:
        clients = Client("a", latest=200.0), Client("b", latest=200.0)
        return planned(*clients, num_available=2, fixed_cost=50.0, shift_end=shift_end)

    how: dict[str, Any] = {"uncertainty": Uncertainty(travel=0.1), "time_limit": 2.0}
    one, two = (ko.solve(problem(100.0), days_in_time=level, **how) for level in (0.75, 0.95))
    assert [len(found.plan.routes) for found in (one, two)] == [1, 2]
    assert one.days_in_time.share == pytest.approx(norm.cdf(5.0 / 5.59), abs=0.05)
    assert two.days_in_time.reached
    assert two.days_in_time.rerouted
    assert two.days_in_time.typical_share == one.days_in_time.share
    assert two.days_in_time.extra == pytest.approx(two.objective - one.objective)
    hopeless = ko.solve(problem(81.0), **how)
    assert not hopeless.days_in_time.reached
    assert hopeless.check.ok


def test_a_law_without_a_value_after_the_shift_is_no_fault_of_the_plan() -> None:
    hour, km = Variable("hour", "h"), Variable("km", "km")
    law = parse_formula("2 * km * (1 + 0 * log(17.2 - hour))", [km, hour], Variable("time", "min"))
    rng = np.random.default_rng(1)
    places = [Client(f"c{k}", *rng.uniform(-20, 20, 2), service_duration=25) for k in range(12)]
    van = VehicleType("van", 2, shift_start=480, shift_end=1020, unit_duration_cost=0.3)
    minutes = law.bind(km=arc.distance, hour=clock.hour)
    problem = ko.RoutingProblem([Depot("depot", 0, 0)], places, [van], {}, minutes)
    assert ko.solve(problem, time_limit=0.5).check.ok
    uncertain = ko.Uncertainty(travel=0.2)
    found = ko.solve(problem, days_in_time=0.9, uncertainty=uncertain, time_limit=1.0)
    assert found.check.ok
    assert found.days_in_time is not None
    assert np.isfinite(found.days_in_time.mean)
    assert "nan" not in found.days_in_time.text()


def test_vehicles_leave_before_a_steep_step_of_travel_time_where_only_that_is_in_time() -> None:
    # from minute 60 on the way takes 30 minutes instead of 42: who leaves a little earlier than that is late
    km, minute = Variable("km", "km"), Variable("minute", "min")
    law = parse_formula(
        "km * (1.4 - 0.4 / (1 + exp(-20 * (minute - 59.5))))", [km, minute], Variable("took", "min")
    )
    ways = np.array([[0.0, 30.0], [30.0, 0.0]])
    van = VehicleType("van", unit_duration_cost=0.5)
    client = Client("a", earliest=93.0, latest=95.0)
    took = law.bind(km=arc.distance, minute=clock.minute)
    problem = ko.RoutingProblem([Depot("depot")], [client], [van], {}, took, ways)
    uncertain = ko.Uncertainty(travel=0.15)
    plan = problem.assess(problem.plan_from([["a"]]))
    assert plan.settled().plan.routes[0].departure > 60.0
    found, days = leave_in_time(plan, 0.95, uncertainty=uncertain)
    assert days.reached
    assert found.check.ok
    assert found.plan.routes[0].departure < 95.0 - 42.0
    assert days.share == pytest.approx(0.96, abs=0.03)


def test_a_short_time_in_which_departures_break_no_rule_is_found() -> None:
    """Who leaves a little before the second window waits longer than a route may last; in the first one nobody does."""
    problem = one_stop(windows="100-100.2, 300-302")
    vans = [replace(van, max_duration=60.5) for van in problem.vehicles]
    price = parse_formula("9 - 0.02 * minute", [Variable("minute", "min")], Variable("paid", "EUR"))
    problem = replace(problem, vehicles=vans, cost={"early": price.bind(minute=clock.minute)})
    plan = problem.assess(problem.plan_from([["a"]]))
    assert plan.settled().plan.routes[0].departure > 250.0
    found, days = leave_in_time(plan, 0.95, uncertainty=Uncertainty(travel=0.1))
    assert days.reached
    assert found.check.ok
    assert 69.5 <= found.plan.routes[0].departure <= 70.2 + 1e-6
