"""Half a character (a lone surrogate) in a name is refused where the name is read, with its place.

No file can hold it, so that a plan, a report or a saved law would fail when it is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.errors import (
    FileFormatError,
    FitError,
    FormulaError,
    KanoptError,
    ProblemError,
    ScenarioError,
    TableError,
)
from kanopt.formulas import Constant, Formula, Table, Variable, parse_formula
from kanopt.problems import (
    Client,
    Decision,
    Depot,
    Job,
    Lane,
    Machine,
    Market,
    Mode,
    RoutingPolicy,
    RoutingProblem,
    SchedulingProblem,
    Setup,
    Task,
    VehicleType,
)
from kanopt.problems.decisions import at_least
from tests.cases.supply import small

HALF = "a\ud800b"
ROADS = np.ones((2, 2)) - np.eye(2)


def routes(client: Any = (), **changes: Any) -> RoutingProblem:
    fields = {"cost": {"km": ROADS}, "duration": ROADS, "clients": [Client("c", **dict(client))], **changes}
    return RoutingProblem(depots=[Depot("d")], vehicles=[VehicleType("van", 1)], **fields)


def shop(**changes: Any) -> SchedulingProblem:
    fields = {"tasks": [Task("t", "j")], "modes": [Mode("t", "saw", duration=1.0)], **changes}
    return SchedulingProblem(jobs=[Job("j")], machines=[Machine("saw")], **fields)


def law(**changes: Any) -> Formula:
    fields = {
        "root": Table.of({"van": 1.0}, "kind"),
        "inputs": (Variable("kind", kind="category"),),
        **changes,
    }
    return Formula(output=Variable("y"), **fields)


def column(*cells: Any, name: str = "zone") -> pd.DataFrame:
    """Return a frame of plain objects: pandas' own texts are whole."""
    return pd.DataFrame([[cell] for cell in cells], columns=pd.Index([name], dtype=object), dtype=object)


PLACES: dict[str, tuple[type[KanoptError], Callable[[], Any]]] = {
    "clients: name of": (ProblemError, lambda: routes(clients=[Client(HALF)])),
    "clients: goods of 'c'": (ProblemError, lambda: routes({"goods": HALF})),
    "clients 'c': attribute 'zone'": (ProblemError, lambda: routes({"attributes": {"zone": HALF}})),
    "clients 'c': attribute .*, 1": (ProblemError, lambda: routes({"attributes": {HALF: 1.0}})),
    "clients '.*': attribute 'zone'": (
        ProblemError,
        lambda: routes(clients=pd.concat([column("c", name="name"), column(HALF)], axis=1)),
    ),
    "cost: the name": (ProblemError, lambda: routes(cost={HALF: ROADS})),
    "policy": (ProblemError, lambda: routes(policy=RoutingPolicy(apart=((HALF, "b"),)))),
    "modes: name of": (ProblemError, lambda: shop(modes=[Mode("t", "saw", HALF, duration=1.0)])),
    "tasks: family of 't'": (ProblemError, lambda: shop(tasks=[Task("t", "j", family=HALF)])),
    "setups: before of": (ProblemError, lambda: shop(setups=[Setup(HALF, "b", 1.0)])),
    "markets: name of": (ProblemError, lambda: small(markets=[Market(HALF), Market("Nice")])),
    "lanes: mode of": (ProblemError, lambda: small(lanes=[Lane("mill", "north", HALF, distance=1.0)])),
    "decision .*: name": (ProblemError, lambda: Decision(HALF, 0.0, 1.0)),
    "constraint .*: name": (ProblemError, lambda: at_least({"x": 1.0}, 1.0, name=HALF)),
    "variable": (FormulaError, lambda: Variable(HALF)),
    "variable 'kind', a category": (FormulaError, lambda: Variable("kind", kind="category", categories=(HALF,))),
    "table 'rate', a category": (FormulaError, lambda: Table.of({HALF: 1.0}, "kind", name="rate")),
    "constant, its name": (FormulaError, lambda: Constant(1.0, HALF)),
    "formula for 'y', per": (FormulaError, lambda: law(per=HALF)),
    "column 2: unknown name": (FormulaError, lambda: parse_formula(f"`{HALF}`", [Variable("x")], Variable("y"))),
    "nodes.0.: table 'table', a category": (
        FileFormatError,
        lambda: Formula.from_json(law().to_json().replace('"van"', json.dumps(HALF))),
    ),
    "a frame in memory: column 'zone', row 2": (TableError, lambda: ko.read_table(column("a", HALF))),
    "a frame in memory: column .*: its name": (TableError, lambda: ko.read_table(column("a", name=HALF))),
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


def test_scenarios_are_not_changed_or_called_so() -> None:
    scenario = ko.load_scenario(Path(__file__).parents[1] / "scenarios" / "workshop.toml")
    for change in (
        lambda: scenario.set("jobs.name", HALF),
        lambda: scenario.add("machines", row={"name": HALF}),
        lambda: scenario.named(HALF),
        lambda: scenario.scale(HALF, 2.0),
    ):
        with pytest.raises(ScenarioError, match=r"lone surrogate|unknown table") as refused:
            change()
        assert str(refused.value).isprintable()
    with pytest.raises((ScenarioError, FileFormatError), match="half a character"):
        ko.load_scenario(f"{HALF}.toml")
