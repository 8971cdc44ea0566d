"""The ``[problem]`` of scheduling and of supply networks."""

from __future__ import annotations

import pandas as pd

from kanopt.records.headers import measured_in
from kanopt.units import same_dimension
from kanopt.whatif.scaffolding.draft import Draft
from kanopt.whatif.scaffolding.mapping import GuessedUnit, header_unit
from kanopt.whatif.scaffolding.outcomes import measure_of
from kanopt.whatif.scaffolding.roles import PartGuess, looks_like
from kanopt.whatif.scaffolding.routing_draft import References, add_bound_law, best_law
from kanopt.whatif.scaffolding.toml_writing import Entry, Section

__all__ = ["draft_scheduling", "draft_supply"]

_SCHEDULING = ("jobs", "tasks", "machines", "modes", "setups", "calendars", "power_price")
_SUPPLY = ("suppliers", "facilities", "markets", "products", "periods", "lanes")
_STEEP = 1_000
_LOADS = (("suppliers", "capacity"), ("demand", "demand"), ("facilities", "capacity"))


def draft_scheduling(draft: Draft) -> None:
    """Fill the draft of a job shop."""
    parts = draft.roles.parts
    head = [
        Entry(
            "kind",
            "scheduling",
            "" if draft.roles.sure else "another kind looks as likely",
            draft.roles.sure,
            needed=True,
        )
    ]
    jobs = parts.get("jobs")
    priced = jobs is not None and any(
        each.field.unit.startswith(draft.money) or each.field.unit.startswith("EUR") for each in jobs.filled
    )
    if not priced and "power_price" not in parts:
        why = f"{draft.money} a minute until the last task ends"
        head.append(Entry("makespan_cost", 1.0, why, sure=False))
    if units := draft.problem_units("t"):
        head.append(Entry("units", units, "what the plan counts in"))
    draft.problem.append(Section(("problem",), tuple(head)))
    energy = best_law(draft, "energy", lambda: _shop_references(draft))
    mode_fields = {each.field.name for each in parts["modes"].filled} if "modes" in parts else set()
    for name in _SCHEDULING:
        if name == "power_price" and energy is None and "energy" not in mode_fields:
            if name in parts:
                draft.notes.append("the price of power is not used: no table tells the energy of tasks")
            continue
        if name in parts:
            draft.add_part(parts[name], "t", "")
        elif name in ("jobs", "machines"):
            _make_shop_part(draft, name)
    _draft_task_time(draft, mode_fields)
    if energy is not None and "energy" not in mode_fields:
        add_bound_law(draft, "energy", *energy, "task")
        draft.problem.append(Section(("problem", "energy"), (Entry("law", "energy", needed=True),)))


def _shop_references(draft: Draft) -> References:
    scopes = {"task": "tasks", "machine": "machines", "mode": "modes", "job": "jobs"}
    parts = draft.roles.parts
    found = {scope: parts[name] for scope, name in scopes.items() if name in parts}
    return References(found, {})


def _column_of(guess: PartGuess, field: str) -> str:
    return next((each.column.name for each in guess.filled if each.field.name == field), "")


def _make_shop_part(draft: Draft, name: str) -> None:
    """Make the jobs or machines that the tables of tasks and modes name."""
    field, part = {"jobs": ("job", "tasks"), "machines": ("machine", "modes")}[name]
    guess = draft.roles.parts[part]
    names = guess.table.frame[_column_of(guess, field)].dropna().unique()
    draft.add_made(name, pd.DataFrame({"name": names}), {}, f"the {name} that the {part} name")


def _draft_task_time(draft: Draft, mode_fields: set[str]) -> None:
    if "duration" in mode_fields:
        return
    tasks = draft.roles.parts["tasks"]
    timed = next(
        (c for c in tasks.table.columns.values() if c.kind == "number" and measure_of(c) == "time"), None
    )
    found = best_law(draft, "time", lambda: _shop_references(draft))
    if found is not None:
        add_bound_law(draft, "task_time", *found, "task")
    elif timed is not None:
        unit = header_unit(timed, draft.money) or GuessedUnit("min", "no unit is stated", False)
        draft.give_unit(tasks.table, timed, unit)
        draft.add_formula("task_time", "planned", {"planned": unit.unit}, unit.unit, "as the tasks say")
        draft.bind("task_time", {"planned": f"task.{draft.refer('tasks', timed.name, 'planned')}"})
    else:
        draft.add_formula("task_time", "60", {}, "min", "an hour each; no table tells it")
    draft.problem.append(Section(("problem", "duration"), (Entry("law", "task_time", needed=True),)))


