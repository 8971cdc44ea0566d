"""The explanation of a result: cost terms, reasons and extrapolations as frames, and a summary in words."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from kanopt.display import Alarm, Fold, Part, Shown, grid_of
from kanopt.errors import ProblemError, knows_arguments
from kanopt.plans.differences import Level, price_by_level
from kanopt.plans.findings import Extrapolation, FrozenInput, Reason, Status, to_frame
from kanopt.plans.result import Result
from kanopt.plans.summary import group_reasons, summary, weak_law_sentences
from kanopt.text import count_text, fixed_text, money_decimals, money_text, number_text, percent_text

_MOST_REASONS = 20


@dataclass(frozen=True, repr=False)
class Explanation(Shown):
    """Cost terms, reasons and extrapolations of a result.

    Parameters
    ----------
    result
        The result that is explained.
    causes
        Why things are unserved, late, closed or infeasible.
    extrapolations
        Places where the plan uses a law outside the data it was learned from.
    """

    result: Result
    causes: tuple[Reason, ...]
    extrapolations: tuple[Extrapolation, ...]

    def terms(self, by: Level = "term") -> pd.DataFrame:
        """Return the cost terms, which add up to the objective.

        Parameters
        ----------
        by
            ``"term"`` for one row per term; ``"group"`` for one per route, machine or lane and term;
            ``"item"`` for one per leg, task or period and term.

        Returns
        -------
        pandas.DataFrame
            The columns of the level, ``amount`` in the unit of the objective, and ``share`` of the objective
            (NaN where that is zero).

        Raises
        ------
        ProblemError
            If the level is unknown.
        """
        frame = price_by_level(self.result, by)
        objective = self.result.objective
        frame["share"] = frame["amount"] / objective if objective else float("nan")
        return frame

    def reasons(self, kind: str | None = None) -> pd.DataFrame:
        """Return the reasons one by one: all of them, or those of one kind such as ``"unserved"``.

        :meth:`bottlenecks` sums them up.

        Returns
        -------
        pandas.DataFrame
            A row for each reason, with its fields; ``price`` is what the relaxation would cost more on the law,
            ``evidence`` says whether the reason is ``"proved"`` or a ``"search found none"`` that would do (else it is
            empty), ``bottleneck`` is the rule or resource in the way, and ``amount`` what is at stake: what is not
            served, or by how much something is late.
        """
        chosen = [cause for cause in self.causes if kind is None or cause.kind == kind]
        frame = to_frame(chosen, Reason).drop(columns="searched")
        frame[["price", "amount"]] = frame[["price", "amount"]].astype(float)
        frame["evidence"] = [cause.evidence for cause in chosen]
        return frame

    def bottlenecks(self) -> pd.DataFrame:
        """Return the reasons summed up: one row for each kind and bottleneck.

        Returns
        -------
        pandas.DataFrame
            ``kind``, ``bottleneck`` (the rule or resource in the way), ``reasons`` and ``subjects`` (how many), and
            ``worst``, the message of the reason with the most at stake. Reasons that are like no other have a row each.
        """
        groups, _ = group_reasons(self.causes, len(self.causes), few=0)
        rows = [
            (each.kind, each.bottleneck, len(each.reasons), len(each.subjects), each.worst.message)
            for each in groups
        ]
        return pd.DataFrame(rows, columns=["kind", "bottleneck", "reasons", "subjects", "worst"])

    def unserved(self) -> pd.DataFrame:
        """Return the reasons of what is unserved."""
        return self.reasons("unserved")

    def outside(self) -> pd.DataFrame:
        """Return the places where the plan uses a law outside the data it was learned from."""
        return to_frame(self.extrapolations, Extrapolation)

    def frozen(self) -> pd.DataFrame:
        """Return the inputs of laws that the solver saw at a planning value, if a solver was used."""
        certificate = self.result.certificate
        return to_frame(() if certificate is None else certificate.frozen, FrozenInput)

    def text(
        self,
        today: Result | None = None,
        *,
        weak_laws: bool = True,
        assumed: Sequence[str] = (),
        unread: bool = False,
    ) -> str:
        """Return a summary that can be read out in a meeting.

        Parameters
        ----------
        today
            The plan that is driven today, priced on the same laws; the summary says what changes.
        weak_laws
            Whether to begin with the learned laws that are weak, and why.
        assumed
            What is assumed, as ``[report] assumed`` of a scenario says; where something is made up, the summary says so
            first, and proposes nothing.
        unread
            Whether questions were left open, so that nothing is proved.
        """
        told = summary(self.result, self.causes, self.extrapolations, today, assumed, unread=unread)
        weak = weak_law_sentences(self.result) if weak_laws else ()
        return "\n\n".join(filter(None, ["\n".join(weak), told]))

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        title: str = "",
        today: Result | None = None,
        plans_per_year: float | None = None,
    ) -> Path:
        """Write the report of the plan: one HTML file that needs nothing else.

        Parameters
        ----------
        path
            Path of the file; missing folders are created.
        title
            Headline; by default the kind of plan, such as "Routing plan".
        today
            The plan that is driven today, priced on the same laws; the report says what changes.
        plans_per_year
            How often such a plan is carried out in a year, so that the report says what is saved in one.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        ProblemError
            If `today` is no result of the same problem, or `plans_per_year` is not above zero.
        """
        from kanopt.display import reports

        if today is not None and not (isinstance(today, Result) and today.problem is self.result.problem):
            raise ProblemError(
                "today must be a result of the same problem, priced on the same laws; make it with "
                "today=kanopt.evaluate(result.problem, plan)"
            )
        if plans_per_year is not None and not 0.0 < plans_per_year < math.inf:
            raise ProblemError(
                f"plans_per_year is {plans_per_year!r}; say how often such a plan is carried out in a year, as in 250"
            )
        return reports.write_explanation(self, path, title=title, today=today, plans_per_year=plans_per_year)

    def folded_terms(self) -> Fold:
        """Return the cost terms as a notebook shows them at a click."""
        unit, frame = self.result.problem.unit, self.terms()
        decimals, total = money_decimals(frame["amount"]), money_text(self.result.objective or 0.0, unit)
        forms = {"amount": lambda value: fixed_text(value, decimals), "share": percent_text}
        table = replace(grid_of(frame, number_text, forms=forms), heads=("term", unit or "amount", "share"))
        return Fold(f"{count_text(len(frame), 'cost term')}, in all {total}", (table,))

    def _shown(self) -> Iterator[Part]:
        yield from map(Alarm, weak_law_sentences(self.result))
        yield summary(self.result, self.causes, self.extrapolations, None)
        yield self.folded_terms()
        if self.causes:
            found = self.bottlenecks()
            yield Fold(
                count_text(len(self.causes), "reason"), (grid_of(found, number_text, most=_MOST_REASONS),)
            )


@knows_arguments
def explain(result: Result) -> Explanation:
    """Explain a result.

    Parameters
    ----------
    result
        From ``solve`` or ``evaluate``; a result without a plan is explained as well.

    Returns
    -------
    Explanation
        Cost terms that add up to the objective, reasons, and places outside the domain of a law.

    Raises
    ------
    ProblemError
        If it is given anything but a result.
    """
    given: object = result
    if not isinstance(given, Result):
        hint = "; give its .result" if isinstance(getattr(given, "result", None), Result) else ""
        what = "explain is for plans, the results of ko.solve and of ko.evaluate, not for a"
        raise ProblemError(f"{what} {type(given).__name__}{hint}")
    known = result.assessment
    if known is None:
        return Explanation(result, causes=result.problem.infeasibility_reasons(), extrapolations=())
    causes = known.reasons
    if result.status is Status.OPTIMAL:
        # of a plan that is proved to be the best it is no reason that a search found nothing better
        causes = tuple(one for one in causes if one.proved or one.kind != "closed")
    return Explanation(result, causes, known.extrapolations)
