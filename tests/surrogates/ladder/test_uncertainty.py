"""Constants of a law that was read from a network: their errors are those of the joint fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kanopt import KANRegressor
from kanopt.formulas import Constant, Formula, Input, Variable
from kanopt.surrogates.ladder.rungs import with_covariance
from tests.cases.own_rows import judged_by_own_rows


def test_a_constant_that_is_a_function_of_parameters_has_the_error_of_that_function() -> None:
    covariance = np.array([[0.04, 0.01, 0.0], [0.01, 0.09, 0.0], [0.0, 0.0, 0.0]])
    parameters = np.array([0.5, 2.0, 7.0])

    def written(theta: np.ndarray) -> object:
        # exp of the first, the second in thousands, and one that is no parameter of the law
        return Constant(float(np.exp(theta[0]))) * Input("km") + Constant(float(1000.0 * theta[1]))

    law = Formula(
        Constant(float(np.exp(0.5)), "a") * Input("km") + Constant(2000.0, "b"),
        (Variable("km"),),
        Variable("eur"),
    )
    found = with_covariance(law, written, parameters, covariance, 90.0)
    slopes = np.array([[np.exp(0.5), 0.0], [0.0, 1000.0]])
    assert found.covariance is not None
    assert found.covariance.names == ("a", "b")
    np.testing.assert_allclose(found.covariance.array, slopes @ covariance[:2, :2] @ slopes.T, rtol=1e-3)
    assert found.covariance.degrees_of_freedom == 90.0
    # a law that was written in another way has no errors
    other = with_covariance(law, lambda theta: Constant(float(theta[0])), parameters, covariance, 90.0)
    assert other.covariance is None


@judged_by_own_rows
def test_a_law_with_a_table_has_the_intervals_of_least_squares() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.uniform(0, 4, 400), "mode": rng.choice(["a", "b"], 400)})
    y = (3.0 + 2.0 * frame["x"] + frame["mode"].map({"a": 0.0, "b": 1.5})).rename("y")
    y += 0.3 * rng.standard_normal(400)
    model = KANRegressor(seed=0, hidden=(), log_target=False, loss="squared").fit(frame, y)
    law = model.to_formula(frame.assign(y=y))
    table = law.intervals()
    slope = table.loc[table["estimate"].sub(2.0).abs().idxmin()]
    design = np.column_stack([np.ones(400), frame["x"], frame["mode"] == "b"])
    solution, squares, *_ = np.linalg.lstsq(design, y, rcond=None)
    covariance = squares[0] / 397 * np.linalg.inv(design.T @ design)
    np.testing.assert_allclose(slope["estimate"], solution[1], rtol=1e-3)
    np.testing.assert_allclose(slope["standard_error"], np.sqrt(covariance[1, 1]), rtol=0.02)
