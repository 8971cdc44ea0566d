"""The tokens of the text of a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["ROW_TOKEN", "SIGNS", "TOKEN", "Token", "normalised_text"]

_WORDS = (
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[^\W\d]\w*)|`(?P<quoted>[^`]*)`"
)
_ARITHMETIC = r"\*\*|[-+*/^(),·×÷−]"
TOKEN = re.compile(rf"\s*(?:{_WORDS}|(?P<sign>{_ARITHMETIC})|(?P<wrong>\S))")
ROW_TOKEN = re.compile(
    rf"\s*(?:{_WORDS}|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
    rf"|(?P<sign>[=!<>]=|<>|&&|\|\||{_ARITHMETIC}|[=<>≤≥≠&|\[\]])|(?P<wrong>\S))"
)
"""The tokens of a text about columns, which has comparisons and texts in quotes as well."""
SIGNS = {"**": "^", "·": "*", "×": "*", "÷": "/", "−": "-", "≤": "<=", "≥": ">=", "≠": "!=", "<>": "!="}


@dataclass(frozen=True)
class Token:
    """A token: number, name, quoted (a name in back-quotes), sign or end, and its position in the text."""

    kind: str
    text: str
    place: int


def normalised_text(tokens: Iterable[Token]) -> tuple[str, ...]:
    """Return a normal form of tokens, independent of spaces, needless back-quotes and the spelling of numbers.

    Examples
    --------
    >>> normalised_text([Token("quoted", "km", 0), Token("sign", "/", 4), Token("number", "2.50", 5)])
    ('`km', '/', '2.5')
    """

    def word(token: Token) -> str:
        if token.kind == "number":
            return repr(float(token.text))
        return token.text if token.kind == "sign" else f"`{token.text}"

    return tuple(map(word, tokens))
