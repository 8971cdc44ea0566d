"""Dimensional analysis: whether the declared units of a formula agree, and which units its constants then have.

A law such as ``0.119 · distance_km · exp(0.098 · load_t)`` in litres is consistent only if its first constant is in
l/km and its second in 1/t. Every free constant gets an unknown unit, every step of the formula adds equations between
units, and these are solved exactly (J. Fourier, Théorie analytique de la chaleur, 1822, ch. II.9; as type inference by
unification: A. Kennedy, Dimension types, ESOP 1994). Without a solution the formula is inconsistent.

* The terms of a sum and the parts of max and min have the same unit. The same dimension is not enough: minutes and
  hours do not add up without a constant between them.
* The arguments of exp, sin, tanh and the like are dimensionless, and so are exponents. Powers, roots and abs propagate
  units.
* A logarithm takes any unit if a constant beside it can compensate for it: ``log(0.1 · km)``, ``2 + log(km)``.
* A constant with a name or a standard error can have any unit, the same at all occurrences. So can an unnamed number,
  separately at each occurrence, unless it is 0, 1, −1, pi or an exponent: the 1 in ``1 + x`` makes x dimensionless.
* Curves, step functions and tables take any unit and return any unit.
* An input or output without a declared unit may be dimensionless or in an unknown unit; its unit is an unknown, as that
  of a constant, and the notes say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.dimensions.inference import UnitInference
from kanopt.formulas.dimensions.messages import TooMuchWorkError, step_text
from kanopt.formulas.nodes import Constant, Node
from kanopt.formulas.spelling import number
from kanopt.text import list_names
from kanopt.units import UnitPowers

_MOST_TOLD = 6


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
        return step_text(self.part)

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
    notes
        Remarks that are not errors.

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
    notes: tuple[str, ...] = ()

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
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)


def dimensions(formula: BaseFormula) -> Dimensions:
    """Check that the declared units agree, and find the units of the constants.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> wait, drive = Variable("wait", "min"), Variable("drive", "h")
    >>> print(parse_formula("wait + drive", [wait, drive], Variable("time", "min")).dimensions())
    the units do not agree
      problem: wait + drive: wait is in min, drive is in h; min + h: convert first (1 h = 60 min)
    """
    declared = [variable.unit for variable in (*formula.inputs, formula.output)]
    if not any(declared):
        return Dimensions(notes=("no unit is declared, so none can disagree",))
    walk = UnitInference(formula)
    try:
        walk.infer()
        constants = tuple(_constants(walk))
        notes = tuple(_notes(formula, walk, constants))
    except TooMuchWorkError:
        constants, notes = (), ("the formula is too large for its units to be followed to the end",)
    return Dimensions(constants, tuple(walk.problems), notes)


def _constants(walk: UnitInference) -> Iterable[ConstantUnit]:
    """Return the constants in reading order, without duplicates."""
    found: dict[tuple[bytes, bytes, str | None], ConstantUnit] = {}
    for held in sorted(walk.held, key=lambda held: held.place):
        constant, value = held.constant, walk.equations.value(held.unit)
        unit = ConstantUnit(constant, held.part, value)
        place = b"" if constant.name or constant.standard_error is not None else held.part.key
        found.setdefault((constant.key, place, unit.unit), unit)
    return found.values()


def _notes(formula: BaseFormula, walk: UnitInference, constants: tuple[ConstantUnit, ...]) -> Iterator[str]:
    for variable in formula.inputs:
        if not variable.unit and not variable.is_category and variable.name in formula.used:
            yield _undeclared(variable.name, walk.equations.text(walk.inputs[variable.name]))
    if not formula.output.unit:
        yield _undeclared(formula.output.name, walk.equations.text(walk.output))
    open_ones = [constant.label for constant in constants if constant.powers is None]
    if open_ones:
        yield f"the declared units do not decide that of {_listed(open_ones)}"
    fronts = {step_text(node): walk.equations.value(front) for node, front in walk.exponential_factors}
    for text, powers in fronts.items():
        if powers and not powers.is_one:
            yield f"{text}: what is added in the argument stands for a factor in {powers}"
    odd = {
        f"{constant.label} [{constant.unit}]": None
        for constant in constants
        if constant.powers and any(power.denominator != 1 for _, power in constant.powers.words)
    }
    if odd:
        yield f"{_listed(list(odd))}: a power law; such a unit is fine but has no meaning by itself"


def _undeclared(name: str, unit: str | None) -> str:
    fitting = "any unit" if unit is None else unit or "a pure number"
    return f"{name} has no declared unit: {fitting} would fit"


def _listed(names: list[str]) -> str:
    return list_names(names, _MOST_TOLD, quoted=False)


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
