"""The risk of a plan against closed forms and plain simulations, and plans that keep promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

import kanopt as ko
from kanopt import Uncertainty
from kanopt.formulas import ErrorModel
from kanopt.formulas.noise import Noise
from kanopt.problems.routing import RoutingPlan
from kanopt.routing import Client, Depot, VehicleType
from tests.cases.routing_variants import VARIANTS, some_routes, variant

MINUTES = np.array(
    [[0.0, 30.0, 40.0, 50.0], [30.0, 0.0, 20.0, 30.0], [40.0, 20.0, 0.0, 15.0], [50.0, 30.0, 15.0, 0.0]]
)


def line(clients: list[Client], law: ko.Formula | None = None, **van: float) -> ko.RoutingProblem:
    """One van on a matrix of minutes, or on a law of them."""
    size = len(clients) + 1
    minutes = MINUTES[:size, :size]
    duration = minutes if law is None else law.bind(minutes=ko.refs.arc.distance)
    vehicle = VehicleType("van", unit_duration_cost=0.5, **van)
    return ko.RoutingProblem([Depot("depot")], clients, [vehicle], {}, duration, minutes)


def law_with(model: ErrorModel) -> ko.Formula:
    """Minutes as they are, with errors as on held-out rows."""
    minutes = ko.Variable("minutes", "km")
    law = ko.parse_formula("minutes", [minutes], ko.Variable("took", "min"), per="leg")
    fit = replace(ko.Fit.of([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], rows_train=90), errors=model)
    return replace(law, fit=fit)


def normal_law(spread: float, share: float = 0.0) -> ko.Formula:
    return law_with(
        ErrorModel(0.0, 1.0, (0.0, 0.0, 0.0), spread, 0.0, 30.0, 500, Noise(share=share, by="day"))
    )


def test_one_stop_with_normal_errors_has_the_probability_of_the_textbook() -> None:
    problem = line([Client("a", latest=36.0)], normal_law(4.0))
    found = ko.risk(ko.evaluate(problem, [["a"]]), draws=20_000)
    stop = found.frame.iloc[0]
    assert stop["on_time"] == pytest.approx(norm.cdf(6.0 / 4.0), abs=4.0 * stop["error"])
    assert stop["q95"] == pytest.approx(30.0 + 4.0 * norm.ppf(0.95), abs=0.15)
    assert stop["error"] == pytest.approx(np.sqrt(stop["on_time"] * (1 - stop["on_time"]) / 20_000), rel=0.02)
    # there and back, paid by the minute
    assert found.cost.mean() == pytest.approx(30.0, abs=0.1)
    assert found.cost.std() == pytest.approx(0.5 * 4.0 * np.sqrt(2.0), rel=0.03)
    tail = 30.0 + 0.5 * 4.0 * np.sqrt(2.0) * norm.pdf(norm.ppf(0.95)) / 0.05
    assert found.cvar(0.95) == pytest.approx(tail, rel=0.01)
    assert found.broken == {"time window": round((1 - stop["on_time"]) * 20_000)}


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_three_stops_of_one_day_against_a_simulation_of_plain_numbers(share: float) -> None:
    """Windows to wait for, service, and an error that all legs of a day share or do not."""
    clients = [
        Client("a", latest=33.0, service_duration=5.0),
        Client("b", earliest=58.0, latest=62.0, service_duration=5.0),
        Client("c", latest=82.0),
    ]
    result = ko.evaluate(line(clients, normal_law(3.0, share)), [["a", "b", "c"]])
    found, leaves = ko.risk(result, draws=20_000), float(result.assessment.simulation.departure[0])
    rng = np.random.default_rng(1)
    late, together = np.zeros(3), 0
    for _ in range(20_000):
        common, clock, missed = rng.standard_normal(), leaves, []
        for leg, client in zip((30.0, 20.0, 15.0), clients, strict=True):
            sigma = np.sqrt(np.log1p(share * (3.0 / leg) ** 2))
            factor = np.exp(sigma * common - sigma**2 / 2.0)
            clock += max((leg + 3.0 * np.sqrt(1.0 - share) * rng.standard_normal()) * factor, 0.0)
            clock = max(clock, client.earliest)
            missed.append(clock > client.latest)
            clock += client.service_duration
        late += missed
        together += not any(missed)
    error = 5.0 * np.sqrt(2.0 * 0.25 / 20_000)
    np.testing.assert_allclose(found.frame["on_time"], 1.0 - late / 20_000, atol=error)
    assert found.on_time == pytest.approx(together / 20_000, abs=error)


def test_an_error_that_a_day_shares_makes_two_vans_late_together() -> None:
    clients = [Client("a", latest=30.0), Client("b", latest=40.0)]
    problem = line(clients, normal_law(4.0), num_available=2)
    result = ko.evaluate(problem, [["a"], ["b"]])
    by_day, by_route = (
        ko.risk(result, Uncertainty(shared=1.0, within=within), draws=8000) for within in ("day", "route")
    )
    for found in (by_day, by_route):
        np.testing.assert_allclose(found.frame["on_time"], 0.5, atol=0.04)
    assert by_day.on_time == pytest.approx(0.5, abs=0.04)
    assert by_route.on_time == pytest.approx(0.25, abs=0.03)


def test_times_of_stops_and_biases_are_drawn_too() -> None:
    problem = line([Client("a", service_duration=20.0), Client("b", latest=70.0)])
    found = ko.risk(ko.evaluate(problem, [["a", "b"]]), Uncertainty(service=0.25), draws=20_000)
    assert found.frame["on_time"].tolist() == [1.0, pytest.approx(0.5, abs=0.02)]
    biased = law_with(ErrorModel(1.0, 1.1, (0.0, 0.0, 0.0004), 0.0, 0.0, 30.0, 500))
    found = ko.risk(ko.evaluate(line([Client("a")], biased), [["a"]]), draws=20_000)
    arrive = found.days.arrive[:, 0]
    assert arrive.mean() == pytest.approx(34.0, abs=0.02)
    assert arrive.std() == pytest.approx(30.0 * 0.02, rel=0.03)


def test_overload_of_uncertain_demands() -> None:
    """Two log-normal demands of 0.4 ± 0.1 on a van of 1: against a plain simulation; the plan itself holds."""
    clients = [Client("a", demand=0.4, demand_sd=0.1), Client("b", demand=0.4, demand_sd=0.1), Client("c")]
    result = ko.evaluate(line(clients, capacity=1.0), [["a", "b", "c"]])
    sigma = np.sqrt(np.log1p(0.0625))
    for share in (0.0, 1.0):
        found = ko.risk(result, Uncertainty(shared_demand=share), draws=20_000)
        rng = np.random.default_rng(2)
        score = np.sqrt(share) * rng.standard_normal((20_000, 1))
        score = score + np.sqrt(1 - share) * rng.standard_normal((20_000, 2))
        expected = ((0.4 * np.exp(sigma * score - sigma**2 / 2)).sum(axis=1) > 1.0).mean()
        assert found.figures["overload"] == pytest.approx(expected, abs=0.01)
        assert found.broken["capacity"] == round(found.figures["overload"] * 20_000)
        assert found.routes["overload"].tolist() == [found.figures["overload"]]
    stated = ko.risk(result, Uncertainty(demand=0.25), draws=500)
    np.testing.assert_array_equal(stated.days.cost, ko.risk(result, draws=500).days.cost)
    assert "vary by 25 % (log-normal" in str(stated)


def test_what_is_assumed_is_told() -> None:
    unknown = line([Client("a", latest=33.0)], law_with(ErrorModel(0, 1, (0, 0, 0), 3.0, 0, 30.0, 500)))
    told = str(ko.risk(ko.evaluate(unknown, [["a"]]), draws=100))
    assert "whether errors are shared within a day is not known" in told
    grouped = line([Client("a", latest=33.0)], normal_law(3.0, 0.5))
    assert "50 % of the variance shared within a day" in str(
        ko.risk(ko.evaluate(grouped, [["a"]]), draws=100)
    )
    wild = Noise(gross_share=0.02, gross=(9.0,))
    wild_law = law_with(ErrorModel(0, 1, (0, 0, 0), 3.0, 0, 30.0, 500, wild))
    result = ko.evaluate(line([Client("a", latest=45.0)], wild_law), [["a"]])
    assert ko.risk(result, draws=10_000).on_time == pytest.approx(0.98, abs=0.006)
    assert ko.risk(result, Uncertainty(gross_errors=False), draws=10_000).on_time == 1.0


def test_plans_without_risk_are_refused_in_words() -> None:
    plain = ko.evaluate(line([Client("a")]), [["a"]])
    with pytest.raises(ko.ProblemError, match="nothing of this plan is uncertain"):
        ko.risk(plain)
    with pytest.raises(
        ko.ProblemError, match="draws: shares of days need a whole number of at least 20, not 5"
    ):
        ko.risk(plain, Uncertainty(travel=0.1), draws=5)
    with pytest.raises(ko.ProblemError, match=r"risk is told of a plan, not of a int; give what ko\.solve"):
        ko.risk(3)
    with pytest.raises(ko.ProblemError, match="uncertainty: shared"):
        Uncertainty(shared=1.5)


TIMED = ("time window", "shift", "duration", "break", "capacity", "road")


@pytest.mark.parametrize("name", VARIANTS)
def test_days_without_errors_are_the_referee_s_under_every_rule(name: str) -> None:
    """Arrivals, returns, prices and broken rules, with demands that are drawn with next to no deviation."""
    for seed in range(4):
        given = variant(name, seed)
        clients = [replace(each, demand_sd=1e-13 * each.demand) for each in given.clients]
        problem = replace(given, clients=clients)
        assessment = problem.assess(problem.plan_from(RoutingPlan(some_routes(problem, seed))))
        driven = assessment.simulation
        found = ko.risk(assessment, Uncertainty(travel=1e-13, service=1e-13), draws=20)
        served = driven.head >= len(problem.data.depots)
        reached = np.isfinite(driven.arrive[served])
        days = found.days
        np.testing.assert_allclose(days.arrive[:, reached], [driven.arrive[served][reached]] * 20, atol=1e-6)
        np.testing.assert_allclose(days.finish, [driven.finish] * 20, atol=1e-6)
        np.testing.assert_allclose(days.cost, assessment.pricing.objective, rtol=1e-9, atol=1e-6)
        broken = {violation.constraint for violation in assessment.check.violations}
        assert set(found.broken) == broken & set(TIMED), (name, seed)
