"""Times of day and counted loads in the tables of a scenario file."""

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


def test_a_scenario_file_reads_two_columns_of_times_as_a_window_and_counts_pallets(tmp_path):
    scenario = day(tmp_path, "18:00")
    problem = scenario.build(scenario.drafts)
    assert [(client.earliest, client.latest) for client in problem.clients] == [(510.0, 720.0)]
    assert problem.vehicles[0].shift_end == 1080.0
    assert problem.data.demand.tolist() == [0.0, 12.0]
    with pytest.raises(ScenarioError, match=r"problem.vehicles: column 'shift_end'.*are these hours"):
        day(tmp_path, "18").check()


def day(folder, shift_end, units=""):
    (folder / "depots.csv").write_text("name,x,y\nyard,0,0\n")
    (folder / "clients.csv").write_text("name,x,y,demand,window_start,window_end\na,3,4,12,8:30,12:00\n")
    (folder / "vehicles.csv").write_text(f"name,capacity,fixed_cost,shift_end\ntruck,33,90,{shift_end}\n")
    (folder / "day.toml").write_text(SCENARIO.replace('capacity = "pallets"', f'capacity = "pallets"{units}'))
    return load_scenario(folder / "day.toml")


@pytest.mark.parametrize(
    ("shift_end", "units"),
    [("960", ""), ("16", ', shift_end = "h"'), ("16:00", "")],
    ids=["min", "h", "text"],
)
def test_a_change_of_a_clock_time_may_be_written_as_a_time_of_day(tmp_path, shift_end, units):
    later = day(tmp_path, shift_end, units).set("vehicles.shift_end", "18:00")
    assert later.build(later.drafts).vehicles[0].shift_end == 1080.0
    assert str(later.changes[0]) == "vehicles.shift_end set to 18:00"
    more = later.add("vehicles", row={"name": "van", "capacity": 9, "fixed_cost": 1, "shift_end": "6:30 PM"})
    assert more.build(more.drafts).vehicles[1].shift_end == 1110.0
