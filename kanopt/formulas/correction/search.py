"""The search for corrections: one after the other, each where the rows insist, and out again where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kanopt.formulas.correction.fitting import Chosen, CorrectedFit, Problem, fitted, gain_of, smoothed
from kanopt.formulas.correction.moves import Move
from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.estimation.graph_tape import GraphTape
from kanopt.formulas.nodes import Array

INSIST = 3.0
"""Nats by which a correction has to shorten the description: odds of twenty to one."""
MOST = 8
"""Corrections at most."""
DOUBT = 20.0
"""Nats that a correction gains, to first order, beyond which it is not asked whether the law does without it."""
TRIES = 3
"""Corrections that are fitted, of those that promise most, before a search ends."""


@dataclass(eq=False)
class _Bases:
    """What every move by columns adds, worked out once."""

    problem: Problem
    known: dict[int, Array] = field(default_factory=dict)

    def of(self, move: Move) -> Array:
        """Return what coordinates of a move add in every row, (n, m)."""
        found = self.known.get(id(move))
        if found is None:
            found = move.basis(self.problem.rows.columns)
            self.known[id(move)] = found = found if move.turn is None else found @ move.turn
        return found


def search(problem: Problem, kinds: list[list[Move]], begin: Sequence[Chosen] = ()) -> list[CorrectedFit]:
    """Return the law as it is, and with more and more corrections; the last is the best, or there is none.

    A correction is made where it shortens the description of the rows by more than `INSIST` nats and foretells rows
    left out better; constants come before columns, and columns before pairs of them. Those that others have made
    needless go.

    Parameters
    ----------
    problem
        The law and the rows.
    kinds
        The corrections that are tried, those of the first kind first.
    begin
        Corrections to begin with.
    """
    plain, fit = fitted(problem, ()), fitted(problem, begin)
    if plain is None or fit is None:
        return []
    path, bases, refused = [plain], _Bases(problem), set[int]()
    if fit.chosen:
        fit = _without_needless(smoothed(fit))
        path.append(fit)
    seen = set[frozenset[int]]()
    while len(fit.chosen) < MOST and fit.cost > problem.floor and _moves(fit) not in seen:
        seen.add(_moves(fit))
        offers = ([move for move in kind if id(move) not in refused] for kind in kinds)
        tried = (_one_more(fit, moves, bases, refused) for moves in offers)
        better = next((each for each in tried if each is not None), None)
        if better is None:
            break
        fit = _without_needless(_one_by_one(better, kinds[0]))
        path.append(fit)
    straight = _straightened(fit, [move for kind in kinds for move in kind])
    return path if straight is fit else [*path, straight]


def _moves(fit: CorrectedFit) -> frozenset[int]:
    return frozenset(id(each.move) for each in fit.chosen)


def _one_by_one(fit: CorrectedFit, constants: list[Move]) -> CorrectedFit:
    """Return the fit with every constant as a correction of its own, which may go again."""
    single = {move.names[0]: move for move in constants if len(move.names) == 1}
    moved = {name for each in fit.chosen if each.move.node is None for name in each.move.names}
    columns = [each for each in fit.chosen if each.move.node is not None]
    again = fitted(fit.problem, [*(Chosen(single[name]) for name in sorted(moved)), *columns], fit.values)
    return fit if again is None else again


def _one_more(fit: CorrectedFit, moves: list[Move], bases: _Bases, refused: set[int]) -> CorrectedFit | None:
    """Return the fit with one correction more, that which gains most; None where none is insisted on."""
    columns = _columns_of_constants(fit)
    promises = []
    for place, move in enumerate(moves):
        basis = _basis(fit, move, columns, bases)
        if basis is not None:
            gain, weight = gain_of(fit, move, basis)
            promises.append((-gain, place, weight))
    for promised, place, weight in sorted(promises)[:TRIES]:
        if -promised <= INSIST:
            return None
        found = fitted(fit.problem, (*fit.chosen, Chosen(moves[place], weight)), fit.values)
        found = None if found is None else smoothed(found)
        if found is not None and _is_better(found, fit):
            return found
        refused.add(id(moves[place]))
    return None


def _is_better(found: CorrectedFit, fit: CorrectedFit) -> bool:
    squares = [float(np.square(each.left_out).sum()) for each in (found, fit)]
    return found.description < fit.description - INSIST and squares[0] < squares[1]


def _without_needless(fit: CorrectedFit) -> CorrectedFit:
    """Return the fit without corrections that the rows do not insist on beside the others."""
    while fit.chosen:
        doubtful = [out for out in fit.chosen if fit.loss_without(out) < INSIST + DOUBT]
        others = [
            fitted(fit.problem, [e for e in fit.chosen if e is not out], fit.values) for out in doubtful
        ]
        shorter = [each for each in others if each is not None]
        best = min(shorter, key=lambda each: each.description, default=None)
        if best is None or best.description > fit.description + INSIST:
            return fit
        fit = smoothed(best)
    return fit


def _straightened(fit: CorrectedFit, moves: list[Move]) -> CorrectedFit:
    """Return the fit with lines in place of curves of the same columns, where that is as short to tell."""
    for curve in [each for each in fit.chosen if each.move.turn is not None]:
        others = [each for each in fit.chosen if each is not curve]
        lines = [m for m in moves if m.node is not None and m.turn is None and m.reads == curve.move.reads]
        found = [fitted(fit.problem, [*others, Chosen(line)], fit.values) for line in lines]
        best = min((f for f in found if f is not None), key=lambda f: f.description, default=fit)
        fit = best if best.description < fit.description else fit
    return fit


def _columns_of_constants(fit: CorrectedFit) -> dict[str, Array]:
    """Return the weighted derivative of the law in every constant that may move, each of size one."""
    problem = fit.problem
    root = fit.free.substitute(fit.root, fit.minimum.theta)
    free = FreeParameters.of(root, problem.constants)
    if not free.count:
        return {}
    derivative = GraphTape(root, problem.rows.columns, free).gradient(free.values)[1]
    weighted = derivative * np.sqrt(problem.rows.weight)[:, None]
    size = np.sqrt(np.square(weighted).mean(axis=0))
    return {
        name: weighted[:, place] / size[place]
        for place, name in enumerate(free.names)
        if np.isfinite(size[place]) and size[place] > 0
    }


def _basis(fit: CorrectedFit, move: Move, columns: dict[str, Array], bases: _Bases) -> Array | None:
    """Return the weighted derivative of the law in the coordinates of a move; None where it is there already."""
    problem, free = fit.problem, fit.free.blocks
    level = problem.level if move.level else ""
    wanted = [name for name in (*move.names, level) if name and name not in free]
    if (move.level and level not in wanted) or not wanted:
        return None  # the move without the level is another
    parts = [columns[name][:, None] for name in wanted if name in columns]
    if move.node is None:
        return np.hstack(parts) if len(parts) == len(wanted) else None
    if move.names[0] not in wanted:
        return None
    root_weight = np.sqrt(problem.rows.weight)
    if problem.factor:
        root_weight = root_weight * problem.rows.target - fit.minimum.residual[: fit.count]  # the law itself
    basis = bases.of(move) * root_weight[:, None]
    if move.turn is None:
        basis = basis / max(float(np.sqrt(np.square(basis).mean())), 1e-300)
    return np.hstack([basis, *parts])
