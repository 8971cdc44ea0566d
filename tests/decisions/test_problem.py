"""Decisions, constraints and laws: what is accepted, what is refused and how, and what plans cost."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import decisions
from kanopt.refs import arc, decision, item

X, Y = ko.Variable("x"), ko.Variable("y")
LAW = ko.parse_formula("(x - 0.3)^2 + x * y", [X, Y], ko.Variable("cost", "EUR"))
BOX = {"x": (-1.0, 1.0), "y": (0.0, 2.0)}


def fuel() -> ko.Formula:
    speed, km = ko.Variable("speed", "km/h", low=20, high=90), ko.Variable("km", "km")
    return ko.parse_formula("km * (8 / speed + 0.0004 * speed^2)", [speed, km], ko.Variable("fuel", "l"))


def test_decisions_may_be_ranges_records_or_a_table() -> None:
    by_range = ko.DecisionProblem(BOX, LAW)
    by_record = ko.DecisionProblem([decisions.Decision("x", -1, 1), decisions.Decision("y", 0, 2)], LAW)
    table = pd.DataFrame({"name": ["x", "y"], "low": [-1.0, 0.0], "high": [1.0, 2.0], "integer": False})
    assert by_range.records == by_record.records == ko.DecisionProblem(table, LAW).records
    assert by_range.unit == "EUR"


def decided(*arguments: object, **fields: object) -> Callable[[], object]:
    return lambda: decisions.Decision(*arguments, **fields)  # type: ignore[arg-type]


def posed(*arguments: object, **fields: object) -> Callable[[], object]:
    return lambda: ko.DecisionProblem(*arguments, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (decided("x", 0, math.inf), "'x': high: is inf"),
        (decided("x", 0.2, 0.8, integer=True), "no whole number lies from 0.2 to 0.8"),
        (lambda: decisions.at_most(LAW, math.nan), "no number lies from"),
        (decided("x", 2, 1), "from 2 to 1 holds no number"),
        (decided("x", "low", 1), "'x': low: .*'low'"),
        (decided("x", math.nan, "b"), "low: is nan.*\\n.*high: .*'b'"),
        (decided("x", 0, 1, unit="florp"), "'x': unit: unknown unit 'florp'"),
        (posed({}, LAW), "at least one decision"),
        (posed({"x": (0, 1)}, LAW), "'cost': input 'y' is neither a decision nor fixed"),
        (posed(BOX, LAW, fixed={"x": 1.0}), "'x' is a decision and fixed"),
        (posed(BOX, LAW, tolerance=0.0), "tolerance 0.0"),
        (posed(BOX, {}), "the objective is empty"),
        (posed(BOX, {"x": 1.0, "z": 2.0}), "'objective': no decision 'z'"),
        (posed(BOX, "x + y"), "'objective': is the text 'x \\+ y'"),
        (posed(BOX, LAW, [LAW]), "constraint 1 is a Formula; use at_most"),
        (posed(BOX, LAW, [decisions.at_most({"x": 1}, 1, name="a")] * 2), "two constraints are called 'a'"),
        (posed(BOX, LAW.bind(x=decision.x, y=decision.z)), "does not know 'decision.z'"),
        (posed(BOX, LAW.bind(x=decision.x, y=arc.distance)), "arc.distance"),
        (posed(BOX, LAW.bind(x=decision.x, y=item.y)), "but the problem has no items"),
        (
            posed([decisions.Decision("speed", 30, 60, unit="t")], fuel(), fixed={"km": 3}),
            "to decision.speed",
        ),
        (lambda: decisions.at_most(LAW, "much", name="c"), "'c': high: .*'much'"),
        (lambda: decisions.Constraint(LAW, name="free"), "'free' has no limit"),
    ],
)
def test_what_is_wrong_is_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ko.errors.ProblemError, match=message):
        make()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": 0.0}, "decision 'y' has no value"),
        ({"x": 0.0, "y": 1.0, "z": 1.0}, "no decision 'z'"),
        ([0.0, 1.0], "a list is none"),
        (pd.DataFrame({"name": ["x"]}), "column 'decision' is missing"),
    ],
)
def test_plans_that_do_not_fit_are_refused(given: object, message: str) -> None:
    with pytest.raises(ko.errors.ProblemError, match=message):
        ko.DecisionProblem(BOX, LAW).plan_from(given)


def test_units_of_decisions_are_converted_and_terms_are_priced_apart() -> None:
    speed, law = decisions.Decision("speed", 5.0, 25.0, unit="m/s"), fuel()
    legs = {f"leg {km}": law.bind(speed=decision.speed, km=km) for km in (3.0, 7.0)}
    seconds = ko.parse_formula("3600 / speed", [ko.Variable("speed", "km/h")], ko.Variable("s"))
    problem = ko.DecisionProblem([speed], legs, [decisions.at_most(seconds, 60)])
    plan = problem.plan_from({"speed": 20.0})
    expected = {f"leg {km}": float(law.evaluate({"speed": 72.0, "km": km})) for km in (3.0, 7.0)}
    assert problem.price(plan).terms().to_dict() == pytest.approx(expected)
    assert problem.prices(np.array([[20.0]])) == pytest.approx([sum(expected.values())])
    assert problem.check(plan).ok
    (broken,) = problem.check(problem.plan_from({"speed": 15.0})).violations
    assert broken.amount == pytest.approx(3600 / 54 - 60)
    assert "s is 66.67 and must be at most 60" in broken.message


def test_plans_are_checked_range_by_range_and_rule_by_rule() -> None:
    ranges = {"x": (0, 4), "n": decisions.Decision("n", 0, 9, integer=True)}
    total = decisions.equal_to({"x": 1.0, "n": 1.0}, 5.0, name="total")
    problem = ko.DecisionProblem(ranges, {"x": 1.0, "n": 2.0}, [total])
    assert problem.check(problem.plan_from({"x": 3.0, "n": 2})).ok
    found = problem.check(problem.plan_from({"x": 4.5, "n": 1.5})).violations
    assert [one.constraint for one in found] == ["range", "whole number", "constraint"]
    reasons = problem.reasons(problem.plan_from({"x": 4.0, "n": 2}))
    assert [reason.subject for reason in reasons] == ["constraint total"]


def test_what_no_values_meet_is_proved_by_intervals() -> None:
    rules = [decisions.at_least(LAW, 9.0, name="high"), decisions.at_most(LAW, 9.0, name="low")]
    (reason,) = ko.DecisionProblem(BOX, LAW, rules).reasons(None)
    assert (reason.proved, reason.subject) == (True, "constraint high")


def test_a_law_used_outside_its_domain_is_named() -> None:
    problem = ko.DecisionProblem({"speed": (10, 60)}, fuel(), fixed={"km": 10.0})
    (use,) = problem.assess(problem.plan_from({"speed": 12.0})).extrapolations
    assert "speed 12 km/h (valid from 20 to 90)" in use.message
    assert problem.assess(problem.plan_from({"speed": 30.0})).extrapolations == ()
    (remark,) = problem.remarks()
    assert "from 10 to 60 km/h" in remark
    assert ko.DecisionProblem({"speed": (30, 60)}, fuel(), fixed={"km": 10.0}).remarks() == ()
    assert (problem.laws().keys(), problem.frozen_inputs()) == ({"fuel"}, ())


def test_what_no_law_reads_is_asked_back() -> None:
    ranges = {**BOX, "z": (0.0, 1.0)}
    (asked,) = ko.DecisionProblem(ranges, LAW).unusual()
    assert "no law and no constraint reads 'z'" in asked
    assert ko.DecisionProblem(ranges, LAW, [decisions.at_most({"z": 1}, 1)]).unusual() == ()
    (asked,) = ko.DecisionProblem({"speed": (20, 90)}, fuel(), fixed={"km": 9.0, "kmm": 7.0}).unusual()
    assert "no law has an input 'kmm'" in asked


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
    values = [3.0, 2.0, 3, 3, 2]
    table = RANGES[["name", "item"]].rename(columns={"name": "decision"}).assign(value=values)
    plan = problem.plan_from(table)
    names = ["price of tea", "price of milk", "cases of tea", "cases of milk", "vans"]
    assert plan == problem.plan_from(dict(zip(names, values, strict=True)))
    price = problem.price(plan)
    assert price.terms().to_dict() == pytest.approx(
        {"bought": 4 * (1.5 + 0.8) * 3, "rent": 14.0, "sales": -60.0}
    )
    by_item = price.lines.groupby("group")["amount"].sum().to_dict()
    assert by_item == pytest.approx({"tea": 18 - 30, "milk": 9.6 - 30, "": 14.0})
    assert problem.prices(np.array([values])) == pytest.approx([price.objective])
    found = problem.check(plan).violations
    # of tea 10 sold and 12 there, of milk 15 and 12; 6 cases, and room for 5
    assert [one.where for one in found] == ["stock of milk", "load"]
    assert [one.amount for one in found] == pytest.approx([3.0, 1.0])
    assert problem.assess(plan).choice.startswith("sets price of tea to 3, price of milk to 2")
    assert str(problem.unread()[0]) == "items: nothing reads 'colour'"
    assert list(problem.laws()) == ["sales", "bought", "rent", "stock", "load", "all"]


NAMES = ["vans", "price", "cases", "cases", "vans"]
HOURS = ko.with_units(RANGES.tail(1).assign(unit="h"), {"low": "min"})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: shop(items=ITEMS.head(1)), "for the item 'milk', which does not exist"),
        (lambda: shop(items=()), "the problem has no items"),
        (
            posed(RANGES.drop(1), DEMAND.bind(size=1, price=decision.price), items=ITEMS),
            "'milk' has no decision 'price'",
        ),
        (
            lambda: shop([decisions.at_most({"vans": 1.0}, 2, name="few", each=True)]),
            "'few' is to hold for each",
        ),
        (posed(RANGES.assign(name=NAMES), {"vans": 1.0}, items=ITEMS), "'vans': .* rename one"),
        (
            posed(RANGES, LAW.bind(x=decision.price, y=item.weight), items=ITEMS),
            "does not know 'item.weight'",
        ),
        (
            posed(RANGES.head(2).assign(item="tea"), {"price": 1.0}, items=ITEMS),
            "'price/tea' appears more than once",
        ),
        (posed(HOURS, {"vans": 1.0}), "gives each decision its unit, and the ranges declare min"),
    ],
)
def test_items_that_do_not_fit_are_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ko.errors.ProblemError, match=message):
        make()
