"""Why a plan is as it is, in three sentences for people who do not plan themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from kanopt.display import Link, Sentence
from kanopt.explain import Explanation, difference
from kanopt.explain.differences import service_difference
from kanopt.explain.summary import MOST_REASONS, group_reasons, reason_text
from kanopt.pages.charts import named_rows
from kanopt.pages.figure_rows import FigureRow
from kanopt.pages.first_page import ids_by_name, join_sentences, plain, row_ids, say
from kanopt.plans.findings import Status
from kanopt.plans.result import Result
from kanopt.text import capital, count_text, percent_text, round_money, shorten

if TYPE_CHECKING:
    from kanopt.pages.figure_rows import ReportSubject

_MOST_TERMS = 4
_MOST_FIGURES = 3
_LARGE = 0.02
"""Share of the whole from which on a term is worth a word."""
_LONGEST = 230
_KINDS = ("infeasible", "unserved", "late", "closed")
_HELD = 1e-9


def term_ids(names: list[str]) -> dict[str, str]:
    """Return the id of the row of each cost term."""
    return ids_by_name("term", names)


def group_ids(names: list[str]) -> dict[str, str]:
    """Return the id of the row of each vehicle, machine, site or lane in the table of costs."""
    return ids_by_name("group", names)


def reason_ids(kind: str, count: int) -> tuple[str, ...]:
    """Return the ids of the first rows of reasons of one kind."""
    return tuple(f"reason-{kind}-{place}" for place in range(1, count + 1))


def why_sentences(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> tuple[Sentence, ...]:
    """Return what the cost comes from, what differs or weighs most, and what stands in the way of better."""
    why, today = subject.explanation, subject.today
    result = why.result
    if result.pricing is None:
        return tuple(filter(None, (_obstacle(subject),)))
    compared = today is not None and today.pricing is not None and today.problem.unit == result.problem.unit
    first: Sentence = ()
    if compared and today is not None and not service_difference(result, today):
        first = _what_changed(today, result, rows)
    second = _other_figures(rows) if compared else ()
    found = [first or _what_it_costs(why, rows), second or _busiest(why), _obstacle(subject)]
    return tuple(each for each in found if each)


def _what_changed(today: Result, result: Result, rows: Mapping[str, FigureRow]) -> Sentence:
    """Say which terms of the price make the difference to today's plan."""
    frame = difference(today, result)
    total = float(frame["change"].sum())
    if abs(total) <= _HELD * max(1.0, abs(today.objective or 0.0)):
        return ()
    anchors = term_ids([str(term) for term in _ordered(frame)["term"]])
    large = frame[frame["change"].abs() >= _LARGE * abs(total)]
    less, more = large[large["change"] < 0], large[large["change"] > 0]
    better, worse = (_terms(part, result, anchors) for part in (less, more))
    first, second = (better, worse) if total < 0 else (worse, better)
    words = ("Better", "worse") if total < 0 else ("Worse", "better")
    head = say(f"{words[0]} than today by {{}}", first)
    return say("{}; {} by {}.", head, words[1], second) if second else say("{}.", head)


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Return terms in the order of the table that has their rows."""
    return frame.sort_values("after", ascending=False, kind="stable")


def _terms(frame: pd.DataFrame, result: Result, anchors: Mapping[str, str]) -> Sentence:
    """Return the first terms of a change with their amounts."""
    unit = result.problem.unit
    found = [
        say("{} on {}", _money(abs(row.change), unit, anchors[str(row.term)]), plain(str(row.term)))
        for row in named_rows(frame.head(_MOST_TERMS))
    ]
    if len(frame) > _MOST_TERMS:
        rest = float(frame["change"].iloc[_MOST_TERMS:].abs().sum())
        found.append(say("{} on the rest", _money(rest, unit, "cost")))
    return join_sentences(found, ", ", " and ")


def _money(value: float, unit: str, anchor: str) -> Link:
    return Link(round_money(value, unit), anchor)


def _what_it_costs(why: Explanation, rows: Mapping[str, FigureRow]) -> Sentence:
    """Say what most of the cost is."""
    result = why.result
    frame = why.terms()
    earns = (result.objective or 0.0) < 0
    sign = -1.0 if earns else 1.0
    frame = frame.assign(amount=sign * frame["amount"])
    anchors = term_ids([str(term) for term in frame["term"]])
    large = frame[frame["amount"] > 0].sort_values("amount", ascending=False, kind="stable").head(_MOST_TERMS)
    if large.empty or "cost" not in rows:
        return ()
    parts = [
        say(
            "{} ({}) {}",
            _money(row.amount, result.problem.unit, anchors[str(row.term)]),
            Link(percent_text(sign * row.share if earns else row.share), anchors[str(row.term)]),
            ("from " if earns else "for ") + plain(str(row.term)),
        )
        for row in named_rows(large)
    ]
    head = "Of {} that it earns, the largest {} {}." if earns else "Of {} that it costs, the largest {} {}."
    return say(
        head,
        rows["cost"].link,
        "part is" if len(parts) == 1 else "parts are",
        join_sentences(parts, ", ", " and "),
    )


def _other_figures(rows: Mapping[str, FigureRow]) -> Sentence:
    """Say in what else the plan differs from today's."""
    found = [
        row
        for row in rows.values()
        if row.figure is not None and row.today and row.change not in ("", "0", "–") and row.figure.rank == 1
    ]
    parts = [
        say(
            "{} {} instead of {}",
            row.label[:1].lower() + row.label[1:],
            row.link,
            Link(row.today, row.anchor),
        )
        for row in found[:_MOST_FIGURES]
    ]
    return say("Beside today's plan: {}.", join_sentences(parts, ", ", " and ")) if parts else ()


