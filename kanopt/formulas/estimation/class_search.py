"""Laws whose constants differ by class: minimum and rate by lane and mode, brackets of weight, a surcharge by month.

The search begins with a power of a column, with a minimum or with a fee beside it, and makes one constant after the
other depend on a column: on a category, or two, as a table drawn together by evidence; on a number as a power or as a
bracket. Terms, minimums and hinges are added in the same way. What a step would gain is foretold by a score test on the
tape of the law (Rao 1948; for a variance between classes, of its marginal likelihood), the best few are fitted, and the
length of the description of the rows decides, in which the deviations of a table are integrated out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import combinations, count, product

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.estimation.class_moves import (
    OPERATOR,
    ClassMoves,
    ClassScope,
    Proposal,
    in_place_of,
    places_of,
    proposal,
    replaced,
)
from kanopt.formulas.estimation.drawn import (
    By,
    Classes,
    Columns,
    DrawnFit,
    Smooth,
    codes_of,
    fit_drawn,
)
from kanopt.formulas.estimation.graph_tape import FreeParameters
from kanopt.formulas.estimation.least_squares import FLOOR
from kanopt.formulas.estimation.naming import EstimationRows, numbered
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
from kanopt.formulas.parameters import Covariance, parameters_of, piece_numbers
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.simplify import simplify_graph

COMBINATIONS = 1000
"""Combinations of categories up to which a table has a number for each, also for those that no row has."""
TOLD = 100
"""Numbers of tables up to which their covariance is told with that of the constants."""


def written(fit: DrawnFit, factor: float = 1.0) -> tuple[Node, Covariance | None]:
    """Return a law times a factor, and the covariance of its constants and of the numbers of its tables."""
    root, slopes = _written(fit, factor)
    constants = parameters_of(root)
    told = [n for n in slopes if n in constants or ("[" in n and len(slopes) <= TOLD)]
    return root, _covariance(fit, slopes, dict(zip(told, told, strict=True)))


def written_of_class(
    fit: DrawnFit, column: str, label: str, factor: float = 1.0
) -> tuple[Node, Covariance | None]:
    """Return the law of one category of a column, which it reads no longer, and the covariance of its constants."""
    root, slopes = _written(fit, factor)
    own: dict[str, str] = {}

    def put(node: Node) -> Node:
        if not isinstance(node, Table) or column not in node.inputs:
            return node
        place = node.inputs.index(column)
        inputs = (*node.inputs[:place], *node.inputs[place + 1 :])
        entries = tuple(
            ((*key[:place], *key[place + 1 :]), number) for key, number in node.entries if key[place] == label
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
    own |= {name: name for name in slopes if name in left}
    return root, _covariance(fit, slopes, {name: source for name, source in own.items() if name in left})


def _covariance(fit: DrawnFit, slopes: Mapping[str, Floats], told: Mapping[str, str]) -> Covariance | None:
    """Return the covariance of some numbers, given what each is called among all."""
    if not told:
        return None
    moved = np.array([slopes[name] for name in told.values()])
    matrix = moved @ fit.covariance @ moved.T
    return Covariance.of(list(told), 0.5 * (matrix + matrix.T), max(fit.residual.size - fit.parameters, 1.0))


@lru_cache(maxsize=1)  # of a law of many classes each is read off
def _written(fit: DrawnFit, times: float) -> tuple[Node, dict[str, Floats]]:
    """Return a law with its tables, and by the names of its numbers their derivatives in those of the fit, (p,)."""
    numbers = fit.numbers
    values = dict(zip(fit.free.names, numbers.tolist(), strict=False))
    tables = {name: _merged(fit, name) for name in values}
    curves = {
        name: [pair for pair in _blocks_of(fit, name) if isinstance(pair[0], Smooth)] for name in values
    }
    taken = {node.name for node in postorder(fit.root) if isinstance(node, Curve | Step | Table)}
    names_of_tables, names_of_curves = (
        _fresh_names(stem, sum(map(len, of.values())), taken) for stem, of in (("by", tables), ("s", curves))
    )
    slopes = dict[str, Floats]()

    def put(node: Node) -> Node:
        if not isinstance(node, Constant) or node.name not in values:
            return node
        value, own = values[node.name], np.zeros(len(numbers))
        own[fit.free.blocks[node.name]] = 1.0
        merged, bent, parts = tables[node.name], curves[node.name], list[Node]()
        factor = any(each.factor for each, _ in _blocks_of(fit, node.name))
        alone = len(merged) == 1 and not bent
        neutral = float(factor)
        idle = node.name in fit.held and value == neutral
        if not alone and not (idle and (merged or bent)):
            parts.append(Constant(value, node.name))
            slopes[node.name] = own
        for columns, labels, summed in merged:
            base = value if alone else neutral
            deviations = summed @ numbers
            entries = base * np.exp(deviations) if factor else base + deviations
            slope = entries[:, None] * summed if factor else summed
            if alone:
                slope = slope + np.outer(np.exp(deviations) if factor else np.ones(len(entries)), own)
            pairs = tuple(zip(labels, entries.tolist(), strict=True))
            table = Table(columns, pairs, base, next(names_of_tables))
            slopes.update(zip(piece_numbers(table), slope, strict=True))
            parts.append(table)
        for each, block in bent:
            assert isinstance(each, Smooth)
            coefficients = each.turn @ numbers[block]
            curve = replace(each.curve, name=next(names_of_curves), coefficients=tuple(coefficients.tolist()))
            slope = np.pad(each.turn, ((0, 0), (block.start, len(numbers) - block.stop)))
            slopes.update(zip(piece_numbers(curve), slope, strict=True))
            parts.append(Apply("exp", curve) if factor else curve)
        if len(parts) == 1:
            return parts[0]
        return Product(tuple(parts)) if factor else Sum(tuple(parts))

    root = rebuild(fit.root, put)
    if times != 1.0:
        root = Product((Constant(times), root))
    return numbered(simplify_graph(rebuild(simplify_graph(root), _as_one_stair)), [Step]), slopes


def _fresh_names(stem: str, several: int, taken: Collection[str]) -> Iterator[str]:
    """Yield names that nothing has; the only one needs no number."""
    if several == 1 and stem not in taken:
        yield stem
    yield from (name for name in (f"{stem}{number}" for number in count(1)) if name not in taken)


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
    return [(each, block) for each, block in zip(fit.classes, fit.blocks, strict=True) if each.name == name]


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


TRIES = 3
"""Laws that are fitted before the best of them is taken; twice as many where none is shorter."""
FIRST, MOVES = 4, 14
"""Steps from every start, and from the best of them, at most."""
MOST = 600
"""Classes of a table at most: every one is a number to estimate."""
LARGEST = 700
"""Numbers of all tables of a law at most."""
ROWS = 2500
"""Rows that laws are searched on; the last is fitted to all."""
PAIRED, NUMBERS = 4, 6
"""Categories of which pairs are tried, and numbers that are tried: those that say most of the target by themselves."""


def class_law(
    columns: Mapping[str, NDArray[np.generic]],
    target: Floats,
    weight: Floats,
    should_stop: Callable[[], bool] = lambda: False,
) -> DrawnFit | None:
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
    log = bool(target.min() > 0.0)
    search = ClassSearch(everything.sample(ROWS), log=log, should_stop=should_stop)
    first = [search.grown(search.fitted(start), FIRST) for start in search.starts()]
    found = [each for each in first if each is not None]
    if not found:
        return None
    best = search.grown(min(found, key=lambda each: each.length), MOVES)
    assert best is not None
    scales = (True, False) if log else (False,)
    searches = [ClassSearch(everything, log=each, should_stop=should_stop) for each in scales]
    again = [(search, search.fitted(best, best)) for search in searches]
    laws = [search.simplest(each) for search, each in again if each is not None]
    if not laws:
        return None
    best = min(laws, key=lambda law: law.length)
    return best if best.by else None


class ClassSearch(ClassScope):
    """The search for a law on some rows: from one law to the next, while the description gets shorter.

    Parameters
    ----------
    rows
        The rows.
    log
        Whether logarithms are compared.
    should_stop
        Says whether time is up.
    """

    insist = 0.0
    """By how much a law has to shorten the description."""

    def __init__(
        self, rows: EstimationRows, *, log: bool, should_stop: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(rows, log=log)
        self.should_stop = should_stop
        fitted = np.log(rows.target) if log else rows.target
        telling = _most_telling_first(rows.columns, fitted)
        labels = [name for name in telling if rows.columns[name].dtype == object]
        numbers = [name for name in telling if rows.columns[name].dtype != object][:NUMBERS]
        middle = float(np.average(fitted, weights=rows.weight))
        spread = float(np.average((fitted - middle) ** 2, weights=rows.weight))
        self.read, self.floor = numbers, FLOOR**2 * max(spread, 1e-300)
        pairs = [*((name,) for name in labels), *combinations(labels[:PAIRED], 2)]
        most = min(MOST, rows.count // 2)
        self.groupings = [names for names in pairs if 1 < self.size(names) <= most]
        # a density of log y is one of y once it is divided by y
        self.jacobian = 2.0 * float(rows.weight @ fitted) if log else 0.0

    def starts(self) -> Iterator[Proposal]:
        """Yield laws to begin with: a power of the column that says most, with a minimum, with a fee.

        A tariff has its least charge and its rate on one card: the best law with both by class is a start, too. Where
        a column is not above zero, a line of all columns, or its exponential for a logarithm.
        """
        level = float(np.exp(np.mean(np.log(np.maximum(np.abs(self.rows.target), 1e-12)))))
        if len(self.positive) < len(self.numbers) or not self.numbers:
            first, numbers = Constant(level, "c1"), list(enumerate(self.numbers, start=2))
            letter = "p" if self.log else "a"
            lines = [Product((Constant(0.0, f"{letter}{place}"), Input(name))) for place, name in numbers]
            factors = (Apply("exp", line) for line in lines)
            yield proposal(0.0, Product((first, *factors)) if self.log else Sum((first, *lines)), ())
        starts = {
            name: Product((Constant(level, "c1"), Power(Input(name), Constant(0.5, "p1"))))
            for name in self.positive
        }
        trials = [(self.fitted(proposal(0.0, root, ())), name) for name, root in starts.items()]
        known = [(trial.length, name) for trial, name in trials if trial is not None]
        if not known:
            return
        best = min(known)[1]
        rate = Constant(float(np.median(self.rows.target / self.rows.columns[best])), "c1")
        line = Product((rate, Power(Input(best), Constant(1.0, "p1"))))
        least = Constant(float(np.quantile(self.rows.target, 0.2)), "c2")
        for root in (line, Maximum((least, line)), Sum((least, line))):
            yield proposal(0.0, root, ())
        cards = [proposal(0.0, Maximum((least, line)), (("c1", of), ("c2", of))) for of in self.groupings]
        tried = [(each.length, place) for place, card in enumerate(cards) if (each := self.fitted(card))]
        yield from [cards[min(tried)[1]]] if tried else []

    def fitted(self, law: Proposal | DrawnFit, start: DrawnFit | None = None) -> DrawnFit | None:
        """Return a law at its most probable numbers; None where it has none, or too many."""
        if sum(self.size(columns) for _, columns in law.by) > LARGEST:
            return None
        classes = [self.deviations(name, columns) for name, columns in law.by]
        fit = fit_drawn(law.root, self.rows, classes, start, log=self.log, held=law.held)
        # it is rounded, so that of two spellings of one law the first is taken
        if fit is not None:
            fit.length = round(self.length(fit), 4)
        return fit

    def grown(self, known: DrawnFit | None, most: int) -> DrawnFit | None:
        """Return the law to which one grows in so many steps at most, without what is needless then."""
        for _ in range(most):
            if known is None or self.should_stop():
                return known
            longer = (self._best(known, each) for each in self.proposals(known))
            better = next((each for each in longer if each is not None), None)
            if better is None:
                break
            known = better
        return None if known is None else self.simplest(known)

    def _best(self, known: DrawnFit, proposals: Sequence[Proposal]) -> DrawnFit | None:
        """Return the best of the first laws that promise most, where it is better than the known one."""
        limit, best = known.length - self.insist, None
        ranked = sorted(proposals, key=lambda law: -law.gain)[: 2 * TRIES]
        for tried, law in enumerate(ranked, start=1):
            if self.insist > 0.0 and law.gain <= self.insist:
                break
            trial = self.fitted(law, known)
            if trial is not None and trial.length < (limit if best is None else best.length):
                best = trial
            if tried >= TRIES and best is not None:
                break
        return best

    def simplest(self, known: DrawnFit) -> DrawnFit:
        """Return the law without what does not shorten the description as it must."""
        while True:
            trials = [self.fitted(law, known) for law in self.plainer(known)]
            best = min((t for t in trials if t is not None), key=lambda t: t.length, default=known)
            if best is known or not best.length < known.length + self.insist:
                return known
            known = best

    def length(self, fit: DrawnFit) -> float:
        """Return the length of the description of the rows by a law."""
        told = len(set(fit.free.names) - fit.held) + len(fit.classes)
        price = OPERATOR * (count_operators(fit.root) + len(fit.classes))
        return fit.surprise(self.floor) + self.jacobian + float(np.log(self.rows.count)) * told + price

    def proposals(self, known: DrawnFit) -> Iterator[list[Proposal]]:
        """Yield laws with more in them, all of one kind."""
        yield list(ClassMoves(self, known).all())

    def plainer(self, known: DrawnFit) -> Iterator[Proposal]:
        """Yield laws with one thing less: a table, or a constant at the value at which it says nothing."""
        for root, by in (
            *_with_fewer_classes(known),
            *_with_common_factor(known),
            *self._with_simple_numbers(known),
        ):
            yield proposal(0.0, root, by, known.held)

    def simple(self, name: str, value: float) -> float | None:
        """Return a number at which a constant says nothing, or little, near its value; None where there is none."""
        return {"p": float(np.round(2.0 * value) / 2.0), "a": 0.0, "s": 1.0}.get(name[0])

    def _with_simple_numbers(self, known: DrawnFit) -> Iterator[tuple[Node, By]]:
        drawn = {name for name, _ in known.by}
        for name, value in zip(known.free.names, known.numbers.tolist(), strict=False):
            simple = None if name in drawn or name in known.held else self.simple(name, value)
            if simple is None:
                continue
            root = simplify_graph(in_place_of(known.root, name, partial(_number, simple)))
            left = set(FreeParameters.of(root, None).names)
            yield root, tuple(each for each in known.by if each[0] in left)


def _number(value: float, _: Node) -> Node:
    return Constant(value)


def _most_telling_first(columns: Mapping[str, NDArray[np.generic]], target: Floats) -> list[str]:
    """Return the columns, those first whose classes, or twentieths of rows, tell most of the target's variance."""
    told = {}
    for name, values in columns.items():
        if values.dtype == object:
            codes, _ = codes_of([values])
        else:
            ends = np.unique(np.quantile(values.astype(np.float64), np.linspace(0.05, 0.95, 19)))
            codes = np.searchsorted(ends, values.astype(np.float64), side="right")
        rows = np.maximum(np.bincount(codes), 1)
        means = np.bincount(codes, target) / rows
        left = float(np.sum((target - means[codes]) ** 2)) / max(len(target) - len(rows), 1)
        told[name] = left
    return sorted(told, key=lambda name: told[name])


