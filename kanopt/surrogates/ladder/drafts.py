"""Laws for what a network has learned, the plainest that predicts as well first.

They stand on a ladder: a formula found on the rows, a sum or product of functions of one column, the same with a few
surfaces of two, and the network itself, which is a formula of curves. What stands higher is taken only where it buys
more of the error than it takes to read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Alternative, Node
from kanopt.formulas.alternatives import CLOSE
from kanopt.formulas.parameters import Covariance
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.ladder.by_class import by_class_rung
from kanopt.surrogates.ladder.closed import Closed, closed_law, network_variance
from kanopt.surrogates.ladder.rungs import FLOOR, OPERATOR, Rung, additive_rung, network_rung
from kanopt.surrogates.ladder.trained import Trained

__all__ = ["Draft", "drafts"]

Array = NDArray[np.float64]

_NUMBER = re.compile(r"(?<![\w.])\d[\d.]*(?:e[+-]?\d+)?")
MOST = 30
"""Operators up to which a law is read."""
LONG = 4.0 * OPERATOR
"""Price of every operator beyond, on top of its own."""
SLACK = 1.015
"""Error, in those of the best, up to which a law is as good."""
ALIKE = 4.0
"""Largest weight, in medians, with which rows of a logarithm are also rows of the target."""
HOPELESS = 1e9
"""Error, in those of the best, beyond which a law is as bad as any."""
APART = 0.05
"""Difference of two laws on the rows, in errors of the one, below which they are one law in other words."""
CHANCE = 3.0
"""Standard deviations of chance within which a law is no worse than the network."""


@dataclass(frozen=True, eq=False)
class Draft:
    """The graph of a law and what is known of it; the smearing factor is in it already."""

    root: Node
    how: str
    alternatives: tuple[Alternative, ...]
    smearing: float = 1.0
    covariance: Covariance | None = None
    rung: Rung | None = None
    """From what the errors of constants without any are told; None where they have them."""
    beside: Draft | None = None
    """The next one."""


@dataclass(frozen=True, eq=False)
class _Measured:
    """A rung on the training rows.

    Parameters
    ----------
    rung
        The law.
    errors
        Expected of other rows (Akaike 1970, final prediction error): of the target, and of its logarithm where the
        network learned that.
    rests_on
        How many rows each error rests on: all where residuals are normal, fewer where some are much larger.
    error
        Root mean square error of the target on the rows.
    values
        What the law says of them, (n,).
    closed
        The law found on the rows, where it is that.
    """

    rung: Rung
    errors: tuple[float, ...]
    rests_on: tuple[float, ...]
    error: float
    values: Array
    closed: Closed | None = None


def drafts(trained: Trained) -> Iterator[Draft]:
    """Yield laws, the preferred one first; the others are for where its shape is refuted.

    Raises
    ------
    FitError
        If what was asked of columns and operators cannot be had.
    """
    control = trained.control
    control.check_names(trained.features)
    closed = closed_law(trained, OPERATOR)
    found: list[_Measured] = []
    if not (control.pin or control.forbid):
        found.append(_measured(network_rung(trained), trained))
        by_class = by_class_rung(trained)
        if by_class is not None:
            found.append(_measured(by_class, trained))
    if closed is not None:
        law, factor = closed.smeared()
        rung = Rung(law.root, "a sum of products found on the rows", closed.parameters, factor)
        found.append(_no_worse(_measured(rung, trained, closed), found, trained))
    try:
        found += _additive(trained, found)
    except (FitError, FormulaError):
        if not found:
            raise
    lengths = _lengths(found)
    order = _without_repetitions(sorted(range(len(found)), key=lambda place: lengths[place]), found)
    laws = [_draft(found[place]) for place in order]
    # lengths of the laws that were found beside the one on the rows are counted from nothing
    base = next(
        (f.closed.length - length for f, (_, length) in zip(found, lengths, strict=True) if f.closed), 0.0
    )
    shown = [_alternative(found[place], lengths[place][1] + base, trained) for place in order]
    for place, draft in enumerate(laws):
        beside = laws[place + 1] if place + 1 < len(laws) else None
        chosen = found[order[place]]
        told = [
            replace(each, rival=_is_rival(found[other], chosen, (lengths[other], lengths[order[place]])))
            for other, each in zip(order, shown, strict=True)
        ]
        yield replace(draft, beside=beside, alternatives=_told(place, told, closed))


def _measured(rung: Rung, trained: Trained, closed: Closed | None = None) -> _Measured:
    """Return a law with its errors on the training rows; infinite where it has no value on one."""
    rows, log = trained.rows, trained.log_target
    law = trained.formula(rung.root)
    try:
        predicted = np.broadcast_to(law.evaluate(trained.decoded(law.inputs)), rows.target.shape)
    except FormulaError:
        predicted = np.full(rows.target.shape, np.inf)
    target = np.exp(rows.target) if log else rows.target
    with np.errstate(all="ignore"):
        # what groups share of a logarithm raises the mean
        residuals = [(target, target * rows.lift - predicted)]
        if log:
            residuals.append((rows.target, rows.target - np.log(predicted / rung.smearing)))
    errors, rests_on = [], []
    spent = min(rung.parameters, 0.5 * rows.total)
    for own, residual in residuals:
        squares, fourth = (float(rows.weight @ residual**power) for power in (2, 4))
        middle = float(rows.weight @ own) / rows.total
        exact = FLOOR**2 * float(rows.weight @ (own - middle) ** 2) / rows.total
        foreseen = squares / rows.total * (rows.total + spent) / (rows.total - spent) + exact
        errors.append(float(np.sqrt(foreseen)) if np.isfinite(foreseen) else np.inf)
        # of n normal residuals the fourth powers sum to three times the square of the squares' sum over n
        rests_on.append(min(3.0 * squares**2 / max(fourth, 1e-300), rows.total))
    mean = float(rows.weight @ residuals[0][1] ** 2) / rows.total
    return _Measured(rung, tuple(errors), tuple(rests_on), float(np.sqrt(mean)), predicted, closed)


def _no_worse(measured: _Measured, known: Sequence[_Measured], trained: Trained) -> _Measured:
    """Return a law found on the rows, with the network's errors where what it leaves beyond them is chance.

    If the law is right, that is as many squares of normal numbers as the network has parameters more.
    """
    closed = measured.closed
    if closed is None or not known:
        return measured
    variance = network_variance(trained, log=closed.log)
    chance = CHANCE * np.sqrt(2.0 * max(trained.edf - closed.parameters, 0.0))
    if closed.squares > variance * (max(closed.rows.total - closed.parameters, 1.0) + chance):
        return measured
    return replace(measured, errors=tuple(map(min, measured.errors, known[0].errors)))


def _additive(trained: Trained, known: Sequence[_Measured]) -> list[_Measured]:
    """Return sums, and products, of functions; with surfaces where those alone are worse than what is known."""
    rows = trained.rows
    if trained.watch.should_stop() and known:
        return []
    scales = [(rows, trained.log_target)]
    if trained.log_target and rows.weight.max() < ALIKE * np.median(rows.weight):
        scales.append((replace(rows, target=np.exp(rows.target)), False))
    elif not trained.log_target and trained.link is None and rows.shared is None and rows.target.min() > 0.0:
        scales.append((replace(rows, target=np.log(rows.target)), True))
    found, more, refused = (
        list[_Measured](),
        list[Callable[[], Rung | None]](),
        list[FitError | FormulaError](),
    )
    for own, log in scales:
        try:
            rung, higher = additive_rung(trained, own, log=log)
            found.append(_measured(rung, trained))
            more.append(higher)
        except (FitError, FormulaError) as error:
            # an operator that was asked for is one on the other scale only
            refused.append(error)
    if not found:
        raise refused[0]
    excess = [each for each, _ in _excess([*known, *found])][len(known) :]
    if min(excess) <= SLACK or len(trained.features) < 2:
        return found
    # the scale that is better by itself
    surfaces = more[int(np.argmin(excess))]()
    return found if surfaces is None else [*found, _measured(surfaces, trained)]


def _excess(found: Sequence[_Measured]) -> list[tuple[float, float]]:
    """Return for each law the larger of its errors, in those of the best law, and how many rows that rests on."""
    scales = range(len(found[0].errors))
    best = [found[int(np.argmin([each.errors[scale] for each in found]))] for scale in scales]
    return [
        max(
            (_ratio(each.errors[scale], least.errors[scale]), least.rests_on[scale])
            for scale, least in enumerate(best)
        )
        for each in found
    ]


def _ratio(error: float, least: float) -> float:
    ratio = error / max(least, 1e-300)
    return min(ratio, HOPELESS) if np.isfinite(ratio) else HOPELESS


def _lengths(found: Sequence[_Measured]) -> list[tuple[bool, float]]:
    """Return what orders laws: short ones that are as good come first, then what is shorter to describe."""
    lengths = []
    for each, (excess, rests_on) in zip(found, _excess(found), strict=True):
        count = each.rung.operators
        price = OPERATOR * count + LONG * max(count - MOST, 0)
        worse = 2.0 * rests_on * np.log(max(excess, SLACK))
        # of laws that are as good and as long the closer one comes first
        lengths.append((count > MOST or excess > SLACK, float(worse + price + min(excess, SLACK))))
    return lengths


def _without_repetitions(order: Sequence[int], found: Sequence[_Measured]) -> list[int]:
    """Return the laws in their order without those that differ from one before in the values of constants only."""
    first: dict[str, int] = {}
    for place in order:
        first.setdefault(_NUMBER.sub("#", to_infix(found[place].rung.root)), place)
    return list(first.values())


def _draft(found: _Measured) -> Draft:
    rung = found.rung
    if found.closed is None:
        return Draft(rung.root, rung.how, (), rung.smearing, rung.known, rung=rung)
    law, factor = found.closed.smeared()
    return Draft(law.root, rung.how, (), factor, law.covariance)


def _alternative(found: _Measured, length: float, trained: Trained) -> Alternative:
    rung, law = found.rung, trained.formula(found.rung.root)
    error = found.error if np.isfinite(found.error) else 1e300
    return Alternative(
        rung.operators, error, False, to_infix(rung.root), min(length, 1e300), law, step=rung.how
    )


def _told(place: int, shown: Sequence[Alternative], closed: Closed | None) -> tuple[Alternative, ...]:
    """Return what was considered when a draft is taken: the rungs, and what the search on the rows has found beside."""
    chosen = replace(shown[place], chosen=True, rival=False, law=None)
    told = [*shown[:place], chosen, *shown[place + 1 :]]
    if closed is None:
        return tuple(told)
    seen = {each.text for each in told}
    searched = [
        replace(each, chosen=False, rival=each.rival and chosen.text == to_infix(closed.natural.root))
        for each in closed.front
        if not each.chosen and each.text not in seen
    ]
    return (*searched, *told)


def _is_rival(
    law: _Measured, chosen: _Measured, lengths: tuple[tuple[bool, float], tuple[bool, float]]
) -> bool:
    """Whether a law is about as good as another one, about as long to describe, and says something else."""
    length, shortest = lengths
    if length[0] != shortest[0] or abs(length[1] - shortest[1]) > CLOSE:
        return False
    with np.errstate(all="ignore"):
        apart = float(np.sqrt(np.mean((law.values - chosen.values) ** 2)))
    return apart > APART * chosen.error
