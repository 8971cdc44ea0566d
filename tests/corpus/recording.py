"""What kanopt computes, as text that is the same on every machine and can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.cases.told import NOISE

__all__ = ["cell", "file_of", "frame", "plan_from_file", "records"]

_DIGITS = 11
_TEXTS = (
    "vehicle", "client", "depot", "task", "machine", "mode", "job", "tail", "head", "product", "period", "decision",
)  # fmt: skip


def cell(value: Any) -> str:
    """Return a value as it stands in a table: a number with 11 digits, a text on one line."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float):
        return "0" if abs(value) < NOISE else f"{value:.{_DIGITS}g}"
    return str(value).replace("\n", " ⏎ ")


def frame(table: pd.DataFrame | pd.Series[Any]) -> str:
    """Return a table, a line per row."""
    if isinstance(table, pd.Series):
        table = table.rename_axis(table.index.name or "name").reset_index()
    rows = [" | ".join(map(str, table.columns))]
    rows += [" | ".join(map(cell, row)).rstrip() for row in table.itertuples(index=False, name=None)]
    return "\n".join(rows)


def records(items: Iterable[Any], *names: str) -> str:
    """Return these attributes of each thing, a line per thing."""
    return "\n".join(" | ".join(cell(getattr(item, name)) for name in names).rstrip() for item in items)


def plan_from_file(path: Path) -> pd.DataFrame:
    """Read a plan that was frozen; names stay texts."""
    table = pd.read_csv(path, dtype=dict.fromkeys(_TEXTS, str))
    return table.astype({name: "Int64" for name in ("index", "stop") if name in table.columns})


def file_of(sections: Mapping[str, str]) -> str:
    """Return the text of a golden file."""
    return "\n\n".join(f"== {name} ==\n{text or 'nothing'}" for name, text in sections.items()) + "\n"
