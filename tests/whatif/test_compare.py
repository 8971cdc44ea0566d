from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import KanoptWarning, ScenarioError
from kanopt.problems import Client, Depot, RoutingProblem, VehicleType, evaluate
from kanopt.whatif import compare, load_scenario
from kanopt.whatif.events import ignore_event

# the function of the same name hides the module
_comparing = import_module("kanopt.whatif.compare")

EFFECTS = ["before", "data_effect", "replanning_effect", "after"]


@pytest.fixture(scope="module")
def compared(shared_tiny):
    base = load_scenario(shared_tiny)
    variants = [
        base.scale("vehicles.fuel_price", 1.5).named("dear fuel"),
        base.scale("clients.demand", 1.3).named("more demand"),
        base.close("clients", where={"name": "west"}).named("no west"),
    ]
    with pytest.warns(KanoptWarning, match="today's plan cannot be carried out in 'no west'"):
        return compare([base, *variants])


def test_the_terms_of_every_variant_add_up(compared):
    terms = compared.terms.dropna()
    added = terms["before"] + terms["data_effect"] + terms["replanning_effect"]
    np.testing.assert_allclose(added, terms["after"], atol=1e-9)
    np.testing.assert_allclose(terms["change"], terms["after"] - terms["before"], atol=1e-9)
    for variant in compared.variants:
        rows = compared.terms[compared.terms["scenario"] == variant.name]
        assert rows["after"].sum() == pytest.approx(variant.run.result.objective)
        assert rows["before"].sum() == pytest.approx(compared.base.result.objective)
    assert compared.to_frame() is compared.terms


def test_a_dearer_price_changes_its_term_alone_while_the_plan_stays(compared):
    fuel = compared.terms.set_index(["scenario", "term"]).loc[("dear fuel", "fuel")]
    assert fuel["data_effect"] == pytest.approx(0.5 * fuel["before"])
    step = compared.steps.set_index("scenario").loc["dear fuel"]
    assert step["change"] == pytest.approx(step["data_effect"] + step["replanning_effect"])
    assert step["replanning_effect"] <= 1e-9  # the variant could have kept the base's plan


def test_an_old_plan_that_no_longer_holds_is_named_with_its_reason(compared):
    [note] = [note for note in compared.notes if note.startswith("more demand")]
    assert "the base's plan no longer holds" in note
    assert "more than its capacity" in note
    assert set(compared.moved.loc[compared.moved["scenario"] == "more demand", "thing"])


def test_an_old_plan_that_names_what_is_gone_leaves_the_effects_open(compared):
    rows = compared.terms[compared.terms["scenario"] == "no west"]
    assert rows["data_effect"].isna().all()
    assert rows["change"].notna().all()
    [note] = [note for note in compared.notes if note.startswith("no west")]
    assert "cannot be carried out here" in note
    assert "west" in note


def test_the_text_shows_each_variant_and_its_verdict(compared):
    text = compared.text()
    for variant in compared.variants:
        assert variant.name in text
    assert "noise of the search" in text
    assert str(compared) == text


def test_no_change_is_no_difference(tiny):
    base = load_scenario(tiny)
    same = compare([base, base.scale("vehicles.fuel_price", 1.0).named("same")])
    assert same.steps["verdict"].iloc[0].startswith("no difference")
    assert same.moved.empty


def test_one_repeat_leaves_the_noise_unmeasured(tiny):
    base = load_scenario(tiny)
    once = compare([base, base.scale("vehicles.fuel_price", 1.2).named("dear")], repeats=1)
    assert once.steps["noise"].isna().all()
    assert once.steps["verdict"].iloc[0].endswith("noise of the search not measured")


def test_scenarios_that_do_not_compare_are_refused(tiny):
    base = load_scenario(tiny)
    with pytest.raises(ScenarioError, match="a base and at least one variant"):
        compare([base])
    with pytest.raises(ScenarioError, match="'Tiny' is the name of another scenario too; rename one"):
        compare([base, base])
    with pytest.raises(ScenarioError, match="must be at least 1, not 0"):
        compare([base, base.named("other")], repeats=0)


def test_currencies_must_agree(tiny, variant):
    path = variant(
        """
        [surrogates.fuel]
        formula = "litres * price"
        inputs = { price = "USD/l" }
        unit = "USD"

        [problem.units]
        money = "USD"

        [tables.vehicles]
        units = { fuel_price = "USD/l" }
        """
    )
    with pytest.raises(ScenarioError, match="objectives in EUR and USD do not compare"):
        compare([load_scenario(tiny), load_scenario(path)])


