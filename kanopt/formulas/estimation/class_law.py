"""A law whose constants differ by class or change with a number, written down with its tables, curves and errors."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, product

import numpy as np

from kanopt.array_types import Floats
from kanopt.formulas.estimation.drawn import Classes, DrawnFit, Smooth, blocks
from kanopt.formulas.estimation.least_squares import smearing
from kanopt.formulas.estimation.naming import numbered
from kanopt.formulas.nodes import Apply, Constant, Node, Power, Product, Sum, postorder, rebuild
from kanopt.formulas.parameters import Covariance, parameters_of, piece_numbers
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.simplify import simplify_graph

Columns = tuple[str, ...]

COMBINATIONS = 1000
"""Combinations of categories up to which a table has a number for each, also for those that no row has."""
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
    """

    fit: DrawnFit
    log: bool

    @property
    def residual(self) -> Floats:
        """What the law leaves of the target, or of its logarithm, (n,)."""
        return self.fit.residual / self.fit.root_weight

    @property
    def smearing(self) -> float:
        """Factor that makes a law of the logarithm one of the mean."""
        return smearing(self.residual, np.square(self.fit.root_weight)) if self.log else 1.0

    def written(self, factor: float = 1.0) -> tuple[Node, Covariance | None]:
        """Return the law, and the covariance of its constants and of the numbers of its tables."""
        root, names, slopes = self._times(factor)
        constants = parameters_of(root)
        told = [n for n in names if n in constants or ("[" in n and len(names) <= TOLD)]
        return root, self._covariance(
            dict(zip(names, slopes, strict=True)), dict(zip(told, told, strict=True))
        )

    def of_class(self, column: str, label: str, factor: float = 1.0) -> tuple[Node, Covariance | None]:
        """Return the law of one category of a column, which it reads no longer, and the covariance of its constants."""
        root, names, slopes = self._times(factor)
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

    def _covariance(self, slopes: Mapping[str, Floats], told: Mapping[str, str]) -> Covariance | None:
        """Return the covariance of some numbers, given what each is called among all."""
        if not told:
            return None
        moved = np.array([slopes[name] for name in told.values()])
        matrix = moved @ self.covariance @ moved.T
        freedom = max(self.fit.residual.size - self.fit.parameters, 1.0)
        return Covariance.of(list(told), 0.5 * (matrix + matrix.T), freedom)

    def _times(self, factor: float) -> tuple[Node, list[str], Floats]:
        """Return the law times a factor, see :func:`_written`; it is written once for all classes."""
        if factor not in self._known:
            self._known[factor] = _written(self.fit, factor)
        return self._known[factor]

    @cached_property
    def _known(self) -> dict[float, tuple[Node, list[str], Floats]]:
        return {}

    @cached_property
    def covariance(self) -> Floats:
        """Covariance of the errors of all numbers, (p, p)."""
        return self.fit.covariance


