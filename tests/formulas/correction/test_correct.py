"""A law that is known, corrected by rows: little is said by few, much by many, and every correction is told."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt import FitError, Formula, FormulaError, Table, Variable, parse_formula
from kanopt.formulas import Curve, Input, Product
from kanopt.formulas.correction.fitting import Chosen, Problem, fitted, gain_of, smoothed
from kanopt.formulas.correction.moves import moves_of
from kanopt.formulas.correction.search import _Bases, _basis, _columns_of_constants
from kanopt.formulas.correction.writing import movable
from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.tables import with_units

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


def rmse(predicted, actual):
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


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


def test_columns_that_say_nothing_stay_out():
    rng = np.random.default_rng(0)
    frame = links(60, 3).assign(noise=rng.normal(size=60), kind=rng.choice(["a", "b", "c"], 60))
    law = RIGHT.correct(frame, ["noise", "kind"])
    assert law.root == RIGHT.root
    assert law.inputs == RIGHT.inputs
    assert "on 60 rows: none" in law.provenance["corrected"]


def test_exact_rows_give_the_exact_law():
    law = WRONG.correct(links(40, 2, noise=0.0))
    assert str(law) == "t0 · (1 + 0.15 · (flow / cap)^4)"


@pytest.mark.slow
def test_columns_the_law_does_not_know_become_powers_tables_and_curves():
    known = parse_formula("2 * km^0.9", [Variable("km")], Variable("cost"))
    rows, test = trips(), trips(500, seed=1)
    law = known.correct(rows, ["vehicle", "hour"], periodic={"hour": 24}, test=test)
    assert re.fullmatch(r"1\.9\d+ · km\^(0\.79\d+|0\.8\d*) · by\(vehicle\) · exp\(s\(hour\)\)", str(law))
    assert law.fit.r2 > 0.99
    assert law.fit.rows_train == 300
    assert {variable.name for variable in law.inputs} == {"km", "vehicle", "hour"}
    one = {"km": 10.0, "vehicle": "van", "hour": 3.0}
    assert law.evaluate({**one, "hour": 27.0}) == pytest.approx(law.evaluate(one))
    low, unseen, high = (law.evaluate({**one, "vehicle": v}) for v in ("bike", "tram", "truck"))
    assert low < unseen < high
    assert law.outside({**one, "vehicle": "tram"})
    assert not law.outside({**one, "hour": 0.01})


def test_beyond_the_rows_a_curve_keeps_its_last_value():
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"km": rng.uniform(1, 60, 250), "age": rng.uniform(0, 20, 250)})
    cost = 2 + 0.1 * rows["km"] + 3 * np.exp(-rows["age"] / 3) + 0.1 * rng.normal(size=250)
    known = parse_formula("2 + 0.1 * km", ["km", "age"], "cost")
    law = known.correct(rows.assign(cost=cost), scale="additive")
    ages = np.array([0.5, 3.0, 19.0])
    assert law.evaluate({"km": 10.0, "age": ages}) == pytest.approx(3 + 3 * np.exp(-ages / 3), abs=0.2)
    far = law.evaluate({"km": 10.0, "age": np.array([300.0, 900.0])})
    assert far[0] == pytest.approx(far[1])
    assert far[0] == pytest.approx(3.0, abs=0.3)


@pytest.mark.slow
def test_a_product_of_two_columns_is_found_and_may_be_left_out():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"a": rng.uniform(-1, 1, 250), "b": rng.uniform(-1, 1, 250)})
    rows["y"] = 3 + rows["a"] + 2 * rows["a"] * rows["b"] + 0.05 * rng.normal(size=250)
    known = parse_formula("3 + a", ["a", "b"], "y")
    law = known.correct(rows)
    assert str(law).startswith("3 + a + ")
    assert law.evaluate({"a": 0.5, "b": 1.0}) == pytest.approx(4.5, abs=0.05)
    assert rmse(known.correct(rows, interactions=False).evaluate(rows), rows["y"]) > 0.5


def test_a_factor_by_category_times_a_number_is_found():
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"km": rng.uniform(1, 60, 200), "mode": rng.choice(["road", "sea"], 200)})
    rows["cost"] = 20 + rows["km"] * rows["mode"].map({"road": 1.2, "sea": 0.7}) + rng.normal(size=200)
    law = parse_formula("20 + km", ["km"], "cost").correct(rows, ["mode"], scale="additive")
    slope = [
        float(np.diff(law.evaluate({"km": np.array([20.0, 40.0]), "mode": mode}))[0]) / 20
        for mode in ("road", "sea")
    ]
    assert slope == pytest.approx([1.2, 0.7], abs=0.03)


def test_gross_errors_in_a_few_rows_count_little():
    rng = np.random.default_rng(0)
    rows = links(200, 4)
    wrong = rng.choice(200, 6, replace=False)
    rows.loc[wrong, "t"] *= rng.choice([0.05, 8.0], 6)
    frame = links(500, 5, noise=0.0)
    assert rmse(WRONG.correct(rows).evaluate(frame), frame["t"]) < 0.1 * rmse(
        WRONG.evaluate(frame), frame["t"]
    )


def test_named_constants_keep_their_names_and_others_stay_structure():
    law = parse_formula("a * km^b", ["km"], "cost", constants={"a": 1.0, "b": 0.8})
    km = np.linspace(1, 50, 60)
    noise = np.random.default_rng(0).lognormal(0, 0.03, 60)
    found = law.correct({"km": km, "cost": 1.5 * km**0.8 * noise})
    assert {c.name for c in found.constants} == {"a", "b"}
    assert {c.name: c.value for c in found.constants}["b"] == 0.8
    assert found.constants[0].standard_error is not None


def test_numbers_that_belong_together_are_read_as_one():
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"km": rng.uniform(5, 200, 90), "pop": rng.uniform(10, 900, 90)})
    noise = rng.lognormal(0, 0.02, 90)
    speed = parse_formula("60 * km / 70", ["km"], "minutes")
    assert re.fullmatch(
        r"1\.0\d+ · km", str(speed.correct(rows.assign(minutes=60 * rows["km"] / 55 * noise)))
    )
    demand = parse_formula("2 * pop / km", ["pop", "km"], "sold")
    law = demand.correct(rows.assign(sold=3 * rows["pop"] ** 0.9 / rows["km"] ** 1.2 * noise))
    assert re.fullmatch(r"\d\.\d+ · pop\^0\.\d+ · km\^-1\.\d+", str(law))
    errors = law.covariance.standard_errors
    assert {c.name: c.standard_error for c in law.constants} == pytest.approx(errors)
    assert law.evaluate(rows) == pytest.approx(3 * rows["pop"] ** 0.9 / rows["km"] ** 1.2, rel=0.05)


def test_weights_count_rows_and_rows_of_weight_zero_count_nothing():
    rows = links(40, 8)
    broken = pd.concat([rows, rows.assign(t=900.0)], ignore_index=True)
    zero = WRONG.correct(broken, weight=[1.0] * 40 + [0.0] * 40)
    frame = links(100, 9)
    np.testing.assert_allclose(zero.evaluate(frame), WRONG.correct(rows).evaluate(frame), rtol=1e-6)


def test_units_of_the_rows_are_those_of_the_law():
    law = parse_formula("2 * km", [Variable("km", "km")], Variable("cost"))
    km = np.linspace(1, 60, 50)
    rows = with_units(pd.DataFrame({"km": 1000.0 * km, "cost": 3 * km}), {"km": "m"})
    assert str(law.correct(rows)) == "3 · km"


def test_a_law_with_tables_curves_and_extremes_is_corrected():
    rate = Table.of({"van": 1.0, "truck": 1.5, "bike": 0.6}, "vehicle")
    hours = Curve("s", Input("hour"), (0.2, 0.1, -0.1, -0.2, 0.0), 0.0, 24.0, periodic=True)
    base = parse_formula("max(4, 2 * km^0.9)", ["km"], "cost")
    inputs = (*base.inputs, Variable("vehicle", kind="category"), Variable("hour"))
    known = Formula(Product((base.root, rate)) + hours, inputs, base.output)
    rows = trips()
    law = known.correct(rows)
    assert rmse(law.evaluate(rows), rows["cost"]) < 0.3 * rmse(known.evaluate(rows), rows["cost"])
    assert "s(hour)" in str(law)


def test_many_rows_are_searched_on_a_sample_and_fitted_to_all(monkeypatch):
    monkeypatch.setattr("kanopt.formulas.correction.correcting.SEARCHED", 300)
    law = WRONG.correct(links(3_000, 4))
    assert str(law).startswith("t0 · (1 + 0.1")
    assert law.constants[0].standard_error < 0.002


@pytest.mark.slow
def test_ways_of_other_weights_are_compared_by_the_same_measure():
    # errors that grow with the law look like gross errors to a law whose errors are alike everywhere
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({name: rng.uniform(1, 9, 6_000) for name in "xyz"})
    rows["cost"] = (3 * rows["x"] + 2 * rows["y"]) * np.exp(0.1 * rows["z"]) * rng.lognormal(0, 0.05, 6_000)
    law = parse_formula("3 * x + 1.5 * y", ["x", "y"], "cost").correct(rows, ["z"])
    assert re.fullmatch(r"\(3 · x \+ [12]\.\d+ · y\) · exp\(0\.\d+ · z\)", str(law))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": "log"}, r"scale='log' is unknown; use one of 'auto', 'additive', 'factor'"),
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
    with pytest.raises(FitError, match="the target is -1 in row 0; use scale='additive'"):
        WRONG.correct(rows.assign(t=rows["t"].where(rows.index != 0, -1.0)), scale="factor")
    law = WRONG.correct(rows.assign(t=rows["t"].where(rows.index != 0, -1.0)))
    assert np.isfinite(law.evaluate(rows)).all()


def problem_of(seed, factor):
    """A law, and rows that it does not explain."""
    rng = np.random.default_rng(seed)
    columns = {"x": rng.uniform(1, 5, 80), "z": rng.uniform(0, 1, 80), "k": rng.choice(["a", "b", "c"], 80)}
    columns["k"] = columns["k"].astype(object)
    target = 2 * columns["x"] + np.sin(3 * columns["x"]) + 0.3 * rng.normal(size=80) + 3
    law = movable(parse_formula("1 + 2 * x", ["x"], "y"))
    rows = EstimationRows(columns, target, np.ones(80))
    return Problem(law.root, rows, factor, 1e-12)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 50), st.booleans())
def test_the_gain_that_is_promised_is_nearly_that_of_the_fit(seed, factor):
    problem = problem_of(seed, factor)
    fit = fitted(problem, ())
    constants, columns = _columns_of_constants(fit), _Bases(problem)
    for move in (m for kind in moves_of(problem.law, problem.rows.columns, {}, pairs=True) for m in kind):
        basis = _basis(fit, move, constants, columns)
        if basis is None:
            continue
        promised, weight = gain_of(fit, move, basis)
        found = fitted(problem, [Chosen(move, weight)])
        gained = fit.description - found.description
        if not factor:  # what is added is linear in its numbers, and so is the law
            assert gained == pytest.approx(promised, abs=0.05)
        elif promised > 3.0:
            assert gained > 0.3 * promised


def test_curves_and_tables_have_no_mean_and_their_weights_follow_the_rows():
    problem = problem_of(1, factor=False)
    constants, columns, pairs = moves_of(problem.law, problem.rows.columns, {}, pairs=True)
    drawn = [move for move in columns if move.turn is not None]
    assert {move.what for move in drawn} == {"curve of x", "curve of z", "table of k"}
    for move in drawn:
        effects = move.basis(problem.rows.columns) @ move.turn
        assert np.abs(effects[:, 1:].mean(axis=0)).max() < 1e-9
    bent = next(move for move in drawn if move.what == "curve of x")
    rough = fitted(problem, [Chosen(bent, 1e3)])
    assert smoothed(rough).description < rough.description
    assert len(constants) > 2
    assert all(move.cost > columns[0].cost - 2 for move in pairs)


@pytest.mark.parametrize(
    ("periodic", "message"),
    [
        ({"flow": "day"}, "the period of 'flow' is 'day'; it is a number above zero"),
        ({"flow": True}, "the period of 'flow' is True; it is a number above zero"),
        ({"road": 7}, "periodic names 'road', which is a category; only numbers start anew"),
    ],
)
def test_periods_that_are_none_are_refused(periodic, message):
    rows = pd.DataFrame({"t0": np.arange(2.0, 12.0), "flow": 3.0, "cap": 4.0, "road": ["a", "b"] * 5})
    with pytest.raises(FitError, match=re.escape(message)):
        WRONG.correct(rows.assign(t=RIGHT.evaluate(rows)), ["road"], periodic=periodic)
