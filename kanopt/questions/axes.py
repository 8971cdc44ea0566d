"""What a sweep varies: paths, the values along each, and the points of a design."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from kanopt.errors import Issue, ScenarioError, nearest
from kanopt.faults import count_fault, describe_value
from kanopt.scenarios.changes import Change, Value, cell_text
from kanopt.text import count_text, number_text

Design: TypeAlias = Literal["grid", "list"]
DESIGNS = ("grid", "list")
MOST_POINTS = 1_000_000
_PATH = re.compile(r"(?P<table>[^.\[\]]+)(?:\[(?P<where>[^\]]*)\])?\.(?P<column>.+)")
_ROWS = re.compile(r"(?P<table>[^.\[\]]+)\[(?P<where>[^\]]+)\]")
_GRID = re.compile(r"\s*([^:,]+):([^:,]+):([^:,]+)\s*")


@dataclass(frozen=True)
class Values:
    """The values of an axis.

    Parameters
    ----------
    items
        The values, in their order.
    action
        Whether cells are set to them or multiplied by them.

    Examples
    --------
    >>> grid(1.0, 2.0, 3)
    Values(items=(1.0, 1.5, 2.0), action='set')
    """

    items: tuple[Value, ...]
    action: Literal["set", "scale"] = "set"


def grid(low: float, high: float, count: int) -> Values:
    """Return evenly spaced values, both ends included.

    Parameters
    ----------
    low, high
        The ends, in the unit of what is set.
    count
        How many values; two at least.

    Raises
    ------
    ScenarioError
        If the ends are no finite numbers or equal, or the count is below two.

    Examples
    --------
    >>> grid(1.0, 2.0, 5).items
    (1.0, 1.25, 1.5, 1.75, 2.0)
    """
    return Values(_spaced(low, high, count), "set")


def factors(low: float | Sequence[float], high: float | None = None, count: int | None = None) -> Values:
    """Return factors by which what is there is multiplied: evenly spaced as by :func:`grid`, or those that are given.

    Parameters
    ----------
    low
        The least factor, or all of them.
    high, count
        The largest one, and how many; left out where all are given.

    Raises
    ------
    ScenarioError
        As :func:`grid`.

    Examples
    --------
    >>> factors(0.9, 1.1, 3)
    Values(items=(0.9, 1.0, 1.1), action='scale')
    >>> factors([1.0, 1.5]).items
    (1.0, 1.5)
    """
    if high is None and count is None and isinstance(low, (Sequence, np.ndarray)):
        return values_of("factors", low, "scale")
    return Values(_spaced(low, high, count), "scale")


def _spaced(low: Any, high: Any, count: Any) -> tuple[float, ...]:
    for value in (low, high):
        if not (_is_number(value) and math.isfinite(value)):
            told = f"a grid goes from one number to another, not from or to {describe_value(value)}"
            raise _error("", told)
    if wrong := count_fault(count, 2, MOST_POINTS):
        raise _error("", f"the number of points of a grid is {wrong}")
    if low == high:
        raise _error("", f"a grid from {number_text(low)} to {number_text(high)} is one point; take two ends")
    # rounded, so that the values are those a person would write: 1.1 and not 1.1000000000000001
    return tuple(float(f"{value:.12g}") for value in np.linspace(low, high, count))


@dataclass(frozen=True)
class Axis:
    """One thing that a sweep varies.

    Parameters
    ----------
    path
        What is set or multiplied: ``"vehicles.fuel_price"``, of some rows ``"vehicles[name=van].fuel_price"``, or a key
        or a law as in :meth:`Scenario.set`.
    values
        The values along it.

    Examples
    --------
    >>> print(Axis("vehicles[name=van].fuel_price", grid(1.0, 2.0, 3)).change(1.5))
    vehicles.fuel_price set to 1.5 where name = van
    """

    path: str
    values: Values

    @property
    def label(self) -> str:
        """The name of its column in frames: the path, marked where values are factors."""
        return f"{self.path} ×" if self.values.action == "scale" else self.path

    def change(self, value: Value) -> Change:
        """Return the change that puts a value at the path."""
        table, column, where = split_path(self.path)
        return Change(self.values.action, table, column, value, where=where)

    def __str__(self) -> str:
        items = self.values.items
        if len(items) > 4:
            first, last = value_text(items[0]), value_text(items[-1])
            return f"{self.label} from {first} to {last} ({len(items):,} values)"
        return f"{self.label} {', '.join(map(value_text, items))}"


def value_text(value: Value) -> str:
    """Write a value as a person would read it: six digits of a number are enough."""
    return number_text(value, 6) if isinstance(value, float) else cell_text(value)


def split_path(path: str) -> tuple[str, str, dict[str, Value]]:
    """Return table, column and the condition on rows of a path.

    Raises
    ------
    ScenarioError
        If it is none.

    Examples
    --------
    >>> split_path("vehicles[name=van].fuel_price")
    ('vehicles', 'fuel_price', {'name': 'van'})
    """
    found = _PATH.fullmatch(path)
    if found is None:
        example = "vehicles.fuel_price or vehicles[name=van].fuel_price"
        raise _error(path, f"is no path; write one such as {example}")
    return found["table"].strip(), found["column"].strip(), _conditions(path, found["where"] or "")


def split_row_path(path: str) -> tuple[str, dict[str, Value]]:
    """Return table and condition of a path to rows.

    Raises
    ------
    ScenarioError
        If it is none.

    Examples
    --------
    >>> split_row_path("clients[name=c01]")
    ('clients', {'name': 'c01'})
    """
    found = _ROWS.fullmatch(path)
    # with no condition it would be every row
    where = _conditions(path, found["where"]) if found is not None else {}
    if found is None or not where:
        raise _error(path, "names no rows of a table; write which, such as clients[name=c01]")
    return found["table"].strip(), where


def _conditions(path: str, text: str) -> dict[str, Value]:
    where: dict[str, Value] = {}
    for condition in filter(None, text.split(",")):
        name, is_given, value = condition.partition("=")
        if not is_given or not name.strip():
            raise _error(path, f"the condition {condition!r} must be column=value")
        where[name.strip()] = cell_of(value.strip())
    return where


def read_values(text: str, action: Literal["set", "scale"] = "set") -> Values:
    """Read values as they are written at the command line and in files.

    Parameters
    ----------
    text
        ``"1.0:2.0:11"`` (from, to, how many) or a list, ``"1.0, 1.2, 1.5"``.
    action
        Whether cells are set to them or multiplied by them.

    Raises
    ------
    ScenarioError
        If it is neither.

    Examples
    --------
    >>> read_values("1.0:2.0:3").items, read_values("open, closed").items, read_values("1.1", "scale").items
    ((1.0, 1.5, 2.0), ('open', 'closed'), (1.1,))
    """
    spaced = _GRID.fullmatch(text)
    if spaced is not None and all(isinstance(cell_of(part), float) for part in spaced.groups()):
        low, high, count = (cell_of(part) for part in spaced.groups())
        whole = int(count) if isinstance(count, float) and count.is_integer() else count
        return Values(_spaced(low, high, whole), action)
    items = tuple(cell_of(part.strip()) for part in text.split(","))
    # of 0,5:1,5:2 with decimal commas would be left 0, 5:1 and 5:2
    mixed = any(map(_is_number, items)) and any(isinstance(item, str) and ":" in item for item in items)
    if "" in items or mixed:
        raise _error(text, "values are written as 1.0:2.0:11 (from, to, how many) or as a list 1.0, 1.2, 1.5")
    return Values(items, action)


def cell_of(text: str) -> Value:
    """Return what a word at the command line or in a path stands for: a truth value, a number or a text."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text.strip("\"'")


