"""Laws with a known truth: read from a file, rows drawn from them, and rows a little beyond their ranges."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sympy

from kanopt.errors import UnitError
from kanopt.tables import with_units

Floats = np.ndarray
CONTENT = (
    "a TOML file with [[FORMULAS]], of one law each: name; "
    "target (what the output is); unit; variables, a list of (name, low, high, unit, kind) where kind is 'float' "
    "(uniform), 'log' (uniform in the logarithm) or 'int' (whole numbers, both ends drawn); and sympy, the law as text "
    "in these names"
)
_KINDS = ("float", "log", "int")
_TRAIN, _TEST, _HELD_OUT = 2_000, 500, 10_000


@dataclass(frozen=True)
class Variable:
    """An input of a law: where its values come from."""

    name: str
    low: float
    high: float
    unit: str = ""
    kind: str = "float"

    def draw(self, rows: int, rng: np.random.Generator) -> Floats:
        """Draw values of the range."""
        if self.kind == "int":
            return rng.integers(int(self.low), int(self.high) + 1, rows).astype(float)
        if self.kind == "log":
            return np.exp(rng.uniform(np.log(self.low), np.log(self.high), rows))
        return rng.uniform(self.low, self.high, rows)

    def wider(self, share: float) -> Variable:
        """Return the range with `share` of its width more on both sides, in the logarithm for kind 'log'.

        What is not negative stays so, and what is positive loses at most `share` of its lower end.
        """
        if self.kind == "log":
            more = (self.high / self.low) ** share
            return replace(self, low=self.low / more, high=self.high * more)
        more = share * (self.high - self.low)
        low = self.low - more if self.low < 0 else max(self.low - more, self.low * (1.0 - share))
        high = self.high + more
        if self.kind == "int":
            low, high = np.ceil(low), np.floor(high)
        return replace(self, low=float(low), high=float(high))

    @property
    def positive(self) -> bool:
        """Whether no value is zero or less."""
        return self.low > 0


@dataclass(frozen=True)
class EitherSign(Variable):
    """An input whose size comes from the range and whose sign from a coin."""

    def draw(self, rows: int, rng: np.random.Generator) -> Floats:
        """Draw values of the range, and then signs."""
        return super().draw(rows, rng) * rng.choice((-1.0, 1.0), rows)

    @property
    def positive(self) -> bool:
        """Whether no value is zero or less."""
        return False


@dataclass(frozen=True, eq=False)
class Law:
    """A truth: an expression over variables."""

    name: str
    expression: sympy.Expr
    variables: tuple[Variable, ...]
    target: str = "y"
    unit: str = ""
    conditions: tuple[sympy.Expr, ...] = ()
    """What every row obeys, such as v1**2 >= v2**2."""

    @classmethod
    def of(cls, name: str, text: str, *variables: Sequence[Any], target: str = "y") -> Law:
        """Read a law from text, and its variables from tuples as in a file of laws."""
        inputs = tuple(Variable(*variable) for variable in variables)
        known = {variable.name: sympy.Symbol(variable.name, real=True) for variable in inputs}
        expression = sympy.sympify(text, locals=known)
        unknown = {str(symbol) for symbol in expression.free_symbols} - set(known)
        if unknown or any(variable.kind not in _KINDS for variable in inputs):
            raise SystemExit(
                f"law {name!r}: unknown names {sorted(unknown)}, or a kind that is none of {_KINDS}"
            )
        return cls(name, expression, inputs, target)

    @property
    def names(self) -> list[str]:
        return [variable.name for variable in self.variables]

    @cached_property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        return tuple(sympy.Symbol(name, real=True) for name in self.names)

    @cached_property
    def ops(self) -> int:
        return int(sympy.count_ops(self.expression))

    def read(self, text: str) -> sympy.Expr:
        """Read an expression in the variables of the law."""
        return sympy.sympify(text, locals=dict(zip(self.names, self.symbols, strict=True)))

    def draw(self, rows: int, rng: np.random.Generator, share: float = 0.0) -> Floats:
        """Draw inputs that obey the conditions, from ranges that are wider by a share on both sides."""
        variables = [variable.wider(share) for variable in self.variables]
        found: list[Floats] = []
        while sum(map(len, found)) < rows:
            x = np.column_stack([variable.draw(rows, rng) for variable in variables])
            for condition in self.conditions:
                x = x[numeric(condition, self.symbols)(x) > 0.5]
            found.append(x)
        return np.concatenate(found)[:rows]

    def values(self, x: Floats) -> Floats:
        """Return the truth at rows of inputs, shape (n, variables)."""
        return numeric(self.expression, self.symbols)(x)


def numeric(expression: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> Any:
    """Return a function of an array of rows; NaN where there is no real value."""
    # what a peer or a formula calls a symbol may carry other assumptions
    named = {symbol.name: symbol for symbol in symbols}
    own = expression.xreplace({s: named[s.name] for s in expression.free_symbols if s.name in named})
    function = sympy.lambdify(symbols, own, "numpy", cse=True)

    def values(x: Floats) -> Floats:
        with np.errstate(all="ignore"):
            found = np.broadcast_to(np.asarray(function(*x.T)), len(x))
        return np.where(np.isreal(found), found.real, np.nan).astype(float)

    return values


def load_laws(path: Path) -> list[Law]:
    """Read a file of laws; see CONTENT."""
    if not path.exists():
        raise SystemExit(f"--laws {path}: no such file; it must be {CONTENT}")
    entries = tomllib.loads(path.read_text("utf-8")).get("FORMULAS")
    if not entries:
        raise SystemExit(f"--laws {path}: holds no FORMULAS; it must be {CONTENT}")
    try:
        return [
            Law.of(entry["name"], entry["sympy"], *entry["variables"], target=entry.get("target", "y"))
            for entry in entries
        ]
    except KeyError as error:
        raise SystemExit(f"--laws {path}: a law has no {error}; it must be {CONTENT}") from None


@dataclass(frozen=True, eq=False)
class Rows:
    """What is learned from, what is held out, and how large the noise is."""

    train: pd.DataFrame
    test: pd.DataFrame
    sigma: float
    target: str

    @property
    def x(self) -> Floats:
        return self.train.drop(columns=self.target).to_numpy()


def drawn(law: Law, noise: float, seed: int, train: int = _TRAIN, test: int = _TEST) -> Rows:
    """Draw rows; the noise is normal, its standard deviation a share of that of the truth.

    Frames declare those units that kanopt knows.
    """
    frames, sigma = [], None
    for rows, rng in ((train, np.random.default_rng(seed)), (test, np.random.default_rng(seed + _HELD_OUT))):
        x = law.draw(rows, rng)
        y = law.values(x)
        sigma = noise * float(y.std()) if sigma is None else sigma
        frames.append(_framed(law, x, y + sigma * rng.standard_normal(rows)))
    return Rows(*frames, float(sigma or 0.0), "y")


def _framed(law: Law, x: Floats, y: Floats) -> pd.DataFrame:
    frame = pd.DataFrame(x, columns=law.names)
    frame["y"] = y
    units = [(variable.name, variable.unit) for variable in law.variables]
    for name, unit in units + [("y", law.unit)] * bool(law.unit):
        try:
            frame = with_units(frame, {name: unit})
        except UnitError:
            continue  # such as "k inhabitants": a column without a unit
    return frame


def widened(law: Law, share: float, rows: int, seed: int = 0) -> Floats:
    """Draw inputs from ranges that are wider by a share on both sides.

    Left out are rows in which a divisor, or what is under a root or a logarithm, has another sign than within the
    ranges, or is nearer to zero there than 1 − share of the least within them: a queue needs more capacity than load.
    """
    rng = np.random.default_rng(seed)
    inner = law.draw(4_000, rng)
    sums = _delicate(law.expression)
    guards = [numeric(each, law.symbols) for each in sums]
    least = [(np.sign(guard(inner)), np.abs(guard(inner)).min()) for guard in guards]
    found: list[Floats] = []
    while sum(map(len, found)) < rows:
        x = law.draw(rows, rng, share)
        kept = np.isfinite(law.values(x))
        for guard, (sign, nearest) in zip(guards, least, strict=True):
            if (sign == sign[0]).all():
                kept &= guard(x) * sign[0] >= (1.0 - share) * nearest
        found.append(x[kept])
    return np.concatenate(found)[:rows]


def _delicate(expression: sympy.Expr) -> list[sympy.Expr]:
    """Return the sums that are divided by, or of which a root or a logarithm is taken."""
    powers = [p.base for p in expression.atoms(sympy.Pow) if not (p.exp.is_integer and p.exp.is_positive)]
    logs = [function.args[0] for function in expression.atoms(sympy.log)]
    return [base for base in (*powers, *logs) if base.is_Add and base.free_symbols]
