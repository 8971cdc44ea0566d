"""How the errors of single rows are distributed around a law, and what rows of a group have in common of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import FormulaError
from kanopt.formulas.variables import settle

CLIP = 4.0
"""Residuals are cut off at so many robust standard deviations: a wild row is no error that a group shares."""

MOST_SHARED = 0.99
FEWEST_FOUND = 10
"""Values of a column that is found to be one of groups: of fewer, a fifth held out is one or two."""
_TINY = 1e-300


def design_effect(residual: Floats, weights: Floats, groups: Integers) -> float:
    """Return how many rows that share an error say as much as one that does not, at least 1.

    With ρ the part of the variance that rows of a group share and m the size of the group of a row, weighted by rows,
    it is 1 + (m − 1) ρ (Kish 1965, *Survey Sampling*, section 5.4).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> day, ones = np.repeat(np.arange(200), 10), np.ones(2000)
    >>> alone = rng.standard_normal(2000)
    >>> round(design_effect(alone, ones, day), 1), round(design_effect(alone + alone[day], ones, day), 1)
    (1.0, 5.4)
    """
    size = np.bincount(groups, weights)
    return 1.0 + (float(size @ size / size.sum()) - 1.0) * shared_part(clipped(residual), weights, groups)


def clipped(residual: Floats) -> Floats:
    """Return residuals cut off at so many robust standard deviations."""
    middle = float(np.median(np.abs(residual - np.median(residual)))) / 0.6745
    return np.clip(residual, -CLIP * middle, CLIP * middle) if middle > 0.0 else residual


def shared_part(residual: Floats, weights: Floats, groups: Integers) -> float:
    """Return the part of the variance that rows of a group share, from the analysis of variance of one factor.

    See Donner 1986, Int. Stat. Rev. 54.
    """
    size = np.bincount(groups, weights)
    total, count = float(size.sum()), len(size)
    mean = np.bincount(groups, weights * residual) / size
    within = float(weights @ (residual - mean[groups]) ** 2)
    between = float(size @ (mean - np.average(residual, weights=weights)) ** 2)
    if total <= count or within + between <= 0.0:
        return 0.0
    usual = (total - float(size @ size) / total) / (count - 1)
    inner = within / (total - count)
    shared = max((between / (count - 1) - inner) / usual, 0.0)
    return shared / (shared + inner)


def whitened(columns: Floats, weights: Floats, groups: Integers, ratio: float) -> Floats:
    """Return columns, (n, p), such that their weighted cross product is that of generalized least squares.

    A part of the mean of a group is taken out, θ = 1 − 1/√(1 + W · ratio) with W its weight (Fuller and Battese
    1973, J. Am. Stat. Assoc. 68).

    Parameters
    ----------
    columns
        With one row for each of the table.
    weights
        How many rows each stands for; (n,).
    groups
        Group of every row, numbered from 0; (n,).
    ratio
        Variance of what rows of a group share over that of what each has alone.
    """
    size = np.bincount(groups, weights)
    part = (1.0 - 1.0 / np.sqrt(1.0 + size * ratio)) / np.maximum(size, _TINY)
    taken = [(part * np.bincount(groups, weights * column))[groups] for column in columns.T]
    return np.asarray(columns - np.column_stack(taken))


LEVELS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    *(0.95, 0.975, 0.99, 0.995, 0.9975, 0.999),
)
GROSS = 5.0
"""Robust standard deviations beyond which an error is gross; of normal errors that are 6 in ten million."""
MOST_GROSS = 50
"""Gross errors that are kept, evenly spaced among all."""
FEWEST_GROUPS = 5
"""Groups that tell what their rows share, and how well they do."""
_NORMAL = 0.6745  # median of the size of a standard normal number
_QUANTILE_DRAWS = 200_000


@dataclass(frozen=True)
class Noise:
    """The distribution of errors, in units of the standard deviation that an error model gives them.

    An error is ``usual · (√share · u + √(1 − share) · e)``, with ``u`` standard normal and the same for all rows of a
    group, and ``e`` of each row alone. Now and then it is a gross error instead.

    Parameters
    ----------
    share
        Part of the variance of usual errors that rows of a group have in common (the intraclass correlation).
    by
        The column that says which rows belong to one group; empty where no groups were looked at.
    groups
        Number of groups that tell it.
    group_size
        Rows of a group, on average; 0 where that is not known.
    usual
        Standard deviation of usual errors; the rest of the unit is that of gross ones.
    quantiles
        Pairs of a level and the quantile of ``e``; empty for a normal distribution.
    gross_share
        Part of the rows with a gross error.
    gross
        Such errors, evenly spaced among all.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> day = np.repeat(np.arange(300), 20)
    >>> errors = 0.6 * rng.standard_normal(300)[day] + 0.8 * rng.standard_normal(6000)
    >>> noise = Noise.of(errors, day, by="day")
    >>> round(noise.share, 2), round(noise.usual, 2), round(noise.quantile(0.95), 2)
    (0.37, 1.0, 1.64)
    """

    share: float = 0.0
    by: str = ""
    groups: int = 0
    group_size: float = 0.0
    usual: float = 1.0
    quantiles: tuple[tuple[float, float], ...] = ()
    gross_share: float = 0.0
    gross: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        settle(self, "noise of a law")
        levels = [level for level, _ in self.quantiles]
        if not 0.0 <= self.share <= 1.0 or not 0.0 <= self.gross_share < 1.0 or self.usual < 0.0:
            raise FormulaError(
                f"the noise of a law has shares between 0 and 1 and a spread of at least 0, not share {self.share!r}, "
                f"gross_share {self.gross_share!r} and usual {self.usual!r}"
            )
        if levels != sorted(set(levels)) or any(not 0.0 < level < 1.0 for level in levels):
            raise FormulaError(f"levels of quantiles rise from above 0 to below 1, not {levels!r}")

    @classmethod
    def of(
        cls,
        errors: ArrayLike,
        groups: Any = None,
        *,
        by: str = "",
        learned: tuple[Floats, Integers] | None = None,
    ) -> Noise:
        """Learn the distribution from the errors of held-out rows.

        Parameters
        ----------
        errors
            In units of their standard deviation; (n,).
        groups
            Numbers of groups, (n,); None where rows are independent.
        by
            What the groups are called.
        learned
            Errors and groups of the rows learned from, in the same units and numbers: they tell with the held-out ones
            what rows of a group share, for which there may be few groups held out, and what errors are on average.
        """
        z = np.asarray(errors, dtype=np.float64)
        codes = None if groups is None else np.asarray(groups)
        share, count, group_size, own, usual = 0.0, 0, 0.0, z, 0.0
        middle: float | None = None
        if codes is not None:
            # a gross error must not count as one that its group shares, and is seen once that is taken out
            rows = [(z, codes), *([] if learned is None else [learned])]
            first = _share_of(rows)[1]
            owns = [each - _shared_errors(each, labels, first) for each, labels in rows]
            fine = [~is_gross(each) for each in owns]
            kept = [(each[f], labels[f]) for (each, labels), f in zip(rows, fine, strict=True)]
            count, share, usual = _share_of(kept)
            group_size = sum(len(labels) for _, labels in kept) / count
            own, middle = z - _shared_errors(z, codes, share), _mean_of(kept, share)
        gross = is_gross(own)
        if middle is not None:
            # good or bad days that happen to be held out are nothing that each row has alone
            own = own + (middle - float(own[~gross].mean()))
        plain = own[~gross]
        size, wild = float(plain.std()), np.sort(own[gross])
        quantiles = np.quantile(plain, LEVELS, method="weibull") / size if size > 0.0 else None
        if len(wild) > MOST_GROSS:
            wild = np.quantile(wild, (np.arange(MOST_GROSS) + 0.5) / MOST_GROSS)
        return cls(
            share,
            by,
            count,
            group_size,
            size if codes is None else usual,
            () if quantiles is None else tuple(zip(LEVELS, quantiles.tolist(), strict=True)),
            float(gross.mean()),
            tuple(wild.tolist()),
        )

    @property
    def common(self) -> float:
        """Standard deviation of what rows of a group have in common."""
        return math.sqrt(self.share) * self.usual

    def with_share(self, share: float) -> Noise:
        """Return the same noise of which rows of a group share another part."""
        return replace(self, share=share)

    def without_gross(self) -> Noise:
        """Return the noise of rows without gross errors."""
        return replace(self, gross_share=0.0, gross=())

    def own(self, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
        """Draw what each row has alone, gross errors among them."""
        from scipy.special import ndtri

        normal = rng.standard_normal(shape)
        if self.quantiles:
            levels, values = np.array(self.quantiles).T
            normal = np.interp(normal, ndtri(levels), values)
        drawn = math.sqrt(1.0 - self.share) * self.usual * normal
        if self.gross_share > 0.0 and self.gross:
            struck = rng.random(shape) < self.gross_share
            drawn[struck] = rng.choice(np.array(self.gross), int(struck.sum()))
        return np.asarray(drawn)

    def draw_common(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw what the standard deviation of what rows of a group share may be, (count,), as groups leave it open.

        The variance of the mean of a group, what is shared and what its rows have alone over their number, is known as
        that of so many numbers is: as an inverse χ². Less the part of single rows, and at least 0, it is what is shared
        (Box and Tiao 1973, *Bayesian Inference in Statistical Analysis*, section 5.2). So few groups, and small ones,
        make bad days worse than found: a quantile over all draws is that of Student's t where groups are large.
        """
        if self.groups < FEWEST_GROUPS:
            return np.full(count, self.common)
        single = (1.0 - self.share) * self.usual**2 / self.group_size if self.group_size else 0.0
        freedom = self.groups - 1
        of_means = (self.common**2 + single) * freedom / rng.chisquare(freedom, count)
        return np.asarray(np.sqrt(np.maximum(of_means - single, 0.0)))

    def quantile(self, level: float) -> float:
        """Return the quantile of the error of a row of a group not seen, by simulation with fixed draws."""
        rng = np.random.default_rng(0)
        drawn = self.own((_QUANTILE_DRAWS,), rng)
        return float(np.quantile(drawn + self.common * rng.standard_normal(len(drawn)), level))


