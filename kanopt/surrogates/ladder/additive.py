"""Laws that are sums of functions of a column each and of products of two such, or products of these.

The functions are fitted together by penalised least squares (generalised additive models: Hastie and Tibshirani 1990;
splines with penalties: Eilers and Marx 1996, Statistical Science 11). How rough each may be, and how far the numbers of
categories are drawn towards their mean, is what makes the rows most probable (restricted likelihood, by the steps of
Fellner and Schall: Wood and Fasiolo 2017, Biometrics 73). All of this is
linear algebra on one matrix of products: it takes moments, needs no start, and the same rows give the same law.

Every curve becomes a line, a logarithm, a parabola or a wave, or goes, wherever that shortens the description of the
rows. What is too long to read then loses what explains least for its length, and what is left is exchanged for what
explains more. What an exchange would do is told by Schur complements; only those that are made are solved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from kanopt.array_types import Floats
from kanopt.formulas import Constant, Node, Sum
from kanopt.formulas.estimation.least_squares import ROUNDING, Linearised, inverse_of
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.ladder.functions import Component

Weights = dict[int, float]

MOST = 30
"""Operators up to which a law is read."""
ROUNDS, STILL = 40, 0.02
"""Steps towards the most probable roughness, and the change in effective parameters after which it stands."""
ROUGHEST, SMOOTHEST = 1e-6, 1e9
"""Weights of the roughness, in those at which a function keeps half of its freedom."""
RIDGE, DRAWN = 1e-9, 1e-4
"""Share of its square by which a number is held that has no roughness, and one of a product: two may be alike."""
SIMPLE = 2.0
"""Standard errors within which an exponent is the whole or half number beside it."""


@dataclass(frozen=True, eq=False)
class Choice:
    """What the columns of a law may be, and what that costs.

    Parameters
    ----------
    groups
        For every column its functions, the most flexible first.
    signs
        Of the slope that each must have; 0 for none.
    length
        Returns the length of the description of the rows, given squares, effective parameters and the price of all
        functions.
    price
        Returns that of a function.
    should_stop
        Says whether time is up.
    """

    groups: tuple[tuple[Component, ...], ...]
    signs: tuple[int, ...]
    length: Callable[[float, float, float], float]
    price: Callable[[Component], float]
    should_stop: Callable[[], bool] = lambda: False

    def sign_of(self, function: Component) -> int:
        """Return the sign of the slope that a function must have."""
        return self.signs[function.columns[0]] if len(function.columns) == 1 else 0

    def with_groups(self, groups: Sequence[tuple[Component, ...]]) -> Choice:
        """Return a choice among other functions."""
        return replace(self, groups=tuple(groups))


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
    stiff
        Weighted products of the basis functions, and what holds their numbers beside the rows, (p, p).
    freedom
        Effective number of parameters.
    covariance
        Of the constant and the numbers, (p + 1, p + 1).
    length
        Of the description of the rows.
    rows
        To which it was fitted.
    """

    functions: tuple[Component, ...]
    constant: float
    numbers: Floats
    means: Floats
    stiff: Floats
    freedom: float
    covariance: Floats
    length: float
    rows: Rows

    @property
    def parameters(self) -> Floats:
        """The constant and the numbers, (p + 1,)."""
        return np.concatenate([[self.constant], self.numbers])

    @property
    def operators(self) -> int:
        """How many operators a reader sees."""
        return operators_of(self.functions)

    @cached_property
    def values(self) -> Floats:
        """The sum on the rows to which it was fitted, (n,)."""
        return self.constant + self._columns @ self.numbers

    @property
    def _columns(self) -> Floats:
        return _stacked(self.functions, len(self.rows.target)) - self.means

    def left_out(self, blocks: NDArray[np.int64]) -> Floats:
        """Return the sum on rows whose block is left out, (n,)."""
        return np.asarray(self.rows.target - self._linear.left_out(blocks))

    def without(self, own: NDArray[np.bool_]) -> Floats:
        """Return the constant and the numbers where some rows are left out, (p + 1,)."""
        return self.parameters - self._linear.part_of(own)

    @property
    def _linear(self) -> Linearised:
        weight, columns = self.rows.precision, self._columns
        slopes = np.column_stack([np.ones(len(columns)), columns])
        stiff = np.zeros((len(self.parameters), len(self.parameters)))
        stiff[0, 0], stiff[1:, 1:] = weight.sum(), self.stiff
        return Linearised(self.rows.target - self.values, slopes, weight, stiff)

    def written(self, parameters: Floats) -> Node:
        """Return the sum as a node, for values of its constant and numbers."""
        constant, parts = float(parameters[0]), list[Node]()
        for function, block in _blocks(self.functions):
            numbers = parameters[1:][block]
            mean = float(numbers @ self.means[block])
            if function.penalty is None or len(function.columns) > 1:
                constant -= mean
                parts.append(function.write(numbers))
            else:
                # the basis functions of a curve, or table, add up to one
                parts.append(function.write(numbers - mean))
        return Sum((Constant(constant), *parts))


