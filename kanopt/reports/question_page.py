"""The answer to a question as data for its template: a first page as plans have one, pictures, tables and basis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanopt.reports.board_parts import (
    LONGEST,
    MOST_LINES,
    BoardPage,
    brief,
    first_cautions,
    first_changes,
    law_ids,
    laws_table,
    table_ids,
    tables_sentence,
    unanswered_notices,
)
from kanopt.reports.page_parts import (
    NARROW,
    FactList,
    Figure,
    KeyFigure,
    Link,
    Notice,
    PageTable,
    Sentence,
    figure_of,
)
from kanopt.text import count_text, money_text, shorten

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems.base import Problem
    from kanopt.tables import TableReport
    from kanopt.whatif import LearnedLaw, Scenario

_WIDE = 860
_MOST_TILES = 12
_MOST_LINES = 6
_LONG_ANSWER = 400
_LONG_ASSUMED = 130


@dataclass(frozen=True)
class Basis:
    """What an answer rests on: laws, tables, changes made before it was asked, and all of it with versions as facts."""

    laws: Mapping[str, LearnedLaw]
    tables: Mapping[str, TableReport]
    changes: tuple[str, ...]
    facts: FactList
    unanswered: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageSection:
    """What is said of one thing that was asked about: sentences, what it changes, tables, and pairs of pictures."""

    name: str
    lines: tuple[str, ...]
    changes: tuple[str, ...]
    tables: tuple[PageTable, ...]
    pairs: tuple[tuple[Figure, Figure], ...] = ()


@dataclass(frozen=True)
class QuestionPage:
    """Everything the template prints.

    Parameters
    ----------
    kicker
        What kind of question it is.
    title
        The question in words.
    answer
        What came of it, a sentence each; the one that matters first.
    lines
        More of the answer, as a list.
    keys
        The figures that matter.
    sure
        How far they can be relied on.
    notices
        What must be known before believing the rest.
    figures
        Pictures, of which the first is the answer.
    tables
        Tables.
    basis
        What it rests on.
    assumed
        What is assumed where the data do not say.
    sections
        What is said of each thing that was asked about, by itself.
    others
        What those rest on, by name.
    """

    kicker: str
    title: str
    answer: tuple[str, ...]
    lines: tuple[str, ...]
    keys: tuple[KeyFigure, ...]
    sure: tuple[str, ...]
    notices: tuple[Notice, ...]
    figures: tuple[Figure, ...]
    tables: tuple[PageTable, ...]
    basis: Basis
    assumed: tuple[str, ...] = ()
    sections: tuple[PageSection, ...] = ()
    others: tuple[tuple[str, FactList], ...] = ()

    @property
    def is_shortened(self) -> bool:
        """Whether the first page leaves out or cuts off some of the sentences."""
        lines = (*((each, _LONG_ANSWER) for each in self.answer), *((each, LONGEST) for each in self.lines))
        return max(len(self.answer), len(self.lines)) > _MOST_LINES or any(
            len(line) > most for line, most in lines
        )

    @property
    def board(self) -> BoardPage:
        """The first page."""
        notices = (*unanswered_notices(self.basis.unanswered), *self.notices)
        return BoardPage(
            kicker=self.kicker,
            alarms=tuple(brief(each) for each in notices if each.level == "bad"),
            changes=first_changes(self.basis.changes),
            todo=first_lines(self.answer, "lines", _LONG_ANSWER),
            keys=self.keys[:_MOST_TILES],
            why=first_lines(self.lines, "lines"),
            sure=first_lines(self.sure, "figures"),
            laws=laws_table(self.basis.laws),
            tables=tables_sentence(self.basis.tables, "provenance"),
            assumed=first_lines(tuple(map(_sentence, self.assumed)), "assumed", _LONG_ASSUMED, MOST_LINES),
            cautions=first_cautions(self.notices),
            figure=self.figures[0] if self.figures else None,
            heading="The answer",
            second="What else",
        )


def first_lines(
    lines: tuple[str, ...], anchor: str, longest: int = LONGEST, most: int = _MOST_LINES
) -> tuple[Sentence, ...]:
    """Return the first few lines, as a first page has room for, and where the others are."""
    found: list[Sentence] = [(shorten(line, longest),) for line in lines[:most]]
    if len(lines) > most:
        found.append((Link(f"And {count_text(len(lines) - most, 'more', 'more')} below.", anchor),))
    return tuple(found)


def question_figure(draw: Callable[[Any], object], caption: str, height: int) -> Figure:
    """Draw a picture as wide as the page, and one for phones."""
    return figure_of(
        draw, caption=caption, label=caption, size=(_WIDE, height), narrow=(NARROW, int(1.1 * height))
    )


def cautions(notes: Iterable[str]) -> list[Notice]:
    """Return notices of what must be said beside the figures, as sentences; a name at its head stays as it is."""
    found = []
    for note in notes:
        is_word = note.partition(" ")[0].isalpha()
        found.append(
            Notice("care", f"{note[:1].upper() if is_word else note[:1]}{note[1:]}".rstrip(".") + ".")
        )
    return found


def stopped(interrupted: bool, where: str) -> list[Notice]:
    """Return the notice that not all was asked, where the user stopped it."""
    return [Notice("bad", f"The user stopped it {where}.", label="Stopped")] if interrupted else []


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def noise_sentence(noise: pd.Series[float] | None, unit: str) -> str:
    """Say how far repeated searches lie apart; None is where the same plan is priced everywhere."""
    if noise is None:
        return "The same plan is priced everywhere: nothing is searched, so that differences are exact."
    if not noise.notna().any():
        return "How far repeated searches lie apart was not measured: a small difference may be none."
    most = float(noise.max())
    if not most:
        return "Searches that were repeated found the same again: differences are those of the plans."
    return (
        f"Repeated searches lie up to {money_text(most, unit)} apart: what differs by less is no difference."
    )


def learned_sentence(problem: Problem[Any]) -> tuple[str, ...]:
    """Say that errors of what was learned are not in the figures, where something was."""
    learned = any(law.fit is not None or law.parts for law in problem.laws().values())
    told = "Prices are those of what was learned, without its errors; kanopt monte-carlo draws these, too."
    return (told,) if learned else ()


def fact_ids(
    words: Iterable[str], laws: Mapping[str, LearnedLaw], tables: Mapping[str, TableReport]
) -> tuple[str, ...]:
    """Return the ids of facts about laws and tables, to which the first page leads; of others none."""
    anchors = {f"law {name}": anchor for name, anchor in law_ids(laws).items()}
    anchors |= {f"table {name}": anchor for name, anchor in table_ids(list(tables)).items()}
    return tuple(anchors.get(word, "") for word in words)


def basis_of(scenario: Scenario | None, problem: Problem[Any] | None) -> Basis:
    """Return what an answer rests on."""
    from kanopt.tables import report_of
    from kanopt.whatif import LearnedLaw
    from kanopt.whatif.run import environment, sources, unanswered

    known = {} if problem is None else problem.laws()
    laws = {name: LearnedLaw(name, formula) for name, formula in known.items()}
    tables = {} if scenario is None else {name: report_of(frame) for name, frame in scenario.tables.items()}
    facts = {} if scenario is None else sources(scenario)
    facts |= {f"law {name}": str(law) for name, law in known.items()}
    facts |= environment()
    ids = fact_ids(facts, laws, tables)
    changes = () if scenario is None else scenario.change_sentences()
    open_ones = () if scenario is None else unanswered([scenario])
    return Basis(laws, tables, changes, FactList(tuple(facts.items()), ids), open_ones)
