"""Other programs that learn formulas or curves, for formulas.py.

Operon and gplearn search by genetic programming, among the operators the laws need (and, for Operon, no others: more
would be a larger space). Operon runs for 25 seconds of CPU time and is told the standard deviation of the noise,
which its description length needs and no other program knows; its model of least description length is taken. gplearn
evolves 2,000 programs over 30 generations, towards a target scaled by its standard deviation. pykan is used as in its
examples: 2 hidden nodes, LBFGS with a penalty of 0.001, prune, LBFGS, auto_symbolic, LBFGS; inputs and target are
scaled, and not centred, which would make every power law a long one. explainable boosting (interpret) and additive
splines (pygam) write no formula; their errors are there for comparison.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import sympy
from _laws import Rows, numeric
from _programs import Found, Program

__all__ = ["BUDGET", "PEERS"]

Floats = np.ndarray
BUDGET = 25.0
"""CPU seconds of Operon."""
LIBRARY = ["x", "x^2", "x^3", "x^4", "1/x", "1/x^2", "sqrt", "1/sqrt(x)", "exp", "log", "sin", "tanh"]


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


def pykan(rows: Rows, seed: int) -> Found:
    """Train a Kolmogorov-Arnold network and replace its curves by the library functions nearest to them."""
    import torch
    from kan import KAN

    x, y = _arrays(rows)
    symbols = _symbols(rows)
    scales, scale = np.abs(x).max(axis=0), float(y.std())
    with _double(), tempfile.TemporaryDirectory() as folder, _silent():
        inputs, target = torch.tensor(x / scales), torch.tensor(y / scale)[:, None]
        data = {"train_input": inputs, "train_label": target, "test_input": inputs, "test_label": target}
        network = KAN([x.shape[1], 2, 1], grid=5, k=3, seed=seed, auto_save=False, ckpt_path=folder)
        network.fit(data, opt="LBFGS", steps=50, lamb=0.001)
        network = network.prune()
        network.fit(data, opt="LBFGS", steps=50)
        network.auto_symbolic(lib=LIBRARY)
        (formula,), variables = network.symbolic_formula()
        network.fit(data, opt="LBFGS", steps=50, update_grid=False)
        (refitted,), _ = network.symbolic_formula()
    # roots and logarithms of what the refit makes negative leave no number at all
    formula, refitted = sympy.sympify(formula), sympy.sympify(refitted)
    formula = formula if refitted.has(sympy.nan, sympy.zoo) else refitted
    if formula.has(sympy.nan, sympy.zoo):
        return Found("nan", None, lambda rows: np.full(len(rows), np.nan))
    swaps = {v: s / float(c) for v, s, c in zip(variables, symbols, scales, strict=True)}
    expression = scale * formula.subs(swaps)
    return _found(str(expression.xreplace(_short(expression))), expression, symbols)


@contextlib.contextmanager
def _double() -> Iterator[None]:
    """Compute in float64, and let others compute as before."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _short(expression: sympy.Expr) -> dict[sympy.Expr, sympy.Expr]:
    return {number: sympy.Float(number, 4) for number in expression.atoms(sympy.Float)}


def boosted(rows: Rows, seed: int) -> Found:
    """Learn an explainable boosting machine: steps of one and of two inputs, and never a formula."""
    from interpret.glassbox import ExplainableBoostingRegressor

    model = ExplainableBoostingRegressor(random_state=seed, n_jobs=1).fit(*_arrays(rows))
    return Found(f"{len(model.term_names_)} tables of steps", None, model.predict)


def splines(rows: Rows, seed: int) -> Found:
    """Learn a sum of splines of one input each, smoothing by GCV; never a formula."""
    from pygam import LinearGAM, s

    x, y = _arrays(rows)
    terms = s(0)
    for place in range(1, x.shape[1]):
        terms = terms + s(place)
    model = LinearGAM(terms).gridsearch(x, y, lam=np.logspace(-3, 3, 11), progress=False)
    return Found(f"{x.shape[1]} splines", None, model.predict)


PEERS = {
    "operon": Program("pyoperon", "pyoperon.sklearn", operon),
    "gplearn": Program("gplearn", "gplearn.genetic", gplearn),
    "pykan": Program("pykan", "kan", pykan, slow=True),
    "ebm": Program("interpret", "interpret.glassbox", boosted),
    "pygam": Program("pygam", "pygam", splines),
}
"""By the name of the flag."""
