"""Binding a formula's inputs to what a problem knows.

A formula speaks of ``distance_km`` or ``hour``; a routing problem knows the distance of an arc and
the clock. ``cost.bind(distance_km=arc.distance, hour=clock.hour)`` says which is which, in words.
The problem later supplies a :class:`ReferenceValue` array for every :class:`Reference`; units are converted
from their declarations, never guessed from names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError, UnitError, nearest

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = [
    "BoundFormula",
    "Reference",
    "ReferenceValue",
    "Scope",
    "arc",
    "client",
    "clock",
    "facility",
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
]


@dataclass(frozen=True, order=True)
class Reference:
    """Something a problem knows, such as ``arc.distance``.

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
        """Whether the value is only known once the plan is: load on board or the clock."""
        return self.scope in STATE_SCOPES

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
    >>> vehicle.fuel_price, machine.name
    (Reference(scope='vehicle', field='fuel_price'), Reference(scope='machine', field='name'))
    """

    _scope: str  # every name without an underscore is a field of the things in the scope

    def __getattr__(self, field: str) -> Reference:
        if field.startswith("_"):
            raise AttributeError(field)
        return Reference(self._scope, field)


arc = Scope("arc")
client = Scope("client")
clock = Scope("clock")
facility = Scope("facility")
job = Scope("job")
lane = Scope("lane")
link = Scope("link")
machine = Scope("machine")
market = Scope("market")
mode = Scope("mode")
period = Scope("period")
product = Scope("product")
state = Scope("state")
task = Scope("task")
vehicle = Scope("vehicle")

SCOPES: Mapping[str, Scope] = {
    scope._scope: scope
    for scope in (
        arc,
        client,
        clock,
        facility,
        job,
        lane,
        link,
        machine,
        market,
        mode,
        period,
        product,
        state,
        task,
        vehicle,
    )
}
STATE_SCOPES = frozenset({"state", "clock"})


@dataclass(frozen=True)
class ReferenceValue:
    """The value of a reference: an array (of any shape that broadcasts) and its unit.

    An empty unit means that none was declared; such values are taken as they are.
    """

    values: NDArray[Any]
    unit: str = ""

    def to(self, unit: str) -> NDArray[Any]:
        """Return the values in `unit`; values or targets without a declared unit pass unchanged."""
        if not self.unit or not unit or self.unit == unit:
            return self.values
        from kanopt.units import convert

        return np.asarray(convert(np.asarray(self.values, dtype=float), self.unit, unit))


Resolver = Callable[[Reference], ReferenceValue]


@dataclass(frozen=True)
class BoundFormula:
    """A formula whose every input is bound to a reference or to a constant.

    Parameters
    ----------
    formula
        The law.
    bindings
        Input name to :class:`Reference`, or to a number or text held constant.
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
                f"bind each to something the problem knows, such as {missing[0]}=arc.distance"
            )

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references used, without repetition, in the order of the formula's inputs."""
        found = [value for value in self.bindings.values() if isinstance(value, Reference)]
        return tuple(dict.fromkeys(found))

    @property
    def state_references(self) -> tuple[Reference, ...]:
        """The references that only a plan fixes: load on board and the clock."""
        return tuple(reference for reference in self.references if reference.is_state)

    def arguments(self, resolve: Resolver) -> dict[str, NDArray[Any]]:
        """Return the formula's inputs, in the formula's units, as `resolve` knows them.

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
                    raise FormulaError(f"input {variable.name!r} bound to {bound}: {error}") from error
            else:
                values[variable.name] = np.asarray(bound)
        return values

    def evaluate(self, resolve: Resolver, unit: str = "") -> NDArray[np.float64]:
        """Evaluate the law on what `resolve` knows; the result is in `unit` where both are declared."""
        result = ReferenceValue(self.formula.evaluate(self.arguments(resolve)), self.formula.output.unit)
        try:
            return np.asarray(result.to(unit), dtype=float)
        except UnitError as error:
            raise FormulaError(f"formula for {self.formula.output.name!r}: {error}") from error

    def outside(self, resolve: Resolver) -> NDArray[np.bool_]:
        """Return where the law is used outside the data it was learned from (same shape as evaluate)."""
        return self.formula.outside(self.arguments(resolve))
