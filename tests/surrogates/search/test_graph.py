"""How a law of scaled inputs is written down: the same values, with the fewest operators."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.formulas import Formula, Variable
from kanopt.surrogates.search.graph import graph
from kanopt.surrogates.search.program import Columns, value
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Factor,
    Group,
    Hinge,
    Law,
    Logarithm,
    Parameter,
    Power,
    Term,
)

NAMES = ("wage", "hours", "km")


def power(column: int, exponent: float = 1.0) -> Power:
    return Power(column, Parameter(exponent, free=False))


def term(coefficient: float, *factors: Factor) -> Term:
    return Term(Parameter(coefficient), factors)


def formula(*terms: Term) -> Formula:
    inputs = tuple(Variable(name) for name in NAMES)
    root = graph(Law(terms), NAMES, np.ones(3))
    used = Formula(root, inputs, Variable("y")).used
    return Formula(root, tuple(v for v in inputs if v.name in used), Variable("y"))


@pytest.mark.parametrize(
    ("terms", "written"),
    [
        (
            (term(1.2, power(0), power(1)), term(0.25, power(0), Hinge(1, Parameter(8.0)))),
            "wage · (1.2 · hours + 0.25 · max(0, hours - 8))",
        ),
        (
            (term(1.2, power(0), power(1)), term(0.3, power(0), power(2)), term(3.0), term(2.0, power(2))),
            "3 + 2 · km + wage · (1.2 · hours + 0.3 · km)",
        ),
        (
            (term(1.2, power(0)), term(0.3, power(0), power(1)), term(3.0, power(0), power(1), power(2))),
            "wage · (1.2 + hours · (0.3 + 3 · km))",
        ),
        (
            (Term(ONE, (power(2), Group(Law((term(1.2, power(0)), term(0.3, power(0), power(1))))))),),
            "wage · km · (1.2 + 0.3 · hours)",
        ),
        (
            (term(2.0, power(0, 2.0), Group(Law((Term(ONE), term(1.5, power(1, 0.5), power(0, -2.0)))))),),
            "2 · wage^2 + 3 · sqrt(hours)",
        ),
        (
            (term(2.0, power(0), Group(Law((Term(ONE), term(1.5, power(1)))))), term(1.0, power(2))),
            "km + wage · (2 + 3 · hours)",
        ),
        ((term(1.2, power(0)), term(0.3, power(1))), "1.2 · wage + 0.3 · hours"),
        ((term(1.2, power(0)), term(0.3, power(0, 2.0))), "1.2 · wage + 0.3 · wage^2"),
    ],
)
def test_what_terms_share_is_written_once(terms: tuple[Term, ...], written: str) -> None:
    assert str(formula(*terms)) == written


def test_a_factor_that_stands_twice_stays_twice() -> None:
    log = Logarithm(2)
    law = Law((term(2.0, log), term(3.0, log, log)))
    rows = np.array([[1.0, 1.0, 5.0]])
    assert formula(*law.terms).evaluate({"km": np.array([5.0])}) == pytest.approx(
        value(law, Columns(rows, np.ones(3)))
    )


def test_a_size_of_a_logarithm_is_no_power() -> None:
    inner = Law((Term(ONE, (power(0, 2.0), Logarithm(2))),))
    size = formula(term(2.0, Applied("abs", inner)))
    assert size.evaluate({"wage": 3.0, "km": 0.5}) == pytest.approx(2.0 * 9.0 * np.log(2.0))


EXPONENTS = st.sampled_from((0.0, 0.5, 1.0, 2.0))
TERMS = st.lists(
    st.tuples(st.sampled_from((-2.5, 0.4, 3.0)), st.tuples(EXPONENTS, EXPONENTS, EXPONENTS)),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each[1],
)


@given(TERMS, st.booleans())
def test_gathering_changes_no_value(
    drawn: list[tuple[float, tuple[float, float, float]]], bracket: bool
) -> None:
    terms = tuple(term(c, *(power(j, e) for j, e in enumerate(powers) if e)) for c, powers in drawn)
    law = Law((Term(ONE, (power(0, 0.5), Group(Law(terms)))), term(2.0)) if bracket else terms)
    inputs = np.random.default_rng(0).uniform(0.5, 3.0, (40, 3))
    expected = np.broadcast_to(value(law, Columns(inputs, np.ones(3))), 40)
    written = formula(*law.terms).evaluate(dict(zip(NAMES, inputs.T, strict=True)))
    assert np.broadcast_to(written, 40) == pytest.approx(expected, rel=1e-12, abs=1e-12)
