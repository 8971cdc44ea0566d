"""Tables as a job shop: what is to be done, on which machines, how long it takes, and when machines stand still."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kanopt.errors import TableError
from kanopt.problems import SchedulingUnits
from kanopt.records.clock_times import clock_value
from kanopt.records.declaration import field, record
from kanopt.records.likeness import TableField, is_called
from kanopt.records.matching import ColumnFacts, FilledField, assign_tables, fill_fields
from kanopt.records.words import TABLE_WORDS
from kanopt.units import convert
from kanopt.whatif.scaffolding.roles import (
    PartGuess,
    Roles,
    called,
    looks_like,
    made_table,
    match_part,
    may_teach,
    measures,
)
from kanopt.whatif.scaffolding.sources import SourceTable

__all__ = ["read_shop"]

_OPTIONAL = ("setups", "calendars", "power_price")
_DAY = 1_440.0
_SHIFT = 240.0  # minutes from which a window is open, not closed
_DAYS = 7
_FEWEST = 2
_LISTED = re.compile(r"\s*[,;/+]\s*")


@record("operations", key=("name",))
class Operation:
    """A row that says what is done for which order, where and how long: task, mode and often job in one."""

    name: str = field(default="")
    job: str = field(default="", refers="jobs")
    order: int = field(default=0)
    machine: str = field(default="", refers="machines")
    duration: float | None = field(default=None, unit="time")
    energy: float | None = field(default=None, unit="energy")
    predecessor: str = field(default="")


def read_shop(tables: Sequence[SourceTable]) -> Roles | None:
    """Return the tables as a job shop; None where they make none."""
    units = SchedulingUnits()
    kinds = {table.name: table for table in units.tables()}
    matrix = next((setup for table in tables if (setup := _setups_of(table, tables))), None)
    rest = [table for table in tables if matrix is None or table is not matrix[0]]
    guesses: dict[tuple[str, str], PartGuess] = {}
    for name, kind in kinds.items():
        for table in rest:
            if guess := match_part(table, kind):
                guesses[name, table.name] = guess
    direct = assign_tables({pair: _worth(*pair, guess) for pair, guess in guesses.items()})
    parts = {part: guesses[part, name] for part, name in direct.items()}
    read: set[str] = set()
    if not _is_whole(parts):
        made = _from_operations(rest, guesses, kinds)
        if made is None:
            return None
        parts, read = made
    elif before := _predecessors(parts["tasks"]):
        parts["tasks"] = _ordered(parts["tasks"], before)
    if matrix is not None:
        setups = made_table("setups", matrix[1], f"{matrix[0].called} as a list", {"time": matrix[2]})
        found = match_part(setups, kinds["setups"])
        parts |= {"setups": found} if found else {}
        used = {matrix[0].name}
    else:
        used = set()
    _name_families(parts, kinds)
    used |= {guess.table.name for guess in parts.values()}
    used |= {name for guess in parts.values() for name in _sources(guess.table, rest)}
    read |= _close_machines(parts, kinds)
    others = [table for table in tables if table.name not in used]
    histories = tuple(table for table in others if may_teach(table))
    unused = tuple(table for table in others if table not in histories)
    total = sum(guess.score for guess in parts.values())
    return Roles("scheduling", parts, histories, unused, hints={"read": read}, total=total)


def _worth(part: str, table: str, guess: PartGuess) -> float:
    if part in _OPTIONAL and not guess.called_so and part != "power_price":
        filled = {each.field.name for each in guess.filled if each.field.name != "name"}
        if part == "calendars" and "machine" not in filled:
            return 0.0
    if part == "jobs" and len(guess.filled) < _FEWEST and not guess.called_so:
        return 0.0
    name = guess.column("name")
    words = TABLE_WORDS["machines"]
    keyed = name is not None and any(is_called(word, words) for word in name.header.pieces)
    if part == "machines" and not (guess.called_so or keyed):
        return 0.0
    return guess.score


def _is_whole(parts: Mapping[str, PartGuess]) -> bool:
    """Say whether tasks and modes have tables of their own that agree."""
    if not {"tasks", "modes"} <= parts.keys():
        return False
    task = parts["modes"].column("task")
    return task is not None and task.texts <= parts["tasks"].names


def _sources(table: SourceTable, tables: Sequence[SourceTable]) -> list[str]:
    return [one.name for one in tables if table.made and one.called in table.made]


def _setups_of(
    table: SourceTable, tables: Sequence[SourceTable]
) -> tuple[SourceTable, pd.DataFrame, str] | None:
    """Return a table of families by families as a list, with its unit; None where it is none."""
    columns = list(table.facts.columns.values())
    if len(columns) < 2 or columns[0].kind != "text" or any(c.kind != "number" for c in columns[1:]):
        return None
    heads = frozenset(c.name for c in columns[1:])
    if len(heads & columns[0].texts) < max(2, len(heads) - 1):
        return None
    names = heads | columns[0].texts
    families = [
        c
        for other in tables
        if other is not table
        for c in other.facts.columns.values()
        if c.kind == "text" and c.texts <= names and c is not other.facts.key
    ]
    if not families and not called(table, "setups"):
        return None
    long = table.frame.melt(id_vars=[columns[0].name], var_name="after", value_name="time")
    long = long.rename(columns={columns[0].name: "before"}).dropna(subset=["time"])
    unit = columns[0].header.unit or next((w for w in ("min", "h", "s") if w in table.words), "")
    return table, long[long["before"] != long["after"]], unit


def _unfolded(table: SourceTable) -> SourceTable | None:
    """Return a table of orders by stations, with the time at each, as a list of operations; None where it is none."""
    columns = list(table.facts.columns.values())
    key = table.facts.key
    numbers = [c for c in columns if c.kind == "number" and c is not key]
    timed = [c for c in numbers if measures(c) == {"time": 1}]
    plain = (
        len(numbers) == len(columns) - 1
        and not any(c.header.unit for c in numbers)
        and any(is_called(word, TABLE_WORDS["modes"] | TABLE_WORDS["durations"]) for word in table.words)
    )
    stations = timed if len(timed) >= _FEWEST else numbers if plain and not timed else []
    stations = [
        c
        for c in stations
        if not any(looks_like(c, "jobs", name) for name in ("due_date", "release_date"))
        and not looks_like(c, "modes", "duration")
    ]
    if key is None or len(stations) < _FEWEST:
        return None
    rows = []
    for _, row in table.frame.iterrows():
        for place, column in enumerate(stations, 1):
            if pd.notna(row[column.name]) and row[column.name] > 0:
                station = " ".join(re.sub(r"[\[(].*?[\])]", "", column.name).split()) or column.name
                minutes = convert(float(row[column.name]), column.header.unit or "min", "min")
                rows.append((f"{row[key.name]} {station}", str(row[key.name]), place, station, minutes))
    frame = pd.DataFrame(rows, columns=["name", "job", "order", "machine", "duration"])
    return made_table("operations", frame, f"{table.called} as a list", {"duration": "min"})


def _from_operations(
    tables: Sequence[SourceTable], guesses: Mapping[tuple[str, str], PartGuess], kinds: Mapping[str, Any]
) -> tuple[dict[str, PartGuess], set[str]] | None:
    """Return parts made of the one table that says what is done, where and how long, and the columns it was read in."""
    kind = SchedulingUnits().table(Operation)
    found = []
    for table in tables:
        unfolded = _unfolded(table)
        source = unfolded or table
        others = [t for t in tables if t is not table]
        guess = _operations(source, kind, others, guesses)
        if guess is not None:
            found.append((len(guess.filled) + 2 * called(table, "tasks") + bool(unfolded), table, guess))
    if not found:
        return None
    _, source, guess = max(found, key=lambda each: each[0])
    rest = [table for table in tables if table is not source]
    parts: dict[str, PartGuess] = {}
    scores = {
        (part, name): _worth(part, name, one)
        for (part, name), one in guesses.items()
        if name != source.name and part in ("jobs", "machines", *_OPTIONAL)
    }
    _prefer_named(scores, guess, guesses)
    for part, name in assign_tables(scores).items():
        parts[part] = guesses[part, name]
    rows = _rows_of(guess, parts, rest)
    if rows is None:
        return None
    read = {each.column.name for each in guess.filled}
    return parts | _made_parts(rows, guess, source, parts, kinds), read


def _prefer_named(
    scores: dict[tuple[str, str], float], guess: PartGuess, guesses: Mapping[tuple[str, str], PartGuess]
) -> None:
    """Prefer as jobs and machines the tables whose names the operations hold, and take no others."""
    for part, name in (("jobs", "job"), ("machines", "machine")):
        column = guess.column(name)
        for pair in [pair for pair in scores if pair[0] == part]:
            known = guesses[pair].names
            if column is not None and column.texts:
                scores[pair] = scores[pair] + 5.0 if column.texts <= known else 0.0
            elif part == "jobs":
                scores[pair] = 0.0


def _operations(
    table: SourceTable,
    kind: Any,
    others: Sequence[SourceTable],
    guesses: Mapping[tuple[str, str], PartGuess],
) -> PartGuess | None:
    """Return a table as operations: it tells times, and of what."""
    names: dict[str, frozenset[str]] = {}
    columns = table.facts.columns.values()
    taken = ""
    for part in ("machines", "jobs"):
        fitting = [
            (_worth(part, name, guess), name, guess.names)
            for (one, name), guess in guesses.items()
            if one == part
            and name not in (table.name, taken)
            and not (table.made and guess.table.called in table.made)
            and any(c.texts and c.texts <= guess.names for c in columns)
        ]
        worth, name, known = max(fitting, key=lambda each: each[0], default=(0.0, "", frozenset()))
        if worth > 0:
            names[part], taken = known, name
    filled = fill_fields(table.facts, kind, names)
    guess = PartGuess(kind, table, tuple(filled))
    if guess.column("duration") is None or (may_teach(table) and not called(table, "tasks")):
        return None
    before = _predecessors(guess)
    kept = tuple(each for each in filled if before is None or each.column is not before)
    named = tuple(each for each in kept if each.field.name != "predecessor")
    guess = PartGuess(kind, table, named)
    has = {each.field.name for each in named}
    return guess if {"name", "job"} & has and ({"machine"} & has or _one_line(guess, others)) else None


def _one_line(guess: PartGuess, others: Sequence[SourceTable]) -> bool:
    """Say whether it is plain that there are machines though no row names one."""
    return (
        any(called(table, "machines") for table in others)
        or called(guess.table, "tasks")
        or called(guess.table, "jobs")
    )


def _predecessors(guess: PartGuess) -> ColumnFacts | None:
    """Return the column whose values are names of other rows; None where there is none."""
    name = guess.column("name") or guess.table.facts.key
    if name is None:
        return None
    for column in guess.table.facts.columns.values():
        parts = {one for text in column.texts for one in _LISTED.split(text) if one not in ("", "-")}
        known = column is not name and bool(parts) and parts <= name.texts
        if known and not column.is_unique and column.texts != name.texts:
            return column
        if known and len(column.values) < column.rows:
            return column
    return None


def _rows_of(
    guess: PartGuess, parts: Mapping[str, PartGuess], rest: Sequence[SourceTable]
) -> pd.DataFrame | None:
    """Return the operations with columns of plain names: task, job, order, machine, duration, energy."""
    frame = guess.table.frame.reset_index(drop=True)
    cells = {each.field.name: frame[each.column.name] for each in guess.filled}
    rows = pd.DataFrame(index=frame.index)
    job, name, order = (cells.get(each) for each in ("job", "name", "order"))
    unique = name is not None and not name.duplicated().any() and not name.isna().any()
    named = job if job is not None else name
    if named is None:
        return None
    rows["job"] = _texts(named)
    if unique and name is not None:
        rows["task"] = _texts(name)
    elif order is not None:
        rows["task"] = rows["job"] + " " + _texts(order)
    elif name is not None and not pd.DataFrame({"j": rows["job"], "n": name}).duplicated().any():
        rows["task"] = rows["job"] + " " + _texts(name)
    else:  # several rows of one order are several ways to do it
        rows["task"] = rows["job"]
    if job is None and "jobs" not in parts and not unique:
        return None
    rows["order"] = order if order is not None else 0
    before = _predecessors(guess)
    if before is not None and unique:
        rows["order"] = _chained(rows, frame[before.name], guess)
    rows["machine"] = _texts(cells["machine"]) if "machine" in cells else ""
    for each in ("duration", "energy"):
        if each in cells:
            rows[each] = cells[each]
    return rows


def _texts(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return names as texts; whole numbers without a point."""
    return values.map(lambda v: str(int(v)) if isinstance(v, float) and v == int(v) else str(v))


