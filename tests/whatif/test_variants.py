"""Other fleets and demands that are planned beside a run: which there are, and what comes of them."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.whatif import load_scenario
from kanopt.whatif.questions.compare import variants_of
from kanopt.whatif.scenario_files.kinds import one_more_and_fewer, without_each

solving = import_module("kanopt.solvers.solve")  # the package's name for it is the function

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def with_report(tiny, text):
    tiny.write_text(f"{tiny.read_text()}\n{text}")
    return load_scenario(tiny)


def test_the_usual_ones_vary_the_fleet_and_the_demand(tiny):
    told = {each.name: [str(change) for change in each.changes] for each in variants_of(load_scenario(tiny))}
    assert told == {
        "one van fewer": ["vehicles.num_available set to 1 where name = van"],
        "one van more": ["vehicles.num_available set to 3 where name = van"],
        "one truck fewer": ["vehicles.num_available set to 0 where name = truck"],
        "one truck more": ["vehicles.num_available set to 2 where name = truck"],
        "demand −10 %": ["clients.demand × 0.9"],
        "demand +10 %": ["clients.demand × 1.1"],
    }


def test_one_that_cannot_be_is_left_out_and_told(tiny):
    scenario = with_report(tiny, '[problem.policy]\npinned = { "truck 1" = ["north"] }\n')
    told = []
    names = [each.name for each in variants_of(scenario, told.append)]
    assert "one truck more" in names
    assert "one truck fewer" not in names
    assert [str(event).startswith("note: 'one truck fewer' is left out: ") for event in told] == [True]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("workshop", ["without mill A", "without router", "time of tasks −10 %", "time of tasks +10 %"]),
        (
            "supply_network",
            ["demand −10 %", "demand +10 %", "capacity of sites −10 %", "capacity of sites +10 %"],
        ),
        ("sioux_falls", ["one van fewer", "one van more", "demand −10 %", "demand +10 %"]),
    ],
)
def test_the_usual_ones_of_other_kinds_fit_their_problems(name, expected):
    found = variants_of(load_scenario(SCENARIOS / f"{name}.toml"))
    assert [each.name for each in found] == expected


@pytest.mark.slow
def test_a_vehicle_more_makes_nothing_dearer_and_one_fewer_nothing_cheaper(tiny):
    """Whatever a search finds with fewer vehicles can be driven with more, and is offered to those plans."""
    run = load_scenario(tiny).run(variants=True, time_limit=0.3)
    change = run.variants.steps.set_index("scenario")["change"]
    assert change[["one van fewer", "one truck fewer"]].min() >= -1e-9
    assert change[["one van more", "one truck more"]].max() <= 1e-9
    for name, told in change.items():
        assert f"  {name}: " in str(run), told


def test_ctrl_c_keeps_the_plan_and_the_variants_that_were_planned(tiny, monkeypatch):
    real, calls = solving.search_and_assess, []

    def stopped(problem, options, _solver=None):
        calls.append(options.seed)
        return replace(real(problem, options), interrupted=len(calls) > 2)

    monkeypatch.setattr(solving, "search_and_assess", stopped)
    run = load_scenario(tiny).run(variants=True)
    assert run.variants.interrupted
    assert [each.name for each in run.variants.variants] == ["one van fewer"]
    assert run.result.has_plan


@given(st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), st.integers(0, 9)), min_size=1, max_size=5))
def test_one_more_and_fewer_differ_by_one_and_leave_a_vehicle(rows):
    fleet = pd.DataFrame(dict(rows).items(), columns=["name", "num_available"])
    before = int(fleet["num_available"].sum())
    for name, (change,) in one_more_and_fewer(fleet, "vehicles").items():
        after = int(change.apply(fleet)["num_available"].sum())
        assert after == before + (1 if name.endswith("more") else -1)
        assert after >= 1
        assert change.mistakes(fleet) == []


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz")), min_size=1, max_size=12))
def test_without_each_machine_every_task_has_another(rows):
    modes = pd.DataFrame(rows, columns=["task", "machine"])
    for (change,) in without_each(modes, "modes", "machine", needed="task").values():
        left = change.apply(modes)
        assert set(left["task"]) == set(modes["task"])
        assert len(left) < len(modes)
