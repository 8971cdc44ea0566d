"""Plans that keep promises of being on time."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import kanopt as ko
from kanopt import Uncertainty
from kanopt.routing import Client, Depot, VehicleType
from kanopt.whatif.risks.on_time import _Buffers, _stretched, _Try

MINUTES = np.array([[0.0, 30.0, 40.0], [30.0, 0.0, 25.0], [40.0, 25.0, 0.0]])


def two_stops(count: int = 1, **clients: float) -> ko.RoutingProblem:
    """A stop with a window that opens, and one that is wanted by a time; waiting costs money."""
    return ko.RoutingProblem(
        [Depot("depot")],
        [
            Client("a", earliest=100.0, latest=130.0, service_duration=10.0, **clients),
            Client("b", latest=170.0, **clients),
        ],
        [VehicleType("van", num_available=count, unit_duration_cost=0.5, fixed_cost=50.0, shift_end=400.0)],
        {},
        MINUTES,
        MINUTES,
    )


def test_one_promise_is_bought_by_leaving_as_much_earlier_as_its_quantile_says() -> None:
    problem = ko.RoutingProblem(
        [Depot("depot")],
        [Client("a", earliest=125.0, latest=130.0, on_time=0.95)],
        [VehicleType("van", unit_duration_cost=0.5)],
        {},
        MINUTES[:2, :2],
        MINUTES[:2, :2],
    )
    found = ko.solve_on_time(problem, uncertainty=Uncertainty(travel=0.1), time_limit=2.0, draws=4000)
    stop = found.risk.stops.iloc[0]
    # 30 minutes err by 3: leaving z · 3 before the end of the window less the way
    assert stop["planned"] == pytest.approx(130.0 - 3.0 * norm.ppf(0.95), abs=0.5)
    assert stop["on_time"] == pytest.approx(0.95, abs=0.01)
    assert found.kept
    assert found.not_kept == ()
    assert found.plain_risk.stops["on_time"][0] >= 0.5
    assert found.plain.objective <= found.result.objective


def test_a_promise_to_all_is_kept_on_days_not_looked_at(tmp_path: Path) -> None:
    found = ko.solve_on_time(
        two_stops(), 0.9, uncertainty=Uncertainty(travel=0.2, shared=0.5), time_limit=2.0
    )
    fresh = ko.risk(found.result, Uncertainty(travel=0.2, shared=0.5), draws=20_000, seed=99)
    assert (fresh.stops["on_time"] >= 0.89).all()
    assert found.result.assessment.check.ok
    assert found.price == pytest.approx(found.risk.cost.mean() - found.plain_risk.cost.mean())
    assert "of being on time" in str(found)
    alone, beside = (replace(found, rounds=rounds).told() for rounds in (1, 4))
    (short,) = [line for line in beside if line not in alone]
    assert short.startswith("The plan without promises had 10 % of the time limit: ")
    frame = found.to_frame()
    assert frame["on_time"].tolist() == found.risk.stops["on_time"].tolist()
    before = dict(zip(found.plain_risk.stops["client"], found.plain_risk.stops["on_time"], strict=True))
    assert dict(zip(frame["client"], frame["on_time_plain"], strict=True)) == before
    assert dict(zip(frame["client"], frame["buffer"], strict=True)) == pytest.approx(
        {client: found.buffers.get(client, 0.0) for client in before}
    )
    page = unescape(found.to_html(tmp_path / "promise.html").read_text("utf-8")).replace("\xa0", " ")
    assert [line for line in found.told() if line not in page] == []
    book = pd.read_excel(found.to_xlsx(tmp_path / "promise.xlsx"), sheet_name=None)
    assert list(book) == ["Summary", "stops", "routes"]
    np.testing.assert_allclose(book["stops"]["on_time_plain"], frame["on_time_plain"])


def test_a_client_may_have_a_promise_of_its_own() -> None:
    problem = two_stops(on_time=0.99)
    found = ko.solve_on_time(problem, 0.5, uncertainty=Uncertainty(travel=0.2), time_limit=2.0)
    assert found.risk.stops["promised"].tolist() == [0.99, 0.99]
    assert any("only run --on-time and solve_on_time plan for" in each for each in problem.remarks())


def test_a_promise_that_no_plan_keeps_is_told() -> None:
    """The window ends when the fastest way is over: nobody is there before it on more than half of the days."""
    problem = ko.RoutingProblem(
        [Depot("depot")],
        [Client("a", latest=30.0, on_time=0.95)],
        [VehicleType("van", unit_duration_cost=0.5)],
        {},
        MINUTES[:2, :2],
        MINUTES[:2, :2],
    )
    found = ko.solve_on_time(problem, uncertainty=Uncertainty(travel=0.1), time_limit=1.0)
    assert not found.kept
    assert found.not_kept == ("a",)
    assert "Not kept: 'a'" in str(found)
    assert found.result.assessment.check.ok  # the plan still serves it, and holds on the laws


def test_several_windows_are_brought_forward_at_their_end() -> None:
    problem = ko.RoutingProblem(
        [Depot("depot")],
        [Client("a", windows="20-25, 60-70", on_time=0.9)],
        [VehicleType("van", unit_duration_cost=0.5, shift_start=35.0)],
        {},
        MINUTES[:2, :2],
        MINUTES[:2, :2],
    )
    found = ko.solve_on_time(problem, uncertainty=Uncertainty(travel=0.1), time_limit=1.0)
    assert found.kept
    assert found.risk.stops["planned"][0] < 68.0


@pytest.mark.parametrize(
    ("on_time", "told"),
    [(None, "no client is promised to be on time"), (1.5, "on_time = 1.5: a probability is between 0 and 1")],
)
def test_promises_that_are_none_are_refused(on_time: float | None, told: str) -> None:
    with pytest.raises(ko.ProblemError, match=told):
        ko.solve_on_time(two_stops(), on_time)


def test_a_promise_in_a_table_is_between_0_and_1() -> None:
    with pytest.raises(ko.ProblemError, match="on_time"):
        two_stops(on_time=95.0)


def test_vehicles_are_back_as_likely_as_clients_are_served() -> None:
    """One van does it in 95 minutes, with errors of √(3² + 2.5² + 4²) = 5.6, and the shift ends after 100."""
    clients = [Client("a", latest=200.0), Client("b", latest=200.0)]

    def problem(shift_end: float) -> ko.RoutingProblem:
        van = VehicleType(
            "van", num_available=2, fixed_cost=50.0, unit_duration_cost=0.5, shift_end=shift_end
        )
        return ko.RoutingProblem([Depot("depot")], clients, [van], {}, MINUTES, MINUTES)

    how = {"uncertainty": Uncertainty(travel=0.1), "time_limit": 2.0}
    one, two = (ko.solve_on_time(problem(100.0), level, **how) for level in (0.75, 0.95))
    assert one.plain_risk.routes["back"][0] == pytest.approx(norm.cdf(5.0 / 5.59), abs=0.05)
    assert [len(found.result.plan.routes) for found in (one, two)] == [1, 2]
    assert two.kept
    assert two.shift_buffers["van"] > 0.0
    assert "Buffers before the ends of shifts" in str(two)
    hopeless = ko.solve_on_time(problem(81.0), 0.95, **how)
    assert hopeless.not_kept == (hopeless.risk.routes["vehicle"][hopeless.risk.routes["back"].argmin()],)


def test_travel_times_are_stretched_by_what_brings_arrivals_to_their_quantiles() -> None:
    """All legs of a day err by the same 10 %: the way there and back is 60 minutes."""
    problem = ko.RoutingProblem(
        [Depot("depot")],
        [Client("a", latest=200.0)],
        [VehicleType("van", unit_duration_cost=0.5, shift_end=62.0)],
        {},
        MINUTES[:2, :2],
        MINUTES[:2, :2],
    )
    uncertainty = Uncertainty(travel=0.1, shared=1.0)
    found = ko.risk(ko.evaluate(problem, [["a"]]), uncertainty, draws=20_000)
    tried = _Try(ko.evaluate(problem, [["a"]]), found.assessment.plan, found, _Buffers(), 0.9)
    # of a log-normal factor with mean 1 and deviation 0.1
    sigma = np.sqrt(np.log1p(0.01))
    assert tried.stretch == pytest.approx(np.exp(norm.ppf(0.9) * sigma - sigma**2 / 2.0), abs=0.005)
    longer = _stretched(problem.duration, tried.stretch)
    assert ko.evaluate(replace(problem, duration=longer), [["a"]]).assessment.simulation.finish[
        0
    ] == pytest.approx(np.quantile(found.days.finish[:, 0], 0.9), abs=0.3)


def test_a_stretched_law_says_the_same_but_for_its_factor() -> None:
    law = ko.parse_formula("2 * km + 3", [ko.Variable("km", "km")], ko.Variable("minutes", "min"), per="leg")
    bound = law.bind(km=ko.refs.arc.distance)
    km = {"km": np.array([1.0, 10.0])}
    assert _stretched(bound, 1.25).formula.evaluate(km) == pytest.approx(1.25 * law.evaluate(km))
    assert _stretched(bound, 1.0) is bound