def _ordered(guess: PartGuess, before: ColumnFacts) -> PartGuess:
    """Return tasks with the order that their predecessors say."""
    name, job = guess.column("name"), guess.column("job")
    assert name is not None
    assert job is not None
    frame = guess.table.frame.reset_index(drop=True)
    rows = pd.DataFrame({"task": _texts(frame[name.name]), "job": _texts(frame[job.name])})
    given = frame.rename(columns={name.name: "name", job.name: "job"})
    given = given.assign(order=_chained(rows, frame[before.name], guess)).drop(columns=before.name)
    units = {c.name: c.header.unit for c in guess.left if c.kind == "number"}
    made = made_table("tasks", given, f"from {guess.table.called}", units)
    kept = [name for name in given.columns if name in {c.name for c in guess.left}]
    return _plain(made, guess.part, kept)


def _chained(rows: pd.DataFrame, before: pd.Series[Any], guess: PartGuess) -> pd.Series[Any]:
    """Return the order of tasks in their jobs that predecessors say; those that make no chain are refused."""
    known = {
        task: [one for one in _LISTED.split(text) if one not in ("", "-")]
        for task, text in zip(rows["task"], _texts(before.fillna("")), strict=True)
    }
    job = dict(zip(rows["task"], rows["job"], strict=True))
    after = [one for several in known.values() for one in several]
    for place, (task, several) in enumerate(known.items(), 2):
        other = next((one for one in several if job.get(one) != job[task]), None)
        if len(several) > 1 or other is not None or any(after.count(one) > 1 for one in several):
            raise TableError(
                f"{guess.table.called}, row {place}: {task!r} comes after {', '.join(map(repr, several))}, which is no "
                "chain in one job; tasks of a job run one after the other"
            )
    ranks: dict[str, int] = {}
    for task in known:
        chain = [task]
        while known[chain[-1]]:
            (one,) = known[chain[-1]]
            if one in chain:
                raise TableError(f"{guess.table.called}: {task!r} comes after itself")
            chain.append(one)
        ranks[task] = len(chain)
    firsts = pd.Series({task: job[task] for task, several in known.items() if not several}).value_counts()
    if (firsts > 1).any():
        raise TableError(
            f"{guess.table.called}: several tasks of {firsts.idxmax()!r} come after none; which is first is not said"
        )
    return rows["task"].map(ranks)


