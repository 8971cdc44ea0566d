"""The price of a plan as tables: by term, by group and by item, beside today's where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from kanopt.display import CellBar, Grid
from kanopt.explain import Explanation, difference
from kanopt.pages.blocks import bar_lengths
from kanopt.pages.canvas import named_rows
from kanopt.pages.plan_why import group_ids, term_ids
from kanopt.plans.result import Result
from kanopt.text import count_text, fixed_text, money_decimals, percent_text

_MOST_GROUPS = 80
_MOST_ITEMS = 250


def term_table(explanation: Explanation, today: Result | None) -> Grid:
    """Return the cost terms, which add up to the objective, with today's beside them."""
    table = _term_table(explanation, today)
    anchors = term_ids([row[0] for row in table.rows if isinstance(row[0], str)])
    table = replace(table, ids=tuple(anchors.values()), total_id="cost-total")
    earned = (explanation.terms()["amount"] < 0).any()
    return replace(table, note="What is earned is a negative cost.") if earned else table


def _term_table(explanation: Explanation, today: Result | None) -> Grid:
    result = explanation.result
    unit = result.problem.unit
    if today is not None and today.pricing is not None and today.problem.unit == unit:
        frame = difference(today, result).sort_values("after", ascending=False, kind="stable")
        caption = f"Cost by term, today's plan and the new one ({unit})"
        return change_table(frame, caption, {"before": "today", "after": "new plan", "change": "change"})
    frame = explanation.terms()
    decimals = money_decimals([*frame["amount"], result.objective or 0.0])
    rows = tuple(
        (str(row.term), fixed_text(row.amount, decimals), percent_text(row.share), CellBar(length))
        for row, length in zip(named_rows(frame), bar_lengths(frame["amount"].tolist()), strict=True)
    )
    total = (
        "total",
        fixed_text(result.objective or 0.0, decimals),
        percent_text(1.0) if result.objective else "–",
        "",
    )
    heads = ("term", unit or "amount", "share", "")
    caption = f"Cost by term ({unit})" if unit else "Cost by term"
    return Grid(heads, (False, True, True, False), rows, caption=caption, total=total)


def change_table(frame: pd.DataFrame, caption: str, heads: Mapping[str, str]) -> Grid:
    """Return the terms of two plans beside each other, with a pair of bars in each row.

    Parameters
    ----------
    frame
        Columns ``term``, ``before``, ``after`` and ``change``, and others that are parts of the change.
    caption
        What it shows.
    heads
        Column to head, in their order.
    """
    sums = frame[list(heads)].sum(min_count=1)
    decimals = money_decimals([*frame["before"], *frame["after"], sums["before"], sums["after"]])

    def cells(name: str, row: pd.Series[float]) -> tuple[str, ...]:
        told = [
            fixed_text(float(row[column]), decimals, signed=column not in ("before", "after"))
            for column in heads
        ]
        return (name, *told, _relative(row["before"], row["after"]))

    lengths = bar_lengths([*frame["before"], *frame["after"]])
    rows: tuple[tuple[str | CellBar, ...], ...] = tuple(
        (*cells(str(term), row), CellBar(lengths[len(frame) + place], lengths[place]))
        for place, (term, (_, row)) in enumerate(
            zip(frame["term"], frame[list(heads)].iterrows(), strict=True)
        )
    )
    numeric = (False, *(True for _ in heads), True, False)
    words = ("term", *heads.values(), "%", "")
    return Grid(words, numeric, rows, caption=caption, total=(*cells("total", sums), ""))


def group_table(explanation: Explanation) -> Grid | None:
    """Return one row per route, machine or lane and one column per term; None where there is one group."""
    frame = explanation.terms(by="group")
    if frame["group"].nunique() < 2:
        return None
    table = _pivot(frame, ["group"], "Cost by group", explanation, _MOST_GROUPS)
    anchors = group_ids([str(name) for name in frame["group"].unique()])
    return replace(table, ids=tuple(anchors.values())[: len(table.rows)])


def item_table(explanation: Explanation) -> Grid | None:
    """Return one row per leg, task or period; None where no term is priced per item."""
    frame = explanation.terms(by="item")
    if not frame["item"].astype(bool).any():
        return None
    return _pivot(frame, ["group", "item"], "Cost by item", explanation, _MOST_ITEMS)


def _pivot(frame: pd.DataFrame, keys: list[str], caption: str, why: Explanation, most: int) -> Grid:
    terms = [str(term) for term in why.terms()["term"]]
    wide = frame.pivot_table(index=keys, columns="term", values="amount", aggfunc="sum", sort=False)
    wide = wide.reindex(columns=terms)
    sums = wide.sum(axis="columns")
    decimals = money_decimals([why.result.objective or 0.0, *sums])
    show_terms = terms if len(terms) > 1 else []
    cut = wide.head(most)
    rows: tuple[tuple[str | CellBar, ...], ...] = tuple(
        (
            *_labels(index),
            *_numbers(cells[show_terms], decimals),
            fixed_text(total, decimals),
            CellBar(length),
        )
        for (index, cells), total, length in zip(cut.iterrows(), sums, bar_lengths(list(sums)), strict=False)
    )
    heads = (*keys, *show_terms, "total", "")
    numeric = tuple(len(keys) <= at < len(heads) - 1 for at in range(len(heads)))
    totals = _numbers(wide[show_terms].sum(), decimals)
    total = ("total", *[""] * (len(keys) - 1), *totals, fixed_text(float(sums.sum()), decimals), "")
    unit = why.result.problem.unit
    note = (
        f"The first {most:,} of {count_text(len(wide), 'row')}; the total is of all."
        if len(wide) > most
        else ""
    )
    return Grid(heads, numeric, rows, note, caption=f"{caption} ({unit})" if unit else caption, total=total)


def _labels(index: object) -> tuple[str, ...]:
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(str(part) or "as a whole" for part in parts)


def _numbers(values: pd.Series[float], decimals: int) -> Sequence[str]:
    return ["" if pd.isna(value) else fixed_text(float(value), decimals) for value in values]


def _relative(old: float, new: float) -> str:
    return percent_text((new - old) / abs(old), signed=True) if old else "–"
