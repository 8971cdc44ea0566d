"""The bootstrap: constants estimated again on resampled rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kanopt.errors import FitError
from kanopt.formulas.estimation.residuals import Residuals
from kanopt.formulas.estimation.variable_projection import TIED, minimise
from kanopt.formulas.nodes import Array

__all__ = ["Bootstrap"]

_LOST = 0.05


@dataclass(frozen=True)
class Bootstrap:
    """Bootstrap resampling (Davison and Hinkley 1997, *Bootstrap Methods and their Application*, section 7.3).

    Parameters
    ----------
    repeats
        Number of resamples.
    resample
        ``"residuals"`` keeps the inputs and resamples residuals, corrected for leverage: for homoscedastic errors.
        ``"rows"`` resamples whole rows, which is valid for heteroscedastic errors, too, but needs many rows.
    seed
        The same seed gives the same intervals.

    Raises
    ------
    FitError
        If there are fewer than 50 repeats, or `resample` is unknown.

    Examples
    --------
    >>> Bootstrap(resample="rows").repeats
    999
    """

    repeats: int = 999
    resample: Literal["residuals", "rows"] = "residuals"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.repeats < 50:
            raise FitError(
                f"a bootstrap of {self.repeats} repeats tells nothing of the ends; take 999, at least 50"
            )
        if self.resample not in ("residuals", "rows"):
            raise FitError(f"a bootstrap draws 'residuals' or 'rows', not {self.resample!r}")

    def estimates(self, residuals: Residuals, theta: Array, what: str) -> Array:
        """Return the free parameters estimated on each resample, (repeats, p), with warm starts.

        Raises
        ------
        FitError
            If the estimation fails on more than one resample in twenty, and on more than one.
        """
        rng = np.random.default_rng(self.seed)
        by_rows = self.resample == "rows"
        draws = (
            self._resample_rows(residuals, rng)
            if by_rows
            else self._resample_residuals(residuals, theta, rng)
        )
        found = (minimise(draw, theta) for draw in draws)
        kept = [
            end.theta for end in found if end is not None and end.converged and _is_identified(end.jacobian)
        ]
        if len(kept) < (1.0 - _LOST) * self.repeats:
            raise FitError(
                f"{what}: on {self.repeats - len(kept)} of {self.repeats} draws no or several least squares were "
                "found; the rows hardly identify the constants, so hold one of them"
            )
        return np.array(kept)

    def _resample_rows(self, residuals: Residuals, rng: np.random.Generator) -> Iterator[Residuals]:
        weight = np.square(residuals.root_weight)
        share = np.full(weight.size, 1.0 / weight.size)
        for _ in range(self.repeats):
            yield residuals.with_weight(weight * rng.multinomial(weight.size, share))

    def _resample_residuals(
        self, residuals: Residuals, theta: Array, rng: np.random.Generator
    ) -> Iterator[Residuals]:
        at = residuals.at(theta)
        assert at is not None  # the law has been profiled or fitted there
        residual, jacobian = at
        basis = np.linalg.qr(jacobian / np.linalg.norm(jacobian, axis=0)).Q
        left = np.maximum(1.0 - np.square(basis).sum(axis=1), 1e-8)
        errors = residual / np.sqrt(left)
        errors = errors - errors.mean()
        fitted = residuals.target - residual / residuals.root_weight
        for _ in range(self.repeats):
            yield residuals.with_target(fitted + rng.choice(errors, errors.size) / residuals.root_weight)


def _is_identified(jacobian: Array) -> bool:
    size = np.linalg.norm(jacobian, axis=0)
    if not size.all():
        return False
    values = np.linalg.svd(jacobian / size, compute_uv=False)
    return bool(values[-1] > TIED * values[0])
