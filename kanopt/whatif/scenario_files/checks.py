"""Whether the sections of a scenario file fit together and fit the tables."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import KanoptError, ProblemError, TableError, nearest
from kanopt.faults import Fault, Setting
from kanopt.problems.base import told_elsewhere
from kanopt.records.clock_times import clock_value
from kanopt.records.likeness import TableColumn, TableField, column_hint, field_hint, resembled_field
from kanopt.text import list_names
from kanopt.whatif.changes import Change, Value, cell_text, column_names, conditions_text
from kanopt.whatif.given_laws import is_category_column, unit_mistakes
from kanopt.whatif.rows import complete_rows, split_rows, unseen_rows
from kanopt.whatif.scenario_files.mistakes import Mistake, keyed
from kanopt.whatif.scenario_files.problem_spec import PartialInputs, PartSpec, ProblemSpec
from kanopt.whatif.scenario_files.spec import GivenSpec, LawSpec, LearnedSpec
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import Formula

__all__ = [
    "change_mistakes",
    "data_mistakes",
    "dimension_remarks",
    "field_columns",
    "field_defaults",
    "law_mistakes",
    "part_mistakes",
    "unit_remarks",
    "written_as_cells",
]

Frames = Mapping[str, "pd.DataFrame"]


def law_mistakes(laws: Mapping[str, LawSpec], tables: Iterable[str], frames: Frames) -> Iterable[Mistake]:
    """Yield the tables, columns and laws that the laws name and that do not exist."""
    known = sorted(tables)
    for name, spec in laws.items():
        key: Key = ("surrogates", name)
        if isinstance(spec, LearnedSpec):
            if spec.table not in known:
                yield Mistake((*key, "table"), f"unknown table {spec.table!r}; {nearest(spec.table, known)}")
            yield from _feature_mistakes(spec, key)
            yield from _control_mistakes(spec, key, frames.get(spec.table))
            if spec.table in frames:
                found = list(_column_mistakes(spec, key, frames[spec.table]))
                yield from found or _holdout_mistakes(spec, key, frames[spec.table])


def _feature_mistakes(spec: LearnedSpec, key: Key) -> Iterable[Mistake]:
    for place, feature in enumerate(spec.features):
        if feature == spec.target:
            yield Mistake(
                (*key, "features", place), f"{feature!r} is the target; a law cannot read what it predicts"
            )
        if feature in spec.features[:place]:
            yield Mistake((*key, "features", place), f"{feature!r} is listed twice")
    if spec.groups in (spec.target, *spec.features):
        is_target = spec.groups == spec.target
        message = (
            f"{spec.groups!r} is {'the target' if is_target else 'among the features'}; groups is a column that says "
            "which rows share an error, such as the day or the route of each, and that the law neither predicts nor "
            f"reads; name such a column{'' if is_target else f', or take {spec.groups!r} from the features'}"
        )
        yield Mistake((*key, "groups"), message)
    named: list[tuple[Key, str]] = [(("monotone", name), name) for name in spec.monotone]
    named += [(("periodic", name), name) for name in spec.periodic]
    # a name with an arrow is an edge of the network, which is not known before training
    named += [(("pin", name), name) for name in spec.pin if "→" not in name]
    for what, names in (("convex", spec.convex), ("concave", spec.concave)):
        named += [((what, place), name) for place, name in enumerate(names)]
    for where, name in named:
        if name not in spec.features:
            yield Mistake(
                (*key, *where), f"{name!r} is not among the features; {nearest(name, spec.features)}"
            )


def _control_mistakes(spec: LearnedSpec, key: Key, frame: pd.DataFrame | None) -> Iterable[Mistake]:
    """Yield controls of a law that contradict each other, or that a column cannot have."""
    from kanopt.formulas.operators import NO_PERIOD, NO_SHAPE, POSSIBLE

    def kind_of(name: str) -> str:
        if frame is not None and name in spec.features and is_category_column(frame, name):
            return "category"
        return "cycle" if name in spec.periodic else "number"

    asked: list[tuple[Key, tuple[str, ...]]] = [(("pin", name), words) for name, words in spec.pin.items()]
    for where, words in [*asked, (("prefer",), spec.prefer)]:
        if words and set(words) <= set(spec.forbid):
            yield Mistake(
                (*key, *where), f"{' and '.join(map(repr, words))} is forbidden by forbid; choose one"
            )
    if all(set(spec.pin.get(feature, ())) == {"none"} for feature in spec.features):
        message = "every feature is pinned to 'none', which leaves a law that reads nothing; let one stay"
        yield Mistake((*key, "pin"), message)
    for name, words in spec.pin.items():
        kind = kind_of(name)
        if kind in POSSIBLE and not set(words) & set(POSSIBLE[kind]):
            listed = ", ".join(sorted(POSSIBLE[kind]))
            yield Mistake((*key, "pin", name), f"{name!r} is a {kind}, which can be pinned to {listed} only")
    shaped: list[tuple[Key, str]] = [
        (("monotone", name), name) for name, sign in spec.monotone.items() if sign
    ]
    shaped += [(("convex", place), name) for place, name in enumerate(spec.convex)]
    shaped += [(("concave", place), name) for place, name in enumerate(spec.concave)]
    for where, name in shaped:
        if kind_of(name) in NO_SHAPE:
            yield Mistake((*key, *where), f"{name!r} {NO_SHAPE[kind_of(name)]}")
    for name in spec.periodic:
        if kind_of(name) == "category":
            yield Mistake((*key, "periodic", name), f"{name!r} {NO_PERIOD}")


def _column_mistakes(spec: LearnedSpec, key: Key, frame: pd.DataFrame) -> Iterable[Mistake]:
    from pandas.api.types import is_datetime64_any_dtype

    columns = [str(column) for column in frame.columns]
    wanted: list[tuple[Key, str]] = [(("target",), spec.target)]
    wanted += [(("features", place), feature) for place, feature in enumerate(spec.features)]
    if spec.holdout.by is not None:
        wanted.append((("holdout", "by"), spec.holdout.by))
    if spec.groups is not None:
        wanted.append((("groups",), spec.groups))
    for where, column in wanted:
        if column not in columns:
            hint = nearest(column, columns)
            yield Mistake((*key, *where), f"table {spec.table!r} has no column {column!r}; {hint}")
        elif where[0] in ("target", "features") and is_datetime64_any_dtype(frame[column].dtype):
            message = (
                f"column {column!r} of {spec.table!r} holds dates, and a law is of numbers and categories; add columns "
                "of what matters of a date, such as month, weekday or hour, or days since the first"
            )
            yield Mistake((*key, *where), message)
        elif spec.on_missing == "error" and (message := _missing_value_mistakes(frame, column, spec.table)):
            yield Mistake((*key, *where), message)


def _holdout_mistakes(spec: LearnedSpec, key: Key, frame: pd.DataFrame) -> Iterable[Mistake]:
    try:
        unseen_rows(spec, *split_rows(spec, complete_rows(spec, frame), seed=0))
    except TableError as error:
        yield Mistake((*key, "holdout"), str(error))


def _missing_value_mistakes(frame: pd.DataFrame, column: str, table: str) -> str:
    """Say where a column that a law is learned from has no value."""
    from kanopt.tables.report import rows_in_source

    places = np.flatnonzero(frame[column].isna().to_numpy())
    if not len(places):
        return ""
    known = rows_in_source(frame)
    rows, what = (places + 1, "data rows") if known is None else (known[places], "rows")
    shown = list_names([f"{row:,}" for row in rows], 3, quoted=False)
    return (
        f"column {column!r} of {table!r} has no value in {len(rows):,} of {len(frame):,} rows "
        f'({what} {shown}); complete them, or write on_missing = "drop" to learn from the others'
    )


def part_mistakes(problem: ProblemSpec, tables: Iterable[str], frames: Frames) -> Iterable[Mistake]:
    """Yield the tables and columns that the problem names and that are not there."""
    known = sorted(tables)
    parts: dict[Key, PartSpec] = problem.parts()
    if problem.today is not None:
        parts[("today",)] = problem.today
    for place, part in parts.items():
        key = ("problem", *place)
        if part.table not in known:
            yield Mistake((*key, "table"), f"unknown table {part.table!r}; {nearest(part.table, known)}")
        elif part.table in frames:
            columns, name = [str(column) for column in frames[part.table].columns], str(place[0])
            words = problem.readable_names(name) if place != ("today",) else frozenset(part.columns)
            for field, other in _swapped(problem, name, part):
                column, another = part.columns[field], part.columns[other]
                yield Mistake(
                    (*key, "columns"),
                    (
                        f"{column!r} fills {field}, and {another!r} fills {other}: are they swapped? Then write ",
                        Setting("columns", {other: column, field: another}),
                        "; if not, give the columns other names",
                    ),
                )
            for field, column in part.columns.items():
                if field not in words:
                    hint = field_hint(
                        name, field, [table_field(problem, name, word) for word in sorted(words)]
                    )
                    message = f"there is no {field!r} to read here; {hint}"
                    yield Mistake((*key, "columns", field), message)
                if column not in columns:
                    close = nearest(column, columns)
                    like = column_hint(name, table_field(problem, name, field), columns)
                    hint = close if close.startswith("did you mean") else like
                    yield Mistake(
                        (*key, "columns", field), f"table {part.table!r} has no column {column!r}; {hint}"
                    )


def table_field(problem: ProblemSpec, part: str, name: str) -> TableField:
    """Return a field of a part with its unit and type; a name that laws read is a number without a unit."""
    schema = problem.schemas().get(part)
    declared = {} if schema is None else {item.name: item for item in schema.fields}
    if schema is not None and name in declared:
        return TableField.of(declared[name], schema)
    return TableField(name, problem.field_units(part).get(name, ""))


def field_columns(problem: ProblemSpec, table: str) -> dict[str, str]:
    """Return the problem's own words for the columns of a table, field to column."""
    words: dict[str, str] = {}
    for part in problem.parts().values():
        if part.table == table:
            words.update(part.columns)
    return words