def draft_supply(draft: Draft) -> None:
    """Fill the draft of a supply network."""
    parts = draft.roles.parts
    load, bare = draft.load_units(_LOADS)
    demand = best_law(draft, "amount", lambda: _market_references(draft)) if "demand" not in parts else None
    if demand is not None and demand[0].unit is not None and not same_dimension(demand[0].unit.unit, load):
        load = bare = demand[0].unit.unit if not same_dimension(demand[0].unit.unit, "t") else "t"
    head = [
        Entry(
            "kind",
            "supply",
            "" if draft.roles.sure else "another kind looks as likely",
            draft.roles.sure,
            needed=True,
        )
    ]
    if units := draft.problem_units(load):
        head.append(Entry("units", units, "what the plan counts in"))
    rate = draft.roles.hints.get("rate", "") if "lanes" in parts else ""
    tariff = None if rate else best_law(draft, "money", lambda: _lane_references(draft))
    weights = (
        [name for name, ref in tariff[1].of(tariff[0]).items() if ref == "state.weight"] if tariff else []
    )
    if tariff and weights:
        usual = round(float(tariff[0].table.frame[weights[0]].median()), 3)
        head.append(Entry("planning", {"state.weight": usual}, "the usual shipment of the history", False))
    if brackets := draft.roles.hints.get("brackets"):
        head.append(
            Entry(
                "planning", {"state.weight": 2 * brackets[-1]}, "beyond the last weight of the rates", False
            )
        )
    draft.problem.append(Section(("problem",), tuple(head)))
    for name in _SUPPLY:
        if name in parts:
            draft.add_part(parts[name], load, bare)
        else:
            _make_supply_part(draft, name)
    if tariff is not None:
        add_bound_law(draft, "tariff", *tariff, "shipment")
    elif rate and draft.roles.hints.get("brackets"):
        _add_rate_card(draft, draft.roles.hints["brackets"], load)
    elif rate:
        lanes = parts["lanes"].table
        column = lanes.columns[rate]
        unit = header_unit(column, draft.money) or GuessedUnit(
            f"{draft.money}/{load}", "no unit is stated", False
        )
        draft.give_unit(lanes, column, unit)
        bound = {"rate": f"lane.{draft.refer('lanes', rate, 'rate')}"}
        if dict(measured_in(unit.unit) or ()).get("length"):
            inputs = {"rate": unit.unit, "distance": "km"}
            per_load = f"{draft.money}/{load}"
            draft.add_formula("tariff", "rate * distance", inputs, per_load, "as the lanes say, for each km")
            draft.bind("tariff", {**bound, "distance": "lane.distance"})
        else:
            draft.add_formula("tariff", "rate", {"rate": unit.unit}, unit.unit, "as the lanes say")
            draft.bind("tariff", bound)
    else:
        why = "what a km costs; no history tells it"
        per_load = f"{draft.money}/{load}"
        draft.add_formula("tariff", "0.1 * distance_km", {"distance_km": "km"}, per_load, why)
        draft.bind("tariff", {"distance_km": "lane.distance"})
    draft.problem.append(Section(("problem", "tariff"), (Entry("law", "tariff", needed=True),)))
    if "demand" in parts:
        draft.add_part(parts["demand"], load, bare)
    elif demand is not None:
        add_bound_law(draft, "demand", *demand, "market-period")
        draft.problem.append(Section(("problem", "demand"), (Entry("law", "demand", needed=True),)))
    else:
        _demand_of_markets(draft, load)


