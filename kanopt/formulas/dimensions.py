"""Dimensional analysis: whether the declared units of a formula agree, and which units its constants then have.

A law such as ``0.119 · distance_km · exp(0.098 · load_t)`` in litres is consistent only if its first constant is in
l/km and its second in 1/t (J. Fourier, Théorie analytique de la chaleur, 1822, ch. II.9). The units of the inputs are
handed up through the graph as far as they decide those of its steps, and the unit of the output is handed down to what
is left open; both again until nothing new is found.

* The terms of a sum and the parts of max and min have the same unit. The same dimension is not enough: minutes and
  hours do not add up without a constant between them.
* The arguments of exp, sin, tanh and the like are dimensionless, and so are exponents. Powers, roots and abs propagate
  units.
* A logarithm takes any unit, and an exponential of a sum with a constant or a logarithm gives any.
* A constant with a name or a standard error can have any unit, the same at all occurrences. So can an unnamed number,
  separately at each occurrence, unless it is 0, 1, −1, pi or an exponent: the 1 in ``1 + x`` makes x dimensionless.
* Curves, step functions and tables take any unit and return any unit.
* An input or output without a declared unit may be dimensionless or in an unknown unit.

Every kind of node names its rule (:attr:`kanopt.formulas.nodes.Node.unit_rule`), which is a method here that says both
ways what follows, and every function of the library its degree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeAlias, TypeGuard

import numpy as np

from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.functions import function_named, number
from kanopt.formulas.nodes import Apply, Constant, Input, Node, Power, Product, postorder
from kanopt.formulas.printing import short_text
from kanopt.text import number_text
from kanopt.units import UnitPowers, powers_of

MOST_WORK = 40_000

ONE = UnitPowers()

MaybeUnit: TypeAlias = UnitPowers | None
"""A unit; None where it is not decided."""
Below: TypeAlias = list[tuple[Node, MaybeUnit]]
"""Parts of a step, each with the unit that it should have."""


class StepUnits(NamedTuple):
    """What is known of a step from below.

    Its unit, whether a constant or a logarithm in it takes up a factor of its exponential, and its value where it
    depends on no input.
    """

    unit: MaybeUnit = None
    absorbs: bool = False
    value: float | None = None


Parts: TypeAlias = Sequence[StepUnits]
Ruled: TypeAlias = tuple[StepUnits, Below]


class UnitInference:
    """Unit inference for one formula; the attributes hold the result.

    Attributes
    ----------
    problems
        Contradictions in words, without repetition.
    held
        Free constants, the step that contains each and its unit, in reading order; those without a name once per
        place.
    is_complete
        Whether the formula was followed to the end, and not too large for that.
    """

    def __init__(self, formula: BaseFormula) -> None:
        self.root, self.output = formula.root, formula.output
        self.nodes = postorder(formula.root)
        self.problems: dict[str, None] = {}
        self.held: dict[tuple[bytes, bytes, MaybeUnit], ConstantUnit] = {}
        self._steps: dict[bytes, StepUnits] = {}
        self._units = {
            Input(v.name).key: powers_of(v.unit) for v in formula.inputs if v.unit and not v.is_category
        }
        """Units of what is one quantity wherever it stands: inputs, named constants, curves and tables."""
        self._likely = False
        """Whether what nothing decides is taken for a pure number, where that is likely."""
        self._work = 0
        wanted = powers_of(self.output.unit) if self.output.unit else None
        known = -1
        while self.is_complete and (not self._likely or len(self._units) > known):
            self._likely = len(self._units) == known
            known = len(self._units)
            self._hand_up()
            self._hand_down(wanted)
        unit = self.unit
        if wanted is not None and unit is not None and not (unit / wanted).is_one:
            told = f"{self._in_words(self.root)}, but {self.output.name} is declared in {self.output.unit}"
            self._problem(told, unit / wanted, unit)

    @property
    def unit(self) -> MaybeUnit:
        """The unit of what the formula gives, as far as that is decided by its inputs."""
        return self._steps[self.root.key].unit

    @property
    def is_complete(self) -> bool:
        """Whether the formula was not too large to be followed to the end."""
        return self._work <= MOST_WORK

    def _hand_up(self) -> None:
        """Find what the parts of every step say of it, and note what does not agree."""
        self.problems = {}
        self._work += len(self.nodes)
        for node in self.nodes:
            parts = [self._steps[child.key] for child in node.children]
            found, _ = self._rule(node, parts, None)
            values = [part.value for part in parts if part.value is not None]
            if values and len(values) == len(parts):
                with np.errstate(all="ignore"):
                    value = float(node.compute([np.asarray(each) for each in values], {}))
                found = found._replace(value=value)
            self._steps[node.key] = found

    def _hand_down(self, wanted: MaybeUnit) -> None:
        """Hand units to all steps, once for each unit that a step should have."""
        self.held = {}
        seen: set[tuple[bytes, MaybeUnit, bytes]] = set()
        stack: list[tuple[Node, MaybeUnit, Node]] = [(self.root, wanted, self.root)]
        while stack and self.is_complete:
            node, wanted, above = stack.pop()
            known = self._steps[node.key].unit
            unit = wanted if known is None else known
            place = (node.key, unit, above.key if isinstance(node, Constant) else b"")
            if place in seen:
                continue
            seen.add(place)
            self._work += 1
            singular = _is_singular(node) or node.unit_rule in ("free", "input")
            if singular and unit is not None:
                self._units.setdefault(node.key, unit)
            if _is_free(node):
                at = b"" if _is_singular(node) else above.key
                self.held.setdefault((node.key, at, unit), ConstantUnit(node, above, unit))
            _, below = self._rule(node, [self._steps[child.key] for child in node.children], unit)
            stack.extend((child, each, node) for child, each in reversed(below))

    def _rule(self, node: Node, parts: Parts, wanted: MaybeUnit) -> Ruled:
        """Return what is known of a step from its parts, and the units that these should have if it has the wanted one.

        What does not agree is noted.
        """
        found: Ruled = getattr(self, f"_{node.unit_rule}")(node, parts, wanted)
        return found

    def _constant(self, node: Constant, parts: Parts, wanted: MaybeUnit) -> Ruled:
        if _is_free(node) or node.value == 0:  # nothing is nothing in any unit
            return StepUnits(self._units.get(node.key), _is_free(node), node.value), []
        return StepUnits(ONE, value=node.value), []

    def _input(self, node: Node, parts: Parts, wanted: MaybeUnit) -> Ruled:
        return StepUnits(self._units.get(node.key)), []

    def _free(self, node: Node, parts: Parts, wanted: MaybeUnit) -> Ruled:
        """Take any unit and give any unit, as a curve does."""
        return StepUnits(self._units.get(node.key), absorbs=True), [(child, None) for child in node.children]

    def _alike(self, node: Node, parts: Parts, wanted: MaybeUnit) -> Ruled:
        """Require that all parts have the same unit."""
        pairs = list(zip(node.children, parts, strict=True))
        known = [(child, part.unit) for child, part in pairs if part.unit is not None]
        # told against what is certain: a declared unit first, then a pure number
        known.sort(key=lambda pair: isinstance(pair[0], Constant) and not _is_free(pair[0]))
        unit = known[0][1] if known else None
        for child, other in known[1:]:
            ratio = known[0][1] / other
            if not ratio.is_one:
                unit = None
                both = f"{self._in_words(known[0][0])}, {self._in_words(child)}"
                self._problem(f"{short_text(node)}: {both}", ratio, known[0][1])
        absorbs = (any if node.unit_rule == "sum" else all)(part.absorbs for part in parts)
        each = known[0][1] if known else wanted
        return StepUnits(unit, absorbs), [(child, each) for child in node.children]

    _sum = _extreme = _alike

    def _product(self, node: Product, parts: Parts, wanted: MaybeUnit) -> Ruled:
        carrier = _unit_carrier(node.factors)
        bare = [_is_free(factor) and not _is_singular(factor) for factor in node.factors]
        units = [
            ONE if is_bare and place != carrier else part.unit
            for place, (is_bare, part) in enumerate(zip(bare, parts, strict=True))
        ]
        open_ = [place for place, unit in enumerate(units) if unit is None]
        loose = [part for part in parts if part.value is None]
        absorbs = len(loose) < 2 and any(part.absorbs for part in loose or parts)
        unit = None if open_ else math.prod((each for each in units if each is not None), start=ONE)
        if self._likely and len(open_) > 1:
            # a number beside a constant with a name, a table and an exponential are pure numbers
            named = any(_is_singular(node.factors[place]) for place in open_)
            pure = [p for p in open_ if (bare[p] and named) or isinstance(node.factors[p], Apply)]
            pure += [p for p in open_ if node.factors[p].unit_rule == "free"]
            for place in pure[: len(open_) - 1]:
                units[place] = ONE
                open_.remove(place)
        if wanted is not None and len(open_) == 1:
            rest = math.prod((each for each in units if each is not None), start=ONE)
            units[open_[0]] = (rest / wanted) ** -1
        below = [
            (factor, each)
            for place, (factor, each) in enumerate(zip(node.factors, units, strict=True))
            if not bare[place] or place == carrier
        ]
        return StepUnits(unit, absorbs), below

    def _power(self, node: Power, parts: Parts, wanted: MaybeUnit) -> Ruled:
        base, exponent = parts
        below: Below = []
        if not isinstance(node.exponent, Constant) or _is_singular(node.exponent):
            below.append((node.exponent, self._pure(node, node.exponent)))
        if exponent.value is None or not math.isfinite(exponent.value):
            return StepUnits(ONE), [(node.base, self._pure(node, node.base)), *below]
        power, unit = _exact(exponent.value), None
        if wanted is not None and power:
            unit = wanted ** (1 / power)
        found = None if base.unit is None else base.unit**power
        return StepUnits(found, base.absorbs and base.value is not None), [(node.base, unit), *below]

    def _function(self, node: Apply, parts: Parts, wanted: MaybeUnit) -> Ruled:
        (part,) = parts
        degree = function_named(node.function).degree
        if degree is not None:
            unit = None if part.unit is None else part.unit**degree
            return StepUnits(unit), [(node.argument, None if wanted is None else wanted ** (1 / degree))]
        if node.function == "log":
            return StepUnits(ONE, absorbs=True), [(node.argument, ONE if self._likely else None)]
        pure = self._pure(node, node.argument)
        # exp(3 + x) is exp(3) · exp(x), a constant in front
        is_any = node.function == "exp" and part.absorbs
        return StepUnits(None if is_any else ONE), [(node.argument, pure)]

    def _pure(self, node: Node, child: Node) -> UnitPowers:
        """Require a dimensionless part."""
        unit = self._steps[child.key].unit
        if unit is not None and not unit.is_one:
            told = f"{short_text(node)}: {self._in_words(child)}, where a pure number is taken"
            self._problem(told, unit, unit)
        return ONE

    def _problem(self, told: str, ratio: UnitPowers, unit: UnitPowers) -> None:
        """Note what does not agree, and what to do: convert, where both measure the same, or bring in a constant."""
        advice = f"; they differ by {ratio}: multiply by a constant, or correct a declared unit"
        if not ratio.dimension:
            advice = f": convert first ({_conversion(unit, unit / ratio)})"
        self.problems[told + advice] = None

    def _in_words(self, node: Node) -> str:
        unit = self._steps[node.key].unit
        return f"{short_text(node)} is {f'in {unit}' if str(unit) else 'a pure number'}"


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


def _unit_carrier(factors: Sequence[Node]) -> int | None:
    """Return the position of the unnamed number of a product that has the unit of all of them.

    Preferably it is the first that is not whole; this affects only the wording.
    """
    bare = [(place, f.value) for place, f in enumerate(factors) if _is_free(f) and not _is_singular(f)]
    broken = [(place, value) for place, value in bare if not value.is_integer()]
    return next((place for place, _ in broken or bare), None)


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
    if not any(variable.unit for variable in (*formula.inputs, formula.output)):
        return Dimensions()
    found = UnitInference(formula)
    return Dimensions(tuple(found.held.values()) if found.is_complete else (), tuple(found.problems))


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
    found = UnitInference(formula)
    unit = found.unit if found.is_complete else None
    return None if unit is None else str(unit), tuple(found.problems)
