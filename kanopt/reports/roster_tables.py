"""Tables with a row for each vehicle, job, machine, site or market."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from kanopt.problems.plan_figures import Roster
from kanopt.reports.page_parts import PageTable, row_ids, table_of
from kanopt.text import clock_text, fixed_text, money_decimals, percent_text

_OF_MARKS = ("vehicle", "machine")
"""Rosters whose names stand in drawings as well."""


def roster_table(roster: Roster) -> PageTable:
    """Write a roster for people; each row has an id of its own."""
    frame = roster.frame
    forms: dict[str, Callable[[Any], str]] = {name: partial(_clock, roster.time) for name in roster.clocks}
    forms |= dict.fromkeys(roster.shares, _share)
    forms |= {name: partial(_money, money_decimals(frame[name].dropna())) for name in roster.money}
    table = table_of(frame, roster.caption, forms=forms)
    names = [str(name) for name in frame.iloc[:, 0]]
    shown = len(table.rows)
    of = names[:shown] if roster.key in _OF_MARKS else []
    return replace(table, ids=row_ids(roster.key, names)[:shown], of=tuple(of))


def _clock(unit: str, value: float) -> str:
    return clock_text(float(value), unit)


def _share(value: float) -> str:
    return percent_text(float(value))


def _money(decimals: int, value: float) -> str:
    return fixed_text(float(value), decimals)
