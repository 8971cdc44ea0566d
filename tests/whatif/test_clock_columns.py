"""Times of day and counted loads in the tables of a scenario file."""

import numpy as np
import pytest

from kanopt.errors import ScenarioError
from kanopt.whatif import load_scenario

SCENARIO = """
[tables.depots]
path = "depots.csv"
[tables.clients]
path = "clients.csv"
[tables.vehicles]
path = "vehicles.csv"
units = { capacity = "pallets" }
[surrogates.minutes]
formula = "2 * km"
inputs = { km = "km" }
unit = "min"
[problem]
kind = "routing"
units = { load = "pallets" }
bind = { km = "arc.distance" }
depots.table = "depots"
vehicles.table = "vehicles"
duration.law = "minutes"
[problem.clients]
table = "clients"
columns = { earliest = "window_start", latest = "window_end" }
"""


def built(folder):
    scenario = load_scenario(folder / "day.toml")
    return scenario.build(scenario.drafts)


def test_a_scenario_file_reads_two_columns_of_times_as_a_window_and_counts_pallets(tmp_path):
    (tmp_path / "depots.csv").write_text("name,x,y\nyard,0,0\n")
    (tmp_path / "clients.csv").write_text(
        "name,x,y,demand,window_start,window_end\na,3,4,12,8:30,12:00:00\nb,0,5,9,1:15 PM,\n"
    )
    (tmp_path / "vehicles.csv").write_text(
        "name,capacity,fixed_cost,shift_start,shift_end\ntruck,33,90,07:30,18:00\n"
    )
    (tmp_path / "day.toml").write_text(SCENARIO)
    problem = built(tmp_path)
    assert [(client.earliest, client.latest) for client in problem.clients] == [
        (510.0, 720.0),
        (795.0, np.inf),
    ]
    assert (problem.vehicles[0].shift_start, problem.vehicles[0].shift_end) == (450.0, 1080.0)
    assert problem.data.demand.tolist() == [0.0, 12.0, 9.0]
    (tmp_path / "vehicles.csv").write_text("name,fixed_cost,shift_start,shift_end\ntruck,90,7.5,18\n")
    (tmp_path / "day.toml").write_text(SCENARIO.replace('units = { capacity = "pallets" }', ""))
    with pytest.raises(
        ScenarioError, match=r"day\.toml:.*: problem.vehicles: column 'shift_start'.*are these hours"
    ):
        load_scenario(tmp_path / "day.toml").check()
