"""What is in columns that nothing reads neither stops a scenario nor changes its laws."""

from __future__ import annotations

from pathlib import Path

import pytest

import kanopt as ko
from kanopt.errors import ScenarioError
from kanopt.tables import report_of
from kanopt.whatif.scenario_files.load import check_scenario

JUNK = "".join(f"{k},{2 * k},{'oops' if k == 7 else k},{k % 5}\n" for k in range(1, 41))
LAW = '[surrogates.time]\ntable = "trips"\ntarget = "minutes"\nfeatures = ["km"]\n'


def write(
    folder: Path, table: str = "", more: str = LAW, text: str = f"km,minutes,junk,week\n{JUNK}"
) -> Path:
    (folder / "trips.csv").write_text(text)
    path = folder / "s.toml"
    path.write_text(f'[tables.trips]\npath = "trips.csv"\n{table}\n{more}')
    return path


def test_a_history_is_read_as_far_as_laws_read_it(tmp_path: Path) -> None:
    trips = ko.load_scenario(write(tmp_path, 'units = { km = "km", junk = "kg" }')).tables["trips"]
    assert list(trips) == ["km", "minutes"]
    assert report_of(trips).columns_left_out == ("junk", "week")


def test_columns_that_split_or_group_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, more=f'{LAW}groups = "week"\nholdout = {{ share = 0.4 }}')
    assert list(ko.load_scenario(path).tables["trips"]) == ["km", "minutes", "week"]


@pytest.mark.parametrize(
    "asked",
    [
        'columns = ["km", "minutes", "junk"]',
        "minimum = { junk = 0 }",
        'on_bad = { junk = "error" }',
        'derive = { other = "junk / 2" }',
        'drop_where = ["junk > 30"]',
    ],
)
def test_what_the_file_speaks_of_is_checked(tmp_path: Path, asked: str) -> None:
    with pytest.raises(ScenarioError, match="'oops'"):
        ko.load_scenario(write(tmp_path, asked))


def test_a_column_that_two_headers_name_is_an_error_only_where_it_is_read(tmp_path: Path) -> None:
    text = f"km,minutes,junk,junk\n{JUNK}"
    assert list(ko.load_scenario(write(tmp_path, text=text)).tables["trips"]) == ["km", "minutes"]
    with pytest.raises(ScenarioError, match="stands 2 times"):
        ko.load_scenario(write(tmp_path, 'columns = ["km", "minutes", "junk"]', text=text))


def test_a_feature_that_is_not_there_is_told_with_all_columns(tmp_path: Path) -> None:
    path = write(tmp_path, more=LAW.replace('["km"]', '["kms", "jnk"]'))
    with pytest.raises(ScenarioError) as told:
        ko.load_scenario(path)
    assert [issue.key for issue in told.value.issues] == [
        "surrogates.time.features[1]",
        "surrogates.time.features[2]",
    ]
    assert "did you mean 'junk'" in told.value.issues[1].message


ROUTES = """
[tables.clients]
path = "clients.csv"
[tables.vans]
path = "vans.csv"
[tables.depots]
path = "depots.csv"
[surrogates.time]
formula = "2 * km"
inputs = { km = "km" }
unit = "min"
[problem]
kind = "routing"
depots = { table = "depots" }
clients = { table = "clients" }
vehicles = { table = "vans" }
duration = { law = "time" }
bind = { km = "arc.distance" }
"""


def write_routes(folder: Path, clients: str, more: str = "") -> Path:
    (folder / "clients.csv").write_text(clients)
    (folder / "vans.csv").write_text("name,num_available,capacity,unit_duration_cost\nvan,2,5,1\n")
    (folder / "depots.csv").write_text("name,x,y\nhome,0,0\n")
    path = folder / "routes.toml"
    path.write_text(ROUTES + more)
    return path


CLIENTS = "name,x,y,demand,floor,floor\n" + "".join(
    f"c{k},{k},1,1,{'top' if k == 3 else k},a\n" for k in range(1, 9)
)


def test_what_a_problem_does_not_read_may_be_any_text(tmp_path: Path) -> None:
    clients = CLIENTS.replace("floor,floor", "floor,note")
    scenario = check_scenario(write_routes(tmp_path, clients))
    assert scenario is not None
    assert scenario.tables["clients"]["floor"].tolist() == ["1", "2", "top", "4", "5", "6", "7", "8"]
    assert any("floor" in str(remark) for remark in (*scenario.remarks(), *scenario.notes()))


def test_what_laws_are_bound_to_is_checked(tmp_path: Path) -> None:
    bound = '[surrogates.wait]\nformula = "floor"\ninputs = { floor = "" }\nunit = "min"\n'
    path = write_routes(tmp_path, CLIENTS.replace("floor,floor", "floor,note"), bound)
    text = path.read_text()
    path.write_text(
        text.replace('km = "arc.distance"', 'km = "arc.distance", floor = "client.floor"').replace(
            'duration = { law = "time" }',
            'duration = { law = "time" }\npolicy = { service = { law = "wait" } }',
        )
    )
    with pytest.raises(ScenarioError, match="'top'"):
        ko.load_scenario(path)


def test_fields_are_checked(tmp_path: Path) -> None:
    path = write_routes(tmp_path, CLIENTS.replace("floor,floor", "demand_min,note"))
    assert check_scenario(path) is not None
    path = write_routes(tmp_path, CLIENTS.replace("floor,floor", "prize,note"))
    with pytest.raises(ScenarioError, match="'top'"):
        ko.load_scenario(path)
