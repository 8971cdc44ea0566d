"""What a price cannot be trusted for, and the band that the errors of laws put on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import decisions, refs, routing, scheduling
from kanopt.errors import FormulaError
from kanopt.formulas import Domain, Fit, Formula, Variable, parse_formula
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.base import Problem
from kanopt.plans.law_use import LawUse
from kanopt.plans.money_at_stake import MoneyAtStake, money_at_stake
from kanopt.routing.road_network import RoadNetwork
from kanopt.supply import Market
from tests.cases.supply import small

Floats = np.ndarray
KM, FUEL = Variable("km", "km"), Variable("fuel", "l")
LEGS = ("leg", "legs")


def learned(km: Floats, actual: Floats) -> Formula:
    """Return the line through most of the rows, with its fit on the others."""
    train = int(0.7 * len(km))
    slope, start = map(float, np.polyfit(km[:train], actual[:train], 1))
    law = parse_formula(f"{start!r} + {slope!r} * km", [KM], FUEL)
    predicted = law.evaluate({"km": km[train:]})
    fit = Fit.of(actual[train:], predicted, rows_train=train)
    return replace(law, fit=fit, domain=Domain.from_rows([KM], {"km": km}))


def use_of(law: Formula, km: Floats, rise: float = 1.0) -> LawUse:
    return LawUse("cost 'fuel'", law, {"km": km}, np.full(len(km), rise), (len(km),), LEGS)


TRUTHS: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats, np.random.Generator], Floats]]] = {
    "line, even noise": (lambda km: 1.0 + 0.4 * km, lambda mean, rng: mean + rng.standard_normal(len(mean))),
    "line, noise in proportion": (
        lambda km: 0.4 * km,
        lambda mean, rng: mean * (1.0 + 0.3 * rng.standard_normal(len(mean))),
    ),
    "bent, lognormal": (
        lambda km: 0.6 * km**0.9,
        lambda mean, rng: mean * np.exp(0.3 * rng.standard_normal(len(mean)) - 0.045),
    ),
}


@pytest.mark.parametrize("truth", TRUTHS)
def test_nine_in_ten_realised_prices_lie_in_the_band(truth: str) -> None:
    """The plan drives those 30 of 60 legs that are cheapest on the law, once, with fresh noise."""
    mean, noise = TRUTHS[truth]
    rng = np.random.default_rng(11)
    inside, cases = 0, 300
    for _ in range(cases):
        km = 0.5 + rng.gamma(2.0, 8.0, 150)
        law = learned(km, noise(mean(km), rng))
        offered = 0.5 + rng.gamma(2.0, 8.0, 60)
        driven = offered[np.argsort(law.evaluate({"km": offered}))[:30]]
        stake = money_at_stake([use_of(law, driven)], float(law.evaluate({"km": driven}).sum()))
        assert stake is not None
        inside += stake.low <= noise(mean(driven), rng).sum() <= stake.high
    # three standard errors of a share of 0.9 in 300 cases are 0.052
    assert 0.84 <= inside / cases <= 0.96


def test_a_law_that_is_built_on_a_learned_one_passes_its_errors_on() -> None:
    rng = np.random.default_rng(2)
    km = rng.uniform(1.0, 40.0, 200)
    fuel = learned(km, 0.3 * km + 1.0 + 0.2 * rng.standard_normal(200))
    legs = rng.uniform(1.0, 40.0, 25)
    plain = money_at_stake([use_of(fuel, legs, 1.5)], 0.0)
    price = Variable("price", "EUR/l")
    cost = parse_formula("fuel * price + 2", [price], Variable("cost", "EUR"), laws={"fuel": fuel})
    arguments = {"km": legs, "price": np.array(1.5)}
    built = money_at_stake([LawUse("cost", cost, arguments, np.ones(25), (25,), LEGS)], 0.0)
    assert plain is not None
    assert built is not None
    assert (built.low, built.high) == pytest.approx((plain.low, plain.high))
    assert built.to_frame()["law"].tolist() == ["fuel"]
    # the same law twice on the same leg errs twice in the same direction
    twice = money_at_stake([use_of(fuel, legs), use_of(fuel, legs, 0.5)], 0.0)
    assert twice is not None
    assert (twice.low, twice.high) == pytest.approx((plain.low, plain.high))


def test_the_band_stands_beside_the_price_wherever_it_is_told() -> None:
    rng = np.random.default_rng(4)
    km = rng.uniform(1.0, 40.0, 200)
    law = replace(learned(km, 0.3 * km + 0.5 * rng.standard_normal(200)), output=Variable("fuel", "EUR"))
    problem = ko.DecisionProblem({"km": (0.0, 40.0)}, law)
    result = ko.evaluate(problem, {"km": 7.0})
    stake, why = result.money_at_stake, ko.explain(result)
    assert stake is not None
    assert stake.low < result.objective < stake.high
    assert stake.text("EUR") in str(result)
    assert stake.text("EUR")[1:] in why.text().partition("\n\n")[0]
    assert stake.to_frame().shape[0] == 1
    assert stake.to_json()["low"] == stake.low


def test_the_band_does_not_reach_below_what_is_paid_without_the_law() -> None:
    rng = np.random.default_rng(3)
    km = rng.uniform(1.0, 10.0, 200)
    law = learned(km, 0.1 * km - 2.0 + rng.standard_normal(200))
    use = replace(use_of(law, np.full(4, 5.0)), cut_off=True)
    assert (use.values < 0).all()
    stake = money_at_stake([use], 240.0)
    assert stake is None or (stake.low >= 240.0 and stake.high >= 240.0)
    positive = replace(use_of(law, np.full(4, 60.0)), cut_off=True)
    paid = float(positive.values.sum())
    wide = money_at_stake([positive], 240.0 + paid)
    assert wide is not None
    assert 240.0 <= wide.low < 240.0 + paid < wide.high


def test_what_a_law_of_items_errs_by_is_shared_by_them() -> None:
    km = np.random.default_rng(3).uniform(1.0, 60.0, 30)
    law = learned(km, 0.5 * km + np.random.default_rng(4).normal(0.0, 2.0, 30))
    far = np.array([10.0, 20.0, 20.0, 50.0])
    items = pd.DataFrame({"name": list("abcd"), "far": far})
    problem = ko.DecisionProblem({"x": (0.0, 1.0)}, law.bind(km=refs.item.far), items=items)
    result = ko.evaluate(problem, {"x": 0.5})
    together = money_at_stake([use_of(law, far)], float(law.evaluate({"km": far}).sum()))
    one_by_one = [money_at_stake([use_of(law, far[[place]])], 1.0) for place in range(4)]
    assert result.money_at_stake is not None
    assert together is not None
    assert result.money_at_stake.laws == together.laws
    apart = np.sqrt(sum(stake.laws[0][2] ** 2 for stake in one_by_one if stake is not None))
    assert together.laws[0][2] > 1.05 * apart


NOISY = learned(np.linspace(1.0, 9.0, 90), np.linspace(1.0, 9.0, 90) + np.sin(np.arange(90.0)))
BY_HAND = parse_formula("0.3 * km", [KM], FUEL)


@pytest.mark.parametrize(
    ("uses", "price"),
    [
        ([], 5.0),
        ([use_of(BY_HAND, np.ones(3))], 0.9),  # nothing is known of its errors
        ([use_of(NOISY, np.ones(3), rise=1e-9)], 1e6),
        ([use_of(NOISY, np.ones(3))], np.inf),
        ([use_of(NOISY, np.ones(3))], np.nan),
    ],
)
def test_where_there_is_nothing_to_tell_there_is_no_band(uses: list[LawUse], price: float) -> None:
    assert money_at_stake(uses, price) is None


def test_a_band_that_cannot_be_told_is_not_taken_for_none() -> None:
    beyond = replace(use_of(NOISY, np.ones(3)), price_change=lambda changes: np.full(len(changes), np.inf))
    stake = money_at_stake([beyond], 5.0)
    assert stake is not None
    assert (stake.low, stake.high) == (-np.inf, np.inf)
    assert "no range can be told" in stake.text("EUR")


def test_a_price_outside_its_own_band_is_told_as_such() -> None:
    dearer, earned = MoneyAtStake(281.48, 304.45, 614.41, 0.9, ()), MoneyAtStake(-50.0, -80.0, -60.0, 0.9, ())
    assert "between 304.45 and 614.41 EUR, not 281.48 EUR" in dearer.text("EUR")
    # a cost of -80 to -60 is 60 to 80 earned, more than the 50 that the laws say
    assert "between 60.00 and 80.00 EUR, not 50.00 EUR" in earned.text("EUR", earned=True)
    assert "60.00 to 80.00" in MoneyAtStake(70.0, 60.0, 80.0, 0.9, ()).text()


NEAR = ko.Variable("km", "km", low=0, high=8)


def routes(fuel: str = "2 * km - 1000", **vehicle: float) -> ko.RoutingProblem:
    cost = ko.parse_formula(fuel, [ko.Variable("km", "km")], ko.Variable("fuel", "EUR"))
    minutes = ko.parse_formula("2 * km", [NEAR], ko.Variable("minutes", "min"))
    van = routing.VehicleType("van", shift_start=480, shift_end=1200, **vehicle)
    return ko.RoutingProblem(
        [routing.Depot("depot", 0, 0)],
        [routing.Client("a", 3, 4), routing.Client("b", 6, 8)],
        [van],
        cost={"fuel": cost.bind(km=refs.arc.distance)},
        duration=minutes.bind(km=refs.arc.distance),
    )


def shop() -> ko.SchedulingProblem:
    length = ko.parse_formula(
        "2 * work", [ko.Variable("work", "min", low=1, high=5)], ko.Variable("t", "min")
    )
    return ko.SchedulingProblem(
        jobs=[scheduling.Job("j1", due_date=10.0, tardiness_cost=2.0), scheduling.Job("j2")],
        tasks=[scheduling.Task("a", "j1"), scheduling.Task("b", "j1"), scheduling.Task("c", "j2")],
        machines=[scheduling.Machine("saw"), scheduling.Machine("drill")],
        modes=[
            scheduling.Mode("a", "saw", attributes={"work": 4.0}),
            scheduling.Mode("b", "drill", attributes={"work": 6.0}),
            scheduling.Mode("c", "saw", attributes={"work": 1.0}),
        ],
        duration=length.bind(work=refs.mode.work),
        makespan_cost=1.0,
    )


SHIPMENT = ko.parse_formula(
    "2 * load - 30", [ko.Variable("load", "t", low=0, high=5)], ko.Variable("c", "EUR")
)
SPEED = ko.parse_formula("(x - 3)^2", [ko.Variable("x", low=0, high=2)], ko.Variable("cost", "EUR"))
KINDS: dict[str, tuple[Problem, object, tuple[str, ...]]] = {
    "routing": (
        routes(),
        [["a", "b"]],
        (
            "duration is used outside its data on 1 of 3 legs",
            "cost 'fuel' is below zero on 3 of 3 legs and counted as 0",
        ),
    ),
    "scheduling": (
        shop(),
        [
            {"task": "a", "machine": "saw", "start": 0.0},
            {"task": "b", "machine": "drill", "start": 8.0},
            {"task": "c", "machine": "saw", "start": 8.0},
        ],
        ("duration is used outside its data on 1 of 3 tasks",),
    ),
    "supply": (
        small(tariff=SHIPMENT.bind(load=refs.state.weight), planning={"state.weight": 20.0}),
        [
            {"tail": "mill", "head": "north", "period": "1", "quantity": 6.0},
            {"tail": "north", "head": "Lyon", "period": "1", "quantity": 4.0},
        ],
        (
            "tariff is below zero on 2 of 2 flows and counted as 0",
            "tariff is used outside its data on 1 of 2 flows",
        ),
    ),
    "decisions": (
        ko.DecisionProblem({"x": (0.0, 4.0)}, {"speed": SPEED}, [decisions.at_most({"x": 1.0}, 4.0)]),
        {"x": 3.0},
        ("law 'speed' is used outside its data",),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_price_cannot_be_trusted_for_is_in_every_headline(kind: str) -> None:
    problem, decision, caveats = KINDS[kind]
    result = ko.evaluate(problem, problem.plan_from(decision))
    assert result.assessment is not None
    assert result.assessment.law_caveats == caveats
    text, headline = str(result), ko.explain(result).text().partition("\n\n")[0]
    for clause in caveats:
        assert clause in text
        assert clause[1:] in headline


def change_of(problem: Problem, plan: object, law: str, changes: list[list[float]]) -> list[float]:
    """Return the changes of price with changes of what a law says."""
    use = next(use for use in problem.assess(plan).law_uses if use.law == law)
    assert use.price_change is not None
    return use.price_change(np.array(changes)).tolist()


def test_a_delay_costs_what_the_referee_says() -> None:
    """Legs that take longer or shorter cost what the plan costs with those travel times in a matrix."""
    rates = {"unit_duration_cost": 0.5, "shift_duration": 50.0, "unit_overtime_cost": 0.25}
    problem = routes("2 * km", **rates)
    clients = [routing.Client("a", 3, 4, earliest=500), routing.Client("b", 6, 8)]
    problem = replace(problem, clients=clients)
    plan = problem.assess(problem.plan_from([["a", "b"]])).settled().plan
    base = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 10.0], [20.0, 10.0, 0.0]])
    rng = np.random.default_rng(0)
    for changes in rng.uniform(-8.0, 20.0, (20, 3)):
        times = base.copy()
        times[0, 1] += changes[0]
        times[1, 2] += changes[1]
        times[2, 0] += changes[2]
        other = replace(problem, duration=times)
        expected = other.price(plan).objective - problem.price(plan).objective
        assert change_of(problem, plan, "duration", [changes.tolist()]) == pytest.approx([expected])


def test_a_longer_task_moves_what_follows_it() -> None:
    problem = shop()
    plan = problem.plan_from(KINDS["scheduling"][1])
    order = problem.assess(plan).simulation.task.tolist()
    longer = [[float(task == each) for task in order] for each in range(3)]
    found = change_of(problem, plan, "duration", longer)
    # a and b are a chain that ends last (1 for the makespan) and late (2 for the job); c ends before it
    assert found == pytest.approx([3.0, 3.0, 0.0])
    assert change_of(problem, plan, "duration", [[-1.0] * 3]) == pytest.approx([-3.0])


def _less(**reads: object) -> BoundFormula:
    (name,) = reads
    return ko.parse_formula(f"{name} - 5", [ko.Variable(name)], ko.Variable("less")).bind(**reads)


def _links() -> object:
    links = pd.DataFrame({"tail": ["a", "b"], "head": ["b", "a"], "length": [2.0, 9.0]})
    return RoadNetwork(links, _less(km=refs.link.length)).times


def _served(**changes: object) -> Callable[[], object]:
    problem = routes("2 * km")
    return lambda: ko.solve(replace(problem, **changes), time_limit=1)


SERVICE = routing.RoutingPolicy(service=_less(y=refs.client.y))
FEW_KM = {"duration": _less(km=refs.arc.distance), "clients": [routing.Client("a", 3, 3)]}
MARKETS = [Market("Lyon", x=1, y=1), Market("Nice", x=9, y=1)]


@pytest.mark.parametrize(
    ("planned", "told"),
    [
        (_served(policy=SERVICE), r"service \(law 'less'\) falls to −1 on 1 of 2 \w+ \(van 1: a\)"),
        (_served(**FEW_KM), r"duration \(law 'less'\) falls to −0.757359 on 2 of 2 legs"),
        (lambda: replace(shop(), duration=_less(work=refs.mode.work)), r"duration \(law 'less'\) falls to −"),
        (lambda: small(demand=_less(x=refs.market.x), markets=MARKETS), r"demand \(law 'less'\) falls to −"),
        (_links, r"travel time \(law 'less'\) falls to −3 on link .* \(1 of 2 links\)"),
    ],
)
def test_a_law_of_time_or_an_amount_below_zero_refuses_the_plan(
    planned: Callable[[], object], told: str
) -> None:
    with pytest.raises(FormulaError, match=rf"{told}.*max\(0, …\)"):
        planned()


def test_what_rounding_leaves_of_zero_refuses_nothing() -> None:
    law = ko.parse_formula("2 * km - 1e-13", [ko.Variable("km", "km")], ko.Variable("t", "min"))
    twice = [routing.Client("a", 3, 4), routing.Client("b", 3, 4)]
    assert _served(clients=twice, duration=law.bind(km=refs.arc.distance))().has_plan
