"""What is uncertain of a plan: times of legs, stops and tasks, demands and prices, and what errors share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kanopt.array_types import Floats, Indices
from kanopt.errors import knows_arguments
from kanopt.faults import Amount
from kanopt.formulas.error_model import ErrorModel, Noise
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.law_use import unit_factor
from kanopt.records.declaration import check_fields
from kanopt.text import count_text, percent_text

# By how much legs, stops and tasks take longer or shorter than a law says.

_SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class LawErrors:
    """Errors of a law of time on the legs of routes, or the tasks of schedules.

    With ``v`` the value of the law, a time is ``(shift + factor · v + noise(v) · own) · exp(σ · common − σ²/2)``, cut
    off at 0, with ``σ`` such that the factor has the standard deviation of what legs have in common. As a factor, a bad
    day makes no time negative and long legs later than short ones.

    Parameters
    ----------
    model
        The law's errors, in its own unit.
    unit
        How many units of time of the problem one unit of the law is.
    shift, factor
        The bias of each route; (routes,).
    shared
        Standard deviation of what the legs of a route have in common, in units of the noise of the model; (routes,).
    common
        What the legs of a route have in common, a standard normal number; (routes,).
    own
        What each leg has alone, in units of the noise of the model; (routes, legs).
    """

    model: ErrorModel
    unit: float
    shift: Floats
    factor: Floats
    shared: Floats
    common: Floats
    own: Floats

    def __getitem__(self, routes: Indices) -> LawErrors:
        """Return those of some routes, each as often as it is named."""
        drawn = (self.shift, self.factor, self.shared, self.common, self.own)
        return LawErrors(self.model, self.unit, *(each[routes] for each in drawn))

    def apply(self, leg: int, times: Floats) -> Floats:
        """Return how long one leg of each route takes, given what the law says; (routes,)."""
        reached = np.isfinite(times)
        value = np.where(reached, times, 0.0) / self.unit
        mean = self.shift + self.factor * value
        noise = self.model.noise(value)
        deviation = self.shared * noise / np.maximum(mean, _SMALLEST)
        sigma = np.sqrt(np.log1p(np.where(mean > 0.0, deviation, 0.0) ** 2))
        found = (mean + noise * self.own[:, leg]) * np.exp(sigma * self.common - sigma**2 / 2.0)
        return np.where(reached, self.unit * np.maximum(found, 0.0), times)


# What times of one day have in common beyond a law: the day, and what goes with a place, an hour, a
# vehicle, a load.
#
# A time is ``law · (1 + day + Σ level) + noise``. Of most levels (a region, two hours, a vehicle) the law
# is right, and of a few it is not: each has an effect with a probability, or none (George and McCulloch
# 1993, "Variable selection via Gibbs sampling", *J. Am. Stat. Assoc.* 88). All are estimated together, so
# that a vehicle driven in bad hours is not blamed for them. Noise is of Student's t distribution (Geweke
# 1993, *J. Appl. Econometrics* 8), which single wild times do not bend.

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
    """

    day: Floats
    groups: Mapping[str, Floats]

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
    rng, count, spread = np.random.default_rng([seed, 36]), len(ratio), np.maximum(spread, _TINY)
    levels = {name: np.zeros(int(codes.max(initial=-1)) + 1) for name, codes in groups.items()}
    day_prior = 1.0 / (_OPEN_DAY if day_spread is None else max(day_spread, _TINY)) ** 2
    noise, weight, left = 1.0, np.ones(count), ratio.copy()
    days: list[float] = []
    drawn: dict[str, list[Floats]] = {name: [] for name in levels}
    # a chain: the day given the levels, each level given the others, variances given all
    for step in range(_WARM_UP + _DRAWS):
        precision = weight / (noise * spread**2)
        inner = float(precision.sum()) + day_prior
        day = float(precision @ left) / inner + rng.standard_normal() / np.sqrt(inner)
        left = left - day
        for name, effects in levels.items():
            left = _draw_levels(rng, groups[name], effects, precision, left)
        scaled = left / spread
        weight = rng.gamma((_FREEDOM + 1.0) / 2.0, 2.0 / (_FREEDOM + scaled**2 / noise))
        noise = (_TRUST + float(weight @ scaled**2)) / rng.chisquare(_TRUST + count)
        left = left + day
        if step >= _WARM_UP:
            days.append(day)
            for name, effects in levels.items():
                drawn[name].append(effects.copy())
    every = np.array(days) + bias_error * rng.standard_normal(len(days))
    return TimeEffects(every, {name: np.array(each) for name, each in drawn.items()})


