"""Terms that give way to others: what is promised is what least squares takes."""

from typing import Any

import numpy as np
import pytest

from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.surrogates.search import Rules
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.fitting import Budget, Target, fitted
from kanopt.surrogates.search.program import Columns, value
from kanopt.surrogates.search.rewriting import exchanges, rewritings
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Group,
    Hinge,
    Law,
    Parameter,
    Power,
    Term,
    exponents,
    free_parameters,
    joined,
    operators,
    walk,
)


def power(exponent: float, coefficient: float = 1.0, column: int = 0, *, free: bool = True) -> Term:
    return Term(Parameter(coefficient), (Power(column, Parameter(exponent, free=free)),))


@pytest.fixture
def columns() -> Columns:
    rng = np.random.default_rng(1)
    return Columns(np.column_stack([rng.uniform(0.5, 4.0, 200), rng.uniform(1.0, 3.0, 200)]), np.ones(2), {})


def target(columns: Columns, y: np.ndarray) -> Target:
    weights = np.random.default_rng(2).uniform(0.5, 2.0, len(y))
    return Target(columns, y, weights, False, Rules(OPERATOR), Budget(500.0))


def test_powers_that_stand_for_others_give_way_to_them(columns: Columns) -> None:
    x, z = columns.of(0), columns.of(1)
    to = target(columns, 0.08 + 0.3 * x**2 + 1.2 / x + 2.0 * z)
    law = Law(
        (Term(Parameter(0.1)), power(0.5), power(1.9), power(-0.5), power(1.0, 2.0, column=1, free=False))
    )
    fit = fitted(law, to)
    assert fit is not None
    assert fit.squares > 1e-9
    share, best = max(exchanges(fit.law, Dictionary(columns, {}), to), key=lambda each: each[0])
    assert share == pytest.approx(1.0)
    np.testing.assert_allclose(value(best, columns), to.target, rtol=1e-9)
    held = sorted(f.exponent.value for term in best.terms for f in term.factors)
    assert not exponents(best)
    assert {-1.0, 2.0} <= set(held)


def test_what_is_promised_is_what_least_squares_takes(columns: Columns) -> None:
    x, z = columns.of(0), columns.of(1)
    noise = 0.1 * np.random.default_rng(3).standard_normal(len(x))
    to = target(columns, 3.0 + x**2 + np.sqrt(z) + noise)
    sum_ = power(1.0, free=False), power(3.0, free=False), power(1.0, column=1, free=False)
    fit = fitted(Law((Term(Parameter(1.0)), *sum_)), to)
    assert fit is not None
    laws = list(exchanges(fit.law, Dictionary(columns, {}), to))
    assert len(laws) >= 3  # one power and two in the place of two, and exponentials
    for share, law in laws:
        left = to.residual(value(law, columns))
        again = fitted(law, to, iterations=0)
        assert again is not None
        assert float(left @ left) == pytest.approx(fit.squares * (1.0 - share), rel=1e-6)


def test_a_line_that_bends_takes_the_place_of_powers(columns: Columns) -> None:
    x, z = columns.of(0), columns.of(1)
    pay = z * (x + 0.25 * np.maximum(x - 1.5, 0.0) + 0.5 * np.maximum(x - 3.0, 0.0))
    to = target(columns, pay)
    beside = Power(1, Parameter(1.0, free=False))
    fit = fitted(
        Law(tuple(Term(Parameter(1.0), (*power(e, free=False).factors, beside)) for e in (0.5, 2.0))), to
    )
    assert fit is not None
    words = Dictionary(columns, {}, with_shapes=True)
    _, best = max(exchanges(fit.law, words, to), key=lambda each: each[0])
    bends = sorted(f.place.value for t in best.terms for f in t.factors if isinstance(f, Hinge))
    assert len(bends) == 2
    whole = fitted(best, to)
    assert whole is not None
    assert whole.squares < 1e-12 * to.spread * to.total
    # where other functions are not looked for yet, neither are bends
    laws = exchanges(fit.law, Dictionary(columns, {}), to)
    assert not any(isinstance(f, Hinge) for _, law in laws for t in law.terms for f in t.factors)


