"""Where a function of one variable jumps: staircases of other things become staircases of the variable."""

from __future__ import annotations

from functools import partial

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.enclosures.arithmetic import EPS, Flags
from kanopt.formulas.enclosures.boxes import BoxSides
from kanopt.formulas.enclosures.enclosure import Orders
from kanopt.formulas.enclosures.engine import Encloser
from kanopt.formulas.lowering.graphs import ARGUMENT, Called, at, nearest, shown
from kanopt.formulas.nodes import Array, Node, postorder, rebuild
from kanopt.formulas.pieces import Step

_FIRST, _CUT, _MOST = 64, 16, 20_000
_SHORTEST = 1e-30  # of the range


def with_plain_steps(graph: Node, low: float, high: float, called: Called | None = None) -> Node:
    """Return the same function on a range, with no other staircases than those of the variable.

    Where the argument of a staircase crosses an edge is enclosed by interval arithmetic, so that none is missed, and
    then narrowed down to the number at which the evaluated staircase jumps.

    Raises
    ------
    FormulaError
        If an argument lies on an edge all along, or touches one without crossing it.

    Examples
    --------
    >>> step = with_plain_steps(Step(2 * ARGUMENT - 1, (0.0, 4.0), (1.0, 2.0, 3.0)), 0.0, 2.0)
    >>> step.breakpoints, step.values
    ((0.5,), (1.0, 2.0))
    """

    def change(node: Node) -> Node:
        if isinstance(node, Step) and node.argument.key != ARGUMENT.key:
            return _plain(node, low, high, called or Called(shown(node)))
        return node

    if all(not isinstance(node, Step) for node in postorder(graph)):
        return graph
    return rebuild(graph, change)


def _plain(step: Step, low: float, high: float, called: Called) -> Step:
    places: list[float] = []
    values = [float(_value(step, called, np.array([low]))[0])]
    for start, stop in _zones(step, low, high, called):
        before, after = _value(step, called, np.array([max(start, low), min(stop, high)]))
        inside = _value(step, called, np.linspace(max(start, low), min(stop, high), 9))
        if not np.isin(inside, (before, after)).all():
            raise FormulaError(
                f"{called.text}: its staircase {step.name!r} touches an edge {called.where(start)}, about, without "
                "crossing it; narrow the range to one side"
            )
        if before != after:
            # the smallest number from which on the evaluated step has the value after
            places.append(nearest(max(start, low), min(stop, high), partial(_is_on, step, called, after)))
            values.append(after)
    return Step(ARGUMENT, tuple(places), tuple(values), step.name)


def _value(step: Step, called: Called, x: Array) -> Array:
    found = at(step, x)
    if np.isnan(found).any():
        place = float(x[np.argmax(np.isnan(found))])
        raise FormulaError(f"{called.text} has no finite value {called.where(place)}; narrow the range")
    return found


def _is_on(step: Step, called: Called, stair: float, x: float) -> bool:
    return bool(_value(step, called, np.array([x]))[0] == stair)


def _zones(step: Step, low: float, high: float, called: Called) -> list[tuple[float, float]]:
    """Return short intervals outside which the argument is on no edge."""
    edges = np.asarray(step.breakpoints)
    sides = BoxSides.of({ARGUMENT.name: (low, high)}, postorder(step.argument))
    encloser, stairs = Encloser(step.argument, sides), sides.step_edges[0]
    ends = np.unique(
        np.concatenate([np.linspace(low, high, _FIRST + 1), stairs[(stairs > low) & (stairs < high)]])
    )
    start, stop = ends[:-1], ends[1:]
    found: list[tuple[Array, Array]] = []
    while len(start):
        on = _on_edge(encloser, edges, start, stop)
        start, stop = start[on], stop[on]
        size = np.maximum(np.abs(start), np.abs(stop))
        fine = stop - start <= np.maximum(8.0 * EPS * size, _SHORTEST * (high - low))
        found.append((start[fine], stop[fine]))
        start, stop = start[~fine], stop[~fine]
        if len(start) > _MOST:
            raise FormulaError(
                f"{called.text}: the argument of its staircase {step.name!r} lies on an edge all along; leave it out"
            )
        cuts = start[:, None] + (stop - start)[:, None] * np.linspace(0.0, 1.0, _CUT + 1)
        cuts[:, -1] = stop
        start, stop = cuts[:, :-1].ravel(), cuts[:, 1:].ravel()
        start, stop = start[start < stop], stop[start < stop]
    starts, stops = (np.concatenate(ends) for ends in zip(*found, strict=True))
    zones: list[tuple[float, float]] = []
    for index in np.argsort(starts):
        a, b = float(starts[index]), float(stops[index])
        # a number more on both sides, so that each end is off the edge
        if zones and a <= np.nextafter(zones[-1][1], np.inf):
            zones[-1] = (zones[-1][0], float(np.nextafter(b, np.inf)))
        else:
            zones.append((float(np.nextafter(a, -np.inf)), float(np.nextafter(b, np.inf))))
    return zones


def _on_edge(encloser: Encloser, edges: Array, start: Array, stop: Array) -> Flags:
    """Return the intervals over which the argument may be on an edge."""
    value = encloser.over(encloser.sides.boxes(start[:, None], stop[:, None]), Orders()).value
    reached = (value[0][:, None] <= edges) & (edges <= value[1][:, None])
    return np.asarray(reached.any(axis=1))
