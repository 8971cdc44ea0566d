"""The page of an answer to a question: a first page as plans have one, charts, tables and what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial, singledispatch
from typing import Any, NamedTuple

from kanopt.display import Chart, Facts, Fold, Notices, Page, Part, Section
from kanopt.errors import ProblemError
from kanopt.pages.charts import rows_height
from kanopt.pages.first_page import (
    LONGEST,
    NARROW,
    WIDE,
    FirstPage,
    box,
    chart_of,
    first_lines,
    law_ids,
    listed,
    unanswered_notices,
)
from kanopt.pages.plots import view_chart
from kanopt.pages.row_plots import (
    DAYS_HEIGHT,
    plot_day_costs,
    plot_days,
    plot_plans,
    plot_ranges,
    plot_review,
    plot_sweep,
    plot_switch_points,
    plot_tornado,
    shown_ranges,
    sweep_height,
    switch_height,
)
from kanopt.questions import Comparison, MonteCarlo, Risk, Sweep, SwitchPoints, Tornado
from kanopt.questions.answer import Answer
from kanopt.questions.days import Days
from kanopt.questions.review import Review
from kanopt.scenarios import LearnedLaw, Run
from kanopt.scenarios.run import environment, sources, unanswered
from kanopt.tables import TableReport, report_of
from kanopt.text import capital

_MOST_LINES = 6
_LONG_ANSWER = 400
_HALF = 480


class _Picture(NamedTuple):
    """A picture of an answer: what draws it, what it shows, and how high it is."""

    draw: Callable[..., Any]
    caption: str
    height: int


@singledispatch
def _pictures(answer: Any) -> list[_Picture]:
    """Return the pictures of an answer, the one that is the answer first."""
    return []


@_pictures.register
def _(answer: Sweep) -> list[_Picture]:
    caption = f"Price of {'plans made anew' if answer.anew else 'the same plan'} at each point"
    return [_Picture(plot_sweep, caption, sweep_height(answer))] if answer.results else []


@_pictures.register
def _(answer: Tornado) -> list[_Picture]:
    caption = "Change of the price by each input alone, from its low to its high value"
    return [_Picture(plot_tornado, caption, rows_height(len(answer.frame)))] if answer.pairs else []


@_pictures.register
def _(answer: SwitchPoints) -> list[_Picture]:
    caption = "The ranges, parted where decisions change; ticks are values at which the problem was solved"
    return [_Picture(plot_switch_points, caption, switch_height(answer))] if len(answer.points) else []


@_pictures.register
def _(answer: MonteCarlo) -> list[_Picture]:
    height = rows_height(len(answer.decided), 24)
    return [_Picture(plot_plans, "What each plan costs over the draws", height)] if answer.done else []


@_pictures.register
def _(answer: Days) -> list[_Picture]:
    return [_Picture(plot_days, f"What each day costs ({answer.unit})", DAYS_HEIGHT)]


@_pictures.register
def _(answer: Review) -> list[_Picture]:
    return [_Picture(plot_review, "What made the difference", rows_height(len(answer.parts)))]


@_pictures.register
def _(answer: Risk) -> list[_Picture]:
    count = len(shown_ranges(answer))
    caption = f"{capital(answer.words.beyond)}; at the right how often it holds"
    found = [_Picture(plot_ranges, caption, rows_height(count, 24))] if count else []
    return [*found, _Picture(plot_day_costs, "What the plan costs", 280)]


def plot_answer(answer: Answer, ax: Any = None) -> Any:
    """Draw the picture of an answer; see :meth:`~kanopt.questions.answer.Answer.plot`."""
    if isinstance(answer, Risk):  # of which the first picture may be one without limits
        return plot_ranges(answer, ax)
    picture = next(iter(_pictures(answer)), None)
    if picture is None:
        raise ProblemError("there is nothing to draw; its frames and its page say what there is")
    return picture.draw(answer, ax)


def answer_page(answer: Answer) -> Page:
    """List what the page of an answer says."""
    said, charts = answer.said(), [_chart(answer, each) for each in _pictures(answer)]
    scenarios = [run.scenario for run in _runs(answer)] or [answer.scenario] * bool(answer.scenario)
    laws, tables, facts = _basis(answer)
    changes = () if answer.scenario is None else answer.scenario.change_sentences()
    first = FirstPage(
        todo=first_lines(said.answer, _LONG_ANSWER, _MOST_LINES),
        figures=said.figures,
        why=first_lines(said.lines, LONGEST, _MOST_LINES),
        sure=said.sure,
        notices=(*unanswered_notices(unanswered(scenarios)), *said.notices),
        changes=changes,
        laws=laws,
        tables=tables,
        assumed=first_lines([f"{capital(text)}." for text in said.assumed], LONGEST, 2),
        chart=charts[0] if charts else None,
        heading="The answer",
        second="What else",
    )
    pictures = [Section("The picture", tuple(charts[1:]), "picture", short="Pictures")] * (len(charts) > 1)
    told = [*first.todo, *first.why]  # what the first page has no room for stands below
    in_words = [] if told == [*said.answer, *said.lines] else [*said.answer, *said.lines]
    careful = [Section("Be careful", (Notices(said.notices),), "cautions", short="Be careful")]
    rests: list[Part] = [each for section in listed("", changes) for each in section.parts]
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
    return Page(kicker, said.title, first.parts(), rest, bool(said.sections))


def _chart(answer: Answer, picture: _Picture) -> Chart:
    """Draw a picture as wide as the page, and one for phones."""
    draw, caption, height = picture
    narrow = (NARROW, int(1.1 * height))
    return chart_of(partial(draw, answer), caption=caption, label=caption, size=(WIDE, height), narrow=narrow)


def _runs(answer: Answer) -> tuple[Run, ...]:
    return answer.runs if isinstance(answer, Comparison) else ()


def _basis(answer: Answer) -> tuple[Mapping[str, LearnedLaw], Mapping[str, TableReport], Facts]:
    """Return the laws and tables that an answer rests on, and all of it with versions as facts."""
    if runs := _runs(answer):
        laws, tables, facts = runs[0].laws, runs[0].tables, _facts(runs[0])
    else:
        laws = {name: LearnedLaw(name, formula) for name, formula in answer.problem.laws().items()}
        scenario = answer.scenario
        frames = {} if scenario is None else scenario.tables
        tables = {name: report_of(frame) for name, frame in frames.items()}
        facts = {} if scenario is None else dict(sources(scenario))
        facts |= {f"law {name}": str(law.formula) for name, law in laws.items()} | environment()
    anchors = {f"law {name}": anchor for name, anchor in law_ids(laws).items()}
    return laws, tables, Facts(tuple(facts.items()), ids=tuple(anchors.get(word, "") for word in facts))


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
