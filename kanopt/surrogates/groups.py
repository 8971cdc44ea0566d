"""Rows that share an error: which belong together, and how much such rows say."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import FitError, nearest
from kanopt.formulas.error_model import (
    FEWEST_GROUPS,
    MOST_SHARED,
    ErrorModel,
    RowGroups,
    clipped,
    shared_errors,
    shared_part,
    whitened,
)
from kanopt.formulas.estimation.least_squares import smearing
from kanopt.formulas.formula import Formula
from kanopt.text import count_text

if TYPE_CHECKING:
    from kanopt.surrogates.encoding import FeatureEncoding

TINY = 1e-300
DIGITS = 4
"""Digits of what rows of a group share."""
MOST_DECIMALS = 300


@dataclass(frozen=True, eq=False)
class Groups:
    """The group of every row as given, (n,), and what the groups are called where that is known."""

    values: Any
    name: str = ""

    def codes(self, rows: int, weights: Floats) -> Integers:
        """Return the groups of the rows with a weight above 0, numbered from 0.

        Raises
        ------
        FitError
            If there is not one group for each row, one is missing, or there are too few.
        """
        # a list of texts and tuples is no table, though numpy takes it for one
        values = (
            pd.Series(self.values, dtype=object) if isinstance(self.values, list | tuple) else self.values
        )
        if np.ndim(values) != 1 or len(values) != rows:
            shape = " × ".join(map(str, np.shape(values))) or "one value"
            raise FitError(f"groups holds {shape} and X {rows} rows; pass the group of each row")
        codes, labels = pd.factorize(pd.Series(np.asarray(values, dtype=object))[weights > 0])
        if (codes < 0).any():
            blank = count_text(int((codes < 0).sum()), "row")
            raise FitError(f"groups: {blank} have no group; leave them out, or give each a group of its own")
        if len(labels) < FEWEST_GROUPS:
            raise FitError(
                f"groups: there are only {len(labels)}, too few to tell what rows of one group share; "
                f"{FEWEST_GROUPS} are needed, and thirty are better. Pass none where rows are independent"
            )
        return codes.astype(np.int64)

    def used(self, rows: NDArray[np.bool_]) -> Groups:
        """Return those of some rows."""
        return Groups(np.asarray(pd.Series(self.values, dtype=object), dtype=object)[rows], self.name)

    def with_shared_noise(
        self, law: Formula, known: pd.DataFrame, held_out: tuple[pd.DataFrame, Floats, Any]
    ) -> Formula:
        """Return a law whose error model knows what rows of a group share.

        Parameters
        ----------
        law
            With its fit.
        known
            The rows that it was learned from, whose groups these are, with the target in the last column.
        held_out
            Held-out rows, their target, and the group of each; None where that is not known, and each counts as one of
            its own.
        """
        rows, target, labels = held_out
        if law.fit is None:
            return law
        if labels is None:
            labels = np.array([f"row {place}" for place in range(len(rows))], dtype=object)
        codes = pd.factorize(np.concatenate([np.asarray(labels, dtype=object), self.values]))[0].astype(
            np.int64
        )
        predicted, before = (np.broadcast_to(law.evaluate(each), len(each)) for each in (rows, known))
        actual = known.iloc[:, -1].to_numpy(np.float64)
        groups = RowGroups(self.name, codes[: len(rows)], (actual, before, codes[len(rows) :]))
        errors = ErrorModel.of(target, predicted, rows_train=law.fit.rows_train, groups=groups)
        return replace(law, fit=replace(law.fit, errors=errors))


def grouped(X: Any, groups: Any, y: Any = None) -> tuple[Any, Groups | None]:
    """Return the columns to learn from, and the group of every row, given as values or as a column of `X`.

    Raises
    ------
    FitError
        If `X` has no such column, or it is the target `y`.
    """
    if groups is None:
        return X, None
    named = groups if isinstance(groups, str) else getattr(groups, "name", None)
    if named is not None and named in (
        y.columns if isinstance(y, pd.DataFrame) else [getattr(y, "name", None)]
    ):
        raise FitError(
            f"groups: {named!r} is the target; groups says which rows share an error, such as the day or the route of "
            "each: pass such a column, or none"
        )
    if not isinstance(groups, str):
        return X, Groups(groups, "" if named is None else str(named))
    names = [str(name) for name in X.columns] if isinstance(X, pd.DataFrame) else []
    if groups not in names:
        known = nearest(groups, names) if names else "X has no names; pass the group of each row"
        raise FitError(f"groups: X has no column {groups!r}; {known}")
    if names.count(groups) > 1:
        raise FitError(f"groups: X has {names.count(groups)} columns {groups!r}; rename all but one")
    place = names.index(groups)
    return X.iloc[:, [k for k in range(len(names)) if k != place]], Groups(X.iloc[:, place], groups)


@dataclass(frozen=True, eq=False)
class SharedErrors:
    """What rows of a group share: an error u with mean 0, beside the error e that each has alone.

    Parameters
    ----------
    groups
        Group of every row, numbered from 0; (n,).
    ratio
        Variance of u over that of e.
    residual
        What the first law, fitted to the rows as they are, leaves of every row whose group is held out, on
        its scale; (n,), or empty.
    common
        What was taken for u of every row, on the same scale; (n,), or empty.
    lift
        Factor by which the mean of exp(u + e) is above that of exp(e), for a law of the logarithm; else 1.
    """

    groups: Integers
    ratio: float
    residual: Floats = field(default_factory=lambda: np.empty(0))
    common: Floats = field(default_factory=lambda: np.empty(0))
    lift: float = 1.0

    @classmethod
    def of(cls, residual: Floats, weights: Floats, groups: Integers) -> SharedErrors:
        """Estimate from residuals of rows, (n,); groups left out must have been left out whole.

        Residuals of a network have some digits in common on all machines. What is taken off the target has no more, so
        that the rows, and with them the law, are the same on each.
        """
        share = round(min(shared_part(clipped(residual), weights, groups), MOST_SHARED), DIGITS)
        found = cls(groups, share / (1.0 - share))
        common = found.errors(residual, weights)
        decimals = DIGITS - math.ceil(math.log10(max(float(np.abs(common).max(initial=0.0)), TINY)))
        return replace(found, residual=residual, common=np.round(common, min(decimals, MOST_DECIMALS)))

    def errors(self, residual: Floats, weights: Floats) -> Floats:
        """Return the error that every row shares with its group, (n,): the group's mean residual, shrunken.

        It is the best linear unbiased prediction (Robinson 1991, Stat. Sci. 6). What it leaves of a target has, at the
        law by which it was predicted, the normal equations of generalized least squares.
        """
        return shared_errors(clipped(residual), weights, self.groups, self.ratio)

    def means(self, values: Floats, weights: Floats) -> Floats:
        """Return the weighted mean of every row's group, (n,)."""
        size = np.maximum(np.bincount(self.groups, weights), TINY)
        return np.asarray((np.bincount(self.groups, weights * values) / size)[self.groups])

    def whitened(self, columns: Floats, weights: Floats) -> Floats:
        """Return columns, (n, p), such that their weighted cross product is that of generalized least squares."""
        return whitened(columns, weights, self.groups, self.ratio)

    def take(self, chosen: Integers) -> SharedErrors:
        """Return those of some rows."""
        residual, common = self.residual[chosen], self.common[chosen]
        return replace(self, groups=self.groups[chosen], residual=residual, common=common)


