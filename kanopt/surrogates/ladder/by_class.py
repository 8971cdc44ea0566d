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
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Apply, Constant, Input, Maximum, Node, Power, Product, Sum
from kanopt.formulas.complexity import count_operators
from kanopt.formulas.estimation.drawn import Classes, DrawnFit, fit_drawn
from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.nodes import postorder, rebuild
from kanopt.formulas.simplify import simplify_graph
from kanopt.surrogates.ladder.class_law import LEVELS, ClassLaw, Columns
from kanopt.surrogates.ladder.class_moves import By, ClassMoves, Scope, places_of, replaced
from kanopt.surrogates.ladder.rungs import FLOOR, OPERATOR, Rung
from kanopt.surrogates.ladder.trained import Trained

Array = NDArray[np.float64]

FIRST, MOVES, TRIES = 4, 14, 3
"""Steps from every start, from the best of them at most, and those that are fitted before the best is taken."""
MOST = 600
"""Classes of a table at most: every one is a number to estimate."""
LARGEST = 700
"""Numbers of all tables of a law at most."""
ROWS = 2500
"""Rows that laws are searched on; the last is fitted to all."""
PAIRED, NUMBERS = 4, 6
"""Categories of which pairs are tried, and numbers that are tried: those that say most of the target by themselves."""


def by_class_rung(trained: Trained, blocks: NDArray[np.int64]) -> Iterator[Rung]:
    """Yield the law whose constants differ by class that describes rows best, where there is one.

    Errors are taken for a share of the target, or for the same everywhere, whichever describes the rows more briefly.
    """
    rows, log, control = trained.rows, trained.log_target, trained.control
    if control.pin or control.forbid or trained.link is not None:
        return
    if not any(feature.kind == "category" for feature in trained.features):
        return
    inputs = tuple(trained.variable(feature) for feature in trained.features)
    target = np.exp(rows.target) if log else rows.target
    law = class_law(trained.decoded(inputs), target, rows.weight, should_stop=trained.watch.should_stop)
    if law is None:
        return
    # what groups share of a logarithm raises the mean of a law of the target, too
    smearing = law.smearing * rows.lift
    root, known = law.written(smearing)
    gap = law.fit.left_out(blocks) / np.sqrt(rows.weight)
    left = smearing * (np.exp(np.log(target) - gap) if law.log else target - gap)
    yield Rung("by class", root, law.fit.parameters, left, smearing, told=known)


