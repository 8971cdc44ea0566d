import math
from dataclasses import replace

import numpy as np
import pytest

from kanopt.errors import FitError, FormulaError
from kanopt.formulas import (
    Alternative,
    Domain,
    Fit,
    Formula,
    Range,
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas.estimation import refit
from kanopt.formulas.parameters import parameters_of
from tests.formulas.estimation.references import REFERENCES

X, Y, OUT = Variable("x"), Variable("y"), Variable("out")
RNG = np.random.default_rng(7)
x, y = RNG.uniform(1.0, 20.0, 120), RNG.uniform(0.0, 3.0, 120)
NOISE = RNG.normal(size=120)
LINE = parse_formula("a + b * x + c * y", [X, Y], OUT, constants=dict.fromkeys("abc", 1.0))
LINE_ROWS = {"x": x, "y": y, "out": 4.0 - 0.3 * x + 2.0 * y + 0.5 * NOISE}
DESIGN = np.column_stack([np.ones_like(x), x, y])


def law_of(text, **constants):
    return parse_formula(text, [X, Y], OUT, constants=constants)


def values(law):
    return np.array(list(parameters_of(law.root).values()))


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("start", [0, 1])
def test_certified_values_are_found_from_bad_starts(name, start):
    known = REFERENCES[name]
    constants = {f"b{place + 1}": value for place, value in enumerate(known.starts[start])}
    rows = {"x": known.x, "out": known.y}
    law = parse_formula(known.text, [X], OUT, constants=constants).refit(rows)
    residual = rows["out"] - law.evaluate(rows)
    assert residual @ residual == pytest.approx(known.squares, rel=1e-7)
    assert law.covariance.degrees_of_freedom == len(known.x) - len(known.values)
    found = {constant.name: constant for constant in law.constants}
    ordered = [found[name] for name in constants]
    if name == "MGH17":  # two exponentials, in either order
        ordered = [ordered[i] for i in ((0, 1, 2, 3, 4) if ordered[1].value > 0 else (0, 2, 1, 4, 3))]
    np.testing.assert_allclose([c.value for c in ordered], known.values, rtol=1e-5)
    np.testing.assert_allclose([c.standard_error for c in ordered], known.errors, rtol=1e-5)


def test_a_law_that_is_linear_agrees_with_linear_regression():
    law = LINE.refit(LINE_ROWS)
    expected, squares, *_ = np.linalg.lstsq(DESIGN, LINE_ROWS["out"])
    np.testing.assert_allclose(values(law), expected, rtol=1e-10)
    covariance = squares[0] / 117 * np.linalg.inv(DESIGN.T @ DESIGN)
    np.testing.assert_allclose(law.covariance.array, covariance, rtol=1e-9)
    assert law.covariance.names == ("a", "b", "c")
    assert [c.standard_error for c in law.constants] == pytest.approx(np.sqrt(np.diag(covariance)))


def test_what_is_known_about_the_law_is_new():
    old = replace(
        LINE,
        fit=Fit(0.9, 1.0, 1.0, 1.0, 10, 10),
        domain=Domain((Range("x", 0.0, 1.0),)),
        alternatives=(Alternative(1.0, 2.0),),
        provenance={"text": "mine"},
        per="leg",
    )
    law = old.refit(LINE_ROWS, only=["a", "c"])
    assert (law.fit, law.alternatives, law.per, law.output) == (None, (), "leg", OUT)
    assert law.domain == Domain.from_rows((X, Y), LINE_ROWS)
    assert law.provenance == {"text": "mine", "refitted": "a, c on 120 rows by least squares; held: b"}
    assert Formula.from_json(law.to_json()) == law
    tested = LINE.refit(
        {k: v[:100] for k, v in LINE_ROWS.items()}, test={k: v[100:] for k, v in LINE_ROWS.items()}
    )
    assert (tested.fit.rows_train, tested.fit.rows_test) == (100, 20)
    assert tested.fit.rmse == pytest.approx(0.5, rel=0.4)


def test_weights_are_rows_that_count_more_often():
    weight = RNG.integers(0, 4, 120).astype(float)
    often = {name: np.repeat(column, weight.astype(int)) for name, column in LINE_ROWS.items()}
    weighted = LINE.refit(LINE_ROWS, weight=weight)
    np.testing.assert_allclose(values(weighted), values(LINE.refit(often)), rtol=1e-9)
    assert weighted.provenance["refitted"].endswith("; weighted")
    assert weighted.covariance.degrees_of_freedom == (weight > 0).sum() - 3
    by_name = LINE.refit({**LINE_ROWS, "trips": 10 * weight}, weight="trips")
    np.testing.assert_allclose(by_name.covariance.array, weighted.covariance.array, rtol=1e-9)
    assert by_name.provenance["refitted"].endswith("; weighted by trips")
    root = np.sqrt(weight)[:, None]
    expected = np.linalg.lstsq(DESIGN * root, LINE_ROWS["out"] * root[:, 0])[0]
    np.testing.assert_allclose(values(weighted), expected, rtol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_sandwich_is_that_of_white(weighted):
    weight = np.linspace(0.5, 2.0, 120) if weighted else np.ones(120)
    rows = {**LINE_ROWS, "out": LINE_ROWS["out"] + 0.2 * x * NOISE}
    law = LINE.refit(rows, robust=True, weight=weight)
    assert "HC3" in law.provenance["refitted"]
    design = DESIGN * np.sqrt(weight)[:, None]
    residual = np.sqrt(weight) * (rows["out"] - law.evaluate(rows))
    bread = np.linalg.inv(design.T @ design)
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    expected = bread @ (design.T * (residual / (1 - leverage)) ** 2) @ design @ bread
    np.testing.assert_allclose(law.covariance.array, expected, rtol=1e-8)


def test_logarithms_make_a_power_law_linear():
    law = law_of("a * x ^ b", a=30.0, b=-4.0)
    rows = {"x": x, "out": 0.5 * x**0.8 * np.exp(0.3 * NOISE)}
    found = law.refit(rows, log_target=True)
    design = np.column_stack([np.ones_like(x), np.log(x)])
    line, squares, *_ = np.linalg.lstsq(design, np.log(rows["out"]))
    assert values(found) == pytest.approx([math.exp(line[0]), line[1]])
    covariance = squares[0] / 118 * np.linalg.inv(design.T @ design)
    scale = np.diag([math.exp(line[0]), 1.0])
    np.testing.assert_allclose(found.covariance.array, scale @ covariance @ scale, rtol=1e-6)
    factor = np.exp(np.log(rows["out"]) - design @ line).mean()
    assert f"times {factor:.6g} it gives the mean" in found.provenance["smearing"]
    assert found.provenance["refitted"].endswith("least squares of the logarithm")


@pytest.mark.parametrize(
    ("text", "start", "truth"),
    [
        ("a + b * x ^ h / (k ^ h + x ^ h)", [1, 1, 1, 1], {"a": 2.0, "b": 10.0, "h": 2.5, "k": 7.0}),
        ("m / (1 + exp(-k * (x - u)))", [1, 1, 0], {"m": 20.0, "k": 0.8, "u": 9.0}),
        ("a * exp(-k * x)", [1, 500], {"a": 2.0, "k": 0.1}),
        ("a * log(x - c)", [1, 0], {"a": 2.0, "c": 0.9}),
        ("a * x ^ b + c * (y + 1) ^ d", [1, 1, 1, 1], {"a": 2.0, "b": 0.7, "c": 3.0, "d": -1.9}),
        ("max(a, b * x)", [1.0, 1.0], {"a": 4.0, "b": 0.5}),
    ],
)
def test_laws_of_logistics_are_found_from_ones(text, start, truth):
    known = law_of(text, **truth)
    rows = {"x": x, "y": y}
    clean = known.evaluate(rows)
    rows["out"] = clean + 0.01 * clean.std() * NOISE
    law = law_of(text, **dict(zip(truth, map(float, start), strict=True))).refit(rows)
    residual, noise = rows["out"] - law.evaluate(rows), rows["out"] - clean
    assert residual @ residual <= noise @ noise * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_brackets_are_estimated_also_where_a_row_lies_at_a_bend(seed):
    rng = np.random.default_rng(seed)
    rows = {"x": rng.uniform(2.0, 14.0, 1600), "y": rng.uniform(12.0, 31.0, 1600)}
    truth = {"a": 1.0, "b": 1.25, "c": 2.0, "d": 1.5, "e": 4.5}
    law = law_of("y * max(a * x, b * x - c, d * x - e)", **truth)
    clean = law.evaluate(rows)
    rows["out"] = clean + 0.01 * clean.std() * rng.standard_normal(1600)
    residual, noise = rows["out"] - law.refit(rows).evaluate(rows), rows["out"] - clean
    assert residual @ residual <= noise @ noise


@pytest.mark.parametrize(
    ("law", "rows", "message"),
    [
        (law_of("2 * x"), LINE_ROWS, "no constant with a name"),
        (LINE, {k: v[:3] for k, v in LINE_ROWS.items()}, "3 rows are too few to estimate 3 numbers"),
        (LINE, {"x": x, "y": y}, "no column 'out', the output; known: 'x', 'y'"),
        (LINE, {"x": x, "out": x}, "input 'y' is missing"),
        (
            LINE,
            {**LINE_ROWS, "out": np.where(x < 2, np.nan, x)},
            "the output: 'out' has [0-9]+ missing value",
        ),
        (LINE, {**LINE_ROWS, "x": np.where(x < 2, np.inf, x)}, "'x' is not finite at position"),
        (LINE, {**LINE_ROWS, "out": ["a"] * 120}, "the output: 'out' is a number, but the data hold string"),
        (LINE, {**LINE_ROWS, "x": x[:7]}, "do not broadcast|120 values of the output"),
        (
            law_of("a * log(y - 5)", a=1.0),
            LINE_ROWS,
            "no value or derivative that could be squared at a = 1 on some row",
        ),
        (
            law_of("(x - 9) ^ b", b=2.0),
            LINE_ROWS,
            "no value or derivative that could be squared at b = 2 on some row",
        ),
        (law_of("a * x * 1e160", a=1.0), LINE_ROWS, "choose another unit"),
        (law_of("a * x + b * 0 * y", a=1.0, b=1.0), LINE_ROWS, "do not identify the constants: 'b'"),
    ],
)
def test_what_cannot_be_estimated_is_refused_politely(law, rows, message):
    with pytest.raises((FitError, FormulaError), match=message):
        refit(law, rows)


def test_a_law_without_names_says_how_it_gets_some_and_what_may_be_estimated() -> None:
    table = Table.of({"van": 1.0, "truck": 2.0}, "kind")
    rows = {"kind": ["van", "truck", "van"], "out": [1.0, 2.0, 1.5]}
    law = Formula(table, (Variable("kind", kind="category"),), OUT)
    with pytest.raises(FormulaError, match=r"kanopt\.formulas\.with_named_constants\(formula\)"):
        law.refit(rows)
    assert law.refit(rows, only=[table.name]).evaluate({"kind": "van"}) == pytest.approx(1.25)
    with pytest.raises(FitError, match="robust is True or False"):
        LINE.refit(LINE_ROWS, robust="HC9")
    with pytest.raises(FitError, match="positive values of the output; the first that is not is at x="):
        LINE.refit({**LINE_ROWS, "out": x - 10}, log_target=True)
    with pytest.raises(FitError, match="7 weights for 120 rows"):
        LINE.refit(LINE_ROWS, weight=np.ones(7))
    with pytest.raises(FitError, match="the weight at position 0 is negative"):
        LINE.refit(LINE_ROWS, weight=-x)
    with pytest.raises(FitError, match="no column 'w', the weight"):
        LINE.refit(LINE_ROWS, weight="w")
    with pytest.raises(FitError, match="no value or derivative that could be squared at b = 0 on some row"):
        law_of("a * exp(0 * x) + 0 * b", a=-1.0, b=0.0).refit({"x": x, "out": x}, only=["b"], log_target=True)
