"""What tables do not say: that something costs money, that something is to be carried, what becomes of a thing.

A table read from a file says what it says by its columns. Where no column states a price and no law does, every plan is
as good as another, and the cheapest one costs nothing: that is not the answer to anybody's question, but a header that
was not understood. Such a problem is refused. Whoever means it writes a column of zeros: what is stated is asked for,
and only asked back. So is a thing that one table lists and no row of another names, because rows are easily lost.
Records that are built by hand name their fields, and are not second-guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from kanopt.faults import Fault, Renaming
from kanopt.records.declaration import Table
from kanopt.records.headers import measured_in, read_header
from kanopt.records.unread_columns import TableUse, UnreadColumn, UnreadColumns, striking_columns
from kanopt.records.words import MONEY
from kanopt.text import join_list, list_names

__all__ = ["lookalikes", "missing_amount", "missing_price", "without_row", "zero_amount"]

_SHOWN = 6


def missing_price(
    records: Iterable[tuple[Table, Sequence[Any]]],
    filled: Mapping[str, Collection[str]],
    uses: Callable[[], Iterable[TableUse]],
    law: str,
) -> Iterable[Fault]:
    """Yield a mistake where no record and no column states a price although tables were read.

    Parameters
    ----------
    records
        The tables that declare prices, with their records.
    filled
        Table to the fields that its columns fill, of tables that were given as frames.
    uses
        Returns what the problem makes of its tables; asked where nothing costs anything.
    law
        What besides columns can state a price, as ``"a cost law"``.
    """
    tables = [(table, found) for table, found in records if table.prices]
    if any(getattr(one, price) for table, found in tables for one in found for price in table.prices):
        return
    read = [table for table, _ in tables if table.name in filled]
    if not read or any(set(table.prices) & set(filled[table.name]) for table in read):
        return
    named = "; ".join(f"{table.name}: {', '.join(table.prices)}" for table in read)
    what = (
        f"nothing costs anything, so that every plan is as good as any other: give {law}, or a price ({named}); a "
        "column of zeros says that nothing is to be paid"
    )
    yield Fault("problem", (what, *_clause(uses(), _is_price)))


def missing_amount(
    table: str,
    wanted: Collection[str],
    filled: Mapping[str, Collection[str]],
    uses: Iterable[TableUse],
    limit: str,
) -> Iterable[Fault]:
    """Yield a mistake where no column says how much there is to carry although something limits it.

    Parameters
    ----------
    table
        The table that should say it.
    wanted
        Its fields that say it.
    filled, uses
        As for :func:`missing_price`.
    limit
        What limits it, as ``"'van' carries 3.5 t"``.
    """
    if table not in filled or set(wanted) & set(filled[table]):
        return
    fields = " or ".join(wanted)
    what = f"no column says how much there is to carry ({fields}), but {limit}; a column of zeros says that nothing is"
    yield Fault(table, (what, *lookalikes(uses, wanted)))


def zero_amount(
    table: str, wanted: Collection[str], filled: Mapping[str, Collection[str]], limit: str
) -> Iterable[Fault]:
    """Yield a question where columns say that there is nothing to carry; parameters as of :func:`missing_amount`."""
    if stated := [field for field in wanted if field in filled.get(table, ())]:
        said = f"{join_list(stated)} {'is' if len(stated) == 1 else 'are'} 0 throughout"
        yield Fault(table, f"{said}, but {limit}; is nothing to be carried?")


def without_row(
    table: str, thing: str, names: Sequence[str], effect: str, row: str = "row for the"
) -> Iterable[Fault]:
    """Yield a question about things that another table lists and that no row of this one names.

    Parameters
    ----------
    table
        The table without such rows.
    thing
        What they are, in the singular.
    names
        Their names; nothing is asked where there are none.
    effect
        What follows for each.
    row
        What is missing.

    Examples
    --------
    >>> print(*without_row("demand", "market", ["Lyon", "Nice"], "it wants nothing"))
    demand: no row for the market 'Lyon', 'Nice': it wants nothing; is that meant?
    """
    if names:
        yield Fault(table, f"no {row} {thing} {list_names(names)}: {effect}; is that meant?")


def lookalikes(uses: Iterable[TableUse], fields: Collection[str]) -> Sequence[str | Renaming]:
    """Return the parts of a clause that names the unread columns which look like some fields; none where none does."""
    return _clause(uses, lambda column: column.field is not None and column.field.name in fields)


def _clause(uses: Iterable[TableUse], wanted: Callable[[UnreadColumn], bool]) -> Sequence[str | Renaming]:
    like = [
        UnreadColumns(use.table, columns[:_SHOWN], ())
        for use in uses
        if (columns := tuple(filter(wanted, striking_columns(use))))
    ]
    if not like:
        return ()
    told = "; ".join(f"{each.table}: {join_list([*map(str, each.striking)])}" for each in like)
    written: list[str | Renaming] = []
    for each in like:
        if each.meant:
            written += [" and " if written else "; where that is meant, write ", each.renaming]
    return (f"; nothing reads {told}", *written)


def _is_price(column: UnreadColumn) -> bool:
    unit = column.field.unit if column.field else column.unit or read_header(column.name).unit
    return "money" in dict(measured_in(unit) or ()) or bool(MONEY & set(read_header(column.name).pieces))
