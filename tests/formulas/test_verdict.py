"""A learned law is good, usable or weak, for reasons that say what to do; so is one that was read from a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.formulas import (
    Domain,
    ErrorModel,
    Fit,
    Formula,
    Variable,
    parse_formula,
    weak_laws,
)

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
