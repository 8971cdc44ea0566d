"""The structure of a law as a tree of modules: sums, products, and columns that enter as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kanopt.text import fixed_text

__all__ = ["Kind", "Module"]

Kind = Literal["sum", "product", "pair", "joint", "column"]


@dataclass(frozen=True)
class Module:
    """A part of a law, composed of smaller ones.

    Attributes
    ----------
    kind
        - ``"sum"`` and ``"product"``: of functions of the children, which have disjoint columns;
        - ``"pair"``: a function of one combination of the columns, such as x / y, or of more, such as x · y / z;
        - ``"joint"``: a function of the children without further supported structure;
        - ``"column"``: a function of one column.
    columns
        Names of the columns below it.
    children
        Its parts; none for a column.
    strength
        1 for a perfect structure, 0 if the departure is as large as the effects of the columns; None if untested, for
        columns and joint modules.
    relation
        For a pair, the combination of the columns.
    constant
        Whether a product is one only after subtracting a constant. Within a sum, whose constants belong to no part, it
        is False.

    Examples
    --------
    >>> km, flow, capacity = (Module("column", (name,)) for name in ("km", "flow", "capacity"))
    >>> load = Module("pair", ("flow", "capacity"), (flow, capacity), 0.94, "flow / capacity")
    >>> print(Module("product", ("km", "flow", "capacity"), (km, load), 0.9))
    product (strength 0.90)
      km
      flow / capacity enters as one (strength 0.94)
    """

    kind: Kind
    columns: tuple[str, ...]
    children: tuple[Module, ...] = ()
    strength: float | None = None
    relation: str = ""
    constant: bool = False

    @property
    def leaves(self) -> Iterator[Module]:
        """The columns, in the order in which the tree is read."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves

    @property
    def signs(self) -> tuple[str, ...]:
        """For a pair, the signs before all columns but the first: ``("·", "/")`` for x · y / z."""
        if not self.relation:
            return ()
        found, rest = [], self.relation[len(self.columns[0]) :]
        for name in self.columns[1:]:
            found.append(rest[1])
            rest = rest[3 + len(name) :]
        return tuple(found)

    @property
    def depth(self) -> int:
        """The number of levels of modules below it; 0 for a column."""
        return 1 + max(child.depth for child in self.children) if self.children else 0

    def plot(self, ax: Any = None) -> Any:
        """Draw the tree, from the columns at the left to the law at the right, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_modules(self, ax)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        plain = all(child.kind == "column" for child in self.children)
        strength = "" if self.strength is None else f" (strength {fixed_text(self.strength, 2)})"
        match self.kind:
            case "column":
                yield self.columns[0]
                return
            case "pair":
                yield f"{self.relation} enters as one{strength}"
                return
            case "joint" if plain:
                *most, last = self.columns
                yield f"one function of {', '.join(most)} and {last}{strength}"
                return
            case "joint":
                yield f"one function of{strength}"
            case _:
                yield f"{self.kind}{' plus a constant' if self.constant else ''}{strength}"
        for child in self.children:
            yield from (f"  {line}" for line in child._lines())
