"""The page of a plan, block by block: first page, plan, cost, reasons, and what an analyst asks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import PurePath

from kanopt.display import (
    Facts,
    Lines,
    Notices,
    Page,
    Part,
    Section,
    table_of,
)
from kanopt.pages.figure_rows import (
    Punctuality,
    ReportSubject,
    figure_table,
    plan_table,
    roster_table,
    term_table,
    times_table,
)
from kanopt.pages.first_page import box, text_block
from kanopt.pages.law_section import law_sections
from kanopt.pages.plan_first import plan_first, plan_notices
from kanopt.pages.plots import WIDTHS, view_chart
from kanopt.plans.explanation import Explanation
from kanopt.plans.findings import MapView, NetworkView, SeriesView
from kanopt.plans.result import Result
from kanopt.plans.summary import MOST_REASONS, group_reasons, group_sentence
from kanopt.tables import TableReport
from kanopt.text import (
    capital,
    count_text,
    money_text,
    percent_text,
    seconds_text,
)

_BESIDE_WIDTH = 600
_BESIDE = 5  # columns of a table that stands beside a chart
_HEADINGS = {"infeasible": "What stands in the way"}


def plan_page(subject: ReportSubject) -> Page:
    """List what the page of a plan says."""
    why, notices = subject.explanation, plan_notices(subject)
    figures = figure_table(subject.rows)
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
        *([Section("Reasons", reasons, "reasons", short="Reasons")] if reasons else []),
        Section("Be careful", (careful,), "cautions", short="Be careful" if notices else ""),
        Section(
            "",
            (text_block("For the analyst", "kicker"), *_appendix(subject)),
            "appendix",
            "appendix",
            level=0,
        ),
    ]
    kicker = f"kanopt report · {why.result.problem.kind}"
    return Page(kicker, subject.title, plan_first(subject), tuple(sections))


def _plan(subject: ReportSubject) -> list[Section]:
    """Return what is decided, drawn and in rows; a map stands beside a table that is narrow."""
    result = subject.explanation.result
    known = result.assessment
    views = () if known is None else known.views()
    plan = plan_table(result)
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
    true = ", with the true load and clock of every step" * (why.result.problem.kind == "routing")
    how = f"Priced on the laws{true}. The lines add up to the objective."
    parts: list[Part] = [text_block(how), term_table(why, subject.today)]
    parts.append(
        Section("", (), look="live", level=0, data={"live": "plan"})
    )  # which the page's script fills
    return [Section("What it costs", tuple(parts), "cost", short="What it costs")]


def _appendix(subject: ReportSubject) -> list[Part]:
    """Return what an analyst asks."""
    why, result = subject.explanation, subject.explanation.result
    laws: tuple[Part, ...] = law_sections(subject.laws)
    none = "The problem is priced by numbers of its own tables; no law was learned."
    frozen = why.frozen()
    solver: list[Part] = [_solved(result)]
    solver += [table_of(frozen, "Inputs the solver saw at planning values")] if len(frozen) else []
    found = [
        *_times(subject.punctuality),
        Section("The laws", laws or (none,), "laws", short="The laws"),
        Section("What the solver saw", tuple(solver), "solver", short="What the solver saw"),
    ]
    if subject.tables:
        tables = [Section(name, (_reading(report),), level=3) for name, report in subject.tables.items()]
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


def _reasons(why: Explanation) -> tuple[Section, ...]:
    """Return the reasons by kind, those with one bottleneck together, with a heading that counts them."""
    groups, hidden = group_reasons(why.causes, MOST_REASONS)
    counts = Counter(cause.kind for cause in why.causes)
    found = []
    for kind, count in counts.items():
        heading = f"{_HEADINGS.get(kind, kind.capitalize())}: {count_text(count, 'reason')}"
        told = [capital(group_sentence(group)) for group in groups if group.kind == kind]
        found.append(Section(heading, (Lines(tuple(told), "changes"),), level=3))
    if hidden:
        more = "Ask for them in Python: explain(result).reasons()."
        found.append(Section(f"{count_text(hidden, 'more reason')} not shown", (more,), level=3))
    return tuple(found)


def _solved(result: Result) -> Facts:
    """Return what the solver saw, what is claimed, and how the plan was found."""
    certificate, unit = result.certificate, result.problem.unit
    pairs: list[tuple[str, ...]] = []
    for part in () if certificate is None else certificate._shown():
        pairs += part.pairs if isinstance(part, Facts) else [("inputs", str(part).strip())]
    bound, gap = result.bound, result.gap
    claimed = "none claimed: score exact, no bound"
    if bound is not None and gap is not None:
        claimed = f"{money_text(bound, unit)}, gap {percent_text(gap)}"
    pairs += [("lower bound on the law", claimed), ("solver", result.solver), ("seed", str(result.seed))]
    pairs += [(run.name, str(run).removeprefix(f"{run.name}: ")) for run in result.engines]
    if result.time_limit is not None:
        counted = " of counted work (deterministic)" if result.deterministic else ""
        pairs.append(("time limit", f"{seconds_text(result.time_limit)}{counted}"))
    pairs += [("said by the solver", result.message)] if result.message else []
    spent = f"{seconds_text(result.wall_seconds)} wall, {seconds_text(result.cpu_seconds)} CPU"
    return Facts(tuple((capital(word.strip()), said) for word, said in (*pairs, ("time", spent))))


def _reading(report: TableReport) -> Lines:
    """Say how a table was read, without the folders of its file and the cells that were bad."""
    shown = replace(report, source=_file_name(report.source), examples=())
    return Lines(tuple(str(line).strip() for line in shown._shown()), "plain")


def _file_name(source: str) -> str:
    """Return a file's name without its local folders; URLs are kept."""
    return source if "://" in source else PurePath(source).name or source
