"""What is no scenario, no plan and no problem is told in words, with what to give instead."""

import pytest

import kanopt as ko
from kanopt.errors import ProblemError, ScenarioError
from tests.cases.choice_scenario import PRICE, choice

AXES = {PRICE: (1.0, 2.0)}


@pytest.mark.parametrize("ask", [ko.sweep, ko.tornado, ko.monte_carlo, ko.switch_points])
def test_a_question_is_about_a_scenario(tmp_path, ask):
    scenario = choice(tmp_path, "n * price", high=1)
    with pytest.raises(
        ScenarioError, match=r"not about a str; read it first: ko\.\w+\(ko\.load_scenario\('a.toml'\)"
    ):
        ask("a.toml", AXES)
    with pytest.raises(ScenarioError, match=r"not about a Run; give its \.scenario"):
        ask(scenario.run(time_limit=0.2), AXES)
    with pytest.raises(ScenarioError, match=r"not about a float; ko\.load_scenario reads one"):
        ask(1.0, AXES)


def test_comparisons_risks_and_promises(tmp_path):
    scenario = choice(tmp_path, "n * price", high=1)
    run = scenario.run(time_limit=0.2)
    with pytest.raises(ScenarioError, match="compares a list of scenarios"):
        ko.compare(scenario)
    with pytest.raises(ProblemError, match=r"not of a Run; give its \.result"):
        ko.risk(run)
    with pytest.raises(ProblemError, match=r"not of a \w*Scenario; give what"):
        ko.risk(scenario)
    with pytest.raises(ProblemError, match="not for decision"):
        ko.risk(run.result)
    for wrong in (scenario, run.problem):
        with pytest.raises(ProblemError, match="solve_on_time plans routes, not a"):
            ko.solve_on_time(wrong, 0.9)


def test_axes_that_change_the_same_cells_are_refused(shared_tiny):
    scenario = ko.load_scenario(shared_tiny)
    van, every = "vehicles[name=van].fuel_price", "vehicles.fuel_price"
    for axes in ({van: [1.0, 2.0], every: [1.5, 1.6]}, {every: ko.factors([0.9, 1.1]), van: [1.0, 2.0]}):
        with pytest.raises(ScenarioError, match=r"changes cells that .* changes too"):
            ko.sweep(scenario, axes, plan="today")
    both = {van: ko.factors([0.9, 1.1]), every: ko.factors([1.0, 2.0])}
    assert len(ko.sweep(scenario, both, plan="today").points) == 4
    apart = {van: [1.0, 2.0], "vehicles[name=truck].fuel_price": [1.0, 2.0]}
    assert len(ko.sweep(scenario, apart, plan="today").points) == 4
