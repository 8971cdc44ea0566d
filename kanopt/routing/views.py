"""Views of a routing plan: the timetable as a frame and as a Gantt chart, and maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from kanopt.plans.base import Assessment
from kanopt.plans.findings import GanttView, MapView, View
from kanopt.routing.arrays import RoutingData
from kanopt.routing.entities import Client
from kanopt.routing.model import RoutingModel
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.rules import PAUSES
from kanopt.routing.rules.rule import Drive, slack
from kanopt.routing.simulate.drive import breaks_on_leg
from kanopt.text import amount_text, clock_text

_TIMETABLE = (
    "vehicle", "stop", "place", "leave", "arrive", "begin", "end", "late", "breaks", "load", "distance",
)  # fmt: skip
_TIMES = ["arrive", "begin", "end", "late"]
_OPENING = 1e-9


@dataclass(frozen=True)
class PauseTaken:
    """A break, or a pause that a rule asks for.

    Parameters
    ----------
    begin, end
        Clock times.
    word
        What it is called, as ``"break"``.
    """

    begin: float
    end: float
    word: str


class PlanViews(Assessment[RoutingPlan, Drive]):
    """What there is to see in a plan that was driven on the law, all of it read off one table of legs."""

    problem: RoutingModel

    @property
    def data(self) -> RoutingData:
        """The problem's data."""
        return self.problem.data

    @cached_property
    def legs(self) -> pd.DataFrame:
        """One row per leg, with what :meth:`timetable` says and more.

        Columns besides: ``route`` and ``head``, positions of the plan and of the data, ``way`` (such as ``"a → b"``),
        ``client`` (None at depots), ``drive`` (how long), and ``last`` (whether the route ends with the leg).
        """
        data, driven = self.data, self.simulation
        labels = np.array([route.label for route in self.plan.routes], dtype=object)
        names = np.array(data.names, dtype=object)
        lengths = [
            sum(each.end - each.begin for each in self._pauses.get(leg, ()))
            for leg in range(len(driven.route))
        ]
        late = driven.late > slack(data.latest[driven.head])
        clients = np.array([*[None] * len(data.depots), *data.clients], dtype=object)
        return pd.DataFrame(
            {
                "route": driven.route,
                "head": driven.head,
                "vehicle": labels[driven.route],
                "stop": pd.Series(driven.route).groupby(driven.route).cumcount().to_numpy() + 1,
                "way": names[driven.tail] + " → " + names[driven.head],
                "place": names[driven.head],
                "client": clients[driven.head],
                "leave": driven.leave,
                "drive": driven.duration,
                "arrive": driven.arrive,
                "begin": driven.begin,
                "end": driven.begin + driven.stay,
                "late": np.where(late, driven.late, 0.0),
                "breaks": np.array(lengths, dtype=float),
                "load": driven.load,
                "distance": data.lengths(driven.tail, driven.head),
                "last": ~pd.Series(driven.route).duplicated(keep="last").to_numpy(),
            }
        )

    @cached_property
    def _pauses(self) -> dict[int, list[PauseTaken]]:
        """The breaks and the pauses that rules ask for, in order, on each leg that has any."""
        data, driven = self.data, self.simulation
        found: dict[int, list[PauseTaken]] = {}
        had = driven.breaks_before.copy()
        for leg in np.flatnonzero(driven.breaks_taken).tolist():
            place, count = int(driven.route[leg]), int(driven.breaks_taken[leg])
            drive = float(driven.leave[leg]), float(driven.duration[leg])
            times = breaks_on_leg(data.breaks[int(driven.vehicle[leg])], int(had[place]), count, *drive)
            found[leg] = [PauseTaken(begin, end, "break") for begin, end in times]
            had[place] += count
        rules = [rule for rule in PAUSES if rule.stated(data)]
        at_wheel = pd.Series(driven.duration).groupby(driven.route).cumsum()
        before = at_wheel.groupby(driven.route).shift(fill_value=0.0).to_numpy()
        # nobody pauses on the way to where no road leads
        for leg in np.flatnonzero(np.isfinite(driven.arrive)).tolist() if rules else ():
            kind, driving, clock = int(driven.vehicle[leg]), float(before[leg]), float(driven.leave[leg])
            due = [
                (max(at - driving, 0.0), length, rule.word)
                for rule in rules
                for at, length in rule.taken(data, kind, driving, float(at_wheel[leg]))
            ]
            for after, length, word in sorted(due):
                begin = clock + after
                found.setdefault(leg, []).append(PauseTaken(begin, begin + length, word))
                clock += length
        return found

    def timetable(self) -> pd.DataFrame:
        """Return one row per leg.

        Returns
        -------
        DataFrame
            Columns ``vehicle`` (such as ``"van 1"``), ``stop`` (counted from 1 on each route), ``place``, ``leave`` (of
            the place before), ``arrive``, ``begin`` and ``end`` of the service there, ``late`` and ``breaks`` (how long
            the driver has breaks and rests on the way), ``load`` (on the way there), ``distance``. Times are clock
            times in the problem's unit.
        """
        return self.legs[list(_TIMETABLE)]

    def table(self) -> pd.DataFrame:
        """Return the stops of the plan with the times of the timetable; a client left out has none."""
        rows, leg = [], 0
        for route in self.plan.routes:
            for stop, (before, place) in enumerate(pairwise(self.data.way_of(route))):
                # a client named twice in a row, as in a plan made by hand, makes no leg
                leg += place != before
                if stop < len(route.clients):
                    rows.append(leg - 1)
        stops = self.plan.to_frame()
        times = self.legs[_TIMES].iloc[rows].reset_index(drop=True).reindex(range(len(stops)))
        return pd.concat([stops, times], axis=1)

    def views(self) -> tuple[View, ...]:
        """Return the map, where there are coordinates, and the timetable."""
        where = self._positions()
        return (self._gantt(),) if where is None else (self._map(where), self._gantt())

    # ---- maps

    def _positions(self) -> pd.DataFrame | None:
        """Return x and y of depots and clients, from the road network where there is one."""
        problem, names = self.problem, list(self.data.names)
        if problem.network is not None and problem.network.positions is not None:
            return problem.network.positions.loc[list(problem.network_nodes)].set_axis(names)
        frame = pd.DataFrame(problem.positions.on_map, columns=["x", "y"], index=names)
        return frame if np.isfinite(frame.to_numpy()).all() else None

    def _points(self) -> pd.DataFrame:
        """Return depots and clients: ``name``, ``role``, ``label``, ``group`` (the vehicle) and ``stop``."""
        depots, unserved = [depot.name for depot in self.problem.depots], set(self.plan.unserved)
        served = self.legs[self.legs["client"].notna()].set_index("place")[["begin", "late"]]
        times = served.groupby(level=0).last().T.to_dict("list")
        rows = [(name, "depot", name) for name in depots]
        for client in self.problem.clients:
            role = "unserved" if client.name in unserved else "client"
            rows.append((client.name, role, self._label(client, times.get(client.name))))
        points = pd.DataFrame(rows, columns=["name", "role", "label"])
        stops = {
            name: (route.label, stop)
            for route in self.plan.routes
            for stop, name in enumerate(route.clients, start=1)
            if name not in depots  # where vehicles load again
        }
        points["group"], points["stop"] = zip(
            *(stops.get(name, ("", 0)) for name in points["name"]), strict=True
        )
        return points

    def _map(self, where: pd.DataFrame) -> MapView:
        points = self._points()
        points[["x", "y"]] = where.loc[points["name"]].to_numpy()
        network, background = self.problem.network, None
        if network is not None and network.positions is not None:
            ends = [network.positions.loc[names].to_numpy() for names in (network.tails, network.heads)]
            background = pd.DataFrame(np.hstack(ends), columns=["x0", "y0", "x1", "y1"])
        paths = list(self._paths(where))
        columns = ["group", "x", "y"]
        return MapView(
            title="Routes",
            points=points[["name", "x", "y", "role", "label", "group", "stop"]],
            paths=pd.concat(paths, ignore_index=True)[columns] if paths else pd.DataFrame(columns=columns),
            background=background,
            unit=self.problem.units.distance if background is None else "",
        )

    def _label(self, client: Client, times: list[float] | None) -> str:
        units = self.problem.units
        parts = [client.name, amount_text(client.demand, units.load)]
        parts += ["on no route"] if times is None else []
        parts += [f"pickup {amount_text(client.pickup, units.load)}"] if client.pickup else []
        parts += [f"window {window}" for window in self._windows(client)]
        begin, late = times or (np.nan, 0.0)
        parts += [f"served {clock_text(begin, units.time)}"] if np.isfinite(begin) else []
        parts += [f"{amount_text(late, units.time)} late"] if late else []
        return ", ".join(parts)

    def _windows(self, client: Client) -> Iterator[str]:
        unit = self.problem.units.time
        for opens, closes in self.data.windows[self.data.index[client.name] - len(self.data.depots)]:
            if opens > 0 or np.isfinite(closes):
                until = clock_text(closes, unit) if np.isfinite(closes) else "…"
                yield f"{clock_text(opens, unit)}–{until}"

    def _paths(self, where: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """Yield the places that routes pass, along roads where there are any."""
        network, nodes = self.problem.network, self.problem.network_nodes
        if network is None or network.positions is None:
            for route in self.plan.routes:
                yield where.loc[list(self.data.way_of(route))].assign(group=route.label)
            return
        pairs = [
            (nodes[tail], nodes[head])
            for tail, head in zip(self.simulation.tail, self.simulation.head, strict=True)
        ]
        for label, path in zip(self.legs["vehicle"], network.paths(pairs), strict=True):
            if path is not None:
                yield network.positions.loc[list(path.nodes)].assign(group=label)

    # ---- the timetable as bars

    def _gantt(self) -> GanttView:
        """Return bars for driving, waiting, service, late service, reloads, breaks and rests of every vehicle."""
        bars = pd.DataFrame(self._bars(), columns=["row", "start", "end", "label", "kind"])
        bars = bars[np.isfinite(bars["end"].astype(float)) & (bars["end"] > bars["start"] + _OPENING)]
        order = {route.label: place for place, route in reversed(list(enumerate(self.plan.routes)))}
        bars = bars.assign(order=bars["row"].map(order)).sort_values(["order", "start"], kind="stable")
        bars = bars.drop(columns="order").reset_index(drop=True)
        return GanttView("Timetable", bars, self.problem.units.time, clock=True)

    def _bars(self) -> list[tuple[Any, ...]]:
        ways: list[tuple[Any, ...]] = []
        waits, services = [], []
        for leg in _rows(self.legs):
            clock, remaining = leg.leave, leg.drive
            for pause in self._pauses.get(leg.Index, ()):
                driving = min(pause.begin - clock, remaining)
                ways.append((leg.vehicle, clock, clock + driving, leg.way, "drive"))
                ways.append((leg.vehicle, clock + driving, pause.begin, leg.place, "wait"))
                ways.append((leg.vehicle, pause.begin, pause.end, pause.word, "break"))
                clock, remaining = pause.end, remaining - driving
            ways.append((leg.vehicle, clock, clock + remaining, leg.way, "drive"))
            waits.append((leg.vehicle, leg.arrive, leg.begin, leg.place, "wait"))
            late = f", {amount_text(leg.late, self.problem.units.time)} late" if leg.late else ""
            kind = "late" if late else "reload" if leg.client is None else "service"
            services.append((leg.vehicle, leg.begin, leg.end, leg.place + late, kind))
        return [*ways, *waits, *services]


def _rows(legs: pd.DataFrame) -> Iterator[Any]:
    """Yield legs, each with its columns as attributes."""
    yield from legs.itertuples()
