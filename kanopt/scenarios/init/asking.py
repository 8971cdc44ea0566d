"""What is asked about a plan, so that nothing in the tables that looks like a rule is left out in silence."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kanopt.faults import toml_value
from kanopt.records.declaration import Field
from kanopt.records.headers import (
    COORDINATES,
    SURCHARGE,
    WORKERS,
    field_likeness,
    is_beyond_plan,
    is_called,
    measured_in,
    place_elsewhere,
)
from kanopt.records.matching import ColumnFacts, FilledField, match_columns
from kanopt.scenarios.files.sections import QuestionSpec
from kanopt.scenarios.init.draft import Draft, ScenarioKeys
from kanopt.scenarios.init.parts import PartGuess
from kanopt.scenarios.init.rewrites import CELLS
from kanopt.scenarios.init.sources import Tables, all_in_use
from kanopt.text import join_list
from kanopt.units import same_dimension

_MOST_FIELDS, _SHORT = 3, 3
_NO_WAY = re.compile(r"holds '([xX×]|[-–—/.]+|n/?a|k\. ?A\.?)'$")
_NO_SECOND = "this reads one machine of a task and no second resource, which resources and needs can say"


def ask(draft: Draft, tables: Tables, holds: Callable[[ScenarioKeys], bool]) -> None:
    """Ask about columns that look like a rule and tables that speak of the plan, where nothing reads them.

    Parameters
    ----------
    draft
        The draft; its questions and notes get what is asked, and what is only told, its keys what is read elsewhere.
    tables
        The tables that were given.
    holds
        Says whether the file holds with other keys.
    """
    bare: list[tuple[PartGuess, str]] = []
    told, parts = dict[str, list[str]](), draft.roles.parts
    # what another part was made of is read, though no field has it here
    planned = [(part, guess) for part, guess in parts.items() if ("problem", part) in draft.keys.tables]
    left = [(part, c.name) for part, guess in planned for c in guess.left]
    left = [each for each in left if each not in draft.bound]
    elsewhere = [(part, name) for part, name in left if _is_read_elsewhere(draft, parts[part], name)]
    alike = [(part, name) for part, name in left if _is_like_one_that_is_read(parts[part], name)]
    # what nothing reads and looks like a rule, as the reader of files finds it
    for part, column in dict.fromkeys((*draft.dropped, *draft.rules, *draft.meanings, *elsewhere, *alike)):
        guess = parts.get(part)
        if guess is None:
            continue
        if _is_read(draft, guess, column):
            told.setdefault(guess.table.name, []).append(column)
        elif meant := _meant_as(draft, guess, column, holds):
            _ask_about_columns(draft, [(guess, column)], meant)
        else:
            bare.append((guess, column))
    # what is said of one thing is no answer to what is asked about another
    for part in dict.fromkeys(guess.part.name for guess, _ in bare):
        _ask_about_columns(draft, [each for each in bare if each[0].part.name == part], {})
    _ask_about_overtime(draft)
    _ask_about_machines_at_once(draft)
    _ask_about_tables(draft, tables)
    for name, columns in told.items():
        draft.keys.set(("tables", name), "ignore", columns, "read elsewhere, or limits nothing")


def _ask_about_tables(draft: Draft, tables: Tables) -> None:
    """Ask about tables that nothing reads, and about bad cells of those that are written anew.

    What is written anew no longer says that they were bad.
    """
    rewritten, read = draft.roles.rewritten, draft.read
    # a table that is read with units or a key of its own is told of once
    for table in {each.name: each for each in (*rewritten, *tables)}.values():
        if table.name in read or (table.made and not table.of & read):
            continue
        made = [] if table.made else [each for each in rewritten if table.name in each.of]
        counted = [c.name for each in (table, *made) for c in each.columns.values() if _counts(c)]
        named = [c for guess in draft.roles.parts.values() for c in table.naming(guess.names)]
        # names of the plan beside numbers
        beside = [c.name for c in named if c.kind == "text" and any(map(_counts, table.columns.values()))]
        if beside:
            why = f"says something of {beside[0]!r}, which the plan has"
        elif table.made:
            continue
        elif counted:
            why = f"has numbers, while {draft.invented[0][0]}" if draft.invented else f"tells {counted[0]!r}"
        else:
            told = f"{table.called} is not used: nothing that the plan or a law reads was found in it"
            draft.notes.append(told)
            continue
        text = f"{table.called} {why}, and nothing in the plan reads it. May it be left out?"
        draft.ask(table.name, text, {"ignore": {}})
    planned = [guess.table for guess in draft.roles.parts.values()]
    for table in tables:
        made = [each for each in (*rewritten, *planned) if each.name in read and table.name in each.of]
        # a cross in a matrix says that there is no way
        cells_of = any(f"_{CELLS}" in each.name for each in made)
        bad = [each for each in table.blanked if not (cells_of and _NO_WAY.search(each))]
        if bad and made:
            cells = join_list(bad[:_MOST_FIELDS])
            text = f"{table.called} has cells that are no numbers and count as blank: {cells}. May they be left out?"
            draft.ask(table.name, text, {"ignore": {}})


def _is_read(draft: Draft, guess: PartGuess, name: str) -> bool:
    """Say whether a column is read elsewhere, or says nothing that the plan does not know."""
    first, column = next(iter(guess.table.given.values())), guess.table.columns[name]
    if first.name == name and first.whole and first.is_unique:
        return True  # it numbers the rows, which another column names
    if any(f"`{name}`" in rule for rule, _ in guess.table.dropped) or all_in_use(column):
        return True  # it says which rows there are
    begins = [list(each.column.values.astype(str)) for each in guess.filled if each.field.clock]
    cells = list(column.values.astype(str))
    # where the next row begins, which the next row says
    begun = any(each[1:] == cells[: len(each) - 1] for each in begins if len(each) > 1)
    return begun or _limits_nothing(draft, guess, column) or _is_read_elsewhere(draft, guess, name)


def _is_like_one_that_is_read(guess: PartGuess, name: str) -> bool:
    """Say whether a field reads a column whose header differs in one word: Q2 output beside Q1 output."""
    if guess.table.made:
        return False  # what was made of a row says both, as loading and unloading
    column = guess.table.columns[name]
    pieces, numbers = column.header.pieces, [each.column for each in guess.filled if column.kind == "number"]
    read = [c.header.pieces for c in numbers if c.kind == "number" and c.unit == column.unit]
    same = [each for each in read if len(each) == len(pieces) > 1]
    return any(sum(map(operator.ne, pieces, each)) == 1 for each in same)


def _is_read_elsewhere(draft: Draft, guess: PartGuess, name: str) -> bool:
    """Say whether another part was made of a column, or a field or a law reads the same column there."""
    parts = draft.roles.parts.values()
    own = guess.table.of | {guess.table.name}
    if any(name in other.table.reads for other in parts if other is not guess and own & other.table.of):
        return True
    others = [other for other in parts if other is not guess]
    read = [(other, c) for other in others for c in other.left if (other.part.name, c.name) in draft.bound]
    read += [(other, each.column) for other in others for each in other.filled]
    alike = [(other, column) for other, column in read if column.name == name]
    texts = guess.table.columns[name].texts
    return any(guess.table.of & other.table.of or column.texts == texts for other, column in alike)


def _limits_nothing(draft: Draft, guess: PartGuess, column: ColumnFacts) -> bool:
    """Say whether a column of clients counts a second time what is carried, and nothing limits it."""
    clients, fleet = (draft.roles.parts.get(part) for part in ("clients", "vehicles"))
    if guess is not clients or fleet is None or column.measures != {"amount": 1}:
        return False
    amounts = [c for c in fleet.table.given.values() if c.measures == {"amount": 1}]
    counted = any(same_dimension(column.unit, c.unit) for c in amounts)
    if counted or clients.column("demand") in (None, column):
        return False
    # places for pallets limit pallets, whatever they are counted in
    words = [piece[:-1] for piece in column.header.pieces if len(piece) > _SHORT]
    pieces = [piece for c in fleet.left if c.kind == "number" for piece in c.header.pieces]
    return not any(word in piece for word in words for piece in pieces)


def _counts(column: ColumnFacts) -> bool:
    return column.kind in ("clock", "windows") or (column.kind == "number" and bool(column.unit))


def _meant_as(
    draft: Draft, guess: PartGuess, name: str, holds: Callable[[ScenarioKeys], bool]
) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return what a column may be meant as, the likely first: answers, what each says, and the keys that it sets."""
    part, column = guess.part.name, guess.table.columns[name]
    if (part, name) in draft.bound:
        return {}
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    if (part, name) in draft.meanings:
        answer, says, keys = draft.meanings[part, name]
        found |= {answer: (says, keys)} if holds(draft.keys.with_keys(keys)) else {}

    def offer(item: Field, unit: str, told: str, says: str) -> None:
        if unit and column.measures == {"amount": 1} and not same_dimension(column.unit, unit):
            return  # pallets are no kilograms
        keys: dict[str, dict[str, Any]] = {f"problem.{part}.columns": {item.name: name}}
        if "makespan_cost" in draft.keys.tables["problem",] and item.is_price:
            # it was made up since nothing had a price
            rest = [": ".join(each) for each in draft.invented if not each[0].startswith("makespan_cost")]
            keys |= {"problem": {"makespan_cost": 0.0}, "report": {"assumed": rest}}
        keys |= {f"tables.{guess.table.name}.units": {name: unit}} if unit else {}
        if len(found) < _MOST_FIELDS and holds(draft.keys.with_keys(keys)):
            found[f"{part}.{told}"] = says, keys

    for filled in _likely(guess, column):
        own = filled.field.name
        offer(filled.field, draft.unit_as(guess, filled), own, f"the field {own}")
    is_money = column.measures == {"money": 1} and not found
    for item in guess.part.fields if is_money else ():
        is_price = dict(measured_in(item.unit) or ()) == {"money": 1, "time": -1}
        if is_price and item.name not in guess.fields and field_likeness(part, column.plain_name, item):
            for time in ("h", "min", "day"):
                told = f"{item.name} for each {time}"
                offer(item, f"{draft.money}/{time}", told, told)
    return found