def fitted_alone(function: Component, rows: Rows, choice: Choice) -> tuple[Floats, float]:
    """Return the numbers of a function that is fitted to rows by itself, and its effective number of parameters."""
    fit = AdditiveFit(choice.with_groups([(function,)]), rows)
    found = fit.solved([0], fit.roughness([0], {}))
    return found.numbers, found.freedom - 1.0


@dataclass(frozen=True, eq=False)
class AdditiveSolution:
    """Numbers for some functions and weights of their roughness.

    Parameters
    ----------
    chosen, places
        The functions, and the places of their numbers among those of all.
    gram, stiff, inverse
        Products of their basis functions; with what holds the numbers, and the inverse of that.
    numbers, squares, freedom
        What they are, the weighted squared residuals they leave, and the effective number of parameters.
    """

    chosen: tuple[int, ...]
    places: NDArray[np.intp]
    gram: Floats
    stiff: Floats
    inverse: Floats
    numbers: Floats
    squares: float
    freedom: float


class AdditiveFit:
    """Functions that a law may have, fitted to rows in any combination."""

    def __init__(self, choice: Choice, rows: Rows) -> None:
        self.functions = tuple(function for group in choice.groups for function in group)
        self.rows, self.choice = rows, choice
        self.slices = [block for _, block in _blocks(self.functions)]
        ends = np.cumsum([0, *map(len, choice.groups)]).tolist()
        self.options = [range(a, b) for a, b in pairwise(ends)]
        columns = _stacked(self.functions, len(rows.target))
        weight = rows.precision
        self.means = np.asarray(weight @ columns / weight.sum())
        self.middle = float(weight @ rows.target / weight.sum())
        columns -= self.means
        self.gram = np.asarray(columns.T @ (weight[:, None] * columns))
        self.moments = np.asarray(columns.T @ (weight * (rows.target - self.middle)))
        self.spread = float(weight @ (rows.target - self.middle) ** 2)

    def of(self, picked: Iterable[int | None]) -> list[Component]:
        """Return the functions that were picked."""
        return [self.functions[each] for each in kept(picked)]

    @cached_property
    def ranks(self) -> list[int]:
        """How many directions of every function its roughness weighs."""
        return [f.size - f.straight if f.penalty is not None else 0 for f in self.functions]

    @cached_property
    def halves(self) -> list[float]:
        """About the weight at which each function has half of its freedom; 0 for those without roughness."""
        pairs = zip(self.functions, self.slices, strict=True)
        return [
            0.0
            if f.penalty is None
            else max(float(np.trace(self.gram[own, own])), 1e-300) / float(np.trace(f.penalty))
            for f, own in pairs
        ]

    def held(self, each: int, weights: Mapping[int, float]) -> Floats:
        """Return the products of a function's basis functions, with what holds its numbers beside the rows."""
        function, gram = self.functions[each], self.gram[self.slices[each], self.slices[each]]
        if function.penalty is None:
            return np.asarray(gram + RIDGE * np.diag(gram.diagonal()))
        stiff = gram + weights.get(each, self.halves[each]) * function.penalty
        if len(function.columns) > 1:
            return np.asarray(stiff + DRAWN * np.diag(stiff.diagonal()))
        # its basis functions add up to one: nothing else tells what all its numbers share
        return np.asarray(stiff + float(np.trace(stiff)) / function.size**2)

    def solved(self, chosen: Sequence[int], weights: Mapping[int, float]) -> AdditiveSolution:
        """Return the best numbers for some functions, given the weights of their roughness."""
        parts = [np.arange(self.slices[each].start, self.slices[each].stop) for each in chosen]
        places = np.concatenate([np.zeros(0, dtype=np.intp), *parts])
        gram, moments = self.gram[np.ix_(places, places)], self.moments[places]
        stiff = gram.copy()
        for each, block in self.blocks(chosen):
            stiff[block, block] = self.held(each, weights)
        inverse = inverse_of(stiff) if len(places) else stiff
        numbers = inverse @ moments
        squares = self._squares(numbers, gram, moments)
        freedom = 1.0 + float(np.sum(inverse * gram)) + sum(self.functions[each].spent for each in chosen)
        return AdditiveSolution(tuple(chosen), places, gram, stiff, inverse, numbers, squares, freedom)

    def _squares(self, numbers: Floats, gram: Floats, moments: Floats) -> float:
        return max(self.spread - 2.0 * float(numbers @ moments) + float(numbers @ gram @ numbers), 0.0)

    def blocks(self, chosen: Sequence[int]) -> list[tuple[int, slice]]:
        """Return some functions, each with the place of its numbers among those of all of them."""
        pairs = zip(chosen, _blocks([self.functions[each] for each in chosen]), strict=True)
        return [(each, block) for each, (_, block) in pairs]

    def roughness(self, chosen: Sequence[int], known: Mapping[int, float]) -> Weights:
        """Return the weights of roughness that make the rows most probable, by the steps of Fellner and Schall."""
        rough = [each for each in chosen if self.functions[each].penalty is not None]
        weights = {each: known.get(each, self.halves[each]) for each in rough}
        before = np.inf
        for _ in range(ROUNDS):
            found = self.solved(chosen, weights)
            if abs(found.freedom - before) < STILL:
                break
            before = found.freedom
            noise = found.squares / max(self.rows.total - found.freedom, 1.0)
            for each, block in self.blocks(chosen):
                penalty, half = self.functions[each].penalty, self.halves[each]
                if penalty is None:
                    continue
                numbers, weight = found.numbers[block], weights[each]
                spare = self.ranks[each] - weight * float(np.sum(found.inverse[block, block] * penalty))
                wanted = max(spare, 1e-9) * noise / max(float(numbers @ penalty @ numbers), 1e-300)
                weights[each] = float(np.clip(wanted, ROUGHEST * half, SMOOTHEST * half))
        return weights

    def length(self, found: AdditiveSolution) -> float:
        """Return the length of the description of the rows by some functions; infinite where a line goes wrong."""
        for each, block in self.blocks(found.chosen):
            if self._goes_wrong(each, found.numbers[block]):
                return np.inf
        return self.choice.length(found.squares, found.freedom, self.price(found.chosen))

    def _goes_wrong(self, each: int, numbers: Floats) -> bool:
        function = self.functions[each]
        return function.size == 1 and self.choice.sign_of(function) * float(numbers[0]) < 0.0

    def price(self, chosen: Iterable[int]) -> float:
        """Return the price of some functions."""
        return sum(self.choice.price(self.functions[each]) for each in chosen)

    def exchanged(
        self, found: AdditiveSolution, goes: int | None, comes: int | None, weights: Mapping[int, float]
    ) -> tuple[float, float]:
        """Return squares and freedom after a function has gone and another one come; infinite where a line goes wrong.

        The inverse of a matrix without some rows and columns, and with others, is told by the Schur complements of
        these (Golub and Van Loan 2013, *Matrix Computations*, section 2.1.4): a solution for one block takes as many
        steps fewer as there are blocks.
        """
        gram, inverse, moments = found.gram, found.inverse, self.moments[found.places]
        numbers, freedom = found.numbers, found.freedom
        out = dict(self.blocks(found.chosen))[goes] if goes is not None else slice(0, 0)
        beside = inverse[:, out].copy()
        beside[out] = 0.0
        own = inverse_of(inverse[out, out]) if goes is not None else np.zeros((0, 0))
        if goes is not None:
            numbers = numbers - beside @ (own @ numbers[out])
            numbers[out] = 0.0
            lost = 2.0 * float(np.sum(inverse[out] * gram[out])) - float(
                np.sum(inverse[out, out] * gram[out, out])
            )
            freedom -= lost + float(np.sum(own * (beside.T @ gram @ beside))) + self.functions[goes].spent
        squares = self.spread - 2.0 * float(numbers @ moments) + float(numbers @ gram @ numbers)
        if comes is None:
            return max(squares, 0.0), freedom
        there = self.slices[comes]
        across = self.gram[found.places, there].copy()
        across[out] = 0.0
        reach = inverse @ across
        reach[out] = 0.0
        reach -= beside @ (own @ (beside.T @ across))
        own_left = self.held(comes, weights) - across.T @ reach
        if not (own_left.diagonal() > 0.0).all():  # the others say all of it
            return np.inf, freedom
        schur = inverse_of(own_left)
        left = self.moments[there] - across.T @ numbers
        new = schur @ left
        if self._goes_wrong(comes, new):
            return np.inf, freedom
        numbers = numbers - reach @ new
        squares = self.spread - 2.0 * float(numbers @ moments + new @ self.moments[there])
        squares += float(numbers @ gram @ numbers + 2.0 * numbers @ across @ new)
        squares += float(new @ self.gram[there, there] @ new)
        turned = reach.T @ gram @ reach - 2.0 * reach.T @ across + self.gram[there, there]
        return max(squares, 0.0), freedom + float(np.sum(schur * turned)) + self.functions[comes].spent

    def law(self, chosen: list[int], weights: Weights) -> AdditiveLaw:
        """Return the law of the chosen functions, curves in the shapes that were asked for."""
        functions = tuple(self.functions[each] for each in chosen)
        found = self.solved(chosen, weights)
        numbers = found.numbers
        if any(self.choice.sign_of(function) for function in functions if function.kind == "curve"):
            numbers = self._shaped(found)
        else:
            found = self._simple(found, functions)
            numbers = found.numbers
        squares = self._squares(numbers, found.gram, self.moments[found.places])
        noise = squares / max(self.rows.total - found.freedom, 1.0)
        covariance = np.zeros((len(numbers) + 1, len(numbers) + 1))
        covariance[0, 0] = noise / float(self.rows.precision.sum())
        covariance[1:, 1:] = noise * found.inverse @ found.gram @ found.inverse
        length = self.choice.length(squares, found.freedom, self.price(chosen))
        means = self.means[found.places]
        return AdditiveLaw(
            functions, self.middle, numbers, means, found.stiff, found.freedom, covariance, length, self.rows
        )

    def _simple(self, found: AdditiveSolution, functions: Sequence[Component]) -> AdditiveSolution:
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
        return replace(found, numbers=numbers, inverse=inverse, freedom=freedom)

    def _shaped(self, found: AdditiveSolution) -> Floats:
        """Return the numbers that fit best among those in which every curve has its shape; bounded least squares."""
        moments = self.moments[found.places]
        sizes, turns = np.linalg.eigh(found.stiff)
        sizes = np.sqrt(np.maximum(sizes, ROUNDING * sizes[-1]))
        root = sizes[:, None] * turns.T
        turned, low = np.eye(len(moments)), np.full(len(moments), -np.inf)
        for each, block in self.blocks(found.chosen):
            function = self.functions[each]
            sign = self.choice.sign_of(function)
            if function.kind == "curve" and sign:
                turned[block, block], low[block] = _shape_basis(function.size, sign)
        wanted = (turns.T @ moments) / sizes
        return np.asarray(turned @ lsq_linear(root @ turned, wanted, (low, np.inf), method="bvls").x)


