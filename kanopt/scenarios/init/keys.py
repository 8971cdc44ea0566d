"""A scenario file in the making: its keys with what is said of each, which the reader of files checks as they stand.

What was guessed is held as a reader of TOML returns it, so that it is checked without being written, and what does not
hold is left out key by key. Names and values of strangers are written as texts and nothing else.
"""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kanopt.faults import toml_key, toml_value
from kanopt.text import shorten

_LONGEST_COMMENT = 90
_ORDER = ("scenario", "tables", "surrogates", "problem", "report", "solver")
_HEAD = "# A first scenario, guessed from the tables. Where a line says check, look at it:"
Header = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """What stands under a key.

    Parameters
    ----------
    value
        A text, a number, a truth value, a list or a mapping of these.
    why
        A comment behind it.
    sure
        Whether it is certain; if not, the comment begins with ``check``.
    needed
        Whether its table falls without it.
    """

    value: Any
    why: str = ""
    sure: bool = True
    needed: bool = False


class ScenarioKeys:
    """The keys of a scenario file, and why each stands there.

    Attributes
    ----------
    tables
        Header, part by part, to the keys below it.

    Examples
    --------
    >>> keys = ScenarioKeys()
    >>> keys.set(("tables", "trips"), "path", "trips.csv")
    >>> print(keys.with_keys({"tables.trips": {"path": "b.csv"}}).text(), end="")
    # A first scenario, guessed from the tables. Where a line says check, look at it:
    <BLANKLINE>
    [tables.trips]
    path = "b.csv"
    """

    def __init__(self) -> None:
        self.tables: dict[Header, dict[str, Entry]] = {}

    def set(
        self, header: Header, key: str, value: Any, why: str = "", *, sure: bool = True, needed: bool = False
    ) -> None:
        """Set a key."""
        self.tables.setdefault(header, {})[key] = Entry(value, why, sure, needed)

    def with_keys(self, more: Mapping[str, Mapping[str, Any]]) -> ScenarioKeys:
        """Return the keys with others set: header, whose names need no quotes, to the keys below it."""
        made = copy.deepcopy(self)
        for name, values in more.items():
            entries = made.tables.setdefault(tuple(name.split(".")), {})
            for key, value in values.items():
                entries[key] = replace(entries.get(key, Entry(None)), value=value)
        return made

    def drop(self, header: Header, key: str) -> None:
        """Leave a key out; a table that only held it goes with it."""
        del self.tables[header][key]
        if not self.tables[header]:
            del self.tables[header]

    def data(self) -> dict[str, Any]:
        """Return the keys as a reader of TOML returns those of the written file."""
        found: dict[str, Any] = {}
        for header, entries in self.tables.items():
            inner = found
            for part in header:
                inner = inner.setdefault(part, {})
            inner |= {key: entry.value for key, entry in entries.items()}
        return found

    def text(self) -> str:
        """Write the file."""
        return "\n".join(line for line, _, _ in self._lines()) + "\n"

    def places(self) -> dict[int, tuple[Header, str]]:
        """Return the keys by the lines in which they are written."""
        return {
            number: (header, key) for number, (_, header, key) in enumerate(self._lines(), start=1) if header
        }

    def _lines(self) -> Iterator[tuple[str, Header, str]]:
        yield _HEAD, (), ""
        for header in sorted(self.tables, key=lambda header: _ORDER.index(header[0])):
            yield "", (), ""
            yield f"[{'.'.join(map(toml_key, header))}]", header, ""
            for key, entry in self.tables[header].items():
                yield _line(key, entry), header, key


def _line(key: str, entry: Entry) -> str:
    line = f"{toml_key(key)} = {toml_value(entry.value)}"
    why = ": ".join(filter(None, ("" if entry.sure else "check", entry.why)))
    return f"{line} # {comment_text(why)}" if why else line


def comment_text(text: str) -> str:
    r"""Return a text that stays within its comment, whatever is in it.

    Examples
    --------
    >>> comment_text("such as 'x\n[solver]'")
    "such as 'x?[solver]'"
    """
    return shorten("".join(sign if sign.isprintable() else "?" for sign in text), _LONGEST_COMMENT)


def slug(text: str) -> str:
    """Return a text as a name that needs no quotes.

    Examples
    --------
    >>> slug("Touren März (2)"), slug("…")
    ('touren_marz_2', 'table')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "_".join(re.findall(r"[a-z0-9]+", plain)) or "table"
