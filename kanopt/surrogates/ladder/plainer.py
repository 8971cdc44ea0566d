"""Which functions a sum has: the fewest and plainest that describe the rows briefly, on no more than a page.

Every curve becomes a line, a logarithm, a parabola or a wave, or goes, wherever that shortens the description of the
rows. What is too long to read then loses what explains least for its length, and what is left is exchanged for what
explains more. What an exchange would do is told by Schur complements; only those that are made are solved.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.surrogates.ladder.additive import (
    MOST,
    ROUNDS,
    AdditiveFit,
    AdditiveLaw,
    AdditiveSolution,
    Choice,
    Weights,
    kept,
    operators_of,
)
from kanopt.surrogates.rows import Rows

Picked = list["int | None"]


def additive_laws(choice: Choice, rows: Rows) -> tuple[AdditiveLaw, AdditiveLaw]:
    """Return the sum of functions that describes the rows most briefly, and the same in few enough operators to read.

    Parameters
    ----------
    choice
        What the columns may be.
    rows
        With their target on the scale of the sum.
    """
    fit = AdditiveFit(choice, rows)
    picked: Picked = [group[0] if group else None for group in fit.options]
    picked, weights = _plainer(fit, picked, fit.roughness(kept(picked), {}))
    whole = fit.law(kept(picked), weights)
    if whole.operators < MOST:  # an exponential around it is one more
        return whole, whole
    picked, weights = _swapped(fit, _shorter(fit, picked, weights), weights)
    return whole, fit.law(kept(picked), weights)


def _plainer(fit: AdditiveFit, picked: Picked, weights: Weights) -> tuple[Picked, Weights]:
    """Return the functions of the columns, each made plainer or left out where that shortens the description."""
    for _ in range(ROUNDS):
        before = list(picked)
        found = fit.solved(kept(picked), weights)
        shortest = fit.length(found)
        for column in _straightest_first(fit, picked, found):
            for other in _others(fit, column, picked):
                trial = [*picked[:column], other, *picked[column + 1 :]]
                told = fit.exchanged(found, picked[column], other, weights)
                if not fit.choice.length(*told, fit.price(kept(trial))) < shortest:
                    continue
                solved = fit.solved(kept(trial), weights)
                length = fit.length(solved)
                if length < shortest:
                    picked, found, shortest = trial, solved, length
        if picked == before or fit.choice.should_stop():
            break
        weights = {**weights, **fit.roughness(kept(picked), weights)}
    return picked, weights


def _shorter(fit: AdditiveFit, picked: Picked, weights: Weights) -> Picked:
    """Return functions of few operators: what explains least for its length becomes plainer, or goes."""
    while (size := operators_of(fit.of(picked))) >= MOST:
        found = fit.solved(kept(picked), weights)
        before = fit.choice.length(found.squares, found.freedom, 0.0)
        best, least = picked, np.inf
        for column in range(len(picked)):
            for other in _others(fit, column, picked):
                trial = [*picked[:column], other, *picked[column + 1 :]]
                saved = size - operators_of(fit.of(trial))
                if saved <= 0:
                    continue
                told = fit.exchanged(found, picked[column], other, weights)
                loss = (fit.choice.length(*told, 0.0) - before) / saved
                if loss < least:
                    best, least = trial, loss
        if best == picked:
            break
        picked = best
    return picked


def _swapped(fit: AdditiveFit, picked: Picked, weights: Weights) -> tuple[Picked, Weights]:
    """Return functions of as few operators, one exchanged for another as long as that shortens the description."""
    weights = {**weights, **fit.roughness(kept(picked), weights)}
    while not fit.choice.should_stop():
        found = fit.solved(kept(picked), weights)
        best, least = picked, fit.length(found)
        for goes, comes, trial in _exchanges(fit, picked):
            if operators_of(fit.of(trial)) < MOST:
                told = fit.exchanged(found, goes, comes, weights)
                length = fit.choice.length(*told, fit.price(kept(trial)))
                best, least = (trial, length) if length < least else (best, least)
        again = {**weights, **fit.roughness(kept(best), weights)}
        if best == picked or not fit.length(fit.solved(kept(best), again)) < fit.length(found):
            break
        picked, weights = best, again
    return picked, weights


def _exchanges(fit: AdditiveFit, picked: Picked) -> Iterator[tuple[int | None, int | None, Picked]]:
    """Yield what may go, what may come in its place or beside it, and what is picked then."""
    gone: list[int | None] = [place for place, each in enumerate(picked) if each is not None]
    for place, now in enumerate(picked):
        for comes in _others(fit, place, picked):
            for other in [None] if now is not None else [None, *gone]:
                trial = [*picked[:place], comes, *picked[place + 1 :]]
                goes = now
                if other is not None:
                    if not fit.choice.may_go[other]:
                        continue
                    goes, trial[other] = picked[other], None
                yield goes, comes, trial


def _others(fit: AdditiveFit, column: int, picked: Picked) -> list[int | None]:
    others: list[int | None] = [*fit.options[column]]
    others += [None] if fit.choice.may_go[column] else []
    return [other for other in others if other != picked[column]]


def _straightest_first(fit: AdditiveFit, picked: Picked, found: AdditiveSolution) -> list[int]:
    """Return the columns, those whose functions have least freedom first."""
    own = np.sum(found.inverse * found.gram, axis=1)
    freedom = {each: float(own[block].sum()) for each, block in fit.blocks(found.chosen)}
    places = [place for place, each in enumerate(picked) if each is not None]
    return sorted(places, key=lambda place: freedom[picked[place] or 0])
