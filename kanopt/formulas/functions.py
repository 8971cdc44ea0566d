"""The functions of one variable that a formula may use, and nothing else.

Each function knows its value, its derivatives, where it is defined, where it turns, and how it is spelled in the
languages a formula is exported to. Adding a function here adds it everywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

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

    @property
    def rises(self) -> bool:
        """Whether it rises wherever it is defined: those of the library that turn nowhere do."""
        return not (self.extrema[0] or self.kinked)

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


# How a formula is written down: the infix writer that every language and notation shares.
#
# A kind of node says of what it is written (:meth:`~kanopt.formulas.nodes.Node.spell`): a sum of its parts,
# a call of its name. The writer of a language says how that language spells these, and its brackets come
# from the levels of precedence alone. Where a language needs more of a kind, as SQL of a curve, the kind
# has a method for that family of languages.

OPEN, SUM, PRODUCT, POWER, ATOM, WORD = range(6)
"""Levels of precedence: that of comparisons and cases, of sums, products and powers, of what holds together by itself,
and of names and numbers, which cost nothing to repeat."""
_WORD = re.compile(r"[^\W\d]\w*")
_PLACE = re.compile(r"@([12]?)")
# brackets and commas around a place of a template: whatever is put there holds together
_BEFORE = re.compile(r"(?:[(,{]|\\left\|)\s*$")
_AFTER = re.compile(r"\s*(?:[),}]|\\right)")
_BRACKETED = re.compile(r"\\left.[^()|]*\\right.|\([^()]*\)|\{[^{}]*\}")


def number(value: float) -> str:
    """Return a number with four significant digits, whole numbers up to a million in full.

    Examples
    --------
    >>> [number(x) for x in (0.98012, 2014.0, 12345.678, 0.0000123, -2.5e9)]
    ['0.9801', '2014', '12346', '1.23e-05', '-2.5e+09']
    """
    if abs(value) < 1e6 and (value == int(value) or abs(value) >= 1e4):
        return f"{value:.0f}"
    return f"{value:.4g}"


def quoted_name(name: str) -> str:
    """Return a name as written in formulas: in back-quotes unless it is an identifier."""
    return name if _WORD.fullmatch(name) else f"`{name}`"


@dataclass(frozen=True)
class TextPart:
    """A written part of a formula.

    Parameters
    ----------
    text
        The part.
    level
        Operator precedence, from that of a comparison to that of a name.
    negated
        The same part without its leading minus sign; empty if there is none.
    denominator
        The denominator, if the part is one over something; else empty.
    """

    text: str
    level: int
    negated: str = ""
    denominator: str = ""


class Writer:
    """The writer of the plain notation; other languages override the methods in which they differ."""

    language: ClassVar[str] = "text"
    """Which spelling of the functions of the library it takes; where they have none they are called by name."""
    family: ClassVar[str] = ""
    """Which spelling of a node's kind it takes: that of a method ``spell_…``; the plain one where a kind has none."""
    times = " · "
    plus, minus, over = " + ", " - ", " / "
    sign = "-"
    brackets = ("(", ")")
    comma = ", "

    def visit(self, node: Any, parts: list[TextPart]) -> TextPart:
        """Write one node, given its children as text."""
        spell = getattr(node, f"spell_{self.family}", node.spell)
        written: TextPart = spell(self, parts)
        return written

    def number(self, value: float) -> str:
        """Write a number."""
        return number(value)

    def word(self, name: str) -> str:
        """Write a name."""
        return quoted_name(name)

    def input(self, name: str) -> TextPart:
        """Write an input."""
        return TextPart(self.word(name), WORD)

    def apply(self, function: str, argument: TextPart) -> TextPart:
        """Write a function of the library."""
        template = function_named(function).template(self.language)
        return self.spell(template, argument) if template else self.call(function, [argument])

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        """Write ``max`` or ``min``."""
        return self.call(which, parts)

    def call(self, name: str, arguments: Sequence[TextPart]) -> TextPart:
        """Write a function of arguments, which the brackets and commas hold together."""
        return TextPart(f"{name}{self.enclosed(self.comma.join(part.text for part in arguments))}", ATOM)

    def spell(self, template: str, *parts: TextPart) -> TextPart:
        """Put parts into a template, in brackets wherever the template does not hold them together.

        This is the only way by which an expression gets into another one than the operators of this class, so that
        no template has to think of brackets around its places.

        Parameters
        ----------
        template
            An expression in which ``@``, or ``@1`` and ``@2``, stand for the parts.
        parts
            One part or two.

        Examples
        --------
        >>> from kanopt.formulas.functions import SUM, WORD, TextPart, Writer
        >>> writer = Writer()
        >>> writer.spell("CASE WHEN @ > 0 THEN LN(@) END", TextPart("a + b", SUM)).text
        'CASE WHEN (a + b) > 0 THEN LN(a + b) END'
        >>> writer.spell("1 / (1 + exp(-@))", TextPart("x", WORD)).level == OPEN
        True
        """

        def put(place: re.Match[str]) -> str:
            part = parts[int(place[1] or 1) - 1]
            held = _BEFORE.search(template, 0, place.start()) and _AFTER.match(template, place.end())
            return self.parenthesise(part, OPEN if held else ATOM)

        return TextPart(_PLACE.sub(put, template), _level_of(template))

    def fraction(self, above: str, below: list[str]) -> str:
        """Write a quotient; `above` is a product, each of `below` an atom or power."""
        divisor = below[0] if len(below) == 1 else f"({self.times.join(below)})"
        return above + self.over + divisor

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        """Write a power."""
        shown = exponent.text if re.fullmatch(r"-?[\w.]+", exponent.text) else f"({exponent.text})"
        return TextPart(f"{self.parenthesise(base, ATOM)}^{shown}", POWER)

    def parenthesise(self, part: TextPart, level: int) -> str:
        """Return the part, in parentheses unless its precedence is at least `level`."""
        return part.text if part.level >= level else self.enclosed(part.text)

    def enclosed(self, text: str) -> str:
        """Return a text in brackets."""
        return f"{self.brackets[0]}{text}{self.brackets[1]}"

    def constant(self, value: float) -> TextPart:
        """Write a constant and record its sign."""
        shown = self.number(value)
        negated = shown[1:] if shown[0] == "-" else ""
        return TextPart(shown, PRODUCT if negated or " " in shown else WORD, negated=negated)

    def sum(self, parts: list[TextPart]) -> TextPart:
        """Write a sum; terms with a leading minus sign are subtracted, and do not come first if possible."""
        if len(parts) == 2 and parts[0].negated and not parts[1].negated:
            parts = parts[::-1]
        if len(parts) == 1:
            return parts[0]
        text = self.parenthesise(parts[0], SUM)
        for part in parts[1:]:
            text += (
                self.minus + part.negated if part.negated else self.plus + self.parenthesise(part, PRODUCT)
            )
        return TextPart(text, SUM)

    def product(self, parts: list[TextPart]) -> TextPart:
        """Write a product or a quotient, its sign in front."""
        if len(parts) == 1:
            return parts[0]
        sign = self.sign if parts[0].negated else ""
        above = [parts[0].negated] if sign and parts[0].negated != self.number(1.0) else []
        below: list[str] = []
        for part in parts[1:] if sign else parts:
            if part.denominator:
                below.append(part.denominator)
            else:
                above.append(self.parenthesise(part, ATOM if part.negated else PRODUCT))
        text = self.times.join(above) or self.number(1.0)
        if below:
            text = self.fraction(text, below)
        return TextPart(sign + text, PRODUCT, negated=text if sign else "")

    def power(self, base: TextPart, exponent: TextPart, value: float | None) -> TextPart:
        """Write a power, of a number if there is a value: one half as a root, a negative integer as a quotient."""
        if value is None:
            return self.raised(base, exponent)
        if value == 0.5:
            return self.apply("sqrt", base)
        if value < 0 and value == int(value):
            below = (
                self.parenthesise(base, POWER)
                if value == -1
                else self.raised(base, self.constant(-value)).text
            )
            return TextPart(self.fraction(self.number(1.0), [below]), PRODUCT, denominator=below)
        return self.raised(base, exponent)


def _level_of(template: str) -> int:
    """Return the level of precedence of a filled template, by what stands outside its brackets.

    Examples
    --------
    >>> [_level_of(text) for text in ("EXP(-@)", "@^{2}", "1 / (1 + EXP(-@))")] == [ATOM, POWER, OPEN]
    True
    """
    inner = ""
    while inner != template:
        inner, template = template, _BRACKETED.sub("", template)
    if re.fullmatch(r"[\w.\\]*", template):
        return ATOM
    return POWER if re.fullmatch(r"@1?(\^|\*\*)[\w.@]*", template) else OPEN
