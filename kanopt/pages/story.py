"""What a report is about: a run of a scenario, or a plan that was explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from kanopt.explain import Explanation
    from kanopt.plans.result import PlanExports, Result
    from kanopt.questions.risks.punctuality import Punctuality
    from kanopt.scenarios import LearnedLaw, Run
    from kanopt.tables import TableReport


@dataclass(frozen=True)
class ReportSubject:
    """The subject of a report.

    Parameters
    ----------
    title
        Its headline.
    explanation
        The plan, and why it is as it is.
    laws
        By name.
    today
        The plan it is compared with, None for none.
    description
        The scenario's description.
    changes
        What a what-if changes, in words.
    tables
        How each table was read.
    provenance
        Seeds, versions and hashes.
    plans_per_year
        How often such a plan is carried out in a year; None where nobody said.
    assumed
        What the file says is assumed, such as that a table is made up.
    unanswered
        What only the user knows and did not say; then there is no advice.
    """

    title: str
    explanation: Explanation
    laws: Mapping[str, LearnedLaw]
    today: Result | None = None
    description: str = ""
    changes: tuple[str, ...] = ()
    tables: Mapping[str, TableReport] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    plans_per_year: float | None = None
    assumed: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed where the data do not say, a sentence each; what the file says first."""
        known = (*self.assumed, *self.explanation.result.problem.assumptions())
        return tuple(f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in known)

    @cached_property
    def groundless(self) -> str:
        """Why the plan proposes nothing, in a sentence; empty where it does."""
        from kanopt.explain.summary import groundless_sentence

        return groundless_sentence(self.explanation.result, self.assumed)

    @cached_property
    def punctuality(self) -> Punctuality | None:
        """How often the plan is on time, where learned times know their errors."""
        from kanopt.questions.risks.punctuality import punctuality

        return punctuality(self.explanation.result)

    @cached_property
    def frontier(self) -> list[tuple[float, float]]:
        """Shares of days on which everyone is in time with the plan's routes, and the price of each, cheapest first."""
        from kanopt.routing.assessment import RoutingAssessment
        from kanopt.routing.search.departure_choice import punctuality_frontier

        result = self.explanation.result
        if result.days_in_time is None or not isinstance(result.assessment, RoutingAssessment):
            return []
        return punctuality_frontier(result.assessment)

    @cached_property
    def punctuality_today(self) -> Punctuality | None:
        """The same of the plan that it is compared with."""
        from kanopt.questions.risks.punctuality import punctuality

        return None if self.today is None else punctuality(self.today)


def subject_of(source: PlanExports) -> ReportSubject:
    """Return the report subject of a result, or of a run of a scenario."""
    from kanopt.explain import explain
    from kanopt.plans.result import Result

    if isinstance(source, Result):
        return subject_of_explanation(explain(source), "", None)
    return subject_of_run(cast("Run", source))


def subject_of_run(run: Run) -> ReportSubject:
    """Return the report subject of a run of a scenario."""
    from kanopt.scenarios.run import unanswered

    return ReportSubject(
        title=run.scenario.headline,
        explanation=run.explanation,
        laws=run.laws,
        today=run.today,
        description=run.scenario.description,
        changes=run.scenario.change_sentences(),
        tables=run.tables,
        provenance=run.provenance,
        plans_per_year=run.scenario.report.plans_per_year,
        assumed=run.scenario.report.assumed,
        unanswered=unanswered([run.scenario]),
    )


def subject_of_explanation(
    explanation: Explanation, title: str, today: Result | None, plans_per_year: float | None = None
) -> ReportSubject:
    """Return the report subject of an explained plan whose problem was not read from a file."""
    from kanopt.scenarios import LearnedLaw
    from kanopt.scenarios.run import environment

    result = explanation.result
    return ReportSubject(
        title=title or f"{result.problem.kind.capitalize()} plan",
        explanation=explanation,
        laws={name: LearnedLaw(name, formula) for name, formula in result.problem.laws().items()},
        today=today,
        provenance=environment(),
        plans_per_year=plans_per_year,
    )
