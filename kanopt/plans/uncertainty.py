"""What is uncertain of a plan: times of legs, stops and tasks, demands and prices, and what errors share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from kanopt.array_types import Floats
from kanopt.formulas.error_model import ErrorModel
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.noise import Noise
from kanopt.plans.law_errors import LawErrors
from kanopt.plans.law_use import unit_factor
from kanopt.records.declaration import check_fields
from kanopt.text import count_text, percent_text
from kanopt.validation import Amount

Share = Annotated[float, Field(ge=0, le=1)]


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
    within
        Whether errors are shared by all routes of a ``"day"``, or by the legs of one ``"route"`` only.
    gross_errors
        Whether gross errors of the held-out rows, beyond five robust standard deviations, happen to a plan too. False
        where they are faults of the record.

    Examples
    --------
    >>> Uncertainty(travel=0.1, shared=0.5).within
    'day'
    """

    travel: Amount | None = None
    service: Amount | None = None
    task: Amount | None = None
    demand: Amount | None = None
    shared: Share | None = None
    shared_demand: Share | None = None
    within: Literal["day", "route"] = "day"
    gross_errors: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "uncertainty")


@dataclass(frozen=True)
class Erring:
    """What a law says that errs, in words.

    Parameters
    ----------
    name, places
        Such as ``"travel times"``, and where they are: ``"legs"``.
    field
        The field of :class:`Uncertainty` that says what they share.
    """

    name: str
    places: str
    field: Literal["shared", "shared_demand"] = "shared"

    def within(self, uncertainty: Uncertainty) -> str:
        """Return within what errors are shared."""
        return uncertainty.within if self.field == "shared" else "draw"

    def shared(self, uncertainty: Uncertainty) -> float | None:
        """Return the part of the variance that is stated to be shared."""
        return uncertainty.shared if self.field == "shared" else uncertainty.shared_demand


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

    def draw(self, shape: tuple[int, int, int], within: str, rng: np.random.Generator) -> LawErrors | None:
        """Draw the errors of days, routes and legs; one after the other they are the routes of the first day first."""
        if self.model is None:
            return None
        days, routes, legs = shape
        shift, factor = (np.repeat(each, routes) for each in self.model.draw_bias(days, rng))
        if within == "day":
            common: Floats = np.repeat(rng.standard_normal(days), routes)
        else:
            common = rng.standard_normal(days * routes)
        shared = np.repeat(self.model.shape.draw_common(days, rng), routes)
        own = self.model.shape.own((days * routes, legs), rng)
        return LawErrors(self.model, self.unit, shift, factor, shared, common, own)


def uncertain_law(
    what: Erring, law: BoundFormula | None, stated: float | None, uncertainty: Uncertainty, unit: str
) -> UncertainLaw:
    """Return what is known of the errors of a law.

    Parameters
    ----------
    what
        What errs, in words.
    law
        The law; None where numbers are given.
    stated
        Standard deviation of a single value, as a share of it; None for what the law knows.
    uncertainty
        What is taken to be uncertain.
    unit
        The problem's unit of these values.
    """
    name, places, shared = what.name, what.places, what.shared(uncertainty)
    if stated is not None:
        model = ErrorModel(0.0, 1.0, (0.0, 0.0, 0.0), stated, 1.0, 1.0, 0, Noise(shared or 0.0))
        told = f"{name} are taken to err by {percent_text(stated)} on single {places}"
        return UncertainLaw(
            model if stated else None, 1.0, f"{told}, {_shared_text(what, model.shape, uncertainty)}"
        )
    fit = None if law is None else law.formula.fit
    if law is None or fit is None:
        return UncertainLaw(None, 1.0, f"{name} are taken as they are: no errors of them are known")
    model = fit.error_model
    noise = model.shape if uncertainty.gross_errors else model.shape.without_gross()
    gross = model.shape.gross_share
    if shared is not None:
        noise = replace(noise.with_share(shared), groups=0)
    model = replace(model, noise_shape=noise)
    told = (
        f"{name} err as law {law.formula.output.name!r} did on {count_text(model.rows, 'held-out row')}, "
        f"{_shared_text(what, noise, uncertainty)}"
    )
    if gross:
        happen = (
            "happen" if uncertainty.gross_errors else "are taken for faults of the record and do not happen"
        )
        told += f"; gross errors, {percent_text(gross)} of the rows, {happen}"
    return UncertainLaw(model, unit_factor(law.formula.output.unit, unit), told)


def _shared_text(what: Erring, noise: Noise, uncertainty: Uncertainty) -> str:
    """Say which part of errors is shared, and how that is known."""
    share, within = percent_text(noise.share), what.within(uncertainty)
    if what.shared(uncertainty) is not None:
        return f"{share} of the variance shared within a {within}, as assumed"
    if noise.by:
        known = f"as {count_text(noise.groups, 'group')} by {noise.by!r} tell"
        return f"{share} of the variance shared within a {within}, {known}"
    return (
        f"each by itself: whether errors are shared within a {within} is not known (fit with groups=, or "
        f"state Uncertainty({what.field}=…))"
    )


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
