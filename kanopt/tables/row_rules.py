"""Columns that are derived from others, and rows that are dropped: texts, read as a language of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kanopt.errors import FormulaError, TableError

if TYPE_CHECKING:
    from kanopt.formulas.row_parser import RowText, Sort
    from kanopt.tables._convert import Kind

MOST = 200
"""Derived columns, or rules, of one table."""
Fault = tuple[tuple[str | int, ...], str]


@dataclass(frozen=True)
class RowRules:
    """What is derived, and what is dropped, as texts.

    Parameters
    ----------
    derive
        Name of a new column to its text, which may name others that are derived.
    drop_where
        Conditions; rows of which one holds are left out.

    Raises
    ------
    TableError
        If these are no texts, or too many.
    """

    derive: Mapping[str, str] = field(default_factory=dict)
    drop_where: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.derive, Mapping):
            raise TableError(
                f'derive= wants a name and a text each, as in {{"h": "s / 3600"}}, not {self.derive!r:.80}'
            )
        if isinstance(self.drop_where, str) or not isinstance(self.drop_where, Iterable):
            raise TableError(f"drop_where= wants several texts: write drop_where=[{self.drop_where!r:.80}]")
        object.__setattr__(self, "drop_where", tuple(self.drop_where))
        wrong = [each for each in (*self.derive.values(), *self.drop_where) if not isinstance(each, str)]
        if wrong:
            raise TableError(f"derive= and drop_where= want texts, not {wrong[0]!r:.80}")
        if len(self.derive) > MOST or len(self.drop_where) > MOST:
            raise TableError(f"derive= and drop_where= take at most {MOST} texts each")

    def __bool__(self) -> bool:
        return bool(self.derive or self.drop_where)

    def names(self) -> set[str]:
        """Return every name in the texts, as far as they can be read."""
        return set[str]().union(*map(_names_in, (*self.derive.values(), *self.drop_where)))

    def parsed(
        self, sorts: Mapping[str, Sort], taken: Collection[str], source: str
    ) -> tuple[dict[str, RowText], list[RowText]]:
        """Read the texts.

        Parameters
        ----------
        sorts
            What each column of the table holds.
        taken
            The columns that are there, those that are not read among them; a derived one cannot have their names.
        source
            What errors call the table.

        Raises
        ------
        TableError
            With everything that is wrong.
        """
        from kanopt.formulas.row_parser import parse_row_text

        names = set(self.derive)
        order, cyclic = in_order(
            {name: sorted(_names_in(text) & names) for name, text in self.derive.items()}
        )
        faults: list[Fault] = [
            (("derive", name), f"{told}; no value can be computed") for name, told in cyclic.items()
        ]
        known = dict(sorts)
        derived: dict[str, RowText] = {}
        drops: list[RowText] = []
        for name in order:
            if name in taken:
                told = f"the table has a column {name!r} already; a derived column needs a name of its own"
                faults.append((("derive", name), told))
                continue
            try:
                derived[name] = parse_row_text(self.derive[name], known, name, taken)
            except FormulaError as error:
                faults.append((("derive", name), str(error)))
            # where it cannot be read, what is built on it is not judged
            is_condition = name in derived and derived[name].is_condition
            known[name] = "truth" if is_condition else "number"
        for place, rule in enumerate(self.drop_where):
            try:
                drops.append(parse_row_text(rule, known, "drop_where", taken))
                if not drops[-1].is_condition:
                    raise FormulaError(
                        f"{rule!r:.80} is a number of each row and no condition; compare it, as in {rule:.60} > 0"
                    )
            except FormulaError as error:
                faults.append((("drop_where", place), str(error)))
        if faults:
            raise key_error(source, faults)
        return derived, drops


def _names_in(text: str) -> set[str]:
    """Return the names in a text; none where it cannot be read, of which whoever reads the whole text tells."""
    from kanopt.formulas.row_parser import names_read

    try:
        return names_read(text, "")
    except FormulaError:
        return set()


def in_order(needs: Mapping[str, Sequence[str]]) -> tuple[list[str], dict[str, str]]:
    """Return names with each behind those it needs, and of each that needs itself in the end what it names.

    Examples
    --------
    >>> in_order({"a": ["b"], "b": [], "c": ["c"]})
    (['b', 'a'], {'c': 'names itself'})
    """
    order: list[str] = []
    left = dict(needs)
    while ready := [name for name, wanted in left.items() if not set(wanted) - set(order)]:
        order += ready
        left = {name: wanted for name, wanted in left.items() if name not in order}
    told = {}
    for name, wanted in left.items():
        other = name if name in wanted else next(each for each in wanted if each in left)
        through = f"names {other!r}, which in the end comes back to {name!r}"
        told[name] = "names itself" if other == name else through
    return order, told


def key_error(source: str, faults: Sequence[Fault]) -> TableError:
    """Return an error about what is said of columns and rows, each fault with its key."""
    lines = [
        f"drop_where: {text}" if key[0] == "drop_where" else f"{key[0]} {key[1]!r}: {text}"
        for key, text in faults
    ]
    return TableError("\n".join(f"{source}: {line}" for line in lines), faults=faults)


def sort_of(kind: Kind) -> Sort:
    """Return what a column of a kind holds, to a text about it."""
    sorts: dict[Any, Sort] = {"number": "number", "integer": "number", "datetime": "date", "boolean": "truth"}
    return sorts.get(kind, "text")
