from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kanopt as ko
import kanopt.explain
from kanopt.errors import ProblemError
from kanopt.explain import Explanation, explain
from kanopt.problems.findings import Extrapolation, FrozenInput, Reason, Status, Violation

ROWS = [
    ("fuel", "van 1", "depot → a", 10.0),
    ("fuel", "van 1", "a → depot", 2.5),
    ("fixed", "van 1", "", 40.0),
    ("fuel", "van 2", "depot → b", 7.5),
    ("fixed", "van 2", "", 40.0),
]
NAMES = st.sampled_from(["fuel", "fixed", "time", "tolls", "a → b", ""])
LINES = st.lists(st.tuples(NAMES, NAMES, NAMES, st.floats(-1e6, 1e6)), max_size=30)


def test_the_room_is_also_the_function(shop: Any) -> None:
    result = shop(ROWS)
    assert isinstance(ko.explain(result), Explanation)
    assert isinstance(kanopt.explain(result), Explanation)


def test_what_is_no_plan_is_told_what_explains_it(shop: Any) -> None:
    law = ko.formulas.parse_formula("2 * km", ["km"], "cost")
    with pytest.raises(
        ProblemError, match=r"explain is for plans, .* not for a Formula: formula\.facts\(\) tells"
    ):
        ko.explain(law)  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match=r"not for a SimpleNamespace; give its \.result"):
        ko.explain(SimpleNamespace(result=shop(ROWS)))  # type: ignore[arg-type]
    with pytest.raises(ProblemError, match=r"not for a str$"):
        ko.explain("plan")  # type: ignore[arg-type]


def test_terms_stand_largest_first_with_their_shares(shop: Any) -> None:
    terms = explain(shop(ROWS)).terms()
    assert terms["term"].tolist() == ["fixed", "fuel"]
    assert terms["amount"].tolist() == [80.0, 20.0]
    assert terms["share"].tolist() == [0.8, 0.2]


def test_terms_by_group_and_item_keep_the_order_of_the_plan(shop: Any) -> None:
    why = explain(shop(ROWS))
    groups = why.terms(by="group")
    assert groups.columns.tolist() == ["group", "term", "amount", "share"]
    assert groups[["group", "term", "amount"]].to_numpy().tolist() == [
        ["van 1", "fuel", 12.5],
        ["van 1", "fixed", 40.0],
        ["van 2", "fuel", 7.5],
        ["van 2", "fixed", 40.0],
    ]
    items = why.terms(by="item")
    assert items["item"].tolist() == ["depot → a", "a → depot", "", "depot → b", ""]


@given(rows=LINES, by=st.sampled_from(["term", "group", "item"]))
def test_terms_add_up_to_the_objective_at_every_level(shop: Any, rows: list[Any], by: Any) -> None:
    result = shop(rows)
    frame = explain(result).terms(by=by)
    scale = max(1.0, float(sum(abs(row[3]) for row in rows)))
    assert frame["amount"].sum() == pytest.approx(result.objective, abs=1e-9 * scale)
    assert not frame.duplicated([c for c in frame.columns if c not in ("amount", "share")]).any()
    if result.objective:
        assert np.allclose(frame["share"] * result.objective, frame["amount"])


def test_shares_of_a_free_plan_are_unknown(shop: Any) -> None:
    assert explain(shop([("fuel", "van", "", 0.0)])).terms()["share"].isna().all()


def test_without_a_plan_there_are_no_terms_but_reasons(shop: Any) -> None:
    cause = Reason(
        "client c1", "infeasible", "its demand of 9 t exceeds every van", "a van of 9 t", proved=True
    )
    why = explain(shop(None, about={"status": Status.INFEASIBLE}, causes=(cause,)))
    for by in ("term", "group", "item"):
        assert why.terms(by=by).empty
    assert why.terms().columns.tolist() == ["term", "amount", "share"]
    assert why.outside().empty
    assert why.reasons()["subject"].tolist() == ["client c1"]


def test_an_unknown_level_names_the_known_ones(shop: Any) -> None:
    with pytest.raises(ProblemError, match="no level 'groop' in a price; did you mean 'group'"):
        explain(shop(ROWS)).terms(by="groop")  # type: ignore[arg-type]


def test_reasons_are_filtered_by_kind_and_keep_their_columns(shop: Any) -> None:
    causes = tuple(Reason(f"thing {kind}", kind, "because") for kind in ("unserved", "late", "closed"))
    why = explain(shop(ROWS, causes=causes))
    assert len(why.reasons()) == 3
    assert why.unserved()["subject"].tolist() == ["thing unserved"]
    assert why.late()["subject"].tolist() == ["thing late"]
    assert why.closed()["subject"].tolist() == ["thing closed"]
    empty = explain(shop(ROWS)).late()
    assert empty.empty
    columns = [
        "subject",
        "kind",
        "message",
        "relaxation",
        "proved",
        "price",
        "bottleneck",
        "amount",
        "evidence",
    ]
    assert empty.columns.tolist() == columns
    assert why.reasons().columns.tolist() == columns


def test_reasons_tell_how_they_are_known_and_what_mending_costs(shop: Any) -> None:
    causes = (
        Reason("client a", "unserved", "too heavy", "", proved=True),
        Reason("client b", "unserved", "no room", "a van more", price=8.4, searched=True),
        Reason("client c", "unserved", "dearer than its prize"),
    )
    found = explain(shop(ROWS, causes=causes)).unserved()
    assert found["evidence"].tolist() == ["proved", "search found none", ""]
    assert found["price"].fillna(-1.0).tolist() == [-1.0, 8.4, -1.0]


def test_outside_frozen_and_violations_are_frames(shop: Any) -> None:
    result = shop(
        ROWS,
        extrapolated=(
            Extrapolation("time", "leg a → b", "distance_km", "distance_km 90 km; learned from 1 to 40"),
        ),
        frozen=(FrozenInput("cost", "load_t", "state.load", "0.5 t", "half the capacity"),),
        violations=(Violation("capacity", "van 1", 0.2, "t", "van 1 carries 0.2 t too much"),),
    )
    why = explain(result)
    assert why.outside()["inputs"].tolist() == ["distance_km"]
    assert why.frozen()["value"].tolist() == ["0.5 t"]
    assert why.violations()["amount"].tolist() == [0.2]
    assert explain(shop(ROWS)).frozen().columns.tolist() == ["law", "input", "reference", "value", "why"]


def test_frames_are_copies(shop: Any) -> None:
    why = explain(shop(ROWS))
    spoilt = why.terms()
    spoilt["amount"] = 0.0
    pd.testing.assert_frame_equal(why.terms(), explain(shop(ROWS)).terms())
