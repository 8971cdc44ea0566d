"""Bounds of derivatives against sympy's, against differences, and against the bounds of values."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Variable,
    parse_formula,
)
from kanopt.formulas.enclosures.boxes import FormulaBoxes, sides_of
from kanopt.formulas.enclosures.enclosure import Orders
from kanopt.formulas.enclosures.engine import Encloser
from tests.formulas.strategies import NUMBERS, VEHICLE, laws, raw

X, Y = Variable("x", low=0.2, high=3.0), Variable("y", low=0.5, high=4.0)
LAWS = [
    "0.15 * x^4 / y^4 + 2",
    "x^0.73 * y^-1.5 - 3 * x",
    "exp(-0.3 * x) * sqrt(y) + log(x * y)",
    "x^y",
    "(1 + x)^(y - 2)",
    "sin(2 * x) * cos(x * y)",
    "tanh(x - y) + atan(x * y)",
    "logistic(3 - x * y) * softplus(x - 2 * y)",
    "square(x - y) * log1p(x)",
    "(x - 2 * y)^3 / (1 + x + y)",
    "x * x * y * x + x + x",
    "abs(x - 1.2345) * y + relu(x * y - 1.7) * x",
]


def tracer_of(law, ranges=None):
    return Encloser(law.root, sides_of(law, ranges or {}))


def boxes_of(tracer, low, high):
    points = tracer.sides.points(low, np.zeros((len(low), len(tracer.sides.labels)), dtype=np.int64))
    last = tracer.sides.points(high, np.zeros((len(low), len(tracer.sides.labels)), dtype=np.int64)).last
    return FormulaBoxes(low, high, points.first, last, points.jump, points.share)


@pytest.mark.parametrize("text", LAWS)
def test_derivatives_are_those_of_sympy(text):
    law = parse_formula(text, [X, Y], Variable("out"))
    tracer = tracer_of(law)
    rng = np.random.default_rng(0)
    low, high = np.array([0.2, 0.5]), np.array([3.0, 4.0])
    ends = np.sort(rng.uniform(low, high, (40, 2, 2)), axis=1)
    ends[20:, 1] = ends[20:, 0] + 1e-9
    place = ends[:, 0] + rng.random((40, 2)) * (ends[:, 1] - ends[:, 0])
    symbols = sympy.symbols("x y", real=True)
    expression = law.to_sympy().subs(
        {s: t for s in law.to_sympy().free_symbols for t in symbols if s.name == t.name}
    )
    for x, name in enumerate(tracer.sides.numbers):
        assert name == ("x", "y")[x]
        jet = tracer.over(boxes_of(tracer, ends[:, 0], ends[:, 1]), Orders(2, (0, 1), x))
        assert jet.defined.all()
        for order, found in ((1, jet.slope), (2, jet.curvature)):
            for j in (0, 1):
                by = [symbols[j]] if order == 1 else [symbols[x], symbols[j]]
                derivative = sympy.diff(expression, *by).replace(
                    sympy.DiracDelta, lambda *_: sympy.Integer(0)
                )
                exact = sympy.lambdify(symbols, derivative, "numpy")(*place.T)
                exact = np.broadcast_to(np.real(exact), 40)
                least, most = found.get(j, (np.zeros(40), np.zeros(40)))
                slack = 1e-9 * (1 + np.abs(exact))
                assert (least <= exact + slack).all()
                assert (most >= exact - slack).all()
                # in the small boxes there is nothing but the derivative
                np.testing.assert_allclose(least[20:], exact[20:], rtol=1e-6, atol=1e-6)
                np.testing.assert_allclose(most[20:], exact[20:], rtol=1e-6, atol=1e-6)


fractions = st.floats(0.0, 1.0)


@settings(max_examples=80, deadline=None)
@given(laws(), st.sampled_from(["x", "y", "hour"]), st.data())
def test_difference_quotients_and_values_lie_within_their_bounds(law, name, data):
    try:
        tracer = tracer_of(law)
    except FormulaError as error:
        assert "no entry" in str(error)  # noqa: PT017
        return
    names = tracer.sides.numbers
    parts = np.array([data.draw(st.tuples(fractions, fractions)) for _ in names]).reshape(len(names), 2)
    whole = tracer.sides.whole()
    ends = np.sort(parts, axis=1)
    length = whole.high[0] - whole.low[0]
    low, high = whole.low[0] + ends[:, 0] * length, whole.low[0] + ends[:, 1] * length
    boxes = boxes_of(tracer, low[None], high[None])
    boxes.last[:, len(names) :] = whole.last[:, len(names) :]
    x = names.index(name) if name in names else -1
    along = () if x < 0 else (x,)
    jet = tracer.over(boxes, Orders(1, along, x))
    rng = np.random.default_rng(0)
    points = low + np.concatenate(
        [[np.zeros(len(names)), np.ones(len(names))], rng.random((30, len(names)))]
    ) * (high - low)
    points = np.clip(points, low, high)
    labels = np.array(VEHICLE.categories, dtype=object)
    sample = {v.name: np.full(32, v.low) for v in NUMBERS} | {"vehicle": labels[rng.integers(0, 3, 32)]}
    sample |= {n: points[:, place] for place, n in enumerate(names)}
    values = raw(law, sample)
    fine = np.isfinite(values)
    assert (values[fine] >= jet.value[0][0]).all()
    assert (values[fine] <= jet.value[1][0]).all()
    if x < 0 or not jet.defined[0]:
        return
    moved = {**sample, name: np.clip(low[x] + rng.random(32) * (high[x] - low[x]), low[x], high[x])}
    step = moved[name] - sample[name]
    change = raw(law, moved) - values
    least, most = (end[0] for end in jet.slope[x])
    rounding = 1e-9 * (np.abs(values) + 1e-300)
    with np.errstate(invalid="ignore"):
        below = np.where(step >= 0, least * step, most * step) - rounding
        above = np.where(step >= 0, most * step, least * step) + rounding
    usable = fine & np.isfinite(change) & (step != 0) & ~np.isnan(below) & ~np.isnan(above)
    assert (change >= below)[usable].all()
    assert (change <= above)[usable].all()
