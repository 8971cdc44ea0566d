"""Bounds of values, derivatives and rounding hold what fifty digits say, of every kind of step and of random laws."""

from dataclasses import replace
from itertools import product

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import (
    FUNCTIONS,
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
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas.enclosures.boxes import BoxSides, sides_of
from kanopt.formulas.enclosures.engine import Encloser, Enclosures
from kanopt.formulas.enclosures.rules import Orders
from kanopt.formulas.lowering.profile import folded
from kanopt.formulas.nodes import Node, fold, postorder
from tests.formulas.strategies import NUMBERS, VEHICLE, laws, raw

X, Y = Input("x"), Input("y")
RANGES = {"x": (0.2, 3.0), "y": (0.5, 4.0)}
LABELS = ("van", "truck", "tram")
BENT = (1.0, -2.0, 0.5, 3.0, -1.0, 0.0)
INNER = X * Y - 1.3
KINDS = {
    "constant": Constant(0.1),
    "input": X,
    "sum": Sum((X, Y, X, Constant(0.1))),
    "product": Product((X, Y, X, Constant(-0.7))),
    "maximum": Maximum((X * X, Y, Constant(1.5))),
    "minimum": Minimum((X * Y, Y * Y)),
    "variable power": Power(X, Y - 2.0),
    "curve": Curve("s", X, BENT, 0.5, 2.5),
    "curve of a step": Curve("s", INNER, BENT, -0.5, 7.5),
    "periodic curve": Curve("s", INNER, BENT, 0.0, 2.5, periodic=True),
    "step": Step(X, (1.0, 2.2), (0.3, 1.7, -1.0)) * Y,
    "step of a step": Step(INNER, (1.0, 2.2), (0.3, 1.7, 2.0)),
    "table": Table.of({"van": 0.7, "truck": -1.1, "tram": 2.0}, "kind") * X,
    **{name: Apply(name, X * Y if name in ("log", "sqrt", "log1p") else INNER) for name in FUNCTIONS},
    **{
        f"power {p}": Power(X * Y if p % 1 else INNER, Constant(p))
        for p in (-2.0, -1.0, -0.5, 0.5, 0.73, 2.0, 3.0)
    },
}
KINKED = {"maximum", "minimum", "step", "step of a step", "table", "abs", "relu", "curve", "curve of a step"}
PRECISE = {
    "square": lambda x: x * x,
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "abs": abs,
    "logistic": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
}


def exact(root, point):
    """Return the value of a graph at a point, in as many digits as mpmath is set to."""
    return fold(root, lambda node, parts: _exact(node, parts, point))


def _exact(node, values, point):
    match node:
        case Constant(value=value):
            return mpmath.mpf(value)
        case Input(name=name):
            return mpmath.mpf(point[name])
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
            return PRECISE.get(name, getattr(mpmath, name, None))(values[0])
        case Curve():
            return _exact_curve(node, values[0])
        case Step():
            return mpmath.mpf(node.values[sum(edge <= values[0] for edge in node.breakpoints)])
        case Table():
            return mpmath.mpf(dict(node.entries)[(point["kind"],)])
    raise TypeError(node)


def _exact_curve(curve, x):
    place = (x - mpmath.mpf(curve.low)) * curve.grid_size / (mpmath.mpf(curve.high) - mpmath.mpf(curve.low))
    inside = place % curve.grid_size if curve.periodic else min(max(place, 0), curve.grid_size)
    first = min(int(mpmath.floor(inside)), curve.grid_size - 1)
    u, count = inside - first, len(curve.coefficients)
    a, b, c, d = (mpmath.mpf(curve.coefficients[(first + k) % count]) for k in range(4))
    slope = (c - a) / 2 + u * ((a - 2 * b + c) + u * (d - 3 * c + 3 * b - a) / 2)
    value = (a + 4 * b + c) / 6 + u * (
        (c - a) / 2 + u * ((a - 2 * b + c) / 2 + u * (d - 3 * c + 3 * b - a) / 6)
    )
    return value if curve.periodic else value + (place - inside) * slope


def derivatives(root, point):
    """Return the gradient and the matrix of second derivatives at a point; None next to a kink or a jump."""
    step = {1: mpmath.mpf(10) ** -20, 2: mpmath.mpf(10) ** -14}

    def at(dx, dy):
        return exact(root, {**point, "x": point["x"] + dx, "y": point["y"] + dy})

    ways, h = ((1, 0), (0, 1)), step[2]
    there, gradient = at(0, 0), []
    for p, q in ways:
        after, before = (s * (at(s * p * step[1], s * q * step[1]) - there) / step[1] for s in (1, -1))
        if abs(after - before) > 1e-12 * (1 + abs(after)):
            return None
        gradient.append((after + before) / 2)
    bend = np.empty((2, 2), dtype=object)
    for (m, (p, q)), (n, (i, j)) in product(enumerate(ways), enumerate(ways)):
        corners = (
            r * s * at(h * (r * p + s * i), h * (r * q + s * j)) for r, s in product((1, -1), repeat=2)
        )
        bend[m, n] = sum(corners) / (4 * h * h)
    return gradient, bend


def boxes_of(sides, rng, count=14):
    """Return boxes of all sizes, points among them."""
    ends = np.sort(rng.uniform(sides.low, sides.high, (2, count, 2)), axis=0)
    size = np.where(np.arange(count) < count // 2, 1.0, 10.0 ** rng.uniform(-12, -6, count))[:, None]
    size[-2:] = 0.0
    every = np.full((count, len(sides.labels)), -1)
    return sides.boxes(ends[0], ends[0] + size * (ends[1] - ends[0]), labels=every)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exact_lies_within_the_bounds_of_every_kind(kind):
    root, rng = KINDS[kind], np.random.default_rng(7)
    sides = BoxSides.of(RANGES, postorder(root), {"kind": LABELS})
    encloser, boxes = Encloser(root, sides), boxes_of(sides, rng)
    rounded = encloser.over(boxes, Orders(errors=True))
    off = np.broadcast_to(rounded.off, len(boxes))
    both = [encloser.over(boxes, Orders(2, x)) for x in (0, 1)]
    with mpmath.workdps(60):
        for box, share in np.ndindex(len(boxes), 3):
            part = (0.0, 1.0, rng.random(2))[share]
            place = np.clip(boxes.low[box] + part * boxes.width[box], boxes.low[box], boxes.high[box])
            point = {"x": float(place[0]), "y": float(place[1]), "kind": LABELS[share]}
            true = exact(root, point)
            if not isinstance(true, mpmath.mpf):
                continue  # an odd power of a negative number
            data = {name: np.array([value]) for name, value in point.items()}
            said = fold(root, lambda node, parts, data=data: node.compute(parts, data))
            assert abs(true - mpmath.mpf(float(np.ravel(said)[0]))) <= off[box]
            for found in (rounded, *both):
                assert found.value[0][box] <= true <= found.value[1][box]
            slopes = derivatives(root, point)
            if slopes is None or not both[0].defined[box]:
                continue
            for x, found in enumerate(both):
                check_derivatives(
                    found, x, box, slopes, tight=kind not in KINKED and boxes.width[box].max() < 1e-5
                )


def check_derivatives(found, x, box, slopes, tight):
    """Assert that the bounds in a box hold the gradient and the second derivatives, and little else if tight."""
    gradient, bend = slopes
    for j in (0, 1):
        for bounds, true in ((found.slope, gradient[j]), (found.curvature, bend[x, j])):
            low, high = (float(end[j, box]) for end in bounds)
            slack = mpmath.mpf(10) ** -18 * (1 + abs(true))
            assert low - slack <= true <= high + slack
            assert not tight or high - low <= 1e-2 * (1 + abs(true))


fractions = st.floats(0.0, 1.0)


@settings(max_examples=80, deadline=None)
@given(laws(), st.sampled_from(["x", "y", "hour"]), st.data())
def test_difference_quotients_and_values_of_random_laws_lie_within_their_bounds(law, name, data):
    try:
        sides = sides_of(law, {})
    except FormulaError as error:
        assert "no entry" in str(error)  # noqa: PT017
        return
    names, whole = sides.numbers, sides.whole(())
    parts = np.array([data.draw(st.tuples(fractions, fractions)) for _ in names]).reshape(len(names), 2)
    low, high = (whole.low[0] + part * whole.width[0] for part in np.sort(parts, axis=1).T)
    x = names.index(name) if name in names else -1
    every = np.full((1, len(sides.labels)), -1)
    found = Encloser(law.root, sides).over(sides.boxes(low[None], high[None], labels=every), Orders(1, x))
    rng = np.random.default_rng(0)
    inner = np.concatenate([[np.zeros(len(names)), np.ones(len(names))], rng.random((30, len(names)))])
    points = np.clip(low + inner * (high - low), low, high)
    labels = np.array(VEHICLE.categories, dtype=object)
    sample = {v.name: np.full(32, v.low) for v in NUMBERS} | {"vehicle": labels[rng.integers(0, 3, 32)]}
    sample |= {n: points[:, place] for place, n in enumerate(names)}
    values = raw(law, sample)
    fine = np.isfinite(values)
    assert (values[fine] >= found.value[0][0]).all()
    assert (values[fine] <= found.value[1][0]).all()
    if x < 0 or not found.defined[0]:
        return
    moved = {**sample, name: np.clip(low[x] + rng.random(32) * (high[x] - low[x]), low[x], high[x])}
    step, change = moved[name] - sample[name], raw(law, moved) - values
    least, most = (end[x, 0] for end in found.slope)
    rounding = 1e-9 * (np.abs(values) + 1e-300)
    with np.errstate(invalid="ignore"):
        below = np.where(step >= 0, least * step, most * step) - rounding
        above = np.where(step >= 0, most * step, least * step) + rounding
    usable = fine & np.isfinite(change) & (step != 0) & ~np.isnan(below) & ~np.isnan(above)
    assert (change >= below)[usable].all()
    assert (change <= above)[usable].all()


WHOLE = {variable.name: (variable.low, variable.high) for variable in NUMBERS}


def rows(count):
    rng = np.random.default_rng(0)
    data = {name: rng.uniform(low, high, count) for name, (low, high) in WHOLE.items()}
    return {**data, "vehicle": np.full(count, "van", dtype=object)}


@given(laws())
@settings(max_examples=60, deadline=None)
def test_every_step_of_a_random_law_stays_within_its_range(law):
    data = rows(200)
    assume(np.isfinite(raw(law, {name: column[:5] for name, column in data.items()})).all())
    try:
        root = folded(law.root, {}, {"vehicle": "van"})
    except FormulaError:
        reject()  # constants that have no finite value, in a part that does not matter
    known = Enclosures(root, WHOLE)
    for node in postorder(root):
        value = raw(replace(law, root=node), data)
        value = value[np.isfinite(value)]
        low, high = known.range(node)
        assert ((low <= value) & (value <= high)).all()


@pytest.mark.parametrize(
    "text",
    [
        "x * y / (hour + 1) - 3 * x",
        "(x^0.65 + 1e4) - x^0.65",
        "log(x) * exp(-y) + sqrt(hour)",
        "sqrt(x * hour + 1)^0.3 * 1e3",
        "tanh(y) * atan(x) + sin(hour) * cos(y)",
        "max(x * y, y^2, abs(y - x)) - min(x, hour) + relu(y)",
        "x^y / 7",
    ],
)
def test_what_rounding_adds_up_to_is_held(text):
    root: Node = parse_formula(text, list(NUMBERS), Variable("out")).root
    known, data = Enclosures(root, WHOLE), rows(60)
    said = fold(root, lambda step, parts: step.compute(parts, data))
    with mpmath.workdps(50):
        for place, value in enumerate(said):
            true = exact(root, {name: float(data[name][place]) for name in WHOLE})
            assert abs(true - mpmath.mpf(float(value))) <= known.rounding
    assert known.rounding < 1e-6
