"""What the inputs of a law can be bound to in a problem.

Every scope takes the names of its fields as attributes, and any other name in brackets.

Examples
--------
>>> from kanopt import refs
>>> refs.arc.distance
Reference(scope='arc', field='distance')
>>> str(refs.decision.speed), str(refs.decision["speed of van 1"])
('decision.speed', 'decision.speed of van 1')
"""

from __future__ import annotations

from kanopt.formulas.variables import Reference as Reference
from kanopt.formulas.variables import Scope

arc = Scope("arc")
"""Routing, one leg: ``arc.distance``, ``arc.duration``; where it begins and ends, ``arc.from_lat``, ``arc.to_zone``.

``arc.from_…`` and ``arc.to_…`` read the name, ``x``, ``y``, ``lat``, ``lon`` or any attribute of the place at that end.
Of the way as the crow flies they know ``arc.straight_distance``, and its direction, ``arc.eastward`` and
``arc.northward``, from -1 to 1.
"""

client = Scope("client")
"""Routing, the client that a leg leads to, on the way back the depot: ``client.demand``, any attribute."""

clock = Scope("clock")
"""Routing, the time of day at the start of a leg, or of a service: ``clock.hour``, ``clock.minute``.

``clock.late`` is lateness at the end of a leg.
"""

day = Scope("day")
"""The day of the plan, as the problem states it: ``day.weekday`` (Monday is 1), ``day.month``, ``day.day_of_year``.

``day.day``, ``day.week``, ``day.quarter`` and ``day.year`` too. Each is what the function of that name gives for a
column of dates, so that ``weekday(pickup)`` of a history and ``day.weekday`` of a plan are the same.
"""

decision = Scope("decision")
"""A number that a decision problem chooses, by its name; of those that every item has, the one of the item."""

item = Scope("item")
"""An item of a decision problem that a law is counted for: ``item.name``, any attribute."""

job = Scope("job")
"""Scheduling, the job of a task: its fields and attributes."""

lane = Scope("lane")
"""Supply, one lane: ``lane.distance``, any attribute."""

link = Scope("link")
"""A road network, one link: its columns, such as ``link.capacity``."""

machine = Scope("machine")
"""Scheduling, the machine that a task runs on."""

market = Scope("market")
"""Supply, the market whose demand is asked for."""

mode = Scope("mode")
"""Scheduling, the mode in which a task runs."""

period = Scope("period")
"""Supply, the period of a flow or a demand: its fields, and ``period.index`` from 1."""

product = Scope("product")
"""Supply, what flows or is asked for."""

state = Scope("state")
"""What only a plan fixes: ``state.load`` on board in routing; ``state.quantity``, ``state.weight`` on a lane."""

task = Scope("task")
"""Scheduling, the task itself: its fields and attributes."""

vehicle = Scope("vehicle")
"""Routing, the vehicle type that drives: ``vehicle.capacity``, any attribute."""

__all__ = ["Reference", *(name for name, each in list(globals().items()) if isinstance(each, Scope))]
