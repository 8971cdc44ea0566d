"""The ``[problem]`` of routing: parts, laws of time and cost, and what their inputs are."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from kanopt.records.headers import measured_in
from kanopt.whatif.scaffolding.draft import Draft
from kanopt.whatif.scaffolding.laws import LawGuess, guess_law
from kanopt.whatif.scaffolding.mapping import GuessedUnit, header_unit
from kanopt.whatif.scaffolding.outcomes import is_outcome, measure_of
from kanopt.whatif.scaffolding.roads import draft_link_time, drop_unfit_roads
from kanopt.whatif.scaffolding.roles import PartGuess, Question
from kanopt.whatif.scaffolding.sources import ColumnFacts
from kanopt.whatif.scaffolding.todays_plan import find_todays_plan
from kanopt.whatif.scaffolding.toml_writing import Entry, Section

__all__ = ["References", "add_bound_law", "best_law", "draft_routing"]

_LOADS = (("clients", "demand"), ("vehicles", "capacity"), ("clients", "pickup"))
_FAR = 5.0
_FEWEST_VANS, _CLIENTS_OF_A_VAN = 5, 8
_HOURS = frozenset(("hour", "hr", "stunde", "heure", "hora"))
_PRICED = frozenset(("unit_distance_cost", "unit_duration_cost"))


class References:
    """What the problem knows the columns of a history as, each reference used once for a law.

    Parameters
    ----------
    parts
        Scope of references, such as ``"client"``, to the table of it.
    usual
        Measure of a column, such as ``"length"``, to the reference it usually is.
    most
        The largest load that the plan knows; columns far beyond are none.
    """

    def __init__(self, parts: dict[str, PartGuess], usual: dict[str, str], most: float = math.inf) -> None:
        self.parts = parts
        self.usual = usual
        self.most = most
        self.found: dict[str, str] = {}
        self.sure: set[str] = set()

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
        if is_outcome(column) and measure_of(column) != "amount":
            return ""
        hours = column.kind == "number" and bool(_HOURS & set(column.header.pieces))
        if hours and "hour" in self.usual and measure_of(column) in ("time", ""):
            self.sure.add(column.name)
            return self.usual["hour"] if float(column.values.max()) <= 24 else ""
        if found := self._same_column(column):
            return found
        if column.kind != "number" or is_outcome(column):
            return ""
        measure = measure_of(column)
        if measure == "amount" and float(column.values.max()) > _FAR * self.most:
            return ""
        if column.header.unit or measure == "length":
            self.sure.add(column.name)
        return self.usual.get(measure, "")

    def _same_column(self, column: ColumnFacts) -> str:
        """Return the column of a part that is called so, or the names of its rows."""
        for scope, guess in self.parts.items():
            fields = {each.column.name: each.field.name for each in guess.filled}
            own = guess.table.columns.get(column.name)
            if own is not None and (own.kind == column.kind) and _fits(column, own):
                self.sure.add(column.name)
                return f"{scope}.{fields.get(column.name, column.name)}"
        for scope, guess in self.parts.items():
            texts = [each for each in guess.filled if each.column.kind == "text"]
            for each in texts if column.kind == "text" else ():
                if _fits(column, each.column):
                    self.sure.add(column.name)
                    return f"{scope}.{each.field.name}"
        return ""


def _fits(column: ColumnFacts, own: ColumnFacts) -> bool:
    """Say whether a law that learned from a column can read another one: its categories must all be known."""
    if column.kind != "text":
        return len(own.values) == own.rows
    values = set(own.values.astype(str))
    return len(own.values) == own.rows and bool(values) and values <= set(column.values.astype(str))


def draft_routing(draft: Draft) -> None:
    """Fill the draft of a routing problem."""
    parts = draft.roles.parts
    load, bare = draft.load_units(_LOADS)
    head = [
        Entry(
            "kind",
            "routing",
            "" if draft.roles.sure else "another kind looks as likely",
            draft.roles.sure,
            needed=True,
        )
    ]
    units = draft.problem_units(load)
    if units:
        head.append(Entry("units", units, "what the plan counts in"))
    draft.problem.append(Section(("problem",), tuple(head)))
    drop_unfit_roads(draft)
    parts = draft.roles.parts
    for name in ("depots", "clients", "vehicles", "links", "nodes", "distances", "durations"):
        if name in parts:
            draft.add_part(parts[name], load, bare)
    if "depots" not in parts:
        _make_depot(draft, parts["clients"])
    if "vehicles" not in parts:
        _make_vehicles(draft)
    if "links" in parts:
        draft_link_time(draft)
    else:
        _draft_duration(draft)
    _draft_costs(draft)
    _add_todays_plan(draft)


def _references(draft: Draft) -> References:
    scopes = {"client": "clients", "vehicle": "vehicles"}
    parts = {scope: draft.roles.parts[name] for scope, name in scopes.items() if name in draft.roles.parts}
    usual = {"length": "arc.distance", "amount": "state.load", "hour": "clock.hour"}
    return References(parts, usual, _largest_load(parts.get("vehicle")))


def _largest_load(vehicles: PartGuess | None) -> float:
    """Return the largest capacity, in any unit of mass that a header may not state."""
    column = (
        next((f.column for f in vehicles.filled if f.field.name == "capacity"), None) if vehicles else None
    )
    if column is None or not len(column.values):
        return math.inf
    return float(column.values.max()) * (1_000.0 if column.header.unit == "t" else 1.0)


def best_law(
    draft: Draft, measures: str, references: Callable[[], References]
) -> tuple[LawGuess, References] | None:
    """Return the law of what is measured that the first history teaches, and what the problem knows of it."""
    for table in draft.roles.histories:
        known = references()
        law = guess_law(table, draft.money, measures, known)
        if law is not None:
            return law, known
    return None


def add_bound_law(draft: Draft, name: str, law: LawGuess, known: References, per: str) -> None:
    """Add a law and its bindings; what the problem measures in a unit gets one."""
    draft.add_law(name, law, per)
    give_feature_units(draft, law, known.of(law))
    draft.bind(name, known.of(law), known.sure)


def give_feature_units(draft: Draft, law: LawGuess, bindings: dict[str, str]) -> None:
    """Declare the units of what a law reads."""
    usual = {
        "arc.distance": "km",
        "lane.distance": "km",
        "clock.hour": "h",
        "state.load": "t",
        "state.weight": "t",
    }
    draft.use(law.table)
    for name, reference in bindings.items():
        column = law.table.columns[name]
        if reference in usual and header_unit(column, draft.money) is None:
            draft.give_unit(law.table, column, GuessedUnit(usual[reference], "no unit is stated", False))


def _draft_duration(draft: Draft) -> None:
    """Add how long a leg takes: as a table says, at the speed that vehicles have, as a history teaches, or as asked."""
    parts = draft.roles.parts
    if "durations" in parts:
        return
    speed = draft.roles.hints.get("speed")
    if speed is not None:
        unit = header_unit(speed, draft.money) or GuessedUnit("km/h", "no unit is stated", False)
        draft.give_unit(parts["vehicles"].table, speed, unit)
        inputs = {"distance": "km", "speed": unit.unit}
        draft.add_formula(
            "travel_time", "distance / speed", inputs, "h", f"as {speed.name!r} of the vehicles says"
        )
        draft.bind(
            "travel_time",
            {"distance": "arc.distance", "speed": f"vehicle.{draft.refer('vehicles', speed.name, 'speed')}"},
        )
        draft.problem.append(Section(("problem", "duration"), (Entry("law", "travel_time", needed=True),)))
        return
    found = best_law(draft, "time", lambda: _references(draft))
    if found is None:
        draft.add_formula(
            "travel_time", "1.5 * distance_km", {"distance_km": "km"}, "min", "40 km/h; no history tells it"
        )
        draft.bind("travel_time", {"distance_km": "arc.distance"})
        if _time_matters(draft):
            answers = {
                f"{speed}": {"surrogates.travel_time.formula": f"{60 / speed:g} * distance_km"}
                for speed in (40, 50, 30, 60, 70, 80)
            }
            text = "How fast are vehicles (speed, Geschwindigkeit, vitesse, velocidad), in km/h? No table says it."
            draft.questions.append(Question("vehicles.speed", text, answers))
    else:
        add_bound_law(draft, "travel_time", *found, "leg")
    draft.problem.append(Section(("problem", "duration"), (Entry("law", "travel_time", needed=True),)))


def _time_matters(draft: Draft) -> bool:
    """Say whether any field of the plan is a time or a price of time, so that a speed changes the plan."""
    return any(
        each.field.clock or "time" in dict(measured_in(each.field.unit) or ())
        for name in ("clients", "vehicles")
        if name in draft.roles.parts
        for each in draft.roles.parts[name].filled
        if each.field.unit
    )


def _add_todays_plan(draft: Draft) -> None:
    parts = draft.roles.parts
    if "vehicles" not in parts:
        return
    found = find_todays_plan(draft.roles.every, parts["clients"], parts["vehicles"])
    if found is None:
        return
    draft.use(found.table)
    why = "it names vehicles, clients and the order of stops"
    draft.guess(found.table.name, "", "today's plan", why, True)
    for name, column in found.columns.items():
        draft.guess(found.table.name, column, f"today.{name}", "its values fit", True)
    named = {name: column for name, column in found.columns.items() if name != column}
    entries = [Entry("table", found.table.name, needed=True)]
    entries += [Entry("columns", named, needed=True)] if named else []
    draft.problem.append(Section(("problem", "today"), tuple(entries)))


def _draft_costs(draft: Draft) -> None:
    """Add what a leg costs: fuel by its price, else the costs of a history where vehicles have no rates."""
    vehicles = draft.roles.parts.get("vehicles")
    filled = {each.field.name for each in vehicles.filled} if vehicles else set(_PRICED)
    prices = vehicles.part.prices if vehicles else ()
    costs = []
    if vehicles is not None and _add_fuel(draft, vehicles):
        costs.append(Entry("fuel", "fuel_cost"))
    elif not filled & _PRICED and (found := best_law(draft, "money", lambda: _references(draft))):
        add_bound_law(draft, "leg_cost", *found, "leg")
        costs.append(Entry("legs", "leg_cost"))
    elif not filled & {*prices, *_PRICED}:
        why = "what a km costs; no table tells it"
        draft.add_formula("leg_cost", "0.5 * distance_km", {"distance_km": "km"}, draft.money, why)
        draft.bind("leg_cost", {"distance_km": "arc.distance"})
        costs.append(Entry("legs", "leg_cost"))
    if costs:
        draft.problem.append(Section(("problem", "cost"), tuple(costs)))


def _add_fuel(draft: Draft, vehicles: PartGuess) -> bool:
    """Add a law of fuel, where a history tells litres and the vehicles a price per litre."""
    priced = next((column for column in vehicles.table.columns.values() if _is_fuel_price(column)), None)
    used = {each.column.name for each in vehicles.filled}
    if priced is None or priced.name in used:
        return False
    for table in draft.roles.histories:
        if not any(c.header.unit == "l" and is_outcome(c) for c in table.columns.values()):
            continue
        known = _references(draft)
        law = guess_law(table, draft.money, "amount", known)
        if law is None or law.unit is None or law.unit.unit != "l":
            continue
        bindings = known.of(law)
        draft.add_law("fuel", law, "leg")
        give_feature_units(draft, law, bindings)
        unit = f"{draft.money}/l"
        draft.give_unit(
            vehicles.table, priced, GuessedUnit(unit, "a price of fuel", "l" in priced.header.unit)
        )
        why = "what is burnt, times its price"
        draft.add_formula("fuel_cost", "fuel * fuel_price", {"fuel_price": unit}, draft.money, why)
        known.sure.add("fuel_price")
        draft.bind("fuel_cost", {**bindings, "fuel_price": f"vehicle.{priced.name}"}, known.sure)
        return True
    return False


def _is_fuel_price(column: ColumnFacts) -> bool:
    pieces = set(column.header.pieces)
    fuel = bool(pieces & {"fuel", "diesel", "petrol", "kraftstoff"})
    measured = dict(measured_in(column.header.unit) or ())
    return column.kind == "number" and fuel and (not measured or "money" in measured)


def _make_depot(draft: Draft, clients: PartGuess) -> None:
    """Put a depot into the middle of the clients."""
    columns = {each.field.name: each.column.name for each in clients.filled}
    ends = ("lat", "lon") if "lat" in columns else ("x", "y")
    frame = clients.table.frame
    middle = {end: [round(float(frame[columns[end]].mean()), 5)] for end in ends}
    units = {end: draft.unit_of(clients.table, columns[end]) for end in ends}
    made = pd.DataFrame({"name": ["depot"], **middle})
    given = {end: unit for end, unit in units.items() if unit}
    draft.add_invented("depots", made, given, "one in the middle of the clients")


def _make_vehicles(draft: Draft) -> None:
    """Make vans enough that a first plan hardly leaves anybody out; those that are not used cost nothing."""
    count = max(_FEWEST_VANS, math.ceil(len(draft.roles.parts["clients"].table.frame) / _CLIENTS_OF_A_VAN))
    made = pd.DataFrame(
        {
            "name": ["van"],
            "num_available": [count],
            "fixed_cost": [50.0],
            "unit_distance_cost": [0.4],
            "unit_duration_cost": [25.0],
        }
    )
    units = {
        "fixed_cost": draft.money,
        "unit_distance_cost": f"{draft.money}/km",
        "unit_duration_cost": f"{draft.money}/h",
    }
    draft.add_invented("vehicles", made, units, f"{count} vans of any capacity, at usual costs")
