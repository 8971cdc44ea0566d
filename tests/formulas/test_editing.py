"""Laws changed by hand: what is written reads back, what is held stays, and the change is on record."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Constant,
    Curve,
    Formula,
    Input,
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


def test_edits_are_on_record_the_last_first_and_survive_a_file():
    once = toll().edited("a * km + c")
    twice = once.edited("a * km + c + c * sin(hour)")
    assert once.provenance["edited by hand"] == "was a · km^b + c"
    assert twice.provenance["edited by hand"] == "was a · km + c; before that was a · km^b + c"
    again = Formula.from_json(twice.to_json())
    assert again.provenance["edited by hand"] == twice.provenance["edited by hand"]
    many = toll()
    for _ in range(20):
        many = many.edited("+".join(["a * km"] * 300))
    assert len(many.provenance["edited by hand"]) <= 20_000


@pytest.mark.parametrize(
    ("text", "constants", "message"),
    [
        ("a * kmm", None, "unknown name 'kmm'; did you mean 'km'"),
        ("a * km + d", None, "unknown name 'd'"),
        ("a * km + d", {"d": np.nan}, "'d' is nan, no finite number"),
        ("a * km", {"km": 1.0}, "the constant 'km' is also an input"),
        ("a * km", ["a"], "must map names to values"),
        ("", None, "is missing here|nests too deep"),
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
        ("s1(" * 3_000, "nest deeper"),
        ("s1(hour" + "(" * 9_000, "nest deeper|put an operator"),
        ("s1(hour)" + "+s1(hour)" * 1_050 + ")", "more than 1,000 operators"),
        ("`" * 9_999, "put an operator|unknown name|no place"),
        ("`s1`" * 2_000, "is missing here|nests too deep"),
        ("log(" * 2_400, "nest deeper"),
        ("s1(\u202ehour)", "has no place"),
        ("s1(hour)(hour)", "here stand numbers|is missing here"),
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
