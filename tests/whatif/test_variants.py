"""Other fleets and demands that are planned beside a run: which there are, and what comes of them."""

from dataclasses import replace
from importlib import import_module

import pytest

from kanopt.errors import ScenarioError
from kanopt.problems import evaluate
from kanopt.whatif import compare, load_scenario
from kanopt.whatif.variants import variants_of

solving = import_module("kanopt.solvers.solve")  # the package's name for it is the function

NAMED = """
[report.variants."dear fuel"]
scale = { "vehicles.fuel_price" = 1.5 }

[report.variants."a small van"]
set = { "vehicles[name=van].num_available" = 1, "vehicles[name=van].capacity" = 1.0 }
"""


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


@pytest.mark.slow
def test_a_run_has_what_a_comparison_of_the_same_scenarios_says(tiny):
    scenario = with_report(tiny, NAMED)
    run = scenario.run()
    assert [each.name for each in run.variants.variants] == ["dear fuel", "a small van"]
    assert run.variants.base.result is run.result
    same = compare([load_scenario(tiny), *variants_of(scenario)])
    for column in ("before", "after", "change"):
        assert run.variants.steps[column].tolist() == pytest.approx(same.steps[column].tolist())
    for variant in run.variants.variants:
        there = variant.run.result
        assert there.objective == pytest.approx(evaluate(there.problem, there.plan).objective)
    assert run.variants.changes_of(run.variants.variants[1]) == (
        "vehicles.num_available is 1 instead of 2 where name = van",
        "vehicles.capacity is 1 instead of 1.2 where name = van",
    )


@pytest.mark.slow
def test_a_vehicle_more_makes_nothing_dearer_and_one_fewer_nothing_cheaper(tiny):
    """Whatever a search finds with fewer vehicles can be driven with more, and is offered to those plans."""
    run = load_scenario(tiny).run(variants=True, time_limit=0.3)
    change = run.variants.steps.set_index("scenario")["change"]
    assert change[["one van fewer", "one truck fewer"]].min() >= -1e-9
    assert change[["one van more", "one truck more"]].max() <= 1e-9
    for name, told in change.items():
        assert f"  {name}: " in str(run), told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[report.variants.x]\nset = { "vehicles" = 3 }', "report.variants.x: .*is no path"),
        ("[report.variants.x]", "report.variants.x: changes nothing; write set = "),
        ('[report.variants.Tiny]\nset = { "vehicles.num_available" = 3 }', "is the scenario's own name"),
        ('[report.variants.x]\nscale = { "vehicles.num_available" = "two" }', "must be a number"),
    ],
)
def test_mistakes_in_the_file_are_told_at_their_line(tiny, text, message):
    with pytest.raises(ScenarioError, match=message) as caught:
        with_report(tiny, text)
    assert caught.value.issues[0].line > 0


def test_ctrl_c_keeps_the_plan_and_the_variants_that_were_planned(tiny, monkeypatch):
    removed = '[report.variants."one van"]\nset = { "vehicles[name=van].num_available" = 1 }\n'
    scenario = with_report(tiny, NAMED + removed)
    real, calls = solving.search_and_assess, []

    def stopped(problem, options, _solver=None):
        calls.append(options.seed)
        return replace(real(problem, options), interrupted=len(calls) > 2)

    monkeypatch.setattr(solving, "search_and_assess", stopped)
    run = scenario.run()
    assert run.variants.interrupted
    # what was found is still offered to the plan itself: dearer fuel makes nothing cheaper
    assert run.variants.steps["change"].min() >= -1e-9
    assert [each.name for each in run.variants.variants] == ["dear fuel"]
    assert run.result.has_plan
