"""The first page of a plan: what to do, what it saves, how sure that is and why, for people who do not plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kanopt.display import (
    Grid,
    KeyFigure,
    Lines,
    Link,
    Notice,
    Notices,
    Part,
    Section,
    Sentence,
    Tone,
    words_of,
)
from kanopt.explain.differences import does_less, service_difference
from kanopt.explain.summary import (
    UNREAD,
    bound_sentence,
    cost_sentence,
    extrapolation_sentence,
    frozen_sentence,
    left_out_sentence,
    stake_sentence,
)
from kanopt.pages.figure_rows import FigureRow, figure_rows
from kanopt.pages.first_page import (
    LONGEST,
    FirstPage,
    join_sentences,
    linked,
    row_ids,
    say,
    tone_of,
    unanswered_notices,
)
from kanopt.pages.plan_why import why_sentences
from kanopt.plans.result import Result
from kanopt.scenarios.learn import doubts
from kanopt.text import (
    capital,
    count_text,
    join_list,
    money_text,
    number_text,
    percent_text,
    shorten,
    sure_text,
)

if TYPE_CHECKING:
    from kanopt.pages.figure_rows import ReportSubject
    from kanopt.scenarios import LearnedLaw

_MOST_ASSUMED = 4
_LIST, _NAMES = 12, 5
_TILES_IN_ROW = 4
_FEWEST_CHOICES = 2
_APART = 0.02
"""Shares of days that are told apart."""


def plan_first(
    subject: ReportSubject, rows: Mapping[str, FigureRow], notices: tuple[Notice, ...]
) -> FirstPage:
    """Collect what the first page of a plan says.

    Parameters
    ----------
    subject
        The run or plan.
    rows
        The figures, each of which has a row on the page.
    notices
        What must be known before believing the rest.
    """
    own = len(subject.assumed)
    return FirstPage(
        todo=() if subject.unanswered else tuple(filter(None, _todo(subject, rows))),
        figures=tuple(_keys(subject, rows)),
        why=why_sentences(subject, rows),
        sure=tuple(filter(None, _sure(subject, rows))),
        notices=notices,
        changes=subject.changes,
        laws=subject.laws,
        tables=subject.tables,
        assumed=tuple(
            (Link(shorten(text, LONGEST), "provenance" if place < own else "figures"),)
            for place, text in enumerate(subject.assumptions[:_MOST_ASSUMED])
        ),
        choices=None if subject.unanswered or subject.groundless else _frontier(subject),
        heading="What this shows" if subject.groundless else "What to do",
    )


def _todo(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> list[Sentence]:
    """Return what to do; a plan that leaves something out says that first."""
    result = subject.explanation.result
    known = result.assessment
    if known is None or not rows:
        return [(cost_sentence(result),)]
    served = _served(result)
    if subject.groundless:  # the warning above says why nothing is proposed
        guess = say("On these guesses it would {} {}.", _verb(result).removesuffix("s"), rows["cost"].link)
        return [served, guess]
    figures = [(row.figure, row.anchor) for row in rows.values() if row.figure is not None]
    amounts = {text: anchor for figure, anchor in figures for text in (figure.text, figure.note) if text}
    proposal = linked(f"{known.proposal}.", amounts) if known.proposal else ()
    what = (served, proposal) if not known.coverage.complete else (proposal, served)
    return [join_sentences(what), _price(subject, rows)]


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


def _price(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> Sentence:
    """Say what the plan costs and what it saves, once and in a year."""
    result, today = subject.explanation.result, subject.today
    cost, saving, year = rows["cost"], rows.get("saving"), rows.get("saving_year")
    verb = _verb(result)
    head = say("It {} {}", verb, cost.link)
    if saving is None or today is None:
        return say("{}.", head)
    saved = (today.objective or 0.0) - (result.objective or 0.0)
    if other := service_difference(result, today):
        text = shorten(f"today's plan {other}", LONGEST)
        word = "less" if saved >= 0 else "more"
        but = "no saving" if does_less(result, today) else "the two plans do not do the same"
        difference = (saving.link, Link(text, saving.anchor))
        return say(f"{{}}. That is {{}} {word} than today, but {but}: {{}}.", head, *difference)
    if not saved:
        return say("{}, as much as today's plan.", head)
    word = ("more" if saved > 0 else "less") if verb == "earns" else ("less" if saved > 0 else "more")
    told = say("{}: {} {} than today's {}.", head, saving.link, word, Link(cost.today, cost.anchor))
    if year is None:
        return told
    times = Link(number_text(subject.plans_per_year or 0.0), year.anchor)
    end = "saved" if saved > 0 and verb == "costs" else word
    return say("{} Carried out {} times a year, that is {} {} in a year.", told, times, year.link, end)


def _verb(result: Result) -> str:
    return "earns" if (result.objective or 0.0) < 0 else "costs"


def _keys(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> list[KeyFigure]:
    """Return the tiles: cost, saving, service, and what the kind of problem counts."""
    result, today = subject.explanation.result, subject.today
    if not rows:
        return [KeyFigure("Plan", "none", "", result.status.value, "bad")]
    cost = _cost_key(result, rows["cost"])
    if subject.groundless:
        cost = replace(cost, label=f"Would {_verb(result).removesuffix('s')}", note="on guesses")
    keys = [cost, _saving_key(result, today, rows), *_served_key(result, rows)]
    own = [row for row in rows.values() if row.figure is not None and not _says_less(row, rows)]
    shown = [row for row in own if row.figure is not None and row.figure.rank == 1]
    filling = [row for row in own if row.figure is not None and row.figure.rank == 2]
    shown += filling[: -(len(keys) + len(shown)) % _TILES_IN_ROW]
    for row in own:
        if row in shown and row.figure is not None:
            notes = [row.figure.note, f"today {row.today}" if row.today else ""]
            keys.append(_key(row, "; ".join(filter(None, notes)), "bad" if row.figure.bad else ""))
    return keys


def _key(row: FigureRow, note: str, tone: Tone = "") -> KeyFigure:
    return KeyFigure(row.label, row.short, "", note, tone, anchor=row.anchor)


def _says_less(row: FigureRow, rows: Mapping[str, FigureRow]) -> bool:
    """Say whether a figure has no tile since another says more: that nothing is late in the plan itself."""
    return row.key == "lateness" and "on_time" in rows and row.figure is not None and not row.figure.value


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


def _served_key(result: Result, rows: Mapping[str, FigureRow]) -> list[KeyFigure]:
    row, coverage = rows.get("served"), result.coverage
    if row is None or coverage is None:
        return []
    return [_key(row, shorten(row.how, 80), "" if coverage.complete else "bad")]


def _sure(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> list[Sentence]:
    result = subject.explanation.result
    if not rows:
        return []
    if subject.unanswered:
        return [(UNREAD,)]
    return [
        _in_time(subject, rows),
        () if subject.groundless else _band(result, rows),
        _bound(result, subject.today, rows),
        _rules(result),
        _outside(subject),
    ]


def _in_time(subject: ReportSubject, rows: Mapping[str, FigureRow]) -> Sentence:
    """Say on what share of days all is in time, and what is most often late; nothing where that is not known."""
    known = subject.punctuality
    if known is None or "on_time" not in rows:
        return ()
    text, parts = known.words()
    worst = row_ids("in-time", known.frame["name"].head(1))[0]
    anchors = {"on_time": rows["on_time"].anchor, "name": worst, "often": worst}
    late = rows["lateness"].anchor if "lateness" in rows else "punctuality"
    return say(text, *(Link(part, anchors.get(key, late)) for key, part in parts.items()))


def _frontier(subject: ReportSubject) -> Grid | None:
    """Return what being in time costs with these routes, the plan and today's among the choices; none where unknown."""
    known, today = subject.explanation.result.days_in_time, subject.today
    if known is None or len(subject.frontier) < _FEWEST_CHOICES:
        return None
    lines = [(share, price, "") for share, price in subject.frontier if abs(share - known.share) > _APART]
    lines[0] = (*lines[0][:2], "cheapest on typical times")
    lines.append((known.share, known.price, "this plan"))
    if today is not None and today.days_in_time is not None:
        lines.append((today.days_in_time.share, today.days_in_time.price, "today"))
    rows = tuple(
        (sure_text(share), money_text(price), told)
        for share, price, told in sorted(lines, key=lambda one: one[1])
    )
    heads = ("days in time", subject.explanation.result.problem.unit, "plan")
    return Grid(heads, (True, True, False), rows)


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
        return say(f"{capital(outside)}.", chance, *ends, rows["cost"].link)
    words = (
        "With {} probability the true price is between {} and {}, as far as errors of what was learned go."
    )
    return say(words, chance, *ends)


