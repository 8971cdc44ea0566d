"""What learns a formula from rows, ours and others, seen alike: rows and a seed in, a formula and predictions out."""

from __future__ import annotations

import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module

import numpy as np
import pandas as pd
import sympy
from _laws import Law, Rows, numeric
from _recovery import APPROXIMATION, RECOVERED, STRUCTURE, Verdict, errors_of, judge, relative_error

import kanopt as ko
from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Apply, Constant, Input, Maximum, Minimum, Node, Power, Product, Sum
from kanopt.formulas.nodes import fold

Floats = np.ndarray
OURS = "kanopt"
CURVES, REFUSED, ROUNDED, STOPPED = "no formula", "refused", "rounded", "stopped"
LIMIT = 300.0
"""CPU seconds after which a program is stopped."""
_LARGEST, _DIGITS, _ROUNDING = 400, (4, 3, 2), 1.01


@dataclass(frozen=True)
class Found:
    """What a program found: as text, as an expression where it has one, and what it predicts."""

    text: str
    expression: sympy.Expr | None
    predict: Callable[[Floats], Floats]
    weak: bool = False
    """Whether the program itself says that this is a weak law."""
    approximation: bool = False
    """Whether the program itself says that the form is an approximation."""


Learn = Callable[[Rows, int], Found]


@dataclass(frozen=True)
class Program:
    """A program, the package it needs, how it is called, and whether its formulas may be shortened when measured."""

    package: str
    module: str
    learn: Learn
    tidy: bool = True


@dataclass(frozen=True)
class Run:
    """One law learned once."""

    program: str
    law: str
    noise: float
    seed: int
    word: str
    text: str
    ops: float
    errors: tuple[float, float, float]
    """Of the held-out rows without their noise, then in ranges 10 and 25 % wider, over the standard deviation."""
    off: float
    cpu: float
    weak: bool = False
    approximation: bool = False

    def __str__(self) -> str:
        errors = " / ".join(f"{error:.1e}" for error in self.errors)
        ops = f", {self.ops:g} operations" if self.ops > 0 else ""
        return (
            f"{self.program}, {self.law}, noise {self.noise:.0%}, seed {self.seed}: {self.word}{ops}, "
            f"error {errors}, {self.cpu:.1f} CPU s\n    {self.text}"
        )


def ours(rows: Rows, seed: int) -> Found:
    """Learn with everything at its default."""
    inputs = rows.train.drop(columns=rows.target)
    model = ko.KANRegressor(seed=seed).fit(inputs, rows.train[rows.target])
    formula = model.to_formula(rows.test, rows.target)

    def predict(x: Floats) -> Floats:
        try:
            return formula.evaluate(pd.DataFrame(x, columns=inputs.columns))
        except FormulaError:
            # no value somewhere in a wider range: as wrong as can be there
            return np.full(len(x), np.inf)

    weak = formula.verdict is not None and formula.verdict.level == "weak"
    expression = None if formula.curves else symbolic(formula.root)
    return Found(str(formula), expression, predict, weak, bool(formula.approximation))


FUNCTIONS = {
    "log1p": lambda x: sympy.log(1 + x),
    "square": lambda x: x**2,
    "logistic": lambda x: 1 / (1 + sympy.exp(-x)),
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "abs": sympy.Abs,
    "relu": lambda x: sympy.Max(0, x),
}


def symbolic(root: Node) -> sympy.Expr:
    """Return a graph without curves and tables as an expression of sympy."""

    def visit(node: Node, parts: list[sympy.Expr]) -> sympy.Expr:
        match node:
            case Constant(value=value):
                return sympy.Float(value)
            case Input(name=name):
                return sympy.Symbol(name, real=True)
            case Apply(function=name):
                return FUNCTIONS.get(name, getattr(sympy, name, None))(*parts)
        kinds = {Sum: sympy.Add, Product: sympy.Mul, Power: sympy.Pow, Maximum: sympy.Max, Minimum: sympy.Min}
        return kinds[type(node)](*parts)

    return fold(root, visit)


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Raise TimeoutError after so many CPU seconds; line searches of a peer may go on for ever."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"stopped after {seconds:g} CPU s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


@cache
def warm() -> None:
    """Let everything be imported and compiled before a clock runs."""
    x = np.linspace(1.0, 2.0, 60)
    frame = pd.DataFrame({"x": x, "y": 3.0 * x})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours(Rows(frame, frame, 0.0, "y"), 0)


def measured(
    name: str, program: Program, law: Law, noise: float, seed: int, rows: Rows, limit: float = LIMIT
) -> Run:
    """Let a program learn a law once, in so many CPU seconds at most, and judge what it found."""
    import_module(program.module)
    if program.learn is ours:
        warm()
    tick = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with stopped_after(limit):
                found = program.learn(rows, seed)
        except (FitError, FormulaError, TimeoutError) as error:
            spent = time.process_time() - tick
            word = STOPPED if isinstance(error, TimeoutError) else REFUSED
            nothing = float("inf"), float("inf"), float("inf")
            return Run(name, law.name, noise, seed, word, str(error), np.nan, nothing, np.nan, spent)
    spent = time.process_time() - tick
    verdict = _verdict(found, program, law, rows)
    held = rows.test.drop(columns=rows.target).to_numpy()
    truth = law.values(held)
    errors = relative_error(found.predict(held), truth), *verdict.errors
    word, ops, off = verdict.word, verdict.ops, verdict.off
    return Run(
        name,
        law.name,
        noise,
        seed,
        word,
        found.text,
        ops,
        errors,
        off,
        spent,
        found.weak,
        found.approximation,
    )


def _verdict(found: Found, program: Program, law: Law, rows: Rows) -> Verdict:
    """Judge a formula; where a program has no exact numbers, also as a reader might round it."""
    expression = found.expression
    if expression is None:
        return Verdict(CURVES, np.nan, errors_of(found.predict, law), np.nan)
    tidy = program.tidy and sympy.count_ops(expression) <= _LARGEST
    verdict = judge(expression, law, rows.x, rows.sigma, tidy=tidy)
    if verdict.word == STRUCTURE and found.approximation:
        return replace(verdict, word=APPROXIMATION)
    if not tidy or verdict.word == RECOVERED:
        return verdict
    most = _ROUNDING * _residual(expression, law, rows)
    for digits in _DIGITS:
        way = _rounded(expression, digits)
        if _residual(way, law, rows) > most:
            break
        if judge(way, law, rows.x, rows.sigma, tidy=True).word == RECOVERED:
            return replace(verdict, word=ROUNDED)
    return verdict


def _rounded(expression: sympy.Expr, digits: int) -> sympy.Expr:
    numbers = expression.atoms(sympy.Float)
    return expression.xreplace({number: sympy.Float(round(float(number), digits)) for number in numbers})


def _residual(expression: sympy.Expr, law: Law, rows: Rows) -> float:
    residual = rows.train[rows.target].to_numpy() - numeric(expression, law.symbols)(rows.x)
    return float(np.sqrt(np.mean(residual**2)))