def _busiest(why: Explanation) -> Sentence:
    """Say which machine or site is used most."""
    known = why.result.assessment
    for roster in () if known is None else known.rosters():
        if "use" not in roster.shares or not roster.frame["use"].notna().any():
            continue
        names = [str(name) for name in roster.frame.iloc[:, 0]]
        place = int(roster.frame["use"].argmax())
        share = percent_text(float(roster.frame["use"].iloc[place]))
        anchor = row_ids(roster.key, names)[place]
        return say(
            "The {} used most is {}: {} of what it can do.",
            roster.key,
            plain(names[place]),
            Link(share, anchor),
        )
    return ()


def _obstacle(subject: ReportSubject) -> Sentence:
    """Say what stands in the way of serving more, or in time; where nothing does, and all was read, say so."""
    why = subject.explanation
    proved = why.result.status is Status.OPTIMAL
    # of a plan that is proved to be the best, what is closed stands in nobody's way
    causes = [each for each in why.causes if not (proved and each.kind == "closed")]
    groups, _ = group_reasons(causes, MOST_REASONS)
    places = {kind: [group for group in groups if group.kind == kind] for kind in _KINDS}
    for kind, found in places.items():
        if not found:
            continue
        ids = reason_ids(kind, len(found))
        worst = max(range(len(found)), key=lambda place: found[place].worst.amount or 0.0)
        group = found[worst]
        several = len(group.reasons) > 1
        text = f"{group.counted}: {group.bottleneck}" if several else reason_text(group.worst)
        text = shorten(text, _LONGEST)
        more = len(causes) - len(group.reasons)
        rest = say(" ({} below)", Link(count_text(more, "more reason"), "reasons")) if more else ""
        return say("{}{}.", Link(capital(text), ids[worst]), rest)
    result = why.result
    known = result.assessment
    if subject.unanswered or known is None or known.broken_rules or not known.coverage.complete:
        return ()
    kept = "every rule is kept"
    if not any(figure.key == "lateness" for figure in known.figures()):
        return (f"Nothing is left out and {kept}.",)
    return (f"Nothing is left out, nothing is planned late and {kept}.",)