def is_gross(errors: Floats) -> NDArray[np.bool_]:
    """Say which errors lie beyond so many robust standard deviations."""
    middle = float(np.median(errors))
    robust = float(np.median(np.abs(errors - middle))) / _NORMAL
    return np.abs(errors - middle) > GROSS * robust if robust > 0.0 else np.zeros(len(errors), dtype=bool)


def _share_of(rows: list[tuple[Floats, Integers]]) -> tuple[int, float, float]:
    """Return how many groups there are, which part of the variance their rows share, and the standard deviation."""
    errors = np.concatenate([each for each, _ in rows])
    codes = np.unique(np.concatenate([groups for _, groups in rows]), return_inverse=True)[1].reshape(-1)
    count, size = int(codes.max()) + 1, np.bincount(codes)
    if count < 2 or count == len(errors):
        return count, 0.0, float(errors.std())
    share = min(float(shared_part(clipped(errors), np.ones(len(errors)), codes)), MOST_SHARED)
    within = errors - (np.bincount(codes, weights=errors) / size)[codes]
    own = float(within @ within) / (len(errors) - count)
    return count, share, math.sqrt(own / (1.0 - share))


def _mean_of(rows: list[tuple[Floats, Integers]], share: float) -> float:
    """Return the mean by generalized least squares: rows of a group say less than as many of groups of their own."""
    errors = np.concatenate([each for each, _ in rows])
    codes = np.unique(np.concatenate([groups for _, groups in rows]), return_inverse=True)[1].reshape(-1)
    ratio, size = share / (1.0 - share), np.bincount(codes)
    return float(np.average(errors, weights=(1.0 / (1.0 + ratio * size))[codes]))


def _shared_errors(errors: Floats, groups: Integers, share: float) -> Floats:
    """Return what each row shares with its group: the best linear unbiased prediction (Robinson 1991, Stat. Sci. 6)."""
    codes = np.unique(groups, return_inverse=True)[1].reshape(-1)
    size, usual = np.bincount(codes), clipped(errors)
    mean = np.bincount(codes, weights=usual - usual.mean()) / size
    ratio = share / (1.0 - share)
    return np.asarray((mean * ratio * size / (1.0 + ratio * size))[codes])
