from __future__ import annotations

import numpy as np
import pytest

from kanopt.surrogates.distill.curves import curve_form, table_form
from kanopt.surrogates.distill.forms import FORMS, Form, start

THETA = {1: [0.7], 2: [0.7, 0.4], 3: [0.7, 0.4, 0.3]}


def theta_of(form: Form) -> np.ndarray:
    return np.array(THETA[form.size]) if form.size else np.zeros(0)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_slope_and_gradient_agree_with_finite_differences(form: Form) -> None:
    z, theta, step = np.linspace(0.6, 2.9, 23), theta_of(form), 1e-6
    slope = (form.value(z + step, theta) - form.value(z - step, theta)) / (2 * step)
    np.testing.assert_allclose(form.slope(z, theta), slope, atol=1e-7)
    gradient = form.gradient(z, theta)
    assert gradient.shape == (len(z), form.size)
    for k in range(form.size):
        bump = np.zeros(form.size)
        bump[k] = step
        numeric = (form.value(z, theta + bump) - form.value(z, theta - bump)) / (2 * step)
        np.testing.assert_allclose(gradient[:, k], numeric, atol=1e-7)


def test_curve_form_is_differentiated_exactly_also_outside_its_range() -> None:
    form = curve_form(-1.0, 2.0, 5)
    theta = np.random.default_rng(0).normal(size=form.size)
    z, step = np.linspace(-2.0, 3.0, 41) + 0.013, 1e-6
    numeric = (form.value(z + step, theta) - form.value(z - step, theta)) / (2 * step)
    np.testing.assert_allclose(form.slope(z, theta), numeric, atol=1e-6)
    np.testing.assert_allclose(form.gradient(z, theta) @ theta, form.value(z, theta), atol=1e-12)


def test_table_form_reads_one_number_per_category() -> None:
    form = table_form(3)
    theta = np.array([1.0, 5.0, -2.0])
    codes = np.array([2.0, 0.0, 1.0])
    assert form.value(codes, theta).tolist() == [-2.0, 1.0, 5.0]
    assert (form.gradient(codes, theta) @ theta).tolist() == [-2.0, 1.0, 5.0]


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("linear", lambda z: 2 * z),
        ("quadratic", lambda z: z - 3 * z**2),
        ("log", lambda z: 4 * np.log(z)),
        ("power", lambda z: 2 * z**-0.5),
        ("hinge", lambda z: 3 * np.maximum(0.0, z - 1.65)),
    ],
)
def test_start_finds_a_form_that_stands_on_the_grid(name: str, law: object) -> None:
    z = np.linspace(0.3, 3.0, 200)
    form = next(form for form in FORMS if form.name == name)
    _, error = start(form, z, law(z) + 7.0, np.ones_like(z))
    assert error < 1e-16 * len(z)


def test_a_form_for_positive_arguments_refuses_the_others() -> None:
    log = next(form for form in FORMS if form.name == "log")
    assert not log.admits(-1.0, 2.0)
    assert log.admits(0.1, 2.0)
    assert start(log, np.linspace(-1, 1, 9), np.ones(9), np.ones(9))[1] == np.inf


def test_a_curve_of_what_is_no_number_is_none() -> None:
    form = curve_form(0.0, 1.0, 4)
    z, theta = np.array([0.5, np.nan]), np.arange(7.0)
    for out in (form.value(z, theta), form.slope(z, theta), form.gradient(z, theta).sum(axis=1)):
        assert np.isnan(out).tolist() == [False, True]


def test_a_steep_tanh_has_derivatives_without_a_warning() -> None:
    tanh = next(form for form in FORMS if form.name == "tanh")
    z, theta = np.array([-5.0, 0.0, 5.0]), np.array([2.0, 400.0, 1.0])
    assert tanh.slope(z, theta)[[0, 2]] == pytest.approx([0.0, 0.0])
    assert np.isfinite(tanh.gradient(z, theta)).all()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_rows_without_weight_may_have_no_value_under_a_form(form: Form) -> None:
    z, weight = np.array([-1.0, 1.0, 2.0, 3.0, 800.0]), np.array([0.0, 1.0, 1.0, 1.0, 0.0])
    _, error = start(form, z, z**2, weight)  # warnings are errors
    assert error == np.inf or error >= 0.0
