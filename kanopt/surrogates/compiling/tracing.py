"""The steps of a formula as the nodes of a network.

A sum stays a sum of edges; a function of one variable is an edge; two factors are a product node, and more of them a
cascade of such nodes, or, where all are proved positive, one node that adds their logarithms and an edge that takes the
exponential. Signals that are needed further up are carried there by straight edges.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas import Apply, Constant, Curve, Formula, Input, Node, Power, Product, Sum, Table
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import fold
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.compiling.parts import Additive, OneVariable, Signal, digest, product_of, sum_of

__all__ = ["Tracer"]

Floats = NDArray[np.float64]

LONGEST = 60
"""Characters of a step in a message."""
RANK = 1e-12
"""Share of the largest singular value below which a table of two categories has no further product."""


class Tracer:
    """Turns steps into sums of functions of one signal, and makes nodes where they are needed.

    Parameters
    ----------
    formula
        The formula.
    columns
        Its inputs on a sample of the domain, all of shape (n,); categories as codes.
    categories
        Labels of every categorical input.
    ranges
        Ends of every numeric input.
    """

    def __init__(
        self,
        formula: Formula,
        columns: Mapping[str, Floats],
        categories: Mapping[str, tuple[str, ...]],
        ranges: Mapping[str, tuple[float, float]],
    ) -> None:
        self.formula = formula
        self.ranges = ranges
        self.signals = [
            Signal(0, name, values, categories=categories.get(name, ())) for name, values in columns.items()
        ]
        self.inputs = {name: place for place, name in enumerate(columns)}
        self._made: dict[bytes, int] = {}

    def plain(self) -> Additive:
        """Return the formula."""
        return fold(self.formula.root, self._visit)

    def logarithm(self) -> Additive | None:
        """Return the logarithm of the formula where it is a product that is proved positive, else None."""
        factors = _factors(self.formula.root)
        if len(factors) < 2 or not all(_is_exp(factor) or self._is_positive(factor) for factor, _ in factors):
            return None
        return sum_of([self._log_of(factor).moved(power) for factor, power in factors])

    def _log_of(self, factor: Node) -> Additive:
        """Return the logarithm of a positive step; that of an exponential is its argument."""
        if _is_exp(factor):
            return fold(factor.children[0], self._visit)
        return self._log(fold(factor, self._visit))

    def lifted(self, total: Additive, level: int) -> Additive:
        """Return the sum over signals of one level: what is further down is added up and carried by straight edges."""
        while True:
            lowest = min((self.signals[place].level for place in total.terms), default=level)
            if lowest >= level:
                return total
            low = {p: term for p, term in total.terms.items() if self.signals[p].level == lowest}
            rest = {p: term for p, term in total.terms.items() if p not in low}
            carried = self._node((Additive(low),), lowest + 1)
            total = sum_of([Additive(rest, total.bias), Additive({carried: self._identity(carried)})])

    def level(self, *totals: Additive) -> int:
        """Return the highest level of the signals of some sums."""
        return max((self.signals[place].level for total in totals for place in total.terms), default=0)

    def values(self, total: Additive) -> Floats:
        """Return a sum on the sample, (n,)."""
        result = np.full(len(self.signals[0].values), total.bias)
        for place, term in total.terms.items():
            result = result + term(self.signals[place].values)
        return result

    def _visit(self, node: Node, below: list[Additive]) -> Additive:
        match node:
            case Constant():
                return Additive({}, node.value)
            case Input():
                place = self.inputs[node.name]
                return Additive({place: self._identity(place)})
            case Sum():
                return sum_of(below)
            case Product():
                return self._product(node.factors, below)
            case Power():
                return self._power(node, *below)
            case Apply():
                return self._after(below[0], function_named(node.function).value, node)
            case Curve():
                return self._after(below[0], node.at, node)
            case Table():
                return self._table(node)
        raise FormulaError(
            f"a network of smooth curves cannot compute {_short(node)}: a {type(node).__name__.lower()} jumps or has a "
            "kink. Leave it out of the formula, or keep the formula as it is and learn only a correction of it"
        )

    def _identity(self, place: int) -> OneVariable:
        return OneVariable(lambda values: values, b"", self.signals[place].name, straight=True)

    def _after(self, inner: Additive, function: Callable[[Floats], Floats], node: Node) -> Additive:
        """Return a function of a sum: an edge."""
        if not inner.terms:
            return Additive({}, _finite(function, inner.bias, node))
        key = digest(node.with_children([Constant(0.0)] * len(node.children)).key)
        return self._function_of(inner, function, key, _short(node))

    def _function_of(
        self, inner: Additive, function: Callable[[Floats], Floats], key: bytes, text: str
    ) -> Additive:
        place = inner.alone
        if place is not None:
            return Additive({place: inner.as_one().then(function, key, text)})
        place = self.node(inner)
        return Additive({place: self._identity(place).then(function, key, text)})

    def _power(self, node: Power, base: Additive, exponent: Additive) -> Additive:
        if not exponent.terms:
            power = exponent.bias
            if power == 1.0:
                return base
            if not base.terms:
                return Additive({}, _finite(lambda x: x**power, base.bias, node))
            return self._function_of(base, lambda values: values**power, digest("power", power), _short(node))
        if not self._is_positive(node.base):
            raise FormulaError(
                f"{_short(node)}: a power with an exponent that varies needs a base proved positive over the ranges; "
                "narrow the ranges of its inputs"
            )
        lifted = self._multiplied([exponent, self._log(base)])
        return self._function_of(lifted, np.exp, digest("exp"), _short(node))

    def _log(self, total: Additive) -> Additive:
        if not total.terms:
            return Additive({}, float(np.log(total.bias)))
        return self._function_of(total, np.log, digest("log"), "a logarithm")

    def _product(self, nodes: Sequence[Node], factors: list[Additive]) -> Additive:
        constant = float(np.prod([factor.bias for factor in factors if not factor.terms]))
        varying = [(node, factor) for node, factor in zip(nodes, factors, strict=True) if factor.terms]
        if constant == 0.0 or not varying:
            return Additive({}, constant)
        grouped = self._grouped([factor for _, factor in varying])
        if len(grouped) > 2 and all(self._is_positive(node) for node, _ in varying):
            total = sum_of([self._log(factor) for factor in grouped])
            product = self._function_of(total, np.exp, digest("exp"), "a product")
        else:
            product = self._multiplied(grouped)
        return product.moved(constant)

    def _grouped(self, factors: list[Additive]) -> list[Additive]:
        """Multiply factors that are functions of the same one signal."""
        together: dict[int, list[OneVariable]] = {}
        several: list[Additive] = []
        for factor in factors:
            if factor.alone is None:
                several.append(factor)
            else:
                together.setdefault(factor.alone, []).append(factor.as_one())
        return [*(Additive({place: product_of(found)}) for place, found in together.items()), *several]

    def _multiplied(self, factors: list[Additive]) -> Additive:
        """Return a product of factors, two by two, those of the lowest levels first."""
        order = count()
        heap = [(self.level(factor), next(order), factor) for factor in factors]
        heapq.heapify(heap)
        while len(heap) > 1:
            (_, _, first), (_, _, second) = heapq.heappop(heap), heapq.heappop(heap)
            level = self.level(first, second)
            place = self._node((self.lifted(first, level), self.lifted(second, level)), level + 1)
            heapq.heappush(heap, (level + 1, next(order), Additive({place: self._identity(place)})))
        return heap[0][2]

    def _table(self, table: Table) -> Additive:
        """Return a table of one category as edges, of two as sums of products of such edges."""
        places = [self.inputs[name] for name in table.inputs]
        labels = [self.signals[place].categories for place in places]
        if len(places) > 2:
            raise FormulaError(
                f"table {table.name!r}: a network has tables of one category, or of two that multiply, not of "
                f"{len(places)}; make one column of them"
            )
        grid = np.meshgrid(*[np.array(known, dtype=object) for known in labels], indexing="ij")
        numbers = table.compute([], dict(zip(table.inputs, grid, strict=True)))
        if len(places) == 1:
            return Additive({places[0]: _lookup(numbers, table.name)})
        rows, columns = numbers.mean(1), numbers.mean(0) - numbers.mean()
        left, sizes, right = np.linalg.svd(numbers - rows[:, None] - columns)
        parts = [Additive({places[0]: _lookup(rows, table.name), places[1]: _lookup(columns, table.name)})]
        # the last ones are zero but for rounding: the mean of every row and column has been taken out
        for size, over_rows, over_columns in zip(sizes, left.T, right, strict=False):
            if size > RANK * float(np.abs(numbers).max()):
                pair = [
                    Additive({places[0]: _lookup(size * over_rows, table.name)}),
                    Additive({places[1]: _lookup(over_columns, table.name)}),
                ]
                parts.append(self._multiplied(pair))
        return sum_of(parts)

    def node(self, total: Additive) -> int:
        """Return the number of the node that holds a sum."""
        level = self.level(total)
        return self._node((self.lifted(total, level),), level + 1)

    def _node(self, factors: tuple[Additive, ...], level: int) -> int:
        key = digest(level, [factor.key for factor in factors])
        if key not in self._made:
            self._made[key] = len(self.signals)
            values = np.asarray(np.prod([self.values(factor) for factor in factors], axis=0))
            self.signals.append(Signal(level, f"node {len(self._made)}", values, factors))
        return self._made[key]

    def _is_positive(self, node: Node) -> bool:
        """Say whether a step is proved positive over the ranges, by interval arithmetic."""
        part = Formula(node, self.formula.inputs, self.formula.output)
        labels = {name: self.signals[place].categories for name, place in self.inputs.items()}
        known = {**{name: seen for name, seen in labels.items() if seen}, **self.ranges}
        low, _ = part.interval({name: seen for name, seen in known.items() if name in part.used})
        return low > 0.0


def _lookup(numbers: Floats, name: str) -> OneVariable:
    """Return the function from codes to numbers."""
    return OneVariable(
        lambda codes: numbers[codes.astype(np.int64)], digest("table", numbers.tolist()), f"table {name}"
    )


def _is_exp(node: Node) -> bool:
    return isinstance(node, Apply) and node.function == "exp"


def _factors(root: Node) -> list[tuple[Node, float]]:
    """Return the factors of a product and their constant powers, through products and powers of products."""
    found: list[tuple[Node, float]] = []
    stack: list[tuple[Node, float]] = [(root, 1.0)]
    while stack:
        node, power = stack.pop()
        if isinstance(node, Product):
            stack += [(factor, power) for factor in reversed(node.factors)]
        elif isinstance(node, Power) and isinstance(node.exponent, Constant):
            stack.append((node.base, power * node.exponent.value))
        else:
            found.append((node, power))
    return found


def _finite(function: Callable[[Floats], Floats], value: float, node: Node) -> float:
    with np.errstate(all="ignore"):
        result = float(function(np.asarray(value)))
    if not np.isfinite(result):
        raise FormulaError(f"{_short(node)} has no finite value")
    return result


def _short(node: Node) -> str:
    text = to_infix(node)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
