"""A result in sentences that a manager understands. Each function gives one sentence, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kanopt.problems.findings import Extrapolation, Reason
from kanopt.problems.result import Result, Status
from kanopt.text import count_text, join_list, money_decimals, money_text, percent_text, shorten

__all__ = [
    "bound_sentence",
    "cost_sentence",
    "extrapolation_sentence",
    "frozen_sentence",
    "issue_sentences",
    "reason_sentence",
    "summary",
    "today_sentence",
]

_SAME = 5e-4  # a change under 0.05 % is written as none
_KINDS = {
    "unserved": ("thing is not served", "things are not served"),
    "late": ("thing is late", "things are late"),
    "closed": ("thing is closed", "things are closed"),
}


def cost_sentence(result: Result) -> str:
    """Say what the plan costs and of what the cost consists."""
    if result.pricing is None:
        message = f": {result.message.rstrip('.')}" if result.message else ""
        status = (
            "no plan meets every rule" if result.status is Status.INFEASIBLE else "none was found in time"
        )
        return f"There is no plan ({status}){message}."
    unit, objective = result.problem.unit, result.pricing.objective
    head = f"The plan costs {money_text(objective, unit)}"
    terms = [(str(name), float(value)) for name, value in result.pricing.terms().items() if value]
    if len(terms) < 2:
        return f"{head}, all of it {terms[0][0]}." if terms else f"{head}."
    decimals = money_decimals([objective, *(value for _, value in terms)])
    shares = [f" ({percent_text(value / objective)})" if objective else "" for _, value in terms]
    parts = [
        f"{name} {money_text(value, decimals=decimals)}{share}"
        for (name, value), share in zip(terms[:4], shares, strict=False)
    ]
    if len(terms) > 4:
        parts.append(f"other {money_text(sum(value for _, value in terms[4:]), decimals=decimals)}")
    return f"{head}: {join_list(parts)}."


def today_sentence(result: Result, today: Result | None) -> str:
    """Say how the plan compares with the one that is driven today."""
    if today is None or today.objective is None or result.objective is None:
        return ""
    change = result.objective - today.objective
    unit = result.problem.unit
    share = change / abs(today.objective) if today.objective else float("nan")
    if abs(share) < _SAME:
        text = f"That is as much as today's plan ({money_text(today.objective, unit)})"
    else:
        word = "less" if change < 0 else "more"
        text = (
            f"That is {money_text(abs(change), unit)} ({percent_text(abs(share))}) {word} than today's plan, "
            f"which costs {money_text(today.objective, unit)} on the same laws"
        )
    missed = sum(violation.constraint == "unserved" for violation in today.check.violations)
    broken = len(today.check.violations) - missed
    faults = [
        *([f"breaks {count_text(broken, 'rule')}"] if broken else []),
        *([f"leaves out {count_text(missed, 'thing')} that must be served"] if missed else []),
    ]
    return f"{text} and {' and '.join(faults)}." if faults else f"{text}."


def bound_sentence(result: Result) -> str:
    """Say what is known about better plans."""
    if result.objective is None:
        return ""
    if result.status is Status.OPTIMAL and (result.certificate is None or not result.certificate.solver_view):
        return "No cheaper plan exists: this is proved."
    if result.bound is not None and result.gap is not None:
        left = percent_text(result.gap)
        most = left if left.startswith("under") else f"at most {left}"
        return f"No plan can cost less than {money_text(result.bound, result.problem.unit)}; {most} is left to gain."
    if result.certificate is None:
        return ""
    return "The price is exact on the laws; how much cheaper another plan could be is not known."


def reason_sentence(reason: Reason) -> str:
    """Say why one thing is as it is, how that is known, and what would resolve it."""
    known = f" ({reason.evidence})" if reason.evidence else ""
    text = f"{reason.subject}: {reason.message.rstrip('.')}{known}."
    mend = reason.relaxation.rstrip(".")
    return f"{text} To mend it: {mend}." if mend else text


def issue_sentences(result: Result, causes: Sequence[Reason]) -> list[str]:
    """Say what is wrong with the plan: what is left out, late or closed, and which rules it breaks."""
    sentences = []
    for kind, found in Counter(cause.kind for cause in causes).items():
        subjects = [shorten(cause.subject, 60) for cause in causes if cause.kind == kind]
        one, many = _KINDS.get(kind, (f"reason of kind {kind}", f"reasons of kind {kind}"))
        sentences.append(f"{count_text(found, one, many)}: {join_list(subjects, 5)}.")
    broken = [violation for violation in result.check.violations if violation.constraint != "unserved"]
    if broken:
        sentences.append(
            f"The plan breaks {count_text(len(broken), 'rule')}: "
            + join_list([violation.message.rstrip(".") for violation in broken], 3)
            + "."
        )
    if result.interrupted:
        sentences.append("The search was stopped by the user; this is the best plan so far.")
    return sentences


def extrapolation_sentence(extrapolations: Sequence[Extrapolation]) -> str:
    """Say where the plan uses a law outside the data it was learned from."""
    if not extrapolations:
        return ""
    laws = []
    for law, places in Counter(one.law for one in extrapolations).items():
        inputs = sorted({one.inputs for one in extrapolations if one.law == law})
        laws.append(f"{law} in {count_text(places, 'place')} ({join_list(inputs)})")
    return (
        f"The plan leans on laws outside the data they were learned from: {join_list(laws)}. "
        "Its price is an extrapolation there."
    )


def frozen_sentence(result: Result) -> str:
    """Say which inputs the solver saw at planning values, and what that changed."""
    certificate = result.certificate
    if certificate is None or not certificate.frozen:
        return ""
    names = join_list(
        list(dict.fromkeys(f"{frozen.reference} of {frozen.law}" for frozen in certificate.frozen))
    )
    error = money_text(certificate.frozen_input_error, result.problem.unit, signed=True)
    return f"The search held {names} at planning values; the true values change the price by {error}."


def summary(
    result: Result,
    causes: Sequence[Reason],
    extrapolations: Sequence[Extrapolation],
    today: Result | None = None,
) -> str:
    """Return the whole summary: a paragraph on cost, one on issues with a line per reason, one on reliability."""
    cost = [cost_sentence(result), today_sentence(result, today), bound_sentence(result)]
    issues = issue_sentences(result, causes)
    trust = [extrapolation_sentence(extrapolations), frozen_sentence(result)]
    blocks = [" ".join(filter(None, part)) for part in (cost, issues, trust)]
    if causes:
        lines = [f"  - {reason_sentence(cause)}" for cause in causes[:20]]
        if len(causes) > 20:
            lines.append(f"  - and {count_text(len(causes) - 20, 'more reason')}.")
        blocks.insert(2, "\n".join(lines))
    return "\n\n".join(block for block in blocks if block)
