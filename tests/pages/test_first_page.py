"""The first page is for people who do not plan, and agrees with the plan."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kanopt import DecisionProblem
from kanopt.display import Grid
from kanopt.formulas import Variable, parse_formula
from kanopt.pages import write_report
from kanopt.pages.figure_rows import figure_rows, subject_of_explanation, subject_of_run, times_table
from kanopt.pages.plan_first import plan_said
from kanopt.pages.plan_page import plan_page
from kanopt.plans.explanation import explain
from kanopt.plans.result import evaluate
from kanopt.questions import Comparison, risk
from kanopt.scenarios.files.sections import ReportSpec
from kanopt.text import fixed_text, money_text, sure_text
from tests.cases.answers import variant_of
from tests.pages.conftest import FakeScenario, routing
from tests.pages.test_write import check_page
from tests.plans.test_plan_figures import shop

pytestmark = pytest.mark.usefixtures("no_drawing")


def first_of(subject: Any) -> Any:
    return plan_said(subject)


def test_what_is_saved_is_told_once_and_in_a_year(make_run: Any) -> None:
    run = make_run()
    subject = subject_of_run(run)
    rows = figure_rows(replace(subject, plans_per_year=250.0))
    saved = run.today.objective - run.result.objective
    assert saved > 0
    assert rows["saving"].plan.startswith(money_text(saved, "EUR"))
    assert rows["saving_year"].plan == money_text(250 * saved, "EUR")
    told = plan_said(replace(subject, plans_per_year=250.0)).answer
    assert f"That is {money_text(saved, 'EUR')}" in told[1]
    assert f"Carried out 250 times a year, that is {rows['saving_year'].short} saved in a year." in told[1]
    assert "saving_year" not in figure_rows(subject)
    assert "in a year" not in first_of(subject).answer[1]


def test_kilometres_hours_and_lateness_are_those_of_the_timetable(make_run: Any, routing: Any) -> None:
    problem = routing()
    names = [client.name for client in problem.clients]
    result = evaluate(problem, [names[:7], names[7:]])
    table = result.assessment.timetable()
    rows = figure_rows(subject_of_explanation(explain(result), "", None))
    ways = table.groupby("vehicle")
    hours = float((ways["end"].last() - ways["leave"].first()).sum()) / 60.0
    places = {point.name: np.array([point.x, point.y]) for point in (*problem.depots, *problem.clients)}
    stops = ["depot", *names[:7], "depot", "depot", *names[7:], "depot"]
    km = sum(float(np.hypot(*(places[a] - places[b]))) for a, b in itertools.pairwise(stops))
    assert rows["distance"].figure.value == pytest.approx(km)
    assert rows["hours"].figure.value == pytest.approx(hours)
    assert rows["lateness"].figure.value == pytest.approx(float(table["late"].sum()))
    assert rows["vehicles"].plan == "2 of 3"
    assert rows["cost"].plan == money_text(float(result.pricing.lines["amount"].sum()), "EUR")
    shown = {
        key.label: key.value for key in first_of(subject_of_explanation(explain(result), "", None)).figures
    }
    assert shown["Distance"] == rows["distance"].plan
    assert shown["Saves"] == "not known"


def test_a_schedule_tells_jobs_in_time_late_ones_and_machines(tmp_path: Path) -> None:
    problem = shop()
    rows = [("a", "m1", 0.0), ("b", "m1", 5.0), ("c", "m1", 8.0)]
    result = evaluate(problem, problem.plan_from([{"task": t, "machine": m, "start": s} for t, m, s in rows]))
    subject = subject_of_explanation(explain(result), "", None)
    page = first_of(subject)
    shown = {key.label: key.value for key in page.figures}
    assert shown["Finishes"] == "1 of 2 jobs in time"
    assert shown["Lateness"] == "4 min"
    assert shown["Use of machines"] == "45 %"
    assert shown["Energy"] == "6.5 kWh"
    plan = next(each for each in plan_page(subject).rest if each.title == "The plan")
    jobs, machines = [each for each in plan.parts if isinstance(each, Grid)][:2]
    assert jobs.rows[0] == ("j1", "0", "0", "8", "4", "4", "late")
    assert machines.rows[0][:2] == ("m1", "3")
    assert any("The machine used most is m1: 90 %" in each for each in page.lines)


def decided(now: float, today: float) -> str:
    """Return the first page of a plan of one decision, beside that of today."""
    law = parse_formula("x^2 - 10 * x", [Variable("x", "t")], Variable("cost", "EUR"))
    problem = DecisionProblem({"x": (-1, 8)}, law)
    plans = [evaluate(problem, {"x": each}) for each in (now, today)]
    subject = replace(subject_of_explanation(explain(plans[0]), "", plans[1]), plans_per_year=2.0)
    page = first_of(subject)
    return "\n".join([*page.answer, *page.sure])


def test_what_is_earned_is_compared_in_words_of_earning() -> None:
    told = decided(5.0, 2.0)
    assert "earns 25.00 EUR" in told
    assert "That is 9.00 EUR (56 %) more than today's plan, which earns 16.00 EUR" in told
    assert "that is 18.00 EUR more in a year" in told
    assert "that is 18.00 EUR less in a year" in decided(2.0, 5.0)


def test_a_plan_that_is_worse_than_today_says_that_a_better_one_exists() -> None:
    assert "A better plan exists: today's." in decided(2.0, 5.0)
    assert "Whether a better plan exists is not known" in decided(5.0, 2.0)


def test_what_the_file_says_is_made_up_stands_on_the_first_page(make_run: Any, tmp_path: Path) -> None:

    run, told = make_run(), "depots are made up: write your own into made_depots.csv"
    run = replace(run, scenario=replace(run.scenario, report=ReportSpec(assumed=(told,))))
    page = check_page(write_report(run, tmp_path / "page.html").read_text("utf-8"))
    assert f"What is assumed D{told[1:]}." in page.text
    assert f"Not from your data: {told}." in page.text
    assert "What to do" not in page.text
    assert "It costs" not in page.text
    assert "would cost" in page.text
    assert "probability the true price" not in page.text


def test_how_often_all_is_in_time_stands_on_the_first_page_and_leads_to_its_rows(
    routing: Any, tmp_path: Path
) -> None:
    problem = routing()
    names = [client.name for client in problem.clients]
    routes = [names[:6], names[6:]]
    tight = names[4]
    arrive = risk(evaluate(problem, routes)).frame.set_index("client")["planned"]
    clients = [
        replace(client, latest=float(arrive[tight]) + 0.5) if client.name == tight else client
        for client in problem.clients
    ]
    why = explain(evaluate(replace(problem, clients=clients), routes))
    subject = subject_of_explanation(why, "", None)
    page = first_of(subject)
    known = subject.punctuality
    assert known is not None
    assert known.worst[0] == tight
    assert page.sure[0] == known.text()
    assert times_table(known).rows[0][0] == tight
    assert {key.label: key.value for key in page.figures}["In time"] == f"{sure_text(known.share)} of days"
    text = why.to_html(tmp_path / "page.html").read_text("utf-8")
    shown = check_page(text).text  # every link leads somewhere
    for assumed in known.risk.assumptions:
        assert assumed in shown


def with_variants(run: Any, *others: tuple[str, Any, tuple[float, ...]], interrupted: bool = False) -> Any:
    """Return a run beside which others stand: each with its name, and what searches say of it."""
    variants = [
        variant_of(replace(other, scenario=FakeScenario(name, changes=(f"{name} is other",))), "gone", *said)
        for name, other, said in others
    ]
    return Comparison(run, tuple(variants), interrupted=interrupted)


@pytest.fixture
def varied(make_run: Callable[..., Any]) -> Any:
    """Return a run with a dearer, an equal, a smaller and a broken variant."""
    run, problem = make_run(), routing()
    names = [client.name for client in problem.clients]
    dear = replace(problem, vehicles=[replace(each, fixed_cost=44.0) for each in problem.vehicles])
    little = replace(problem, vehicles=[replace(each, capacity=0.5) for each in problem.vehicles])
    half = [names[:6], names[6:]]
    fewer = evaluate(problem, half[:1])
    return with_variants(
        run,
        ("dearer vans", make_run(problem=dear), (7.5, 8.0)),
        ("as before", make_run(problem=problem, result=run.result), (-1.0, 2.0)),
        ("half a day", make_run(problem=problem, result=fewer), (-40.0, -40.0)),
        ("small vans", make_run(problem=little, result=evaluate(little, half)), (0.0, 0.0)),
    )


def rows_of(comparison: Any) -> dict[str, dict[str, str]]:
    (table,) = comparison.said().tables
    return {str(row[0]): dict(zip(table.heads, map(str, row), strict=True)) for row in table.rows}


def test_each_row_has_the_price_its_difference_and_what_that_is(varied: Any) -> None:
    rows = rows_of(varied)
    assert list(rows) == [varied.base.scenario.name, "dearer vans", "as before", "half a day", "small vans"]
    base = varied.base.result.objective
    for variant in varied.variants:
        row, price = rows[variant.name], variant.run.result.objective
        assert row["price, EUR"] == fixed_text(price, 2)
        assert row["difference"] == fixed_text(price - base, 2, signed=True)
    told = {name: row["what that is"] for name, row in rows.items()}
    assert told["dearer vans"] == "dearer"
    assert told["as before"] == "no difference"
    assert told["half a day"] == "no saving"
    assert told["small vans"] == "not like with like"
    assert rows["dearer vans"]["difference"] == "+8.00"
    assert rows["half a day"]["served"] == "1.2 of 2.4 t"
