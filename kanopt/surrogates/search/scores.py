"""The score test: by how much a larger law fits better, foretold without fitting it.

A new parameter has a derivative column v, and the share of the squared residual that it will take is
(r·v⊥)² / (v⊥·v⊥ · r·r), with v⊥ the part of v that the present parameters cannot imitate (Rao 1948).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.evaluation import value_and_jacobian
from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.structure import Law

Array = NDArray[np.float64]

BLOCK = 1e-5
"""Share of a direction of several columns that is left below which the present parameters imitate it."""
RIDGE = 1e-10
"""Keeps the normal equations of columns that are nearly one solvable."""
PRODUCTS, ALIKE = 20, 1e-5
"""Products that tell what there is to say, and the share of one beside the others below which it is one of them."""


class Scores:
    """The score test on a set of rows, at one law."""

    def __init__(self, law: Law, to: Target) -> None:
        output, jacobian = value_and_jacobian(law, to.columns)
        with np.errstate(all="ignore"):
            self.residual = to.residual(output)
        self.weight = to.root / output if to.log else to.root
        self.squares = max(float(self.residual @ self.residual), 1e-300)
        weighted = jacobian * self.weight[:, None]
        norm = np.sqrt((weighted**2).sum(axis=0))
        self.basis = np.linalg.qr(weighted / np.where(norm > 0, norm, 1.0))[0]

    def of(self, columns: Array, flow: Array) -> tuple[Array, Array]:
        """Return share of the squares taken and slope of each new column, shapes (m,)."""
        with np.errstate(all="ignore"):  # what has no value on some row takes nothing
            v = columns * (flow * self.weight)[:, None]
            before = (v * v).sum(axis=0)
            v -= self.basis @ (self.basis.T @ v)
            after = (v * v).sum(axis=0)
            dot = self.residual @ v
            share = np.where(after > 1e-10 * before, dot * dot / (after * self.squares), 0.0)
            slope = dot / after
        return np.nan_to_num(np.clip(share, 0.0, 1.0 - 1e-12)), np.nan_to_num(slope)

    def of_pairs(self, first: Array, second: Array, flow: Array) -> tuple[Array, Array, Array]:
        """Return the share taken by two columns together, and their slopes."""
        with np.errstate(all="ignore"):
            scaled = (flow * self.weight)[:, None]
            a, b = first * scaled, second * scaled
            a -= self.basis @ (self.basis.T @ a)
            b -= self.basis @ (self.basis.T @ b)
            aa, bb, ab = (a * a).sum(axis=0), (b * b).sum(axis=0), (a * b).sum(axis=0)
            ra, rb = self.residual @ a, self.residual @ b
            det = aa * bb - ab * ab
            sound = det > 1e-8 * aa * bb
            s, c = (bb * ra - ab * rb) / det, (aa * rb - ab * ra) / det
            share = np.where(sound, (s * ra + c * rb) / self.squares, 0.0)
        return np.nan_to_num(np.clip(share, 0.0, 1.0 - 1e-12)), np.nan_to_num(s), np.nan_to_num(c)

    def of_block(self, columns: Array, flow: Array) -> tuple[float, Array]:
        """Return the share taken by several columns (n, m) together, and their slopes (m,)."""
        v = columns * (flow * self.weight)[:, None]
        norm = np.sqrt((v * v).sum(axis=0))
        v = v / np.where(norm > 0.0, norm, 1.0)
        v -= self.basis @ (self.basis.T @ v)
        if not np.isfinite(v).all():
            return 0.0, np.zeros(len(norm))
        left, sizes, right = np.linalg.svd(v, full_matrices=False)
        sound = sizes > BLOCK
        taken = left[:, sound].T @ self.residual
        slopes = right[sound].T @ (taken / sizes[sound])
        share = float(np.clip(taken @ taken / self.squares, 0.0, 1.0 - 1e-12))
        return share, slopes / np.where(norm > 0.0, norm, np.inf)


def ranked_sets(columns: Array, target: Array, sets: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return sets of columns, those that take most of the squares of a target first, shape (up to s, k).

    Sets with a column that is zero, or no number on some row, are left out. Normal equations are quick, and good enough
    to rank; coefficients are for whoever takes the best to solve for.

    Parameters
    ----------
    columns
        Shape (n, m).
    target
        Shape (n,).
    sets
        Numbers of columns, shape (s, k).

    Examples
    --------
    >>> columns = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]])
    >>> ranked_sets(columns, np.array([3.0, 8.0, 0.0]), np.array([[0, 2], [0, 1]])).tolist()
    [[0, 1], [0, 2]]
    """
    with np.errstate(all="ignore"):
        size = np.sqrt((columns**2).sum(axis=0))
    sound = np.isfinite(size) & (size > 0.0)
    sets = sets[sound[sets].all(axis=1)]
    if not len(sets):
        return sets
    scaled = np.where(sound, columns, 0.0) / np.where(sound, size, 1.0)
    gram, told = scaled.T @ scaled + RIDGE * np.eye(len(size)), scaled.T @ target
    found = np.linalg.solve(gram[sets[:, :, None], sets[:, None, :]], told[sets][..., None])[..., 0]
    return sets[np.argsort(-(found * told[sets]).sum(axis=1), kind="stable")]


def left_by_products(to: Target, values: Array) -> float:
    """Return the mean square that a sum of many products leaves: most of what there is to say, in no form to be read.

    The products are chosen one after the other, each for what those before it leave (orthogonal matching pursuit: Pati,
    Rezaiifar and Krishnaprasad 1993).

    Parameters
    ----------
    to
        The rows.
    values
        Those of the products on them, shape (n, m).
    """
    y = np.exp(to.target) if to.log else to.target
    root = to.root / y if to.log else to.root
    with np.errstate(all="ignore"):
        columns = root[:, None] * np.column_stack([np.ones(len(y)), values])
        columns /= np.sqrt((columns**2).sum(axis=0))
    columns, residual = columns[:, np.isfinite(columns).all(axis=0)], root * y
    for _ in range(min(PRODUCTS, len(y) // 2)):
        size = np.sqrt((columns**2).sum(axis=0))
        sound = size > ALIKE
        told = np.where(sound, np.abs(residual @ columns) / np.where(sound, size, 1.0), 0.0)
        best = int(told.argmax())
        if not told[best] > 0.0:
            break
        direction = columns[:, best] / size[best]
        residual = residual - direction * (direction @ residual)
        columns = columns - np.outer(direction, direction @ columns)
    return float(residual @ residual) / max(to.total - PRODUCTS, 1.0)
