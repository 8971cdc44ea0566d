import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq, least_squares
from scipy.stats import t

from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Constant, Curve, Formula, Input, Variable, parse_formula
from kanopt.formulas.estimation import intervals
from tests.formulas.estimation.references import REFERENCES

X, OUT = Variable("x"), Variable("out")
RNG = np.random.default_rng(11)
x = RNG.uniform(1.0, 20.0, 80)
LINE = parse_formula("a + b * x", [X], OUT, constants={"a": 1.0, "b": 1.0})
ROWS = {"x": x, "out": 4.0 - 0.3 * x + 0.5 * RNG.normal(size=80)}
FITTED = LINE.refit(ROWS)


def reference(name):
    known = REFERENCES[name]
    constants = {f"b{place + 1}": value for place, value in enumerate(known.values)}
    rows = {"x": known.x, "out": known.y}
    return parse_formula(known.text, [X], OUT, constants=constants).refit(rows), rows


def test_wald_is_the_interval_of_the_text_book():
    found = FITTED.intervals(0.9)
    errors = np.array([constant.standard_error for constant in FITTED.constants])
    np.testing.assert_allclose(found.high - found.estimate, t.ppf(0.95, 78) * errors)
    np.testing.assert_allclose(found.estimate - found.low, t.ppf(0.95, 78) * errors)
    assert found.index.tolist() == ["a", "b"]
    assert found.index.name == "constant"
    assert found.columns.tolist() == ["estimate", "standard_error", "low", "high", "method"]
    assert set(found.method) == {"wald"}


def test_the_profile_of_a_linear_law_is_straight():
    straight = FITTED.intervals(0.95)
    found = FITTED.intervals(0.95, ROWS)
    np.testing.assert_allclose(found[["low", "high"]], straight[["low", "high"]], rtol=5e-4)
    assert set(found.method) == {"wald"}


