"""Files in the formats of VRPLIB and Solomon, written by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest

from kanopt import read_instance
from kanopt.errors import FileFormatError, ProblemError
from kanopt.problems.routing.instances import read_solution, solution_text

CVRP = """\
NAME : toy-n4-k2
COMMENT : (a remark: with a colon, EOF and _SECTION in it)
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 3 4
3 10.5 0
4 0 -7
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
POINTS = [(0.0, 0.0), (3.0, 4.0), (10.5, 0.0), (0.0, -7.0)]
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


@pytest.mark.parametrize(
    ("convention", "rounded"),
    [
        (None, lambda d: math.floor(d + 0.5)),
        ("round", lambda d: math.floor(d + 0.5)),
        ("dimacs", lambda d: math.floor(10 * d) / 10),
        ("exact", lambda d: d),
    ],
)
def test_the_objective_is_the_rounded_distance(write, convention, rounded):
    instance = read_instance(write(CVRP), convention=convention)
    assert (instance.name, instance.kind, instance.rounding) == ("toy-n4-k2", "cvrp", convention or "round")
    plan = instance.problem.plan_from([["1", "2"], ["3"]])
    assert instance.problem.price(plan).objective == pytest.approx(
        length([1, 2], rounded) + length([3], rounded)
    )
    assert instance.problem.check(plan).ok
    assert not instance.problem.check(instance.problem.plan_from([["1", "2", "3"]])).ok


def test_the_number_of_vehicles_is_no_limit_unless_the_file_says_one(write):
    assert read_instance(write(CVRP)).problem.vehicles[0].num_available == 3
    assert read_instance(write(VRPTW)).problem.vehicles[0].num_available == 3
    assert (
        read_instance(write(VRPTW.replace("VEHICLES : 3", "VEHICLES : 7"))).problem.vehicles[0].num_available
        == 7
    )


def test_windows_service_and_the_return_to_the_depot_are_kept(write):
    instance = read_instance(write(VRPTW))
    assert (instance.kind, instance.rounding) == ("vrptw", "dimacs")
    problem = instance.problem
    assert (problem.vehicles[0].shift_start, problem.vehicles[0].shift_end) == (0, 100)
    assert [(c.service_duration, c.earliest, c.latest) for c in problem.clients] == [
        (9, 20, 30),
        (9, 0, 90),
        (9, 5, 90),
    ]
    assert problem.check(problem.plan_from([["1", "2"], ["3"]])).ok
    # 7 + 9 of service + 11.4 reaches client 1 at 27.4; 7 + 9 + 12.6 + 9 + 8.5 is too late
    assert problem.check(problem.plan_from([["2"], ["3", "1"]])).ok
    assert not problem.check(problem.plan_from([["3", "2", "1"]])).ok


def test_explicit_distances_in_rows_of_any_length(write):
    problem = read_instance(write(EXPLICIT)).problem
    wanted = np.array([[0, 5, 7, 6], [5, 0, 8, 9], [7, 8, 0, 4], [6, 9, 4, 0]], dtype=float)
    assert np.array_equal(problem.data.distance, wanted)
    full = EXPLICIT.replace("LOWER_ROW", "FULL_MATRIX").replace(
        "5 7 8\n6 9\n 4", " ".join(map(str, range(16)))
    )
    found = read_instance(write(full))
    assert found.rounding == "given"
    assert found.problem.data.distance[1].tolist() == [4, 0, 6, 7]


def test_a_longest_route_ends_the_shift(write):
    problem = read_instance(
        write(CVRP.replace("CAPACITY", "DISTANCE : 28\nSERVICE_TIME : 2\nCAPACITY"))
    ).problem
    assert problem.check(problem.plan_from([["1", "2"], ["3"]])).violations[0].constraint == "shift"
    assert problem.check(problem.plan_from([["1"], ["2"], ["3"]])).ok


def test_the_best_known_objective_is_that_of_the_solution_beside_it(write):
    file = write(CVRP)
    write("Route #1: 2 1\nRoute #2: 3\nCost 42\n", "toy.sol")
    instance = read_instance(file)
    assert instance.best_known == 42
    assert instance.gap(44.1) == pytest.approx(0.05)
    assert instance.gap(None) is None
    plan = read_solution(file.with_suffix(".sol")).plan(instance.problem)
    assert [route.clients for route in plan.routes] == [("2", "1"), ("3",)]
    assert instance.problem.price(plan).objective == 11 + 9 + 5 + 14


def test_what_is_written_is_read_again(write):
    problem = read_instance(write(CVRP), convention="dimacs").problem
    plan = problem.plan_from([["3"], ["2", "1"]])
    cost = problem.price(plan).objective
    text = solution_text(problem, plan, cost)
    assert text == "Route #1: 3\nRoute #2: 2 1\nCost 38\n"
    again = read_solution(write(text, "out.sol"))
    assert again.cost == pytest.approx(cost, abs=1e-9)
    assert again.plan(problem) == plan


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Route #1: 1 x\n", r"s\.sol:1: client: 'x' is not a number"),
        ("Route #1: 1 0\n", r"s\.sol:1: client: '0' is not a whole number of at least 1"),
        ("Cost 3\n", "no solution file"),
        ("Route #1: 1\nCost nan\n", r"s\.sol:2: cost: 'nan' is not a number"),
    ],
)
def test_a_bad_solution_is_refused(write, text, told):
    with pytest.raises(FileFormatError, match=told):
        read_solution(write(text, "s.sol"))


