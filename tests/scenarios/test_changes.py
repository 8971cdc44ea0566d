"""Changes of tables, keys and laws, other fleets beside a run, and what is no change, scenario or question."""

import pandas as pd
import pytest

import kanopt as ko
from kanopt.errors import FormulaError, ProblemError, ScenarioError
from kanopt.plans.result import evaluate
from kanopt.scenarios import load_scenario
from kanopt.scenarios.changes import Change
from kanopt.tables import units_of, with_units
from tests.cases.choice_scenario import PRICE, choice


@pytest.fixture
def vehicles() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "name": ["van", "truck"],
            "num_available": [4, 2],
            "price": [1.5, 2.0],
            "cold": [True, False],
            "depot": [1, 2],
        }
    )
    return with_units(frame, {"price": "EUR/l"})


def messages(change: Change, frame: pd.DataFrame) -> list[str]:
    return [mistake.message for mistake in change.mistakes(frame)]


def test_scale_touches_the_rows_asked_for_and_keeps_units(vehicles):
    changed = Change("scale", "vehicles", "price", 1.5, where={"name": "van"}).apply(vehicles)
    assert changed["price"].tolist() == [2.25, 2.0]
    assert vehicles["price"].tolist() == [1.5, 2.0]
    assert units_of(changed) == {"price": "EUR/l"}


def test_close_takes_rows_out_and_add_puts_one_in(vehicles):
    closed = Change("remove", "vehicles", where={"depot": (2, 3)}).apply(vehicles)
    assert closed["name"].tolist() == ["van"]
    added = Change("add", "vehicles", row={"name": "bike", "num_available": 3, "price": 0.5}).apply(vehicles)
    assert added["name"].tolist() == ["van", "truck", "bike"]
    assert added["num_available"].dtype == "int64"
    assert added["price"].tolist() == [1.5, 2.0, 0.5]
    assert added["depot"].isna().tolist() == [False, False, True]
    assert units_of(added) == {"price": "EUR/l"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change("scale", "t", "name", 2.0), "'name' of 't' holds no numbers; use set"),
        (Change("set", "t", "price", "a"), "'price' of 't' holds numbers, not the text 'a'"),
        (Change("set", "t", "name", 3), "'name' of 't' holds texts, not the number 3"),
        (Change("set", "t", "cold", 1), "'cold' of 't' holds true or false, not the number 1"),
        (Change("remove", "t", where={"name": ("a", "b")}), "no row of 't' has name = a or b"),
        (Change("remove", "t", where={"name": "van", "depot": 2}), "name = van and depot = 2 together"),
        (Change("add", "t", row={"num_available": "many"}), "holds numbers, not the text 'many'"),
    ],
)
def test_what_does_not_fit_the_table_is_named(vehicles, change, message):
    [told] = messages(change, vehicles)
    assert message in told


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (Change("set", "vehicles", "num_available", 10**400), ("to",)),
        (Change("scale", "vehicles", "num_available", -(10**400)), ("by",)),
        (Change("remove", "vehicles", where={"num_available": (2, 10**400)}), ("where", "num_available")),
        (Change("add", "vehicles", row={"name": "bike", "price": 1e300}), ("row", "price")),
    ],
)
def test_numbers_beyond_those_of_a_problem_are_named(vehicles, change, key):
    assert [mistake.key for mistake in change.mistakes(vehicles)] == [key]
    assert "must be at most 1e100" in messages(change, vehicles)[0]


def test_a_change_of_rows_that_are_gone_says_so(shared_tiny):
    base = load_scenario(shared_tiny).remove("clients", where={"name": "north"})
    gone = "no row of 'clients' has name = north"
    with pytest.raises(ScenarioError, match=gone):
        base.set("clients.demand", 0.1, where={"name": "north"})
    with pytest.raises(ScenarioError, match="did you mean 'south'"):
        base.set("clients.demand", 0.1, where={"name": "suoth"})


def test_a_clock_time_may_be_written_as_a_time_of_day(shared_tiny):
    base = load_scenario(shared_tiny)
    later = base.set("vehicles.shift_end", "18:00").set("clients.due_h", "4:30 PM")
    problem = later.build(later.drafts)
    assert problem.vehicles[0].shift_end == 1080.0
    assert problem.clients[0].latest == 990.0
    assert str(later.changes[0]) == "vehicles.shift_end set to 18:00"
    with pytest.raises(ScenarioError, match="holds numbers, not the text 'six'"):
        base.set("vehicles.shift_end", "six")


