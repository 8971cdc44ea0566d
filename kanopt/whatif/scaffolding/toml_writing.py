"""Sections of a scenario file, written as TOML: names and values of strangers are texts in it and nothing else."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kanopt.text import shorten

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_COMMENT = 90


@dataclass(frozen=True)
class Entry:
    """A key with its value.

    Parameters
    ----------
    key, value
        What is written; a value is a text, a number, a truth value, a list or a mapping of these.
    why
        A comment behind it.
    sure
        Whether it is certain; if not, the comment begins with ``check``.
    needed
        Whether the section falls without it.
    """

    key: str
    value: Any
    why: str = ""
    sure: bool = True
    needed: bool = False


@dataclass(frozen=True)
class Section:
    """A table of the file.

    Parameters
    ----------
    header
        Its dotted name, part by part.
    entries
        Its keys.
    offers
        Keys that are written as comments at its end, to be taken over.
    """

    header: tuple[str, ...]
    entries: tuple[Entry, ...] = ()
    offers: tuple[Entry, ...] = ()


def toml_value(value: Any) -> str:
    r"""Write a value as TOML.

    Examples
    --------
    >>> print(toml_value({"a b": ["x\n", 1.5, True]}))
    { "a b" = ["x\n", 1.5, true] }
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{_key(str(key))} = {toml_value(item)}" for key, item in value.items()) + " }"
        )
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return repr(value)


def slug(text: str) -> str:
    """Return a text as a name that needs no quotes.

    Examples
    --------
    >>> slug("Touren März (2)"), slug("…")
    ('touren_marz_2', 'table')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "_".join(re.findall(r"[a-z0-9]+", plain)) or "table"


def comment_text(text: str) -> str:
    r"""Return a text that stays within its comment, whatever is in it.

    Examples
    --------
    >>> comment_text("such as 'x\n[solver]'")
    "such as 'x?[solver]'"
    """
    return shorten("".join(sign if sign.isprintable() else "?" for sign in text), _LONGEST_COMMENT)


def render(sections: Sequence[Section], head: Sequence[str] = ()) -> str:
    """Write sections as a file.

    Examples
    --------
    >>> print(render([Section(("tables", "trips"), (Entry("path", "trips.csv"),))]), end="")
    <BLANKLINE>
    [tables.trips]
    path = "trips.csv"
    """
    return "\n".join(text for text, _, _ in _lines(sections, head)) + "\n"


def entry_at(
    sections: Sequence[Section], line: int, head: Sequence[str] = ()
) -> tuple[Section, Entry] | None:
    """Return the entry in a line of the rendered file; None where there is none."""
    lines = _lines(sections, head)
    if not 1 <= line <= len(lines):
        return None
    _, section, entry = lines[line - 1]
    return None if section is None or entry is None else (section, entry)


def without(sections: Sequence[Section], section: Section, entry: Entry) -> list[Section]:
    """Return the sections without one entry; a section that only held it is left out."""
    kept = []
    for each in sections:
        rest = tuple(one for one in each.entries if each.header != section.header or one != entry)
        if rest or not each.entries:
            kept.append(replace(each, entries=rest))
    return kept


def with_keys(sections: Sequence[Section], keys: Mapping[str, Mapping[str, Any]]) -> list[Section]:
    """Return the sections with more keys: header, whose names need no quotes, to the keys below it.

    Examples
    --------
    >>> print(render(with_keys([Section(("a",), (Entry("b", 1),))], {"a": {"b": 2}, "c": {"d": 3}})), end="")
    <BLANKLINE>
    [a]
    b = 2
    <BLANKLINE>
    [c]
    d = 3
    """
    found = {section.header: section for section in sections}
    for name, values in keys.items():
        header = tuple(name.split("."))
        section = found.get(header, Section(header))
        kept = [entry for entry in section.entries if entry.key not in values]
        added = [Entry(key, value) for key, value in values.items()]
        found[header] = replace(section, entries=(*kept, *added))
    return list(found.values())


def _lines(
    sections: Sequence[Section], head: Sequence[str]
) -> list[tuple[str, Section | None, Entry | None]]:
    lines: list[tuple[str, Section | None, Entry | None]] = [
        (f"# {comment_text(text)}" if text else "", None, None) for text in head
    ]
    for section in sections:
        lines.append(("", None, None))
        lines.append(("[" + ".".join(map(_key, section.header)) + "]", section, None))
        lines += [(_entry_line(entry), section, entry) for entry in section.entries]
        lines += [(f"# {_entry_line(entry)}", None, None) for entry in section.offers]
    return lines


def _entry_line(entry: Entry) -> str:
    line = f"{_key(entry.key)} = {toml_value(entry.value)}"
    why = ": ".join(filter(None, ("" if entry.sure else "check", entry.why)))
    return f"{line} # {comment_text(why)}" if why else line


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    # the escapes of JSON are those of TOML; the delete sign and lone surrogates are not let through by TOML
    written = json.dumps(text, ensure_ascii=False)
    return "".join(sign if _is_plain(sign) else f"\\u{ord(sign):04x}" for sign in written)


def _is_plain(sign: str) -> bool:
    return sign != "\x7f" and not 0x80 <= ord(sign) <= 0x9F
