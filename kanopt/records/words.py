"""The words by which people call fields and tables, and words of planning for which there is no field.

They stand in ``words.toml``: a vocabulary, not a rule. :mod:`kanopt.records.likeness` and
:mod:`kanopt.records.matching` compare the headers of tables with it. A word in no list is found all the same where it
is spelt like one that is.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

_READ: dict[str, Any] = tomllib.loads((files("kanopt.records") / "words.toml").read_text("utf-8"))


def _words(name: str) -> frozenset[str]:
    return frozenset(_READ["words"][name].split())


FIELD_WORDS: dict[str, str] = _READ["fields"]
"""Field, or table and field, to what it is called elsewhere."""

TABLE_WORDS = {table: frozenset(words.split()) for table, words in _READ["tables"].items()}
"""Table to words in names of files, and in the headers of what names its rows."""

ELSEWHERE: dict[str, str] = {
    place: FIELD_WORDS[words[1:]] if words.startswith("@") else words
    for place, words in _READ["elsewhere"].items()
}
"""Tables that have no field for what some words mean with the place where the problem has it, as ``"tasks: the field
order"``, to the words; under ``nowhere`` the words of planning for which there is neither a field nor a place."""

PLAIN_FIELDS = _words("plain_fields")
"""Fields whose names say nothing in a table of another kind."""

LEAST = _words("least")
"""Words for what is the least that something may be."""

LIMITS = _words("limits")
"""Words for limits, which planning keeps where it knows them."""

WEIGHTS = dict.fromkeys(_words("weak"), 0.35) | dict.fromkeys(_words("owners"), 0.1)
"""How much words tell that are no whole ones: those that many headers share, so that they alone make no resemblance
unless they are all of it, and those for the thing a row is about, which say nothing of what a column holds."""

OTHER = _words("other")
"""Words of tables that have nothing to do with planning; they are not taken for others that are spelt alike."""

DESCRIBING = _words("describing")
"""What headers of texts for people are called: remarks, and what is done in words."""

IDENTIFIERS = _words("identifiers")
"""Words that make a column a name of something, whatever else stands in its header."""

PRICE = _words("price")
"""Words for a price that do not say of what; each may stand for the other."""

MONEY = PRICE | _words("money")
"""Words by which a header says that its column holds money."""

SURCHARGE = _words("surcharge")
"""Words of what is paid on top."""

WORKERS = _words("workers")
"""Words of people who do something beside a machine."""

HISTORY = _words("history")
"""Words in names of files that hold what happened."""

TOTALS = _words("totals")
"""Words of the row that has the sums of all others."""

STOP_ORDER = _words("stop_order")
"""Words of the column that says in which order a vehicle makes its stops."""
