"""The laws that a plan needs: told by its tables, learned from a history, or made up and said so."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from kanopt.records.headers import IDENTIFIERS, is_price_of_pieces, measured_in
from kanopt.records.matching import ColumnFacts
from kanopt.scenarios.init.draft import Draft, Formula
from kanopt.scenarios.init.fleets import is_speed
from kanopt.scenarios.init.laws import LawGuess, References, guess_law
from kanopt.scenarios.init.parts import GuessedUnit, PartGuess, header_unit, measure_of
from kanopt.text import join_list
from kanopt.units import factor, same_dimension

_PRICED = frozenset(("unit_distance_cost", "unit_duration_cost"))
_UNITS = {
    "arc.distance": "km",
    "lane.distance": "km",
    "clock.hour": "h",
    "state.load": "t",
    "state.weight": "t",
}
_STEEP = 1_000  # a step is a thousandth of a unit wide
_PACES = [(way, time) for time in ("h", "min", "s") for way in ("km", "mi", "m")]
_RATES = (0.1, 0.05, 0.2, 0.5, 1.0)
SPEEDS = (40, 50, 30, 60, 70, 80)
_MILES_AN_HOUR = (25, 30, 20, 35, 40, 50)


@dataclass(frozen=True)
class Wish:
    """A law that a plan needs.

    Parameters
    ----------
    name, section
        What it is called, and the section of the problem that names it.
    measure, per
        What its target measures, and what one value is of.
    scopes
        Scope of references, such as ``"client"``, to the part whose columns it reads.
    usual
        Measure of a column, such as ``"length"``, to the reference it usually is.
    given
        The parts, and fields of parts, that tell it already.
    told
        Returns it where columns that are left tell it.
    made_up
        What it is where nothing tells it; None where the plan does without.
    """

    name: str
    section: str
    measure: str
    per: str
    scopes: Mapping[str, str]
    given: tuple[str, ...] = ()
    told: Callable[[Draft], Formula | None] = lambda draft: None
    made_up: Callable[[Draft], Formula | None] = lambda draft: None
    usual: Mapping[str, str] = field(default_factory=dict)

    def is_given(self, draft: Draft) -> bool:
        """Say whether the parts tell it already."""
        roles = draft.roles
        return any(name in roles.parts or roles.column(*name.partition(".")[::2]) for name in self.given)


def add_laws(draft: Draft) -> None:
    """Add the laws that a kind of problem needs."""
    for wish in LAWS[draft.roles.kind]:
        if wish.is_given(draft):
            continue
        if (formula := wish.told(draft)) is not None:
            draft.add_formula(wish.name, formula)
        elif (found := _learned(draft, wish)) is not None:
            _add_learned(draft, wish.name, *found, wish.per)
        elif (formula := wish.made_up(draft)) is not None:
            draft.add_formula(wish.name, formula)
        else:
            continue
        draft.keys.set(("problem", wish.section), "law", wish.name, needed=True)


def _learned(draft: Draft, wish: Wish) -> tuple[LawGuess, References] | None:
    """Return the law that the first history teaches, and what the problem knows of it."""
    for table in draft.roles.histories:
        known = References(table, draft.roles.parts, wish.scopes, wish.usual)
        if law := guess_law(table, draft.money, wish.measure, known):
            return law, known
    return None


def _add_learned(draft: Draft, name: str, law: LawGuess, known: References, per: str) -> None:
    """Add a law and its bindings; what the problem measures in a unit gets one."""
    draft.add_law(name, law, per)
    bindings = known.of(law)
    for feature, reference in bindings.items():
        column = law.table.columns[feature]
        if reference in _UNITS and header_unit(column, draft.money) is None:
            draft.give_unit(law.table, column, GuessedUnit(_UNITS[reference], "no unit is stated", False))
        if reference == "state.weight":
            usual = {reference: round(float(law.table.frame[feature].median()), 3)}
            draft.keys.set(("problem",), "planning", usual, "the usual shipment of the history", sure=False)
    _ask_about_day(draft, law, known)
    if name != "fuel":  # what a leg costs reads it, and is bound to what it reads
        draft.bind(name, bindings, known.sure)


def _ask_about_day(draft: Draft, law: LawGuess, known: References) -> None:
    """Ask for the day of the plan where a law reads something of it."""
    references = known.of(law).values()
    read = [each.removeprefix("day.") for each in references if each.startswith("day.")]
    parts = draft.roles.parts.values()
    dated = any(each.column.is_dated for guess in parts for each in guess.filled)
    if not read or dated or any(question.about == "problem.day" for question in draft.questions):
        return  # that of the dates in the plan is its day
    last = law.table.frame.select_dtypes("datetime").max().max().normalize()
    text = (
        f"For which day is the plan (date, Tag, jour, día)? {law.target!r} depends on its {join_list(read)}, and no "
        "table tells it."
    )
    days = [last + pd.Timedelta(days=after) for after in range(1, 8)]
    draft.set_day(days, "the day after the last of the history", text)


def learned_load(draft: Draft) -> str:
    """Return the unit in which a history counts the demand of a network; empty where none does."""
    wish = LAWS["supply"][-1]
    found = None if wish.is_given(draft) else _learned(draft, wish)
    return found[0].unit.unit if found is not None and found[0].unit is not None else ""


# routing


def _by_speed(draft: Draft) -> Formula | None:
    """Return the time of a leg at the speed that vehicles have."""
    vehicles = draft.roles.parts.get("vehicles")
    speed = next(filter(is_speed, vehicles.left), None) if vehicles else None
    if speed is None:
        return None
    told = draft.input("vehicles", speed, "speed", "km/h")
    # the way is read in the unit of the speed, so that what is divided needs no factor
    way, time = next(pair for pair in _PACES if math.isclose(factor("/".join(pair), told[0]), 1.0))
    inputs = {"distance": (way, "arc.distance"), "speed": told}
    return Formula("distance / speed", time, f"as {speed.name!r} of the vehicles says", inputs)


def _at_a_speed(draft: Draft) -> Formula:
    """Return the time of a leg at a speed that is asked for, where any field is a time or a price of time."""
    guesses = [draft.roles.parts[name] for name in ("clients", "vehicles") if name in draft.roles.parts]
    fields = [each.field for guess in guesses for each in guess.filled]
    columns = [c for guess in draft.roles.parts.values() for c in guess.table.given.values()]
    miles = any(column.unit.rpartition("/")[2] == "mi" for column in columns)
    way, unit, speeds = ("mi", "mi/h", _MILES_AN_HOUR) if miles else ("km", "km/h", SPEEDS)
    if any(item.clock or "time" in dict(measured_in(item.unit) or ()) for item in fields):
        answers = {f"{speed}": {"problem.bind.travel_time.speed": speed} for speed in speeds}
        text = f"How fast are vehicles (speed, Geschwindigkeit, vitesse, velocidad), in {unit}? No table says it."
        draft.ask("vehicles.speed", text, answers)
    inputs: dict[str, Any] = {"distance": (way, "arc.distance"), "speed": (unit, speeds[0])}
    why = f"{speeds[0]} {unit}; no history tells it"
    return Formula("distance / speed", "h", why, inputs, sure=False)


def add_costs(draft: Draft) -> None:
    """Add what a leg costs: fuel by its price, else the costs of a history where vehicles have no rates."""
    vehicles = draft.roles.parts.get("vehicles")
    filled = vehicles.fields if vehicles is not None else set(_PRICED)
    prices = vehicles.part.prices if vehicles is not None else ()
    wish = Wish("leg_cost", "cost", "money", "leg", _FLEET, usual=_LEG)
    if vehicles is not None and (_add_burnt(draft, vehicles) or _add_fuel(draft, vehicles)):
        draft.keys.set(("problem", "cost"), "fuel", "fuel_cost")
    elif not filled & _PRICED and (found := _learned(draft, wish)) is not None:
        _add_learned(draft, "leg_cost", *found, "leg")
        draft.keys.set(("problem", "cost"), "legs", "leg_cost")
    elif not filled & {*prices, *_PRICED}:
        inputs = {"distance_km": ("km", "arc.distance")}
        why = "what a km costs; no table tells it"
        draft.add_formula("leg_cost", Formula("0.5 * distance_km", draft.money, why, inputs, sure=False))
        draft.keys.set(("problem", "cost"), "legs", "leg_cost")


def _add_burnt(draft: Draft, vehicles: PartGuess) -> bool:
    """Add what a way burns, times its price, where columns of the vehicles tell both."""
    for burnt in vehicles.left:
        what, _, way = burnt.unit.partition("/")
        prices = [c for c in vehicles.left if c.kind == "number" and c.unit == f"{draft.money}/{what}"]
        burns = any(same_dimension(burnt.unit, each) for each in ("l/km", "kWh/km")) if way else False
        if burns and len(prices) == 1:
            columns = {"consumption": burnt, "fuel_price": prices[0]}
            inputs = {name: draft.input("vehicles", c, name, c.unit) for name, c in columns.items()}
            inputs["distance"] = (way, "arc.distance")
            why = f"as {burnt.name!r} and {prices[0].name!r} of the vehicles say"
            text = "consumption * fuel_price * distance"
            draft.add_formula("fuel_cost", Formula(text, draft.money, why, inputs))
            return True
    return False


def _add_fuel(draft: Draft, vehicles: PartGuess) -> bool:
    """Add a law of fuel, where a history tells litres and the vehicles a price per litre."""
    found = _learned(draft, Wish("fuel", "cost", "amount", "leg", _FLEET, usual=_LEG))
    if found is None or found[0].unit is None or found[0].unit.unit != "l":
        return False
    law, known = found
    words = {"fuel", "diesel", "petrol", "kraftstoff"}
    called_so = [c for c in vehicles.left if c.kind == "number" and words & {*c.header.pieces}]
    told = {c: dict(measured_in(c.header.unit) or ()) for c in called_so}
    priced = next((c for c, measured in told.items() if not measured or "money" in measured), None)
    if priced is None:
        draft.notes.append(
            f"the fuel of {law.table.called} ({law.target!r}) is not used: no column of the vehicles has a price of "
            "it; add one such as fuel_price (EUR/l)"
        )
        return False
    _add_learned(draft, "fuel", law, known, "leg")
    unit, why = f"{draft.money}/l", "what is burnt, times its price"
    draft.give_unit(vehicles.table, priced, GuessedUnit(unit, "a price of fuel", "l" in priced.header.unit))
    draft.add_formula("fuel_cost", Formula("fuel * fuel_price", draft.money, why, {"fuel_price": (unit, "")}))
    price = f"vehicle.{draft.refer('vehicles', priced.name, 'fuel_price')}"
    draft.bind("fuel_cost", {**known.of(law), "fuel_price": price}, known.sure | {"fuel_price"})
    return True


# scheduling


def _planned_time(draft: Draft) -> Formula:
    """Return the time that a column of the tasks has; an hour for each where none has."""
    columns = draft.roles.parts["tasks"].table.columns.values()
    timed = next((c for c in columns if c.kind == "number" and measure_of(c) == "time"), None)
    if timed is None:
        return Formula("60", "min", "an hour each; no table tells it", sure=False)
    told = draft.input("tasks", timed, "planned", "min")
    return Formula("planned", told[0], "as the tasks say", {"planned": told})


def _by_power(draft: Draft) -> Formula | None:
    """Return the energy of a task by the power that it or its machine draws, where power has a price."""
    parts = draft.roles.parts if "power_price" in draft.roles.parts else {}
    shop = [part for part in _SHOP.values() if part in parts]
    drawn = {part: c for part in shop for c in parts[part].left if c.measured == measured_in("kW")}
    if "tasks" in drawn:
        drawn.pop("jobs", None)  # the jobs of tasks that tasks are made with
    if len(drawn) != 1:
        return None
    ((part, column),) = drawn.items()
    inputs = {"power": draft.input(part, column, "power", "kW"), "duration": ("h", "mode.duration")}
    return Formula("power * duration", "kWh", f"as {column.name!r} of the {part} says", inputs)


# supply


def _by_rate(draft: Draft) -> Formula | None:
    """Return what lanes cost: their rate, for each km where it says so, or by the weight of a shipment."""
    rates, rate = draft.roles.parts.get("rates"), draft.roles.column("rates", "rate")
    if rates is None or rate is None:
        return None
    if rates.column("weight") is not None:
        return _by_weight(draft, rates)
    lanes, per_load = draft.roles.parts["lanes"], f"{draft.money}/{draft.load}"
    told = header_unit(rate, draft.money)
    if told is None or is_price_of_pieces(rate.name, told.unit):
        told = GuessedUnit(per_load, "no unit is stated", False)
    draft.give_unit(lanes.table, rate, told)
    inputs = {"rate": (told.unit, f"lane.{draft.refer('lanes', rate.name, 'rate')}")}
    text, unit, why = "rate", told.unit, "as the lanes say"
    if "length" in dict(measured_in(told.unit) or ()):
        # counted as the price counts it, so that what is multiplied needs no factor
        inputs["distance"] = ("mi" if "mi" in re.findall("[a-z]+", told.unit) else "km", "lane.distance")
        text, unit, why = "rate * distance", per_load, "as the lanes say, for each km"
    if (least := _least_price(lanes)) is None:
        return Formula(text, unit, why, inputs)
    unit = f"{per_load}/{inputs['distance'][0]}" if "distance" in inputs else per_load
    inputs["rate"] = (unit, inputs["rate"][1])
    inputs["weight"] = (draft.load, "state.weight")
    ends = 1.0
    if text == "rate" and float(rate.values.min()) > 0:
        ends = float((least.values / rate.values).median()) * factor(per_load, told.unit)
    draft.keys.set(("problem",), "planning", {"state.weight": round(ends, 3)}, "where the least price ends")
    return _at_least(draft, least, Formula(f"{text} * weight", draft.money, why, inputs, "shipment"))


def _least_price(lanes: PartGuess) -> ColumnFacts | None:
    """Return the column of the least that a shipment costs, which is not the least that is shipped; None for none."""
    mins = [c for c in lanes.left if any(each.startswith(("min", "least")) for each in c.header.pieces)]
    return next((c for c in mins if c.measures == {"money": 1} and c.is_full), None)


def _at_least(draft: Draft, least: ColumnFacts | None, law: Formula) -> Formula:
    """Return what a shipment costs, and never less than a column of the lanes says, if there is one."""
    if least is None:
        return law
    inputs = {**law.inputs, "minimum": (draft.money, draft.input("lanes", least, "minimum", draft.money)[1])}
    why = f"{law.why}, and never less than {least.name!r}"
    return replace(law, text=f"max(minimum, {law.text})", why=why, inputs=inputs)


def _by_weight(draft: Draft, rates: PartGuess) -> Formula:
    """Return a tariff of steps: from a weight on its rate for all of a shipment, or a flat price up to a weight."""
    part, weight = draft.roles.parts["lanes"], rates["weight"]
    lanes, unit = part.table, weight.unit or draft.load
    size = factor(unit, draft.load) if same_dimension(unit, draft.load) else 1.0
    limits = sorted(size * float(limit) for limit in weight.values.unique())
    from_on = limits[0] == 0
    starts = limits if from_on else [0.0, *limits[:-1]]
    measures = rates["rate"].measures
    flat = measures == {"money": 1} if from_on else "amount" not in measures
    usual = draft.money if flat else f"{draft.money}/{draft.load}"
    names = [f"rate_{place}" for place in range(len(limits))]
    inputs = {name: (usual, draft.input("lanes", lanes.columns[name], name, usual)[1]) for name in names}
    reached = [f"min(1, max(0, {int(from_on)} + {_STEEP} * (weight - {start:g})))" for start in starts]
    steps = [f"(rate_{at} - rate_{at - 1}) * {reached[at]}" for at in range(1, len(starts))]
    summed = " + ".join([f"rate_0 * min(1, {_STEEP} * weight)" if flat else "rate_0", *steps])
    inputs["weight"] = (draft.load, "state.weight")
    most = 2 * limits[-1] if from_on else limits[-1]
    planning = {"state.weight": most}
    draft.keys.set(("problem",), "planning", planning, "the last weight of the rates", sure=False)
    text = summed if flat else f"weight * ({summed})"
    law = Formula(text, draft.money, "as the rates by weight say", inputs, "shipment")
    return _at_least(draft, _least_price(part), law)


def _by_distance(draft: Draft) -> Formula:
    """Return a price of ways that is made up; none where nothing says how far it is."""
    per_load = f"{draft.money}/{draft.load}"
    sides = ("suppliers", "facilities", "markets")
    placed = all(guess.is_placed for name, guess in draft.roles.parts.items() if name in sides)
    if not placed and not draft.roles.column("lanes", "distance"):
        draft.invented.append(("what lanes cost is made up (nothing)", "write it into [surrogates.tariff]"))
        return Formula("0", per_load, "nothing; no table tells what lanes cost", sure=False)
    inputs = {"distance_km": ("km", "lane.distance")}
    key = "surrogates.tariff.formula"
    what = f"a km cost for each {draft.load} (price, Preis, prix, precio), in {draft.money}"
    answers = {f"{rate}": {key: f"{rate} * distance_km"} for rate in _RATES}
    draft.ask("lanes.rate", f"What does {what}? No table says it.", answers)
    why = "what a km costs; no history tells it"
    return Formula(f"{_RATES[0]} * distance_km", per_load, why, inputs, sure=False)


def _wanted(draft: Draft) -> Formula:
    """Return the demand that a column of the markets has; one each where none has."""
    markets = draft.roles.parts.get("markets")
    numbers = [c for c in markets.left if c.kind == "number"] if markets is not None else []
    left = [c for c in numbers if not IDENTIFIERS & {*c.header.pieces}]  # the number of a market is no amount
    told = [c for c in left if measure_of(c) == "amount" or c.looks_like("demand", "demand")]
    if not told and len(left) != 1:
        draft.dropped += [("markets", column.name) for column in left]  # they are asked about
        draft.invented.append(("what markets want is made up (1 each)", "write it into [surrogates.demand]"))
        return Formula("1", draft.load, "one each; no table tells it", sure=False)
    inputs = {"wanted": (draft.load, draft.input("markets", (told or left)[0], "wanted", draft.load)[1])}
    return Formula("wanted", draft.load, "as the markets say", inputs)


_FLEET = {"client": "clients", "vehicle": "vehicles"}
_LEG = {"length": "arc.distance", "amount": "state.load", "hour": "clock.hour"}
_SHOP = {"task": "tasks", "machine": "machines", "mode": "modes", "job": "jobs"}
_MARKET = {"market": "markets", "product": "products", "period": "periods"}
_LANE = {"length": "lane.distance", "amount": "state.weight"}

LAWS: Mapping[str, tuple[Wish, ...]] = {
    "routing": (
        Wish("travel_time", "duration", "time", "leg", _FLEET, ("durations",), _by_speed, _at_a_speed, _LEG),
    ),
    "scheduling": (
        Wish("task_time", "duration", "time", "task", _SHOP, ("modes.duration",), made_up=_planned_time),
        Wish("energy", "energy", "energy", "task", _SHOP, ("modes.energy",), _by_power),
    ),
    "supply": (
        Wish("tariff", "tariff", "money", "shipment", {"lane": "lanes"}, (), _by_rate, _by_distance, _LANE),
        Wish("demand", "demand", "amount", "market-period", _MARKET, ("demand",), made_up=_wanted),
    ),
}
"""The laws that each kind of problem needs."""
