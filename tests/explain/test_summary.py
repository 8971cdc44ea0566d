from __future__ import annotations

from typing import Any

from kanopt.explain import explain
from kanopt.explain.summary import bound_sentence, today_sentence
from kanopt.problems.findings import Extrapolation, FrozenInput, Reason, Violation
from kanopt.problems.result import Status

ROWS = [("fuel", "van 1", "", 300.0), ("fixed", "van 1", "", 900.0)]


def test_the_cost_is_told_by_term(shop: Any) -> None:
    text = explain(shop(ROWS)).text()
    assert text == "The plan costs 1,200.00 EUR: fixed 900.00 (75 %) and fuel 300.00 (25 %)."
    assert str(explain(shop(ROWS))) == text


def test_many_terms_are_summed_up(shop: Any) -> None:
    rows = [(f"t{i}", "van", "", 10.0 * (i + 1)) for i in range(6)]
    assert explain(shop(rows)).text().endswith("t2 30.00 (14 %) and other 30.00.")


def test_one_term_or_none(shop: Any) -> None:
    assert explain(shop(ROWS[:1])).text() == "The plan costs 300.00 EUR, all of it fuel."
    assert explain(shop([])).text() == "The plan costs 0.00 EUR."


def test_today_is_compared_on_the_same_laws(shop: Any) -> None:
    today = shop([("fuel", "van 1", "", 500.0), ("fixed", "van 1", "", 1000.0)])
    assert "300.00 EUR (20 %) less than today's plan, which costs 1,500.00 EUR" in explain(shop(ROWS)).text(
        today
    )
    assert "more than today's plan" in today_sentence(today, shop(ROWS))
    assert today_sentence(shop(ROWS), shop(ROWS)) == "That is as much as today's plan (1,200.00 EUR)."
    broken = shop(ROWS, violations=(Violation("shift", "van 1", 5.0, "min", "van 1 is back 5 min late"),))
    assert today_sentence(shop(ROWS), broken).endswith("and breaks 1 rule.")
    assert today_sentence(shop(ROWS), None) == ""


def test_bounds_are_told_as_far_as_they_are_known(shop: Any) -> None:
    assert "proved" in bound_sentence(shop(ROWS, about={"status": Status.OPTIMAL, "bound": 1200.0}))
    sentence = bound_sentence(shop(ROWS, about={"bound": 1140.0}))
    assert sentence == "No plan can cost less than 1,140.00 EUR; at most 5 % is left to gain."
    frozen = (FrozenInput("cost", "load_t", "state.load", "0.5 t", "half the capacity"),)
    assert "is not known" in bound_sentence(shop(ROWS, frozen=frozen))
    assert bound_sentence(shop(ROWS)) == ""


def test_what_is_wrong_is_told_with_reasons_and_relaxations(shop: Any) -> None:
    causes = (
        Reason("client c1", "unserved", "every van is full", "a van of 0.3 t more", searched=True),
        Reason("client c2", "unserved", "its window closes before any van arrives."),
        Reason("job j9", "late", "machine m1 is busy until 14:10"),
    )
    violation = Violation("capacity", "van 1", 0.2, "t", "van 1 carries 0.2 t too much.")
    text = explain(shop(ROWS, ("c1", "c2"), causes=causes, violations=(violation,))).text()
    assert "2 things are not served: client c1 and client c2." in text
    assert "1 thing is late: job j9." in text
    assert "The plan breaks 1 rule: van 1 carries 0.2 t too much." in text
    assert "  - client c1: every van is full (search found none). To mend it: a van of 0.3 t more." in text
    assert "  - client c2: its window closes before any van arrives.\n" in text


def test_long_lists_of_reasons_are_cut_and_counted(shop: Any) -> None:
    causes = tuple(Reason(f"c{i}", "unserved", "every van is full") for i in range(30))
    text = explain(shop(ROWS, causes=causes)).text()
    assert "c3, c4 and 25 more" in text
    assert text.count("every van is full") == 20
    assert "  - and 10 more reasons." in text


def test_trust_is_told(shop: Any) -> None:
    outside = Extrapolation("travel_time", "leg a → b", "distance_km", "90 km")
    frozen = (FrozenInput("cost", "load_t", "state.load", "0.5 t", "half the capacity"),)
    text = explain(shop(ROWS, extrapolated=(outside, outside), frozen=frozen)).text()
    assert "travel_time in 2 places (distance_km)" in text
    assert "held state.load of cost at planning values; the true values change the price by +3.00 EUR" in text


def test_no_plan_and_interruption(shop: Any) -> None:
    none = explain(
        shop(None, about={"status": Status.INFEASIBLE, "message": "demand 9 t exceeds every van."})
    )
    assert none.text() == "There is no plan (no plan meets every rule): demand 9 t exceeds every van."
    late = explain(shop(None, about={"status": Status.NO_PLAN}))
    assert late.text() == "There is no plan (none was found in time)."
    assert "stopped by the user" in explain(shop(ROWS, about={"interrupted": True})).text()
