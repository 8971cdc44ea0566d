from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import Domain, JointTest, Range, Variable

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


def test_collinear_and_constant_inputs_are_handled():
    km = np.linspace(1, 9, 40)
    rows = {"km": km, "load": 2 * km, "c": np.full(40, 3.0)}
    domain = Domain.from_rows([KM, LOAD, Variable("c")], rows)
    assert domain.joints[0].names == ("km", "load")
    off = {"km": np.array([5.0, 5.0]), "load": np.array([10.0, 11.0]), "c": np.array(3.0)}
    assert domain.outside(off).tolist() == [False, True]
    assert Domain.from_rows([KM], {"km": km}).joints == ()


def test_what_is_not_positive_is_outside_the_logarithms():
    domain = Domain.from_rows([KM, LOAD], trips())
    log_test = domain.joints[1]
    assert log_test.log == (True, True)
    assert not log_test.contains({"km": np.array([0.0, -1.0, np.inf]), "load": np.array(5.0)}).any()


def test_it_broadcasts():
    domain = Domain.from_rows([KM, LOAD], trips())
    found = domain.outside({"km": np.array([[4.0], [500.0]]), "load": np.array([4.0, 4.5, 30.0])})
    assert found.tolist() == [[False, False, True], [True, True, True]]


def test_unknown_domains_hold_everywhere():
    domain = Domain.unknown()
    assert not domain.outside({"km": np.array([1e9])}).any()
    assert domain.range_of("km") is None
    assert domain.categories_of("kind") is None


def test_merged_domains_hold_where_all_do():
    a = Domain((Range("km", 0.0, 10.0),), (("kind", ("van", "truck")),))
    b = Domain((Range("km", 5.0, 20.0), Range("load", 0.0, 1.0)), (("kind", ("truck", "bike")),))
    merged = Domain.intersection([a, b])
    assert merged.range_of("km") == Range("km", 5.0, 10.0)
    assert merged.range_of("load") == Range("load", 0.0, 1.0)
    assert merged.categories_of("kind") == ("truck",)
    with pytest.raises(FormulaError, match="nowhere do both hold"):
        Domain.intersection([a, Domain((Range("km", 11.0, 12.0),))])


def test_what_is_usual_in_the_rows_is_known_and_kept_where_domains_meet():
    km = np.array([1.0, 2.0, 2.0, 3.0, 90.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    rows = {"km": km, "load": km / 2, "kind": ["b"] * 3 + ["c"] * 4 + ["a"] * 3}
    domain = Domain.from_rows([KM, LOAD, KIND], rows)
    assert domain.quantiles_of("km") == (1.0, 4.0, 8.0)  # values of the rows, not between them
    assert domain.commonest == (("kind", "c"),)
    short = Domain((Range("km", 0.0, 5.0),), (("kind", ("a", "b")),))
    merged = Domain.intersection([short, domain])
    assert (merged.quantiles_of("km"), merged.commonest) == (None, ())
    assert merged.quantiles_of("load") == domain.quantiles_of("load")
    again = Domain.intersection([replace(domain, rare=(("kind", ("a", "c")),)), short])
    assert again.rare == (("kind", ("a",)),)
    with pytest.raises(FormulaError, match="quantiles of 'km'"):
        Domain(quantiles=(("km", (1.0, 2.0)),))


def test_an_input_that_starts_anew_goes_together_with_every_value_of_the_others():
    hour = np.arange(24.0)
    domain = Domain.from_rows([KM, Variable("hour", "h")], {"km": hour + 1, "hour": hour}, {"hour": 24.0})
    assert domain.range_of("hour") == Range("hour", 0.0, 24.0)
    assert domain.quantiles_of("hour") == (2.0, 11.0, 21.0)
    assert not domain.joints


def test_merging_keeps_each_joint_test_once():
    domain = Domain.from_rows([KM, LOAD], trips())
    assert len(Domain.intersection([domain, domain]).joints) == len(domain.joints) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Range("km", 2.0, 1.0), "is not a finite range"),
        (lambda: Range("km", 0.0, float("inf")), "is not a finite range"),
        (lambda: Domain.from_rows([KM], {"km": []}), "no rows"),
        (lambda: Domain.from_rows([KM], {"km": [1.0, np.inf]}), "is not a finite range"),
        (lambda: Domain.from_rows([KM], {"k": [1.0]}), "'km' is missing"),
        (lambda: JointTest(("a",), (False,), (0.0,), (1.0,), ((1.0,),), 1.0), "differ in length"),
        (lambda: JointTest(("a",), (False,), (0.0,), (0.0,), ((1.0, 0.0), (0.0, 1.0)), 1.0), "not positive"),
    ],
)
def test_domains_without_a_meaning_are_refused(make, message):
    with pytest.raises(FormulaError, match=message):
        make()
