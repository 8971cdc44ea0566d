"""Laws whose constants differ by class: minimum and rate by lane and mode, brackets of weight, a surcharge by month.

The search begins with a power of a column, with a minimum or with a fee beside it, and makes one constant after the
other depend on a column: on a category, or two, as a table drawn together by evidence; on a number as a power or as a
bracket. Terms, minimums and hinges are added in the same way. What a step would gain is foretold by a score test on the
tape of the law (Rao 1948; for a variance between classes, of its marginal likelihood), the best few are fitted, and the
length of the description of the rows decides, in which the deviations of a table are integrated out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Constant, Input, Maximum, Node, Power, Product, Sum, Table
from kanopt.formulas.complexity import count_operators
from kanopt.formulas.estimation.drawn import Classes, DrawnFit, blocks, fit_drawn, rowwise
from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.estimation.graph_tape import GraphTape
from kanopt.formulas.nodes import postorder, rebuild
from kanopt.formulas.parameters import Covariance, parameters_of, piece_numbers
from kanopt.formulas.pieces import Step
from kanopt.formulas.simplify import simplify_graph

__all__ = ["ClassLaw", "class_law"]

Array = NDArray[np.float64]
Columns = tuple[str, ...]
By = tuple[tuple[str, Columns], ...]

FLOOR = 1e-8
"""Error, in spreads of the target, below which a law is exact."""
OPERATOR = 2.0 * float(np.log(12))
"""Length of the description of an operator: a choice among twelve (Rissanen 1978)."""
FIRST, MOVES, TRIES = 4, 24, 3
"""Steps from every start, from the best of them at most, and those that are fitted before the best is taken."""
MOST = 600
"""Classes of a table at most: every one is a number to estimate."""
ROWS = 4000
"""Rows that laws are searched on; the last is fitted to all."""
GRID = 9
"""Places at which a minimum, or a bend, is tried."""
FEWEST = 5
"""Rows on either side of a bracket at least."""
LAMBDAS = 10.0 ** np.arange(-4.0, 4.0)
"""Weights of a table that are tried, in the mean information of its classes."""
LEVELS = "csu"
"""First letters of constants of which classes are factors: levels, steps of brackets, and ones that only classes move.