def _stacked(functions: Iterable[Component], rows: int) -> Floats:
    return np.hstack([np.zeros((rows, 0)), *(function.basis for function in functions)])


def operators_of(functions: Sequence[Component]) -> int:
    """Return how many operators a reader sees of a sum with a constant."""
    return sum(function.operators + 1 for function in functions)


def _blocks(functions: Sequence[Component]) -> list[tuple[Component, slice]]:
    """Return functions, each with the place of its numbers among those of all."""
    ends = np.cumsum([0, *(function.size for function in functions)]).tolist()
    return [(f, slice(a, b)) for f, a, b in zip(functions, ends[:-1], ends[1:], strict=True)]


def kept(picked: Iterable[int | None]) -> list[int]:
    """Return the functions that were picked for columns, some of which have none."""
    return [each for each in picked if each is not None]


def _shape_basis(count: int, sign: int) -> tuple[Floats, Floats]:
    """Return T and lower bounds such that T d are the coefficients of a curve that rises or falls for all d in them."""
    steps = np.arange(count, dtype=np.float64)
    low = np.zeros(count)
    low[0] = -np.inf
    return np.column_stack([np.ones(count), sign * (steps[:, None] >= steps[None, 1:])]), low


Picked = list["int | None"]


# ── which functions a sum has ──


