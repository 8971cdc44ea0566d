"""The largest and the smallest of several products."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kanopt.formulas import Formula, Variable
from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.surrogates.search import Rules
from kanopt.surrogates.search.columns import Columns
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.extremes import extremes
from kanopt.surrogates.search.fitting import Budget, Target, fitted
from kanopt.surrogates.search.graph import graph
from kanopt.surrogates.search.program import parts, value, value_and_jacobian
from kanopt.surrogates.search.rewriting import rewritings
from kanopt.surrogates.search.rules import kind_of_factor
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Law,
    Parameter,
    Power,
    Term,
    cleaned,
    operators,
    values_of,
    with_values,
)


def columns_of(rows: int = 600, seed: int = 0) -> Columns:
    rng = np.random.default_rng(seed)
    return Columns(np.exp(rng.uniform(-1.0, 1.5, (rows, 3))), np.ones(3), {})


def target(columns: Columns, y: np.ndarray, *, log: bool = False) -> Target:
    return Target(columns, np.log(y) if log else y, np.ones(len(y)), log, Rules(OPERATOR), Budget(500.0))


def term(coefficient: float, *powers: tuple[int, float]) -> Term:
    return Term(Parameter(coefficient), tuple(Power(j, Parameter(e, free=False)) for j, e in powers))


def largest(*terms: Term, function: str = "max") -> Applied:
    return Applied(function, Law(terms))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("function", ["max", "min"])
@settings(max_examples=8)
@given(
    slopes=st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 2),
    level=st.floats(0.7, 1.5),
    seed=st.integers(0, 100),
)
def test_the_extreme_of_two_products_is_found(
    function: str, log: bool, slopes: tuple[float, float], level: float, seed: int
) -> None:
    columns = columns_of(seed=seed)
    a, b, c = (columns.of(j) for j in range(3))
    choose = np.maximum if function == "max" else np.minimum
    y = c * choose(level * a, b * a ** slopes[0] * b ** slopes[1])
    assume(0.05 < np.mean(y == c * level * a) < 0.95)
    to = target(columns, y, log=log)
    fits = [fit for law in extremes(to, Dictionary(columns, {})) if (fit := fitted(law, to)) is not None]
    best = min(fits, key=lambda fit: fit.length)
    assert best.squares < 1e-10 * to.spread * to.total
    np.testing.assert_allclose(value(best.law, columns), y, rtol=1e-5)


@pytest.mark.parametrize(
    "law",
    [
        lambda a, b, c: 4.6 + 0.2 * a + np.maximum(0.0, b + 2.0 * c - 5.0),  # beyond a sum of two
        lambda a, b, c: np.minimum(1.4 + 1.1 * a, 3.2 + 0.3 * a + 0.8 * b),  # the cheaper of two contracts
        lambda a, b, c: np.maximum(4.0, 0.5 + a * b),  # a least charge
        lambda a, b, c: a * (0.4 * b + np.maximum(0.0, c - 2.0)),  # a rate for what is beyond
    ],
)
def test_the_extreme_of_two_sums_is_found(law: Callable[..., np.ndarray]) -> None:
    columns = columns_of()
    y = law(*(columns.of(j) for j in range(3)))
    noisy = y + 0.005 * y.std() * np.random.default_rng(1).standard_normal(len(y))
    to = target(columns, noisy)
    fits = [fit for law in extremes(to, Dictionary(columns, {})) if (fit := fitted(law, to)) is not None]
    best = min(fits, key=lambda fit: fit.length)
    np.testing.assert_allclose(value(best.law, columns), y, atol=0.01 * y.std())


def test_derivatives_of_the_largest_are_those_of_the_term_that_is() -> None:
    columns = columns_of(50)
    law = Law(
        (
            term(2.0),
            Term(
                Parameter(0.5),
                (*term(1.0, (2, 1.0)).factors, largest(term(1.5, (0, 1.0)), term(1.1, (1, 2.0)))),
            ),
        )
    )
    _, jacobian = value_and_jacobian(law, columns)
    at = np.array(values_of(law))
    for k in range(len(at)):
        step = 1e-6 * np.eye(len(at))[k]
        up, down = (value(with_values(law, at + s * step), columns) for s in (1.0, -1.0))
        np.testing.assert_allclose(jacobian[:, k], (up - down) / 2e-6, rtol=1e-6, atol=1e-8)
    flows = {part.path: part.flow for part in parts(law, columns)}
    one, other = flows[1, 1, 0], flows[1, 1, 1]
    assert ((one == 0.0) != (other == 0.0)).all()
    assert (1, 1) not in flows  # terms of which the largest counts are no sum


def test_a_term_that_is_never_the_largest_says_nothing() -> None:
    columns = columns_of()
    assert np.isnan(value(Law((Term(ONE, (largest(term(1e-6), term(1.0, (0, 1.0))),)),)), columns)).all()


def test_the_largest_of_one_is_that_one_and_a_number_is_written_once() -> None:
    alone = cleaned(Law((Term(Parameter(2.0), (largest(term(3.0, (0, 1.0))),)),)))
    assert alone == Law((term(6.0, (0, 1.0)),))
    twice = cleaned(Law((Term(Parameter(2.0), (largest(term(3.0), term(1.5, (0, 1.0))),)),)))
    assert twice == Law((Term(ONE, (largest(term(6.0), term(3.0, (0, 1.0))),)),))
    # like terms are not added up
    assert (
        len(cleaned(Law((Term(ONE, (largest(term(1.0, (0, 1.0)), term(2.0, (0, 1.0))),)),))).terms[0].factors)
        == 1
    )


def test_it_is_written_in_the_units_of_the_inputs() -> None:
    law = Law(
        (Term(ONE, (*term(1.0, (2, 1.0)).factors, largest(term(2.0, (0, 1.0)), term(20.0, (1, 1.0))))),)
    )
    assert operators(law) == 4
    assert kind_of_factor(law.terms[0].factors[1]) == "hinge"
    values = {"kg": np.array([300.0, 10.0]), "m3": np.array([1.0, 4.0]), "rate": np.array([2.0, 2.0])}
    formula = Formula(
        graph(law, ["kg", "m3", "rate"], np.array([100.0, 2.0, 5.0])),
        tuple(map(Variable, values)),
        Variable("y"),
    )
    out = formula.evaluate(values)
    np.testing.assert_allclose(out, [4.0 / 5.0 * max(3.0, 5.0), 4.0 / 5.0 * max(0.1, 20.0)])
    assert str(formula) == "rate · max(0.004 · kg, 2 · m3)"


def test_terms_of_an_extreme_are_not_multiplied_out() -> None:
    bracket = largest(
        Term(Parameter(1.0), (*term(1.0, (0, 1.0)).factors, *term(1.0, (1, 1.0)).factors)), term(2.0)
    )
    law = Law((Term(ONE, (bracket,)),))
    columns = columns_of()
    others = list(rewritings(law, columns))
    assert others
    for other in others:
        (factor,) = (f for t in other.terms for f in t.factors if isinstance(f, Applied))
        assert len(factor.inner.terms) == 2


def test_a_parcel_without_a_volume_does_not_hide_the_law() -> None:
    columns = columns_of()
    inputs = columns.inputs.copy()
    inputs[:15, 1] = 0.0
    columns = Columns(inputs, np.ones(3), {})
    a, b, c = (columns.of(j) for j in range(3))
    y = c * np.maximum(a, 1.3 * b)
    to = target(columns, y)
    fits = [fit for law in extremes(to, Dictionary(columns, {})) if (fit := fitted(law, to)) is not None]
    assert min(fit.squares for fit in fits) < 1e-10 * to.spread * to.total


def test_what_has_no_residual_and_what_has_many_inputs_are_left_alone() -> None:
    columns = columns_of(120)
    assert not list(extremes(target(columns, np.ones(120)), Dictionary(columns, {})))
    many = Columns(np.random.default_rng(0).uniform(1.0, 2.0, (200, 40)), np.ones(40), {})
    assert not list(extremes(target(many, many.of(0)), Dictionary(many, {})))