def _add_rate_card(draft: Draft, brackets: tuple[float, ...], load: str) -> None:
    """Add a tariff whose rate holds from a weight on for all of a shipment: a step at each weight, a gram wide."""
    unit = draft.roles.parts["lanes"].table.units["rate_0"]
    steps = [
        f"(rate_{place} - rate_{place - 1}) * min(1, max(0, 1 + {_STEEP} * (weight - {start:g})))"
        for place, start in enumerate(brackets)
        if place
    ]
    inputs = {f"rate_{place}": unit for place in range(len(brackets))} | {"weight": load}
    formula = f"weight * ({' + '.join(['rate_0', *steps])})"
    draft.add_formula("tariff", formula, inputs, draft.money, "as the rates by weight say", "shipment")
    bound = {f"rate_{place}": f"lane.rate_{place}" for place in range(len(brackets))}
    draft.bind("tariff", {**bound, "weight": "state.weight"})


def _market_references(draft: Draft) -> References:
    scopes = {"market": "markets", "product": "products", "period": "periods"}
    parts = draft.roles.parts
    return References({scope: parts[name] for scope, name in scopes.items() if name in parts}, {})


def _lane_references(draft: Draft) -> References:
    parts = draft.roles.parts
    lanes = {"lane": parts["lanes"]} if "lanes" in parts else {}
    return References(lanes, {"length": "lane.distance", "amount": "state.weight"})


def _demand_of_markets(draft: Draft, load: str) -> None:
    """Take the demand from a column of the markets; a tonne each where there is none."""
    markets = draft.roles.parts.get("markets")
    used = {each.column.name for each in markets.filled} if markets else set()
    columns = markets.table.columns.values() if markets else ()
    left = [c for c in columns if c.kind == "number" and c.name not in used]
    wanted = next((c for c in left if measure_of(c) == "amount" or looks_like(c, "demand", "demand")), None)
    wanted = left[0] if wanted is None and len(left) == 1 else wanted
    if wanted is None:
        draft.add_formula("demand", "1", {}, load, "one each; no table tells it")
    else:
        assert markets is not None
        unit = header_unit(wanted, draft.money) or GuessedUnit(load, "no unit is stated", False)
        if not same_dimension(unit.unit, load):
            unit = GuessedUnit(load, "as other amounts", False)
        draft.give_unit(markets.table, wanted, unit)
        draft.add_formula("demand", "wanted", {"wanted": load}, load, "as the markets say")
        draft.bind("demand", {"wanted": f"market.{draft.refer('markets', wanted.name, 'wanted')}"})
    draft.problem.append(Section(("problem", "demand"), (Entry("law", "demand", needed=True),)))


def _make_supply_part(draft: Draft, name: str) -> None:
    """Make a part of a network that no table holds."""
    if name == "lanes":
        tails, sites, heads = (_names(draft, part) for part in ("suppliers", "facilities", "markets"))
        pairs = [(tail, site) for tail in tails for site in sites] + [
            (site, head) for site in sites for head in heads
        ]
        frame = pd.DataFrame(pairs, columns=["tail", "head"])
        draft.add_invented("lanes", frame, {}, "from every supplier to every site, and on to every market")
        return
    frame = pd.DataFrame({"name": [{"products": "goods", "periods": "period 1"}.get(name, name[:-1])]})
    if name in ("products", "periods"):
        for part in ("demand", "suppliers"):
            guess = draft.roles.parts.get(part)
            column = _column_of(guess, name[:-1]) if guess else ""
            if guess and column:
                frame = pd.DataFrame({"name": guess.table.frame[column].dropna().unique()})
                break
        draft.add_made(name, frame, {}, "no table holds them")
        return
    if name == "facilities" and draft.roles.hints.get("rate"):
        draft.add_made(name, frame.assign(name="none", status="closed"), {}, "no place passes anything on")
        return
    frame = frame.assign(**_middle(draft))
    draft.add_invented(name, frame, {end: "km" for end in ("x", "y") if end in frame}, "no table holds them")


def _middle(draft: Draft) -> dict[str, float]:
    for part in ("facilities", "markets", "suppliers"):
        guess = draft.roles.parts.get(part)
        places = {end: _column_of(guess, end) for end in ("x", "y", "lat", "lon")} if guess else {}
        if guess and any(places.values()):
            return {end: float(guess.table.frame[name].mean()) for end, name in places.items() if name}
    return {}


def _names(draft: Draft, part: str) -> list[object]:
    guess = draft.roles.parts.get(part)
    if guess is None:
        return draft.made[f"made_{part}"]["name"].tolist()
    return guess.table.frame[_column_of(guess, "name")].dropna().tolist()
