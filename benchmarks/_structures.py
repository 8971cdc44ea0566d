"""The structure of a law: its text with every constant set free, and the constants that reproduce a function.

A number in the text is a constant where it multiplies, is added, or is an exponent that is neither whole nor a half;
exponents such as 2, −1 and 1/2 belong to the structure. A sine has a phase, which is zero only by choice of an origin;
where its argument is so small that sin(u) and u hardly differ, nothing in it is free, and u itself counts as well.
The same real exponent of a name at two places is one constant (n^1.4/(k + n^1.4)). Numbers that could be changed
without changing what the others can reproduce (1/278 beside 0.05 in 0.05·t·exp(6200·(1/278 − 1/T))) are held.

With `loose` the exponents of the structure are constants as well, those of 1 too, and so is an offset whose true value
is zero: what is left over where a program cannot tell 1.9998 from 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy
from _laws import Law, numeric, widened

Floats = np.ndarray
_RANK, _SMALL_ANGLE = 1e-6, 0.1


@dataclass(frozen=True, eq=False)
class Structure:
    """An expression in inputs and constants, with the constants' true values."""

    law: Law
    expression: sympy.Expr
    constants: tuple[sympy.Symbol, ...]
    true: Floats
    exact: bool = True
    """Whether the true values give the truth itself, or only what data cannot tell from it."""

    def values(self, x: Floats, constants: Floats) -> Floats:
        """Return the function of rows of inputs, shape (n,)."""
        return self._functions[0](x, constants)[:, 0]

    def slopes(self, x: Floats, constants: Floats) -> Floats:
        """Return its derivatives by the constants, shape (n, constants)."""
        return self._functions[1](x, constants)

    @cached_property
    def _functions(self) -> tuple[Callable[..., Floats], Callable[..., Floats]]:
        slopes = [sympy.diff(self.expression, constant) for constant in self.constants]
        return self._compiled([self.expression]), self._compiled(slopes)

    def _compiled(self, expressions: list[sympy.Expr]) -> Callable[..., Floats]:
        function = sympy.lambdify([*self.law.symbols, *self.constants], expressions, "numpy", cse=True)

        def values(x: Floats, constants: Floats) -> Floats:
            with np.errstate(all="ignore"):
                columns = [np.broadcast_to(column, len(x)) for column in function(*x.T, *constants)]
            return np.column_stack(columns).astype(float)

        return values

    @np.errstate(all="ignore")
    def solve(self, x: Floats, target: Floats, start: Floats | None = None) -> Floats:
        """Return the constants of least relative squared distance to values of a function (Levenberg-Marquardt)."""
        weight = 1.0 / size(target)
        here = self.true if start is None else start
        residual = (target - self.values(x, here)) * weight
        cost, damping = float(residual @ residual), 1e-3
        for _ in range(200):
            slopes = self.slopes(x, here) * weight[:, None]
            scale = np.linalg.norm(slopes, axis=0)
            if not (np.isfinite(scale).all() and scale.all()):
                break
            system = np.vstack([slopes / scale, np.sqrt(damping) * np.eye(len(here))])
            step = np.linalg.lstsq(system, np.r_[residual, np.zeros(len(here))], rcond=None)[0] / scale
            trial = here + step
            ahead = (target - self.values(x, trial)) * weight
            found = float(ahead @ ahead) if np.isfinite(ahead).all() else np.inf
            if found < cost:
                here, residual, cost, damping = trial, ahead, found, damping * 0.1
            elif damping > 1e8 or np.abs(step * scale).max() < 1e-15:
                break
            else:
                damping = max(damping, 1e-12) * 10.0
        return here

    def spread(self, x: Floats, sigma: float) -> Floats:
        """Return the covariance of the constants learned from rows of this noise (inverse Fisher information)."""
        slopes = self.slopes(x, self.true)
        scale = np.linalg.norm(slopes, axis=0)
        return sigma**2 * np.linalg.inv((slopes / scale).T @ (slopes / scale)) / np.outer(scale, scale)


def size(values: Floats) -> Floats:
    """Return by how much a function is measured at each row: its value, or a thousandth of the usual one."""
    return np.abs(values) + 1e-3 * np.median(np.abs(values)) + 1e-300


def distance(values: Floats, other: Floats) -> float:
    """Return the largest difference of two functions over the rows, relative to the second."""
    gap = np.abs(values - other) / size(other)
    return float(gap.max()) if np.isfinite(gap).all() else np.inf


@lru_cache(maxsize=256)
def structures(law: Law, loose: bool = False) -> tuple[Structure, ...]:
    """Return the structures that count as that of the law: its own, and with small angles for their sines."""
    inner = widened(law, 0.0, 2_000)
    small = {
        sine: sine.args[0]
        for sine in law.expression.atoms(sympy.sin)
        if np.abs(numeric(sine.args[0], law.symbols)(inner)).max() <= _SMALL_ANGLE
    }
    held = {sine: sympy.Symbol(f"sine_{place}", real=True) for place, sine in enumerate(small)}
    own = _structure(law, law.expression, loose, held)
    if not small:
        return (own,)
    near = _structure(law, law.expression.xreplace(small), loose, {})
    true = near.solve(inner, law.values(inner))
    return own, Structure(law, near.expression, near.constants, true, exact=False)


