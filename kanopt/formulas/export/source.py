"""What the exports to programming languages share: full precision, safe names, shared steps as statements."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np

from kanopt.formulas.formula import Formula
from kanopt.formulas.nodes import Apply, Node, Product, Sum, fold, postorder
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.printing import ATOM, Infix, Text

__all__ = ["Source", "headline", "identifiers", "pieces_of"]

# deeper expressions are cut into statements, because parsers limit how far brackets nest
_CUT = 25


def identifiers(names: Iterable[str], reserved: Iterable[str]) -> dict[str, str]:
    """Return a safe, distinct ASCII identifier for every name.

    Examples
    --------
    >>> identifiers(["distance_km", "Weight (kg)", "class"], {"class"})
    {'distance_km': 'distance_km', 'Weight (kg)': 'Weight_kg', 'class': 'class_'}
    """
    taken = set(reserved)
    found: dict[str, str] = {}
    for name in names:
        word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "x"
        word = f"x{word}" if word[0].isdigit() else word
        while word in taken:
            word += "_"
        taken.add(word)
        found[name] = word
    return found


def headline(formula: Formula) -> str:
    """Return one line that says what the formula gives; safe behind a comment sign, since names have no line ends."""
    inputs = ", ".join(map(str, formula.inputs))
    return f"{formula.output} = {formula}" + (f", from {inputs}" if inputs else "")


def pieces_of(curve: Curve) -> list[list[float]]:
    """Return, for every span of a curve, the coefficients of t⁰ … t³ with t from 0 to 1 over the span."""
    found: list[list[float]] = np.asarray(curve.powers).T.tolist()
    return found


class Source(Infix):
    """Infix notation at full precision, with statements for steps that are used more than once.

    Parameters
    ----------
    names
        Identifier of every input.
    assign
        Template of a statement that gives ``{name}`` the value ``{value}``; empty where the language has none.
    """

    times = " * "

    def __init__(self, names: dict[str, str], assign: str = "") -> None:
        self.names = names
        self.assign = assign
        self.statements: list[str] = []
        self.uses: Counter[bytes] = Counter()

    def write(self, root: Node) -> str:
        """Return the expression of the result; the statements before it are in ``statements``."""
        self.uses = Counter(child.key for node in postorder(root) for child in node.children)
        return fold(root, self.visit).text

    def visit(self, node: Node, parts: list[Text]) -> Text:
        """Write one node; give it a name of its own where that keeps the text short."""
        written = super().visit(node, parts)
        compound = isinstance(node, Sum | Product | Apply | Curve | Step | Table)
        if self.assign and compound and (self.uses[node.key] > 1 or node.depth % _CUT == 0):
            return Text(self.bound(written.text), ATOM)
        return written

    def bound(self, value: str) -> str:
        """Write a statement and return the name it gives the value."""
        name = f"step_{len(self.statements) + 1}"
        while name in self.names.values():
            name += "_"
        self.statements.append(self.assign.format(name=name, value=value))
        return name

    def number(self, value: float) -> str:
        """Write a number so that it reads back as itself."""
        return repr(value)

    def name(self, name: str) -> str:
        """Write an input by its identifier."""
        return self.names[name]