def test_a_solution_of_another_instance_is_refused(write):
    problem = read_instance(write(CVRP)).problem
    solution = read_solution(write("Route #1: 1 4\n", "s.sol"))
    with pytest.raises(ProblemError, match="no client 4; clients are numbered 1 to 3"):
        solution.plan(problem)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("DIMENSION : 4", "DIMENSION : 5", r"toy\.vrp:7: NODE_COORD_SECTION: 4 rows, but DIMENSION says 5"),
        (
            "DIMENSION : 4",
            "DIMENSION : 1e9",
            r"toy\.vrp:4: DIMENSION: 1,000,000,000 nodes; kanopt reads 2 to",
        ),
        ("DIMENSION : 4", "DIMENSION : four", r"toy\.vrp:4: DIMENSION: 'four' is not a number"),
        ("DIMENSION : 4\n", "", "DIMENSION is missing"),
        ("DIMENSION : 4", "DIMENSION : 4\nDIMENSION : 4", r"toy\.vrp:5: DIMENSION stands there twice"),
        ("2 3 4", "2 3 nan", r"toy\.vrp:9: NODE_COORD_SECTION: 'nan' is not a number"),
        ("2 3 4", "2 3 1_0", r"toy\.vrp:9: NODE_COORD_SECTION: '1_0' is not a number"),
        ("2 3 4", "2 3 1e300", r"toy\.vrp:9: NODE_COORD_SECTION: '1e300' is larger"),
        ("2 3 4", "2 3", r"toy\.vrp:9: NODE_COORD_SECTION: 2 words where 3 are expected"),
        ("2 3 4", "3 3 4", r"toy\.vrp:9: NODE_COORD_SECTION: node 3 where node 2 is expected"),
        ("2 4\n", "2 -4\n", r"toy\.vrp:14: DEMAND_SECTION: node 2 demands −4; at least 0"),
        ("2 4\n", "2 11\n", "DEMAND_SECTION: node 2 demands 11, more than any vehicle carries"),
        (
            "1 0\n2 4\n",
            "1 1\n2 4\n",
            r"toy\.vrp:13: DEMAND_SECTION: node 1 is the depot and demands 1; it must be 0",
        ),
        ("CAPACITY : 10\n", "", "CAPACITY is missing"),
        ("TYPE : CVRP", "TYPE : PDTSP", r"toy\.vrp:3: TYPE: 'PDTSP' is not read; known: CVRP"),
        ("TYPE : CVRP", "TYPE : VRPTW", "TIME_WINDOW_SECTION is missing"),
        ("EUC_2D", "GEO", r"toy\.vrp:5: EDGE_WEIGHT_TYPE: 'GEO' is not read"),
        ("EUC_2D", "EXPLICIT", "EDGE_WEIGHT_FORMAT: '' is not read; known: FULL_MATRIX"),
        ("DEMAND_SECTION", "BACKHAUL_SECTION", r"toy\.vrp:12: BACKHAUL_SECTION is not read"),
        ("DEMAND_SECTION", "NODE_COORD_SECTION", r"toy\.vrp:12: NODE_COORD_SECTION stands there twice"),
        ("CAPACITY : 10", "CAPACITY : 10\nMAX_TIME : 8", r"toy\.vrp:7: MAX_TIME is not read"),
        ("CAPACITY : 10", "CAPACITY 10", r"toy\.vrp:6: 'CAPACITY 10' is neither"),
        (" 1\n -1", " 1\n 2\n -1", r"toy\.vrp:17: DEPOT_SECTION: the depot must be node 1 and the only one"),
        (CVRP[CVRP.index("DEPOT") :], "", "DEPOT_SECTION is missing; the file is cut off"),
        (CVRP[CVRP.index("4 6") :], "", "DEMAND_SECTION: 3 rows, but DIMENSION says 4"),
        (CVRP, "", "the file is empty"),
        (CVRP, "\0\0", "this is no text file"),
        (CVRP, "id;x;y\n1;2;3\n", "of no format that is read"),
    ],
)
def test_a_hostile_file_is_refused_with_its_place(write, old, new, told):
    assert old in CVRP
    with pytest.raises(FileFormatError, match=told):
        read_instance(write(CVRP.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("5 7 8", "5 7", r"EDGE_WEIGHT_SECTION: 5 numbers, but LOWER_ROW of 4 nodes has 6"),
        ("5 7 8", "5 7 inf", r"toy\.vrp:9: EDGE_WEIGHT_SECTION: 'inf' is not a number"),
        ("5 7 8", "5 -7 8", r"EDGE_WEIGHT_SECTION: the distance from 1 to 3 is negative"),
        ("LOWER_ROW", "UPPER_COL", "EDGE_WEIGHT_FORMAT: 'UPPER_COL' is not read"),
    ],
)
def test_bad_explicit_distances_are_refused(write, old, new, told):
    assert old in EXPLICIT
    with pytest.raises(FileFormatError, match=told):
        read_instance(write(EXPLICIT.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "2 20 30",
            "2 30 20",
            r"toy\.vrp:21: TIME_WINDOW_SECTION: node 2 has a window that closes before it opens",
        ),
        ("VEHICLES : 3", "VEHICLES : 0", r"VEHICLES: 0 is not a whole number of at least 1"),
        (
            "SERVICE_TIME : 9",
            "SERVICE_TIME : -9",
            r"toy\.vrp:7: SERVICE_TIME: node 2 takes less than no time",
        ),
        ("SERVICE_TIME : 9", "DISTANCE : 9", "a longest route is not read beside time windows"),
    ],
)
def test_bad_windows_are_refused(write, old, new, told):
    assert old in VRPTW
    with pytest.raises(FileFormatError, match=told):
        read_instance(write(VRPTW.replace(old, new, 1)))


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="no file there"):
        read_instance(tmp_path / "none.vrp")
    with pytest.raises(FileFormatError, match="a folder"):
        read_instance(tmp_path)


