"""Deciding a claim about a trained network in a box of its inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from kanopt.kan.description import Network
from kanopt.kan.verify.boxes import NetworkBoxes
from kanopt.kan.verify.claims import Bounded, Claim, Concave, Convex, Decreasing, Increasing, Verdict
from kanopt.kan.verify.coefficients import curvature_sign, monotonicity
from kanopt.kan.verify.intervals import Integers
from kanopt.kan.verify.margins import (
    NetworkBoundMargin,
    NetworkCurvatureMargin,
    NetworkMargin,
    NetworkSlopeMargin,
)
from kanopt.kan.verify.search import NetworkProofResult, branch_and_bound
from kanopt.kan.verify.trace import NetworkBoundPropagator

__all__ = ["verify"]


def verify(
    network: Network,
    claim: Claim,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    codes: Sequence[ArrayLike] | None = None,
    output: int = 0,
    budget: int = 50_000,
    slack: float = 1e-9,
) -> Verdict:
    """Decide a claim about an output of a network for all inputs in a box.

    The coefficients are asked first (:mod:`kanopt.kan.verify.coefficients`): what they prove costs no box and, unless
    the network has product nodes, holds outside the box too. Next some points are sampled for a counterexample. The
    rest is done by interval arithmetic, rounded outwards, with branch and bound (Moore, Kearfott and Cloud 2009,
    *Introduction to Interval Analysis*, ch. 5 and 6): on every box the derivative in question, the matrix of second
    derivatives or the output is bounded, and boxes that do not settle it are cut in halves.

    A claim is refuted only by points of the network itself: its own values there contradict the claim, and so do
    rigorous bounds of the values it would have without rounding.

    Parameters
    ----------
    network
        The network.
    claim
        :class:`Increasing`, :class:`Decreasing`, :class:`Convex`, :class:`Concave` or :class:`Bounded`. Inputs are
        positions of numbers: those of the first layer's ranges, then the periodic ones.
    lower, upper
        The box, shape (numbers,); finite. A periodic input is in periods.
    codes
        For every categorical input the category codes that may occur; all of them by default. The claim is
        decided for every combination.
    output
        Which output of the network.
    budget
        How many boxes may be bounded before the claim is left undecided.
    slack
        A derivative (eigenvalue, distance) below zero by no more than this share of the largest one in a sample of
        the box, or by no more than rounding hides, counts as zero; what was used of it is in :attr:`Verdict.slack`.
        With ``slack=0`` nothing does, and a margin that touches zero, such as the slope of x² at 0, stays undecided
        unless the coefficients settle it.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        If the claim names an input or an output that does not exist, or the box is not one.

    Examples
    --------
    >>> from kanopt.kan.description import Layer
    >>> square = np.array([[[1.0, -0.125, -0.125, 1.0]]])
    >>> network = Network((Layer(-np.ones(1), np.ones(1), square, (), np.zeros(1)),))
    >>> verify(network, Convex((0,)), [-2.0], [2.0]).verdict
    'proved'
    >>> verdict = verify(network, Increasing(0), [-1.0], [1.0])
    >>> verdict.verdict, bool(np.diff(verdict.witness.values)[0] < 0.0)
    ('refuted', True)
    """
    allowed = _category_codes(network, codes)
    root = _root(network, lower, upper, allowed)
    outputs = network.layers[-1].outputs
    if not 0 <= output < outputs:
        raise ValueError(f"there is no output {output}: the network has {outputs}, counted from 0")
    tracer = NetworkBoundPropagator(network, output, allowed)
    if isinstance(claim, Bounded):
        found = _bounded(tracer, root, claim, budget, slack)
    else:
        found = _shaped(tracer, root, claim, budget, slack)
    return Verdict(claim, found.outcome, found.boxes, found.witness, found.slack)


def _category_codes(network: Network, codes: Sequence[ArrayLike] | None) -> tuple[Integers, ...]:
    """Return the codes that may occur, those with similar effects side by side."""
    tables = network.layers[0].tables
    if codes is None:
        codes = [np.arange(len(table)) for table in tables]
    if len(codes) != len(tables):
        raise ValueError(f"codes has {len(codes)} entries for {len(tables)} categorical inputs")
    ordered = []
    for column, (table, given) in enumerate(zip(tables, codes, strict=True)):
        chosen = np.unique(np.asarray(given, dtype=np.int64))
        if not len(chosen) or chosen[0] < 0 or chosen[-1] >= len(table):
            raise ValueError(
                f"codes of categorical input {column}: one or more between 0 and {len(table) - 1} are needed"
            )
        widest = int(np.ptp(table[chosen], axis=0).argmax())
        ordered.append(chosen[np.argsort(table[chosen, widest], kind="stable")])
    return tuple(ordered)


def _root(
    network: Network, lower: ArrayLike, upper: ArrayLike, allowed: tuple[Integers, ...]
) -> NetworkBoxes:
    first = network.layers[0]
    numbers = first.inputs + len(first.periodic)
    low, high = (np.atleast_1d(np.asarray(end, dtype=np.float64)) for end in (lower, upper))
    if low.shape != (numbers,) or high.shape != (numbers,):
        raise ValueError(
            f"the box needs {numbers} lower and {numbers} upper ends, not {low.shape[0]} and {high.shape[0]}"
        )
    wrong = np.flatnonzero(~(np.isfinite(low) & np.isfinite(high) & (low <= high)))
    if len(wrong):
        place = int(wrong[0])
        raise ValueError(
            f"input {place}: its range from {low[place]!r} to {high[place]!r} must be finite, lower end first"
        )
    cycle = np.arange(numbers) >= first.inputs
    high = np.where(cycle, np.minimum(high, low + 1.0), high)  # one period says all
    last = np.array([[len(code) - 1 for code in allowed]], dtype=np.int64).reshape(1, len(allowed))
    return NetworkBoxes(low[None], high[None], np.zeros_like(last), last)


def _shaped(
    tracer: NetworkBoundPropagator,
    root: NetworkBoxes,
    claim: Increasing | Decreasing | Convex | Concave,
    budget: int,
    slack: float,
) -> NetworkProofResult:
    up = isinstance(claim, Increasing | Convex)
    named = (
        (claim.input,) if isinstance(claim, Increasing | Decreasing) else tuple(dict.fromkeys(claim.inputs))
    )
    for number in named:
        if not 0 <= number < tracer.numbers:
            raise ValueError(
                f"there is no numeric input {number}: there are {tracer.numbers}, counted from 0"
            )
    inputs = tuple(number for number in named if root.low[0, number] < root.high[0, number])
    if not inputs:  # nothing moves
        return NetworkProofResult("proved", 0)
    arrivals = [(low[0], high[0]) for low, high in tracer.arrivals(root)]
    margin: NetworkMargin
    if isinstance(claim, Increasing | Decreasing):
        known = monotonicity(tracer.layers, inputs[0], arrivals)
        margin = NetworkSlopeMargin(tracer, root, inputs[0], 1 if up else -1)
    else:
        known = curvature_sign(tracer.layers, inputs, arrivals)
        margin = NetworkCurvatureMargin(tracer, root, inputs, 1 if up else -1)
    return (
        NetworkProofResult("proved", 0)
        if known[0 if up else 1]
        else branch_and_bound(margin, root, budget, slack)
    )


def _bounded(
    tracer: NetworkBoundPropagator, root: NetworkBoxes, claim: Bounded, budget: int, slack: float
) -> NetworkProofResult:
    if not claim.low <= claim.high:
        raise ValueError(f"no output lies between {claim.low!r} and {claim.high!r}")
    looked, used = 0, 0.0
    undecided = False
    for bound, sign in ((claim.low, 1), (claim.high, -1)):
        if math.isinf(bound):
            continue
        found = branch_and_bound(NetworkBoundMargin(tracer, root, bound, sign), root, budget - looked, slack)
        looked, used = looked + found.boxes, max(used, found.slack)
        if found.outcome == "refuted":
            return NetworkProofResult("refuted", looked, found.witness)
        undecided |= found.outcome == "undecided"
    return (
        NetworkProofResult("undecided", looked)
        if undecided
        else NetworkProofResult("proved", looked, slack=used)
    )
