"""Parts of a problem that read the table of another part: swapped files, or a wrong name, told as what they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kanopt.text import list_names
from kanopt.whatif.scenario_files.file_model import Mistake
from kanopt.whatif.scenario_files.problem_spec import PartSpec, ProblemSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["wrong_tables"]

_FEW, _MANY = 1, 3
"""Columns of a part that a table of another part may have (it has names, too), and those that its own table has."""


def wrong_tables(problem: ProblemSpec, tables: Mapping[str, pd.DataFrame]) -> Iterator[Mistake]:
    """Yield a mistake for each part whose table is that of another part, while a third has its columns."""
    parts = {str(place[0]): part for place, part in problem.parts().items() if len(place) == 1}
    words = {name: _columns(problem, name, part) for name, part in parts.items() if problem.fields_of(name)}
    have = {table: frozenset(map(str, frame.columns)) for table, frame in tables.items()}
    for name, wanted in words.items():
        table = parts[name].table
        own = have.get(table, wanted)
        owner = max(
            (other for other in words if other != name), key=lambda each: len(words[each] & own), default=name
        )
        right = max(have, key=lambda each: len(wanted & have[each]), default=table)
        if (
            len(wanted & own) <= _FEW
            and len(words[owner] & own) >= _MANY
            and len(wanted & have.get(right, frozenset())) >= _MANY
        ):
            theirs, ours = (
                list_names(sorted(each), 4) for each in (words[owner] & own, wanted & have[right])
            )
            told = f"table {table!r} has columns of {owner}, {theirs}; those of {name}, {ours}, are in table {right!r}"
            yield Mistake(("problem", name, "table"), f"{told}: are two tables, or their files, swapped?")


def _columns(problem: ProblemSpec, name: str, part: PartSpec) -> frozenset[str]:
    """Return the columns that a part can read, as the file calls them."""
    return frozenset(part.columns.get(field, field) for field in problem.fields_of(name)) | {
        *part.columns.values()
    }
