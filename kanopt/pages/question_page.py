"""The page of an answer to a question: a first page as plans have one, charts, tables and what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanopt.display import Chart, Facts, Fold, Grid, KeyFigure, Lines, Notice, Notices, Page, Part, Section
from kanopt.pages.first_page import (
    LONGEST,
    NARROW,
    WIDE,
    FirstPage,
    Formatter,
    caution,
    chart_of,
    first_lines,
    law_ids,
    number_form,
    table_ids,
    table_of,
    unanswered_notices,
)
from kanopt.questions.axes import value_text
from kanopt.questions.question import unit_of_axis
from kanopt.text import capital, money_decimals, money_text, percent_text, range_text

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.plans.base import Problem
    from kanopt.plans.result import Result
    from kanopt.questions.axes import Axis
    from kanopt.scenarios import LearnedLaw, Scenario
    from kanopt.scenarios.run import TableExports
    from kanopt.tables import TableReport

_MOST_LINES = 6
_MOST_VALUES = 4
_CHANGES = ("change", "data_effect", "replanning_effect", "low_effect", "high_effect", "kept_")
_HEADS = {
    "path": "input",
    "data_effect": "new data, old plan",
    "replanning_effect": "new plan",
    "noise": "noise of the search",
    "message": "why",
    "kept_low": "plan kept, low",
    "kept_high": "plan kept, high",
    "low_effect": "change at low",
    "high_effect": "change at high",
    "q05": "5 % quantile",
    "q50": "median",
    "q95": "95 % quantile",
    "worst": "worst tenth",
    "cheapest": "is the cheapest",
    "keeps": "decided so",
    "instead": "else",
}
_LONG_ANSWER = 400
_LONG_ASSUMED = 130


@dataclass(frozen=True)
class Basis:
    """What an answer rests on: laws, tables, changes made before it was asked, and all of it with versions as facts."""

    laws: Mapping[str, LearnedLaw]
    tables: Mapping[str, TableReport]
    changes: tuple[str, ...]
    facts: Facts
    unanswered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is said of a question.

    Parameters
    ----------
    kicker, title
        What kind of question it is, and the question in words.
    answer
        What came of it, a sentence each; the one that matters first.
    figures
        The figures that matter.
    sure
        How far they can be relied on.
    charts
        Pictures, of which the first is the answer.
    tables
        Tables.
    basis
        What it rests on.
    lines
        More of the answer, as a list.
    notices
        What must be known before believing the rest.
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
    figures: tuple[KeyFigure, ...]
    sure: tuple[str, ...]
    charts: tuple[Chart, ...]
    tables: tuple[Grid, ...]
    basis: Basis
    lines: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    assumed: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    others: tuple[tuple[str, Facts], ...] = ()

    def page(self) -> Page:
        """List the blocks of its page."""
        found: list[Section] = []
        if len(self.charts) > 1:
            title = "The picture" if len(self.charts) == 2 else "Pictures"
            found.append(Section(title, self.charts[1:], "picture", short="Pictures"))
        found.append(Section("The figures", self.tables, "figures", short="The figures"))
        found += self.sections
        if self.lines or len(self.answer) > _MOST_LINES:
            words = Lines((*self.answer, *self.lines), "changes")
            found.append(Section("In words", (words,), "lines", short="In words"))
        if self.notices:
            found.append(Section("Be careful", (Notices(self.notices),), "cautions", short="Be careful"))
        if self.assumed:
            found.append(Section("What is assumed", (Lines(self.assumed, "changes"),), "assumed"))
        folded = [Fold(name, (facts,)) for name, facts in self.others]
        changes: list[Part] = [Lines(self.basis.changes, "changes")] if self.basis.changes else []
        rests = (*changes, self.basis.facts, *folded)
        found.append(Section("Provenance", rests, "provenance", short="Provenance"))
        return Page(self.kicker, self.title, self._first().parts(), tuple(found), bool(self.sections))

    def _first(self) -> FirstPage:
        assumed = tuple(f"{capital(text)}." for text in self.assumed)
        return FirstPage(
            todo=first_lines(self.answer, "lines", _LONG_ANSWER, _MOST_LINES),
            figures=self.figures,
            why=first_lines(self.lines, "lines", LONGEST, _MOST_LINES),
            sure=first_lines(self.sure, "figures", LONGEST, _MOST_LINES),
            notices=(*unanswered_notices(self.basis.unanswered), *self.notices),
            changes=self.basis.changes,
            laws=self.basis.laws,
            tables=self.basis.tables,
            tables_anchor="provenance",
            assumed=first_lines(assumed, "assumed", _LONG_ASSUMED, 2),
            chart=self.charts[0] if self.charts else None,
            heading="The answer",
            second="What else",
        )


def asked(found: Any, command: str, title: str, **parts: Any) -> Question:
    """Return what is said of a question about a scenario; `parts` are those of :class:`Question`.

    Parameters
    ----------
    found
        The answer, with its ``scenario`` and ``base``.
    command
        By which it is asked.
    title
        The question, below the name of the scenario.
    **parts
        The rest.
    """
    problem = found.base.problem
    kicker, basis = f"kanopt {command} · {problem.kind}", basis_of(found.scenario, problem)
    return Question(kicker, f"{found.scenario.name}: {title}", basis=basis, **parts)


def answer_table(
    answer: TableExports,
    name: str,
    frame: pd.DataFrame,
    caption: str,
    *,
    heads: Mapping[str, str] | None = None,
    values: Sequence[str] = (),
    note: str = "",
) -> Grid:
    """Write a table of an answer; what the numbers of each column are, the answer itself says.

    Parameters
    ----------
    answer, name, frame
        The answer, which of its tables it is, and what is shown of that.
    caption, note
        What it shows, and a sentence below.
    heads
        Column to head, beyond those that all answers share.
    values
        Columns of values that were tried, which may be numbers or texts.
    """
    known = answer.forms()
    kinds = {
        column: known.get(f"{name}.{column}", known.get(column, "")) for column in map(str, frame.columns)
    }
    money = [column for column, kind in kinds.items() if kind == "money"]
    decimals = money_decimals(frame[money].to_numpy(float).ravel())
    forms: dict[str, Formatter] = dict.fromkeys(values, value_text)
    forms |= {column: number_form(decimals, signed=column.startswith(_CHANGES)) for column in money}
    forms |= {column: percent_text for column, kind in kinds.items() if kind == "share"}
    return table_of(frame, caption, heads=_HEADS | dict(heads or {}), forms=forms, note=note)


def in_unit(words: str, unit: str) -> str:
    """Return the caption of a table of prices."""
    return f"{words} ({unit})" if unit else words


def as_it_is(base: Result) -> KeyFigure:
    """Return the price of the plan where nothing is changed."""
    price = "–" if base.objective is None else money_text(base.objective)
    return KeyFigure("as it is", price, base.problem.unit, base.status.value)


def question_chart(draw: Callable[[Any], object], caption: str, height: int) -> Chart:
    """Draw a picture as wide as the page, and one for phones."""
    narrow = (NARROW, int(1.1 * height))
    return chart_of(draw, caption=caption, label=caption, size=(WIDE, height), narrow=narrow)


def warnings_of(answer: Any, done: int, asked: str, notes: Sequence[str]) -> tuple[Notice, ...]:
    """Return what must be said beside the figures, and that not all was asked where the user stopped it."""
    where = f"after {done:,} of {asked}" if asked else "before the end"
    stopped = Notice("bad", f"The user stopped it {where}.", label="Stopped")
    return (*([stopped] if answer.interrupted else []), *map(caution, notes))


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


def basis_facts(
    facts: Mapping[str, str], laws: Mapping[str, LearnedLaw], tables: Mapping[str, TableReport]
) -> Facts:
    """Return what an answer rests on; to facts about laws and tables the first page leads."""
    anchors = {f"law {name}": anchor for name, anchor in law_ids(laws).items()}
    anchors |= {f"table {name}": anchor for name, anchor in table_ids(list(tables)).items()}
    return Facts(tuple(facts.items()), ids=tuple(anchors.get(word, "") for word in facts))


def basis_of(scenario: Scenario | None, problem: Problem[Any]) -> Basis:
    """Return what an answer rests on."""
    from kanopt.scenarios import LearnedLaw
    from kanopt.scenarios.run import environment, sources, unanswered
    from kanopt.tables import report_of

    known = problem.laws()
    laws = {name: LearnedLaw(name, formula) for name, formula in known.items()}
    tables = {} if scenario is None else {name: report_of(frame) for name, frame in scenario.tables.items()}
    facts = {} if scenario is None else sources(scenario)
    facts |= {f"law {name}": str(law) for name, law in known.items()}
    facts |= environment()
    changes = () if scenario is None else scenario.change_sentences()
    open_ones = () if scenario is None else unanswered([scenario])
    return Basis(laws, tables, changes, basis_facts(facts, laws, tables), open_ones)


def varied_text(scenario: Scenario, axis: Axis) -> str:
    """Say what is varied, as a question does."""
    values = axis.values.items
    numbers = [float(value) for value in values if not isinstance(value, (str, bool))]
    if len(numbers) == len(values) > 1:
        told = range_text(min(numbers), max(numbers), unit_of_axis(scenario, axis))
    else:
        told = " or ".join(map(value_text, values[:_MOST_VALUES])) + (
            " or another" if len(values) > _MOST_VALUES else ""
        )
    return f"{axis.path} is {'multiplied by ' if axis.values.action == 'scale' else ''}{told}"