PLAN = [["north", "east"], ["south", "west"]]


def price(scenario, learned=None):
    """Return the terms of one plan; all laws of the tiny scenario are written by hand."""
    return evaluate(scenario.build(scenario.formulas(learned or {})), PLAN).pricing.terms()


def test_a_law_scaled_scales_those_built_on_it(shared_tiny):
    base = load_scenario(shared_tiny)
    before, after = price(base), price(base.scale("surrogates.litres", 1.5))
    assert after["fuel"] == pytest.approx(1.5 * before["fuel"], rel=1e-12)
    assert after["fixed"] == before["fixed"]
    twice = base.scale("surrogates.litres", 1.5).scale("surrogates.fuel", 2.0)
    assert price(twice)["fuel"] == pytest.approx(3.0 * before["fuel"], rel=1e-12)


def test_a_constant_of_a_learned_law(learned):
    scenario = load_scenario(learned)
    run = scenario.run(time_limit=1)
    law = run.laws["minutes"].formula
    assert law.pattern != str(law)
    name, value = next(iter(_constants(law).items()))
    doubled = scenario.scale(f"surrogates.minutes.{name}", 2.0)
    found = doubled.formulas({"minutes": law})["minutes"]
    assert found.evaluate({"km": 5.0}) == pytest.approx(law.fixed({name: 2.0 * value}).evaluate({"km": 5.0}))
    with pytest.raises(FormulaError, match="no constant"):
        scenario.set("surrogates.minutes.c99", 2.0).formulas({"minutes": law})


def _constants(law):
    from kanopt.formulas.parameters import parameters_of

    return parameters_of(law.root)


def test_keys_of_problem_and_solver(shared_tiny):
    base = load_scenario(shared_tiny)
    changed = base.set("problem.policy.longest_route_cost", 0.5).set("solver.time_limit", 2.0)
    assert changed.problem.policy.longest_route_cost == 0.5
    assert changed.scale("solver.time_limit", 3.0).solver.time_limit == pytest.approx(6.0)
    assert base.problem.policy.longest_route_cost == 0.0
    assert "longest route" in price(changed)
    assert changed.change_sentences() == (
        "problem.policy.longest_route_cost is 0.5 instead of 0",
        f"solver.time_limit is 2 instead of {base.solver.time_limit:g}",
    )
    other = base.scale("surrogates.litres", 2.0)
    assert price(other)["fuel"] == pytest.approx(2.0 * price(base)["fuel"], rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("set", "problem.polcy.x", 1.0), "problem.polcy: unknown key; did you mean 'policy'"),
        (("set", "problem.policy.longest_route_cost", -1.0), "problem.policy.longest_route_cost: must be"),
        (("set", "problem.policy.apart", 1.0), "problem.policy.apart: it is no value but several of them"),
        (("set", "problem.kind", "supply"), "problem.kind: what is decided and which tables"),
        (("scale", "solver.deterministic", 2.0), "solver.deterministic: it holds the truth value false"),
        (("set", "problem.bind.prize", 2.0), "has an input 'prize'; did you mean 'price'"),
        (("scale", "surrogates.litre", 2.0), "there is no law 'litre'; did you mean 'litres'"),
        (("scale", "surrogates.litres", -2.0), "a law is multiplied by zero or more, not by -2"),
        (("set", "surrogates.litres", 2.0), "name one of its constants, as surrogates.litres.c1, or scale"),
        (("set", "surrogates.litres.c1", 2.0), "law 'litres': .* none is known"),
        (("set", "surrogates.litres.c1", "x"), "a law is changed by numbers, not by the text 'x'"),
    ],
)
def test_mistakes(shared_tiny, change, message):
    action, path, value = change
    with pytest.raises(ScenarioError, match=message):
        getattr(load_scenario(shared_tiny), action)(path, value)


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
    with pytest.raises(ProblemError, match=r"run\(\)\.result returns them"):
        ko.risk(run)
    with pytest.raises(ProblemError, match=r"run\(\)\.result returns them"):
        ko.risk(scenario)
    with pytest.raises(ProblemError, match="not for decision"):
        ko.risk(run.result)


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
