from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import ProblemError
from kanopt.explain import difference
from kanopt.problems.findings import Status

NAMES = st.sampled_from(["fuel", "fixed", "time", ""])
LINES = st.lists(st.tuples(NAMES, NAMES, NAMES, st.floats(-1e5, 1e5)), max_size=15)


def test_a_term_that_only_one_plan_has_counts_as_zero_in_the_other(shop: Any) -> None:
    before = shop([("fuel", "van 1", "", 10.0), ("tolls", "van 1", "", 4.0)])
    after = shop([("fuel", "van 1", "", 11.5), ("fixed", "van 2", "", 40.0)])
    frame = difference(before, after)
    assert frame.to_numpy().tolist() == [
        ["fixed", 0.0, 40.0, 40.0],
        ["tolls", 4.0, 0.0, -4.0],
        ["fuel", 10.0, 11.5, 1.5],
    ]
    groups = difference(before, after, by="group")
    assert groups.columns.tolist() == ["group", "term", "before", "after", "change"]
    assert groups.loc[0, "group"] == "van 2"


@pytest.mark.slow
@given(old=LINES, new=LINES, by=st.sampled_from(["term", "group", "item"]))
def test_changes_add_up_to_the_change_of_the_objective(shop: Any, old: Any, new: Any, by: Any) -> None:
    before, after = shop(old), shop(new)
    frame = difference(before, after, by)
    assert frame["change"].sum() == pytest.approx(after.objective - before.objective, abs=1e-6)
    assert frame["before"].sum() == pytest.approx(before.objective, abs=1e-6)


def test_prices_that_do_not_compare_are_refused(shop: Any) -> None:
    rows = [("fuel", "van 1", "", 10.0)]
    with pytest.raises(ProblemError, match="'after' has no plan \\(no plan\\)"):
        difference(shop(rows), shop(None, about={"status": Status.NO_PLAN}))
    with pytest.raises(ProblemError, match="EUR and USD"):
        difference(shop(rows), shop(rows, currency="USD"))
