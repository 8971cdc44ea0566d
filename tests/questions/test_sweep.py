"""Sweeps: the same prices as scenario by scenario, on disk and after a stop, and what is told of points that fail."""

import json
import subprocess
import sys
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import FileFormatError, KanoptError, ScenarioError
from kanopt.plans.result import evaluate
from kanopt.questions import SweepOptions, compare, factors, grid, store, sweep
from kanopt.scenarios import load_scenario
from tests.cases.scenario_files import written

asking = import_module("kanopt.questions.ask")
FUEL = {"vehicles.fuel_price": grid(1.0, 2.0, 5)}
QUICK = SweepOptions(time_limit=1.0)


def one_by_one(scenario, axes, points, plan):
    """Price a plan under the data of each point, by scenarios made by hand."""
    found = []
    for values in points:
        changed = scenario
        for (path, axis), value in zip(axes.items(), values, strict=True):
            table, _, column = path.partition(".")
            change = getattr(changed, "scale" if getattr(axis, "action", "set") == "scale" else "set")
            changed = change(f"{table}.{column}", value)
        found.append(evaluate(changed.build(changed.formulas({})), plan))
    return found


AT_ONCE = [FUEL, {**FUEL, "vehicles.fixed_cost": factors(0.5, 2.0, 3)}]
ONE_BY_ONE = [
    {"clients.demand_t": factors(0.8, 1.2, 3)},
    {"vehicles.capacity": factors(0.8, 1.2, 3)},
    {"surrogates.litres": factors(0.8, 1.2, 3)},
]
REFUSED = [
    {"vehicles.fuel_price": [1.6, True]},
    {"vehicles.fuel_price": [1.6, 1e300]},
    {"vehicles.fixed_cost": [1.6, -5.0]},
    {"vehicles.fuel_price": [1.5, 2.0], "vehicles[fuel_price=1.5].fixed_cost": [5.0, 7.0]},
    {"vehicles.fixed_cost": [20.0, 2.0], "vehicles[fixed_cost=20].fuel_price": [5.0, 7.0]},
]


@pytest.fixture
def priced_at_once(monkeypatch):
    """Return a list of whether kept plans were priced at all points at once."""
    told, price = [], asking.price_at_once

    def priced(*given):
        found = price(*given)
        told.append(found is not None)
        return found

    monkeypatch.setattr(asking, "price_at_once", priced)
    return told


@pytest.mark.parametrize("axes", [*AT_ONCE, *ONE_BY_ONE])
def test_a_kept_plan_is_priced_as_one_by_one(shared_tiny, axes, priced_at_once):
    scenario = load_scenario(shared_tiny)
    found = sweep(scenario, axes, plan="today")
    assert priced_at_once == [axes in AT_ONCE]
    expected = one_by_one(scenario, axes, found.design_points, found.base.plan)
    for point, other in zip(found.results, expected, strict=True):
        assert point.objective == pytest.approx(other.objective, rel=1e-12)
        assert dict(point.terms) == pytest.approx(other.pricing.terms().to_dict(), rel=1e-12)
        assert (point.status, point.violations) == (other.status, other.rank.violations)
    totals = found.terms.groupby("point")["amount"].sum()
    assert totals.tolist() == pytest.approx(found.points["objective"].tolist())
    holds = (found.points["kept_status"] == "feasible").tolist()
    assert found.points["replanning_effect"].tolist() == pytest.approx(
        [0 if each else np.nan for each in holds], nan_ok=True
    )


@pytest.mark.parametrize("axes", REFUSED)
def test_what_one_point_refuses_is_refused_among_many(shared_tiny, axes, priced_at_once, monkeypatch):
    scenario = load_scenario(shared_tiny)
    found = sweep(scenario, axes, plan="today")
    assert priced_at_once == [False]
    monkeypatch.setattr(asking, "price_at_once", lambda *given: None)
    alone = sweep(scenario, axes, plan="today")
    pd.testing.assert_frame_equal(found.points.drop(columns="seconds"), alone.points.drop(columns="seconds"))


