"""Files in Solomon's format, written by hand."""

import math

import pytest

from kanopt import read_instance
from kanopt.errors import FileFormatError

TOY = """\
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
    def put(text: str):
        file = tmp_path / "toy.txt"
        file.write_text(text)
        return file

    return put


def test_fleet_windows_and_distances_are_read(write):
    instance = read_instance(write(TOY))
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
    problem = read_instance(write(TOY), convention="exact").problem
    wanted = math.sqrt(2) + math.hypot(1, 1.5) + 2.5
    assert problem.price(problem.plan_from([["1", "2"]])).objective == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("NUMBER     CAPACITY\n", "", r"toy\.txt:4: NUMBER CAPACITY is expected here"),
        (TOY[TOY.index("CUSTOMER") :], "", "CUSTOMER is expected here; the file is cut off"),
        (TOY[TOY.index("    0      0") :], "", "CUSTOMER: 0 rows"),
        ("  4         20", "  4", r"toy\.txt:5: 1 words where NUMBER and CAPACITY"),
        ("  4         20", "  0  20", r"toy\.txt:5: NUMBER: '0' is not a whole number"),
        ("100         10\n", "100\n", r"toy\.txt:12: 6 words where 7 are expected"),
        ("    2      0 ", "    3      0 ", r"toy\.txt:12: CUST NO\.: 3 where 2 is expected"),
        ("50        60", "60        50", r"toy\.txt:11: the window closes \(50\) before it opens \(60\)"),
        ("50        60", "NaN        50", r"toy\.txt:11: READY TIME: 'NaN' is not a number"),
        ("  2.5       5 ", "  2.5       -5 ", r"toy\.txt:12: DEMAND and SERVICE TIME must be at least 0"),
        ("  2.5       5 ", "  2.5       50 ", r"toy\.txt:12: DEMAND: 50, more than any vehicle carries"),
        (
            "    0      0         0          0",
            "    0      0         0          1",
            "the depot demands nothing",
        ),
    ],
)
def test_a_hostile_file_is_refused_with_its_place(write, old, new, told):
    assert old in TOY
    with pytest.raises(FileFormatError, match=told):
        read_instance(write(TOY.replace(old, new, 1)))
