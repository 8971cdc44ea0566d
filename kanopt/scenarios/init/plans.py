"""The ``[problem]`` of each kind: the parts that tables hold, those that are made up, laws and prices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pandas as pd

from kanopt.records.headers import (
    DESCRIBING,
    IDENTIFIERS,
    LIMITS,
    OTHER,
    STOP_ORDER,
    TABLE_WORDS,
    VISITS,
    WORKERS,
)
from kanopt.records.matching import is_end
from kanopt.scenarios.init.draft import MADE_UP, Draft
from kanopt.scenarios.init.fleets import further_loads
from kanopt.scenarios.init.kinds import READINGS
from kanopt.scenarios.init.parts import PLACES, GuessedUnit, PartGuess
from kanopt.scenarios.init.plan_laws import add_costs, add_laws, learned_load
from kanopt.scenarios.init.shops import WAYS
from kanopt.scenarios.init.sources import ColumnFacts, SourceTable, texts
from kanopt.text import join_list, list_names

_LOADS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "routing": (("clients", "demand"), ("vehicles", "capacity"), ("clients", "pickup")),
    "scheduling": (),
    "supply": (("suppliers", "capacity"), ("demand", "demand"), ("facilities", "capacity")),
}
_FEWEST_VANS, _CLIENTS_OF_A_VAN = 5, 8
_LEAST_SERVED = 0.5
_DETOURS = (1.3, 1.0, 1.2, 1.4)
_MOST_MACHINES = 8  # that a question names
_DESCRIBING = OTHER | DESCRIBING | IDENTIFIERS | TABLE_WORDS["tasks"]
_KEY, _JOB, _MACHINE = "the task", "its job", "its machine"
_DAYS_BEFORE = 4  # the first thing that is due may be due some days after the plan begins


def draft_plan(draft: Draft) -> None:
    """Fill the draft of a problem."""
    kind = draft.roles.kind
    parts = draft.roles.parts
    draft.begin(_LOADS[kind], learned_load(draft) if kind == "supply" else "")
    for name in READINGS[kind].parts:
        if name in parts and name != "power_price":  # which is used only where energy is known
            draft.add_part(parts[name])
        elif name in _MISSING:
            _MISSING[name](draft)
    add_laws(draft)
    if kind == "routing":
        _add_further_loads(draft)
        add_costs(draft)
        _ask_about_roads(draft)
        _add_todays_plan(draft)
    elif kind == "scheduling":
        _add_prices(draft)
        if {"tasks", "modes"} <= parts.keys() and "machine" in parts["modes"].fields:
            _ask_about_ways(draft)
            _offer_needs(draft)
            _ask_about_setups(draft)
    _add_day(draft)


def _add_day(draft: Draft) -> None:
    """Add the day from whose midnight dates with a time of day count: that of the first begin, or else it is asked."""
    guesses = draft.roles.parts.values()
    dated = [each for guess in guesses for each in guess.filled if each.column.is_dated]
    begins = [each for each in dated if each.field.name == "start" or not is_end(each.field)]
    told = [each.column for each in begins or dated]
    if not told:
        return
    first, named = min(column.values.min() for column in told), list_names([each.name for each in told], 3)
    text = (
        f"On which day does the plan begin (start, Beginn, début, inicio)? The dates in "
        f"{named} count from its midnight, and no table tells it."
    )
    days = [first - pd.Timedelta(days=before) for before in range(_DAYS_BEFORE)]
    draft.set_day(days, f"the first of {named}", "" if begins else text)


# routing


def _make_depot(draft: Draft) -> None:
    """Put a depot into the middle of the clients."""
    clients = draft.roles.parts["clients"]
    ends = next((each for each in reversed(PLACES) if {*each} <= clients.fields), ())
    middle = {end: round(float(clients[end].values.mean()), 5) for end in ends}
    known = draft.units_of(clients.table)
    units = {end: known[clients[end].name] for end in ends if clients[end].name in known}
    made = pd.DataFrame({"name": ["depot"], **middle})
    draft.add_made("depots", made, units, f"{MADE_UP}one in the middle of the clients")


def _make_distances(draft: Draft) -> None:
    """Make distances of nothing where a table tells times alone and no km counts."""
    parts = draft.roles.parts
    legs, clients, fleet = parts.get("durations"), parts["clients"], parts.get("vehicles")
    if legs is None or fleet is None or clients.is_placed:
        return
    if not {"unit_distance_cost", "max_distance"} & fleet.fields:
        frame = legs.table.frame
        ends = {"from": frame[legs["tail"].name], "to": frame[legs["head"].name]}
        why = f"{legs.table.called} tells minutes, and no km has a price"
        draft.add_made("distances", pd.DataFrame({**ends, "distance": 0.0}), {"distance": "km"}, why)


def _make_vehicles(draft: Draft) -> None:
    """Make vans enough that a first plan hardly leaves anybody out; those that are not used cost nothing."""
    count = max(_FEWEST_VANS, math.ceil(len(draft.roles.parts["clients"].table.frame) / _CLIENTS_OF_A_VAN))
    rates = {"fixed_cost": 50.0, "unit_distance_cost": 0.4, "unit_duration_cost": 25.0}
    units = dict(zip(rates, (draft.money, f"{draft.money}/km", f"{draft.money}/h"), strict=True))
    made = pd.DataFrame({"name": ["van"], "num_available": count, **rates})
    draft.add_made("vehicles", made, units, f"{MADE_UP}{count} vans of any capacity, at usual costs")


def _add_further_loads(draft: Draft) -> None:
    """Limit what is carried in every measure that clients and vehicles both tell, such as pallets beside kilograms."""
    parts = draft.roles.parts
    if not {"clients", "vehicles"} <= parts.keys():
        return
    loads = further_loads(parts["clients"], parts["vehicles"], draft.dropped)
    counts = [c for c in parts["vehicles"].left if c.whole and c.is_full and not c.header.unit]
    limits = [c for c in counts if LIMITS & {*c.header.pieces} and c.values.min() >= 1]
    # the most stops that each vehicle makes
    stops = next((c for c in limits if VISITS & {*c.header.pieces}), None)
    for name, columns in loads.items():
        alike = all(column.unit for column in columns)
        why = "" if alike else "clients and vehicles have columns of these words"
        for part, column in zip(("clients", "vehicles"), columns, strict=True):
            table = parts[part].table
            draft.bound.add((part, column.name))
            draft.dropped = [each for each in draft.dropped if each != (part, column.name)]
            draft.guess(table.name, column.name, f"{part}.{name}", "carried beside the demand", alike)
            if column.unit:
                draft.give_unit(table, column, GuessedUnit(column.unit, "by its header", True))
            if name != column.name:
                draft.keys.set(("problem", part, "columns"), name, column.name, why, sure=alike)
    if stops is not None:  # every client is one of them
        clients = parts["clients"].table.name
        draft.bound.add(("vehicles", stops.name))
        draft.guess(parts["vehicles"].table.name, stops.name, "most stops", "each client counts one", True)
        draft.keys.set(("tables", clients, "derive"), "stops_counted", "1", needed=True)
        draft.keys.set(("problem", "clients", "columns"), stops.name, "stops_counted", needed=True)
    if carried := [*loads, *([stops.name] if stops is not None else [])]:
        sure = all(column.unit for columns in loads.values() for column in columns)
        draft.keys.set(("problem", "policy"), "capacities", carried, "what else is carried", sure=sure)


def _ask_about_roads(draft: Draft) -> None:
    """Ask how much longer ways are than as the crow flies, where degrees tell where places are and a km has a price."""
    parts = draft.roles.parts
    priced = "vehicles" in parts and "unit_distance_cost" in parts["vehicles"].fields
    if not priced or "lat" not in parts["clients"].fields or "distances" in parts:
        return
    text = (
        "How much longer are ways than as the crow flies (detour, Umweg, détour, desvío)? No table says it; 1.3 is "
        "usual for roads, 1 is straight."
    )
    draft.ask("problem.detour", text, {f"{factor}": {"problem.detour": factor} for factor in _DETOURS})


def _add_todays_plan(draft: Draft) -> None:
    """Name the table that says which vehicle serves whom, and as which stop; where none plainly does, none."""
    served, fleet = draft.roles.names("clients"), draft.roles.names("vehicles")
    for table in draft.roles.every:
        if found := _columns_of_plan(table, served, fleet):
            draft.use(table)
            why = "it names vehicles, clients and the order of stops"
            draft.guess(table.name, "", "today's plan", why, True)
            for name, column in found.items():
                draft.guess(table.name, column, f"today.{name}", "its values fit", True)
            draft.keys.set(("problem", "today"), "table", table.name, needed=True)
            if named := {name: column for name, column in found.items() if name != column}:
                draft.keys.set(("problem", "today"), "columns", named, needed=True)
            return


def _columns_of_plan(table: SourceTable, served: frozenset[str], fleet: frozenset[str]) -> dict[str, str]:
    """Return the columns that say who serves whom as which stop; nothing where they do not say it of most clients."""
    columns = list(table.columns.values())
    client = next((c for c in columns if c.distinct > 1 and c.texts and c.texts <= served), None)
    # a vehicle is a type, or one of it by its number, as van 2
    named = [c for c in columns if c is not client and c.kind == "text" and c.texts]
    types = ((c, {t if t in fleet else t.rpartition(" ")[0] for t in c.texts}) for c in named)
    vehicle = next((c for c, names in types if names <= fleet), None)
    stop = next((c for c in columns if c.whole and STOP_ORDER & {*c.header.pieces}), None)
    if client is None or vehicle is None or stop is None:
        return {}
    found = {"vehicle": vehicle.name, "stop": stop.name, "client": client.name}
    numbers = [c.name for c in columns if c.whole and c.header.pieces == ("index",)]
    found |= {"index": numbers[0]} if numbers else {}
    rows = table.frame[table.frame[vehicle.name].notna()]
    route = [column for name, column in found.items() if name != "client"]
    whole = not rows[[client.name, stop.name]].isna().any(axis=None)
    once = not rows.duplicated(route).any() and not rows.duplicated(client.name).any()
    return found if whole and once and len(rows) >= _LEAST_SERVED * len(served) else {}


# scheduling


def _offer_needs(draft: Draft) -> None:
    """Offer to plan what tasks of several jobs share on several machines, such as an operator, as a resource."""
    tasks, modes = draft.roles.parts["tasks"], draft.roles.parts["modes"]
    column = next(_shared_by_tasks(tasks, modes), None)
    if column is None:
        return
    named = [c for t in draft.roles.every if (c := t.given.get(column.name)) and c is not column]
    lists = [c for c in named if c.kind == "text" and c.texts >= column.texts and not c.is_unique]
    # there are as many of each as a table of them has rows, or one
    rows = texts(lists[0].values).value_counts().to_dict() if lists else {}
    counts = {name: float(rows.get(name, 1)) for name in sorted(column.texts)}
    why, resources = f"the {column.name}", pd.DataFrame({"name": [*counts], "capacity": [*counts.values()]})
    needs = pd.DataFrame({"task": tasks.texts_of("name"), "resource": column.values})
    keys = {
        "problem.resources": {"table": draft.offer_table("resources", resources, {}, why)},
        "problem.needs": {"table": draft.offer_table("needs", needs.dropna(), {}, why)},
        f"tables.{tasks.table.name}": {"ignore": [column.name]},
    }
    told = join_list([f"{count:g} of {name!r}" for name, count in counts.items()], 3)
    draft.meanings["tasks", column.name] = "needs", f"what a task needs as well, there being {told}", keys


def _by_task(tasks: PartGuess, modes: PartGuess) -> pd.DataFrame:
    """Return the rows of tasks, each with the job and every machine that it may run on."""
    frame = tasks.table.frame
    own = frame.assign(**{_KEY: texts(frame[tasks["name"].name]), _JOB: frame[tasks["job"].name]})
    rows = modes.table.frame
    done = pd.DataFrame({_KEY: texts(rows[modes["task"].name]), _MACHINE: rows[modes["machine"].name]})
    return own.merge(done, on=_KEY)


def _shared_by_tasks(tasks: PartGuess, modes: PartGuess) -> Iterator[ColumnFacts]:
    """Yield the columns of texts that tasks of several jobs share on several machines, as they would share a tool.

    What the job says of all its tasks, or the machine of all that it does, only describes them.
    """
    rows = _by_task(tasks, modes)
    for column in tasks.left:
        if column.kind == "text" and not set(column.header.pieces) & _DESCRIBING:
            shared = rows.groupby(column.name)[[_JOB, _MACHINE]].nunique() > 1
            varies = all((rows.groupby(by)[column.name].nunique() > 1).any() for by in (_JOB, _MACHINE))
            if column.speaks_of(WORKERS) or (shared.all(axis="columns").any() and varies):
                yield column


def _ask_about_ways(draft: Draft) -> None:
    """Ask whether rows of one order on several machines are several ways to do it, or its steps."""
    tasks, modes = draft.roles.parts["tasks"], draft.roles.parts["modes"]
    if not any(name.endswith(f"_{WAYS}") for name in tasks.table.of):
        return
    frame = modes.table.frame.reset_index(drop=True)
    place = frame.groupby(modes["task"].name).cumcount() + 1
    names = texts(frame[modes["task"].name]) + " " + texts(place)
    key = tasks["name"].name
    beside = tasks.table.frame.assign(**{key: texts(tasks.table.frame[key])})
    rows = pd.DataFrame({key: texts(frame[modes["task"].name])}).merge(beside, on=key, how="left")
    why = "each row a step of its order, as they stand"
    units = draft.units_of(modes.table)
    steps = draft.offer_table("steps", rows.assign(**{key: names, "order": place}), {}, why)
    done = frame.assign(**{modes["task"].name: names})
    keys = {
        "problem.tasks": {"table": steps},
        "problem.modes": {"table": draft.offer_table("modes_of_steps", done, units, why)},
    }
    text = (
        f"Several rows of {modes.table.path.name} name the same order: is it done on one of these machines "
        "(one of them, eine davon, une seule, una de ellas), or on one after the other (one after the other, "
        "nacheinander, l'une après l'autre, una tras otra)? No column tells it."
    )
    draft.ask("modes.machine", text, {"one of them": {}, "one after the other": keys})


def _ask_about_setups(draft: Draft) -> None:
    """Ask on which machines setups hold that name none, where a job is of one family on several machines."""
    parts = draft.roles.parts
    setups, family = parts.get("setups"), draft.roles.column("tasks", "family")
    if setups is None or setups.column("machine") is not None or family is None:
        return
    jobs = _by_task(parts["tasks"], parts["modes"]).groupby(_JOB)
    machines = list(parts["modes"].texts_of("machine").unique())
    told_apart = (jobs[family.name].nunique() > 1).any() or not (jobs[_KEY].nunique() > 1).any()
    if told_apart or "machine" in setups.table.frame or len(machines) > _MOST_MACHINES:
        return
    why = f"{setups.table.called} for each machine"
    rows = setups.table.frame.merge(pd.DataFrame({"machine": machines}), how="cross")
    units = draft.units_of(setups.table)
    name = draft.offer_table("setups_by_machine", rows, units, why)
    rules = {machine: [f"machine != '{machine}'"] for machine in machines if "'" not in machine}
    of_one = {"problem.setups": {"table": name}}
    on_one = {one: {**of_one, f"tables.{name}": {"drop_where": rule}} for one, rule in rules.items()}
    text = (
        f"On which machines do the setups of {setups.table.called} pass (Rüsten, réglages, cambios)? It names "
        f"none, and {family.name!r} is the same for a job on all of them."
    )
    draft.ask("setups.machine", text, {"every machine": {}, **on_one})


def _add_prices(draft: Draft) -> None:
    """Add the price of power where energy is known, and a price of time where nothing else has one."""
    parts = draft.roles.parts
    energy = draft.roles.column("modes", "energy") is not None or ("problem", "energy") in draft.keys.tables
    if "power_price" in parts and energy:
        draft.add_part(parts["power_price"])
    elif "power_price" in parts:
        draft.notes.append("the price of power is not used: no table tells the energy of tasks")
    jobs = parts.get("jobs")
    priced = jobs is not None and any(jobs.declared(name).is_price for name in jobs.fields)
    if not priced and not ("power_price" in parts and energy):
        why = f"{draft.money} a minute until the last task ends"
        draft.keys.set(("problem",), "makespan_cost", 1.0, why, sure=False)
        draft.invented.append((f"makespan_cost is made up (1 {why})", "nothing else has a price"))


# supply


_MISSING = {"depots": _make_depot, "vehicles": _make_vehicles, "distances": _make_distances}
"""What is made of a part that no table holds; the others are left out."""
