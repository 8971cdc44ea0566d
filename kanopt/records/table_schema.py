"""What a table of a problem is: the records its rows become, the units of their fields, and what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["TableSchema"]


@dataclass(frozen=True)
class TableSchema:
    """A table of a problem.

    Parameters
    ----------
    name
        What it is called in messages and in scenario files, such as ``"clients"``.
    record
        A frozen dataclass with a field ``attributes``.
    units
        Unit of each field in the problem; a column whose declared unit differs is converted.
    key
        The fields that identify a record.
    of_day
        Whether its clock times are those of a day, so that small numbers without a unit are asked back.
    """

    name: str
    record: type
    units: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ("name",)
    of_day: bool = False
