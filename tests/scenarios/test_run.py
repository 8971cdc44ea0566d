"""From which rows a law is learned, and what a run is of them, of today's plan and of a promise."""

from __future__ import annotations

from html import unescape

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import FormulaError, KanoptWarning, ScenarioError
from kanopt.scenarios import load_scenario
from kanopt.scenarios.events import Event
from kanopt.scenarios.files.laws import split_rows, unseen_rows, with_groups
from kanopt.scenarios.files.sections import HoldoutSpec, LearnedSpec
from kanopt.scenarios.learn import fit_law


def trips(rows: int = 80) -> pd.DataFrame:
    """Return trips of two ordinary regions, and of six islands with one each."""
    rng = np.random.default_rng(1)
    km = rng.uniform(1.0, 9.0, rows)
    region = np.where(rng.random(rows) < 0.5, "north", "south").astype(object)
    region[3:81:13] = [f"island {k}" for k in range(len(region[3:81:13]))]
    return pd.DataFrame(
        {
            "km": km,
            "region": region,
            "week": 1 + np.arange(rows) // 10,
            "minutes": 4 + 2 * km + (region == "north"),
        }
    )


def spec(**given: object) -> LearnedSpec:
    return LearnedSpec(table="trips", target="minutes", features=("km", "region"), **given)


@pytest.mark.parametrize("seed", range(5))
def test_no_category_is_held_out_alone(seed: int) -> None:
    train, test = split_rows(spec(), trips(), seed)
    assert not unseen_rows(spec(), train, test).any()
    assert set(test["region"]) <= set(train["region"])
    assert set(split_rows(spec(), trips(), seed)[1].index) == set(test.index)


def test_of_weeks_held_out_whole_rows_of_unseen_categories_judge_nothing_and_are_counted() -> None:
    weeks = spec(holdout=HoldoutSpec(by="week", last=2))
    train, test = split_rows(weeks, trips(), 0)
    unseen = unseen_rows(weeks, train, test)
    assert test["region"][unseen].tolist() == ["island 5"]
    law = fit_law("minutes", weeks, trips(), seed=2)
    assert "1 held-out row of unseen categories not judged" in law.note
    assert law.formula.fit.rows_test == 19


def days(seed: int, effect: float = 0.3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"km": rng.uniform(1.0, 30.0, 500), "day": rng.integers(0, 30, 500)})
    shared = rng.normal(0.0, effect, 30)[frame["day"]]
    frame["minutes"] = (4.0 + 1.7 * frame["km"]) * np.exp(shared + rng.normal(0.0, 0.1, 500))
    return frame.assign(week=frame["day"] // 7)


def test_a_column_whose_rows_share_errors_becomes_groups_and_the_hold_out_by_itself() -> None:
    asked = LearnedSpec(table="trips", target="minutes", features=("km",), network={"hidden": []})
    found, _ = with_groups(asked, days(1), 0)
    assert found.groups == "day"
    train, test = split_rows(found, days(1), 0)
    assert not set(train["day"]) & set(test["day"])
    law = fit_law("minutes", asked, days(1), seed=0)
    assert "groups = 'day' since rows of one day share" in law.note
    assert law.formula.fit.errors.shape.by == "day"
    assert with_groups(asked, days(2, effect=0.0), 0) == (asked, ())
    declared = asked.model_copy(update={"groups": "week"})
    assert with_groups(declared, days(1), 0) == (declared, ())


def test_a_run_prices_its_plan_and_todays_on_the_same_laws(tiny):
    events: list[Event] = []
    run = load_scenario(tiny).run(progress=events.append)
    assert run.result.check.ok
    assert run.result.objective is not None
    assert run.today is not None
    assert run.today.objective is not None
    assert run.result.objective <= run.today.objective
    assert run.explanation.terms()["amount"].sum() == pytest.approx(run.result.objective)
    assert run.laws["minutes"].note == "written by hand: 2 * km"
    assert set(run.tables) == {"depots", "clients", "vehicles", "routes"}
    assert {event.stage for event in events} == {"solve"}
    assert "costs" in str(run)


def test_a_law_that_does_not_predict_is_refused_at_its_line(learned):
    frame = pd.read_csv(learned.parent / "trips.csv")
    frame["minutes"] = np.random.default_rng(1).permutation(frame["minutes"])
    frame.to_csv(learned.parent / "trips.csv", index=False)
    with pytest.raises(FormulaError, match=r"tiny\.toml:\d+: surrogates\.minutes: .*refused") as caught:
        load_scenario(learned).run()
    line = int(str(caught.value).split("tiny.toml:")[1].split(":")[0])
    assert learned.read_text().splitlines()[line - 1] == "[surrogates.minutes]"


def test_a_low_law_can_be_marked_instead_and_so_is_what_is_built_on_it(learned):
    frame = pd.read_csv(learned.parent / "trips.csv")
    frame["minutes"] = frame["minutes"] * np.random.default_rng(1).uniform(0.3, 2.0, len(frame))
    frame.to_csv(learned.parent / "trips.csv", index=False)
    text = learned.read_text().replace(
        'features = ["km"]', 'features = ["km"]\nmin_r2 = 0.99\non_low = "mark"'
    )
    text = text.replace(
        'formula = "0.1 * km * (1 + 0.2 * load)"', 'formula = "0.05 * minutes * (1 + 0.2 * load)"'
    )
    learned.write_text(text.replace('inputs = { km = "km", load = "t" }', 'inputs = { load = "t" }'))
    run = load_scenario(learned).run()
    assert not run.laws["minutes"].trusted
    assert "is below the 0.99 asked for" in run.laws["minutes"].note
    assert not run.laws["litres"].trusted
    assert "built on 'minutes', which is not trusted" in run.laws["litres"].note


def test_todays_plan_is_left_out_where_changes_took_away_what_it_names(tiny):
    with pytest.warns(
        KanoptWarning, match="today's plan cannot be carried out in 'no west': .*unknown client 'west'"
    ):
        run = load_scenario(tiny).remove("clients", where={"name": "west"}).named("no west").run()
    assert run.today is None
    assert run.result.check.ok


def test_python_changes_make_new_scenarios_named_after_them(tiny):
    base = load_scenario(tiny)
    both = base.scale("vehicles.fuel_price", 1.15).add(
        "clients",
        row={"name": "new", "x": 1, "y": 1, "demand": 0.1, "ready_h": 8, "due_h": 17, "service_duration": 5},
    )
    assert base.changes == ()
    assert both.name.startswith("vehicles.fuel_price × 1.15, clients: row added with name = new")
    assert both.named("x").name == "x"
    assert both.changed["clients"]["name"].tolist()[-1] == "new"
    both.check()
    assert repr(both).count("change:") == 2
    with pytest.raises(
        ScenarioError, match=r"tiny\.toml: vehicles\.fuel_prise × 2: .*did you mean 'fuel_price'"
    ):
        base.scale("vehicles.fuel_prise", 2)
    with pytest.raises(ScenarioError, match="no row of 'vehicles' has name = bike"):
        base.remove("vehicles", where={"name": "bike"})


@pytest.mark.slow
def test_a_run_plans_for_a_promise(learned, tmp_path):
    run = load_scenario(learned).set("solver.days_in_time", 0.9).run(time_limit=2.0)
    known = run.result.days_in_time
    assert known is not None
    assert known.reached
    assert known.target >= 0.9  # as often as today at least
    assert run.result.check.ok
    assert known.share >= 0.87
    assert known.text() in run.told()
    page = unescape(run.to_html(tmp_path / "page.html").read_text("utf-8")).replace("\u00a0", " ")
    assert known.text() in page
