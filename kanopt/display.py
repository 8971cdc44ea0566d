"""What objects show of themselves, in print and in notebooks, and the one call upward to the reports.

An object sums itself up as parts: sentences, facts, tables and laws. Print writes them as text (:func:`told`), a
notebook as HTML (``reports.shown_html``), so that both say the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from kanopt.text import count_text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Alarm", "Facts", "Fold", "Grid", "Law", "Part", "Shown", "grid_of", "reports", "told"]

_GAP = " "


class Reports(Protocol):
    """What objects ask of the reports, which lie above them: drawings, pages and files."""

    answer_page: Callable[..., Any]
    days_text: Callable[..., str]
    export: Callable[..., tuple[Path, ...]]
    export_tables: Callable[..., Path]
    monte_carlo_page: Callable[..., Any]
    plot_baselines: Callable[..., Axes]
    plot_costs: Callable[..., Axes]
    plot_day_costs: Callable[..., Axes]
    plot_decisions: Callable[..., Axes]
    plot_diagram: Callable[..., Axes]
    plot_effects: Callable[..., Axes]
    plot_law: Callable[..., Axes]
    plot_modules: Callable[..., Axes]
    plot_plans: Callable[..., Axes]
    plot_ranges: Callable[..., Axes]
    plot_result: Callable[..., Axes]
    plot_sweep: Callable[..., Axes]
    plot_switch_points: Callable[..., Axes]
    plot_tornado: Callable[..., Axes]
    risk_page: Callable[..., Any]
    shown_html: Callable[..., str]
    write_explanation: Callable[..., Path]
    write_page: Callable[..., Path]
    write_report: Callable[..., Path]


reports: Reports


def __getattr__(name: str) -> Any:
    # by name, at the first use: drawing libraries are loaded by whoever draws, and imports point one way
    if name != "reports":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("kanopt.reports")


class Alarm(str):
    """A sentence that must not be overlooked."""

    __slots__ = ()


@dataclass(frozen=True)
class Facts:
    r"""Pairs of a word and what is to be said about it; `indent` and `between` are how print writes them.

    Examples
    --------
    >>> told([Facts((("bound", "70.00 EUR"), ("gap", "3 %")), between=": ")])
    'bound: 70.00 EUR\ngap: 3 %'
    """

    pairs: tuple[tuple[str, str], ...]
    between: str = " "
    indent: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: heads, which of the columns are numbers, rows of text, and a sentence below."""

    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    indent: str = ""


@dataclass(frozen=True)
class Law:
    """A formula, set as mathematics where that can be done; `name` is what print calls it by."""

    formula: Any
    name: str = ""


@dataclass(frozen=True)
class Fold:
    """What a notebook shows at a click and print leaves out."""

    title: str
    parts: tuple[Part, ...]


Part: TypeAlias = str | Facts | Grid | Law | Fold
"""A sentence (below the one before it, where it is indented; a gap, where it is empty), or one of the above."""


class Shown(ABC):
    """An object that shows the same in print and in notebooks."""

    @abstractmethod
    def _shown(self) -> Iterable[Part]:
        """Yield what it shows, beginning with a title."""

    def _repr_html_(self) -> str:
        from kanopt.display import reports

        return reports.shown_html(self._shown())

    def text(self) -> str:
        """Return what it shows as text."""
        return told(self._shown())

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)


def told(parts: Iterable[Part]) -> str:
    """Write parts as text.

    Examples
    --------
    >>> table = Grid(("path", "swing"), (False, True), (("fuel", "1.50"), ("wages", "–")), note="a note")
    >>> print(told(["two inputs", "", table]))
    two inputs
    <BLANKLINE>
     path  swing
     fuel   1.50
    wages      –
    a note
    """
    lines: list[str] = []
    for part in parts:
        match part:
            case str():
                lines.append(str(part))
            case Facts():
                lines += [f"{part.indent}{label}{part.between}{value}" for label, value in part.pairs]
            case Grid():
                lines += [f"{part.indent}{line}" for line in _grid_lines(part)]
            case Law():
                lines.append(f"{part.name or part.formula.output.name} = {part.formula}")
            case Fold():
                pass
    return "\n".join(lines)


def _grid_lines(grid: Grid) -> list[str]:
    """Write a table as pandas does: to the right, numbers a space further from what stands before them."""
    heads = [f"{_GAP * is_number}{head}" for head, is_number in zip(grid.heads, grid.numeric, strict=True)]
    table = [tuple(heads), *grid.rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [_GAP.join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    return lines + ([grid.note] if grid.note else [])


def grid_of(
    frame: pd.DataFrame,
    form: Callable[[float], str],
    *,
    forms: Mapping[str, Callable[[Any], str]] | None = None,
    most: int | None = None,
    rest: str = "",
    missing: str = "–",
) -> Grid:
    """Return a frame as a table, without its index.

    Parameters
    ----------
    frame
        The frame.
    form
        From a number that is not whole to its text.
    forms
        Column to a form of its own.
    most
        Rows beyond these are counted; all are shown where None.
    rest
        Where the others are: ``"sweep.points has all"``.
    missing
        What stands for no value.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"path": ["fuel", "wages"], "swing": [1.5, float("nan")]})
    >>> grid_of(frame, "{:.2f}".format, most=1, rest="tornado.frame has all").note
    'the first of 2 rows; tornado.frame has all'
    """
    from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype

    cut = frame if most is None else frame.head(most)
    forms = forms or {}
    columns = []
    for name in cut.columns:
        known = forms.get(str(name)) or (form if is_float_dtype(cut[name]) else str)
        gone = cut[name].isna()
        columns.append([missing if no else known(value) for value, no in zip(cut[name], gone, strict=True)])
    numeric = tuple(
        bool(is_numeric_dtype(cut[name]) and not is_bool_dtype(cut[name])) for name in cut.columns
    )
    left = len(frame) > len(cut)
    first = "the first" if len(cut) == 1 else f"the first {len(cut):,}"
    note = "; ".join(filter(None, (f"{first} of {count_text(len(frame), 'row')}", rest))) if left else ""
    heads = tuple(str(name) for name in cut.columns)
    return Grid(heads, numeric, tuple(zip(*columns, strict=True)) if columns else (), note)
