"""Files in the formats of VRPLIB and Solomon, written by hand."""

import math
from itertools import pairwise

import pytest

from kanopt import read_instance
from kanopt.errors import FileFormatError, ProblemError
from kanopt.routing.instances import read_solution, solution_text

CVRP = """\
NAME : toy-n4-k2
COMMENT : (a remark: with a colon)
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 3 4
3 10.5 0
4 1 -7
DEMAND_SECTION
1 0
2 4
3 5
4 6
DEPOT_SECTION
 1
 -1
EOF
"""
POINTS = [(0.0, 0.0), (3.0, 4.0), (10.5, 0.0), (1.0, -7.0)]
WINDOWS = """\
TIME_WINDOW_SECTION
1 0 100
2 20 30
3 0 90
4 5 90
"""
VRPTW = CVRP.replace("TYPE : CVRP", "TYPE : VRPTW").replace(
    "CAPACITY", "VEHICLES : 3\nSERVICE_TIME : 9\nCAPACITY"
)
VRPTW = VRPTW.replace("DEPOT_SECTION", WINDOWS + "DEPOT_SECTION")
EXPLICIT = CVRP.replace("EUC_2D", "EXPLICIT\nEDGE_WEIGHT_FORMAT : LOWER_ROW").replace(
    CVRP[CVRP.index("NODE_COORD") : CVRP.index("DEMAND")], "EDGE_WEIGHT_SECTION\n5 7 8\n6 9\n 4\n"
)

SOLOMON = """\
T101

VEHICLE
NUMBER     CAPACITY
  4         20

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      0         0          0          0       200          0
    1      1         1         10        50        60         10
    2      0         2.5       5         0        100         10
"""


@pytest.fixture
def write(tmp_path):
    def put(text: str, name: str = "toy.vrp"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return put


def length(way: list[int], rounded) -> float:
    return sum(rounded(math.dist(POINTS[a], POINTS[b])) for a, b in pairwise([0, *way, 0]))


def test_the_objective_is_the_rounded_distance(write):
    def rounded(distance: float) -> float:
        return math.floor(distance + 0.5)

    instance = read_instance(write(CVRP))
    assert (instance.name, instance.kind, instance.rounding) == ("toy-n4-k2", "cvrp", "round")
    problem = instance.problem
    plan = problem.plan_from([["1", "2"], ["3"]])
    assert problem.price(plan).objective == pytest.approx(length([1, 2], rounded) + length([3], rounded))
    assert problem.check(plan).ok
    assert not problem.check(problem.plan_from([["1", "2", "3"]])).ok


def test_windows_service_and_the_return_to_the_depot_are_kept(write):
    instance = read_instance(write(VRPTW))
    assert (instance.kind, instance.rounding) == ("vrptw", "dimacs")
    problem = instance.problem
    assert problem.vehicles[0].num_available == 3  # which is no limit: there are as many as clients
    assert (problem.vehicles[0].shift_start, problem.vehicles[0].shift_end) == (0, 100)
    found = [(c.service_duration, c.earliest, c.latest) for c in problem.clients]
    assert found == [(9, 20, 30), (9, 0, 90), (9, 5, 90)]
    # 7 + 9 of service + 11.1 reaches client 1 at 27.1; 7 + 9 + 11.8 + 9 + 8.5 is too late
    assert problem.check(problem.plan_from([["2"], ["3", "1"]])).ok
    assert not problem.check(problem.plan_from([["3", "2", "1"]])).ok


def test_explicit_distances_in_rows_of_any_length(write):
    problem = read_instance(write(EXPLICIT)).problem
    assert problem.data.distance.tolist() == [[0, 5, 7, 6], [5, 0, 8, 9], [7, 8, 0, 4], [6, 9, 4, 0]]
    full = EXPLICIT.replace("LOWER_ROW", "FULL_MATRIX").replace(
        "5 7 8\n6 9\n 4", " ".join(map(str, range(16)))
    )
    found = read_instance(write(full))
    assert found.rounding == "given"
    assert found.problem.data.distance[1].tolist() == [4, 0, 6, 7]


def test_a_longest_route_ends_the_shift(write):
    text = CVRP.replace("CAPACITY", "DISTANCE : 28\nSERVICE_TIME : 2\nCAPACITY")
    problem = read_instance(write(text)).problem
    assert problem.check(problem.plan_from([["1", "2"], ["3"]])).violations[0].constraint == "shift"
    assert problem.check(problem.plan_from([["1"], ["2"], ["3"]])).ok


def test_the_best_known_objective_is_that_of_the_solution_beside_it_and_what_is_written_is_read(write):
    file = write(CVRP)
    write("Route #1: 2 1\nRoute #2: 3\nCost 42\n", "toy.sol")
    instance = read_instance(file)
    assert (instance.best_known, instance.gap(44.1), instance.gap(None)) == (42, pytest.approx(0.05), None)
    plan = read_solution(file.with_suffix(".sol")).plan(instance.problem)
    assert [route.clients for route in plan.routes] == [("2", "1"), ("3",)]
    cost = instance.problem.price(plan).objective
    assert cost == 11 + 9 + 5 + 14
    text = solution_text(instance.problem, plan, cost)
    assert text == "Route #1: 2 1\nRoute #2: 3\nCost 39\n"
    again = read_solution(write(text, "out.sol"))
    assert (again.cost, again.plan(instance.problem)) == (cost, plan)


def test_fleet_windows_and_distances_of_solomon_are_read(write):
    instance = read_instance(write(SOLOMON, "toy.txt"))
    problem = instance.problem
    assert (instance.name, instance.kind, instance.rounding, instance.best_known) == (
        "T101",
        "vrptw",
        "dimacs",
        None,
    )
    van = problem.vehicles[0]
    assert (van.num_available, van.capacity, van.shift_end) == (4, 20, 200)
    found = [(c.name, c.demand, c.earliest, c.latest, c.service_duration) for c in problem.clients]
    assert found == [("1", 10, 50, 60, 10), ("2", 5, 0, 100, 10)]
    # √2 is 1.4, √(1 + 2.25) is 1.8
    assert problem.price(problem.plan_from([["1", "2"]])).objective == pytest.approx(1.4 + 1.8 + 2.5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Route #1: 1 x\n", r"s\.sol:1: client: 'x'"),
        ("Route #1: 1 0\n", r"s\.sol:1: client: '0'"),
        ("Cost 3\n", "no solution file"),
        ("Route #1: 1\nCost nan\n", r"s\.sol:2: cost: 'nan'"),
        ("Route #1: 1 4\n", "no client 4; clients are numbered 1 to 3"),
    ],
)
def test_a_bad_solution_is_refused(write, text, told):
    problem = read_instance(write(CVRP)).problem
    with pytest.raises((FileFormatError, ProblemError), match=told):
        read_solution(write(text, "s.sol")).plan(problem)


