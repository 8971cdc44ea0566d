"""A formula as a network: the same law, and an error that is measured."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt import FormulaError
from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Domain,
    Formula,
    Input,
    Power,
    Product,
    Range,
    Step,
    Sum,
    Table,
    Variable,
    parse_formula,
)
from kanopt.surrogates.compiling import compile_formula, ranges_of
from tests.cases.small_networks import Bounded, decide

TIME, FLOW, CAPACITY = (
    Variable("t0", low=1, high=10),
    Variable("flow", low=10, high=2000),
    Variable("cap", low=500, high=2000),
)


def law(text, *inputs):
    return parse_formula(text, inputs or (TIME, FLOW, CAPACITY), Variable("y"))


def check(formula, compiled, count=500):
    """Compare network and formula on rows of their own, category by category."""
    rng = np.random.default_rng(99)
    frame = pd.DataFrame(
        {
            f.name: rng.uniform(f.low, f.high, count)
            if f.kind == "number"
            else rng.choice(np.array(f.categories, dtype=object), count)
            for f in compiled.encoding.features
        }
    )
    gap = np.abs(compiled.predict(*compiled.encoding.transform(frame)) - formula.evaluate(frame))
    assert gap.max() <= 1.5 * compiled.largest + 1e-9 * compiled.span
    assert compiled.rms <= compiled.largest <= 1e-4 * compiled.span


@pytest.mark.parametrize(
    ("text", "hidden", "products", "log_target"),
    [
        ("3 + 2 * t0 - flow / 100", (), 0, False),
        ("2 * t0^1.5 + log(flow) + exp(-cap / 1000)", (), 0, False),
        ("t0 * (1 + 0.15 * (flow / cap)^4)", (2, 1), 2, False),
        ("0.3 * t0^0.9 * flow^1.2 / cap", (), 0, True),
        ("exp(0.1 * t0) * (1 + flow / 1000)", (), 0, True),
        ("t0 * flow", (), 0, True),
        ("t0 * exp(sin(flow / 300) + cap / 1000)", (), 0, True),
        ("(t0 - 5) * flow", (1,), 1, False),
        ("(t0 - 5) * (flow - 900) * (cap - 700)", (2, 1), 2, False),
        ("sin(t0 + flow / 500)", (1,), 0, False),
        ("t0 + t0 * t0 - 1 / t0", (), 0, False),
        ("1 + t0 * flow * cap", (1,), 0, False),
        ("(1 + t0 / 10)^(flow / 1000)", (1,), 1, False),
        ("sqrt(t0 * flow + cap) - t0", (3, 2), 1, False),
    ],
)
def test_laws_are_networks(text, hidden, products, log_target):
    formula = law(text)
    compiled = compile_formula(formula)
    check(formula, compiled)
    assert compiled.network.hidden == hidden
    assert sum(layer.products for layer in compiled.network.layers) == products
    assert compiled.log_target is log_target


def test_product_of_positive_terms_is_one_exponential_inside_a_sum():
    compiled = compile_formula(law("1 + t0 * flow * cap"))
    assert compiled.network.layers[0].products == 0
    assert "error at most" in str(compiled)


def test_straight_lines_are_exact_and_coarse():
    compiled = compile_formula(law("3 + 2 * t0 - flow / 100"))
    assert compiled.grid_size == 5
    assert compiled.largest < 1e-12 * compiled.span


def test_a_power_of_a_wide_column_takes_its_logarithm():
    compiled = compile_formula(law("1 / x", Variable("x", low=0.01, high=10)))
    assert compiled.encoding.numbers[0].log
    assert not compile_formula(law("t0^2 - t0")).encoding.numbers[0].log


def test_edges_are_centred():
    compiled = compile_formula(law("2 * t0^1.5 + log(flow)"), seed=3)
    for place in range(2):
        edge = compiled.network.layers[0].edges(place, compiled.numbers[:, place])[:, 0]
        assert abs(edge.mean()) < 0.1 * edge.std()  # over the rows that measure, not those it was built on


def test_a_finer_tolerance_takes_a_finer_grid():
    coarse, fine = (
        compile_formula(law("t0 * (1 + 0.15 * (flow / cap)^4)"), tolerance=t) for t in (1e-2, 1e-7)
    )
    assert coarse.grid_size < fine.grid_size
    assert fine.largest <= 1e-7 * fine.span < coarse.largest


def test_grid_asked_for_is_taken_and_its_error_reported():
    compiled = compile_formula(law("sin(t0)"), grid_size=3)
    assert compiled.grid_size == 3
    assert compiled.largest > 1e-4 * compiled.span


def test_tables():
    rate = Table.of({"van": 1.0, "truck": 1.4, "bike": 0.5}, "mode", name="rate")
    inputs = (TIME, Variable("mode", kind="category"))
    alone = Formula(Sum((rate, Input("t0"))), inputs, Variable("y"))
    compiled = compile_formula(alone)
    check(alone, compiled)
    assert compiled.encoding.categories[0].categories == ("bike", "truck", "van")
    factor = Formula(Product((Power(rate, Constant(2.0)), Input("t0"))), inputs, Variable("y"))
    compiled = compile_formula(factor)
    check(factor, compiled)
    assert compiled.log_target
    assert compiled.network.hidden == ()


def test_tables_of_two_categories_have_as_many_products_as_their_rank():
    rng = np.random.default_rng(0)
    keys = [(a, b) for a in "abcd" for b in "xyz"]
    modes = Variable("m", kind="category"), Variable("n", kind="category")
    for rank in (0, 1, 2):
        left, right = rng.normal(size=(rank, 4)), rng.normal(size=(rank, 3))
        grid = rng.normal(size=(4, 1)) + rng.normal(size=3) + left.T @ right
        table = Table.of(dict(zip(keys, grid.ravel(), strict=True)), "m", "n")
        formula = Formula(Sum((table, Input("t0"))), (*modes, TIME), Variable("y"))
        compiled = compile_formula(formula)
        check(formula, compiled)
        assert compiled.network.layers[0].products == rank


def test_fallback_stands_for_the_labels_that_are_declared():
    rate = Table.of({"van": 1.0}, "mode", fallback=3.0)
    declared = Variable("mode", kind="category", categories=("van", "tram"))
    formula = Formula(Sum((rate, Input("t0"))), (TIME, declared), Variable("y"))
    check(formula, compile_formula(formula))
    assert compile_formula(formula).encoding.categories[0].categories == ("tram", "van")


def test_curves_periodic_or_not():
    wave = Curve("s", Input("hour"), (1.0, 2.0, 0.5, 3.0, 1.0, 0.0), 0.0, 24.0, periodic=True)
    bend = Curve("b", Input("t0"), (0.0, 1.0, 0.0, 2.0, 1.0), 2.0, 8.0)
    inputs = (TIME, Variable("hour", low=0, high=24))
    formula = Formula(Sum((wave, Product((bend, Apply("sin", Input("hour")))))), inputs, Variable("y"))
    check(formula, compile_formula(formula))


def test_what_is_shared_is_one_node():
    load = Input("t0") * Input("flow")
    formula = Formula(Sum((Apply("sin", load * 0.001), load * load, load)), (TIME, FLOW), Variable("y"))
    compiled = compile_formula(formula)
    check(formula, compiled)
    assert compiled.network.hidden == (1,)


def test_ranges_come_from_the_call_the_domain_and_the_declaration():
    formula = law("t0 + x", TIME, Variable("x"))
    with pytest.raises(FormulaError, match=r"input 'x' has no range.*ranges=\{'x': \(low, high\)\}"):
        compile_formula(formula)
    known = Formula(
        formula.root, formula.inputs, formula.output, domain=Domain((Range("x", 0, 3), Range("t0", 2, 30)))
    )
    assert ranges_of(known) == {"t0": (2.0, 10.0), "x": (0.0, 3.0)}
    assert ranges_of(known, {"x": (5, 6)})["x"] == (5.0, 6.0)
    with pytest.raises(FormulaError, match=r"reads no number 'y'; known: 't0', 'x'"):
        ranges_of(known, {"y": (0, 1)})
    with pytest.raises(FormulaError, match=r"'x' is 3, not a pair"):
        ranges_of(known, {"x": 3})
    with pytest.raises(FormulaError, match=r"no interval from 4 to 2"):
        ranges_of(known, {"x": (4, 2)})
    with pytest.raises(FormulaError, match="a constant needs no network"):
        compile_formula(law("3 + 1"))


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (law("max(t0, 3)"), r"cannot compute max\(t0, 3\): a maximum"),
        (law("min(t0, flow)"), "a minimum"),
        (Formula(Step(Input("t0"), (3.0,), (1.0, 2.0)), (TIME,), Variable("y")), "a step"),
        (law("abs(t0 - 3)"), r"320 intervals miss it.*the worst edge is abs.*t0.*allow more"),
        (law("log(t0 - 3)"), "no finite value where t0="),
        (law("(t0 - 3)^flow"), "no finite value"),
        (law("(t0 - 1)^(flow / 1000)"), "needs a base proved positive"),
    ],
)
def test_what_no_network_computes_is_refused(formula, message):
    with pytest.raises(FormulaError, match=message):
        compile_formula(formula)


def test_a_network_that_is_too_large_is_refused_before_it_is_built(monkeypatch):
    monkeypatch.setattr("kanopt.surrogates.compiling.assembling.LARGEST", 500_000)
    x, y = Input("x"), Input("y")
    # every step sums products that no other step shares, so that layers are as wide as the formula is long
    root = Sum(tuple(Apply("sin", Sum((x * Apply("sin", k * y), float(k) * x))) for k in range(1, 200)))
    formula = Formula(root, (Variable("x", low=-1, high=2), Variable("y", low=0, high=3)), Variable("z"))
    with pytest.raises(FormulaError, match=r"coefficients is too large"):
        compile_formula(formula, grid_size=10)


def test_three_categories_in_one_table_are_refused():
    table = Table.of({("a", "b", "c"): 1.0, ("a", "b", "d"): 2.0}, "k", "l", "m")
    inputs = [Variable(name, kind="category") for name in "klm"]
    with pytest.raises(FormulaError, match="not of 3"):
        compile_formula(Formula(table, tuple(inputs), Variable("y")))


def test_a_compiled_law_can_be_verified():
    compiled = compile_formula(law("t0 * (1 + 0.15 * (flow / cap)^4)"))
    ends = [feature.bounds for feature in compiled.encoding.numbers]
    box = [low for low, _ in ends], [high for _, high in ends]
    assert decide(compiled.network, Bounded(0.9, 500.0), *box).proved


COEFFICIENT = st.floats(-3, 3).map(lambda value: round(value, 2))


@settings(max_examples=25, deadline=None)
@given(st.lists(COEFFICIENT, min_size=4, max_size=4), st.sampled_from(["sin", "tanh", "exp", "softplus"]))
def test_random_laws_are_computed_within_the_tolerance(numbers, function):
    a, b, c, d = numbers
    x, y = Input("x"), Input("y")
    root = a * x * y + Apply(function, b * x + c * y) * (d + x) + y**2.0
    formula = Formula(root, (Variable("x", low=-1, high=2), Variable("y", low=0, high=3)), Variable("z"))
    check(formula, compile_formula(formula))
