"""Sites chosen for many demands, beside the newsvendor who buys capacity, and what that is worth."""

from __future__ import annotations

import signal
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import kanopt as ko
from kanopt import Uncertainty
from kanopt.decisions import Decision
from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier

MEAN, DEVIATION, UNIT, SHORT = 10.0, 4.0, 3.0, 9.0
SIGMA = float(np.sqrt(np.log1p((DEVIATION / MEAN) ** 2)))
MIDDLE = float(np.log(MEAN) - SIGMA**2 / 2.0)


def capacities(*sizes: float, shortage_cost: float | None = SHORT, **more: object) -> ko.SupplyProblem:
    """Sites of some sizes at 3 for each unit of capacity, between a mill and a market; moving costs nothing."""
    sites = [Facility(f"site {size:g}", fixed_cost=UNIT * size, capacity=size) for size in sizes]
    lanes = [Lane("mill", site.name) for site in sites] + [Lane(site.name, "Lyon") for site in sites]
    fields: dict[str, object] = {"tariff": 0.0, **more}
    return ko.SupplyProblem(
        suppliers=[Supplier("mill", "flour")],
        facilities=sites,
        markets=[Market("Lyon")],
        products=[Product("flour", shortage_cost=shortage_cost)],
        periods=[Period("1")],
        lanes=lanes,
        demand=pd.DataFrame({"market": ["Lyon"], "demand": [MEAN], "demand_sd": [DEVIATION]}),
        **fields,  # type: ignore[arg-type]
    )


def mean_cost(capacity: float) -> float:
    """Mean cost of a capacity under log-normal demand."""
    far = (MIDDLE - np.log(capacity)) / SIGMA
    return float(UNIT * capacity + SHORT * (MEAN * norm.cdf(far + SIGMA) - capacity * norm.cdf(far)))


def size_of(result: ko.Result) -> float:
    return float(sum(float(name.split()[1]) for name in result.assessment.in_use.names))


@pytest.mark.slow
def test_capacity_is_the_quantile_of_the_critical_ratio_and_its_value_that_of_the_textbook() -> None:
    """A unit of capacity too many costs 3, one too few 9 − 3: capacity is the quantile of 6 / 9, to whole units."""
    found = ko.solve_sample_average(
        capacities(1.0, 2.0, 4.0, 8.0), samples=80, replications=4, draws=2000, seed=1
    )
    best = np.exp(MIDDLE + SIGMA * norm.ppf((SHORT - UNIT) / SHORT))
    assert size_of(found.plain) == MEAN
    assert size_of(found.result) == pytest.approx(best, abs=1.0)
    mine, theirs = mean_cost(size_of(found.result)), mean_cost(MEAN)
    assert found.risk.cost.mean() == pytest.approx(mine, abs=4.0 * found.risk.cost_error)
    worth = found.value_of_stochastic_solution
    assert worth == pytest.approx(theirs - mine, abs=4.0 * found.value_error)
    assert found.lower_bound is not None
    assert found.lower_bound_error is not None
    cheapest = min(mean_cost(float(size)) for size in range(1, 16))
    assert found.lower_bound <= cheapest + 4.0 * found.lower_bound_error
    assert found.most_to_save is not None
    assert found.gaps is not None
    assert min(found.gaps) >= -1e-6
    assert mine - cheapest <= found.most_to_save < 1.0
    assert found.result.check.ok
    assert "The value of the stochastic solution is" in str(found)


@pytest.mark.slow
def test_samples_of_one_draw_bound_by_waiting_and_seeing() -> None:
    """Who knows demand before he builds pays 3 for each whole unit, up to 15, or 9 for what he leaves out."""
    found = ko.solve_sample_average(capacities(1.0, 2.0, 4.0, 8.0), samples=1, replications=5, draws=20)
    assert found.bounds is not None
    demands = [np.exp(MIDDLE + SIGMA * _score(number)) for number in range(5)]
    sizes = np.arange(16.0)
    known = [min(UNIT * sizes + SHORT * np.maximum(demand - sizes, 0.0)) for demand in demands]
    np.testing.assert_allclose(found.bounds, known, rtol=1e-5)
    assert found.lower_bound == pytest.approx(np.mean(known), rel=1e-5)


def _score(number: int) -> float:
    """Return the normal number behind the draw of a sample."""
    rng = np.random.default_rng([0, 2, number])
    rng.standard_normal((1, 1))  # what all amounts have in common
    return float(rng.standard_normal())


@pytest.mark.slow
def test_a_plan_that_is_best_anyway_is_returned_as_it_is() -> None:
    found = ko.solve_sample_average(capacities(20.0), samples=5, replications=2, draws=50)
    assert found.result is found.plain
    assert (found.value_of_stochastic_solution, found.value_error) == (0.0, 0.0)
    assert "for mean demand the same sites" in str(found)
    again = ko.risk(found.result, recourse="flows", draws=50, seed=found.risk.seed)
    np.testing.assert_array_equal(again.cost, found.risk.cost)
    sent = np.minimum(again.days.demand[:, 0], 20.0)  # what is sent follows demand, up to the capacity
    assert again.demands["delivered"].item() == pytest.approx(sent.mean())
    assert again.ranges() is None


