"""Paths, values and designs of sweeps."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import ScenarioError
from kanopt.questions.axes import (
    Axis,
    Values,
    design_points,
    factors,
    grid,
    read_axes,
    read_values,
    split_path,
    split_row_path,
)

NUMBERS = st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-3)


@given(NUMBERS, NUMBERS, st.integers(2, 50))
def test_a_grid_holds_both_ends_and_even_steps(low, high, count):
    if float(f"{low:.12g}") == float(f"{high:.12g}"):
        return
    found = grid(low, high, count).items
    assert len(found) == count
    assert found[0] == pytest.approx(low)
    assert found[-1] == pytest.approx(high)
    assert np.allclose(np.diff(found), (high - low) / (count - 1), atol=1e-9 * max(abs(low), abs(high)))


@pytest.mark.parametrize(
    ("low", "high", "count", "message"),
    [
        (1.0, 2.0, 1, "from 2 to 1,000,000, not 1"),
        (1.0, 2.0, 2.5, "a whole number from 2"),
        (1.0, 1.0, 3, "is one point"),
        (1.0, float("nan"), 3, "from one number to another"),
        ("a", 2.0, 3, "from one number to another"),
        (1.0, 2.0, 10**12, "from 2 to 1,000,000"),
    ],
)
def test_grids_that_are_none(low, high, count, message):
    with pytest.raises(ScenarioError, match=message):
        grid(low, high, count)


def test_the_command_line_writes_what_python_does():
    assert read_values("1.0:2.0:11") == grid(1.0, 2.0, 11)
    assert read_values("0.9:1.1:3", "scale") == factors(0.9, 1.1, 3)
    assert read_values("open, closed").items == ("open", "closed")
    assert read_values("8:30").items == ("8:30",)
    assert read_values("true").items == (True,)
    with pytest.raises(ScenarioError, match="a whole number from 2"):
        read_values("1:2:1")
    with pytest.raises(ScenarioError, match="values are written as"):
        read_values("1,,2")


def test_paths():
    assert split_path("a.b") == ("a", "b", {})
    assert split_path("problem.bind.tariff.x") == ("problem", "bind.tariff.x", {})
    assert split_path("a[n=x, k=2].b") == ("a", "b", {"n": "x", "k": 2.0})
    for wrong in ("a", "a.", ".b", "a[n].b", "a[=x].b", "a[n=x]b"):
        with pytest.raises(ScenarioError):
            split_path(wrong)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({}, "nothing is varied"),
        ({"a.b": []}, "has no values"),
        ({"a.b": [float("inf")]}, "a finite number"),
        ({"a[n=x].b": [1.0], "a[n = x].b": factors(1.0, 2.0, 2)}, "contradict each other"),
        ({"a.b": "1:2:1"}, "a.b: the number of points of a grid is"),
        ([Axis("a.b", Values((float("nan"),)))], "a finite number"),
    ],
)
def test_axes_that_are_none(axes, message):
    with pytest.raises(ScenarioError, match=message):
        read_axes(axes)


def test_designs():
    axes = read_axes({"a.b": grid(0.0, 1.0, 3), "a.c": ["x", "y"]})
    assert design_points(axes, "grid") == list(itertools.product((0.0, 0.5, 1.0), ("x", "y")))
    with pytest.raises(
        ScenarioError, match=r"as many values on every axis, not 3 values of a.b, 2 values of a.c"
    ):
        design_points(axes, "list")
    with pytest.raises(ScenarioError, match="did you mean 'grid'"):
        design_points(axes, "gird")
    twice = read_axes({"a.b": [1.0, 1.0], "a.c": ["x", "y"]})
    assert design_points(twice, "list") == [(1.0, "x"), (1.0, "y")]
    with pytest.raises(ScenarioError, match="the same point twice: 1, x"):
        design_points(twice, "grid")
    many = read_axes({"a.b": grid(0.0, 1.0, 1001), "a.c": grid(0.0, 1.0, 1001)})
    with pytest.raises(ScenarioError, match="from 1 to 1,000,000 points, not 1,002,001"):
        design_points(many, "grid")


@pytest.mark.parametrize("path", ["clients", "clients[]", "clients[,]", "clients[,,]"])
def test_a_path_without_a_condition_names_no_rows(path):
    """It would take out every row of a table."""
    with pytest.raises(ScenarioError, match="names no rows of a table"):
        split_row_path(path)
    assert split_row_path("clients[name=c01,]") == ("clients", {"name": "c01"})
