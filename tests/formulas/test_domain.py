from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import Domain, Formula, JointTest, Range, Variable, parse_formula

KM, LOAD, KIND = Variable("km", "km"), Variable("load", "t"), Variable("kind", kind="category")


def trips(n=400, seed=0):
    rng = np.random.default_rng(seed)
    km = np.exp(rng.uniform(0.0, 5.0, n))
    # heavy loads are driven far, light ones near
    return pd.DataFrame(
        {"km": km, "load": 2.0 * km**0.5 * rng.uniform(0.9, 1.1, n), "kind": ["van", "truck"] * (n // 2)}
    )


@given(
    st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 3), min_size=1, max_size=30),
)
def test_every_row_learned_from_is_inside(table):
    names = "abc"
    data = {name: np.array(column) for name, column in zip(names, zip(*table, strict=True), strict=True)}
    domain = Domain.from_rows([Variable(name) for name in names], data)
    assert not domain.outside(data).any()


def test_the_box_and_the_combination_are_tested():
    domain = Domain.from_rows([KM, LOAD, KIND], trips())
    data = {"km": np.array([4.0, 4.0, 200.0, 4.0]), "load": np.array([4.0, 20.0, 28.0, 4.0]), "kind": "van"}
    columns = {
        name: np.asarray(values, dtype=object if name == "kind" else float) for name, values in data.items()
    }
    assert domain.outside(columns).tolist() == [False, True, True, False]
    tests = domain.tests(columns)
    assert tests[("km",)].tolist() == [False, False, True, False]
    assert tests[("km", "load")][1]
    columns["kind"] = np.array("bike", dtype=object)
    assert domain.outside(columns).all()


def test_leverage_is_that_of_the_hat_matrix():
    rng = np.random.default_rng(1)
    data = {"km": rng.normal(size=50), "load": rng.normal(size=50)}
    joint = Domain.from_rows([KM, LOAD], data).joints[0]
    design = np.column_stack([np.ones(50), data["km"], data["load"]])
    hat = design @ np.linalg.inv(design.T @ design) @ design.T
    np.testing.assert_allclose(joint.leverage(data), 50 * np.diag(hat), rtol=1e-5)
    assert joint.threshold == pytest.approx(50 * np.diag(hat).max(), rel=1e-5)


def test_merged_domains_hold_where_all_do():
    a = Domain((Range("km", 0.0, 10.0),), (("kind", ("van", "truck")),))
    b = Domain((Range("km", 5.0, 20.0), Range("load", 0.0, 1.0)), (("kind", ("truck", "bike")),))
    merged = Domain.intersection([a, b])
    assert merged.range_of("km") == Range("km", 5.0, 10.0)
    assert merged.range_of("load") == Range("load", 0.0, 1.0)
    assert merged.categories_of("kind") == ("truck",)
    with pytest.raises(FormulaError, match="nowhere do both hold"):
        Domain.intersection([a, Domain((Range("km", 11.0, 12.0),))])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Range("km", 2.0, 1.0), "holds no number"),
        (lambda: Range("km", 0.0, float("inf")), "must have finite numbers"),
        (lambda: Range("km", np.float32("nan"), 1.0), "low must have finite numbers"),
        (lambda: Range("km", np.array(0.0), np.array(np.inf)), "high must have finite numbers"),
        (lambda: Range("km", 0, 10**400), "high must have finite numbers"),
        (lambda: Range("km", 0.0, 9.0, np.array([[np.nan, 1.0]])), "sparse must have finite numbers"),
        (lambda: Range("km", "a", "b"), "must be numbers"),
        (lambda: Range("km", None, 1.0), "must be numbers"),
        (lambda: Domain.from_rows([KM], {"km": []}), "no rows"),
        (lambda: Domain.from_rows([KM], {"km": [1.0, np.inf]}), "must have finite numbers"),
        (lambda: Domain.from_rows([KM], {"k": [1.0]}), "'km' is missing"),
        (lambda: JointTest(("a",), (False,), (0.0,), (1.0,), ((1.0,),), 1.0), "differ in length"),
        (lambda: JointTest(("a",), (False,), (0.0,), (0.0,), ((1.0, 0.0), (0.0, 1.0)), 1.0), "not positive"),
    ],
)
def test_domains_without_a_meaning_are_refused(make, message):
    with pytest.raises(FormulaError, match=message):
        make()


def test_the_ends_of_a_range_may_be_an_array():
    assert Range("km", 0.0, 9.0, np.array([[1.0, 2.0]])) == Range("km", 0.0, 9.0, ((1.0, 2.0),))


def test_an_order_that_all_rows_keep_is_part_of_the_domain() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0.0, 10.0, 300)
    rows = {"low": low, "high": low + rng.uniform(0.0, 3.0, 300), "km": rng.uniform(0.0, 10.0, 300)}
    inputs = [Variable(name) for name in rows]
    domain = Domain.from_rows(inputs, rows)
    assert domain.orders == (("low", "high"),)
    asked = {"low": np.array([4.0, 4.0]), "high": np.array([4.5, 3.9]), "km": np.array([5.0, 5.0])}
    assert domain.tests(asked)[("low", "high")].tolist() == [False, True]
    law = parse_formula("km / (0.1 + high - low)", inputs, Variable("y"))
    # the box has a pole, the rows have none
    assert not law.prove(finite=True, ranges={name: (x.min(), x.max()) for name, x in rows.items()}).proved
    held = replace(law, domain=domain)
    assert held.prove(finite=True).proved
    assert Formula.from_json(held.to_json()) == held
