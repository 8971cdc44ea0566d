"""Laws that are sums of functions of a column each and of a few of two, or products of such.

The functions are fitted together by penalised least squares (generalised additive models: Hastie and Tibshirani 1990;
splines with penalties: Eilers and Marx 1996, Statistical Science 11). How rough each may be, and how far the numbers of
categories are drawn towards their mean, is what makes the rows most probable (restricted likelihood, by the steps of
Fellner and Schall: Wood and Fasiolo 2017, Biometrics 73). Then every curve becomes a line, a logarithm, a parabola or a
wave, or goes, and a surface of two columns comes in, wherever that shortens the description of the rows. All of this is
linear algebra on one matrix of products: it takes moments, needs no start, and the same rows give the same law.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import lsq_linear

from kanopt.formulas import Constant, Node, Sum
from kanopt.surrogates.ladder.functions import Function
from kanopt.surrogates.rows import Rows

__all__ = ["AdditiveLaw", "Choice", "additive_law", "with_surfaces"]

Array = NDArray[np.float64]
Weights = dict[int, float]

ROUNDS, STILL = 40, 1e-3
"""Steps towards the most probable roughness, and the change of its logarithm after which it stands."""
ROUGHEST, SMOOTHEST = 1e-6, 1e9
"""Weights of the roughness, in those at which a function keeps half of its freedom."""
RIDGE, ROUNDING = 1e-9, 1e-13
"""Share of its square by which a number is held where the rows may not tell it from others, and where they do."""
SWEEPS = 3
SIMPLE = 2.0
"""Standard errors within which an exponent is the whole or half number beside it."""
SCREENED, SURFACES = 2000, 4
"""Rows on which pairs of columns are screened, and surfaces that are tried."""
WIDEST, NARROW = 800, 20
"""Numbers that a surface may have at most, and those that it has along a column that is no category."""


@dataclass(frozen=True, eq=False)
class Choice:
    """What the columns of a law may be, and what that costs.

    Parameters
    ----------
    groups
        For every column its functions, the most flexible first.
    may_go
        Whether each column may be left out.
    shapes
        Signs of slope and of curvature that each must have; 0 for none.
    surface
        Returns a function of two columns on some rows; None where none may be.
    length
        Returns the length of the description of the rows, given squares, effective parameters and the price of all
        functions.
    price
        Returns that of a function.
    should_stop
        Says whether time is up.
    """

    groups: tuple[tuple[Function, ...], ...]
    may_go: tuple[bool, ...]
    shapes: tuple[tuple[int, int], ...]
    surface: Callable[[tuple[int, int], Rows], Function] | None
    length: Callable[[float, float, float], float]
    price: Callable[[Function], float]
    should_stop: Callable[[], bool] = lambda: False

    def sign_of(self, function: Function) -> tuple[int, int]:
        """Return the signs of slope and curvature that a function must have."""
        return self.shapes[function.columns[0]] if len(function.columns) == 1 else (0, 0)


@dataclass(frozen=True, eq=False)
class AdditiveLaw:
    """A sum of functions, fitted.

    Parameters
    ----------
    functions
        The functions.
    constant
        What is added.
    numbers
        Of all functions, one after the other, (p,); every function is zero on average over the rows.
    means
        Of their basis functions, (p,).
    squares
        Weighted squared residuals.
    freedom
        Effective number of parameters.
    covariance
        Of the constant and the numbers, (p + 1, p + 1).
    length
        Of the description of the rows.
    rows
        Their number.
    """

    functions: tuple[Function, ...]
    constant: float
    numbers: Array
    means: Array
    squares: float
    freedom: float
    covariance: Array
    length: float
    rows: int

    @property
    def parameters(self) -> Array:
        """The constant and the numbers, (p + 1,)."""
        return np.concatenate([[self.constant], self.numbers])

    def values(self) -> Array:
        """Return the sum on the rows to which it was fitted, (n,)."""
        total = np.full(self.rows, self.constant - float(self.means @ self.numbers))
        for function, block in _blocks(self.functions):
            total += function.basis @ self.numbers[block]
        return total

    def written(self, parameters: Array) -> Node:
        """Return the sum as a node, for values of its constant and numbers."""
        constant, parts = float(parameters[0]), list[Node]()
        for function, block in _blocks(self.functions):
            numbers = parameters[1:][block]
            mean = float(numbers @ self.means[block])
            if function.penalty is None or function.narrowed is not None:
                constant -= mean
                parts.append(function.write(numbers))
            else:
                # the basis functions of a curve, or table, add up to one
                parts.append(function.write(numbers - mean))
        return Sum((Constant(constant), *parts))


def additive_law(choice: Choice, rows: Rows) -> AdditiveLaw:
    """Return the sum of functions of one column that describes the rows most briefly.

    Parameters
    ----------
    choice
        What the columns may be.
    rows
        With their target on the scale of the sum.
    """
    functions = [function for group in choice.groups for function in group]
    fit = _Fit(functions, rows, choice)
    first = np.cumsum([0, *map(len, choice.groups)])
    options = [range(int(a), int(b)) for a, b in pairwise(first)]
    picked: list[int | None] = [group[0] if group else None for group in options]
    weights = fit.roughness(_kept(picked), {})
    picked, weights = _plainer(fit, options, picked, weights)
    return fit.law(_kept(picked), weights)


def _plainer(
    fit: _Fit, options: Sequence[range], picked: list[int | None], weights: Weights
) -> tuple[list[int | None], Weights]:
    """Return the functions of the columns, each made plainer or left out where that shortens the description."""
    shortest = fit.length(_kept(picked), weights)
    for _ in range(SWEEPS):
        before = list(picked)
        for column in fit.straightest_first(picked, weights):
            if fit.choice.should_stop():
                return picked, weights
            for other in (*options[column], *([None] if fit.choice.may_go[column] else [])):
                if other != picked[column]:
                    trial = [*picked[:column], other, *picked[column + 1 :]]
                    length = fit.length(_kept(trial), weights)
                    if length < shortest:
                        picked, shortest = trial, length
        if picked == before:
            break
        weights = {**weights, **fit.roughness(_kept(picked), weights)}
        shortest = fit.length(_kept(picked), weights)
    return picked, weights


def with_surfaces(plain: AdditiveLaw, choice: Choice, rows: Rows) -> AdditiveLaw | None:
    """Return a law with surfaces of two columns, those that explain most of what is left; None where none helps."""
    if choice.surface is None:
        return None
    found, pairs = plain, _screened(plain, choice, rows)
    surfaces = [choice.surface(pair, rows) for pair in pairs[:SURFACES]]
    fit = _Fit([*plain.functions, *surfaces], rows, choice)
    chosen, shortest = list(range(len(plain.functions))), plain.length
    weights = fit.roughness(chosen, {})
    for place in range(len(plain.functions), len(fit.functions)):
        if choice.should_stop():
            break
        trial = fit.roughness([*chosen, place], weights)
        law = _narrowed(fit.law([*chosen, place], trial), fit, [*chosen, place], trial)
        if law.length < shortest:
            found, chosen, weights, shortest = law, [*chosen, place], trial, law.length
    return found if len(chosen) > len(plain.functions) else None


def _narrowed(law: AdditiveLaw, fit: _Fit, chosen: list[int], weights: Weights) -> AdditiveLaw:
    """Return the law with surfaces in fewer products, as long as that shortens the description."""
    while True:
        shorter = []
        for place, function in enumerate(law.functions):
            fewer = None if function.fewer is None else function.fewer()
            if fewer is not None:
                functions = [*law.functions[:place], fewer, *law.functions[place + 1 :]]
                shorter.append(fit.law(chosen, weights, functions))
        best = min(shorter, key=lambda each: each.length, default=law)
        if not best.length < law.length:
            return law
        law = best


def _screened(plain: AdditiveLaw, choice: Choice, rows: Rows) -> list[tuple[int, int]]:
    """Return pairs of columns, the one first whose surface explains most of what a law leaves of some rows."""
    assert choice.surface is not None
    free = [column for column, shape in enumerate(choice.shapes) if choice.groups[column] and not any(shape)]
    sizes = {column: _width(choice.groups[column][0]) for column in free}
    left = Rows(rows.inputs, rows.target - plain.values(), rows.weight, rows.slope).take(SCREENED, 0)
    gains = dict[tuple[int, int], float]()
    for pair in combinations(free, 2):
        if sizes[pair[0]] * sizes[pair[1]] > WIDEST or choice.should_stop():
            continue
        fit = _Fit([choice.surface(pair, left)], left, choice)
        gains[pair] = -fit.solved([0], {0: fit.half(0)}).squares
    return sorted(gains, key=lambda pair: gains[pair], reverse=True)


def _width(function: Function) -> int:
    return function.size if function.kind == "table" else NARROW


@dataclass(frozen=True, eq=False)
class _Solution:
    """Numbers for some functions and weights of their roughness."""

    numbers: Array
    inverse: Array
    squares: float
    freedom: float


class _Fit:
    """Functions that a law may have, fitted to rows in any combination."""

    def __init__(self, functions: Sequence[Function], rows: Rows, choice: Choice) -> None:
        self.functions, self.rows, self.choice = tuple(functions), rows, choice
        self.slices = [block for _, block in _blocks(self.functions)]
        columns = np.hstack([np.zeros((len(rows.target), 0)), *(f.basis for f in self.functions)])
        weight = rows.precision
        self.means = np.asarray(weight @ columns / weight.sum())
        self.middle = float(weight @ rows.target / weight.sum())
        columns -= self.means
        self.gram = np.asarray(columns.T @ (weight[:, None] * columns))
        self.moments = np.asarray(columns.T @ (weight * (rows.target - self.middle)))
        self.spread = float(weight @ (rows.target - self.middle) ** 2)

    @cached_property
    def ranks(self) -> list[int]:
        """How many directions of every function its roughness weighs."""
        return [f.size - f.straight if f.penalty is not None else 0 for f in self.functions]

    def places(self, chosen: Iterable[int]) -> NDArray[np.intp]:
        """Return the numbers of some functions among all."""
        parts = [np.arange(self.slices[each].start, self.slices[each].stop) for each in chosen]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.intp)

    def half(self, each: int) -> float:
        """Return about the weight at which a function has half of its freedom."""
        penalty, block = self.functions[each].penalty, self.slices[each]
        assert penalty is not None
        return max(float(np.trace(self.gram[block, block])), 1e-300) / float(np.trace(penalty))

    def solved(self, chosen: list[int], weights: Mapping[int, float]) -> _Solution:
        """Return the best numbers for some functions, given the weights of their roughness."""
        places = self.places(chosen)
        gram, moments = self.gram[np.ix_(places, places)], self.moments[places]
        if not len(places):
            return _Solution(moments, gram, self.spread, 1.0)
        stiff = gram.copy()
        for each, block in self._blocks(chosen):
            penalty = self.functions[each].penalty
            if penalty is None:
                stiff[block, block] += RIDGE * np.diag(gram.diagonal()[block])
                continue
            stiff[block, block] += weights.get(each, self.half(each)) * penalty
            if self.functions[each].narrowed is None:
                # its basis functions add up to one: nothing else tells what all its numbers share
                stiff[block, block] += float(np.trace(stiff[block, block])) / self.functions[each].size ** 2
        size = np.sqrt(np.maximum(stiff.diagonal(), 1e-300))
        held = stiff / np.outer(size, size) + ROUNDING * np.eye(len(places))
        inverse = _inverse(held) / np.outer(size, size)
        numbers = inverse @ moments
        return _Solution(
            numbers, inverse, self._squares(places, numbers), 1.0 + float(np.sum(inverse * gram))
        )

    def _squares(self, places: NDArray[np.intp], numbers: Array) -> float:
        gram, moments = self.gram[np.ix_(places, places)], self.moments[places]
        return max(self.spread - 2.0 * float(numbers @ moments) + float(numbers @ gram @ numbers), 0.0)

    def _blocks(self, chosen: Sequence[int]) -> list[tuple[int, slice]]:
        """Return some functions, each with the place of its numbers among those of all of them."""
        pairs = zip(chosen, _blocks([self.functions[each] for each in chosen]), strict=True)
        return [(each, block) for each, (_, block) in pairs]

    def roughness(self, chosen: list[int], known: Mapping[int, float]) -> Weights:
        """Return the weights of roughness that make the rows most probable, by the steps of Fellner and Schall."""
        rough = [each for each in chosen if self.functions[each].penalty is not None]
        halves = {each: self.half(each) for each in rough}
        weights = {each: known.get(each, halves[each]) for each in rough}
        for _ in range(ROUNDS):
            found = self.solved(chosen, weights)
            noise = found.squares / max(self.rows.total - found.freedom, 1.0)
            moved = 0.0
            for each, block in self._blocks(chosen):
                penalty = self.functions[each].penalty
                if penalty is None:
                    continue
                numbers, weight = found.numbers[block], weights[each]
                spare = self.ranks[each] - weight * float(np.sum(found.inverse[block, block] * penalty))
                wanted = max(spare, 1e-9) * noise / max(float(numbers @ penalty @ numbers), 1e-300)
                weights[each] = float(np.clip(wanted, ROUGHEST * halves[each], SMOOTHEST * halves[each]))
                moved = max(moved, abs(float(np.log(weights[each] / weight))))
            if moved < STILL:
                break
        return weights

    def length(self, chosen: list[int], weights: Mapping[int, float]) -> float:
        """Return the length of the description of the rows by some functions; infinite where a line goes wrong."""
        found = self.solved(chosen, weights)
        for each, block in self._blocks(chosen):
            function = self.functions[each]
            if function.size == 1 and self.choice.sign_of(function)[0] * float(found.numbers[block][0]) < 0.0:
                return np.inf
        price = sum(self.choice.price(self.functions[each]) for each in chosen)
        return self.choice.length(found.squares, found.freedom, price)

    def straightest_first(self, picked: Sequence[int | None], weights: Mapping[int, float]) -> list[int]:
        """Return the columns, those whose functions have least freedom first."""
        chosen = _kept(picked)
        found = self.solved(chosen, weights)
        places = self.places(chosen)
        own = np.sum(found.inverse * self.gram[np.ix_(places, places)], axis=1)
        freedom = {
            self.functions[each].columns[0]: float(own[block].sum()) for each, block in self._blocks(chosen)
        }
        return sorted(freedom, key=lambda column: freedom[column])

    def law(
        self, chosen: list[int], weights: Mapping[int, float], functions: Sequence[Function] | None = None
    ) -> AdditiveLaw:
        """Return the law of the chosen functions, curves in the shapes that were asked for.

        Parameters
        ----------
        chosen, weights
            The functions, and the weights of their roughness.
        functions
            The same with surfaces in fewer products, where these are to be written.
        """
        functions = tuple(self.functions[each] for each in chosen) if functions is None else tuple(functions)
        found, places = self.solved(chosen, weights), self.places(chosen)
        numbers = found.numbers.copy()
        if any(any(self.choice.sign_of(function)) for function in functions if function.kind == "curve"):
            numbers = self._shaped(chosen, found)
        else:
            found = self._simple(found, functions)
            numbers = found.numbers
        for function, block in _blocks(functions):
            if function.narrowed is not None:
                numbers[block] = function.narrowed(numbers[block])
        squares = self._squares(places, numbers)
        noise = squares / max(self.rows.total - found.freedom, 1.0)
        gram = self.gram[np.ix_(places, places)]
        covariance = np.zeros((len(numbers) + 1, len(numbers) + 1))
        covariance[0, 0] = noise / float(self.rows.precision.sum())
        covariance[1:, 1:] = noise * found.inverse @ gram @ found.inverse
        length = self.choice.length(squares, found.freedom, sum(map(self.choice.price, functions)))
        means = self.means[places]
        rows = len(self.rows.target)
        return AdditiveLaw(
            functions, self.middle, numbers, means, squares, found.freedom, covariance, length, rows
        )

    def _simple(self, found: _Solution, functions: Sequence[Function]) -> _Solution:
        """Return the solution with exponents held at whole and half numbers, where the rows cannot tell them apart."""
        noise = found.squares / max(self.rows.total - found.freedom, 1.0)
        numbers, inverse, freedom = found.numbers.copy(), found.inverse, found.freedom
        for function, block in _blocks(functions):
            place, variance = block.start, inverse[block.start, block.start]
            wanted = round(2.0 * numbers[place]) / 2.0
            apart = wanted - numbers[place]
            if function.kind != "power" or not wanted or apart**2 > SIMPLE**2 * noise * variance:
                continue
            # the others follow as they do where one of jointly normal numbers is known
            numbers += inverse[:, place] * (apart / variance)
            numbers[place] = wanted
            inverse = inverse - np.outer(inverse[:, place], inverse[place]) / variance
            freedom -= 1.0
        return _Solution(numbers, inverse, found.squares, freedom)

    def _shaped(self, chosen: list[int], found: _Solution) -> Array:
        """Return the numbers that fit best among those in which every curve has its shape; bounded least squares."""
        moments = self.moments[self.places(chosen)]
        sizes, turns = np.linalg.eigh(_inverse(found.inverse))
        sizes = np.sqrt(np.maximum(sizes, ROUNDING * sizes[-1]))
        root = sizes[:, None] * turns.T
        turned, low = np.eye(len(moments)), np.full(len(moments), -np.inf)
        for each, block in self._blocks(chosen):
            function = self.functions[each]
            sign, bend = self.choice.sign_of(function)
            if function.kind == "curve" and (sign or bend):
                turned[block, block], low[block] = _shape_basis(function.size, sign, bend)
        wanted = (turns.T @ moments) / sizes
        return np.asarray(turned @ lsq_linear(root @ turned, wanted, (low, np.inf), method="bvls").x)


def _inverse(matrix: Array) -> Array:
    """Return the inverse of a positive definite matrix; where rounding has made it none, of its certain part."""
    try:
        return np.asarray(cho_solve(cho_factor(matrix), np.eye(len(matrix))))
    except LinAlgError:
        return np.asarray(np.linalg.pinv(matrix, rcond=ROUNDING, hermitian=True))


def _blocks(functions: Sequence[Function]) -> list[tuple[Function, slice]]:
    """Return functions, each with the place of its numbers among those of all."""
    ends = np.cumsum([0, *(function.size for function in functions)]).tolist()
    return [(f, slice(a, b)) for f, a, b in zip(functions, ends[:-1], ends[1:], strict=True)]


def _kept(picked: Iterable[int | None]) -> list[int]:
    return [each for each in picked if each is not None]


def _shape_basis(count: int, sign: int, bend: int) -> tuple[Array, Array]:
    """Return T and lower bounds such that T d are the coefficients of a curve in a shape for all d within them."""
    steps = np.arange(count, dtype=np.float64)
    low = np.zeros(count)
    low[0] = -np.inf
    if not bend:
        return np.column_stack([np.ones(count), sign * (steps[:, None] >= steps[None, 1:])]), low
    # a convex curve that falls is flat at its upper end, and bends away from it
    ahead = steps[::-1] if sign * bend < 0 else steps
    hinges = bend * np.maximum(ahead[:, None] - np.arange(1, count - 1)[None, :], 0.0)
    if not sign:
        low[1] = -np.inf
    return np.column_stack([np.ones(count), bend * ahead, hinges]), low
