"""What a formula's inputs are bound to: the quantities of a problem.

A formula speaks of ``distance_km`` or ``hour``; a routing problem knows the distance of an arc and
the clock. ``cost.bind(distance_km=refs.arc.distance, hour=refs.clock.hour)`` says which is which, in words.
The problem later supplies a :class:`ReferenceValue` array for every :class:`Reference`; units are converted
from their declarations, never guessed from names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError, nearest
from kanopt.units import convert

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
