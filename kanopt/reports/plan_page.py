"""The page of a plan, block by block: first page, plan, cost, reasons, and what an analyst asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

import pandas as pd

from kanopt.display import (
    Chart,
    Facts,
    Figures,
    Fold,
    KeyFigure,
    Lines,
    Notice,
    Notices,
    Page,
    Part,
    Section,
    Tone,
)
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
from kanopt.reports.blocks import box, chart_of, table_of, text_block
from kanopt.reports.charts import plot_series
from kanopt.reports.comparison_page import variants_section
from kanopt.reports.figure_rows import figure_rows, figure_table
from kanopt.reports.first_page import table_ids, unanswered_notices
from kanopt.reports.law_section import law_sections
from kanopt.reports.plan_first import plan_first
from kanopt.reports.plan_table import plan_table, roster_table, times_table
from kanopt.reports.plan_why import reason_ids
from kanopt.reports.plots import WIDTHS, view_chart
from kanopt.reports.price_tables import group_table, item_table, term_table
from kanopt.text import (
    capital,
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
    from kanopt.whatif.risks.punctuality import Punctuality

_BESIDE_WIDTH = 600
_BESIDE = 5  # columns of a table that stands beside a chart
_LIST = 12
_NAMES = 5
_HEADINGS = {"infeasible": "What stands in the way"}
_SMALL = (420, 220)


def plan_page(subject: ReportSubject) -> Page:
    """List what the page of a plan says."""
    why, rows = subject.explanation, figure_rows(subject)
    notices = (*unanswered_notices(subject.unanswered), *_notices(subject))
    figures = figure_table(rows)
    careful = Notices(notices) if notices else "There is nothing to be careful about that kanopt knows of."
    reasons = _reasons(why)
    sections = [
        *(
            [Section("The figures", (box("stacked", figures),), "figures", short="The figures")]
            if figures
            else []
        ),
        *_plan(subject),
        *_cost(subject),
        *variants_section(subject.variants),
        *([Section("Reasons", reasons, "reasons", short="Reasons")] if reasons else []),
        Section("Be careful", (careful,), "cautions", short="Be careful" if notices else ""),
        Section("", (text_block("Appendix", "kicker"), *_appendix(subject)), "appendix", "appendix", level=0),
    ]
    kicker = f"kanopt report · {why.result.problem.kind}"
    return Page(kicker, subject.title, plan_first(subject, rows, notices).parts(), tuple(sections))


def _plan(subject: ReportSubject) -> list[Section]:
    """Return what is decided, drawn and in rows; a map stands beside a table that is narrow."""
    result = subject.explanation.result
    known = result.assessment
    views = () if known is None else known.views()
    plan = plan_table(result, views)
    if plan is None:
        return []
    # a single curve leads too: beside nothing it would leave half a row empty
    leads = bool(views) and (isinstance(views[0], MapView | NetworkView) or len(views) == 1)
    beside = leads and len(plan.heads) <= _BESIDE
    drawn = [
        view_chart(view, place, _BESIDE_WIDTH if beside and not place else WIDTHS[type(view)])
        for place, view in enumerate(views)
    ]
    others = list(zip(views, drawn, strict=True))[int(leads) :]
    parts: list[Part] = []
    if beside:
        parts.append(box("beside", box("", drawn[0]), box("", plan)))
    elif leads:
        parts.append(drawn[0])
    parts += [chart for view, chart in others if not isinstance(view, SeriesView)]
    parts += [] if known is None else map(roster_table, known.rosters())
    series = [chart for view, chart in others if isinstance(view, SeriesView)]
    parts += [box("columns", *series)] if series else []
    before = (
        () if subject.today is None or subject.today.assessment is None else subject.today.assessment.views()
    )
    if before:
        today = view_chart(before[0], 0, WIDTHS[type(before[0])], "today")
        parts.append(
            Section("Today's plan", (today,), level=3, data={"live": "other", "name": "today's plan"})
        )
    return [Section("The plan", (*parts, *([] if beside else [plan])), "plan", short="The plan")]


def _cost(subject: ReportSubject) -> list[Section]:
    why = subject.explanation
    if why.result.pricing is None:
        return []
    how = "Priced on the laws, with the true load and clock of every step. The lines add up to the objective."
    groups, items = group_table(why), item_table(why)
    parts: list[Part] = [text_block(how), term_table(why, subject.today)]
    parts.append(
        Section("", (), look="live", level=0, data={"live": "plan"})
    )  # which the page's script fills
    parts += [groups] if groups is not None else []
    parts += [Fold(f"{items.caption}, line by line", (items,))] if items is not None else []
    return [Section("What it costs", tuple(parts), "cost", short="What it costs")]


def _appendix(subject: ReportSubject) -> list[Part]:
    """Return what an analyst asks."""
    why, result = subject.explanation, subject.explanation.result
    laws: tuple[Part, ...] = law_sections(subject.laws)
    none = "The problem is priced by numbers of its own tables; no law was learned."
    frozen, search = why.frozen(), _search(result)
    solver: list[Part] = [box("columns", box("", _certificate(result)), *([search] if search else []))]
    solver += [table_of(frozen, "Inputs the solver saw at planning values")] if len(frozen) else []
    checks = Figures(tuple(_check_figures(why, subject.laws)))
    found = [
        Section("For the analyst", (checks,), "checks", short="For the analyst"),
        *_times(subject.punctuality),
        Section("The laws", laws or (none,), "laws", short="The laws"),
        Section("What the solver saw", tuple(solver), "solver", short="What the solver saw"),
    ]
    if subject.tables:
        anchors = table_ids(list(subject.tables))
        tables = [
            Section(name, (_table_facts(report),), anchors[name], level=3)
            for name, report in subject.tables.items()
        ]
        found.append(
            Section("The tables that were read", (box("columns", *tables),), "tables", short="The tables")
        )
    return [*found, _provenance(subject)]


def _provenance(subject: ReportSubject) -> Section:
    parts: list[Part] = [subject.description] if subject.description else []
    if subject.assumed:
        parts += ["The file says that this is assumed:", Lines(subject.assumed, "changes")]
    parts += [Lines(subject.changes, "changes")] if subject.changes else []
    facts = Facts(tuple((str(key), str(value)) for key, value in subject.provenance.items()))
    return Section("Provenance", (*parts, facts), "provenance", short="Provenance")


def _times(known: Punctuality | None) -> list[Section]:
    """Return how often the plan is in time: how it was worked out, the least certain things, what is assumed."""
    if known is None:
        return []
    text = (
        f"The plan, as it stands and in its order, on {count_text(known.risk.draws, 'day')} that are drawn with the "
        f"seed {known.risk.seed}. kanopt risk and ko.risk tell more, with other assumptions too."
    )
    assumed = Lines(known.risk.assumptions, "changes")
    parts = (text_block(text), times_table(known), text_block("Assumed:"), assumed)
    return [Section("How sure times are", parts, "punctuality", short="How sure times are")]


def _check_figures(why: Explanation, laws: Mapping[str, LearnedLaw]) -> list[KeyFigure]:
    """Return how far a plan was proved and checked, and how good its weakest law is."""
    result = why.result
    unit = result.problem.unit
    price = "–" if result.objective is None else money_text(result.objective)
    keys = [KeyFigure("Objective", price, unit, result.status.value)]
    if result.objective is not None:
        keys.append(_bound_key(result, unit))
    if result.coverage is not None:
        broken = 0 if result.assessment is None else len(result.assessment.broken_rules)
        keys.append(_count_key("Rules broken", broken, "every rule is checked on the law"))
        left_out = {*result.coverage.left_out}
        late = sum(
            each.kind == "late" and each.subject.partition(" ")[2] not in left_out for each in why.causes
        )
        keys += [_count_key("Late", late, "see the reasons")] if late else []
        outside = sum(not one.below_zero for one in why.extrapolations)
        keys.append(_count_key("Extrapolated", outside, "places outside the data of a law"))
    fits = {name: law.formula.fit for name, law in laws.items() if law.formula.fit is not None}
    if fits:
        worst = min(fits, key=lambda name: getattr(fits[name], "r2", 1.0))
        r2 = getattr(fits[worst], "r2", float("nan"))
        keys.append(KeyFigure("Weakest law", score_text(r2), "R²", f"{worst}, held out"))
    return keys


def _count_key(label: str, count: int, note: str) -> KeyFigure:
    """Return how many of something there should be none of."""
    tone: Tone = "bad" if count else ""
    return KeyFigure(label, fixed_text(count, 0), "", note, tone)


def _bound_key(result: Result, unit: str) -> KeyFigure:
    if result.bound is None or result.gap is None:
        return KeyFigure("Lower bound", "none", "", "no bound is claimed")
    gap = "proved optimal" if result.status is Status.OPTIMAL else f"gap {percent_text(result.gap)}"
    return KeyFigure("Lower bound", money_text(result.bound), unit, gap)


def _notices(subject: ReportSubject) -> list[Notice]:
    why, today, result = subject.explanation, subject.today, subject.explanation.result
    known, notices = result.assessment, []
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
    return notices


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


def _reasons(why: Explanation) -> tuple[Section, ...]:
    """Return the reasons by kind, those with one bottleneck together, with a heading that counts them."""
    groups, hidden = group_reasons(why.causes, MOST_REASONS)
    found = []
    for kind in dict.fromkeys(cause.kind for cause in why.causes):
        count = sum(cause.kind == kind for cause in why.causes)
        own = [group for group in groups if group.kind == kind]
        rows = Facts(tuple(map(_reason, own)), ids=reason_ids(kind, len(own)), look="because")
        heading = f"{_HEADINGS.get(kind, kind.capitalize())}: {count_text(count, 'reason')}"
        found.append(Section(heading, (rows,), level=3))
    if hidden:
        more = Facts((("", "Ask for them in Python: explain(result).reasons().", ""),), look="because")
        found.append(Section(f"{count_text(hidden, 'more reason')} not shown", (more,), level=3))
    return tuple(found)


def _reason(group: ReasonGroup) -> tuple[str, str, str]:
    """Say why something is as it is and how that is known, and what would mend it."""
    cause = group.worst
    subject, text = cause.subject, _sentence(cause.message)
    if len(group.reasons) > 1:
        word = "The worst" if group.has_amounts else "For example"
        subject = group.counted
        text = f"{join_list(group.names, _NAMES)}: {group.bottleneck}. {word}: {reason_text(cause)}."
    relaxation = cause.relaxation.rstrip(".")
    told = " ".join(filter(None, (text, _sentence(cause.evidence))))
    return subject, told, f"To mend it: {relaxation}." if relaxation else ""


def _sentence(text: str) -> str:
    return f"{capital(text).rstrip('.')}." if text else ""


def _certificate(result: Result) -> Facts:
    certificate = result.certificate
    if certificate is None:
        return Facts((("Solver", f"none: {result.solver}"),))
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
        effect = money_text(certificate.frozen_input_error, unit, 4, signed=True)
        pairs.append(("Effect of frozen inputs", effect))
    none = "none claimed: score exact, no bound"
    claimed = money_text(result.bound, unit) if result.bound is not None else none
    pairs += [("Lower bound on the law", claimed), ("Solver", result.solver), ("Seed", str(result.seed))]
    pairs += [(run.name, str(run).removeprefix(f"{run.name}: ")) for run in result.engines]
    if result.time_limit is not None:
        counted = " of counted work (deterministic)" if result.deterministic else ""
        pairs.append(("Time limit", f"{seconds_text(result.time_limit)}{counted}"))
    if result.message:
        pairs.append(("Said by the solver", result.message))
    spent = f"{seconds_text(result.wall_seconds)} wall, {seconds_text(result.cpu_seconds)} CPU"
    return Facts((*pairs, ("Time", spent)))


def _search(result: Result) -> Chart | None:
    steps = {step.seconds: step.objective for step in result.history if step.objective is not None}
    if len(steps) < 2:
        return None
    data = pd.DataFrame({"incumbent": pd.Series(steps)})
    price = f"objective in the solver's model ({result.problem.unit})"
    view = SeriesView("Search", data, "wall time (s)", price, step=True)
    label = "Line chart: incumbents over time"
    return chart_of(
        lambda ax: plot_series(view, ax), caption="Incumbents as they were found", label=label, size=_SMALL
    )


def _table_facts(report: TableReport) -> Facts:
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
    return Facts((*pairs, ("SHA-256", report.sha256)))


def _file_name(source: str) -> str:
    """Return a file's name without its local folders; URLs are kept."""
    return source if "://" in source else PurePath(source).name or source