@pytest.mark.slow
def test_points_planned_anew_are_as_good_as_runs(shared_tiny):
    scenario = load_scenario(shared_tiny)
    axes = {"vehicles.fixed_cost": factors(0.2, 4.0, 3), "vehicles[name=van].num_available": [1, 2]}
    found = sweep(scenario, axes, options=QUICK)
    assert [point.point for point in found.results] == list(range(6))
    for point, (factor, count) in zip(found.results, found.design_points, strict=True):
        alone = scenario.scale("vehicles.fixed_cost", factor).set(
            "vehicles.num_available", count, where={"name": "van"}
        )
        assert point.objective == pytest.approx(alone.run(time_limit=1).result.objective, rel=1e-9)
    frame = found.points
    both = frame["data_effect"] + frame["replanning_effect"]
    # a plan of two vans is none where there is one
    carried_out = frame["kept_status"] == "feasible"
    assert np.allclose(both, frame["change"].where(carried_out), equal_nan=True)
    assert carried_out.tolist() == [False, True] * 3
    assert (frame["replanning_effect"][carried_out] <= 1e-9).all()


@pytest.mark.slow
def test_a_sweep_goes_on_where_it_stopped(shared_tiny, tmp_path, monkeypatch):
    scenario, folder = load_scenario(shared_tiny), tmp_path / "sweep"
    axes = {"vehicles.capacity": factors(0.9, 1.2, 4)}
    options = SweepOptions(time_limit=1.0, out=folder)
    whole = sweep(scenario, axes, options=QUICK)
    done = []

    def stopped(question, task):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(task.point)
        return work(question, task)

    work = asking.do_task
    monkeypatch.setattr(asking, "do_task", stopped)
    part = sweep(scenario, axes, options=options)
    assert part.interrupted
    assert len(part.results) == 2
    assert "stopped it after 2 of 4 points" in part.text()
    monkeypatch.setattr(
        asking, "do_task", lambda question, task: done.append(task.point) or work(question, task)
    )
    rest = sweep(scenario, axes, options=options)
    assert not rest.interrupted
    assert len(set(done)) == 4
    assert rest.points["objective"].tolist() == pytest.approx(whole.points["objective"].tolist())
    again = sweep(scenario, axes, options=options)
    assert again.points["objective"].tolist() == rest.points["objective"].tolist()


def test_a_folder_holds_one_sweep(shared_tiny, tmp_path):
    scenario, folder = load_scenario(shared_tiny), tmp_path / "sweep"
    sweep(scenario, FUEL, plan="today", options=SweepOptions(out=folder))
    with pytest.raises(ScenarioError, match="holds another sweep: it differs in axes, points"):
        sweep(scenario, {"vehicles.fuel_price": [1.0]}, plan="today", options=SweepOptions(out=folder))
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("x")
    with pytest.raises(ScenarioError, match="holds other files"):
        sweep(scenario, FUEL, plan="today", options=SweepOptions(out=other))
    assert [path.name for path in other.iterdir()] == ["mine.txt"]
    with pytest.raises(ScenarioError, match="is a file, not a folder"):
        sweep(scenario, FUEL, plan="today", options=SweepOptions(out=other / "mine.txt"))
    log = folder / "points.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole[:-100])  # cut off by a kill
    sweep(scenario, FUEL, plan="today", options=SweepOptions(out=folder))
    assert len(log.read_bytes().splitlines()) == len(whole.splitlines())
    log.write_bytes(whole[100:])
    with pytest.raises(
        FileFormatError, match=r"points\.jsonl:1: no question of a sweep .*take another folder"
    ):
        sweep(scenario, FUEL, plan="today", options=SweepOptions(out=folder))


QUESTION = {"points": [[1.0]], "repeats": 1}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b'{"my": "own data, no newline at the end"}', "holds other files"),
        (b'{"my": "own data"}\n{"more": 1', "it differs in points, repeats, my"),
        (b"\xff\n", "no question of a sweep"),
    ],
)
def test_a_log_that_is_none_of_a_sweep_stays_as_it_is(tmp_path, content, error):
    log = tmp_path / "points.jsonl"
    log.write_bytes(content)
    with pytest.raises(KanoptError, match=error), store.open_store(tmp_path, QUESTION):
        pass
    assert log.read_bytes() == content


