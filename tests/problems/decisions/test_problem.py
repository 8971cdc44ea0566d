"""Decisions, constraints and laws: what is accepted, what is refused and how, and what plans cost."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import decisions
from kanopt.refs import arc, decision, item

X, Y = ko.Variable("x"), ko.Variable("y")
LAW = ko.parse_formula("(x - 0.3)^2 + x * y", [X, Y], ko.Variable("cost", "EUR"))
BOX = {"x": (-1.0, 1.0), "y": (0.0, 2.0)}


TWICE = [decisions.at_most({"x": 1}, 1, name="a"), decisions.at_least({"x": 1}, 0, name="a")]


def fuel() -> ko.Formula:
    speed, km = ko.Variable("speed", "km/h", low=20, high=90), ko.Variable("km", "km")
    return ko.parse_formula("km * (8 / speed + 0.0004 * speed^2)", [speed, km], ko.Variable("fuel", "l"))


def test_decisions_may_be_ranges_records_or_a_table() -> None:
    by_range = ko.DecisionProblem(BOX, LAW)
    by_record = ko.DecisionProblem([decisions.Decision("x", -1, 1), decisions.Decision("y", 0, 2)], LAW)
    table = pd.DataFrame(
        {"name": ["x", "y"], "low": [-1.0, 0.0], "high": [1.0, 2.0], "integer": [False, False]}
    )
    assert by_range.records == by_record.records == ko.DecisionProblem(table, LAW).records
    assert by_range.unit == "EUR"
    assert repr(by_range) == "DecisionProblem(2 decisions, 0 constraints)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: decisions.Decision("x", 0, math.inf), "'x': high: is inf; give a finite end"),
        (lambda: decisions.Decision("x", -math.inf, 0), "'x': low: is -inf; give a finite end"),
        (lambda: decisions.Decision("x", 2, 1), "from 2 to 1 holds no number; swap the ends"),
        (lambda: decisions.Decision("x", 0.2, 0.8, integer=True), "no whole number lies from 0.2 to 0.8"),
        (lambda: decisions.Decision("x", "low", 1), "'x': low: must be a number, not the text 'low'"),
        (lambda: decisions.Decision(" ", 0, 1), "name: must be a text that is not empty"),
        (lambda: ko.DecisionProblem({}, LAW), "at least one decision"),
        (lambda: ko.DecisionProblem({"x": 3}, LAW), r"decision 'x' is 3; give \(low, high\)"),
        (lambda: ko.DecisionProblem({"x": (0, 1)}, LAW), "'cost': input 'y' is neither a decision nor fixed"),
        (lambda: ko.DecisionProblem(BOX, LAW, fixed={"x": 1.0}), "'x' is a decision and fixed"),
        (lambda: ko.DecisionProblem(BOX, LAW, tolerance=0.0), "tolerance 0.0 is no positive number"),
        (lambda: ko.DecisionProblem(BOX, {}), "the objective is empty"),
        (lambda: ko.DecisionProblem(BOX, {"x": 1.0, "z": 2.0}), "'objective': no decision 'z'"),
        (
            lambda: ko.DecisionProblem(BOX, "x + y"),
            "'objective': is the text 'x \\+ y'; make a formula of it with parse_formula",
        ),
        (lambda: ko.DecisionProblem(BOX, None), "'objective': is None; give a formula"),
        (lambda: ko.DecisionProblem(BOX, LAW, [LAW]), "constraint 1 is a Formula; use at_most"),
        (
            lambda: ko.DecisionProblem(BOX, LAW, TWICE),
            "two constraints are called 'a'",
        ),
        (lambda: decisions.Decision("x", 0, 1, integer="no"), "integer: must be true or false, not the text 'no'"),
        (lambda: decisions.Decision("x", 0, 1, unit="florp"), "'x': unit: unknown unit 'florp'"),
        (lambda: decisions.Decision("x", math.nan, "b"), "low: is nan.*\\n.*high: must be a number, not the text 'b'"),
        (lambda: decisions.at_most(LAW, "much", name="c"), "'c': high: must be a number, not the text 'much'"),
        (lambda: decisions.at_most(LAW, math.nan), "no number lies from"),
        (lambda: decisions.Constraint(LAW, name="free"), "'free' has no limit"),
        (lambda: ko.DecisionProblem(BOX, LAW, [decisions.at_most({}, 1.0)]), "at least one decision"),
        (lambda: ko.DecisionProblem(BOX, LAW.bind(x=decision.x, y=decision.z)), "decision 'z', which does not"),
        (lambda: ko.DecisionProblem(BOX, LAW.bind(x=decision.x, y=arc.distance)), "to arc.distance, of which"),
        (lambda: ko.DecisionProblem(BOX, LAW.bind(x=decision.x, y=math.inf)), "fixed to inf"),
        (
            lambda: ko.DecisionProblem([decisions.Decision("speed", 30, 60, unit="t")], fuel(), fixed={"km": 3}),
            "input 'speed', decision 'speed'",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_to_do(make: object, message: str) -> None:
    with pytest.raises(ko.ProblemError, match=message):
        make()  # type: ignore[operator]


def test_units_of_decisions_are_converted_and_terms_are_priced_apart() -> None:
    speed = decisions.Decision("speed", 5.0, 25.0, unit="m/s")
    law = fuel()
    legs = {f"leg {km}": law.bind(speed=decision.speed, km=km) for km in (3.0, 7.0)}
    seconds = ko.parse_formula("3600 / speed", [ko.Variable("speed", "km/h")], ko.Variable("s"))
    problem = ko.DecisionProblem([speed], legs, [decisions.at_most(seconds, 60)])
    price = problem.price(problem.plan_from({"speed": 20.0}))
    expected = {km: float(law.evaluate({"speed": 72.0, "km": km})) for km in (3.0, 7.0)}
    assert price.terms().to_dict() == pytest.approx({f"leg {km}": value for km, value in expected.items()})
    assert problem.prices(np.array([[20.0]])) == pytest.approx([sum(expected.values())])
    assert problem.check(problem.plan_from({"speed": 20.0})).ok
    (broken,) = problem.check(problem.plan_from({"speed": 15.0})).violations
    assert broken.amount == pytest.approx(3600 / 54 - 60)
    assert "s is 66.67 and must be at most 60: missed by 6.667" in broken.message


def test_plans_are_checked_range_by_range_and_rule_by_rule() -> None:
    problem = ko.DecisionProblem(
        {"x": (0, 4), "n": decisions.Decision("n", 0, 9, integer=True)},
        {"x": 1.0, "n": 2.0},
        [decisions.equal_to({"x": 1.0, "n": 1.0}, 5.0, name="total")],
    )
    assert problem.check(problem.plan_from({"x": 3.0, "n": 2})).ok
    found = problem.check(problem.plan_from({"x": 4.5, "n": 1.5})).violations
    assert [one.constraint for one in found] == ["range", "whole number", "constraint"]
    assert found[2].message == "total is 6 and must be equal to 5: missed by 1"
    reasons = problem.reasons(problem.plan_from({"x": 4.0, "n": 2}))
    assert [reason.subject for reason in reasons] == ["constraint total"]


def test_what_no_values_meet_is_proved_by_intervals() -> None:
    problem = ko.DecisionProblem(
        BOX, LAW, [decisions.at_least(LAW, 9.0, name="high"), decisions.at_most(LAW, 9.0, name="low")]
    )
    (reason,) = problem.reasons(None)
    assert reason.proved
    assert reason.subject == "constraint high"
    assert "must be at least 9, but is at most" in reason.message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": 0.0}, "decision 'y' has no value"),
        ({"x": 0.0, "y": 1.0, "z": 1.0}, "no decision 'z'"),
        ({"x": 0.0, "y": "much"}, "'y' is 'much', which is no finite number"),
        ([0.0, 1.0], "a list is none"),
        (pd.DataFrame({"name": ["x"]}), "column 'decision' is missing"),
    ],
)
def test_plans_that_do_not_fit_are_refused(given: object, message: str) -> None:
    with pytest.raises(ko.ProblemError, match=message):
        ko.DecisionProblem(BOX, LAW).plan_from(given)


def test_a_law_used_outside_its_domain_is_named() -> None:
    problem = ko.DecisionProblem({"speed": (10, 60)}, fuel(), fixed={"km": 10.0})
    (use,) = problem.extrapolations(problem.plan_from({"speed": 12.0}))
    assert "speed 12 km/h (valid from 20 to 90)" in use.message
    assert problem.extrapolations(problem.plan_from({"speed": 30.0})) == ()
    (remark,) = problem.remarks()
    assert (
        remark == "decision speed reaches from 10 to 60 km/h, beyond where fuel is known: valid from 20 to 90"
    )
    assert ko.DecisionProblem({"speed": (30, 60)}, fuel(), fixed={"km": 10.0}).remarks() == ()
    assert problem.laws().keys() == {"fuel"}
    assert problem.frozen_inputs() == ()


def test_what_no_law_reads_is_asked_back() -> None:
    idle = ko.DecisionProblem({**BOX, "z": (0.0, 1.0)}, LAW)
    asked = "decisions: no law and no constraint reads 'z': any value does; is that meant?"
    assert idle.unusual() == (asked,)
    assert asked in idle.remarks()
    assert ko.DecisionProblem({**BOX, "z": (0.0, 1.0)}, LAW, [decisions.at_most({"z": 1}, 1)]).unusual() == ()
    fixed = ko.DecisionProblem({"speed": (20, 90)}, fuel(), fixed={"km": 9.0, "kmm": 7.0})
    assert fixed.unusual() == ("fixed: no law has an input 'kmm': nothing follows from it; is that meant?",)


RANGES = pd.DataFrame(
    {
        "name": ["price", "price", "cases", "cases", "vans"],
        "item": ["tea", "milk", "tea", "milk", None],
        "low": [2.0, 1.0, 0.0, 0.0, 0.0],
        "high": [6.0, 3.0, 40.0, 40.0, 3.0],
        "integer": [False, False, True, True, True],
    }
)
ITEMS = ko.with_units(
    pd.DataFrame(
        {"name": ["tea", "milk"], "size": [90.0, 60.0], "cost": [150.0, 80.0], "colour": ["red", "white"]}
    ),
    {"cost": "cEUR"},
)
DEMAND = ko.parse_formula("size * price ^ -2", [ko.Variable("size"), ko.Variable("price", low=1.5, high=5)],
                          ko.Variable("demand"))  # fmt: skip


def shop(constraints: object = (), items: object = ITEMS) -> ko.DecisionProblem:
    sales = ko.parse_formula(
        "-price * demand", [ko.Variable("price")], ko.Variable("sales", "EUR"), {"demand": DEMAND}
    )
    cost, cases = ko.Variable("cost", "EUR"), ko.Variable("cases")
    bought = ko.parse_formula("4 * cost * cases", [cost, cases], ko.Variable("bought", "EUR"))
    rent = ko.parse_formula("7 * vans", [ko.Variable("vans")], ko.Variable("rent", "EUR"))
    objective = {
        "sales": sales.bind(size=item.size, price=decision.price),
        "bought": bought.bind(cost=item.cost, cases=decision.cases),
        "rent": rent,
    }
    return ko.DecisionProblem(RANGES, objective, constraints, items=items)  # type: ignore[arg-type]


def test_laws_that_read_items_are_counted_for_each() -> None:
    missing = ko.parse_formula(
        "demand - 4 * cases", [ko.Variable("cases")], ko.Variable("missing"), {"demand": DEMAND}
    )
    missing = missing.bind(size=item.size, price=decision.price, cases=decision.cases)
    problem = shop([
        decisions.at_most(missing, 0, name="stock", each=True),
        decisions.at_most({"cases": 1.0, "vans": -2.5}, 0, name="load"),
        decisions.at_most(missing, 5, name="all"),
    ])  # fmt: skip
    assert [one.name for one in problem.records][:2] == ["price of tea", "price of milk"]
    values = {"price of tea": 3.0, "price of milk": 2.0, "cases of tea": 3, "cases of milk": 3, "vans": 2}
    plan = problem.plan_from(values)
    table = pd.DataFrame(
        {
            "decision": ["price", "price", "cases", "cases", "vans"],
            "item": ["tea", "milk", "tea", "milk", None],
            "value": [3.0, 2.0, 3, 3, 2],
        }
    )
    assert problem.plan_from(table) == plan
    price = problem.price(plan)
    assert price.terms().to_dict() == pytest.approx(
        {"bought": 4 * (1.5 + 0.8) * 3, "rent": 14.0, "sales": -60.0}
    )
    by_item = price.lines.groupby("group")["amount"].sum().to_dict()
    assert by_item == pytest.approx({"tea": 18 - 30, "milk": 9.6 - 30, "": 14.0})
    assert problem.prices(np.array([[3.0, 2.0, 3, 3, 2]])) == pytest.approx([price.objective])
    found = problem.check(plan).violations
    # of tea 10 sold and 12 there, of milk 15 and 12; 6 cases, and room for 5
    assert [(one.where, one.amount) for one in found] == [
        ("stock of milk", pytest.approx(3.0)),
        ("load", pytest.approx(1.0)),
    ]
    assert problem.assess(plan).choice.startswith(
        "sets price of tea to 3, price of milk to 2, cases of tea to 3"
    )
    assert str(problem.unread()[0]) == "items: nothing reads 'colour'"
    assert list(problem.laws()) == ["sales", "bought", "rent", "stock", "load", "all"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: shop(items=ITEMS.head(1)), "decisions 'price': is for the item 'milk', which does not exist"),
        (lambda: shop(items=()), "for the item 'tea', which does not exist; the problem has no items"),
        (
            lambda: ko.DecisionProblem(RANGES.drop(1), DEMAND.bind(size=1, price=decision.price), items=ITEMS),
            "it reads decision.price, but item 'milk' has no decision 'price'; add one",
        ),
        (lambda: shop([decisions.at_most({"vans": 1.0}, 2, name="few", each=True)]), "'few' is to hold for each item"),
        (
            lambda: ko.DecisionProblem(RANGES.assign(name=["vans", "price", "cases", "cases", "vans"]), {"vans": 1.0},
                                       items=ITEMS),
            "'vans': is one of the whole plan and one of an item; rename one",
        ),
        (lambda: ko.DecisionProblem(BOX, LAW.bind(x=decision.x, y=item.y)), "but the problem has no items"),
        (
            lambda: ko.DecisionProblem(RANGES, LAW.bind(x=decision.price, y=item.weight), items=ITEMS),
            "items: 'tea' has no 'weight'",
        ),
        (
            lambda: ko.DecisionProblem(RANGES.head(2).assign(item=["tea", "tea"]), {"price": 1.0}, items=ITEMS),
            "'price/tea' appears more than once",
        ),
        (
            lambda: ko.DecisionProblem(ko.with_units(RANGES.tail(1).assign(unit="h"), {"low": "min"}), {"vans": 1.0}),
            "gives each decision its unit, and the ranges declare min; leave one out",
        ),
    ],
)  # fmt: skip
def test_items_that_do_not_fit_are_named(make: object, message: str) -> None:
    with pytest.raises(ko.ProblemError, match=message):
        make()  # type: ignore[operator]
