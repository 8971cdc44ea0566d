"""Sums of multiples, whose rounding is known also where they cancel, and what of a graph is one."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeVar

from kanopt.formulas.lowering.graphs import ARGUMENT
from kanopt.formulas.nodes import Constant, Node, Product, Sum, postorder

K = TypeVar("K", bound=Hashable)
J = TypeVar("J", bound=Hashable)


@dataclass(frozen=True)
class Combination(Generic[K]):
    """A constant and multiples of things: of a variable, of parts of a formula, of quantities of a program.

    Parameters
    ----------
    constant
        What is added.
    terms
        The coefficient of each thing, zeros left out.
    weight, bulk
        The absolute values of everything that was added up to the constant, and to the coefficient of each thing: what
        cancels leaves its rounding behind.

    Examples
    --------
    >>> Combination.of("x").times(2.0).plus(Combination.of("x", constant=3.0), -2.0)
    Combination(constant=-6.0, terms={}, weight=6.0, bulk={'x': 4.0})
    """

    constant: float
    terms: Mapping[K, float]
    weight: float
    bulk: Mapping[K, float]

    @classmethod
    def of(cls, *things: K, constant: float = 0.0) -> Combination[K]:
        """Return the sum of different things and a constant."""
        terms = dict.fromkeys(things, 1.0)
        return cls(constant, terms, abs(constant), terms)

    def plus(self, other: Combination[K], factor: float = 1.0, size: float | None = None) -> Combination[K]:
        """Return this and a multiple of another; `size` is what the factor would be if nothing in it had cancelled."""
        size = abs(factor) if size is None else size
        terms, bulk = dict(self.terms), dict(self.bulk)
        for thing, coefficient in other.terms.items():
            terms[thing] = terms.get(thing, 0.0) + factor * coefficient
        # nothing of a thing is no multiple of it, however large it may be
        for thing, each in other.bulk.items() if size else ():
            bulk[thing] = bulk.get(thing, 0.0) + size * each
        kept = {thing: coefficient for thing, coefficient in terms.items() if coefficient}
        return Combination(
            self.constant + factor * other.constant, kept, self.weight + size * other.weight, bulk
        )

    def times(self, factor: float, size: float | None = None) -> Combination[K]:
        """Return a multiple; `size` as in :meth:`plus`."""
        return Combination[K].of().plus(self, factor, size)

    def put(self, made: Mapping[K, Combination[J]]) -> Combination[J]:
        """Return it with each thing replaced by what it is made of.

        Examples
        --------
        >>> Combination.of("x", constant=1.0).times(2.0).put({"x": Combination.of("y", constant=-3.0)})
        Combination(constant=-4.0, terms={'y': 2.0}, weight=8.0, bulk={'y': 2.0})
        """
        total = Combination[J](self.constant, {}, self.weight, {})
        for thing, size in self.bulk.items():
            total = total.plus(made[thing], self.terms.get(thing, 0.0), size)
        return total

    @property
    def settled(self) -> Combination[K]:
        """The same, whose rounding up to here was counted, so that what cancelled is forgotten."""
        sizes = {thing: abs(coefficient) for thing, coefficient in self.terms.items()}
        return Combination(self.constant, self.terms, abs(self.constant), sizes)

    def range(self, ends: Callable[[K], tuple[float, float]]) -> tuple[float, float]:
        """Return the smallest and the largest value, given those of each thing; rounding is not counted."""
        low = high = self.constant
        for thing, coefficient in self.terms.items():
            least, most = sorted(coefficient * end for end in ends(thing))
            low, high = low + least, high + most
        return low, high

    def size(self, ends: Callable[[K], tuple[float, float]]) -> float:
        """Return what it could be at most if nothing cancelled, given the ends of each thing."""
        return self.weight + sum(size * max(map(abs, ends(thing))) for thing, size in self.bulk.items())


def line_of(graph: Node) -> Combination[Node] | None:
    """Return a straight line that is written as sums and multiples of the variable; None for anything else.

    Examples
    --------
    >>> line = line_of(3 * (1 + 2 * ARGUMENT) - ARGUMENT)
    >>> line.constant, line.terms[ARGUMENT], line.weight, line.bulk[ARGUMENT]
    (3.0, 5.0, 3.0, 7.0)
    """
    lines: dict[bytes, Combination[Node]] = {}
    for node in postorder(graph):
        parts = [lines[child.key] for child in node.children if child.key in lines]
        if len(parts) < len(node.children):
            return None
        found: Combination[Node] | None = None
        if node.key == ARGUMENT.key:
            found = Combination.of(node)
        elif isinstance(node, Constant):
            found = Combination.of(constant=node.value)
        elif isinstance(node, Sum):
            found = reduce(Combination.plus, parts)
        elif isinstance(node, Product):
            found = _multiple(parts)
        if found is None:
            return None
        lines[node.key] = found
    line = lines[graph.key]
    return line if math.isfinite(line.size(lambda _: (1.0, 1.0))) else None


def _multiple(parts: list[Combination[Node]]) -> Combination[Node] | None:
    sloped = [part for part in parts if part.bulk]
    if len(sloped) > 1:
        return None
    factor = math.prod(part.constant for part in parts if not part.bulk)
    size = math.prod(part.weight for part in parts if not part.bulk)
    return (sloped[0] if sloped else Combination[Node].of(constant=1.0)).times(factor, size)
