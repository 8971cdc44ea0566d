"""The inputs and outputs of formulas: names, units and allowed values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError, nearest
from kanopt.faults import WHOLE_TEXT, float_array, is_whole
from kanopt.units import check_unit, convert

# What a formula's inputs are bound to: the quantities of a problem.
#
# A formula speaks of ``distance_km`` or ``hour``; a routing problem knows the distance of an arc and the
# clock. ``cost.bind(distance_km=refs.arc.distance, hour=refs.clock.hour)`` says which is which, in words.
# The problem later supplies a :class:`ReferenceValue` array for every :class:`Reference`; units are
# converted from their declarations, never guessed from names.

SCOPES = (
    "arc",
    "client",
    "clock",
    "day",
    "decision",
    "item",
    "job",
    "lane",
    "link",
    "machine",
    "market",
    "mode",
    "period",
    "product",
    "state",
    "task",
    "vehicle",
)
"""The scopes that a text may name."""

_STATE_SCOPES = frozenset({"state", "clock"})


@dataclass(frozen=True, order=True)
class Reference:
    """A quantity of a problem, such as ``arc.distance``.

    Examples
    --------
    >>> Reference.parse("arc.distance")
    Reference(scope='arc', field='distance')
    >>> str(Reference("state", "load"))
    'state.load'
    """

    scope: str
    field: str

    def __str__(self) -> str:
        return f"{self.scope}.{self.field}"

    @property
    def is_state(self) -> bool:
        """Whether the value depends on the plan: load on board or the clock."""
        return self.scope in _STATE_SCOPES

    @property
    def end(self) -> tuple[str, str] | None:
        """Of a reference to a place at an end of a leg, ``"from"`` or ``"to"`` and what it reads there; else None.

        Examples
        --------
        >>> Reference("arc", "from_lat").end, Reference("arc", "distance").end
        (('from', 'lat'), None)
        """
        which, dash, name = self.field.partition("_")
        return (which, name) if self.scope == "arc" and dash and which in ("from", "to") else None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read ``"scope.field"``.

        Raises
        ------
        FormulaError
            If the text has no dot or the scope is unknown.
        """
        scope, dot, field = text.strip().partition(".")
        if not dot or not field.isidentifier():
            raise FormulaError(f"binding {text!r}: write 'scope.field', such as 'arc.distance'")
        if scope not in SCOPES:
            raise FormulaError(f"binding {text!r}: unknown scope {scope!r}; {nearest(scope, SCOPES)}")
        return cls(scope, field)


@dataclass(frozen=True)
class Scope:
    """A namespace of references: ``arc.distance`` is ``Reference("arc", "distance")``.

    Examples
    --------
    >>> vehicle = Scope("vehicle")
    >>> vehicle.fuel_price
    Reference(scope='vehicle', field='fuel_price')
    >>> vehicle["price of fuel"]
    Reference(scope='vehicle', field='price of fuel')
    """

    _scope: str  # every name without an underscore is a field of the things in the scope

    def __getattr__(self, field: str) -> Reference:
        if field.startswith("_"):
            raise AttributeError(field)
        return Reference(self._scope, field)

    def __getitem__(self, field: str) -> Reference:
        return Reference(self._scope, field)


@dataclass(frozen=True)
class ReferenceValue:
    """The value of a reference: an array (of any shape that broadcasts) and its unit.

    An empty unit means that none was declared; such values are not converted.
    """

    values: NDArray[Any]
    unit: str = ""

    def to(self, unit: str) -> NDArray[Any]:
        """Return the values in `unit`; without a declared unit on either side they are not converted."""
        if not self.unit or not unit or self.unit == unit:
            return self.values
        return np.asarray(convert(np.asarray(self.values, dtype=float), self.unit, unit))


Resolver = Callable[[Reference], ReferenceValue]


Kind = Literal["number", "category"]
_LONGEST_NAME = 200


def is_name(name: str) -> bool:
    """Say whether a text can be a name, as headers of strangers' tables need not be.

    Examples
    --------
    >>> is_name("Weight (kg)"), is_name("pick`up")
    (True, False)
    """
    try:
        check_name(name, "name")
    except FormulaError:
        return False
    return True


def check_name(name: str, what: str) -> str:
    """Return `name` if it is valid in a formula and in every export of it.

    Spaces, quotes and any script are fine: real tables have such columns. Refused are the empty name, control
    characters, back-quotes (they quote names in formulas), and names of the form ``__x__``.

    Raises
    ------
    FormulaError
        If it cannot.

    Examples
    --------
    >>> check_name("Weight (kg)", "input")
    'Weight (kg)'
    """
    if not isinstance(name, str) or not name.strip() or name != name.strip():
        raise FormulaError(
            f"{what} {name!r}: a name is a text that neither is empty nor begins or ends with a space"
        )
    if len(name) > _LONGEST_NAME:
        raise FormulaError(f"{what} {name[:40]!r}…: a name has at most {_LONGEST_NAME} characters")
    if not name.isprintable() or "`" in name:
        raise FormulaError(f"{what} {name!r}: a name has no control characters and no back-quotes")
    if name.startswith("__"):
        raise FormulaError(f"{what} {name!r}: a name must not begin with two underscores")
    return name


