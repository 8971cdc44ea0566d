"""A tape: a law as steps over arrays, for its value and its derivatives in free numbers.

A free number may have a value of its own in every row, (p, *rows) in all; the derivatives are then those of the rows.

A forward pass computes the value, a backward pass the derivatives in all numbers at once (Griewank and Walther 2008,
*Evaluating Derivatives*, ch. 3). Every step is elementwise, so that the derivative of a row depends only on that row.
What no free number touches is one array; the free powers and exponentials of a product are one exponential of a sum of
logarithms. Tapes are made of nodes (:mod:`kanopt.formulas.estimation.graph_tape`) and of the terms of the search for
laws (:mod:`kanopt.surrogates.search.program`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.formulas.functions import Function

Times = Callable[[Any, Any], Any]


class Backward:
    """A backward pass.

    Parameters
    ----------
    values
        Of all steps.
    theta
        The free numbers, (p,).
    derivative
        That of the law in them, to be filled, (p, *rows).
    times
        How two derivatives are multiplied.
    """

    __slots__ = ("derivative", "flows", "theta", "times", "values")

    def __init__(self, values: list[Any], theta: Floats, derivative: Floats, times: Times) -> None:
        self.values, self.theta, self.derivative, self.times = values, theta, derivative, times
        self.flows: list[Any] = [None] * len(values)
        """Derivatives of the law in every step; None for no dependence."""
        self.flows[-1] = 1.0

    def hand(self, place: int, part: Any) -> None:
        """Add a part of the derivative in a step."""
        known = self.flows[place]
        self.flows[place] = part if known is None else known + part


class Step(ABC):
    """A step that depends on a free number; `place` is that of its value."""

    place: int

    @abstractmethod
    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return the value, given those of the steps before."""

    @abstractmethod
    def backward(self, above: Any, run: Backward) -> None:
        """Hand on the derivative of the law in the value, where it was computed last."""


class Tape:
    """Steps, the last of which gives the law.

    Parameters
    ----------
    count
        The number of free numbers, p.
    shape
        Of the rows.
    """

    def __init__(self, count: int, shape: tuple[int, ...]) -> None:
        self.count, self.shape = count, shape
        self.values: list[Any] = []
        self.steps: list[Step] = []

    def add(self, step: Step) -> int:
        """Add a step and return its place."""
        step.place = self.keep(None)
        self.steps.append(step)
        return step.place

    def keep(self, value: Any) -> int:
        """Add a value that does not move, and return its place."""
        self.values.append(value)
        return len(self.values) - 1

    @property
    def bends(self) -> bool:
        """Whether the law may turn a corner where a free number moves."""
        return any(
            isinstance(step, Extreme) or (isinstance(step, Applied) and step.function.name == "abs")
            for step in self.steps
        )

    def forward(self, theta: Floats) -> Any:
        """Return the law's value, NaN where it is not defined. Warnings of numpy are the caller's."""
        values = self.values
        for step in self.steps:
            values[step.place] = step.forward(values, theta)
        return values[-1]

    def backward(self, theta: Floats, times: Times = np.multiply) -> Backward:
        """Return the derivatives at `theta`, where :meth:`forward` was last."""
        run = Backward(self.values, theta, np.zeros((self.count, *self.shape)), times)
        flows = run.flows
        for step in reversed(self.steps):
            above = flows[step.place]
            if above is not None:
                step.backward(above, run)
        return run


class Number(Step):
    """A free number by itself."""

    def __init__(self, number: int) -> None:
        self.number = number

    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return the number."""
        return np.asarray(theta[self.number])

    def backward(self, above: Any, run: Backward) -> None:
        """Add to its derivative."""
        run.derivative[self.number] += above


class Total(Step):
    """A sum of steps, and of what does not move."""

    def __init__(self, moving: list[int], fixed: Any = None) -> None:
        self.moving, self.fixed = moving, fixed

    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return the sum."""
        total = self.fixed
        for place in self.moving:
            total = values[place] if total is None else total + values[place]
        return total

    def backward(self, above: Any, run: Backward) -> None:
        """Hand the derivative on as it is."""
        for place in self.moving:
            run.hand(place, above)


