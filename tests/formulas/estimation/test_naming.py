import numpy as np
import pytest
from hypothesis import given, settings

from kanopt.formulas import Variable, parse_formula
from kanopt.formulas.estimation import with_named_constants
from kanopt.formulas.parameters import parameters_of
from tests.formulas.strategies import laws, raw, rows

X, Y, OUT = Variable("x"), Variable("y"), Variable("out")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5 + 0.12 * x * (1 + 0.04 * y)", [0.5, 0.12, 0.04]),
        ("0.5 * x + 0.5 * y", [0.5, 0.5]),
        ("2 - 3.5 * x", [2.0, 3.5]),
        ("x / y - x", []),
        ("4 / (x + 7)", [4.0, 7.0]),
        ("x ^ 2 + x ^ 1.5", [1.5]),
        ("2.5 * x ^ -1.5", [2.5, -1.5]),
        ("max(0, x - 3)", [-3.0]),
        ("3.3 * exp(0.2 + 0.1 * x)", [3.3, 0.1]),
        ("1.5 * (2.5 * x + 3 * y)", [1.5, 2.5]),
        ("5", [5.0]),
        ("-1", [-1.0]),
        ("0 * x", [0.0]),
        ("sin(2 * pi * x)", []),
    ],
)
def test_free_quantities_are_named_in_reading_order(text, expected):
    named = with_named_constants(parse_formula(text, [X, Y], OUT))
    assert list(parameters_of(named.root)) == [f"c{place + 1}" for place in range(len(expected))]
    np.testing.assert_allclose(list(parameters_of(named.root).values()), expected)


@settings(max_examples=80, deadline=None)
@given(laws(), rows())
def test_naming_changes_no_value_and_is_done_once(law, data):
    named = with_named_constants(law)
    assert with_named_constants(named) == named
    try:
        expected = raw(law, data)
    except ValueError:  # a category without an entry
        return
    np.testing.assert_array_equal(raw(named, data), expected)
