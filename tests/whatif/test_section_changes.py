"""Changes of keys, laws and constants: from Python and from files, and what is wrong with them."""

import pytest

from kanopt.errors import FormulaError, ScenarioError
from kanopt.problems.evaluate import evaluate
from kanopt.whatif import load_scenario

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
    other = base.set("surrogates.litres.formula", "0.2 * km * (1 + 0.2 * load)")
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
        (("set", "surrogates.litres.c1", 2.0), "law 'litres': .* none of its numbers has a name"),
        (("set", "surrogates.litres.c1", "x"), "a law is changed by numbers, not by the text 'x'"),
    ],
)
def test_mistakes(shared_tiny, change, message):
    action, path, value = change
    with pytest.raises(ScenarioError, match=message):
        getattr(load_scenario(shared_tiny), action)(path, value)


def test_sites_are_opened_and_closed(supply_file):
    base = load_scenario(supply_file)
    site = base.changed["sites"]["name"][0]
    closed = base.close("sites", where={"name": site})
    assert closed.changed["sites"]["status"].tolist()[0] == "closed"
    assert closed.open("sites", where={"name": site}).changed["sites"]["status"].tolist()[0] == "open"
    assert str(closed.changes[0]) == f"sites closed where name = {site}"
    assert closed.change_sentences()[0].startswith("sites.status is closed")
    with pytest.raises(ScenarioError, match="no row of 'sites' has name = nowhere"):
        base.close("sites", where={"name": "nowhere"})


@pytest.fixture
def supply_file(request):
    return request.config.rootpath / "scenarios" / "supply_network.toml"
