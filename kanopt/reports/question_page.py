"""The answer to a question as data for its template: the question in words, the figure that matters, the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanopt.reports.page_parts import NARROW, FactList, Figure, KeyFigure, Notice, PageTable, figure_of

if TYPE_CHECKING:
    from kanopt.problems.base import Problem
    from kanopt.whatif import Scenario

__all__ = ["QuestionPage", "cautions", "provenance_of", "question_figure"]

_WIDE = 860


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
    notices
        What must be known before believing the rest.
    figures
        Pictures.
    tables
        Tables.
    provenance
        Laws, files and versions.
    """

    kicker: str
    title: str
    answer: tuple[str, ...]
    lines: tuple[str, ...]
    keys: tuple[KeyFigure, ...]
    notices: tuple[Notice, ...]
    figures: tuple[Figure, ...]
    tables: tuple[PageTable, ...]
    provenance: FactList


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


def provenance_of(scenario: Scenario | None, problem: Problem[Any] | None) -> FactList:
    """Return what an answer rests on: laws, files, tables and versions."""
    from kanopt.whatif.run import environment, sources

    facts = {} if scenario is None else sources(scenario)
    laws = {} if problem is None else {f"law {name}": str(law) for name, law in problem.laws().items()}
    return FactList(tuple((laws | facts | environment()).items()))
