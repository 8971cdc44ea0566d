"""Other programs that learn formulas, for formulas.py and fastsrb.py.

Operon and gplearn search by genetic programming, among the operators the laws need (and, for Operon, no others: more
would be a larger space). Operon runs for 25 seconds of CPU time and is told the standard deviation of the noise,
which its description length needs and no other program knows; its model of least description length is taken. gplearn
evolves 2,000 programs over 30 generations, towards a target scaled by its standard deviation.
"""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import numpy as np
import sympy
from _laws import Rows, numeric
from _programs import Found, Program

Floats = np.ndarray
BUDGET = 25.0
"""CPU seconds of Operon."""


def _arrays(rows: Rows) -> tuple[Floats, Floats]:
    return rows.x, rows.train[rows.target].to_numpy()


def _symbols(rows: Rows) -> list[sympy.Symbol]:
    return [sympy.Symbol(name, real=True) for name in rows.train.columns if name != rows.target]


def _found(text: str, expression: sympy.Expr, symbols: list[sympy.Symbol]) -> Found:
    return Found(text, expression, numeric(expression, symbols))


def _share() -> float:
    """Return how much of a core this process gets at the moment."""
    wall, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < 0.5:
        pass
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


def operon(rows: Rows, seed: int, seconds: float = BUDGET, functions: str = "square,sqrt,exp,sin") -> Found:
    """Search by genetic programming with constants fitted by Levenberg-Marquardt."""
    from pyoperon.sklearn import SymbolicRegressor

    x, y = _arrays(rows)
    search = SymbolicRegressor(
        allowed_symbols=f"add,sub,mul,div,pow,{functions},constant,variable",
        objectives=["r2", "length"],
        optimizer_iterations=10,
        max_length=40,
        max_evaluations=2**31,
        generations=2**31,
        uncertainty=[max(rows.sigma, 1e-5 * float(y.std()))],
        n_threads=1,
        max_time=round(seconds / _share()),
        random_state=seed,
    ).fit(x.astype(np.float32), y.astype(np.float32))
    symbols = _symbols(rows)
    names = [symbol.name for symbol in symbols]
    text = search.get_model_string(search.model_, 20, names)
    expression = sympy.sympify(text.replace("^", "**"), locals=dict(zip(names, symbols, strict=True)))
    return _found(search.get_model_string(search.model_, 4, names), expression, symbols)


def gplearn(rows: Rows, seed: int, seconds: float | None = None, functions: tuple[str, ...] = ()) -> Found:
    """Search by genetic programming with constants that are drawn; generations until the CPU seconds are over."""
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    exp = make_function(function=lambda x: np.exp(np.clip(x, -50.0, 50.0)), name="exp", arity=1)
    x, y = _arrays(rows)
    symbols, scale = _symbols(rows), float(y.std())
    search = SymbolicRegressor(
        population_size=2_000,
        generations=30,
        warm_start=True,
        function_set=("add", "sub", "mul", "div", "sqrt", "log", "sin", *functions, exp),
        metric="rmse",
        const_range=(-10.0, 10.0),
        parsimony_coefficient=0.001,
        feature_names=[symbol.name for symbol in symbols],
        random_state=seed,
    )
    tick = time.process_time()
    for generation in [30] if seconds is None else count(1):
        search.set_params(generations=generation).fit(x, y / scale)
        if seconds is not None and time.process_time() - tick >= seconds:
            break
    text = str(search._program)
    meaning: dict[str, Any] = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "div": lambda a, b: a / b,
        "sqrt": lambda a: sympy.sqrt(sympy.Abs(a)),
        "log": lambda a: sympy.log(sympy.Abs(a)),
    }
    own = {symbol.name: symbol for symbol in symbols}
    # a variable may bear the name of an operator's neighbour in sympy, such as S
    expression = scale * sympy.sympify(text, locals={**meaning, **own})
    return Found(text, expression, lambda rows: scale * search.predict(rows))


PEERS = {
    "operon": Program("pyoperon", "pyoperon.sklearn", operon),
    "gplearn": Program("gplearn", "gplearn.genetic", gplearn),
}
"""By the name of the flag."""
