"""Plans under many draws: closed forms of a choice, what is counted, and what is refused."""

import signal
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from kanopt.errors import ScenarioError
from kanopt.questions import SweepOptions, factors, monte_carlo
from kanopt.scenarios import load_scenario
from tests.cases.choice_scenario import PRICE, choice
from tests.cases.scenario_files import written

QUICK = SweepOptions(time_limit=0.5)
RAIL = "250 * price * (1 - n) + 480 * n"
"""By road it costs 250 times the price, by rail 480: rail wins above 1.92."""


@pytest.mark.slow
def test_regret_and_shares_are_those_of_the_closed_form(tmp_path):
    found = monte_carlo(
        choice(tmp_path, RAIL, price=1.7, high=1), {PRICE: (1.4, 2.4)}, draws=150, candidates=4, options=QUICK
    )
    frame = found.plans.set_index("plan")
    assert len(frame) == 2
    other = frame.index[1]
    # even draws: the switch point lies at 52 % of the range
    assert frame.loc["kept", "cheapest"] == pytest.approx(0.52, abs=0.02)
    assert frame.loc[other, "cheapest"] == pytest.approx(0.48, abs=0.02)
    assert frame.loc["kept", "mean"] == pytest.approx(250 * 1.9, rel=1e-3)
    assert frame.loc["kept", "regret"] == pytest.approx(250 * 0.48**2 / 2, rel=0.02)
    assert frame.loc[other, "regret"] == pytest.approx(250 * 0.52**2 / 2, rel=0.02)
    assert frame.loc["kept", "largest_regret"] == pytest.approx(250 * 0.48, rel=0.02)
    assert frame.loc["kept", "worst"] == pytest.approx(250 * 2.35, rel=2e-3)
    assert frame.loc["kept", "q05"] == pytest.approx(250 * 1.45, rel=2e-3)
    assert frame.loc[other, "worst"] == pytest.approx(480)
    assert found.best == {"mean": "kept", "mean of the worst tenth": other, "largest regret": "kept"}
    decisions = found.decisions.set_index("thing")
    assert decisions.loc["n", ["choice", "instead"]].tolist() == ["0", "1"]
    assert decisions.loc["n", "keeps"] == pytest.approx(0.52, abs=0.02)
    assert found.draws.shape == (300, 8)
    assert found.draws.groupby("draw")["regret"].min().eq(0.0).all()
    text = str(found)
    assert "Lowest mean and largest regret: the plan kept." in text
    assert "n is 0 in the cheapest plan of 52 %" in text


NETWORK = {
    "suppliers": "name,product\nmill,flour\n",
    "facilities": "name,fixed_cost,capacity\nsmall,30,11\nlarge,33,20\n",
    "markets": "name\nLyon\n",
    "products": "name,shortage_cost\nflour,9\n",
    "periods": "name\n1\n",
    "demand": "market,product,period,demand,demand_sd\nLyon,flour,1,10,4\n",
    "lanes": "tail,head\nmill,small\nmill,large\nsmall,Lyon\nlarge,Lyon\n",
}


def test_demand_is_drawn_and_sites_made_for_a_draw_are_better_on_average(tmp_path):
    """A site a little dearer, which holds 20 in place of 11, against a demand of 10 ± 4: what is missing costs 9."""
    tariff = '[surrogates.rate]\nformula = "0.5"\nunit = "EUR/t"'
    scenario = written(tmp_path, "supply", NETWORK, laws=tariff, problem='tariff = { law = "rate" }')
    found = monte_carlo(scenario, draws=100, candidates=6, options=QUICK)
    kept, other = found.plans.set_index("plan")[["mean", "error"]].to_numpy()
    wanted = np.array([price - 33.0 for price in found.of_each("price").iloc[:, 1]])  # what 20 are enough for
    assert wanted.min() > 0.0
    sigma = np.sqrt(np.log1p(0.16))
    middle = np.log(10.0) - sigma**2 / 2.0

    def missing(amount):
        far = (middle - np.log(amount)) / sigma
        return 10.0 * norm.cdf(far + sigma) - amount * norm.cdf(far)

    expected = 30.0 + 10.0 + 8.0 * missing(11.0), 33.0 + 10.0 + 8.0 * missing(20.0)
    for (mean, error), price in zip((kept, other), expected, strict=True):
        assert mean == pytest.approx(price, abs=4.0 * error)
    assert found.best["mean"] == list(found.decided)[1]
    decisions = found.decisions.set_index("thing")["choice"]
    assert decisions["small"] == "in use"


