"""The run sheet of each driver: stops in order, with windows, times, loads and what to mind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.routing.entities import Client
from kanopt.problems.routing.simulate import Drive, slack
from kanopt.problems.work_orders import WorkOrder
from kanopt.text import amount_text, clock_text, count_text

if TYPE_CHECKING:
    from kanopt.problems.routing.data import RoutingData
    from kanopt.problems.routing.plan import RoutingPlan

__all__ = ["run_sheets"]

_COLUMNS = ("stop", "place", "window", "arrive", "begin", "done", "unload", "pick up", "on board", "notes")


def run_sheets(data: RoutingData, plan: RoutingPlan, driven: Drive) -> tuple[WorkOrder, ...]:
    """Return a sheet for each vehicle that serves somebody.

    Parameters
    ----------
    data
        The problem's data.
    plan
        The plan.
    driven
        How it is driven on the laws.
    """
    return tuple(
        WorkOrder(
            route.label,
            _facts(data, driven, place),
            _COLUMNS,
            tuple(_stop(data, driven, leg, stop) for stop, leg in enumerate(_legs(driven, place), start=1)),
        )
        for place, route in enumerate(plan.routes)
        if route.clients
    )


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


def _stop(data: RoutingData, driven: Drive, leg: int, stop: int) -> tuple[str, ...]:
    time, load = data.units.time, data.units.load
    head = int(driven.head[leg])
    at_client = head >= len(data.depots)
    client = data.clients[head - len(data.depots)] if at_client else None
    begin, stay = float(driven.begin[leg]), float(driven.stay[leg])
    return (
        f"{stop}",
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
    notes += [f"needs {client.needs}"] if client.needs else []
    notes += [f"goods: {client.goods}"] if client.goods else []
    return notes
