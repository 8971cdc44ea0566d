"""A term of the outermost sum, and what it may be multiplied by or give way to.

All coefficients of the sum are at their best there, since it is linear in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.evaluation import value
from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.scores import ranked_sets
from kanopt.surrogates.search.structure import ONE, Law

Array = NDArray[np.float64]

SLOPES = (-0.9, -0.6, -0.3, 0.3, 1.0, 4.0, 20.0, 150.0)
"""Sizes of the second part of a group against the first at which fits are started."""
SOLVED = 3
"""Sets of columns that are solved for with more care than they were ranked with."""
NOTHING = 1e-8
"""Share of the target that a term must say to stay."""

Start = tuple[float, float | None, float]
"""Share of the squares taken, coefficient of the term where it changes, and slope in its new group."""


@dataclass(frozen=True, eq=False)
class OuterSum:
    """The outermost sum of a law.

    Errors of a logarithm are taken for those of the target beside its size.

    Parameters
    ----------
    bare
        Values of the terms without their coefficients, weighted, each (n,).
    target
        Weighted, shape (n,).
    root
        Roots of the weights, shape (n,).
    squares
        Squared residuals of the law as it is.
    """

    bare: list[Array]
    target: Array
    root: Array
    squares: float

    @classmethod
    def of(cls, law: Law, to: Target) -> OuterSum:
        """Return the sum on rows."""
        target, root = (np.exp(to.target), to.root * np.exp(-to.target)) if to.log else (to.target, to.root)
        alone = [value(Law((replace(t, coefficient=ONE),)), to.columns) for t in law.terms]
        with np.errstate(all="ignore"):  # what has no value on some row is no part of it
            whole = sum(
                (t.coefficient.value * v for t, v in zip(law.terms, alone, strict=True)), 0.0 * target
            )
            now = root * (target - whole)
            bare = [root * each for each in alone]
        return cls(bare, target * root, root, max(float(now @ now), 1e-300))

    def without(self, places: Sequence[int]) -> OuterTerm | None:
        """Return the first of the terms at `places`, without the others of them; None where one has no value."""
        own = self.bare[places[0]]
        rest = [column for place, column in enumerate(self.bare) if place not in places]
        if not all(np.isfinite(column).all() for column in (own, *rest)):
            return None
        others = np.column_stack(rest) if rest else np.zeros((len(own), 0))
        size = np.sqrt((others**2).sum(axis=0))
        basis = np.linalg.qr(others / np.where(size > 0.0, size, 1.0))[0]
        residual = self.target - basis @ (basis.T @ self.target)
        return OuterTerm(own, basis, residual, self.squares, self.root, others, self.target)


@dataclass(frozen=True, eq=False)
class OuterTerm:
    """A term of the outermost sum.

    The column of a changed term is made orthogonal to those of the other terms; what it then takes of the residual is
    what least squares in all coefficients would find.

    Parameters
    ----------
    bare
        Values of the term without its coefficient, weighted, shape (n,).
    basis
        Orthonormal columns that span the other terms, shape (n, k).
    residual
        What they leave of the target, shape (n,).
    squares
        Squared residuals of the law as it is.
    root
        Roots of the weights, shape (n,).
    others
        Values of the other terms without their coefficients, weighted, shape (n, k).
    target
        Weighted, shape (n,).
    """

    bare: Array
    basis: Array
    residual: Array
    squares: float
    root: Array
    others: Array
    target: Array

    def multiplied(self, values: Array) -> tuple[Array, Array]:
        """Return the share taken by the term times every column of (n, m) values, and its coefficients, (m,)."""
        with np.errstate(all="ignore"):  # what has no value on some row takes nothing
            columns = self._beside(self.bare[:, None] * values)
            dot, after = self.residual @ columns, np.maximum((columns**2).sum(axis=0), 1e-300)
            share = np.clip(self._share(dot * dot / after), 0.0, 1.0 - 1e-12)
            return np.nan_to_num(share), np.nan_to_num(dot / after)

    def exchanged(self, values: Array) -> tuple[float, Array]:
        """Return the share taken by all columns of (n, m) values instead of the term, and their coefficients, (m,).

        It is below zero where the term took more.
        """
        with np.errstate(all="ignore"):  # what is too large on some row takes nothing
            columns = self._beside(self.root[:, None] * values)
            size = np.sqrt((columns**2).sum(axis=0))
        if not np.isfinite(size).all() or not size.min() > 0.0:
            return -np.inf, np.zeros(values.shape[1])
        found, _, rank, _ = np.linalg.lstsq(columns / size, self.residual, rcond=1e-10)
        left = self.residual - columns / size @ found
        taken = float(self.residual @ self.residual) - float(left @ left)
        share = -np.inf if rank < len(found) else min(float(self._share(taken)), 1.0 - 1e-12)
        return share, found / size

    def best_of(self, values: Array, sets: NDArray[np.intp]) -> tuple[float, Array, list[int]]:
        """Return what the best of several sets of columns takes instead of the term, its coefficients and its numbers.

        The sets, shape (m, k), are ranked on the normal equations, which are quick, and the best few solved for.
        """
        with np.errstate(all="ignore"):
            columns = self._beside(self.root[:, None] * values)
        best = ranked_sets(columns, self.residual, sets)[:SOLVED].tolist()
        tried = [(*self.exchanged(values[:, chosen]), chosen) for chosen in best]
        return max(tried, key=lambda entry: entry[0], default=(-np.inf, np.zeros(0), []))

    def coefficients_beside(self, values: Array, coefficients: Array) -> Array:
        """Return the coefficients of the other terms beside columns of (n, m) values, (k,); 0 where it says nothing."""
        left = self.target - self.root * (values @ coefficients)
        size = np.sqrt((self.others**2).sum(axis=0))
        size = np.where(size > 0.0, size, 1.0)
        found = np.linalg.lstsq(self.others / size, left, rcond=1e-10)[0]
        nothing = np.abs(found) < NOTHING * np.sqrt(float(self.target @ self.target))
        return np.where(nothing, 0.0, found / size)

    def _beside(self, columns: Array) -> Array:
        """Return columns without what the other terms say of them."""
        return np.asarray(columns - self.basis @ (self.basis.T @ columns))

    def _share(self, taken: Any) -> Any:
        return 1.0 - (float(self.residual @ self.residual) - taken) / self.squares

    def scanned(self, values: Array, exponent: float) -> list[Start | None]:
        """Return the best of a few slopes for every column of (n, m) values; None where none of them is sound."""
        found: list[Start | None] = []
        for m in values.T:
            if not np.isfinite(m).all():
                found.append(None)
                continue
            largest = float(m[np.argmax(np.abs(m))])
            slopes = np.array(SLOPES) / (largest if largest else 1.0)
            bases = 1.0 + slopes[:, None] * m
            sound = bases.min(axis=1) > 0.02
            columns = self.bare * (bases[sound] if exponent == 1.0 else 1.0 / bases[sound])
            before = (columns**2).sum(axis=1)
            columns -= (columns @ self.basis) @ self.basis.T
            after = (columns**2).sum(axis=1)
            dot = columns @ self.residual
            with np.errstate(all="ignore"):
                taken = np.where(after > 1e-12 * before, dot * dot / after, -1.0)
            if not len(taken) or not taken.max() > 0.0:
                found.append(None)
                continue
            k = int(taken.argmax())
            left = float(self.residual @ self.residual) - float(taken[k])
            share = float(np.clip(1.0 - left / self.squares, 0.0, 1.0 - 1e-12))
            found.append((share, float(dot[k] / after[k]), float(slopes[sound][k])))
        return found
