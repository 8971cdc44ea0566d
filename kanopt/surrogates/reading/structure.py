"""Which columns of a law belong together: separability and symmetries, decided against the law's own noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from kanopt.surrogates.reading.departures import Departure, Sample, Surface, departures

__all__ = ["Structure", "structure_tests"]

Floats = NDArray[np.float64]

SURE = 2.0
"""A departure of more standard errors than this is real."""
POWER = 3.0
"""A structure can be seen only in effects that exceed the threshold so many times."""
_IN_WORDS = {
    "joint": "{0} and {1} enter as one function of both",
    "x + y": "{0} + {1} enters as one",
    "x - y": "{0} - {1} enters as one",
    "x * y": "{0} * {1} enters as one",
    "x / y": "{0} / {1} enters as one",
    "even": "even in {0}",
    "odd": "odd in {0} about its value at 0",
}


@dataclass(frozen=True, eq=False, repr=False)
class Structure:
    """What the tests found.

    In words, ``sum of f(km) + f(load_t, hour)`` says that the law is a sum of a function of km and one of the other
    two, which no test takes apart; ``no product of smaller parts`` that it is not the product of functions of fewer
    columns each. A symmetry comes with its strength: 1 is perfect, and 0.9 leaves a departure of a tenth of what the
    columns do.

    Attributes
    ----------
    features
        Names of the columns.
    tests
        One row per test and column or pair of columns:

        - test: see :mod:`kanopt.surrogates.reading.departures`;
        - first, second: the columns (second is empty for even and odd);
        - strength: 1 for a perfect structure, 0 where the departure is as large as the effect of the columns;
        - size: the departure, root mean square over the rows, in the units of the target;
        - noise: its standard error, 0 where no covariance was given;
        - threshold: the larger of `tolerance` standard deviations of the target and 2 standard errors;
        - verdict: ``"holds"`` up to the threshold, ``"fails"`` above it, and ``"undecided"`` where the columns
          matter too little, against the threshold, to tell.
    """

    features: tuple[str, ...]
    tests: pd.DataFrame

    @property
    def holding(self) -> pd.DataFrame:
        """The tests that hold, strongest first."""
        held = self.tests[self.tests["verdict"] == "holds"]
        return held.sort_values("strength", ascending=False, kind="stable", ignore_index=True)

    def modules(self, by: Literal["additive", "multiplicative"] = "additive") -> tuple[tuple[str, ...], ...]:
        """Group the columns so that the law is a sum (or a product) over the groups.

        Columns are in one group if a chain of pairs links them that do not hold the test: those that fail it, and
        those for which it is undecided.
        """
        place = {name: index for index, name in enumerate(self.features)}
        chosen = self.tests[(self.tests["test"] == by) & (self.tests["verdict"] != "holds")]
        linked = np.zeros((len(place), len(place)), dtype=np.int8)
        linked[chosen["first"].map(place), chosen["second"].map(place)] = 1
        count, label = connected_components(linked, directed=False)
        groups = [tuple(np.array(self.features, dtype=object)[label == group]) for group in range(count)]
        return tuple(sorted(groups, key=lambda group: place[group[0]]))

    def to_frame(self) -> pd.DataFrame:
        """Return the tests, one row each."""
        return self.tests.copy()

    def __str__(self) -> str:
        lines = [self._written("additive", "sum", " + "), self._written("multiplicative", "product", " × ")]
        others = self.holding[~self.holding["test"].isin(["additive", "multiplicative"])]
        for test, first, second, strength in others[["test", "first", "second", "strength"]].itertuples(
            index=False
        ):
            what = _IN_WORDS[test].format(first, second)
            lines.append(f"{what} (strength {strength:.2f})")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _written(self, by: Literal["additive", "multiplicative"], word: str, sign: str) -> str:
        groups = self.modules(by)
        if len(groups) < 2:
            return f"no {word} of smaller parts"
        parts = [f"f({', '.join(group)})" for group in groups]
        return f"{word} of {sign.join(parts)}"


def structure_tests(
    surface: Surface,
    sample: Sample,
    *,
    nearby: Sequence[Surface] = (),
    step: float = 1.0,
    residual: float = 0.0,
    tolerance: float = 0.02,
) -> Structure:
    """Test a law for separable columns and for symmetries.

    Parameters
    ----------
    surface
        The law.
    sample
        Rows inside its domain; the tests speak of the law there, and of nothing else.
    nearby
        The same law at parameters drawn from their distribution, with deviations from the fitted ones multiplied
        by `step`. The standard error of a departure is its root mean square change over them, over `step`: for a
        small step, the delta method along random directions.
    residual
        Standard deviation of the residuals. Departures are small against the spread of the target, which is that of
        the law and of the residuals together.
    tolerance
        Departures below this share of the target's standard deviation are of no account.

    Returns
    -------
    Structure

    Raises
    ------
    ValueError
        For fewer than two rows.

    Notes
    -----
    If the structure holds exactly, the mean square of an estimated departure is the square of its standard error;
    hence the threshold of two standard errors on the root mean square.

    Examples
    --------
    >>> from kanopt.kan.derivatives import Derivatives
    >>> class Square:
    ...     def __call__(self, numbers, codes):
    ...         return numbers.sum(axis=1) ** 2
    ...     def derivatives(self, numbers, codes):
    ...         slope = 2.0 * numbers.sum(axis=1)[:, None] * np.ones((1, 2))
    ...         return Derivatives(self(numbers, codes), slope, np.full((len(numbers), 2, 2), 2.0))
    >>> rows = np.random.default_rng(0).uniform(0.5, 2.0, (50, 2))
    >>> found = structure_tests(Square(), Sample.plain(("x", "y"), rows))
    >>> found.holding[["test", "first", "second"]].values.tolist()
    [['x + y', 'x', 'y']]
    >>> found.modules()
    (('x', 'y'),)
    """
    if len(sample.numbers) < 2:
        raise ValueError(f"structure is looked for over rows; got {len(sample.numbers)}")
    spread = float(np.hypot(surface(sample.numbers, sample.codes).std(), residual))
    base = departures(surface, sample)
    noise = [np.zeros(len(each.first)) for each in base]
    for other in nearby:
        for total, here, there in zip(noise, base, departures(other, sample), strict=True):
            total += _mean_square(here, there) / (step**2 * len(nearby))
    frames = [
        _frame(each, np.sqrt(variance), tolerance * spread)
        for each, variance in zip(base, noise, strict=True)
    ]
    columns = ["test", "first", "second", "strength", "size", "noise", "threshold", "verdict"]
    tests = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    return Structure((*sample.names, *sample.categories), tests)


def _mean_square(here: Departure, there: Departure) -> Floats:
    pairs = zip(here.rows, there.rows, strict=True)
    return np.asarray(sum(np.mean((a - b) ** 2, axis=1) for a, b in pairs))


def _frame(departure: Departure, noise: Floats, least: float) -> pd.DataFrame:
    size = np.sqrt(np.asarray(sum(np.mean(rows**2, axis=1) for rows in departure.rows)))
    threshold = np.maximum(least, SURE * noise)
    ratio = np.divide(size, departure.whole, out=np.zeros_like(size), where=departure.whole > 0)
    # That two columns do not interact by more than the tolerance is a finding even where they hardly matter; that
    # they enter as one is not.
    negligible = (threshold <= least) & (departure.test in ("additive", "multiplicative"))
    visible = negligible | (departure.least >= POWER * threshold)
    within = np.where(visible, "holds", "undecided")
    return pd.DataFrame(
        {
            "test": departure.test,
            "first": departure.first,
            "second": departure.second,
            "strength": np.clip(1.0 - ratio, 0.0, 1.0),
            "size": size,
            "noise": noise,
            "threshold": threshold,
            "verdict": np.where(size <= threshold, within, "fails"),
        }
    )
