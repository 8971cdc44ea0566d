"""When to leave where it matters: a search in one dimension on the whole price of a route, for many routes at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.routing.law_search.arrival_index import ArrivalIndex
from kanopt.solvers.routing.law_search.compiled_problem import CompiledProblem
from kanopt.solvers.routing.law_search.forward import RouteBatch, drive_at
from kanopt.solvers.routing.law_search.scores import RouteScores

__all__ = ["best_departures"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_ROUGH, _FINE = 24, 96  # departures tried first
_SPANS = 48  # between them, at most so many of a route are looked into at once
_QUARTERS, _MANY = (4, 8), (40, 3)  # parts of a span and rounds: many spans in small steps, two in large ones
_CLOSE = 2e-4  # of a typical leg: how near the best departure is to be found
_MOST = 60_000  # legs × departures driven at once


def best_departures(batch: RouteBatch, *, rough: bool = False) -> RouteScores:
    """Score each route at the best departure found.

    Departures are tried between two times: leaving before the first only lengthens a wait, and leaving after the
    second is too late for some window. Then the best of them is looked for between those tried. Where nobody arrives
    earlier by leaving later and only time is paid, no span of departures is given up that could hold a better one:
    leaving within it, one returns no sooner than by leaving at its beginning, and has left no later than at its end;
    as long as these spans are not too many.

    Parameters
    ----------
    batch
        Routes.
    rough
        Only try a few departures, and read the clock to ten seconds; the price is that of the best of them.
    """
    tables, options = batch.tables, _ROUGH if rough else _FINE
    if not len(batch) or (tables.is_fifo and not tables.cost_per_time.any()):
        # nobody pays for time, and whoever leaves first is early everywhere
        everyone = np.arange(len(batch))
        soonest = drive_at(batch, tables.start[batch.kinds], everyone, rough=rough)
        return RouteScores.of(batch, soonest, everyone)
    most = max(1, _MOST // (options * batch.arc.shape[1]))
    if len(batch) <= most:
        return _best(batch, options, rough=rough)
    cuts = np.split(np.arange(len(batch)), np.arange(most, len(batch), most))
    return RouteScores.concatenate([_best(batch.select(rows), options, rough=rough) for rows in cuts])


def _best(batch: RouteBatch, options: int, *, rough: bool) -> RouteScores:
    grid = _first_departures(batch, options)
    everyone = np.arange(len(batch))
    driven = drive_at(batch, grid, everyone[:, None], rough=rough)
    tried = RouteScores.of(batch, driven, everyone[:, None])
    choice = tried.chosen()
    best = tried.select((everyone, choice))
    if rough:
        return best
    return _refine_between(batch, tried, best)


def _first_departures(batch: RouteBatch, options: int) -> Floats:
    """Return the departures tried first: the start of the shift, and others at equal distances; (routes, options)."""
    tables = batch.tables
    start, last = tables.start[batch.kinds], _latest_departures(batch)
    first = start
    if tables.is_fifo:
        with np.errstate(invalid="ignore"):
            slow = np.cumsum(tables.slowest[batch.arc] + batch.stay(batch.tail), axis=1)
            first = np.fmax(start, (tables.earliest[batch.head] - slow).max(axis=1))
        first = np.minimum(first, last)
    share = np.linspace(0.0, 1.0, options - 1)
    grid = first[:, None] + (last - first)[:, None] * share
    grid[:, -1] = last
    return np.concatenate([start[:, None], grid], axis=1)


def _latest_departures(batch: RouteBatch) -> Floats:
    """Return the latest departures with which all limits are kept, or times after them; at least the start."""
    tables, travel = batch.tables, batch.tables.travel
    start, by = tables.start[batch.kinds], np.minimum(tables.end[batch.kinds], tables.horizon)
    if isinstance(travel, ArrivalIndex):
        arcs, stay = travel.arcs(batch.tail, batch.head), batch.stay(batch.tail)
        for leg in range(arcs.shape[1] - 1, -1, -1):
            due = np.minimum(by, tables.closes[batch.head[:, leg]])
            leave = np.where(batch.valid[:, leg], travel.latest(arcs[:, leg], due), due)
            by = leave - stay[:, leg]
    else:
        with np.errstate(invalid="ignore"):
            fast = np.cumsum(tables.fastest[batch.arc] + batch.stay(batch.tail), axis=1)
            by = np.fmin((tables.latest[batch.head] - fast).min(axis=1), by - fast[:, -1])
    last: Floats = np.fmax(by, start)
    return last


def _refine_between(batch: RouteBatch, tried: RouteScores, best: RouteScores) -> RouteScores:
    """Look between the departures tried, cutting the spans that may hold a better one into parts."""
    tables = batch.tables
    close = _CLOSE * _typical_leg(tables)
    rows = np.repeat(np.arange(len(batch)), tried.price.shape[1] - 1)
    low, high = tried.select((slice(None), slice(None, -1))).raveled(), tried.departure[:, 1:].ravel()
    parts, rounds = _QUARTERS if tables.is_fifo else _MANY
    share = (np.arange(1, parts) / parts)[:, None]
    for _ in range(rounds):
        keep = _promising_spans(batch, rows, low, high, best, close)
        rows, low, high = rows[keep], low.select(keep), high[keep]
        if not len(rows):
            break
        cuts = low.departure + (high - low.departure) * share
        inner = np.broadcast_to(rows, cuts.shape).ravel()
        found = RouteScores.of(batch, drive_at(batch, cuts.ravel(), inner), inner)
        best = best.improved(inner, found)
        low, high = RouteScores.concatenate([low, found]), np.concatenate([cuts.ravel(), high])
        rows = np.tile(rows, parts)
    return best


def _typical_leg(tables: CompiledProblem) -> float:
    """Return the time of a typical leg at its fastest, or at its slowest where at some hour none takes any time."""
    for times in (tables.fastest, tables.slowest):
        known = times[np.isfinite(times) & (times > 0)]
        if known.size:
            return float(np.median(known))
    return 0.0


def _promising_spans(
    batch: RouteBatch, rows: Ints, low: RouteScores, high: Floats, best: RouteScores, close: float
) -> Ints:
    """Return the spans, given by their ends, that may hold a better departure: at most so many for a route."""
    tables = batch.tables
    rate = tables.cost_per_time[batch.kinds[rows]]
    least = low.cost() - rate * (high - low.departure)
    if tables.is_fifo:
        keep = (rate > 0) & (least < best.price[rows])
    else:
        at = best.departure[rows]
        keep = (low.departure == at) | (high == at)
    places = np.flatnonzero(keep & (high - low.departure > close))
    order = places[np.lexsort((least[places], rows[places]))]
    first = np.flatnonzero(np.diff(rows[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
    return order[rank < _SPANS]
