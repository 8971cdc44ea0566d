"""A field that is declared once is known everywhere: this adds one to the vehicle types and looks for it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import routing
from kanopt.records.declaration import declared_fields, field, record
from kanopt.records.headers import resembled_field
from kanopt.records.reading import RecordReader
from kanopt.routing import entities
from kanopt.scenarios.files.problem_spec import kinds

TOLL = "Price of a day on the roads of the town."


@record("vehicles", of_day=True)
class Tolled(entities.VehicleType):
    """A type of vehicles that pay a toll."""

    town_toll: float = field(
        default=0.0,
        kw_only=True,
        unit="money",
        price="toll",
        needs="fixed_cost",
        usual=(0.1, 200.0, "EUR"),
        words="citymaut; peage ville",
        doc=TOLL,
    )


@pytest.fixture
def tolled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entities, "VehicleType", Tolled)


def test_the_documentation_of_its_class_says_what_it_means() -> None:
    assert "town_toll" in Tolled.__doc__
    assert TOLL in " ".join(Tolled.__doc__.split())


def test_a_column_fills_it_in_its_unit(tolled: None) -> None:
    frame = ko.with_units(pd.DataFrame({"name": ["van"], "town_toll": [1200.0]}), {"town_toll": "cEUR"})
    [van] = RecordReader().read(frame, routing.RoutingUnits().tables()[2])
    assert van.town_toll == 12.0


def test_keys_of_files_hints_prices_and_questions_know_it(tolled: None) -> None:
    table = routing.RoutingUnits().tables()[2]
    assert "town_toll" in [item.name for item in kinds()["routing"].tables(None)[2].fields]
    known = list(table.fields)
    found = resembled_field("vehicles", "Citymaut", known)
    assert found is not None
    assert found.name == "town_toll"
    assert "town_toll" in table.prices
    reader = RecordReader()
    reader.read([Tolled("van", town_toll=9000.0)], table)
    [question] = reader.questions
    assert question.field == "town_toll"


def test_engines_and_prices_go_on_where_nothing_acts_on_it() -> None:
    van = Tolled("van", fixed_cost=9.0, town_toll=5.0)
    assert [item.price for item in declared_fields(Tolled) if item.name == "town_toll"] == ["toll"]
    minutes = [[0.0, 10.0], [10.0, 0.0]]
    problem = ko.RoutingProblem([routing.Depot("hub")], [routing.Client("a")], [van], {}, minutes, minutes)
    assert ko.solve(problem, time_limit=0.1).objective == 9.0


def test_a_keyword_that_is_no_field_is_told_as_a_column_is() -> None:
    with pytest.raises(TypeError, match="demand"):
        routing.Client("a", demnd=3.0)  # type: ignore[call-arg]


@pytest.mark.parametrize("number", [Decimal("1.5"), Fraction(3, 2), np.float32(1.5), np.array([1.5])[0]])
def test_any_real_number_is_a_number(number: Any) -> None:
    clients = [routing.Client("a", x=number, y=np.int64(0), demand=number, earliest=Decimal(480))]
    vans = [routing.VehicleType("van", capacity=Fraction(3, 2), num_available=Decimal(1), fixed_cost=number)]
    depots = [routing.Depot("yard", x=0, y=0)]
    problem = ko.RoutingProblem(depots, clients, vans, {}, np.zeros((2, 2)))
    client = problem.clients[0]
    assert (client.demand, client.earliest) == (1.5, 480)
    assert ko.solve(problem, time_limit=0.2).objective == 1.5
    with pytest.raises(
        ko.errors.ProblemError, match="demand of 'a': must be a finite number, not the number inf"
    ):
        ko.RoutingProblem(
            depots, [routing.Client("a", x=1, y=1, demand=Decimal("inf"))], vans, {}, np.zeros((2, 2))
        )
