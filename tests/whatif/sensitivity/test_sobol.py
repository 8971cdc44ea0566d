"""Sobol's indices: known ones of Ishigami's function, scipy's estimates, closed forms, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import sobol_indices

import kanopt as ko
from kanopt.errors import FormulaError, ScenarioError
from kanopt.whatif import SweepOptions, factors, load_scenario, sobol
from kanopt.whatif.sensitivity.sobol import _indices
from tests.cases.choice_scenario import PRICE, choice

ISHIGAMI = ko.parse_formula(
    "sin(a) + 7 * sin(b)^2 + 0.1 * c^4 * sin(a)",
    [ko.Variable(name) for name in "abc"],
    ko.Variable("y", "EUR"),
)


def test_the_indices_of_ishigamis_function_are_the_known_ones():
    found = sobol(ISHIGAMI, dict.fromkeys("abc", (-np.pi, np.pi)), samples=4096)
    # Ishigami and Homma 1990, with a = 7 and b = 0.1
    variance = 49 / 8 + 0.1 * np.pi**4 / 5 + 0.01 * np.pi**8 / 18 + 0.5
    first = {"a": 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2 / variance, "b": 49 / 8 / variance, "c": 0.0}
    joint = 0.01 * np.pi**8 * 8 / 225 / variance
    total = {"a": first["a"] + joint, "b": first["b"], "c": joint}
    frame = found.frame.set_index("input")
    for name in "abc":
        row = frame.loc[name]
        assert row["first"] == pytest.approx(first[name], abs=0.02)
        assert row["total"] == pytest.approx(total[name], abs=0.02)
        assert row["first_low"] - 0.01 <= first[name] <= row["first_high"] + 0.01
        assert row["total_low"] - 0.01 <= total[name] <= row["total_high"] + 0.01
    assert frame.index.tolist() == ["a", "b", "c"]
    assert found.deviation == pytest.approx(variance**0.5, rel=0.02)
    assert found.evaluations == 4096 * 5


def test_estimates_are_those_of_scipy():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(5, 256))
    first, total = _indices(values)
    peer = sobol_indices(func={"f_A": values[:1], "f_B": values[1:2], "f_AB": values[2:, None]}, n=256)
    assert first == pytest.approx(peer.first_order.ravel(), abs=1e-9)
    assert total == pytest.approx(peer.total_order.ravel(), abs=1e-9)


@given(st.lists(st.floats(0.5, 10), min_size=2, max_size=5), st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_of_a_sum_the_indices_are_shares_of_the_variance(weights, seed):
    names = [f"x{k}" for k in range(len(weights))]
    text = " + ".join(f"{weight} * {name}" for weight, name in zip(weights, names, strict=True))
    law = ko.parse_formula(text, [ko.Variable(name) for name in names], ko.Variable("y"))
    frame = sobol(law, dict.fromkeys(names, (2.0, 3.0)), options=SweepOptions(seed=seed)).frame
    shares = np.square(weights) / np.square(weights).sum()
    found = frame.set_index("input").loc[names]
    assert found["first"].to_numpy() == pytest.approx(shares, abs=0.05)
    assert found["total"].to_numpy() == pytest.approx(shares, abs=0.02)
    assert (frame["total_low"] <= frame["total"] + 1e-9).all()


def test_of_a_plan_that_is_kept_prices_are_those_of_its_terms(shared_tiny):
    scenario = load_scenario(shared_tiny)
    axes = {"vehicles.fuel_price": (1.0, 2.0), "vehicles.fixed_cost": factors(0.5, 1.5, 2)}
    found = sobol(scenario, axes, samples=128, plan="today")
    # litres times the price, and fixed costs times the factor: variances of two even draws
    base = scenario.run(time_limit=0.1).today
    terms = base.pricing.terms()
    litres = scenario.set("vehicles.fuel_price", 1.0)
    litres = ko.evaluate(litres.build(litres.formulas({})), base.plan).pricing.terms()["fuel"]
    fixed = terms.drop("fuel").sum()
    shares = np.array([litres**2, fixed**2]) / (litres**2 + fixed**2)
    frame = found.frame.set_index("input")
    assert frame.loc[["vehicles.fuel_price", "vehicles.fixed_cost ×"], "total"].to_numpy() == pytest.approx(
        shares, abs=0.02
    )
    assert found.unit == "EUR"
    again = sobol(scenario, axes, samples=128, plan="today")
    assert again.frame.equals(found.frame)


@pytest.mark.slow
def test_planned_anew_a_price_varies_less(tmp_path):
    scenario = choice(tmp_path, "250 * price * (1 - n) + 480 * n", price=1.6, high=1)
    kept, anew = (
        sobol(scenario, {PRICE: (1.2, 3.0)}, samples=4, plan=plan, options=SweepOptions(time_limit=0.5))
        for plan in ("kept", "anew")
    )
    assert anew.deviation < kept.deviation
    assert kept.frame["total"].item() == pytest.approx(1.0, abs=0.6)


def test_other_inputs_of_a_law_are_held():
    with pytest.raises(FormulaError, match="say what 'c' is held at"):
        sobol(ISHIGAMI, {"a": (0, 1), "b": (0, 1)})
    found = sobol(ISHIGAMI, {"a": (0, 1), "b": (0, 1)}, at={"c": 2.0}, samples=64)
    assert found.notes == ("held: c at 2.0",)
    assert "y: mean" in found.text()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"samples": 1000}, ScenarioError, "a power of two"),
        ({"confidence": 1.0}, ScenarioError, "between 0 and 1"),
        ({"plan": "new"}, ScenarioError, "unknown word 'new'"),
        ({"ranges": {"d": (0, 1)}}, FormulaError, "no numeric input 'd'"),
        ({"ranges": {"a": (1, 0)}}, FormulaError, r"\(low, high\)"),
        ({"ranges": {}}, FormulaError, "name an input"),
        ({"at": {"a": 1.0}}, FormulaError, "at holds 'a'"),
    ],
)
def test_mistakes_are_told(changes, error, message):
    given = {"ranges": dict.fromkeys("abc", (0, 1)), **changes}
    with pytest.raises(error, match=message):
        sobol(ISHIGAMI, given.pop("ranges"), **given)


def test_prices_that_do_not_compare_are_refused(shared_tiny):
    scenario = load_scenario(shared_tiny)
    with pytest.raises(ScenarioError, match=r"at \d+ of 8 points the plan breaks rules or leaves out"):
        sobol(scenario, {"vehicles.capacity": factors(0.5, 1.5, 2)}, samples=4, plan="today")
    with pytest.raises(ScenarioError, match="nothing varies"):
        sobol(scenario, {"vehicles.capacity": factors(1.5, 2, 2)}, samples=4, plan="today")