def test_each_scenario_keeps_the_best_plan_there_is(tiny, monkeypatch):
    """A base whose own search goes wrong takes the plan that was found for a variant."""
    module = import_module("kanopt.whatif.compare")  # the package's name for it is the function
    base = load_scenario(tiny)
    poor = [["north"], ["south"], ["east", "west"]]
    real = module.solve_problem

    def sabotaged(scenario, problem, **options):
        result = real(scenario, problem, **options)
        if scenario.name == "Tiny" and not sabotaged.done:
            from kanopt.problems import evaluate

            worse = evaluate(problem, poor)
            assert worse.objective > result.objective
            sabotaged.done = True
            return replace(result, assessment=worse.assessment)
        return result

    sabotaged.done = False
    monkeypatch.setattr(module, "solve_problem", sabotaged)
    found = compare([base, base.scale("vehicles.fuel_price", 1.01).named("dear")])
    assert found.base.result.objective == pytest.approx(
        real(base, found.base.problem, seed=3).objective, rel=0.01
    )
    assert found.searched_again
    assert any("was searched again, from the variants' plans too" in note for note in found.notes)
    worse = replace(found, standalone_objective=740.93)
    assert "Tiny: was searched again, from the variants' plans too; run alone it came to 740.93 EUR" in (
        worse.text()
    )


def test_a_machine_that_is_gone_does_not_stop_the_search(tmp_path):
    files = {
        "jobs.csv": "name,due,tardiness_cost\na,60,1\nb,60,1\n",
        "tasks.csv": "name,job\na1,a\nb1,b\n",
        "machines.csv": "name\nsaw\nmill\n",
        "modes.csv": "task,machine,duration\na1,saw,30\na1,mill,50\nb1,saw,40\nb1,mill,45\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    tables = "".join(
        f'[tables.{n[:-4]}]\npath = "{n}"\n[problem.{n[:-4]}]\ntable = "{n[:-4]}"\n' for n in files
    )
    path = tmp_path / "shop.toml"
    path.write_text(f'[problem]\nkind = "scheduling"\nmakespan_cost = 1\n{tables}[solver]\ntime_limit = 2\n')
    base = load_scenario(path)
    down = (
        base.close("modes", where={"machine": "mill"})
        .close("machines", where={"name": "mill"})
        .named("mill down")
    )
    found = compare([base, down])
    assert found.base.result.objective == pytest.approx(45.0)
    assert found.variants[0].run.result.objective == pytest.approx(70.0 + 10.0)
    assert found.steps["noise"].tolist() == [0.0]  # both are proved optimal
    moved = found.moved.set_index("thing")
    assert pd.Index(moved["after"]).unique().tolist() == ["saw"]


def test_ctrl_c_keeps_what_there_is(tiny, monkeypatch):
    module = import_module("kanopt.whatif.compare")
    base = load_scenario(tiny)
    real, calls = module.solve_problem, []

    def stopped(scenario, problem, **options):
        calls.append(scenario.name)
        return replace(real(scenario, problem, **options), interrupted=True)

    monkeypatch.setattr(module, "solve_problem", stopped)
    found = compare([base, base.scale("vehicles.fuel_price", 1.1).named("dear")])
    assert calls == ["Tiny"]
    assert found.interrupted
    assert found.variants[0].run.result.solver == "given plan"
    assert found.steps["replanning_effect"].tolist() == pytest.approx([0.0])
    with pytest.warns(KanoptWarning, match="today's plan"), pytest.raises(KeyboardInterrupt):
        compare([base, base.close("clients", where={"name": "west"}).named("no west")])


def test_kinds_must_agree(tiny, tmp_path):
    (tmp_path / "one.csv").write_text("name,job,task,machine,duration\na,a,a,a,3\n")
    parts = "".join(f'[problem.{name}]\ntable = "one"\n' for name in ("jobs", "tasks", "machines", "modes"))
    path = tmp_path / "shop.toml"
    path.write_text(f'[tables.one]\npath = "one.csv"\n[problem]\nkind = "scheduling"\n{parts}')
    with pytest.raises(
        ScenarioError, match=r"shop\.toml: problem\.kind: is 'scheduling', but .* is 'routing'"
    ):
        compare([load_scenario(tiny), load_scenario(path)])


def test_a_change_within_the_noise_is_none_but_the_price_of_one_plan_is_exact(tiny):
    base = load_scenario(tiny)
    found = compare([base, base.scale("vehicles.fuel_price", 1.01).named("a little dearer")])
    noisy = replace(found, noise=3.0)
    verdict = noisy.steps["verdict"].iloc[0]
    assert verdict.startswith(
        "no difference: +0.05 EUR (+0.12 %) is within the noise of the search, 3.00 EUR"
    )
    assert verdict.endswith("the base's plan alone changes by exactly +0.05 EUR")


