"""Schemas of tables: columns, their kinds, units and ranges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

import pandas as pd

from kanopt.errors import TableError, nearest
from kanopt.units import check_unit

Kind = Literal["number", "integer", "category", "text", "datetime", "boolean"]
KINDS: tuple[str, ...] = get_args(Kind)
NUMERIC = ("number", "integer")


@dataclass(frozen=True)
class Column:
    """The specification of one column.

    Parameters
    ----------
    name
        Its name in the frame.
    kind
        ``"number"`` (float64), ``"integer"`` (int64; float64 where values are missing), ``"category"``,
        ``"text"``, ``"datetime"`` or ``"boolean"``.
    unit
        Unit of the values in the frame; only for numbers.
    required
        Whether a table without the column is refused.
    allow_missing
        Whether cells may be blank.
    minimum, maximum
        Smallest and largest allowed value, inclusive; for a datetime a text such as ``"2024-01-31"``.
    format
        How dates are written, as in :meth:`datetime.datetime.strptime`; None means ISO 8601.

    Raises
    ------
    TableError
        If the kind is unknown, or a setting does not go with it.
    UnitError
        If the unit is unknown.

    Examples
    --------
    >>> Column("distance", "number", unit="km", minimum=0).unit
    'km'
    """

    name: str
    kind: Kind = "number"
    unit: str | None = None
    required: bool = True
    allow_missing: bool = True
    minimum: float | str | None = None
    maximum: float | str | None = None
    format: str | None = None

    def __post_init__(self) -> None:
        where = f"schema: column {self.name!r}"
        if self.kind not in KINDS:
            raise TableError(f"{where}: unknown kind {self.kind!r}; {nearest(str(self.kind), KINDS)}")
        if self.unit is not None:
            if self.kind not in NUMERIC:
                raise TableError(f"{where}: only numbers have a unit, and this is a {self.kind}")
            object.__setattr__(self, "unit", check_unit(self.unit))
        if self.format is not None and self.kind != "datetime":
            raise TableError(f"{where}: a format is for kind 'datetime', and this is a {self.kind}")
        if self.format is not None and not _names_a_day(self.format):
            raise TableError(
                f"{where}: {self.format!r:.60} is no format of dates, such as '%d.%m.%Y' or '%m/%d/%Y %I:%M %p': %d is "
                "the day, %m the month (%b by name), %Y the year, %H:%M the time (%I:%M %p with am or pm)"
            )
        for side in ("minimum", "maximum"):
            self._check_limit(side, where)

    def _check_limit(self, side: str, where: str) -> None:
        limit = getattr(self, side)
        if limit is None:
            return
        if self.kind == "datetime":
            try:
                fits = isinstance(limit, str) and not pd.isna(pd.Timestamp(limit))
            except ValueError:
                fits = False
        else:
            fits = self.kind in NUMERIC and isinstance(limit, (int, float)) and limit == limit
        if not fits:
            raise TableError(f"{where}: {side} {limit!r} does not go with kind {self.kind!r}")


def _names_a_day(form: str) -> bool:
    """Say whether a format tells one day from all others, so that what it writes can be read again."""
    try:
        return all(
            datetime.strptime(day.strftime(form), form).date() == day.date()
            for day in (datetime(2001, 2, 3, tzinfo=UTC), datetime(2024, 12, 30, tzinfo=UTC))
        )
    except ValueError:
        return False


@dataclass(frozen=True)
class Schema:
    """The specification of a table.

    Parameters
    ----------
    columns
        Its columns.
    key
        Columns whose values together identify a row, so that no two rows may share them.

    Raises
    ------
    TableError
        If two columns have the same name, or the key names a column that is not there.

    Examples
    --------
    >>> schema = Schema((Column("trip", "text"), Column("distance", unit="km", minimum=0)), key=("trip",))
    >>> schema.names
    ('trip', 'distance')
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise TableError(f"schema: column {repeated[0]!r} is declared more than once")
        for name in self.key:
            if name not in self.names:
                raise TableError(f"schema: no column {name!r} for the key; {nearest(name, self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    def get(self, name: str) -> Column | None:
        """Return the column of this name, or None."""
        return next((column for column in self.columns if column.name == name), None)
