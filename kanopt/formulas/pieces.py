"""Tabulated functions in a formula: curves, step functions and tables of categories, and how each is spelled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.columns import GAP
from kanopt.formulas.curves import CURVE, Curve, checked_numbers
from kanopt.formulas.nodes import Array, Node, postorder
from kanopt.formulas.spelling import ATOM, OPEN, WORD, TextPart, Writer
from kanopt.formulas.variables import category_label, check_label, check_name

__all__ = ["Curve", "Step", "Table", "gap_inputs"]


@dataclass(frozen=True, eq=False)
class Step(Node):
    """A step function: ``values[k]`` from ``breakpoints[k - 1]``, inclusive, to ``breakpoints[k]``, exclusive.

    Parameters
    ----------
    argument
        Its argument.
    breakpoints
        Places of the steps, ascending.
    values
        Values between the breakpoints, one more than breakpoints.
    name
        Its name in the formula.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> rate = Step(Input("weight_t"), (1.0, 5.0), (90.0, 70.0, 55.0), name="rate")
    >>> rate.compute([np.array([0.5, 1.0, 9.0])], {}).tolist()
    [90.0, 70.0, 55.0]
    """

    operators: ClassVar[int | None] = CURVE
    unit_rule: ClassVar[str] = "free"
    argument: Node
    breakpoints: tuple[float, ...]
    values: tuple[float, ...]
    name: str = "step"

    def __post_init__(self) -> None:
        check_name(self.name, "step")
        object.__setattr__(self, "breakpoints", checked_numbers(self.breakpoints, f"step {self.name!r}"))
        object.__setattr__(self, "values", checked_numbers(self.values, f"step {self.name!r}"))
        if len(self.values) != len(self.breakpoints) + 1:
            raise FormulaError(
                f"step {self.name!r}: {len(self.breakpoints)} breakpoints need {len(self.breakpoints) + 1} "
                f"values, not {len(self.values)}"
            )
        if any(a >= b for a, b in zip(self.breakpoints, self.breakpoints[1:], strict=False)):
            raise FormulaError(f"step {self.name!r}: breakpoints must ascend")
        super().__post_init__()

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the value of the step function at each argument."""
        stair = np.searchsorted(np.asarray(self.breakpoints), values[0], side="right")
        found = np.asarray(self.values)[stair]
        return np.asarray(np.where(np.isnan(values[0]), np.nan, found))

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its values."""
        return self.values

    @property
    def number_names(self) -> tuple[str, ...]:
        """Their places."""
        return tuple(map(str, range(len(self.values))))

    def with_numbers(self, numbers: Sequence[float]) -> Step:
        """Return it with other values."""
        return replace(self, values=tuple(numbers))

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write a call of its name."""
        return writer.call(writer.word(self.name), parts)

    def spell_program(self, writer: Any, parts: list[Any]) -> Any:
        """Write a call of the helper for step functions."""
        return writer.helper(
            "step", [*parts, *map(writer.literal, (list(self.breakpoints), list(self.values)))]
        )

    def spell_sql(self, writer: Any, parts: list[Any]) -> Any:
        """Write a case for every stair."""
        *values, last = self.values
        cases = [f"WHEN @ < {edge!r} THEN {v!r}" for edge, v in zip(self.breakpoints, values, strict=True)]
        return writer.spell(" ".join(["CASE", *cases, f"WHEN @ IS NOT NULL THEN {last!r} END"]), *parts)

    def spell_sympy(self, writer: Any, parts: list[Any]) -> Any:
        """Return the stairs."""
        values = [writer.constant(value) for value in self.values]
        return writer.pieces(values, [parts[0] < edge for edge in self.breakpoints], parts[0])

    def spell_excel(self, writer: Any, parts: list[Any]) -> Any:
        """Write a look-up of the stair on which the argument is."""
        edges, values = writer.columns(
            self, {"from": (writer.lowest, *self.breakpoints), "value": self.values}
        )
        return writer.spell(f"LOOKUP(@,{edges},{values})", *parts)


