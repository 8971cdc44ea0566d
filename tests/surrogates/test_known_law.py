"""A known law as a model of scikit-learn: what it corrects is told in tests/formulas/correction."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from kanopt import FitError, FormulaError, KANRegressor, Variable, parse_formula

INPUTS = [Variable("t0", "min"), Variable("flow"), Variable("cap")]
WRONG, RIGHT = (
    parse_formula(f"t0 * (1 + {coefficient} * (flow / cap)^4)", INPUTS, Variable("t", "min"))
    for coefficient in (0.10, 0.15)
)


def links(rows, seed, noise=0.05):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"t0": rng.uniform(2, 10, rows), "flow": rng.uniform(1, 25, rows), "cap": rng.uniform(5, 25, rows)}
    )
    frame["flow"] = np.minimum(frame["flow"], 1.5 * frame["cap"])
    time = RIGHT.evaluate(frame) * np.exp(noise * rng.normal(size=rows))
    return frame, pd.Series(time, name="minutes")


def test_before_a_fit_it_is_the_law():
    frame, _ = links(50, 0)
    model = KANRegressor.from_formula(WRONG)
    np.testing.assert_array_equal(model.predict(frame), WRONG.evaluate(frame))
    np.testing.assert_array_equal(model.predict(frame.assign(other=1)), WRONG.evaluate(frame))
    np.testing.assert_array_equal(model.predict(frame.to_numpy()), WRONG.evaluate(frame))
    formula = model.to_formula(frame.assign(t=RIGHT.evaluate(frame)), per="link")
    assert (formula.root, formula.per, formula.fit.rows_train) == (WRONG.root, "link", 0)


@pytest.mark.filterwarnings("ignore::kanopt.DomainWarning")  # some rows are beyond the thirty
def test_thirty_rows_are_better_than_the_law_and_than_a_law_from_scratch():
    frame, time = links(1000, 99, noise=0.0)
    rows = links(30, 1)
    model = KANRegressor.from_formula(WRONG).fit(*rows)
    scratch = KANRegressor((), seed=1).fit(*rows)
    found, known, alone = (
        float(np.sqrt(np.mean((predict(frame) - time) ** 2)))
        for predict in (model.predict, WRONG.evaluate, scratch.predict)
    )
    assert found < 0.2 * min(known, alone)
    formula = model.to_formula(frame, time)
    assert formula.evaluate(frame) == pytest.approx(model.predict(frame))
    assert (formula.output.name, formula.output.unit) == ("minutes", "min")
    assert formula.fit.rows_train == 30
    assert model.to_formula(frame.assign(minutes=time)).fit == formula.fit
    assert model.to_formula(frame.assign(other=time), "other").fit == formula.fit
    with pytest.raises(FormulaError, match="is refused"):
        model.to_formula(frame, time, min_r2=0.99999999)
    with pytest.raises(FitError, match="no target 'minutes'"):
        model.to_formula(frame)


def test_other_columns_play_a_part():
    rng = np.random.default_rng(0)
    frame, time = links(200, 2)
    lanes = rng.choice([1, 2, 3], 200)
    model = KANRegressor.from_formula(RIGHT).fit(frame.assign(lanes=lanes), time * (1 + 0.2 * lanes))
    assert "lanes" in model.formula_.used
    assert model.feature_names_in_.tolist() == ["t0", "flow", "cap", "lanes"]


def test_copies_of_a_model():
    frame, time = links(30, 1)
    model = KANRegressor.from_formula(WRONG).fit(frame, time)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    np.testing.assert_array_equal(fresh.predict(frame), WRONG.evaluate(frame))
    np.testing.assert_array_equal(fresh.fit(frame, time).predict(frame), model.predict(frame))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(frame), model.predict(frame))


def test_it_works_in_pipelines_and_cross_validation():
    frame, time = links(60, 7)
    model = KANRegressor.from_formula(WRONG)
    assert cross_val_score(make_pipeline(model), frame, time, cv=2).min() > 0.9
    assert model.set_params(scale="additive").scale == "additive"


def test_what_cannot_be_learned_is_refused():
    frame, time = links(30, 1)
    model = KANRegressor.from_formula(WRONG)
    with pytest.raises(FitError, match="formula='t0' must be a Formula"):
        KANRegressor.from_formula("t0").fit(frame, time)
    with pytest.raises(FitError, match="3 rows are too few"):
        model.fit(frame.head(3), time.head(3))
    with pytest.raises(FormulaError, match="input 'flow' is missing"):
        model.fit(frame.drop(columns="flow"), time)
    with pytest.raises(FitError, match="tables in memory"):
        model.fit("links.parquet", "t")
    with pytest.raises(FitError, match="of one target"):
        model.fit(frame, np.column_stack([time, time]))
    with pytest.raises(FitError, match=r"reads 3 columns, 't0', 'flow', 'cap'"):
        model.predict(np.ones((2, 2)))


@pytest.mark.slow
def test_it_needs_no_torch():
    code = (
        "import sys, kanopt as ko; law = ko.parse_formula('2 * km', ['km'], 'cost'); "
        "rows = [[float(k)] for k in range(1, 20)]; model = ko.KANRegressor.from_formula(law); "
        "print(model.fit(rows, [3.0 * k for (k,) in rows]).formula_, 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "3 · km False"
