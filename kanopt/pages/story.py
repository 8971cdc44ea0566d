"""What is said of a plan where there are only words: the sections of summaries in Markdown and in sheets."""

from __future__ import annotations

from collections.abc import Iterable

from kanopt.display import Lines, Section
from kanopt.explain.summary import (
    bound_sentence,
    caveat_sentence,
    choice_sentence,
    cost_sentence,
    coverage_sentence,
    extrapolation_sentence,
    frozen_sentence,
    issue_sentences,
    left_out_sentence,
    stake_sentence,
    today_sentence,
    weak_law_sentences,
)
from kanopt.pages.subject import ReportSubject


def story(subject: ReportSubject) -> dict[str, Section]:
    """Return the sections of a summary that have something to say, by what they are about.

    Parameters
    ----------
    subject
        The run or plan.

    Returns
    -------
    dict
        ``changed``, ``open`` (not answered), ``todo``, ``cost``, ``out`` (left out), ``sure`` and ``assumed``.
    """
    why, result, guessed = subject.explanation, subject.explanation.result, bool(subject.groundless)
    known, often, unread = result.assessment, subject.punctuality, bool(subject.unanswered)
    proposal = "" if known is None or guessed or not known.proposal else f"{known.proposal}."
    todo = [subject.groundless, proposal, coverage_sentence(result), choice_sentence(result)]
    broken = () if known is None else known.broken_rules
    left_out = [
        left_out_sentence(result),
        *issue_sentences(result, why.causes),
        *(f"{each}." for each in broken),
    ]
    sure = [
        "" if often is None or result.objective is None else often.text(),
        *weak_law_sentences(result),
        "" if guessed else stake_sentence(result),
        caveat_sentence(result),
        extrapolation_sentence(why.extrapolations) if why.extrapolations else "",
        frozen_sentence(result),
        bound_sentence(result, unread=unread),
    ]
    costs = [cost_sentence(result, guessed=guessed), today_sentence(result, subject.today)]
    told: dict[str, tuple[str, Iterable[str], str]] = {
        "changed": ("Changed", subject.changes, ""),
        "open": ("Not answered", subject.unanswered, ""),
        "todo": ("What this shows" if guessed else "What to do", () if unread else todo, ""),
        "cost": ("What it would cost" if guessed else "What it costs", costs, ""),
        "out": (
            "What is left out, and why",
            left_out,
            "" if unread else "Nothing is left out, and no rule is broken.",
        ),
        "sure": ("How sure", sure, "No law was learned, and no bound is claimed."),
        "assumed": ("What is assumed", subject.assumptions, ""),
    }
    found = {}
    for key, (title, sentences, otherwise) in told.items():
        said = tuple(filter(None, sentences))
        if said:
            found[key] = Section(title, (Lines(said, "changes"),), key)
        elif otherwise:
            found[key] = Section(title, (otherwise,), key)
    return found