def _structure(
    law: Law, expression: sympy.Expr, loose: bool, held: dict[sympy.Expr, sympy.Symbol]
) -> Structure:
    """Set the numbers of an expression free; what is `held` stands for itself."""
    positive = {
        symbol: sympy.Symbol(symbol.name, positive=True)
        for symbol, variable in zip(law.symbols, law.variables, strict=True)
        if variable.positive
    }
    back = {new: old for old, new in [*positive.items(), *held.items()]}
    split = sympy.expand_power_base(expression.xreplace(held).xreplace(positive))
    freeing = _Freeing(loose)
    free = freeing.term(split).xreplace(back)
    if loose:
        free += freeing.constant(0.0, "offset")
    return _identified(law, free, freeing)


@dataclass
class _Freeing:
    """Replaces the numbers of an expression by constants."""

    loose: bool
    true: dict[sympy.Symbol, float] = field(default_factory=dict)
    exponents: dict[tuple[Any, Any], sympy.Symbol] = field(default_factory=dict)

    def constant(self, value: Any, name: str = "c") -> sympy.Symbol:
        symbol = sympy.Symbol(f"{name}_{len(self.true)}", real=True)
        self.true[symbol] = float(value)
        return symbol

    def term(self, expression: sympy.Expr) -> sympy.Expr:
        """Return a sum, product or factor that is multiplied by a constant."""
        if expression.is_Add:
            return sympy.Add(*map(self.term, expression.args))
        factors = expression.args if expression.is_Mul else (expression,)
        numbers = [factor for factor in factors if not factor.free_symbols]
        rest = [self.factor(factor) for factor in factors if factor.free_symbols]
        return sympy.Mul(self.constant(sympy.Mul(*numbers)), *rest)

    def factor(self, expression: sympy.Expr) -> sympy.Expr:
        """Return a factor with the numbers in it set free."""
        if expression.is_Add:
            return self.term(expression)
        base, exponent = expression.as_base_exp()
        if isinstance(expression, sympy.Pow) or base.is_Symbol:
            return self.inside(base) ** self.exponent(base, exponent)
        if isinstance(expression, (sympy.sin, sympy.cos)):
            argument = expression.args[0]
            phase = 0 if _has_number(argument) else self.constant(0.0, "phase")
            return expression.func(self.term(argument) + phase)
        return expression.func(*map(self.term, expression.args))

    def inside(self, base: sympy.Expr) -> sympy.Expr:
        if not base.free_symbols:  # 0.7**x
            return self.constant(base, "b")
        return base if base.is_Symbol else self.factor(base)

    def exponent(self, base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
        if exponent.free_symbols:
            return self.term(exponent)
        structural = sympy.Integer(2) * exponent == round(2.0 * float(exponent))
        if structural and not (self.loose and base.is_positive):
            return sympy.nsimplify(exponent)
        if structural:
            return self.constant(exponent, "p")
        key = base, abs(float(exponent))
        if key not in self.exponents:
            self.exponents[key] = self.constant(abs(float(exponent)), "p")
        return self.exponents[key] if exponent > 0 else -self.exponents[key]


def _has_number(expression: sympy.Expr) -> bool:
    return any(not each.free_symbols for each in sympy.Add.make_args(expression))


def _identified(law: Law, expression: sympy.Expr, freeing: _Freeing) -> Structure:
    """Hold the constants that change nothing which the others do not: rather a 1 than another number."""
    order = sorted(freeing.true, key=lambda symbol: abs(freeing.true[symbol]) == 1.0)
    order = [symbol for symbol in order if symbol in expression.free_symbols]
    true = np.array([freeing.true[symbol] for symbol in order])
    whole = Structure(law, expression, tuple(order), true)
    x = widened(law, 0.1, 1_000)
    columns = whole.slopes(x, true) / size(whole.values(x, true))[:, None]
    kept = list(_independent(columns / np.linalg.norm(columns, axis=0)))
    held = {symbol: freeing.true[symbol] for place, symbol in enumerate(order) if place not in kept}
    values = {symbol: _number(value) for symbol, value in held.items()}
    return Structure(law, expression.xreplace(values), tuple(order[place] for place in kept), true[kept])


def _number(value: float) -> sympy.Expr:
    return sympy.Integer(int(value)) if value == int(value) else sympy.Float(value)


def _independent(columns: Floats) -> Iterator[int]:
    """Yield the columns, one after the other, that are no combination of those before."""
    basis = np.empty((len(columns), 0))
    for place in range(columns.shape[1]):
        column = columns[:, place]
        for _ in range(2):
            column = column - basis @ (basis.T @ column)
        length = np.linalg.norm(column)
        if length > _RANK:
            basis = np.column_stack([basis, column / length])
            yield place
