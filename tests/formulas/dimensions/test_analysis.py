"""Dimensional analysis, against formulas whose units are known by construction and against a change of all units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Formula,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Step,
    Sum,
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas.dimensions import MOST_WORK, UnitInference
from kanopt.units import UnitPowers, convert, powers_of

UNITS = {
    "km": "km",
    "m": "m",
    "load": "t",
    "wait": "min",
    "drive": "h",
    "flow": "veh/h",
    "room": "vehicle/h",
    "price": "EUR/l",
    "rise": "%",
    "free": "",
}
INPUTS = [Variable(name, unit) for name, unit in UNITS.items()]


def read(text: str, unit: str = "", **constants: float) -> Formula:
    return parse_formula(text, INPUTS, Variable("y", unit), constants=constants)


# what is consistent, and the units of the free constants in reading order

CONSISTENT = [
    ("0.119 * km * exp(0.098 * load)", "l", ["l/km", "1/t"]),
    ("wait + 60 * drive", "min", ["min/h"]),
    ("wait * (1 + 0.15 * (flow / room)^4)", "min", [""]),
    ("2 * sqrt(km * load)", "EUR", ["EUR/(km^0.5·t^0.5)"]),
    ("0.3 * km^2 + 5", "EUR", ["EUR/km^2", "EUR"]),
    ("max(0, wait - 30)", "min", ["min"]),
    ("5 * sin(2 * pi * drive / 24)", "EUR", ["EUR", "1/h"]),
    ("5 * tanh(wait / 7) + 3 * logistic(0.2 - 0.1 * load)", "EUR", ["EUR", "1/min", "EUR", "", "1/t"]),
    ("12.5 * 1.1^(load / 3)", "EUR", ["EUR", "", "1/t"]),
    ("0.5 * km + 1.5 * exp(0.5 * km)", "EUR", ["EUR/km", "EUR", "1/km"]),  # one number, three meanings
    ("0", "EUR", []),
    ("km - m / 1000", "km", ["km/m"]),
    # logarithms
    ("3 + 2 * log(km)", "EUR", ["EUR", "EUR"]),
    ("2 * log(km) - 2 * log(0.5 * km)", "EUR", ["EUR", "EUR", "1/km"]),
    ("5 * (log(km) - 3)^2", "EUR", ["EUR", ""]),
    ("log(flow) - log(room)", "", []),
    ("exp(0.3 + 0.98 * log(km))", "EUR", ["", ""]),  # the exponential of 0.3 is in EUR/km^0.98
    ("max(3, 2 + log(km)) * load", "t", ["", ""]),
]


@pytest.mark.parametrize(("text", "unit", "units"), CONSISTENT)
def test_consistent_formulas_and_the_units_of_their_constants(text: str, unit: str, units: list[str]) -> None:
    found = read(text, unit).dimensions()
    assert found.problems == ()
    assert found.consistent
    assert [constant.unit for constant in found.constants] == units


# what is not, and what is said about it

INCONSISTENT = [
    (
        "wait + drive",
        "min",
        "wait + drive: wait is in min, drive is in h: convert first (1 h = 60 min)",
    ),
    ("km", "m", "km is in km, but y is declared in m: convert first (1 km = 1000 m)"),
    ("km", "EUR", "km is in km, but y is declared in EUR; they differ by km/EUR: multiply by a constant"),
    (
        "km + load",
        "",
        "km + load: km is in km, load is in t; they differ by km/t: multiply by a constant",
    ),
    (
        "1 + km",
        "",
        "1 + km: km is in km, 1 is a pure number; they differ by km",
    ),
    ("exp(km)", "", "exp(km): km is in km, where a pure number is taken; they differ by km"),
    ("km^(load / 3)", "", "km is in km, where a pure number is taken"),
    ("2 * km * load + 2 * load * (km + load)", "EUR", "km is in km, load is in t"),
]


@pytest.mark.parametrize(("text", "unit", "told"), INCONSISTENT)
def test_inconsistent_formulas_and_what_is_said(text: str, unit: str, told: str) -> None:
    found = read(text, unit).dimensions()
    assert not found.consistent
    assert any(told in problem for problem in found.problems), found.problems
    assert len(found.problems) == 1  # one mistake is told once


def test_named_constants_have_one_unit_and_bare_numbers_one_per_place() -> None:
    assert read("0.5 * km + 0.5 * load", "EUR").dimensions().consistent
    assert read("a * km + a * load", "EUR", a=0.5).dimensions().problems == (
        "0.5 · km + 0.5 · load: 0.5 · km is in EUR, 0.5 · load is in EUR·t/km; they differ by km/t: "
        "multiply by a constant, or correct a declared unit",
    )
    (told,) = read("1 * km * sin(a) + a", "km", a=0.5).dimensions().problems
    assert told.endswith("multiply by a constant, or correct a declared unit")
    fine = read("a * km * (1 + a * km / 3)", "EUR", a=0.5).dimensions()
    assert [(c.label, c.unit) for c in fine.constants] == [("a", "EUR/km"), ("0.3333", "1/EUR")]
    named = read("max(reach, km)", "km", reach=1.0).dimensions()  # with a name, even 1 is free
    assert [str(c) for c in named.constants] == ["reach [km] in max(1, km)"]
    exponent = read("a * km^b", "EUR", a=3.0, b=2.0).dimensions()
    assert [(c.label, c.unit) for c in exponent.constants] == [("a", "EUR/km^2"), ("b", "")]


def test_what_the_declared_units_do_not_decide_is_left_open() -> None:
    found = read("1.15 * (0.22 * km + 5)", "EUR").dimensions()
    assert found.consistent
    assert [constant.unit for constant in found.constants] == [None, None, None]
    assert "1.15 [unit not decided] in 1.15 · (0.22 · km + 5)" in str(found)


def test_curves_stairs_and_tables_give_what_is_needed() -> None:
    curve = Curve("s", Input("km"), (1.0, 2.0, 3.0, 4.0), 0.0, 9.0)
    stairs = Step(Input("load"), (1.0,), (2.0, 3.0))
    by = Table.of({"van": 1.0, "truck": 2.0}, "kind", name="by")
    kind = Variable("kind", kind="category")
    rate = Constant(0.5, "rate")

    def analysed(root: Node, unit: str = "EUR"):
        return Formula(root, (*INPUTS, kind), Variable("y", unit)).dimensions()

    assert analysed(Sum((curve, stairs, by))).consistent
    assert analysed(Product((by, Input("km")))).consistent
    assert analysed(Apply("exp", Sum((curve, by)))).consistent  # an offset of the curve is a factor in front
    assert analysed(Sum((curve, 2.0 * Apply("log", Input("km"))))).consistent
    assert not analysed(Sum((curve, curve * Input("km")))).consistent  # one curve has one unit
    # beside a constant, the table is taken for a pure number
    assert analysed(Product((rate, by, Input("km")))).unit_of(rate) == "EUR/km"
    # what is inside is looked at, too
    inside = Curve("s", Input("wait") + Input("drive"), (1.0, 2.0, 3.0, 4.0), 0.0, 9.0)
    assert "wait is in min" in analysed(inside).problems[0]


# formulas by construction


@dataclass
class Built:
    """Constants of a formula under construction, with their units, and which inputs take part."""

    named: bool = True
    units: dict[str, UnitPowers] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)

    def constant(self, value: float, unit: UnitPowers) -> Constant:
        name = f"c{len(self.units)}"
        self.units[name], self.values[name] = unit, value
        return Constant(value, name if self.named else "")


NUMERIC = [variable for variable in INPUTS if variable.unit]
ONE = powers_of("1")
magnitudes = st.floats(0.1, 3.0).map(lambda value: round(value, 3)).filter(lambda value: value != 1.0)
exponents = st.sampled_from([Fraction(text) for text in ("-1", "1", "2", "1/2", "1/3", "0.72", "-0.3")])


@st.composite
def monomials(draw: st.DrawFn, built: Built, unit: UnitPowers) -> Node:
    """Draw constant · input^p · …, in the unit asked for."""
    factors: list[Node] = []
    for variable in draw(st.lists(st.sampled_from(NUMERIC), max_size=3, unique_by=lambda v: v.name)):
        power = draw(exponents)
        factors.append(
            Power(Input(variable.name), Constant(float(power))) if power != 1 else Input(variable.name)
        )
        unit = unit / powers_of(variable.unit) ** power
    return Product((built.constant(draw(magnitudes), unit), *factors))


@st.composite
def quantities(draw: st.DrawFn, built: Built, unit: UnitPowers, depth: int) -> Node:
    """Draw a formula in the unit asked for."""

    def part(wanted: UnitPowers) -> Node:
        return draw(quantities(built, wanted, depth - 1))

    kind = (
        draw(st.sampled_from(["monomial", "sum", "extreme", "root", "positive", "times"]))
        if depth
        else "monomial"
    )
    match kind:
        case "sum":
            return part(unit) + part(unit)
        case "extreme":
            both = part(unit), part(unit)
            return Maximum(both) if draw(st.booleans()) else Minimum((*both, Constant(0.0)))
        case "root":
            return Apply("sqrt", Apply("abs", part(unit**2)))
        case "positive":
            return Apply("relu", part(unit))
        case "times":
            front, inner = draw(monomials(built, unit)), part(ONE)
            function = draw(st.sampled_from(["1 +", "sin", "tanh", "softplus", "atan"]))
            pure = Constant(1.0) + inner if function == "1 +" else Apply(function, inner)
            return Product((front, pure))
    return draw(monomials(built, unit))


@st.composite
def constructed(draw: st.DrawFn, *, named: bool = True) -> tuple[Formula, Built]:
    """Draw a consistent formula and the units of its constants."""
    built = Built(named)
    output = draw(st.sampled_from(["EUR", "min", "km/h", "EUR/(t*km)"]))
    root = draw(quantities(built, powers_of(output), 3))
    return Formula(root, tuple(INPUTS), Variable("y", output)), built


@given(constructed())
def test_what_is_built_consistent_is_found_so_with_the_right_units(drawn: tuple[Formula, Built]) -> None:
    formula, built = drawn
    found = formula.dimensions()
    assert found.problems == ()
    assert [c.constant.name for c in found.constants] == list(built.units)
    for constant in found.constants:
        assert constant.powers is not None
        assert (constant.powers / built.units[constant.constant.name]).is_one, str(constant)


@given(constructed(), st.data())
def test_other_units_change_the_constants_and_nothing_else(
    drawn: tuple[Formula, Built], data: st.DataObject
) -> None:
    formula, built = drawn
    other = {"km": "m", "m": "km", "t": "kg", "min": "h", "h": "min", "%": "", "EUR": "kEUR", "l": "m^3"}
    columns = {v.name: data.draw(st.floats(0.5, 4.0)) for v in NUMERIC}

    def changed(value: float, unit: UnitPowers) -> float:
        for word, power in unit.words:
            value *= convert(1.0, word, other[word]) ** float(power) if word in other else 1.0
        return value

    found = {c.constant.name: c.powers for c in formula.dimensions().constants}
    swapped = {name: changed(value, found[name] or ONE) for name, value in built.values.items()}

    def rewritten(node: Node) -> Node:
        if isinstance(node, Constant) and node.name:
            return Constant(swapped[node.name], node.name)
        return node.with_children([rewritten(child) for child in node.children]) if node.children else node

    moved = {v.name: changed(columns[v.name], powers_of(v.unit)) for v in NUMERIC}
    before = formula.evaluate(columns | {"free": 1.0})
    after = Formula(rewritten(formula.root), formula.inputs, formula.output).evaluate(moved | {"free": 1.0})
    assert float(after) == pytest.approx(
        changed(float(before), powers_of(formula.output.unit)), rel=1e-6, abs=1e-12
    )


# hostile formulas


def deep(step, levels: int) -> Node:
    node: Node = Input("km")
    for level in range(levels):
        node = step(node, level)
    return node


HOSTILE: dict[str, Callable[[], Node]] = {
    "rising powers": lambda: deep(lambda node, k: Power(node, Constant(90.0 + k / 1000)), 248),
    "clashes": lambda: deep(lambda node, k: Maximum((Apply("exp", node), Input("load"))), 120),
    "doubled": lambda: deep(lambda node, k: node + 2.5 * node, 13),
    "wide": lambda: Sum(tuple(Product((Constant(0.5 + k, f"c{k}"), Input("km"))) for k in range(20_000))),
    "dense": lambda: Sum(
        tuple(
            Product(
                tuple(
                    Power(Constant(0.5 + j, f"c{j}"), Constant(2.0 + (3 * j + 5 * k * j) % 7))
                    for j in range(60)
                )
            )
            for k in range(60)
        )
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_formulas_are_answered_with_little_work(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # work is counted, not timed: seconds say as much about the machine, and about what else runs on it
    law = Formula(HOSTILE[name](), tuple(INPUTS), Variable("y", "EUR"))
    calls, plain = Counter[str](), UnitInference._rule

    def counting(*arguments: Any) -> Any:
        calls["rule"] += 1
        return plain(*arguments)

    monkeypatch.setattr(UnitInference, "_rule", counting)
    found = law.dimensions()
    assert calls.total() <= 2 * MOST_WORK  # a counted step takes a few operations
    assert isinstance(found.problems, tuple)
