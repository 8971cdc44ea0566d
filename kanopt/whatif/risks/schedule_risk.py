"""The risk of a schedule: how likely each job is late, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.display import Part
from kanopt.errors import ProblemError
from kanopt.text import amount_text, percent_text
from kanopt.whatif.risks.day_costs import DayCosts, quantile_of_days, share_error
from kanopt.whatif.risks.ranges import DayRanges

if TYPE_CHECKING:
    from kanopt.problems.scheduling.assessment import SchedulingAssessment
    from kanopt.problems.scheduling.law_uses import RunDays
    from kanopt.problems.uncertainty import Uncertainty

_SHOWN = 5


@dataclass(frozen=True, repr=False, eq=False)
class ScheduleRisk(DayCosts):
    """A schedule run on many days, on which tasks take longer or shorter than the laws say.

    Machines keep their order. A task starts when it was to start, or as soon as the task ahead of it in its job, and
    the one ahead of it on its machine with the setup between, have ended; breaks of machines are not looked at.

    Parameters
    ----------
    assessment
        The schedule as it is on the laws.
    days
        What came of it, day by day.
    seed
        Seed of the days.
    assumptions
        What is taken to be uncertain, in sentences.
    """

    assessment: SchedulingAssessment
    days: RunDays
    seed: int
    assumptions: tuple[str, ...] = field(default=())

    @cached_property
    def jobs(self) -> pd.DataFrame:
        """One row per job of which a task is placed.

        Columns: ``job``, ``due`` (infinite where nothing is promised), ``planned`` (when it is done on the laws),
        ``q05``, ``q50``, ``q95`` (quantiles of that), ``on_time`` (probability that it is done by then), ``error`` (of
        that, Monte Carlo). Times are in the problem's unit.
        """
        data, placed = self.assessment.problem.data, self._is_placed
        done = self.days.completion[:, placed]
        low, middle, high = (quantile_of_days(done, level) for level in (0.05, 0.5, 0.95))
        on_time = self.in_time.mean(axis=0)
        return pd.DataFrame(
            {
                "job": [job.name for job, is_placed in zip(data.jobs, placed, strict=True) if is_placed],
                "due": self._due,
                "planned": self._planned[placed],
                "q05": low,
                "q50": middle,
                "q95": high,
                "on_time": on_time,
                "error": share_error(on_time, self.draws),
            }
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"jobs": self.jobs}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(("on_time", "error"), "share")

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`jobs`."""
        return self.jobs.copy()

    def ranges(self) -> DayRanges:
        """Return when jobs are done that have a due date."""
        frame = self.jobs.rename(columns={"job": "name", "due": "limit", "on_time": "share"})
        frame = frame[self.has_limit].reset_index(drop=True)
        return DayRanges(frame, "completion after the due date", self.assessment.problem.units.time)

    @cached_property
    def in_time(self) -> NDArray[np.bool_]:
        """Whether each job of which a task is placed is done by its due date; (days, jobs)."""
        done = self.days.completion[:, self._is_placed]
        return np.asarray(done <= self._due + _tolerance())

    @property
    def has_limit(self) -> NDArray[np.bool_]:
        """Whether each of these jobs has a due date; (jobs,)."""
        return np.asarray(np.isfinite(self._due))

    @property
    def late_in_plan(self) -> NDArray[np.bool_]:
        """Whether each of these jobs is late in the plan itself, without errors; (jobs,)."""
        return np.asarray(self._planned[self._is_placed] > self._due + _tolerance())

    @cached_property
    def _planned(self) -> NDArray[np.float64]:
        return self.assessment.simulation.completion(len(self.assessment.problem.data.jobs))

    @property
    def _is_placed(self) -> NDArray[np.bool_]:
        return np.isfinite(self._planned)

    @property
    def _due(self) -> NDArray[np.float64]:
        return np.asarray(self.assessment.problem.data.timing.due)[self._is_placed]

    @property
    def on_time(self) -> float:
        """Probability that every job is done by its due date."""
        return float(self.in_time.all(axis=1).mean())

    def to_json(self) -> dict[str, Any]:
        """Return plain data: probabilities, costs, and what is assumed."""
        return {
            "draws": self.draws,
            "seed": self.seed,
            "on_time": self.on_time,
            "cost": self.cost_json(),
            "assumptions": list(self.assumptions),
        }

    def _shown(self) -> list[Part]:
        error, unit = float(share_error(self.on_time, self.draws)), self.assessment.problem.units.time
        frame = self.jobs[np.isfinite(self.jobs["due"]) & (self.jobs["on_time"] < 1.0)]
        worst = frame.sort_values("on_time", kind="stable").head(_SHOWN)
        lines: list[Part] = [
            f"Of {self.draws:,} days on which the schedule is run, every job is done by its due date on "
            f"{percent_text(self.on_time)} (± {percent_text(error)})."
        ]
        lines += ["Least certain jobs:"] if len(worst) else []
        lines += [
            f"  {row.job} (due at {amount_text(row.due, unit)}): {percent_text(row.on_time)}, planned for "
            f"{amount_text(row.planned, unit)}, 90 % of days {amount_text(row.q05, unit)} to "
            f"{amount_text(row.q95, unit)}"
            for row in worst.itertuples()
        ]
        return [*lines, self.cost_text(), "Assumed: " + "; ".join(self.assumptions) + "."]


def _tolerance() -> float:
    from kanopt.problems.scheduling.simulate import TOLERANCE

    return TOLERANCE


def risk_of_schedule(
    assessment: SchedulingAssessment, uncertainty: Uncertainty, draws: int, seed: int
) -> ScheduleRisk:
    """Run a schedule on many days; see :func:`kanopt.risk`."""
    from kanopt.problems.scheduling.law_uses import duration_law, run_days

    if uncertainty.within != "day":
        raise ProblemError(f"uncertainty: within = {uncertainty.within!r} is for routes; tasks share a 'day'")
    law = duration_law(assessment.problem, uncertainty)
    if law.model is None:
        raise ProblemError(
            "nothing of this schedule is uncertain: its durations are no law with a fit that tells its errors; learn "
            "the law from a log, or state errors as Uncertainty(task=0.1), --uncertain task=0.1"
        )
    told = (law.told, "breaks of machines are not looked at")
    return ScheduleRisk(assessment, run_days(assessment, law, draws, seed), seed, told)