def field_defaults(problem: ProblemSpec, table: str, frame: pd.DataFrame) -> dict[str, Value]:
    """Return what the cells of a new row or column hold that a change leaves blank, by column.

    That is the default of the field that the column fills, where a blank would be refused. A limit that is infinite by
    default is left to be stated, and so is a default that would mean something else in the unit of the column.
    """
    from kanopt.tables import units_of

    units = units_of(frame)
    found: dict[str, Value] = {}
    for key, part in problem.parts().items():
        schema = problem.schemas().get(str(key[0])) if part.table == table else None
        for item in schema.fields if schema is not None else ():
            column = part.columns.get(item.name, item.name)
            same_unit = units.get(column, "") in ("", schema.units.get(item.name, "")) if schema else True
            if item.required or item.may_be_blank or item.default == math.inf:
                continue
            if same_unit or not item.default:
                found[column] = item.default
    return found


def written_as_cells(change: Change, problem: ProblemSpec, frame: pd.DataFrame) -> Change:
    """Return a change with its clock times written as the cells of their columns are.

    A column of clock times may hold numbers or times of day; whoever changes it need not know which.
    """
    from pandas.api.types import is_numeric_dtype

    from kanopt.tables import units_of

    declared, known = units_of(frame), column_names(frame, field_columns(problem, change.table))
    clocks: dict[str, str] = {}
    for key, part in problem.parts().items():
        schema = problem.schemas().get(str(key[0])) if part.table == change.table else None
        for item in schema.fields if schema is not None else ():
            if item.clock and item.type is float:
                column = part.columns.get(item.name, item.name)
                clocks[column] = declared.get(column) or schema.units.get(item.name, "min") if schema else ""

    def cell(name: str, value: Any) -> Any:
        column = known.get(name, name)
        if isinstance(value, tuple):
            return tuple(cell(name, one) for one in value)
        if column not in clocks or column not in frame or isinstance(value, bool):
            return value
        if is_numeric_dtype(frame[column]):
            read = clock_value(value, clocks[column])
            return value if read is None else read
        return cell_text(value) if isinstance(value, (int, float)) else value

    return replace(
        change,
        value=cell(change.column, change.value) if change.action == "set" else change.value,
        where={name: cell(name, value) for name, value in change.where.items()},
        row={name: cell(name, value) for name, value in change.row.items()},
    )


