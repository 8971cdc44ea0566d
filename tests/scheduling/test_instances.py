"""Published shops and projects: what is read, and what is refused with its line."""

from __future__ import annotations

import pytest

import kanopt as ko
from kanopt.errors import FileFormatError
from kanopt.scheduling.instances import read_shop

PROJECT = """\
RESOURCES
  - renewable                 :  1   R
  - nonrenewable              :  0   N
PRECEDENCE RELATIONS:
jobnr.    #modes  #successors   successors
   1        1          2           2   3
   2        1          1           4
   3        1          1           4
   4        1          1           5
   5        1          0
REQUESTS/DURATIONS:
jobnr. mode duration  R 1
------------------------
  1      1     0       0
  2      1     3       2
  3      1     2       2
  4      1     4       1
  5      1     0       0
RESOURCEAVAILABILITIES:
  R 1
    3
"""


def test_a_project_is_read_and_solved(tmp_path):
    file = tmp_path / "small.sm"
    file.write_text(PROJECT)
    problem = read_shop(file)
    assert [(task.name, task.after) for task in problem.tasks] == [("2", ()), ("3", ()), ("4", ("2", "3"))]
    # 2 and 3 need 4 of 3, so that they run one after the other
    assert ko.solve(problem, time_limit=5).objective == 9.0


def test_shops_are_read(tmp_path):
    plain, flexible = tmp_path / "two.jsp", tmp_path / "two.fjs"
    plain.write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    flexible.write_text("2 2 1.5\n2 2 1 3 2 5 1 2 2\n1 1 1 4\n")
    assert ko.solve(read_shop(plain), time_limit=5).objective == 6.0
    ways = [(mode.task, mode.machine, mode.duration) for mode in read_shop(flexible).modes]
    assert ways == [("1.1", "m1", 3.0), ("1.1", "m2", 5.0), ("1.2", "m2", 2.0), ("2.1", "m1", 4.0)]


def other(old: str, new: str) -> str:
    assert old in PROJECT
    return PROJECT.replace(old, new)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.sm", other("nonrenewable              :  0", "nonrenewable : 2"), ":3: resources that are used"),
        ("a.sm", other("  2      1     3       2", "  2      1     3"), ":15: activity 2"),
        ("a.sm", other("2   3\n", "2   7\n"), ":6: activity 1 or 7 has no duration"),
        ("a.sm", PROJECT.partition("RESOURCEAV")[0], "no rows below RESOURCEAVAILABILITIES"),
        ("a.jsp", "2 2\n0 3 1 2\n", "2 jobs are announced, 1 follow"),
        ("a.jsp", "1 2\n0 3 1\n", ":2: machine and duration in turn"),
        ("a.jsp", "1 2\n0 3 2 1\n", ":2: task 2 of job 1: no machine 2 of 2"),
        ("a.fjs", "1 2\n2 1 1 3\n", ":2: the line ends before"),
        ("a.fjs", "1 2\n1 1 1 x\n", ":2: a shop: 'x' is not a number"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(tmp_path, name, text, message):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(FileFormatError, match=message):
        read_shop(file)