def _draw_levels(
    rng: np.random.Generator, codes: Codes, effects: Floats, precision: Floats, left: Floats
) -> Floats:
    """Draw the effects of the levels of a group, none of most, and return what is left without them.

    Levels of one group share no time, so that all are drawn at once.
    """
    left = left + effects[codes]
    size = len(effects)
    inner = np.bincount(codes, precision, size) + 1.0 / _BY**2
    mean = np.bincount(codes, precision * left, size) / inner
    odds = np.log(_WRONG / (1.0 - _WRONG)) - np.log(_BY**2 * inner) / 2.0 + inner * mean**2 / 2.0
    has_effect = np.log(rng.random(size)) < -np.logaddexp(0.0, -odds)
    drawn = mean + rng.standard_normal(size) / np.sqrt(inner)
    effects[:] = np.where(has_effect, drawn, 0.0)
    return np.asarray(left - effects[codes])


Share = Annotated[float, Field(ge=0, le=1)]


@knows_arguments
@dataclass(frozen=True)
class Uncertainty:
    """What is taken to be uncertain when a plan is driven on many days.

    Parameters
    ----------
    travel, service, task
        Standard deviation of the time of a single leg, stop at a client, or task of a schedule, as a share of it. None
        for what the law knows of its own errors on held-out rows.
    shared
        Part of the variance of these errors, from 0 to 1, that all legs or tasks of a day (or of a route) have in
        common. None for what the law found in the rows it was learned from, where it was fitted with groups, and else
        for none.
    demand
        Standard deviation of a single demand, of a client or of a market, as a share of it. None for the ``demand_sd``
        that is stated, or what a law of demand knows of its own errors on held-out rows.
    shared_demand
        Part of the variance of demands that all clients, or all amounts that markets want, have in common. None for
        what a law of demand found in groups, and else for none.
    gross_errors
        Whether gross errors of the held-out rows, beyond five robust standard deviations, happen to a plan too. False
        where they are faults of the record.

    Examples
    --------
    >>> Uncertainty(travel=0.1, shared=0.5).shared
    0.5
    """

    travel: Amount | None = None
    service: Amount | None = None
    task: Amount | None = None
    demand: Amount | None = None
    shared: Share | None = None
    shared_demand: Share | None = None
    gross_errors: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "uncertainty")


@dataclass(frozen=True)
class UncertainLaw:
    """The errors of one law of time or of demand, or why they are not known.

    Parameters
    ----------
    model
        Its errors; None where what it says is taken as it is.
    unit
        How many units of the problem one unit of the law is.
    told
        What is assumed, as a sentence.
    """

    model: ErrorModel | None
    unit: float
    told: str

    def draw(self, shape: tuple[int, int, int], rng: np.random.Generator) -> LawErrors | None:
        """Draw the errors of days, routes and legs; one after the other they are the routes of the first day first."""
        if self.model is None:
            return None
        days, routes, legs = shape
        shift, factor = (np.repeat(each, routes) for each in self.model.draw_bias(days, rng))
        common = np.repeat(rng.standard_normal(days), routes)
        shared = np.repeat(self.model.shape.draw_common(days, rng), routes)
        own = self.model.shape.own((days * routes, legs), rng)
        return LawErrors(self.model, self.unit, shift, factor, shared, common, own)