def _bound(result: Result, today: Result | None, rows: Mapping[str, FigureRow]) -> Sentence:
    """Say what is known about better plans."""
    saving, worse = (
        rows.get("saving"),
        today is not None and (today.objective or 0.0) < (result.objective or 0.0),
    )
    if saving is not None and today is not None and worse and not service_difference(result, today):
        return say("A better plan exists: {}.", Link("today's", saving.anchor))
    links = {rows[key].short: rows[key].anchor for key in ("bound", "gap") if key in rows}
    links |= {"proved": rows["bound"].anchor} if "bound" in rows else {}
    return linked(bound_sentence(result), links) or ("Whether a better plan exists is not known.",)


def _rules(result: Result) -> Sentence:
    known = result.assessment
    if known is None:
        return ()
    if known.broken_rules:
        return say(
            "{} broken.", Link(count_text(len(known.broken_rules), "rule is", "rules are"), "cautions")
        )
    return ("Every rule was checked again after planning, by a calculation of its own.",)


def _outside(subject: ReportSubject) -> Sentence:
    """Say where the plan goes beyond what the data shows."""
    places = Counter(one.law for one in subject.explanation.extrapolations if not one.below_zero)
    learned = any(law.formula.fit is not None or law.formula.parts for law in subject.laws.values())
    if not places:
        return ("Nowhere does the plan go beyond the past data.",) if learned else ()
    count = Link(count_text(places.total(), "place"), "cautions")
    words = "In {} it goes beyond the past data ({}); its price is a guess there."
    return say(words, count, join_list(list(places), 3))