def _made_parts(
    rows: pd.DataFrame,
    guess: PartGuess,
    source: SourceTable,
    parts: Mapping[str, PartGuess],
    kinds: Mapping[str, Any],
) -> dict[str, PartGuess]:
    """Return the tables of jobs, tasks, machines and modes that operations make."""
    frame, why = source.frame.reset_index(drop=True), f"from {source.called}"
    filled = {each.field.name: each.column for each in guess.filled}
    found: dict[str, PartGuess] = {}
    jobs, machines = parts.get("jobs"), parts.get("machines")
    if jobs is None or not frozenset(rows["job"]) <= jobs.names:
        used = [column.name for name, column in filled.items() if name not in ("name", "job")]
        own = match_part(source, kinds["jobs"], without=used)
        if own is not None and own.names == frozenset(rows["job"]):
            found["jobs"] = own
        else:
            found["jobs"] = _jobs_of(rows, guess, source, kinds["jobs"])
    taken = {each.column.name for each in (*guess.filled, *(found["jobs"].filled if "jobs" in found else ()))}
    before = _predecessors(guess)
    taken |= {before.name} if before is not None else set()
    left = [name for name in guess.table.frame.columns if name not in taken and not guess.table.made]
    tasks = rows[["task", "job", "order"]].rename(columns={"task": "name"})
    tasks = tasks if (tasks["order"] != 0).any() else tasks.drop(columns="order")
    whole = pd.concat([tasks, frame[left]], axis="columns") if left else tasks
    whole = whole.loc[:, ~whole.columns.duplicated()].drop_duplicates("name")
    units = {name: source.columns[name].header.unit for name in left if source.columns[name].kind == "number"}
    found["tasks"] = _plain(made_table("tasks", whole, why, units), kinds["tasks"], left)
    modes = rows.drop(columns=["job", "order"])
    if not modes["machine"].any():
        named = sorted(machines.names) if machines else ["machine 1"]
        modes = modes.drop(columns="machine").merge(pd.DataFrame({"machine": named}), how="cross")
    of_modes: dict[str, str] = {
        name: filled[name].declared or filled[name].header.unit
        for name in ("duration", "energy")
        if name in filled
    }
    found["modes"] = _plain(made_table("modes", modes, why, of_modes), kinds["modes"])
    if machines is None or not frozenset(modes["machine"]) <= machines.names:
        names = pd.DataFrame({"name": modes["machine"].unique()})
        found["machines"] = _plain(
            made_table("machines", names, f"the machines of {source.called}"), kinds["machines"]
        )
    return found


