"""The first page of a plan: what to do, what it saves, how sure that is and why, for people who do not plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from kanopt.display import Grid, KeyFigure, Notice, Part, Tone, tone_of
from kanopt.pages.charts import named_rows
from kanopt.pages.figure_rows import FigureRow, ReportSubject
from kanopt.pages.first_page import LONGEST, Basis, first_page, plain, unanswered_notices
from kanopt.plans.differences import difference, does_less, service_difference
from kanopt.plans.findings import Status
from kanopt.plans.result import Result
from kanopt.plans.summary import (
    MOST_REASONS,
    UNREAD,
    bound_sentence,
    cost_sentence,
    coverage_sentence,
    extrapolation_sentence,
    frozen_sentence,
    group_reasons,
    left_out_sentence,
    reason_text,
    stake_sentence,
    today_sentence,
)
from kanopt.questions.answer import Said
from kanopt.scenarios import LearnedLaw
from kanopt.scenarios.learn import doubts
from kanopt.text import (
    capital,
    count_text,
    join_list,
    money_text,
    number_text,
    percent_text,
    round_money,
    shorten,
    sure_text,
)

_MOST_ASSUMED = _MOST_TERMS = 4
_MOST_FIGURES = 3
_LIST, _NAMES = 12, 5
_TILES_IN_ROW = 4
_FEWEST_CHOICES = 2
_APART = 0.02
"""Shares of days that are told apart, and of the whole from which on a term is worth a word."""
_KINDS = ("infeasible", "unserved", "late", "closed")
_HELD = 1e-9


def plan_first(subject: ReportSubject) -> tuple[Part, ...]:
    """Return what the first page of a plan shows; see :func:`plan_said`."""
    choices = None if subject.unanswered or subject.groundless else _frontier(subject)
    heads = "What this shows" if subject.groundless else "What to do", "Why"
    basis = Basis(subject.changes, subject.laws, subject.tables)
    return first_page(plan_said(subject), basis, heads, choices=choices)


def plan_said(subject: ReportSubject) -> Said:
    """Collect what is said of a plan first, and what must be known before believing it."""
    return Said(
        title=subject.title,
        answer=() if subject.unanswered else tuple(filter(None, _todo(subject))),
        figures=tuple(_keys(subject)),
        lines=tuple(filter(None, _why(subject))),
        sure=tuple(filter(None, _sure(subject))),
        notices=plan_notices(subject),
        assumed=tuple(shorten(text, LONGEST) for text in subject.assumptions[:_MOST_ASSUMED]),
    )


# What to do


def _todo(subject: ReportSubject) -> Iterator[str]:
    """Yield what to do and what it costs; a plan that leaves something out says that first."""
    result, today, year = subject.explanation.result, subject.today, subject.rows.get("saving_year")
    known = result.assessment
    if known is None or not subject.rows:
        yield cost_sentence(result)
        return
    # what is left out stands by name in the warning above
    served = shorten(coverage_sentence(result).replace(f"; {known.coverage.missing}.", "."), LONGEST)
    if subject.groundless:  # the warning above says why nothing is proposed
        yield from (served, cost_sentence(result, guessed=True))
        return
    proposal = f"{known.proposal}." if known.proposal else ""
    told = (proposal, served) if known.coverage.complete else (served, proposal)
    yield " ".join(filter(None, told))
    saved = 0.0 if today is None else (today.objective or 0.0) - (result.objective or 0.0)
    in_year = ""
    if year is not None and saved and not service_difference(result, today or result):
        earns = (result.objective or 0.0) < 0
        word = ("more" if saved > 0 else "less") if earns else ("saved" if saved > 0 else "more")
        times = number_text(subject.plans_per_year or 0.0)
        in_year = f"Carried out {times} times a year, that is {year.short} {word} in a year."
    mean = None if subject.punctuality is None else subject.punctuality.dear_day
    price = result.objective or 0.0
    on_average = ""
    if mean is not None and mean - price > _APART * abs(price):
        on_average = f"As times err, a day costs {money_text(mean, result.problem.unit)} on average."
    price_told = (cost_sentence(result), on_average, today_sentence(result, today, brief=True), in_year)
    yield " ".join(filter(None, price_told))


# The tiles: cost, saving, service, and what the kind of problem counts


def _keys(subject: ReportSubject) -> list[KeyFigure]:
    result, today, rows = subject.explanation.result, subject.today, subject.rows
    if not rows:
        return [KeyFigure("Plan", "none", "", result.status.value, "bad")]
    cost = _cost_key(result, rows["cost"])
    mean = None if subject.punctuality is None else subject.punctuality.dear_day
    if mean is not None:
        cost = replace(cost, note=f"a day on average {money_text(mean, result.problem.unit)}")
    if subject.groundless:
        verb = "earn" if (result.objective or 0.0) < 0 else "cost"
        cost = replace(cost, label=f"Would {verb}", note="on guesses")
    keys = [cost, _saving_key(result, today, rows)]
    if (served := rows.get("served")) is not None and result.coverage is not None:
        how = "" if served.how == served.short else shorten(served.how, 80)
        keys.append(_key(served, how, "" if result.coverage.complete else "bad"))
    # that nothing is late in the plan itself says less than on how many days all is in time
    said = {"lateness"} if "on_time" in rows else set[str]()
    own = {
        key: row.figure
        for key, row in rows.items()
        if row.figure is not None and not (key in said and not row.figure.value)
    }
    shown = [key for key, figure in own.items() if figure.rank == 1]
    filling = [key for key, figure in own.items() if figure.rank == 2]
    shown += filling[: -(len(keys) + len(shown)) % _TILES_IN_ROW]
    for key in (key for key in own if key in shown):
        notes = [own[key].note, f"today {rows[key].today}" if rows[key].today else ""]
        keys.append(_key(rows[key], "; ".join(filter(None, notes)), "bad" if own[key].bad else ""))
    return keys


def _key(row: FigureRow, note: str, tone: Tone = "") -> KeyFigure:
    return KeyFigure(row.label, row.short, "", note, tone, anchor=row.anchor)


def _cost_key(result: Result, row: FigureRow) -> KeyFigure:
    terms = None if result.pricing is None else result.pricing.terms()
    if terms is None or not len(terms) or not result.objective or result.objective < 0:
        return _key(row, "")
    share = percent_text(float(terms.iloc[0]) / result.objective)
    return _key(row, f"most of it {shorten(str(terms.index[0]), 30)} ({share})")


def _saving_key(result: Result, today: Result | None, rows: Mapping[str, FigureRow]) -> KeyFigure:
    row, year = rows.get("saving"), rows.get("saving_year")
    if row is None or today is None:
        return KeyFigure("Saves", "not known", "", "no plan of today was given to compare with")
    if service_difference(result, today):
        less = does_less(result, today)
        return _key(row, "not like with like" + ": no saving" * less, "bad" if less else "")
    tone = tone_of((result.objective or 0.0) - (today.objective or 0.0))
    return _key(row, f"{year.short} in a year" if year is not None else f"today {rows['cost'].today}", tone)


def _frontier(subject: ReportSubject) -> Grid | None:
    """Return what being in time costs, the plan and today's among the choices; none where unknown."""
    known, today = subject.explanation.result.days_in_time, subject.today
    if known is None or len(subject.frontier) < _FEWEST_CHOICES:
        return None
    told = ["cheapest on typical times", *[""] * (len(subject.frontier) - 1)]
    if known.of_tasks:
        told[min(range(len(told)), key=lambda place: subject.frontier[place][1])] = "cheapest on average"
    lines = [
        (*choice, name)
        for choice, name in zip(subject.frontier, told, strict=True)
        if abs(choice[0] - known.share) > _APART
    ]
    unit = subject.explanation.result.problem.unit
    plans = [(known, "this plan")]
    if today is not None and today.days_in_time is not None:
        plans.append((today.days_in_time, "today"))
    for one, name in plans:
        price = one.mean if one.of_tasks else one.price
        lines += [] if price is None else [(one.share, price, name)]
    rows = tuple(
        (sure_text(share), money_text(price), told)
        for share, price, told in sorted(lines, key=lambda one: one[1])
    )
    heads = ("days in time", f"{unit}{' a day on average' * known.of_tasks}", "plan")
    note = "Jobs count on no day that both a plan and the one cheapest on typical times have late."
    return Grid(heads, (True, True, False), rows, note * bool(known.late_in_plan))