Others are exponents (p), what is added (a), and places of bends (b).
"""
TOLD = 100
"""Numbers of tables up to which their covariance is told with that of the constants."""
ALIKE = 6.0
"""Length by which the place of a bracket may be worse than the best place where it is a rounder number."""


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

    def written(self, smearing: float = 1.0) -> tuple[Node, Covariance | None]:
        """Return the law, and the covariance of its constants and of the numbers of its tables."""
        fit = self.fit
        root, names, slopes = _written(fit, fit.numbers, smearing)
        constants = parameters_of(root)
        told = [n in constants or ("[" in n and len(names) <= TOLD) for n in names]
        slopes = slopes[told]
        kept = [name for name, tells in zip(names, told, strict=True) if tells]
        if not kept:
            return root, None
        freedom = max(fit.residual.size - fit.parameters, 1.0)
        matrix = slopes @ fit.covariance @ slopes.T
        return root, Covariance.of(kept, 0.5 * (matrix + matrix.T), freedom)


@dataclass(frozen=True, eq=False)
class _Draft:
    """A law on its way."""

    root: Node
    by: By
    fit: DrawnFit
    length: float


@dataclass(frozen=True, eq=False)
class _Move:
    """A step that was foretold to make the description shorter by `gain`."""

    gain: float
    root: Node
    by: By


def class_law(
    columns: Mapping[str, NDArray[np.generic]],
    target: Array,
    weight: Array,
    should_stop: Callable[[], bool] = lambda: False,
) -> ClassLaw | None:
    """Return a law of some columns whose constants differ by class; None where nothing depends on a class.

    Parameters
    ----------
    columns
        Numbers as float64, and categories as text, (n,) each.
    target, weight
        The target, and how many rows each stands for, (n,).
    should_stop
        Says whether time is up.
    """
    everything = EstimationRows(dict(columns), target, weight)
    chosen = np.sort(np.random.default_rng(0).permutation(len(target))[:ROWS])
    few = everything if len(target) <= ROWS else everything.select(chosen)
    log = bool(target.min() > 0.0)
    search = _Search(few, log, should_stop)
    first = [search.grown(search.fitted(*start), FIRST) for start in search.starts()]
    found = [each for each in first if each is not None]
    if not found:
        return None
    best = search.grown(min(found, key=lambda each: each.length), MOVES)
    assert best is not None
    scales = [_Search(everything, each, should_stop) for each in ((True, False) if log else (False,))]
    again = [(search, search.fitted(best.root, best.by, best.fit)) for search in scales]
    laws = [(search, search.plainer(each)) for search, each in again if each is not None]
    if not laws:
        return None
    search, best = min(laws, key=lambda pair: pair[1].length)
    return ClassLaw(best.fit, search.log, best.length, weight) if best.by else None


class _Search:
    """The search for a law on some rows."""

    def __init__(self, rows: EstimationRows, log: bool, should_stop: Callable[[], bool]) -> None:
        self.rows, self.log, self.should_stop = rows, log, should_stop
        columns = rows.columns
        self.numbers = [n for n, v in columns.items() if v.dtype != object and np.ptp(v) > 0]
        self.positive = [n for n in self.numbers if columns[n].min() > 0]
        labels = {n: v for n, v in columns.items() if v.dtype == object}
        self.groupings = dict[Columns, tuple[NDArray[np.intp], tuple[Columns, ...]]]()
        for size in (1, 2):
            for names in combinations(labels, size):
                codes, known = _codes([labels[name] for name in names])
                if 1 < len(known) <= min(MOST, rows.count // 2):
                    self.groupings[names] = codes, known
        fitted = np.log(rows.target) if log else rows.target
        middle = float(np.average(fitted, weights=rows.weight))
        self.floor = FLOOR**2 * max(float(np.average((fitted - middle) ** 2, weights=rows.weight)), 1e-300)
        # a density of log y is one of y once it is divided by y
        self.jacobian = 2.0 * float(rows.weight @ fitted) if log else 0.0

    def starts(self) -> Iterator[tuple[Node, By]]:
        """Yield laws to begin with: a power of the column that says most, with a minimum, with a fee."""
        level = float(np.exp(np.mean(np.log(np.maximum(np.abs(self.rows.target), 1e-12)))))
        alone = Constant(level, "c1")
        best: tuple[float, str] | None = None
        for name in self.positive:
            middle = float(np.exp(np.mean(np.log(self.rows.columns[name]))))
            found = self.fitted(
                Product((Constant(level / middle, "c1"), Power(Input(name), Constant(1.0, "p1")))), ()
            )
            if found is not None and (best is None or found.length < best[0]):
                best = found.length, name
        if best is None:
            yield alone, ()
            return
        x = self.rows.columns[best[1]]
        rate = Constant(float(np.median(self.rows.target / x)), "c1")
        line = Product((rate, Power(Input(best[1]), Constant(1.0, "p1"))))
        least = Constant(float(np.quantile(self.rows.target, 0.2)), "c2")
        yield line, ()
        yield Maximum((least, line)), ()
        yield Sum((least, line)), ()

    def fitted(self, root: Node, by: By, start: DrawnFit | None = None) -> _Draft | None:
        """Return a law at its most probable numbers; None where it has none."""
        of = {name for name, _ in by}
        idle = [n for n in FreeParameters.of(root, None).names if n[0] == "u" and n not in of]
        for name in idle:
            root = simplify_graph(_with_value(root, name, 1.0))
        classes = [self.classes(name, columns) for name, columns in by]
        held = [name for name, _ in by if name[0] == "u"]
        fit = fit_drawn(root, self.rows, classes, start, log=self.log, held=held)
        return None if fit is None else _Draft(root, by, fit, self.length(fit))

    def classes(self, name: str, columns: Columns) -> Classes:
        codes, labels = self.groupings[columns]
        return Classes(name, columns, codes, labels, factor=name[0] in LEVELS)

    def length(self, fit: DrawnFit) -> float:
        """Return the length of the description of the rows by a law."""
        told = sum(name[0] != "u" for name in fit.free.names) + len(fit.classes)
        price = OPERATOR * (count_operators(fit.root) + len(fit.classes))
        return fit.surprise(self.floor) + self.jacobian + float(np.log(self.rows.count)) * told + price

    def grown(self, draft: _Draft | None, most: int) -> _Draft | None:
        """Return the law to which one grows in so many steps at most."""
        for _ in range(most):
            if draft is None or self.should_stop():
                return draft
            moves = sorted(_Moves(self, draft).all(), key=lambda move: -move.gain)[: 2 * TRIES]
            best = draft
            for count, move in enumerate(moves, start=1):
                trial = self.fitted(move.root, move.by, draft.fit)
                if trial is not None and trial.length < best.length:
                    best = trial
                if count >= TRIES and best is not draft:
                    break
            if best is draft:
                break
            draft = best
        return None if draft is None else self.plainer(draft)

    def plainer(self, draft: _Draft) -> _Draft:
        """Return the law without what does not shorten the description, and exponents as simple numbers."""
        while True:
            trials = [self.fitted(root, by, draft.fit) for root, by in _plainer(draft)]
            best = min((t for t in trials if t is not None), key=lambda t: t.length, default=draft)
            if not best.length < draft.length:
                return draft
            draft = best


def _codes(columns: Sequence[NDArray[np.generic]]) -> tuple[NDArray[np.intp], tuple[Columns, ...]]:
    """Return the class of every row, and the labels of all."""
    import pandas as pd

    codes, labels = pd.factorize(pd.MultiIndex.from_arrays(list(columns)), sort=True)
    return codes.astype(np.intp), tuple(tuple(map(str, each)) for each in labels)


class _Moves:
    """The steps from a law, each with what it is foretold to gain."""

    def __init__(self, search: _Search, draft: _Draft) -> None:
        self.search, self.draft, self.fit = search, draft, draft.fit
        self.names = list(self.fit.free.blocks)
        self.theta, slope = rowwise(self.fit.numbers, self.fit.free, self.fit.classes, self.fit.residual.size)
        self.slope = self.fit.slopes * slope
        self.count = self.fit.residual.size
        self.columns = search.rows.columns
        taken = [int(name[1:]) for name in self.names]
        self.next = max(taken, default=0) + 1

    def all(self) -> Iterator[_Move]:
        yield from self.tables()
        yield from self.powers()
        yield from self.brackets()
        yield from self.terms()
        yield from self.minimums()
        yield from self.larger()

    def priced(self, squares: float, root: Node, by: By, volume: float = 0.0) -> _Move:
        """Return a step after which so many squares are left."""
        before, after = self.fit.squares / self.count, squares / self.count
        told = self.count * float(
            np.log((before + self.search.floor) / (max(after, 0.0) + self.search.floor))
        )
        operators = count_operators(root) - count_operators(self.draft.root) + len(by) - len(self.draft.by)
        return _Move(told - volume - OPERATOR * operators, root, by)

    def scored(self, z: Array, root: Node) -> _Move:
        """Return a step that brings in a constant of which z is the derivative of the fitted values."""
        across = np.concatenate([self.slope @ z, *self.by_class(z)])
        own = float(z @ z)
        left = own - float(across @ self.fit.inverse @ across)
        slope = float(z @ self.fit.residual)
        if not left > 1e-6 * own:
            return self.priced(self.fit.squares, root, self.draft.by, np.inf)
        return self.priced(self.fit.squares - slope**2 / left, root, self.draft.by, float(np.log(self.count)))

    def by_class(self, z: Array) -> list[Array]:
        return [
            np.bincount(each.codes, own * z, each.size)
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
        return slopes * self.theta[place] if name[0] in LEVELS else slopes

    def tables(self) -> Iterator[_Move]:
        """Yield constants by category."""
        for name in self.names:
            z = self.effect(name)
            for columns in self.search.groupings:
                if (name, columns) not in self.draft.by:
                    yield self.by(name, columns, z, self.draft.root)
        for place in _places(self.draft.root):
            if isinstance(place, Maximum | Sum):
                yield from self.factors(place)

    def by(self, name: str, columns: Columns, z: Array, root: Node) -> _Move:
        """Return a constant by category; z is the derivative in a deviation of it."""
        codes, labels = self.search.groupings[columns]
        slope = np.bincount(codes, z * self.fit.residual, len(labels))
        known = np.bincount(codes, z * z, len(labels))
        held = LAMBDAS[:, None] * max(float(known.mean()), 1e-300)
        gained = (slope**2 / (known + held)).sum(axis=1)
        volume = np.log1p(known / held).sum(axis=1) + float(np.log(self.count))
        by = (*self.draft.by, (name, columns))
        moves = [
            self.priced(self.fit.squares - less, root, by, more)
            for less, more in zip(gained.tolist(), volume.tolist(), strict=True)
        ]
        return max(moves, key=lambda move: move.gain)

    def factors(self, place: Node) -> Iterator[_Move]:
        """Yield a place times a factor by category."""
        name = f"u{self.next}"
        root = _replaced(self.draft.root, place, Product((Constant(1.0, name), place)))
        z = self.derivative(root, name)
        if z is not None:
            for columns in self.search.groupings:
                yield self.by(name, columns, z, root)

    def powers(self) -> Iterator[_Move]:
        """Yield constants times a power of a number."""
        for name in self.names:
            if name[0] != "c":
                continue
            beside = _inputs_beside(self.draft.root, name)
            for x in self.search.positive:
                if x in beside:
                    continue
                z = self.effect(name) * np.log(self.columns[x])
                power = Power(Input(x), Constant(0.0, f"p{self.next}"))
                yield self.scored(z, _with_factor(self.draft.root, name, power))

    def brackets(self) -> Iterator[_Move]:
        """Yield constants that change where a number reaches a place."""
        for name in self.names:
            if name[0] != "c":
                continue
            z = self.effect(name)
            for x in self.search.numbers:
                place = self.place_of_bracket(z, self.columns[x].astype(np.float64))
                if place is None:
                    continue
                stair = Step(Input(x), (place,), (0.0, 1.0), f"step{self.next}")
                factor = Power(Constant(1.0, f"s{self.next}"), stair)
                root = _with_factor(self.draft.root, name, factor)
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

    def terms(self) -> Iterator[_Move]:
        """Yield laws with a constant, a line or a bend added in some place."""
        for place in _places(self.draft.root):
            new = Constant(0.0, f"a{self.next}")
            shapes: list[Node] = [new]
            for x in self.search.numbers:
                shapes.append(Product((new, Input(x))))
                values = self.columns[x].astype(np.float64)
                for bend in np.unique(np.quantile(values, np.linspace(0.1, 0.9, GRID))):
                    place_of = Constant(-float(bend), f"b{self.next + 1}")
                    shapes.append(Product((new, Maximum((Sum((Input(x), place_of)), Constant(0.0))))))
            for shape in shapes:
                root = _replaced(self.draft.root, place, Sum((place, shape)))
                z = self.derivative(root, new.name)
                if z is not None:
                    yield self.scored(z, root)

    def minimums(self) -> Iterator[_Move]:
        """Yield laws of which a place is held at a minimum."""
        for place in _places(self.draft.root):
            if isinstance(place, Maximum):
                continue
            values = self.value(place)
            for level in np.unique(np.quantile(values, np.linspace(0.05, 0.85, GRID))):
                least = Constant(float(level), f"c{self.next}")
                yield self.tried(_replaced(self.draft.root, place, Maximum((least, place))))

    def larger(self) -> Iterator[_Move]:
        """Yield laws that read the larger of a number and a multiple of another one."""
        read = {node.name for node in postorder(self.draft.root) if isinstance(node, Input)}
        for x in self.search.positive:
            for other in self.search.positive:
                if other == x or x not in read or _is_in_larger(self.draft.root, x):
                    continue
                ratio = self.columns[x] / self.columns[other]
                for level in np.unique(np.quantile(ratio, np.linspace(0.1, 0.9, GRID))):
                    times = Product((Constant(float(level), f"c{self.next}"), Input(other)))
                    both = Maximum((Input(x), times))
                    yield self.tried(_replaced(self.draft.root, Input(x), both))

    def tried(self, root: Node) -> _Move:
        """Return a step to a law as it stands, its other numbers held."""
        residual = self.residual(root)
        squares = np.inf if residual is None else float(residual @ residual)
        return self.priced(squares, root, self.draft.by, float(np.log(self.count)))

    def value(self, node: Node) -> Array:
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
        value = self.value(root)
        rows = self.search.rows
        if self.search.log:
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
        z = derivative[:, free.names.index(name)] * np.sqrt(self.search.rows.weight)
        z = z / value if self.search.log else z
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


def _places(root: Node) -> list[Node]:
    """Return the parts of a law that another part may stand beside: itself, and those of its sums and extremes."""
    found, seen = [root], [root]
    while seen:
        node = seen.pop()
        if isinstance(node, Maximum | Sum):
            parts = [part for part in node.children if not isinstance(part, Constant | Input)]
            found += parts
            seen += parts
    return list({id(node): node for node in found}.values())


def _replaced(root: Node, old: Node, new: Node) -> Node:
    """Return a graph with another node in the place of one."""
    if root is old or root == old:
        return new
    children = tuple(_replaced(child, old, new) for child in root.children)
    return root.with_children(children) if children else root


def _with_factor(root: Node, name: str, factor: Node) -> Node:
    return rebuild(
        root,
        lambda node: Product((node, factor)) if isinstance(node, Constant) and node.name == name else node,
    )


def _with_value(root: Node, name: str, value: float) -> Node:
    """Return a graph with a number in the place of a constant."""
    return rebuild(
        root, lambda node: Constant(value) if isinstance(node, Constant) and node.name == name else node
    )


def _inputs_beside(root: Node, name: str) -> set[str]:
    """Return the inputs that stand with a power in products with a constant."""
    found = set[str]()
    for node in postorder(root):
        if isinstance(node, Product) and any(
            isinstance(each, Constant) and each.name == name for each in postorder(node)
        ):
            powers = [each for each in node.children if isinstance(each, Power)]
            found |= {each.base.name for each in powers if isinstance(each.base, Input)}
            found |= {each.name for each in node.children if isinstance(each, Input)}
    return found


def _is_in_larger(root: Node, name: str) -> bool:
    return any(isinstance(node, Maximum) and Input(name) in node.children for node in postorder(root))


def _plainer(draft: _Draft) -> Iterator[tuple[Node, By]]:
    """Yield laws with one thing less: a table, or a constant at the value at which it says nothing."""
    yield from _with_fewer_classes(draft)
    yield from _with_common_factor(draft)
    values = dict(zip(draft.fit.free.names, draft.fit.numbers.tolist(), strict=False))
    drawn = {name for name, _ in draft.by}
    for name, value in values.items():
        if name in drawn:
            continue
        simple = {"p": np.round(2.0 * value) / 2.0, "a": 0.0, "s": 1.0}.get(name[0])
        if simple is None:
            continue
        root = simplify_graph(_with_value(draft.root, name, float(simple)))
        left = set(FreeParameters.of(root, None).names)
        yield root, tuple(each for each in draft.by if each[0] in left)


def _with_fewer_classes(draft: _Draft) -> Iterator[tuple[Node, By]]:
    """Yield laws without a table, or with two tables of a column each in the place of one of both.

    One of the two may be of another level.
    """
    levels = [name for name in draft.fit.free.names if name[0] in "cu"]
    for each in draft.by:
        others = tuple(other for other in draft.by if other is not each)
        yield draft.root, others
        if len(each[1]) == 1:
            continue
        for column in each[1]:
            kept = (each[0], tuple(other for other in each[1] if other != column))
            for name in levels if each[0][0] == "u" else [each[0]]:
                more = [pair for pair in (kept, (name, (column,))) if pair not in others]
                yield draft.root, (*others, *more)


def _with_common_factor(draft: _Draft) -> Iterator[tuple[Node, By]]:
    """Yield laws of which a part is multiplied by one table in the place of tables of all its levels."""
    for place in _places(draft.root):
        if not isinstance(place, Maximum | Sum):
            continue
        levels = {n.name for n in postorder(place) if isinstance(n, Constant) and n.name[:1] in ("c", "a")}
        shared = [{columns for name, columns in draft.by if name == level} for level in levels]
        for columns in set.intersection(*shared) if len(shared) > 1 else ():
            name = f"u{max(int(each[1:]) for each in draft.fit.free.names) + 1}"
            root = _replaced(draft.root, place, Product((Constant(1.0, name), place)))
            kept = tuple(each for each in draft.by if each[0] not in levels or each[1] != columns)
            yield root, (*kept, (name, columns))


def _written(fit: DrawnFit, numbers: Array, smearing: float) -> tuple[Node, list[str], Array]:
    """Return a law with its tables, the names of its numbers, and their derivatives in those of the fit, (k, p)."""
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
    return simplify_graph(rebuild(simplify_graph(root), _as_one_stair)), names, np.array(slopes)


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
    for number, (x, steps) in enumerate(stairs.items(), start=1):
        places, values = zip(*sorted(steps), strict=True)
        levels = np.concatenate([[1.0], np.cumprod(values)])
        rest.append(Step(x, places, tuple(levels.tolist()), f"step{number}" if len(stairs) > 1 else "step"))
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