def _jobs_of(rows: pd.DataFrame, guess: PartGuess, source: SourceTable, kind: Any) -> PartGuess:
    """Return the jobs that rows name, with what all rows of a job agree on."""
    used = {each.column.name for each in guess.filled}
    frame = source.frame.reset_index(drop=True)
    alike = [
        name
        for name in map(str, frame.columns)
        if not guess.table.made
        and name not in used
        and (frame.groupby(rows["job"])[name].nunique() <= 1).all()
    ]
    jobs = pd.concat([rows["job"].rename("name"), frame[alike]], axis="columns").drop_duplicates("name")
    units = {
        name: source.columns[name].header.unit for name in alike if source.columns[name].kind == "number"
    }
    made = made_table("jobs", jobs, f"the jobs of {source.called}", units)
    return match_part(made, kind) or _plain(made_table("jobs", jobs[["name"]], made.made), kind)


def _plain(table: SourceTable, kind: Any, left: Sequence[str] = ()) -> PartGuess:
    """Return a table whose columns are called as fields, as a part."""
    fields = {item.name: item for item in kind.fields}
    filled = tuple(
        FilledField(TableField.of(fields[name], kind), column, 1.0, "made so")
        for name, column in table.columns.items()
        if name in fields and name not in left
    )
    return PartGuess(kind, table, filled)


