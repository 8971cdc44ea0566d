"""The price of a plan as tables: by term, by group and by item, beside today's where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from kanopt.display import CellBar, Grid
from kanopt.explain import Explanation, difference
from kanopt.problems.result import Result
from kanopt.reports.blocks import bar_lengths
from kanopt.reports.canvas import named_rows
from kanopt.reports.plan_why import group_ids, term_ids
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
        return change_table(frame, "term", caption, ("today", "new plan"))
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


def change_table(frame: pd.DataFrame, key: str, caption: str, names: tuple[str, str]) -> Grid:
    """Return a frame with ``before``, ``after`` and ``change`` as a table with a pair of bars in each row."""
    before, after = frame["before"].tolist(), frame["after"].tolist()
    decimals = money_decimals([sum(before), sum(after), *before, *after])
    lengths = bar_lengths([*before, *after])
    rows = tuple(
        (
            str(name),
            fixed_text(old, decimals),
            fixed_text(new, decimals),
            fixed_text(new - old, decimals, signed=True),
            _relative(old, new),
            CellBar(lengths[len(before) + index], lengths[index]),
        )
        for index, (name, old, new) in enumerate(zip(frame[key], before, after, strict=True))
    )
    old, new = sum(before), sum(after)
    change = fixed_text(new - old, decimals, signed=True)
    total = ("total", fixed_text(old, decimals), fixed_text(new, decimals), change, _relative(old, new), "")
    heads = (key, *names, "change", "%", "")
    return Grid(heads, (False, True, True, True, True, False), rows, caption=caption, total=total)


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
