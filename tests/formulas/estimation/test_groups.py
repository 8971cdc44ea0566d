import math

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Formula, Table, Variable, parse_formula
from kanopt.formulas.estimation import fit_groups
from kanopt.formulas.parameters import parameters_of

X, Z, OUT = Variable("x"), Variable("z"), Variable("out")
POWER = parse_formula("a * x ^ b + c * z", [X, Z], OUT, constants={"a": 1.0, "b": 1.0, "c": 1.0})
MEAN = parse_formula("m", [X], OUT, constants={"m": 0.0})


def simulated(seed, groups=20, most=25):
    """Return rows of a power law whose scale and exponent differ between groups, and these."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, most, groups)
    codes = np.repeat(np.arange(groups), counts)
    truth = {"a": rng.normal(2.0, 0.4, groups), "b": rng.normal(0.8, 0.05, groups)}
    x, z = rng.uniform(1, 50, len(codes)), rng.uniform(0, 5, len(codes))
    out = truth["a"][codes] * x ** truth["b"][codes] + 1.5 * z + rng.normal(0, 2.0, len(codes))
    kind = np.array([f"type {code}" for code in codes], dtype=object)
    return {"x": x, "z": z, "kind": kind, "out": out}, truth, counts


def test_balanced_means_agree_with_the_closed_form():
    rng = np.random.default_rng(1)
    groups, n = 8, 6
    y = rng.normal(10, 2, groups)[:, None] + rng.normal(0, 1.5, (groups, n))
    kind = np.repeat([f"g{i}" for i in range(groups)], n)
    found = fit_groups(MEAN, {"kind": kind, "out": y.ravel()}, "kind", "m")
    within = np.square(y - y.mean(axis=1, keepdims=True)).sum() / (groups * (n - 1))
    among = n * np.square(y.mean(axis=1) - y.mean()).sum() / (groups - 1)
    spread = (among - within) / n
    weight = n * spread / (within + n * spread)
    assert found.noise**2 == pytest.approx(within, rel=1e-6)
    assert found.between["m"] == pytest.approx(spread, rel=1e-5)
    np.testing.assert_allclose(found.table.weight, weight, rtol=1e-5)
    np.testing.assert_allclose(found.table.pooled, y.mean() + weight * (y.mean(axis=1) - y.mean()), rtol=1e-6)
    (mean,) = found.population.constants
    assert mean.value == pytest.approx(y.mean())
    assert mean.standard_error == pytest.approx(math.sqrt(among / n / groups), rel=1e-5)
    assert found.population.covariance.degrees_of_freedom == groups - 1
    expected = spread * (1 - weight) + (1 - weight) ** 2 * among / n / groups
    # were the spread known, the error of a group would be that of the text books; it is not, and the error is larger
    assert (found.table.standard_error**2 > 0.98 * expected).all()
    assert expected < found.table.standard_error.mean() ** 2 < 1.2 * expected


@pytest.mark.slow
def test_borrowing_beats_all_together():
    errors = {kind: [] for kind in ("pooled", "full")}
    for seed in range(3):
        rows, truth, _ = simulated(seed)
        found = fit_groups(POWER, rows, "kind", ["a", "b"])
        full = parameters_of(POWER.refit(rows).root)
        for name, true in truth.items():
            lines = found.table[found.table.constant == name].set_index("group")
            lines = lines.loc[[f"type {place}" for place in range(len(true))]]
            scale = true.std()
            errors["pooled"].append(np.square((lines.pooled - true) / scale).mean())
            errors["full"].append(np.square((full[name] - true) / scale).mean())
    assert np.mean(errors["pooled"]) < 0.5 * np.mean(errors["full"])


@pytest.mark.slow
def test_errors_are_as_large_as_the_standard_errors_say():
    law = parse_formula("m + s * x", [X], OUT, constants={"m": 0.0, "s": 0.0})
    scores = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        codes = np.repeat(np.arange(20), rng.integers(1, 25, 20))
        m, s, x = rng.normal(2, 0.4, 20), rng.normal(0.8, 0.05, 20), rng.uniform(0, 10, len(codes))
        out = m[codes] + s[codes] * x + rng.normal(0, 0.5, len(codes))
        found = fit_groups(law, {"x": x, "kind": codes, "out": out}, "kind", ["m", "s"])
        for name, true in (("m", m), ("s", s)):
            lines = (
                found.table[found.table.constant == name].set_index("group").loc[[str(k) for k in range(20)]]
            )
            scores += ((lines.pooled - true) / lines.standard_error).tolist()
    assert 0.92 <= np.mean(np.abs(scores) < 2) < 0.98


@pytest.mark.slow
def test_one_formula_holds_all_groups_and_a_mean_for_the_rest():
    rows, _, _ = simulated(5)
    found = fit_groups(POWER, pd.DataFrame(rows), "kind", ["a", "b"])
    assert str(found.formula).startswith("a(kind) · x^(b(kind)) + ")
    tables = [part for part in found.formula.root.terms[0].children if isinstance(part, Table)]
    assert tables[0].fallback == found.population.constants[0].value
    for group in ("type 0", "type 3"):
        here = {name: column[rows["kind"] == group] for name, column in rows.items()}
        np.testing.assert_allclose(found.formula.evaluate(here), found.law(group).evaluate(here))
    new = {"x": 3.0, "z": 1.0, "kind": "type 99"}
    assert found.formula.evaluate(new) == pytest.approx(found.population.evaluate(new))
    assert found.formula.outside(new)
    assert not found.formula.outside({**new, "kind": "type 0"})
    assert found.formula.covariance.names == ("c",)
    assert found.law("type 0").covariance.names == ("a", "b", "c")
    assert found.formula.provenance["refitted"] == (
        f"a, b by kind (20 groups, partial pooling) on {len(rows['x'])} rows by least squares; shared: c"
    )
    assert Formula.from_json(found.formula.to_json()) == found.formula
    assert repr(found).startswith("<GroupedLaw of 20 groups by kind: out = a(kind)")
    with pytest.raises(FormulaError, match="no group 'type 99' of 'kind'; did you mean 'type 9'"):
        found.law("type 99")


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({"kind": ["van"] * 40}, {}, "one group only, 'van'; refit the law instead"),
        ({"kind": [f"k{i}" for i in range(40)]}, {}, "too few rows, 40 in 40 groups"),
        ({"kind": [None] + ["a", "b"] * 19 + ["a"]}, {}, "'kind' has 1 missing value"),
        ({}, {"by": "knd"}, "no column 'knd'; did you mean 'kind'"),
        ({}, {"by": "x"}, "'x' is a number of the law"),
        ({}, {"by": "out"}, "'out' is a number of the law"),
        ({}, {"vary": ["q"]}, "no constant 'q' that could vary; known: 'a', 'b', 'c'"),
        ({}, {"vary": []}, "name one or more constants that vary"),
        ({"out": np.linspace(-1, 1, 40)}, {"log_target": True}, "positive values"),
        ({"x": np.full(40, -1.5)}, {}, "no finite value|do not identify|no derivative"),
    ],
)
def test_what_cannot_be_pooled_is_refused(change, arguments, message):
    rng = np.random.default_rng(0)
    rows = {"x": rng.uniform(1, 9, 40), "z": rng.uniform(1, 9, 40), "kind": ["a", "b", "c", "d"] * 10}
    rows = {**rows, "out": rows["x"] + rows["z"] + 0.1 * rng.normal(size=40), **change}
    with pytest.raises((FitError, FormulaError), match=message):
        fit_groups(POWER, rows, **{"by": "kind", "vary": ["a"], **arguments})