def _name_families(parts: dict[str, PartGuess], kinds: Mapping[str, Any]) -> None:
    """Fill the family of tasks and machines with the column whose values are families of the setups."""
    setups = parts.get("setups")
    ends = [setups.column(name) for name in ("before", "after")] if setups else []
    names = frozenset().union(*(end.texts for end in ends if end is not None))
    for part in ("tasks", "machines") if names else ():
        guess = parts.get(part)
        if guess is None or guess.column("family") is not None:
            continue
        fitting = [
            c for c in guess.table.facts.columns.values() if c.kind == "text" and c.texts and c.texts <= names
        ]
        item = next(item for item in kinds[part].fields if item.name == "family")
        if fitting:
            one = FilledField(
                TableField.of(item, kinds[part]), fitting[0], 0.9, "its values are families of the setups"
            )
            parts[part] = PartGuess(guess.part, guess.table, (*guess.filled, one))


def _close_machines(parts: dict[str, PartGuess], kinds: Mapping[str, Any]) -> set[str]:
    """Make breaks of the shifts and pauses that stand beside machines; return the columns that tell them."""
    machines = parts.get("machines")
    if machines is None or "calendars" in parts or machines.table.made:
        return set()
    clocks = [c for c in machines.left if c.kind == "clock" and len(c.values) == c.rows]
    lists = [c for c in machines.left if c.kind == "windows"]
    opened = [c for c in lists if _lasts(c) >= _SHIFT]
    pauses = [c for c in lists if c not in opened]
    shift: tuple[ColumnFacts, ColumnFacts] | None = None
    for one in clocks:
        for other in clocks:
            if one is not other and (one.minutes < other.minutes).all():  # type: ignore[operator]
                shift = (one, other)
    if shift is None and not lists:
        return set()
    name = machines.column("name")
    assert name is not None
    rows: list[tuple[str, float, float]] = []
    days = _DAYS if opened else _days_of(parts, shift)
    for _, row in machines.table.frame.iterrows():
        machine = str(row[name.name])
        for day in range(days):
            zero = day * _DAY
            if shift is not None:
                begin, end = (_minutes(row[c.name]) for c in shift)
                last = zero - _DAY + end if day else 0.0
                rows += [(machine, last, zero + begin)] if zero + begin > last else []
            for column in pauses:
                rows += [(machine, zero + a, zero + b) for a, b in _windows(row[column.name], column)]
            for column in opened:
                times = [0.0, *(end for window in _windows(row[column.name], column) for end in window), _DAY]
                rows += [
                    (machine, zero + a, zero + b)
                    for a, b in zip(times[::2], times[1::2], strict=True)
                    if a < b
                ]
        if shift is not None:
            rows.append((machine, (days - 1) * _DAY + _minutes(row[shift[1].name]), days * _DAY))
    frame = pd.DataFrame(rows, columns=["machine", "start", "end"])
    frame = frame.sort_values(["machine", "start"], kind="stable")
    told = [c.name for c in (*(shift or ()), *lists)]
    made = made_table(
        "calendars", frame, f"{', '.join(told)} of {machines.table.called}", {"start": "min", "end": "min"}
    )
    parts["calendars"] = _plain(made, kinds["calendars"])
    return set(told)


