import numpy as np
import pytest
from hypothesis import given, settings

from kanopt.formulas import Constant, Domain, Formula, Input, Maximum, Range, Table, Variable, parse_formula
from kanopt.formulas.estimation import gradient, with_named_constants
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


def test_names_there_are_kept_and_none_is_given_twice():
    law = parse_formula(
        "a * c1 + 0.7 * x + c3 * 0.4 * y", [X, Y, Variable("c1")], OUT, constants={"a": 1.0, "c3": 2.0}
    )
    named = with_named_constants(law)
    assert parameters_of(named.root) == {"a": 1.0, "c2": 0.7, "c3": 2.0}


def test_a_name_keeps_a_number_from_being_named_that_would_only_repeat_it():
    law = parse_formula("a * (2 + 0.3 * x)", [X], OUT, constants={"a": 1.0})
    assert parameters_of(with_named_constants(law).root) == {"a": 1.0, "c1": 0.3}


def test_errors_domain_and_tables_stay():
    rate = Table.of({"van": 1.0, "truck": 1.4}, "kind", name="rate")
    root = Constant(0.3, standard_error=0.01) * Input("x") * rate + Constant(2.5)
    law = Formula(
        root,
        (Variable("x"), Variable("kind", kind="category")),
        OUT,
        domain=Domain((Range("x", -9.0, -2.0),)),
    )
    named = with_named_constants(law)
    assert named.constants == (Constant(0.3, "c1", 0.01), Constant(2.5, "c2"))
    assert named.domain == law.domain
    assert gradient(named, {"x": [1.0], "kind": ["van"]}).derivative.tolist() == [[1.0, 1.0]]


def test_where_the_law_is_nowhere_defined_every_number_is_named():
    law = parse_formula("log(-2.5 - max(1.5, x))", [X], OUT)
    assert list(parameters_of(with_named_constants(law).root).values()) == [-2.5, 1.5]
    zero = Formula(Maximum((Constant(0.0), Input("x"))), (X,), OUT)
    assert not parameters_of(with_named_constants(zero).root)
    bounded = parse_formula("0.3 * x", [Variable("x", low=1.0)], OUT)
    assert len(with_named_constants(bounded).constants) == 1
    bounded = parse_formula("0.3 * x", [Variable("x", high=1.0)], OUT)
    assert len(with_named_constants(bounded).constants) == 1


@pytest.mark.parametrize("turn", ["2 * pi * (month - 4.05) / 12", "0.5235987755982988 * (month - 4.05)"])
def test_a_period_of_few_digits_is_no_parameter(turn):
    law = parse_formula(f"500 * (1 + 0.3 * sin({turn}))", [Variable("month")], Variable("demand"))
    assert [one.value for one in with_named_constants(law).constants if one.name != "pi"] == [
        500.0,
        0.3,
        -4.05,
    ]


def test_a_frequency_that_is_no_such_period_is_one():
    law = parse_formula("500 * sin(0.5371 * (month - 4.05))", [Variable("month")], Variable("demand"))
    assert [one.value for one in with_named_constants(law).constants] == [500.0, 0.5371, -4.05]
