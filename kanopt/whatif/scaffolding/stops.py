"""Places of a table of orders: where its rows are, and orders from place to place as two stops each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from kanopt.records.headers import measured_in, read_header
from kanopt.records.likeness import is_called
from kanopt.records.matching import ColumnFacts
from kanopt.records.words import FIELD_WORDS
from kanopt.units import factor
from kanopt.whatif.scaffolding.cell_formats import coordinate_ends
from kanopt.whatif.scaffolding.parts import looks_like
from kanopt.whatif.scaffolding.rewrites import joined, texts
from kanopt.whatif.scaffolding.sources import SourceTable

_FEWEST = 2
_OF_STOPS = ("earliest", "latest", "windows", "service_duration")
_BEGINNING = 6  # letters by which words are the same: deliver, delivery


def coordinate_pairs(table: SourceTable) -> list[dict[str, str]]:
    """Return the columns that say where a row is, place by place: each end of a place to its column."""
    return coordinate_ends(column.name for column in table.facts.columns.values() if column.kind == "number")


def located(
    table: SourceTable, columns: Sequence[ColumnFacts], places: SourceTable, ends: Mapping[str, str]
) -> SourceTable:
    """Return a table with the coordinates of the places that one or two of its columns name.

    Parameters
    ----------
    table, columns
        Which.
    places, ends
        The table of places, and its columns for the ends of a coordinate.
    """
    key = places.facts.key
    assert key is not None
    made, why = table, f"{table.called} with the places of {places.called}"
    for column in columns:
        names = {name: name if len(columns) == 1 else f"{column.name} {end}" for end, name in ends.items()}
        made = joined(made, places, {column.name: key.name}, names, why, end="located")
    if len(columns) == 1:
        return made
    apart = made.frame.drop(columns=[column.name for column in columns])
    return made.remade(apart, why, end="apart")


def stops_of_orders(table: SourceTable, key: str, pairs: Sequence[Mapping[str, str]]) -> SourceTable:
    """Return orders from place to place as two stops each: one where it is loaded, and one where it is unloaded."""
    first, last = pairs[:_FEWEST]
    words = [{*read_header(next(iter(ends.values()))).words} for ends in (first, last)]
    sources = {*FIELD_WORDS["source"].replace(",", " ").split()}
    if words[1] & sources and not words[0] & sources:
        first, last = last, first
    frame = table.frame.reset_index(drop=True)
    names = texts(frame[key])
    if table.columns[key].kind == "number":
        names = f"{key} " + names  # numbers beside texts would be read as either
    loaded = names + " (loading)"
    where = {name for ends in (first, last) for name in ends.values()}
    own = [_of_stop(table, ends, where) for ends in (first, last)]
    beside = [n for n in map(str, frame.columns) if n not in where and not any(n in of for of in own)]
    unloading = frame[beside].assign(**{key: names, "source": loaded})
    loading = pd.DataFrame({key: loaded})
    for stop, ends, of in ((loading, first, own[0]), (unloading, last, own[1])):
        for end, name in ends.items():
            stop[end] = frame[name]
        for name, plain in of.items():
            stop[plain] = frame[name]
    renamed = {plain: name for of in own for name, plain in of.items()} | dict(last)
    stops = pd.concat([unloading, loading], ignore_index=True)
    units = {n: table.columns[of].unit for n, of in renamed.items()}
    why = f"{table.called}: a stop where each is loaded and one where it is unloaded"
    return table.remade(stops, why, units, end="stops")


def _of_stop(table: SourceTable, ends: Mapping[str, str], where: Collection[str]) -> dict[str, str]:
    """Return the columns whose headers have the word of one stop, each with the field that it fills, or without it."""
    of = {word[:_BEGINNING] for word in read_header(next(iter(ends.values()))).words if len(word) > 1}
    found: dict[str, str] = {}
    for name, column in table.facts.columns.items():
        plain = " ".join(w for w in name.split() if not {p[:_BEGINNING] for p in read_header(w).pieces} & of)
        if name in where or not plain or plain == name:
            continue
        alone = replace(column, name=plain)
        fields = [f for f in _OF_STOPS for c in (column, alone) if looks_like(c, "clients", f)]
        found[name] = next(iter(fields), plain)
    return found


def with_breaks(table: SourceTable) -> SourceTable:
    """Return vehicles whose breaks stand in several columns with one that tells them; any other table as it is.

    Whether the later clock time is the latest begin or the end, no header says for sure: a break that is over by then
    keeps to both. Two clock times without a length are the break itself.
    """
    words = frozenset(word for word in FIELD_WORDS["breaks"].split(", ") if " " not in word)
    told = [c for c in table.columns.values() if any(is_called(piece, words) for piece in c.header.pieces)]
    times = [c for c in told if c.minutes is not None]
    lengths = [c for c in told if c.measured == measured_in("min")]
    if len(times) != 2 or len(lengths) > 1:
        return table
    # rows without a break are blank
    clocks = pd.DataFrame({c.name: c.minutes for c in times}, index=table.frame.index)
    begin, end = clocks.min(axis="columns"), clocks.max(axis="columns")
    length = end - begin
    if lengths:
        length = table.frame[lengths[0].name] * factor(lengths[0].unit, "min")
    latest = (end - length).clip(lower=begin)
    spans = zip(length, begin, latest, strict=True)
    breaks = [f"{long:g} in {first:g}-{last:g}" if long > 0 else None for long, first, last in spans]
    names = [c.name for c in (*times, *lengths)]
    why = f"{table.called} with its breaks in one column, each over by the later time"
    frame = table.frame.drop(columns=names).assign(breaks=pd.Series(breaks, index=table.frame.index))
    return table.remade(frame, why, end="breaks", reads=names)
