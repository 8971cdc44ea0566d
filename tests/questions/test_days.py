"""Days of orders: each planned, beside what was driven and a variant; what is wrong in the tables is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.questions.days import page_of
from kanopt.questions.days_tables import acceptance, fleet_of, read_days
from kanopt.questions.review import learned_again
from tests.cases.scenario_files import files_of

ORDERS = pd.DataFrame(
    {
        "date": ["2026-03-02"] * 4 + ["2026-03-03"] * 4 + ["2026-03-04"] * 3,
        "client": ["a", "b", "c", "d", "d", "c", "b", "a", "e", "f", "a"],
        "demand": [0.5, 0.5, 0.5, 0.5, 0.6, 0.6, 0.6, 0.6, 0.4, 0.4, None],
    }
)


@pytest.fixture
def base(tmp_path):
    rng = np.random.default_rng(3)
    places = {"x": rng.uniform(0, 20, 6).round(2), "y": rng.uniform(0, 20, 6).round(2)}
    clients = pd.DataFrame({"name": list("abcdef"), **places, "demand": 1.0, "service": 5})
    clients.to_csv(tmp_path / "clients.csv", index=False)
    pd.DataFrame({"name": ["depot"], "x": [10.0], "y": [10.0]}).to_csv(tmp_path / "depots.csv", index=False)
    fleet = {"name": ["van"], "num_available": [3], "capacity": [1.3], "fixed_cost": [40.0], "wage": [24.0]}
    pd.DataFrame({**fleet, "shift_start": [7], "shift_end": [17]}).to_csv(
        tmp_path / "vehicles.csv", index=False
    )
    (tmp_path / "shops.toml").write_text(files_of("shops")["shops.toml"], encoding="utf-8")
    return ko.load_scenario(tmp_path / "shops.toml")


def driven(days, routes=(("a", "b"), ("c", "d"))):
    return pd.DataFrame(
        [
            {"date": day, "vehicle": f"van {van}", "client": client, "departure": 480.0, "stop": stop}
            for day in days
            for van, stops in enumerate(routes, 1)
            for stop, client in enumerate(stops, 1)
        ]
    )


def test_each_day_costs_what_its_plan_alone_does_and_orders_say_the_demand(base):
    found = ko.plan_days(base, ORDERS)
    assert found.frame["day"].tolist() == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert (found.frame["unserved"] == 0).all()
    for day in found.frame["day"]:
        run = found.run(day)
        again = ko.solve(run.problem, time_limit=0.2, deterministic=True, seed=base.seed)
        row = found.frame.set_index("day").loc[day]
        assert row["cost"] == pytest.approx(run.result.objective)
        assert row["cost"] <= again.objective + 1e-6
    first = found.run("2026-03-02").problem.data.clients
    assert [(one.name, one.demand) for one in first] == [(name, 0.5) for name in "abcd"]
    assert {one.name: one.demand for one in found.run("2026-03-04").problem.data.clients}["a"] == 1.0
    assert found.means["planned", "cost"].mean == pytest.approx(found.frame["cost"].mean())


def test_what_was_driven_is_priced_on_the_same_laws_and_only_days_served_alike_are_compared(base):
    history = driven(["2026-03-02", "2026-03-03"])
    history = history[(history["date"] == "2026-03-02") | (history["client"] != "d")]
    found = ko.plan_days(base, ORDERS, history=history)
    rows = found.rows_of("driven")
    plan = {"van 1": ["a", "b"], "van 2": ["c", "d"]}
    assert rows.loc["2026-03-02", "cost"] >= found.rows_of("planned").loc["2026-03-02", "cost"] - 1e-9
    priced = ko.evaluate(found.run("2026-03-02").problem, plan)
    assert rows.loc["2026-03-02", "cost"] == pytest.approx(priced.objective)
    assert rows.loc["2026-03-03", "unserved"] == 1
    assert found.means["driven − planned", "cost"].days == 1
    assert any("not served (driven): 2026-03-03" in text for text in found.cautions())
    assert any("2026-03-04" in note and "nothing is known" in note for note in found.notes)
    beyond = driven(["2026-03-02"], routes=(("a", "b", "e"), ("c", "d")))
    found = ko.plan_days(base, ORDERS.head(4), history=beyond)
    assert any("stops that nobody ordered" in text and "2026-03-02" in text for text in found.cautions())


def test_what_nothing_can_be_made_of_is_counted_and_loses_no_day(base):
    more = pd.DataFrame(
        {"date": [None, "2026-03-02", "2026-03-03", "2026-03-04"], "client": ["a", "zoe", "g", "b"]}
    ).assign(x=[np.nan, np.nan, 3.0, np.nan], y=[np.nan, np.nan, 4.0, np.nan], demand=[1.0, 0.2, 0.2, -9.0])
    found = ko.plan_days(base, pd.concat([ORDERS, more]), history=driven(["2026-02-27"]))
    notes = "\n".join(found.notes)
    assert "1 row of orders without a date" in notes
    assert "zoe" in notes
    assert "2026-02-27" in notes
    frame = found.rows_of("planned")
    assert frame["unserved"].to_dict() == {"2026-03-02": 1, "2026-03-03": 0}  # g brought a place along
    assert frame["orders"].to_dict() == {"2026-03-02": 5, "2026-03-03": 5}
    assert any("2026-03-04" in text and "without a plan" in text for text in found.cautions())


def test_orders_of_a_client_on_one_day_add_up(base):
    twice = pd.concat([ORDERS.head(4), ORDERS.head(1)])
    problem = ko.plan_days(base, twice).run("2026-03-02").problem
    assert {one.name: one.demand for one in problem.data.clients}["a"] == 1.0


@pytest.mark.parametrize(
    ("orders", "told"),
    [
        (ORDERS.rename(columns={"date": "Datum"}), "no column 'date'"),
        (ORDERS.drop(columns="client"), "no column 'client'"),
        (ORDERS.assign(date=None), "no row has a date"),
        ("ordrs", "no table 'ordrs'"),
    ],
)
def test_tables_that_are_none_are_refused(base, orders, told):
    with pytest.raises(ko.errors.ScenarioError, match=told):
        ko.plan_days(base, orders)


def test_a_book_that_was_stopped_goes_on_and_loses_nothing(base, tmp_path):
    options = ko.SweepOptions(out=tmp_path / "book")
    whole = ko.plan_days(base, ORDERS, options=options)
    log = tmp_path / "book" / "points.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2]) + lines[2][:40])  # killed while it wrote
    again = ko.plan_days(base, ORDERS, options=options)
    assert again.frame.equals(whole.frame)
    with pytest.raises(ko.errors.ScenarioError, match="differs in"):
        ko.plan_days(base, ORDERS.head(8), options=options)


def test_two_workers_find_what_one_does(base):
    one, two = (ko.plan_days(base, ORDERS, options=ko.SweepOptions(workers=n)) for n in (1, 2))
    assert one.frame.equals(two.frame)


def test_a_variant_is_judged_day_by_day(base):
    same = ko.plan_days(base, ORDERS, variant=base.set("vehicles.num_available", 4))
    assert same.acceptance.word == "undecided"
    assert (same.frame.groupby("day")["cost"].nunique() == 1).all()
    fewer = ko.plan_days(base, ORDERS, variant=base.set("vehicles.num_available", 1))
    assert fewer.acceptance.word == "reject"
    assert "leaves out more" in fewer.acceptance.text("EUR", 100.0)


def test_the_verdict_is_surely_right_and_never_hasty():
    rng = np.random.default_rng(1)
    nothing = [acceptance(rng.normal(0.0, 8.0, 250), 400.0).word for _ in range(200)]
    rare = 20.0 * (rng.random((200, 250)) < 0.15) - 3.0  # it saves on most days, and costs much on few
    better = [acceptance(rng.normal(-8.0, 8.0, 40), 400.0).word for _ in range(100)]
    assert nothing.count("accept") <= 10
    assert [acceptance(each, 400.0).word for each in rare].count("accept") <= 15
    assert better.count("accept") >= 90
    assert acceptance(np.array([-5.0, -3.0, -6.0]), 400.0).more in range(1, 60)
    assert acceptance(np.zeros(30), 400.0).word == "undecided"


def test_the_fleet_is_the_cheapest_of_all_counts():
    rng = np.random.default_rng(2)
    used = pd.DataFrame({"van": rng.integers(2, 9, 60)})
    found = fleet_of(used, {"van": 45.0}, {"van": 110.0})
    costs = [45.0 * n + 110.0 * np.maximum(used["van"] - n, 0).mean() for n in range(9)]
    assert found["cost"].tolist() == pytest.approx(costs)
    assert found.loc[found["best"], "owned"].item() == int(np.argmin(costs))


def test_no_plan_needs_no_vehicle_and_days_that_turn_round_decide_nothing():
    assert fleet_of(pd.DataFrame({"van": [0.0]}).head(0), {"van": 45.0}, {"van": 110.0}).empty
    rng = np.random.default_rng(0)
    cheap, dear = rng.normal(-40.0, 5.0, 15), np.full(6, 300.0)
    assert acceptance(cheap, 500.0).word == "accept"
    assert acceptance(np.concatenate([cheap, dear]), 500.0).word == "undecided"


def test_days_and_clients_are_told_apart_however_they_are_called(base, tmp_path):
    pages = [page_of(day) for day in ("Montag/1", "Montag 1", "Вторник", "Среда")]
    assert len(set(pages)) == 4
    numbered = base.tables["clients"].assign(name=range(1, 7))
    numbered.to_csv(tmp_path / "clients.csv", index=False)
    base = ko.load_scenario(tmp_path / "shops.toml")
    orders = pd.DataFrame({"date": ["2.3.2026", "2.3.2026", "12.3.2026"], "client": [1, None, 2]})
    days, notes = read_days(base, orders, None)
    assert [(day.name, day.names) for day in days] == [("2.3.2026", ("1",)), ("12.3.2026", ("2",))]
    assert len(notes) == 1
    pd.concat([numbered, numbered.head(1)]).to_csv(tmp_path / "clients.csv", index=False)
    with pytest.raises(ko.errors.ScenarioError, match="several rows of table 'clients' are called '1'"):
        read_days(ko.load_scenario(tmp_path / "shops.toml"), orders, None)


def test_its_page_has_a_page_of_each_day_behind_it(base, tmp_path):
    found = ko.plan_days(base, ORDERS.head(8), history=driven(["2026-03-02", "2026-03-03"]), hire=70.0)
    page = found.to_html(tmp_path / "days.html", pages=True).read_text(encoding="utf-8")
    assert 'href="days/2026-03-02.html"' in page
    assert (tmp_path / "days" / "2026-03-03.html").exists()
    assert "hire on" in page


def test_driven_legs_are_learned_from_and_hold_nothing_out(base):
    month = ko.load_scenario(Path(__file__).parents[2] / "scenarios" / "parcel_month.toml")
    legs = {"distance_km": [2.0, 5.0, 3.0], "hour": [8.5, 9.0, 8.0], "minutes": [6.0, 14.0, 8.0]}
    again = learned_again(month, pd.DataFrame({**legs, "date": ["2026-03-16"] * 2 + ["2026-03-17"]}))
    again.check()
    old, new = month.tables["trips"], again.tables["trips"]
    assert new["minutes"].tolist() == [*old["minutes"], 6.0, 14.0, 8.0]
    added = new.tail(3)
    assert added["day"].nunique() == 2
    assert not set(added["day"]) & set(old["day"])
    assert added["week"].max() < old["week"].max() - 3
    with pytest.raises(ko.errors.ScenarioError, match="no law that is learned"):
        learned_again(base, pd.DataFrame({"km": [1.0], "minutes": [2.0], "date": ["2026-03-16"]}))
