"""What learns a formula from rows, ours and others, seen alike: rows and a seed in, a formula and predictions out."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import numpy as np
import pandas as pd
import sympy
from _laws import Law, Rows
from _recovery import Verdict, errors_of, judge

import kanopt as ko
from kanopt.errors import FitError, FormulaError

__all__ = ["CURVES", "OURS", "REFUSED", "Found", "Program", "Run", "measured", "ours"]

Floats = np.ndarray
OURS, CURVES, REFUSED = "kanopt", "no formula", "refused"
_LARGEST = 400


@dataclass(frozen=True)
class Found:
    """What a program found: as text, as an expression where it has one, and what it predicts."""

    text: str
    expression: sympy.Expr | None
    predict: Callable[[Floats], Floats]


Learn = Callable[[Rows, int], Found]


@dataclass(frozen=True)
class Program:
    """A program, the package it needs, how it is called, and whether its formulas may be shortened when measured."""

    package: str
    module: str
    learn: Learn
    tidy: bool = True
    slow: bool = False


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
    closed = not formula.curves
    return Found(
        str(formula),
        formula.to_sympy() if closed else None,
        lambda x: formula.evaluate(pd.DataFrame(x, columns=inputs.columns)),
    )


@cache
def warm() -> None:
    """Let everything be imported and compiled before a clock runs."""
    x = np.linspace(1.0, 2.0, 60)
    frame = pd.DataFrame({"x": x, "y": 3.0 * x})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours(Rows(frame, frame, 0.0, "y"), 0)


def measured(name: str, program: Program, law: Law, noise: float, seed: int, rows: Rows) -> Run:
    """Let a program learn a law once, and judge what it found."""
    import_module(program.module)
    if program.learn is ours:
        warm()
    tick = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = program.learn(rows, seed)
        except (FitError, FormulaError) as error:
            spent = time.process_time() - tick
            nothing = float("nan"), float("nan"), float("nan")
            return Run(name, law.name, noise, seed, REFUSED, str(error), np.nan, nothing, np.nan, spent)
    spent = time.process_time() - tick
    verdict = _verdict(found, program, law, rows)
    held = rows.test.drop(columns=rows.target).to_numpy()
    truth = law.values(held)
    inside = float(np.sqrt(np.mean((found.predict(held) - truth) ** 2)) / truth.std())
    errors = inside, *verdict.errors
    return Run(name, law.name, noise, seed, verdict.word, found.text, verdict.ops, errors, verdict.off, spent)


def _verdict(found: Found, program: Program, law: Law, rows: Rows) -> Verdict:
    if found.expression is None:
        return Verdict(CURVES, np.nan, errors_of(found.predict, law), np.nan)
    tidy = program.tidy and sympy.count_ops(found.expression) <= _LARGEST
    return judge(found.expression, law, rows.x, rows.sigma, tidy=tidy)