class Monomial(Step):
    """A number times an array, an exponential of multiples of arrays, and other steps.

    Parameters
    ----------
    coefficient
        The place of a free number, or the value of one that is held.
    fixed
        What does not move; None for nothing.
    exponents
        Places of free numbers, and what each multiplies in the exponential. No other step reads them.
    others
        Places of the other factors.
    """

    def __init__(
        self,
        coefficient: int | float,
        fixed: Any,
        exponents: list[tuple[int, Floats]],
        others: list[int],
    ) -> None:
        self.coefficient, self.fixed, self.exponents, self.others = coefficient, fixed, exponents, others

    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return the product."""
        out = self.smooth(theta)
        for place in self.others:
            out = values[place] if out is None else out * values[place]
        self.product = 1.0 if out is None else out
        number = self.coefficient
        size = theta[number] if isinstance(number, int) else number
        if np.ndim(size):
            self.size = size
            return size * self.product
        self.size = float(size)
        return self.product if self.size == 1.0 else self.size * self.product

    def smooth(self, theta: Floats) -> Any:
        """Return what is fixed times the exponential; None where there is neither."""
        if not self.exponents:
            return self.fixed
        (place, multiplied), *more = self.exponents
        exponent = theta[place] * multiplied
        for place, multiplied in more:
            exponent = exponent + theta[place] * multiplied
        self.curved = np.exp(exponent)
        return self.curved if self.fixed is None else self.curved * self.fixed

    def beside(self, number: int, run: Backward) -> Any:
        """Return the product of all but one of the other factors, with the coefficient."""
        times = run.times
        out: Any = self.size
        if self.exponents:
            out = times(out, self.curved)
        if self.fixed is not None:
            out = times(out, self.fixed)
        for place, other in enumerate(self.others):
            if place != number:
                out = times(out, run.values[other])
        return out

    def backward(self, above: Any, run: Backward) -> None:
        """Write the derivatives in its numbers, and hand on those in the other factors."""
        derivative, times = run.derivative, run.times
        if isinstance(self.coefficient, int):
            derivative[self.coefficient] = times(above, self.product)
        if self.exponents:
            flow = times(above, run.values[self.place])
            for place, multiplied in self.exponents:
                derivative[place] = times(flow, multiplied)
        for number, place in enumerate(self.others):
            run.hand(place, times(above, self.beside(number, run)))


class LookedUp(Step):
    """Free numbers of a table or of a curve, each times what it is multiplied by in every row.

    Parameters
    ----------
    own
        Their places.
    weights
        What each is multiplied by, (m, *rows).
    held
        What does not move.
    """

    def __init__(self, own: slice, weights: Floats, held: Any = 0.0) -> None:
        self.own, self.weights, self.held = own, weights, held
        self.flat = weights.reshape(len(weights), -1)

    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return the sum of what each number is times what it is multiplied by."""
        return self.held + (theta[self.own] @ self.flat).reshape(self.weights.shape[1:])

    def backward(self, above: Any, run: Backward) -> None:
        """Add to the derivatives of its numbers."""
        run.derivative[self.own] += run.times(self.weights, above)


class Applied(Step):
    """A function of one variable."""

    def __init__(self, function: Function, argument: int) -> None:
        self.function, self.argument = function, argument

    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return the value of the function."""
        return np.asarray(self.function.value(values[self.argument]))

    def backward(self, above: Any, run: Backward) -> None:
        """Hand on the derivative times the slope of the function."""
        if self.function.name == "exp":
            slope = run.values[self.place]
        else:
            slope = self.function.derivative(run.values[self.argument])
        run.hand(self.argument, run.times(above, slope))


class Extreme(Step):
    """The largest or the smallest of several steps.

    Parameters
    ----------
    choose
        ``np.maximum`` or ``np.minimum``.
    parts
        Places of the steps.
    moving
        Whether each depends on a free number.
    """

    def __init__(self, choose: Callable[[Any, Any], Any], parts: list[int], moving: list[bool]) -> None:
        self.choose, self.parts, self.moving = choose, parts, moving

    def forward(self, values: list[Any], theta: Floats) -> Any:
        """Return the extreme."""
        return reduce(self.choose, [values[part] for part in self.parts])

    def backward(self, above: Any, run: Backward) -> None:
        """Hand on to the first part that is the extreme."""
        left = np.asarray(True)
        for part, moves in zip(self.parts, self.moving, strict=True):
            attains = left & (run.values[part] == run.values[self.place])
            left = left & ~attains
            if moves:
                run.hand(part, run.times(above, attains.astype(np.float64)))
