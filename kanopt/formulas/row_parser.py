"""Texts about the columns of a table: numbers computed row by row, and conditions on rows.

They are read by the parser of formulas, with its limits, in a language that has a little more: dates and their parts,
texts in quotes, comparisons, ``in``, ``and``, ``or`` and ``not``. Nothing in such a text is run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.calendar_functions import CALENDAR
from kanopt.formulas.lookalikes import hint
from kanopt.formulas.nodes import Constant, Input, Node
from kanopt.formulas.parser import CALLED, CONSTANTS, FormulaParser
from kanopt.formulas.row_conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    DateComparison,
    IsMissing,
    Not,
    OneOf,
    TextIs,
    Truth,
)
from kanopt.formulas.row_text import RowText
from kanopt.formulas.tokens import ROW_TOKEN, Token

__all__ = ["WORDS", "Sort", "names_read", "parse_row_text"]

Sort = Literal["number", "text", "date", "truth"]

_COMPARED = ("<", "<=", ">", ">=", "==", "!=")
_MISSING = "missing"
WORDS = ("and", "or", "not", "in")
_SORTS: Mapping[str, str] = {
    "number": "numbers",
    "text": "texts",
    "date": "dates and times",
    "truth": "truth values",
}


def names_read(text: str, what: str) -> set[str]:
    """Return every name in a text that may be a column: not those of functions, which have a bracket behind them.

    Examples
    --------
    >>> sorted(names_read("km / minutes > 2 and status == 'late' or hour(pickup) < 6", "rule"))
    ['and', 'km', 'minutes', 'or', 'pickup', 'status']
    """
    tokens = _RowParser(text, {}, what).tokens
    return {
        token.text
        for token, behind in pairwise(tokens)
        if token.kind == "quoted"
        or (token.kind == "name" and (behind.text != "(" or behind.kind != "sign" or token.text in WORDS))
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
    meaning: Any = parser.parse()
    if isinstance(meaning, _NoNumber):
        if not isinstance(meaning.content, Condition):
            raise parser.arithmetic(meaning)
        meaning = meaning.content
    return RowText(text, meaning, tuple(parser.reads), dict(parser.calendar))


@dataclass(frozen=True, eq=False)
class _NoNumber(Node):
    """What stands where a number may stand and is none: a condition, a text, a column of texts or of dates."""

    sort: str
    content: Any
    place: int

    @property
    def children(self) -> tuple[Node, ...]:
        return ()

    def with_children(self, children: Sequence[Node]) -> Node:
        return self

    def compute(self, values: Sequence[Any], data: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        raise FormulaError(f"{self.sort} is no number")


class _RowParser(FormulaParser):
    """The parser of formulas, for texts about columns."""

    pattern = ROW_TOKEN
    more_calls = (*CALENDAR, _MISSING)

    def __init__(self, text: str, sorts: Mapping[str, Sort], what: str, others: Collection[str] = ()) -> None:
        self.sorts = sorts
        self.columns = list(dict.fromkeys([*sorts, *others]))
        self.reads: dict[str, None] = {}
        self.calendar: dict[str, tuple[str, tuple[str, ...]]] = {}
        super().__init__(text, {}, {}, what)

    def error(self, why: str, place: int) -> FormulaError:
        """Return an error that shows the position in the text."""
        message = str(super().error(why, place))
        return FormulaError(message.replace(f"formula for {self.what!r}, column ", "character ", 1))

    def word(self, *words: str) -> bool:
        """Return whether one of the words comes next, and none in back-quotes."""
        return self.next.kind == "name" and self.next.text.lower() in words

    def whole(self) -> Node:
        """Return a number, or conditions joined by ``or``."""
        return self._joined("or", AnyOf, lambda: self._joined("and", AllOf, self._negated))

    def _joined(self, word: str, kind: type[AllOf] | type[AnyOf], part: Callable[[], Node]) -> Node:
        start = self.next.place
        parts = [part()]
        while self.word(word) or self.at("&", "&&", "|", "||"):
            if not self.word(word):
                if (self.next.text[0] == "&") != (word == "and"):
                    break
                raise self.error(f"write {word} in place of {self.next.text}", self.next.place)
            self.take()
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return _NoNumber("a condition", kind(tuple(self._condition(each, start) for each in parts)), start)

    def _condition(self, node: Node, place: int) -> Condition:
        if isinstance(node, _NoNumber) and isinstance(node.content, Condition):
            return node.content
        if isinstance(node, _NoNumber):
            raise self.arithmetic(node)
        raise self.error(
            "a condition is missing: 'and', 'or' and 'not' join comparisons such as miles <= 0", place
        )

    def _negated(self) -> Node:
        start, odd = self.next.place, False
        found = self.word("not")
        while self.word("not"):
            self.take()
            odd = not odd
        node = self._comparison()
        if not found:
            return node
        condition = self._condition(node, start)
        return _NoNumber("a condition", Not(condition) if odd else condition, start)

    def _comparison(self) -> Node:
        start = self.next.place
        left = self.sum()
        if self.word("in") or (self.word("not") and self.tokens[self.place + 1].text.lower() == "in"):
            return self._in_list(left, start)
        parts: list[Condition] = []
        while self.at(*_COMPARED, "="):
            sign = self.take()
            if sign.text == "=":
                raise self.error("write == to compare", sign.place)
            right = self.sum()
            parts.append(self._compared(left, sign, right))
            left = right
        if not parts:
            return left
        return _NoNumber("a condition", parts[0] if len(parts) == 1 else AllOf(tuple(parts)), start)

    def _in_list(self, left: Node, start: int) -> Node:
        negative = self.word("not")
        if negative:
            self.take()
        word = self.take()
        if not self.at("[", "("):
            raise self.error('a list is missing behind in; write in ["a", "b"]', self.next.place)
        opened = self.take()
        closing = "]" if opened.text == "[" else ")"
        found = [self.sum()]
        while self.at(","):
            self.take()
            found.append(self.sum())
        if not self.at(closing):
            raise self.error(f"put a comma or {closing!r} before {self.next.text!r}", self.next.place)
        self.take()
        equal = Token("sign", "==", word.place)
        condition = self._one_of(left, found) or AnyOf(
            tuple(self._compared(left, equal, each) for each in found)
        )
        return _NoNumber("a condition", Not(condition) if negative else condition, start)

    def _one_of(self, left: Node, found: Sequence[Node]) -> Condition | None:
        """Return that a number or a text is one of a list, where the list holds such alone."""
        if not isinstance(left, _NoNumber) and all(isinstance(each, Constant) for each in found):
            return OneOf(left, tuple(each.value for each in found if isinstance(each, Constant)))
        quoted = [each.content for each in found if isinstance(each, _NoNumber) and each.sort == "quoted"]
        if isinstance(left, _NoNumber) and left.sort == "text" and len(quoted) == len(found):
            return TextIs(left.content, frozenset(quoted))
        return None

    def _compared(self, left: Node, sign: Token, right: Node) -> Condition:
        """Return a comparison of two numbers, of texts, or of dates."""
        if not isinstance(left, _NoNumber) and not isinstance(right, _NoNumber):
            return Comparison(left, sign.text, right)
        if isinstance(right, _NoNumber) and right.sort in ("text", "date") and not self._is_column(left):
            turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
            left, right = right, left
            sign = Token("sign", turned.get(sign.text, sign.text), sign.place)
        if not isinstance(left, _NoNumber) or left.sort not in ("text", "date"):
            other = left if isinstance(left, _NoNumber) else right
            assert isinstance(other, _NoNumber)
            if other.sort == "quoted":
                raise self.error(
                    "a text in quotes is compared with numbers; leave the quotes out", other.place
                )
            raise self.error(f"{other.sort} is not compared; join conditions by and, or, not", other.place)
        if left.sort == "date":
            return self._compared_dates(left, sign, right)
        if not isinstance(right, _NoNumber) or right.sort != "quoted":
            raise self.error(
                f'{left.content!r} holds texts; compare it with a text in quotes, as in {left.content} == "…"',
                sign.place,
            )
        if sign.text not in ("==", "!="):
            raise self.error("texts are compared by ==, != and in", sign.place)
        equal = TextIs(left.content, frozenset((right.content,)))
        return equal if sign.text == "==" else Not(equal)

    def _is_column(self, node: Node) -> bool:
        return isinstance(node, _NoNumber) and node.sort in ("text", "date")

    def _compared_dates(self, left: _NoNumber, sign: Token, right: Node) -> Condition:
        import pandas as pd

        if isinstance(right, _NoNumber) and right.sort == "date":
            return DateComparison(left.content, sign.text, right.content, is_column=True)
        if not isinstance(right, _NoNumber) or right.sort != "quoted":
            raise self.error(
                f'{left.content!r} holds dates; compare it with one in quotes, as in "2024-01-31 16:30"',
                sign.place,
            )
        # pandas also takes "now" and "today", which mean something else on every day, and "", which means nothing
        written = right.content[:4].isascii() and right.content[:4].isdigit()
        try:
            date = pd.to_datetime(right.content, format="ISO8601") if written else pd.NaT
        except ValueError:
            date = pd.NaT
        if pd.isna(date):
            raise self.error(
                f'{right.content[:40]!r} is no date; write it as "2024-01-31" or "2024-01-31 16:30"',
                right.place,
            )
        return DateComparison(left.content, sign.text, date)

    def atom(self) -> Node:
        """Return what cannot be taken apart; here it may be a text in quotes."""
        if self.next.kind in ("double", "single"):
            token = self.take()
            return _NoNumber("quoted", token.text, token.place)
        if self.word(*WORDS):
            raise self.error(
                f"a number or a name is missing before {self.next.text!r}; a column of that name stands in "
                f"back-quotes, `{self.next.text}`",
                self.next.place,
            )
        return super().atom()

    def named(self, token: Token) -> Node:
        """Return the column of a name."""
        name = token.text
        if name not in self.sorts:
            if name in CONSTANTS:
                return Constant(CONSTANTS[name], name)
            if name in CALLED or name in self.more_calls:
                raise self.error(f"{name!r} is a function; write {name}(…)", token.place)
            raise self.absent(token)
        self.reads[name] = None
        sort = self.sorts[name]
        if sort == "number":
            return Input(name)
        if sort == "truth":
            return _NoNumber("a condition", Truth(name), token.place)
        return _NoNumber(sort, name, token.place)

    def absent(self, token: Token) -> FormulaError:
        """Return an error about a name that is no column which can be read."""
        name = token.text[:60]
        if name in self.columns:
            return self.error(f"several columns are called {name!r}; rename all but one", token.place)
        return self.error(f"there is no column {name!r}; {hint(name, self.columns)}", token.place)

    def with_bracket(self, token: Token) -> str:
        """Return the column that a word begins, with a bracket behind it, such as ``load (t)``; else empty."""
        found = [
            name
            for name in self.columns
            if name.startswith(token.text) and name[len(token.text) :].lstrip().startswith("(")
        ]
        written = self.text[token.place :]
        return max(found, key=lambda name: (written.startswith(name), -len(name)), default="")

    def call(self, token: Token) -> Node:
        """Return what a function gives: one of formulas, of dates, or whether a cell is missing."""
        if token.kind != "name" or token.text not in self.more_calls:
            if token.text in self.sorts:
                raise self.error(
                    f"{token.text!r} is a column and no function; put an operator before the bracket",
                    token.place,
                )
            if token.kind == "name" and token.text not in CALLED and (column := self.with_bracket(token)):
                raise self.error(f"write the column {column!r} in back-quotes, `{column}`", token.place)
            return super().call(token)
        opened = self.take()
        names = [self._column()]
        while self.at(","):
            self.take()
            names.append(self._column())
        self.close(opened)
        if token.text == _MISSING:
            if len(names) != 1:
                raise self.error(f"{_MISSING} takes one column, not {len(names)}", token.place)
            return _NoNumber("a condition", IsMissing(names[0].text), token.place)
        return self._of_dates(token, names)

    def _column(self) -> Token:
        token = self.take()
        if token.kind not in ("name", "quoted"):
            raise self.error("the name of a column stands here", token.place)
        if token.text not in self.sorts:
            raise self.absent(token)
        self.reads[token.text] = None
        return token

    def _of_dates(self, token: Token, names: Sequence[Token]) -> Node:
        function = CALENDAR[token.text]
        if len(names) != function.arguments:
            wanted = {1: "one column", 2: "two columns"}.get(
                function.arguments, "latitude and longitude of two places"
            )
            raise self.error(f"{token.text} takes {wanted}, not {len(names)}", token.place)
        for each in names:
            sort = self.sorts[each.text]
            if function.takes_degrees:
                if sort != "number":
                    raise self.error(
                        f"{token.text} takes degrees, and {each.text!r} holds {_SORTS[sort]}", each.place
                    )
                continue
            if sort != "date" and not (sort == "text" and function.takes_clock):
                raise self.error(
                    f"{token.text} takes dates and times, and {each.text!r} holds {_SORTS[sort]}"
                    + _advice(self.sorts),
                    each.place,
                )
        name = f"{token.text}({', '.join(each.text for each in names)})"
        if name in self.sorts:
            raise self.error(f"there is also a column called {name!r}; rename it", token.place)
        self.calendar[name] = (token.text, tuple(each.text for each in names))
        return Input(name)

    def fold_number(self, node: Node | None, place: int, value: float = 0.0) -> Node:
        """Return the node, or its value; refuse to compute with what is no number."""
        wrong = [child for child in (() if node is None else node.children) if isinstance(child, _NoNumber)]
        if wrong:
            raise self.arithmetic(wrong[0])
        return super().fold_number(node, place, value)

    def arithmetic(self, found: _NoNumber) -> FormulaError:
        """Return an error about something that is no number and is computed with."""
        shown = repr(found.content)
        others = [name for name, sort in self.sorts.items() if sort == "date" and name != found.content]
        other = next((name for name in others if name in self.reads), others[0] if others else "…")
        told = {
            "text": f"{shown} holds texts, and nothing is computed with them; compare them, as in "
            f'{found.content} == "…"',
            "date": f"{shown} holds dates and times; write hour({found.content}), weekday({found.content}) or, for "
            f"the time from one to another, minutes_between({found.content}, {other})",
            "quoted": "a text in quotes is no number; a column with such a name stands in back-quotes, `…`",
        }
        condition = "a condition is no number, and nothing is computed with it"
        return self.error(told.get(found.sort, condition), found.place)


def _advice(sorts: Mapping[str, Sort]) -> str:
    dates: Collection[str] = [name for name, sort in sorts.items() if sort == "date"]
    return (
        f"; {hint('', dates)}"
        if dates
        else "; no column of the table holds dates, unless dates says how they are written"
    )
