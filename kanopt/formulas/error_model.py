"""How far actual values lie from what a law says: a systematic part and the noise of single rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import FormulaError
from kanopt.formulas.variables import settle

# How the errors of single rows are distributed around a law, and what rows of a group have in common of
# them.

CLIP = 4.0
"""Residuals are cut off at so many robust standard deviations: a wild row is no error that a group shares."""

MOST_SHARED = 0.99
FEWEST_FOUND = 10
"""Values of a column that is found to be one of groups: of fewer, a fifth held out is one or two."""
_TINY = 1e-300
NORMAL = 0.6745
"""Median of the size of a standard normal number."""
FREEDOM = 5.0
"""Degrees of freedom of a t distribution of errors."""


def student_density(errors: Floats, weights: Floats, least: float) -> tuple[float, Floats]:
    """Fit the scale of a t distribution by maximum likelihood; return it and the log density of every error.

    The fixed point is the EM step of Lange, Little and Taylor (1989, JASA 84, eq. 3). Additive constants are omitted.
    """
    squares = errors**2
    variance = max(float(np.average(squares, weights=weights)), least**2)
    for _ in range(30):
        pull = (FREEDOM + 1.0) / (FREEDOM + squares / variance)
        variance = max(float(np.average(pull * squares, weights=weights)), least**2)
    density = -0.5 * np.log(variance) - 0.5 * (FREEDOM + 1.0) * np.log1p(squares / (FREEDOM * variance))
    return float(np.sqrt(variance)), density


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


def robust_deviation(errors: Floats) -> float:
    """Return the standard deviation of normal errors with the median size of these."""
    return float(np.median(np.abs(errors))) / NORMAL


def clipped(residual: Floats) -> Floats:
    """Return residuals cut off at so many robust standard deviations."""
    middle = robust_deviation(residual - np.median(residual))
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


def shared_errors(errors: Floats, weights: Floats, groups: Integers, ratio: float) -> Floats:
    """Return the error that every row shares with its group, (n,): the group's mean, shrunken.

    It is the best linear unbiased prediction (Robinson 1991, Stat. Sci. 6); `ratio` as of :func:`whitened`.
    """
    size = np.bincount(groups, weights)
    found = np.bincount(groups, weights * errors) * ratio / (1.0 + ratio * size)
    return np.asarray(found[groups])


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
    >>> round(noise.share, 2), round(noise.usual, 2)
    (0.37, 1.0)
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


def is_gross(errors: Floats) -> NDArray[np.bool_]:
    """Say which errors lie beyond so many robust standard deviations."""
    middle = float(np.median(errors))
    robust = robust_deviation(errors - middle)
    return np.abs(errors - middle) > GROSS * robust if robust > 0.0 else np.zeros(len(errors), dtype=bool)


def _pooled(rows: list[tuple[Floats, Integers]]) -> tuple[Floats, Integers]:
    errors, groups = (np.concatenate(each) for each in zip(*rows, strict=True))
    return errors, np.unique(groups, return_inverse=True)[1].reshape(-1)


def _share_of(rows: list[tuple[Floats, Integers]]) -> tuple[int, float, float]:
    """Return how many groups there are, which part of the variance their rows share, and the standard deviation."""
    errors, codes = _pooled(rows)
    count, size = int(codes.max()) + 1, np.bincount(codes)
    if count < 2 or count == len(errors):
        return count, 0.0, float(errors.std())
    share = min(float(shared_part(clipped(errors), np.ones(len(errors)), codes)), MOST_SHARED)
    within = errors - (np.bincount(codes, weights=errors) / size)[codes]
    own = float(within @ within) / (len(errors) - count)
    return count, share, math.sqrt(own / (1.0 - share))


def _mean_of(rows: list[tuple[Floats, Integers]], share: float) -> float:
    """Return the mean by generalized least squares: rows of a group say less than as many of groups of their own."""
    errors, codes = _pooled(rows)
    ratio, size = share / (1.0 - share), np.bincount(codes)
    return float(np.average(errors, weights=(1.0 / (1.0 + ratio * size))[codes]))


def _shared_errors(errors: Floats, groups: Integers, share: float) -> Floats:
    codes = np.unique(groups, return_inverse=True)[1].reshape(-1)
    usual = clipped(errors)
    return shared_errors(usual - usual.mean(), np.ones(len(errors)), codes, share / (1.0 - share))


FEWEST = 8
"""Held-out rows from which errors are modelled."""
_POWERS = np.arange(0.0, 1.51, 0.25)
_ALIKE = 1e-6
_LEAST = 1e-3
"""Share of the mean prediction below which a prediction counts as this much, where noise is measured in proportion."""
_RIDGE = 1e-12
_VARIES = 0.05
_ROUNDS = 2
TINY = 1e-300
_CHANCE = 3.0
"""Squares of standard errors for each number of a bias that chance explains."""


@dataclass(frozen=True)
class ErrorModel:
    """Actual values given the predictions of a law, learned on held-out rows.

    ``actual = shift + factor · predicted + noise``, the regression by which forecasts are judged (Mincer and Zarnowitz
    1969, "The evaluation of economic forecasts"): of a law without bias the shift is 0 and the factor 1. The standard
    deviation of the noise is ``spread · |predicted|^power``.

    Parameters
    ----------
    shift, factor
        Least squares, each row weighted by the inverse of its variance; of a bias that chance explains a part, see
        :meth:`of`.
    covariance
        Variance of the shift, covariance of both, variance of the factor, as of least squares.
    spread, power
        Noise of a single row; the power is the likeliest of 0, 0.25, …, 1.5.
    level
        Mean size of a prediction.
    rows
        Number of held-out rows.
    noise_shape
        How the noise is distributed, and what rows of a group share of it; None for independent normal noise, and in
        files of earlier versions.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> predicted = rng.uniform(1.0, 50.0, 400)
    >>> model = ErrorModel.of(1.1 * predicted * (1.0 + 0.2 * rng.standard_normal(400)), predicted)
    >>> round(model.factor, 2), float(model.power), round(float(model.spread), 2)
    (1.09, 1.0, 0.22)
    """

    shift: float
    factor: float
    covariance: tuple[float, float, float]
    spread: float
    power: float
    level: float
    rows: int
    noise_shape: Noise | None = None

    def __post_init__(self) -> None:
        settle(self, "error model")
        if len(self.covariance) != 3:
            raise FormulaError(f"an error model has three covariances, not {self.covariance!r}")
        if min(self.spread, self.level, self.rows, self.covariance[0], self.covariance[2]) < 0:
            raise FormulaError("an error model has no negative spread, variance, level or rows")

    @classmethod
    def of(
        cls, actual: Any, predicted: Any, *, rows_train: int = 0, groups: RowGroups | None = None
    ) -> ErrorModel | None:
        """Learn the errors of a law on held-out rows; None where there are too few, or it predicts nothing but 0.

        On the rows that it was learned from a law has no bias. So all rows together have that of the held-out rows
        times their share, which is believed as long as chance explains it. A bias beyond that says that the held-out
        rows are of another kind (a later season), and is believed but for the part that chance may have added (Stein's
        estimate; James and Stein 1961).

        Parameters
        ----------
        actual, predicted
            Arrays of shape (n,).
        rows_train
            Number of rows that the law was learned from.
        groups
            Which rows belong to one group and share an error: what rows of a group have in common is then no noise of
            single rows, and tells of shift and factor once (generalized least squares). None for independent rows.
        """
        y, p = np.asarray(actual, dtype=np.float64).ravel(), np.asarray(predicted, dtype=np.float64).ravel()
        level = float(np.abs(p).mean()) if len(p) else 0.0
        if len(y) < FEWEST or level == 0.0:
            return None
        size = np.maximum(np.abs(p), _LEAST * level) / level
        # a law that says nearly the same everywhere tells no shift from a factor
        varies = float(p.std()) > _VARIES * level
        design = np.column_stack([np.ones_like(p), p]) if varies else p[:, None]
        # how noise grows is seen once the bias is taken out, and the bias is weighted by how noise grows
        power, left, ones = 0.0, y - p, np.ones(len(y))
        codes = None if groups is None else np.unique(groups.held_out, return_inverse=True)[1].reshape(-1)
        for _ in range(_ROUNDS):
            power = _likeliest_power(np.abs(left), size)
            # a few gross errors tell nothing of how the others grow
            usual = ~is_gross(left / size**power)
            power = _likeliest_power(np.abs(left[usual]), size[usual])
            columns = np.column_stack([design, y]) / (size**power)[:, None]
            if codes is not None:
                columns = whitened(columns, ones, codes, _ratio(left / size**power, codes))
            weighted, goal = columns[:, :-1], columns[:, -1]
            inverse = np.linalg.inv(weighted.T @ weighted + _RIDGE * np.eye(design.shape[1]))
            found = inverse @ (weighted.T @ goal)
            left = y - design @ found
        noise = float(np.square(goal - weighted @ found).sum() / (len(y) - len(found)))
        covariance = noise * inverse
        unbiased = np.array([0.0, 1.0])[-len(found) :]
        bias = found - unbiased
        found = unbiased + _believed(weighted @ bias, noise, len(found), rows_train) * bias
        shift, factor = (found[0], found[1]) if varies else (0.0, found[0])
        known = (covariance[0, 0], covariance[0, 1], covariance[1, 1]) if varies else (0, 0, covariance[0, 0])
        a, b, c = (float(each) for each in known)
        single = float(np.square(left / size**power).sum() / (len(y) - len(found)))
        spread = math.sqrt(single) / level**power
        model = cls(float(shift), float(factor), (a, b, c), spread, power, level, len(y))
        return replace(model, noise_shape=model._shape(y, p, groups) if spread > 0.0 else None)

    def _shape(self, y: Floats, p: Floats, groups: RowGroups | None) -> Noise:
        """Return how errors are distributed, of rows held out and rows learned from."""

        def standard(actual: Floats, predicted: Floats) -> Floats:
            return np.asarray(
                (actual - self.shift - self.factor * predicted) / np.maximum(self.noise(predicted), TINY)
            )

        if groups is None:
            return Noise.of(standard(y, p))
        learned = None if groups.learned is None else (standard(*groups.learned[:2]), groups.learned[2])
        return Noise.of(standard(y, p), groups.held_out, by=groups.by, learned=learned)

    @property
    def shape(self) -> Noise:
        """How the noise is distributed; normal and independent where that is not known."""
        return self.noise_shape or Noise()

    @property
    def _common(self) -> float:
        """Standard deviation of what rows of a group share, in units of that of all noise."""
        return 0.0 if self.noise_shape is None else min(self.noise_shape.common, 1.0)

    def noise(self, predicted: Floats) -> Floats:
        """Return the standard deviation of an actual value, given predictions."""
        size = np.maximum(np.abs(predicted), _LEAST * self.level)
        return np.asarray(self.spread * size**self.power)

    def total(self, predicted: Floats, rise: Floats) -> tuple[float, float]:
        """Return mean and variance of ``Σ rise · (actual − predicted)``.

        With ``r`` the rise and ``v`` the prediction at each place, the mean is ``shift · Σr + (factor − 1) · Σrv``: a
        bias adds up as the number of places. So does what is not known of it, whose variance is that of the shift times
        ``(Σr)²``, of the factor times ``(Σrv)²``, and twice the covariance times ``Σr · Σrv``. Noise is independent
        from place to place: its variance ``Σ r² · noise²`` grows as the number of places, its standard deviation as the
        square root; but for what all places have in common as rows of a group, which grows as the number again.
        """
        plain, priced = float(rise.sum()), float((rise * predicted).sum())
        a, b, c = self.covariance
        known = plain**2 * a + 2.0 * plain * priced * b + priced**2 * c
        noise = rise * self.noise(predicted)
        single, common = float(np.square(noise).sum()), self._common**2
        if common:
            single = (1.0 - common) * single + common * float(noise.sum()) ** 2
        return self.shift * plain + (self.factor - 1.0) * priced, max(known, 0.0) + single

    def draw_bias(self, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return shifts and factors drawn at random, (count,) each."""
        a, b, c = self.covariance
        # the square root of a 2 × 2 covariance by Cholesky
        first = math.sqrt(a)
        second = b / first if first > 0 else 0.0
        third = math.sqrt(max(c - second**2, 0.0))
        z = rng.standard_normal((2, count, 1))[..., 0]
        return self.shift + first * z[0], self.factor + second * z[0] + third * z[1]

    def draw(self, predicted: Floats, count: int, rng: np.random.Generator) -> Floats:
        """Return ``actual − predicted`` drawn at random, ``(count, n)``: one shift and factor for each draw.

        The places of a draw are those of one group; noise is normal.
        """
        shift, factor = (each[:, None] for each in self.draw_bias(count, rng))
        noise = self.noise(predicted) * rng.standard_normal((count, len(predicted)))
        if self._common:
            common = self._common * self.noise(predicted) * rng.standard_normal((count, 1))
            noise = math.sqrt(1.0 - self._common**2) * noise + common
        return np.asarray(shift + (factor - 1.0) * predicted + noise)


