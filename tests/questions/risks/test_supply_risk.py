"""The risk of a supply plan against closed forms, and the rule of kept flows against a plain loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

import kanopt as ko
from kanopt import Uncertainty
from kanopt.formulas import ErrorModel
from kanopt.supply import Lane, Market, Period, Product, Supplier
from kanopt.supply.plan import sites_open
from tests.cases.supply import random_problem

MEAN, DEVIATION = 10.0, 4.0
SIGMA = float(np.sqrt(np.log1p((DEVIATION / MEAN) ** 2)))
MIDDLE = float(np.log(MEAN) - SIGMA**2 / 2.0)


def newsvendor(
    shortage_cost: float | None = 9.0, demand: object = None, markets: list[Market] | None = None
) -> ko.SupplyProblem:
    """One mill, one market, one period: a unit costs 2 to buy and 1 to send."""
    row = {"market": ["Lyon"], "demand": [MEAN], "demand_sd": [DEVIATION]}
    return ko.SupplyProblem(
        suppliers=[Supplier("mill", "flour", unit_cost=2.0)],
        facilities=[],
        markets=markets or [Market("Lyon")],
        products=[Product("flour", shortage_cost=shortage_cost)],
        periods=[Period("1")],
        lanes=[Lane("mill", "Lyon")],
        tariff=1.0,
        demand=pd.DataFrame(row) if demand is None else demand,
    )


def sending(problem: ko.SupplyProblem, amount: float) -> ko.Result:
    return ko.evaluate(problem, [{"tail": "mill", "head": "Lyon", "quantity": amount}])


def missing(amount: float) -> float:
    """Mean of what a log-normal demand exceeds an amount by."""
    far = (MIDDLE - np.log(amount)) / SIGMA
    return float(MEAN * norm.cdf(far + SIGMA) - amount * norm.cdf(far))


@pytest.mark.parametrize("amount", [6.0, 10.0, 15.0])
def test_one_customer_has_the_shortage_of_the_textbook(amount: float) -> None:
    found = ko.risk(sending(newsvendor(), amount), draws=40_000, seed=3)
    row = found.frame.iloc[0]
    stockout = norm.sf((np.log(amount) - MIDDLE) / SIGMA)
    assert 1.0 - row["on_time"] == pytest.approx(stockout, abs=4.0 * row["error"])
    assert row["shortage"] == pytest.approx(missing(amount), abs=4.0 * row["shortage_error"])
    assert row["fill_rate"] == pytest.approx(1.0 - missing(amount) / MEAN, abs=0.02)
    assert found.on_time == row["on_time"]
    assert found.figures["fill_rate"] == pytest.approx(row["fill_rate"])
    assert found.cost.mean() == pytest.approx(
        3.0 * amount + 9.0 * missing(amount), abs=4.0 * found.cost_error
    )
    assert found.figures["left"] == pytest.approx(amount - MEAN + found.figures["shortage"], abs=0.1)
    assert row["q95"] == pytest.approx(np.exp(MIDDLE + SIGMA * norm.ppf(0.95)), rel=0.02)
    assert found.cost_quantile(0.95) == pytest.approx(
        3.0 * amount + 9.0 * max(row["q95"] - amount, 0.0), rel=1e-3
    )


def test_demand_of_a_law_errs_as_the_law_does() -> None:
    people = [Market("Lyon", attributes={"people": 20.0})]
    law = ko.parse_formula("0.5 * people", [ko.Variable("people")], ko.Variable("wanted", "t"))
    errors = ErrorModel(1.0, 1.1, (0.0, 0.0, 0.0), 2.0, 0.0, 10.0, 500)
    fit = replace(ko.Fit.of([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], rows_train=90), errors=errors)
    bound = replace(law, fit=fit).bind(people=ko.refs.market.people)
    problem = newsvendor(demand=bound, markets=people)
    found = ko.risk(sending(problem, 13.0), draws=40_000)
    assert found.days.demand.mean() == pytest.approx(12.0, abs=0.05)
    assert 1.0 - found.frame["on_time"].item() == pytest.approx(norm.sf(0.5), abs=0.01)
    assert "demands err as law 'wanted' did on 500 held-out rows" in str(found)
    assert "Uncertainty(shared_demand=…)" in str(found)
    assumed = ko.risk(sending(problem, 13.0), Uncertainty(demand=0.3), draws=40_000)
    assert assumed.days.demand.std() == pytest.approx(3.0, rel=0.03)
    with pytest.raises(ko.errors.ProblemError, match="no demand of this problem is uncertain"):
        ko.risk(sending(problem, 13.0), Uncertainty(demand=0.0))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), deviation=st.floats(0.05, 1.5))
def test_kept_flows_against_a_plain_loop(seed: int, deviation: float) -> None:
    problem = random_problem(seed % 40)
    rng = np.random.default_rng(seed)
    flows = rng.uniform(0.0, 8.0, problem.network.shape) * problem.network.can_carry[:, :, None]
    plan = problem.plan_of(flows, sites_open(problem.network, flows))
    assessment = problem.assess(plan)
    found = ko.risk(assessment, Uncertainty(demand=deviation), draws=20, seed=seed)
    ledger, terms = assessment.simulation, assessment.pricing.terms()
    kept = assessment.pricing.objective - terms.get("shortage", 0.0)
    wanted = {tuple(cell): column for column, cell in enumerate(np.transpose(found.days.cells).tolist())}
    for draw in range(20):
        cost = kept
        for market in range(2):
            for product in range(2):
                stock = 0.0
                for period in range(2):
                    stock += ledger.delivered[market, product, period]
                    column = wanted.get((market, product, period))
                    if column is None:
                        continue
                    demand = found.days.demand[draw, column]
                    short = max(demand - stock, 0.0)
                    stock = max(stock - demand, 0.0)
                    assert found.days.shortage[draw, column] == pytest.approx(short, abs=1e-4)
                    cost += short * problem.network.shortage_cost[market, product]
        assert found.cost[draw] == pytest.approx(cost, rel=1e-4)


def test_plans_without_uncertain_demand_are_refused_in_words() -> None:
    result = sending(newsvendor(demand=10.0), 10.0)
    with pytest.raises(ko.errors.ProblemError, match="no demand of this problem is uncertain: no row"):
        ko.risk(result)
