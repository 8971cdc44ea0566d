"""Routes for days in time, where departures alone do not bring them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import kanopt as ko
from kanopt import Uncertainty
from kanopt.formulas import Variable, parse_formula
from kanopt.problems.routing.days import COMMON_SEED, drive_days, routing_time_laws
from kanopt.refs import arc, clock
from kanopt.routing import Client, Depot, Route, VehicleType
from kanopt.solvers.routing.days_in_time import leave_in_time

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
    found = ko.solve_on_time(problem, 0.95, uncertainty=Uncertainty(travel=0.1), time_limit=2.0)
    # 30 minutes err by 3; the lower bound of the share is to be no less
    planned = found.assessment.simulation.arrive[0]
    level = promise or 0.95
    assert 130.0 - 3.0 * norm.ppf((1.0 + 3.0 * level) / 4.0) < planned < 130.0 - 3.0 * norm.ppf(level)
    assert found.days_in_time.reached
    assert found.check.ok


def test_days_that_were_not_looked_at_are_in_time_as_often() -> None:
    unsure = Uncertainty(travel=0.2, shared=0.5)
    found = ko.solve_on_time(two_stops(), 0.9, uncertainty=unsure, time_limit=2.0)
    fresh = ko.risk(found, unsure, draws=20_000, seed=99)
    assert fresh.on_time >= 0.9
    assert fresh.on_time == pytest.approx(found.days_in_time.share, abs=0.03)


@pytest.mark.parametrize("promise", [None, 0.95])
def test_what_no_plan_keeps_is_told(promise: float | None) -> None:
    """The window ends when the fastest way is over: nobody is there before it on more than half of the days."""
    problem = one_stop(latest=30.0, on_time=promise)
    found = ko.solve_on_time(problem, uncertainty=Uncertainty(travel=0.1), time_limit=1.0)
    assert not found.days_in_time.reached
    assert found.days_in_time.not_kept == (() if promise is None else ("a",))
    told = "No departures of these routes" if promise is None else "Promises of their own are not kept to a."
    assert told in str(found)
    assert found.check.ok  # the plan still serves it, and holds on the laws


@pytest.mark.parametrize(
    ("on_time", "unsure", "told"),
    [
        (1.5, Uncertainty(travel=0.1), "days_in_time must be a share of days above 0 and below 1"),
        (0.95, None, "nobody can be late: .* or no time is uncertain"),
    ],
)
def test_what_cannot_be_promised_is_refused(on_time: float, unsure: Uncertainty | None, told: str) -> None:
    with pytest.raises(ko.KanoptError, match=told):
        ko.solve_on_time(two_stops(), on_time, uncertainty=unsure)


def test_a_promise_in_a_table_is_between_0_and_1_and_told_where_it_is_idle() -> None:
    with pytest.raises(ko.ProblemError, match="on_time"):
        two_stops(on_time=95.0)
    assert any("is a promise that is planned for where" in each for each in two_stops(on_time=0.99).remarks())


def test_where_departures_are_not_enough_other_routes_are() -> None:
    """One van does it in 95 minutes, with errors of √(3² + 2.5² + 4²) = 5.6, and the shift ends after 100."""

    def problem(shift_end: float) -> ko.RoutingProblem:
        clients = Client("a", latest=200.0), Client("b", latest=200.0)
        return planned(*clients, num_available=2, fixed_cost=50.0, shift_end=shift_end)

    how: dict[str, Any] = {"uncertainty": Uncertainty(travel=0.1), "time_limit": 2.0}
    one, two = (ko.solve_on_time(problem(100.0), level, **how) for level in (0.75, 0.95))
    assert [len(found.plan.routes) for found in (one, two)] == [1, 2]
    assert one.days_in_time.share == pytest.approx(norm.cdf(5.0 / 5.59), abs=0.05)
    assert two.days_in_time.reached
    assert two.days_in_time.stretch > 1.0
    assert two.days_in_time.typical_share == one.days_in_time.share
    assert two.days_in_time.extra == pytest.approx(two.objective - one.objective)
    hopeless = ko.solve_on_time(problem(81.0), 0.95, **how)
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
    found = ko.solve_on_time(problem, 0.9, uncertainty=uncertain, time_limit=1.0)
    assert found.check.ok
    assert found.days_in_time is not None
    assert np.isfinite(found.days_in_time.mean)
    assert "nan" not in found.days_in_time.text()


def test_mean_prices_are_told_beside_each_other_on_days_on_which_both_plans_have_one() -> None:
    km, hour = Variable("km", "km"), Variable("hour", "h")
    law = parse_formula("km * (1 + 0 * log(2.15 - hour))", [km, hour], Variable("time", "min"))
    clients = [Client("a", earliest=125.0, latest=127.0, service_duration=1.0)]
    van, minutes = (
        VehicleType("van", unit_duration_cost=0.5, shift_start=80.0, shift_end=170.0),
        MINUTES[:2, :2],
    )
    duration = law.bind(km=arc.distance, hour=clock.hour)
    planning = {"clock.hour": 2.0}
    problem = ko.RoutingProblem([Depot("depot")], clients, [van], {}, duration, minutes, planning=planning)
    unsure = Uncertainty(travel=0.1)
    stated = [Route("van", 1, "depot", ("a",), departure=95.0)]
    typical = ko.evaluate(problem, problem.plan_from(stated)).assessment
    found, known = leave_in_time(typical, 0.9, uncertainty=unsure)
    laws = routing_time_laws(problem, unsure)
    days = [
        drive_days(problem, each, laws, unsure, known.draws, COMMON_SEED, lenient=True)
        for each in (found, typical)
    ]
    costs = [each.cost for each in days]
    # who leaves later is more often on the way when the law has no value any more
    assert np.isfinite(costs[0]).sum() > np.isfinite(costs[1]).sum() > 1
    common = np.isfinite(costs).all(axis=0)
    assert known.unpriced == (~common).sum()
    assert known.mean == pytest.approx(costs[0][common].mean())
    assert known.typical_mean == pytest.approx(costs[1][common].mean())
    assert f"without {known.unpriced} days of 1,000" in known.text()
