"""A law whose constants differ by class, written down: its tables, and how well their numbers are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Constant, Node, Power, Product, Sum, Table
from kanopt.formulas.estimation.drawn import DrawnFit, blocks
from kanopt.formulas.nodes import postorder, rebuild
from kanopt.formulas.parameters import Covariance, parameters_of, piece_numbers
from kanopt.formulas.pieces import Step
from kanopt.formulas.simplify import simplify_graph

Array = NDArray[np.float64]
Columns = tuple[str, ...]

LEVELS = "csu"
"""First letters of constants of which classes are factors: levels, steps of brackets, and ones that only classes move.

Others are exponents (p), what is added (a), and places of bends (b).
"""
TOLD = 100
"""Numbers of tables up to which their covariance is told with that of the constants."""


@dataclass(frozen=True, eq=False)
class ClassLaw:
    """A law whose constants differ by class.

    Parameters
    ----------
    fit
        Its numbers.
    log
        Whether the logarithm was fitted.
    length
        Of the description of the rows.
    weight
        How many rows each stands for, (n,).
    """

    fit: DrawnFit
    log: bool
    length: float
    weight: Array

    @property
    def residual(self) -> Array:
        """What the law leaves of the target, or of its logarithm, (n,)."""
        return self.fit.residual / np.sqrt(self.weight)

    @cached_property
    def smearing(self) -> float:
        """Factor that makes a law of the logarithm one of the mean (Duan 1983); 1 where chance may be it."""
        if not self.log:
            return 1.0
        factor = float(self.weight @ np.exp(self.residual) / self.weight.sum())
        chance = 2.0 * float(np.sqrt(self.fit.squares)) / float(self.weight.sum())
        return 1.0 if abs(float(np.log(factor))) <= chance else factor

    def written(self, smearing: float = 1.0) -> tuple[Node, Covariance | None]:
        """Return the law, and the covariance of its constants and of the numbers of its tables."""
        root, names, slopes = _written(self.fit, smearing)
        constants = parameters_of(root)
        told = [n for n in names if n in constants or ("[" in n and len(names) <= TOLD)]
        return root, self._covariance(
            dict(zip(names, slopes, strict=True)), dict(zip(told, told, strict=True))
        )

    def of_class(self, column: str, label: str, smearing: float = 1.0) -> tuple[Node, Covariance | None]:
        """Return the law of one category of a column, which it reads no longer, and the covariance of its constants."""
        root, names, slopes = _written(self.fit, smearing)
        own: dict[str, str] = {}

        def put(node: Node) -> Node:
            if not isinstance(node, Table) or column not in node.inputs:
                return node
            place = node.inputs.index(column)
            inputs = (*node.inputs[:place], *node.inputs[place + 1 :])
            entries = tuple(
                ((*key[:place], *key[place + 1 :]), number)
                for key, number in node.entries
                if key[place] == label
            )
            if inputs and entries:
                return Table(inputs, entries, node.fallback, node.name)
            assert node.fallback is not None
            name = f"k{len(own) + 1}"
            if not entries:
                return Constant(node.fallback, name)
            own[name] = f"{node.name}[{label}]"
            return Constant(entries[0][1], name)

        root = simplify_graph(rebuild(root, put))
        left = parameters_of(root)
        own |= {name: name for name in names if name in left}
        told = {name: source for name, source in own.items() if name in left}
        return root, self._covariance(dict(zip(names, slopes, strict=True)), told)

    def _covariance(self, slopes: Mapping[str, Array], told: Mapping[str, str]) -> Covariance | None:
        """Return the covariance of some numbers, given what each is called among all."""
        if not told:
            return None
        moved = np.array([slopes[name] for name in told.values()])
        matrix = moved @ self.covariance @ moved.T
        freedom = max(self.fit.residual.size - self.fit.parameters, 1.0)
        return Covariance.of(list(told), 0.5 * (matrix + matrix.T), freedom)

    @cached_property
    def covariance(self) -> Array:
        """Covariance of the errors of all numbers, (p, p)."""
        return self.fit.covariance


def _written(fit: DrawnFit, smearing: float) -> tuple[Node, list[str], Array]:
    """Return a law with its tables, the names of its numbers, and their derivatives in those of the fit, (k, p)."""
    numbers = fit.numbers
    values = dict(zip(fit.free.names, numbers.tolist(), strict=False))
    count, names, slopes = 0, list[str](), list[Array]()

    def put(node: Node) -> Node:
        nonlocal count
        if not isinstance(node, Constant) or node.name not in values:
            return node
        value, own = values[node.name], np.zeros(len(numbers))
        own[fit.free.blocks[node.name]] = 1.0
        merged = _merged(fit, node.name)
        parts: list[Node] = []
        if len(merged) != 1 and node.name[0] != "u":
            parts.append(Constant(value, node.name))
            names.append(node.name)
            slopes.append(own)
        for columns, labels, summed, factor in merged:
            count += 1
            neutral = value if len(merged) == 1 else float(factor)
            deviations = summed @ numbers
            entries = neutral * np.exp(deviations) if factor else neutral + deviations
            slope = entries[:, None] * summed if factor else summed
            if len(merged) == 1 and node.name[0] != "u":
                slope = slope + np.outer(np.exp(deviations) if factor else np.ones(len(entries)), own)
            table = Table(columns, tuple(zip(labels, entries.tolist(), strict=True)), neutral, f"by{count}")
            names.extend(piece_numbers(table))
            slopes.extend(slope)
            parts.append(table)
        if len(parts) == 1:
            return parts[0]
        return Product(tuple(parts)) if node.name[0] in LEVELS else Sum(tuple(parts))

    root = rebuild(fit.root, put)
    if smearing != 1.0:
        root = Product((Constant(smearing), root))
    if count == 1:
        # the only table needs no number
        root = rebuild(root, lambda node: replace(node, name="by") if isinstance(node, Table) else node)
        names = [name.replace("by1[", "by[", 1) for name in names]
    return _numbered(simplify_graph(rebuild(simplify_graph(root), _as_one_stair))), names, np.array(slopes)


def _numbered(root: Node) -> Node:
    """Return a graph whose step functions have different names: step1, step2 …; step where there is one."""
    stairs = [node for node in postorder(root) if isinstance(node, Step)]
    names = {
        stair.key: f"step{place}" if len(stairs) > 1 else "step"
        for place, stair in enumerate(stairs, start=1)
    }
    return rebuild(root, lambda node: replace(node, name=names[node.key]) if isinstance(node, Step) else node)


def _as_one_stair(node: Node) -> Node:
    """Return a product with its brackets of a column as one step function."""
    if not isinstance(node, Product):
        return node
    stairs: dict[Node, list[tuple[float, float]]] = {}
    rest = []
    for factor in node.factors:
        match factor:
            case Power(base=Constant(value=value), exponent=Step(argument=x, breakpoints=(place,))):
                stairs.setdefault(x, []).append((place, value))
            case _:
                rest.append(factor)
    for x, steps in stairs.items():
        places, values = zip(*sorted(steps), strict=True)
        levels = np.concatenate([[1.0], np.cumprod(values)])
        rest.append(Step(x, places, tuple(levels.tolist())))
    return Product(tuple(rest))


def _merged(fit: DrawnFit, name: str) -> list[tuple[Columns, tuple[Columns, ...], Array, bool]]:
    """Return columns, labels and sums of deviations, (classes, p), of the tables of a constant.

    Those by fewer columns are within those by more of the same.
    """
    found: list[tuple[Columns, tuple[Columns, ...], Array, bool]] = []
    own = [
        (each, block)
        for each, block in zip(fit.classes, blocks(fit.free.count, fit.classes), strict=True)
        if each.name == name
    ]
    for each, block in sorted(own, key=lambda pair: -len(pair[0].columns)):
        wider = next((other for other in found if set(each.columns) < set(other[0])), None)
        labels = each.labels if wider is None else wider[1]
        columns = each.columns if wider is None else wider[0]
        at = [columns.index(column) for column in each.columns]
        places = {label: block.start + place for place, label in enumerate(each.labels)}
        summed = np.zeros((len(labels), len(fit.numbers)))
        for row, label in enumerate(labels):
            summed[row, places[tuple(label[place] for place in at)]] = 1.0
        if wider is None:
            found.append((columns, labels, summed, each.factor))
        else:
            wider[2][:] += summed
    return found
