"""Half a character (a lone surrogate) in a name is refused where the name is read, with its place.

No file can hold it, so that a plan, a report or a saved law would fail when it is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import RoutingProblem, SchedulingProblem
from kanopt.decisions import Decision
from kanopt.errors import (
    FitError,
    FormulaError,
    KanoptError,
    ProblemError,
    TableError,
)
from kanopt.formulas import Table, Variable, parse_formula
from kanopt.routing import Client, Depot, RoutingPolicy, VehicleType
from kanopt.scheduling import Job, Machine, Mode, Task
from kanopt.supply import Market
from tests.cases.supply import small

HALF = "a\ud800b"
ROADS = np.ones((2, 2)) - np.eye(2)


def routes(client: Any = (), **changes: Any) -> RoutingProblem:
    fields = {"cost": {"km": ROADS}, "duration": ROADS, "clients": [Client("c", **dict(client))], **changes}
    return RoutingProblem(depots=[Depot("d")], vehicles=[VehicleType("van", 1)], **fields)


def shop(**changes: Any) -> SchedulingProblem:
    fields = {"tasks": [Task("t", "j")], "modes": [Mode("t", "saw", duration=1.0)], **changes}
    return SchedulingProblem(jobs=[Job("j")], machines=[Machine("saw")], **fields)


def column(*cells: Any, name: str = "zone") -> pd.DataFrame:
    """Return a frame of plain objects: pandas' own texts are whole."""
    return pd.DataFrame([[cell] for cell in cells], columns=pd.Index([name], dtype=object), dtype=object)


PLACES: dict[str, tuple[type[KanoptError], Callable[[], Any]]] = {
    "clients: name of": (ProblemError, lambda: routes(clients=[Client(HALF)])),
    "clients 'c': attribute 'zone'": (ProblemError, lambda: routes({"attributes": {"zone": HALF}})),
    "cost: the name": (ProblemError, lambda: routes(cost={HALF: ROADS})),
    "policy": (ProblemError, lambda: routes(policy=RoutingPolicy(apart=((HALF, "b"),)))),
    "tasks: family of 't'": (ProblemError, lambda: shop(tasks=[Task("t", "j", family=HALF)])),
    "markets: name of": (ProblemError, lambda: small(markets=[Market(HALF), Market("Nice")])),
    "decision .*: name": (ProblemError, lambda: Decision(HALF, 0.0, 1.0)),
    "variable": (FormulaError, lambda: Variable(HALF)),
    "table 'rate', a category": (FormulaError, lambda: Table.of({HALF: 1.0}, "kind", name="rate")),
    "column 2: unknown name": (FormulaError, lambda: parse_formula(f"`{HALF}`", [Variable("x")], Variable("y"))),
    "a frame in memory: column 'zone', row 2": (TableError, lambda: ko.read_table(column("a", HALF))),
    "column 'zone', row 3": (FitError, lambda: ko.KANRegressor().fit(column("a", "b", HALF), [1.0, 2.0, 3.0])),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_the_place_is_named(place: str) -> None:
    kind, read = PLACES[place]
    with pytest.raises(kind, match=place) as refused:
        read()
    # the message itself can be printed
    assert str(refused.value).encode(errors="backslashreplace").decode()
    assert "lone surrogate" in str(refused.value) or kind is FormulaError
