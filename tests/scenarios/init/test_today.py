"""Today's plan among the tables: found where values say so."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest

import kanopt as ko
from kanopt.scenarios.files.layers import read_layers
from kanopt.scenarios.files.load import check_scenario
from kanopt.scenarios.init import Scaffold

EXAMPLES = Path(__file__).parents[3] / "scenarios"


@pytest.fixture
def city(tmp_path: Path) -> dict[str, pd.DataFrame]:
    names = ("clients", "depots", "vehicles", "todays_routes")
    tables = {name: pd.read_csv(EXAMPLES / "parcel_city" / f"{name}.csv") for name in names}
    return tables | {"vehicles": tables["vehicles"].drop(columns="fuel_price")}


def begun(tables: dict[str, pd.DataFrame], folder: Path) -> tuple[dict, Scaffold]:
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    made = ko.scaffold([folder / f"{name}.csv" for name in tables])
    made = made.answered([next(iter(each.answers)) for each in made.questions])
    path = made.write(folder / "first.toml", replace=True)
    scenario = check_scenario(read_layers(path))
    assert scenario is not None
    scenario.check()
    return tomllib.loads(path.read_text("utf-8")), made


def test_todays_plan_in_columns_of_the_clients(tmp_path, city):
    today = city.pop("todays_routes")
    label = today["vehicle"] + " " + today["index"].astype(str)
    plan = today.assign(driven_by=label).rename(columns={"client": "name", "stop": "sequence"})
    tables = city | {"clients": city["clients"].merge(plan[["name", "driven_by", "sequence"]], on="name")}
    data, _ = begun(tables, tmp_path)
    assert data["problem"]["today"] == {
        "table": "clients",
        "columns": {"vehicle": "driven_by", "stop": "sequence", "client": "name"},
    }
    scenario = ko.load_scenario(tmp_path / "first.toml")
    run = scenario.run(time_limit=1)
    assert run.today is not None
    routes = {(route.vehicle, route.index): route.clients for route in run.today.plan.routes}
    for (vehicle, index), stops in today.groupby(["vehicle", "index"]):
        assert list(routes[vehicle, index]) == stops.sort_values("stop")["client"].tolist()
