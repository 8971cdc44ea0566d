"""The parts of a VRPLIB file: specifications and sections, checked line by line before a library parses them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kanopt.errors import FileFormatError, nearest
from kanopt.problems.routing.instances._text import LARGEST_NODES, TextLines
from kanopt.text import number_text

_COLUMNS = {"NODE_COORD": 2, "DEMAND": 1, "TIME_WINDOW": 2, "SERVICE_TIME": 1}
_IDLE = "DISPLAY_DATA"
_SECTIONS = (*_COLUMNS, "EDGE_WEIGHT", "DEPOT", _IDLE)
_WEIGHTS = ("EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT")
_TEXTS = ("NAME", "TYPE", *_WEIGHTS)
_NUMBERS = ("DIMENSION", "CAPACITY", "VEHICLES", "SERVICE_TIME", "DISTANCE")

NumberedRows = tuple[tuple[int, list[str]], ...]
"""Line and words of each row."""


@dataclass(frozen=True)
class VrplibSections:
    """A VRPLIB file, taken apart and verified.

    Parameters
    ----------
    source
        The file.
    texts, numbers
        Specifications by key, in capitals; those that say nothing about the problem are left out.
    where
        Line of each specification, and of the head of each section (as ``DEMAND_SECTION``).
    sections
        Rows of each section by key (as ``DEMAND``).
    """

    source: TextLines
    texts: Mapping[str, str]
    numbers: Mapping[str, float]
    where: Mapping[str, int]
    sections: Mapping[str, NumberedRows]

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return int(self.numbers["DIMENSION"])

    def refusal(self, message: str, key: str = "") -> FileFormatError:
        """Return an error that names the line of a specification or of the head of a section."""
        return self.source.refusal(f"{key}: {message}" if key else message, self.where.get(key, 0))

    def text(self) -> str:
        """Return the file in its strictest form: known keys, one row per node, explicit weights n to a row.

        In it no name or remark with EOF, a colon or _SECTION misleads whoever parses it.
        """
        rows = [f"{key} : {self.texts[key]}" for key in _WEIGHTS if key in self.texts]
        rows += [f"{key} : {value!r}" for key, value in self.numbers.items()]
        for name, lines in self.sections.items():
            rows.append(f"{name}_SECTION")
            if name == "EDGE_WEIGHT":
                words = [word for _, row in lines for word in row]
                rows += [" ".join(words[at : at + self.size]) for at in range(0, len(words), self.size)]
            else:
                rows += [" ".join(row) for _, row in lines]
        return "\n".join([*rows, "EOF", ""])


def split_parts(source: TextLines) -> VrplibSections:
    """Take a VRPLIB file apart.

    Raises
    ------
    FileFormatError
        Naming file and line, for a row that is neither specification nor section, a key or section that would
        change the problem and is not read, a key that comes twice, a word that is no number, rows that are missing,
        too many or out of order, and an instance too large for matrices.
    """
    texts: dict[str, str] = {}
    numbers: dict[str, float] = {}
    where: dict[str, int] = {}
    sections: dict[str, list[tuple[int, list[str]]]] = {}
    inside: list[tuple[int, list[str]]] | None = None
    for line, row in enumerate(source.lines, start=1):
        if not row or row.startswith("#"):
            continue
        if row.rstrip(" :") == "EOF":
            break
        head = row.rstrip(" :").removesuffix("_SECTION")
        if head != row.rstrip(" :"):
            _refuse_section(source, head, sections, line)
            inside = sections[head] = []
            where[f"{head}_SECTION"] = line
        elif inside is not None:
            inside.append((line, row.split()))
        else:
            _specification(source, row, line, (texts, numbers, where))
    sections.pop(_IDLE, None)
    parts = VrplibSections(
        source, texts, numbers, where, {name: tuple(rows) for name, rows in sections.items()}
    )
    _verify(parts)
    return parts


def _refuse_section(source: TextLines, head: str, sections: Mapping[str, object], line: int) -> None:
    if head not in _SECTIONS:
        hint = nearest(head, _SECTIONS)
        raise source.refusal(
            f"{head[:40]}_SECTION is not read, and without it the problem is another; {hint}", line
        )
    if head in sections:
        raise source.refusal(f"{head}_SECTION stands there twice; remove one", line)


def _specification(
    source: TextLines,
    row: str,
    line: int,
    found: tuple[dict[str, str], dict[str, float], dict[str, int]],
) -> None:
    texts, numbers, where = found
    key, colon, value = (part.strip() for part in row.partition(":"))
    if not colon:
        raise source.refusal(
            f"{row[:40]!r} is neither 'KEY : value' nor the head of a section; this is no VRPLIB file", line
        )
    if key in where:
        raise source.refusal(f"{key} stands there twice; remove one", line)
    if key in _NUMBERS:
        numbers[key] = source.number(value, line, key)
    elif key in _TEXTS:
        texts[key] = value
    elif _is_number(value):
        raise source.refusal(
            f"{key[:40]} is not read, and the number may change the problem; remove the line where it does not",
            line,
        )
    where[key] = line


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _verify(parts: VrplibSections) -> None:
    """Refuse what is missing, counted wrongly or no number."""
    if "DIMENSION" not in parts.numbers:
        raise parts.refusal("DIMENSION is missing: how many nodes there are, the depot included")
    size = parts.numbers["DIMENSION"]
    if size != int(size) or not 2 <= size <= LARGEST_NODES:
        raise parts.refusal(
            f"{number_text(size, 6)} nodes; kanopt reads 2 to {LARGEST_NODES:,}, for which distances fit into memory",
            "DIMENSION",
        )
    for name, columns in _COLUMNS.items():
        if name in parts.sections:
            _verify_rows(parts, name, columns)
    for line, words in parts.sections.get("EDGE_WEIGHT", ()):
        parts.source.numbers(words, line, "EDGE_WEIGHT_SECTION")
    _verify_depot(parts)


def _verify_rows(parts: VrplibSections, name: str, columns: int) -> None:
    head, rows = f"{name}_SECTION", parts.sections[name]
    if len(rows) != parts.size:
        raise parts.refusal(
            f"{len(rows):,} rows, but DIMENSION says {parts.size:,}; the file is cut off or was edited", head
        )
    for node, (line, words) in enumerate(rows, start=1):
        if len(words) != columns + 1:
            raise parts.source.refusal(f"{head}: {len(words)} words where {columns + 1} are expected", line)
        if parts.source.number(words[0], line, head) != node:
            raise parts.source.refusal(
                f"{head}: node {words[0][:20]} where node {node} is expected; number the rows 1, 2, 3, …",
                line,
            )
        parts.source.numbers(words[1:], line, head)


def _verify_depot(parts: VrplibSections) -> None:
    head = "DEPOT_SECTION"
    if "DEPOT" not in parts.sections:
        raise parts.refusal(f"{head} is missing; the file is cut off, or names no depot")
    words = [(line, word) for line, row in parts.sections["DEPOT"] for word in row]
    depots = [parts.source.whole(word, line, head, least=-1) for line, word in words]
    nodes = [depot for depot in depots if depot != -1]
    if len(nodes) != 1 or nodes[0] != 1:
        raise parts.refusal(f"the depot must be node 1 and the only one, not {nodes[:5]}", head)