def additive_laws(choice: Choice, rows: Rows) -> tuple[AdditiveLaw, AdditiveLaw]:
    """Return the sum of functions that describes the rows most briefly, and the same in few enough operators to read.

    Parameters
    ----------
    choice
        What the columns may be.
    rows
        With their target on the scale of the sum.
    """
    fit = AdditiveFit(choice, rows)
    picked: Picked = [group[0] if group else None for group in fit.options]
    picked, weights = _plainer(fit, picked, fit.roughness(kept(picked), {}))
    whole = fit.law(kept(picked), weights)
    if whole.operators < MOST:  # an exponential around it is one more
        return whole, whole
    picked, weights = _swapped(fit, _shorter(fit, picked, weights), weights)
    return whole, fit.law(kept(picked), weights)


def _plainer(fit: AdditiveFit, picked: Picked, weights: Weights) -> tuple[Picked, Weights]:
    """Return the functions of the columns, each made plainer or left out where that shortens the description."""
    for _ in range(ROUNDS):
        before = list(picked)
        found = fit.solved(kept(picked), weights)
        shortest = fit.length(found)
        for column in _straightest_first(fit, picked, found):
            for other in _others(fit, column, picked):
                trial = [*picked[:column], other, *picked[column + 1 :]]
                told = fit.exchanged(found, picked[column], other, weights)
                if not fit.choice.length(*told, fit.price(kept(trial))) < shortest:
                    continue
                solved = fit.solved(kept(trial), weights)
                length = fit.length(solved)
                if length < shortest:
                    picked, found, shortest = trial, solved, length
        if picked == before or fit.choice.should_stop():
            break
        weights = {**weights, **fit.roughness(kept(picked), weights)}
    return picked, weights


