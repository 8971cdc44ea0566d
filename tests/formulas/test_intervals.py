import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Formula,
    Input,
    Node,
    Step,
    Table,
    Variable,
    parse_formula,
)
from tests.formulas.strategies import NUMBERS, VEHICLE, laws, raw

X, Y, OUT = Variable("x"), Variable("y"), Variable("out")


def bounds(text, **ranges):
    return parse_formula(text, [Variable(name) for name in ranges], OUT).interval(ranges)


def of(node: Node, **ranges):
    return Formula(node, tuple(Variable(name) for name in ranges), OUT).interval(ranges)


fractions = st.floats(0.0, 1.0)


@pytest.mark.slow
@settings(max_examples=150)
@given(laws(), st.data())
def test_the_interval_holds_every_value(law, data):
    ranges, sample = {}, {}
    for variable in NUMBERS:
        a, b = data.draw(fractions), data.draw(fractions)
        low, high = (variable.low + t * (variable.high - variable.low) for t in (min(a, b), max(a, b)))
        ranges[variable.name] = (low, high)
        parts = np.array([0.0, 1.0, *data.draw(st.lists(fractions, min_size=6, max_size=6))])
        sample[variable.name] = np.clip(low + parts * (high - low), low, high)[
            np.random.default_rng(0).permutation(8)
        ]
    kinds = data.draw(st.sets(st.sampled_from(VEHICLE.categories), min_size=1))
    ranges["vehicle"] = kinds
    sample["vehicle"] = np.resize(np.array(sorted(kinds), dtype=object), 8)
    try:
        values = raw(law, sample)
    except FormulaError as error:
        assert "unseen category" in str(error)  # noqa: PT017
        return
    values = values[np.isfinite(values)]
    try:
        low, high = law.interval(ranges)
    except FormulaError:
        assert not values.size  # defined nowhere in the ranges
        return
    assert low <= high
    assert (values >= low).all()
    assert (values <= high).all()


@pytest.mark.parametrize(
    ("text", "ranges", "expected"),
    [
        ("x + y", {"x": (1, 2), "y": (-1, 3)}, (0, 5)),
        ("x^2", {"x": (-1, 3)}, (0, 9)),
        ("x^-1", {"x": (-2, 0)}, (-math.inf, -0.5)),
        ("x^-2", {"x": (-2, 1)}, (0.25, math.inf)),
        ("x^0.5", {"x": (-4, 9)}, (0, 3)),
        ("x^y", {"x": (1, 3), "y": (-1, 2)}, (1 / 3, 9)),
        ("log(x)", {"x": (-1, math.e)}, (-math.inf, 1)),
        ("max(x, 1, y)", {"x": (-1, 3), "y": (0, 2)}, (1, 3)),
        ("0 * x", {"x": (-math.inf, math.inf)}, (0, 0)),
        ("x + y", {"x": (-math.inf, 1), "y": (0, math.inf)}, (-math.inf, math.inf)),
    ],
)
def test_tight_where_every_input_occurs_once(text, ranges, expected):
    assert bounds(text, **ranges) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_steps_and_tables():
    step = Step(Input("x"), (1.0, 2.0), (5.0, 1.0, 9.0))
    assert of(step, x=(0.0, 0.5)) == (5.0, 5.0)
    assert of(step, x=(0.5, 1.0)) == (1.0, 5.0)
    assert of(step, x=(-math.inf, math.inf)) == (1.0, 9.0)
    kind = Variable("kind", kind="category")
    table = Table.of({"van": 1.0, "truck": 4.0}, "kind", fallback=9.0)
    formula = Formula(table, (kind,), OUT)
    assert formula.interval() == (1.0, 9.0)
    assert formula.interval({"kind": ["van", "truck"]}) == (1.0, 4.0)
    assert formula.interval({"kind": "truck"}) == (4.0, 4.0)
    assert formula.interval({"kind": {"truck", "tram"}}) == (4.0, 9.0)
    strict = Formula(Table.of({"van": 1.0}, "kind"), (kind,), OUT)
    with pytest.raises(FormulaError, match="no entry for the given categories"):
        strict.interval({"kind": "tram"})


@pytest.mark.parametrize(
    ("text", "ranges", "message"),
    [
        ("x", {"z": (0, 1)}, "has no input 'z'"),
        ("x", {"x": (1, 0)}, "holds no number"),
        ("x", {"x": (0, math.nan)}, "holds no number"),
        ("x", {"x": "wide"}, "is a pair"),
        ("x", {"x": (1, 2, 3)}, "is a pair"),
        ("x", {"x": ("a", "b")}, "is a pair"),
        ("log(x)", {"x": (-2, -1)}, r"'out': log\(x\) is not defined where x is between −2 and −1"),
        ("x^0.5", {"x": (-2, -1)}, "is not defined"),
    ],
)
def test_ranges_without_a_meaning_are_refused(text, ranges, message):
    with pytest.raises(FormulaError, match=message):
        parse_formula(text, [X], OUT).interval(ranges)
