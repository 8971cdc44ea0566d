"""A result in sentences that a manager understands. Each function gives one sentence, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from kanopt.formulas.verdict import weak_laws
from kanopt.plans.differences import service_difference
from kanopt.plans.findings import Extrapolation, Reason, Status
from kanopt.plans.result import Result
from kanopt.text import (
    capital,
    count_text,
    join_list,
    money_decimals,
    money_text,
    percent_text,
    round_money,
)

# Reasons of one kind with one bottleneck, told together by the worst of them.

_NOUNS = ("client", "constraint", "facility", "job", "machine", "market", "task")


@dataclass(frozen=True)
class ReasonGroup:
    """Reasons of one kind that have the same bottleneck.

    Parameters
    ----------
    reasons
        At least one.

    Examples
    --------
    >>> found = [Reason(f"client c{i}", "unserved", "", bottleneck="no room", amount=float(i)) for i in range(4)]
    >>> group = ReasonGroup(tuple(found))
    >>> group.counted, group.names, group.worst.subject
    ('4 clients', ['c0', 'c1', 'c2', 'c3'], 'client c3')
    """

    reasons: tuple[Reason, ...]

    @property
    def kind(self) -> str:
        """The kind of the reasons."""
        return self.reasons[0].kind

    @property
    def bottleneck(self) -> str:
        """The rule or resource that stands in the way of all of them."""
        return self.reasons[0].bottleneck

    @property
    def worst(self) -> Reason:
        """The reason with the most at stake; the first where that is not counted."""
        return max(self.reasons, key=lambda reason: reason.amount or 0.0)

    @property
    def has_amounts(self) -> bool:
        """Whether it is known how much is at stake, so that there is a worst one."""
        return any(reason.amount for reason in self.reasons)

    @cached_property
    def subjects(self) -> list[str]:
        """What the reasons are about, each once."""
        return list(dict.fromkeys(reason.subject for reason in self.reasons))

    @cached_property
    def noun(self) -> str:
        """What all subjects are, such as ``"client"``; empty where they are no such thing, or several."""
        nouns = {subject.partition(" ")[0] for subject in self.subjects}
        return nouns.pop() if len(nouns) == 1 and nouns <= {*_NOUNS} else ""

    @property
    def names(self) -> list[str]:
        """The subjects, without the word for what they are."""
        return [subject.removeprefix(f"{self.noun} ") if self.noun else subject for subject in self.subjects]

    @property
    def counted(self) -> str:
        """How many subjects there are, and how many reasons where there are more of these."""
        noun = self.noun or "case"
        text = count_text(len(self.subjects), noun, "facilities" * (noun == "facility"))
        more = len(self.reasons) > len(self.subjects)
        return f"{text}, {count_text(len(self.reasons), 'reason')}" if more else text


def group_reasons(causes: Sequence[Reason], most: int, few: int = 3) -> tuple[list[ReasonGroup], int]:
    """Group reasons by bottleneck, in the order in which bottlenecks first appear.

    Parameters
    ----------
    causes
        The reasons.
    most
        So many groups at most.
    few
        So many reasons with one bottleneck are told one by one, if there is room.

    Returns
    -------
    groups, hidden
        The groups, and how many reasons are in none of them, being in smaller groups than all others.
    """
    found: dict[tuple[str, str], list[Reason]] = {}
    for place, cause in enumerate(causes):
        found.setdefault((cause.kind, cause.bottleneck or f"{place}"), []).append(cause)
    groups = [ReasonGroup(tuple(reasons)) for reasons in found.values()]
    shown = [
        part
        for group in groups
        for part in ([ReasonGroup((one,)) for one in group.reasons] if len(group.reasons) <= few else [group])
    ]
    if len(shown) > most:
        shown = groups
    if len(shown) <= most:
        return shown, 0
    largest = sorted(range(len(shown)), key=lambda place: -len(shown[place].reasons))[: most - 1]
    kept = [shown[place] for place in sorted(largest)]
    return kept, len(causes) - sum(len(group.reasons) for group in kept)


UNREAD = (
    "What was asked and not answered is in neither the price nor the rules: of the plan nothing is proved."
)
"""Said of a plan in place of whatever is proved, where questions were left open."""
MOST_REASONS = 20
"""So many lines of reasons at most."""
_SAME = 5e-4  # a change under 0.05 % is written as none
_MOST_RULES = 5
_NAMES = 5


def coverage_sentence(result: Result, subject: str = "The plan") -> str:
    """Say what the plan serves and what it leaves out."""
    known = result.assessment
    return f"{subject} {known.coverage.text}." if known is not None and known.coverage.text else ""


def left_out_sentence(result: Result) -> str:
    """Say what the price of that is which the plan leaves out."""
    price = None if result.assessment is None else result.assessment.left_out_price
    return "" if price is None else f"{capital(price.text)}."


def made_up(assumed: Iterable[str]) -> tuple[str, ...]:
    """Return those of the texts on what is assumed that say of a table or a price that it is made up."""
    return tuple(text.rstrip(".") for text in assumed if "made up" in text)


def groundless_sentence(result: Result, assumed: Iterable[str] = ()) -> str:
    """Say why a plan proposes nothing: something was made up, or every place lies outside the data; empty else.

    Parameters
    ----------
    result
        The plan.
    assumed
        What the file says is assumed.
    """
    if result.assessment is None:
        return ""
    said = []
    if invented := made_up(assumed):
        said.append(f"Not from your data: {'; '.join(invented)}.")
    uses = [use for use in result.assessment.law_uses if use.formula.fit is not None or use.formula.parts]
    if uses and all(use.outside.all() for use in uses):
        said.append(
            "Everywhere the plan uses what was learned, it lies outside the data that was learned from."
        )
    return " ".join([*said, "The plan is an example and proposes nothing."]) if said else ""


def cost_sentence(result: Result, *, guessed: bool = False) -> str:
    """Say what the plan costs and of what the cost consists.

    Parameters
    ----------
    result
        The plan.
    guessed
        Whether the price rests on what was made up: the plan would cost that, and does not.
    """
    if result.pricing is None:
        message = f": {result.message.rstrip('.')}" if result.message else ""
        status = (
            "no plan meets every rule" if result.status is Status.INFEASIBLE else "none was found in time"
        )
        return f"There is no plan ({status}){message}."
    unit, objective = result.problem.unit, result.pricing.objective
    subject = "It" if result.coverage is not None and result.coverage.text else "The plan"
    verb, sign = _verb(objective), -1.0 if objective < 0 else 1.0
    if guessed:
        subject, verb = "On these guesses it", f"would {verb.removesuffix('s')}"
    head = f"{subject} {verb} {money_text(abs(objective), unit)}"
    terms = [(str(name), sign * float(value)) for name, value in result.pricing.terms().items() if value]
    terms.sort(key=lambda term: -term[1])
    if len(terms) < 2:
        return f"{head}, all of it {terms[0][0]}." if terms else f"{head}."
    decimals = money_decimals([objective, *(value for _, value in terms)])
    # of what is paid and earned at once shares say nothing
    shared = objective and min(value for _, value in terms) >= 0.0
    shares = [f" ({percent_text(value / abs(objective))})" if shared else "" for _, value in terms]
    parts = [
        f"{name} {money_text(value, decimals=decimals)}{share}"
        for (name, value), share in zip(terms[:4], shares, strict=False)
    ]
    if len(terms) > 4:
        parts.append(f"other {money_text(sum(value for _, value in terms[4:]), decimals=decimals)}")
    return f"{head}: {join_list(parts)}."


def _verb(objective: float) -> str:
    """Return what a plan does that has this price: what is earned is a negative cost."""
    return "earns" if objective < 0 else "costs"


def caveat_sentence(result: Result) -> str:
    """Say on how much of the plan a law is cut off at zero or used outside its data."""
    said = () if result.assessment is None else result.assessment.law_caveats
    return f"{capital('; '.join(said))}." if said else ""


def weak_law_sentences(result: Result) -> tuple[str, ...]:
    """Say which learned laws of the problem are weak, why, and what to do."""
    return weak_laws(result.problem.laws().values())


def stake_sentence(result: Result) -> str:
    """Say which band the errors of the learned laws put on the price."""
    stake = result.money_at_stake
    if stake is None or result.objective is None:
        return ""
    return f"{capital(stake.text(result.problem.unit, earned=result.objective < 0))}."


def today_sentence(result: Result, today: Result | None, *, brief: bool = False) -> str:
    """Say how the plan compares with the one that is driven today; if not `brief`, also what is assumed of that."""
    if today is None or today.objective is None or result.objective is None:
        return ""
    change = result.objective - today.objective
    unit = result.problem.unit
    share = change / abs(today.objective) if today.objective else float("nan")
    price = money_text(abs(today.objective), unit)
    if abs(share) < _SAME:
        text = f"That is as much as today's plan ({price})"
    else:
        if (result.objective < 0) != (today.objective < 0):
            word = "better" if change < 0 else "worse"
        else:
            word = "less" if (change < 0) != (today.objective < 0) else "more"
        by = f"{money_text(abs(change), unit)} ({percent_text(abs(share))})"
        text = (
            f"That is {by} {word} than today's plan, which {_verb(today.objective)} {price} on the same laws"
        )
    if other := service_difference(result, today):
        text += f", but the two prices do not compare like with like: today's plan {other}"
    assumed = "" if today.assessment is None or brief else today.assessment.assumed
    return f"{text}. Today's {assumed}." if assumed else f"{text}."


def bound_sentence(result: Result, *, unread: bool = False) -> str:
    """Say what is known about better plans; of a plan that leaves something unread nothing is."""
    if result.objective is None:
        return ""
    if unread:
        return UNREAD
    if result.status is Status.OPTIMAL and (result.certificate is None or not result.certificate.solver_view):
        return f"No {'better' if result.objective < 0 else 'cheaper'} plan exists: this is proved."
    if result.bound is not None and result.gap is not None:
        left = percent_text(result.gap)
        most = left if left.startswith("under") else f"at most {left}"
        least = round_money(abs(result.bound), result.problem.unit)
        head = f"No plan can {'earn more' if result.bound < 0 else 'cost less'} than {least}"
        return f"{head}; {most} is left to gain."
    if result.certificate is None:
        return ""
    held = ", where they hold" if result.assessment is not None and result.assessment.law_caveats else ""
    return f"The price is exact on the laws{held}; how much cheaper another plan could be is not known."


def reason_text(reason: Reason) -> str:
    """Say why one thing is as it is, without a full stop."""
    message, name = reason.message.rstrip("."), _name(reason)
    if message.startswith(f"{reason.subject} "):
        return message
    if message.startswith(f"{name} "):
        return reason.subject.removesuffix(name) + message
    return f"{reason.subject}: {message}"


def reason_sentence(reason: Reason) -> str:
    """Say why one thing is as it is, how that is known, and what would resolve it."""
    known = f" ({reason.evidence})" if reason.evidence else ""
    text = f"{reason_text(reason)}{known}."
    relaxation = reason.relaxation.rstrip(".")
    return f"{text} To mend it: {relaxation}." if relaxation else text


def group_sentence(group: ReasonGroup) -> str:
    """Say what stands in the way of several things, and tell the worst of them."""
    if len(group.reasons) == 1:
        return reason_sentence(group.worst)
    word = "The worst" if group.has_amounts else "For example"
    names = join_list(group.names, _NAMES)
    return f"{group.counted}: {group.bottleneck} ({names}). {word}: {reason_sentence(group.worst)}"


def issue_sentences(result: Result, causes: Sequence[Reason]) -> list[str]:
    """Say what is wrong with the plan besides what it leaves out: why there is none, and which rules it breaks."""
    sentences = []
    broken = () if result.assessment is None else result.assessment.broken_rules
    wider = [cause for cause in causes if cause.kind == "infeasible" and cause.message not in broken]
    if wider:
        more = f" ({count_text(len(wider) - 1, 'more such reason')} below)" if len(wider) > 1 else ""
        sentences.append(f"{capital(wider[0].message.rstrip('.'))}{more}.")
    if broken:
        rules, hidden = "a rule" if len(broken) == 1 else "rules", len(broken) - _MOST_RULES
        shown = [*broken[:_MOST_RULES], *([f"and {hidden:,} more"] if hidden > 0 else [])]
        sentences.append(f"The plan breaks {rules}: {'; '.join(shown)}.")
    if result.interrupted:
        sentences.append("The search was stopped by the user; this is the best plan so far.")
    return sentences


def _name(cause: Reason) -> str:
    """Return what a reason is about, without the word for what that is."""
    return cause.subject.partition(" ")[2] or cause.subject


def extrapolation_sentence(extrapolations: Sequence[Extrapolation]) -> str:
    """Say where the plan uses a law outside the data it was learned from, and where one falls below zero."""
    outside = [one for one in extrapolations if not one.below_zero]
    laws = []
    for law, places in Counter(one.law for one in outside).items():
        inputs = sorted({one.inputs for one in outside if one.law == law})
        laws.append(f"{law} in {count_text(places, 'place')} ({join_list(inputs)})")
    below = [
        f"{law} in {count_text(places, 'place')}"
        for law, places in Counter(one.law for one in extrapolations if one.below_zero).items()
    ]
    said = []
    if laws:
        leans = f"The plan leans on laws outside the data they were learned from: {join_list(laws)}."
        said.append(f"{leans} Its price is an extrapolation there.")
    if below:
        said.append(f"Laws fall below zero, which counts as zero: {join_list(below)}.")
    return " ".join(said)


def frozen_sentence(result: Result) -> str:
    """Say of which inputs the search took typical values, and by how much the price differs from that of those."""
    certificate = result.certificate
    if certificate is None or not certificate.frozen:
        return ""
    fields, laws = (
        join_list(list(dict.fromkeys(name.rpartition(".")[2].replace("_", " ") for name in names)))
        for names in zip(*((frozen.reference, frozen.law) for frozen in certificate.frozen), strict=True)
    )
    error, unit = certificate.frozen_input_error, result.problem.unit
    by = f"{money_text(abs(error), unit)} {'higher' if error < 0 else 'lower'}" if error else "the same"
    return (
        f"The price counts the true {fields} of every step. The search took typical ones (for {laws}), by which the "
        f"price would be {by}."
    )


def summary(
    result: Result,
    causes: Sequence[Reason],
    extrapolations: Sequence[Extrapolation],
    today: Result | None = None,
    assumed: Sequence[str] = (),
    *,
    unread: bool = False,
) -> str:
    """Return the whole summary, what is made up, served and left out first.

    A paragraph on that and on cost, one on what is wrong with a line per reason or group of them, one on reliability.
    """
    groundless = groundless_sentence(result, assumed)
    choice = "" if result.assessment is None else result.assessment.choice
    cost = [
        groundless,
        coverage_sentence(result),
        f"It {choice}." if choice else "",
        left_out_sentence(result),
        cost_sentence(result, guessed=bool(groundless)),
        "" if groundless else stake_sentence(result),
        caveat_sentence(result),
        today_sentence(result, today),
        bound_sentence(result, unread=unread),
    ]
    issues = issue_sentences(result, causes)
    trust = [extrapolation_sentence(extrapolations), frozen_sentence(result)]
    groups, hidden = group_reasons(causes, MOST_REASONS)
    lines = [f"  - {group_sentence(group)}" for group in groups]
    lines += [f"  - and {count_text(hidden, 'more reason')}."] if hidden else []
    blocks = [" ".join(filter(None, part)) for part in (cost, issues)]
    return "\n\n".join(filter(None, [*blocks, "\n".join(lines), " ".join(filter(None, trust))]))
