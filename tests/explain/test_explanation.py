"""What an explanation tells of a price: terms that add up, differences, reasons, and what cannot be trusted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kanopt as ko
from kanopt.errors import ProblemError
from kanopt.explain import difference, explain
from kanopt.explain.service import does_less
from kanopt.explain.summary import bound_sentence, today_sentence
from kanopt.problems.findings import Extrapolation, FrozenInput, Reason, Violation
from kanopt.problems.result import Status

ROWS = [
    ("fuel", "van 1", "depot → a", 10.0),
    ("fuel", "van 1", "a → depot", 2.5),
    ("fixed", "van 1", "", 40.0),
    ("fuel", "van 2", "depot → b", 7.5),
    ("fixed", "van 2", "", 40.0),
]
FROZEN = (FrozenInput("cost", "load_t", "state.load", "0.5 t", "half the capacity"),)
LATE = Violation("shift", "van 1", 5.0, "min", "van 1 is back 5 min late")
NAMES = st.sampled_from(["fuel", "fixed", "time", "tolls", "a → b", ""])
LINES = st.lists(st.tuples(NAMES, NAMES, NAMES, st.floats(-1e5, 1e5)), max_size=15)
LEVELS = ["term", "group", "item"]


@pytest.mark.parametrize(
    "what", ["plan", ko.parse_formula("2 * km", ["km"], "cost"), SimpleNamespace(result=1)]
)
def test_what_is_no_plan_is_refused_by_its_kind(what: Any) -> None:
    with pytest.raises(ProblemError, match=f"not for a {type(what).__name__}"):
        ko.explain(what)


def test_terms_stand_largest_first_and_groups_and_items_as_in_the_plan(shop: Any) -> None:
    why = explain(shop(ROWS))
    assert why.terms().to_numpy().tolist() == [["fixed", 80.0, 0.8], ["fuel", 20.0, 0.2]]
    assert why.terms(by="group")["amount"].tolist() == [12.5, 40.0, 7.5, 40.0]
    assert why.terms(by="item")["item"].tolist() == ["depot → a", "a → depot", "", "depot → b", ""]
    assert explain(shop([("fuel", "van", "", 0.0)])).terms()["share"].isna().all()
    spoilt = why.terms()
    spoilt["amount"] = 0.0
    assert why.terms()["amount"].sum() == 100.0
    with pytest.raises(ProblemError, match=r"'groop' .*did you mean 'group'"):
        why.terms(by="groop")  # type: ignore[arg-type]


@given(old=LINES, new=LINES, by=st.sampled_from(LEVELS))
def test_terms_add_up_to_the_objective_and_differences_to_its_change(
    shop: Any, old: Any, new: Any, by: Any
) -> None:
    before, after = shop(old), shop(new)
    terms, frame = explain(before).terms(by=by), difference(before, after, by)
    assert terms["amount"].sum() == pytest.approx(before.objective, abs=1e-6)
    assert not terms.duplicated([c for c in terms.columns if c not in ("amount", "share")]).any()
    if before.objective:
        assert np.allclose(terms["share"] * before.objective, terms["amount"])
    assert frame["change"].sum() == pytest.approx(after.objective - before.objective, abs=1e-6)
    assert frame["before"].sum() == pytest.approx(before.objective, abs=1e-6)


def test_a_term_of_one_plan_alone_is_zero_in_the_other_and_unlike_plans_are_refused(shop: Any) -> None:
    before = shop([("fuel", "van 1", "", 10.0), ("tolls", "van 1", "", 4.0)])
    after = shop([("fuel", "van 1", "", 11.5), ("fixed", "van 2", "", 40.0)])
    assert difference(before, after).to_numpy().tolist() == [
        ["fixed", 0.0, 40.0, 40.0],
        ["tolls", 4.0, 0.0, -4.0],
        ["fuel", 10.0, 11.5, 1.5],
    ]
    with pytest.raises(ProblemError, match="'after' has no plan"):
        difference(before, shop(None, about={"status": Status.NO_PLAN}))
    with pytest.raises(ProblemError, match="EUR and USD"):
        difference(before, shop(ROWS, currency="USD"))


def test_reasons_are_filtered_by_kind_with_how_they_are_known(shop: Any) -> None:
    causes = (
        Reason("client a", "unserved", "too heavy", proved=True),
        Reason("client b", "unserved", "no room", "a van more", price=8.4, searched=True),
        Reason("job c", "late", "waits"),
        Reason("site d", "closed", "dear"),
    )
    why = explain(shop(ROWS, causes=causes))
    assert len(why.reasons()) == 4
    assert why.unserved()[["evidence", "price"]].fillna(-1.0).to_numpy().tolist() == [
        ["proved", -1.0],
        ["search found none", 8.4],
    ]
    assert (why.late()["subject"].tolist(), why.closed()["subject"].tolist()) == (["job c"], ["site d"])
    empty = explain(shop(ROWS)).late()
    assert empty.empty
    assert empty.columns.tolist() == why.reasons().columns.tolist()


def test_without_a_plan_there_are_no_terms_but_reasons(shop: Any) -> None:
    cause = Reason("client c1", "infeasible", "9 t exceed every van", "a van of 9 t", proved=True)
    about = {"status": Status.INFEASIBLE, "message": "demand exceeds every van."}
    why = explain(shop(None, about=about, causes=(cause,)))
    assert all(why.terms(by=by).empty for by in LEVELS)
    assert why.outside().empty
    assert why.reasons()["subject"].tolist() == ["client c1"]
    assert why.text().startswith("There is no plan (no plan meets every rule): demand exceeds every van.")
    assert "stopped by the user" in explain(shop(ROWS, about={"interrupted": True})).text()


def test_what_is_wrong_and_what_cannot_be_trusted_is_told_and_is_a_frame(shop: Any) -> None:
    outside = (Extrapolation("time", "leg a → b", "distance_km", "90 km"),) * 2
    why = explain(shop(ROWS, ("c1", "c2"), extrapolated=outside, frozen=FROZEN, violations=(LATE,)))
    assert why.outside()["inputs"].tolist() == ["distance_km"] * 2
    assert why.frozen()["value"].tolist() == ["0.5 t"]
    assert why.violations()["amount"].tolist() == [5.0, 1.0, 1.0]
    told = why.text()
    # what a plan leaves out and breaks comes before what it costs
    parts = [
        "left out: c1 and c2",
        "breaks a rule: van 1 is back",
        "100.00 EUR",
        "time in 2 places (distance_km)",
    ]
    assert all(part in told for part in parts)
    assert told.index(parts[0]) < told.index(parts[2])
    assert "by which the price would be 3.00 EUR lower" in told


def test_many_terms_are_summed_up_and_what_is_earned_is_a_negative_cost(shop: Any) -> None:
    rows = [(f"t{i}", "van", "", 10.0 * (i + 1)) for i in range(6)]
    assert explain(shop(rows)).text().endswith("t2 30.00 (14 %) and other 30.00.")
    assert (
        explain(shop(ROWS)).text() == "The plan costs 100.00 EUR: fixed 80.00 (80 %) and fuel 20.00 (20 %)."
    )
    earned = shop([("roasting", "", "", 350.0), ("sales", "", "", -650.0)], about={"bound": -310.0})
    assert "earns 300.00 EUR: sales 650.00 (217 %) and roasting −350.00" in explain(earned).text()
    assert "earn more than 310.00 EUR" in bound_sentence(earned)
    today = shop([("sales", "", "", -240.0)])
    assert "60.00 EUR (25 %) more than today's plan" in today_sentence(earned, today)
    assert "60.00 EUR (20 %) less than today's plan" in today_sentence(today, earned)


def test_today_is_compared_as_far_as_both_plans_do_the_same(shop: Any) -> None:
    today, unlike = shop([("fuel", "van 1", "", 125.0)]), "do not compare like with like"
    told = explain(shop(ROWS)).text(today)
    assert "25.00 EUR (20 %) less than today's plan, which costs 125.00 EUR" in told
    assert unlike not in told
    assert "25.00 EUR (25 %) more than today's plan" in today_sentence(today, shop(ROWS))
    partial, broken = shop(ROWS[:1], ("c1",)), shop(ROWS, violations=(LATE,))
    for plan, other in ((shop(ROWS), broken), (partial, today)):
        assert unlike in today_sentence(plan, other)
    assert does_less(partial, today)
    assert does_less(broken, today)
    assert not any(does_less(today, other) for other in (today, partial, broken))


def test_bounds_are_told_as_far_as_they_are_known(shop: Any) -> None:
    assert "proved" in bound_sentence(shop(ROWS, about={"status": Status.OPTIMAL, "bound": 100.0}))
    told = bound_sentence(shop(ROWS, about={"bound": 95.0}))
    assert "95.00 EUR" in told
    assert "5 % is left to gain" in told
    assert "is not known" in bound_sentence(shop(ROWS, frozen=FROZEN))
    assert bound_sentence(shop(ROWS)) == ""


def full(place: int, vans: int) -> Reason:
    van = place % vans
    return Reason(f"client c{place}", "unserved", f"no room in van {van}", bottleneck=f"van {van} is full",
                  amount=0.1 * place)  # fmt: skip


@pytest.mark.parametrize(
    ("count", "vans", "lines", "more"),
    [(6775, 3, 3, ""), (7, 3, 7, ""), (60, 20, 20, ""), (100, 25, 20, "24 more")],
)
def test_reasons_with_one_bottleneck_are_told_together_in_twenty_lines_at_most(
    shop: Any, count: int, vans: int, lines: int, more: str
) -> None:
    why = explain(shop(ROWS, causes=tuple(full(place, vans) for place in range(count))))
    assert why.text().count("  - ") == lines
    assert more in why.text()
    assert len(why.reasons()) == count
    assert why.bottlenecks()["reasons"].sum() == count
    # the worst of a bottleneck stands for it
    assert (f"client c{count - 1}" in why.text()) == (count != 100)
