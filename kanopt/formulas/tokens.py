"""The tokens of the text of a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["SIGNS", "TOKEN", "Token", "normalised_text"]

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)|`(?P<quoted>[^`]*)`|(?P<sign>\*\*|[-+*/^(),·×÷−])|(?P<wrong>\S))"
)
SIGNS = {"**": "^", "·": "*", "×": "*", "÷": "/", "−": "-"}


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