@pytest.mark.parametrize(
    "function", [lambda x: np.exp(0.7 * x), lambda x: 3.0 + x**2.6, lambda x: 1.0 / (1.0 - 0.2 * x)]
)
def test_a_function_takes_the_place_of_the_terms_of_its_series(columns: Columns, function: Any) -> None:
    x, z = columns.of(0), columns.of(1)
    to = target(columns, 2.0 * z + np.sqrt(z) * function(x))
    root = Power(1, Parameter(0.5, free=False))
    series = Group(Law((Term(ONE), power(1.0, free=False), power(3.0, free=False))))
    fit = fitted(Law((power(1.0, 2.0, column=1, free=False), Term(Parameter(1.0), (root, series)))), to)
    assert fit is not None
    assert fit.squares > 1e-6
    words = Dictionary(columns, {}, with_shapes=True)
    share, best = max(exchanges(fit.law, words, to), key=lambda each: each[0])
    assert share > 0.99
    whole = fitted(best, to)
    assert whole is not None
    assert whole.squares < 1e-12 * to.spread * to.total


def gap(*terms: Term) -> Applied:
    return Applied("abs", Law(terms))


X, Z, ROOT = Power(0, ONE), Power(1, ONE), Power(1, Parameter(-0.5, free=False))
BENT = {
    "larger": (
        lambda x, z: 1.0 + np.maximum(2.8 * x, 1.6 * z),
        (
            Term(Parameter(1.0)),
            Term(Parameter(1.4), (X,)),
            Term(Parameter(0.8), (Z,)),
            Term(Parameter(1.4), (gap(Term(ONE, (X,)), Term(Parameter(-0.57), (Z,))),)),
        ),
    ),
    "smaller": (
        lambda x, z: np.minimum(2.8 * x, 1.6 * z),
        (
            Term(Parameter(1.4), (X,)),
            Term(Parameter(0.8), (Z,)),
            Term(Parameter(-1.4), (gap(Term(ONE, (X,)), Term(Parameter(-0.57), (Z,))),)),
        ),
    ),
    "with a factor, in a bracket": (
        lambda x, z: np.maximum(3.0 * x, 5.0) / np.sqrt(z),
        (
            Term(Parameter(1.5), (X, ROOT)),
            Term(
                Parameter(2.5),
                (
                    ROOT,
                    Group(
                        Law(
                            (Term(ONE), Term(Parameter(0.6), (gap(Term(ONE, (X,)), Term(Parameter(-1.66))),)))
                        )
                    ),
                ),
            ),
        ),
    ),
    "a bend": (
        lambda x, z: z * np.maximum(3.0 * x, 5.0),
        (Term(Parameter(5.0), (Z,)), Term(Parameter(3.0), (Z, Hinge(0, Parameter(1.66))))),
    ),
    "beyond a line": (
        lambda x, z: np.minimum(2.0 * x, 3.0 * z),
        (
            Term(Parameter(2.0), (X,)),
            Term(
                Parameter(-2.0),
                (
                    Applied(
                        "max",
                        Law(
                            (
                                Term(Parameter(0.0, free=False)),
                                Term(
                                    ONE,
                                    (Group(Law((Term(ONE, (X,)), Term(Parameter(-1.5), (Z,))))),),
                                ),
                            )
                        ),
                    ),
                ),
            ),
        ),
    ),
}


@pytest.mark.parametrize("form", BENT)
def test_an_absolute_value_or_a_bend_becomes_the_larger_or_smaller_of_two(
    columns: Columns, form: str
) -> None:
    function, terms = BENT[form]
    to = target(columns, function(columns.of(0), columns.of(1)))
    law = Law(tuple(terms))
    tried = [fitted(other, to) for other in rewritings(law, columns)]
    shortest = min(
        filter(None, tried), key=lambda fit: (fit.squares > 1e-12 * to.spread * to.total, fit.length)
    )
    assert shortest.squares < 1e-12 * to.spread * to.total
    assert any(isinstance(f, Applied) and f.function in ("max", "min") for f in walk(shortest.law))
    assert not any(isinstance(f, Hinge) or f == "abs" for f in walk(shortest.law))
    assert len(free_parameters(shortest.law)) <= len(free_parameters(law))
    assert operators(shortest.law) <= operators(law)


def product(coefficient: float, *factors: Any) -> Term:
    return Term(Parameter(coefficient), factors)


def largest(*terms: Term) -> Applied:
    return Applied("max", Law(terms))


def square(column: int) -> Power:
    return Power(column, Parameter(2.0, free=False))


