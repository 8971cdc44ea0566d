"""Tests for separability and symmetries of a law's columns, relative to the law's own uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from kanopt.display import Part, Shown
from kanopt.surrogates.diagnostics.deviations import Sample, Surface, structure_deviations
from kanopt.surrogates.diagnostics.modules import Module
from kanopt.surrogates.diagnostics.partial_laws import StructureTestSetting, group_columns
from kanopt.surrogates.diagnostics.tree_building import build_tree
from kanopt.surrogates.diagnostics.verdicts import COLUMNS, mean_square, verdicts
from kanopt.text import fixed_text

__all__ = ["SeparabilityTests", "structure_tests"]

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
class SeparabilityTests(Shown):
    """The results of the tests.

    In words, ``sum of f(km) + f(load_t, hour)`` says that the law is a sum of a function of km and one of the other
    two, which is not separable further; ``no product of smaller parts`` that it is not a product of functions of fewer
    columns each. A symmetry has a strength: 1 is perfect, and 0.9 means a departure of a tenth of the columns' effects.

    Attributes
    ----------
    features
        Names of the columns.
    tests
        One row per test and column or pair of columns:

        - test: see :mod:`kanopt.surrogates.diagnostics.deviations`;
        - first, second: the columns (second is empty for even and odd);
        - strength: 1 for a perfect structure, 0 if the departure is as large as the effect of the columns;
        - size: the departure, root mean square over the rows, in the units of the target;
        - noise: its standard error, 0 without a covariance;
        - threshold: the larger of `tolerance` standard deviations of the target and 2 standard errors;
        - verdict: ``"holds"`` up to the threshold, ``"fails"`` above it, and ``"undecided"`` if the effects of the
          columns are too small relative to the threshold.
    """

    features: tuple[str, ...]
    tests: pd.DataFrame
    _setting: StructureTestSetting = field(repr=False)

    @property
    def supported(self) -> pd.DataFrame:
        """The tests that hold, strongest first."""
        held = self.tests[self.tests["verdict"] == "holds"]
        return held.sort_values("strength", ascending=False, kind="stable", ignore_index=True)

    def modules(self, by: Literal["additive", "multiplicative"] = "additive") -> tuple[tuple[str, ...], ...]:
        """Group the columns so that the law is a sum (or a product) over the groups.

        Columns are in one group if they are connected by pairs for which the test fails or is undecided.
        """
        return group_columns(self.features, self.tests[self.tests["test"] == by])

    def tree(self) -> Module:
        """Return the modules of the law, nested as deep as the tests support.

        The law is first split into a sum over groups of columns. A group that is not a sum is split into a product, and
        each factor again into a sum. Columns that enter as one, as in x / y, are one module. A group without further
        structure is joint.

        Returns
        -------
        Module

        Notes
        -----
        Whether a part of a law is a sum, or columns enter it as one, can be tested with derivatives of the whole law.
        Whether it is a product cannot, unless it is the whole: the part is then tested by itself, with the other
        columns held at a central row of the sample, and with a free additive constant. Its departures are compared with
        the spread of the part and of the residuals together.

        Examples
        --------
        >>> from kanopt.kan.derivatives import Derivatives
        >>> class Law:  # x y + sin z
        ...     def __call__(self, numbers, codes):
        ...         return numbers[:, 0] * numbers[:, 1] + np.sin(numbers[:, 2])
        ...     def derivatives(self, numbers, codes):
        ...         x, y, z = numbers.T
        ...         hessian = np.zeros((len(numbers), 3, 3))
        ...         hessian[:, 0, 1] = hessian[:, 1, 0] = 1.0
        ...         hessian[:, 2, 2] = -np.sin(z)
        ...         return Derivatives(self(numbers, codes), np.column_stack([y, x, np.cos(z)]), hessian)
        >>> rows = np.random.default_rng(0).uniform(0.5, 2.0, (50, 3))
        >>> print(structure_tests(Law(), Sample.of_numbers(("x", "y", "z"), rows)).tree())
        sum (strength 1.00)
          x · y enters as one (strength 1.00)
          z
        """
        return build_tree(self.features, self.tests, self._setting)

    def to_frame(self) -> pd.DataFrame:
        """Return the tests, one row each."""
        return self.tests.copy()

    def plot(self, ax: Any = None) -> Any:
        """Draw what the tests found as a tree of modules, and return the matplotlib axes."""
        return self.tree().plot(ax)

    def _shown(self) -> Iterator[Part]:
        yield self._written("additive", "sum", " + ")
        yield self._written("multiplicative", "product", " × ")
        others = self.supported[~self.supported["test"].isin(["additive", "multiplicative"])]
        for test, first, second, strength in others[["test", "first", "second", "strength"]].itertuples(
            index=False
        ):
            what = _IN_WORDS[test].format(first, second)
            yield f"{what} (strength {fixed_text(strength, 2)})"

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
) -> SeparabilityTests:
    """Test a law for separable columns and for symmetries.

    Parameters
    ----------
    surface
        The law.
    sample
        Rows inside its domain, to which the tests apply.
    nearby
        The same law at parameters drawn from their distribution, with deviations from the fitted ones multiplied
        by `step`. The standard error of a departure is its root mean square change over them, divided by `step`: for a
        small step, the delta method along random directions.
    residual
        Standard deviation of the residuals. Departures are compared with the spread of the target, which is that of the
        law and of the residuals together.
    tolerance
        Departures below this fraction of the target's standard deviation are negligible.

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
    >>> found = structure_tests(Square(), Sample.of_numbers(("x", "y"), rows))
    >>> found.supported[["test", "first", "second"]].values.tolist()
    [['x + y', 'x', 'y']]
    >>> found.modules()
    (('x', 'y'),)
    """
    if len(sample.numbers) < 2:
        raise ValueError(f"structure is looked for over rows; got {len(sample.numbers)}")
    spread = float(np.hypot(surface(sample.numbers, sample.codes).std(), residual))
    base = structure_deviations(surface, sample)
    noise = [np.zeros(len(each.first)) for each in base]
    for other in nearby:
        for total, here, there in zip(noise, base, structure_deviations(other, sample), strict=True):
            total += mean_square(here, there) / (step**2 * len(nearby))
    frames = [
        verdicts(each, np.sqrt(variance), tolerance * spread)
        for each, variance in zip(base, noise, strict=True)
    ]
    tests = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(COLUMNS))
    setting = StructureTestSetting(surface, sample, tuple(nearby), step, residual, tolerance)
    return SeparabilityTests((*sample.names, *sample.categories), tests, setting)