def check_label(label: str, what: str) -> str:
    """Return the label of a category, or another free text of a formula, if a file can hold it.

    Raises
    ------
    FormulaError
        If it cannot.
    """
    if not is_whole(label):
        raise FormulaError(f"{what}: {label!r:.80} must be {WHOLE_TEXT}")
    return label


def category_label(value: Any) -> str:
    """Return the label of a category: integers without a decimal point, other values as their text.

    Examples
    --------
    >>> category_label(2014.0), category_label("van")
    ('2014', 'van')
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if not (math.isfinite(number) and number.is_integer()):
        return str(value)
    return str(int(number))


def settle(record: Any, what: str) -> None:
    """Make the lists and arrays in the fields of a frozen record tuples, and refuse numbers there that are not finite.

    Raises
    ------
    FormulaError
        If a field holds such a number; names the field.
    """
    for each in fields(record):
        value = _as_tuples(getattr(record, each.name))
        wrong = [number for number in _numbers(value) if not is_finite(number)]
        if wrong:
            raise FormulaError(f"{what}: {each.name} must have finite numbers only, not {wrong[0]!r:.80}")
        object.__setattr__(record, each.name, value)


def _as_tuples(value: Any) -> Any:
    plain = value.tolist() if isinstance(value, np.ndarray) else value
    return tuple(map(_as_tuples, plain)) if isinstance(plain, list | tuple) else plain


def _numbers(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for part in value:
            yield from _numbers(part)
    elif not isinstance(value, bool) and isinstance(value, Real):
        yield value


def is_finite(number: Any) -> bool:
    """Say whether something is a finite number; a truth value is none, nor a whole number that no float holds.

    Examples
    --------
    >>> is_finite(2), is_finite(True), is_finite("2"), is_finite(10**400)
    (True, False, False, False)
    """
    try:
        return not isinstance(number, bool) and isinstance(number, Real) and math.isfinite(number)
    except OverflowError:
        return False


@dataclass(frozen=True)
class Variable:
    """An input or the output of a formula.

    Parameters
    ----------
    name
        The name of its column.
    unit
        Its unit, such as ``"km"``; ``""`` for none.
    kind
        ``"number"`` or ``"category"``.
    low, high
        Declared bounds of a number; None for no bound. A value beyond them is outside the domain.
    categories
        The declared values of a category; empty if not declared.

    Raises
    ------
    FormulaError
        If the name is not valid in a formula, or bounds and categories contradict the kind.
    UnitError
        If the unit is unknown.

    Examples
    --------
    >>> Variable("distance_km", "km", low=0.0)
    Variable(name='distance_km', unit='km', kind='number', low=0.0, high=None, categories=())
    """

    name: str
    unit: str = ""
    kind: Kind = "number"
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()

    def _bound(self, which: str) -> float | None:
        value: Any = getattr(self, which)
        if value is None:
            return None
        try:
            number = float(float_array(value))
        except (TypeError, ValueError) as error:
            raise FormulaError(f"variable {self.name!r}: {which} is no number: {error}") from None
        return None if math.isinf(number) else number

    def __post_init__(self) -> None:
        check_name(self.name, "variable")
        for bound in ("low", "high"):
            object.__setattr__(self, bound, self._bound(bound))
        object.__setattr__(self, "unit", check_unit(self.unit))
        labels = (category_label(value) for value in self.categories)
        what = f"variable {self.name!r}, a category"
        object.__setattr__(self, "categories", tuple(check_label(label, what) for label in labels))
        if self.kind not in ("number", "category"):
            raise FormulaError(
                f"variable {self.name!r}: kind is 'number' or 'category', not {str(self.kind)[:40]!r}"
            )
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        if self.kind == "category" and (bounds or self.unit):
            raise FormulaError(f"variable {self.name!r}: a category has neither bounds nor a unit")
        if self.kind == "number" and self.categories:
            raise FormulaError(f"variable {self.name!r}: a number has no categories")
        if any(math.isnan(bound) for bound in bounds) or (len(bounds) == 2 and bounds[0] > bounds[1]):
            raise FormulaError(f"variable {self.name!r}: bounds {self.low!r} to {self.high!r} hold no number")
        if len(set(self.categories)) != len(self.categories):
            raise FormulaError(f"variable {self.name!r}: a category is named twice")

    def __str__(self) -> str:
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    @property
    def is_category(self) -> bool:
        """Whether its values are labels instead of numbers."""
        return self.kind == "category"


def variable_of(given: Any, what: str) -> Variable:
    """Return a variable; a text is the name of a number without a unit.

    Examples
    --------
    >>> variable_of("km", "output")
    Variable(name='km', unit='', kind='number', low=None, high=None, categories=())

    Raises
    ------
    FormulaError
        If it is neither.
    """
    if not isinstance(given, str | Variable):
        raise FormulaError(f'{what} {given!r:.80} is no variable; use Variable("km", "km"), or its name')
    return Variable(given) if isinstance(given, str) else given


def variables_of(given: Any, what: str) -> tuple[Variable, ...]:
    """Return the inputs of a formula as variables; see :func:`variable_of`."""
    if isinstance(given, str | Variable) or not isinstance(given, Iterable):
        raise FormulaError(f"{what}: inputs={given!r:.80} must be a list of variables or of their names")
    return tuple(variable_of(each, f"{what}: input") for each in given)