def _written(fit: DrawnFit, times: float) -> tuple[Node, list[str], Floats]:
    """Return a law with its tables, the names of its numbers, and their derivatives in those of the fit, (k, p)."""
    numbers = fit.numbers
    values = dict(zip(fit.free.names, numbers.tolist(), strict=False))
    taken = {node.name for node in postorder(fit.root) if isinstance(node, Curve | Step | Table)}
    fresh = {stem: _numbered_names(stem, taken) for stem in ("by", "s")}
    names, slopes = list[str](), list[Floats]()

    def put(node: Node) -> Node:
        if not isinstance(node, Constant) or node.name not in values:
            return node
        value, own = values[node.name], np.zeros(len(numbers))
        own[fit.free.blocks[node.name]] = 1.0
        merged, parts = _merged(fit, node.name), list[Node]()
        curves = [pair for pair in _blocks_of(fit, node.name) if isinstance(pair[0], Smooth)]
        factor = any(each.factor for each, _ in _blocks_of(fit, node.name))
        alone = len(merged) == 1 and not curves
        neutral = float(factor)
        idle = node.name in fit.held and value == neutral
        if not alone and not (idle and (merged or curves)):
            parts.append(Constant(value, node.name))
            names.append(node.name)
            slopes.append(own)
        for columns, labels, summed in merged:
            base = value if alone else neutral
            deviations = summed @ numbers
            entries = base * np.exp(deviations) if factor else base + deviations
            slope = entries[:, None] * summed if factor else summed
            if alone:
                slope = slope + np.outer(np.exp(deviations) if factor else np.ones(len(entries)), own)
            pairs = tuple(zip(labels, entries.tolist(), strict=True))
            table = Table(columns, pairs, base, next(fresh["by"]))
            names.extend(piece_numbers(table))
            slopes.extend(slope)
            parts.append(table)
        for each, block in curves:
            assert isinstance(each, Smooth)
            coefficients = each.turn @ numbers[block]
            curve = replace(each.curve, name=next(fresh["s"]), coefficients=tuple(coefficients.tolist()))
            names.extend(piece_numbers(curve))
            slopes.extend(np.pad(each.turn, ((0, 0), (block.start, len(numbers) - block.stop))))
            parts.append(Apply("exp", curve) if factor else curve)
        if len(parts) == 1:
            return parts[0]
        return Product(tuple(parts)) if factor else Sum(tuple(parts))

    root = rebuild(fit.root, put)
    if times != 1.0:
        root = Product((Constant(times), root))
    for kind, stem in ((Table, "by"), (Curve, "s")):
        own = [node for node in postorder(root) if isinstance(node, kind) and node.name not in taken]
        if len({node.name for node in own}) == 1 and stem not in taken:
            # the only one needs no number
            before = own[0].name
            root = rebuild(root, lambda node: _renamed(node, before, stem))  # noqa: B023 - done before the next round
            names = [re.sub(rf"^{before}\[", f"{stem}[", name) for name in names]
    return (
        numbered(simplify_graph(rebuild(simplify_graph(root), _as_one_stair)), [Step]),
        names,
        np.array(slopes),
    )


def _numbered_names(stem: str, taken: Collection[str]) -> Iterator[str]:
    return (name for name in (f"{stem}{number}" for number in count(1)) if name not in taken)


def _renamed(node: Node, before: str, name: str) -> Node:
    return replace(node, name=name) if isinstance(node, Curve | Table) and node.name == before else node


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


def _blocks_of(fit: DrawnFit, name: str) -> list[tuple[Classes | Smooth, slice]]:
    """Return what a constant differs by, with the places of its numbers."""
    places = blocks(fit.free.count, fit.classes)
    return [(each, block) for each, block in zip(fit.classes, places, strict=True) if each.name == name]


def _merged(fit: DrawnFit, name: str) -> list[tuple[Columns, tuple[Columns, ...], Floats]]:
    """Return columns, labels and sums of deviations, (classes, p), of the tables of a constant.

    Those by fewer columns are within those by more of the same.
    """
    found: list[tuple[Columns, tuple[Columns, ...], Floats]] = []
    own = [pair for pair in _blocks_of(fit, name) if isinstance(pair[0], Classes)]
    for each, block in sorted(own, key=lambda pair: -len(pair[0].columns)):
        assert isinstance(each, Classes)
        wider = next((other for other in found if set(each.columns) < set(other[0])), None)
        labels = _labels(each) if wider is None else wider[1]
        columns = each.columns if wider is None else wider[0]
        at = [columns.index(column) for column in each.columns]
        places = {label: block.start + place for place, label in enumerate(each.labels)}
        summed = np.zeros((len(labels), len(fit.numbers)))
        for row, label in enumerate(labels):
            place_of = places.get(tuple(label[place] for place in at))
            if place_of is not None:  # a combination that no row has is as its categories are
                summed[row, place_of] = 1.0
        if wider is None:
            found.append((columns, labels, summed))
        else:
            wider[2][:] += summed
    return found


def _labels(each: Classes) -> tuple[Columns, ...]:
    """Return the labels of a table: all combinations of its categories, unless they are too many."""
    categories = [list(dict.fromkeys(column)) for column in zip(*each.labels, strict=True)]
    return tuple(product(*categories)) if math.prod(map(len, categories)) <= COMBINATIONS else each.labels