def _likely(guess: PartGuess, column: ColumnFacts) -> Iterator[FilledField]:
    """Yield the fields without a column that one may fill, the likeliest first, then those that measure the same."""
    fields = guess.fields
    left = [f for f in guess.part.fields if f.name not in fields and (not f.needs or fields & {*f.needs})]
    while found := match_columns(guess.part.name, left, [column]):
        yield found[0]
        left = [item for item in left if item.name != found[0].field.name]
    for item in () if is_beyond_plan(column.name) else left:
        plain = not (item.is_text or item.clock or item.name in COORDINATES)
        if column.measured and plain and measured_in(item.unit) == column.measured:
            yield FilledField(item, column, 0.0, "measures the same")


def _ask_about_columns(
    draft: Draft,
    columns: Sequence[tuple[PartGuess, str]],
    meant: Mapping[str, tuple[str, Mapping[str, Any]]],
) -> None:
    """Ask what columns that look like rules, and fill no field, mean, or whether to leave them out."""
    shown, pieces = [], set[str]()
    ignored: dict[str, list[str]] = {}
    for guess, name in columns:
        column = guess.table.columns[name]
        pieces |= {*column.header.pieces}
        values = ", ".join(sorted(column.texts)[:3])
        beside = "; ".join(filter(None, (values, place_elsewhere(guess.part.name, name, ()))))
        shown.append(f"{name!r} of {guess.table.called}" + (f" ({beside})" if beside else ""))
        ignored.setdefault(f"tables.{guess.table.name}.ignore", []).append(name)
    many, (guess, name) = len(columns) > 1, columns[0]
    second = guess.part.name in ("tasks", "modes") and any(is_called(piece, WORKERS) for piece in pieces)
    looks = "look like rules and fill no field" if many else "looks like a rule and fills no field"
    them = "them" if many else "it"
    text = (
        f"{join_list(shown)} {looks}, so that the plan does not keep to {them}"
        + (f": {_NO_SECOND}, so that tasks of one may be planned at once. " if second else ". ")
        + (f"Is it {' or '.join(says for says, _ in meant.values())}, or may " if meant else "May ")
        + f"{'they' if many else 'it'} be left out?"
    )
    answers = {answer: keys for answer, (_, keys) in meant.items()}
    draft.ask(f"{guess.part.name}.{name}", text, {**answers, "ignore": ignored})


