"""What-ifs in which nothing changes: each of them says so, whatever searches find."""

import numpy as np
import pytest

from kanopt.questions import SweepOptions, compare, factors, sweep, tornado
from kanopt.questions.axes import Axis, Values
from kanopt.questions.point import NO_DIFFERENCE
from kanopt.scenarios import load_scenario
from tests.cases.choice_scenario import PRICE, choice
from tests.scenarios.conftest import TABLES, TINY, write_tiny

TWICE = SweepOptions(time_limit=0.15, repeats=2)
OF_ROUTES = {
    "the price that it has": {"set": {"vehicles.fuel_price": 1.6}},
    "prices times one": {"scale": {"vehicles.fuel_price": 1.0}},
    "demand times one": {"scale": {"clients.demand_t": 1.0}},
    "a law times one": {"scale": {"surrogates.litres": 1.0}},
    "the windows that they have": {"set": {"clients[name=west].ready_h": 9.0}},
    "the capacity that it has": {"set": {"vehicles[name=van].capacity": 1.2}},
    "as many vans": {"set": {"vehicles[name=van].num_available": 2}},
    "vans that stay at home": {"set": {"vehicles[name=van].num_available": 9}},
    "trucks that stay at home": {"set": {"vehicles[name=truck].num_available": 5}},
    "a fixed cost of nobody": {"set": {"vehicles[name=spare].fixed_cost": 90.0}},
    "fuel of nobody": {"set": {"vehicles[name=spare].fuel_price": 9.0}},
    "capacity of nobody": {"scale": {"vehicles[name=spare].capacity": 0.5}},
    "a shift that nobody needs": {"set": {"vehicles.shift_end": 1080.0}},
    "a shift that begins as early": {"set": {"vehicles.shift_start": 420.0}},
    "a window that ends later": {"set": {"clients[name=south].due_h": 18.0}},
    "demand that rounds to the same": {"scale": {"clients.demand_t": 1.0 + 1e-12}},
    "a key that says the same": {"set": {"problem.bind.price": "vehicle.fuel_price"}},
}
OF_CHOICES = {
    "a price that no plan pays": ("(n - 2)^2 + 0 * price", 1.0, (0.5, 2.0)),
    "a price of what nobody takes": ("(n - 2)^2 + max(0, n - 3) * price", 1.0, (0.5, 2.0)),
    "the price that it has": ("n * (price - 3)", 1.0, (1.0, 1.0 + 1e-13)),
    "earnings that stay": ("n^2 - 4 * n + 0 * price", 1.0, (0.5, 2.0)),
    "nothing to pay": ("n * price", 1.0, (0.5, 2.0)),
}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    """The tiny scenario with vehicles that cost too much to be used."""
    path = write_tiny(tmp_path_factory.mktemp("nothing"))
    (path.parent / "vehicles.csv").write_text(TABLES["vehicles.csv"] + "spare,2,5,500,1.6,420,1020\n")
    path.write_text(TINY.replace('[problem.today]\ntable = "routes"\n', ""))
    return load_scenario(path)


def changed(scenario, asked):
    for action, changes in asked.items():
        for path, value in changes.items():
            scenario = scenario.with_change(Axis(path, Values((value,), action)).change(value))
    return scenario


@pytest.mark.slow
def test_variants_in_which_nothing_changes_say_so(scenario):
    variants = [changed(scenario, asked).named(name) for name, asked in OF_ROUTES.items()]
    found = compare([scenario, *variants], time_limit=0.1)
    told = dict(zip(OF_ROUTES, found.steps["verdict"], strict=True))
    assert set(told.values()) == {NO_DIFFERENCE}, told
    assert found.moved.empty
    for variant in found.variants:
        assert found.moved_text(variant) == "the plan stays"
        assert found.changes_in_use(variant) == ()
        assert found.verdict_text(variant).startswith(NO_DIFFERENCE)


@pytest.mark.parametrize("options", [TWICE, SweepOptions(time_limit=0.15)])
def test_points_in_which_nothing_changes_say_so(scenario, options):
    axes = {"vehicles.fuel_price": [1.6], "vehicles[name=spare].fixed_cost": [400.0, 500.0, 600.0]}
    found = sweep(scenario, axes, options=options)
    assert found.points["verdict"].tolist() == [NO_DIFFERENCE] * 3
    assert found.extremes() == (
        "No point is cheaper than the plan as it is. No point is dearer than the plan as it is."
    )


def test_the_scenario_s_own_point_is_neither_cheaper_nor_dearer(scenario):
    found = sweep(
        scenario, {"vehicles.fuel_price": factors([1.0, 1.5])}, options=SweepOptions(time_limit=0.1)
    )
    assert found.points["verdict"].tolist()[0] == NO_DIFFERENCE
    assert found.points["change"][0] == pytest.approx(0.0, abs=1e-9)
    assert found.extremes().startswith("No point is cheaper than the plan as it is.")


def test_an_input_that_moves_nothing_says_so(scenario):
    axes = {"vehicles[name=spare].fuel_price": (1.0, 2.0), "vehicles[name=spare].fixed_cost": (400.0, 600.0)}
    found = tornado(scenario, axes, options=TWICE)
    assert found.frame["verdict"].tolist() == [NO_DIFFERENCE] * 2
    assert (found.frame["swing"] <= np.maximum(found.frame["noise"], 1e-9)).all()


@pytest.mark.parametrize("name", OF_CHOICES)
def test_choices_of_no_effect_say_so(tmp_path, name):
    formula, price, values = OF_CHOICES[name]
    found = sweep(choice(tmp_path, formula, price), {PRICE: list(values)}, options=SweepOptions(time_limit=1))
    assert found.points["verdict"].tolist() == [NO_DIFFERENCE] * 2


def test_a_point_that_serves_nobody_is_never_cheapest(tmp_path):
    path = write_tiny(tmp_path)
    head, *rows = TABLES["clients.csv"].splitlines()
    rows = [f"{head},prize", *(f"{row},30" for row in rows)]
    (tmp_path / "clients.csv").write_text("\n".join(rows) + "\n")
    path.write_text(TINY.replace('[problem.today]\ntable = "routes"\n', ""))
    scenario = load_scenario(path)
    found = sweep(
        scenario,
        {"clients.prize": [0.5, 30.0], "vehicles.fixed_cost": factors([1.0, 1.1])},
        options=SweepOptions(time_limit=0.1),
    )
    assert found.points["objective"].min() == pytest.approx(2.0)  # four prizes that nobody earns
    best, _ = found.cheapest_and_dearest()
    assert found.design_points[best.point][0] == 30.0
    assert "prize 0.5" not in found.extremes()
