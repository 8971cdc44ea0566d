"""A learned law is good, usable or weak, for reasons that say what to do; so is one that was read from a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.formulas import (
    Constant,
    Domain,
    ErrorModel,
    Fit,
    Formula,
    Maximum,
    Variable,
    parse_formula,
    weak_laws,
)
from kanopt.formulas.plausibility import held_share

KM, MINUTES = Variable("km", "km"), Variable("minutes", "min")
ROWS = np.linspace(1.0, 40.0, 400)
RNG = np.random.default_rng(3)


def learned(text: str, noise: float = 0.0, bias: float = 1.0, rows: np.ndarray = ROWS) -> Formula:
    """Return a law as if it was learned from rows that lie around it."""
    law = parse_formula(text, [KM], MINUTES)
    predicted = law.evaluate({"km": rows})
    actual = predicted / bias + noise * RNG.standard_normal(len(rows))
    fit = Fit.of(actual, predicted, rows_train=len(rows), lowest=float(actual.min()))
    return replace(law, fit=fit, domain=Domain.from_rows([KM], {"km": rows}))


def test_a_law_that_predicts_is_good() -> None:
    verdict = learned("3 + 2 * km", noise=2.0).verdict
    assert verdict is not None
    assert (verdict.level, verdict.reasons) == ("good", ())


@pytest.mark.parametrize(
    ("law", "level", "said", "advice"),
    [
        (learned("3 + 2 * km", noise=40.0), "weak", "of the variance", "add columns"),
        (learned("3 + 2 * km", noise=12.0), "usable", "of the variance", "add columns"),
        (learned("3 + 2 * km", bias=1.2, noise=0.5), "weak", "add up to 20 % more", "held-out rows"),
        (learned("3 + 2 * km", bias=0.95, noise=0.5), "usable", "add up to 5.1 % less", "held-out rows"),
        (
            learned("km * (4 - 0.075 * km)"),
            "weak",
            "falls from 53.3 min to 40 min between km 26.6 and 40 km",
            "monotone = { km = 1 }",
        ),
        (learned("3 + 2 * km", rows=np.linspace(1, 40, 20)), "usable", "on 20 held-out rows", "more rows"),
        (
            learned("3 + 2 * km", rows=np.append(np.linspace(1, 40, 200), 90.0)),
            "usable",
            "few rows are behind km 39.2 to 90 km",
            "collect rows",
        ),
    ],
)
def test_each_reason_says_what_to_do(law: Formula, level: str, said: str, advice: str) -> None:
    verdict = law.verdict
    assert verdict is not None
    assert verdict.level == level
    assert said in str(verdict)
    assert advice in str(verdict)


def test_values_below_zero_count_where_no_row_has_them() -> None:
    law = learned("2 * km - 6", noise=0.01)
    assert law.fit is not None
    assert law.verdict is not None
    assert law.verdict.level == "good"  # rows are below zero as well
    positive = replace(law, fit=replace(law.fit, lowest=0.5))
    assert positive.verdict is not None
    assert positive.verdict.level == "weak"
    assert "falls to −3.95 min inside its data" in str(positive.verdict)


def test_a_corner_below_zero_in_which_hardly_a_row_is_expected_is_no_matter() -> None:
    law = learned("2 * km - 2.01", noise=0.01)
    assert law.fit is not None
    assert law.evaluate({"km": 1.0}) < 0.0
    positive = replace(law, fit=replace(law.fit, lowest=0.1))
    assert positive.verdict is not None
    assert positive.verdict.level == "good"


def test_a_law_that_is_only_held_above_zero_is_usable() -> None:
    held = learned("max(0.5, 2 * km - 10)", noise=0.01)
    assert held.verdict is not None
    assert held.verdict.level == "usable"
    assert "of its domain and is held at 0.5 min there" in str(held.verdict)
    minimum_charge = learned("max(20, 2 * km)", noise=0.01)
    assert minimum_charge.verdict is not None
    assert minimum_charge.verdict.level == "good"
    assert held_share(held) is not None
    assert isinstance(held.root, Maximum)
    others = (part for part in held.root.parts if not isinstance(part, Constant))
    estimated = replace(held, root=Maximum((Constant(0.5, "c9"), *others)))
    assert held_share(estimated) is None  # it is part of the law


def test_a_fall_that_is_proved_not_to_be_or_is_expected_is_none() -> None:
    speed = Variable("speed", "km/h")
    law = replace(parse_formula("600 / speed", [speed], MINUTES), domain=learned("km").domain)
    rows = np.linspace(20, 90, 100)
    fit = Fit.of(600 / rows, 600 / rows, rows_train=100)
    law = replace(law, fit=fit, domain=Domain.from_rows([speed], {"speed": rows}))
    assert law.verdict is not None
    assert law.verdict.level == "good"


def test_laws_read_from_a_file_and_laws_built_on_others_have_one() -> None:
    law = learned("km * (4 - 0.075 * km)")
    read = Formula.from_json(law.to_json())
    assert read == law
    assert read.verdict == law.verdict
    cost = parse_formula("0.4 * minutes + 2", [], Variable("cost", "EUR"), laws={"minutes": law})
    assert [part.output.name for part in cost.parts] == ["minutes"]
    assert cost.verdict is not None
    assert cost.verdict.level == "weak"
    assert Formula.from_json(cost.to_json()) == cost
    assert weak_laws([cost, law]) == weak_laws([law])
    assert weak_laws([law])[0].startswith("The law minutes is weak: it falls from")
    assert parse_formula("2 * km", [KM], MINUTES).verdict is None


def test_the_error_model_finds_bias_and_noise() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.gamma(2.0, 10.0, 4000)
    for power in (0.0, 0.5, 1.0):
        spread = 0.3 * 20.0 ** (1.0 - power)
        actual = 2.0 + 0.9 * predicted + spread * predicted**power * rng.standard_normal(4000)
        model = ErrorModel.of(actual, predicted)
        assert model is not None
        assert model.power == power
        assert model.spread == pytest.approx(spread, rel=0.1)
        assert abs(model.factor - 0.9) < 4 * np.sqrt(model.covariance[2])
        assert abs(model.shift - 2.0) < 4 * np.sqrt(model.covariance[0])
    assert ErrorModel.of([1.0, 2.0], [1.0, 2.0]) is None


def test_a_bias_that_chance_explains_is_weighed_against_the_rows_learned_from() -> None:
    rng = np.random.default_rng(4)
    predicted = rng.uniform(5.0, 40.0, 100)
    noise = 2.0 * rng.standard_normal(100)
    noise -= noise.mean()
    for bias, least, most in ((0.2, 0.04, 0.06), (2.0, 1.6, 1.99), (20.0, 19.9, 20.0)):
        alone = ErrorModel.of(predicted + bias + noise, predicted)
        among = ErrorModel.of(predicted + bias + noise, predicted, rows_train=300)
        assert alone is not None
        assert among is not None
        rise = np.full(100, 0.01)
        assert alone.total(predicted, rise)[0] == pytest.approx(bias, rel=0.2)
        assert least <= among.total(predicted, rise)[0] <= most
        assert among.covariance == alone.covariance
    assert ErrorModel.of(predicted, predicted, rows_train=300).factor == pytest.approx(1.0)


def test_the_sum_of_errors_has_the_mean_and_variance_that_are_told() -> None:
    """Simulated from the model itself: bias adds up as the number of places, noise as its square root."""
    rng = np.random.default_rng(1)
    model = ErrorModel(0.5, 1.1, (0.04, -0.002, 0.0009), 0.2, 1.0, 10.0, 100)
    values, rise = rng.uniform(2.0, 20.0, 30), rng.uniform(0.5, 2.0, 30)
    matrix = [[0.04, -0.002], [-0.002, 0.0009]]
    shift, factor = rng.multivariate_normal([0.5, 1.1], matrix, 20_000).T
    noise = 0.2 * values * rng.standard_normal((20_000, 30))
    total = ((shift[:, None] + (factor[:, None] - 1.0) * values + noise) * rise).sum(axis=1)
    mean, variance = model.total(values, rise)
    assert total.mean() == pytest.approx(mean, rel=0.02)
    assert total.std() == pytest.approx(np.sqrt(variance), rel=0.02)
