"""Steps from a law to one with more in it, and what each is foretold to gain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from kanopt.array_types import Floats
from kanopt.formulas.estimation.drawn import (
    LEVELS,
    By,
    Classes,
    Columns,
    Deviations,
    DrawnFit,
    Smooth,
    codes_of,
)
from kanopt.formulas.estimation.graph_tape import FreeParameters, GraphTape
from kanopt.formulas.estimation.naming import EstimationRows
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Input,
    Maximum,
    Node,
    Power,
    Product,
    Sum,
    count_operators,
    postorder,
    rebuild,
)
from kanopt.formulas.pieces import Step
from kanopt.formulas.simplify import simplify_graph

OPERATOR = 2.0 * float(np.log(12))
"""Length of the description of an operator: a choice among twelve (Rissanen 1978)."""

LAMBDAS = 10.0 ** np.arange(-4.0, 4.0)
"""Weights of a table or curve that are tried, in the mean information of its numbers."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """A law that was foretold to make the description shorter by `gain`.

    Parameters
    ----------
    gain
        By how much.
    root
        The law; its constants have the values to begin with.
    by
        What they differ by.
    held
        Constants that keep their values.
    """

    gain: float
    root: Node
    by: By
    held: frozenset[str]


class ClassScope:
    """The rows that a law is searched on.

    Parameters
    ----------
    rows
        The rows.
    log
        Whether the logarithm of the target is fitted.

    Attributes
    ----------
    floor
        A mean square that is as good as zero.
    read
        The columns of numbers that are tried.
    groupings
        Categories, and pairs of them, by which constants may differ.
    curves
        The numbers by which constants may change along a curve.
    """

    floor: float
    read: Sequence[str]

    def __init__(self, rows: EstimationRows, *, log: bool) -> None:
        self.rows, self.log = rows, log
        self.groupings, self.curves = list[Columns](), list[Columns]()
        self._kinds: dict[Columns, Deviations] = {}

    def add_curve(self, curve: Smooth) -> None:
        """Let constants change along a curve."""
        self.curves.append(curve.columns)
        self._kinds[curve.columns] = curve

    def _kind(self, columns: Columns) -> Deviations:
        if columns not in self._kinds:
            codes, labels = codes_of([self.rows.columns[name] for name in columns])
            self._kinds[columns] = Classes("", columns, codes, labels, factor=False)
        return self._kinds[columns]

    def deviations(self, name: str, columns: Columns) -> Deviations:
        """Return what a constant differs by, or changes with."""
        return replace(self._kind(columns), name=name, factor=name[0] in LEVELS)

    def size(self, columns: Columns) -> int:
        """Return how many numbers a table or curve has."""
        return self._kind(columns).size

    @property
    def varying(self) -> list[Columns]:
        """The columns by which a constant may differ, or change."""
        return [*self.groupings, *self.curves]

    @cached_property
    def numbers(self) -> list[str]:
        """The columns of numbers that vary."""
        return [name for name in self.read if np.ptp(self.rows.columns[name]) > 0]

    @cached_property
    def positive(self) -> list[str]:
        """Those that are above zero."""
        return [name for name in self.numbers if self.rows.columns[name].min() > 0]


class ScoreTest:
    """What is foretold of laws that have more in them than a fitted one.

    Parameters
    ----------
    scope
        The rows.
    fit
        The fitted law.
    by_evidence
        Whether a constant costs what the rows tell of it beside the others, and not the same always (a prior that
        says as much as one row: Kass and Wasserman 1995, JASA 90).
    """

    def __init__(self, scope: ClassScope, fit: DrawnFit, *, by_evidence: bool = False) -> None:
        self.scope, self.fit, self.by_evidence = scope, fit, by_evidence
        self.floor, self.count = scope.floor + np.finfo(float).tiny, fit.residual.size
        self.slope = fit.slopes * fit.factors

    def gain(self, squares: float, volume: float = 0.0) -> float:
        """Return by how much shorter the description is with so many squares left, and so much more to tell."""
        before, after = self.fit.squares / self.count, max(squares / self.count, 0.0)
        return self.count * float(np.log(before + self.floor) - np.log(after + self.floor)) - volume

    @np.errstate(all="ignore")
    def of_constants(self, *columns: Floats) -> float:
        """Return what constants gain of which these are the derivatives of the fitted values; (n,) each."""
        z = np.column_stack(columns)
        own = z.T @ z
        if not np.isfinite(own).all():
            return -np.inf
        left = own - self._explained(z)
        if not (left.diagonal() > 1e-6 * own.diagonal()).all():
            return -np.inf
        slope = z.T @ self.fit.residual
        told = len(columns) * float(np.log(self.count))
        if self.by_evidence:
            size = np.sqrt(own.diagonal() / self.count)
            told = float(np.linalg.slogdet(left / np.outer(size, size) + np.eye(len(columns)))[1])
        try:
            return self.gain(self.fit.squares - float(slope @ np.linalg.solve(left, slope)), told)
        except np.linalg.LinAlgError:
            return -np.inf

    def _explained(self, z: Floats) -> Floats:
        """Return the products of columns, (n, k), as far as the numbers of the law explain them, (k, k)."""
        across = [self.slope @ z]
        for each in self.fit.classes:
            own = self.fit.effect(each.name, factor=each.factor)
            across.append(np.column_stack([each.gathered(own * column) for column in z.T]))
        return np.asarray(np.vstack(across).T @ self.fit.inverse @ np.vstack(across))

    @np.errstate(all="ignore")
    def of_deviations(self, each: Deviations, z: Floats) -> float:
        """Return what it gains that a constant of which z is the derivative differs by class, or with a number.

        What the law explains already is taken off for curves alone: tables have hundreds of numbers.
        """
        slope, told = each.gathered(z * self.fit.residual), float(np.log(self.count))
        if isinstance(each, Classes):
            known = each.gathered(z * z)
        else:
            moved = each.basis * z[:, None]
            if not np.isfinite(moved.T @ moved).all():
                return -np.inf
            known, turned = np.linalg.eigh(moved.T @ moved - self._explained(moved))
            known, slope = np.maximum(known, 0.0), slope @ turned
            told *= 1.0 + float(np.sum(~each.pulled))
        held = LAMBDAS[:, None] * max(float(known.mean()), 1e-300)
        gained = (slope**2 / (known + held)).sum(axis=1)
        volume = np.log1p(known / held).sum(axis=1) + told
        pairs = zip(gained.tolist(), volume.tolist(), strict=True)
        return max(self.gain(self.fit.squares - less, more) for less, more in pairs)


GRID = 7
"""Places at which a minimum, or a bend, is tried."""
TOGETHER = 400
"""Numbers of tables up to which all constants are made to differ at once."""
FEWEST = 5
"""Rows on either side of a bracket at least."""
ALIKE = 6.0
"""Length by which the place of a bracket may be worse than the best place where it is a rounder number."""


def proposal(gain: float, root: Node, by: By, held: frozenset[str] = frozenset()) -> Proposal:
    """Return a law without constants that no class moves any more; others of one letter keep their values."""
    of = {name for name, _ in by}
    for name in FreeParameters.of(root, None).names:
        if name[0] == "u" and name not in of:
            root = simplify_graph(in_place_of(root, name, lambda _: Constant(1.0)))
    return Proposal(gain, root, by, held | {name for name in of if name[0] == "u"})


# ── the steps ──


class ClassMoves(ScoreTest):
    """The steps from a law, each with what it is foretold to gain; see :class:`ScoreTest`."""

    def __init__(self, scope: ClassScope, fit: DrawnFit, *, by_evidence: bool = False) -> None:
        super().__init__(scope, fit, by_evidence=by_evidence)
        self.root, self.known, self.names = fit.root, fit.by, list(fit.free.blocks)
        self.levels = [name for name in self.names if name[0] == "c"]
        self.places = places_of(self.root)
        self.columns = scope.rows.columns
        self.next = max((int(name[1:]) for name in self.names), default=0) + 1

    def all(self) -> Iterator[Proposal]:
        """Yield every step."""
        yield from self.tables()
        yield from self.powers()
        yield from self.brackets()
        yield from self.terms()
        yield from self.minimums()
        yield from self.larger()

    def priced(self, gain: float, root: Node, by: By, level: str = "") -> Proposal:
        """Return a law that is foretold to gain so much, less what it takes to tell its operators."""
        operators = count_operators(root) - count_operators(self.root) + len(by) - len(self.known)
        return proposal(gain - OPERATOR * operators, root, by, self.fit.held - {level})

    def scored(self, z: Floats, root: Node, level: str = "") -> Proposal:
        """Return a law with a constant of which z is the derivative of the fitted values.

        The level beside it moves, too, where it was held: a line of a column has no mean of zero.
        """
        beside = [self.fit.effect(level)] if level in self.fit.held else []
        return self.priced(self.of_constants(z, *beside), root, self.known, level)

    def deviation(self, name: str) -> Floats:
        """Return the derivative in a deviation of a constant."""
        return self.fit.effect(name, factor=name[0] in LEVELS)

    def released(self) -> Iterator[Proposal]:
        """Yield laws in which a constant moves that was held."""
        for name in self.names:
            if name in self.fit.held and name[0] != "u":
                yield self.priced(self.of_constants(self.fit.effect(name)), self.root, self.known, name)

    def tables(self) -> Iterator[Proposal]:
        """Yield constants by category, one of them or all at once, and parts times a factor by category."""
        for columns in self.scope.varying:
            names = [n for n in self.names if (n, columns) not in self.known and self.may_vary(n, columns)]
            moves = [self.by(name, columns, self.deviation(name), self.root) for name in names]
            yield from moves
            if len(moves) > 1 and len(moves) * self.scope.size(columns) <= TOGETHER:
                by = (*self.known, *((name, columns) for name in names))
                yield proposal(sum(max(move.gain, 0.0) for move in moves), self.root, by, self.fit.held)
        for place in self.places:
            if isinstance(place, Maximum | Sum):
                yield from self.factors(place)

    def may_vary(self, name: str, columns: Columns) -> bool:
        """Whether a constant may differ by columns: an exponent that moves may, but changes with no number."""
        return name[0] != "p" or not (columns in self.scope.curves or name in self.fit.held)

    def by(self, name: str, columns: Columns, z: Floats, root: Node) -> Proposal:
        """Return a constant by category; z is the derivative in a deviation of it."""
        gain = self.of_deviations(self.scope.deviations(name, columns), z)
        return self.priced(gain, root, (*self.known, (name, columns)))

    def factors(self, place: Node) -> Iterator[Proposal]:
        """Yield a place times a factor by category."""
        name = f"u{self.next}"
        root = replaced(self.root, place, Product((Constant(1.0, name), place)))
        z = self.derivative(root, name)
        if z is not None:
            for columns in self.scope.groupings:
                yield self.by(name, columns, z, root)

    def at_level(self, name: str, z: Floats, kind: type[Product | Sum], other: Node) -> Proposal:
        """Return a law with a level and another part in its place; z is the derivative in that one's number."""
        return self.scored(z, in_place_of(self.root, name, lambda node: kind((node, other))), name)

    def lines(self) -> Iterator[Proposal]:
        """Yield levels with a line of a number."""
        for name, x in product(self.levels, self.scope.numbers):
            line = Product((Constant(0.0, f"a{self.next}"), Input(x)))
            yield self.at_level(name, self.fit.effect(name) * self.columns[x], Sum, line)

    def powers(self) -> Iterator[Proposal]:
        """Yield constants times a power, or an exponential, of a number."""
        for name, x in product(self.levels, self.scope.numbers):
            if x in _inputs_beside(self.root, name):
                continue
            exponent, z = Constant(0.0, f"p{self.next}"), self.deviation(name)
            if x in self.scope.positive:
                yield self.at_level(name, z * np.log(self.columns[x]), Product, Power(Input(x), exponent))
            rising = Apply("exp", Product((exponent, Input(x))))
            yield self.at_level(name, z * self.columns[x], Product, rising)

    def brackets(self) -> Iterator[Proposal]:
        """Yield constants that change where a number reaches a place."""
        for name, x in product(self.levels, self.scope.numbers):
            z, values = self.deviation(name), self.columns[x].astype(np.float64)
            place = self.place_of_bracket(z, values)
            if place is not None:
                stair = Step(Input(x), (place,), (0.0, 1.0), f"step{self.next}")
                factor = Power(Constant(1.0, f"s{self.next}"), stair)
                yield self.at_level(name, np.where(values >= place, z, 0.0), Product, factor)

    def place_of_bracket(self, z: Floats, x: Floats) -> float | None:
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

    def terms(self, *, bends: bool = True) -> Iterator[Proposal]:
        """Yield laws with a constant, a line or a bend added in some place."""
        added = next((name for name in self.names if name[0] == "a" and name in self.fit.held), "")
        new = Constant(0.0, f"a{self.next}")
        shapes: list[tuple[Node, Floats | float]] = [(new, 1.0)]
        for x in self.scope.numbers:
            values: Floats = self.columns[x].astype(np.float64)
            shapes.append((Product((new, Input(x))), values))
            for bend in np.unique(np.quantile(values, np.linspace(0.1, 0.9, GRID))) if bends else ():
                hinge = Maximum((Sum((Input(x), Constant(-float(bend), f"b{self.next + 1}"))), Constant(0.0)))
                shapes.append((Product((new, hinge)), np.maximum(values - bend, 0.0)))
        for place in self.places:
            z = self.derivative(replaced(self.root, place, Sum((place, new))), new.name)
            if z is None:
                continue
            for shape, size in shapes:
                if np.any(z * size):
                    yield self.scored(z * size, replaced(self.root, place, Sum((place, shape))), added)

    def minimums(self) -> Iterator[Proposal]:
        """Yield laws of which a place is held at a minimum."""
        for place in self.places:
            if isinstance(place, Maximum):
                continue
            values = self.value(place)
            for level in np.unique(np.quantile(values, np.linspace(0.05, 0.85, GRID))):
                least = Constant(float(level), f"c{self.next}")
                yield self.tried(replaced(self.root, place, Maximum((least, place))))

    def larger(self) -> Iterator[Proposal]:
        """Yield laws that read the larger of a number and a multiple of another one."""
        nodes = postorder(self.root)
        read = {node.name for node in nodes if isinstance(node, Input)}
        compared = {
            each.name
            for node in nodes
            if isinstance(node, Maximum)
            for each in node.parts
            if isinstance(each, Input)
        }
        for x in self.scope.positive:
            for other in self.scope.positive:
                if other == x or x not in read or x in compared:
                    continue
                ratio = self.columns[x] / self.columns[other]
                for level in np.unique(np.quantile(ratio, np.linspace(0.1, 0.9, GRID))):
                    times = Product((Constant(float(level), f"c{self.next}"), Input(other)))
                    both = Maximum((Input(x), times))
                    yield self.tried(replaced(self.root, Input(x), both))

    def tried(self, root: Node) -> Proposal:
        """Return a step to a law as it stands, its other numbers held."""
        value, rows, left = self.value(root), self.scope.rows, np.full(self.count, np.inf)
        if not self.scope.log:
            left = rows.target - value
        elif (value > 0.0).all():
            left = np.log(rows.target) - np.log(value)
        squares = float(rows.weight @ left**2)
        return self.priced(self.gain(squares, float(np.log(self.count))), root, self.known)

    @np.errstate(all="ignore")
    def value(self, node: Node) -> Floats:
        """Return the values of a part of the law, (n,)."""
        free, theta = self.of(node)
        value = GraphTape(node, self.columns, free).forward(theta)
        return np.asarray(np.broadcast_to(value, (self.count,)))

    def of(self, root: Node) -> tuple[FreeParameters, Floats]:
        """Return the constants of a graph, and their values row by row: those of the law, and new ones as they are."""
        free = FreeParameters.of(root, None)
        theta = np.repeat(free.values[:, None], self.count, axis=1)
        for place, name in enumerate(free.names):
            if name in self.fit.free.blocks:
                theta[place] = self.fit.theta[self.fit.place(name)]
        return free, theta

    def derivative(self, root: Node, name: str) -> Floats | None:
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


def in_place_of(root: Node, name: str, make: Callable[[Node], Node]) -> Node:
    """Return a graph with what is made of a constant in the place of the constant."""
    return rebuild(
        root, lambda node: make(node) if isinstance(node, Constant) and node.name == name else node
    )