def _ask_about_machines_at_once(draft: Draft) -> None:
    """Ask whether a task may do with the first of the machines that it needs at once."""
    names = draft.roles.names("machines")
    for table, column in ((t, c) for t in draft.roles.rewritten for c in t.given.values()):
        at_once = sorted(text for text in column.texts if "+" in text and column.listed <= names)
        if at_once:
            told = f"{join_list(list(map(repr, at_once)), 3)} ({column.name!r} of {table.called})"
            text = (
                f"{told} are machines that a task needs at once. {_NO_SECOND}: the plan keeps to the first of "
                "them. May the others be left out?"
            )
            draft.ask(f"modes.{column.name}", text, {"ignore": {}})


def _ask_about_overtime(draft: Draft) -> None:
    """Ask whether overtime is paid on top of the price of time, where its price may be all of it."""
    fields = ("unit_duration_cost", "unit_overtime_cost")
    usual, over = (draft.roles.column("vehicles", name) for name in fields)
    if usual is None or over is None or usual.unit != over.unit or over.speaks_of(SURCHARGE):
        return
    table = draft.roles.parts["vehicles"].table
    if not (table.frame[over.name] >= table.frame[usual.name]).all():
        return
    text = (
        f"Is an hour of overtime paid with {over.name!r} in all, or is that on top of {usual.name!r}? "
        "(in all, zusammen, en tout, en total; on top, zusätzlich, en plus, además)"
    )
    in_all = {
        f"tables.{table.name}.derive.overtime_on_top": f"`{over.name}` - `{usual.name}`",
        "problem.vehicles.columns.unit_overtime_cost": "overtime_on_top",
    }
    draft.ask("vehicles.unit_overtime_cost", text, {"in all": in_all, "on top": {}})


def question_text(question: QuestionSpec) -> str:
    """Write a question as a section of the file, with the keys that each answer sets."""
    told = {"about": question.about, "text": question.text, "answer": question.answer}
    lines = ["", "[[questions]]", *(f"{key} = {toml_value(value)}" for key, value in told.items())]
    lines += ["[questions.answers]"]
    lines += [f"{toml_value(key)} = {toml_value(keys)}" for key, keys in question.answers.items()]
    return "\n".join(lines) + "\n"