# Why: what differs from today or weighs most, and what stands in the way of better


def _why(subject: ReportSubject) -> Iterator[str]:
    result, today = subject.explanation.result, subject.today
    if result.pricing is not None:
        others = ""
        if today is not None and today.pricing is not None and today.problem.unit == result.problem.unit:
            yield "" if service_difference(result, today) else _what_changed(today, result)
            others = _other_figures(subject.rows)
        yield others or _busiest(result)
    yield _obstacle(subject)


def _what_changed(today: Result, result: Result) -> str:
    """Say which terms of the price make the difference to today's plan."""
    frame, unit = difference(today, result), result.problem.unit
    total = float(frame["change"].sum())
    if abs(total) <= _HELD * max(1.0, abs(today.objective or 0.0)):
        return ""
    large = frame[frame["change"].abs() >= _APART * abs(total)]

    def terms(part: pd.DataFrame) -> str:
        found = [
            f"{round_money(abs(row.change), unit)} on {plain(str(row.term))}"
            for row in named_rows(part.head(_MOST_TERMS))
        ]
        rest = float(part["change"].iloc[_MOST_TERMS:].abs().sum())
        return join_list(found + ([f"{round_money(rest, unit)} on the rest"] if rest else []))

    sides = [("better", terms(large[large["change"] < 0])), ("worse", terms(large[large["change"] > 0]))]
    (first, by), (second, against) = sides if total < 0 else sides[::-1]
    return f"{capital(first)} than today by {by}" + (f"; {second} by {against}." if against else ".")


