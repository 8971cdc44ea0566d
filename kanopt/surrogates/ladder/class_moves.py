"""Steps from a law to one with more in it, and what each is foretold to gain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Apply, Constant, Input, Maximum, Node, Power, Product, Sum
from kanopt.formulas.complexity import count_operators
from kanopt.formulas.estimation.drawn import DrawnFit, rowwise
from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.estimation.graph_tape import GraphTape
from kanopt.formulas.nodes import postorder, rebuild
from kanopt.formulas.pieces import Step
from kanopt.surrogates.ladder.class_law import LEVELS, Columns
from kanopt.surrogates.ladder.rungs import OPERATOR

Array = NDArray[np.float64]
By = tuple[tuple[str, Columns], ...]

GRID = 7
"""Places at which a minimum, or a bend, is tried."""
TOGETHER = 400
"""Numbers of tables up to which all constants are made to differ at once."""
FEWEST = 5
"""Rows on either side of a bracket at least."""
LAMBDAS = 10.0 ** np.arange(-4.0, 4.0)
"""Weights of a table that are tried, in the mean information of its classes."""
ALIKE = 6.0
"""Length by which the place of a bracket may be worse than the best place where it is a rounder number."""


@dataclass(frozen=True, eq=False)
class Move:
    """A step that was foretold to make the description shorter by `gain`."""

    gain: float
    root: Node
    by: By


@dataclass(frozen=True, eq=False)
class Scope:
    """The rows that a law is searched on.

    Parameters
    ----------
    rows
        The rows.
    log
        Whether the logarithm of the target is fitted.
    groupings
        The class of every row, and the labels of all classes, by columns.
    read
        The columns of numbers that are tried.
    floor
        A mean square that is as good as zero.
    """

    rows: EstimationRows
    log: bool
    groupings: Mapping[Columns, tuple[NDArray[np.intp], tuple[Columns, ...]]]
    read: tuple[str, ...]
    floor: float

    @cached_property
    def numbers(self) -> list[str]:
        """The columns of numbers that vary."""
        return [name for name in self.read if np.ptp(self.rows.columns[name]) > 0]

    @cached_property
    def positive(self) -> list[str]:
        """Those that are above zero."""
        return [name for name in self.numbers if self.rows.columns[name].min() > 0]


class ClassMoves:
    """The steps from a law, each with what it is foretold to gain.

    Parameters
    ----------
    scope
        The rows.
    fit
        The law.
    by
        What its constants differ by.
    """

    def __init__(self, scope: Scope, fit: DrawnFit, by: By) -> None:
        self.scope, self.fit, self.root, self.known = scope, fit, fit.root, by
        self.names = list(fit.free.blocks)
        self.theta, slope = rowwise(fit.numbers, fit.free, fit.classes, fit.residual.size)
        self.slope = fit.slopes * slope
        self.count = fit.residual.size
        self.columns = scope.rows.columns
        self.next = max((int(name[1:]) for name in self.names), default=0) + 1

    def all(self) -> Iterator[Move]:
        """Yield every step."""
        yield from self.tables()
        yield from self.powers()
        yield from self.brackets()
        yield from self.terms()
        yield from self.minimums()
        yield from self.larger()

    def priced(self, squares: float, root: Node, by: By, volume: float = 0.0) -> Move:
        """Return a step after which so many squares are left."""
        before, after = self.fit.squares / self.count, squares / self.count
        floor = self.scope.floor + np.finfo(float).tiny
        told = self.count * float(np.log(before + floor) - np.log(max(after, 0.0) + floor))
        operators = count_operators(root) - count_operators(self.root) + len(by) - len(self.known)
        return Move(told - volume - OPERATOR * operators, root, by)

    def scored(self, z: Array, root: Node) -> Move:
        """Return a step that brings in a constant of which z is the derivative of the fitted values."""
        across = np.concatenate([self.slope @ z, *self.by_class(z)])
        own = float(z @ z)
        left = own - float(across @ self.fit.inverse @ across)
        slope = float(z @ self.fit.residual)
        if not left > 1e-6 * own:
            return self.priced(self.fit.squares, root, self.known, np.inf)
        return self.priced(self.fit.squares - slope**2 / left, root, self.known, float(np.log(self.count)))

    def by_class(self, z: Array) -> list[Array]:
        """Return the products of a derivative with those in the deviations of all classes."""
        return [
            np.asarray(np.bincount(each.codes, own * z, each.size), dtype=np.float64)
            for each, own in zip(self.fit.classes, self.own, strict=True)
        ]

    @cached_property
    def own(self) -> list[Array]:
        """Derivatives of the fitted values in the deviations of the classes of a row."""
        return [self.effect(each.name) for each in self.fit.classes]

    def effect(self, name: str) -> Array:
        """Return the derivative in a deviation of a constant."""
        place = self.fit.free.blocks[name].start
        slopes = self.fit.slopes[place]
        return np.asarray(slopes * self.theta[place] if name[0] in LEVELS else slopes)

    def tables(self) -> Iterator[Move]:
        """Yield constants by category, one of them or all at once, and parts times a factor by category."""
        for columns, (_, labels) in self.scope.groupings.items():
            names = [name for name in self.names if (name, columns) not in self.known]
            moves = [self.by(name, columns, self.effect(name), self.root) for name in names]
            yield from moves
            if len(moves) > 1 and len(moves) * len(labels) <= TOGETHER:
                together = tuple((name, columns) for name in names)
                yield Move(sum(max(move.gain, 0.0) for move in moves), self.root, (*self.known, *together))
        for place in places_of(self.root):
            if isinstance(place, Maximum | Sum):
                yield from self.factors(place)

    def by(self, name: str, columns: Columns, z: Array, root: Node) -> Move:
        """Return a constant by category; z is the derivative in a deviation of it."""
        codes, labels = self.scope.groupings[columns]
        slope = np.bincount(codes, z * self.fit.residual, len(labels))
        known = np.bincount(codes, z * z, len(labels))
        held = LAMBDAS[:, None] * max(float(known.mean()), 1e-300)
        gained = (slope**2 / (known + held)).sum(axis=1)
        volume = np.log1p(known / held).sum(axis=1) + float(np.log(self.count))
        by = (*self.known, (name, columns))
        moves = [
            self.priced(self.fit.squares - less, root, by, more)
            for less, more in zip(gained.tolist(), volume.tolist(), strict=True)
        ]
        return max(moves, key=lambda move: move.gain)

    def factors(self, place: Node) -> Iterator[Move]:
        """Yield a place times a factor by category, and a sum to a power."""
        name = f"u{self.next}"
        root = replaced(self.root, place, Product((Constant(1.0, name), place)))
        z = self.derivative(root, name)
        if z is not None:
            for columns in self.scope.groupings:
                yield self.by(name, columns, z, root)
        exponent = Constant(1.0, f"p{self.next}")
        raised = replaced(self.root, place, Power(place, exponent))
        z = self.derivative(raised, exponent.name) if isinstance(place, Sum) else None
        if z is not None:
            yield self.scored(z, raised)

    def powers(self) -> Iterator[Move]:
        """Yield constants times a power, or an exponential, of a number."""
        for name in self.names:
            if name[0] != "c":
                continue
            beside = _inputs_beside(self.root, name)
            for x in self.scope.numbers:
                if x in beside:
                    continue
                exponent, z = Constant(0.0, f"p{self.next}"), self.effect(name)
                if x in self.scope.positive:
                    power = Power(Input(x), exponent)
                    yield self.scored(z * np.log(self.columns[x]), _with_factor(self.root, name, power))
                rising = Apply("exp", Product((exponent, Input(x))))
                yield self.scored(z * self.columns[x], _with_factor(self.root, name, rising))

    def brackets(self) -> Iterator[Move]:
        """Yield constants that change where a number reaches a place."""
        for name in self.names:
            if name[0] != "c":
                continue
            z = self.effect(name)
            for x in self.scope.numbers:
                place = self.place_of_bracket(z, self.columns[x].astype(np.float64))
                if place is None:
                    continue
                stair = Step(Input(x), (place,), (0.0, 1.0), f"step{self.next}")
                factor = Power(Constant(1.0, f"s{self.next}"), stair)
                root = _with_factor(self.root, name, factor)
                yield self.scored(np.where(self.columns[x] >= place, z, 0.0), root)

    def place_of_bracket(self, z: Array, x: Array) -> float | None:
        """Return the roundest of the places at which a change explains about as much as at the best."""
        order = np.argsort(x, kind="stable")
        values = x[order]
        slope, known = (np.cumsum((z * other)[order]) for other in (self.fit.residual, z))
        last = np.flatnonzero(values[1:] > values[:-1])
        last = last[(last >= FEWEST) & (last < len(x) - FEWEST)]
        if not len(last) or not known[-1] > 0.0:
            return None
        share = known[last] * (known[-1] - known[last]) / known[-1]
        apart = slope[last] - known[last] / known[-1] * slope[-1]
        gains = np.where(share > 1e-9 * known[-1], apart**2 / np.maximum(share, 1e-300), 0.0)
        near = gains >= gains.max() - ALIKE * self.fit.variance
        best = int(np.argmax(gains))
        low, high = best, best
        while low > 0 and near[low - 1]:
            low -= 1
        while high + 1 < len(near) and near[high + 1]:
            high += 1
        return _roundest(float(values[last[low]]), float(values[last[high] + 1]))

    def terms(self) -> Iterator[Move]:
        """Yield laws with a constant, a line or a bend added in some place."""
        for place in places_of(self.root):
            new = Constant(0.0, f"a{self.next}")
            shapes: list[Node] = [new]
            for x in self.scope.numbers:
                shapes.append(Product((new, Input(x))))
                values = self.columns[x].astype(np.float64)
                for bend in np.unique(np.quantile(values, np.linspace(0.1, 0.9, GRID))):
                    place_of = Constant(-float(bend), f"b{self.next + 1}")
                    shapes.append(Product((new, Maximum((Sum((Input(x), place_of)), Constant(0.0))))))
            for shape in shapes:
                root = replaced(self.root, place, Sum((place, shape)))
                z = self.derivative(root, new.name)
                if z is not None:
                    yield self.scored(z, root)

    def minimums(self) -> Iterator[Move]:
        """Yield laws of which a place is held at a minimum."""
        for place in places_of(self.root):
            if isinstance(place, Maximum):
                continue
            values = self.value(place)
            for level in np.unique(np.quantile(values, np.linspace(0.05, 0.85, GRID))):
                least = Constant(float(level), f"c{self.next}")
                yield self.tried(replaced(self.root, place, Maximum((least, place))))

    def larger(self) -> Iterator[Move]:
        """Yield laws that read the larger of a number and a multiple of another one."""
        read = {node.name for node in postorder(self.root) if isinstance(node, Input)}
        for x in self.scope.positive:
            for other in self.scope.positive:
                if other == x or x not in read or _is_in_larger(self.root, x):
                    continue
                ratio = self.columns[x] / self.columns[other]
                for level in np.unique(np.quantile(ratio, np.linspace(0.1, 0.9, GRID))):
                    times = Product((Constant(float(level), f"c{self.next}"), Input(other)))
                    both = Maximum((Input(x), times))
                    yield self.tried(replaced(self.root, Input(x), both))

    def tried(self, root: Node) -> Move:
        """Return a step to a law as it stands, its other numbers held."""
        residual = self.residual(root)
        squares = np.inf if residual is None else float(residual @ residual)
        return self.priced(squares, root, self.known, float(np.log(self.count)))

    def value(self, node: Node) -> Array:
        """Return the values of a part of the law, (n,)."""
        free, theta = self.of(node)
        with np.errstate(all="ignore"):
            value = GraphTape(node, self.columns, free).forward(theta)
        return np.asarray(np.broadcast_to(value, (self.count,)))

    def of(self, root: Node) -> tuple[FreeParameters, Array]:
        """Return the constants of a graph, and their values row by row: those of the law, and new ones as they are."""
        free = FreeParameters.of(root, None)
        theta = np.repeat(free.values[:, None], self.count, axis=1)
        for place, name in enumerate(free.names):
            if name in self.fit.free.blocks:
                theta[place] = self.theta[self.fit.free.blocks[name].start]
        return free, theta

    def residual(self, root: Node) -> Array | None:
        """Return what a law leaves, weighted; None where it has no value."""
        value = self.value(root)
        rows = self.scope.rows
        if self.scope.log:
            if not (value > 0.0).all():
                return None
            residual = np.log(rows.target) - np.log(value)
        else:
            residual = rows.target - value
        return np.asarray(residual * np.sqrt(rows.weight))

    def derivative(self, root: Node, name: str) -> Array | None:
        """Return the weighted derivative of the fitted values in a new constant, (n,)."""
        free, theta = self.of(root)
        value, derivative = GraphTape(root, self.columns, free).gradient(theta)
        z = derivative[:, free.names.index(name)] * np.sqrt(self.scope.rows.weight)
        z = z / value if self.scope.log else z
        return z if np.isfinite(z).all() and z.any() else None


def _roundest(low: float, high: float) -> float:
    """Return the number of fewest digits above one number and up to another.

    Examples
    --------
    >>> _roundest(44.7, 45.2), _roundest(0.96, 1.04), _roundest(187.0, 212.0)
    (45.0, 1.0, 200.0)
    """
    for digits in range(-int(np.floor(np.log10(max(abs(high), 1e-300)))) - 1, 16):
        for unit in (5.0, 2.0, 1.0):
            size = unit * 10.0**-digits
            number = float(np.floor(high / size * (1.0 + 1e-12)) * size)
            if low < number <= high:
                return float(f"{number:.12g}")
    return high


def places_of(root: Node) -> list[Node]:
    """Return the parts of a law that another part may stand beside: itself, and those of its sums and extremes."""
    found, seen = [root], [root]
    while seen:
        node = seen.pop()
        if isinstance(node, Maximum | Sum | Power):
            parts = [part for part in node.children if not isinstance(part, Constant | Input)]
            found += parts
            seen += parts
    return list({id(node): node for node in found}.values())


def replaced(root: Node, old: Node, new: Node) -> Node:
    """Return a graph with another node in the place of one."""
    if root is old or root == old:
        return new
    children = tuple(replaced(child, old, new) for child in root.children)
    return root.with_children(children) if children else root


def _with_factor(root: Node, name: str, factor: Node) -> Node:
    return rebuild(
        root,
        lambda node: Product((node, factor)) if isinstance(node, Constant) and node.name == name else node,
    )


def _inputs_beside(root: Node, name: str) -> set[str]:
    """Return the inputs that stand with a power, or in an exponential, in products with a constant."""
    found = set[str]()
    for node in postorder(root):
        if not isinstance(node, Product) or not any(
            isinstance(each, Constant) and each.name == name for each in postorder(node)
        ):
            continue
        for factor in node.factors:
            is_bracket = isinstance(factor, Power) and isinstance(factor.exponent, Step)
            is_power = isinstance(factor, Input | Power) and not is_bracket
            if is_power or (isinstance(factor, Apply) and factor.function == "exp"):
                found |= {each.name for each in postorder(factor) if isinstance(each, Input)}
    return found


def _is_in_larger(root: Node, name: str) -> bool:
    return any(isinstance(node, Maximum) and Input(name) in node.children for node in postorder(root))
