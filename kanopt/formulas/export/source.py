"""The common writer of exports to programming languages: full precision, safe names, shared steps as statements."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from kanopt.errors import FormulaError
from kanopt.formulas.nodes import Constant, Input, Maximum, Minimum, Node, Power, fold, postorder
from kanopt.formulas.spelling import ATOM, WORD, TextPart, Writer


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
        found[name] = identifier(name, taken.__contains__)
        taken.add(found[name])
    return found


def identifier(name: str, refused: Callable[[str], bool]) -> str:
    """Return the name in ASCII letters, digits and underscores, lengthened until it is not refused.

    Examples
    --------
    >>> identifier("Weight (kg)", {"Weight_kg"}.__contains__)
    'Weight_kg_'
    """
    word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "x"
    word = f"x{word}" if word[0].isdigit() else word
    while refused(word):
        word += "_"
    return word


def tell_apart(names: Iterable[str], output: str, where: str) -> None:
    """Refuse inputs whose names differ only in capitals, where these are the same column.

    Raises
    ------
    FormulaError
        If there are two, with both names.

    Examples
    --------
    >>> tell_apart(["km", "Km"], "fuel", "an Excel table")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    kanopt.errors.FormulaError: formula for 'fuel': 'km' and 'Km' are the same column of an Excel table, ...
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise FormulaError(
                f"formula for {output!r}: {other!r} and {name!r} are the same column of {where}, which does not tell "
                "capitals apart; rename one of the inputs"
            )


def nest_pairs(parts: list[TextPart], write: Callable[[TextPart, TextPart], TextPart]) -> TextPart:
    """Return a function of two arguments applied to many, as a balanced tree.

    Examples
    --------
    >>> parts = [TextPart(name, WORD) for name in "abc"]
    >>> nest_pairs(parts, lambda a, b: Writer().call("max", [a, b])).text
    'max(max(a, b), c)'
    """
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        parts = [write(a, b) for a, b in pairs] + (parts[-1:] if len(parts) % 2 else [])
    return parts[0]


class SourceWriter(Writer):
    """Infix notation at full precision, with statements for steps that are used more than once.

    Parameters
    ----------
    names
        Identifier of every input.
    assign
        Template of a statement that gives ``{name}`` the value ``{value}``; empty where the language has none.
    """

    times = " * "
    # deeper expressions are cut into statements, because parsers limit how far brackets nest
    deepest = 25
    # longer sums and products are bracketed in parts, because parsers nest what is added up from the left
    widest = 50

    def __init__(self, names: dict[str, str], assign: str = "") -> None:
        self.names = names
        self.assign = assign
        self.statements: list[str] = []
        self.uses: Counter[bytes] = Counter()

    def write(self, root: Node) -> str:
        """Return the expression of the result; the statements before it are in ``statements``."""
        self.uses = Counter(child.key for node in postorder(root) for child in node.children)
        return fold(root, self.visit).text

    def visit(self, node: Node, parts: list[TextPart]) -> TextPart:
        """Write one node; assign it to a name if that keeps the text short."""
        written = super().visit(node, parts)
        return self.bound(written) if self.needs_own_step(node, written) else written

    def needs_own_step(self, node: Node, written: TextPart) -> bool:
        """Return whether a node is written as a statement."""
        compound = not isinstance(node, Constant | Input | Power | Maximum | Minimum)
        return bool(self.assign) and compound and (self.uses[node.key] > 1 or node.depth % self.deepest == 0)

    def bound(self, value: TextPart) -> TextPart:
        """Write a statement and return the name it gives the value."""
        name = f"step_{len(self.statements) + 1}"
        while name in self.names.values():
            name += "_"
        self.statements.append(self.assign.format(name=name, value=value.text))
        return TextPart(name, WORD)

    def spell(self, template: str, *parts: TextPart) -> TextPart:
        """Put parts into a template; one that occurs there more than once is given a name before."""
        marks = ["@"] if len(parts) == 1 else ["@1", "@2"]
        named = [
            part if template.count(mark) <= 1 else self.as_repeatable(part)
            for mark, part in zip(marks, parts, strict=True)
        ]
        return super().spell(template, *named)

    def as_repeatable(self, part: TextPart) -> TextPart:
        """Return a part that may be repeated: a name or number, if necessary the name of a new statement."""
        return part if not self.assign or part.level == WORD else self.bound(part)

    def sum(self, parts: list[TextPart]) -> TextPart:
        """Write a sum, a long one as a sum of sums."""
        return super().sum(self.grouped(parts, super().sum))

    def product(self, parts: list[TextPart]) -> TextPart:
        """Write a product, a long one as a product of products."""
        return super().product(self.grouped(parts, super().product))

    def grouped(self, parts: list[TextPart], write: Callable[[list[TextPart]], TextPart]) -> list[TextPart]:
        """Return groups of parts in parentheses, few enough to be written one after the other."""
        while len(parts) > self.widest:
            groups = [parts[start : start + self.widest] for start in range(0, len(parts), self.widest)]
            parts = [TextPart(self.enclosed(write(group).text), ATOM) for group in groups]
        return parts

    def number(self, value: float) -> str:
        """Write a number with enough digits to read back exactly."""
        return repr(value)

    def input(self, name: str) -> TextPart:
        """Write an input by its identifier."""
        return TextPart(self.names[name], WORD)