def rows_before(together: Integers, kinds: Integers, rank: Integers) -> Integers:
    """Return for every row how many distinct rows come before its group, by the rank of the groups; (n,).

    Rows of a group, and copies of a row, are held out together: one would tell of the other.

    Parameters
    ----------
    together
        Group of every row, which is its kind where there are no groups; (n,).
    kinds
        Which rows are copies of each other; (n,).
    rank
        Place of every group in the order drawn; (groups,).

    Examples
    --------
    >>> rows_before(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 2, 2, 3]), np.array([2, 0, 1])).tolist()
    [2, 2, 0, 0, 1]
    """
    sizes = np.bincount(np.unique(np.column_stack([together, kinds]), axis=0)[:, 0])
    order = np.argsort(rank)
    before = np.empty_like(sizes)
    before[order] = np.cumsum(sizes[order]) - sizes[order]
    return np.asarray(before[together], dtype=np.int64)


# The rows that a model is fitted to, and as a law is looked for on them.


@dataclass(frozen=True, eq=False)
class TrainingTable:
    """The rows to learn from: numbers (n, i) as in the table, codes (n, c), target (n,), weights (n,).

    Rows of one of the `groups`, numbered from 0, (n,), share an error; None where rows are independent.
    """

    numbers: Floats
    codes: Integers
    target: Floats
    weights: Floats
    encoding: FeatureEncoding
    groups: Integers | None = None

    def __len__(self) -> int:
        return len(self.target)

    def target_deviation(self, log_target: bool) -> float:
        """Return the standard deviation of the target, or of its logarithm; if zero, its magnitude."""
        target = np.log(self.target) if log_target else self.target
        mean = np.average(target, weights=self.weights)
        spread = float(np.sqrt(np.average((target - mean) ** 2, weights=self.weights)))
        return spread if spread > 1e-12 * abs(mean) else float(abs(mean)) or 1.0

    @cached_property
    def kinds(self) -> Integers:
        """A number per row, equal for copies of one row; (n,)."""
        whole = pd.DataFrame(np.column_stack([self.numbers, self.codes, self.target]))
        return np.asarray(whole.groupby(list(whole.columns), sort=False).ngroup(), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Rows:
    """Encoded rows.

    Parameters
    ----------
    inputs
        Shape (n, columns).
    target
        On the scale of the network's output, shape (n,).
    weight
        How many rows each stands for, shape (n,).
    slope
        Slope of a link behind the output, shape (n,): a residual times its slope is the residual of what the link
        gives, which is what counts. None for no link.
    shared
        What rows of a group share of their errors; the target is what is left without it. None where they share none.
    log
        Whether the target is a logarithm.
    """

    inputs: Floats
    target: Floats
    weight: Floats
    slope: Floats | None = None
    shared: SharedErrors | None = None
    log: bool = False

    @property
    def total(self) -> float:
        """The number of rows."""
        return float(self.weight.sum())

    @property
    def values(self) -> Floats:
        """The target, of which the rows may have the logarithm, (n,)."""
        return self.unscaled(self.target)

    def unscaled(self, told: Floats) -> Floats:
        """Return numbers of the target, given them on the scale of the rows."""
        return np.exp(told) if self.log else told

    def smearing(self, residual: Floats) -> float:
        """Return the factor by which the mean of the target is above a law that leaves a residual, (n,).

        For a logarithm that is the mean of the residuals' exponentials (Duan 1983), 1 where the rows cannot tell it
        from 1. What groups share of a logarithm raises the mean as well.
        """
        return self.lift * (smearing(residual, self.weight) if self.log else 1.0)

    @property
    def lift(self) -> float:
        """Factor by which what groups share raises the mean of a target whose logarithm they share; else 1."""
        return 1.0 if self.shared is None else self.shared.lift

    @property
    def precision(self) -> Floats:
        """Weight of every squared residual."""
        return self.weight if self.slope is None else self.weight * self.slope**2

    @property
    def digest(self) -> str:
        """SHA-256 of inputs and target."""
        parts = (np.ascontiguousarray(part) for part in (self.inputs, self.target))
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()

    def of(self, chosen: NDArray[np.intp]) -> Rows:
        """Return some of the rows."""
        slope = None if self.slope is None else self.slope[chosen]
        shared = None if self.shared is None else self.shared.take(chosen)
        inputs, target, weight = self.inputs[chosen], self.target[chosen], self.weight[chosen]
        return Rows(inputs, target, weight, slope, shared, self.log)