BY_HAND = {
    "BoxBOD": lambda x, b1, b2: b1 * (1 - np.exp(-b2 * x)),
    "Misra1a": lambda x, b1, b2: b1 * (1 - np.exp(-b2 * x)),
    "Rat42": lambda x, b1, b2, b3: b1 / (1 + np.exp(b2 - b3 * x)),
    "Eckerle4": lambda x, b1, b2, b3: b1 / b2 * np.exp(-0.5 * ((x - b3) / b2) ** 2),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_ends_agree_with_an_independent_profile_or_are_nearly_straight(name):
    law, rows = reference(name)
    names = [constant.name for constant in law.constants]
    best = np.array([constant.value for constant in law.constants])
    scale = np.array([constant.standard_error for constant in law.constants])

    def residual(theta):
        return rows["out"] - BY_HAND[name](rows["x"], **dict(zip(names, theta, strict=True)))

    least = float(np.square(residual(best)).sum())
    freedom = len(rows["x"]) - len(best)
    reach = t.ppf(0.975, freedom)
    found = law.intervals(0.95, rows)
    for place in range(len(best)):

        def excess(value, place=place):
            def others(free):
                return residual(np.insert(best_others + free * scale_others, place, value))

            best_others, scale_others = np.delete(best, place), np.delete(scale, place)
            fit = least_squares(others, np.zeros(len(best) - 1), xtol=1e-13, ftol=1e-13, gtol=1e-13)
            return math.sqrt(max(2 * fit.cost - least, 0.0) / (least / freedom)) - reach

        row = found.loc[names[place]]
        near = 2e-3 if row.method == "profile" else 0.12
        for end in (row.low, row.high):
            step = end - best[place]
            exact = brentq(excess, best[place] + 0.8 * step, best[place] + 1.2 * step, xtol=1e-10)
            assert abs(end - exact) < near * abs(step)


def test_auto_profiles_what_bends_and_leaves_the_rest():
    law, rows = reference("BoxBOD")
    auto = law.intervals(table=rows)
    assert set(auto.method) == {"profile"}
    assert auto.high["b2"] - auto.estimate["b2"] > 1.5 * (auto.estimate["b2"] - auto.low["b2"])
    straight, rows = reference("Eckerle4")
    assert set(straight.intervals(table=rows).method) == {"wald"}


def test_an_end_that_the_rows_do_not_set_is_infinite():
    rows = {"x": np.arange(1.0, 9.0), "out": np.array([0.2, 0.5, 0.9, 1.0, 1.1, 0.9, 1.0, 1.05])}
    law = parse_formula("1 / (1 + (x / k) ^ -h)", [X], OUT, constants={"k": 2.0, "h": 3.0}).refit(rows)
    high = law.intervals(0.99999, rows).high
    assert math.isinf(high["h"])


def test_robust_errors_stretch_the_profile():
    rows = {**ROWS, "out": ROWS["out"] + 0.2 * (x - 10) * RNG.normal(size=80)}
    robust = LINE.refit(rows, robust=True)
    np.testing.assert_allclose(
        robust.intervals(0.95, rows)[["low", "high"]],
        robust.intervals()[["low", "high"]],
        rtol=2e-3,
    )


def test_weights_and_logarithms_are_those_of_the_refit():
    law = parse_formula("a * x ^ b", [X], OUT, constants={"a": 1.0, "b": 1.0})
    rows = {"x": x, "out": 0.5 * x**0.8 * np.exp(0.3 * RNG.normal(size=80)), "w": x}
    how = {"weight": "w", "log_target": True}
    found = law.refit(rows, **how)
    profile = found.intervals(0.95, rows, **how)
    wald = found.intervals(0.95)
    np.testing.assert_allclose(profile.loc["b", ["low", "high"]], wald.loc["b", ["low", "high"]], rtol=1e-3)
    # the logarithm of the factor is what the rows speak of
    np.testing.assert_allclose(
        np.log(profile.loc["a", ["low", "high"]].astype(float)),
        math.log(wald.estimate["a"])
        + np.array([-1, 1]) * t.ppf(0.975, 78) * wald.standard_error["a"] / wald.estimate["a"],
        rtol=2e-3,
    )
    with pytest.raises(FitError, match="not those that fit this table best"):
        found.intervals(0.95, rows)
    with pytest.raises(FitError, match="positive values"):
        found.intervals(0.95, {**rows, "out": x - 9}, **how)


def test_coefficients_of_curves_have_intervals_too():
    curve = Curve("s", Input("x"), (0.0,) * 5, 1.0, 20.0)
    law = Formula(curve + Constant(1.0, "b") * Input("x"), (X,), OUT).refit(ROWS, only=["s"])
    wald, profile = law.intervals(), law.intervals(0.95, ROWS)
    assert wald.index.tolist() == [f"s[{place}]" for place in range(5)]
    np.testing.assert_allclose(profile[["low", "high"]], wald[["low", "high"]], rtol=1e-3)
    torn = replace(law, covariance=law.covariance.restrict(["s[1]"]))
    with pytest.raises(FormulaError, match="part of a curve or table only"):
        torn.intervals(0.95, ROWS)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(FitError, match=r"between 0 and 1, such as 0\.95, not 95"):
        intervals(FITTED, 95)
    with pytest.raises(FormulaError, match="no constant with a name has a standard error; refit"):
        intervals(LINE)
    with pytest.raises(FitError, match="not those that fit this table best"):
        intervals(LINE, table=ROWS)
    with pytest.raises(FitError, match="more rows than constants"):
        intervals(FITTED, table={"x": x[:2], "out": ROWS["out"][:2]})


def test_a_minimum_that_is_not_the_lowest_is_noticed():
    rows = {"x": np.linspace(0.0, 6.0, 40)}
    rows["out"] = np.sin(2.0 * rows["x"]) + 0.05 * np.cos(31 * rows["x"])
    law = parse_formula("sin(w * x)", [X], OUT, constants={"w": 2.0}).refit(rows)
    assert law.constants[0].value == pytest.approx(2.0, abs=0.01)
    assert law.intervals(0.95, rows).high["w"] < 2.02