@dataclass(frozen=True, eq=False)
class RowGroups:
    """Which rows belong to one group, such as a day.

    Parameters
    ----------
    by
        What the groups are called.
    held_out
        The group of every held-out row, as a number; (n,).
    learned
        Actual values, predictions and groups of the rows learned from; None where they are not known.
    """

    by: str
    held_out: NDArray[np.int64]
    learned: tuple[Floats, Floats, NDArray[np.int64]] | None = None


def _ratio(errors: Floats, codes: NDArray[np.int64]) -> float:
    """Return the variance of what rows of a group share over that of what each has alone, errors being of one size."""
    share = min(shared_part(clipped(errors), np.ones(len(errors)), codes), MOST_SHARED)
    return share / (1.0 - share)


def _believed(bias: Floats, noise: float, numbers: int, rows_train: int) -> float:
    """Return the part of a bias that is believed, given the bias of each held-out row in units of its noise."""
    among_all = len(bias) / (len(bias) + rows_train)
    far = float(np.square(bias).sum())
    return max(among_all, 1.0 - _CHANCE * numbers * noise / far) if far else among_all


def _likeliest_power(error: Floats, size: Floats) -> float:
    """Return the power of the prediction in proportion to which errors grow, by the likelihood of Laplace's law.

    Gross errors weigh less in it than in that of a normal distribution.
    """
    if not error.any():
        return 0.0
    logs = np.log(size)
    scores = [-len(error) * math.log((error / size**power).mean()) - power * logs.sum() for power in _POWERS]
    # of a law that says the same everywhere all are alike, but for rounding
    return next(power for power, score in zip(_POWERS, scores, strict=True) if score >= max(scores) - _ALIKE)
