"""Binding a formula's inputs to the data of a problem.

A formula speaks of ``distance_km`` or ``hour``; a routing problem knows the distance of an arc and
the clock. ``cost.bind(distance_km=refs.arc.distance, hour=refs.clock.hour)`` says which is which, in words.
The problem later supplies a :class:`ReferenceValue` array for every :class:`Reference`; units are converted
from their declarations, never guessed from names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError, KanoptError, UnitError, nearest
from kanopt.text import number_text
from kanopt.validation import LARGEST, too_large

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

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
        from kanopt.units import convert

        return np.asarray(convert(np.asarray(self.values, dtype=float), self.unit, unit))


Resolver = Callable[[Reference], ReferenceValue]


@dataclass(frozen=True)
class BoundFormula:
    """A formula with every input bound to a reference or to a constant.

    Parameters
    ----------
    formula
        The law.
    bindings
        Input name to :class:`Reference`, or to a constant number or text.
    """

    formula: Formula
    bindings: Mapping[str, Reference | float | str]

    def __post_init__(self) -> None:
        names = [variable.name for variable in self.formula.inputs]
        for name in self.bindings:
            if name not in names:
                raise FormulaError(
                    f"formula for {self.formula.output.name!r} has no input {name!r}; {nearest(name, names)}"
                )
        missing = [name for name in names if name not in self.bindings]
        if missing:
            raise FormulaError(
                f"formula for {self.formula.output.name!r}: unbound input {', '.join(map(repr, missing))}; "
                f"bind each to something the problem knows, such as {missing[0]}=refs.arc.distance"
            )

    @property
    def references(self) -> tuple[Reference, ...]:
        """The distinct references, in the order of the formula's inputs."""
        found = [value for value in self.bindings.values() if isinstance(value, Reference)]
        return tuple(dict.fromkeys(found))

    @property
    def state_references(self) -> tuple[Reference, ...]:
        """The references that depend on the plan: load on board and the clock."""
        return tuple(reference for reference in self.references if reference.is_state)

    def arguments(self, resolve: Resolver) -> dict[str, NDArray[Any]]:
        """Return the values of the formula's inputs from `resolve`, converted to the formula's units.

        Raises
        ------
        FormulaError
            If a unit does not convert; names the input and both units.
        """
        values: dict[str, NDArray[Any]] = {}
        for variable in self.formula.inputs:
            bound = self.bindings[variable.name]
            if isinstance(bound, Reference):
                try:
                    values[variable.name] = resolve(bound).to(variable.unit)
                except UnitError as error:
                    told = FormulaError(f"input {variable.name!r} bound to {bound}: {error}")
                    raise told.about(self.formula.output.name, str(bound)) from error
                except KanoptError as error:
                    error.about(self.formula.output.name, str(bound))
                    raise
            else:
                values[variable.name] = np.asarray(bound)
        return values

    def evaluate(self, resolve: Resolver, unit: str = "") -> NDArray[np.float64]:
        """Evaluate the law on the values of `resolve`; the result is converted to `unit` if both are declared."""
        result = ReferenceValue(self.formula.evaluate(self.arguments(resolve)), self.formula.output.unit)
        try:
            values = np.asarray(result.to(unit), dtype=float)
        except UnitError as error:
            name = self.formula.output.name
            raise FormulaError(f"formula for {name!r}: {error}").about(name) from error
        wrong = too_large(values)
        if wrong.any():
            given, most = number_text(values[wrong].flat[0]), number_text(LARGEST)
            raise FormulaError(
                f"formula for {self.formula.output.name!r} gives {given}; nothing in a problem is larger than {most}"
            )
        return values

    def outside(self, resolve: Resolver) -> NDArray[np.bool_]:
        """Return a mask of the places outside the formula's domain, in the shape of :meth:`evaluate`."""
        return self.formula.outside(self.arguments(resolve))
