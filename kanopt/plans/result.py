"""The answer to a problem, the same for every kind and every solver."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kanopt import display
from kanopt.display import Alarm, Facts, Part, Shown
from kanopt.plans.base import Plan, Problem
from kanopt.plans.coverage import Coverage
from kanopt.plans.days_in_time import DaysInTime
from kanopt.plans.findings import Check, FrozenInput, Status
from kanopt.plans.slider_prices import Pricing
from kanopt.progress import Progress
from kanopt.text import count_text, fixed_text, money_text, percent_text, seconds_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.plans.base import Assessment, Rank
    from kanopt.plans.money_at_stake import MoneyAtStake

__all__ = ["Certificate", "EngineRun", "Progress", "Result"]


# The methods by which a plan leaves the program, the same for a result and for a run of a scenario.


class PlanExports:
    """Report, workbook and summary of a plan.

    Whatever comes from data is text in all of them: no cell is a formula, no letter a tag. Folders on the way are made;
    a file is replaced in one step. Without a plan only the report and the summary can be written; the others raise
    :class:`~kanopt.errors.ProblemError`.
    """

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the report: one HTML file that needs nothing else.

        The report of a result has a title of its own, and today's plan beside it, where it is written by
        :meth:`kanopt.Explanation.to_html`.

        Returns
        -------
        Path
            The file written.
        """
        return display.reports.write_report(self, path)

    def to_xlsx(self, path: str | os.PathLike[str]) -> Path:
        """Write a workbook: summary, plan, costs, and each law as formulas over the inputs of the plan.

        Vehicles, jobs, machines, sites and markets have a row each. Changing an input or a constant of a law changes
        what the plan costs; what is decided, and the times that follow from it, stay as they are, and so does what is
        paid for times.

        Returns
        -------
        Path
            The file written.
        """
        return display.reports.export(self, "xlsx", path)

    def to_markdown(self, path: str | os.PathLike[str]) -> Path:
        """Write a summary: what to do, what it costs and saves, what is left out, how sure that is, and the timetable.

        Returns
        -------
        Path
            The file written.
        """
        return display.reports.export(self, "md", path)


# The pictures of a plan, the same for a result and for a run of a scenario.


