"""How often a plan is on time where learned times err as they did: what its report says without being asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.plans.days_in_time import COMMON_SEED, common_draws, is_dearer
from kanopt.plans.uncertainty import Uncertainty
from kanopt.questions.risks.risk import Risk, risk
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.days import (
    in_time,
    late_in_plan,
    routing_time_laws,
    shift_ends,
)
from kanopt.scheduling.assessment import SchedulingAssessment
from kanopt.scheduling.days import duration_law
from kanopt.text import count_text, join_list, money_text, sure_text

if TYPE_CHECKING:
    from kanopt.plans.result import Result


@dataclass(frozen=True, eq=False)
class Punctuality:
    """How often things are done in time, as far as the errors of learned times go.

    Parameters
    ----------
    risk
        The plan on many days.
    everyone
        What all of them are, in words: ``"everyone is served in time"``.
    err
        What errs, in words for those who do not plan.
    chosen
        What was done for it, and what that costs, in sentences; empty where nothing was.
    """

    risk: Risk
    everyone: str
    err: str
    chosen: str = ""

    @property
    def thing(self) -> str:
        """What one of them is."""
        return self.risk.words.thing

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row for each thing with a limit, the least certain of those first that the plan has in time.

        Columns: ``name``, ``limit``, ``planned``, ``q05``, ``q50``, ``q95``, ``share`` (of days in time), ``late`` (in
        the plan itself), and ``thing``, what it is.
        """
        late = self.risk.late_in_plan[self.risk.has_limit]
        found = self.risk.ranges().assign(late=late, thing=self.thing)
        if self.risk.routes is not None:
            found = pd.concat([found, _returns(self.risk)], ignore_index=True)
        return found.sort_values(["late", "share"], kind="stable").reset_index(drop=True)

    @cached_property
    def share(self) -> float:
        """Share of days on which everything is done in time that the plan has in time."""
        known = self.risk.assessment
        if isinstance(known, RoutingAssessment):  # vehicles are to be back, too
            return float(in_time(known, self.risk.days).mean())
        return float((self.risk.in_time | self.risk.late_in_plan).all(axis=1).mean())

    @property
    def worst(self) -> tuple[str, float]:
        """The thing most often late of those that the plan has in time, and its share of days on which it is late."""
        first = self.frame.iloc[0]
        return str(first["name"]), 1.0 - float(first["share"])

    def text(self) -> str:
        """Say on what share of days all is in time, what is most often late, and what was done for it."""
        (name, often), late, share = self.worst, int(self.frame["late"].sum()), sure_text(self.share)
        text, worst = (
            f"{self.everyone} on {share} of days",
            f"the {self.frame['thing'].iloc[0]} most often late is {name}",
        )
        if late:
            count = count_text(late, self.thing)
            text = f"on {share} of days nothing else is late than the {count} that the plan itself has late"
            worst = f"of the others {name} is late most often"
        told = f"If {self.err} err as they did in the past, {text}"
        told += f"; {worst} ({sure_text(often)} of days)." if often else "."
        return f"{told} {self.chosen}" if self.chosen else told


def _returns(known: Risk) -> pd.DataFrame:
    """Return when vehicles whose shift ends are back, a row each."""
    ends, late = shift_ends(known.assessment), late_in_plan(known.assessment)[1]
    assert known.routes is not None
    rows = known.routes.rename(columns={"vehicle": "name", "back": "share"}).assign(
        limit=ends, planned=known.assessment.simulation.finish, late=late, thing="vehicle"
    )
    columns = ["name", "limit", "planned", "q05", "q50", "q95", "share", "late", "thing"]
    return rows.loc[np.isfinite(ends), columns]


def punctuality(result: Result) -> Punctuality | None:
    """Run a plan on many days, always the same ones, and say how often it is on time.

    Returns
    -------
    Punctuality or None
        None where no learned time knows its errors, or the plan has nothing in time that has to be.
    """
    errs, things = _what_errs(result)
    if not errs or not things:
        return None
    found = risk(result, draws=common_draws(things), seed=COMMON_SEED)
    complete = result.coverage is None or result.coverage.complete
    everyone = "everyone is served in time" if complete else "every stop of the plan is in time"
    if not isinstance(found.assessment, RoutingAssessment):
        everyone = "every job is done in time"
    elif np.isfinite(shift_ends(found.assessment)).any():
        everyone += " and every vehicle is back"
    chosen = _mean_day(found) if result.days_in_time is None else result.days_in_time.text()
    known = Punctuality(found, everyone, join_list(errs), chosen)
    return None if known.frame["late"].all() else known


def _mean_day(known: Risk) -> str:
    """Say what a day costs on average where that is more than the plan says, by more than so few days may err."""
    planned, mean = known.assessment.pricing.objective, float(known.cost.mean())
    if not is_dearer(mean, planned, known.cost_error):
        return ""
    unit = known.assessment.problem.unit
    return f"A day costs {money_text(mean, unit)} on average, not {money_text(planned)}."


def _what_errs(result: Result) -> tuple[list[str], int]:
    """Return the learned times of a plan that know their errors, in words, and how many stops or tasks it has."""
    match result.assessment:
        case RoutingAssessment() as known:
            names = ("travel times", "service times")
            laws = zip(names, routing_time_laws(known.problem, Uncertainty()), strict=True)
            stops = sum(len(route.clients) for route in known.plan.routes)
            return [name for name, law in laws if law.model is not None], stops
        case SchedulingAssessment() as known:
            errs = duration_law(known.problem, Uncertainty()).model is not None
            return ["times of tasks"] if errs else [], len(known.simulation.task)
    return [], 0
