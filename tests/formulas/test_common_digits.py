"""Laws are rounded to digits that every machine finds: noise of a fit is gone, and the law is as good as before."""

from __future__ import annotations

import numpy as np
import pytest

from kanopt.formulas import Constant, Formula, Input, Variable
from kanopt.formulas.parameters import parameters_of
from kanopt.formulas.simplify import round_law

RNG = np.random.default_rng(4)
KM = RNG.uniform(1.0, 90.0, 500)
NOISE = np.exp(0.05 * RNG.standard_normal(500))


def tariff(noise: float = 0.0) -> Formula:
    root = Constant(12.3456789012, "a") + Constant(0.7123456789 * (1.0 + noise), "b") * Input(
        "km"
    ) ** Constant(0.9, "c")
    return Formula(root, (Variable("km", "km"),), Variable("cost"))


def test_noise_of_a_fit_is_rounded_away_and_the_law_is_as_good() -> None:
    law, target = tariff(), tariff().evaluate({"km": KM}) * NOISE
    rounded = round_law(law, {"km": KM}, target)
    assert rounded == round_law(tariff(3e-11), {"km": KM}, target)
    assert rounded != law

    def squares(each: Formula) -> float:
        return float(np.square(target - each.evaluate({"km": KM})).sum())

    assert squares(rounded) == pytest.approx(squares(law), rel=1e-6)


def test_an_exact_law_keeps_its_digits() -> None:
    law = tariff()
    rounded = round_law(law, {"km": KM}, law.evaluate({"km": KM}))
    assert parameters_of(rounded.root) == pytest.approx(parameters_of(law.root), rel=1e-11)