@dataclass(frozen=True, eq=False)
class _Draft:
    """A law on its way."""

    root: Node
    by: By
    fit: DrawnFit
    length: float


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
        fitted = np.log(rows.target) if log else rows.target
        telling = _most_telling_first(rows.columns, fitted)
        labels = [name for name in telling if rows.columns[name].dtype == object]
        numbers = [name for name in telling if rows.columns[name].dtype != object][:NUMBERS]
        groupings = {}
        for names in (*((name,) for name in labels), *combinations(labels[:PAIRED], 2)):
            codes, known = _codes([rows.columns[name] for name in names])
            if 1 < len(known) <= min(MOST, rows.count // 2):
                groupings[names] = codes, known
        middle = float(np.average(fitted, weights=rows.weight))
        spread = float(np.average((fitted - middle) ** 2, weights=rows.weight))
        self.scope = Scope(rows, log, groupings, tuple(numbers), FLOOR**2 * max(spread, 1e-300))
        # a density of log y is one of y once it is divided by y
        self.jacobian = 2.0 * float(rows.weight @ fitted) if log else 0.0

    def starts(self) -> Iterator[tuple[Node, By]]:
        """Yield laws to begin with: a power of the column that says most, with a minimum, with a fee.

        Where a column is not above zero, a line of all columns, or its exponential for a logarithm, too.
        """
        level = float(np.exp(np.mean(np.log(np.maximum(np.abs(self.rows.target), 1e-12)))))
        if len(self.scope.positive) < len(self.scope.numbers) or not self.scope.numbers:
            first, numbers = Constant(level, "c1"), list(enumerate(self.scope.numbers, start=2))
            letter = "p" if self.log else "a"
            lines = [Product((Constant(0.0, f"{letter}{place}"), Input(name))) for place, name in numbers]
            whole = (
                Product((first, *(Apply("exp", line) for line in lines)))
                if self.log
                else Sum((first, *lines))
            )
            yield whole, ()
        trials = [
            (self.fitted(Product((Constant(level, "c1"), Power(Input(name), Constant(0.5, "p1")))), ()), name)
            for name in self.scope.positive
        ]
        known = [(trial.length, name) for trial, name in trials if trial is not None]
        if not known:
            return
        best = min(known)[1]
        rate = Constant(float(np.median(self.rows.target / self.rows.columns[best])), "c1")
        line = Product((rate, Power(Input(best), Constant(1.0, "p1"))))
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
        if sum(each.size for each in classes) > LARGEST:
            return None
        held = [name for name, _ in by if name[0] == "u"]
        fit = fit_drawn(root, self.rows, classes, start, log=self.log, held=held)
        return None if fit is None else _Draft(root, by, fit, self.length(fit))

    def classes(self, name: str, columns: Columns) -> Classes:
        # what says most of some rows need not do so of all
        found = self.scope.groupings.get(columns)
        codes, labels = found or _codes([self.rows.columns[each] for each in columns])
        return Classes(name, columns, codes, labels, factor=name[0] in LEVELS)

    def length(self, fit: DrawnFit) -> float:
        """Return the length of the description of the rows by a law."""
        told = sum(name[0] != "u" for name in fit.free.names) + len(fit.classes)
        price = OPERATOR * (count_operators(fit.root) + len(fit.classes))
        return fit.surprise(self.scope.floor) + self.jacobian + float(np.log(self.rows.count)) * told + price

    def grown(self, draft: _Draft | None, most: int) -> _Draft | None:
        """Return the law to which one grows in so many steps at most."""
        for _ in range(most):
            if draft is None or self.should_stop():
                return draft
            moves = sorted(ClassMoves(self.scope, draft.fit, draft.by).all(), key=lambda move: -move.gain)[
                : 2 * TRIES
            ]
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


def _most_telling_first(columns: Mapping[str, NDArray[np.generic]], target: Array) -> list[str]:
    """Return the columns, those first whose classes, or twentieths of rows, tell most of the target's variance."""
    told = {}
    for name, values in columns.items():
        if values.dtype == object:
            codes, _ = _codes([values])
        else:
            ends = np.unique(np.quantile(values.astype(np.float64), np.linspace(0.05, 0.95, 19)))
            codes = np.searchsorted(ends, values.astype(np.float64), side="right")
        rows = np.maximum(np.bincount(codes), 1)
        means = np.bincount(codes, target) / rows
        left = float(np.sum((target - means[codes]) ** 2)) / max(len(target) - len(rows), 1)
        told[name] = left
    return sorted(told, key=lambda name: told[name])


def _codes(columns: Sequence[NDArray[np.generic]]) -> tuple[NDArray[np.intp], tuple[Columns, ...]]:
    """Return the class of every row, and the labels of all."""
    import pandas as pd

    codes, labels = pd.factorize(pd.MultiIndex.from_arrays(list(columns)), sort=True)
    return codes.astype(np.intp), tuple(tuple(map(str, each)) for each in labels)


def _with_value(root: Node, name: str, value: float) -> Node:
    """Return a graph with a number in the place of a constant."""
    return rebuild(
        root, lambda node: Constant(value) if isinstance(node, Constant) and node.name == name else node
    )


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
    for place in places_of(draft.root):
        if not isinstance(place, Maximum | Sum):
            continue
        levels = {n.name for n in postorder(place) if isinstance(n, Constant) and n.name[:1] in ("c", "a")}
        shared = [{columns for name, columns in draft.by if name == level} for level in levels]
        for columns in set.intersection(*shared) if len(shared) > 1 else ():
            name = f"u{max(int(each[1:]) for each in draft.fit.free.names) + 1}"
            root = replaced(draft.root, place, Product((Constant(1.0, name), place)))
            kept = tuple(each for each in draft.by if each[0] not in levels or each[1] != columns)
            yield root, (*kept, (name, columns))