def read_axes(given: Mapping[str, Any] | Sequence[Axis]) -> tuple[Axis, ...]:
    """Return the axes of a sweep, from paths to what stands for their values.

    Parameters
    ----------
    given
        Path to :class:`Values`, a sequence of values, a text as at the command line, or one value; or the axes.

    Raises
    ------
    ScenarioError
        If there is none, or two contradict each other.
    """
    if isinstance(given, Mapping):
        axes = tuple(Axis(str(path), values_of(path, values)) for path, values in given.items())
    else:
        axes = tuple(Axis(axis.path, values_of(axis.path, axis.values)) for axis in given)
    if not axes:
        raise _error("", "nothing is varied: name paths and their values")
    touched: dict[Any, Axis] = {}
    for axis in axes:
        table, column, where = split_path(axis.path)
        other = touched.setdefault((table, column, tuple(sorted(map(str, where.items())))), axis)
        if other is not axis:
            raise _error(
                axis.path, "is set or multiplied by two axes, which contradict each other; leave one"
            )
        if axis.values.action == "scale" and not all(map(_is_number, axis.values.items)):
            raise _error(axis.path, f"factors are numbers, not {axis}")
    return axes


def values_of(path: str, given: Any, action: Literal["set", "scale"] = "set") -> Values:
    """Return the values of an axis from whatever stands for them; see :func:`read_axes`.

    Raises
    ------
    ScenarioError
        If they are none.
    """
    if isinstance(given, Values):
        found = given
    elif isinstance(given, str):
        try:
            found = read_values(given, action)
        except ScenarioError as error:
            raise _error(path, error.issues[0].message) from None
    elif isinstance(given, (int, float, Sequence, np.ndarray)):
        items = [given] if isinstance(given, (int, float)) else given
        found = Values(
            tuple(value.item() if isinstance(value, np.generic) else value for value in items), action
        )
    else:
        raise _error(path, f"values are ko.grid(1.0, 2.0, 11) or a list, not {describe_value(given)}")
    for value in found.items:
        if not isinstance(value, (str, int, float)) or (
            isinstance(value, float) and not math.isfinite(value)
        ):
            told = f"a value is a finite number, a text or a truth value, not {describe_value(value)}"
            raise _error(path, told)
    if not found.items:
        raise _error(path, "has no values")
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def design_points(axes: Sequence[Axis], design: Design) -> list[tuple[Value, ...]]:
    """Return the points of a design, one value for each axis.

    Parameters
    ----------
    axes
        What is varied.
    design
        ``"grid"``: every combination; ``"list"``: the first values together, then the second ones, and so on.

    Raises
    ------
    ScenarioError
        If axes and design do not fit together, or there are too many points.

    Examples
    --------
    >>> axes = read_axes({"vehicles.fuel_price": grid(1.0, 2.0, 2), "vehicles.num_available": [4, 5]})
    >>> design_points(axes, "grid")
    [(1.0, 4), (1.0, 5), (2.0, 4), (2.0, 5)]
    >>> design_points(axes, "list")
    [(1.0, 4), (2.0, 5)]
    """
    if design not in DESIGNS:
        raise _error("design", f"unknown design {design!r}; {nearest(str(design), DESIGNS)}")
    items = [axis.values.items for axis in axes]
    if design == "list" and len(set(map(len, items))) > 1:
        told = ", ".join(f"{count_text(len(axis.values.items), 'value')} of {axis.path}" for axis in axes)
        raise _error("design", f"a list has as many values on every axis, not {told}")
    count = len(items[0]) if design == "list" else math.prod(map(len, items))
    if count > MOST_POINTS:
        raise _error("design", f"a sweep has from 1 to {MOST_POINTS:,} points, not {count:,}")
    points = list(zip(*items, strict=True) if design == "list" else itertools.product(*items))
    if len(set(points)) < len(points):
        twice = Counter(points).most_common(1)[0][0]
        raise _error("design", f"the same point twice: {', '.join(map(value_text, twice))}")
    return points


def _error(place: str, message: str) -> ScenarioError:
    return refused("changes", place, message)


def refused(what: str, place: str, message: str) -> ScenarioError:
    """Return the error of a question that cannot be asked: which one, what of it, and why."""
    return ScenarioError([Issue(what, 0, place, message)])


def check_word(what: str, place: str, word: object, known: Collection[str]) -> None:
    """Refuse a word that is none of those that are known.

    Raises
    ------
    ScenarioError
        With the one that is likely meant.
    """
    if word not in known:
        raise refused(what, place, f"unknown word {word!r}; {nearest(str(word), known)}")
