import re
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
        base.remove("clients", where={"name": "west"}).named("no west"),
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
    assert re.search("carry more than they can|more than its capacity", note)
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


@pytest.fixture(scope="module")
def ill(shared_tiny):
    """A comparison in which a driver is ill: one van of 1.2 t, and no truck, for 2.2 t."""
    base = load_scenario(shared_tiny)
    variant = base.set("vehicles.count", 1, where={"name": "van"}).set(
        "vehicles.count", 0, where={"name": "truck"}
    )
    return compare([base, variant.named("a driver is ill")], time_limit=0.3)


def test_what_is_left_out_stands_before_the_price_in_text_and_frames(ill):
    variant = ill.variants[0]
    assert variant.run.result.objective < ill.base.result.objective
    lines = ill.text().splitlines()
    assert lines[0] == "Tiny: a driver is ill"
    served = next(place for place, line in enumerate(lines) if line.startswith("a driver is ill: serves"))
    assert " of 2.2 t (2 of 4 clients); left out: " in lines[served]
    assert lines[served + 1].startswith("  serving them too would cost ")
    assert "no saving: it serves 2 clients fewer (" in lines[served + 2]
    assert list(ill.steps.columns[:4]) == ["scenario", "coverage", "left_out", "left_out_price"]
    step = ill.steps.iloc[0]
    assert (step["left_out"], step["like_with_like"]) == (2, False)
    assert step["left_out_price"] == variant.run.result.assessment.left_out_price.more
    assert ill.coverage["left_out"].tolist() == [0, 2]
    assert ill.coverage["left_out_price"].iloc[0] == 0.0
    assert ill.coverage[["served", "wanted"]].iloc[0].tolist() == pytest.approx([2.2, 2.2])


def test_clients_that_are_left_out_are_no_longer_anywhere(ill):
    after = ill.moved.set_index("thing")["after"]
    assert after[after == "left out"].index.tolist() == list(ill.variants[0].run.result.coverage.left_out)


def test_what_changed_is_told_in_sentences(ill):
    text = ill.text()
    assert "  changed: vehicles.count is 1 instead of 2 where name = van" in text
    assert "  changed: vehicles.count is 0 instead of 1 where name = truck" in text
    assert "at its depot" in text or "at their depots" in text


def test_bindings_and_laws_that_a_what_if_changes_are_told(tiny, variant):
    path = variant(
        """
        [surrogates.minutes]
        formula = "3 * km"
        inputs = { km = "km" }
        unit = "min"

        [problem.bind]
        price = 2.5

        [problem.bind.fuel]
        load = 0.5

        [problem.policy]
        cost_of_longest = 0.2
        """
    )
    base, other = load_scenario(tiny), load_scenario(path)
    assert other.change_sentences(base) == (
        "the law minutes is 3 * km instead of 2 * km",
        "price of every law that reads it is 2.5 instead of vehicle.fuel_price",
        "load of the law fuel is set to 0.5",
        "problem.policy.cost_of_longest is set to 0.2",
    )
    assert other.change_sentences() == other.change_sentences(base)
    assert base.change_sentences(other) == (
        "the law minutes is 2 * km instead of 3 * km",
        "price of every law that reads it is vehicle.fuel_price instead of 2.5",
        "load of the law fuel is no longer 0.5",
        "problem.policy.cost_of_longest is no longer 0.2",
    )


def test_a_law_that_is_had_in_another_way_is_told_in_one_sentence(tiny, variant):
    (tiny.parent / "more.csv").write_text("km,minutes\n" + "".join(f"{i},{2 * i}\n" for i in range(1, 40)))
    learned = variant(
        """
        [tables.log]
        path = "more.csv"

        [surrogates.minutes]
        table = "log"
        target = "minutes"
        features = ["km"]

        [solver]
        time_limit = 2
        """
    )
    again = variant(
        "[surrogates.minutes]\nmin_r2 = 0.9\nmonotone = { km = 1 }\n", "variant.toml", "again.toml"
    )
    base, one, two = load_scenario(tiny), load_scenario(learned), load_scenario(again)
    assert one.change_sentences(base) == (
        "the table log is new",
        "the law minutes is learned from table log instead of 2 * km",
        "solver.time_limit is 2 instead of 1",
    )
    assert two.change_sentences(one) == ("the law minutes is had with other settings: min_r2 and monotone",)


def test_changes_that_both_make_are_not_told_and_those_of_the_base_alone_are(tiny):
    base = load_scenario(tiny).scale("vehicles.fuel_price", 1.5).named("dear")
    both = base.remove("clients", where={"name": "west"}).named("dear, no west")
    assert both.change_sentences(base) == ("1 row of clients is taken out where name = west",)
    assert both.change_sentences() == (
        "vehicles.fuel_price rises by 50 %",
        "1 row of clients is taken out where name = west",
    )
    other = load_scenario(tiny).remove("clients", where={"name": "west"})
    assert other.change_sentences(base) == (
        "1 row of clients is taken out where name = west",
        "it does without this change of the base: vehicles.fuel_price × 1.5",
    )


def test_the_headline_of_a_report_names_the_variant(edited):
    base = load_scenario(edited("[solver]\n", '[report]\ntitle = "Four clients"\n\n[solver]\n'))
    assert base.headline == "Four clients"
    assert base.scale("vehicles.fuel_price", 1.5).named("Dear fuel").headline == "Four clients – Dear fuel"


def test_sites_that_open_and_close_are_told(tmp_path):
    files = {
        "suppliers.csv": "name,capacity,unit_cost\nmill,100,1\n",
        "sites.csv": "name,fixed_cost,status\nnorth,10,free\nsouth,20,free\n",
        "markets.csv": "name\nLyon\n",
        "products.csv": "name,shortage_cost\nflour,50\n",
        "periods.csv": "name\n1\n",
        "lanes.csv": "tail,head,distance\nmill,north,1\nmill,south,1\nnorth,Lyon,1\nsouth,Lyon,1\n",
        "demand.csv": "market,product,period,demand\nLyon,flour,1,10\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    parts = {
        "facilities": "sites",
        **{n: n for n in ("suppliers", "markets", "products", "periods", "lanes", "demand")},
    }
    tables = "".join(f'[tables.{name[:-4]}]\npath = "{name}"\n' for name in files)
    tables += "".join(f'[problem.{part}]\ntable = "{table}"\n' for part, table in parts.items())
    path = tmp_path / "net.toml"
    path.write_text(
        '[surrogates.rate]\nformula = "0.1 * km"\ninputs = { km = "km" }\nunit = "EUR/t"\n'
        f'[problem]\nkind = "supply"\n{tables}[problem.tariff]\nlaw = "rate"\n'
        '[problem.bind]\nkm = "lane.distance"\n[solver]\ntime_limit = 2\n'
    )
    base = load_scenario(path)
    found = compare([base, base.set("sites.status", "closed", where={"name": "north"}).named("north shut")])
    assert found.changes_in_use(found.variants[0]) == ("north closes", "south opens")
    assert "  north closes; south opens" in found.text().splitlines()
    assert "changed: sites.status is closed instead of free where name = north" in found.text()


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
        base.remove("modes", where={"machine": "mill"})
        .remove("machines", where={"name": "mill"})
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
        compare([base, base.remove("clients", where={"name": "west"}).named("no west")])


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
