"""Fields that are filled and change nothing, because another one is blank.

A penalty for being late costs nothing where nothing is due. Who filled it expects otherwise, so it is told of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from kanopt.records.record import Record
from kanopt.text import list_names

__all__ = ["IDLE_FIELDS", "idle_fields"]


@dataclass(frozen=True)
class IdleField:
    """A field that changes nothing while others are as they are where nobody fills them.

    Parameters
    ----------
    name
        The field.
    without
        The fields of which one must be filled.
    lack
        What is missing then.
    """

    name: str
    without: tuple[str, ...]
    lack: str


IDLE_FIELDS: Mapping[str, tuple[IdleField, ...]] = {
    "clients": (
        IdleField("cost_per_lateness", ("latest", "windows"), "no time after which service is late"),
        IdleField("on_time", ("latest", "windows"), "no time after which service is late"),
        IdleField("demand_sd", ("demand",), "no demand that could differ"),
    ),
    "vehicles": (
        IdleField("cost_per_overtime", ("regular_time",), "no regular_time after which overtime begins"),
        IdleField("regular_time", ("cost_per_overtime",), "no cost_per_overtime to pay after it"),
        IdleField("reload_time", ("reloads",), "no reloads that would take it"),
    ),
    "jobs": (IdleField("tardiness_cost", ("due",), "no due time after which it is paid"),),
    "facilities": (IdleField("holding_cost", ("storage",), "no storage in which anything is kept"),),
}
"""Table to such fields of its records."""


def idle_fields(tables: Mapping[str, Sequence[Record]]) -> tuple[str, ...]:
    """Tell of the records of each table in which a field changes nothing, a sentence for each field.

    Examples
    --------
    >>> from kanopt.problems.scheduling import Job
    >>> print(*idle_fields({"jobs": [Job("a", tardiness_cost=2.0), Job("b")]}))
    jobs 'a': there is a tardiness_cost, but no due time after which it is paid
    """
    told = []
    for table, idle in IDLE_FIELDS.items():
        for each in idle:
            names = [
                str(getattr(record, "name", "")) for record in tables.get(table, ()) if _is_idle(record, each)
            ]
            if names:
                article = "an" if each.name[0] in "aeiou" else "a"
                told.append(f"{table} {list_names(names)}: there is {article} {each.name}, but {each.lack}")
    return tuple(told)


def _is_idle(record: Record, idle: IdleField) -> bool:
    kind: type = type(record)
    blank = {item.name: item.default for item in fields(kind)}
    given = {name: getattr(record, name) for name in (idle.name, *idle.without)}
    filled = bool(given[idle.name]) and given[idle.name] != blank[idle.name]
    return filled and all(given[name] == blank[name] for name in idle.without)
