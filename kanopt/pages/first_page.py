"""The first page of a plan and of an answer, and the page of an answer: what came of it, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, count
from typing import Any

from kanopt.display import (
    Chart,
    Facts,
    Figures,
    Fold,
    Grid,
    Lines,
    Link,
    Notice,
    Notices,
    Page,
    Part,
    Section,
)
from kanopt.errors import ProblemError
from kanopt.formulas import Formula
from kanopt.pages import row_plots
from kanopt.pages.plots import view_chart
from kanopt.pages.svg import NARROW, WIDE, chart_of
from kanopt.questions import Comparison
from kanopt.questions.answer import Answer, Picture, Said
from kanopt.scenarios import LearnedLaw, Run
from kanopt.scenarios.init.sources import slug
from kanopt.scenarios.run import environment, sources, unanswered
from kanopt.tables import TableReport, report_of
from kanopt.text import amount_text, capital, count_text, join_list, shorten

# How builders of pages make blocks: tables of frames, charts in two sizes.

LONGEST = 240
"""Letters of a line on a first page."""
_LONGEST_ID = 40
_LONGEST_NAME = 40


def plain(name: str) -> str:
    """Return a name as people write it.

    Examples
    --------
    >>> plain("travel_time")
    'travel time'
    """
    return shorten(name.replace("_", " "), _LONGEST_NAME)


def ids_by_name(prefix: str, names: Iterable[object]) -> dict[str, str]:
    """Return an id for each of some names that differ; all ids are different, whatever the names are.

    Examples
    --------
    >>> ids_by_name("van", ["Van 1", "van-1", "<b>"])
    {'Van 1': 'van-van-1', 'van-1': 'van-van-1-2', '<b>': 'van-b'}
    """
    found: dict[str, str] = {}
    for name in map(str, names):
        start = f"{prefix}-{slug(name)[:_LONGEST_ID].replace('_', '-')}"
        numbered = (f"{start}-{number}" for number in count(2))
        found[name] = next(one for one in chain([start], numbered) if one not in found.values())
    return found


def text_block(text: str, look: Any = "quiet") -> Lines:
    """Return one sentence that looks so."""
    return Lines((text,), look)


def box(look: str, *parts: Any) -> Section:
    """Return parts that are laid out together, without a heading."""
    return Section("", tuple(parts), look=look, level=0)


def listed(title: str, items: Iterable[str], anchor: str = "", short: str = "") -> list[Section]:
    """Return a section with a list, or none where nothing is in it."""
    told = tuple(items)
    return [Section(title, (Lines(told, "changes"),), anchor, short=short)] if told else []


def first_lines(lines: Sequence[str], longest: int = LONGEST, most: int = 6) -> tuple[str, ...]:
    """Return the first few lines, as a first page has room for, and how many more there are."""
    found = [shorten(line, longest) for line in lines[:most]]
    return (*found, *([f"And {len(lines) - most:,} more below."] if len(lines) > most else []))


_MOST_LINES = 2
_MOST_LAWS = _MOST_TABLES = 6
_MOST_CHANGES = 2
_MOST_CAUTIONS = 3
_MOST_FIGURES = 12


@dataclass(frozen=True)
class Basis:
    """What a first page rests on.

    Parameters
    ----------
    changes
        What a what-if changes.
    laws, tables
        What was learned from data, and the tables that were read.
    """

    changes: tuple[str, ...] = ()
    laws: Mapping[str, LearnedLaw] = field(default_factory=dict)
    tables: Mapping[str, TableReport] = field(default_factory=dict)


def first_page(
    said: Said,
    basis: Basis,
    heads: tuple[str, str],
    *,
    chart: Chart | None = None,
    choices: Grid | None = None,
) -> tuple[Part, ...]:
    """Return what the first page of a plan or of an answer shows.

    Parameters
    ----------
    said
        What it says; what is wrong with the plan stands above all else.
    basis
        What it rests on.
    heads
        Heads of what to do, and of why.
    chart
        A picture that is the answer itself; None where the figures say it.
    choices
        What else could be had, at what price; None where nothing is known of that.
    """
    alarms = tuple(_brief(notice) for notice in said.notices if notice.level == "bad")
    found: list[Part] = [Notices(alarms)] if alarms else []
    if basis.changes:
        found.append(text_block("What-if: against the tables as they are, this scenario changes"))
        found.append(Lines(first_lines(basis.changes, most=_MOST_CHANGES), "changes"))
    if said.answer:
        found.append(Section(heads[0], (Lines(said.answer, "answer"),), "todo"))
    found.append(Figures(said.figures[:_MOST_FIGURES]))
    found += [chart] if chart is not None else []
    rests: list[Part] = [laws_table(basis.laws)] if basis.laws else []
    rests += [text_block(_read_text(basis.tables))] if basis.tables else []
    told = [one.text if one.short is None else one.short for one in said.notices if one.level == "care"]
    careful = first_lines(list(filter(None, told)), most=_MOST_CAUTIONS)
    sections: tuple[tuple[str, str, Sequence[Part]], ...] = (
        (heads[1], "why", _items(said.lines)),
        ("How sure", "sure", _items(said.sure)),
        ("In time, and at what price", "choices", [choices] if choices else []),
        ("What is assumed", "assumes", _items(said.assumed)),
        ("What it rests on", "rests", rests),
        ("Be careful", "careful", _items(careful)),
    )
    shown = [Section(title, tuple(parts), anchor) for title, anchor, parts in sections if parts]
    return (*found, box("twofold", *shown))


def _items(sentences: tuple[str, ...]) -> list[Part]:
    return [Lines(sentences, "plain")] if sentences else []


def _read_text(tables: Mapping[str, TableReport]) -> str:
    shown = [
        f"{plain(name)} ({count_text(tables[name].rows, 'row')})" for name in list(tables)[:_MOST_TABLES]
    ]
    more = len(tables) - len(shown)
    return f"Tables read: {', '.join([*shown, *([f'{more:,} more'] if more else [])])}."


def law_ids(laws: Mapping[str, LearnedLaw]) -> dict[str, str]:
    """Return the id of the section of each law."""
    return ids_by_name("law", laws)


def unanswered_notices(lines: Sequence[str]) -> tuple[Notice, ...]:
    """Return warnings of what only the user knows and did not say."""
    return tuple(Notice("bad", line, label="Not answered") for line in lines)


def laws_table(laws: Mapping[str, LearnedLaw]) -> Grid:
    """Return what was learned, where from, how far it is off, and the verdict."""
    ids = law_ids(laws)
    rows = tuple(
        (Link(plain(name), ids[name]), *_law_cells(law)) for name, law in [*laws.items()][:_MOST_LAWS]
    )
    hidden = len(laws) - len(rows)
    note = f"And {count_text(hidden, 'more law')} below." if hidden > 0 else ""
    heads = ("what", "known from", "usual error", "verdict")
    return Grid(heads, (False,) * 4, rows, note, caption="What it rests on")


def _law_cells(law: LearnedLaw) -> tuple[str, str, str]:
    formula, fit = law.formula, law.formula.fit
    verdict = formula.verdict
    level = "low trust" if not law.trusted else "–" if verdict is None else verdict.level
    if fit is None:
        inside = join_list([plain(part.output.name) for part in formula.parts], 3)
        given = law.note or f"given: {shorten(str(formula), _LONGEST_NAME)}"
        return (f"worked out from {inside}" if inside else given, "–", level)
    rows = count_text(fit.rows_train + fit.rows_test, "past row")
    return (rows, amount_text(fit.mae, formula.output.unit, 3), level)


def _brief(notice: Notice) -> Notice:
    """Return a warning as the first page has room for; whole it stands among the others."""
    few = tuple(shorten(line, LONGEST) for line in notice.lines[:_MOST_LINES])
    text = shorten(notice.short or notice.text, LONGEST)
    return replace(notice, label=shorten(notice.label, LONGEST), text=text, lines=few)


_LONG_ANSWER = 400
_HALF = 480


def plot_answer(answer: Answer, ax: Any = None) -> Any:
    """Draw the picture of an answer; see :meth:`~kanopt.questions.answer.Answer.plot`."""
    drawn = next(iter(answer.said().pictures), None)
    if drawn is None:
        raise ProblemError("there is nothing to draw; its frames and its page say what there is")
    return getattr(row_plots, drawn.name)(answer, ax)


def answer_page(answer: Answer) -> Page:
    """List what the page of an answer says."""
    said = answer.said()
    charts = [_chart(answer, each) for each in said.pictures]
    scenarios = [run.scenario for run in _runs(answer)] or [answer.scenario] * bool(answer.scenario)
    basis, facts = _basis(answer)
    brief = replace(
        said,
        answer=first_lines(said.answer, _LONG_ANSWER),
        lines=first_lines(said.lines),
        notices=(*unanswered_notices(unanswered(scenarios)), *said.notices),
        assumed=first_lines([f"{capital(text)}." for text in said.assumed], most=2),
    )
    first = first_page(brief, basis, ("The answer", "What else"), chart=charts[0] if charts else None)
    pictures = [Section("The picture", tuple(charts[1:]), "picture", short="Pictures")] * (len(charts) > 1)
    told = [*brief.answer, *brief.lines]  # what the first page has no room for stands below
    in_words = [] if told == [*said.answer, *said.lines] else [*said.answer, *said.lines]
    careful = [Section("Be careful", (Notices(said.notices),), "cautions", short="Be careful")]
    rests: list[Part] = [each for section in listed("", basis.changes) for each in section.parts]
    rests.append(facts)
    rests += [Fold(run.scenario.name, (Facts(tuple(_facts(run).items())),)) for run in _runs(answer)[1:]]
    rest = (
        *pictures,
        Section("The figures", said.tables, "figures", short="The figures"),
        *(_drawn(answer, place, section) for place, section in enumerate(said.sections)),
        *listed("In words", in_words, "lines", "In words"),
        *(careful if said.notices else []),
        *listed("What is assumed", said.assumed, "assumed"),
        Section("Provenance", tuple(rests), "provenance", short="Provenance"),
    )
    kicker = f"kanopt {answer.kind} · {answer.problem.kind}"
    return Page(kicker, said.title, first, rest, bool(said.sections))


def _chart(answer: Answer, picture: Picture) -> Chart:
    """Draw a picture as wide as the page, and one for phones, as high as it wants to be."""
    draw, caption = partial(getattr(row_plots, picture.name), answer), picture.caption
    return chart_of(draw, caption=caption, label=caption, size=(WIDE, 0), narrow=(NARROW, 0))


def _runs(answer: Answer) -> tuple[Run, ...]:
    return answer.runs if isinstance(answer, Comparison) else ()


def _basis(answer: Answer) -> tuple[Basis, Facts]:
    """Return what an answer rests on, and all of it with versions as facts."""
    scenario = answer.scenario
    changes = () if scenario is None else scenario.change_sentences()
    if runs := _runs(answer):
        laws, tables, facts = runs[0].laws, runs[0].tables, _facts(runs[0])
    else:
        laws = _laws_behind(answer.problem.laws())
        frames = {} if scenario is None else scenario.tables
        tables = {name: report_of(frame) for name, frame in frames.items()}
        facts = {} if scenario is None else dict(sources(scenario))
        facts |= {f"law {name}": str(law.formula) for name, law in laws.items()} | environment()
    anchors = {f"law {name}": anchor for name, anchor in law_ids(laws).items()}
    told = Facts(tuple(facts.items()), ids=tuple(anchors.get(word, "") for word in facts))
    return Basis(changes, laws, tables), told


def _laws_behind(used: Mapping[str, Formula]) -> dict[str, LearnedLaw]:
    """Return the laws of a problem and those that they are worked out from, by what they give."""
    found: dict[str, LearnedLaw] = {}
    for name, formula in used.items():
        for law in (*formula.parts, formula):
            known = found.setdefault(law.output.name, LearnedLaw(law.output.name, law))
            if known.formula != law:
                found[name] = LearnedLaw(name, law)
    return found


def _facts(run: Run) -> dict[str, str]:
    facts = {f"law {name}": str(law.formula) for name, law in run.laws.items()}
    return facts | {str(key): str(value) for key, value in run.provenance.items()}


def _drawn(answer: Answer, place: int, section: Section) -> Section:
    """Return the section of a variant with every view of both plans, side by side and with a common scale."""
    if not isinstance(answer, Comparison) or answer.keeps_plan(answer.variants[place]):
        return section
    runs = (answer.base, answer.variants[place].run)
    both = [() if (known := run.result.assessment) is None else known.views() for run in runs]
    pairs = []
    for number, views in enumerate(zip(*both, strict=False)):
        charts = []
        for run, view in zip(runs, views, strict=True):
            label = f"{view.title}: {run.scenario.name}, beside {runs[1].scenario.name} ({number + 1})"
            name = run.scenario.name
            charts.append(view_chart(view, number, _HALF, "", name=name, among=views, label=label))
        pairs.append(box("columns", *charts))
    return replace(section, parts=(*section.parts, *pairs))
