"""Functions of one variable: where they jump, how they are enclosed, and pieces in the tube around them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import Apply, Curve, Maximum, Pieces, Step
from kanopt.formulas.lowering.graphs import ARGUMENT as U
from kanopt.formulas.lowering.profile import Profile
from kanopt.formulas.lowering.tube import fitted
from kanopt.formulas.nodes import fold

WAVE = Curve("s", U, (1.0, -2.0, 0.5, 3.0, -1.0, 0.0), 0.0, 2.5, periodic=True)
CASES = [
    (Apply("exp", -0.4 * U) * U, -1.0, 8.0),
    (Apply("sqrt", U) + U**2.3, 0.0, 5.0),
    (U**0.2, 0.0, 1.0),
    (Apply("abs", U * U - 2.0), -3.0, 3.0),
    (Maximum((Apply("sin", U), Apply("cos", U))), 0.0, 9.0),
    (WAVE, -1.0, 6.0),
    (Curve("s", Apply("log", U), (1.0, -2.0, 0.5, 3.0, -1.0, 0.0), 0.0, 1.5), 0.2, 20.0),
    (Step(U * U, (1.0, 4.0), (0.0, 2.0, -1.0)) + Apply("tanh", U), -3.0, 3.0),
    (Step(U, (0.0, 2.0), (5.0, 1.0, 2.0)) * Apply("sqrt", U), 0.0, 2.0),
    (Apply("sqrt", U - U * U), 0.0, 1.0),
]


def value(graph, x):
    with np.errstate(all="ignore"):
        return np.broadcast_to(fold(graph, lambda node, parts: node.compute(parts, {"u": x})), x.shape)


@pytest.mark.parametrize(("graph", "low", "high"), CASES)
@pytest.mark.parametrize("tolerance", [0.3, 0.01, 0.0003])
def test_polylines_enclose_functions_and_pieces_stay_in_the_tube(graph, low, high, tolerance):
    profile = Profile(graph, low, high)
    profile.refine(tolerance)
    cells = profile.cells
    assert cells.low[0] == low
    assert cells.high[-1] == high
    x = cells.low + np.linspace(0.01, 0.99, 7)[:, None] * (cells.high - cells.low)
    line = cells.first + (x - cells.low) / np.maximum(cells.high - cells.low, 1e-300) * (
        cells.last - cells.first
    )
    beside = value(profile.graph, x) - line
    assert (beside <= cells.up + cells.noise + 1e-13).all()
    assert (beside >= -cells.down - cells.noise - 1e-13).all()
    pieces = fitted(profile, tolerance, 100_000)
    least, most = profile.distance(pieces)
    assert max(-least, most) <= tolerance * (1.0 + 1e-9)
    fine = np.linspace(low, high, 3001)
    off = pieces.at(fine) - value(graph, fine)
    assert least - 1e-13 <= off.min()
    assert off.max() <= most + 1e-13
    # no more than the curvature asks, but for one at each kink, jump and inflection
    assert len(pieces) <= 1.05 * profile.effort / np.sqrt(tolerance) + 9
    assert [jump.x for jump in pieces.jumps] == profile.jumps.tolist()


@given(st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=12), st.floats(1e-3, 1.0))
@settings(max_examples=40, deadline=None)
def test_distance_of_any_pieces_is_proved(heights, tolerance):
    profile = Profile(Apply("sin", 2.0 * U) + Apply("sqrt", U), 0.0, 3.0)
    profile.refine(tolerance)
    pieces = Pieces.through(np.linspace(0.0, 3.0, len(heights)), heights)
    low, high = profile.distance(pieces)
    x = np.linspace(0.0, 3.0, 4001)
    off = pieces.at(x) - value(profile.graph, x)
    assert low <= off.min() <= low + 0.3 * tolerance + 0.01
    assert high - 0.3 * tolerance - 0.01 <= off.max() <= high


@pytest.mark.parametrize(
    ("graph", "low", "high", "shape"),
    [
        (Apply("exp", U) + Apply("relu", U - 1.0), 0.0, 3.0, "convex"),
        (Apply("log", U) - Apply("abs", U - 2.0), 0.5, 3.0, "concave"),
        (Apply("sqrt", U) + U**0.3, 0.0, 4.0, "concave"),
        (Apply("sin", U), 0.0, 6.0, "neither"),
        (1.0 / U, 0.1, 4.0, "convex"),
        (Apply("softplus", U), -30.0, 30.0, "convex"),
    ],
)
@pytest.mark.parametrize("tolerance", [0.2, 0.011, 0.0007])
def test_pieces_of_something_convex_are_convex(graph, low, high, shape, tolerance):
    profile = Profile(graph, low, high)
    assert profile.shape == shape
    profile.refine(tolerance)
    pieces = fitted(profile, tolerance, 10_000)
    assert pieces.shape in (shape, "linear")


@pytest.mark.parametrize(
    ("graph", "low", "high", "message"),
    [
        (Apply("log", U), 0.0, 1.0, "has no finite value where u is 0"),
        (
            1.0 / (U - 0.3),
            0.0,
            1.0,
            "has no finite value where u is 0.3",
        ),
        (Apply("sqrt", U), -1.0, 1.0, "has no finite value where u is -1"),
        (
            1.0 / (U**3.0 - 0.2),
            0.0,
            1.0,
            "no finite value where u is 0.584804|could not be shown to have a finite value",
        ),
        (
            Apply("log", Apply("square", Apply("sin", 7.0 * U))),
            0.2,
            1.0,
            "could not be shown to have a finite value",
        ),
    ],
)
def test_where_there_is_no_value_nothing_is_claimed(graph, low, high, message):
    with pytest.raises(FormulaError, match=message):
        Profile(graph, low, high)
