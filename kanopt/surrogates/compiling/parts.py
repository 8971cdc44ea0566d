"""What a network is made of while a formula is turned into it: signals, functions of one signal, and sums of these.

A node of a network adds functions of one variable each. A step of a formula is therefore held as such a sum for as long
as it is one (:class:`Additive`), and becomes a node of its own only where something else is computed from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Additive", "OneVariable", "Signal", "digest", "product_of", "sum_of"]

Floats = NDArray[np.float64]


def digest(*parts: object) -> bytes:
    """Return a key that is the same for the same parts.

    Examples
    --------
    >>> digest("log", 1.0) == digest("log", 1.0), digest("log", 1.0) == digest("log", 2.0)
    (True, False)
    """
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


@dataclass(frozen=True, eq=False)
class OneVariable:
    """A function of one signal; of a category it takes codes.

    Parameters
    ----------
    call
        The function, on arrays.
    key
        Tells it from others.
    text
        How messages call it.
    straight
        Whether it is a straight line.
    """

    call: Callable[[Floats], Floats]
    key: bytes
    text: str
    straight: bool = False

    def __call__(self, values: Floats) -> Floats:
        """Return the values of the function; what is undefined is NaN."""
        with np.errstate(all="ignore"):
            result: Floats = np.asarray(self.call(values), dtype=np.float64)
        return result

    def then(self, outer: Callable[[Floats], Floats], key: bytes, text: str) -> OneVariable:
        """Return the function followed by another one."""
        inner = self.call
        return OneVariable(lambda values: outer(inner(values)), digest(self.key, key), text)

    def moved(self, factor: float, shift: float = 0.0) -> OneVariable:
        """Return ``factor · f + shift``."""
        if factor == 1.0 and shift == 0.0:
            return self
        inner = self.call
        key = digest(self.key, "moved", factor, shift)
        return OneVariable(lambda values: factor * inner(values) + shift, key, self.text, self.straight)


@dataclass(frozen=True, eq=False)
class Additive:
    """A constant plus one function per signal.

    Parameters
    ----------
    terms
        By the number of the signal.
    bias
        The constant.
    """

    terms: dict[int, OneVariable]
    bias: float = 0.0

    @property
    def key(self) -> bytes:
        """The same for the same sum."""
        return digest(self.bias, sorted((place, term.key) for place, term in self.terms.items()))

    @property
    def alone(self) -> int | None:
        """The one signal it is a function of; None where there are more or none."""
        return next(iter(self.terms)) if len(self.terms) == 1 else None

    def as_one(self) -> OneVariable:
        """Return the function of the one signal, the constant in it."""
        (term,) = self.terms.values()
        return term.moved(1.0, self.bias)

    def moved(self, factor: float, shift: float = 0.0) -> Additive:
        """Return ``factor · this + shift``."""
        terms = {place: term.moved(factor) for place, term in self.terms.items()} if factor else {}
        return Additive(terms, factor * self.bias + shift)


@dataclass(frozen=True, eq=False)
class Signal:
    """An input, or a node: what functions of one variable are functions of.

    Parameters
    ----------
    level
        0 for inputs; a node is one above what it is made of.
    name
        How messages call it.
    values
        On the sample of the domain, (n,); codes of a category.
    factors
        What a node adds up, or the two sums that it multiplies, all over signals of the level below; empty for inputs.
    categories
        Of a categorical input, its labels; else empty.
    """

    level: int
    name: str
    values: Floats
    factors: tuple[Additive, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def span(self) -> tuple[float, float]:
        """Least and largest value on the sample."""
        return float(self.values.min()), float(self.values.max())


def sum_of(parts: list[Additive]) -> Additive:
    """Return the sum; functions of one signal become one function.

    Examples
    --------
    >>> line = OneVariable(lambda x: 2.0 * x, b"line", "2 x", straight=True)
    >>> total = sum_of([Additive({0: line}, 1.0), Additive({0: line}, 2.0)])
    >>> total.bias, total.terms[0](np.array([1.0])).tolist(), total.terms[0].straight
    (3.0, [4.0], True)
    """
    terms: dict[int, OneVariable] = {}
    for part in parts:
        for place, term in part.terms.items():
            terms[place] = _both(terms[place], term, " + ") if place in terms else term
    return Additive(terms, sum(part.bias for part in parts))


def product_of(factors: list[OneVariable]) -> OneVariable:
    """Return the product of functions of the same signal."""
    product = factors[0]
    for factor in factors[1:]:
        product = _both(product, factor, " · ")
    return product


def _both(first: OneVariable, second: OneVariable, sign: str) -> OneVariable:
    f, g = first.call, second.call
    key, text = digest(first.key, sign, second.key), f"{first.text}{sign}{second.text}"
    if sign == " + ":
        return OneVariable(
            lambda values: f(values) + g(values), key, text, first.straight and second.straight
        )
    return OneVariable(lambda values: f(values) * g(values), key, text)
