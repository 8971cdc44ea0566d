"""Tables as parts of a job shop: what is done, on which machines, how long it takes, and when machines stand still."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from kanopt.records.declaration import Table, field, record
from kanopt.records.headers import FIELD_WORDS, is_called
from kanopt.records.matching import ColumnFacts, fill_fields
from kanopt.scenarios.init.orders import LISTED, TOGETHER, listed_in, predecessors, things, worked_out
from kanopt.scenarios.init.parts import (
    PartGuess,
    as_named,
    assigned,
    called,
    match_part,
    may_teach,
    measures,
    named_by,
    names_rows,
)
from kanopt.scenarios.init.rewrites import joined, lasts_a_shift, windows_of
from kanopt.scenarios.init.sources import SourceTable, texts
from kanopt.units import convert

_BESIDE = ("setups", "calendars", "power_price")
_PLAIN = ("task", "job", "order", "after", "machine", "duration", "energy")
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
    after: str = field(default="", refers="operations")


HELPERS = (Operation,)
"""Tables from which the declared parts are made."""


def read_shop(tables: Sequence[SourceTable], part: Mapping[str, Table]) -> dict[str, PartGuess] | None:
    """Return the parts of a job shop; None where the tables do not say what is done."""

    def as_part(table: SourceTable, name: str) -> PartGuess | None:
        return match_part(table, part[name], key=_named_elsewhere(table, part[name], tables))

    names = [name for name in part if name != "operations"]
    parts = assigned(tables, names, as_part, lambda guess: _worth(guess, tables))
    if {"tasks", "modes"} <= parts.keys() and parts["modes"]["task"].texts <= parts["tasks"].names:
        tasks = parts["tasks"]
        before = predecessors(tasks.table, tasks["name"])
        if before is not None:
            parts["tasks"] = _after(tasks, before)
        for name, source, field_name in (("jobs", "tasks", "job"), ("machines", "modes", "machine")):
            if name not in parts and parts[source].column(field_name) is not None:
                listed = parts[source].texts_of(field_name).unique()
                parts[name] = named_by(parts[source].table, listed, part[name])
    else:
        steps = worked_out(tables)
        by_amount = [each for each in steps if "pieces" in each.reads]
        tried = ([_operations(each, tables, part) for each in group] for group in (by_amount, tables, steps))
        found = next(filter(None, ([*filter(None, group)] for group in tried)), [])
        if not found:
            return None
        ops, parts = max(found, key=lambda each: len(each[0].filled) + 2 * called(each[0].table, "tasks"))
        rows = _rows_of(ops, parts)
        if rows is None:
            return None
        parts |= _made_parts(rows, parts, part)
    if {"after", "order"} & parts["tasks"].fields == {"after"} and linked_in_jobs(parts["tasks"]):
        parts["jobs"] = _in_no_order(parts["jobs"])
    _match_families(parts)
    _close_machines(parts, part["calendars"])
    return parts


def _after(tasks: PartGuess, before: ColumnFacts) -> PartGuess:
    """Return tasks that come after those that a column lists, in which a mark such as - stands for none."""
    if "-" not in before.texts:
        return tasks.filling("after", before)
    frame = tasks.table.frame
    plain = [", ".join(_listed(cell)) for cell in texts(frame[before.name].fillna(""))]
    made = tasks.table.remade(frame.assign(**{before.name: plain}), end="plain")
    return tasks.on(made).filling("after", made.columns[before.name])


def _named_elsewhere(table: SourceTable, part: Table, tables: Sequence[SourceTable]) -> ColumnFacts | None:
    """Return the key of a table of jobs that a column called alike of another one refers to; None where none does."""
    key = table.key
    if part.name != "jobs" or key is None:
        return None
    others = [other for other in tables if other is not table and key.name in other.columns]
    named = any(c.name == key.name for o in others for c in names_rows(o, key.texts, every=True))
    return key if named else None


def _worth(guess: PartGuess, tables: Sequence[SourceTable]) -> float:
    """Return how much speaks for a table as a part; some parts must be named, or tell more than names."""
    name, fields, table = guess.part.name, guess.fields - {"name"}, guess.table
    if name == "setups":
        families = guess["before"].texts | guess["after"].texts
        elsewhere = [other for other in tables if other is not table and table.name not in other.of]
        linked = any(c is not t.key for t in elsewhere for c in names_rows(t, families, every=True))
        return guess.score * (linked or guess.called_so)
    if name == "calendars":
        priced = any(measures(c) == {"money": 1, "energy": -1} for c in table.columns.values())
        told = guess.called_so or ("machine" in fields and not called(table, "machines"))
        return guess.score * (told and not priced)
    if name == "jobs" and not fields and not guess.called_so:
        return 0.0
    return 0.0 if name == "machines" and not (guess.called_so or guess.keyed_so) else guess.score


def linked_in_jobs(tasks: PartGuess) -> set[str]:
    """Return the tasks that come after one of their own job, or before one."""
    frame = tasks.table.frame
    names, jobs, after = (texts(frame[tasks[each].name].fillna("")) for each in ("name", "job", "after"))
    job = dict(zip(names, jobs, strict=True))
    pairs = [(one, task) for task, cell in zip(names, after, strict=True) for one in _listed(cell)]
    return {end for pair in pairs if job.get(pair[0]) == job[pair[1]] for end in pair}


def _in_no_order(jobs: PartGuess) -> PartGuess:
    """Return jobs whose tasks follow what they come after, and not one another."""
    made = jobs.table.remade(jobs.table.frame.assign(in_order=False), end="free")
    return jobs.on(made).filling("in_order", made.columns["in_order"], 1.0)


def _operations(
    table: SourceTable, tables: Sequence[SourceTable], part: Mapping[str, Table]
) -> tuple[PartGuess, dict[str, PartGuess]] | None:
    """Return a table as operations, with the tables beside it; None where it does not say how long what takes."""
    if may_teach(table) and not called(table, "tasks"):
        return None

    def as_part(other: SourceTable, name: str) -> PartGuess | None:
        return match_part(other, part[name], key=_named_elsewhere(other, part[name], tables))

    def worth(guess: PartGuess) -> float:
        name, known = guess.part.name, _worth(guess, tables)
        if name in _BESIDE:
            return known
        if name == "machines" and "job" in table.columns and guess.names <= table.columns["job"].texts:
            return 0.0  # rows of the orders that steps were made of
        held = names_rows(table, guess.names, every=True) or (
            name == "machines" and _lists(table, guess.names)
        )
        # jobs of other names are none of these operations
        return guess.score + _NAMED if held else known / 2 if name == "machines" else 0.0

    others = [other for other in tables if other.name != table.name]
    parts = assigned(others, ("jobs", "machines", *_BESIDE), as_part, worth)
    names = {name: guess.names for name, guess in parts.items() if name not in _BESIDE}
    guess = PartGuess(
        part["operations"], table, tuple(fill_fields(table.given, part["operations"], names))
    ).without("after")
    jobs = names_rows(table, names.get("jobs", ()), every=True)
    if guess.column("job") is None and jobs:
        guess = guess.filling("job", jobs[0])
    lists = [c for c in _lists(table, names.get("machines", ())) if c is not guess.column("job")]
    if guess.column("machine") is None and lists:
        guess = guess.filling("machine", lists[0])
    if guess.column("duration") is None or not guess.fields & {"name", "job"}:
        return None
    key = guess.column("name") or table.key
    before = predecessors(table, key) if key is not None and key.is_unique else None
    if before is not None:
        guess = guess.filling("after", before)
    guess = _by_shape(guess)
    one_line = any(called(other, "machines") for other in tables) or called(table, "tasks")
    return (guess, parts) if "machine" in guess.fields or one_line or called(table, "jobs") else None


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
            again = column.whole and not column.header.unit and not column.is_unique
            if again and not frame.duplicated([job.name, column.name]).any():
                guess = guess.filling("order", column)
                break
    left = [c for c in guess.left if c.kind == "text" and not c.is_unique and len(c.values) == c.rows]
    if guess.column("machine") is None and len(left) == 1:
        guess = guess.filling("machine", left[0], 0.7)
    return guess


def _rows_of(guess: PartGuess, parts: Mapping[str, PartGuess]) -> SourceTable | None:
    """Return the operations with columns of plain names beside those that say more of them."""
    table = guess.table
    frame = table.frame.reset_index(drop=True)
    cells = {each.field.name: frame[each.column.name] for each in guess.filled}
    named = {each: texts(cells[each]) for each in ("job", "name", "order", "machine") if each in cells}
    name = named.get("name")
    job = named["job"] if "job" in named else named["name"]
    unique = name is not None and not name.duplicated().any() and not cells["name"].isna().any()
    if "job" not in cells and "jobs" not in parts and not unique:
        return None
    rows = pd.DataFrame({"job": job}, index=frame.index)
    if unique:
        rows["task"] = name
    elif "order" in cells:
        rows["task"] = job + " " + named["order"]
    elif name is not None and not pd.DataFrame({"job": job, "name": name}).duplicated().any():
        rows["task"] = job + " " + name
    elif "machine" in cells and named["machine"].groupby(job).apply(tuple).nunique() > 1:
        cells["order"] = (
            rows.groupby("job").cumcount() + 1
        )  # each job has its own machines: steps, as they stand
        rows["task"] = job + " " + texts(cells["order"])
    else:  # several rows of one order are several ways to do it
        rows["task"] = job
    if "after" in cells and unique:
        rows["after"] = [", ".join(_listed(cell)) for cell in texts(cells["after"].fillna(""))]
    kept = {each: cells[each] for each in ("order", "machine", "duration", "energy") if each in cells}
    rows = rows.assign(**kept)
    units = {str(each): guess[each].unit for each in ("duration", "energy") if each in cells}
    used = {each.column.name for each in guess.filled}
    beside = frame.drop(columns=[each for each in frame if each in used or each in _PLAIN])
    rows = pd.concat([rows, beside], axis="columns")
    if "machine" in cells:  # where a cell lists several, any of them will do
        names = parts["machines"].names if "machines" in parts else _told_apart(named["machine"])
        rows["machine"] = named["machine"].map(lambda cell: _one_of(cell, names))
        rows = rows.explode("machine")
    return table.remade(rows, units, end="steps")


def _listed(cell: str) -> list[str]:
    """Return the names that a cell lists."""
    return [one for one in LISTED.split(cell) if one not in ("", "-")]


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
        tasks = tasks.remade(tasks.frame.assign(job=tasks.frame["name"]), end="jobs")
    found["tasks"] = as_named(tasks, part["tasks"])
    modes = frame[[name for name in ("task", "machine", "duration", "energy") if name in frame]]
    if "machine" not in modes:
        names = sorted(machines.names) if machines else ["machine 1"]
        modes = modes.merge(pd.DataFrame({"machine": names}), how="cross")
    made = rows.remade(modes.drop_duplicates(), title="modes", end="modes")
    found["modes"] = as_named(made, part["modes"])
    if machines is None or not {*modes["machine"]} <= machines.names:
        found["machines"] = named_by(rows, modes["machine"].unique(), part["machines"])
    return found


def _match_families(parts: dict[str, PartGuess]) -> None:
    """Fill the family of tasks and machines with the column whose values are families of the setups."""
    if "setups" not in parts:
        return
    families = parts["setups"]["before"].texts | parts["setups"]["after"].texts
    for name in ("tasks", "machines", "jobs"):
        guess = parts.get(name)
        columns = names_rows(guess.table, families, every=True) if guess is not None else []
        columns = [column for column in columns if column is not guess.column("name")]  # type: ignore[union-attr]
        if guess is None or not columns:
            continue
        if name != "jobs" and not guess.column("family"):
            parts[name] = guess.filling("family", columns[0])
        elif name == "jobs" and not parts["tasks"].column("family"):
            tasks, header = parts["tasks"], columns[0].name
            keys = {tasks["job"].name: guess["name"].name}
            made = joined(
                tasks.table,
                guess.table,
                keys,
                {header: "family"},
                end="families",
                title="tasks",
                reads=[header],
            )
            family = made.columns["family"]
            parts["tasks"] = tasks.on(made).filling("family", family)


def _close_machines(parts: dict[str, PartGuess], part: Table) -> None:
    """Make breaks of the shifts and pauses that stand beside machines."""
    machines = parts.get("machines")
    if machines is None or "calendars" in parts or machines.table.made:
        return
    clocks = [c for c in machines.left if c.kind == "clock" and len(c.values) == c.rows]
    rests = [c for c in clocks if any(is_called(piece, _RESTS) for piece in c.header.pieces)]
    shift, pause = _pair([c for c in clocks if c not in rests]), _pair(rests)
    lists = [c for c in machines.left if c.kind == "windows" and all(map(windows_of, c.values))]
    opened = [c for c in lists if lasts_a_shift(c)]
    if not (shift or pause or lists):
        return
    days = _DAYS if opened else _days_of(parts, shift)
    rows: list[tuple[str, float, float]] = []
    for at, row in machines.table.frame.iterrows():
        machine = texts(pd.Series([row[machines["name"].name]]))[0]
        works = _window(shift, at) + [window for c in opened for window in windows_of(row[c.name])]
        pauses = [window for c in lists if c not in opened for window in windows_of(row[c.name])]
        pauses += _window(pause, at)
        until = 0.0
        for zero in (day * _DAY for day in range(days)):
            for begin, end in sorted(works):
                rows += [(machine, until, zero + begin)] if zero + begin > until else []
                until = zero + end
            rows += [(machine, zero + begin, zero + end) for begin, end in pauses]
        rows += [(machine, until, days * _DAY)] if works and until < days * _DAY else []
    frame = pd.DataFrame(rows, columns=["machine", "start", "end"])
    frame = frame.sort_values(["machine", "start"], kind="stable")
    read = [c.name for c in (*shift, *pause, *lists)]
    units = {"start": "min", "end": "min"}
    made = machines.table.remade(frame, units, title="calendars", end="calendars", reads=read)
    parts["calendars"] = as_named(made, part)
    if any(begin == 0 for _, begin, _ in rows):
        # what a machine is set up for when its shift begins is not that of time zero: setups run through the night
        parts["machines"] = parts["machines"].without("family")


def _window(pair: Sequence[ColumnFacts], at: Any) -> list[tuple[float, float]]:
    """Return what two clock times of a row are: a window, or none where there are no two."""
    ends = [float(c.minutes[at]) for c in pair if c.minutes is not None]
    return [(ends[0], ends[1])] if ends else []


def _pair(clocks: Sequence[ColumnFacts]) -> tuple[ColumnFacts, ...]:
    """Return the first two clock times of which one always comes before the other, that first; nothing for none."""
    timed = [(c, c.minutes) for c in clocks if c.minutes is not None]
    return next(((a, b) for a, begin in timed for b, end in timed if (begin < end).all()), ())


def _days_of(parts: Mapping[str, PartGuess], shift: Sequence[ColumnFacts]) -> int:
    """Return for how many days breaks are written: all work on one machine, in its shortest shift."""
    lasts = parts["modes"].column("duration") if "modes" in parts else None
    if not shift or lasts is None:
        return 1
    hours = float((shift[1].minutes - shift[0].minutes).min())  # type: ignore[operator]
    work = convert(float(lasts.values.sum()), lasts.unit or "min", "min")
    ready = parts["jobs"].column("release_date") if "jobs" in parts else None
    wait = (
        ready.values.max() - ready.values.min() if ready is not None and ready.is_moment else pd.Timedelta(0)
    )
    return 1 + math.ceil(work / hours) + math.ceil(wait / pd.Timedelta(days=1))
