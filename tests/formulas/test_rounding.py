"""Ranges hold every value, and rounding every error of floating point, against numbers of fifty digits."""

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, reject, settings

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Input,
    Maximum,
    Minimum,
    Power,
    Product,
    Step,
    Sum,
    Variable,
    parse_formula,
)
from kanopt.formulas.enclosures.values import Enclosures
from kanopt.formulas.lowering.graphs import folded
from kanopt.formulas.nodes import fold, postorder
from tests.formulas.strategies import NUMBERS, laws, raw

RANGES = {variable.name: (variable.low, variable.high) for variable in NUMBERS}
FUNCTIONS = {
    "square": lambda x: x * x,
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "abs": abs,
    "logistic": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
}


def rows(count=200):
    rng = np.random.default_rng(0)
    data = {name: rng.uniform(low, high, count) for name, (low, high) in RANGES.items()}
    return {**data, "vehicle": np.full(count, "van", dtype=object)}


@given(laws())
@settings(max_examples=60, deadline=None)
def test_every_step_stays_within_its_range(law):
    data = rows()
    assume(_finite(law, data))
    try:
        root = folded(law.root, {}, {"vehicle": "van"})
    except FormulaError:
        reject()  # constants that have no finite value, in a part that does not matter
    known = Enclosures(root, RANGES)
    for node in postorder(root):
        with np.errstate(all="ignore"):
            value = fold(node, lambda step, parts: step.compute(parts, data))
        value = value[np.isfinite(value)]
        low, high = known.range(node)
        if value.size:
            assert low <= value.min()
            assert value.max() <= high


def _finite(law, data):
    values = raw(law, {name: column[:5] for name, column in data.items()})
    return bool(np.isfinite(values).all())


def precise(node, values, point):
    match node:
        case Constant(value=value):
            return mpmath.mpf(value)
        case Input(name=name):
            return mpmath.mpf(float(point[name]))
        case Sum():
            return mpmath.fsum(values)
        case Product():
            return mpmath.fprod(values)
        case Maximum():
            return max(values)
        case Minimum():
            return min(values)
        case Power():
            return mpmath.power(*values)
        case Apply(function=name):
            return FUNCTIONS.get(name, getattr(mpmath, name, None))(values[0])
    raise TypeError(node)


@pytest.mark.parametrize(
    "text",
    [
        "x * y / (hour + 1) - 3 * x",
        "(x^0.65 + 1e4) - x^0.65",
        "log(x) * exp(-y) + sqrt(hour)",
        "sqrt(x * hour)^0.3 * 1e3",
        "tanh(y) * atan(x) + sin(hour) * cos(y)",
        "logistic(y) * softplus(x - y) + log1p(hour)",
        "max(x * y, y^2, abs(y - x)) - min(x, hour) + relu(y)",
        "x^y / 7",
        "x^-1.5 * 3^y",
    ],
)
def test_rounding_holds_what_floating_point_is_off_by(text):
    root = parse_formula(text, list(NUMBERS), Variable("out")).root
    known = Enclosures(root, RANGES)
    data = rows(60)
    said = fold(root, lambda step, parts: step.compute(parts, data))
    with mpmath.workdps(50):
        for place, value in enumerate(said):
            point = {name: column[place] for name, column in data.items()}
            exact = fold(root, lambda step, parts, point=point: precise(step, parts, point))
            assert abs(exact - mpmath.mpf(float(value))) <= known.rounding
    assert known.rounding < 1e-6


def test_curves_and_staircases():
    curve = Curve("s", Input("x") * 2.0, (0.0, 3.0, -1.0, 2.0, 0.5), -1.0, 7.0)
    step = Step(Input("hour"), (6.0, 18.0), (1.0, 2.0, 1.5))
    known = Enclosures(curve * step, RANGES)
    assert known.range(step) == (1.0, 2.0)
    data = rows()
    value = curve.at(2.0 * data["x"])
    low, high = known.range(curve)
    assert low <= value.min() <= value.max() <= high
    assert known.rounding < 1e-12