def change_mistakes(
    change: Change, problem: ProblemSpec, frames: Frames, unchanged: Frames, *, partial: bool = False
) -> Iterable[Mistake]:
    """Yield what is wrong with a change, with keys relative to it.

    Parameters
    ----------
    change
        The change.
    problem
        What is decided.
    frames
        The tables as earlier changes left them.
    unchanged
        The tables before any change.
    partial
        Whether the problem was read in part: then it is not known what it does not read.
    """
    read = {part.table for part in problem.parts().values()}
    key: Key = (change.action,)
    if change.table not in frames:
        part = problem.parts().get((change.table,))
        hint = (
            nearest(change.table, frames)
            if part is None
            else f"{change.table} of the problem reads the table {part.table!r}: write that name"
        )
        yield Mistake(key, f"unknown table {change.table!r}; {hint}")
    elif change.table not in read and not partial:
        yield Mistake(
            key,
            f"the problem does not read the table {change.table!r}, and laws are learned from the unchanged tables, "
            f"so this would change nothing; {nearest(change.table, read)}",
        )
    else:
        parts = [str(key[0]) for key, part in problem.parts().items() if part.table == change.table]
        fields = frozenset[str]().union(*(problem.fields_of(part) for part in parts))
        yield from _cell_mistakes(change, problem, fields, frames[change.table], unchanged[change.table])