def plan_notices(subject: ReportSubject) -> tuple[Notice, ...]:
    """Return what must be known before a plan is believed, what is not answered first."""
    why, today, result = subject.explanation, subject.today, subject.explanation.result
    known, notices = result.assessment, [*unanswered_notices(subject.unanswered)]
    if subject.groundless:
        notices.append(Notice("bad", subject.groundless, label="An example, no proposal"))
    if known is not None and not known.coverage.complete:
        notices.append(Notice("bad", left_out_sentence(result), label=capital(known.coverage.missing)))
    if known is not None and known.broken_rules:
        first, *others = known.broken_rules
        notices.append(Notice("bad", f"{first}.", _first(others), label="Rules are broken"))
    if result.certificate is not None and not result.certificate.holds:
        text = "The solver's objective differs from the law by more than the proven rounding bound."
        notices.append(Notice("bad", f"{text} Do not rely on this plan."))
    if not result.has_plan:
        notices.append(Notice("bad", cost_sentence(result)))
    if striking := [found for found in result.problem.unread() if found.striking]:
        text = "Nothing reads some columns that look as if they mattered: their values change nothing."
        lines = tuple(f"{found.table}: {found.sentence}" for found in striking)
        notices.append(Notice("care", text, _first(lines)))
    if questions := result.problem.unusual():
        text = "Some numbers are unusual for what they measure, or rows are missing: is that meant?"
        notices.append(Notice("care", text, _first(questions)))
    if why.extrapolations:
        lines = tuple(f"{one.where}: {one.message}" for one in why.extrapolations)
        notices.append(Notice("care", extrapolation_sentence(why.extrapolations), _first(lines), short=""))
    if known is not None and known.implausible:
        text = "What the laws say of some of it can hardly be."
        notices.append(Notice("care", text, _first([f"{clause}." for clause in known.implausible])))
    notices += _doubtful(subject.laws)
    if today is not None and today.assessment is not None and today.assessment.broken_rules:
        text = (
            "Today's plan breaks rules that this one must keep: the two prices do not compare like with like."
        )
        notices.append(Notice("care", text, _first(today.assessment.broken_rules)))
    if result.interrupted:
        notices.append(Notice("care", "The search was stopped by the user; this is the best plan so far."))
    if frozen := frozen_sentence(result):
        notices.append(Notice("note", frozen))
    return tuple(notices)


def _doubtful(laws: Mapping[str, LearnedLaw]) -> list[Notice]:
    """Return what is to be said of laws that are weak or of low trust; the first page names them together."""
    found = doubts(laws.values())
    levels = {
        name: "" if law.formula.verdict is None else law.formula.verdict.level for name, law in laws.items()
    }
    low = {
        name: "weak" if levels[name] == "weak" else "of low trust"
        for name, law in laws.items()
        if not law.trusted or levels[name] == "weak"
    }
    named = join_list([f"{name} ({what})" for name, what in low.items()], _NAMES)
    short = f"Do not rely on this alone, what was learned is doubtful: {named}." if named else None
    # whoever asked for more than a law gives reads that before the price that rests on it
    distrusted = any(not law.trusted for law in laws.values())
    return [
        Notice("bad" if distrusted and not place else "care", text, short=short if not place else "")
        for place, text in enumerate(found)
    ]


def _first(lines: Sequence[str]) -> tuple[str, ...]:
    if len(lines) <= _LIST:
        return tuple(lines)
    return (*lines[:_LIST], f"and {count_text(len(lines) - _LIST, 'more', 'more')}")


def plan_words(subject: ReportSubject) -> Iterator[tuple[str, str]]:
    """Yield the sentences of the first page, each with its heading where it is the first below that."""
    page = plan_first(subject, figure_rows(subject), plan_notices(subject))
    yield from _sentences(page.parts())


def _sentences(parts: Iterable[Part]) -> Iterator[tuple[str, str]]:
    for part in parts:
        match part:
            case Section():
                for place, (head, said) in enumerate(_sentences(part.parts)):
                    yield head or ("" if place else part.title), said
            case Lines():
                yield from (("", words_of(line)) for line in part.items)
            case Notices():
                yield from (("", f"{one.label}. {one.text}".removeprefix(". ")) for one in part.items)
