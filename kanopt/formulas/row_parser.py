"""Texts about the columns of a table: numbers computed row by row, and conditions on rows.

Grammar and arithmetic are those of formulas (:mod:`~kanopt.formulas.parser`). Nothing is run.

A condition of a row is 1 where it holds, 0 where it does not, and NaN where a value that it needs is missing. Unknown
ones are joined as Kleene (1938, J. Symb. Log. 3) joins them: what one part decides, the others cannot undo.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.columns import CALENDAR, check_zones
from kanopt.formulas.dimensions import output_unit
from kanopt.formulas.nodes import Constant, Input, Node, computed, postorder
from kanopt.formulas.parser import ARITHMETIC, CALLED, CONSTANTS, WORDS, FormulaText, Token, without_signs
from kanopt.formulas.variables import Variable
from kanopt.text import count_text

Columns: TypeAlias = Mapping[str, Any]
Values: TypeAlias = Callable[[Columns], Any]
Truths: TypeAlias = NDArray[np.float64]
Condition: TypeAlias = Callable[[Columns], Truths]


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

    def values(self, columns: Columns, rows: int) -> NDArray[np.float64]:
        """Return the number of each row, not finite where there is none; (rows,).

        Parameters
        ----------
        columns
            Numbers as float64; texts, dates and truth values as series.
        rows
            How many there are.
        """
        assert isinstance(self.meaning, Node)
        return np.broadcast_to(computed(self.meaning, self._prepared(columns)), rows)

    def masks(self, columns: Columns, rows: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where the condition holds and where it fails; neither where it cannot be known. Both (rows,)."""
        assert not isinstance(self.meaning, Node)
        found = np.broadcast_to(self.meaning(self._prepared(columns)), rows)
        return found == 1.0, found == 0.0

    def _prepared(self, columns: Columns) -> dict[str, Any]:
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


Sort = Literal["number", "text", "date", "truth"]

