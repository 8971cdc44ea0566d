"""What the tables of categories in a formula hold, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.formulas.printing import to_infix
from kanopt.text import list_names, number_text

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["table_texts"]


def table_texts(formula: Formula, most: int = 12) -> list[str]:
    """Say what each table of categories in a formula holds; beyond `most` entries, how many more.

    Examples
    --------
    >>> from kanopt.formulas import Formula, Input, Table, Variable
    >>> rate = Table.of({"van": 1.0, "truck": 1.4, "bike": 0.2}, "vehicle", fallback=0.9, name="rate")
    >>> inputs = (Variable("km", "km"), Variable("vehicle", kind="category"))
    >>> law = Formula(Input("km") * rate, inputs, Variable("cost", "EUR"))
    >>> table_texts(law)
    ['rate(vehicle): van 1, truck 1.4, bike 0.2; any other 0.9']
    >>> table_texts(law, 2)
    ['rate(vehicle): van 1, truck 1.4 and 1 more; any other 0.9']
    """
    names = [to_infix(table) for table in formula.tables]
    texts = []
    for place, (name, table) in enumerate(zip(names, formula.tables, strict=True)):
        which = f", number {names[: place + 1].count(name)} of that name" if names.count(name) > 1 else ""
        entries = [f"{' and '.join(key)} {number_text(number)}" for key, number in table.entries]
        other = "" if table.fallback is None else f"; any other {number_text(table.fallback)}"
        texts.append(f"{name}{which}: {list_names(entries, most, quoted=False)}{other}")
    return texts
