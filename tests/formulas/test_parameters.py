import math
from dataclasses import replace

import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import Constant, Covariance, Formula, Input, Variable, parse_formula

X, OUT = Variable("x"), Variable("out")
LAW = Formula(Constant(2.0, "a", 0.2) * Input("x") + Constant(1.0, "b", 0.1), (X,), OUT)
KNOWN = Covariance(("a", "b"), ((0.04, 0.01), (0.01, 0.01)), 98)


def test_a_covariance_is_part_of_the_law():
    law = replace(LAW, covariance=KNOWN)
    assert law.covariance.array.shape == (2, 2)
    assert law != LAW
    assert hash(law) == hash(replace(LAW, covariance=Covariance(("a", "b"), KNOWN.matrix, 98.0)))
    assert Formula.from_json(law.to_json()) == law
    with pytest.raises(ValueError, match="read-only"):
        law.covariance.array[0, 0] = 1.0


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