def test_a_draw_that_makes_no_problem_is_counted(tmp_path):
    found = monte_carlo(
        choice(tmp_path, "n + sqrt(price)", high=1),
        {PRICE: [1.0, -1.0]},
        draws=20,
        candidates=4,
        options=QUICK,
    )
    planned = sum(one.status != "refused" for one in found.replanned)
    assert 0 < planned < 4
    assert f"no other plan to compare it with, from {planned} draw" in found.text()
    assert "planned anew no plan was found" not in found.text()
    assert found.plans["fails"].item() == 0.0
    assert "10 draws make no problem, the first:" in found.text()
    assert (found.draws["message"] != "").sum() == 10


@pytest.mark.slow
def test_a_plan_that_fails_is_counted_and_not_best(shared_tiny):
    scenario = load_scenario(shared_tiny)
    found = monte_carlo(
        scenario, {"clients.demand_t": factors([0.5, 1.0, 1.5])}, draws=30, candidates=3, options=QUICK
    )
    assert found.laws == ()
    frame = found.plans
    # the vans are full as it is
    assert frame.loc[0, "fails"] == pytest.approx(1 / 3, abs=0.01)
    robust = frame[frame["fails"] == 0.0]
    assert len(robust) >= 1
    assert set(found.best.values()) <= set(robust["plan"])
    assert "the plan that is kept breaks a rule or leaves out more" in found.text()
    assert found.draws.loc[~found.draws["holds"].astype(bool), "regret"].isna().all()


def learned(folder, noise: float):
    """Write a scenario whose price is a learned law, and that of a decision to take more of it or less."""
    rng = np.random.default_rng(3)
    km = rng.uniform(1.0, 50.0, 300)
    cost = 2.0 * km * (1.0 + noise * rng.standard_normal(300))
    pd.DataFrame({"km": km, "cost": cost}).to_csv(folder / "trips.csv", index=False)
    (folder / "choices.csv").write_text("name,low,high,integer\nn,1,3,true\n", "utf-8")
    (folder / "trips.toml").write_text(
        """
[scenario]
name = "Trips"
[tables.trips]
path = "trips.csv"
[tables.choices]
path = "choices.csv"
[surrogates.trip]
table = "trips"
target = "cost"
features = ["km"]
network = { hidden = [] }
[surrogates.cost]
formula = "trip * n"
inputs = { n = "" }
unit = "EUR"
[problem]
kind = "decision"
minimise.cost = "cost"
[problem.decisions]
table = "choices"
[problem.bind]
n = "decision.n"
km = 20
""",
        "utf-8",
    )
    return load_scenario(folder / "trips.toml")


@pytest.mark.slow
def test_errors_of_laws_spread_prices_as_they_spread_rows(tmp_path):
    scenario = learned(tmp_path, 0.1)
    found = monte_carlo(scenario, draws=200, candidates=0, options=QUICK)
    assert found.laws == ("trip",)
    prices, paid = (found.of_each(name)["kept"] for name in ("price", "paid"))
    assert prices.mean() == pytest.approx(40.0, rel=0.03)
    # the law is known far better than a single trip, which errs by a tenth
    assert 0.0 < prices.std() < 1.0
    assert paid.std() == pytest.approx(4.0, rel=0.25)
    assert found.base.objective == pytest.approx(40.0, rel=0.03)


def test_a_law_of_which_a_constant_is_set_is_not_the_one_that_was_learned(tmp_path):
    scenario, constant = learned(tmp_path, 0.1), "surrogates.trip.c1"
    found = monte_carlo(scenario, {constant: (1.0, 3.0)}, draws=20, candidates=0, options=QUICK)
    assert found.laws == ()
    assert found.of_each("paid")["kept"].tolist() == pytest.approx((20.0 * found.draws[constant]).tolist())


def test_a_stop_keeps_the_draws_that_are_done(tmp_path, monkeypatch):
    module = import_module("kanopt.questions.monte_carlo")

    price = module._price

    def stopped(asked, task):
        if task.point == 7:
            signal.raise_signal(signal.SIGINT)
        return price(asked, task)

    monkeypatch.setattr(module, "_price", stopped)
    found = monte_carlo(
        choice(tmp_path, RAIL, high=1), {PRICE: (1.4, 2.4)}, draws=20, candidates=0, options=QUICK
    )
    assert found.interrupted
    assert found.done == 8
    assert "stopped it after 8 of 20 draws" in found.text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draws": 3}, "draws: is a whole number from 20"),
        ({"candidates": 101}, "candidates: is a whole number from 0 to 100"),
        ({"ranges": {PRICE: 1.0}}, "between two numbers or from a list"),
        ({"ranges": {}}, "nothing is uncertain"),
        ({"options": SweepOptions(out="folder")}, "kept on disk by sweeps alone"),
    ],
)
def test_mistakes_are_told(tmp_path, changes, message):
    given = {"ranges": {PRICE: (1.4, 2.4)}, "options": QUICK, **changes}
    with pytest.raises(ScenarioError, match=message):
        monte_carlo(choice(tmp_path, RAIL, high=1), given.pop("ranges"), **given)
