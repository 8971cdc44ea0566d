"""What kanopt says, as text that is the same on every machine and can be compared."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.cases.told import NOISE

__all__ = [
    "cell",
    "file_of",
    "frame",
    "lines",
    "masked",
    "number",
    "plan_from_file",
    "records",
    "report",
    "sections_of",
    "visible",
    "warned",
]

_ROOT = Path(__file__).parents[2]
_DIGITS = 11
_ABOUT = "kanopt|numpy|pandas|scipy|torch|sympy|ortools|pyvrp|highspy|python|system"
_MASKS = (
    (re.compile(r"\d[\d,]*\.?\d* CPU s"), "# CPU s"),
    (re.compile(r"(?<=[(,] )\d+\.\d s(?=[):])"), "# s"),
    (re.compile(r'("(?:wall_|cpu_)?seconds": )[\d.e-]+'), r"\1#"),
    (re.compile(r'("(?:seconds [\w ]+)": )"[\d.]+"'), r"\1#"),
    (re.compile(rf'("(?:{_ABOUT})": )"[^"]*"'), r"\1#"),
    (re.compile(rf"((?:^|\|) *(?:{_ABOUT}) *\|) [^|\n]*", re.M), r"\1 #"),
    (re.compile(rf"^({_ABOUT})\n.*$", re.M), r"\1\n#"),
    (re.compile(r"((?:^|\|) *seconds [\w ]+\|) [\d.]+", re.M), r"\1 #"),
    (re.compile(r"(kanopt|OR-Tools[ \w-]*?|PyVRP|HiGHS|CP-SAT|ortools) \d+(?:\.\d+)+"), r"\1 #"),
    (re.compile(r"\b\d[\d,]* steps\b"), "# steps"),
    (re.compile(r"sha256 [0-9a-f]+"), "sha256 #"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "#-#-#"),
)  # fmt: skip


def number(value: float) -> str:
    """Return a number with 11 digits, what floating point leaves of nothing as 0."""
    return "0" if abs(value) < NOISE else f"{value:.{_DIGITS}g}"


def cell(value: Any) -> str:
    """Return a value as it stands in a table: a number with 11 digits, a text on one line."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float):
        return number(value)
    return str(value).replace("\n", " ⏎ ")


def frame(table: pd.DataFrame | pd.Series[Any] | None) -> str:
    """Return a table, a line per row."""
    if table is None:
        return "none"
    if isinstance(table, pd.Series):
        table = table.rename_axis(table.index.name or "name").reset_index()
    rows = [" | ".join(map(str, table.columns))]
    rows += [" | ".join(map(cell, row)) for row in table.itertuples(index=False, name=None)]
    return "\n".join(rows)


def records(items: Iterable[Any]) -> str:
    """Return dataclass instances, a line per field that says something."""
    told = []
    for item in items:
        parts = [(each.name, getattr(item, each.name)) for each in fields(item)]
        told.append("; ".join(f"{name}: {_value(value)}" for name, value in parts if value not in ("", None)))
    return "\n".join(told) or "none"


def _value(value: Any) -> str:
    if isinstance(value, pd.DataFrame):
        return frame(value)
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_value, value))
    return records([value]) if is_dataclass(value) and not isinstance(value, type) else cell(value)


def lines(*parts: Any) -> str:
    """Return parts one under the other, numbers with 11 digits."""
    return "\n".join(cell(part) if not isinstance(part, str) else part for part in parts)


def masked(text: str) -> str:
    """Hide what differs from run to run: seconds, versions, hashes, dates, and where the repository is."""
    text = text.replace(f"{_ROOT}/", "")
    for pattern, put in _MASKS:
        text = pattern.sub(put, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


class _Visible(HTMLParser):
    """Collects what a reader sees, without pictures: a line per block, cells parted by strokes."""

    _HIDDEN = frozenset(("script", "style", "svg"))
    _INLINE = frozenset(
        ("a", "abbr", "b", "code", "em", "i", "small", "span", "strong", "sub", "sup", "math", "mi", "mo", "mn", "mrow",
         "mfrac", "msup", "msub", "msqrt", "mtext", "mstyle", "mspace")
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in self._HIDDEN
        if tag in ("td", "th"):
            self.parts.append(" | ")
        elif tag not in self._INLINE:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in self._HIDDEN
        if tag not in self._INLINE and tag not in ("td", "th"):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(re.sub(r"\s+", " ", data))


def visible(html: str) -> str:
    """Return the text of a page that a reader sees."""
    reader = _Visible()
    reader.feed(html)
    shown = (re.sub(r"[ \xa0]+", " ", line).strip() for line in "".join(reader.parts).splitlines())
    return "\n".join(line for line in shown if line)


def report(write: Callable[[Path], Any]) -> str:
    """Return the visible text of the page that `write` writes to a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        write(path)
        return masked(visible(path.read_text("utf-8")))


@contextmanager
def warned() -> Iterator[list[str]]:
    """Collect what is warned of, each once and in order of the alphabet when it is over."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield told
    told += sorted({f"{each.category.__name__}: {each.message}" for each in caught})


_TEXTS = (
    "vehicle", "client", "depot", "task", "machine", "mode", "job", "tail", "head", "product", "period", "decision",
)  # fmt: skip


def plan_from_file(path: Path) -> pd.DataFrame:
    """Read a plan that was frozen; names stay texts."""
    table = pd.read_csv(path, dtype=dict.fromkeys(_TEXTS, str))
    return table.astype({name: "Int64" for name in ("index", "stop") if name in table.columns})


def file_of(sections: Mapping[str, str]) -> str:
    """Return the text of a golden file."""
    return "\n\n".join(f"== {name} ==\n{masked(text) or 'nothing'}" for name, text in sections.items()) + "\n"


def sections_of(text: str) -> dict[str, str]:
    """Return the sections of a golden file."""
    parts = re.split(r"^== (.+) ==$", text, flags=re.M)
    return {name: body.strip("\n") for name, body in zip(parts[1::2], parts[2::2], strict=True)}
