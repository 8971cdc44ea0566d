"""What is uncertain of a plan: times of legs, stops and tasks, demands and prices, and what errors share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kanopt.formulas.binding import BoundFormula
from kanopt.formulas.error_model import ErrorModel
from kanopt.formulas.noise import Noise
from kanopt.problems.law_errors import LawErrors
from kanopt.problems.law_use import unit_factor
from kanopt.problems.record_rules import check_fields
from kanopt.text import count_text, percent_text
from kanopt.validation import Amount

__all__ = ["UncertainLaw", "Uncertainty", "uncertain_law"]

Floats = NDArray[np.float64]

_FEWEST_GROUPS = 5

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
    shared_demand
        Part of the variance of demands that all clients have in common.
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
    shared: Share | None = None
    shared_demand: Share = 0.0
    within: Literal["day", "route"] = "day"
    gross_errors: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "uncertainty")


@dataclass(frozen=True)
class UncertainLaw:
    """The errors of one law of time, or why they are not known.

    Parameters
    ----------
    model
        Its errors; None where the times are taken as they are.
    unit
        How many units of time of the problem one unit of the law is.
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
        common = common * self._doubt(days, routes, rng)
        own = self.model.shape.own((days * routes, legs), rng)
        return LawErrors(self.model, self.unit, shift, factor, common, own)

    def _doubt(self, days: int, routes: int, rng: np.random.Generator) -> Floats:
        """Draw by how much what is shared may be larger or smaller than found, as few groups do not tell it well.

        With a variance from ``n`` groups, a normal number becomes one of Student's t with ``n − 1`` degrees of freedom.
        """
        assert self.model is not None
        groups = self.model.shape.groups
        if groups < _FEWEST_GROUPS:
            return np.ones(days * routes)
        return np.repeat(np.sqrt((groups - 1) / rng.chisquare(groups - 1, days)), routes)


def uncertain_law(
    what: tuple[str, str], law: BoundFormula | None, stated: float | None, uncertainty: Uncertainty, unit: str
) -> UncertainLaw:
    """Return what is known of the errors of a law of time.

    Parameters
    ----------
    what
        What takes time, and where: ``("travel times", "legs")``.
    law
        The law; None where times are given.
    stated
        Standard deviation of a single time, as a share of it; None for what the law knows.
    uncertainty
        What is taken to be uncertain.
    unit
        The problem's unit of these times.
    """
    name, places = what
    if stated is not None:
        model = ErrorModel(0.0, 1.0, (0.0, 0.0, 0.0), stated, 1.0, 1.0, 0, Noise(uncertainty.shared or 0.0))
        told = f"{name} are taken to err by {percent_text(stated)} on single {places}"
        return UncertainLaw(
            model if stated else None, 1.0, f"{told}, {_shared_text(model.shape, uncertainty)}"
        )
    fit = None if law is None else law.formula.fit
    if law is None or fit is None:
        return UncertainLaw(None, 1.0, f"{name} are taken as they are: no errors of them are known")
    model = fit.error_model
    noise = model.shape if uncertainty.gross_errors else model.shape.without_gross()
    gross = model.shape.gross_share
    if uncertainty.shared is not None:
        noise = replace(noise.with_share(uncertainty.shared), groups=0)
    model = replace(model, noise_shape=noise)
    told = (
        f"{name} err as law {law.formula.output.name!r} did on {count_text(model.rows, 'held-out row')}, "
        f"{_shared_text(noise, uncertainty)}"
    )
    if gross:
        happen = (
            "happen" if uncertainty.gross_errors else "are taken for faults of the record and do not happen"
        )
        told += f"; gross errors, {percent_text(gross)} of the rows, {happen}"
    return UncertainLaw(model, unit_factor(law.formula.output.unit, unit), told)


def _shared_text(noise: Noise, uncertainty: Uncertainty) -> str:
    """Say which part of errors is shared, and how that is known."""
    share = percent_text(noise.share)
    if uncertainty.shared is not None:
        return f"{share} of the variance shared within a {uncertainty.within}, as assumed"
    if noise.by:
        known = f"as {count_text(noise.groups, 'group')} by {noise.by!r} tell"
        return f"{share} of the variance shared within a {uncertainty.within}, {known}"
    return (
        f"each by itself: whether errors are shared within a {uncertainty.within} is not known (fit with groups=, or "
        "state Uncertainty(shared=…))"
    )
