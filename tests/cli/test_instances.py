"""``kanopt solve`` on published instances: the table, the solution file, exit codes."""

import json
import math
from itertools import pairwise

import pytest

from tests.cases.scenario_files import files_of

TOY = files_of("toy")["toy.vrp"]
POINTS = [(0, 0), (3, 4), (6, 8), (-3, 4), (-6, 8)]


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "toy.vrp").write_text(TOY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def solve(cli):
    return lambda *arguments: cli("solve", *arguments, "--time-limit", "1")


def test_a_table_and_a_solution_whose_cost_can_be_counted_again(toy, solve):
    (toy / "toy.sol").write_text("Route #1: 1 2\nRoute #2: 3 4\nCost 40\n")
    code, out, _ = solve("toy.vrp", "--out", "found.sol")
    assert code == 0
    assert out.startswith("toy\nrouting: serves all 4 clients (20 unit)\n")
    assert "objective 40.00 km" in out
    assert "\nbest known 40.00 km, gap 0 %\n" in out
    assert out.splitlines()[-1] == "plan: found.sol"
    *routes, cost = (toy / "found.sol").read_text().splitlines()
    total, served = 0, []
    for place, line in enumerate(routes, start=1):
        head, _, clients = line.partition(":")
        assert head == f"Route #{place}"
        way = [0, *map(int, clients.split()), 0]
        assert len(way) <= 4
        served += way[1:-1]
        total += sum(round(math.dist(POINTS[a], POINTS[b])) for a, b in pairwise(way))
    assert sorted(served) == [1, 2, 3, 4]
    assert cost == f"Cost {total}"


def test_json_and_a_table_of_stops(toy, solve):
    code, out, err = solve("toy.vrp", "--json", "--quiet", "--out", "plan.csv")
    data = json.loads(out)
    assert (code, err) == (0, "")
    assert data["exit_code"] == 0
    assert data["objective"] == pytest.approx(40)
    assert (toy / "plan.csv").read_text().startswith("vehicle,index,depot,stop,client")


def test_bad_files_and_options_are_exit_2(toy, solve):
    (toy / "cut.vrp").write_text(TOY[: TOY.index("4 5\n5 5")])
    code, out, err = solve("cut.vrp")
    assert (code, out) == (2, "")
    assert "cut.vrp" in err
    assert solve("none.vrp")[0] == 2
    (toy / "toy.sol").write_text("Route #1: 1\nCost 40\n")
    code, _, err = solve("toy.vrp", "--out", "toy.sol")
    assert code == 2
    assert "Cost 40" in (toy / "toy.sol").read_text()


def test_what_no_vehicle_can_do_is_exit_3_and_the_rest_is_written(toy, solve):
    (toy / "toy.vrp").write_text(TOY.replace("CAPACITY", "DISTANCE : 15\nCAPACITY"))
    code, out, err = solve("toy.vrp", "--out", "part.sol")
    assert code == 3
    assert "routing: serves 10 of 20 unit (2 of 4 clients); left out: 2 and 4\n" in out
    assert "best known" not in out
    assert (toy / "part.sol").read_text().endswith("Cost 20\n")
    assert "note:" not in err
