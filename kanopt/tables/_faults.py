"""Messages about invalid cells and rows, with their positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanopt.faults import Message, Setting, Wording
from kanopt.tables._convert import NO_NUMBER, TWO_WAYS, Cells, Kind, date_hint, notation_hint
from kanopt.tables._raw import RawTable
from kanopt.tables._text import TextFormat
from kanopt.tables.report import BadCell
from kanopt.text import count_text, list_names, shorten

_SHOWN = 3
_LONGEST = 60
ANOTHER_RANGE = "another range by minimum and maximum"


def bad_cells(raw: RawTable, name: str, shown: Any, why: str, at: NDArray[np.bool_]) -> list[BadCell]:
    """Return the first cells with one fault, as written in the source."""
    places = np.flatnonzero(at)[:_SHOWN]
    return [BadCell(int(raw.rows[k]), name, _cell(shown[int(k)]), why) for k in places]


def column_text(
    raw: RawTable,
    name: str,
    kind: Kind,
    cells: Cells,
    faults: dict[str, NDArray[np.bool_]],
    form: TextFormat,
) -> list[Any]:
    """Describe the faults of one column: how many, of which kinds, and the positions of the first ones."""
    lines: list[Any] = [f"  {name!r} ({kind}):"]
    for why, at in faults.items():
        lines.append(f"    {int(at.sum()):,} of {len(at):,} values: {why}")
        if why == NO_NUMBER and (sorts := _fault_patterns(cells.shown, at)):
            lines.append("      " + ", ".join(f"{text!r} {count:,} times" for text, count in sorts))
        first = bad_cells(raw, name, cells.shown, why, at)
        lines += [f"      {raw.row_word} {cell.row:,}: {cell.value!r}" for cell in first]
    for why in (NO_NUMBER, TWO_WAYS):
        if why in faults and (advice := notation_hint(cells.shown.filter(faults[why]), form)):
            lines.append(["    ", *((advice,) if isinstance(advice, str) else advice)])
    lines += [f"    {date_hint(cells.shown)}"] if date_hint(cells.shown) else []
    return [part for line in lines for part in ("\n", *([line] if isinstance(line, str) else line))]


def refusal(raw: RawTable, refused: dict[str, list[Any]]) -> Message:
    """Return the whole message of a table refused for its cells, given what is told of each column."""
    what = "1 column holds" if len(refused) == 1 else f"{len(refused)} columns hold"
    return (
        f"{raw.source}: {what} values that do not fit",
        *(piece for part in refused.values() for piece in part),
        "\nTo go on: ",
        Setting("on_bad", "missing"),
        " sets such cells missing and counts them, ",
        Setting("on_bad", "drop"),
        " leaves their rows out, ",
        Setting("on_bad", {next(iter(refused)): "drop"}),
        f" does so for one column; or declare {ANOTHER_RANGE}.",
    )


def ragged_text(raw: RawTable) -> Message:
    """Return the message for rows with too few or too many cells."""
    ragged, width = raw.ragged, raw.width
    shown = [f"{raw.row_word} {row:,} has {cells}" for row, cells in ragged]
    text = (
        f"{raw.source}: {count_text(len(ragged), 'row')} of {len(ragged) + len(raw.rows):,} with another number of "
        f"cells than the header's {width}: {list_names(shown, _SHOWN, quoted=False)}. To go on: mend them (a "
        "separator inside a cell needs quotes around the cell), or "
    )
    parts = (text, Setting("on_bad", "drop"), " leaves them out")
    if 2 * len(ragged) <= len(raw.rows) + len(ragged):
        return parts
    return (
        *parts,
        "; since most rows are so, say where the header stands or what divides the cells: ",
        Wording("form=TextFormat(header=…, separator=…)", "form = { header = …, separator = … }"),
    )


def _fault_patterns(shown: Any, at: NDArray[np.bool_]) -> list[tuple[str, int]]:
    """Group values that differ only in their digits, and count the most frequent groups of several values."""
    texts = pc.replace_substring_regex(shown.filter(at).cast("string"), r"\d+", "#")
    counts = sorted(
        ((c["counts"], str(c["values"])) for c in pc.value_counts(texts).to_pylist()), reverse=True
    )
    return [(_cell(text), int(count)) for count, text in counts[:_SHOWN] if count > 1]


def _cell(value: Any) -> str:
    plain = value.as_py() if hasattr(value, "as_py") else value
    return shorten("" if plain is None else str(plain), _LONGEST)
