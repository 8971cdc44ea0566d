"""Laws changed by hand: what is written reads back, what is held stays, and the change is on record."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Formula,
    Input,
    Maximum,
    Power,
    Product,
    Step,
    Sum,
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas.nodes import rebuild
from kanopt.formulas.parameters import parameters_of
from tests.formulas.strategies import laws, raw, rows, steady
from tests.formulas.test_hostile import refused_quickly

KM, HOUR = Variable("km", "km"), Variable("hour", "h")
MODE = Variable("mode", kind="category")
COST = Variable("cost", "EUR")
NAMES = ("a", "c2", "per km", "Satz (€)", "größe", "n·m", "e 1")


def toll(text="a * km^b + c", **constants):
    return parse_formula(text, [KM, HOUR], COST, constants={"a": 0.5, "b": 0.97, "c": 3.0} | constants)


def curve(name, argument, top=1.0):
    return Curve(name, argument, (0.0, 1.0, top, 2.0, 0.5), 0.0, 24.0)


def law_of(root, *inputs):
    return Formula(root, inputs or (KM, HOUR), COST)


def hours(law, count=9):
    return law.evaluate({"km": np.linspace(1, 20, count), "hour": np.linspace(0, 23, count)})


@st.composite
def named_laws(draw):
    """Draw a law of which some numbers are constants with a name; one name is one number."""
    law = draw(laws())
    chosen = draw(st.sets(st.integers(0, len(NAMES) - 1)))
    names = {}

    def name(node):
        if not isinstance(node, Constant):
            return node
        place = names.setdefault(node.value, len(names))
        return Constant(node.value, NAMES[place]) if place in chosen else node

    return Formula(rebuild(law.root, name), law.inputs, law.output)


@pytest.mark.slow
@given(named_laws(), rows())
def test_a_pattern_reads_back_as_the_same_law(law, data):
    text = law.pattern
    try:
        again = law.edited(text)
    except FormulaError:
        # a number that is none, which no text can hold
        assert not steady(law, data).any()
        return
    assert parameters_of(again.root) == parameters_of(law.root)
    fine = steady(law, data)
    np.testing.assert_allclose(raw(again, data)[fine], raw(law, data)[fine], rtol=1e-9)
    assert again.pattern == again.edited(again.pattern).pattern


def test_numbers_without_a_name_keep_all_their_digits():
    law = parse_formula(
        "0.123456789 * km + a - 1e-300 + 123456789012 * hour", [KM, HOUR], COST, constants={"a": 1}
    )
    assert "0.123456789 " in law.pattern
    assert "123456789012 " in law.pattern
    np.testing.assert_array_equal(hours(law.edited(law.pattern)), hours(law))


def test_a_constant_that_is_one_half_at_present_stays_an_exponent():
    law = toll(b=0.5)
    assert law.pattern == "a · km^b + c"
    assert toll(b=-1.0).edited(toll(b=-1.0).pattern).pattern == "a · km^b + c"
    assert law.edited(law.pattern, {"b": 2.0}).evaluate({"km": 3.0}) == pytest.approx(0.5 * 9 + 3)


def test_names_that_need_back_quotes():
    law = parse_formula(
        "`per km` * `Weight (kg)`", [Variable("Weight (kg)")], COST, constants={"per km": 2.0}
    )
    assert law.pattern == "`per km` · `Weight (kg)`"
    assert law.edited(law.pattern + " + `per km`").evaluate({"Weight (kg)": 3.0}) == 8.0


def test_curves_staircases_and_tables_are_named_as_they_print():
    root = (
        Constant(2.0, "c1")
        + curve("s", Input("hour"))
        + Table.of({"road": 1.0, "sea": 3.0}, "mode", name="by")
    )
    law = law_of(root + Step(Input("km"), (5.0,), (0.0, 1.0), "step"), KM, HOUR, MODE)
    new = law.edited("c1 * (s( hour ) + 2 * `step`(km)) - by(mode) / 2")
    data = {
        "km": np.array([1.0, 9.0]),
        "hour": np.array([3.0, 20.0]),
        "mode": np.array(["road", "sea"], object),
    }
    expected = (
        2 * (curve("s", Input("hour")).at(data["hour"]) + 2 * np.array([0.0, 1.0])) - np.array([1.0, 3.0]) / 2
    )
    np.testing.assert_allclose(new.evaluate(data), expected, rtol=1e-12)
    assert new.curves == law.curves
    with pytest.raises(FormulaError, match=r"a curve or table stands as it was learned: s\(hour\)"):
        law.edited("s(km)")
    with pytest.raises(FormulaError, match=r"unknown function 'stepp'; did you mean 'step'"):
        law.edited("stepp(km)")


def test_a_curve_whose_name_needs_back_quotes_is_called_in_them():
    law = law_of(Constant(1.0, "a") + curve("time of day", Input("hour")))
    assert law.pattern == "a + `time of day`(hour)"
    np.testing.assert_array_equal(hours(law.edited(law.pattern)), hours(law))
    with pytest.raises(FormulaError, match="put an operator before '\\('"):
        law.edited("`day`(hour)", {"day": 1.0})


def test_two_staircases_that_print_the_same_are_told_apart():
    low, high = (Step(Input("km"), (place,), (0.0, 1.0), "step") for place in (3.0, 12.0))
    law = law_of(Constant(2.0, "c1") * low + Constant(5.0, "c2") * high)
    assert law.pattern == "c1 · step1(km) + c2 · step2(km)"
    np.testing.assert_array_equal(hours(law.edited(law.pattern)), hours(law))
    np.testing.assert_array_equal(
        law.edited("c1 * step2(km)").evaluate({"km": np.array([5.0, 15.0])}), [0.0, 2.0]
    )
    with pytest.raises(FormulaError, match=r"unknown function 'step'; did you mean 'step[12]'"):
        law.edited("c1 * step(km)")


def test_curves_of_curves_that_print_the_same_are_told_apart():
    first, second = (curve("s", curve("s", Input("hour"), top)) for top in (1.0, 4.0))
    law = law_of(first + 2 * second)
    np.testing.assert_allclose(hours(law.edited(law.pattern)), hours(law), rtol=1e-15)


def test_columns_that_differ_in_a_space_are_told_apart():
    inputs = Variable("a b"), Variable("ab")
    law = Formula(curve("s", Input("a b")) + curve("s", Input("ab"), 9.0), inputs, COST)
    data = {"a b": np.array([2.0, 8.0]), "ab": np.array([11.0, 4.0])}
    np.testing.assert_array_equal(law.edited(law.pattern).evaluate(data), law.evaluate(data))
    again = law.edited("s(`a b`)").evaluate(data)
    np.testing.assert_array_equal(again, curve("s", Input("a b")).at(data["a b"]))


def test_a_curve_called_like_a_function_leaves_the_function_alone():
    law = law_of(Apply("log", Input("km")) + Constant(1.0, "a") * curve("log", Input("hour")))
    assert law.pattern == "log((km)) + a · `log`(hour)"
    np.testing.assert_array_equal(hours(law.edited(law.pattern)), hours(law))
    assert law.edited("log(km)").evaluate({"km": 5.0}) == pytest.approx(np.log(5.0))
    with pytest.raises(
        FormulaError, match="write `log`\\(…\\) for the curve, log\\(\\(…\\)\\) for the function"
    ):
        law.edited("log(hour)")
    assert law.edited("log((hour))").evaluate({"hour": 5.0}) == pytest.approx(np.log(5.0))
    same = law_of(Apply("log", Input("km")) + curve("log", Input("km")))
    np.testing.assert_array_equal(hours(same.edited(same.pattern)), hours(same))
    inside = law_of(curve("s", Apply("log", Input("km"))) + curve("log", Input("hour")))
    np.testing.assert_array_equal(hours(inside.edited(inside.pattern)), hours(inside))
    larger = law_of(
        Maximum((Input("km"), Input("hour"))) + Table.of({("a", "b"): 2.0}, "v", "w", name="max"),
        *(KM, HOUR, Variable("v", kind="category"), Variable("w", kind="category")),
    )
    assert larger.pattern == "max((km), hour) + `max`(v, w)"
    assert larger.edited(larger.pattern).root == larger.root


def test_constants_inside_of_a_curve_go_by_name_and_by_value():
    law = law_of(curve("s", Product((Constant(2.0, "speed"), Input("hour")))) + Constant(1.0, "a"))
    assert law.pattern == "s(speed · hour) + a"
    for text in (law.pattern, "s(2 · hour) + a"):
        np.testing.assert_array_equal(hours(law.edited(text)), hours(law))
    faster = law.edited(law.pattern, {"speed": 3.0})
    assert parameters_of(faster.root) == {"speed": 3.0, "a": 1.0}
    assert faster.evaluate({"hour": 2.0}) == law.evaluate({"hour": 3.0})


def test_a_constant_held_and_the_others_estimated_is_the_law_with_the_number_in_it():
    rng = np.random.default_rng(3)
    table = {"km": rng.uniform(1, 80, 200), "hour": rng.uniform(0, 24, 200)}
    table["cost"] = 0.4 * table["km"] ** 1.1 + 3 + rng.normal(0, 0.2, 200)
    held = toll().fixed({"b": 1.0}).refit(table)
    stood = parse_formula("a * km + c", [KM, HOUR], COST, constants={"a": 0.5, "c": 3.0}).refit(table)
    assert parameters_of(held.root) == pytest.approx(parameters_of(stood.root), rel=1e-9)
    assert held.covariance is not None
    assert stood.covariance is not None
    np.testing.assert_allclose(held.covariance.array, stood.covariance.array, rtol=1e-6)
    assert str(held) == str(stood)
    assert "b" not in parameters_of(held.root)
    assert held.provenance["fixed"] == "b = 1, was 0.97"


def test_what_is_held_is_recorded_with_the_error_that_it_had():
    table = {"km": np.arange(1.0, 40.0), "cost": np.arange(1.0, 40.0) * 0.5 + np.tile([0.1, -0.1, 0.0], 13)}
    law = parse_formula("a * km + c", [KM], COST, constants={"a": 1.0, "c": 0.0}).refit(table)
    held = law.fixed({"c": 0.0})
    assert held.provenance["fixed"].startswith("c = 0, was ")
    assert " ± " in held.provenance["fixed"]
    assert held.covariance is None
    assert held.fit is None
    assert all(constant.standard_error is None for constant in held.constants)
    twice = held.fixed({"a": 0.5})
    assert twice.provenance["fixed"].startswith("a = 0.5, was 0.4997; before")
    assert twice.provenance["fixed"].endswith(f"; before that {held.provenance['fixed']}")


def test_a_number_without_a_name_loses_the_error_it_had_beside_the_old_parts():
    law = law_of(Sum((Constant(2.0, standard_error=0.1), Product((Constant(3.0, "a"), Input("km"))))))
    assert all(constant.standard_error is None for constant in law.fixed({"a": 3.0}).constants)


def test_edits_are_on_record_the_last_first_and_survive_a_file():
    once = toll().edited("a * km + c")
    twice = once.edited("a * km + c + c * sin(hour)")
    assert once.provenance["edited by hand"] == "was a · km^b + c"
    assert twice.provenance["edited by hand"] == "was a · km + c; before that was a · km^b + c"
    again = Formula.from_json(twice.fixed({"c": 1.0}).to_json())
    assert again.provenance["edited by hand"] == twice.provenance["edited by hand"]
    assert again.provenance["fixed"] == "c = 1, was 3"
    many = toll()
    for _ in range(20):
        many = many.edited("+".join(["a * km"] * 300))
    assert len(many.provenance["edited by hand"]) <= 20_000


def test_an_edited_law_keeps_its_inputs_its_domain_and_its_occasion():
    law = parse_formula("a * km", [KM, HOUR], COST, per="leg", constants={"a": 0.5})
    new = law.edited("start + a * km * sqrt(hour)", {"start": 4.0, "a": 2.0})
    assert (new.inputs, new.output, new.per, new.domain) == (law.inputs, law.output, law.per, law.domain)
    assert parameters_of(new.root) == {"start": 4.0, "a": 2.0}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bb": 1.0}, r"'bb' is no constant of it; did you mean 'b'"),
        ({"b": np.inf}, "'b' cannot be held at inf, no finite number"),
        ({"b": "1"}, "'b' cannot be held at '1', no finite number"),
        ({"b": None}, "'b' cannot be held at None"),
        ({"b": True}, "'b' cannot be held at True"),
        ({"b": 10**400}, "no finite number"),
        ({}, "must map constants to values"),
        ([("b", 1.0)], "must map constants to values"),
    ],
)
def test_what_cannot_be_held_is_refused(values, message):
    with pytest.raises(FormulaError, match=message):
        toll().fixed(values)


def test_nothing_can_be_held_in_a_law_without_constants():
    with pytest.raises(FormulaError, match="none of its numbers has a name"):
        parse_formula("2 * km", [KM], COST).fixed({"a": 1.0})


@pytest.mark.parametrize(
    ("text", "constants", "message"),
    [
        ("a * kmm", None, "unknown name 'kmm'; did you mean 'km'"),
        ("a * km + d", None, "unknown name 'd'"),
        ("a * km + d", {"d": np.nan}, "'d' is nan, no finite number"),
        ("a * km", {"km": 1.0}, "the constant 'km' is also an input"),
        ("a * km", ["a"], "must map names to values"),
        ("", None, "the formula is empty"),
        (None, None, "a formula is a text, not None"),
    ],
)
def test_what_is_no_edit_is_refused(text, constants, message):
    with pytest.raises(FormulaError, match=message):
        toll().edited(text, constants)


PIECES = {f"s{k}(hour)": curve(f"s{k}", Input("hour"), 0.1 * k) for k in range(300)} | {
    "`log`(hour)": curve("log", Input("hour"))
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s1(" * 3_000, "stands as it was learned"),
        ("s1(hour" + "(" * 9_000, "stands as it was learned"),
        ("s1(hour)" + "+s1(hour)" * 1_050 + ")", "belongs to no bracket"),
        ("`" * 9_999, "put an operator|unknown name|no place"),
        ("`s1`" * 2_000, r"write s1\(hour\)"),
        ("log(" * 2_400, "nest deeper"),
        ("log(hour)", "for the curve"),
        ("s1(\u202ehour)", "has no place"),
        ("s1(hour)(hour)", "put an operator before"),
        ("s1()", "stands as it was learned"),
        ("s1", r"'s1' is a curve or table; write s1\(hour\)"),
        ("__import__(hour)", "unknown function"),
        ("x" * 10_001, "too many"),
    ],
)
def test_hostile_texts_are_refused_quickly(text, words):
    law = law_of(Sum(tuple(PIECES.values())))
    message = refused_quickly(lambda: law.edited(text), FormulaError, 2_000_000)
    assert re.search(words, message), message


def test_a_power_in_an_exponent_says_that_it_cannot_be_read():
    law = law_of(Power(Input("km"), Power(Input("hour"), Constant(2.0))))
    with pytest.raises(FormulaError, match="an exponent must not contain a power"):
        law.edited(law.pattern)


def test_a_constant_is_not_held_where_the_law_would_divide_by_zero() -> None:
    law = parse_formula("km / c", [Variable("km")], Variable("h"), constants={"c": 2.0})
    with pytest.raises(FormulaError, match="with c = 0, was 2 it divides by zero"):
        law.fixed({"c": 0.0})


def test_a_law_with_a_piece_too_long_to_be_named_can_still_be_edited() -> None:
    argument = Sum(tuple(Constant(0.123456789 + place) * Input("km") for place in range(700)))
    law = law_of(Curve("s", argument, (0.0, 1.0, 2.0, 3.0), 0.0, 1.0) + Constant(2.0, "a") * Input("km"))
    assert str(law.edited("a * km")) == "2 · km"
