"""The grammar of texts about columns: Python's, of which :mod:`ast` makes a tree.

Before Python sees a text every number, every name and every text in quotes in it has become a name ``_0``, ``_1``, …,
so that operators, brackets, commas and ``and``, ``or``, ``not`` and ``in`` are all that is left of Python's language.
Nothing is compiled or run.
"""

from __future__ import annotations

import ast
import re
from itertools import pairwise

from kanopt.formulas.formula_text import ARITHMETIC, DEEPEST, WORDS, FormulaText, Token

KEYWORDS = ("and", "or", "not", "in")
MOST_OPERATORS = 1_000
"""Operators of a text, for each of which Python may go one level deeper."""
_NESTING = ("+", "-", "*", "/", "^", "not")
_INSTEAD = {"=": "==", "&": "and", "&&": "and", "|": "or", "||": "or"}


def names_read(text: str, what: str) -> set[str]:
    """Return every name in a text that may be a column: not those of functions, which have a bracket behind them.

    Examples
    --------
    >>> sorted(names_read("km / minutes > 2 and status == 'late' or hour(pickup) < 6", "rule"))
    ['and', 'km', 'minutes', 'or', 'pickup', 'status']
    """
    tokens = RowGrammar(text, what).tokens
    return {
        token.text
        for token, behind in pairwise(tokens)
        if token.kind == "quoted"
        or (token.kind == "name" and (behind.text != "(" or behind.kind != "sign" or token.text in KEYWORDS))
    }


class RowGrammar(FormulaText):
    """A text about columns, and the tree that Python makes of it."""

    pattern = re.compile(
        rf"\s*(?:{WORDS}|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
        rf"|(?P<sign>[=!<>]=|<>|&&|\|\||{ARITHMETIC}|[=<>≤≥≠&|\[\]])|(?P<wrong>\S))"
    )
    position = "character"

    def __init__(self, text: str, what: str) -> None:
        super().__init__(text, what)
        self.places: list[int] = []
        """Where each character that Python reads comes from."""

    def tree(self) -> ast.expr:
        """Return the text as Python reads it; its length, brackets and operators are counted before."""
        if len(self.tokens) == 1:
            raise self.error("the formula is empty", 0)
        written, depth, operators = [], 0, 0
        for number, token in enumerate(self.tokens[:-1]):
            if token.kind == "sign" and token.text in _INSTEAD:
                better = _INSTEAD[token.text]
                purpose = "to compare" if better == "==" else f"in place of {token.text}"
                raise self.error(f"write {better} {purpose}", token.place)
            sign = token.text.lower() if token.kind == "sign" or _is_keyword(token) else ""
            depth += (sign in ("(", "[")) - (sign in (")", "]"))
            operators += sign in _NESTING
            if depth > DEEPEST:
                raise self.error(f"brackets nest deeper than {DEEPEST}", token.place)
            if operators > MOST_OPERATORS:
                raise self.error(f"there are more than {MOST_OPERATORS:,} operators", token.place)
            written.append({"^": "**", "": f"_{number}"}.get(sign, sign))
            self.places += [token.place] * (len(written[-1]) + 1)
        try:
            return ast.parse(" ".join(written), mode="eval").body
        except SyntaxError as error:
            place = self.places[error.offset - 1] if error.offset else self.tokens[-1].place
            token = next(each for each in self.tokens if each.place == place)
            if token.kind == "end":
                raise self.error("the formula ends too early", place) from None
            why = "an operator, a number, a name or a bracket is missing here, or one is too much"
            if _is_keyword(token):
                why += f"; a column of that name stands in back-quotes, `{token.text}`"
            raise self.error(why, place) from None

    def place(self, node: ast.expr) -> int:
        """Return where a part begins in the text."""
        return self.places[node.col_offset]

    def token(self, name: ast.Name) -> Token:
        """Return what a name of the tree stands for."""
        return self.tokens[int(name.id[1:])]


def _is_keyword(token: Token) -> bool:
    return token.kind == "name" and token.text.lower() in KEYWORDS
