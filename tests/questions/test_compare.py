import re
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from kanopt.errors import KanoptWarning, ScenarioError
from kanopt.plans.result import evaluate
from kanopt.questions import compare
from kanopt.questions.point import numbered_like
from kanopt.routing import Route, RoutingPlan
from kanopt.scenarios import load_scenario
from tests.cases.choice_scenario import choice
from tests.cases.routing import random_problem
from tests.cases.scenario_files import one_market

solving = import_module("kanopt.engines.solve")  # the package's name for it is the function


@pytest.fixture(scope="module")
def compared(shared_tiny):
    base = load_scenario(shared_tiny)
    variants = [
        base.scale("vehicles.fuel_price", 1.5).named("dear fuel"),
        base.scale("clients.demand", 1.3).named("more demand"),
        base.remove("clients", where={"name": "west"}).named("no west"),
    ]
    with pytest.warns(KanoptWarning, match="today's plan cannot be carried out in 'no west'"):
        return compare([base, *variants], time_limit=0.3)


@pytest.mark.slow
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
    [note] = [compared.old_plan_note(one) for one in compared.variants if one.name == "more demand"]
    assert "The base's plan no longer holds" in note
    assert note in compared.text()
    assert re.search("carry more than they can|more than its capacity", note)
    assert set(compared.moved.loc[compared.moved["scenario"] == "more demand", "thing"])


def test_an_old_plan_that_names_what_is_gone_leaves_the_effects_open(compared):
    rows = compared.terms[compared.terms["scenario"] == "no west"]
    assert rows["data_effect"].isna().all()
    assert rows["change"].notna().all()
    [note] = [compared.old_plan_note(one) for one in compared.variants if one.name == "no west"]
    assert "cannot be carried out here" in note
    assert "west" in note


@pytest.fixture(scope="module")
def ill(shared_tiny):
    """A comparison in which a driver is ill: one van of 1.2 t, and no truck, for 2.2 t."""
    base = load_scenario(shared_tiny)
    variant = base.set("vehicles.num_available", 1, where={"name": "van"}).set(
        "vehicles.num_available", 0, where={"name": "truck"}
    )
    return compare([base, variant.named("a driver is ill")], time_limit=0.3)


