"""Tables as parts of a job shop: what is done, on which machines, how long it takes, and when machines stand still."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kanopt.records.declaration import Table, field, record
from kanopt.records.headers import FIELD_WORDS
from kanopt.records.likeness import is_called
from kanopt.records.matching import ColumnFacts, assign_tables, fill_fields
from kanopt.units import convert
from kanopt.whatif.scaffolding.orders import (
    LISTED,
    TOGETHER,
    listed_in,
    order_of,
    predecessors,
    things,
    worked_out,
)
from kanopt.whatif.scaffolding.parts import (
    PartGuess,
    as_named,
    called,
    in_minutes,
    match_part,
    may_teach,
    measures,
    names_rows,
)
from kanopt.whatif.scaffolding.rewrites import joined, lasts_a_shift, texts, windows_of
from kanopt.whatif.scaffolding.sources import SourceTable

_BESIDE = ("setups", "calendars", "power_price")
_PLAIN = ("task", "job", "order", "machine", "duration", "energy")
_DAY, _DAYS = 1_440.0, 7
_RESTS = frozenset(word for word in FIELD_WORDS["breaks"].split(", ") if " " not in word)
_NAMED = 5.0  # how much speaks for a table whose names the operations hold


@record("operations", key=("name",))
class Operation:
    """A row that says what is done for which order, where and how long: task, mode and often job in one."""

    name: str = field(default="")
    job: str = field(default="", refers="jobs")
    order: int = field(default=0)
    machine: str = field(default="", refers="machines")
    duration: float | None = field(default=None, unit="time")
    energy: float | None = field(default=None, unit="energy")


HELPERS = (Operation,)
"""Tables from which the declared parts are made."""


def read_shop(tables: Sequence[SourceTable], part: Mapping[str, Table]) -> dict[str, PartGuess] | None:
    """Return the parts of a job shop; None where the tables do not say what is done."""
    guesses = {
        (name, table.name): guess
        for name, kind in part.items()
        for table in tables
        if name != "operations"
        and (guess := match_part(table, kind, key=_named_elsewhere(table, kind, tables)))
    }
    scores = {pair: _worth(guess, tables) for pair, guess in guesses.items()}
    parts = {name: guesses[name, table] for name, table in assign_tables(scores).items()}
    if {"tasks", "modes"} <= parts.keys() and _texts_of(parts["modes"], "task") <= parts["tasks"].names:
        _order_tasks(parts)
        for name, source, field_name in (("jobs", "tasks", "job"), ("machines", "modes", "machine")):
            column = parts[source].column(field_name)
            if name not in parts and column is not None:
                table = parts[source].table
                names = pd.DataFrame({"name": texts(table.frame[column.name].dropna()).unique()})
                why = f"the {name} that the {source} name"
                parts[name] = as_named(table.remade(names, why, title=name, end=name), part[name])
    else:
        found = [one for table in tables if (one := _operations(table, tables, part, guesses, scores))]
        made = [] if found else worked_out(tables)
        found += [one for table in made if (one := _operations(table, tables, part, guesses, scores))]
        if not found:
            return None
        ops, parts = max(found, key=lambda each: len(each[0].filled) + 2 * called(each[0].table, "tasks"))
        rows = _rows_of(ops, parts)
        if rows is None:
            return None
        parts |= _made_parts(rows, parts, part)
    _match_families(parts)
    _close_machines(parts, part["calendars"])
    return parts


def _named_elsewhere(table: SourceTable, part: Table, tables: Sequence[SourceTable]) -> ColumnFacts | None:
    """Return the key of a table of jobs that a column called alike of another one refers to; None where none does."""
    key = table.key
    if part.name != "jobs" or key is None:
        return None
    others = [other for other in tables if other is not table and key.name in other.columns]
    named = any(c.name == key.name for o in others for c in names_rows(o, key.texts, every=True))
    return key if named else None


def _texts_of(guess: PartGuess, *fields: str) -> frozenset[str]:
    columns = [guess.column(name) for name in fields]
    return frozenset().union(*(column.texts for column in columns if column is not None))


def _worth(guess: PartGuess, tables: Sequence[SourceTable]) -> float:
    """Return how much speaks for a table as a part; some parts must be named, or tell more than names."""
    name, fields = guess.part.name, guess.fields - {"name"}
    if name == "setups":
        families = _texts_of(guess, "before", "after")
        elsewhere = [
            other for other in tables if other is not guess.table and guess.table.name not in other.of
        ]
        linked = any(c is not t.key for t in elsewhere for c in names_rows(t, families, every=True))
        return guess.score * (linked or guess.called_so)
    if (
        name == "calendars"
        and not guess.called_so
        and ("machine" not in fields or called(guess.table, "machines"))
    ):
        return 0.0
    priced = any(measures(c) == {"money": 1, "energy": -1} for c in guess.table.columns.values())
    keys = [column.name for field_name in guess.part.key if (column := guess.column(field_name)) is not None]
    if name == "calendars" and (priced or guess.table.frame.duplicated(keys).any()):
        return 0.0
    if name == "jobs" and not fields and not guess.called_so:
        return 0.0
    return 0.0 if name == "machines" and not (guess.called_so or guess.keyed_so) else guess.score


def _order_tasks(parts: dict[str, PartGuess]) -> None:
    """Give tasks the order that their predecessors say."""
    guess = parts["tasks"]
    name, job = guess.filled_by("name"), guess.filled_by("job")
    before = predecessors(guess.table, name)
    if before is None:
        return
    frame = guess.table.frame.reset_index(drop=True)
    order = order_of(texts(frame[name.name]), texts(frame[job.name]), frame[before.name], guess.table.called)
    frame = frame.assign(order=order).drop(columns=before.name)
    made = guess.table.remade(frame, f"{guess.table.called} in the order of its predecessors", end="ordered")
    parts["tasks"] = match_part(made, guess.part) or guess


def _operations(
    table: SourceTable,
    tables: Sequence[SourceTable],
    part: Mapping[str, Table],
    guesses: Mapping[tuple[str, str], PartGuess],
    scores: Mapping[tuple[str, str], float],
) -> tuple[PartGuess, dict[str, PartGuess]] | None:
    """Return a table as operations, with the tables beside it; None where it does not say how long what takes."""
    if may_teach(table) and not called(table, "tasks"):
        return None
    known: dict[tuple[str, str], float] = {}
    for (name, other), score in scores.items():
        guess = guesses[name, other]
        if other == table.name or name not in ("jobs", "machines", *_BESIDE):
            continue
        held = name not in _BESIDE and bool(names_rows(table, guess.names, every=True))
        held = held or (name == "machines" and bool(_lists(table, guess.names)))
        if held:
            known[name, other] = guess.score + _NAMED
        elif name != "jobs":  # jobs of other names are none of these operations
            known[name, other] = score / 2 if name == "machines" else score
    parts = {name: guesses[name, other] for name, other in assign_tables(known).items()}
    names = {str(name): parts[name].names for name in ("machines", "jobs") if name in parts}
    filled = fill_fields(table.given, part["operations"], names)
    guess = PartGuess(part["operations"], table, tuple(filled))
    jobs = names_rows(table, names.get("jobs", ()), every=True)
    if guess.column("job") is None and jobs:
        guess = guess.filling("job", jobs[0], 0.9, "its values are names of jobs")
    lists = [c for c in _lists(table, names.get("machines", ())) if c is not guess.column("job")]
    if guess.column("machine") is None and lists:
        guess = guess.filling(
            "machine", lists[0], 0.9, "its values are names of machines, of which any will do"
        )
    if guess.column("duration") is None and (made := in_minutes(table, "modes", "duration")) is not None:
        return _operations(replace(made, name=table.name), tables, part, guesses, scores)
    if guess.column("duration") is None or not guess.fields & {"name", "job"}:
        return None
    guess = _by_shape(guess)
    lines = any(called(other, "machines") for other in tables)
    one_line = lines or called(table, "tasks") or called(table, "jobs")
    return (guess, parts) if "machine" in guess.fields or one_line else None


def _lists(table: SourceTable, names: Collection[str]) -> list[ColumnFacts]:
    """Return the columns whose cells list names of rows of another table, of which one will do, or the first at least.

    Of names with a + between them all are needed at once, which is asked about.
    """
    columns = [c for c in table.given.values() if c.kind == "text"]
    return [c for c in columns if len(c.values) == c.rows and listed_in(c) <= {*names}]


def _by_shape(guess: PartGuess) -> PartGuess:
    """Fill the order and the machine of operations by what values look like, whatever the columns are called."""
    job = guess.column("job")
    if job is None or job.is_unique:
        return guess
    frame = guess.table.frame
    if guess.column("order") is None:
        for column in guess.left:
            steps = frame.groupby(frame[job.name])[column.name] if column.whole else None
            again = column.whole and not column.header.unit and not column.is_unique
            if steps is not None and again and not frame.duplicated([job.name, column.name]).any():
                guess = guess.filling("order", column, 0.9, "it counts the steps of a job")
                break
    left = [c for c in guess.left if c.kind == "text" and not c.is_unique and len(c.values) == c.rows]
    if guess.column("machine") is None and len(left) == 1:
        guess = guess.filling("machine", left[0], 0.7, "the only names that are left")
    return guess


def _rows_of(guess: PartGuess, parts: Mapping[str, PartGuess]) -> SourceTable | None:
    """Return the operations with columns of plain names beside those that say more of them."""
    table = guess.table
    frame = table.frame.reset_index(drop=True)
    cells = {each.field.name: frame[each.column.name] for each in guess.filled}
    key = guess.column("name") or table.key
    before = predecessors(table, key) if key is not None else None
    job, name, order = (cells.get(each) for each in ("job", "name", "order"))
    unique = name is not None and not name.duplicated().any() and not name.isna().any()
    if job is None and "jobs" not in parts and not unique:
        return None
    rows = pd.DataFrame(index=frame.index)
    rows["job"] = texts(job if job is not None else name)  # type: ignore[arg-type]
    if unique and name is not None:
        rows["task"] = texts(name)
    elif order is not None:
        rows["task"] = rows["job"] + " " + texts(order)
    elif name is not None and not pd.DataFrame({"job": rows["job"], "name": name}).duplicated().any():
        rows["task"] = rows["job"] + " " + texts(name)
    elif "machine" in cells and texts(cells["machine"]).groupby(rows["job"]).apply(tuple).nunique() > 1:
        order = rows.groupby("job").cumcount() + 1  # each job has its own machines: steps, as they stand
        rows["task"] = rows["job"] + " " + texts(order)
    else:  # several rows of one order are several ways to do it
        rows["task"] = rows["job"]
    if before is not None and unique:
        order = order_of(rows["task"], rows["job"], frame[before.name], table.called)
    if order is not None:
        rows["order"] = order
    if "machine" in cells:
        rows["machine"] = texts(cells["machine"])
    units = {}
    for each in ("duration", "energy"):
        if (column := guess.column(each)) is not None:
            rows[each], units[each] = cells[each], column.unit
    used = [each.column.name for each in guess.filled] + ([before.name] if before is not None else [])
    beside = frame.drop(columns=[*used, *(each for each in _PLAIN if each in frame and each not in used)])
    rows = pd.concat([rows, beside], axis="columns")
    if "machine" in rows:  # where a cell lists several, any of them will do
        names = parts["machines"].names if "machines" in parts else _told_apart(rows["machine"])
        rows["machine"] = rows["machine"].map(lambda cell: _one_of(cell, names))
        rows = rows.explode("machine")
    return table.remade(rows, f"from {table.called}", units, end="steps")


def _told_apart(cells: pd.Series[Any]) -> frozenset[str]:
    """Return the names of machines where cells list several: each part of a list stands in another cell as well."""
    parts = [LISTED.split(cell) for cell in cells.unique()]
    again = [name for listed in parts for name in listed]
    names = {name for listed in parts if all(again.count(each) > 1 for each in listed) for name in listed}
    return frozenset(names if any(len(listed) > 1 and names >= {*listed} for listed in parts) else cells)


def _one_of(cell: str, names: Collection[str]) -> str | list[str]:
    """Return the machines of which one will do; of those that are needed at once the first."""
    if cell in names or not {*LISTED.split(cell)} <= {*names}:
        return cell
    return TOGETHER.split(cell)[0] if "+" in cell else LISTED.split(cell)


def _made_parts(
    rows: SourceTable, parts: Mapping[str, PartGuess], part: Mapping[str, Table]
) -> dict[str, PartGuess]:
    """Return the tables of jobs, tasks, machines and modes that operations make, where no others name the same."""
    frame, found = rows.frame, dict[str, PartGuess]()
    jobs, machines = parts.get("jobs"), parts.get("machines")
    if jobs is None or not {*frame["job"]} <= jobs.names:
        made = things(rows, frame["job"], "jobs", without=_PLAIN)
        found["jobs"] = match_part(made, part["jobs"]) or as_named(made, part["jobs"])
    tasks = things(rows, frame["task"], "tasks", without=("machine", "duration", "energy"))
    if "job" not in tasks.frame:
        tasks = tasks.remade(tasks.frame.assign(job=tasks.frame["name"]), tasks.made, end="jobs")
    found["tasks"] = as_named(tasks, part["tasks"])
    modes = frame[[name for name in ("task", "machine", "duration", "energy") if name in frame]]
    if "machine" not in modes:
        names = sorted(machines.names) if machines else ["machine 1"]
        modes = modes.merge(pd.DataFrame({"machine": names}), how="cross")
    made = rows.remade(modes.drop_duplicates(), rows.made, title="modes", end="modes")
    found["modes"] = as_named(made, part["modes"])
    if machines is None or not {*modes["machine"]} <= machines.names:
        plain_names = pd.DataFrame({"name": modes["machine"].unique()})
        made = rows.remade(plain_names, f"the machines of {rows.called}", title="machines", end="machines")
        found["machines"] = as_named(made, part["machines"])
    return found


def _match_families(parts: dict[str, PartGuess]) -> None:
    """Fill the family of tasks and machines with the column whose values are families of the setups."""
    families = _texts_of(parts["setups"], "before", "after") if "setups" in parts else frozenset()
    why = "its values are families of the setups"
    for name in ("tasks", "machines", "jobs") if families else ():
        guess = parts.get(name)
        columns = names_rows(guess.table, families, every=True) if guess is not None else []
        if guess is None or not columns:
            continue
        if name != "jobs":
            parts[name] = guess if guess.column("family") else guess.filling("family", columns[0], 0.9, why)
        elif parts["tasks"].column("family") is None:
            parts["tasks"] = _of_their_jobs(parts["tasks"], guess, columns[0].name)


def _of_their_jobs(tasks: PartGuess, jobs: PartGuess, column: str) -> PartGuess:
    """Return tasks with the family that a column of their jobs says."""
    keys = {tasks.header("job"): jobs.header("name")}
    why = f"{tasks.table.called} with {column!r} of {jobs.table.called}"
    made = joined(
        tasks.table, jobs.table, keys, {column: "family"}, why, end="families", title="tasks", reads=[column]
    )
    family = made.columns["family"]
    return tasks.on(made).filling("family", family, 0.9, f"{column!r} of its job")


def _close_machines(parts: dict[str, PartGuess], part: Table) -> None:
    """Make breaks of the shifts and pauses that stand beside machines."""
    machines = parts.get("machines")
    name = machines.column("name") if machines is not None else None
    if machines is None or name is None or "calendars" in parts or machines.table.made:
        return
    clocks = [c for c in machines.left if c.kind == "clock" and len(c.values) == c.rows]
    rests = [c for c in clocks if any(is_called(piece, _RESTS) for piece in c.header.pieces)]
    shift, pause = _pair([c for c in clocks if c not in rests]), _pair(rests)
    lists = [c for c in machines.left if c.kind == "windows" and all(map(windows_of, c.values))]
    opened = [c for c in lists if lasts_a_shift(c)]
    if not shift and not pause and not lists:
        return
    days = _DAYS if opened else _days_of(parts, shift)
    rows: list[tuple[str, float, float]] = []
    for at, row in machines.table.frame.iterrows():
        machine = texts(pd.Series([row[name.name]]))[0]
        works = _window(shift, at)
        works += [window for c in opened for window in windows_of(row[c.name])]
        pauses = [window for c in lists if c not in opened for window in windows_of(row[c.name])]
        pauses += _window(pause, at)
        until = 0.0
        for day in range(days):
            zero = day * _DAY
            for begin, end in sorted(works):
                rows += [(machine, until, zero + begin)] if zero + begin > until else []
                until = zero + end
            rows += [(machine, zero + begin, zero + end) for begin, end in pauses]
        rows += [(machine, until, days * _DAY)] if works and until < days * _DAY else []
    frame = pd.DataFrame(rows, columns=["machine", "start", "end"])
    read = [*(name for name, _ in (*shift, *pause)), *(c.name for c in lists)]
    made = machines.table.remade(
        frame.sort_values(["machine", "start"], kind="stable"),
        f"{', '.join(read)} of {machines.table.called}",
        {"start": "min", "end": "min"},
        title="calendars",
        end="calendars",
        reads=read,
    )
    parts["calendars"] = as_named(made, part)
    if all(begin > 0 for _, begin, _ in rows):
        return
    # what a machine is set up for when its shift begins is not what it is at time zero: setups run through the night
    parts["machines"] = parts["machines"].without("family")


def _window(pair: Sequence[tuple[str, pd.Series[float]]], at: Any) -> list[tuple[float, float]]:
    """Return what two clock times of a row are: a window, or none where there are no two."""
    return [(float(pair[0][1][at]), float(pair[1][1][at]))] if pair else []


def _pair(clocks: Sequence[ColumnFacts]) -> tuple[tuple[str, pd.Series[float]], ...]:
    """Return the first two clock times of which one always comes before the other, that first; nothing for none."""
    minutes = [(c.name, c.minutes) for c in clocks if c.minutes is not None]
    return next(((a, b) for a in minutes for b in minutes if (a[1] < b[1]).all()), ())


def _days_of(parts: Mapping[str, PartGuess], shift: Sequence[tuple[str, pd.Series[float]]]) -> int:
    """Return for how many days breaks are written: all work on one machine, in its shortest shift."""
    lasts = parts["modes"].column("duration") if "modes" in parts else None
    if not shift or lasts is None:
        return 1
    (_, begin), (_, end) = shift
    hours = float((end - begin).min())
    work = convert(float(lasts.values.sum()), lasts.unit or "min", "min")
    ready = parts["jobs"].column("release_date") if "jobs" in parts else None
    wait = (
        ready.values.max() - ready.values.min() if ready is not None and ready.is_moment else pd.Timedelta(0)
    )
    return 1 + math.ceil(work / hours) + math.ceil(wait / pd.Timedelta(days=1))
