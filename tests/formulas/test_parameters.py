import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import Constant, Covariance, Curve, Formula, Input, Table, Variable, parse_formula
from kanopt.formulas.parameters import is_parameter, names_in, parameters_of

X, OUT = Variable("x"), Variable("out")
LAW = Formula(Constant(2.0, "a", 0.2) * Input("x") + Constant(1.0, "b", 0.1), (X,), OUT)
KNOWN = Covariance(("a", "b"), ((0.04, 0.01), (0.01, 0.01)), 98)


def test_a_name_makes_a_constant_a_parameter():
    assert is_parameter(Constant(1.0, "a"))
    assert not is_parameter(Constant(1.0, standard_error=0.1))
    assert not is_parameter(Constant(math.pi, "pi"))
    assert is_parameter(Constant(3.0, "pi"))
    assert parameters_of(LAW.root) == {"a": 2.0, "b": 1.0}


def test_a_covariance_is_part_of_the_law():
    law = replace(LAW, covariance=KNOWN)
    assert law.covariance.array.shape == (2, 2)
    assert law != LAW
    assert hash(law) == hash(replace(LAW, covariance=Covariance(("a", "b"), KNOWN.matrix, 98.0)))
    assert Formula.from_json(law.to_json()) == law
    with pytest.raises(ValueError, match="read-only"):
        law.covariance.array[0, 0] = 1.0


def test_simplifying_keeps_the_covariance_of_what_is_left():
    law = replace(LAW, root=LAW.root + 0.0 * Constant(9.0, "gone", 1.0) + 2.0)
    known = Covariance(("gone", "b", "a"), ((1.0, 0.0, 0.1), (0.0, 0.01, 0.0), (0.1, 0.0, 0.04)), 5.0)
    simple = replace(law, covariance=known).simplify()
    assert simple.covariance == Covariance(("b", "a"), ((0.01, 0.0), (0.0, 0.04)), 5.0)
    only = Formula(0.0 * Constant(9.0, "gone", 1.0) + Input("x"), (X,), OUT)
    assert replace(only, covariance=known.restrict(["gone"])).simplify().covariance is None


@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(-12, 12))
def test_every_covariance_of_rows_is_one(size, seed, power):
    rng = np.random.default_rng(seed)
    scale = 10.0 ** (power * rng.uniform(-1, 1, size))
    rows = rng.normal(size=(size, max(1, size - 1))) * scale[:, None]
    known = Covariance.of([f"c{i}" for i in range(size)], rows @ rows.T)
    np.testing.assert_allclose(list(known.standard_errors.values()), np.sqrt((rows**2).sum(axis=1)))
    assert known.restrict(["c0"]).names == ("c0",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((), ()), "of 0 constants"),
        ((("a",) * 3000, ()), "of 3,000 constants"),
        ((("a", "a"), ((1, 0), (0, 1))), "every constant once"),
        ((("a", ""), ((1, 0), (0, 1))), "a text that is not empty"),
        ((("a", "b"), ((1, 0),)), "2 rows of 2 numbers"),
        ((("a",), ((1, 0),)), "1 rows of 1 numbers"),
        ((("a",), ((math.nan,),)), "finite numbers"),
        ((("a",), ((-1.0,),)), "none below 0"),
        ((("a", "b"), ((1, 0.5), (0.4, 1))), "symmetric"),
        ((("a", "b"), ((1, 2), (2, 1))), "negative variance"),
        ((("a", "b"), ((0, 1), (1, 1))), "0 beside a variance of 0"),
        ((("a",), ((1,),), 0.0), "degrees of freedom"),
        ((("a",), ((1,),), math.nan), "degrees of freedom"),
    ],
)
def test_what_is_no_covariance_is_refused(arguments, message):
    with pytest.raises(FormulaError, match=message):
        Covariance(*arguments)


def test_a_covariance_of_other_constants_is_refused():
    with pytest.raises(FormulaError, match="is of 'q', which is no constant of it; known: 'a', 'b'"):
        replace(LAW, covariance=Covariance(("q",), ((1.0,),)))
    with pytest.raises(FormulaError, match=r"'a' has the standard error 0.2, but 0.5 in the covariance"):
        replace(LAW, covariance=Covariance(("a",), ((0.25,),)))
    plain = parse_formula("a * x", [X], OUT, constants={"a": 2.0})
    with pytest.raises(FormulaError, match="standard error None"):
        replace(plain, covariance=Covariance(("a",), ((0.25,),)))


def test_numbers_of_pieces_have_names_too():
    curve = Curve("s", Input("x"), (0.0, 1.0, 2.0, 3.0), 0.0, 1.0)
    table = Table.of({("van", "day"): 1.0}, "kind", "shift", name="rate")
    assert names_in(curve * table) == {"s[0]", "s[1]", "s[2]", "s[3]", "rate[van, day]"}
    law = Formula(curve, (X,), OUT, covariance=Covariance(("s[0]",), ((0.25,),)))
    assert law.covariance.standard_errors == {"s[0]": 0.5}
