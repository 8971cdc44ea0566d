from __future__ import annotations

from typing import Any

from kanopt.explain import explain
from kanopt.explain.service import does_less
from kanopt.explain.summary import bound_sentence, reason_sentence, today_sentence
from kanopt.problems.findings import Extrapolation, FrozenInput, Reason, Status, Violation

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
    assert today_sentence(shop(ROWS), broken).endswith(
        "but the two prices do not compare like with like: today's plan breaks a rule: van 1 is back 5 min late."
    )
    partial = shop(ROWS[:1], ("c1",))
    sentence = today_sentence(partial, today)
    assert "1,200.00 EUR (80 %) less than today's plan" in sentence
    assert sentence.endswith(
        "the two prices do not compare like with like: today's plan leaves out nothing instead of c1."
    )
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
    assert text.startswith(
        "The plan buys 0 of 2 things; left out: c1 and c2. What buying the rest would cost is not"
    )
    assert "It costs 1,200.00 EUR" in text
    assert "Job j9 is late." in text
    assert "The plan breaks a rule: van 1 carries 0.2 t too much." in text
    assert "  - client c1: every van is full (search found none). To mend it: a van of 0.3 t more." in text
    assert "  - client c2: its window closes before any van arrives.\n" in text


def test_long_lists_of_reasons_are_cut_and_counted(shop: Any) -> None:
    causes = tuple(Reason(f"c{i}", "unserved", "every van is full") for i in range(30))
    text = explain(shop(ROWS, causes=causes)).text()
    assert text.count("every van is full") == 19
    assert "  - and 11 more reasons." in text


def full(place: int, **changes: Any) -> Reason:
    van, client = place % 3, f"client c{place}"
    given = {"bottleneck": f"van {van} is full", "amount": 0.1 * place}
    return Reason(client, "unserved", f"{client} does not fit into van {van}", **{**given, **changes})


def test_reasons_with_one_bottleneck_are_told_together_by_the_worst_of_them(shop: Any) -> None:
    why = explain(shop(ROWS, causes=tuple(full(place) for place in range(6775))))
    text = why.text()
    assert text.count("  - ") == 3
    assert "  - 2,259 clients: van 0 is full (c0, c3, c6, c9, c12 and 2,254 more). The worst: " in text
    assert "The worst: client c6774 does not fit into van 0." in text
    assert len(why.reasons()) == 6775
    assert why.bottlenecks()[["reasons", "subjects"]].to_numpy().tolist() == [
        [2259, 2259],
        [2258, 2258],
        [2258, 2258],
    ]


def test_a_few_reasons_with_one_bottleneck_are_told_one_by_one(shop: Any) -> None:
    text = explain(shop(ROWS, causes=tuple(full(place) for place in range(7)))).text()
    assert text.count("does not fit") == 7
    assert "The worst" not in text
    many = tuple(full(place, bottleneck=f"van {place // 3} is full") for place in range(60))
    crowded = explain(shop(ROWS, causes=many)).text()
    assert crowded.count("  - 3 clients: van") == 20
    assert "more reason" not in crowded


def test_no_more_than_twenty_lines_of_reasons(shop: Any) -> None:
    many = tuple(full(place, bottleneck=f"van {place // 4} is full") for place in range(100))
    text = explain(shop(ROWS, causes=many)).text()
    assert text.count("  - ") == 20
    assert text.endswith("  - and 24 more reasons.")


def test_one_subject_with_several_reasons_is_counted_once(shop: Any) -> None:
    lacks = tuple(
        Reason(
            f"market m{place % 2}", "unserved", f"m{place % 2} lacks {place} t", bottleneck="north is full"
        )
        for place in range(8)
    )
    text = explain(shop(ROWS, causes=lacks)).text()
    assert "  - 2 markets, 8 reasons: north is full (m0 and m1). For example: market m0 lacks 0 t." in text


def test_a_reason_for_the_whole_plan_is_told_in_its_own_words(shop: Any) -> None:
    short = Reason(
        "fleet", "infeasible", "the clients that must be served demand 11 t, and all vans carry 9 t"
    )
    text = explain(shop(ROWS, ("c1", "c2"), causes=(short, full(1)))).text()
    assert "The clients that must be served demand 11 t, and all vans carry 9 t.\n" in text
    assert "reason of kind" not in text


def test_a_reason_that_begins_with_its_subject_does_not_name_it_twice(shop: Any) -> None:
    assert reason_sentence(full(1)) == "client c1 does not fit into van 1."
    lack = Reason("market Lyon", "unserved", "Lyon lacks 4 t")
    assert reason_sentence(lack) == "market Lyon lacks 4 t."
    assert reason_sentence(Reason("job j1", "late", "4 min late")) == "job j1: 4 min late."


def test_trust_is_told(shop: Any) -> None:
    outside = Extrapolation("travel_time", "leg a → b", "distance_km", "90 km")
    frozen = (FrozenInput("cost", "load_t", "state.load", "0.5 t", "half the capacity"),)
    text = explain(shop(ROWS, extrapolated=(outside, outside), frozen=frozen)).text()
    assert "travel_time in 2 places (distance_km)" in text
    assert "The price counts the true load of every step. The search took typical ones (for cost)" in text
    assert "by which the price would be 3.00 EUR lower." in text


def test_no_plan_and_interruption(shop: Any) -> None:
    none = explain(
        shop(None, about={"status": Status.INFEASIBLE, "message": "demand 9 t exceeds every van."})
    )
    assert none.text() == "There is no plan (no plan meets every rule): demand 9 t exceeds every van."
    late = explain(shop(None, about={"status": Status.NO_PLAN}))
    assert late.text() == "There is no plan (none was found in time)."
    assert "stopped by the user" in explain(shop(ROWS, about={"interrupted": True})).text()


def test_what_is_earned_is_a_negative_cost(shop: Any) -> None:
    rows = [("roasting", "", "", 350.0), ("sales", "", "", -650.0)]
    result = shop(rows, about={"status": Status.FEASIBLE, "bound": -310.0})
    assert (
        explain(result)
        .text()
        .startswith("The plan earns 300.00 EUR: sales 650.00 (217 %) and roasting −350.00")
    )
    assert bound_sentence(result).startswith("No plan can earn more than 310.00 EUR; ")
    today = shop([("sales", "", "", -240.0)])
    assert today_sentence(result, today) == (
        "That is 60.00 EUR (25 %) more than today's plan, which earns 240.00 EUR on the same laws."
    )
    assert "60.00 EUR (20 %) less than today's plan, which earns" in today_sentence(today, result)
    assert "500.00 EUR (250 %) better than today's plan, which costs 200.00 EUR" in today_sentence(
        result, shop([("sales", "", "", 200.0)])
    )
    proved = shop(rows, about={"status": Status.OPTIMAL})
    assert bound_sentence(proved) == "No better plan exists: this is proved."


def test_a_plan_does_less_that_breaks_a_rule_or_leaves_out_more(shop: Any) -> None:
    late = Violation("shift", "van 1", 5.0, "min", "van 1 is back 5 min late")
    whole, partial, broken = shop(ROWS), shop(ROWS[:1], ("c1",)), shop(ROWS, violations=(late,))
    assert does_less(partial, whole)
    assert does_less(broken, whole)
    assert not any(does_less(whole, other) for other in (whole, partial, broken))