class PlanPlots:
    """Map, Gantt chart, timetable and costs of a plan.

    Each draws on the matplotlib axes that it is given, on those of a new figure if on none, and returns them. Without a
    plan, or where a plan has no such picture, it raises :class:`~kanopt.errors.ProblemError`, which says what is
    missing.
    """

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the first view of the plan (routes, Gantt chart, network or prices) and return the matplotlib axes."""
        return display.reports.plot_result(_result_of(self), ax)

    def plot_map(self, ax: Axes | None = None) -> Axes:
        """Draw the routes on a map, or the flows of a network, and return the matplotlib axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure if None.

        Raises
        ------
        ProblemError
            If places have no coordinates.
        """
        return display.reports.plot_result(_result_of(self), ax, view="map")

    def plot_gantt(self, ax: Axes | None = None) -> Axes:
        """Draw what each machine or vehicle does when, and return the matplotlib axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure if None.
        """
        return display.reports.plot_result(_result_of(self), ax, view="gantt")

    def plot_timetable(self, ax: Axes | None = None) -> Axes:
        """Draw when each vehicle drives, waits and serves, and return the matplotlib axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure if None.
        """
        return display.reports.plot_result(_result_of(self), ax, view="timetable")

    def plot_costs(self, ax: Axes | None = None) -> Axes:
        """Draw what the plan costs as bars that add up to its objective, and return the matplotlib axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure if None.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> import kanopt as ko
        >>> from kanopt.routing import Client, Depot, VehicleType
        >>> minutes = [[0.0, 10.0], [10.0, 0.0]]
        >>> places = [Depot("d", 0.0, 0.0)], [Client("a", 3.0, 4.0, demand=0.4)]
        >>> van = VehicleType("van", capacity=1.0, fixed_cost=5.0)
        >>> problem = ko.RoutingProblem(*places, [van], {"fuel": minutes}, minutes)
        >>> result = ko.evaluate(problem, [["a"]])
        >>> [float(bar.get_width()) for bar in result.plot_costs().patches]
        [20.0, 5.0]
        >>> result.plot_timetable().get_xlabel()
        'time of day'
        """
        return display.reports.plot_costs(_result_of(self), ax)


def _result_of(source: Any) -> Any:
    """Return the result of a run, or the result itself."""
    return getattr(source, "result", source)


_MOST_RULES = 20


@dataclass(frozen=True)
class EngineRun:
    """What one engine of a solver did, or why it was not used.

    Parameters
    ----------
    name
        Name and version.
    objective
        Of its best plan in the solver's rounded model, without penalties for what is left out; None without a plan.
    unserved
        How many clients its plan leaves out although they must be served.
    wall_seconds, cpu_seconds
        What it took.
    won
        Whether the result has its plan.
    message
        Why it ended, or why it was not used.

    Examples
    --------
    >>> print(EngineRun("PyVRP 0.14.1", 740.9, 0, 30.0, 29.8, True, "time limit"))
    PyVRP 0.14.1: 740.90, 29.8 CPU s, chosen; time limit
    >>> print(EngineRun("PyVRP 0.14.1", message="not used: driver breaks"))
    PyVRP 0.14.1: not used: driver breaks
    """

    name: str
    objective: float | None = None
    unserved: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    won: bool = False
    message: str = ""

    def __str__(self) -> str:
        if self.objective is None and not self.wall_seconds:
            return f"{self.name}: {self.message}"
        parts = ["no plan" if self.objective is None else money_text(self.objective)]
        parts += [f"{self.unserved} left out"] if self.unserved else []
        parts += [f"{fixed_text(self.cpu_seconds, 1)} CPU s", *(["chosen"] if self.won else [])]
        return f"{self.name}: {', '.join(parts)}" + (f"; {self.message}" if self.message else "")


@dataclass(frozen=True, repr=False)
class Certificate(Shown):
    """The solver's objective of a plan beside the law's, with the proven bound on their difference.

    Parameters
    ----------
    solver_objective
        The objective of the plan in the solver's rounded model.
    frozen_objective
        The law's price of the plan with load and clock at their planning values.
    law_objective
        The law's price of the plan with every input at its true value.
    rounding_bound
        The proven bound on ``|solver_objective - frozen_objective|``.
    frozen
        The inputs the solver saw at planning values.
    solver_view
        What the solver saw instead of the laws, in sentences; empty where only rounding is between them.

    Examples
    --------
    >>> c = Certificate(100.004, 100.0, 103.0, 0.01)
    >>> c.holds, round(c.rounding_error, 3), c.frozen_input_error
    (True, 0.004, 3.0)
    """

    solver_objective: float
    frozen_objective: float
    law_objective: float
    rounding_bound: float
    frozen: tuple[FrozenInput, ...] = ()
    solver_view: tuple[str, ...] = ()

    @property
    def rounding_error(self) -> float:
        """The measured effect of rounding to the solver's integers."""
        return abs(self.solver_objective - self.frozen_objective)

    @property
    def holds(self) -> bool:
        """Whether the measured rounding error is within the proven bound (up to float summation noise)."""
        slack = 1e-9 * max(1.0, abs(self.frozen_objective))
        return self.rounding_error <= self.rounding_bound + slack

    @property
    def frozen_input_error(self) -> float:
        """The effect of freezing load and clock: law objective minus frozen objective."""
        return self.law_objective - self.frozen_objective

    def _shown(self) -> list[Part]:
        error, bound = fixed_text(self.rounding_error, 6), fixed_text(self.rounding_bound, 6)
        pairs = [
            ("solver objective", fixed_text(self.solver_objective, 4)),
            ("law objective   ", fixed_text(self.law_objective, 4)),
            ("rounding error  ", f"{error} (bound {bound}: {'holds' if self.holds else 'BROKEN'})"),
        ]
        pairs += [("the solver saw  ", each) for each in self.solver_view]
        parts: list[Part] = [Facts(tuple(pairs))]
        if self.frozen:
            error = fixed_text(self.frozen_input_error, 4, signed=True)
            parts.append(f"frozen-input error {error}; score exact, no bound claimed")
            parts += [f"  {f.law}: {f.input} ({f.reference}) frozen at {f.value}" for f in self.frozen]
        return parts


