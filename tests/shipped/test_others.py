"""Roads, a workshop and a supply network: learned, planned, varied."""

import numpy as np
import pytest

from kanopt.errors import DomainWarning
from kanopt.questions import compare
from kanopt.scenarios import load_scenario

pytestmark = pytest.mark.slow  # whoever comes first learns and plans


@pytest.fixture(scope="module")
def roads(scenarios):
    files = [scenarios / f"sioux_falls{file}.toml" for file in ("", "_capacity", "_outside")]
    with pytest.warns(DomainWarning) as caught:
        found = compare([load_scenario(file) for file in files], repeats=1, time_limit=1)
    return found, [str(warning.message) for warning in caught if warning.category is DomainWarning]


def test_the_learned_link_time_is_the_published_law(roads):
    law = roads[0].base.laws["link_time"].formula
    rng = np.random.default_rng(0)
    free, capacity, ratio = rng.uniform(2, 10, 500), rng.uniform(4900, 25000, 500), rng.uniform(0.2, 2.4, 500)
    truth = free * (1.0 + 0.15 * ratio**4)
    found = law.evaluate({"free_flow_min": free, "volume": ratio * capacity, "capacity_veh_h": capacity})
    np.testing.assert_allclose(found, truth, rtol=0.02)


def test_more_traffic_than_the_law_has_seen_is_warned_of(roads):
    compared, warnings = roads
    variant = compared.variants[1]
    assert len(variant.run.explanation.outside()) > 0
    assert len(compared.base.explanation.outside()) == 0
    assert all("outside the data it was learned from" in message for message in warnings)
    assert any(note.startswith(variant.name) and "outside the data" in note for note in compared.notes)


@pytest.fixture(scope="module")
def shop(scenarios):
    return load_scenario(scenarios / "workshop.toml").run(time_limit=1.5)


def test_the_workshop_is_scheduled_with_a_bound(shop):
    assert shop.result.check.ok
    assert shop.result.bound is not None
    assert 0 < shop.result.bound <= shop.result.objective
    assert set(shop.result.pricing.terms().index) == {"makespan", "tardiness", "energy"}


def test_the_workshops_laws_are_the_true_ones(shop):
    log = shop.scenario.tables["log"]
    names = ["machine", "material", "weight_kg", "length_mm"]
    pace = log["machine"].map({"mill A": 1.0, "mill B": 0.8, "lathe": 1.1, "router": 0.9, "old mill": 1.35})
    power = log["machine"].map({"mill A": 9.0, "mill B": 14.0, "lathe": 7.5, "router": 11.0, "old mill": 8.0})
    hardness = log["material"].map({"aluminium": 0.8, "steel": 1.3, "plastic": 0.6})
    minutes = pace * hardness * (15.0 + 0.12 * log["length_mm"] + 4.0 * np.sqrt(log["weight_kg"]))
    for law, truth in (("minutes", minutes), ("kwh", power * minutes / 60.0 * (0.6 + 0.4 * hardness))):
        error = shop.laws[law].formula.evaluate(log[names]) / truth - 1.0
        assert np.sqrt(np.mean(error**2)) < 0.05
        assert abs(error.mean()) < 0.02


@pytest.fixture(scope="module")
def network(scenarios):
    files = [scenarios / f"supply_network{file}.toml" for file in ("", "_site", "_tariffs")]
    return compare([load_scenario(file) for file in files], time_limit=10)


def test_the_network_is_planned_to_optimality_and_so_are_its_what_ifs(network):
    assert [run.result.status.value for run in network.runs] == ["optimal"] * 3
    assert network.steps["noise"].tolist() == [0.0, 0.0]
    assert all(run.result.check.ok for run in network.runs)


def test_a_closed_site_breaks_the_old_plan_and_costs_money(network):
    variant = network.variants[0]
    assert variant.found.kept_message
    assert variant.run.result.objective > network.base.result.objective
    assert "site B" not in set(variant.run.result.to_frame()["tail"])


def test_the_networks_laws_are_the_true_ones(network):
    freight, sales = (network.base.scenario.tables[name] for name in ("freight", "sales"))
    cost = network.base.laws["shipment_cost"].formula.evaluate(freight)
    base, rate = (
        freight["mode"].map(dict(zip(("van", "truck", "rail"), values, strict=True)))
        for values in ((20.0, 60.0, 350.0), (0.80, 0.90, 0.62))
    )
    true = base + rate * freight["distance_km"] ** 0.9 * freight["weight_t"] ** 0.6
    assert np.median(np.abs(cost / true - 1.0)) < 0.08
    assert cost.sum() / true.sum() == pytest.approx(1.0, abs=0.03)
    pallets = network.base.laws["demand"].formula.evaluate(sales)
    size, usual = (
        sales["product"].map(dict(zip(("standard", "chilled"), values, strict=True)))
        for values in ((60.0, 25.0), (400.0, 900.0))
    )
    season = 1.0 + 0.25 * np.sin(2.0 * np.pi * (sales["month"] - 4.0) / 12.0)
    true = size * (sales["population_k"] / 100.0) ** 0.9 * (sales["price"] / usual) ** -1.4 * season
    assert np.median(np.abs(pallets / true - 1.0)) < 0.04


def test_the_law_of_coffee_is_the_true_one_and_its_plan_is_proved(scenarios):
    run = load_scenario(scenarios / "coffee.toml").run()
    log = run.scenario.tables["sales"]
    size = log["coffee"].map({"espresso": 420.0, "filter": 300.0, "decaf": 90.0})
    usual = log["coffee"].map({"espresso": 9.0, "filter": 6.5, "decaf": 8.0})
    season = 1.0 + 0.15 * np.sin(2.0 * np.pi * (log["week"] - 44) / 52.0)
    truth = size * (log["price"] / usual) ** -2.2 * season
    error = run.laws["demand"].formula.evaluate(log) / truth - 1.0
    assert np.sqrt(np.mean(error**2)) < 0.03
    result = run.result
    assert result.status.value == "optimal"
    assert result.check.ok
    assert not run.explanation.extrapolations
    assert run.today.check.ok
    assert result.objective < run.today.objective < 0.0
