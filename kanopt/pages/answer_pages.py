"""The page of an answer to a question: a first page as plans have one, charts, tables and what it rests on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from kanopt.display import Chart, Facts, Fold, Notices, Page, Part, Section
from kanopt.errors import ProblemError
from kanopt.pages import row_plots
from kanopt.pages.first_page import (
    NARROW,
    WIDE,
    Basis,
    box,
    chart_of,
    first_lines,
    first_page,
    law_ids,
    listed,
    unanswered_notices,
)
from kanopt.pages.plots import view_chart
from kanopt.questions import Comparison
from kanopt.questions.answer import Answer, Picture
from kanopt.scenarios import LearnedLaw, Run
from kanopt.scenarios.run import environment, sources, unanswered
from kanopt.tables import report_of
from kanopt.text import capital

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
        laws = {name: LearnedLaw(name, formula) for name, formula in answer.problem.laws().items()}
        frames = {} if scenario is None else scenario.tables
        tables = {name: report_of(frame) for name, frame in frames.items()}
        facts = {} if scenario is None else dict(sources(scenario))
        facts |= {f"law {name}": str(law.formula) for name, law in laws.items()} | environment()
    anchors = {f"law {name}": anchor for name, anchor in law_ids(laws).items()}
    told = Facts(tuple(facts.items()), ids=tuple(anchors.get(word, "") for word in facts))
    return Basis(changes, laws, tables), told


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