def uncertain_law(
    name: str,
    places: str,
    law: BoundFormula | None,
    stated: float | None,
    uncertainty: Uncertainty,
    unit: str,
    field: Literal["shared", "shared_demand"] = "shared",
) -> UncertainLaw:
    """Return what is known of the errors of a law.

    Parameters
    ----------
    name, places
        What errs, such as ``"travel times"``, and where: ``"legs"``.
    law
        The law; None where numbers are given.
    stated
        Standard deviation of a single value, as a share of it; None for what the law knows.
    uncertainty
        What is taken to be uncertain.
    unit
        The problem's unit of these values.
    field
        The field of :class:`Uncertainty` that says what the errors of a day or of a draw share.
    """
    shared: float | None = getattr(uncertainty, field)
    within = f"within a {'day' if field == 'shared' else 'draw'}"
    fit = None if law is None else law.formula.fit
    if stated is not None:
        noise = Noise(shared or 0.0)
        model = ErrorModel(0.0, 1.0, (0.0, 0.0, 0.0), stated, 1.0, 1.0, 0, noise)
        told, factor = f"{name} are taken to err by {percent_text(stated)} on single {places}", 1.0
    elif law is None or fit is None:
        return UncertainLaw(None, 1.0, f"{name} are taken as they are: no errors of them are known")
    else:
        model, factor = fit.error_model, unit_factor(law.formula.output.unit, unit)
        noise = model.shape if uncertainty.gross_errors else model.shape.without_gross()
        if shared is not None:
            noise = replace(noise.with_share(shared), groups=0)
        model = replace(model, noise_shape=noise)
        told = (
            f"{name} err as law {law.formula.output.name!r} did on {count_text(model.rows, 'held-out row')}"
        )
    if shared is not None or noise.by:
        known = (
            f"as {count_text(noise.groups, 'group')} by {noise.by!r} tell" if shared is None else "as assumed"
        )
        told += f", {percent_text(noise.share)} of the variance shared {within}, {known}"
    else:
        told += (
            f", each by itself: whether errors are shared {within} is not known (fit with groups=, or state "
            f"Uncertainty({field}=…))"
        )
    if fit is not None and stated is None and noise.gross_share:
        told += f"; gross errors, {percent_text(noise.gross_share)} of the rows, happen"
    return UncertainLaw(None if stated == 0.0 else model, factor, told)


def demand_deviations(mean: Floats, stated: Floats, uncertainty: Uncertainty) -> Floats:
    """Return the standard deviations of demands: a share of them where one is assumed, else what is stated."""
    return stated if uncertainty.demand is None else np.asarray(uncertainty.demand * mean)


def draw_log_normal(
    mean: Floats, deviation: Floats, count: int, shared: float, rng: np.random.Generator
) -> Floats:
    """Draw amounts of a log-normal distribution with their mean and deviation, ``(count, n)``.

    Parameters
    ----------
    mean, deviation
        Of each amount; (n,). Where either is 0 the amount is certain.
    count
        How many draws.
    shared
        Part of the variance of logarithms that the amounts of a draw have in common.
    rng
        What is drawn from.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = draw_log_normal(np.array([10.0, 20.0]), np.array([3.0, 0.0]), 100_000, 0.0, rng)
    >>> found.mean(axis=0).round(1).tolist(), found.std(axis=0).round(1).tolist()
    ([10.0, 20.0], [3.0, 0.0])
    """
    ratio = np.divide(deviation, mean, out=np.zeros_like(mean), where=mean > 0)
    sigma = np.sqrt(np.log1p(ratio**2))
    score = np.sqrt(shared) * rng.standard_normal((count, 1))
    score = score + np.sqrt(1.0 - shared) * rng.standard_normal((count, len(mean)))
    return np.asarray(mean * np.exp(sigma * score - sigma**2 / 2.0))