def test_an_unknown_convention_is_refused(write):
    with pytest.raises(ProblemError, match="unknown convention 'exakt'; did you mean 'exact'"):
        read_instance(write(CVRP), convention="exakt")


@pytest.mark.parametrize("name", ["x" * 300 + ".vrp", "a\0b.vrp"])
@pytest.mark.parametrize("read", [read_instance, read_solution])
def test_what_is_no_path_is_no_instance(tmp_path, read, name):
    with pytest.raises(FileFormatError, match="is no path: "):
        read(tmp_path / name)


def test_fleet_windows_and_distances_are_read(write):
    instance = read_instance(write(SOLOMON, "toy.txt"))
    problem = instance.problem
    assert (instance.name, instance.kind, instance.rounding, instance.best_known) == (
        "T101",
        "vrptw",
        "dimacs",
        None,
    )
    assert (
        problem.vehicles[0].num_available,
        problem.vehicles[0].capacity,
        problem.vehicles[0].shift_end,
    ) == (
        4,
        20,
        200,
    )
    assert [(c.name, c.demand, c.earliest, c.latest, c.service_duration) for c in problem.clients] == [
        ("1", 10, 50, 60, 10),
        ("2", 5, 0, 100, 10),
    ]
    # √2 is 1.4, √(1 + 2.25) is 1.8
    assert problem.price(problem.plan_from([["1", "2"]])).objective == pytest.approx(1.4 + 1.8 + 2.5)


def test_exact_distances_are_not_rounded(write):
    problem = read_instance(write(SOLOMON, "toy.txt"), convention="exact").problem
    wanted = math.sqrt(2) + math.hypot(1, 1.5) + 2.5
    assert problem.price(problem.plan_from([["1", "2"]])).objective == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("NUMBER     CAPACITY\n", "", r"toy\.txt:4: NUMBER CAPACITY is expected here"),
        (SOLOMON[SOLOMON.index("CUSTOMER") :], "", "CUSTOMER is expected here; the file is cut off"),
        (SOLOMON[SOLOMON.index("    0      0") :], "", "CUSTOMER: 0 rows"),
        ("  4         20", "  4", r"toy\.txt:5: 1 words where NUMBER and CAPACITY"),
        ("  4         20", "  0  20", r"toy\.txt:5: NUMBER: '0' is not a whole number"),
        ("100         10\n", "100\n", r"toy\.txt:12: CUSTOMER: 6 words where 7 are expected"),
        ("    2      0 ", "    3      0 ", r"toy\.txt:12: CUSTOMER: node 3 where node 2 is expected"),
        (
            "50        60",
            "60        50",
            r"toy\.txt:11: TIME_WINDOW: customer 1 has a window that closes before it opens",
        ),
        ("50        60", "NaN        50", r"toy\.txt:11: CUSTOMER: 'NaN' is not a number"),
        ("  2.5       5 ", "  2.5       -5 ", r"toy\.txt:12: DEMAND: customer 2 demands −5; at least 0"),
        (
            "  2.5       5 ",
            "  2.5       50 ",
            r"toy\.txt:12: DEMAND: customer 2 demands 50, more than any vehicle carries",
        ),
        (
            "    0      0         0          0",
            "    0      0         0          1",
            r"toy\.txt:10: DEMAND: customer 0 is the depot and demands 1",
        ),
    ],
)
def test_a_hostile_file_of_solomon_is_refused_with_its_place(write, old, new, told):
    assert old in SOLOMON
    with pytest.raises(FileFormatError, match=told):
        read_instance(write(SOLOMON.replace(old, new, 1), "toy.txt"))