@dataclass(frozen=True, eq=False)
class Table(Node):
    """One number per category, or per combination of categories.

    Parameters
    ----------
    inputs
        Names of the categorical inputs.
    entries
        Pairs of a tuple of categories, in the order of `inputs`, and its number.
    fallback
        The value for combinations without an entry; None makes such a combination an error.
    name
        Its name in the formula.

    Examples
    --------
    >>> rate = Table.of({"van": 1.0, "truck": 1.4}, "vehicle", name="rate")
    >>> rate.compute([], {"vehicle": np.array(["truck", "van"], dtype=object)}).tolist()
    [1.4, 1.0]
    """

    unit_rule: ClassVar[str] = "free"
    inputs: tuple[str, ...]
    entries: tuple[tuple[tuple[str, ...], float], ...]
    fallback: float | None = None
    name: str = "table"

    def __post_init__(self) -> None:
        check_name(self.name, "table")
        object.__setattr__(self, "inputs", tuple(check_name(name, "input") for name in self.inputs))
        what = f"table {self.name!r}, a category"
        keys = [tuple(check_label(category_label(part), what) for part in key) for key, _ in self.entries]
        numbers = checked_numbers([number for _, number in self.entries], f"table {self.name!r}")
        object.__setattr__(self, "entries", tuple(zip(keys, numbers, strict=True)))
        if self.fallback is not None:
            object.__setattr__(self, "fallback", checked_numbers([self.fallback], f"table {self.name!r}")[0])
        if not self.inputs or len(set(self.inputs)) != len(self.inputs):
            raise FormulaError(
                f"table {self.name!r}: needs one or more different inputs, not {self.inputs!r}"
            )
        if not keys or len(set(keys)) != len(keys):
            raise FormulaError(f"table {self.name!r}: needs one or more entries, each combination once")
        if any(len(key) != len(self.inputs) for key in keys):
            raise FormulaError(
                f"table {self.name!r}: every entry names one category per input {self.inputs!r}"
            )
        super().__post_init__()

    @classmethod
    def of(
        cls,
        values: Mapping[str, float] | Mapping[tuple[str, ...], float],
        *inputs: str,
        fallback: float | None = None,
        name: str = "table",
    ) -> Table:
        """Build a table from a mapping of category, or tuple of categories, to number."""
        entries = tuple((key if isinstance(key, tuple) else (key,), number) for key, number in values.items())
        return cls(inputs, entries, fallback, name)

    @cached_property
    def categories(self) -> tuple[tuple[str, ...], ...]:
        """The categories that occur, for each input, in the order of the entries."""
        return tuple(
            tuple(dict.fromkeys(key[place] for key, _ in self.entries)) for place in range(len(self.inputs))
        )

    @cached_property
    def _grid(self) -> Array:
        """Numbers by category codes; the last code of each axis is "unseen"; NaN where there is none."""
        shape = tuple(len(known) + 1 for known in self.categories)
        if math.prod(shape) > 10_000_000:
            raise FormulaError(f"table {self.name!r}: {math.prod(shape):,} combinations are too many")
        grid = np.full(shape, np.nan if self.fallback is None else self.fallback)
        codes = [{label: code for code, label in enumerate(known)} for known in self.categories]
        for key, number in self.entries:
            grid[tuple(code[part] for code, part in zip(codes, key, strict=True))] = number
        return grid

    @property
    def names(self) -> tuple[str, ...]:
        """Its categorical inputs."""
        return self.inputs

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers of its entries."""
        return tuple(number for _, number in self.entries)

    @property
    def number_names(self) -> tuple[str, ...]:
        """Their categories."""
        return tuple(", ".join(key) for key, _ in self.entries)

    def with_numbers(self, numbers: Sequence[float]) -> Table:
        """Return it with other numbers of its entries."""
        keys = (key for key, _ in self.entries)
        return replace(self, entries=tuple(zip(keys, numbers, strict=True)))

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Look every combination up.

        Raises
        ------
        FormulaError
            If a combination has no entry and there is no fallback; names the first and the nearest known.
        """
        codes = [_codes(data[name], known) for name, known in zip(self.inputs, self.categories, strict=True)]
        found = self._grid[tuple(codes)]
        missing = np.isnan(found)
        if missing.any():
            place = np.unravel_index(int(np.argmax(missing)), missing.shape)
            self._refuse([str(np.broadcast_to(data[name], missing.shape)[place]) for name in self.inputs])
        return np.asarray(found)

    def _refuse(self, labels: Sequence[str]) -> None:
        for name, label, known in zip(self.inputs, labels, self.categories, strict=True):
            if label not in known:
                raise FormulaError(f"input {name!r}: unseen category {label!r}; {nearest(label, known)}")
        pairs = ", ".join(f"{name}={label!r}" for name, label in zip(self.inputs, labels, strict=True))
        raise FormulaError(f"table {self.name!r} has no entry for {pairs} and no fallback")

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write a call of its name."""
        return writer.call(
            writer.word(self.name), [TextPart(writer.word(name), WORD) for name in self.inputs]
        )

    def spell_program(self, writer: Any, parts: list[Any]) -> Any:
        """Write a call of the helper for tables."""
        given = [writer.entries(self.entries), writer.literal(self.fallback)]
        return writer.helper("table", [*given, *map(writer.input, self.inputs)])

    def spell_sql(self, writer: Any, parts: list[Any]) -> Any:
        """Write a case for every entry."""
        columns = [writer.input(name).text for name in self.inputs]
        cases = []
        for key, number in self.entries:
            pairs = zip(columns, map(writer.label, key), strict=True)
            cases.append(
                f"WHEN {' AND '.join(f'{column} = {label}' for column, label in pairs)} THEN {number!r}"
            )
        if self.fallback is not None:
            given = " AND ".join(f"{column} IS NOT NULL" for column in columns)
            cases.append(f"WHEN {given} THEN {self.fallback!r}")
        return TextPart(" ".join(["CASE", *cases, "END"]), OPEN)

    def spell_sympy(self, writer: Any, parts: list[Any]) -> Any:
        """Return the entry of the categories that are given, since sympy has no tables."""
        for name, known in zip(self.inputs, self.categories, strict=True):
            if name not in writer.categories:
                raise FormulaError(
                    f"sympy has no tables: give the category of {name!r}, such as categories={{{name!r}: {known[0]!r}}}"
                )
        key = tuple(category_label(writer.categories[name]) for name in self.inputs)
        value = dict(self.entries).get(key, self.fallback)
        if value is None:
            self._refuse(key)
        return writer.constant(value)

    def spell_excel(self, writer: Any, parts: list[Any]) -> Any:
        """Write a look-up of the last entry whose categories all match those of the row."""
        keys = {
            f"key_{place + 1}": [key[place] for key, _ in self.entries] for place in range(len(self.inputs))
        }
        *known, values = writer.columns(self, {**keys, "value": self.numbers})
        given = [writer.input(name).text for name in self.inputs]
        read = [writer.filled(name) for name in self.inputs]
        same = "*".join(f"EXACT({cell},{labels})" for cell, labels in zip(read, known, strict=True))
        found = f"LOOKUP(2,1/({same}),{values})"
        if self.fallback is not None:
            found = f"IFERROR({found},{writer.number(self.fallback)})"
        empty = [
            f'{cell}=""'
            for cell, text, labels in zip(given, read, self.categories, strict=True)
            if cell == text and "" not in labels
        ]
        condition = empty[0] if len(empty) == 1 else f"OR({','.join(empty)})"
        return TextPart(f"IF({condition},NA(),{found})" if empty else found, ATOM)


def _codes(values: NDArray[Any], known: Sequence[str]) -> NDArray[np.intp]:
    """Return the position of each label in `known`; unseen ones get the position after the last.

    Whole numbers are positions already.
    """
    import pandas as pd

    if values.dtype.kind in "iu":
        return values

    flat = np.asarray(values, dtype=object).ravel()
    codes = pd.Index(list(known), dtype=object).get_indexer(pd.Index(flat, dtype=object))
    return np.where(codes < 0, len(known), codes).reshape(values.shape).astype(np.intp)


def gap_inputs(root: Node) -> frozenset[str]:
    """Return the categorical inputs for which a table has the category "missing".

    Examples
    --------
    >>> sorted(gap_inputs(Table.of({"road": 1.0, "missing": 1.2}, "mode")))
    ['mode']
    """
    tables = [node for node in postorder(root) if isinstance(node, Table)]
    return frozenset(
        name
        for table in tables
        for name, known in zip(table.inputs, table.categories, strict=True)
        if GAP in known
    )