@dataclass(frozen=True, repr=False)
class Result(PlanExports, PlanPlots, Shown):
    """The answer to a problem.

    Parameters
    ----------
    problem
        The question.
    assessment
        The plan, with all that the laws say of it; None where no plan was found.
    status
        How the search ended.
    bound
        A proven lower bound on the law objective; None where the search is heuristic or an input was frozen.
    certificate
        Solver beside law; None for a plan that no solver made.
    solver
        Name and version of what made the plan, or ``"given plan"``.
    history
        The incumbents, in order of time.
    interrupted
        True where the user stopped the search; the plan is the best one so far.
    message
        Message of the solver, such as the reason of an infeasibility.
    engines
        What each engine did, where the solver has more than one.
    days_in_time
        On what share of days everyone is in time, and what that costs; None where that is not known, or departures were
        not to be chosen for it.
    time_limit, deterministic
        Limit given to the solver in seconds, and whether it counted deterministic work; None for a plan that no solver
        made.
    """

    problem: Problem[Any]
    assessment: Assessment[Any, Any] | None
    status: Status
    bound: float | None
    certificate: Certificate | None
    solver: str
    seed: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    history: tuple[Progress, ...] = field(default=(), repr=False)
    interrupted: bool = False
    message: str = ""
    engines: tuple[EngineRun, ...] = field(default=(), repr=False)
    time_limit: float | None = None
    deterministic: bool = False
    days_in_time: DaysInTime | None = None

    @property
    def plan(self) -> Plan | None:
        """The decision; None where none was found."""
        return None if self.assessment is None else self.assessment.plan

    @property
    def pricing(self) -> Pricing | None:
        """The plan's price on the law; None without a plan."""
        return None if self.assessment is None else self.assessment.pricing

    @property
    def check(self) -> Check:
        """Every constraint, verified on the law; none is broken without a plan."""
        return Check() if self.assessment is None else self.assessment.check

    @property
    def coverage(self) -> Coverage | None:
        """What the plan serves of what is wanted, and what it leaves out; None without a plan."""
        return None if self.assessment is None else self.assessment.coverage

    @property
    def rank(self) -> Rank:
        """How good the plan is on the laws, the smaller the better; having none is worst."""
        from kanopt.plans.base import NO_PLAN

        return NO_PLAN if self.assessment is None else self.assessment.rank

    @property
    def objective(self) -> float | None:
        """The plan's price on the law."""
        return None if self.pricing is None else self.pricing.objective

    @property
    def money_at_stake(self) -> MoneyAtStake | None:
        """The band that the errors of learned laws put on the price; None without a plan or a learned law."""
        return None if self.assessment is None else self.assessment.money_at_stake

    @property
    def gap(self) -> float | None:
        """Relative distance between objective and bound, as a fraction of the objective.

        Zero where the distance is within twice the rounding bound: the bound is the solver's own less the rounding
        bound, and the objective may exceed the solver's by as much. Where the solver saw something else than the laws,
        the distance counts in full.
        """
        if self.objective is None or self.bound is None:
            return None
        distance = self.objective - self.bound
        certificate = self.certificate
        hidden = 0.0 if certificate is None or certificate.solver_view else 2.0 * certificate.rounding_bound
        return 0.0 if distance <= hidden else distance / max(abs(self.objective), 1e-12)

    @property
    def has_plan(self) -> bool:
        """Whether there is a plan."""
        return self.assessment is not None

    def to_frame(self) -> pd.DataFrame:
        """Return the plan as a table, stops of routes with their times; empty without a plan."""
        return pd.DataFrame() if self.assessment is None else self.assessment.table()

    def _shown(self) -> list[Part]:
        unit = self.problem.unit
        lines: list[Part] = [f"{self.status.value} ({self.solver}, {seconds_text(self.wall_seconds)})"]
        # what is served comes before what it costs
        if self.coverage is not None and self.coverage.text:
            lines.insert(0, self.coverage.text)
        lines[0] = f"{self.problem.kind}: {lines[0]}"
        if self.assessment is not None and self.assessment.choice:
            lines.append(self.assessment.choice)
        lines += [f"{found.table}: {found.sentence}" for found in self.problem.unread() if found.striking]
        lines += self.problem.unusual()
        if self.objective is not None:
            stake = f"; {self.money_at_stake.text(unit)}" if self.money_at_stake is not None else ""
            lines.append(f"objective {money_text(self.objective, unit)} on the law{stake}")
        if self.days_in_time is not None:
            lines.append(self.days_in_time.sentence)
            lines += filter(None, [self.days_in_time.text()])
        if self.assessment is not None and self.assessment.law_caveats:
            lines.append(Alarm("; ".join(self.assessment.law_caveats)))
        if self.bound is not None and self.gap is not None:
            lines.append(f"bound {money_text(self.bound, unit)}, gap {percent_text(self.gap)}")
        elif self.has_plan:
            lines.append("bound: none claimed")
        if self.certificate is not None:
            lines += self.certificate._shown()
        lines += [str(engine) for engine in self.engines]
        if self.interrupted:
            lines.append(Alarm("stopped by the user; this is the best plan so far"))
        if self.message:
            lines.append(self.message)
        if self.assessment is not None:
            broken = self.assessment.broken_rules
            lines += map(Alarm, broken[:_MOST_RULES])
            lines += (
                [f"and {count_text(len(broken) - _MOST_RULES, 'more rule')}"]
                if len(broken) > _MOST_RULES
                else []
            )
            lines += [str(self.check)] if self.check.ok else []
        return lines


# Price and check a plan that the user already has.


def evaluate(problem: Problem[Any], plan: Any) -> Result:
    """Price and check `plan` on the laws of `problem`, without a solver.

    Parameters
    ----------
    problem
        Any problem.
    plan
        A plan of its kind, or whatever ``problem.plan_from`` reads: a frame, or plain lists.

    Returns
    -------
    Result
        With ``solver="given plan"``, no bound and no certificate: nothing was rounded or frozen.

    Raises
    ------
    ProblemError
        If the plan names things the problem does not know.
    """
    assessment = problem.assess(problem.plan_from(plan))
    # priced here, so that what a law cannot price is refused here
    _ = assessment.pricing
    return Result(
        problem=problem,
        assessment=assessment,
        status=assessment.status,
        bound=None,
        certificate=None,
        solver="given plan",
    )
