import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from kanopt.errors import FormulaError
from kanopt.formulas import Curve, Input, Step, Table

x = Input("x")
coefficients = st.lists(st.floats(-10, 10), min_size=4, max_size=12)


@given(coefficients, st.floats(-5, 5), st.floats(0.1, 20), st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_inside_its_knots_a_curve_is_the_b_spline(values, low, length, places):
    curve = Curve("s", x, tuple(values), low, low + length)
    width = curve.width
    knots = low + width * np.arange(-3, curve.grid_size + 4)
    points = curve.low + np.array(places) * (curve.high - curve.low)
    expected = BSpline(knots, values, 3)(points)
    np.testing.assert_allclose(curve.at(points), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Curve("s", x, (1.0, 2.0, 3.0), 0.0, 1.0), "at least 4 coefficients"),
        (lambda: Curve("s", x, (), 0.0, 1.0, periodic=True), "at least 4 coefficients"),
        (lambda: Curve("s", x, (1.0,) * 4, 1.0, 1.0), "have no length"),
        (lambda: Curve("s", x, (1.0,) * 4, 1e300, 1e300 * (1 + 1e-15)), "have no length"),
        (lambda: Curve("s", x, (1.0,) * 4, -1.7e308, 1.7e308), "have no length"),
        (lambda: Curve("s", x, (1.0, 2.0, 3.0, float("nan")), 0.0, 1.0), "finite"),
        (lambda: Step(x, (1.0,), (1.0,)), "1 breakpoints need 2 values"),
        (lambda: Step(x, (2.0, 1.0), (1.0, 2.0, 3.0)), "must ascend"),
        (lambda: Table.of({}, "v"), "one or more entries"),
        (lambda: Table((), ((("a",), 1.0),)), "one or more different inputs"),
        (lambda: Table(("v", "v"), ((("a", "b"), 1.0),)), "one or more different inputs"),
        (lambda: Table(("v",), ((("a", "b"), 1.0),)), "one category per input"),
        (lambda: Table(("v",), ((("1",), 1.0), ((1.0,), 2.0))), "each combination once"),
        (lambda: Table.of({"a": 1.0}, "v", fallback=float("inf")), "finite"),
    ],
)
def test_pieces_without_a_meaning_are_refused(make, message):
    with pytest.raises(FormulaError, match=message):
        make()


def labels(*names):
    return np.array(names, dtype=object)


def test_a_table_of_two_inputs_broadcasts():
    table = Table.of(
        {("van", "city"): 1.0, ("van", "land"): 2.0, ("truck", "land"): 3.0}, "kind", "place", fallback=9.0
    )
    kinds, places = labels("van", "truck", "bike")[:, None], labels("city", "land")[None, :]
    found = table.compute([], {"kind": kinds, "place": places})
    assert found.tolist() == [[1.0, 2.0], [9.0, 3.0], [9.0, 9.0]]


def test_without_a_fallback_what_has_no_entry_is_named():
    table = Table.of({("van", "city"): 1.0, ("truck", "land"): 3.0}, "kind", "place", name="rate")
    with pytest.raises(FormulaError, match="input 'kind': unseen category 'vann'; did you mean 'van'"):
        table.compute([], {"kind": labels("van", "vann"), "place": labels("city", "city")})
    with pytest.raises(FormulaError, match="'rate' has no entry for kind='van', place='land'"):
        table.compute([], {"kind": labels("van"), "place": labels("land")})
