"""The run sheet of each driver: stops in order, with windows, times, loads and what to mind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.routing.entities import Client
from kanopt.problems.routing.simulate import Drive, slack
from kanopt.problems.work_orders import WorkOrder
from kanopt.text import amount_text, clock_text, count_text, join_list

if TYPE_CHECKING:
    from kanopt.problems.routing.data import RoutingData
    from kanopt.problems.routing.plan import RoutingPlan

_PLACE = ("stop", "place")
_COLUMNS = ("window", "arrive", "begin", "done", "unload", "pick up", "on board", "notes")
_NOTES = _COLUMNS[-1]
_MOST_GIVEN = 4
"""Columns of texts that a table of clients has; what further columns say is told in the notes."""


def run_sheets(data: RoutingData, plan: RoutingPlan, driven: Drive) -> tuple[WorkOrder, ...]:
    """Return a sheet for each vehicle that serves somebody, with whatever texts are given of clients.

    That are addresses, telephone numbers or remarks: columns of the table of clients that are no field.

    Parameters
    ----------
    data
        The problem's data.
    plan
        The plan.
    driven
        How it is driven on the laws.
    """
    given = _given(data)
    # a column of remarks goes where ours are
    shown = [name for name in given if name.lower() != _NOTES][:_MOST_GIVEN]
    own = (*_PLACE, *_COLUMNS)
    heads = (f"{name} (given)" if name.lower() in own else name for name in shown)
    columns = (*_PLACE, *heads, *_COLUMNS)
    noted = [name for name in given if name not in shown]

    def stop(number: int, leg: int) -> tuple[str, ...]:
        client = _client(data, driven, leg)
        name, *rest, notes = _stop(data, driven, leg, client)
        texts = (_text(client, name) for name in shown)
        told = filter(None, (*(_remark(client, name) for name in noted), notes))
        return (f"{number}", name, *texts, *rest, "; ".join(told))

    return tuple(
        WorkOrder(
            route.label,
            _facts(data, driven, place),
            columns,
            tuple(stop(number, leg) for number, leg in enumerate(_legs(driven, place), start=1)),
        )
        for place, route in enumerate(plan.routes)
        if route.clients
    )


def _given(data: RoutingData) -> list[str]:
    """Return the columns of the table of clients that are no field and hold texts, in their order."""
    return list(
        dict.fromkeys(name for client in data.clients for name in client.attributes if _text(client, name))
    )


def _text(client: Client | None, name: str) -> str:
    value = None if client is None else client.attributes.get(name)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _remark(client: Client | None, name: str) -> str:
    text = _text(client, name)
    return text if not text or name.lower() == _NOTES else f"{name}: {text}"


def _client(data: RoutingData, driven: Drive, leg: int) -> Client | None:
    head = int(driven.head[leg])
    return data.clients[head - len(data.depots)] if head >= len(data.depots) else None


def _legs(driven: Drive, place: int) -> list[int]:
    return np.flatnonzero(driven.route == place).tolist()


def _facts(data: RoutingData, driven: Drive, place: int) -> tuple[tuple[str, str], ...]:
    units, legs = data.units, _legs(driven, place)
    first = legs[0]
    served = len({int(driven.head[leg]) for leg in legs if driven.head[leg] >= len(data.depots)})
    length = float(data.lengths(driven.tail[legs], driven.head[legs]).sum())
    facts = [
        ("from", data.names[driven.tail[first]]),
        ("leave", clock_text(float(driven.departure[place]), units.time)),
        ("end", clock_text(float(driven.finish[place]), units.time)),
        ("clients", f"{served:,}"),
        ("load at departure", amount_text(float(driven.load[first]), units.load)),
    ]
    facts += [("distance", amount_text(length, units.distance))] if np.isfinite(length) else []
    breaks = int(driven.breaks_taken[legs].sum())
    return (*facts, *([("breaks", count_text(breaks, "break"))] if breaks else []))


def _stop(data: RoutingData, driven: Drive, leg: int, client: Client | None) -> tuple[str, ...]:
    """Return the place, and a cell for each of the columns after it."""
    time, load = data.units.time, data.units.load
    head = int(driven.head[leg])
    begin, stay = float(driven.begin[leg]), float(driven.stay[leg])
    return (
        data.names[head],
        "" if client is None else _windows(data, head - len(data.depots)),
        clock_text(float(driven.arrive[leg]), time),
        clock_text(begin, time) if client is not None else "",
        clock_text(begin + stay, time) if client is not None or _goes_on(driven, leg) or stay > 0 else "",
        amount_text(client.demand, load) if client is not None and client.demand else "",
        amount_text(client.pickup, load) if client is not None and client.pickup else "",
        amount_text(float(driven.load[leg]), load),
        "; ".join(_notes(data, driven, leg, client)),
    )


def _goes_on(driven: Drive, leg: int) -> bool:
    """Say whether the vehicle goes on after a leg, as after a depot where it is loaded again."""
    return leg + 1 < len(driven.route) and driven.route[leg + 1] == driven.route[leg]


def _windows(data: RoutingData, client: int) -> str:
    told = []
    for opens, closes in data.windows[client]:
        if opens > 0 or np.isfinite(closes):
            until = clock_text(closes, data.units.time) if np.isfinite(closes) else "…"
            told.append(f"{clock_text(opens, data.units.time)}–{until}")
    return ", ".join(told)


def _notes(data: RoutingData, driven: Drive, leg: int, client: Client | None) -> list[str]:
    time, late = data.units.time, float(driven.late[leg])
    taken = int(driven.breaks_taken[leg])
    wait = float(driven.begin[leg] - driven.arrive[leg])
    notes = [f"{count_text(taken, 'break')} on the way there"] if taken else []
    if client is None:
        if _goes_on(driven, leg):
            notes.append(f"go on with {amount_text(float(driven.load[leg + 1]), data.units.load)} on board")
        return notes
    if wait > 1e-9 and np.isfinite(wait):
        notes.append(f"wait {amount_text(wait, time, 3)}")
    if late > slack(data.latest[driven.head[leg]]):
        notes.append(f"{amount_text(late, time, 3)} late")
    notes += [f"load at {client.source}"] if client.source else []
    notes += [f"needs {join_list(client.needs)}"] if client.needs else []
    notes += [f"goods: {join_list(client.goods)}"] if client.goods else []
    return notes