KEYWORDS = ("and", "or", "not", "in")
_MISSING = "missing"
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_HOLDS = {
    "number": "numbers",
    "text": "texts",
    "date": "dates and times",
    "truth": "truth values",
    "quoted": "a text in quotes",
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
        part = parser.part(parser.tree())
    except RecursionError:  # of a caller that is deep itself
        raise parser.error("brackets nest too deep to be read here", 0) from None
    if part.node is None and part.sort != "truth":
        raise parser.not_computed(part)
    meaning = part.values if part.node is None else part.node
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


@dataclass(frozen=True, eq=False)
class _Part:
    """A part of a text: what it holds, where it begins, its values on rows, and its step where it is a number."""

    sort: Sort | Literal["quoted"]
    place: int
    values: Values
    node: Node | None = None
    name: str = ""


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

    def part(self, node: ast.expr) -> _Part:
        """Return what a part means."""
        place = self.place(node)
        match node:
            case ast.Name():
                return self._atom(self.token(node))
            case ast.Call(func=ast.Name() as name, args=arguments, keywords=[]):
                return self._called(self.token(name), arguments)
            case ast.BoolOp(op=joint, values=listed):
                return self._joined(
                    _both if isinstance(joint, ast.And) else _either, map(self._truth, listed)
                )
            case ast.UnaryOp(op=ast.Not()):
                odd, inner = without_signs(node, (ast.Not,))
                truth = self._truth(inner)
                return _negated(truth) if odd else truth
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as sign], comparators=[listed]):
                found = self._one_of(self.part(left), listed)
                return found if isinstance(sign, ast.In) else _negated(found)
            case ast.Compare(left=left, ops=signs, comparators=others):
                if not all(type(sign) in _COMPARED for sign in signs):
                    raise self.error("'in' and other comparisons are joined by and, or", place)
                pairs = zip(signs, pairwise(map(self.part, (left, *others))), strict=False)
                return self._joined(
                    _both, [self._compared(_COMPARED[type(sign)], *pair) for sign, pair in pairs]
                )
        return self._number(self.computed(node), place)

    def step(self, node: ast.expr) -> Node:
        """Return the number that a part is; refuse what is none."""
        part = self.part(node)
        if part.node is None:
            raise self.not_computed(part)
        return part.node

    def not_computed(self, part: _Part) -> FormulaError:
        """Return an error about something that is no number and is computed with."""
        if part.sort == "truth":
            return self.error("a condition is no number, and nothing is computed with it", part.place)
        how = {"text": f'compare them, as in {part.name} == "…"', "date": f"write hour({part.name})"}
        why = f"{part.name!r} holds {_HOLDS[part.sort]}, and nothing is computed with them; "
        return self.error(
            why + how.get(part.sort, "a column with such a name stands in back-quotes, `…`"), part.place
        )

    @staticmethod
    def _number(node: Node, place: int) -> _Part:
        return _Part("number", place, lambda rows: computed(node, rows), node)

    @staticmethod
    def _joined(join: Callable[[Truths, Truths], Truths], parts: Iterable[_Part]) -> _Part:
        first, *others = parts
        return _Part(
            "truth", first.place, lambda rows: reduce(join, (each.values(rows) for each in (first, *others)))
        )

    def _truth(self, node: ast.expr) -> _Part:
        part = self.part(node)
        if part.sort != "truth":
            why = "a condition is missing: 'and', 'or' and 'not' join comparisons such as miles <= 0"
            raise self.error(why, part.place)
        return part

    def _one_of(self, left: _Part, listed: ast.expr) -> _Part:
        elements = listed.elts if isinstance(listed, ast.List | ast.Tuple) else [listed]
        is_list = isinstance(listed, ast.List | ast.Tuple) or self.is_bracketed(listed)
        if not elements or not is_list:
            raise self.error('a list is missing behind in; write in ["a", "b"]', self.place(listed))
        return self._joined(
            _either, [self._compared(operator.eq, left, self.part(each)) for each in elements]
        )

    def _compared(self, sign: Callable[[Any, Any], Any], left: _Part, right: _Part) -> _Part:
        """Return a comparison; where one of both is missing, nothing is known."""
        sorts = {left.sort, right.sort}
        if sorts == {"date", "quoted"}:
            left, right = self._moment(left, right), self._moment(right, left)
        elif sorts == {"text", "quoted"}:
            if sign not in (operator.eq, operator.ne):
                raise self.error("texts are compared by ==, != and in", right.place)
        elif sorts not in ({"number"}, {"date"}):
            raise self.error(
                f"{_HOLDS[left.sort]} and {_HOLDS[right.sort]} are not compared; numbers are with numbers, dates with "
                'dates or "2024-01-31 16:30", and texts with a text in quotes; conditions are joined by and, or, not',
                left.place,
            )

        def condition(rows: Columns) -> Truths:
            if sorts == {"date"}:
                check_zones({each.name: rows[each.name] for each in (left, right)})
            one, other = left.values(rows), right.values(rows)
            missing = np.asarray(pd.isna(one)) | np.asarray(pd.isna(other))
            return np.where(missing, np.nan, np.asarray(sign(one, other), dtype=bool))

        return _Part("truth", left.place, condition)

    def _moment(self, part: _Part, beside: _Part) -> _Part:
        """Return a date in quotes as what a column of dates is compared with, in its time zone if in none."""
        if part.sort != "quoted":
            return part
        # pandas also takes "now" and "today", which mean something else on every day, and "", which means nothing
        is_written = part.name[:4].isascii() and part.name[:4].isdigit()
        date = pd.to_datetime(part.name, format="ISO8601", errors="coerce") if is_written else pd.NaT
        if pd.isna(date):
            why = f'{part.name[:40]!r} is no date; write it as "2024-01-31" or "2024-01-31 16:30"'
            raise self.error(why, part.place)

        def values(rows: Columns) -> Any:
            zone = getattr(rows[beside.name].dt, "tz", None)
            if date.tzinfo is not None:
                return date if zone else date.tz_convert("UTC").tz_localize(None)
            # an hour that a clock shows twice, or not at all, is the earlier one, or the next
            return date.tz_localize(zone, ambiguous=True, nonexistent="shift_forward") if zone else date

        return _Part("date", part.place, values)

    def _atom(self, token: Token) -> _Part:
        name = token.text
        if token.kind == "number":
            return self._number(self.number(token), token.place)
        if token.kind in ("double", "single"):
            return _Part("quoted", token.place, lambda _: name, name=name)
        if name in self.sorts:
            return self._column(token)
        if name in CONSTANTS:
            return self._number(Constant(CONSTANTS[name], name), token.place)
        if name in CALLED or name in self.more_calls:
            raise self.error(f"{name!r} is a function; write {name}(…)", token.place)
        return self._column(token)

    def _column(self, token: Token) -> _Part:
        name = token.text
        if token.kind not in ("name", "quoted"):
            raise self.error("the name of a column stands here, without quotes", token.place)
        if name not in self.sorts:
            several = f"several columns are called {name!r}; rename all but one"
            absent = f"there is no column {name[:60]!r}; {nearest(name[:60], self.columns)}"
            raise self.error(several if name in self.columns else absent, token.place)
        self.reads[name] = None
        sort = self.sorts[name]
        if sort == "number":
            return self._number(Input(name), token.place)
        if sort == "truth":
            return _Part(sort, token.place, lambda rows: np.asarray(rows[name], dtype=np.float64))
        return _Part(sort, token.place, lambda rows: rows[name], name=name)

    def _called(self, token: Token, arguments: list[ast.expr]) -> _Part:
        """Return what a function gives: one of formulas, of dates, or whether a cell is missing."""
        name, place = token.text, token.place
        if token.kind == "name" and name in self.more_calls:
            if not all(isinstance(argument, ast.Name) for argument in arguments):
                raise self.error(f"{name} takes the names of columns", place)
            columns = [self.token(each) for each in arguments]
            for column in columns:
                self._column(column)
            if name != _MISSING:
                return self._number(self._of_dates(token, columns), place)
            if len(columns) != 1:
                raise self.error(f"{name} takes one column, not {len(columns)}", place)
            of = columns[0].text
            return _Part("truth", place, lambda rows: np.asarray(pd.isna(rows[of]), dtype=np.float64))
        # a word that a column with a bracket in its name begins with
        whole = next((each for each in self.columns if "(" in each and self.text.startswith(each, place)), "")
        if whole and token.kind == "name" and name not in CALLED:
            raise self.error(f"write the column {whole!r} in back-quotes, `{whole}`", place)
        if name in self.sorts or name not in CALLED:
            raise self.no_function(token)
        return self._number(self.applied(token, [self.step(argument) for argument in arguments]), place)

    def _of_dates(self, token: Token, columns: list[Token]) -> Node:
        function, name = CALENDAR[token.text], token.text
        taken = "latitude and longitude of two places" if function.takes_degrees else "dates and times"
        sorts = ["number"] if function.takes_degrees else ["date", *["text"] * function.takes_clock]
        wrong = next((each for each in columns if self.sorts[each.text] not in sorts), None)
        if wrong is not None:
            known = nearest("", [column for column, sort in self.sorts.items() if sort == sorts[0]])
            held = f"{wrong.text!r} holds {_HOLDS[self.sorts[wrong.text]]}"
            raise self.error(f"{name} takes {taken}, and {held}; {known}", wrong.place)
        if len(columns) != function.arguments:
            raise self.error(
                f"{name} takes {count_text(function.arguments, 'column')} ({taken}), not {len(columns)}",
                token.place,
            )
        shown = f"{name}({', '.join(each.text for each in columns)})"
        self.calendar[shown] = (name, tuple(each.text for each in columns))
        return Input(shown)


def _both(left: Truths, right: Truths) -> Truths:
    return np.where(np.fmin(left, right) == 0.0, 0.0, np.minimum(left, right))


def _either(left: Truths, right: Truths) -> Truths:
    return np.where(np.fmax(left, right) == 1.0, 1.0, np.maximum(left, right))


def _negated(part: _Part) -> _Part:
    return _Part("truth", part.place, lambda rows: 1.0 - part.values(rows))
