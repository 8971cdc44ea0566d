"""Laws drawn at random: closed forms of linear laws, the delta method for others, and what stays as it is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.formulas import Covariance, ErrorModel, Fit, Input, Table
from kanopt.formulas.estimation.graph_tape import FreeParameters, gradient
from kanopt.formulas.law_draws import draw_laws

KM = np.array([1.0, 5.0, 20.0, 60.0])


def law_of(
    text: str, constants: dict[str, float], covariance: np.ndarray, freedom: float | None = None
) -> ko.Formula:
    """Return a law of km with a covariance of its constants."""
    law = ko.parse_formula(text, [ko.Variable("km")], ko.Variable("cost"), constants=constants)
    free = FreeParameters.of(law.root, constants)
    root = free.substitute(law.root, free.values, np.sqrt(np.diag(covariance)))
    return replace(law, root=root, covariance=Covariance.of(free.names, covariance, freedom))


def drawn(law: ko.Formula, count: int = 1500, seed: int = 0) -> np.ndarray:
    """Return what drawn laws say at some distances; (draws, distances)."""
    return np.array([one.evaluate({"km": KM}) for one in draw_laws(law, count, np.random.default_rng(seed))])


@pytest.mark.slow
def test_of_a_law_that_is_not_linear_they_have_that_of_the_delta_method():
    # constants that trade: each alone is hardly known, what the law says is
    law = law_of("a + b * km ^ c", {"a": -27.0, "b": 30.0, "c": 0.12}, np.eye(3))
    design = gradient(law, {"km": KM}).derivative
    matrix = np.linalg.inv(design.T @ design + 1e-9 * np.eye(3))
    law = law_of("a + b * km ^ c", {"a": -27.0, "b": 30.0, "c": 0.12}, matrix)
    assert law.covariance.standard_errors["a"] > 20
    values = drawn(law)
    known = np.sqrt(np.einsum("ij,jk,ik->i", design, matrix, design))
    assert values.std(axis=0) == pytest.approx(known, rel=0.1)
    assert values.mean(axis=0) == pytest.approx(law.evaluate({"km": KM}), abs=0.1)


def test_few_degrees_of_freedom_make_wide_tails():
    matrix = np.array([[0.01]])
    few, many = (drawn(law_of("rate * km", {"rate": 1.0}, matrix, freedom))[:, 0] for freedom in (3.0, None))
    ends = [np.quantile(values, 0.99) - 1.0 for values in (few, many)]
    # quantiles of Student's t with three degrees of freedom, and of the normal distribution
    assert ends[0] / ends[1] == pytest.approx(4.541 / 2.326, rel=0.3)


def test_a_bias_is_drawn_as_far_as_rows_held_out_and_learned_from_leave_it_open():
    errors = ErrorModel(0.5, 1.1, (0.04, 0.0, 0.0004), 0.2, 1.0, 10.0, 100)
    fit = Fit(0.9, 1.0, 1.0, 1.0, 300, 100, errors=errors)
    law = replace(ko.parse_formula("2 * km", [ko.Variable("km")], ko.Variable("cost")), fit=fit)
    values = drawn(law)
    assert values.mean(axis=0) == pytest.approx(0.5 + 1.1 * 2.0 * KM, rel=0.02)
    # a quarter of the rows was held out
    known = np.sqrt(0.25 * (0.04 + 0.0004 * (2.0 * KM) ** 2))
    assert values.std(axis=0) == pytest.approx(known, rel=0.1)
    single = next(iter(draw_laws(law, 1, np.random.default_rng(0)))).fit.errors
    assert (single.shift, single.factor, single.covariance) == (0.0, 1.0, (0.0, 0.0, 0.0))
    assert single.spread == errors.spread


def test_coefficients_of_tables_are_drawn_with_the_constants():
    rng = np.random.default_rng(1)
    vehicle = rng.choice(["van", "truck"], 400)
    km = rng.uniform(1.0, 60.0, 400)
    cost = np.where(vehicle == "van", 1.0, 1.4) * km + 2.0 * rng.standard_normal(400)
    law = ko.Formula(
        Table.of({"van": 1.0, "truck": 1.0}, "vehicle", name="rate") * Input("km"),
        (ko.Variable("km"), ko.Variable("vehicle", kind="category")),
        ko.Variable("cost"),
    ).refit(pd.DataFrame({"km": km, "vehicle": vehicle, "cost": cost}), only=["rate"])
    errors = law.covariance.standard_errors
    values = [one.evaluate({"km": 1.0, "vehicle": "van"}) for one in draw_laws(law, 800, rng)]
    assert np.std(values) == pytest.approx(errors["rate[van]"], rel=0.1)


def test_a_law_without_errors_is_the_same_in_all_draws():
    law = ko.parse_formula("2 * km", [ko.Variable("km")], ko.Variable("cost"))
    found = draw_laws(law, 3, np.random.default_rng(0))
    assert len(found) == 3
    assert not found.varies
    assert [one.root for one in found] == [law.root] * 3
