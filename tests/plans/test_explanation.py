"""What an explanation tells of a price: terms that add up, differences, reasons, and what cannot be trusted."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import kanopt as ko
from kanopt.errors import ProblemError
from kanopt.plans.differences import difference, does_less
from kanopt.plans.explanation import Explanation, explain
from kanopt.plans.findings import Extrapolation, FrozenInput, Reason, Status
from kanopt.plans.result import Certificate
from kanopt.plans.summary import bound_sentence, today_sentence
from kanopt.routing import RoutingUnits
from tests.cases.routing import random_problem, random_routes
from tests.plans.test_coverage import VAN, last, round_trip

LEVELS = ("term", "group", "item")
VANS = replace(VAN, num_available=2)
WHOLE = ko.evaluate(round_trip(van=VANS), [["a", "b"], ["c"]])
PARTIAL = ko.evaluate(round_trip(), [["a", "b"]])
LATE = ko.evaluate(round_trip(last(latest=485.0), replace(VAN, capacity=2.0)), [["a", "b", "c"]])


def priced(**amounts: float) -> ko.Result:
    """Return a plan with a term for each amount."""
    laws = {
        name: ko.parse_formula(f"{amount!r} * x", ["x"], ko.Variable("c", "EUR"))
        for name, amount in amounts.items()
    }
    return ko.evaluate(ko.DecisionProblem({"x": (0.0, 1.0)}, laws), {"x": 1.0})


@pytest.mark.parametrize(
    "what", ["plan", ko.parse_formula("2 * km", ["km"], "cost"), SimpleNamespace(result=1)]
)
def test_what_is_no_plan_is_refused_by_its_kind(what: Any) -> None:
    with pytest.raises(ProblemError, match=f"not for a {type(what).__name__}"):
        ko.explain(what)


def test_terms_stand_largest_first_and_groups_and_items_as_in_the_plan() -> None:
    why = explain(WHOLE)
    assert why.terms()[["term", "amount"]].to_numpy().tolist() == [["toll", 100.0], ["fixed", 14.0]]
    assert why.terms()["share"].tolist() == pytest.approx([100 / 114, 14 / 114])
    assert why.terms(by="group").set_index(["group", "term"])["amount"]["van 2", "toll"] == 60.0
    assert "depot → c" in why.terms(by="item")["item"].tolist()
    assert explain(priced(fuel=0.0)).terms()["share"].isna().all()
    with pytest.raises(ProblemError, match=r"'groop' .*did you mean 'group'"):
        why.terms(by="groop")  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(8))
def test_terms_add_up_to_the_objective_and_differences_to_its_change(seed: int) -> None:
    problem = random_problem(seed)
    before, after = (ko.evaluate(problem, random_routes(problem, seed + place)) for place in range(2))
    for by in LEVELS:
        terms, frame = explain(before).terms(by=by), difference(before, after, by)
        assert terms["amount"].sum() == pytest.approx(before.objective)
        assert not terms.duplicated([c for c in terms.columns if c not in ("amount", "share")]).any()
        assert np.allclose(terms["share"] * before.objective, terms["amount"])
        assert frame["change"].sum() == pytest.approx(after.objective - before.objective)
        assert frame["before"].sum() == pytest.approx(before.objective)


def test_a_term_of_one_plan_alone_is_zero_in_the_other_and_unlike_plans_are_refused() -> None:
    found = difference(priced(fuel=10.0, tolls=4.0), priced(fuel=11.5, fixed=40.0))
    assert found.to_numpy().tolist() == [
        ["fixed", 0, 40.0, 40.0],
        ["tolls", 4.0, 0, -4.0],
        ["fuel", 10.0, 11.5, 1.5],
    ]
    with pytest.raises(ProblemError, match="'after' has no plan"):
        difference(WHOLE, replace(WHOLE, assessment=None, status=Status.NO_PLAN))
    dollars = ko.evaluate(round_trip(units=RoutingUnits(money="USD")), [["a", "b"]])
    with pytest.raises(ProblemError, match="EUR and USD"):
        difference(WHOLE, dollars)


def test_reasons_are_filtered_by_kind_with_how_they_are_known() -> None:
    causes = (
        Reason("client a", "unserved", "too heavy", proved=True),
        Reason("client b", "unserved", "no room", "a van more", price=8.4, searched=True),
        Reason("job c", "late", "waits"),
        Reason("site d", "closed", "dear"),
    )
    why = Explanation(WHOLE, causes, ())
    assert len(why.reasons()) == 4
    found = why.unserved()[["evidence", "price"]].fillna(-1.0)
    assert found.to_numpy().tolist() == [["proved", -1.0], ["search found none", 8.4]]
    assert [why.reasons(kind)["subject"].tolist() for kind in ("late", "closed")] == [["job c"], ["site d"]]
    empty = explain(WHOLE).reasons("late")
    assert empty.empty
    assert empty.columns.tolist() == why.reasons().columns.tolist()


def test_without_a_plan_there_are_no_terms_but_reasons() -> None:
    nothing = replace(WHOLE, assessment=None, status=Status.INFEASIBLE, message="demand exceeds every van.")
    why = Explanation(nothing, (Reason("client c1", "infeasible", "9 t exceed every van", proved=True),), ())
    assert all(why.terms(by=by).empty for by in LEVELS)
    assert why.outside().empty
    assert why.reasons()["subject"].tolist() == ["client c1"]
    assert why.text().startswith("There is no plan (no plan meets every rule): demand exceeds every van.")
    assert "stopped by the user" in explain(replace(WHOLE, interrupted=True)).text()
    assert explain(nothing).causes == WHOLE.problem.infeasibility_reasons()


def test_what_is_left_out_broken_and_untrusted_is_told() -> None:
    told = explain(PARTIAL).text()
    # what a plan leaves out comes before what it costs
    assert told.index("left out: c") < told.index("47.00 EUR")
    assert "breaks a rule: van 1 reaches client c" in explain(LATE).text()
    outside = (Extrapolation("time", "leg a → b", "distance_km", "90 km"),) * 2
    why = Explanation(WHOLE, (), outside)
    assert why.outside()["inputs"].tolist() == ["distance_km"] * 2
    assert "time in 2 places (distance_km)" in why.text()


def test_many_terms_are_summed_up_and_what_is_earned_is_a_negative_cost() -> None:
    many = explain(priced(**{f"t{i}": 10.0 * (i + 1) for i in range(6)})).text()
    assert many.endswith("t2 30.00 (14 %) and other 30.00.")
    assert "114.00 EUR: toll 100.00 (88 %) and fixed 14.00 (12 %)." in explain(WHOLE).text()
    earned, today = replace(priced(roasting=350.0, sales=-650.0), bound=-310.0), priced(sales=-240.0)
    assert "earns 300.00 EUR: sales 650.00 and roasting −350.00." in explain(earned).text()
    assert "earn more than 310.00 EUR" in bound_sentence(earned)
    assert "60.00 EUR (25 %) more than today's plan" in today_sentence(earned, today)
    assert "60.00 EUR (20 %) less than today's plan" in today_sentence(today, earned)


def test_today_is_compared_as_far_as_both_plans_do_the_same() -> None:
    now, today, unlike = priced(fuel=100.0), priced(fuel=125.0), "do not compare like with like"
    told = explain(now).text(today)
    assert "25.00 EUR (20 %) less than today's plan, which costs 125.00 EUR" in told
    assert unlike not in told
    assert "25.00 EUR (25 %) more than today's plan" in today_sentence(today, now)
    assert "as much as today's plan" in today_sentence(now, now)
    for less in (PARTIAL, LATE):
        assert unlike in today_sentence(WHOLE, less)
        assert does_less(less, WHOLE)
        assert not does_less(WHOLE, less)
    assert not does_less(WHOLE, WHOLE)


def test_bounds_are_told_as_far_as_they_are_known() -> None:
    plan = priced(fuel=100.0)
    assert "proved" in bound_sentence(replace(plan, status=Status.OPTIMAL, bound=100.0))
    told = bound_sentence(replace(plan, bound=95.0))
    assert "95.00 EUR" in told
    assert "5 % is left to gain" in told
    frozen = (FrozenInput("cost", "load_t", "state.load", "0.5 t", "half the capacity"),)
    typical = replace(plan, certificate=Certificate(97.0, 97.0, 100.0, 0.01, frozen))
    assert "is not known" in bound_sentence(typical)
    assert "by which the price would be 3.00 EUR lower" in explain(typical).text()
    assert explain(typical).frozen()["value"].tolist() == ["0.5 t"]


def full(place: int, vans: int) -> Reason:
    van, amount = place % vans, 0.1 * place
    return Reason(f"client c{place}", "unserved", "no room", bottleneck=f"van {van} is full", amount=amount)


@pytest.mark.parametrize(
    ("count", "vans", "lines", "more"),
    [(6775, 3, 3, ""), (7, 3, 7, ""), (60, 20, 20, ""), (100, 25, 20, "24 more")],
)
def test_reasons_with_one_bottleneck_are_told_together_in_twenty_lines_at_most(
    count: int, vans: int, lines: int, more: str
) -> None:
    why = Explanation(WHOLE, tuple(full(place, vans) for place in range(count)), ())
    assert why.text().count("  - ") == lines
    assert more in why.text()
    assert why.bottlenecks()["reasons"].sum() == count
    # the worst of a bottleneck stands for it
    assert (f"client c{count - 1}" in why.text()) == (count != 100)
