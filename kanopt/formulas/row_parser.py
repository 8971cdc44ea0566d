"""Texts about the columns of a table: numbers computed row by row, and conditions on rows.

Grammar and arithmetic are those of formulas (:mod:`~kanopt.formulas.parser`). Nothing is run.

A condition of a row is 1 where it holds, 0 where it does not, and NaN where a value that it needs is missing. Unknown
ones are joined as Kleene (1938, J. Symb. Log. 3) joins them: what one part decides, the others cannot undo.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.columns import CALENDAR, check_zones
from kanopt.formulas.dimensions.analysis import output_unit
from kanopt.formulas.nodes import Constant, Input, Node, computed, postorder
from kanopt.formulas.parser import ARITHMETIC, CALLED, CONSTANTS, WORDS, FormulaText, Token, without_signs
from kanopt.formulas.variables import Variable, hint

Columns: TypeAlias = Mapping[str, Any]
Values: TypeAlias = Callable[[Columns], Any]
Truths: TypeAlias = NDArray[np.float64]
Condition: TypeAlias = Callable[[Columns], Truths]

_BLOCK = 1 << 14
"""Rows that are computed at once."""


@dataclass(frozen=True, eq=False)
class RowText:
    """A text about columns that was read.

    Parameters
    ----------
    text
        The text.
    meaning
        A number of each row, or a condition on it.
    reads
        The columns it reads.
    calendar
        What it reads of dates: name to function and columns.
    """

    text: str
    meaning: Node | Condition
    reads: tuple[str, ...]
    calendar: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def is_condition(self) -> bool:
        """Whether it is true or false of a row, and no number."""
        return not isinstance(self.meaning, Node)

    def values(self, columns: Mapping[str, Any], rows: int) -> NDArray[np.float64]:
        """Return the number of each row, not finite where there is none; (rows,).

        Parameters
        ----------
        columns
            Numbers as float64; texts, dates and truth values as series.
        rows
            How many there are.
        """
        assert isinstance(self.meaning, Node)
        found = np.empty(rows)
        for part, read in self._blocks(columns, rows):
            found[part] = computed(self.meaning, read)
        return found

    def masks(self, columns: Mapping[str, Any], rows: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where the condition holds and where it fails; neither where it cannot be known. Both (rows,)."""
        assert not isinstance(self.meaning, Node)
        found = np.empty(rows)
        for part, read in self._blocks(columns, rows):
            found[part] = self.meaning(read)
        return found == 1.0, found == 0.0

    def _blocks(self, columns: Mapping[str, Any], rows: int) -> Iterator[tuple[slice, dict[str, Any]]]:
        """Yield some rows after the others with what is read of them, since all terms of a sum are held at once."""
        prepared = self._prepared(columns)
        for start in range(0, rows, _BLOCK):
            part = slice(start, min(start + _BLOCK, rows))
            yield part, {name: getattr(each, "iloc", each)[part] for name, each in prepared.items()}

    def _prepared(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: columns[name] for name in self.reads}
        for name, (function, arguments) in self.calendar.items():
            used = {each: columns[each] for each in arguments}
            if len(used) > 1:
                check_zones(used)
            found[name] = CALENDAR[function].value(*(columns[each] for each in arguments))
        return found

    def unit(self, name: str, declared: str, units: Mapping[str, str]) -> str | None:
        """Return the unit of the numbers; None if nothing decides it.

        Parameters
        ----------
        name
            The column they make.
        declared
            Its unit, where one is declared; else empty.
        units
            Those of the columns.

        Raises
        ------
        FormulaError
            If the units do not agree, such as minutes that are added to hours.
        """
        if not isinstance(self.meaning, Node):
            return None
        used = {each: units.get(each, "") for each in self.reads}
        used |= {each: CALENDAR[function].unit for each, (function, _) in self.calendar.items()}
        inputs = tuple(Variable(each, unit) for each, unit in used.items() if each in self._inputs)
        if not declared and not any(variable.unit for variable in inputs):
            return None
        unit, problems = output_unit(BaseFormula(self.meaning, inputs, Variable(name, declared)))
        if problems:
            raise FormulaError(f"the units do not agree: {problems[0]}")
        return declared or unit

    @property
    def _inputs(self) -> frozenset[str]:
        assert isinstance(self.meaning, Node)
        return frozenset(name for node in postorder(self.meaning) for name in node.names)


