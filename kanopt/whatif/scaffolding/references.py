"""What a problem knows the columns of a history as, so that laws learned from it can be bound."""

from __future__ import annotations

import math
from collections.abc import Mapping

from kanopt.whatif.scaffolding.cell_formats import STRAIGHT
from kanopt.whatif.scaffolding.draft import Draft
from kanopt.whatif.scaffolding.laws import LawGuess
from kanopt.whatif.scaffolding.outcomes import is_outcome, measure_of
from kanopt.whatif.scaffolding.sources import ColumnFacts

_FAR = 5.0
_HOURS = frozenset(("hour", "hr", "stunde", "heure", "hora"))


class References:
    """What the problem knows the columns of a history as, each reference used once for a law."""

    def __init__(self, draft: Draft, scopes: Mapping[str, str], usual: Mapping[str, str]) -> None:
        parts = draft.roles.parts
        self.parts = {scope: parts[name] for scope, name in scopes.items() if name in parts}
        self.usual = usual
        self.found: dict[str, str] = {}
        self.sure: set[str] = set()
        carried = self.parts["vehicle"].column("capacity") if "vehicle" in self.parts else None
        self.most = math.inf
        if carried is not None and len(carried.values):  # in any unit of mass that a header may not state
            self.most = float(carried.values.max()) * (1_000.0 if carried.header.unit == "t" else 1.0)

    def __call__(self, column: ColumnFacts) -> bool:
        """Say whether the problem knows a column, and note as what."""
        reference = self._reference(column)
        if not reference or reference in self.found.values():
            return False
        self.found[column.name] = reference
        return True

    def of(self, law: LawGuess) -> dict[str, str]:
        """Return the bindings of a law."""
        return {feature: self.found[feature] for feature in law.features}

    def _reference(self, column: ColumnFacts) -> str:
        if column.name == STRAIGHT:
            self.sure.add(column.name)
            ends = self.parts["client"].fields if "client" in self.parts else set()
            return "arc.straight_distance" if "lat" in ends else ""
        measure = measure_of(column)
        if is_outcome(column) and measure != "amount":
            return ""
        hours = column.kind == "number" and bool(_HOURS & set(column.header.pieces))
        if hours and "hour" in self.usual and measure in ("time", ""):
            self.sure.add(column.name)
            return self.usual["hour"] if float(column.values.max()) <= 24 else ""
        if found := self._same_column(column):
            self.sure.add(column.name)
            return found
        far = (
            measure == "amount" and column.kind == "number" and float(column.values.max()) > _FAR * self.most
        )
        if column.kind != "number" or is_outcome(column) or far:
            return ""
        if column.header.unit or measure == "length":
            self.sure.add(column.name)
        return self.usual.get(measure, "")

    def _same_column(self, column: ColumnFacts) -> str:
        """Return the column of a part that is called so, or the names of its rows."""
        for scope, guess in self.parts.items():
            own = guess.table.columns.get(column.name)
            if own is not None and own.kind == column.kind and _fits(column, own):
                return f"{scope}.{guess.field_of(column.name) or column.name}"
        for scope, guess in self.parts.items():
            for each in guess.filled:
                if column.kind == each.column.kind == "text" and _fits(column, each.column):
                    return f"{scope}.{each.field.name}"
        return ""


def _fits(column: ColumnFacts, own: ColumnFacts) -> bool:
    """Say whether a law that learned from a column can read another one: its categories must all be known."""
    whole = len(own.values) == own.rows
    return whole and (column.kind != "text" or (bool(own.texts) and own.texts <= column.texts))
