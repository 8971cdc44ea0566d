"""The price of a plan at a level of detail, and what changed between two results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from kanopt.errors import ProblemError, nearest
from kanopt.plans.coverage import Coverage
from kanopt.plans.findings import Status
from kanopt.plans.result import Result
from kanopt.text import sure_text

Level = Literal["term", "group", "item"]
LEVELS: dict[str, list[str]] = {
    "term": ["term"],
    "group": ["group", "term"],
    "item": ["group", "item", "term"],
}


def level_columns(by: str) -> list[str]:
    """Return the columns that identify a line at a level of detail.

    Raises
    ------
    ProblemError
        If the level is unknown.
    """
    if by not in LEVELS:
        raise ProblemError(f"there is no level {by!r} in a price; {nearest(by, LEVELS)}")
    return LEVELS[by]


def price_by_level(result: Result, by: Level = "term") -> pd.DataFrame:
    """Return the price of a plan at a level of detail; the column ``amount`` adds up to the objective.

    Terms are sorted by amount, largest first; groups and items keep the order of the plan. Empty without a plan.
    """
    keys = level_columns(by)
    if result.pricing is None:
        return pd.DataFrame({**{key: pd.Series(dtype=str) for key in keys}, "amount": pd.Series(dtype=float)})
    summed = result.pricing.lines.groupby(keys, sort=False, dropna=False)["amount"].sum().reset_index()
    if by == "term":
        summed = summed.sort_values("amount", ascending=False, kind="stable", ignore_index=True)
    return summed


def difference(before: Result, after: Result, by: Level = "term") -> pd.DataFrame:
    """Compare the prices of two plans.

    Parameters
    ----------
    before, after
        Two results in the same unit.
    by
        ``"term"``, ``"group"`` (route, machine or lane, and term) or ``"item"``.

    Returns
    -------
    pandas.DataFrame
        The columns of the level, ``before``, ``after`` and ``change``, largest change first. What one plan
        lacks counts as zero there, so that ``change`` adds up to the change of the objective.

    Raises
    ------
    ProblemError
        If a result has no plan, or the units differ.
    """
    keys = level_columns(by)
    for name, result in (("before", before), ("after", after)):
        if result.pricing is None:
            raise ProblemError(
                f"the result {name!r} has no plan ({result.status.value}), so there is no price to compare"
            )
    if before.problem.unit != after.problem.unit:
        raise ProblemError(
            f"prices in {before.problem.unit} and {after.problem.unit} do not compare; "
            "state both problems in one unit"
        )
    old = price_by_level(before, by).set_index(keys)["amount"]
    new = price_by_level(after, by).set_index(keys)["amount"]
    frame = pd.concat({"before": old, "after": new}, axis="columns").fillna(0.0)
    frame["change"] = frame["after"] - frame["before"]
    frame.index.names = keys
    return frame.sort_values("change", key=abs, ascending=False, kind="stable").reset_index()


# Whether the prices of two plans compare like with like.


@dataclass(frozen=True)
class Service:
    """What a plan serves, and which rules it breaks: where two plans agree in both, their prices compare.

    Parameters
    ----------
    coverage
        What it serves and what it leaves out.
    broken_rules
        The rules that it breaks, a sentence each.

    Examples
    --------
    >>> from kanopt.plans.coverage import CoverageWords
    >>> words = CoverageWords("serves", "client", "clients")
    >>> whole, late = Service(Coverage(words, 4)), Service(Coverage(words, 4), ("van 1 is back 5 min late",))
    >>> whole.against(whole), late.against(whole), late.against(late)
    ('', 'breaks a rule: van 1 is back 5 min late', '')
    """

    coverage: Coverage
    broken_rules: tuple[str, ...] = ()

    @classmethod
    def of(cls, result: Result) -> Service | None:
        """Return that of the plan of a result; None where it has none."""
        known = result.assessment
        return None if known is None else cls(known.coverage, known.broken_rules)

    def against(self, other: Service) -> str:
        """Say what a plan does that another one does not; empty where their prices compare like with like."""
        clauses = [self.coverage.against(other.coverage)]
        is_same = self.broken_rules == other.broken_rules
        if self.broken_rules and not is_same:
            more = len(self.broken_rules) - 1
            clauses.append(f"breaks a rule: {self.broken_rules[0]}" + (f", and {more} more" if more else ""))
        elif other.broken_rules and not is_same:
            clauses.append(f"keeps a rule that is broken without it: {other.broken_rules[0]}")
        return ", and ".join(filter(None, clauses))


def service_difference(one: Result, other: Result) -> str:
    """Say what another plan does that one does not, so that their prices do not compare like with like.

    Parameters
    ----------
    one, other
        Two results, not necessarily of one problem.

    Returns
    -------
    str
        The predicate of a sentence about the other plan: what it serves instead, or that one of the two breaks rules.
        Empty where both serve the same and break the same rules, if any, and where one has no plan. A plan that is
        cheaper must be in time on as many days as well, as far as that is known.
    """
    known, compared = Service.of(one), Service.of(other)
    if known is None or compared is None:
        return ""
    cheaper, dearer = sorted((one, other), key=lambda result: result.objective or 0.0)
    told = [compared.against(known)]
    if _is_less_in_time(cheaper, dearer) and one.days_in_time and other.days_in_time:
        shares = (sure_text(each.days_in_time.share) for each in (other, one) if each.days_in_time)
        told.append("is in time on {} of days, not on {}".format(*shares))
    return ", and ".join(filter(None, told))


def _is_less_in_time(one: Result, other: Result) -> bool:
    known, compared = one.days_in_time, other.days_in_time
    return known is not None and compared is not None and known.is_less_than(compared)


def still_holds(status: str, before: str) -> bool:
    """Say whether a plan keeps all rules under other data, so that what they do to its price says something.

    Parameters
    ----------
    status
        What it is under the other data: a plan that leaves out what must be served holds where it did so before.
    before
        What it was.

    Examples
    --------
    >>> still_holds("feasible", "optimal"), still_holds("infeasible", "optimal"), still_holds("partial", "partial")
    (True, False, True)
    """
    return status != Status.INFEASIBLE and (status != Status.PARTIAL or before == Status.PARTIAL)


def does_less(result: Result, other: Result) -> bool:
    """Say whether a plan breaks a rule that another one keeps, leaves out more, or is in time on fewer days.

    A lower price is no saving then.
    """
    return _left_undone(result) > _left_undone(other) or _is_less_in_time(result, other)


def _left_undone(result: Result) -> tuple[float, ...]:
    left_out = () if result.coverage is None else result.coverage.left_out
    return (*result.rank[:3], len(left_out))
