"""Fields that change nothing because another is blank are told of, in every kind of problem."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kanopt as ko
from kanopt.records.idle_fields import IDLE_FIELDS
from kanopt.routing import Client, Depot, VehicleType
from kanopt.scheduling import Job, Machine, Mode, Task
from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier


def routing(client: dict[str, Any], vehicle: dict[str, Any]) -> tuple[str, ...]:
    matrix = np.array([[0.0, 5.0], [5.0, 0.0]])
    clients, vans = [Client("a", **client)], [VehicleType("van", cost_per_time=1.0, **vehicle)]
    return ko.RoutingProblem([Depot("yard")], clients, vans, {}, matrix, matrix).remarks()


def scheduling(job: dict[str, Any], energy: float | None = None, **options: Any) -> tuple[str, ...]:
    modes = [Mode("t", "saw", duration=3.0, energy=energy)]
    return ko.SchedulingProblem(
        [Job("j", **job)], [Task("t", "j")], [Machine("saw")], modes, makespan_cost=1.0, **options
    ).remarks()


def supply(facility: dict[str, Any]) -> tuple[str, ...]:
    lanes = [Lane("mill", "site", distance=1.0), Lane("site", "town", distance=1.0)]
    return ko.SupplyProblem(
        [Supplier("mill", "flour")],
        [Facility("site", **facility)],
        [Market("town")],
        [Product("flour")],
        [Period("1")],
        lanes,
        tariff=1.0,
        demand=2.0,
    ).remarks()


@pytest.mark.parametrize(
    ("idle", "working", "told"),
    [
        (
            lambda: routing({"cost_per_lateness": 2.0}, {}),
            lambda: routing({"cost_per_lateness": 2.0, "latest": 90.0}, {}),
            "clients 'a': there is a cost_per_lateness, but no time after which service is late",
        ),
        (
            lambda: routing({"on_time": 0.95}, {}),
            lambda: routing({"on_time": 0.95, "latest": 90.0}, {}),
            "clients 'a': there is an on_time, but no time after which service is late",
        ),
        (
            lambda: routing({"demand_sd": 0.2}, {}),
            lambda: routing({"demand_sd": 0.2, "demand": 0.5}, {"capacity": 1.0}),
            "clients 'a': there is a demand_sd, but no demand that could differ",
        ),
        (
            lambda: routing({}, {"cost_per_overtime": 2.0}),
            lambda: routing({}, {"cost_per_overtime": 2.0, "regular_time": 9.0}),
            "vehicles 'van': there is a cost_per_overtime, but no regular_time after which overtime begins",
        ),
        (
            lambda: routing({}, {"regular_time": 9.0}),
            lambda: routing({}, {"cost_per_overtime": 2.0, "regular_time": 9.0}),
            "vehicles 'van': there is a regular_time, but no cost_per_overtime to pay after it",
        ),
        (
            lambda: routing({}, {"reload_time": 9.0}),
            lambda: routing({}, {"reload_time": 9.0, "reloads": 1}),
            "vehicles 'van': there is a reload_time, but no reloads that would take it",
        ),
        (
            lambda: scheduling({"tardiness_cost": 2.0}),
            lambda: scheduling({"tardiness_cost": 2.0, "due": 9.0}),
            "jobs 'j': there is a tardiness_cost, but no due time after which it is paid",
        ),
        (
            lambda: scheduling({}, energy=4.0),
            lambda: scheduling({}, energy=4.0, power_price=0.2),
            "modes: there is an energy, but no power_price to pay for it",
        ),
        (
            lambda: supply({"holding_cost": 2.0}),
            lambda: supply({"holding_cost": 2.0, "storage": 9.0}),
            "facilities 'site': there is a holding_cost, but no storage in which anything is kept",
        ),
    ],
)
def test_a_field_that_changes_nothing_is_told_of(idle: Any, working: Any, told: str) -> None:
    assert told in idle()
    assert not [remark for remark in working() if "there is a" in remark]


def test_every_rule_names_fields() -> None:
    kinds = {"clients": Client, "vehicles": VehicleType, "jobs": Job, "facilities": Facility}
    for table, idle in IDLE_FIELDS.items():
        for each in idle:
            assert {each.name, *each.without} <= set(kinds[table].__dataclass_fields__)
