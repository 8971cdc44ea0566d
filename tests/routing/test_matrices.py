"""Tables of distances and durations: square with names, or a row per pair."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from kanopt import RoutingProblem
from kanopt.errors import ProblemError
from kanopt.routing import Client, Depot, VehicleType
from kanopt.routing.matrices import read_matrix
from kanopt.tables import with_units

NAMES = ["yard", "north", "7"]
KM = np.array([[0.0, 4.0, 6.0], [5.0, 0.0, 3.0], [6.5, 3.5, 0.0]])


def long_table(keep=lambda tail, head: tail != head, value="distance"):
    pairs = product(enumerate(NAMES), repeat=2)
    rows = [(tail, head, KM[a, b]) for (a, tail), (b, head) in pairs if keep(tail, head)]
    return pd.DataFrame(rows, columns=["from", "to", value]).sample(frac=1.0, random_state=1)


def square(order=(2, 0, 1)):
    names = [NAMES[place] for place in order]
    return pd.DataFrame(KM[np.ix_(order, order)], columns=names, index=names)


@pytest.mark.parametrize(
    "table",
    [
        KM,
        square(),
        square().reset_index(names="name"),
        square().reset_index(names="Unnamed: 0"),
        square().rename(index={"7": 7}, columns={"7": 7}),
        long_table(),
        long_table(value="km"),
        long_table(value="distance").assign(toll=1.0),
        long_table().assign(**{"from": lambda rows: rows["from"].replace({"7": 7.0})}),
        pd.concat([long_table(), pd.DataFrame({"from": ["far"], "to": ["yard"], "distance": [99.0]})]),
        with_units(long_table().assign(distance=lambda rows: 1000 * rows["distance"]), {"distance": "m"}),
        with_units(square() * 1000, dict.fromkeys(NAMES, "m")),
    ],
    ids=range(12),
)
def test_every_form_is_the_same_matrix(table):
    assert np.allclose(read_matrix(table, NAMES, "distance", "km"), KM)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (long_table(lambda tail, head: {tail, head} not in ({"yard", "7"}, {tail})), "yard → 7, 7 → yard"),
        (long_table(lambda a, b: NAMES.index(a) < NAMES.index(b)), "north → yard, .*each direction"),
        (long_table().replace({"north": "nort"}), "'north'; did you mean 'nort'"),
        (pd.concat([long_table(), long_table().head(1)]), "north → yard appears more than once"),
        (long_table(value="km").assign(miles=1.0), "column 'distance' is missing; known: 'km', 'miles'"),
        (long_table().drop(columns="distance"), "the columns from, to and distance"),
        (square().rename(index={"north": "nort"}), "'north'; did you mean 'nort'"),
        (
            long_table(value="km").rename(columns={"from": "origin", "to": "dest"}),
            r"distances\.rename\(columns=\{'origin': 'from', 'dest': 'to'\}\)",
        ),
        (square().replace(3.0, np.nan), "no value for north → 7"),
        (square().replace(3.0, -3.0), "negative: north → 7"),
        (square().astype(object).replace(3.0, "three"), "column '7', row 3: .*'three'"),
        (with_units(long_table(), {"distance": "h"}), "column 'distance': cannot convert 'h'"),
    ],
    ids=range(12),
)
def test_what_is_missing_or_no_number_is_named(table, message):
    with pytest.raises(ProblemError, match=message):
        read_matrix(table, NAMES, "distance", "km")


def test_a_problem_takes_tables_for_distances_and_durations_and_tells_what_it_does_not_read():
    rows = long_table(value="duration")
    hours = with_units(rows.assign(duration=rows["duration"] / 60), {"duration": "h"})
    clients, van = [Client("north"), Client("7")], VehicleType("van", unit_distance_cost=1.0)
    problem = RoutingProblem([Depot("yard")], clients, [van], {}, hours, long_table().assign(toll_class=2.0))
    assert np.allclose(problem.data.distance, KM)
    assert np.allclose(problem.leg_laws.duration, KM)
    assert problem.price(problem.plan_from([["north", "7"]])).terms()["distance"] == 4.0 + 3.0 + 6.5
    assert any("nothing reads 'toll_class'" in remark for remark in problem.remarks())
