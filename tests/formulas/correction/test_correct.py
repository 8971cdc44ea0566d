"""A law that is known, corrected by rows: little is said by few, much by many, and every correction is told."""

import re

import numpy as np
import pandas as pd
import pytest

from kanopt import Formula, Variable, parse_formula
from kanopt.errors import FitError, FormulaError

INPUTS = [Variable("t0", "min"), Variable("flow"), Variable("cap")]


def bpr(coefficient):
    """The travel time of the US Bureau of Public Roads (1964)."""
    return parse_formula(f"t0 * (1 + {coefficient} * (flow / cap)^4)", INPUTS, Variable("t", "min"))


WRONG, RIGHT = bpr(0.10), bpr(0.15)


def links(rows, seed, noise=0.05):
    """Links with times of 0.15, and noise."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"t0": rng.uniform(2, 10, rows), "flow": rng.uniform(1, 25, rows), "cap": rng.uniform(5, 25, rows)}
    )
    frame["flow"] = np.minimum(frame["flow"], 1.5 * frame["cap"])
    return frame.assign(t=RIGHT.evaluate(frame) * np.exp(noise * rng.normal(size=rows)))


def trips(rows=300, seed=0):
    """Trips whose cost has a power of distance, a factor by vehicle and a rush hour."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "km": rng.uniform(2, 60, rows),
            "vehicle": rng.choice(["van", "truck", "bike"], rows),
            "hour": rng.uniform(0, 24, rows),
        }
    )
    cost = 2.0 * frame["km"] ** 0.8 * frame["vehicle"].map({"van": 1.0, "truck": 1.5, "bike": 0.6})
    cost *= np.exp(0.2 * np.cos(2 * np.pi * (frame["hour"] - 8) / 24) + 0.03 * rng.normal(size=rows))
    return frame.assign(cost=cost)


def test_a_wrong_constant_is_moved_and_nothing_else():
    law = WRONG.correct(links(30, 1))
    assert str(law).startswith("t0 · (1 + 0.15")
    (moved,) = law.constants
    assert abs(moved.value - 0.15) < 3 * moved.standard_error < 0.03
    assert law.covariance.standard_errors == {moved.name: pytest.approx(moved.standard_error)}
    assert law.intervals().loc[moved.name, "low"] < 0.15 < law.intervals().loc[moved.name, "high"]
    assert law.provenance["known law"] == "t0 · (1 + 0.1 · (flow / cap)^4)"
    assert law.provenance["corrected"].startswith(f"on 30 rows: {moved.name} from 0.1 to 0.15")
    considered = law.considered()
    assert considered["chosen"].sum() == 1
    assert considered["formula"].is_unique
    assert str(WRONG) in considered["formula"].tolist()
    assert Formula.from_json(law.to_json()) == law


def test_few_noisy_rows_leave_a_right_law_as_it_is():
    stayed = [RIGHT.correct(links(20, seed, noise=0.2)).root == RIGHT.root for seed in range(6)]
    assert sum(stayed) >= 5


def test_exact_rows_give_the_exact_law():
    law = WRONG.correct(links(40, 2, noise=0.0))
    assert str(law) == "t0 · (1 + 0.15 · (flow / cap)^4)"


@pytest.mark.slow
def test_columns_the_law_does_not_know_become_powers_tables_and_curves():
    known = parse_formula("2 * km^0.9", [Variable("km")], Variable("cost"))
    rows, test = trips(), trips(500, seed=1)
    law = known.correct(rows, ["vehicle", "hour"], periodic={"hour": 24}, test=test)
    assert re.fullmatch(
        r"(2|1\.9\d+|2\.0\d+) · km\^(0\.79\d+|0\.8\d*) · by\(vehicle\) · exp\(s\(hour\)\)", str(law)
    )
    assert law.fit.r2 > 0.99
    assert law.fit.rows_train == 300
    assert {variable.name for variable in law.inputs} == {"km", "vehicle", "hour"}
    one = {"km": 10.0, "vehicle": "van", "hour": 3.0}
    assert law.evaluate({**one, "hour": 27.0}) == pytest.approx(law.evaluate(one))
    low, unseen, high = (law.evaluate({**one, "vehicle": v}) for v in ("bike", "tram", "truck"))
    assert low < unseen < high
    assert law.outside({**one, "vehicle": "tram"})
    assert not law.outside({**one, "hour": 0.01})


@pytest.mark.slow
def test_a_product_of_two_columns_is_found():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"a": rng.uniform(-1, 1, 250), "b": rng.uniform(-1, 1, 250)})
    rows["y"] = 3 + rows["a"] + 2 * rows["a"] * rows["b"] + 0.05 * rng.normal(size=250)
    known = parse_formula("3 + a", ["a", "b"], "y")
    law = known.correct(rows)
    assert law.used == {"a", "b"}
    assert law.evaluate({"a": 0.5, "b": 1.0}) == pytest.approx(4.5, abs=0.05)


def test_a_factor_by_category_times_a_number_is_found():
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"km": rng.uniform(1, 60, 200), "mode": rng.choice(["road", "sea"], 200)})
    rows["cost"] = 20 + rows["km"] * rows["mode"].map({"road": 1.2, "sea": 0.7}) + rng.normal(size=200)
    law = parse_formula("20 + km", ["km"], "cost").correct(rows, ["mode"])
    slope = [
        float(np.diff(law.evaluate({"km": np.array([20.0, 40.0]), "mode": mode}))[0]) / 20
        for mode in ("road", "sea")
    ]
    assert slope == pytest.approx([1.2, 0.7], abs=0.03)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": ["lanes"]}, "the table has no column 'lanes'"),
        ({"columns": "t"}, "the column 't' is the output"),
        ({"periodic": {"hour": 24}}, "periodic names 'hour', which is no column here"),
        ({"periodic": {"flow": 0}}, "the period of 'flow' is 0"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(change, message):
    with pytest.raises(FitError, match=message):
        WRONG.correct(links(30, 1), **change)


def test_rows_that_correct_nothing_are_refused():
    rows = links(30, 1)
    with pytest.raises(FitError, match="7 rows are too few to correct a law; 8 are the least"):
        WRONG.correct(rows.head(7))
    with pytest.raises(FormulaError, match="input 'flow' is missing"):
        WRONG.correct(rows.drop(columns="flow"))
    law = WRONG.correct(rows.assign(t=rows["t"].where(rows.index != 0, -1.0)))
    assert np.isfinite(law.evaluate(rows)).all()