def _other_figures(rows: Mapping[str, FigureRow]) -> str:
    """Say in what else the plan differs from today's."""
    parts = [
        f"{row.label[:1].lower()}{row.label[1:]} {row.short} instead of {row.today}"
        for row in rows.values()
        if row.figure is not None and row.today and row.change not in ("", "0", "–") and row.figure.rank == 1
    ]
    return f"Beside today's plan: {join_list(parts[:_MOST_FIGURES])}." if parts else ""


def _busiest(result: Result) -> str:
    """Say which machine or site is used most."""
    for roster in () if result.assessment is None else result.assessment.rosters():
        if "use" in roster.shares and roster.frame["use"].notna().any():
            most = roster.frame.iloc[int(roster.frame["use"].argmax())]
            share = percent_text(float(most["use"]))
            return f"The {roster.key} used most is {plain(str(most.iloc[0]))}: {share} of what it can do."
    return ""


def _obstacle(subject: ReportSubject) -> str:
    """Say what stands in the way of serving more, or in time; where nothing does, and all was read, say so."""
    why, known = subject.explanation, subject.explanation.result.assessment
    proved = why.result.status is Status.OPTIMAL
    # of a plan that is proved to be the best, what is closed stands in nobody's way
    causes = [each for each in why.causes if not (proved and each.kind == "closed")]
    groups, _ = group_reasons(causes, MOST_REASONS)
    for kind in _KINDS:
        if not (found := [group for group in groups if group.kind == kind]):
            continue
        group = max(found, key=lambda one: one.worst.amount or 0.0)
        several = len(group.reasons) > 1
        text = f"{group.counted}: {group.bottleneck}" if several else reason_text(group.worst)
        more = len(causes) - len(group.reasons)
        rest = f" ({count_text(more, 'more reason')} below)" if more else ""
        return f"{capital(shorten(text, LONGEST))}{rest}."
    if subject.unanswered or known is None or known.broken_rules or not known.coverage.complete:
        return ""
    late = any(figure.key == "lateness" for figure in known.figures())
    return f"Nothing is left out{', nothing is planned late' if late else ''} and every rule is kept."


# How sure


def _sure(subject: ReportSubject) -> Iterator[str]:
    result = subject.explanation.result
    if not subject.rows:
        return
    if subject.unanswered:
        yield UNREAD
        return
    if subject.punctuality is not None:
        yield from (subject.punctuality.days, subject.punctuality.chosen)
    if not subject.groundless:
        learned = any(law.fit is not None or law.parts for law in result.problem.laws().values())
        unmoved = "The price is worked out from given numbers; nothing was learned that could be off."
        if learned:
            unmoved = "The errors of what was learned hardly move the price."
        yield stake_sentence(result).replace(" on it.", " on the price.") or unmoved
    yield _bound(result, subject.today)
    known = result.assessment
    if known is not None and known.broken_rules:
        yield f"{count_text(len(known.broken_rules), 'rule is', 'rules are')} broken."
    else:
        yield "Every rule was checked again after planning, by a calculation of its own."
    learned = any(law.formula.fit is not None or law.formula.parts for law in subject.laws.values())
    outside = extrapolation_sentence(
        [one for one in subject.explanation.extrapolations if not one.below_zero]
    )
    yield outside or ("Nowhere does the plan go beyond the past data." if learned else "")


