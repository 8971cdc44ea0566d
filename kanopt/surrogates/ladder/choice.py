"""The ladder of laws for what a network has learned, and the plainest of them that predicts as well.

A law is judged by rows that it has not seen: of each of ten blocks of rows it is asked what the same law, fitted to the
other nine, says of them, and of the rows at either edge of an input, what it says when it is fitted to the others. The
law with the fewest operators is taken, of those whose error is within one standard error of the least (Breiman and
others 1984, *Classification and Regression Trees*, section 3.4.3) and within 2 %. A law of more than thirty operators,
or with curves of sums of curves, is taken only where there is no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import FitError, FormulaError
from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.estimation.least_squares import FLOOR
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.ladder.additive import MOST
from kanopt.surrogates.ladder.closed import found_on_rows
from kanopt.surrogates.ladder.curve_rungs import by_class_rung, network_rung, output_of, sums_of_curves
from kanopt.surrogates.ladder.going_on import with_ends
from kanopt.surrogates.ladder.rungs import NETWORK, Rung, blocks_of, edges_of
from kanopt.surrogates.ladder.trained import Trained

SLACK = 1.02
"""Error, in those of the best, up to which a law is as good."""
APART = 0.05
"""Difference of two laws on the rows, in errors of the one, below which they are one law in other words."""
_NUMBER = re.compile(r"(?<![\w.])\d[\d.]*(?:e[+-]?\d+)?")


@dataclass(frozen=True, eq=False)
class Ladder:
    """Laws, and how well they predict rows that they have not seen.

    Parameters
    ----------
    rungs
        The laws, the plainest first.
    rows
        How many rows there were.
    squares
        Mean squared error of each, of the target, and of its logarithm where that was learned; (scales, laws).
    order
        Places of those that can be taken, the one first that is to be taken.
    as_good
        Whether each is as good as the best; (laws,).
    left_out
        What each says of every row whose block is left out, (n,).
    """

    rungs: tuple[Rung, ...]
    rows: float
    squares: Floats
    order: tuple[int, ...]
    as_good: NDArray[np.bool_]
    left_out: tuple[Floats, ...]

    @property
    def errors(self) -> Floats:
        """Root mean square error of each law, of the target; (laws,)."""
        return np.asarray(np.sqrt(self.squares[0]))

    def is_rival(self, place: int, chosen: int) -> bool:
        """Whether a law is as short to read as another one, says something else, and may as well be the law.

        It is as good, or half of the rows would be described by it as briefly: who had learned from these would read
        it, and not the other one.
        """
        one, other = self.rungs[place], self.rungs[chosen]
        if place == chosen or one.operators > other.operators:
            return False
        half = 0.5 * self.rows
        spared = np.log(half) * (other.parameters - one.parameters)
        spared += OPERATOR * (other.operators - one.operators)
        with np.errstate(all="ignore"):
            longer = half * np.log(np.max(self.squares[:, place] / self.squares[:, chosen]))
        if not (self.as_good[place] or longer <= spared):
            return False
        apart = float(np.sqrt(np.nanmean((self.left_out[place] - self.left_out[chosen]) ** 2)))
        return apart > APART * float(self.errors[chosen])


RUNGS: tuple[Callable[[Trained], Iterator[Rung]], ...] = (
    found_on_rows,
    sums_of_curves,
    by_class_rung,
    network_rung,
)
"""What makes laws from a network and its rows, no matter in which order."""


def ladder_of(trained: Trained) -> Ladder:
    """Return the laws for what a network has learned.

    Raises
    ------
    FitError
        If what was asked of columns and operators cannot be had.
    """
    trained.control.check_names(trained.features)
    rows, output = trained.rows, output_of(trained)
    own = replace(rows, target=np.exp(rows.target)) if trained.log_target else rows
    blocks = blocks_of(own, rows.target - (output if trained.link is None else trained.link(output)))
    found, refused = list[Rung](), list[FitError | FormulaError]()
    for make in RUNGS:
        try:
            found += make(trained)
        except (FitError, FormulaError) as error:
            refused.append(error)
    if not any(not rung.refused for rung in found):
        raise refused[0]
    found = _without_repetitions(found)
    told = [rung.left_out(blocks) for rung in found]
    errors = _errors(found, told, trained, blocks)
    order = np.lexsort((errors[0].mean, np.array([rung.operators for rung in found])))
    sorted_errors = [_Errors(each.mean[order], each.standard[order]) for each in errors]
    found, told = [found[place] for place in order], [told[place] for place in order]
    return _judged(found, told, sorted_errors, rows.total, stopped=trained.watch.should_stop())


def _without_repetitions(found: Sequence[Rung]) -> list[Rung]:
    """Return the laws without those that differ from one before, or one that can be taken, in constants only."""
    first: dict[str, Rung] = {}
    for rung in sorted(found, key=lambda rung: bool(rung.refused)):
        first.setdefault(_NUMBER.sub("#", to_infix(rung.root)), rung)
    return list(first.values())


@dataclass(frozen=True, eq=False)
class _Errors:
    """Mean squared errors of laws on one scale, and their standard errors; (laws,)."""

    mean: Floats
    standard: Floats


def _errors(
    found: Sequence[Rung], told: Sequence[Floats], trained: Trained, blocks: Integers
) -> list[_Errors]:
    """Return errors of the target, and of its logarithm where the network has learned that.

    Rows are left out once with their block, and once more at every edge, all inputs together as often as one.
    """
    rows, log = trained.rows, trained.log_target
    target = np.exp(rows.target) if log else rows.target
    columns = trained.decoded(tuple(map(trained.variable, trained.features)))
    edges = list(edges_of(columns[name].astype(np.float64) for name in sorted(with_ends(trained))))
    parts = [(blocks, 1.0), *((each, 1.0 / len(edges)) for each in edges)]
    answers = [[known, *map(rung.left_out, edges)] for rung, known in zip(found, told, strict=True)]

    def squares(gap: Callable[[Floats, Rung], Floats]) -> Floats:
        """Return the squares of all gaps of every law, row by row, (laws, n)."""
        found_squares = np.zeros((len(found), len(target)))
        for place, (rung, said) in enumerate(zip(found, answers, strict=True)):
            for (part, share), each in zip(parts, said, strict=True):
                found_squares[place] += np.where(part >= 0, share * gap(each, rung) ** 2, 0.0)
        return found_squares

    often = np.asarray(sum(share * (part >= 0) for part, share in parts)) * rows.weight
    with np.errstate(all="ignore"):
        # what groups share of a logarithm raises the mean
        scales = [(target, squares(lambda said, rung: target * rows.lift - said))]
        if log:
            scales.append(
                (rows.target, squares(lambda said, rung: rows.target - np.log(said / rung.smearing)))
            )
    return [_measured(own, each * rows.weight, often, rows.weight, blocks) for own, each in scales]


def _measured(own: Floats, missed: Floats, often: Floats, weight: Floats, blocks: Integers) -> _Errors:
    middle = float(weight @ own) / float(weight.sum())
    exact = FLOOR**2 * float(weight @ (own - middle) ** 2) / float(weight.sum())
    size = np.bincount(blocks, often)
    squares = np.array([np.bincount(blocks, each, len(size)) for each in missed])
    mean = squares.sum(axis=1) / size.sum() + exact
    mean = np.where(np.isfinite(mean), mean, np.inf)
    with np.errstate(all="ignore"):
        apart = squares / size - squares.sum(axis=1, keepdims=True) / size.sum()
    spread = np.sum((size / size.sum()) ** 2 * apart**2, axis=1) * len(size) / (len(size) - 1.0)
    return _Errors(mean, np.sqrt(np.nan_to_num(spread)))


def _is_read(rung: Rung) -> bool:
    return rung.operators <= MOST and not rung.is_nested and rung.name != NETWORK


def _judged(
    found: Sequence[Rung], told: Sequence[Floats], errors: list[_Errors], rows: float, *, stopped: bool
) -> Ladder:
    """Return the ladder: of laws that can be read and are as good the plainest comes first, then what is closer.

    Where the search was stopped, what could be read was not found perhaps, and the best is taken as it is. A network
    that can be read is a sum of curves, of which there is one that was fitted as that.
    """
    taken = [place for place, rung in enumerate(found) if not rung.refused]
    read = [place for place in taken if stopped or _is_read(found[place])]
    read = [place for place in read if np.isfinite(errors[0].mean[place])] or taken
    excess = np.ones(len(found))
    as_good = np.ones(len(found), dtype=bool)
    for scale in errors:
        best = min(read, key=lambda place: scale.mean[place])
        limit = min(SLACK**2 * scale.mean[best], scale.mean[best] + scale.standard[best])
        as_good &= scale.mean <= limit
        with np.errstate(all="ignore"):
            ratio = np.nan_to_num(scale.mean / scale.mean[best], nan=1.0, posinf=np.inf)
        excess = np.maximum(excess, ratio)
    as_good |= excess <= min(excess[place] for place in read)

    def rank(place: int) -> tuple[bool, bool, float]:
        return place not in read, not as_good[place], float(place if as_good[place] else excess[place])

    squares = np.array([scale.mean for scale in errors])
    return Ladder(tuple(found), rows, squares, tuple(sorted(taken, key=rank)), as_good, tuple(told))
