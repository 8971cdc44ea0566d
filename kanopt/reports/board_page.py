"""The first page of a report: what to do, what it saves, how sure that is and why, for people who do not plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kanopt.explain.service import does_less, service_difference
from kanopt.explain.summary import UNREAD, cost_sentence, stake_sentence
from kanopt.problems.result import Result, Status
from kanopt.reports.board_parts import (
    LONGEST,
    BoardPage,
    brief,
    first_cautions,
    first_changes,
    laws_table,
    tables_sentence,
)
from kanopt.reports.board_why import why_sentences
from kanopt.reports.figure_rows import FigureRow
from kanopt.reports.page_parts import KeyFigure, Link, Notice, Sentence, Tone, linked, row_ids, say, tone_of
from kanopt.reports.punctuality_section import punctuality_sentence
from kanopt.text import amount_text, count_text, join_list, number_text, percent_text, shorten

if TYPE_CHECKING:
    from kanopt.reports.subject import ReportSubject

_MOST_TILES = 12
_MOST_ASSUMED = 4
_TILES_IN_ROW = 4


def board_page(
    subject: ReportSubject, rows: Mapping[str, FigureRow], notices: tuple[Notice, ...]
) -> BoardPage:
    """Collect what the first page says.

    Parameters
    ----------
    subject
        The run or plan.
    rows
        The figures, each of which has a row on the page.
    notices
        What must be known before believing the rest.
    """
    return BoardPage(
        kicker=f"kanopt report · {subject.explanation.result.problem.kind}",
        alarms=tuple(brief(notice) for notice in notices if notice.level == "bad"),
        changes=first_changes(subject.changes),
        todo=() if subject.unanswered else tuple(filter(None, _todo(subject, rows))),
        heading="What this shows" if subject.groundless else "What to do",
        keys=tuple(_keys(subject, rows)),
        why=why_sentences(subject, rows),
        sure=tuple(filter(None, _sure(subject, rows))),
        laws=laws_table(subject.laws),
        tables=tables_sentence(subject.tables),
        assumed=tuple(_assumed(subject)),
        cautions=first_cautions(notices),
    )


def _todo(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> list[Sentence]:
    """Return what to do; a plan that leaves something out says that first."""
    result = subject.explanation.result
    known = result.assessment
    if known is None or not rows:
        return [(cost_sentence(result),)]
    served = _served(result)
    if subject.groundless:  # the warning above says why nothing is proposed
        return [
            served,
            say("On these guesses it would {} {}.", _verb(result).removesuffix("s"), rows["cost"].link),
        ]
    proposal = linked(f"{known.proposal}.", _amounts(result, rows)) if known.proposal else ()
    what = (served, proposal) if not known.coverage.complete else (proposal, served)
    return [_spaced(*what), _spaced(*_price(subject, rows))]


def _spaced(*sentences: Sentence) -> Sentence:
    """Put sentences one after the other."""
    found: list[str | Link] = []
    for sentence in filter(None, sentences):
        found += [" ", *sentence] if found else [*sentence]
    return tuple(found)


def _served(result: Result) -> Sentence:
    coverage = result.coverage
    if coverage is None or not coverage.text:
        return ()
    done = coverage.things - len(coverage.left_out)
    counted = coverage.words.count(coverage.things)
    known = (coverage.amount, counted, f"{done:,} of {counted}")
    # what is left out stands by name in the warning above
    text = shorten(coverage.text.removesuffix(f"; {coverage.missing}"), LONGEST)
    return linked(f"The plan {text}.", dict.fromkeys(known, "figure-served"))


def _amounts(result: Result, rows: Mapping[str, FigureRow]) -> dict[str, str]:
    """Return the amounts that a proposal may name, with the rows that have them."""
    found = {row.short: row.anchor for row in rows.values() if row.figure is not None}
    found |= {
        row.figure.note: row.anchor for row in rows.values() if row.figure is not None and row.figure.note
    }
    frame = result.to_frame()
    if "decision" in frame and "value" in frame:
        ids = row_ids("decision", [str(name) for name in frame["decision"]])
        units = frame["unit"] if "unit" in frame else [""] * len(frame)
        for value, unit, anchor in zip(frame["value"], units, ids, strict=True):
            found.setdefault(amount_text(float(value), str(unit)), anchor)
    return found


def _price(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> list[Sentence]:
    """Say what the plan costs and what it saves, once and in a year."""
    result, today = subject.explanation.result, subject.today
    cost, saving, year = rows["cost"], rows.get("saving"), rows.get("saving_year")
    verb = _verb(result)
    if saving is None or today is None:
        return [say("It {} {}.", verb, cost.link)]
    if other := service_difference(result, today):
        head = say("It {} {}.", verb, cost.link)
        text = shorten(f"today's plan {other}", LONGEST)
        word = "less" if (today.objective or 0.0) >= (result.objective or 0.0) else "more"
        but = "no saving" if does_less(result, today) else "the two plans do not do the same"
        rest = say(
            f"That is {{}} {word} than today, but {but}: {{}}.", saving.link, Link(text, saving.anchor)
        )
        return [head, rest]
    before = Link(cost.today, cost.anchor)
    if not (today.objective or 0.0) - (result.objective or 0.0):
        return [say("It {} {}, as much as today's plan.", verb, cost.link)]
    better = (result.objective or 0.0) < (today.objective or 0.0)
    word = ("more" if better else "less") if verb == "earns" else ("less" if better else "more")
    told = [say("It {} {}: {} {} than today's {}.", verb, cost.link, saving.link, word, before)]
    if year is not None:
        end = "saved" if better and verb == "costs" else word
        told.append(
            say(
                "Carried out {} times a year, that is {} {} in a year.",
                Link(number_text(subject.plans_per_year or 0.0), year.anchor),
                year.link,
                end,
            )
        )
    return told


def _verb(result: Result) -> str:
    return "earns" if (result.objective or 0.0) < 0 else "costs"


def _keys(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> list[KeyFigure]:
    """Return the tiles: cost, saving, service, and what the kind of problem counts."""
    result, today = subject.explanation.result, subject.today
    if not rows:
        return [KeyFigure("Plan", "none", "", result.status.value, "bad")]
    cost = _cost_key(result, rows)
    if subject.groundless:
        cost = replace(cost, label=f"Would {_verb(result).removesuffix('s')}", note="on guesses")
    keys = [cost, _saving_key(result, today, rows), *_served_key(result, rows)]
    own = [row for row in rows.values() if row.figure is not None and not _says_less(row, rows)]
    shown = [row for row in own if row.figure is not None and row.figure.rank == 1]
    filling = [row for row in own if row.figure is not None and row.figure.rank == 2]
    shown += filling[: -(len(keys) + len(shown)) % _TILES_IN_ROW]
    tiles = [_own_key(row) for row in own if row in shown]
    return [*keys, *tiles][:_MOST_TILES]


def _says_less(row: FigureRow, rows: Mapping[str, FigureRow]) -> bool:
    """Say whether a figure has no tile since another says more: that nothing is late in the plan itself."""
    return row.key == "lateness" and "on_time" in rows and row.figure is not None and not row.figure.value


def _cost_key(result: Result, rows: Mapping[str, FigureRow]) -> KeyFigure:
    row, terms = rows["cost"], None if result.pricing is None else result.pricing.terms()
    note = ""
    if terms is not None and len(terms) and result.objective and result.objective > 0:
        share = percent_text(float(terms.iloc[0]) / result.objective)
        note = f"most of it {shorten(str(terms.index[0]), 30)} ({share})"
    return KeyFigure(row.label, row.short, "", note, anchor=row.anchor)


def _saving_key(result: Result, today: Result | None, rows: Mapping[str, FigureRow]) -> KeyFigure:
    row, year = rows.get("saving"), rows.get("saving_year")
    if row is None or today is None:
        return KeyFigure("Saves", "not known", "", "no plan of today was given to compare with")
    if service_difference(result, today):
        if does_less(result, today):
            return KeyFigure(
                row.label, row.short, "", "not like with like: no saving", "bad", anchor=row.anchor
            )
        return KeyFigure(row.label, row.short, "", "not like with like", anchor=row.anchor)
    saved = (today.objective or 0.0) - (result.objective or 0.0)
    tone = tone_of(-saved)
    note = f"{year.short} in a year" if year is not None else f"today {rows['cost'].today}"
    return KeyFigure(row.label, row.short, "", note, tone, anchor=row.anchor)


def _served_key(result: Result, rows: Mapping[str, FigureRow]) -> list[KeyFigure]:
    row, coverage = rows.get("served"), result.coverage
    if row is None or coverage is None:
        return []
    tone: Tone = "" if coverage.complete else "bad"
    return [KeyFigure(row.label, row.short, "", shorten(row.how, 80), tone, anchor=row.anchor)]


def _own_key(row: FigureRow) -> KeyFigure:
    figure = row.figure
    assert figure is not None
    notes = [figure.note, f"today {row.today}" if row.today else ""]
    tone: Tone = "bad" if figure.bad else ""
    return KeyFigure(row.label, row.short, "", "; ".join(filter(None, notes)), tone, anchor=row.anchor)


def _sure(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> list[Sentence]:
    result = subject.explanation.result
    if not rows:
        return []
    if subject.unanswered:
        return [(UNREAD,)]
    in_time = punctuality_sentence(subject.punctuality, rows)
    return [
        in_time,
        () if subject.groundless else _band(result, rows),
        _bound(result, subject.today, rows),
        _rules(result),
        _outside(subject),
    ]


def _band(result: Result, rows: Mapping[str, FigureRow]) -> Sentence:
    """Say how far the price may be off, as far as the errors of the laws go."""
    stake = result.money_at_stake
    if stake is not None and not stake.is_known:
        return (stake_sentence(result),)
    if stake is None or "low" not in rows:
        learned = any(law.fit is not None or law.parts for law in result.problem.laws().values())
        known = "The errors of what was learned hardly move the price." if learned else ""
        return (
            known or "The price is worked out from given numbers; nothing was learned that could be off.",
        )
    chance = Link(percent_text(stake.level), rows["low"].anchor)
    ends = (rows["low"].link, rows["high"].link)
    if outside := stake.outside_words(earned=(result.objective or 0.0) < 0):
        return say(f"{outside[0].upper()}{outside[1:]}.", chance, *ends, rows["cost"].link)
    return say(
        "With {} probability the true price is between {} and {}, as far as errors of what was learned go.",
        chance,
        *ends,
    )


def _bound(result: Result, today: Result | None, rows: Mapping[str, FigureRow]) -> Sentence:
    """Say what is known about better plans."""
    clear = result.certificate is None or not result.certificate.solver_view
    if result.status is Status.OPTIMAL and clear and "bound" in rows:
        return ("No better plan exists; this is ", Link("proved", rows["bound"].anchor), ".")
    if result.status is Status.OPTIMAL and clear:
        return ("No better plan exists; this is proved.",)
    if "bound" in rows and "gap" in rows:
        word = "earn more" if (result.objective or 0.0) < 0 else "cost less"
        return say(
            "No plan can {} than {}, which is proved; at most {} is left to gain.",
            word,
            rows["bound"].link,
            rows["gap"].link,
        )
    if (
        rows.get("saving") is not None
        and today is not None
        and not service_difference(result, today)
        and (today.objective or 0.0) < (result.objective or 0.0)
    ):
        return say("A better plan exists: {}.", Link("today's", rows["saving"].anchor))
    return ("Whether a better plan exists is not known: no bound was proved.",)


def _rules(result: Result) -> Sentence:
    known = result.assessment
    if known is None:
        return ()
    if known.broken_rules:
        count = Link(count_text(len(known.broken_rules), "rule is", "rules are"), "checks")
        return say("{} broken.", count)
    return ("Every rule was checked again after planning, by a calculation of its own.",)


def _outside(subject: ReportSubject) -> Sentence:
    """Say where the plan goes beyond what the data shows."""
    places = Counter(one.law for one in subject.explanation.extrapolations if not one.below_zero)
    learned = any(law.formula.fit is not None or law.formula.parts for law in subject.laws.values())
    if not places:
        return ("Nowhere does the plan go beyond the past data.",) if learned else ()
    count = Link(count_text(places.total(), "place"), "cautions")
    return say(
        "In {} it goes beyond the past data ({}); its price is a guess there.",
        count,
        join_list(list(places), 3),
    )


def _assumed(subject: ReportSubject) -> list[Sentence]:
    """Say what is assumed where the data do not say, the first few."""
    own = len(subject.assumed)
    return [
        (Link(shorten(text, LONGEST), "provenance" if place < own else "figures"),)
        for place, text in enumerate(subject.assumptions[:_MOST_ASSUMED])
    ]