def _bound(result: Result, today: Result | None) -> str:
    """Say what is known about better plans."""
    worse = today is not None and today.objective is not None and today.objective < (result.objective or 0.0)
    if today is not None and worse and not service_difference(result, today):
        return "A better plan exists: today's."
    return bound_sentence(result) or "Whether a better plan exists is not known."


# What must be known before a plan is believed


def plan_notices(subject: ReportSubject) -> tuple[Notice, ...]:
    """Return what must be known before a plan is believed, what is not answered first."""
    why, today, result = subject.explanation, subject.today, subject.explanation.result
    known, notices = result.assessment, [*unanswered_notices(subject.unanswered)]

    def care(text: str, lines: Iterable[str] = (), **how: str) -> None:
        notices.append(Notice("care", text, _first(tuple(lines)), **how))

    def bad(text: str, label: str = "", lines: Sequence[str] = ()) -> None:
        notices.append(Notice("bad", text, _first(lines), label))

    if subject.groundless:
        bad(subject.groundless, "An example, no proposal")
    if known is not None and not known.coverage.complete:
        bad(left_out_sentence(result), capital(known.coverage.missing))
    if known is not None and known.broken_rules:
        bad(f"{known.broken_rules[0]}.", "Rules are broken", known.broken_rules[1:])
    if result.certificate is not None and not result.certificate.holds:
        bad(
            "The solver's objective differs from the law by more than the proven rounding bound. Do not rely on this "
            "plan."
        )
    if not result.has_plan:
        bad(cost_sentence(result))
    if striking := [f"{one.table}: {one.sentence}" for one in result.problem.unread() if one.striking]:
        care(
            "Nothing reads some columns that look as if they mattered: their values change nothing.", striking
        )
    if questions := result.problem.unusual():
        care("Some numbers are unusual for what they measure, or rows are missing: is that meant?", questions)
    if why.extrapolations:
        lines = [f"{one.where}: {one.message}" for one in why.extrapolations]
        care(extrapolation_sentence(why.extrapolations), lines, short="")
    if known is not None and known.implausible:
        care("What the laws say of some of it can hardly be.", (f"{each}." for each in known.implausible))
    notices += _doubtful(subject.laws)
    if today is not None and today.assessment is not None and today.assessment.broken_rules:
        text = (
            "Today's plan breaks rules that this one must keep: the two prices do not compare like with like."
        )
        care(text, today.assessment.broken_rules)
    if result.interrupted:
        care("The search was stopped by the user; this is the best plan so far.")
    if frozen := frozen_sentence(result):
        notices.append(Notice("note", frozen))
    return tuple(notices)


def _doubtful(laws: Mapping[str, LearnedLaw]) -> list[Notice]:
    """Return what is to be said of laws that are weak or of low trust; the first page names them together."""
    levels = {
        name: law.formula.verdict.level for name, law in laws.items() if law.formula.verdict is not None
    }
    low = [
        f"{name} ({'weak' if levels.get(name) == 'weak' else 'of low trust'})"
        for name, law in laws.items()
        if not law.trusted or levels.get(name) == "weak"
    ]
    told = join_list(low, _NAMES)
    short = f"Do not rely on this alone, what was learned is doubtful: {told}." if low else None
    # whoever asked for more than a law gives reads that before the price that rests on it
    distrusted = any(not law.trusted for law in laws.values())
    return [
        Notice("bad" if distrusted and not place else "care", text, short=short if not place else "")
        for place, text in enumerate(doubts(laws.values()))
    ]


def _first(lines: Sequence[str]) -> tuple[str, ...]:
    if len(lines) <= _LIST:
        return tuple(lines)
    return (*lines[:_LIST], f"and {count_text(len(lines) - _LIST, 'more', 'more')}")
