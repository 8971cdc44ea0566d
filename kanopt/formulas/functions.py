"""The functions of one variable that a formula may use, and nothing else.

Each function knows its value, its derivatives, where it is defined, where it turns, and how it is spelled in the
languages a formula is exported to. Adding a function here adds it everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, nearest


@dataclass(frozen=True)
class Function:
    """A function of one variable.

    Parameters
    ----------
    name
        How formulas spell it.
    value, derivative, second_derivative
        Vectorised implementations on float64 arrays, accurate to a few units in the last place.
    spelling
        Templates of latex, python, sql, javascript and excel, where they do not know it by its name, in which ``@`` is
        replaced by the argument; the writer puts brackets around it and around the whole where they are needed. The SQL
        ones use only what SQLite, PostgreSQL and DuckDB share, the Excel ones what Excel 2010 and LibreOffice do. Each
        is as exact as `value` where the result is small, too.
    low, high
        Where it is defined; outside it evaluates to NaN.
    extrema
        Where the value, the derivative and the second derivative turn from rising to falling or back, so that their
        ranges follow from the ends and the turns between.
    period
        The distance at which the turns repeat.
    kinked
        Whether the derivative jumps upwards at zero.
    symbolic
        Its expression in sympy, given that module and the argument; where there is none, sympy has it by its name.
    degree
        The p for which f(c·x) is c^p · f(x), by which its unit follows; None where it takes pure numbers alone.

    Examples
    --------
    >>> FUNCTIONS["sqrt"].value(np.array([4.0, 9.0])).tolist()
    [2.0, 3.0]
    """

    name: str
    value: Callable[[Floats], Floats]
    derivative: Callable[[Floats], Floats]
    second_derivative: Callable[[Floats], Floats]
    spelling: Mapping[str, str] = field(default_factory=dict)
    low: float = -math.inf
    high: float = math.inf
    extrema: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]] = ((), (), ())
    period: float = math.inf
    kinked: bool = False
    symbolic: Callable[[Any, Any], Any] | None = None
    degree: Fraction | None = None

    def template(self, language: str) -> str:
        """Return how a language spells it; empty for one that calls functions by their names here."""
        usual = _USUAL.get(language, "").format(name=self.name, upper=self.name.upper())
        return self.spelling.get(language, usual)


_USUAL = {
    "latex": r"\{name}\left(@\right)",
    "python": "np.{name}(@)",
    "sql": "{upper}(@)",
    "javascript": "Math.{name}(@)",
    "excel": "{upper}(@)",
}
"""How languages spell a function that they know by its name."""


def _logistic(x: Floats) -> Floats:
    # exp of a non-positive number only, so that nothing overflows
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _softplus(x: Floats) -> Floats:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _logistic_slope(x: Floats) -> Floats:
    return _logistic(x) * _logistic(-x)


def _tanh_slope(x: Floats) -> Floats:
    # 1 − tanh² would cancel where tanh is near one
    return 4.0 * _logistic_slope(2.0 * x)


def _atan_bend(x: Floats) -> Floats:
    # by the reciprocal where the square would overflow
    near = np.abs(x) < 1.0
    t = np.where(near, x, 1.0 / np.where(near, 1.0, x))
    return -2.0 * t * np.where(near, 1.0, t * t) / np.square(1.0 + t * t)


_BEND = math.log(2 + math.sqrt(3))  # where the second derivative of the logistic function turns
_THIRD = math.sqrt(1 / 3)

# ln(1 + e) as its Taylor series, whose first term left out is below 2e-16 of the whole where e is below 0.001
_SQL_SERIES = "{e} * (1.0 - {e} * (0.5 - {e} * (0.3333333333333333 - {e} * (0.25 - {e} * 0.2))))"
_EXCEL_SERIES = "SUMPRODUCT({{1,-0.5,0.333333333333333,-0.25,0.2}},{powers})"

FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("exp", np.exp, np.exp, np.exp),
        Function(
            "log",
            np.log,
            np.reciprocal,
            lambda x: -1.0 / np.square(x),
            {"latex": r"\ln\left(@\right)", "sql": "LN(@)", "excel": "LN(@)"},
            low=0.0,
        ),
        Function(
            "log1p",
            np.log1p,
            lambda x: 1.0 / (1.0 + x),
            lambda x: -1.0 / np.square(1.0 + x),
            {
                "latex": r"\ln\left(1 + @\right)",
                "sql": f"CASE WHEN ABS(@) < 0.001 THEN {_SQL_SERIES.format(e='@')} ELSE LN(1.0 + @) END",
                "excel": f"IF(ABS(@)<0.001,{_EXCEL_SERIES.format(powers='@^{1,2,3,4,5}')},LN(1+@))",
            },
            low=-1.0,
            symbolic=lambda sympy, x: sympy.log(1 + x),
        ),
        Function(
            "sqrt",
            np.sqrt,
            lambda x: 0.5 / np.sqrt(x),
            lambda x: -0.25 / (x * np.sqrt(x)),
            {"latex": r"\sqrt{@}"},
            low=0.0,
            degree=Fraction(1, 2),
        ),
        Function(
            "square",
            np.square,
            lambda x: 2.0 * x,
            lambda x: np.full_like(x, 2.0),
            {
                "latex": r"@^{2}",
                "sql": "POWER(@, 2.0)",
                "javascript": "Math.pow(@, 2)",
                "excel": "POWER(@,2)",
            },
            extrema=((0.0,), (), ()),
            symbolic=lambda sympy, x: x**2,
            degree=Fraction(2),
        ),
        Function(
            "sin",
            np.sin,
            np.cos,
            lambda x: -np.sin(x),
            extrema=((math.pi / 2,), (0.0,), (math.pi / 2,)),
            period=math.pi,
        ),
        Function(
            "cos",
            np.cos,
            lambda x: -np.sin(x),
            lambda x: -np.cos(x),
            extrema=((0.0,), (math.pi / 2,), (0.0,)),
            period=math.pi,
        ),
        Function(
            "tanh",
            np.tanh,
            _tanh_slope,
            lambda x: -2.0 * np.tanh(x) * _tanh_slope(x),
            extrema=((), (0.0,), (-_BEND / 2, _BEND / 2)),
        ),
        Function(
            "atan",
            np.arctan,
            lambda x: 1.0 / (1.0 + x * x),
            _atan_bend,
            {"latex": r"\arctan\left(@\right)", "python": "np.arctan(@)"},
            extrema=((), (0.0,), (-_THIRD, _THIRD)),
        ),
        Function(
            "logistic",
            _logistic,
            _logistic_slope,
            lambda x: -np.tanh(0.5 * x) * _logistic_slope(x),
            {
                "latex": r"\operatorname{logistic}\left(@\right)",
                "python": "np.exp(-np.logaddexp(0.0, -@))",
                "sql": "1.0 / (1.0 + EXP(CASE WHEN @ < -700 THEN 700.0 WHEN @ > 700 THEN -700.0 ELSE -1.0 * @ END))",
                "javascript": "1 / (1 + Math.exp(-@))",
                "excel": "1/(1+EXP(-MAX(@,-700)))",
            },
            extrema=((), (0.0,), (-_BEND, _BEND)),
            symbolic=lambda sympy, x: 1 / (1 + sympy.exp(-x)),
        ),
        Function(
            "softplus",
            _softplus,
            _logistic,
            _logistic_slope,
            {
                "latex": r"\ln\left(1 + \exp\left(@\right)\right)",
                "python": "np.logaddexp(0.0, @)",
                "sql": "CASE WHEN @ > 700 THEN @ WHEN @ > 0 THEN @ + LN(1.0 + EXP(-1.0 * @)) WHEN @ < -700 THEN 0.0 "
                f"WHEN @ < -7 THEN {_SQL_SERIES.format(e='EXP(@)')} ELSE LN(1.0 + EXP(@)) END",
                "javascript": "Math.max(0, @) + Math.log1p(Math.exp(-Math.abs(@)))",
                "excel": f"MAX(0,@)+IF(ABS(@)>7,{_EXCEL_SERIES.format(powers='EXP(-ABS(@)*{1,2,3,4,5})')},"
                "LN(1+EXP(-ABS(@))))",
            },
            extrema=((), (), (0.0,)),
            symbolic=lambda sympy, x: sympy.log(1 + sympy.exp(x)),
        ),
        Function(
            "abs",
            np.abs,
            np.sign,
            np.zeros_like,
            {"latex": r"\left|@\right|"},
            extrema=((0.0,), (), ()),
            kinked=True,
            symbolic=lambda sympy, x: sympy.Abs(x),
            degree=Fraction(1),
        ),
        Function(
            "relu",
            lambda x: np.maximum(x, 0.0),
            lambda x: np.where(x > 0, 1.0, 0.0),
            np.zeros_like,
            {
                "latex": r"\max\left(0, @\right)",
                "python": "np.maximum(0.0, @)",
                "sql": "CASE WHEN @ > 0 THEN @ WHEN @ <= 0 THEN 0.0 END",
                "javascript": "Math.max(0, @)",
                "excel": "MAX(0,@)",
            },
            kinked=True,
            symbolic=lambda sympy, x: sympy.Max(0, x),
            degree=Fraction(1),
        ),
    )
}


def function_named(name: str) -> Function:
    """Return a function of the library.

    Raises
    ------
    FormulaError
        If there is none of that name; the nearest is named.

    Examples
    --------
    >>> function_named("exp").template("sql")
    'EXP(@)'
    """
    try:
        return FUNCTIONS[name]
    except KeyError:
        raise FormulaError(f"unknown function {name!r}; {nearest(name, FUNCTIONS)}") from None
