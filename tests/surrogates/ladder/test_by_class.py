"""Laws whose constants differ by class: minimum and rate by lane, lanes of few rows or none, brackets."""

import numpy as np
import pytest

from kanopt.formulas import Formula, Variable
from kanopt.formulas.estimation.class_moves import _roundest
from kanopt.formulas.estimation.class_search import class_law, written, written_of_class
from kanopt.surrogates.ladder.rungs import with_errors


def tariff(seed, rows=600, lanes=6, noise=0.02):
    """Return lanes and kg, prices with noise, and without."""
    rng = np.random.default_rng(seed)
    lane = np.concatenate([np.zeros(3, dtype=int), rng.integers(1, lanes, rows - 3)])
    kg = np.round(60.0 * np.exp(1.2 * rng.standard_normal(rows)), 1) + 0.5
    least, rate = (
        40.0 * np.exp(0.3 * rng.standard_normal(lanes)),
        0.6 * np.exp(0.5 * rng.standard_normal(lanes)),
    )
    price = np.maximum(least[lane], rate[lane] * kg)
    labels = np.array([f"L{number}" for number in lane], dtype=object)
    return {"lane": labels, "kg": kg}, price * np.exp(noise * rng.standard_normal(rows)), price


def as_formula(law, columns):
    root, covariance = written(law)
    inputs = [Variable(n, kind="category") if v.dtype == object else Variable(n) for n, v in columns.items()]
    return with_errors(Formula(root, tuple(inputs), Variable("price")), covariance)


@pytest.fixture(scope="module")
def found():
    columns, noted, price = tariff(0)
    law = class_law(columns, noted, np.ones(len(noted)))
    assert law is not None
    return columns, price, law


def test_minimum_and_rate_by_lane_are_found(found):
    columns, price, law = found
    formula = as_formula(law, columns)
    assert str(formula) == "max(by1(lane), by2(lane) · kg)"
    told = formula.evaluate(columns)
    assert np.abs(told / price - 1.0).mean() < 0.01
    for lane in ("L1", "L2", "L3", "L4", "L5"):
        own = columns["lane"] == lane
        assert told[own].sum() == pytest.approx(price[own].sum(), rel=0.01)
    # numbers of tables have errors, and the law is one like any other
    assert formula.covariance.standard_errors["by2[L1]"] < 0.01
    assert Formula.from_json(formula.to_json()) == formula


def test_a_lane_of_three_rows_and_one_that_was_never_seen_are_drawn_to_the_others(found):
    columns, _, law = found
    formula = as_formula(law, columns)
    kg = np.array([1.0, 5000.0])
    known = np.array([formula.evaluate({"lane": f"L{number}", "kg": kg}) for number in range(6)])
    new = formula.evaluate({"lane": "L9", "kg": kg})
    assert ((known.min(axis=0) < new) & (new < known.max(axis=0))).all()


def test_the_law_of_one_class_reads_it_no_longer(found):
    columns, _, law = found
    root, covariance = written_of_class(law, "lane", "L2")
    alone = with_errors(Formula(root, (Variable("kg"),), Variable("price")), covariance)
    kg = np.array([2.0, 900.0])
    expected = as_formula(law, columns).evaluate({"lane": "L2", "kg": kg})
    assert alone.evaluate({"kg": kg}) == pytest.approx(expected)
    assert set(covariance.names) == {"k1", "k2"}


def test_nothing_by_class_is_no_law_by_class():
    rng = np.random.default_rng(1)
    columns = {"lane": np.array(["a", "b"] * 100, dtype=object), "kg": rng.uniform(1.0, 9.0, 200)}
    noted = 2.0 * columns["kg"] * np.exp(0.02 * rng.standard_normal(200))
    assert class_law(columns, noted, np.ones(200)) is None


def test_rows_beyond_a_bracket_are_foretold_without_them():
    """No other row tells the rate there: it stays about what it is, and does not run away."""
    columns, _, _ = tariff(2)
    step = np.where(columns["kg"] >= 200.0, 1.4, 1.0)
    rate = np.array([20.0 + 5.0 * int(label[1:]) for label in columns["lane"]])
    noise = np.random.default_rng(3).standard_normal(len(step))
    noted = rate * step * np.exp(0.02 * noise)
    law = class_law(columns, noted, np.ones(len(step)))
    assert law is not None
    beyond = np.where(columns["kg"] >= 200.0, 0, -1)
    assert (beyond == 0).sum() > 30
    assert np.abs(np.log(law.left_out(beyond) / noted)).max() < 0.5


def test_places_of_brackets_are_round():
    assert [_roundest(*ends) for ends in ((44.7, 45.2), (0.96, 1.04), (187.0, 212.0))] == [45.0, 1.0, 200.0]