def test_what_is_left_out_stands_before_the_price_in_text_and_frames(ill):
    variant = ill.variants[0]
    assert variant.run.result.objective < ill.base.result.objective
    lines = ill.text().splitlines()
    assert lines[0] == "Tiny: a driver is ill"
    assert lines[1].startswith("a driver is ill (left out). ")
    assert "Serving north and west too would cost " in lines[1]
    (told,) = (line for line in lines if line.startswith("a driver is ill: the plan serves"))
    assert " of 2.2 t (2 of 4 clients); left out: " in told
    assert "no saving: it serves 2 clients fewer (" in told
    assert not ill.steps["like_with_like"].iloc[0]
    assert [len(run.result.coverage.left_out) for run in ill.runs] == [0, 2]


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
        longest_route_cost = 0.2
        """
    )
    base, other = load_scenario(tiny), load_scenario(path)
    assert other.change_sentences(base) == (
        "surrogates.minutes.formula is 3 * km instead of 2 * km",
        "problem.bind.price is 2.5 instead of vehicle.fuel_price",
        "problem.bind.fuel.load is set to 0.5",
        "problem.policy.longest_route_cost is set to 0.2",
    )


def test_scenarios_that_do_not_compare_are_refused(tiny, tmp_path):
    base = load_scenario(tiny)
    with pytest.raises(ScenarioError, match="a base and at least one variant"):
        compare([base])
    with pytest.raises(ScenarioError, match="'Tiny' is the name of another scenario too; rename one"):
        compare([base, base])
    with pytest.raises(ScenarioError, match="must be at least 1, not 0"):
        compare([base, base.named("other")], repeats=0)
    abroad = tiny.with_name("abroad.toml")
    text = tiny.read_text().replace("EUR", "USD").replace('"Tiny"', '"Abroad"')
    abroad.write_text(text.replace('kind = "routing"', 'kind = "routing"\nunits = { money = "USD" }'))
    with pytest.raises(ScenarioError, match="objectives in EUR and USD do not compare"):
        compare([base, load_scenario(abroad)])
    with pytest.raises(ScenarioError, match=r"problem\.kind: is 'decision', but .* is 'routing'"):
        compare([base, choice(tmp_path, "n * price")])


def test_sites_that_open_and_close_are_told(tmp_path):
    base = one_market(tmp_path, shortage="")
    found = compare(
        [base, base.set("facilities.status", "closed", where={"name": "north"}).named("north shut")],
        repeats=1,
    )
    assert found.changes_in_use(found.variants[0]) == ("north closes", "south opens")
    assert found.steps[["change", "noise"]].to_numpy().tolist() == [[pytest.approx(105.0 - 50.0), 0.0]]
    assert "facilities.status is closed" in found.text()


def sabotaged(monkeypatch, base, name, goes_wrong, **options):
    """Compare a base with slightly dearer fuel, whereby some searches of one of them find a poor plan."""
    real, calls = solving.search_and_assess, []
    prices = {"Tiny": 1.6, "dear": 1.616}

    def search(problem, options, _solver=None):
        result = real(problem, options)
        if problem.vehicles[0].attributes["fuel_price"].value != pytest.approx(prices[name], rel=1e-9):
            return result
        calls.append(name)
        worse = evaluate(problem, [["north"], ["south"], ["east", "west"]])
        assert worse.objective > result.objective
        return replace(result, assessment=worse.assessment) if goes_wrong(len(calls)) else result

    with monkeypatch.context() as patched:
        patched.setattr(solving, "search_and_assess", search)
        return compare([base, base.scale("vehicles.fuel_price", 1.01).named("dear")], **options)


@pytest.mark.slow
@pytest.mark.parametrize("repeats", [1, 2])
def test_each_scenario_keeps_the_best_plan_there_is(tiny, monkeypatch, repeats):
    """A base whose own search goes wrong takes the plan that was found for a variant, and the other way round."""
    base = load_scenario(tiny)
    best = base.run().result.objective
    # today's plan is better than the poor one, so that a run would search again from it
    tiny.write_text(tiny.read_text().replace('[problem.today]\ntable = "routes"', ""))
    base = load_scenario(tiny)
    found = sabotaged(monkeypatch, base, "Tiny", lambda calls: True, repeats=repeats)
    assert found.base.result.objective == pytest.approx(best, rel=0.01)
    poor = sabotaged(monkeypatch, base, "dear", lambda calls: True, repeats=repeats)
    assert poor.variants[0].run.result.objective == pytest.approx(1.01 * best, rel=0.01)


def test_ctrl_c_keeps_what_there_is(tiny, monkeypatch):
    base = load_scenario(tiny)
    real, calls = solving.search_and_assess, []

    def stopped(problem, options, _solver=None):
        calls.append(options.seed)
        return replace(real(problem, options), interrupted=True)

    monkeypatch.setattr(solving, "search_and_assess", stopped)
    found = compare([base, base.scale("vehicles.fuel_price", 1.1).named("dear")])
    assert calls == [3]
    assert found.interrupted
    assert found.variants[0].run.result.solver == "given plan"
    assert found.steps["replanning_effect"].tolist() == pytest.approx([0.0])
    with pytest.warns(KanoptWarning, match="today's plan"), pytest.raises(KeyboardInterrupt):
        compare([base, base.remove("clients", where={"name": "west"}).named("no west")])


def test_a_change_within_the_noise_is_none_but_the_price_of_one_plan_is_exact(tiny):
    base = load_scenario(tiny)
    found = compare([base, base.scale("vehicles.fuel_price", 1.01).named("a little dearer")])
    [variant] = found.variants
    noisy = replace(variant, found=replace(variant.found, differences=(0.0, 3.0)))
    noisy = replace(found, variants=(noisy,))
    assert noisy.steps["verdict"].iloc[0] == "no difference"
    told = noisy.verdict_text(noisy.variants[0])
    assert told.startswith("no difference: +0.05 EUR (+0.12 %) is within the noise of the search, 3.00 EUR")
    assert told.endswith("the base's plan alone changes by exactly +0.05 EUR")
    assert noisy.moved_text(noisy.variants[0]) == "the plan stays"


def test_a_vehicle_is_not_called_by_a_number_that_a_variant_no_longer_has():
    def planned(vans, *groups):
        problem = random_problem(3, optional=False)
        fleet = [replace(problem.vehicles[0], num_available=vans), *problem.vehicles[1:]]
        changed = replace(problem, vehicles=fleet)
        routes = [Route("van", number, "depot", group) for number, group in enumerate(groups, 1)]
        return evaluate(changed, RoutingPlan(tuple(routes)))

    before = planned(2, ("c0",), ("c1", "c2", "c3"))
    assert [route.index for route in numbered_like(planned(2, ("c1", "c2")), before).routes] == [2]
    assert [route.index for route in numbered_like(planned(1, ("c1", "c2")), before).routes] == [1]