BAD = [
    (CVRP, "DIMENSION : 4", "DIMENSION : 5"),
    (CVRP, "DIMENSION : 4", "DIMENSION : 1e9"),
    (CVRP, "DIMENSION : 4\n", ""),
    (CVRP, "2 3 4", "2 3 nan"),
    (CVRP, "2 3 4", "2 3 1e300"),
    (CVRP, "2 4\n", "2 -4\n"),
    (CVRP, "2 4\n", "2 11\n"),
    (CVRP, "1 0\n2 4\n", "1 1\n2 4\n"),
    (CVRP, "CAPACITY : 10\n", ""),
    (CVRP, "CAPACITY : 10", "CAPACITY 10"),
    (CVRP, "TYPE : CVRP", "TYPE : PDTSP"),
    (CVRP, "TYPE : CVRP", "TYPE : VRPTW"),
    (CVRP, "EUC_2D", "GEO"),
    (CVRP, "DEMAND_SECTION", "BACKHAUL_SECTION"),
    (CVRP, "CAPACITY : 10", "CAPACITY : 10\nMAX_TIME : 8"),
    (CVRP, " 1\n -1", " 1\n 2\n -1"),
    (CVRP, CVRP[CVRP.index("DEPOT") :], ""),
    (CVRP, CVRP, ""),
    (CVRP, CVRP, "id;x;y\n1;2;3\n"),
    (EXPLICIT, "5 7 8", "5 7"),
    (EXPLICIT, "5 7 8", "5 -7 8"),
    (VRPTW, "2 20 30", "2 30 20"),
    (VRPTW, "VEHICLES : 3", "VEHICLES : 0"),
    (VRPTW, "SERVICE_TIME : 9", "SERVICE_TIME : -9"),
    (VRPTW, "SERVICE_TIME : 9", "DISTANCE : 9"),
    (SOLOMON, "NUMBER     CAPACITY\n", ""),
    (SOLOMON, SOLOMON[SOLOMON.index("    0      0") :], ""),
    (SOLOMON, "  4         20", "  0  20"),
    (SOLOMON, "100         10\n", "100\n"),
    (SOLOMON, "50        60", "60        50"),
    (SOLOMON, "  2.5       5 ", "  2.5       -5 "),
    (SOLOMON, "  0          0       200", "  1          0       200"),
]


@pytest.mark.parametrize(("file", "old", "new"), BAD)
def test_a_hostile_file_is_refused(write, file, old, new):
    assert old in file
    with pytest.raises(FileFormatError, match=r"no instance in VRPLIB or Solomon|the file is empty"):
        read_instance(write(file.replace(old, new, 1), "toy.txt" if file is SOLOMON else "toy.vrp"))


@pytest.mark.parametrize(
    ("name", "told"),
    [("none.vrp", "no such file"), ("", "a folder"), ("x" * 300, "is no path"), ("a\0b", "is no path")],
)
def test_what_is_no_file_is_refused(tmp_path, name, told):
    for read in (read_instance, read_solution):
        with pytest.raises((FileFormatError, FileNotFoundError), match=told):
            read(tmp_path / name)
