"""Latitudes, longitudes and tables of distances in scenario files."""

import numpy as np
import pytest

from kanopt.errors import ScenarioError
from kanopt.plans.geography import great_circle_km
from kanopt.scenarios import load_scenario

TABLES = {
    "depots.csv": "name,latitude,longitude\nBerlin,52.52,13.405\n",
    "clients.csv": (
        "name,latitude,longitude,demand\nPotsdam,52.3989,13.0657,1\nBernau,52.6788,13.5875,1\n"
        "Strausberg,52.5787,13.8874,1\n"
    ),
    "vehicles.csv": "name,capacity,unit_distance_cost\nvan,4,1.2\n",
    "roads.csv": (
        "from,to,metres,minutes\n"
        + "\n".join(
            f"{tail},{head},{1000 * (10 * a + b)},{20 * a + b}"
            for a, tail in enumerate(("Berlin", "Potsdam", "Bernau", "Strausberg"))
            for b, head in enumerate(("Berlin", "Potsdam", "Bernau", "Strausberg"))
            if a != b
        )
        + "\n"
    ),
}
SCENARIO = """
[tables]
depots.path = "depots.csv"
clients.path = "clients.csv"
vehicles.path = "vehicles.csv"
roads.path = "roads.csv"
[surrogates.minutes]
formula = "1.2 * km"
inputs = { km = "km" }
unit = "min"
[problem]
kind = "routing"
bind = { km = "arc.distance" }
vehicles.table = "vehicles"
duration.law = "minutes"
[problem.depots]
table = "depots"
columns = { lat = "latitude", lon = "longitude" }
[problem.clients]
table = "clients"
columns = { lat = "latitude", lon = "longitude" }
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def loaded(folder, text):
    (folder / "day.toml").write_text(text)
    return load_scenario(folder / "day.toml")


def built(folder, text):
    scenario = loaded(folder, text)
    return scenario.build(scenario.drafts)


def test_columns_of_degrees_become_great_circles_times_the_detour_and_that_is_noted(folder):
    scenario = loaded(folder, SCENARIO)
    problem = scenario.build(scenario.drafts)
    crow = great_circle_km(np.array([52.52, 13.405]), np.array([52.3989, 13.0657]))
    assert problem.data.distance[0, 1] == pytest.approx(1.3 * crow)
    assert any("distances are great-circle × 1.3 (detour)" in str(note) for note in scenario.notes())
    longer = built(folder, SCENARIO.replace('kind = "routing"', 'kind = "routing"\ndetour = 1.5'))
    assert longer.data.distance[0, 1] == pytest.approx(1.5 * crow)


def test_degrees_as_x_and_y_are_asked_back_at_the_line_of_the_table(folder):
    text = SCENARIO.replace("lat =", "y =").replace("lon =", "x =")
    with pytest.raises(ScenarioError) as caught:
        loaded(folder, text).check()
    (issue,) = caught.value.issues
    assert issue.key == "problem.depots"
    assert "look like degrees (x from 13.07 to" in issue.message
    assert 'columns = { lon = "longitude", lat = "latitude" } under [problem.clients]' in issue.message


MATRICES = """
[problem.distances]
table = "roads"
columns = { distance = "metres" }
unit = "m"
[problem.durations]
table = "roads"
columns = { duration = "minutes" }
"""


def test_distances_and_durations_are_tables_of_pairs(folder):
    text = (
        SCENARIO.replace('duration.law = "minutes"', "").replace('bind = { km = "arc.distance" }', "")
        + MATRICES
    )
    problem = built(folder, text)
    assert problem.data.distance[:2].tolist() == [[0, 1, 2, 3], [10, 0, 12, 13]]
    assert problem.leg_laws.duration[:2].tolist() == [[0, 1, 2, 3], [20, 0, 22, 23]]
    assert not problem.assumptions()


WHERE_AND_WHEN = (
    SCENARIO.replace(
        'formula = "1.2 * km"', 'formula = "1.2 * km + 100 * max(north - south, 0) + 3 * weekday"'
    )
    .replace('inputs = { km = "km" }', 'inputs = { km = "km", north = "deg", south = "deg", weekday = "" }')
    .replace(
        'bind = { km = "arc.distance" }',
        "day = 2026-03-02\n"
        'bind = { km = "arc.distance", south = "arc.from_lat", north = "arc.to_lat", weekday = "day.weekday" }',
    )
)


def test_a_law_of_both_ends_and_the_day_counts_in_a_file_and_in_what_ifs(folder):
    scenario = loaded(folder, WHERE_AND_WHEN)
    problem = built(folder, WHERE_AND_WHEN)
    lat = np.array([52.52, 52.3989, 52.6788, 52.5787])
    found = problem.planning_values.durations[0]
    for tail, head in ((0, 2), (2, 0), (1, 3)):
        rise = 100 * max(lat[head] - lat[tail], 0)
        assert found[tail, head] == pytest.approx(1.2 * problem.data.distance[tail, head] + rise + 3)
    sunday = scenario.set("problem.day", "2026-03-08")
    later = sunday.build(sunday.drafts).planning_values.durations[0]
    assert later[0, 1] - found[0, 1] == pytest.approx(3 * 6)
    north = scenario.set("depots.latitude", 53.0)
    moved = north.build(north.drafts).planning_values.durations[0]
    km = 1.3 * great_circle_km(np.array([52.3989, 13.0657]), np.array([53.0, 13.405]))
    assert moved[1, 0] == pytest.approx(1.2 * km + 100 * (53.0 - 52.3989) + 3)


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (SCENARIO + MATRICES, "problem", "write duration = "),
        (SCENARIO.replace('duration.law = "minutes"', ""), "problem", "write duration = "),
        (WHERE_AND_WHEN.replace("day = 2026-03-02\n", ""), "problem.bind.weekday", 'write day = "2026'),
        (WHERE_AND_WHEN.replace("2026-03-02", '"Monday"'), "problem.day", "'Monday' is no day"),
        (WHERE_AND_WHEN.replace("from_lat", "from_latt"), "problem.bind.south", "mean 'arc.from_lat'"),
        (WHERE_AND_WHEN.replace("day.weekday", "day.weekdy"), "problem.bind.weekday", "mean 'day.weekday'"),
    ],
    ids=["both", "neither", "no day", "no date", "no column", "no function"],
)
def test_what_does_not_fit_is_told_with_its_key(folder, text, key, message):
    with pytest.raises(ScenarioError) as caught:
        loaded(folder, text).check()
    assert any(issue.key == key and message in issue.message for issue in caught.value.issues), caught.value
