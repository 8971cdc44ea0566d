"""How often a plan is on time where learned times err as they did: what its report says without being asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.problems.uncertainty import Uncertainty
from kanopt.text import count_text, join_list, sure_text
from kanopt.whatif.risks.risk import Risk, risk
from kanopt.whatif.risks.schedule_risk import ScheduleRisk

if TYPE_CHECKING:
    from kanopt.problems.result import Result

_MOST_DAYS, _FEWEST_DAYS = 1000, 100
_THINGS = 400_000
"""Stops or tasks of all days together: a tenth of a second for sixty stops, under one for the largest plans."""
_SEED = 0


@dataclass(frozen=True, eq=False)
class Punctuality:
    """How often things are done in time, as far as the errors of learned times go.

    Parameters
    ----------
    risk
        The plan on many days.
    everyone
        What all of them are, in words: ``"everyone is served in time"``.
    thing
        What one of them is.
    err
        What errs, in words for those who do not plan.
    """

    risk: Risk | ScheduleRisk
    everyone: str
    thing: str
    err: str

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row for each thing with a limit, the least certain of those first that the plan has in time.

        Columns: ``name``, ``limit``, ``planned``, ``q05``, ``q50``, ``q95``, ``share`` (of days in time), ``late`` (in
        the plan itself).
        """
        found = self.risk.ranges().frame.assign(late=self._planned_late)
        return found.sort_values(["late", "share"], kind="stable").reset_index(drop=True)

    @cached_property
    def _planned_late(self) -> NDArray[np.bool_]:
        return np.asarray(self.risk.late_in_plan[self.risk.has_limit])

    @cached_property
    def share(self) -> float:
        """Share of days on which everything is done in time that the plan has in time."""
        in_time = self.risk.in_time[:, self.risk.has_limit][:, ~self._planned_late]
        return float(in_time.all(axis=1).mean())

    @property
    def worst(self) -> tuple[str, float]:
        """The thing most often late of those that the plan has in time, and its share of days on which it is late."""
        first = self.frame.iloc[0]
        return str(first["name"]), 1.0 - float(first["share"])

    def words(self) -> tuple[str, Mapping[str, str]]:
        """Return a sentence with places ``{}`` for figures and names, and what these are, in their order."""
        (name, often), late = self.worst, int(self._planned_late.sum())
        parts = {"on_time": sure_text(self.share)}
        text, worst = f"{self.everyone} on {{}} of days", f"the {self.thing} most often late is {{}}"
        if late:
            parts["late"] = count_text(late, self.thing)
            text = "on {} of days nothing else is late than the {} that the plan itself has late"
            worst = "of the others {} is late most often"
        text = f"If {self.err} err as they did in the past, {text}"
        if not often:
            return f"{text}.", parts
        parts |= {"name": name, "often": sure_text(often)}
        return f"{text}; {worst} ({{}} of days).", parts

    def text(self) -> str:
        """Return the sentence."""
        text, parts = self.words()
        return text.format(*parts.values())


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
    found = risk(result, draws=min(_MOST_DAYS, max(_FEWEST_DAYS, _THINGS // things)), seed=_SEED)
    assert isinstance(found, Risk | ScheduleRisk)
    if not (found.has_limit & ~found.late_in_plan).any():
        return None
    if isinstance(found, ScheduleRisk):
        return Punctuality(found, "every job is done in time", "job", join_list(errs))
    complete = result.coverage is None or result.coverage.complete
    everyone = "everyone is served in time" if complete else "every stop of the plan is in time"
    return Punctuality(found, everyone, "stop", join_list(errs))


def _what_errs(result: Result) -> tuple[list[str], int]:
    """Return the learned times of a plan that know their errors, in words, and how many stops or tasks it has."""
    from kanopt.problems.routing.assessment import RoutingAssessment
    from kanopt.problems.routing.days import routing_time_laws
    from kanopt.problems.scheduling.assessment import SchedulingAssessment
    from kanopt.problems.scheduling.law_uses import duration_law

    known = result.assessment
    if isinstance(known, RoutingAssessment):
        names = ("travel times", "service times")
        laws = zip(names, routing_time_laws(known.problem, Uncertainty()), strict=True)
        stops = sum(len(route.clients) for route in known.plan.routes)
        return [name for name, law in laws if law.model is not None], stops
    if isinstance(known, SchedulingAssessment):
        errs = duration_law(known.problem, Uncertainty()).model is not None
        return ["times of tasks"] if errs else [], len(known.simulation.task)
    return [], 0
