"""What was considered beside a law: formulas that can be used, and rivals that explain the rows alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kanopt import KANRegressor
from kanopt.errors import FormulaError
from kanopt.formulas import Formula


def learned(
    law: Callable[[pd.DataFrame], Any], noise: float, *, log: bool = False
) -> tuple[Formula, pd.DataFrame]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"km": rng.uniform(5, 15, 400), "kg": rng.uniform(1, 5, 400)})
    y, error = law(frame), noise * rng.normal(size=400)
    frame["eur"] = y * np.exp(error) if log else y + y.std() * error
    model = KANRegressor((), seed=1, log_target=log).fit(frame[["km", "kg"]][:300], frame["eur"][:300])
    return model.to_formula(frame[300:], min_r2=0.0), frame[300:]


def test_every_row_of_the_frame_is_a_formula_with_its_own_fit() -> None:
    law, test = learned(lambda x: 5 * x["kg"] * (1 - np.exp(-x["km"] / 8)), 0.05)
    frame = law.considered()
    assert len(law.formulas) == len(frame) > 3
    assert frame["rung"].is_unique
    assert frame["complexity"].is_monotonic_increasing
    assert frame["formula"].is_unique
    for each, formula in zip(law.alternatives, law.formulas, strict=True):
        assert formula.output == law.output
        assert set(formula.used) == {variable.name for variable in formula.inputs}
        assert formula.fit is not None
        gap = np.asarray(formula.evaluate(test)) - test["eur"]
        assert formula.fit.rmse == pytest.approx(np.sqrt(np.mean(gap**2)))
        assert formula.fit.rows_test == 100
        assert [r.name for r in formula.domain.ranges] == [v.name for v in formula.inputs]
        # also of what is read from the network, which is told beside it
        assert each.text == str(formula)
        assert Formula.from_json(formula.to_json()) == formula
    assert Formula.from_json(law.to_json()) == law
    assert law.formulas["network"].curves
    with pytest.raises(FormulaError, match=r"formulas\['netwrk'\].*network"):
        law.formulas["netwrk"]


def test_of_a_logarithm_they_are_laws_of_the_mean() -> None:
    law, test = learned(lambda x: 3 * x["km"] ** 1.3 * x["kg"], 0.6, log=True)
    full = [formula for formula in law.formulas if formula.used == {"km", "kg"}]
    assert len(full) > 1
    for formula in full:  # those of the median lie a sixth below
        assert np.mean(formula.evaluate(test)) == pytest.approx(np.mean(law.evaluate(test)), rel=0.06)


def test_rivals_are_as_good_or_plainer_and_say_something_else() -> None:
    law, _ = learned(lambda x: 4 + 0.9 * x["km"] ** 0.8, 0.1)
    chosen = next(each for each in law.alternatives if each.chosen)
    for each in law.alternatives:
        if each.rival:
            assert each.complexity <= chosen.complexity
            plainer = each.complexity < chosen.complexity
            assert plainer or each.error == pytest.approx(chosen.error, rel=0.03)


def test_a_law_without_doubt_has_no_rivals() -> None:
    law, _ = learned(lambda x: 2 * x["km"] * x["kg"], 0.05)
    assert not any(each.rival for each in law.alternatives)
    assert "alike" not in str(law.formulas)
