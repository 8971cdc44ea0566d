"""How often a plan is on time: the sentence of the first page, and the table of stops or jobs to which it leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kanopt.problems.result import Result
from kanopt.reports.figure_rows import FigureRow
from kanopt.reports.page_parts import Link, PageTable, Sentence, row_ids, say
from kanopt.reports.risk_pages import days_table
from kanopt.text import count_text
from kanopt.whatif.risks.punctuality import Punctuality, punctuality

_MOST = 16
_ROW = "in-time"


@dataclass(frozen=True)
class PunctualitySection:
    """What the analyst reads of it: how it was worked out, what is assumed, and the least certain things."""

    text: str
    assumptions: tuple[str, ...]
    table: PageTable


def days_text(result: Result) -> str:
    """Return how often a plan is on time, in sentences; empty where nothing is known of that."""
    known = punctuality(result)
    return "" if known is None else known.text()


def punctuality_sentence(known: Punctuality | None, rows: Mapping[str, FigureRow]) -> Sentence:
    """Say on what share of days all is in time, and what is most often late; nothing where that is not known."""
    if known is None or "on_time" not in rows:
        return ()
    text, parts = known.words()
    worst = _ids(known)[0]
    anchors = {"on_time": rows["on_time"].anchor, "name": worst, "often": worst}
    late = rows["lateness"].anchor if "lateness" in rows else "punctuality"
    return say(text, *(Link(part, anchors.get(key, late)) for key, part in parts.items()))


def punctuality_section(known: Punctuality | None) -> PunctualitySection | None:
    """Return what the analyst reads of it."""
    if known is None:
        return None
    ranges = replace(known.risk.ranges(), frame=known.frame)
    unit = "" if ranges.clock else f" ({ranges.unit})"
    heads = {"name": known.thing, "limit": f"by{unit}", "planned": f"planned{unit}"}
    heads |= {"share": "days in time", "late": "late in the plan"}
    columns = ["name", "limit", "planned", "q05", "q50", "q95", "share"]
    columns += ["late"] if known.frame["late"].any() else []
    table = days_table(
        known.frame[columns], ranges, f"Least certain of {known.thing}s", heads=heads, most=_MOST
    )
    text = (
        f"The plan, as it stands and in its order, on {count_text(known.risk.draws, 'day')} that are drawn with the "
        f"seed {known.risk.seed}. kanopt risk and ko.risk tell more, with other assumptions too."
    )
    return PunctualitySection(
        text, known.risk.assumptions, replace(table, ids=_ids(known)[: len(table.rows)])
    )


def _ids(known: Punctuality) -> tuple[str, ...]:
    return row_ids(_ROW, [str(name) for name in known.frame["name"].head(2 * _MOST)])
