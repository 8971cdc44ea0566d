"""Verdicts on laws whose shapes are known, and that no verdict on any law is wrong."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Domain,
    Formula,
    Input,
    Range,
    Step,
    Sum,
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas.enclosures.proof import prove
from tests.formulas.strategies import NUMBERS, VEHICLE, laws, raw

OUT = Variable("out")


def law_of(text, **ranges):
    inputs = [Variable(name, low=low, high=high) for name, (low, high) in ranges.items()]
    return parse_formula(text, inputs, OUT)


def over(node, **ranges):
    inputs = [Variable(name, low=low, high=high) for name, (low, high) in ranges.items()]
    kinds = (Variable("kind", kind="category"), Variable("mode", kind="category"))
    return Formula(node, (*inputs, *kinds), OUT)


def verdicts(law, **questions):
    return " ".join(fact.verdict[0] for fact in prove(law, **questions).facts)


@pytest.mark.parametrize(
    ("text", "ranges", "monotone", "convex", "expected"),
    [
        ("x^2", {"x": (0, 5)}, {"x": 1}, {"x": 1}, "p p"),
        ("x^2", {"x": (-1, 5)}, {"x": 1}, {"x": -1}, "r r"),
        ("(2 * x - 6)^2", {"x": (3, 5)}, {"x": 1}, {"x": 1}, "p p"),
        ("4 * x^2 - 24 * x + 36", {"x": (3, 5)}, {"x": 1}, {"x": 1}, "p p"),
        ("x^3 - 3 * x", {"x": (1, 99)}, {"x": 1}, {"x": 1}, "p p"),
        ("x^3 - 3 * x", {"x": (-9, 9)}, {"x": 1}, {"x": 1}, "r r"),
        ("x^0.65 * y", {"x": (0, 5), "y": (0, 2)}, {"x": 1, "y": 1}, {"x": -1, "y": 1}, "p p p p"),
        ("-1 / x", {"x": (0, 1)}, {"x": 1}, {"x": -1}, "p p"),
        ("-1 / x", {"x": (-1, 1)}, {"x": 1}, {"x": -1}, "r r"),  # across the pole it falls
        ("x * exp(-x / 10)", {"x": (0, 10)}, {"x": 1}, {"x": -1}, "p p"),
        ("x * exp(-x / 10)", {"x": (0, 11)}, {"x": 1}, {}, "r"),
        ("x * y / (1 + x + y)", {"x": (0, 100), "y": (0, 100)}, {"x": 1, "y": 1}, {}, "p p"),
        ("2 + 0.1 * x * y / (1 + x + y)", {"x": (0, 100), "y": (0, 100)}, {"x": 1}, {}, "p"),
        ("max(x - 3, 0) + abs(x - 5) + x", {"x": (0, 10)}, {"x": 1}, {"x": 1}, "p p"),
        ("abs(x) - 4 * x * x", {"x": (-5, 5)}, {}, {"x": -1}, "r"),  # the kink lies where boxes meet
        ("relu(x) + 3 * x", {"x": (0, 5)}, {"x": 1}, {"x": -1}, "p p"),
        ("sin(x) + x", {"x": (0, 100)}, {"x": 1}, {"x": 1}, "p r"),
        ("sin(x) + 0.99 * x", {"x": (0, 100)}, {"x": 1}, {}, "r"),
        ("x^y", {"x": (1, 5), "y": (-1, 2)}, {"x": 1, "y": 1}, {"y": 1}, "r p p"),
        ("5 + 3 * logistic(2 * x - y * x + 1)", {"x": (0, 3), "y": (0, 1.9)}, {"x": 1, "y": -1}, {}, "p p"),
        ("x + log(y)", {"x": (0, 3), "y": (1, 2)}, {"x": 1, "y": 1}, {"x": 1, "y": -1}, "p p p p"),
        ("7", {"x": (0, 3)}, {"x": 1}, {"x": 1}, "p p"),
        ("x", {"x": (2, 2)}, {"x": -1}, {}, "p"),
        ("exp(20 * x) - 0.001 * x", {"x": (-5, 5)}, {"x": 1}, {"x": 1}, "r p"),  # no slack of the other end
    ],
)
def test_shapes_that_are_known(text, ranges, monotone, convex, expected):
    assert verdicts(law_of(text, **ranges), monotone=monotone, convex=convex) == expected


@pytest.mark.parametrize(
    ("text", "ranges", "low", "high", "expected"),
    [
        ("x^2 - 1", {"x": (-2, 1)}, -1.0, 3.0, "p p"),
        ("x^2 - 1", {"x": (-2, 1)}, -0.99, 2.99, "r r"),
        ("1 / x^2", {"x": (-2, 2)}, 0.25, 1e6, "p r"),
        ("exp(x) * y", {"x": (0, 1), "y": (-1, 1)}, -math.e, math.e, "p p"),
        ("x - x^2", {"x": (0, 1)}, 0.0, 0.25, "p p"),
        ("softplus(x)", {"x": (-30, 20)}, 0.0, 19.9, "p r"),
        ("3", {}, 3.5, 4.0, "r p"),
    ],
)
def test_bounds_that_are_known(text, ranges, low, high, expected):
    assert verdicts(law_of(text, **ranges), low=low, high=high) == expected


def test_a_tariff_rises_where_its_jumps_do():
    rate = Step(Input("w"), (1.0, 5.0), (90.0, 70.0, 55.0), name="rate")
    fee = Step(Input("w"), (1.0, 5.0), (0.0, 20.0, 95.0), name="fee")
    degressive = over(rate * Input("w"), w=(0, 10))
    proof = prove(degressive, monotone={"w": 1}, convex=["w"])
    assert [fact.verdict for fact in proof.facts] == ["refuted", "refuted"]
    before, after = proof.facts[0].witness
    assert before.inputs["w"] < 5.0 <= after.inputs["w"]
    # with the fee the jumps are exactly zero: as little, and it falls
    assert verdicts(over(Sum((rate * Input("w"), fee)), w=(0, 10)), monotone={"w": 1}) == "p"
    less = Step(Input("w"), (1.0, 5.0), (0.0, 20.0, 94.99), name="fee")
    assert verdicts(over(Sum((rate * Input("w"), less)), w=(0, 10)), monotone={"w": 1}) == "r"
    stairs = Step(Input("w"), (1.0, 5.0), (1.0, 2.0, 3.0), name="stairs")
    assert verdicts(over(stairs, w=(0, 10)), monotone={"w": 1}, convex=["w"]) == "p r"
    assert verdicts(over(stairs, w=(5, 10)), monotone={"w": -1}, convex=["w"]) == "p p"
    assert verdicts(over(stairs, w=(0, 5)), monotone={"w": -1}) == "r"
    of_a_sum = Step(2.0 * Input("w") + 1.0, (3.0,), (2.0, 1.0))
    assert verdicts(over(of_a_sum, w=(0, 10)), monotone={"w": -1}) == "p"
    assert verdicts(over(of_a_sum, w=(0, 10)), monotone={"w": 1}) == "r"
    other = Step(Input("v"), (2.0,), (1.0, -1.0)) * Input("w")
    proof = prove(over(other, w=(0, 10), v=(0, 5)), monotone={"w": 1})
    assert proof.facts[0].witness[0].inputs["v"] >= 2.0
    assert verdicts(over(other, w=(0, 10), v=(0, 1.5)), monotone={"w": 1}) == "p"


def test_every_combination_of_categories_counts():
    sign = Table.of({"van": 1.0, "truck": 2.0, "tram": -0.5}, "kind")
    law = over(sign * Input("w"), w=(0, 10))
    fact = prove(law, monotone={"w": 1}).facts[0]
    assert fact.witness[0].inputs["kind"] == "tram"
    assert verdicts(law, monotone={"w": 1}, ranges={"kind": ["van", "truck"]}) == "p"
    assert verdicts(law, monotone={"w": -1}, ranges={"kind": "tram"}) == "p"
    seen = Formula(law.root, law.inputs, OUT, domain=Domain(categories=(("kind", ("van",)),)))
    assert verdicts(seen, monotone={"w": 1}) == "p"
    # the whole range holds several exponents: of it no box is left to ask of rounding
    by_kind = over(Input("w") ** Table.of({"van": 0.5, "truck": 1.5}, "kind") - 2.0, w=(1, 10))
    assert prove(by_kind, low=0.0).facts[0].verdict == "refuted"
    assert prove(by_kind, low=-1.0).facts[0].verdict == "proved"
    declared = Formula(
        law.root, (law.inputs[0], Variable("kind", kind="category", categories=("van", "truck"))), OUT
    )
    assert verdicts(declared, monotone={"w": 1}) == "p"
    open_ = over(Table.of({"van": 1.0}, "kind", fallback=-1.0) * Input("w"), w=(0, 10))
    assert prove(open_, monotone={"w": 1}).facts[0].witness[0].inputs["kind"] == "another"
    many = {(f"k{k}", mode): 1.0 for k in range(12) for mode in ("m1", "m3")} | {("k7", "m3"): -9.0}
    pairs = over(Table.of(many, "kind", "mode") * Input("w") + Input("w") ** 2, w=(0, 10))
    witness = prove(pairs, monotone={"w": 1}).facts[0].witness[0]
    assert (witness.inputs["kind"], witness.inputs["mode"]) == ("k7", "m3")
    holes = {("a", "x"): 1.0, ("b", "y"): 2.0}
    assert (
        verdicts(over(Table.of(holes, "kind", "mode") * Input("w") ** 2, w=(0, 10)), monotone={"w": 1}) == "p"
    )
    assert verdicts(over(Table.of(holes, "kind", "mode") * Input("w"), w=(0, 10)), low=1.0) == "r"


def test_ranges_come_from_the_domain_the_declaration_or_the_caller():
    law = Formula(Input("x") ** 2, (Variable("x", low=-3.0),), OUT, domain=Domain((Range("x", -1.0, 4.0),)))
    assert verdicts(law, monotone={"x": 1}) == "r"
    assert verdicts(law, monotone={"x": 1}, ranges={"x": (0, 9)}) == "p"
    assert prove(law).ranges == (("x", -1.0, 4.0),)
    assert prove(law, ranges={"x": (0, 9)}).ranges == (("x", 0.0, 9.0),)
    assert prove(over(Table.of({"a": 2.0, "b": 1.0}, "kind"))).categories == (("kind", ("a", "b")),)


@pytest.mark.parametrize(
    ("text", "ranges", "expected"),
    [
        ("x^0.5 + exp(y)", {"x": (0, 5), "y": (-9, 9)}, "p"),
        ("log(x)", {"x": (0, 5)}, "r"),  # at the end of the range
        ("log(x)", {"x": (0.1, 5)}, "p"),
        ("1 / (x - 2)", {"x": (0, 4)}, "r"),
        ("(0.3 - x + y)^1.5", {"x": (0, 1), "y": (0, 1)}, "r"),  # in a corner
        ("exp(100 * x)", {"x": (0, 10)}, "r"),  # beyond the largest number
        ("sqrt(x^2 + y^2)", {"x": (-1, 1), "y": (-1, 1)}, "p"),
        ("2 * x", {"x": (0, 1e9)}, "p"),
        ("(-8)^x", {"x": (1, 2)}, "r"),
    ],
)
def test_where_there_is_no_value(text, ranges, expected):
    fact = prove(law_of(text, **ranges), finite=True).facts[0]
    assert fact.verdict[0] == expected
    assert fact.text == "finite everywhere"
    if expected == "r":
        point = fact.witness[0]
        assert point.value is None
        with pytest.raises(FormulaError, match="no finite value"):
            law_of(text, **ranges).evaluate(point.inputs)


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ({"monotone": {"z": 1}}, "monotone: formula for 'out' has no input 'z'"),
        ({"convex": ["kind"]}, "input 'kind' is a category, which has no order"),
        ({"monotone": {"x": 2}}, r"input 'x' has 2; use \+1, -1 or 0"),
        ({"monotone": {"x": True}}, "input 'x' has True"),
        ({"convex": "x"}, r"convex='x' must be a list of inputs, such as \['x'\]"),
        ({"monotone": "x"}, r"monotone='x' must map inputs to"),
        ({"monotone": ["x"]}, r"monotone=\['x'\] must map inputs.*such as"),
        ({"monotone": 1}, "monotone=1 must map inputs"),
        ({"convex": 1}, "convex=1 must be a list of inputs"),
        ({"convex": [("x", "kind")]}, r"convex: formula for 'out' has no input \('x', 'kind'\)"),
        ({"low": 5, "high": 1}, "low=5 is above high=1"),
        ({"low": math.nan}, "bound must have finite numbers"),
        ({"boxes": 0}, "boxes=0: at least one box"),
        ({"ranges": {"x": (1, 0)}}, "holds no number"),
        ({"ranges": {"kind": "tram"}}, "has no entry for the given categories"),
    ],
)
def test_questions_without_a_meaning_are_refused(questions, message):
    law = over(Input("x") * Table.of({"van": 1.0}, "kind"), x=(0, 1))
    with pytest.raises(FormulaError, match=message):
        law.prove(**questions)


def lines(name, generator, count=8, points=50):
    """Return rows along lines in one input, shape (count, points), the others at random or at their ends."""
    data = {}
    for variable in NUMBERS:
        ends = (variable.low, variable.high)
        if variable.name == name:
            inner = generator.uniform(*ends, points - 2)
            data[variable.name] = np.tile(np.sort([*ends, *inner]), (count, 1))
        else:
            held = np.concatenate([generator.choice(ends, 3), generator.uniform(*ends, count - 3)])
            data[variable.name] = np.tile(held[:, None], (1, points))
    kinds = generator.choice(np.array(VEHICLE.categories, dtype=object), count)
    data["vehicle"] = np.tile(kinds[:, None], (1, points))
    return data


def violated(fact, x, values):
    """Return whether values along a line contradict a fact by more than counts as zero."""
    sign = 1 if fact.shape in ("rises", "convex", "at least") else -1
    fine = np.isfinite(values)
    x, values = x[fine], sign * values[fine]
    if len(values) < 3:
        return False
    slack = 1e-7 * np.abs(values).max() + 1e-300
    if fact.bound is not None:
        return bool((values < sign * fact.bound - slack - 1e-7).any())
    if fact.shape in ("rises", "falls"):
        return bool((np.maximum.accumulate(values) - values > slack).any())
    inner = slice(1, -1)
    for first, last in ((slice(0, -2), slice(2, None)), (slice(0, 1), slice(-1, None))):
        length = x[last] - x[first]
        share = (x[inner] - x[first]) / np.where(length > 0, length, np.inf)
        chord = (1 - share) * values[first] + share * values[last]
        if ((values[inner] > chord + slack) & (length > 0)).any():
            return True
    return False


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(laws(), st.sampled_from([v.name for v in NUMBERS]), st.sampled_from([1, -1]), st.integers(0, 2**32))
def test_no_verdict_is_wrong(law, name, sign, seed):
    assume(law.used & {variable.name for variable in NUMBERS})
    generator = np.random.default_rng(seed)
    data = lines(name, generator)
    try:
        values = raw(law, data)
    except FormulaError as error:
        assert "unseen category" in str(error)  # noqa: PT017
        return
    proof = prove(law, monotone={name: sign}, convex={name: sign}, low=-1.0, high=3.0, boxes=100)
    for fact in proof.facts:
        if fact.verdict == "proved":
            assert not any(violated(fact, *line) for line in zip(data[name], values, strict=True))
        if fact.verdict == "refuted":
            rest = {v.name: v.low for v in NUMBERS} | {"vehicle": "van"}
            said = [float(law.evaluate({**rest, **point.inputs})) for point in fact.witness]
            assert said == [point.value for point in fact.witness]
            x = np.array([point.inputs.get(name, 0.0) for point in fact.witness])
            direction = 1 if fact.shape in ("rises", "convex", "at least") else -1
            values_there = direction * np.array(said)
            if fact.bound is not None:
                assert values_there[0] < direction * fact.bound
            elif len(said) == 2:
                assert x[0] < x[1]
                assert values_there[1] < values_there[0]
            else:
                share = (x[1] - x[0]) / (x[2] - x[0])
                assert 0 < share < 1
                assert values_there[1] > (1 - share) * values_there[0] + share * values_there[2]


@pytest.mark.parametrize(
    ("text", "question", "most"),
    [
        ("tanh(3 * x * y / (1 + x + y))", {"monotone": {"x": 1}}, 60),
        ("x * y / (1 + x + y)", {"monotone": {"x": 1}}, 60),
        ("sqrt(x^2 - x * y + y^2 + 0.1)", {"finite": True}, 100),
        ("exp(-0.5 * ((x + 4) / 3)^2) * (1 + y)", {"convex": ["x"]}, 10),
    ],
)
def test_a_law_is_decided_in_few_boxes(text, question, most):
    law = parse_formula(text, [Variable(name, low=0.0, high=3.0) for name in "xy"], Variable("out"))
    (fact,) = law.prove(**question).facts
    assert fact.verdict == "proved"
    assert fact.boxes <= most