def _shorter(fit: AdditiveFit, picked: Picked, weights: Weights) -> Picked:
    """Return functions of few operators: what explains least for its length becomes plainer, or goes."""
    while (size := operators_of(fit.of(picked))) >= MOST:
        found = fit.solved(kept(picked), weights)
        before = fit.choice.length(found.squares, found.freedom, 0.0)
        best, least = picked, np.inf
        for column in range(len(picked)):
            for other in _others(fit, column, picked):
                trial = [*picked[:column], other, *picked[column + 1 :]]
                saved = size - operators_of(fit.of(trial))
                if saved <= 0:
                    continue
                told = fit.exchanged(found, picked[column], other, weights)
                loss = (fit.choice.length(*told, 0.0) - before) / saved
                if loss < least:
                    best, least = trial, loss
        if best == picked:
            break
        picked = best
    return picked


def _swapped(fit: AdditiveFit, picked: Picked, weights: Weights) -> tuple[Picked, Weights]:
    """Return functions of as few operators, one exchanged for another as long as that shortens the description."""
    weights = {**weights, **fit.roughness(kept(picked), weights)}
    while not fit.choice.should_stop():
        found = fit.solved(kept(picked), weights)
        best, least = picked, fit.length(found)
        for goes, comes, trial in _exchanges(fit, picked):
            if operators_of(fit.of(trial)) < MOST:
                told = fit.exchanged(found, goes, comes, weights)
                length = fit.choice.length(*told, fit.price(kept(trial)))
                best, least = (trial, length) if length < least else (best, least)
        again = {**weights, **fit.roughness(kept(best), weights)}
        if best == picked or not fit.length(fit.solved(kept(best), again)) < fit.length(found):
            break
        picked, weights = best, again
    return picked, weights


def _exchanges(fit: AdditiveFit, picked: Picked) -> Iterator[tuple[int | None, int | None, Picked]]:
    """Yield what may go, what may come in its place or beside it, and what is picked then."""
    gone: list[int | None] = [place for place, each in enumerate(picked) if each is not None]
    for place, now in enumerate(picked):
        for comes in _others(fit, place, picked):
            for other in [None] if now is not None else [None, *gone]:
                trial = [*picked[:place], comes, *picked[place + 1 :]]
                goes = now
                if other is not None:
                    goes, trial[other] = picked[other], None
                yield goes, comes, trial


def _others(fit: AdditiveFit, column: int, picked: Picked) -> list[int | None]:
    return [other for other in (*fit.options[column], None) if other != picked[column]]


def _straightest_first(fit: AdditiveFit, picked: Picked, found: AdditiveSolution) -> list[int]:
    """Return the columns, those whose functions have least freedom first."""
    own = np.sum(found.inverse * found.gram, axis=1)
    freedom = {each: float(own[block].sum()) for each, block in fit.blocks(found.chosen)}
    places = [place for place, each in enumerate(picked) if each is not None]
    return sorted(places, key=lambda place: freedom[picked[place] or 0])
