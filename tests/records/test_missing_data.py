"""Problems in which nothing costs anything or nothing is carried are refused, unless a column says so."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import kanopt as ko
from kanopt import refs
from tests.records.test_unread_columns import WAY, net, routing_frames, shop

pytestmark = pytest.mark.filterwarnings("ignore:.*nothing reads:kanopt.errors.KanoptWarning")


def town(**changes: Any) -> ko.RoutingProblem:
    frames = routing_frames()
    frames["vehicles"] = pd.DataFrame({"name": ["van"]})
    given: dict[str, Any] = {**frames, "cost": {}, "duration": WAY, "distance": WAY}
    return ko.RoutingProblem(**{**given, **changes})


def refused(call: Any, *arguments: Any, **changes: Any) -> str:
    with pytest.raises(ko.errors.ProblemError) as error:
        call(*arguments, **changes)
    return str(error.value)


def test_a_plan_that_can_cost_nothing_is_refused_with_the_columns_that_look_like_prices():
    vehicles = pd.DataFrame({"name": ["van"], "cost_per_hour": [30.0], "colour": ["red"]})
    told = refused(town, vehicles=vehicles)
    assert told.startswith("problem: nothing costs anything")
    assert "'cost_per_hour' (the field unit_duration_cost, in EUR/h?)" in told


def test_capacities_without_anything_to_carry_are_refused():
    vehicles = pd.DataFrame({"name": ["van"], "fixed_cost": [9.0], "capacity": [3.5]})
    clients = routing_frames(clients_demand_kg=[200, 300], clients_colour=["red", "blue"])["clients"]
    told = refused(town, vehicles=vehicles, clients=clients)
    assert told.startswith(
        "clients: no column says how much there is to carry (demand or pickup), but 'van' carries"
    )
    assert "{'demand_kg': 'demand'}), {'demand': 'kg'})" in told


def test_schedules_and_networks_that_cost_nothing_are_refused():
    jobs = pd.DataFrame({"name": ["j", "k"], "due_date": [4.0, 5.0], "penalty_per_hour": [3.0, 3.0]})
    told = refused(shop, jobs=jobs, makespan_cost=0.0)
    assert (
        "power_price and the energy of the tasks, or a price (jobs: tardiness_cost; machines: unit_duration_cost)"
        in told
    )
    assert "nothing reads jobs: 'penalty_per_hour' (the field tardiness_cost, in EUR/h?)" in told
    assert shop(jobs=jobs.assign(tardiness_cost=0.0), makespan_cost=0.0).makespan_cost == 0.0
    suppliers = pd.DataFrame({"name": ["mill"], "price_eur_t": [210.0]})
    told = refused(net, tariff=0.0, suppliers=suppliers)
    assert "give a tariff" in told
    assert told.endswith("write suppliers.rename(columns={'price_eur_t': 'unit_cost'})")
    assert "nothing costs anything" in refused(net, lanes=net().lanes.assign(rate=0.0), tariff=refs.lane.rate)
    assert net(tariff=0.0, suppliers=suppliers.assign(unit_cost=0.0)).network
