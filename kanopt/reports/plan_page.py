"""A plan as data for the report's template, in the order of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

import pandas as pd

from kanopt.explain import Explanation
from kanopt.explain.reason_groups import ReasonGroup, group_reasons
from kanopt.explain.summary import (
    MOST_REASONS,
    cost_sentence,
    extrapolation_sentence,
    frozen_sentence,
    left_out_sentence,
    reason_text,
)
from kanopt.problems.result import Result, Status
from kanopt.problems.views import MapView, NetworkView, SeriesView
from kanopt.reports.board_page import board_page
from kanopt.reports.board_parts import BoardPage, table_ids, unanswered_notices
from kanopt.reports.board_why import reason_ids
from kanopt.reports.comparison_page import VariantSection, variant_section
from kanopt.reports.figure_rows import figure_rows, figure_table
from kanopt.reports.law_section import LawSection, law_sections
from kanopt.reports.page_parts import (
    FactList,
    Figure,
    KeyFigure,
    Notice,
    PageTable,
    ReasonRow,
    Tone,
    table_of,
)
from kanopt.reports.plan_table import plan_table
from kanopt.reports.price_tables import group_table, item_table, term_table
from kanopt.reports.punctuality_section import PunctualitySection, punctuality_section
from kanopt.reports.roster_tables import roster_table
from kanopt.reports.series import plot_series
from kanopt.reports.svg import to_svg
from kanopt.reports.view_figures import WIDTHS, today_figure, view_figure
from kanopt.text import (
    count_text,
    fixed_text,
    join_list,
    money_text,
    percent_text,
    score_text,
    seconds_text,
)
from kanopt.whatif.learn import doubts

if TYPE_CHECKING:
    from kanopt.reports.subject import ReportSubject
    from kanopt.tables import TableReport
    from kanopt.whatif import LearnedLaw


# How far a plan was proved and checked, as figures for the analyst.


def check_figures(why: Explanation, laws: Mapping[str, LearnedLaw]) -> list[KeyFigure]:
    """Return how far a plan was proved and checked, and how good its weakest law is."""
    result = why.result
    unit = result.problem.unit
    price = "–" if result.objective is None else money_text(result.objective)
    keys = [KeyFigure("Objective", price, unit, result.status.value)]
    if result.objective is not None:
        keys.append(_bound_key(result, unit))
    if result.coverage is not None:
        keys.append(_rules_key(result))
        left_out = {*result.coverage.left_out}
        late = sum(
            each.kind == "late" and each.subject.partition(" ")[2] not in left_out for each in why.causes
        )
        keys += [KeyFigure("Late", fixed_text(late, 0), "", "see the reasons", "bad")] if late else []
        outside = sum(not one.below_zero for one in why.extrapolations)
        places = "places outside the data of a law"
        tone: Tone = "bad" if outside else ""
        keys.append(KeyFigure("Extrapolated", fixed_text(outside, 0), "", places, tone))
    fits = {name: law.formula.fit for name, law in laws.items() if law.formula.fit is not None}
    if fits:
        worst = min(fits, key=lambda name: getattr(fits[name], "r2", 1.0))
        r2 = getattr(fits[worst], "r2", float("nan"))
        keys.append(KeyFigure("Weakest law", score_text(r2), "R²", f"{worst}, held out"))
    return keys


def _rules_key(result: Result) -> KeyFigure:
    broken = 0 if result.assessment is None else len(result.assessment.broken_rules)
    note = "every rule is checked on the law"
    return KeyFigure("Rules broken", fixed_text(broken, 0), "", note, "bad" if broken else "")


def _bound_key(result: Result, unit: str) -> KeyFigure:
    if result.bound is None or result.gap is None:
        return KeyFigure("Lower bound", "none", "", "no bound is claimed")
    gap = "proved optimal" if result.status is Status.OPTIMAL else f"gap {percent_text(result.gap)}"
    return KeyFigure("Lower bound", money_text(result.bound), unit, gap)


_BESIDE_WIDTH = 600
_LIST = 12
_NAMES = 5
_HEADINGS = {"infeasible": "What stands in the way"}
_BESIDE = 5  # columns of a table that stands beside a chart


@dataclass(frozen=True)
class PlanPage:
    """The data of the template: the first page, the plan, and what an analyst asks."""

    title: str
    kind: str
    description: str
    changes: tuple[str, ...]
    assumed: tuple[str, ...]
    board: BoardPage
    cautions: tuple[Notice, ...]
    numbers: PageTable | None
    chart: Figure | None
    today: Figure | None
    figures: tuple[Figure, ...]
    series: tuple[Figure, ...]
    rosters: tuple[PageTable, ...]
    plan: PageTable | None
    table_beside_chart: bool
    terms: PageTable | None
    groups: PageTable | None
    items: PageTable | None
    variants: VariantSection | None
    reasons: tuple[tuple[str, tuple[ReasonRow, ...]], ...]
    laws: tuple[LawSection, ...]
    punctuality: PunctualitySection | None
    checks: tuple[KeyFigure, ...]
    certificate: FactList
    frozen: PageTable | None
    search: Figure | None
    tables: tuple[tuple[str, str, FactList], ...]
    provenance: FactList


def plan_page(subject: ReportSubject) -> PlanPage:
    """Collect what a report says."""
    why, today, laws = subject.explanation, subject.today, subject.laws
    result = why.result
    known = result.assessment
    views = () if known is None else known.views()
    square = bool(views) and isinstance(views[0], MapView | NetworkView)
    # a single curve leads too: beside nothing it would leave half a row empty
    leads = square or (len(views) == 1 and isinstance(views[0], SeriesView))
    plan = plan_table(result, views)
    beside = leads and plan is not None and len(plan.columns) <= _BESIDE
    widths = [
        _BESIDE_WIDTH if beside and not place else WIDTHS[type(view)] for place, view in enumerate(views)
    ]
    drawn = [
        view_figure(view, place, width) for place, (view, width) in enumerate(zip(views, widths, strict=True))
    ]
    wide = [not isinstance(view, SeriesView) for view in views]
    rows = figure_rows(subject)
    example = (
        [Notice("bad", subject.groundless, label="An example, no proposal")] if subject.groundless else []
    )
    asked = unanswered_notices(subject.unanswered)
    notices = (*asked, *example, *_notices(why, today, laws))
    anchors = table_ids(list(subject.tables))
    return PlanPage(
        title=subject.title,
        kind=result.problem.kind,
        description=subject.description,
        changes=subject.changes,
        assumed=subject.assumed,
        board=board_page(subject, rows, notices),
        cautions=notices,
        numbers=figure_table(rows),
        chart=drawn[0] if leads else None,
        today=today_figure(today),
        figures=tuple(figure for figure, is_wide in zip(drawn[leads:], wide[leads:], strict=True) if is_wide),
        series=tuple(
            figure for figure, is_wide in zip(drawn[leads:], wide[leads:], strict=True) if not is_wide
        ),
        rosters=() if known is None else tuple(roster_table(roster) for roster in known.rosters()),
        plan=plan,
        table_beside_chart=beside,
        terms=None if result.pricing is None else term_table(why, today),
        groups=group_table(why) if result.pricing is not None else None,
        items=item_table(why) if result.pricing is not None else None,
        variants=variant_section(subject.variants),
        reasons=tuple(_reasons(why)),
        laws=law_sections(laws),
        punctuality=punctuality_section(subject.punctuality),
        checks=tuple(check_figures(why, laws)),
        certificate=_certificate(result),
        frozen=_optional(why.frozen(), "Inputs the solver saw at planning values"),
        search=_search(result),
        tables=tuple((name, anchors[name], _table_facts(report)) for name, report in subject.tables.items()),
        provenance=FactList(tuple((str(key), str(value)) for key, value in subject.provenance.items())),
    )


def _notices(why: Explanation, today: Result | None, laws: Mapping[str, LearnedLaw]) -> list[Notice]:
    result = why.result
    notices = []
    known = result.assessment
    if known is not None and not known.coverage.complete:
        missing = known.coverage.missing
        label = f"{missing[:1].upper()}{missing[1:]}"
        notices.append(Notice("bad", left_out_sentence(result), label=label))
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
    notices += _doubtful(laws)
    if today is not None and today.assessment is not None and today.assessment.broken_rules:
        text = (
            "Today's plan breaks rules that this one must keep: the two prices do not compare like with like."
        )
        notices.append(Notice("care", text, _first(today.assessment.broken_rules)))
    if result.interrupted:
        notices.append(Notice("care", "The search was stopped by the user; this is the best plan so far."))
    if frozen := frozen_sentence(result):
        notices.append(Notice("note", frozen))
    return notices


def _doubtful(laws: Mapping[str, LearnedLaw]) -> list[Notice]:
    """Return what is to be said of laws that are weak or of low trust; the first page names them together."""
    found = doubts(laws.values())
    low = {
        name: "weak"
        if (verdict := law.formula.verdict) is not None and verdict.level == "weak"
        else "of low trust"
        for name, law in laws.items()
        if not law.trusted or ((known := law.formula.verdict) is not None and known.level == "weak")
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


def _reasons(why: Explanation) -> list[tuple[str, tuple[ReasonRow, ...]]]:
    """Return the reasons by kind, those with one bottleneck together, with a heading that counts them."""
    groups, hidden = group_reasons(why.causes, MOST_REASONS)
    found = []
    for kind in dict.fromkeys(cause.kind for cause in why.causes):
        count = sum(cause.kind == kind for cause in why.causes)
        own = [group for group in groups if group.kind == kind]
        anchors = reason_ids(kind, len(own))
        rows = tuple(
            replace(_reason_row(group), anchor=anchor) for group, anchor in zip(own, anchors, strict=True)
        )
        found.append((f"{_HEADINGS.get(kind, kind.capitalize())}: {count_text(count, 'reason')}", rows))
    if hidden:
        more = "Ask for them in Python: explain(result).reasons()."
        found.append((f"{count_text(hidden, 'more reason')} not shown", (ReasonRow("", more, "", ""),)))
    return found


def _reason_row(group: ReasonGroup) -> ReasonRow:
    cause = group.worst
    evidence = _sentence(cause.evidence) if cause.evidence else ""
    if len(group.reasons) == 1:
        return ReasonRow(cause.subject, _sentence(cause.message), cause.relaxation.rstrip("."), evidence)
    word = "The worst" if group.has_amounts else "For example"
    text = f"{join_list(group.names, _NAMES)}: {group.bottleneck}. {word}: {reason_text(cause)}."
    return ReasonRow(group.counted, text, cause.relaxation.rstrip("."), evidence)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""


def _certificate(result: Result) -> FactList:
    certificate = result.certificate
    if certificate is None:
        return FactList((("Solver", f"none: {result.solver}"),))
    unit = result.problem.unit
    held = "within" if certificate.holds else "BEYOND"
    pairs = [
        ("Solver's objective", money_text(certificate.solver_objective, unit, 4)),
        ("Law, inputs at planning values", money_text(certificate.frozen_objective, unit, 4)),
        ("Law, every input at its true value", money_text(certificate.law_objective, unit, 4)),
        ("Proven rounding bound", money_text(certificate.rounding_bound, unit, 6)),
        ("Measured rounding error", f"{money_text(certificate.rounding_error, unit, 6)} ({held} the bound)"),
    ]
    pairs += [("What the solver saw", each) for each in certificate.solver_view]
    if certificate.frozen:
        pairs.append(
            ("Effect of frozen inputs", money_text(certificate.frozen_input_error, unit, 4, signed=True))
        )
    claimed = (
        money_text(result.bound, unit) if result.bound is not None else "none claimed: score exact, no bound"
    )
    pairs += [("Lower bound on the law", claimed), ("Solver", result.solver), ("Seed", str(result.seed))]
    pairs += [(run.name, str(run).removeprefix(f"{run.name}: ")) for run in result.engines]
    if result.time_limit is not None:
        counted = " of counted work (deterministic)" if result.deterministic else ""
        pairs.append(("Time limit", f"{seconds_text(result.time_limit)}{counted}"))
    if result.message:
        pairs.append(("Said by the solver", result.message))
    pairs.append(
        ("Time", f"{seconds_text(result.wall_seconds)} wall, {seconds_text(result.cpu_seconds)} CPU")
    )
    return FactList(tuple(pairs))


def _search(result: Result) -> Figure | None:
    steps = {step.seconds: step.objective for step in result.history if step.objective is not None}
    if len(steps) < 2:
        return None
    data = pd.DataFrame({"incumbent": pd.Series(steps)})
    view = SeriesView(
        "Search", data, "wall time (s)", f"objective in the solver's model ({result.problem.unit})", step=True
    )
    svg = to_svg(
        lambda ax: plot_series(view, ax), width=420, height=220, label="Line chart: incumbents over time"
    )
    return Figure(svg, "", "Incumbents as they were found")


def _table_facts(report: TableReport) -> FactList:
    pairs = [
        ("Source", f"{_file_name(report.source)} ({report.format})"),
        ("Rows", f"{report.rows_read:,} read, {report.rows:,} kept"),
        *((f"{rows:,} left out", why) for why, rows in report.left_out.items()),
        *(("Derived", f"{name} = {text}") for name, text in report.derived.items()),
    ]
    for column, causes in report.set_missing.items():
        pairs += [(f"{cells:,} set missing", f"{column}: {why}") for why, cells in causes.items()]
    pairs += [(f"{cells:,} missing", column) for column, cells in report.missing.items()]
    if report.duplicates:
        pairs.append((f"{report.duplicates:,} repeated", "rows equal to an earlier one, kept"))
    pairs += [("Note", note) for note in report.notes]
    pairs.append(("SHA-256", report.sha256))
    return FactList(tuple(pairs))


def _file_name(source: str) -> str:
    """Return a file's name without its local folders; URLs are kept."""
    return source if "://" in source else PurePath(source).name or source


def _optional(frame: pd.DataFrame, caption: str) -> PageTable | None:
    return table_of(frame, caption) if len(frame) else None