def _with_fewer_classes(draft: DrawnFit) -> Iterator[tuple[Node, By]]:
    """Yield laws without a table, or with two tables of a column each in the place of one of both.

    One of the two may be of another level.
    """
    levels = [name for name in draft.free.names if name[0] in "cu"]
    for each in draft.by:
        others = tuple(other for other in draft.by if other != each)
        yield draft.root, others
        if len(each[1]) == 1:
            continue
        for column in each[1]:
            kept = (each[0], tuple(other for other in each[1] if other != column))
            for name in levels if each[0][0] == "u" else [each[0]]:
                more = [pair for pair in (kept, (name, (column,))) if pair not in others]
                yield draft.root, (*others, *more)


def _with_common_factor(draft: DrawnFit) -> Iterator[tuple[Node, By]]:
    """Yield laws of which a part is multiplied by one table in the place of tables of all its levels."""
    for place in places_of(draft.root):
        if not isinstance(place, Maximum | Sum):
            continue
        levels = {n.name for n in postorder(place) if isinstance(n, Constant) and n.name[:1] in ("c", "a")}
        shared = [{columns for name, columns in draft.by if name == level} for level in levels]
        for columns in set.intersection(*shared) if len(shared) > 1 else ():
            name = f"u{max(int(each[1:]) for each in draft.free.names) + 1}"
            root = replaced(draft.root, place, Product((Constant(1.0, name), place)))
            kept = tuple(each for each in draft.by if each[0] not in levels or each[1] != columns)
            yield root, (*kept, (name, columns))