def two_clients(minutes: float = 4.0) -> RoutingProblem:
    """Return two clients 1 and 5 minutes from the depot, and some minutes apart."""
    matrix = np.array([[0.0, 1.0, 5.0], [1.0, 0.0, minutes], [5.0, minutes, 0.0]])
    return RoutingProblem(
        depots=[Depot("depot")],
        clients=[Client("a", demand=1.0), Client("b", demand=1.0)],
        vehicles=[VehicleType("van", count=2, capacity=2.0)],
        cost=matrix,
        duration=matrix,
        distance=matrix,
    )


def searched(problem: RoutingProblem, name: str, *plans: list[list[str]]):
    """Return a scenario with plans that were found for it."""
    found = [evaluate(problem, plan) for plan in plans]
    return _comparing._ScenarioSearch(SimpleNamespace(name=name), {}, problem, None, 0, searches=found)


def test_a_variant_keeps_the_plan_of_the_base_where_nothing_better_was_found(monkeypatch) -> None:
    problem = two_clients()
    contests = [searched(problem, "base", [["a", "b"]]), searched(problem, "variant", [["a"], ["b"]])]
    monkeypatch.setattr(
        _comparing, "solve_problem", lambda _, problem, **options: evaluate(problem, options["initial"])
    )
    _comparing._exchange_plans(contests, None, ignore_event)
    assert [contest.best.objective for contest in contests] == [10.0, 10.0]


def test_what_a_later_search_finds_is_offered_to_every_other_scenario(monkeypatch) -> None:
    """The base has been offered what there was when the variant, searched again, finds a plan that suits both."""
    base, variant, third = two_clients(), two_clients(4.5), two_clients(5.0)
    contests = [
        searched(base, "base", [["a"], ["b"]]),
        searched(variant, "variant", []),
        searched(third, "third", [["a"], ["b"]]),
    ]
    searches = []

    def finds_more(scenario, problem, *, initial, **_):
        searches.append(scenario.name)
        return evaluate(problem, [["a", "b"]] if scenario.name == "variant" else initial)

    monkeypatch.setattr(_comparing, "solve_problem", finds_more)
    _comparing._exchange_plans(contests, None, ignore_event)
    assert searches == ["variant", "base", "third"]
    assert [contest.best.objective for contest in contests] == [10.0, 10.5, 11.0]


def test_plans_are_exchanged_until_none_is_better_and_not_for_ever(monkeypatch) -> None:
    """Every search finds something better for the other: after some rounds plans are only taken over."""
    clients = [f"c{place}" for place in range(9)]
    matrix = np.full((10, 10), 2.0)
    np.fill_diagonal(matrix, 0.0)
    problem = RoutingProblem(
        depots=[Depot("depot")],
        clients=[Client(name, demand=1.0) for name in clients],
        vehicles=[VehicleType("van", count=9, capacity=9.0)],
        cost=matrix,
        duration=matrix,
        distance=matrix,
    )
    contests = [
        searched(problem, "base", [[name] for name in clients]),
        searched(problem, "variant", [clients[:2], *([name] for name in clients[2:])]),
    ]
    searches = []

    def joins_two_routes(_, problem, *, initial, **options):
        searches.append(options["seed"])
        routes = [list(route.clients) for route in initial.routes]
        return evaluate(problem, [routes[0] + routes[1], *routes[2:]])

    monkeypatch.setattr(_comparing, "solve_problem", joins_two_routes)
    _comparing._exchange_plans(contests, None, ignore_event)
    assert len(searches) == 2
    assert contests[0].best.objective == contests[1].best.objective == 4.0 * 9 - 2.0 * 3


def test_a_departure_that_was_best_for_one_scenario_is_chosen_anew_for_another(monkeypatch) -> None:
    early = replace(two_clients(), vehicles=[VehicleType("van", 2, 2.0, cost_per_time=1.0, shift_start=0.0)])
    late = replace(early, clients=[replace(client, earliest=100.0) for client in early.clients])
    stated = early.plan_from([["a", "b"]]).routes[0]
    contests = [searched(early, "base", []), searched(late, "variant", [])]
    contests[0].searches = [evaluate(early, [replace(stated, departure=0.0)])]
    monkeypatch.setattr(
        _comparing, "solve_problem", lambda _, problem, **options: evaluate(problem, options["initial"])
    )
    _comparing._exchange_plans(contests, None, ignore_event)
    assert contests[1].best.objective == evaluate(late, [["a", "b"]]).objective


def test_no_scenario_has_a_plan_that_is_better_for_another(compared) -> None:
    for run in compared.runs:
        for other in compared.runs:
            plan = _comparing._plan_under(run.problem, other.result.plan)
            if plan is not None:
                assert not evaluate(run.problem, plan).rank.is_better_than(run.result.rank)
