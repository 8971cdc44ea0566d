"""The band that the errors of laws put on a price holds what a plan turns out to cost as often as it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import refs, routing
from kanopt.formulas import Domain, Fit, Formula, Variable, parse_formula
from kanopt.problems.law_use import LawUse
from kanopt.problems.money_at_stake import MoneyAtStake, money_at_stake

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
    law = learned(km, 0.3 * km + 1.0 + 0.5 * rng.standard_normal(200))
    law = replace(law, output=Variable("fuel", "EUR"))
    problem = ko.RoutingProblem(
        [routing.Depot("depot", 0, 0)],
        [routing.Client("a", 3, 4), routing.Client("b", 6, 8)],
        [routing.VehicleType("van", fixed_cost=10)],
        cost={"fuel": law.bind(km=refs.arc.distance)},
        duration=np.ones((3, 3)),
    )
    result = ko.evaluate(problem, problem.plan_from([["a", "b"]]))
    stake = result.money_at_stake
    assert stake is not None
    assert stake.low < result.objective < stake.high
    assert stake.text("EUR") in str(result)
    why = ko.explain(result)
    assert stake.text("EUR")[1:] in why.text().partition("\n\n")[0]
    assert why.money_at_stake()["law"].tolist() == ["fuel"]
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
    assert (stake.low, stake.high, stake.outside_words()) == (-np.inf, np.inf, "")
    assert "no range can be told" in stake.text("EUR")


def test_a_price_outside_its_own_band_is_told_as_such() -> None:
    dearer, earned = MoneyAtStake(281.48, 304.45, 614.41, 0.9, ()), MoneyAtStake(-50.0, -80.0, -60.0, 0.9, ())
    assert "between 304.45 and 614.41 EUR, not 281.48 EUR" in dearer.text("EUR")
    # a cost of -80 to -60 is 60 to 80 earned, more than the 50 that the laws say
    assert "between 60.00 and 80.00 EUR, not 50.00 EUR" in earned.text("EUR", earned=True)
    assert not MoneyAtStake(70.0, 60.0, 80.0, 0.9, ()).outside_words()