def test_a_question_that_was_not_written_to_its_end_is_written_again(tmp_path):
    log = tmp_path / "points.jsonl"
    for content in (b"", json.dumps(QUESTION).encode()[:9], json.dumps(QUESTION).encode()):
        log.write_bytes(content)
        with store.open_store(tmp_path, QUESTION):
            assert json.loads(log.read_bytes()) == QUESTION


HELD = """
import sys
from pathlib import Path
from kanopt.questions.store import open_store
with open_store(Path(sys.argv[1]), {"points": [], "repeats": 1}):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_two_sweeps_do_not_write_to_one_folder_at_once(shared_tiny, tmp_path):
    scenario, folder = load_scenario(shared_tiny), tmp_path / "sweep"
    other = subprocess.Popen(
        [sys.executable, "-c", HELD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ScenarioError, match="sweep: another sweep is writing to it"):
            sweep(scenario, FUEL, plan="today", options=SweepOptions(out=folder))
    finally:
        other.kill()
        other.communicate()
    # the lock has gone with the process that was killed; the manifest of its sweep is there
    with pytest.raises(ScenarioError, match="holds another sweep"):
        sweep(scenario, FUEL, plan="today", options=SweepOptions(out=folder))
    (folder / "points.jsonl").unlink()
    sweep(scenario, FUEL, plan="today", options=SweepOptions(out=folder))


@pytest.mark.parametrize(
    "wrong",
    [
        {"point": 7},
        {"status": "good"},
        {"terms": {"fuel": "dear"}},
        {"service": {"coverage": 3}},
        {"plan": {"stop": [1, 2], "client": ["a"]}},
        "[" * 100_000,
        "no JSON",
    ],
)
def test_results_that_no_sweep_writes_are_refused(shared_tiny, tmp_path, wrong):
    scenario, options = load_scenario(shared_tiny), SweepOptions(out=tmp_path / "sweep")
    sweep(scenario, FUEL, plan="today", options=options)
    log = tmp_path / "sweep" / "points.jsonl"
    *lines, last = log.read_text().splitlines()
    told = json.dumps(json.loads(last) | wrong) if isinstance(wrong, dict) else wrong
    log.write_text("\n".join([*lines, told, ""]))
    with pytest.raises(FileFormatError, match=f"{len(lines) + 1}: no result of a sweep"):
        sweep(scenario, FUEL, plan="today", options=options)


def test_a_plan_that_breaks_a_rule_is_not_called_cheapest(shared_tiny):
    found = sweep(load_scenario(shared_tiny), {"vehicles.capacity": [0.5, 1.2]}, plan="today")
    assert found.points["verdict"].tolist() == ["not like with like", "no difference"]
    assert "dearest" not in found.text()
    broken = sweep(load_scenario(shared_tiny), {"vehicles.capacity": [0.5, 0.6]}, plan="today")
    assert "cheapest" not in broken.text()


def test_two_workers_find_what_one_does(shared_tiny):
    scenario = load_scenario(shared_tiny)
    axes = {"vehicles.capacity": factors(0.9, 1.2, 3)}
    one = sweep(scenario, axes, plan="today")
    two = sweep(scenario, axes, plan="today", options=SweepOptions(workers=2))
    pd.testing.assert_frame_equal(one.points.drop(columns="seconds"), two.points.drop(columns="seconds"))


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"vehicle.fuel_price": [1.0]}, "unknown table 'vehicle'"),
        ({"vehicles.fuel_price": ["dear"]}, "holds numbers, not the text"),
        ({"solver.time_limit": [1.0, 2.0]}, "the same at all points"),
    ],
)
def test_mistakes_are_told_before_anything_is_learned(shared_tiny, axes, message):
    with pytest.raises(ScenarioError, match=message):
        sweep(load_scenario(shared_tiny), axes)
    with pytest.raises(ScenarioError, match="unknown word 'new'"):
        sweep(load_scenario(shared_tiny), FUEL, plan="new")


@pytest.mark.slow
def test_a_cluster_finds_what_this_process_does(shared_tiny):
    from distributed import Client, LocalCluster

    scenario = load_scenario(shared_tiny)
    axes = {"vehicles.capacity": factors(0.9, 1.2, 3)}
    here = sweep(scenario, axes, plan="today")
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50) as workers,
        Client(workers) as client,
    ):
        there = sweep(scenario, axes, plan="today", options=SweepOptions(dask=client))
    assert there.points["objective"].tolist() == here.points["objective"].tolist()


@pytest.mark.parametrize(
    "axes",
    [{"vehicles.fuel_price": [-1.0, 1.5]}, {"vehicles.fuel_price": [-1.0, 1.5], "clients.demand_t": [0.4]}],
)
def test_a_law_below_zero_is_told(shared_tiny, axes):
    found = sweep(load_scenario(shared_tiny), axes, plan="today")
    assert "below zero" in found.points["caveat"][0]
    assert found.points["caveat"][1] == ""
    assert "At 1 point laws are not to be trusted, first vehicles.fuel_price −1" in found.text()


def test_a_sweep_and_a_comparison_agree_on_what_compares(shared_tiny):
    base = load_scenario(shared_tiny)
    asked = {"clients.demand": factors([1.0, 1.3]), "vehicles.fixed_cost": factors([1.0, 2.0])}
    swept = sweep(base, asked, design="list", options=SweepOptions(time_limit=0.3, repeats=2))
    variant = base.scale("clients.demand", 1.3).scale("vehicles.fixed_cost", 2.0)
    compared = compare([base, variant.named("more")], time_limit=0.3)
    step, point = compared.steps.iloc[0], swept.points.iloc[1]
    # all that is wanted is served, which is more; the base's plan overloads a van there
    assert (point["verdict"], step["like_with_like"]) == ("not like with like", False)
    assert point["unlike"] == compared.verdict(compared.variants[0]).why == "serves 2.86 instead of 2.2 t"
    effects = ["data_effect", "replanning_effect"]
    assert point["kept_status"] == "infeasible"
    assert point[effects].isna().all()
    assert step[effects].isna().all()
    assert point["change"] == pytest.approx(step["change"])
    assert swept.points.iloc[0][["verdict", "unlike"]].tolist() == ["no difference", ""]
    assert ": its plan serves 2.86 instead of 2.2 t" in str(swept)


@pytest.fixture
def late_shop(tmp_path):
    """A scenario of a job of two tasks that need two workers in all: with one at a time it is late."""
    tables = {
        "jobs": "name,in_order,due_date,tardiness_cost\nj,false,12,0.5\n",
        "tasks": "name,job\na,j\nb,j\n",
        "machines": "name\nsaw\nbench\n",
        "modes": "task,machine,duration\na,saw,10\nb,bench,10\n",
        "resources": "name,capacity\nworker,2\n",
        "needs": "task,resource,amount\na,worker,2\nb,worker,1\n",
    }
    units = '[tables.jobs.units]\ndue_date = "min"\n[tables.modes.units]\nduration = "min"'
    return written(tmp_path, "scheduling", tables, laws=units, problem="makespan_cost = 0.2")


def test_a_plan_that_does_more_for_less_is_cheaper_and_one_that_breaks_a_rule_is_none(late_shop):
    found = sweep(late_shop, {"resources.capacity": [1.0, 2.0, 3.0]}, options=SweepOptions(time_limit=1.0))
    points = found.points
    assert points["objective"].tolist() == pytest.approx([np.nan, 8.0, 2.0], nan_ok=True)
    assert points["verdict"].tolist() == ["no plan", "no difference", "cheaper"]
    assert points["unlike"].tolist() == ["", "", ""]
    assert points["message"].tolist()[0] == "task a: it needs 2 of 'worker', of which there is 1"
    assert "Cheapest is resources.capacity 3: 2.00 EUR, 6.00 EUR less than now." in found.text()
    none = late_shop.set("resources.capacity", 1.0).named("one")
    more = late_shop.set("jobs.due_date", 20.0).named("later")
    compared = compare([late_shop, none, more], time_limit=1.0)
    assert compared.steps["verdict"].tolist() == ["no plan", "cheaper"]
    assert compared.steps["after"].tolist() == pytest.approx([np.nan, 4.0], nan_ok=True)
    assert "There is no plan: task a: it needs 2 of 'worker', of which there is 1" in compared.text()
    assert "one" not in compared.moved["scenario"].tolist()
    # a lower price for a job less in time is no saving
    less = late_shop.set("jobs.tardiness_cost", 0.0).set("modes.duration", 9.0)
    assert compare([more, less], time_limit=1.0).steps["verdict"].tolist() == ["no saving"]