def _cell_mistakes(
    change: Change, problem: ProblemSpec, fields: frozenset[str], frame: pd.DataFrame, before: pd.DataFrame
) -> Iterable[Mistake]:
    """Yield what is wrong with the cells or conditions of a change; rows that are gone are told as such."""
    words = field_columns(problem, change.table)
    found = written_as_cells(change, problem, frame).mistakes(frame, words, fields)
    gone = frame is not before and any(mistake.key[:1] == ("where",) for mistake in found)
    known = written_as_cells(change, problem, before).mistakes(before, words, fields) if gone else found
    for mistake in found:
        if mistake.key[:1] == ("where",) and all(other.key[:1] != ("where",) for other in known):
            rows = conditions_text(change.where)
            message = f"an earlier change took out, or altered, every row of {change.table!r} with {rows}"
            yield Mistake(mistake.key, message)
        else:
            yield mistake


def data_mistakes(
    problem: ProblemSpec, frames: Frames, formulas: Mapping[str, Formula], mistaken: Collection[Key]
) -> Iterable[Mistake]:
    """Yield what is wrong with the tables a problem reads, as far as other mistakes let one see.

    The problem is built of what could be read, with stand-ins for the rest. What laws make of the data, and what is
    wrong with laws, is not asked here: stand-ins say nothing of it.

    Parameters
    ----------
    problem
        The section, or what could be read of it.
    frames
        The tables that could be read, with the changes that could be made.
    formulas
        The laws that could be read, or placeholders.
    mistaken
        Keys under ``problem`` that hold mistakes.
    """
    read = _without_mistaken_columns(problem, mistaken)
    parts = {*read.schemas()}
    is_sound = all(str(key[0]) in parts for key in mistaken if key)
    inputs = PartialInputs(frames, formulas if is_sound else {}, read, fill=bool(mistaken))
    try:
        with told_elsewhere():
            read.build(inputs)
    except KanoptError as error:
        faults = error.faults if isinstance(error, ProblemError) else ()
        looked_at = parts - {*inputs.unread} | {"policy", "problem"}
        told = [fault for fault in faults if isinstance(fault, Fault) and fault.table in looked_at]
        yield from keyed(told, read)


def _without_mistaken_columns(problem: ProblemSpec, mistaken: Collection[Key]) -> ProblemSpec:
    """Return a section without the columns that are mistaken; without the table where records cannot do without."""
    changed: dict[str, PartSpec] = {}
    for name, schema in problem.schemas().items():
        wrong = {str(key[2]) for key in mistaken if key[:2] == (name, "columns") and len(key) > 2}
        part = problem.parts().get((name,))
        if part is not None and wrong:
            columns = {field: column for field, column in part.columns.items() if field not in wrong}
            lost = any(item.required and item.name in wrong for item in schema.fields)
            changed[name] = part.model_copy(update={"columns": columns, "table": "" if lost else part.table})
    return problem.model_copy(update=changed)


def _swapped(problem: ProblemSpec, name: str, part: PartSpec) -> Iterable[tuple[str, str]]:
    """Yield the pairs of fields whose columns are called like each other's field."""
    fields = [table_field(problem, name, field) for field in part.columns]
    like = {
        field.name: found.name
        for field in fields
        if (
            found := resembled_field(
                name, TableColumn(part.columns[field.name], numeric=field.kind is not str), fields
            )
        )
    }
    for field, other in like.items():
        # surveyors count x to the north, and distances are the same
        if field < other and like.get(other) == field and {field, other} != {"x", "y"}:
            yield field, other


def unit_remarks(problem: ProblemSpec, formulas: Mapping[str, Formula]) -> Iterable[Mistake]:
    """Yield the laws whose results or inputs have no unit, and so are taken in the unit of the problem."""
    for name in dict.fromkeys(problem.law_uses().values()):
        law = formulas[name]
        if not law.output.unit:
            yield Mistake(
                ("surrogates", name), "has no unit, so that its values are taken in that of the problem"
            )
        for variable in law.inputs:
            bound = problem.bindings_of(name)[variable.name]
            if not variable.unit and getattr(bound, "scope", "") in ("arc", "state", "clock"):
                message = f"the input {variable.name!r} of law {name!r} has no unit, so that {bound} is read as it is"
                yield Mistake(problem.binding_key(name, variable.name), message)


def dimension_remarks(laws: Mapping[str, LawSpec], formulas: Mapping[str, Formula]) -> Iterable[Mistake]:
    """Yield the laws written by hand whose units do not agree, such as minutes that are added to hours."""
    for name, spec in laws.items():
        if isinstance(spec, GivenSpec) and name in formulas:
            for message in unit_mistakes(name, spec, formulas):
                yield Mistake(("surrogates", name, "formula"), message)