def compared(sign: Callable[[Any, Any], Any], left: Values, right: Values) -> Condition:
    """Compare numbers, texts or dates; where one of them is missing, nothing is known."""

    def condition(columns: Columns) -> Truths:
        one, other = left(columns), right(columns)
        missing = np.asarray(pd.isna(one)) | np.asarray(pd.isna(other))
        return np.where(missing, np.nan, np.asarray(sign(one, other), dtype=bool))

    return condition


def date_values(column: str, other: Any) -> Values:
    """Return what a column of dates is compared with: the column of a name, or a date, in its time zone if in none.

    The values raise FormulaError if one of two columns has a zone and the other has none, or if the date is no moment
    in the zone, or two.
    """

    def values(columns: Columns) -> Any:
        if isinstance(other, str):
            check_zones({column: columns[column], other: columns[other]})
            return columns[other]
        zone = getattr(columns[column].dt, "tz", None)
        if zone is None:
            return other if other.tzinfo is None else other.tz_convert("UTC").tz_localize(None)
        there = other if other.tzinfo else other.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        if pd.isna(there):
            raise FormulaError(
                f"{other:%Y-%m-%d %H:%M} does not exist in the time zone of {column!r}, or exists twice; write it with "
                f'its distance from UTC, as in "{other:%Y-%m-%d %H:%M}+01:00"'
            )
        return there

    return values


def both(left: Truths, right: Truths) -> Truths:
    """Join conditions by ``and``."""
    return np.where(np.fmin(left, right) == 0.0, 0.0, np.minimum(left, right))


def either(left: Truths, right: Truths) -> Truths:
    """Join conditions by ``or``."""
    return np.where(np.fmax(left, right) == 1.0, 1.0, np.maximum(left, right))


def joined(join: Callable[[Truths, Truths], Truths], conditions: Sequence[Condition]) -> Condition:
    """Return several conditions as one."""
    return lambda columns: reduce(join, (each(columns) for each in conditions))


Sort = Literal["number", "text", "date", "truth"]

KEYWORDS = ("and", "or", "not", "in")
_MISSING = "missing"
_INSTEAD = {"=": "==", "&": "and", "&&": "and", "|": "or", "||": "or"}
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_TURNED = {
    operator.lt: operator.gt,
    operator.le: operator.ge,
    operator.gt: operator.lt,
    operator.ge: operator.le,
}
_HOLDS = {"number": "numbers", "text": "texts", "date": "dates and times", "truth": "truth values"}
_USE = {
    "text": '{0!r} holds texts, and nothing is computed with them; compare them, as in {0} == "…"',
    "date": "{0!r} holds dates and times; write hour({0}), weekday({0}) or, for the time from one to another, "
    "minutes_between({0}, {1})",
    "quoted": "a text in quotes is no number; a column with such a name stands in back-quotes, `…`",
}


def parse_row_text(text: str, sorts: Mapping[str, Sort], what: str, others: Collection[str] = ()) -> RowText:
    """Read a text about columns: a number of each row, or a condition on it.

    Parameters
    ----------
    text
        Such as ``"trip_seconds / 60"``, ``"hour(pickup)"`` or ``"miles <= 0 or status in ['void', 'test']"``.
    sorts
        What each column holds.
    what
        What it is for, in messages.
    others
        Columns that are there and are not read; messages may name them.

    Raises
    ------
    FormulaError
        If it is none; shows the position.

    Examples
    --------
    >>> import numpy as np
    >>> slow = parse_row_text("km / hours < 3 and not missing(km)", {"km": "number", "hours": "number"}, "rule")
    >>> holds, fails = slow.masks({"km": np.array([1.0, 8.0, np.nan]), "hours": np.ones(3)}, 3)
    >>> holds.tolist(), slow.reads
    ([True, False, False], ('km', 'hours'))
    >>> parse_row_text("status + 1", {"status": "text"}, "derived column")
    Traceback (most recent call last):
    ...
    kanopt.errors.FormulaError: character 1: 'status' holds texts, and nothing is computed with them; compare them, as \
in status == "…"
      status + 1
      ^
    """
    parser = _RowParser(text, sorts, what, others)
    try:
        meaning = parser.meaning(parser.tree())
    except RecursionError:  # of a caller that is deep itself
        raise parser.error("brackets nest too deep to be read here", 0) from None
    if isinstance(meaning, _Operand):
        raise parser.not_computed(meaning)
    return RowText(text, meaning, tuple(parser.reads), dict(parser.calendar))


