"""The whole road on the example city: laws as good as the noise allows, a plan that holds, what-ifs that add up."""

import numpy as np
import pytest

from kanopt.engines.solve import solve
from kanopt.questions import compare
from kanopt.scenarios import load_scenario
from kanopt.tables import load_example

pytestmark = pytest.mark.slow  # whoever comes first learns and plans


@pytest.fixture(scope="module")
def compared(scenarios):
    files = ("", "_fuel", "_demand", "_van")
    return compare(
        [load_scenario(scenarios / f"parcel_city{file}.toml") for file in files], repeats=1, time_limit=1
    )


@pytest.fixture(scope="module")
def places():
    """Draw legs as they occur in the city: within the range of the log."""
    rng = np.random.default_rng(0)
    return {
        "distance_km": rng.uniform(1.0, 20.0, 4000),
        "hour": rng.uniform(6.5, 19.5, 4000),
        "load_t": rng.uniform(0.0, 3.5, 4000),
    }


def test_the_learned_travel_time_is_the_true_one(compared, places):
    law = compared.base.laws["travel_time"].formula
    truth = load_example("city").true_minutes(places["distance_km"], places["hour"])
    error = law.evaluate(places) / truth - 1.0
    # 4,000 rows with 8 % noise and some twenty constants leave about 0.5 %
    assert np.sqrt(np.mean(error**2)) < 0.01
    assert np.abs(error).max() < 0.03
    assert abs(error.mean()) < 0.005


def test_the_learned_fuel_is_the_true_one(compared, places):
    law = compared.base.laws["fuel"].formula
    truth = load_example("city").true_fuel_l(places["distance_km"], places["load_t"], places["hour"])
    error = law.evaluate(places) / truth - 1.0
    assert np.sqrt(np.mean(error**2)) < 0.015
    assert np.abs(error).max() < 0.05
    assert abs(error.mean()) < 0.01


def test_the_plan_holds_and_beats_todays(compared):
    base = compared.base
    assert base.result.check.ok
    # a comparison may take a plan over from another scenario, which was priced and not lowered for this one; what a
    # solver makes of this problem always carries a certificate
    assert solve(base.problem, time_limit=1).certificate.holds
    assert base.result.solver == "given plan" or base.result.certificate.holds
    assert base.today is not None
    assert base.today.check.ok
    assert base.result.objective < 0.95 * base.today.objective
    assert len(base.explanation.outside()) == 0


def test_dearer_fuel_raises_the_cost_of_fuel_alone(compared):
    terms = compared.terms.set_index(["scenario", "term"])["data_effect"]["Fuel +15 %"]
    fuel = compared.terms.set_index(["scenario", "term"])["before"]["Fuel +15 %"]["fuel"]
    assert terms["fuel"] == pytest.approx(0.15 * fuel)
    assert terms.drop("fuel").abs().max() < 1e-9


def test_more_demand_and_fewer_vans_break_the_old_plan_and_are_planned_anew(compared):
    variants = {variant.name: variant for variant in compared.variants}
    for name in ("Demand +20 %", "One van fewer"):
        assert variants[name].found.kept_message
        assert variants[name].run.result.check.ok
        assert "no longer holds" in compared.old_plan_note(variants[name])
    assert variants["Demand +20 %"].run.result.objective > compared.base.result.objective
