"""The risk of plans and schedules against closed forms and plain simulations, and what is told of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

import kanopt as ko
from kanopt import Uncertainty
from kanopt.formulas import ErrorModel
from kanopt.formulas.error_model import Noise
from kanopt.pages.figure_rows import punctuality
from kanopt.refs import mode
from kanopt.routing import Client, Depot, RoutingPlan, VehicleType
from kanopt.scheduling import Assignment, Job, Machine, Mode, Schedule, Task
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
    found = ko.risk(result, Uncertainty(shared=1.0), draws=8000)
    np.testing.assert_allclose(found.frame["on_time"], 0.5, atol=0.04)
    assert found.on_time == pytest.approx(0.5, abs=0.04)


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
    with pytest.raises(ko.errors.ProblemError, match="nothing of this plan is uncertain"):
        ko.risk(plain)
    with pytest.raises(
        ko.errors.ProblemError, match="draws: shares of days need a whole number of at least 20, not 5"
    ):
        ko.risk(plain, Uncertainty(travel=0.1), draws=5)
    with pytest.raises(
        ko.errors.ProblemError,
        match=r"risk is there for results of routes, schedules and supply plans, as ko\.solve",
    ):
        ko.risk(3)
    with pytest.raises(ko.errors.ProblemError, match="uncertainty: shared"):
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


def shop(*due: float, cost: float = 2.0) -> ko.SchedulingProblem:
    """Jobs of one task of 30 minutes on a machine, one after the other."""
    jobs = [Job(f"j{place}", due_date=each, tardiness_cost=cost) for place, each in enumerate(due)]
    tasks = [Task(f"t{place}", f"j{place}") for place in range(len(due))]
    modes = [Mode(task.name, "saw", duration=30.0) for task in tasks]
    return ko.SchedulingProblem(jobs, tasks, [Machine("saw")], modes, makespan_cost=1.0)


def in_turn(problem: ko.SchedulingProblem) -> ko.Result:
    rows = [
        Assignment(f"j{place}", f"t{place}", "saw", "", 30.0 * place, 30.0 * (place + 1))
        for place in range(len(problem.jobs))
    ]
    return ko.evaluate(problem, Schedule(tuple(rows)))


def test_a_job_with_normal_errors_is_late_as_the_textbook_says() -> None:
    found = ko.risk(in_turn(shop(33.0)), Uncertainty(task=0.1), draws=20_000)
    row = found.frame.iloc[0]
    assert row["on_time"] == pytest.approx(norm.cdf(1.0), abs=4.0 * row["error"])
    assert (row["planned"], row["limit"]) == (30.0, 33.0)
    assert row["q95"] == pytest.approx(30.0 + 3.0 * norm.ppf(0.95), abs=0.15)
    late = 3.0 * (norm.pdf(1.0) - norm.sf(1.0))  # mean of what lies above one standard deviation
    assert found.cost.mean() == pytest.approx(30.0 + 2.0 * late, abs=0.1)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_three_tasks_of_a_day_against_a_simulation_of_plain_numbers(share: float) -> None:
    """A task starts no sooner than it was to start, and not before the one ahead of it has ended."""
    found = ko.risk(in_turn(shop(33.0, 65.0, 95.0)), Uncertainty(task=0.1, shared=share), draws=20_000)
    rng, kept = np.random.default_rng(3), np.zeros(3)
    sigma = np.sqrt(np.log1p(share * 0.01))
    for _ in range(20_000):
        clock, common = 0.0, np.exp(sigma * rng.standard_normal() - sigma**2 / 2.0)
        for place, due in enumerate((33.0, 65.0, 95.0)):
            took = (30.0 + 3.0 * np.sqrt(1.0 - share) * rng.standard_normal()) * common
            clock = max(clock, 30.0 * place) + took
            kept[place] += clock <= due
    np.testing.assert_allclose(found.frame["on_time"], kept / 20_000, atol=0.02)
    assert found.on_time <= found.frame["on_time"].min()
    assert "every job is done by its due date on" in str(found)
    assert found.to_json()["cost"]["cvar95"] == found.cvar() > found.cost_quantile(0.95)


def test_a_schedule_without_errors_is_refused_in_words() -> None:
    with pytest.raises(ko.errors.ProblemError, match="nothing of this schedule is uncertain"):
        ko.risk(in_turn(shop(33.0)))


def driven(*clients: Client, law: ko.Formula | None = None) -> ko.Result:
    return ko.evaluate(line([*clients], law or normal_law(3.0)), [[client.name for client in clients]])


def test_the_share_of_days_is_that_of_the_textbook() -> None:
    found = punctuality(driven(Client("a", latest=33.0)))
    assert found is not None
    assert found.share == pytest.approx(norm.cdf(1.0), abs=0.05)
    name, often = found.worst
    assert (name, often) == ("a", pytest.approx(1.0 - found.share))
    share = f"{100 * found.share:.0f} %"
    assert found.text() == (
        f"If travel times err as they did in the past, everyone is served in time on {share} of days; the stop most "
        f"often late is a ({100 * often:.0f} % of days)."
    )


def test_nothing_is_said_without_limits_or_known_errors() -> None:
    assert punctuality(driven(Client("a"))) is None
    given = ko.parse_formula("minutes", [ko.Variable("minutes", "km")], ko.Variable("took", "min"))
    assert punctuality(driven(Client("a", latest=33.0), law=given)) is None
    only_late = Client("a", latest=20.0, unit_lateness_cost=1.0)
    assert punctuality(driven(only_late)) is None


def test_jobs_of_a_schedule_are_looked_at_by_their_due_dates() -> None:
    law = replace(normal_law(3.0), per="task").bind(minutes=mode.work)
    problem = ko.SchedulingProblem(
        [Job("j", due_date=33.0, tardiness_cost=1.0), Job("free")],
        [Task("t", "j"), Task("u", "free")],
        [Machine("saw"), Machine("axe")],
        [Mode("t", "saw", attributes={"work": 30.0}), Mode("u", "axe", attributes={"work": 5.0})],
        duration=law,
        makespan_cost=1.0,
    )
    rows = (Assignment("j", "t", "saw", "", 0.0, 30.0), Assignment("free", "u", "axe", "", 0.0, 5.0))
    found = punctuality(ko.evaluate(problem, Schedule(rows)))
    assert found is not None
    assert found.share == pytest.approx(norm.cdf(1.0), abs=0.05)
    assert found.frame["name"].tolist() == ["j"]
    assert "every job is done in time on" in found.text()
