"""Where one plan beats another: boxes that are known, edges of laws, noise, and what does not compare."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.errors import ScenarioError
from kanopt.whatif import SweepOptions, factors, grid, load_scenario, sweep, where_wins
from tests.cases.choice_scenario import PRICE, choice

AXES = {"vehicles.fuel_price": grid(1.0, 2.0, 11), "clients.demand_t": factors(0.8, 1.2, 9)}


@pytest.fixture(scope="module")
def prices(shared_tiny):
    """Two sweeps of one plan, the second cheaper by a function of the point."""
    found = sweep(load_scenario(shared_tiny), AXES, plan="today")

    def make(gain, noise=0.0):
        first = [replace(one, objective=100.0, unserved=0, violations=0) for one in found.results]
        second = [
            replace(one, objective=100.0 - gain(*values), searches=(100.0, 100.0 + noise))
            for one, values in zip(first, found.design_points, strict=True)
        ]
        named = replace(found, scenario=found.scenario.named("B"), anew=noise > 0, results=tuple(second))
        return replace(found, scenario=found.scenario.named("A"), results=tuple(first)), named

    return make


@pytest.mark.slow
def test_a_box_is_found_and_told(prices):
    a, b = prices(lambda fuel, demand: 5.0 if fuel > 1.65 and demand < 1.08 else -1.0)
    found = where_wins(b, a)
    row = found.frame.iloc[0]
    assert len(found.frame) == 1
    # 4 of 11 prices and 6 of 9 demands
    assert (row["points"], row["wins"], row["coverage"], row["purity"]) == (24, 24, 1.0, 1.0)
    assert row["mean_gain"] == pytest.approx(5.0)
    assert found.text() == (
        "B beats A where vehicles.fuel_price is above 1.65 and clients.demand_t × is below 1.07: "
        "at 24 of the 24 points there, 100 % of all where it does, by 5.00 EUR on average"
    )


@given(st.floats(1.06, 1.94), st.floats(0.83, 1.17), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_every_quadrant_is_covered_and_pure(prices, fuel0, demand0, up, right):
    a, b = prices(lambda fuel, demand: 1.0 if (fuel > fuel0) == up and (demand > demand0) == right else -1.0)
    found = where_wins(b, a)
    assert found.frame["coverage"].sum() == pytest.approx(1.0)
    assert (found.frame["purity"] == 1.0).all()
    opposite = where_wins(a, b)
    assert opposite.frame["coverage"].sum() == pytest.approx(1.0)


@pytest.mark.slow
def test_a_threshold_lies_on_the_edge_of_a_law_where_there_is_one(tmp_path):
    text = "(1 - n) * (399 + 100 * max(0, price - 1.77)) + 400 * n"
    found = sweep(
        choice(tmp_path, text, high=1), {PRICE: grid(1.0, 3.0, 21)}, options=SweepOptions(time_limit=0.5)
    )
    told = where_wins(found)
    # above 1.78 it pays: between 1.7 and 1.8, where the law has its edge
    assert told.frame["rule"].tolist() == [f"{PRICE} is above 1.77 (an edge of the law of cost)"]
    assert told.sentences()[0].startswith("planning anew beats the plan that is kept where")
    assert told.points["wins"].sum() == 13
    below = sweep(found.scenario, {PRICE: [1.0, 1.5]}, options=SweepOptions(time_limit=0.5))
    assert (
        where_wins(below).text() == "planning anew beats the plan that is kept at none of 2 points compared"
    )


def test_points_inside_the_noise_and_unlike_ones_are_left_out(prices):
    a, b = prices(lambda fuel, demand: fuel - 1.5, noise=0.15)
    found = where_wins(b, a)
    # |fuel − 1.5| is 0 or 0.1 at three prices of nine demands
    assert found.inside_noise == 27
    assert len(found.points) == 72
    assert "27 points with a difference inside the noise" in found.text()
    unlike = tuple(replace(one, unserved=one.point % 2) for one in b.results)
    assert where_wins(replace(b, results=unlike), a).unlike == 49
    unknown = tuple(replace(one, searches=()) for one in b.results)
    assert "search twice to know it (--repeats 2" in where_wins(replace(b, results=unknown), a).text()


def test_one_that_is_better_everywhere_needs_no_rule(prices):
    a, b = prices(lambda fuel, demand: 2.0)
    assert where_wins(b, a).text() == "B beats A at all 99 points compared, by 2.00 EUR on average"
    assert where_wins(a, b).text() == "B beats A at all 99 points compared, by 2.00 EUR on average"
    a, b = prices(lambda fuel, demand: 0.0)
    assert where_wins(a, b).inside_noise == 99


def test_values_that_are_no_numbers_are_named(shared_tiny):
    axes = {"vehicles.needs": ["a", "b", "c"]}
    found = sweep(load_scenario(shared_tiny), {"vehicles.fuel_price": [1.0, 2.0, 3.0]}, plan="today")
    words = replace(
        found,
        axes=tuple(
            replace(axis, path=path, values=replace(axis.values, items=tuple(items)))
            for axis, (path, items) in zip(found.axes, axes.items(), strict=True)
        ),
        design_points=(("a",), ("b",), ("c",)),
    )
    second = tuple(
        replace(one, objective=one.objective + (3.0, -4.0, 5.0)[one.point]) for one in found.results
    )
    told = where_wins(replace(words, results=second), words)
    assert told.frame["rule"].tolist() == ["vehicles.needs is b"]


def test_mistakes_are_told(prices, shared_tiny):
    a, b = prices(lambda fuel, demand: 1.0)
    with pytest.raises(ScenarioError, match="is 1, 2 or 3, not 7"):
        where_wins(a, b, depth=7)
    with pytest.raises(ScenarioError, match="is compared with another sweep"):
        where_wins(a)
    other = sweep(load_scenario(shared_tiny), {"vehicles.fuel_price": (1.0, 2.0)}, plan="today")
    with pytest.raises(ScenarioError, match="the same paths and the same points"):
        where_wins(a, other)
    assert math.isnan(other.results[0].noise)
