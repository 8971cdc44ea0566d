"""A driven day beside its plan: parts that add up, causes that are known by construction, and tables as they come."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import refs, routing
from kanopt.questions.review import LEVEL, drift

NOISE = 0.08
PARTS = ["order and vehicles", "departure", "loads", "detours", "the day", "the law", "chance"]


def law():
    rng = np.random.default_rng(0)
    log = pd.DataFrame({"km": 0.5 + rng.gamma(2.0, 5.0, 900)})
    log["minutes"] = 1.7 * log["km"] * (1.0 + NOISE * rng.standard_normal(900))
    start = ko.parse_formula(
        "c1 * km", [ko.Variable("km", "km")], ko.Variable("minutes", "min"), constants={"c1": 1.7}, per="leg"
    )
    return start.refit(log[:600], test=log[600:])


@pytest.fixture(scope="module")
def plan():
    rng = np.random.default_rng(4)
    places = rng.uniform(0.0, 20.0, (40, 2))
    problem = ko.RoutingProblem(
        [routing.Depot("depot", 10.0, 10.0)],
        [routing.Client(f"c{k}", x, y, demand=0.5, service_duration=5.0) for k, (x, y) in enumerate(places)],
        [
            routing.VehicleType(
                "van", 4, capacity=6.0, fixed_cost=50.0, unit_duration_cost=0.4, shift_start=480.0
            )
        ],
        {"wear": ko.parse_formula("0.3 * km", ["km"], ko.Variable("wear", "EUR")).bind(km=refs.arc.distance)},
        law().bind(km=refs.arc.distance),
    )
    order = np.argsort(np.arctan2(places[:, 1] - 10.0, places[:, 0] - 10.0))
    routes = [[f"c{k}" for k in part] for part in np.array_split(order, 4)]
    return ko.evaluate(problem, problem.plan_from(routes))


def driven(plan, *, day=0.0, slow=0.0, noise=0.0, late=0.0, seed=0):
    """Drive a plan by code that shares nothing with the referee."""
    rng, data, rows = np.random.default_rng(seed), plan.problem.data, []
    rate = float(plan.problem.duration.formula.evaluate({"km": 1.0}))
    settled = plan.assessment.settled().plan
    for route in settled.routes:
        leaves = clock = route.departure + late
        own = []
        for tail, head in pairwise([route.depot, *route.clients, route.depot]):
            ends = data.index[tail], data.index[head]
            factor = 1.0 + day + slow * (plan.problem.positions.on_map[list(ends)].mean(axis=0) > 12.0).all()
            clock += rate * float(data.distance[ends]) * factor * (1.0 + noise * rng.standard_normal())
            if head != route.depot:
                own.append({"vehicle": route.label, "client": head, "arrival": clock, "end": clock + 5.0})
                clock += 5.0
        rows += [{**row, "departure": leaves, "back": clock} for row in own]
    return pd.DataFrame(rows)


def adds_up(found):
    for frame in (found.day.money, found.day.minutes, found.day.vehicles):
        gap = frame[["planned", *PARTS]].sum(axis=1) - frame["driven"]
        assert gap.abs().max() < 1e-9


def test_a_day_as_planned_has_no_parts(plan):
    found = ko.review(plan, driven(plan))
    # what was not followed is known exactly; the day, the law and chance are told apart by draws
    assert found.parts.loc[PARTS[:4], ["money", "minutes"]].abs().to_numpy().max() < 1e-6
    assert found.parts.loc[PARTS[4:], ["money", "minutes"]].abs().to_numpy().max() < 0.5
    assert not found.notes
    adds_up(found)


@pytest.mark.parametrize("seed", range(6))
def test_parts_of_disordered_days_add_up(plan, seed):
    rng = np.random.default_rng(seed)
    table = driven(plan, day=0.1, noise=NOISE, late=3.0, seed=seed)
    kept = rng.random(len(table)) > 0.15
    table.loc[rng.random(len(table)) < 0.1, "arrival"] = np.nan
    table.loc[rng.random(len(table)) < 0.1, "end"] = np.nan
    stranger = pd.DataFrame(
        {"vehicle": "van 2", "client": "petrol station", "arrival": [600.0], "end": [612.0]}
    )
    found = ko.review(plan, pd.concat([table[kept], stranger]))
    adds_up(found)
    assert any("petrol station" in note for note in found.notes)


FOREIGN = {"client": "petrol station", "arrival": 520.0, "end": 530.0}
HOME = {"client": "depot", "arrival": 545.0, "end": 549.0}


@pytest.mark.parametrize(
    ("rows", "minutes"),
    [
        ([FOREIGN, HOME], 13.0),  # back at 545, where 512 + 20 = 532 was planned
        ([{**FOREIGN, "back": 545.0}], 13.0),
        ([FOREIGN], 18.0),  # nobody wrote down when: 530 and the 20 minutes from b, which makes 550
        ([HOME, {**FOREIGN, "arrival": 560.0, "end": 570.0}], 0.0),  # after the return: 13 minutes are chance
    ],
)
def test_a_foreign_stop_at_the_end_of_a_day_keeps_the_way_back(rows, minutes):
    way = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 12.0], [20.0, 12.0, 0.0]])
    problem = ko.RoutingProblem(
        [routing.Depot("depot")],
        [routing.Client(name, service_duration=5.0) for name in "ab"],
        [routing.VehicleType("van", unit_duration_cost=0.5, shift_start=480.0)],
        {},
        way,
        way,
    )
    first = {"client": "a", "departure": 480.0, "arrival": 490.0, "end": 495.0}
    table = pd.DataFrame([first, {"client": "b", "arrival": 507.0, "end": 512.0}, *rows]).assign(
        vehicle="van"
    )
    found = ko.review(ko.evaluate(problem, problem.plan_from({"van": ["a", "b"]})), table)
    adds_up(found)
    out = 70.0 if rows == [FOREIGN] else 65.0
    parts = found.day.money.sum()
    assert parts["planned"] == pytest.approx(26.0)
    assert parts["driven"] == pytest.approx(0.5 * out)
    assert parts["detours"] == pytest.approx(0.5 * minutes)
    assert parts["detours"] + parts["chance"] == pytest.approx(0.5 * (out - 52.0))


def test_another_order_and_another_vehicle_are_told_as_that(plan):
    table = driven(plan)
    table["vehicle"] = table["vehicle"].replace({"van 1": "van 2", "van 2": "van 1"})
    found = ko.review(plan, table)
    adds_up(found)
    assert found.parts.loc[["departure", "loads", "detours"], "money"].abs().max() < 1e-6


def test_the_day_and_a_slow_region_are_told_apart(plan):
    found = ko.review(plan, driven(plan, day=0.12, slow=0.4, noise=NOISE, seed=2))
    mean, error = found.effect
    assert abs(mean - 0.12) < 3.0 * error + 0.01
    assert "place" in set(found.day.wrong["group"])
    parts = found.parts.loc["the law"]
    assert parts["minutes low"] < parts["minutes"] < parts["minutes high"]
    assert parts["minutes"] > 0.0
    quiet = ko.review(plan, driven(plan, day=0.12, noise=NOISE, seed=3))
    assert quiet.day.wrong.empty


def test_legs_of_the_day_are_rows_to_learn_from(plan):
    found = ko.review(plan, driven(plan, day=0.2))
    rows = found.rows()
    assert np.allclose(rows["minutes"] / rows["km"], 1.2 * 1.7, rtol=0.02)
    enlarged = found.enlarged(pd.DataFrame({"km": [1.0], "minutes": [1.7], "note": ["old"]}))
    assert len(enlarged) == len(rows) + 1
    with pytest.raises(ko.errors.TableError, match="no column 'minutes'"):
        found.enlarged(pd.DataFrame({"km": [1.0]}))


def test_a_review_is_a_page_and_a_workbook(plan, tmp_path):
    found = ko.review(plan, driven(plan, day=0.12, noise=NOISE), assumed=["The plan was searched for again."])
    assert "the day" in str(found)
    assert all(caution in str(found) for caution in found.cautions())
    assert found.cautions()[0] == "The plan was searched for again."
    assert found.to_xlsx(tmp_path / "review.xlsx").exists()


BAD = {
    "no rows": (lambda table: table.iloc[:0], "driven"),
    "an unknown vehicle": (lambda table: table.assign(vehicle="lorry 1"), "unknown vehicle 'lorry 1'"),
    "a vehicle too many": (lambda table: table.assign(vehicle="van 9"), "unknown vehicle 'van 9'"),
    "a vehicle number that is none": (
        lambda table: table.assign(vehicle="van", index=0.5),
        "unknown vehicle 'van'",
    ),
    "clients of another plan": (lambda table: table.assign(client="x"), "table of another day"),
    "a missing column": (lambda table: table.drop(columns="client"), "client"),
    "times that are none": (lambda table: table.assign(arrival="soon"), "arrival"),
    "times of another day": (lambda table: table.assign(arrival=99_999.0, end=99_999.0), "another day"),
}


@pytest.mark.parametrize("case", BAD)
def test_tables_that_cannot_be_read_are_refused_in_words(plan, case):
    change, said = BAD[case]
    with pytest.raises(ko.errors.ProblemError, match=said):
        ko.review(plan, change(driven(plan)))


def test_times_that_run_backwards_are_named_and_unknown(plan):
    table = driven(plan)
    table.loc[4, "end"] = table.loc[4, "arrival"] - 30.0
    found = ko.review(plan, table)
    assert any("backwards" in note for note in found.notes)
    adds_up(found)


def test_a_night_lies_between_two_times(plan):
    table = driven(plan, late=1_000.0)
    clocks = ["arrival", "end", "back"]
    table[clocks] = table[clocks].where(table[clocks] < 1_440.0, table[clocks] - 1_440.0)
    found = ko.review(plan, table)
    assert np.allclose(found.day.stops["driven"] - found.day.stops["planned"], 1_000.0)


@pytest.mark.parametrize("spread", [0.0, 0.1, None])
def test_a_law_that_is_as_it_was_seldom_drifts(spread):
    rng = np.random.default_rng(1)
    runs = 60
    noise = 0.01 + (spread or 0.1) * 0.1
    days = [rng.normal(0.0, np.hypot(noise, spread if spread is not None else 0.1), 60) for _ in range(runs)]
    alarms = sum(
        drift(pd.DataFrame({"effect": day, "error": noise}), day_spread=spread).found for day in days
    )
    assert alarms <= 3 * LEVEL * runs


@pytest.mark.parametrize(("spread", "change", "within"), [(0.0, 0.05, 5), (0.1, 0.1, 30)])
def test_a_change_is_found_and_dated(spread, change, within):
    rng = np.random.default_rng(2)
    effect = rng.normal(0.0, np.hypot(0.01, spread), 20 + within)
    effect[20:] += change
    found = drift(pd.DataFrame({"effect": effect, "error": 0.01}), day_spread=spread)
    assert found.found
    assert abs(found.since - 20) <= 8
    assert found.low < change < found.high