SAVING = {
    "a square of a difference": (
        lambda x, z: 2.0 * z + 0.3 * (x - 2.0) ** 2,
        (product(2.0, Z), product(1.25), product(-1.25, X), product(0.3, square(0))),
    ),
    "a square of a sum, in a bracket, with a factor": (
        lambda x, z: 5.0 + (x + 1.5 * z) ** 2 / np.sqrt(z),
        (
            product(5.0),
            product(3.1, X, Power(1, Parameter(0.5, free=False))),
            product(
                1.0,
                ROOT,
                Group(Law((Term(Parameter(1.0), (square(0),)), Term(Parameter(2.2), (square(1),))))),
            ),
        ),
    ),
    "a sum that both sides have": (
        lambda x, z: 3.0 * z + (2.0 + x) * np.maximum(2.0, z),
        (
            product(3.0, Z),
            Term(
                ONE,
                (
                    largest(
                        Term(ONE, (Group(Law((product(4.1), product(1.9, X)))),)),
                        Term(ONE, (Group(Law((product(2.0, Z), product(1.0, X, Z)))),)),
                    ),
                ),
            ),
        ),
    ),
}


@pytest.mark.parametrize("form", SAVING)
def test_what_is_a_square_or_has_one_factor_takes_a_number_less(columns: Columns, form: str) -> None:
    function, terms = SAVING[form]
    to = target(columns, function(columns.of(0), columns.of(1)))
    law = Law(tuple(terms))
    fits = [fit for fit in (fitted(other, to) for other in rewritings(law, columns)) if fit is not None]
    exact = [fit for fit in fits if fit.squares < 1e-12 * to.spread * to.total]
    assert min(len(free_parameters(fit.law)) for fit in exact) < len(free_parameters(law))


def test_numbers_that_are_no_square_stay(columns: Columns) -> None:
    law = Law((product(2.0), product(-1.0, X), product(0.3, square(0))))
    squares = [f for other in rewritings(law, columns) for f in walk(other) if isinstance(f, Group)]
    assert not any(
        f.exponent.value == 2.0 and len(f.inner.terms) == 2 and Term(ONE) not in f.inner.terms
        for f in squares
    )


def test_a_bend_beside_nothing_stays(columns: Columns) -> None:
    law = Law((Term(Parameter(3.0), (Z, Hinge(0, Parameter(1.66)))),))
    bends = [[isinstance(f, Hinge) for f in walk(other)].count(True) for other in rewritings(law, columns)]
    assert all(bends)


def test_there_are_shapes_of_every_family(columns: Columns) -> None:
    words = Dictionary(columns, {}, with_shapes=True)
    # 6 stretched, 8 Gompertz curves, 6 logistic ones and 12 peaks of each input; of the pair a gap and 18 decays
    assert [len(family.terms) for family in words.families] == [12, 16, 12, 24, 1, 18, 0, 0]
    assert len({repr(term) for family in words.families for term in family.terms}) == 83


def test_a_year_in_an_exponential_overflows_nowhere() -> None:
    year = np.arange(2015.0, 2025.0).repeat(20)
    rows = np.column_stack([year, np.linspace(1.0, 9.0, 200)])
    columns = Columns(rows / 2015.0, np.full(2, 2015.0), {})
    to = target(columns, 3.0 + 0.2 * (year - 2013.0) ** 1.5)
    fit = fitted(Law((Term(Parameter(1.0)), power(1.0, free=False))), to)
    assert fit is not None
    with np.errstate(all="raise"):
        words = Dictionary(columns, {}, with_shapes=True)
        assert all(
            np.isfinite(values**2).all() for column in (0, 1) for _, values in words.exponentials(column)
        )
    assert all(np.isfinite(share) for share, _ in exchanges(fit.law, words, to))


def test_what_multiplies_all_of_several_sums_stands_outside_of_their_extreme(columns: Columns) -> None:
    x, z = columns.of(0), columns.of(1)
    to = target(columns, (1.0 + z) * np.maximum.reduce([np.full_like(x, 5.0), 3.0 * x, 2.6 * z]))
    sums = []
    for first, second, factors in [
        (5.1, 4.9, ()),
        (3.0, 3.1, (Power(0, ONE),)),
        (2.6, 2.6, (Power(1, ONE),)),
    ]:
        longer = joined((*factors, Power(1, ONE)))
        sums.append(Law((Term(Parameter(first), factors), Term(Parameter(second), longer))))
    law = Law((Term(ONE, (Applied("max", Law(tuple(Term(ONE, (Group(each),)) for each in sums))),)),))
    fits = [fit for other in rewritings(law, columns) if (fit := fitted(other, to)) and fit.squares < 1e-9]
    assert min(operators(fit.law) for fit in fits) < operators(law)
