"""Tornados: the same effects as runs by hand, the order, plans that leave something out, and the chart."""

import numpy as np
import pytest

from kanopt.plans.evaluate import evaluate
from kanopt.questions import SweepOptions, factors, tornado
from kanopt.scenarios import load_scenario
from tests.cases.choice_scenario import PRICE, choice

QUICK = SweepOptions(time_limit=0.3)
AXES = {
    "vehicles.fuel_price": (1.0, 2.0),
    "vehicles.fixed_cost": factors(0.5, 3.0, 2),
    "surrogates.litres": factors(0.9, 1.1, 2),
}


def test_effects_are_those_of_scenarios_made_by_hand(shared_tiny):
    scenario = load_scenario(shared_tiny)
    found = tornado(scenario, AXES, plan="today")
    base, plan = found.base.objective, found.base.plan
    made = {
        "vehicles.fuel_price": [scenario.set("vehicles.fuel_price", one) for one in (1.0, 2.0)],
        "vehicles.fixed_cost ×": [scenario.scale("vehicles.fixed_cost", one) for one in (0.5, 3.0)],
        "surrogates.litres ×": [scenario.scale("surrogates.litres", one) for one in (0.9, 1.1)],
    }
    frame = found.frame.set_index("path")
    assert sorted(frame.index) == sorted(made)
    for path, scenarios in made.items():
        expected = [evaluate(one.build(one.formulas({})), plan).objective - base for one in scenarios]
        assert frame.loc[path, ["low_effect", "high_effect"]].tolist() == pytest.approx(expected, rel=1e-9)
    assert found.frame["swing"].is_monotonic_decreasing
    assert (found.frame["noise"] == 0).all()
    assert (found.frame["verdict"] == "moves the price").all()


def test_proved_plans_have_no_noise(tmp_path):
    # by road 250 km, by rail 480 at once: from 1.2 to 3 EUR a km the price goes from 300 to 480, and is 400 as it is
    scenario = choice(tmp_path, "250 * price * (1 - n) + 480 * n", price=1.6, high=1)
    found = tornado(scenario, {PRICE: (1.2, 3.0)}, options=QUICK)
    row = found.frame.iloc[0]
    effects = row[["low_effect", "high_effect", "kept_low", "kept_high", "swing", "kept_swing"]].tolist()
    assert effects == pytest.approx([-100, 80, -100, 350, 180, 450], abs=1e-3)
    assert row["noise"] == 0


@pytest.mark.slow
def test_what_is_left_out_is_not_compared(shared_tiny):
    axes = {"vehicles.capacity": factors(0.3, 1.0, 2), "vehicles.fuel_price": (1.0, 2.0)}
    found = tornado(load_scenario(shared_tiny), axes, options=QUICK)
    row = found.frame.iloc[0]
    assert (row["path"], row["verdict"], row["low_status"]) == (
        "vehicles.capacity ×",
        "not like with like",
        "partial",
    )
    assert np.isnan(row["low_effect"])
    refused = tornado(load_scenario(shared_tiny), {"clients[name=north].ready_h": (8.0, 20.0)}, plan="today")
    assert refused.frame["verdict"].tolist() == ["no plan"]


def test_a_chart_has_a_bar_for_each_input(shared_tiny):
    from matplotlib.figure import Figure

    found = tornado(load_scenario(shared_tiny), AXES, plan="today")
    given = Figure().subplots()
    ax = found.plot(ax=given)
    assert ax is given
    ends = sorted(bar.get_width() for bar in ax.patches)
    assert ends == pytest.approx(sorted([*found.frame["low_effect"], *found.frame["high_effect"]]))
    assert ax.yaxis_inverted()  # the first stands on top
    assert [label.get_text() for label in ax.get_yticklabels()] == found.frame["path"].tolist()
