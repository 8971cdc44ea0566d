"""Turning edges into closed forms, one at a time, each judged by the whole model; see :mod:`.judge`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kanopt.errors import FitError
from kanopt.surrogates.distill.curves import TABULATED
from kanopt.surrogates.distill.judge import OPERATOR, Candidate, Judge, Reading, corners, is_admissible
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.monomials import anchored, gauged, monomial_nodes, straight_products
from kanopt.surrogates.distill.pairs import paired
from kanopt.surrogates.distill.refitting import Refit, refit
from kanopt.surrogates.distill.replacing import (
    BRISK,
    THOROUGH,
    Tries,
    by_straightness,
    plainer,
    replaced,
    snapped,
    without_offsets,
)
from kanopt.surrogates.distill.shortening import MOST, SLACK, WIDE, Reader, shortened, without_faint
from kanopt.surrogates.distill.thinning import thinned

__all__ = ["WORK", "Search", "search"]

Climb = tuple[Refit, list[Candidate]]
"""A model, and the steps that led to it."""

TRIAL_ROWS = 2000
SOME_ROWS, MANY_ROWS = 5000, 10_000
"""Rows on which wide networks are read, and long models are shortened: few would be fitted with their noise."""
WORK = 3e11
"""Multiplications in refits after which a network is left as it is; after half of them it is only made shorter."""
CURVES, BY_PAIRS = "every edge a curve", "functions of columns and products of two"


@dataclass(frozen=True)
class Effort:
    """How often every curve is looked at, how many forms are tried in its place, and how the result is made plainer."""

    rounds: int
    tries: Tries
    simplify: Callable[[Refit, Judge], Climb]


TWICE, ONCE = Effort(2, THOROUGH, plainer), Effort(1, BRISK, thinned)


@dataclass(frozen=True, eq=False)
class Search:
    """The chosen model, refitted on all training rows, and the front that led to it.

    `by_pairs` where it is no longer the network with other edges, but functions of columns and products of two.
    """

    fit: Refit
    front: tuple[Candidate, ...]
    by_pairs: bool = False


def _ends(inputs: np.ndarray) -> np.ndarray:
    """Return the rows in which a column has its smallest or largest value."""
    return np.asarray(inputs[np.concatenate([inputs.argmin(axis=0), inputs.argmax(axis=0)])])


def within(reading: Reading, rows: Rows, work: float) -> Reading:
    """Return how a network is read that stops once refits of these rows have cost so much."""
    return replace(reading, should_stop=lambda: reading.should_stop() or rows.work.done > work)


def search(model: Mixed, rows: Rows, reading: Reading | None = None) -> Search:
    """Replace edges by closed forms where the whole model gains.

    Parameters
    ----------
    model
        The trained network, every numeric edge a curve.
    rows
        Encoded training rows; held-out rows take no part.
    reading
        What else is known.

    Raises
    ------
    FitError
        If an edge can neither stay a curve nor become a form of its family.
    """
    reading = within(reading or Reading(), rows, WORK)
    halfway = within(reading, rows, 0.5 * WORK)
    ends = np.vstack([_ends(rows.inputs), corners(model, rows.inputs)])
    judge = Judge(rows.take(TRIAL_ROWS, reading.seed), ends, halfway, rows.total)
    many = Judge(rows.take(MANY_ROWS, reading.seed), ends, reading, rows.total)
    reader = Reader(many, many.expected_of(model))
    if len(model.parameters) > WIDE:
        some = Judge(rows.take(SOME_ROWS, reading.seed), ends, halfway, rows.total)
        climbs = [_of_wide(model, some, reader)]
    else:
        climbs = [_climb(refit(start, judge.rows), what, judge) for start, what in _starts(model, judge)]
        climbs.sort(key=lambda climb: judge.length(climb[0]))
    if reading.operators(climbs[0][0].model) > MOST and not reading.should_stop():
        climbs = _readable(climbs, reader)
    everyone = Judge(rows, ends, reading, rows.total)
    for current, front in climbs:
        final = refit(current.model.tidied(), rows)
        # the last refit sees rows that took no part in the trials
        sound = np.isfinite(final.squares) and is_admissible(final.model, everyone.reach)
        if sound and not _kept_against_will(final.model):
            if len(judge.rows.target) < len(rows.target):
                final, steps = without_faint(final, everyone)
                front = [*front, *steps]
            others = [candidate for _, path in climbs for candidate in path if candidate not in front]
            chosen = replace(front[-1], chosen=True)
            return Search(final, (*others, *front[:-1], chosen), front[0].what == BY_PAIRS)
    if wrong := [reading.name(model, edge) for edge in _kept_against_will(model)]:
        raise FitError(
            f"{', '.join(wrong)}: no operator that is allowed there has a value and the shape asked for on all rows; "
            "allow 'curve' or another operator"
        )
    # the curves can always be kept: they are defined everywhere, and every refit keeps their signs
    chosen, *considered = (candidate for _, path in reversed(climbs) for candidate in path)
    return Search(refit(model, rows), (*considered, replace(chosen, chosen=True)))


def _starts(model: Mixed, judge: Judge) -> list[tuple[Mixed, str]]:
    """Return a network as it is, and what else is like it and easier to write down."""
    starts = [(model, CURVES)]
    monomials = monomial_nodes(model, judge.rows, judge.reading.seed)
    if monomials is not None:
        starts.append((monomials, "nodes are monomials, their functions curves"))
    straight = straight_products(model)
    if straight is not None:
        starts.append((straight, "products go on straight, every other edge a curve"))
    return [start for start in starts if start[0] is model or _admitted(start[0])]


def _of_wide(model: Mixed, judge: Judge, reader: Reader) -> Climb:
    """Return what becomes of a network that is too wide to be read edge by edge as it is.

    Where functions of columns and products of two say as much, those are read, which takes a fraction of the edges.
    """
    what, start = BY_PAIRS, paired(model, judge)
    if start is None or reader.error(refit(start.model, reader.judge.rows, iterations=0)) > SLACK:
        # as it was trained on all rows: a refit on some of them would fit their noise with so many parameters
        what, start = CURVES, refit(model, judge.rows, iterations=0)
    thin, steps = thinned(start, judge)
    fit, front = _climb(thin, what, judge, ONCE)
    return fit, [judge.candidate(start, what), *steps, *front[1:]]


def _readable(climbs: list[Climb], reader: Reader) -> list[Climb]:
    """Return models and shorter versions of them, the one that a reader would take first."""
    rows = reader.judge.rows
    longer = [(refit(current.model.tidied(), rows), front) for current, front in climbs]
    shorter = [(*shortened(current, reader), front) for current, front in longer]
    found = [(fit, [*front, *steps]) for fit, steps, front in shorter if steps]
    return sorted([*found, *longer], key=lambda climb: reader.rank(climb[0]))


def _admitted(model: Mixed) -> bool:
    """Whether no closed form stands where it is not allowed."""
    return all(e.form.name in TABULATED or e.is_zero or e.admits(e.form) for e in model.edges)


def _kept_against_will(model: Mixed) -> list[Edge]:
    return [e for e in model.edges if e.form.name in TABULATED and not e.keeps]


def _climb(current: Refit, what: str, judge: Judge, effort: Effort = TWICE) -> Climb:
    """Replace, drop and round while the description shortens; return the model and the steps."""
    front = [judge.candidate(current, what)]
    changes, failed_at = 0, dict[tuple[int, int, int], int]()
    for _ in range(effort.rounds):
        for edge in by_straightness(current.model, judge.rows):
            # what may not stay a curve becomes something else all the same
            if judge.reading.should_stop() and edge.keeps:
                continue
            # where nothing else has changed since, the same trials fail again
            if failed_at.get(edge.place) == changes:
                continue
            current, step = replaced(current, edge, judge, effort.tries)
            if step:
                current, changes = replace(current, model=anchored(current.model)), changes + 1
            else:
                failed_at[edge.place] = changes
            front += step
    if judge.reading.should_stop():
        return current, front
    for simplify in (effort.simplify, without_offsets):
        current, step = simplify(current, judge)
        front += step
    same = refit(gauged(current.model), judge.rows)
    if judge.length(same) <= judge.length(current) + OPERATOR and is_admissible(same.model, judge.reach):
        current = same
    current, step = snapped(current, judge)
    return current, front + step
