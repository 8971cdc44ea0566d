"""What times of one day have in common beyond a law: the day, and what goes with a place, an hour, a vehicle, a load.

A time is ``law · (1 + day + Σ level) + noise``. Of most levels (a region, two hours, a vehicle) the law is right, and
of a few it is not: each has an effect with a probability, or none (George and McCulloch 1993, "Variable selection via
Gibbs sampling", *J. Am. Stat. Assoc.* 88). All are estimated together, so that a vehicle driven in bad hours is not
blamed for them. Noise is of Student's t distribution (Geweke 1993, *J. Appl. Econometrics* 8), which single wild times
do not bend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats

Codes = NDArray[np.intp]

_WARM_UP, _DRAWS = 200, 800
_WRONG = 0.05
"""Probability beforehand that a law is wrong for one level."""
_BY = 0.2
"""Standard deviation of what it is wrong by there, as a share of a time."""
_OPEN_DAY = 1.0
"""Standard deviation of a day of which nothing is known beforehand."""
_FREEDOM = 4.0
"""Degrees of freedom of the noise."""
_TRUST = 20.0
"""How many rows the noise that a law tells of itself counts as."""
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class TimeEffects:
    """Draws of the effects of one day.

    Parameters
    ----------
    day
        What all times have in common, as a share of the law's; (draws,).
    groups
        Effects of the levels of each group; (draws, levels) each.
    noise
        Noise of a single time, as a share of what was taken for it; (draws,).
    """

    day: Floats
    groups: Mapping[str, Floats]
    noise: Floats

    def of_groups(self, codes: Mapping[str, Codes]) -> Floats:
        """Return the sum of the effects of groups for times with these levels; (draws, times)."""
        size = next((len(each) for each in codes.values()), 0)
        total = np.zeros((len(self.day), size))
        for name, levels in codes.items():
            total += self.groups[name][:, levels]
        return total


def draw_time_effects(
    ratio: Floats,
    spread: Floats,
    groups: Mapping[str, Codes],
    *,
    day_spread: float | None,
    bias_error: float = 0.0,
    seed: int = 0,
) -> TimeEffects:
    """Draw the effects of a day from what its times say.

    Parameters
    ----------
    ratio
        By how much each time is longer than the law says, as a share of that; (n,).
    spread
        Standard deviation of a single ratio, as the law knows it; (n,).
    groups
        The level of each time in each group, numbered from 0; (n,) each.
    day_spread
        Standard deviation of what days differ by, where the law has learned it; None where it has not.
    bias_error
        Standard error of what the law is wrong by everywhere, which one day does not tell from that day.
    seed
        Of the draws.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> van = np.arange(200) % 4
    >>> ratio = 0.12 + np.array([0.0, 0.0, 0.2, 0.0])[van] + 0.05 * rng.standard_normal(200)
    >>> found = draw_time_effects(ratio, np.full(200, 0.05), {"vehicle": van}, day_spread=None)
    >>> slow = found.groups["vehicle"].mean(axis=0)
    >>> bool(np.argmax(slow) == 2), bool(0.15 < slow[2] - slow[0] < 0.25)
    (True, True)
    """
    sampler = _Sampler(
        ratio, np.maximum(spread, _TINY), groups, day_spread, np.random.default_rng([seed, 36])
    )
    found = sampler.run()
    day = found.day + bias_error * sampler.rng.standard_normal(len(found.day))
    return TimeEffects(day, found.groups, found.noise)


@dataclass(eq=False)
class _Sampler:
    """The chain: the day given the levels, each level given the others, variances given all."""

    ratio: Floats
    spread: Floats
    groups: Mapping[str, Codes]
    day_spread: float | None
    rng: np.random.Generator

    def run(self) -> TimeEffects:
        """Return draws of effects and of the noise."""
        rng, count = self.rng, len(self.ratio)
        levels = {name: np.zeros(int(codes.max(initial=-1)) + 1) for name, codes in self.groups.items()}
        day_prior = 1.0 / (_OPEN_DAY if self.day_spread is None else max(self.day_spread, _TINY)) ** 2
        noise, weight, left = 1.0, np.ones(count), self.ratio.copy()
        days, noises = [], []
        drawn: dict[str, list[Floats]] = {name: [] for name in levels}
        for step in range(_WARM_UP + _DRAWS):
            precision = weight / (noise * self.spread**2)
            inner = float(precision.sum()) + day_prior
            day = float(precision @ left) / inner + rng.standard_normal() / np.sqrt(inner)
            left = left - day
            for name, effects in levels.items():
                left = self._draw_levels(self.groups[name], effects, precision, left)
            scaled = left / self.spread
            weight = rng.gamma((_FREEDOM + 1.0) / 2.0, 2.0 / (_FREEDOM + scaled**2 / noise))
            noise = (_TRUST + float(weight @ scaled**2)) / rng.chisquare(_TRUST + count)
            left = left + day
            if step >= _WARM_UP:
                days.append(day)
                noises.append(np.sqrt(noise))
                for name, effects in levels.items():
                    drawn[name].append(effects.copy())
        return TimeEffects(
            np.array(days), {name: np.array(each) for name, each in drawn.items()}, np.array(noises)
        )

    def _draw_levels(self, codes: Codes, effects: Floats, precision: Floats, left: Floats) -> Floats:
        """Draw the effects of the levels of a group, none of most, and return what is left without them.

        Levels of one group share no time, so that all are drawn at once.
        """
        left = left + effects[codes]
        size = len(effects)
        inner = np.bincount(codes, precision, size) + 1.0 / _BY**2
        mean = np.bincount(codes, precision * left, size) / inner
        odds = np.log(_WRONG / (1.0 - _WRONG)) - np.log(_BY**2 * inner) / 2.0 + inner * mean**2 / 2.0
        has_effect = np.log(self.rng.random(size)) < -np.logaddexp(0.0, -odds)
        drawn = mean + self.rng.standard_normal(size) / np.sqrt(inner)
        effects[:] = np.where(has_effect, drawn, 0.0)
        return np.asarray(left - effects[codes])
