"""Tables as parts of a job shop: what is done, on which machines, how long it takes, and when machines stand still.

Steps of orders, which planners hold in many ways, become operations: a row for each way to do what is done.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import chain, combinations, permutations
from typing import Any

import pandas as pd

from kanopt.records.declaration import Table, field, record
from kanopt.records.headers import ALTERNATIVES, IDENTIFIERS, TABLE_WORDS, is_called, names_part, read_header
from kanopt.records.matching import LISTED, YES_NO, ColumnFacts, Columns, fill_fields, listed
from kanopt.scenarios.init.parts import Declared, PartGuess, Parts, as_named, assigned, match_part, named_by
from kanopt.scenarios.init.rewrites import (
    NUMBERED,
    RESTS,
    TIMES,
    joined,
    lasts_a_shift,
    predecessors,
    windows_of,
)
from kanopt.scenarios.init.sources import SourceTable, Tables, texts
from kanopt.units import CURRENCIES, UNIT_WORDS, convert

_BESIDE = ("setups", "calendars", "power_price")
_PLAIN = ("task", "job", "order", "after", "machine", "duration", "energy")
_DAY, _DAYS = 1_440.0, 7
_MOST_ALIKE = 50
_NAMED = 5.0  # how much speaks for a table whose names the operations hold
_NO_AMOUNTS = ("km", "mi", "m", *CURRENCIES)
_LINK = "of type"
_RATIO = re.compile(r"([^\W\d]+) *(?:/|\b(?:per|pro|par|por|je)\b) *([^\W\d]+)", re.IGNORECASE)
"""Headers of what is counted for one of something: minutes per piece, trays/h."""
_PIECES = [word for word, unit in UNIT_WORDS.items() if unit == "pcs" and len(word) > 4]


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


WAYS = "ways"
"""How a table is called whose rows of one order may be several ways to do it, or its steps."""

HELPERS = (Operation,)
"""Tables from which the declared parts are made."""


def read_shop(tables: Tables, part: Declared) -> Parts | None:
    """Return the parts of a job shop; None where the tables do not say what is done."""
    parts = _assigned(tables, [name for name in part if name != "operations"], part)
    if {"tasks", "modes"} <= parts.keys() and parts["modes"]["task"].texts <= parts["tasks"].names:
        parts["tasks"] = _after_others(parts["tasks"])
        for name, source in (("job", parts["tasks"]), ("machine", parts["modes"])):
            if name in source.fields:
                made = named_by(source.table, source.texts_of(name).unique(), part[f"{name}s"])
                parts.setdefault(made.part.name, made)
    else:
        pairs = [(one, other) for one in tables if one.key for other in tables if not other.may_teach]
        steps = [step for one, other in pairs if (step := _steps_of(one, other)) is not None]
        by_amount = [each for each in steps if "pieces" in each.reads]
        tried = ([_operations(each, tables, part) for each in group] for group in (by_amount, tables, steps))
        found = next(filter(None, ([*filter(None, group)] for group in tried)), [])
        if not found:
            return None
        ops, parts = max(found, key=lambda each: len(each[0].filled) + 2 * each[0].table.is_called("tasks"))
        rows = _rows_of(ops, parts)
        if rows is None:
            return None
        parts |= _made_parts(rows, parts, part)
    if {"after", "order"} & parts["tasks"].fields == {"after"} and _follow_in_jobs(parts["tasks"]):
        jobs = parts["jobs"]  # their tasks follow what they come after, and not one another
        parts["jobs"] = jobs.with_column("in_order", jobs.table.frame.assign(in_order=False), end="free")
    _match_families(parts)
    _set_up_one_machine(parts)
    _close_machines(parts, part["calendars"])
    _count_machines(parts)
    if "machines" in parts:
        machines, price = parts["machines"], "unit_duration_cost"
        paid = machines.column(price)
        of_steps = [guess.table for name, guess in parts.items() if name in ("tasks", "modes")]
        if paid is not None and any(paid.name in each.reads for each in of_steps):
            parts["machines"] = machines.without(price)  # bottles per hour are no money
    return parts


def _assigned(
    tables: Tables, names: Iterable[str], part: Declared, steps: SourceTable | None = None
) -> Parts:
    """Assign tables to parts, of which some must be named or tell more than names; beside those of steps, if any."""

    def as_part(table: SourceTable, name: str) -> PartGuess | None:
        key = table.key if name == "jobs" else None
        alike = [other.given.get(key.name) for other in tables if other is not table] if key else []
        # a column called alike that refers to it says which one names jobs
        named = key and any(c and c.texts and c.texts <= key.texts for c in alike)
        return match_part(table, part[name], key=key if named else None)

    def worth(guess: PartGuess) -> float:
        name, known = guess.part.name, _worth(guess, tables)
        if steps is None or name in _BESIDE:
            return known
        if name == "machines" and "job" in steps.columns and guess.names <= steps.columns["job"].texts:
            return 0.0  # rows of the orders that steps were made of
        if steps.naming(guess.names) or (name == "machines" and _lists(steps, guess.names)):
            return guess.score + _NAMED
        # jobs of other names are none of these operations
        return known / 2 if name == "machines" else 0.0

    others = [table for table in tables if steps is None or table.name != steps.name]
    return assigned(others, names, as_part, worth)


def _worth(guess: PartGuess, tables: Tables) -> float:
    """Return how much speaks for a table as a part by itself."""
    name, fields, table, told = guess.part.name, guess.fields - {"name"}, guess.table, guess.called_so
    if name == "setups":
        families = guess["before"].texts | guess["after"].texts
        elsewhere = [other for other in tables if other is not table and table.name not in other.of]
        told |= any(c is not t.key for t in elsewhere for c in t.naming(families))
    elif name == "calendars":
        priced = any(c.measures == {"money": 1, "energy": -1} for c in table.columns.values())
        told = not priced and (told or ("machine" in fields and not table.is_called("machines")))
    else:
        told |= guess.keyed_so if name == "machines" else name != "jobs" or bool(fields)
    return guess.score * told


def _after_others(tasks: PartGuess) -> PartGuess:
    """Return tasks that come after those that a column lists, in which a mark such as - stands for none."""
    before, frame = predecessors(tasks.table, tasks["name"]), tasks.table.frame
    if before is None or "-" not in before.texts:
        return tasks if before is None else tasks.filling("after", before)
    plain = [", ".join(listed(cell)) for cell in texts(frame[before.name].fillna(""))]
    return tasks.with_column("after", frame.assign(**{before.name: plain}), before.name, end="plain")


def _follow_in_jobs(tasks: PartGuess) -> bool:
    """Say whether a task comes after one of its own job."""
    frame = tasks.table.frame
    names, jobs, after = (texts(frame[tasks[each].name].fillna("")) for each in ("name", "job", "after"))
    job = dict(zip(names, jobs, strict=True))
    pairs = [(name, one) for name, cell in zip(names, after, strict=True) for one in listed(cell)]
    return any(job.get(one) == job[name] for name, one in pairs)


def _operations(table: SourceTable, tables: Tables, part: Declared) -> tuple[PartGuess, Parts] | None:
    """Return a table as operations, with the tables beside it; None where it does not say how long what takes."""
    if table.may_teach and not table.is_called("tasks"):
        return None
    parts = _assigned(tables, ("jobs", "machines", *_BESIDE), part, table)
    names = {name: guess.names for name, guess in parts.items() if name not in _BESIDE}
    own = part["operations"]
    guess = PartGuess(own, table, tuple(fill_fields(table.given, own, names))).without("after")
    guess = guess.completed("job", table.naming(names.get("jobs", ())))
    if not guess.fields & {"name", "job"} and table.key is not None and table.key.is_unique:
        # numbers of orders look like places in an order of steps
        called_so = any(names_part(piece, "jobs") for piece in table.key.header.pieces)
        guess = guess.filling("job", table.key) if called_so else guess
    lists = [c for c in _lists(table, names.get("machines", ())) if c is not guess.column("job")]
    guess = guess.completed("machine", lists)
    if "duration" not in guess.fields or not guess.fields & {"name", "job"}:
        return None
    key = guess.column("name") or table.key
    before = predecessors(table, key) if key is not None and key.is_unique else None
    if key is not None and before is not None and key is guess.column("order"):
        guess = guess.filling("name", key)  # what others name is a name, also of numbers
    guess = _by_shape(guess if before is None else guess.filling("after", before))
    one_line = table.is_called("tasks") or any(each.is_called("machines") for each in tables)
    return (guess, parts) if "machine" in guess.fields or one_line or table.is_called("jobs") else None


def _lists(table: SourceTable, names: Collection[str]) -> list[ColumnFacts]:
    """Return the columns whose cells list names of rows of another table, of which one will do, or the first at least.

    Of names with a + between them all are needed at once, which is asked about.
    """
    columns = [c for c in table.given.values() if c.kind == "text" and c.is_full]
    return [c for c in columns if c.listed <= {*names}]


def _by_shape(guess: PartGuess) -> PartGuess:
    """Fill the order and the machine of operations by what values look like, whatever the columns are called."""
    job, frame = guess.column("job"), guess.table.frame
    if job is None or job.is_unique:
        return guess
    counts = [c for c in guess.left if c.whole and not c.header.unit and not c.is_unique]
    counts = [c for c in counts if not frame.duplicated([job.name, c.name]).any()]
    guess = guess.completed("order", counts)
    left = [c for c in guess.left if c.kind == "text" and not c.is_unique and c.is_full]
    return guess.completed("machine", left if len(left) == 1 else [], 0.7)


def _rows_of(guess: PartGuess, parts: Mapping[str, PartGuess]) -> SourceTable | None:
    """Return the operations with columns of plain names beside those that say more of them."""
    frame = guess.table.frame.reset_index(drop=True)
    cells = {each.field.name: frame[each.column.name] for each in guess.filled}
    named = {each: texts(cells[each]) for each in ("job", "name", "order", "machine") if each in cells}
    name, job = named.get("name"), named["job"] if "job" in named else named["name"]
    unique = name is not None and not name.duplicated().any() and not cells["name"].isna().any()
    if "job" not in cells and "jobs" not in parts and not unique:
        return None
    end, task = "steps", job  # several rows of one order are several ways to do it, where nothing tells steps
    if unique:
        task = named["name"]
    elif "order" in cells:
        task = job + " " + named["order"]
    elif name is not None and not (job + " " + name).duplicated().any():
        task = job + " " + name
    elif "machine" in cells and (in_turn := _in_turn(named["machine"], job)):
        cells["order"] = frame.groupby(job).cumcount() + 1
        task = job + " " + texts(cells["order"])
    elif "machine" in cells and in_turn is None and not guess.table.made:
        end = WAYS
    rows = pd.DataFrame({"job": job, "task": task}, index=frame.index)
    if "after" in cells and unique:
        rows["after"] = [", ".join(listed(cell)) for cell in texts(cells["after"].fillna(""))]
    kept = {each: cells[each] for each in ("order", "machine", "duration", "energy") if each in cells}
    units = {str(each): guess[each].unit for each in ("duration", "energy") if each in cells}
    used = {*_PLAIN, *(each.column.name for each in guess.filled)}
    columns: list[pd.Series[Any]] = []
    if "machine" in cells:  # where a cell or a row names several, any of them will do
        names = parts["machines"].names if "machines" in parts else _told_apart(named["machine"])
        others = [c.name for c in guess.left if ALTERNATIVES & {*c.header.pieces} and c.texts <= names]
        columns = [named["machine"], *(texts(frame[name].fillna("")) for name in others)]
        used.update(others)
    rows = pd.concat([rows.assign(**kept), frame.drop(columns=used & {*frame})], axis="columns")
    if columns:
        ways = zip(*(column.map(lambda cell: _one_of(cell, names)) for column in columns), strict=True)
        rows["machine"] = [[*chain.from_iterable(each)] for each in ways]
        rows = rows.explode("machine")
    return guess.table.remade(rows, units, end=end)


def _in_turn(machines: pd.Series[Any], job: pd.Series[Any]) -> bool | None:
    """Say whether rows of an order are its steps as they stand, and not several ways to do it; None for either.

    They are steps where an order comes back to a machine, or two come to two machines in different order. They are
    ways where every order can be done on the same machines, which are called alike.
    """
    orders = [tuple(each) for _, each in machines.groupby(job)]
    pairs = {pair for order in orders for pair in combinations(order, 2)}
    if any(one == other or (other, one) in pairs for one, other in pairs):
        return True
    alike = len({NUMBERED.sub("", name) for name in machines}) == 1
    return False if not pairs or (alike and len({*orders}) == 1) else None


def _told_apart(cells: pd.Series[Any]) -> frozenset[str]:
    """Return the names of machines where cells list several: each part of a list stands in another cell as well."""
    parts = [LISTED.split(cell) for cell in cells.unique()]
    again = [name for each in parts for name in each]
    names = {name for each in parts if all(again.count(one) > 1 for one in each) for name in each}
    return frozenset(names if any(len(each) > 1 and names >= {*each} for each in parts) else cells)


def _one_of(cell: str, names: Collection[str]) -> list[str]:
    """Return the machines of which one will do; of those that are needed at once the first."""
    if cell in names or not {*LISTED.split(cell)} <= {*names}:
        return [cell] if cell else []
    return [cell.partition("+")[0].strip()] if "+" in cell else LISTED.split(cell)


def _things(rows: SourceTable, by: str, title: str, without: Collection[str]) -> SourceTable:
    """Return the things that a column of rows names, each once, with the columns on which all its rows agree."""
    frame, names = rows.frame, rows.frame[by]
    others = [c for c in map(str, frame) if c != "name" and c not in without and not frame[c].equals(names)]
    kept = [c for c in others if (frame.groupby(names)[c].nunique(dropna=False) <= 1).all()]
    made = pd.concat([names.rename("name"), frame[kept]], axis="columns").dropna(subset=["name"])
    return rows.remade(made.drop_duplicates("name"), title=title, end=title)


def _made_parts(rows: SourceTable, parts: Mapping[str, PartGuess], part: Declared) -> Parts:
    """Return the tables of jobs, tasks, machines and modes that operations make, where no others name the same."""
    frame, found = rows.frame, dict[str, PartGuess]()
    jobs, machines = parts.get("jobs"), parts.get("machines")
    if jobs is None or not {*frame["job"]} <= jobs.names:
        made = _things(rows, "job", "jobs", _PLAIN)
        found["jobs"] = match_part(made, part["jobs"]) or as_named(made, part["jobs"])
    tasks = _things(rows, "task", "tasks", ("machine", "duration", "energy"))
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


def _match_families(parts: Parts) -> None:
    """Fill the family of tasks and machines with the column whose values are families of the setups."""
    if "setups" not in parts:
        return
    families = parts["setups"]["before"].texts | parts["setups"]["after"].texts
    for name in ("tasks", "machines", "jobs"):
        guess, tasks = parts.get(name), parts["tasks"]
        columns = [c for c in guess.table.naming(families) if c is not guess.column("name")] if guess else []
        if guess is not None and name != "jobs":
            parts[name] = guess.completed("family", columns)
        elif guess is not None and columns and not tasks.column("family"):
            header = columns[0].name
            keys = {tasks["job"].name: guess["name"].name}
            joint = joined(tasks.table, guess.table, keys, {header: "family"}, end="families", reads=[header])
            made = replace(joint, title="tasks")
            parts["tasks"] = tasks.on(made).filling("family", made.columns["family"])


def _set_up_one_machine(parts: Parts) -> None:
    """Fill the machine of setups that name none where their file or sheet is called after one of the machines."""
    setups = parts.get("setups")
    if setups is None or setups.column("machine") is not None:
        return
    called = {*read_header(setups.table.title).pieces}
    machines = parts["modes"].texts_of("machine").unique()
    named = [machine for machine in machines if called.issuperset(read_header(machine).pieces)]
    if len(named) == 1:
        frame = setups.table.frame.assign(machine=named[0])
        parts["setups"] = setups.with_column("machine", frame, end="of_one")


def _close_machines(parts: Parts, part: Table) -> None:
    """Make breaks of the shifts and pauses that stand beside machines."""
    machines = parts.get("machines")
    if machines is None or "calendars" in parts:
        return
    if (dated := _closed_but_for_dates(machines)) is not None:
        parts["calendars"] = as_named(dated, part)
        return
    timed = [c for c in machines.left if c.kind == "clock"]
    clocks = [c for c in timed if c.is_full and not c.speaks_of(RESTS)]
    shift, pause = _pair(clocks), _pair([c for c in timed if c.speaks_of(RESTS)])
    lists = [c for c in machines.left if c.kind == "windows" and all(map(windows_of, c.values))]
    opened = [c for c in lists if lasts_a_shift(c)]
    starts = (("vehicles", "shift_start"), ("clients", "earliest"))
    begins = [c for c in clocks if not shift and any(c.looks_like(*start) for start in starts)][:1]
    read = [*shift, *pause, *begins, *lists]
    if not read:
        return
    days = range(_DAYS if opened else _days_of(parts, shift))
    rows: list[tuple[str, float, float]] = []
    for at, name in zip(machines.table.frame.index, machines.texts_of("name"), strict=True):
        cells = {c: windows_of(machines.table.frame[c.name][at]) for c in lists}
        works = sorted([*_window(shift, at), *(window for c in opened for window in cells.pop(c))])
        rests = [*_window(pause, at), *chain.from_iterable(cells.values())]
        ends = [day * _DAY + end for day in days for window in works for end in window]
        edges = [0.0, *ends, len(days) * _DAY] if works else []
        closed = [*zip(edges[::2], edges[1::2], strict=True)]
        closed += [(day * _DAY + begin, day * _DAY + end) for day in days for begin, end in rests]
        closed += [(0.0, float(c.minutes[at])) for c in read if c in begins and c.minutes is not None]
        rows += [(name, begin, end) for begin, end in closed if begin < end]
    frame = pd.DataFrame(rows, columns=["machine", "start", "end"])
    frame = frame.sort_values(["machine", "start"], kind="stable")
    units, reads = {"start": "min", "end": "min"}, [c.name for c in read]
    made = machines.table.remade(frame, units, title="calendars", end="calendars", reads=reads)
    parts["calendars"] = as_named(made, part)
    _set_up_at_first(parts, {name: end for name, begin, end in rows if begin == 0})


def _set_up_at_first(parts: Parts, opens: Mapping[str, float]) -> None:
    """Write what machines are set up for when they open, in minutes, as families of their own with their first setups.

    Setups run through the night, so that what a machine is set up for at time zero would be changed by the morning.
    """
    machines, setups = parts["machines"], parts.get("setups")
    family = machines.column("family")
    if family is None or setups is None or not opens:
        return
    before, time, own = setups["before"].name, setups["time"], setups.column("machine")
    frame, names = setups.table.frame, texts(machines.table.frame[machines["name"].name])
    loaded = texts(machines.table.frame[family.name].fillna("")) + " (" + names + ")"
    rows = [frame]
    for name, first in zip(names, loaded, strict=True):
        from_it = texts(frame[before]) == first.removesuffix(f" ({name})")
        there = frame[from_it if own is None else from_it & frame[own.name].fillna(name).eq(name)]
        later = there[time.name] + convert(opens.get(name, 0.0), "min", time.unit or "min")
        changed: dict[str, Any] = {before: first, time.name: later}
        rows.append(there.assign(**changed))
    parts["setups"] = setups.on(setups.table.remade(pd.concat(rows), end="first"))
    made = machines.table.frame.assign(**{family.name: loaded})
    parts["machines"] = machines.on(machines.table.remade(made, end="set_up"))


def _closed_but_for_dates(machines: PartGuess) -> SourceTable | None:
    """Return when machines are closed that work from one moment to another; None where no columns say that."""
    moments = [c for c in machines.left if c.is_moment and c.is_full]
    pairs = [pair for pair in permutations(moments, 2) if (pair[0].values < pair[1].values).all()]
    if not pairs:
        return None
    reads = [column.name for column in pairs[0]]
    begins, ends = (machines.table.frame[name] for name in reads)
    last = ends.max().normalize() + pd.Timedelta(days=_DAYS)
    spans = ((begins.min().normalize(), begins), (ends, last))
    names = machines.texts_of("name")
    rows = pd.concat([pd.DataFrame({"machine": names, "start": one, "end": other}) for one, other in spans])
    closed = rows[rows["start"] < rows["end"]].sort_values(["machine", "start"], kind="stable")
    return machines.table.remade(closed, title="calendars", end="calendars", reads=reads)


def _count_machines(parts: Parts) -> None:
    """Make each of several machines alike one of its own, where a column says how many there are."""
    machines, modes = parts.get("machines"), parts.get("modes")
    if machines is None or modes is None or "machine" not in modes.fields:
        return
    plain = [c for c in machines.left if c.whole and c.is_full and not c.unit]
    plain = [c for c in plain if not IDENTIFIERS & {*c.header.pieces}]
    counts = next((c for c in plain if c.looks_like("vehicles", "num_available")), None)
    if counts is None or not 1 <= counts.values.min() <= counts.values.max() <= _MOST_ALIKE:
        return
    alike = zip(machines.texts_of("name"), map(int, counts.values), strict=True)
    each = {name: [f"{name} {at}" for at in range(1, n + 1)] if n > 1 else [name] for name, n in alike}
    read = {counts.name, *(parts["calendars"].table.reads if "calendars" in parts else ())}
    for part in ("machines", "modes", "calendars", "setups"):
        guess = parts.get(part)
        column = None if guess is None else guess.column("name" if part == "machines" else "machine")
        if guess is not None and column is not None:
            names = texts(guess.table.frame[column.name]).map(lambda name: each.get(name, [name]))
            rows = guess.table.frame.assign(**{column.name: names}).explode(column.name)
            rows = rows.drop(columns=read - {column.name}, errors="ignore") if part == "machines" else rows
            parts[part] = guess.on(guess.table.remade(rows, end="each", reads=[counts.name]))


def _window(pair: Columns, at: Any) -> list[tuple[float, float]]:
    """Return what two clock times of a row are: a window, or none where there are no two."""
    ends = [float(c.minutes[at]) for c in pair if c.minutes is not None and at in c.minutes]
    return [(ends[0], ends[1])] if len(ends) == 2 else []


def _pair(clocks: Columns) -> tuple[ColumnFacts, ...]:
    """Return the first two clock times of which one always comes before the other, that first; nothing for none."""
    timed = [(c, c.minutes) for c in clocks if c.minutes is not None]
    for (one, begin), (other, end) in permutations(timed, 2):
        if begin.index.equals(end.index) and (begin < end).all():
            return one, other
    return ()


def _days_of(parts: Mapping[str, PartGuess], shift: Columns) -> int:
    """Return for how many days breaks are written: all work on one machine, in its shortest shift."""
    lasts = parts["modes"].column("duration") if "modes" in parts else None
    if not shift or lasts is None:
        return 1
    hours = float((shift[1].minutes - shift[0].minutes).min())  # type: ignore[operator]
    days = 1 + math.ceil(convert(float(lasts.values.sum()), lasts.unit or "min", "min") / hours)
    ready = parts["jobs"].column("release_date") if "jobs" in parts else None
    if ready is not None and ready.is_moment:
        days += math.ceil(pd.Timedelta(ready.values.max() - ready.values.min()) / pd.Timedelta(days=1))
    return days


# Steps of orders that no table lists: times of a type, or for a unit of what orders count.


def _steps_of(orders: SourceTable, other: SourceTable) -> SourceTable | None:
    """Return the steps of orders that another table tells for them or their type, or for a unit of what they count."""
    key, own = orders.key, other.key
    assert key is not None
    named = [(key.name, c.name) for c in other.naming(key.texts)]
    types = [c for c in orders.given.values() if c is not key and c.kind == "text"]
    types = [c for c in types if not {text.lower() for text in c.texts} <= YES_NO]
    known = [c for c in other.given.values() if c.kind == "text"]
    known = [c for c in known if c is not own or other.is_called("tasks") or other.is_called("modes")]
    pairs = [(c, theirs) for c in types for theirs in known if c.texts <= theirs.texts]
    links = named or [(c.name, theirs.name) for c, theirs in pairs]
    works = {column.name: work for column in other.numbers if (work := _work(column, orders))}
    amounts = {amount for _, amount, _ in works.values()} - {""}
    by_amount = sum(bool(amount) for _, amount, _ in works.values())
    if not works or max(len(links), by_amount, len(works) - by_amount) > 1:
        return None
    if not amounts if named else not links and not (own and amounts):
        return None
    link = "job" if named else _LINK
    used = {key.name: "job"} | dict.fromkeys(amounts, "pieces")
    used |= {name: _LINK for name, _ in links if not named}
    left = orders.frame[[*used]].rename(columns=used)
    right = other.frame[(other.frame[[*works]] > 0).any(axis="columns")]
    if links:
        rows = left.merge(right.rename(columns={links[0][1]: link}), on=link)
    else:
        ways = right[[own.name, *works]].rename(columns={own.name: "machine"})  # type: ignore[union-attr]
        rows = left.merge(ways, how="cross")
    unit = next(iter(works.values()))[0]
    duration: Any = 0
    for name, (own_unit, amount, power) in works.items():
        lasts = convert(1.0, own_unit, unit) * rows[name].astype(float) ** power
        duration = duration + lasts * (rows["pieces"] if amount else 1)
    rows = rows.drop(columns=[*works, "pieces", *amounts, _LINK], errors="ignore").assign(duration=duration)
    steps = other.given if orders is other else ()  # one table of orders and of their only step
    reads = [*used, *used.values(), *works, *steps]
    made = orders.remade(rows, {"duration": unit}, title="operations", end="ops", reads=reads)
    return replace(made, of=made.of | {other.name} | other.of)


def _work(column: ColumnFacts, orders: SourceTable) -> tuple[str, str, int] | None:
    """Return the unit of times, the amount of orders that they are for, and 1, or -1 of a rate; None of no times."""
    told = _RATIO.search(column.name)
    above, below = (next(iter(read_header(text).pieces), "") for text in told.groups()) if told else ("", "")
    if not told and column.unit in TIMES:  # Stückzeit
        within = (p for piece in column.header.pieces for p in _PIECES if piece.startswith(p) and piece != p)
        above, below = column.unit, next(within, "")
    units = [UNIT_WORDS.get(word, "") for word in (above, below)]
    if units[1] in TIMES and units[0] not in _NO_AMOUNTS:
        amounts = _counted(orders, above)
        return (units[1], amounts[0], -1) if len(amounts) == 1 else None
    amounts = _counted(orders, below) if units[0] in TIMES else []
    if len(amounts) == 1:
        return units[0], amounts[0], 1
    whole = not below or is_called(below, TABLE_WORDS["jobs"] | TABLE_WORDS["tasks"])
    plain = column.measures == {"time": 1} or (not column.unit and column.looks_like("modes", "duration"))
    return (column.unit or "min", "", 1) if whole and plain else None


def _counted(table: SourceTable, what: str) -> list[str]:
    """Return the columns that say of how many of something a row is."""
    amounts = [c for c in table.numbers if c.measures in ({}, {"amount": 1})]
    numbers = [c for c in amounts if not _RATIO.search(c.name)]
    unit = UNIT_WORDS.get(what, what)
    alike = [(c, p) for c in numbers for p in c.header.pieces]
    called_so = {c.name: c for c, p in alike if unit == UNIT_WORDS.get(p) or is_called(p, frozenset([what]))}
    return [*called_so] or [c.name for c in numbers if unit == "pcs" and c.looks_like("demand", "demand")]
