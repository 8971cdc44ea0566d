"""Categories that did not occur in training."""

import numpy as np
import pandas as pd
import pytest

from kanopt import DomainWarning, KANRegressor
from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Table
from kanopt.formulas.nodes import postorder
from tests.cases.own_rows import judged_by_own_rows


@pytest.fixture(scope="module")
def shipments():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"kg": rng.uniform(1, 50, 400)})
    frame["country"] = rng.choice(["Ghana", "Mali", "Togo"], 400, p=[0.6, 0.3, 0.1])
    rate = frame["country"].map({"Ghana": 2.0, "Mali": 5.0, "Togo": 11.0})
    return frame, (3 * frame["kg"] + rate + rng.normal(0, 0.1, 400)).rename("cost")


@pytest.fixture(scope="module")
def model(shipments):
    return KANRegressor((), log_target=False, loss="squared").fit(*shipments)


def test_unseen_categories_are_refused_unless_they_are_pooled(shipments, model):
    fresh = shipments[0].head(3).assign(country=["Guinea", "Mali", "Guinea"])
    with pytest.raises(FitError, match=r"'Guinea' .*unseen='pooled'"):
        model.predict(fresh)
    with pytest.raises(FitError, match="unseen='polled' is unknown; did you mean 'pooled'"):
        model.predict(fresh, unseen="polled")
    with pytest.raises(
        FitError, match=r"nothing is known about it(; known: .*| \(did you mean .*\?\))\. Pool rare values"
    ):
        model.predict_interval(fresh)
    with pytest.warns(DomainWarning, match=r"2 rows of 3 have a category of country .*first is row 0"):
        predicted = model.predict(fresh, unseen="pooled")
    # the mean rate over the rows: 0.6 · 2 + 0.3 · 5 + 0.1 · 11, of which a sample of 256 rows tells to 0.2
    expected = 3 * fresh["kg"] + [3.8, 5.0, 3.8]
    np.testing.assert_allclose(predicted, expected, atol=0.6)
    np.testing.assert_allclose(predicted[1], expected[1], atol=0.1)


@judged_by_own_rows
def test_the_formula_has_the_mean_as_a_stated_fallback(shipments, model):
    frame, cost = shipments
    held_out = frame.head(60).assign(
        country=lambda t: t["country"].where(t.index > 1, "Guinea"), cost=cost.head(60)
    )
    with pytest.warns(DomainWarning, match="2 rows of 60 have a category of country .*judge nothing"):
        law = model.to_formula(held_out, unseen="pooled")
    assert law.fit.rows_test == 58
    (table,) = [node for node in postorder(law.root) if isinstance(node, Table)]
    shares = frame["country"].value_counts(normalize=True)
    mean = sum(shares[key] * value for (key,), value in table.entries)
    assert table.fallback == pytest.approx(mean)
    assert "unseen categories" in law.provenance
    rows = pd.DataFrame({"kg": [10.0], "country": ["Guinea"]})
    assert law.evaluate(rows) == pytest.approx([33.8], abs=0.4)
    assert law.outside(rows).all()


@pytest.mark.slow
def test_a_law_by_class_refuses_what_did_not_occur_unless_it_is_pooled():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"lane": rng.choice([f"L{k}" for k in range(3)], 240), "kg": rng.uniform(1, 90, 240)}
    )
    least, rate = frame["lane"].map({f"L{k}": 20.0 + 8 * k for k in range(3)}), 0.5 + rng.uniform(0, 1, 3)
    cost = np.maximum(least, rate[frame["lane"].str[1:].astype(int)] * frame["kg"])
    frame["cost"] = cost * rng.lognormal(0, 0.01, 240)
    model = KANRegressor((), starts=2).fit(frame[["lane", "kg"]][:180], frame["cost"][:180])
    fresh = {"lane": "L9", "kg": 40.0}
    law = model.to_formula(frame[180:])
    assert "max(" in str(law)
    with pytest.raises(FormulaError, match="unseen category 'L9'"):
        law.evaluate(fresh)
    pooled = model.to_formula(frame[180:], unseen="pooled")
    known = [float(law.evaluate({**fresh, "lane": f"L{k}"})) for k in range(3)]
    assert min(known) < float(pooled.evaluate(fresh)) < max(known)