@pytest.mark.slow
def test_draws_that_no_sites_can_serve_are_counted(tmp_path: Path) -> None:
    found = ko.solve_sample_average(
        capacities(4.0, 10.0, shortage_cost=None), samples=20, replications=2, draws=400, seed=2
    )
    beyond = (found.risk.days.demand[:, 0] > 14.0).mean()
    assert found.unavoidable == pytest.approx(beyond)
    assert 0.0 < found.unavoidable == found.risk.fails < found.plain_risk.fails
    assert found.sites == ("site 4", "site 10")
    assert "Demand that must be delivered is missing in" in str(found)
    assert len(found.risk.cost) == 400
    (row,) = found.to_frame().to_dict("records")
    assert (row["stockout"], row["stockout_plain"]) == (found.risk.fails, found.plain_risk.fails)
    assert row["shortage"] < row["shortage_plain"]
    book = pd.read_excel(found.to_xlsx(tmp_path / "sites.xlsx"), sheet_name=None)
    assert list(book) == ["Summary", "demands", "sites"]
    assert book["sites"].to_dict("list") == {
        "site": ["site 4", "site 10"],
        "periods_open": [1, 1],
        "periods_open_plain": [0, 1],
    }
    assert unescape(found.told()[0]) in unescape(found.to_html(tmp_path / "sites.html").read_text("utf-8"))


@pytest.mark.slow
def test_a_tariff_that_reads_the_flow_has_no_bound() -> None:
    law = ko.parse_formula("1 + q ^ 0.5", [ko.Variable("q", "t")], ko.Variable("cost", "EUR"))
    tariff = {"tariff": law.bind(q=ko.refs.state.quantity), "planning": {"state.quantity": 5.0}}
    found = ko.solve_sample_average(
        capacities(4.0, 10.0, **tariff), samples=10, replications=2, draws=100, time_limit=10.0
    )
    assert (found.bounds, found.lower_bound, found.gaps, found.most_to_save) == (None, None, None, None)
    assert "No bound: the tariff reads the flow" in str(found)
    served = np.minimum(found.risk.days.demand[:, 0], size_of(found.result))
    least = UNIT * size_of(found.result) + SHORT * (found.risk.days.demand[:, 0] - served)
    assert (found.risk.cost >= least).all()


@pytest.mark.slow
def test_where_no_sample_is_solved_in_time_sites_for_more_than_mean_demand_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from kanopt.solvers.supply import sample_average

    nothing = sample_average.SampledSites(None, np.inf, None, False, np.zeros(5))
    monkeypatch.setattr(sample_average, "sites_of_samples", lambda *given, **more: nothing)
    dear = capacities(1.0, 2.0, 4.0, 8.0, shortage_cost=30.0)  # the quantile of 27 / 30 is worth building for
    found = ko.solve_sample_average(dear, samples=5, replications=1, draws=400)
    assert size_of(found.plain) == MEAN < size_of(found.result)
    assert found.value_of_stochastic_solution > 0.0
    assert (found.proved, found.bounds, found.lower_bound, found.most_to_save) == (False, (), None, None)
    assert "No bound was found in time." in str(found)


@pytest.mark.slow
def test_after_ctrl_c_the_samples_until_then_count(monkeypatch: pytest.MonkeyPatch) -> None:
    from kanopt.solvers.supply import sample_average

    choose = sample_average.sites_of_samples

    def interrupted(*given: Any, **more: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return choose(*given, **more)

    monkeypatch.setattr(sample_average, "sites_of_samples", interrupted)
    found = ko.solve_sample_average(capacities(10.0, 20.0), samples=5, replications=4, draws=20)
    assert found.bounds is not None
    assert len(found.bounds) <= 1
    assert found.result.check.ok
    assert found.most_to_save is None


def test_nothing_is_proved_of_samples_that_were_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    from kanopt.whatif.risks import sample_average

    monkeypatch.setattr(sample_average._Search, "raise_demand", lambda *_: signal.raise_signal(signal.SIGINT))
    found = ko.solve_sample_average(capacities(10.0, 20.0), samples=5, replications=4, draws=20)
    assert (found.proved, found.bounds) == (False, ())


def test_what_cannot_be_planned_is_refused_in_words() -> None:
    other = ko.DecisionProblem(
        [Decision("n", 0, 1)], ko.parse_formula("n", [ko.Variable("n")], ko.Variable("cost"))
    )
    with pytest.raises(ko.ProblemError, match="chosen for a SupplyProblem, not for a DecisionProblem"):
        ko.solve_sample_average(other)  # type: ignore[arg-type]
    with pytest.raises(ko.ProblemError, match="samples must be a whole number of at least 1, not 0"):
        ko.solve_sample_average(capacities(4.0), samples=0)
    with pytest.raises(ko.ProblemError, match="draws must be a whole number of at least 20, not 5"):
        ko.solve_sample_average(capacities(4.0), draws=5)
    with pytest.raises(ko.ProblemError, match="no demand of this problem is uncertain"):
        ko.solve_sample_average(capacities(4.0), uncertainty=Uncertainty(demand=0.0))
    with pytest.raises(ko.ProblemError, match="recourse must be 'none' or 'flows', not 'some'"):
        ko.risk(ko.evaluate(capacities(4.0), []), recourse="some")  # type: ignore[arg-type]