def _days_of(parts: Mapping[str, PartGuess], shift: tuple[ColumnFacts, ColumnFacts] | None) -> int:
    """Return for how many days breaks are written: all work on one machine, in its shortest shift."""
    if shift is None:
        return 1
    lasts = parts["modes"].column("duration") if "modes" in parts else None
    hours = float((shift[1].minutes - shift[0].minutes).min())  # type: ignore[operator]
    unit = (lasts.declared or lasts.header.unit or "min") if lasts is not None else "min"
    work = convert(float(lasts.values.sum()), unit, "min") if lasts is not None else 0.0
    return 1 + math.ceil(work / hours)


def _minutes(cell: Any) -> float:
    value = clock_value(str(cell), "min")
    assert value is not None
    return float(value)


def _lasts(column: ColumnFacts) -> float:
    """Return how long the windows of a cell last together, in the middle of the column."""
    lengths = [sum(end - begin for begin, end in _windows(cell, column)) for cell in column.values]
    return float(pd.Series(lengths).median())


def _windows(cell: Any, column: ColumnFacts) -> list[tuple[float, float]]:
    if pd.isna(cell):
        return []
    found = []
    for window in str(cell).split(","):
        begin, _, end = window.replace("–", "-").partition("-")
        found.append((_minutes(begin.strip()), _minutes(end.strip())))
    return found
