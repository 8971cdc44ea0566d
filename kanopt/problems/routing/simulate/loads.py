"""What is on board on each leg of many routes."""

from __future__ import annotations

import numpy as np

from kanopt.problems.routing.data import Floats, Ints, RoutingData

__all__ = ["loads_on_board"]

_NOTHING = 1e-12


def loads_on_board(data: RoutingData, nodes: Ints) -> Floats:
    """Return what is on board on each leg, in every measure.

    A trip begins with all demands on it that are loaded at the depot. At a client its demand goes off board, and what
    it gives comes on: its pickup, and the demands on the route whose source it is.

    Parameters
    ----------
    data
        The problem's data.
    nodes
        Nodes of each route from depot to depot, depots for reloads among them and as padding;
        (routes, longest + 1).

    Returns
    -------
    array
        Of shape (measures, routes, longest).
    """
    tail, head = nodes[:, :-1], nodes[:, 1:]
    first, last = _trips(tail, head, len(data.depots))
    loads = []
    for measure, carried in enumerate(data.demands):
        loaded = np.where(data.source < 0, carried, 0.0)
        change = -carried[tail]
        if measure == 0:
            change = change + data.pickup[tail]
        if data.has_sources:
            change = change + _loaded_for_others(data, nodes, carried)[:, :-1]
        reached = np.cumsum(loaded[head], axis=1)
        total = np.take_along_axis(reached, last, axis=1) - np.take_along_axis(
            reached - loaded[head], first, axis=1
        )
        changed = np.cumsum(change, axis=1)
        load = total + changed - np.take_along_axis(changed, first, axis=1)
        # what is left of sums that should cancel is noise, and nobody carries less than nothing
        noise = _NOTHING * (
            carried[head].sum(axis=1) + (data.pickup[head].sum(axis=1) if not measure else 0.0)
        )
        loads.append(np.where(load <= noise[:, None], 0.0, load))
    return np.stack(loads)


def _trips(tail: Ints, head: Ints, depots: int) -> tuple[Ints, Ints]:
    """Return for each leg the first and the last leg of its trip."""
    legs = np.broadcast_to(np.arange(tail.shape[1]), tail.shape)
    first = np.maximum.accumulate(np.where(tail < depots, legs, 0), axis=1)
    ends = np.where(head < depots, legs, tail.shape[1] - 1)
    last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    return first, last


def _loaded_for_others(data: RoutingData, nodes: Ints, carried: Floats) -> Floats:
    """Return what each stop gives to clients on its route; shape of `nodes`."""
    given = np.zeros(nodes.shape)
    source = data.source[nodes]
    for route, position in np.argwhere(source >= 0):
        at = np.flatnonzero(nodes[route] == source[route, position])
        given[route, at[:1]] += carried[nodes[route, position]]
    return given
