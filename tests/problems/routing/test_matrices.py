"""Tables of distances and durations: square with names, or a row per pair."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.problems import Client, Depot, RoutingProblem, VehicleType
from kanopt.problems.routing.matrices import read_matrix
from kanopt.tables import with_units

NAMES = ["yard", "north", "7"]
KM = np.array([[0.0, 4.0, 6.0], [5.0, 0.0, 3.0], [6.5, 3.5, 0.0]])


def long_table(keep=lambda tail, head: tail != head, value="distance"):
    rows = [
        (tail, head, KM[a, b])
        for a, tail in enumerate(NAMES)
        for b, head in enumerate(NAMES)
        if keep(tail, head)
    ]
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
        (
            long_table(lambda tail, head: (tail, head) not in (("yard", "7"), ("7", "yard"))),
            "distance: no value for yard → 7, 7 → yard; write inf where there is no road",
        ),
        (
            long_table(lambda tail, head: NAMES.index(tail) < NAMES.index(head)),
            "distance: no value for north → yard, 7 → yard, 7 → north; each direction is a pair of its own",
        ),
        (
            long_table().replace({"north": "nort"}),
            "distance: no row from or to 'north'; did you mean 'nort'?",
        ),
        (
            pd.concat([long_table(), long_table().head(1)]),
            "north → yard appears more than once; keep one row per pair",
        ),
        (
            long_table(value="km").assign(miles=1.0),
            "distance: column 'distance' is missing; known: 'km', 'miles'",
        ),
        (
            long_table().drop(columns="distance"),
            "distance: a table of pairs has the columns from, to and distance",
        ),
        (
            square().rename(index={"north": "nort"}),
            "distance: no row and column for 'north'; did you mean 'nort'?",
        ),
        (
            long_table(value="km").rename(columns={"from": "origin", "to": "dest"}),
            "; for a table with a row per pair of places write "
            "distances.rename(columns={'origin': 'from', 'dest': 'to'})",
        ),
        (
            square().replace(3.0, np.nan),
            "distance: no value for north → 7; each direction is a pair of its own",
        ),
        (square().replace(3.0, -3.0), "distance: negative: north → 7"),
        (
            square().astype(object).replace(3.0, "three"),
            "distance: column '7', row 3: must be a number, not 'three'",
        ),
        (with_units(long_table(), {"distance": "h"}), "distance: column 'distance': cannot convert 'h'"),
    ],
    ids=range(12),
)
def test_what_is_missing_or_no_number_is_named(table, message):
    with pytest.raises(ProblemError) as caught:
        read_matrix(table, NAMES, "distance", "km")
    assert message in str(caught.value)


def test_a_problem_takes_tables_for_distances_and_durations_and_tells_what_it_does_not_read():
    hours = with_units(
        long_table(value="duration").assign(duration=lambda rows: rows["duration"] / 60), {"duration": "h"}
    )
    problem = RoutingProblem(
        [Depot("yard")],
        [Client("north"), Client("7")],
        [VehicleType("van", unit_distance_cost=1.0)],
        {},
        hours,
        long_table().assign(toll_class=2.0),
    )
    assert np.allclose(problem.data.distance, KM)
    assert np.allclose(problem.leg_laws.duration, KM)
    assert problem.price(problem.plan_from([["north", "7"]])).terms()["distance"] == 4.0 + 3.0 + 6.5
    assert [remark for remark in problem.remarks() if "toll_class" in remark] == [
        "distances: nothing reads 'toll_class' (kanopt has no such field yet: its values change nothing)"
    ]
