"""Whether the prices of two plans compare like with like."""

from __future__ import annotations

from kanopt.problems.result import Result

__all__ = ["does_less", "service_difference"]


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
        Empty where both serve the same and keep all rules, and where one has no plan.
    """
    known, compared = one.assessment, other.assessment
    if known is None or compared is None:
        return ""
    clauses = [compared.coverage.against(known.coverage)]
    if compared.broken_rules:
        more = len(compared.broken_rules) - 1
        clauses.append(f"breaks a rule: {compared.broken_rules[0]}" + (f", and {more} more" if more else ""))
    elif known.broken_rules:
        clauses.append(f"keeps a rule that is broken without it: {known.broken_rules[0]}")
    return ", and ".join(filter(None, clauses))


def does_less(result: Result, other: Result) -> bool:
    """Say whether a plan breaks a rule that another one keeps, or leaves out more: a lower price is no saving then."""
    return _left_undone(result) > _left_undone(other)


def _left_undone(result: Result) -> tuple[float, ...]:
    left_out = () if result.coverage is None else result.coverage.left_out
    return (*result.rank[:3], len(left_out))
