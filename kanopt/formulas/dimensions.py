"""Dimensional analysis: whether the declared units of a formula agree, and which units its constants then have.

A law such as ``0.119 · distance_km · exp(0.098 · load_t)`` in litres is consistent only if its first constant is in
l/km and its second in 1/t. Every free constant gets an unknown unit, every step of the formula adds equations between
units, and these are solved exactly (J. Fourier, Théorie analytique de la chaleur, 1822, ch. II.9; as type inference by
unification: A. Kennedy, Dimension types, ESOP 1994). Without a solution the formula is inconsistent.

* The terms of a sum and the parts of max and min have the same unit. The same dimension is not enough: minutes and
  hours do not add up without a constant between them.
* The arguments of exp, sin, tanh and the like are dimensionless, and so are exponents. Powers, roots and abs propagate
  units.
* A logarithm takes any unit, and an exponential of a sum with a constant or a logarithm gives any.
* A constant with a name or a standard error can have any unit, the same at all occurrences. So can an unnamed number,
  separately at each occurrence, unless it is 0, 1, −1, pi or an exponent: the 1 in ``1 + x`` makes x dimensionless.
* Curves, step functions and tables take any unit and return any unit.
* An input or output without a declared unit may be dimensionless or in an unknown unit; its unit is an unknown, as that
  of a constant.

A walk over the graph assigns every step a unit, in which free constants are unknowns, and states equations: the terms
of a sum have equal units, the argument of exp is dimensionless, and the root has the declared output unit.

Every kind of node names its rule (:attr:`kanopt.formulas.nodes.Node.unit_rule`), which is a method here, and every
function of the library its degree. A kind that is short for other nodes has the unit of what it means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.functions import function_named, number
from kanopt.formulas.nodes import Apply, Constant, Input, Node, Power, Product
from kanopt.formulas.printing import short_text
from kanopt.text import number_text
from kanopt.units import UnitPowers, powers_of

if TYPE_CHECKING:
    from kanopt.formulas.variables import Variable


# Equations between products of units, some of them unknown, solved exactly.
#
# An unknown unit is a word that begins with a question mark. In terms of exponents these are linear equations over the
# rationals, with the same coefficients for every base dimension and for the scale, so that an unknown represents a
# whole vector of exponents and Gaussian elimination solves for all of them at once.

MOST_WORK = 40_000

ONE = UnitPowers()


class TooMuchWorkError(Exception):
    """Solving the equations would take too long."""


def _unknowns(unit: UnitPowers) -> dict[str, Fraction]:
    """Return the exponents of the unknowns in a unit."""
    return {word: power for word, power in unit.words if word[0] == "?"}


def _without(unit: UnitPowers, word: str) -> tuple[Fraction, UnitPowers]:
    """Return the exponent of a word, and the unit without it."""
    return dict(unit.words)[word], UnitPowers(tuple(pair for pair in unit.words if pair[0] != word))


class Equations:
    """A system of equations, solved incrementally: an equation without a solution is reported at once.

    Each solution contains only unknowns that were unsolved when it was found, so that substitution terminates.

    Examples
    --------
    >>> from kanopt.units import powers_of
    >>> equations = Equations()
    >>> rate, km = equations.unknown(), powers_of("km")
    >>> equations.equate(rate * km, powers_of("EUR"))
    >>> print(equations.value(rate))
    EUR/km
    >>> str(equations.equate(rate, km))
    'EUR/km^2'
    """

    def __init__(self) -> None:
        self._made = 0
        self._solved: dict[str, tuple[int, UnitPowers]] = {}

    def unknown(self) -> UnitPowers:
        """Return a new unknown unit."""
        self._made += 1
        return UnitPowers(((f"?{self._made:06}", Fraction(1)),))

    def substitute(self, unit: UnitPowers) -> UnitPowers:
        """Return a unit with every solved unknown replaced by its solution."""
        while solved := [word for word in _unknowns(unit) if word in self._solved]:
            oldest = min(solved, key=lambda word: self._solved[word][0])
            power, rest = _without(unit, oldest)
            solution = self._solved[oldest][1]
            unit = rest * solution**power
        return unit

    def equate(self, first: UnitPowers, second: UnitPowers) -> UnitPowers | None:
        """Require that two units are equal; return their quotient if they cannot be, else None.

        An inconsistent equation leaves the system unchanged.
        """
        ratio = self.substitute(first / second)
        if not _unknowns(ratio):
            return None if ratio.is_one else ratio
        self._solve(ratio, max(_unknowns(ratio)))
        return None

    def _solve(self, ratio: UnitPowers, word: str) -> None:
        """Solve ``ratio = 1`` for one of its unknowns."""
        power, rest = _without(ratio, word)
        self._solved[word] = (len(self._solved), rest ** (-1 / power))

    def back_substitute(self) -> None:
        """Substitute every solution into the others, the newest first, so that one look-up suffices."""
        for word, (when, solution) in sorted(self._solved.items(), key=lambda item: -item[1][0]):
            self._solved[word] = (when, self.substitute(solution))

    def value(self, unit: UnitPowers) -> UnitPowers | None:
        """Return the unit, or None if it contains an unknown."""
        unit = self.substitute(unit)
        return None if _unknowns(unit) else unit


@dataclass(frozen=True)
class _StepUnits:
    """What is inferred of a step.

    Its unit, whether a constant or a logarithm in it takes up a factor of its exponential, its position in reading
    order, its value where it depends on no input, and whether it contains an unnamed number, whose unit may differ
    between occurrences.
    """

    unit: UnitPowers = ONE
    absorbs: bool = False
    place: int = 0
    value: float | None = None
    varies: bool = False


class UnitInference:
    """Unit inference for one formula; the attributes hold the result.

    Attributes
    ----------
    equations
        The equations, solved as far as possible.
    problems
        Contradictions in words, without repetition.
    held
        Free constants with the step that contains them, their unit and their place in reading order; those without a
        name once per occurrence.
    inputs, output
        Units of the numeric inputs by name, and of the output; unknowns if not declared.
    """

    def __init__(self, formula: BaseFormula) -> None:
        self._formula = formula
        self.equations = Equations()
        self.problems: dict[str, None] = {}
        self.held: list[tuple[Constant, Node, UnitPowers, int]] = []
        self.inputs = {v.name: self._declared(v) for v in formula.inputs if not v.is_category}
        self.output = self._declared(formula.output)
        self._named: dict[bytes, UnitPowers] = {}
        # what is most likely where nothing else decides: pure numbers in log and exp, then pure tables and curves
        self._default_pure: tuple[list[UnitPowers], list[UnitPowers]] = [], []
        self._place = self._work = 0

    def _declared(self, variable: Variable) -> UnitPowers:
        return powers_of(variable.unit) if variable.unit else self.equations.unknown()

    def infer(self) -> None:
        """Infer the units of all steps.

        Raises
        ------
        TooMuchWorkError
            If the formula is too large; the problems found so far are kept.
        """
        formula = self._formula
        root = self._infer_part(formula.root)
        if isinstance(formula.root, Constant):
            self._hold(formula.root, formula.root, root)
        ratio = self.equations.equate(root.unit, self.output)
        if ratio is not None:
            told = f"{self._in_words(formula.root, root.unit)}, but {formula.output.name} is declared in "
            told += f"{formula.output.unit or 'no unit'}"
            self._problem(told, ratio, self.equations.value(root.unit))
        for monomial in (*self._default_pure[0], *self._default_pure[1]):
            self.equations.equate(monomial, ONE)
        self.equations.back_substitute()

    def _infer_part(self, root: Node) -> _StepUnits:
        """Visit every step once per occurrence; steps without unnamed numbers are the same everywhere."""
        done: dict[bytes, _StepUnits] = {}
        found: list[_StepUnits] = []
        stack = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if node.key in done:
                found.append(done[node.key])
            elif not ready:
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(node.children))
            else:
                parts = found[len(found) - len(node.children) :]
                del found[len(found) - len(node.children) :]
                self._work += 1 + len(parts)
                if self._work > MOST_WORK:
                    raise TooMuchWorkError
                sort = self._visit(node, parts)
                if not sort.varies:
                    done[node.key] = sort
                found.append(sort)
        return found[0]

    def _visit(self, node: Node, parts: list[_StepUnits]) -> _StepUnits:
        found: _StepUnits = getattr(self, f"_{node.unit_rule}")(node, parts)
        if any(part.varies for part in parts):
            found = replace(found, varies=True)
        known = [part.value for part in parts if part.value is not None]
        if not known or len(known) < len(parts):
            return found
        with np.errstate(all="ignore"):
            value = float(node.compute([np.asarray(number) for number in known], {}))
        return replace(found, value=value)

    def _input(self, node: Input, parts: list[_StepUnits]) -> _StepUnits:
        return _StepUnits(self.inputs[node.name])

    def _free(self, node: Node, parts: list[_StepUnits]) -> _StepUnits:
        """Take any unit and give any unit, as a curve does."""
        return _StepUnits(self._of_one(node, self._default_pure[1]), absorbs=True)

    def _problem(self, told: str, ratio: UnitPowers, unit: UnitPowers | None) -> None:
        """Note what does not agree, and what to do: convert, where both measure the same, or bring in a constant."""
        advice = f"; they differ by {ratio}: multiply by a constant, or correct a declared unit"
        if unit is not None and not ratio.dimension:
            advice = f": convert first ({_conversion(unit, unit / ratio)})"
        self.problems[told + advice] = None

    def _in_words(self, node: Node, unit: UnitPowers) -> str:
        known = self.equations.value(unit)
        shown = (
            "in a unit that is not decided"
            if known is None
            else f"in {known}"
            if str(known)
            else "a pure number"
        )
        return f"{short_text(node)} is {shown}"

    def _hold(self, constant: Node, part: Node, sort: _StepUnits) -> None:
        if _is_free(constant):
            self.held.append((constant, part, sort.unit, sort.place))

    def _of_one(self, node: Node, likely: list[UnitPowers] | None = None) -> UnitPowers:
        """Return the unit of a step that is one quantity at all its occurrences."""
        if node.key not in self._named:
            self._named[node.key] = self.equations.unknown()
            if likely is not None:
                likely.append(self._named[node.key])
        return self._named[node.key]

    def _constant(self, node: Constant, parts: list[_StepUnits]) -> _StepUnits:
        self._place += 1
        if not _is_free(node) and node.value != 0:  # nothing is nothing in any unit
            return _StepUnits(value=node.value)
        singular = _is_singular(node)
        unit = self._of_one(node) if singular else self.equations.unknown()
        return _StepUnits(unit, _is_free(node), self._place, node.value, varies=not singular)

    def _require_equal(self, node: Node, parts: Sequence[_StepUnits]) -> UnitPowers:
        """Require that all parts have the same unit, and return it."""
        pairs = list(zip(node.children, parts, strict=True))
        for child, part in pairs:
            self._hold(child, node, part)
        # told against what is certain: a declared unit first, then a pure number, then what is unknown
        pairs.sort(key=lambda pair: (self.equations.value(pair[1].unit) is None, _is_fixed(pair[0])))
        first, *others = pairs
        wrong = False
        for other in others:
            ratio = self.equations.equate(first[1].unit, other[1].unit)
            if ratio is not None:
                wrong = True
                both = (self._in_words(child, part.unit) for child, part in (first, other))
                self._problem(
                    f"{short_text(node)}: {', '.join(both)}", ratio, self.equations.value(first[1].unit)
                )
        return self.equations.unknown() if wrong else first[1].unit

    def _sum(self, node: Node, parts: list[_StepUnits]) -> _StepUnits:
        return _StepUnits(self._require_equal(node, parts), any(part.absorbs for part in parts))

    def _extreme(self, node: Node, parts: list[_StepUnits]) -> _StepUnits:
        return _StepUnits(self._require_equal(node, parts), all(part.absorbs for part in parts))

    def _product(self, node: Product, parts: list[_StepUnits]) -> _StepUnits:
        carrier, shared = _unit_carrier(node.factors)
        if carrier is not None and shared:
            self._default_pure[1].append(parts[carrier].unit)
        unit = ONE
        for place, (factor, part) in enumerate(zip(node.factors, parts, strict=True)):
            if place == carrier or _is_singular(factor) or not _is_free(factor):
                self._hold(factor, node, part)
                unit = unit * part.unit
        loose = [part for part in parts if part.value is None]
        return _StepUnits(unit, len(loose) < 2 and any(part.absorbs for part in loose or parts))

    def _power(self, node: Power, parts: list[_StepUnits]) -> _StepUnits:
        base, exponent = parts
        self._hold(node.base, node, base)
        if not isinstance(node.exponent, Constant) or _is_singular(node.exponent):
            self._require_pure(node, node.exponent, exponent)
            self._hold(node.exponent, node, exponent)
        if exponent.value is not None and math.isfinite(exponent.value):
            absorbs = base.absorbs and base.value is not None
            return _StepUnits(base.unit ** _exact(exponent.value), absorbs=absorbs)
        self._require_pure(node, node.base, base)
        return _StepUnits()

    def _function(self, node: Apply, parts: list[_StepUnits]) -> _StepUnits:
        (part,) = parts
        self._hold(node.argument, node, part)
        degree = function_named(node.function).degree
        if degree is not None:
            return _StepUnits(part.unit**degree)
        if node.function == "log":
            self._default_pure[0].append(part.unit)
            return _StepUnits(absorbs=True)
        self._require_pure(node, node.argument, part)
        if node.function == "exp" and part.absorbs:  # exp(3 + x) is exp(3) · exp(x), a constant in front
            front = self.equations.unknown()
            self._default_pure[0].append(front)
            return _StepUnits(front)
        return _StepUnits()

    def _require_pure(self, node: Node, child: Node, part: _StepUnits) -> None:
        """Require a dimensionless part."""
        ratio = self.equations.equate(part.unit, ONE)
        if ratio is not None:
            told = f"{short_text(node)}: {self._in_words(child, part.unit)}, where a pure number is taken"
            self._problem(told, ratio, self.equations.value(part.unit))


def _is_singular(node: Node) -> TypeGuard[Constant]:
    """Whether a constant is one quantity at all its occurrences: it has a name or was learned."""
    if not isinstance(node, Constant) or (node.name == "pi" and node.value == math.pi):
        return False
    return bool(node.name) or node.standard_error is not None


def _is_free(node: Node) -> TypeGuard[Constant]:
    """Whether a step is a constant that can have a unit: unnamed numbers can, except 0, 1, −1 and pi."""
    if not isinstance(node, Constant):
        return False
    return _is_singular(node) or (not node.name and abs(node.value) not in (0.0, 1.0))


def _is_fixed(node: Node) -> bool:
    return isinstance(node, Constant) and not _is_free(node)


def _unit_carrier(factors: Sequence[Node]) -> tuple[int | None, bool]:
    """Return the position of the unnamed number that has a unit, and whether a named constant can have one, too.

    Of several unnamed numbers one gets the unit of their product, preferably the first non-integer; this affects only
    the wording. Beside a named constant an unnamed number is dimensionless if possible.
    """
    named = any(_is_singular(factor) for factor in factors)
    bare = [(place, f.value) for place, f in enumerate(factors) if _is_free(f) and not _is_singular(f)]
    broken = [(place, value) for place, value in bare if not value.is_integer()]
    return next((place for place, _ in broken or bare), None), named


def _exact(value: float) -> Fraction:
    """Return an exponent as a fraction: a simple one if the float represents it, else its decimal digits.

    Examples
    --------
    >>> _exact(1 / 3), _exact(0.72), _exact(0.718281828)
    (Fraction(1, 3), Fraction(18, 25), Fraction(179570457, 250000000))
    """
    simple = Fraction(value).limit_denominator(1000)
    return simple if math.isclose(simple, value, rel_tol=1e-12, abs_tol=1e-12) else Fraction(repr(value))


@dataclass(frozen=True)
class ConstantUnit:
    """The unit of one constant.

    Parameters
    ----------
    constant
        The constant.
    part
        The step of the formula that contains it.
    powers
        Its unit in terms of the declared ones; None if the declared units do not determine it.
    """

    constant: Constant
    part: Node
    powers: UnitPowers | None

    @property
    def unit(self) -> str | None:
        """Its unit as a text such as ``EUR/km``, empty for a dimensionless one; None if it is not determined."""
        return None if self.powers is None else str(self.powers)

    @property
    def where(self) -> str:
        """The step that contains it, as printed in the formula."""
        return short_text(self.part)

    @property
    def label(self) -> str:
        """Its name, or the number itself."""
        return self.constant.name or number(self.constant.value)

    def __str__(self) -> str:
        unit = "unit not decided" if self.unit is None else self.unit or "pure number"
        return f"{self.label} [{unit}] in {self.where}"


@dataclass(frozen=True)
class Dimensions:
    """The result of dimensional analysis of a formula.

    Parameters
    ----------
    constants
        The free constants with their units, in reading order: those with a name or a standard error once, unnamed
        numbers once per occurrence. Of several unnamed numbers in a product one represents all.
    problems
        Inconsistencies, one text each; empty if the formula is consistent.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> km, load, fuel = Variable("km", "km"), Variable("load", "t"), Variable("fuel", "l")
    >>> found = parse_formula("0.119 * km * exp(0.098 * load)", [km, load], fuel).dimensions()
    >>> [str(constant) for constant in found.constants]
    ['0.119 [l/km] in 0.119 · km · exp(0.098 · load)', '0.098 [1/t] in 0.098 · load']
    >>> parse_formula("km + load", [km, load], fuel).dimensions().consistent
    False
    """

    constants: tuple[ConstantUnit, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def consistent(self) -> bool:
        """Whether the declared units agree."""
        return not self.problems

    def unit_of(self, constant: Constant) -> str | None:
        """Return the unit of a constant with a name or a standard error; None if it is not determined."""
        return next((known.unit for known in self.constants if known.constant == constant), None)

    def __str__(self) -> str:
        lines = ["the units agree" if self.consistent else "the units do not agree"]
        lines += [f"  problem: {problem}" for problem in self.problems]
        lines += [f"  constant: {constant}" for constant in self.constants]
        return "\n".join(lines)


def dimensions(formula: BaseFormula) -> Dimensions:
    """Check that the declared units agree, and find the units of the constants.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> wait, drive = Variable("wait", "min"), Variable("drive", "h")
    >>> print(parse_formula("wait + drive", [wait, drive], Variable("time", "min")).dimensions())
    the units do not agree
      problem: wait + drive: wait is in min, drive is in h: convert first (1 h = 60 min)
    """
    declared = [variable.unit for variable in (*formula.inputs, formula.output)]
    if not any(declared):
        return Dimensions()
    walk = UnitInference(formula)
    found: dict[tuple[bytes, bytes, str | None], ConstantUnit] = {}
    try:
        walk.infer()
        for constant, part, powers, _ in sorted(walk.held, key=lambda held: held[3]):
            unit = ConstantUnit(constant, part, walk.equations.value(powers))
            place = b"" if constant.name or constant.standard_error is not None else part.key
            found.setdefault((constant.key, place, unit.unit), unit)
    except TooMuchWorkError:  # too large to be followed to the end
        found = {}
    return Dimensions(tuple(found.values()), tuple(walk.problems))


def _conversion(a: UnitPowers, b: UnitPowers) -> str:
    """Return the conversion factor between two units in words."""
    log = a.log_scale - b.log_scale
    if log < 0:
        a, b, log = b, a, -log
    much = number_text(math.exp(log), 6) if log < 700 else "very many"
    return f"1 {a} = {much} {b}".replace("  ", " ").rstrip()


def output_unit(formula: BaseFormula) -> tuple[str | None, tuple[str, ...]]:
    """Return the unit of what a formula gives, None if the units of its inputs do not decide it, and contradictions.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> output_unit(parse_formula("km / h", [Variable("km", "km"), Variable("h", "h")], "speed"))
    ('km/h', ())
    """
    walk = UnitInference(formula)
    try:
        walk.infer()
        powers = walk.equations.value(walk.output)
    except TooMuchWorkError:
        powers = None
    return None if powers is None else str(powers), tuple(walk.problems)