def names_read(text: str, what: str) -> set[str]:
    """Return every name in a text that may be a column: not those of functions, which have a bracket behind them.

    Examples
    --------
    >>> sorted(names_read("km / minutes > 2 and status == 'late' or hour(pickup) < 6", "rule"))
    ['km', 'minutes', 'pickup', 'status']
    """
    return {
        token.text
        for token, behind in pairwise(_RowParser(text, {}, what).tokens)
        if token.kind == "quoted" or (token.kind == "name" and behind.text != "(")
    }


@dataclass(frozen=True)
class _Operand:
    """What is compared and is no number: a column of texts or of dates, or a text in quotes."""

    sort: Literal["text", "date", "quoted"]
    text: str
    place: int

    def values(self, columns: Mapping[str, Any]) -> Any:
        """Return what it is on rows."""
        return self.text if self.sort == "quoted" else columns[self.text]


_Meaning: TypeAlias = Node | Condition | _Operand


class _RowParser(FormulaText):
    """Reads what each part of a text about columns means."""

    pattern = re.compile(
        rf"\s*(?:{WORDS}|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
        rf"|(?P<sign>[=!<>]=|<>|&&|\|\||{ARITHMETIC}|[=<>≤≥≠&|\[\]])|(?P<wrong>\S))"
    )
    position = "character"
    keywords = KEYWORDS
    more_calls = (*CALENDAR, _MISSING)

    def __init__(self, text: str, sorts: Mapping[str, Sort], what: str, others: Collection[str] = ()) -> None:
        super().__init__(text, what)
        self.sorts = sorts
        self.columns = list(dict.fromkeys([*sorts, *others]))
        self.reads: dict[str, None] = {}
        self.calendar: dict[str, tuple[str, tuple[str, ...]]] = {}

    def check_token(self, token: Token) -> None:
        """Refuse signs of other languages."""
        if token.kind == "sign" and token.text in _INSTEAD:
            better = _INSTEAD[token.text]
            purpose = "to compare" if better == "==" else f"in place of {token.text}"
            raise self.error(f"write {better} {purpose}", token.place)

    def meaning(self, node: ast.expr) -> _Meaning:
        """Return what a part means: a number of each row, a condition, or something that is compared."""
        match node:
            case ast.Name():
                return self._atom(self.token(node))
            case ast.Call(func=ast.Name() as name, args=arguments, keywords=[]):
                return self._called(self.token(name), arguments)
            case ast.BoolOp(op=joint, values=parts):
                join = both if isinstance(joint, ast.And) else either
                return joined(join, [self._condition(part) for part in parts])
            case ast.Compare():
                return self._comparison(node)
            case ast.UnaryOp(op=ast.Not()):
                odd, inner = without_signs(node, (ast.Not,))
                condition = self._condition(inner)
                return _negated(condition) if odd else condition
        return self.computed(node)

    def step(self, node: ast.expr) -> Node:
        """Return the number that a part is; refuse what is none."""
        found = self.meaning(node)
        if isinstance(found, Node):
            return found
        if isinstance(found, _Operand):
            raise self.not_computed(found)
        raise self.error("a condition is no number, and nothing is computed with it", self.place(node))

    def _condition(self, node: ast.expr) -> Condition:
        found = self.meaning(node)
        if isinstance(found, _Operand):
            raise self.not_computed(found)
        if isinstance(found, Node):
            why = "a condition is missing: 'and', 'or' and 'not' join comparisons such as miles <= 0"
            raise self.error(why, self.place(node))
        return found

    def _comparison(self, node: ast.Compare) -> Condition:
        parts = [node.left, *node.comparators]
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
            found = self._one_of(*parts)
            return found if isinstance(node.ops[0], ast.In) else _negated(found)
        if not all(type(sign) in _COMPARED for sign in node.ops):
            raise self.error("'in' and other comparisons are joined by and, or", self.place(parts[-1]))
        places, meanings = [self.place(part) for part in parts], [self.meaning(part) for part in parts]
        conditions = [
            self._compared(*pair, _COMPARED[type(sign)], place)
            for sign, pair, place in zip(node.ops, pairwise(meanings), places, strict=False)
        ]
        return conditions[0] if len(conditions) == 1 else joined(both, conditions)

    def _one_of(self, left: ast.expr, listed: ast.expr) -> Condition:
        place, elements = self.place(listed), [listed]
        if isinstance(listed, ast.List | ast.Tuple):
            elements = listed.elts
        elif not self.text[:place].rstrip().endswith("("):
            elements = []
        if not elements:
            raise self.error('a list is missing behind in; write in ["a", "b"]', place)
        one, others = self.meaning(left), [self.meaning(each) for each in elements]
        conditions = [self._compared(one, other, operator.eq, place) for other in others]
        if isinstance(one, Node):
            values: list[Any] = [each.value for each in others if isinstance(each, Constant)]
        else:
            values = [each.text for each in others if isinstance(each, _Operand) and each.sort == "quoted"]
        is_date = isinstance(one, _Operand) and one.sort == "date"
        if is_date or len(values) < len(others) or not isinstance(one, Node | _Operand):
            return joined(either, conditions)
        # one look at the rows for a whole list of numbers or of texts
        return compared(lambda rows, _: _is_in(rows, values), partial(_values, one), lambda _: 0.0)

    def _compared(self, left: _Meaning, right: _Meaning, sign: Any, place: int) -> Condition:
        """Return a comparison of two numbers, of texts, or of dates."""
        if isinstance(left, Node) and isinstance(right, Node):
            return compared(sign, partial(_values, left), partial(_values, right))
        if not _is_column(left):
            left, right, sign = right, left, _TURNED.get(sign, sign)
        if not isinstance(left, _Operand) or left.sort == "quoted":
            if any(isinstance(each, _Operand) for each in (left, right)):
                raise self.error("a text in quotes is compared with numbers; leave the quotes out", place)
            raise self.error("a condition is not compared; join conditions by and, or, not", place)
        other = right if isinstance(right, _Operand) else None
        is_date = left.sort == "date"
        if other is None or other.sort == "text" or (other.sort == "date" and not is_date):
            wanted = 'a date such as "2024-01-31 16:30"' if is_date else "a text"
            why = f"{left.text!r} holds {_HOLDS[left.sort]}; compare it with {wanted} in quotes"
            raise self.error(why, left.place)
        if is_date:
            date = other.text if other.sort == "date" else self._date(other)
            return compared(sign, left.values, date_values(left.text, date))
        if sign not in (operator.eq, operator.ne):
            raise self.error("texts are compared by ==, != and in", other.place)
        return compared(sign, left.values, other.values)

    def _date(self, quoted: _Operand) -> Any:
        # pandas also takes "now" and "today", which mean something else on every day, and "", which means nothing
        is_written = quoted.text[:4].isascii() and quoted.text[:4].isdigit()
        date = pd.to_datetime(quoted.text, format="ISO8601", errors="coerce") if is_written else pd.NaT
        if pd.isna(date):
            why = f'{quoted.text[:40]!r} is no date; write it as "2024-01-31" or "2024-01-31 16:30"'
            raise self.error(why, quoted.place)
        return date

    def _atom(self, token: Token) -> _Meaning:
        if token.kind == "number":
            return self.number(token)
        if token.kind in ("double", "single"):
            return _Operand("quoted", token.text, token.place)
        name = token.text
        if name in self.sorts:
            return self._column(token)
        if name in CONSTANTS:
            return Constant(CONSTANTS[name], name)
        if name in CALLED or name in self.more_calls:
            raise self.error(f"{name!r} is a function; write {name}(…)", token.place)
        raise self._absent(token)

    def _column(self, token: Token) -> _Meaning:
        name = token.text
        if token.kind not in ("name", "quoted"):
            raise self.error("the name of a column stands here, without quotes", token.place)
        if name not in self.sorts:
            raise self._absent(token)
        self.reads[name] = None
        sort = self.sorts[name]
        if sort == "number":
            return Input(name)
        if sort == "truth":
            return lambda columns: np.asarray(columns[name], dtype=np.float64)
        return _Operand(sort, name, token.place)

    def _called(self, token: Token, arguments: list[ast.expr]) -> _Meaning:
        """Return what a function gives: one of formulas, of dates, or whether a cell is missing."""
        name, place = token.text, token.place
        if token.kind == "name" and name in self.more_calls:
            if not all(isinstance(argument, ast.Name) for argument in arguments):
                raise self.error(f"{name} takes the names of columns", place)
            columns = [self.token(each) for each in arguments if isinstance(each, ast.Name)]
            for column in columns:
                self._column(column)
            if name != _MISSING:
                return self._of_dates(token, columns)
            if len(columns) != 1:
                raise self.error(f"{name} takes one column, not {len(columns)}", place)
            return lambda rows: np.asarray(pd.isna(rows[columns[0].text]), dtype=np.float64)
        if name in self.sorts:
            raise self.error(
                f"{name!r} is a column and no function; put an operator before the bracket", place
            )
        # a word that a column with a bracket in its name begins with
        whole = next((each for each in self.columns if "(" in each and self.text.startswith(each, place)), "")
        if whole and token.kind == "name" and name not in CALLED:
            raise self.error(f"write the column {whole!r} in back-quotes, `{whole}`", place)
        if name not in CALLED:
            raise self.no_function(token)
        return self.applied(token, [self.step(argument) for argument in arguments])

    def _of_dates(self, token: Token, columns: list[Token]) -> Node:
        function, name = CALENDAR[token.text], token.text
        if len(columns) != function.arguments:
            wanted = {1: "one column", 2: "two columns"}.get(
                function.arguments, "latitude and longitude of two places"
            )
            raise self.error(f"{name} takes {wanted}, not {len(columns)}", token.place)
        sorts = ["number"] if function.takes_degrees else ["date", *["text"] * function.takes_clock]
        for each in columns:
            if (sort := self.sorts[each.text]) not in sorts:
                taken = "degrees" if function.takes_degrees else "dates and times"
                dates = [column for column, sort in self.sorts.items() if sort == sorts[0]]
                known = hint("", dates) if dates else "no column of the table holds such"
                raise self.error(
                    f"{name} takes {taken}, and {each.text!r} holds {_HOLDS[sort]}; {known}", each.place
                )
        shown = f"{name}({', '.join(each.text for each in columns)})"
        if shown in self.sorts:
            raise self.error(f"there is also a column called {shown!r}; rename it", token.place)
        self.calendar[shown] = (name, tuple(each.text for each in columns))
        return Input(shown)

    def _absent(self, token: Token) -> FormulaError:
        """Return an error about a name that is no column which can be read."""
        name = token.text[:60]
        if name in self.columns:
            return self.error(f"several columns are called {name!r}; rename all but one", token.place)
        return self.error(f"there is no column {name!r}; {hint(name, self.columns)}", token.place)

    def not_computed(self, found: _Operand) -> FormulaError:
        """Return an error about something that is no number and is computed with."""
        dates = [name for name, sort in self.sorts.items() if sort == "date" and name != found.text]
        return self.error(_USE[found.sort].format(found.text, (*dates, "…")[0]), found.place)


def _is_column(found: _Meaning) -> bool:
    return isinstance(found, _Operand) and found.sort != "quoted"


def _values(found: Node | _Operand, columns: Mapping[str, Any]) -> Any:
    return computed(found, columns) if isinstance(found, Node) else found.values(columns)


def _is_in(rows: Any, values: list[Any]) -> Any:
    return pd.Series(rows if np.ndim(rows) else [float(rows)]).isin(values)


def _negated(condition: Condition) -> Condition:
    return lambda columns: 1.0 - condition(columns)
