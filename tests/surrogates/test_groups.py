"""Rows that share an error: groups held out, counted once, and in intervals."""

import numpy as np
import pandas as pd
import pytest

from kanopt import KANRegressor
from kanopt.errors import FitError
from kanopt.formulas.estimation.naming import order_of_rows
from kanopt.formulas.parameters import parameters_of
from kanopt.surrogates.groups import SharedErrors
from tests.cases.own_rows import judged_by_own_rows


def days(count, rows, seed, shared=0.7):
    """Minutes with a temperature of the day, of which the day shares an error."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(count), rows)
    frame = pd.DataFrame({"temperature": rng.normal(12, 8, count)[day], "km": rng.uniform(1, 30, len(day))})
    error = np.sqrt(shared) * rng.standard_normal(count)[day]
    error += np.sqrt(1 - shared) * rng.standard_normal(len(day))
    minutes = 20 + 1.2 * frame["km"] + 0.3 * frame["temperature"] + 6 * error
    return frame, minutes.rename("minutes"), day


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::kanopt.DomainWarning")  # days colder than any that were learned from
def test_intervals_cover_rows_of_new_groups():
    fresh, minutes, _ = days(400, 8, 99)
    covered, errors = [], []
    for seed in range(8):
        frame, target, day = days(50, 20, seed)
        model = KANRegressor((), log_target=False, seed=0).fit(frame, target, groups=day)
        interval = model.predict_interval(fresh, 0.9)
        covered.append(((interval["lower"] <= minutes) & (minutes <= interval["upper"])).mean())
        errors.append(np.sqrt(np.mean((model.predict(fresh) - minutes) ** 2)))
    # 50 days of design effect 14 say as much as 70 rows: standard error 0.036 / √8 = 0.013
    assert 0.87 <= np.mean(covered) <= 0.94
    # what days share is not followed: the level alone is known to 6 · sqrt(0.7 / 50) = 0.7, a seventieth of the squares
    assert np.mean(errors) < 1.05 * 6.0


def test_groups_of_one_row_each_are_no_groups():
    frame, minutes, _ = days(30, 10, 4, shared=0.0)
    plain = KANRegressor((), log_target=False).fit(frame, minutes)
    alone = KANRegressor((), log_target=False).fit(frame, minutes, groups=np.arange(300))
    np.testing.assert_allclose(alone.predict(frame), plain.predict(frame), rtol=1e-6)


def test_a_column_of_groups_is_not_learned_from():
    frame, minutes, day = days(30, 10, 5)
    named = frame.assign(day=[f"day {each}" for each in day])
    by_name = KANRegressor((), log_target=False).fit(named, minutes, groups="day")
    by_value = KANRegressor((), log_target=False).fit(frame, minutes, groups=day)
    assert by_name.feature_names_in_.tolist() == ["temperature", "km"]
    # the frame with the column is predicted as well
    np.testing.assert_array_equal(by_name.predict(named), by_value.predict(frame))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("dya", "X has no column 'dya'; did you mean 'day'"),
        (np.arange(7), "groups holds 7 and X 300 rows"),
        (np.arange(300) // 100, "there are only 3, too few"),
        (np.where(np.arange(300) < 2, np.nan, np.arange(300) // 10), "2 rows have no group"),
    ],
)
def test_groups_that_are_none_are_refused(groups, message):
    frame, minutes, day = days(30, 10, 6)
    with pytest.raises(FitError, match=message):
        KANRegressor(()).fit(frame.assign(day=day.astype(str)), minutes, groups=groups)


def covariance_of_errors(groups, weights, ratio):
    """Variance of u + e over that of e, (n, n): a row of weight w is the mean of w rows."""
    return ratio * (groups[:, None] == groups) + np.diag(1.0 / weights)


def trips(seed, groups=60, fewest=5, most=40):
    """Minutes with a kind and a distance that differ within days, and a temperature that does not."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(groups), rng.integers(fewest, most, groups))
    frame = pd.DataFrame(
        {
            "km": rng.uniform(1, 40, len(day)),
            "kind": rng.choice(["box", "tank"], len(day)),
            "temperature": rng.uniform(0, 30, groups)[day],
        }
    )
    law = 30 + 1.2 * frame["km"] + 8 * (frame["kind"] == "tank") + 2 * frame["temperature"]
    error = 15 * rng.standard_normal(groups)[day] + 4 * rng.standard_normal(len(day))
    return frame, law.rename("minutes"), (law + error).rename("minutes"), day


@pytest.mark.slow
@judged_by_own_rows
def test_what_differs_within_groups_is_learned_although_they_share_most_of_the_error():
    frame, law, minutes, day = trips(0)
    model = KANRegressor(seed=0).fit(frame, minutes, groups=day)
    formula = model.to_formula(frame, minutes, min_r2=0.0)
    for predicted in (model.predict(frame), formula.evaluate(frame)):
        gap = pd.Series(predicted - law)
        inside = gap - gap.groupby(day).transform("mean")
        assert np.sqrt(np.mean(inside**2)) < 0.3  # of an error of 4 beside 15
    assert {"km", "kind"} <= set(formula.used)


@pytest.mark.slow
@judged_by_own_rows
def test_standard_errors_are_those_of_rows_that_share_an_error():
    frame, law, _, day = trips(1)
    rng = np.random.default_rng(2)
    frame, law = frame[["km", "temperature"]], law - 8 * (frame["kind"] == "tank")
    minutes = law + 15 * rng.standard_normal(60)[day] + 4 * rng.standard_normal(len(day))
    model = KANRegressor((), seed=0, log_target=False).fit(frame, minutes.rename("minutes"), groups=day)
    formula = model.to_formula(frame, minutes, min_r2=0.0)
    design = np.column_stack([np.ones(len(day)), frame])
    inverse = np.linalg.inv(covariance_of_errors(day, np.ones(len(day)), 15.0**2 / 4.0**2))
    expected = 4.0 * np.sqrt(np.diag(np.linalg.inv(design.T @ inverse @ design)))
    by_value = sorted(parameters_of(formula.root).items(), key=lambda item: item[1])
    errors = [formula.covariance.standard_errors[name] for name, _ in by_value]
    assert len(by_value) == 3, formula  # 1.2 · km, 2 · temperature and 30
    # of 60 days the variance that they share is known to 18 %
    np.testing.assert_allclose(errors, expected[[1, 2, 0]], rtol=0.3)


@judged_by_own_rows
def test_sums_of_a_logarithm_come_out_right_although_groups_share_an_error():
    rng = np.random.default_rng(0)
    day = np.repeat(np.arange(80), 15)
    km = pd.DataFrame({"km": rng.uniform(1, 20, len(day))})
    minutes = np.exp(
        0.1 * km["km"] + 0.8 * rng.standard_normal(80)[day] + 0.2 * rng.standard_normal(len(day))
    )
    model = KANRegressor(seed=0, log_target=True).fit(km, minutes.rename("minutes"), groups=day)
    formula = model.to_formula(km, minutes, min_r2=-9.0)
    for predicted in (model.predict(km), formula.evaluate(km)):
        assert predicted.sum() / minutes.sum() == pytest.approx(1.0, abs=0.05)


def test_a_formula_tells_what_rows_of_a_group_share_of_its_errors():
    frame, target, day = days(80, 20, 3)
    table = frame.assign(minutes=target, day=day)
    train, test = table[day < 60], table[day >= 60]
    model = KANRegressor((), log_target=False, seed=0)
    model.fit(train[["temperature", "km"]], train["minutes"], groups=train["day"])
    formula = model.to_formula(test)
    noise = formula.fit.errors.noise_shape
    # 80 days of both parts: the standard error of the share is about 0.05
    assert noise.share == pytest.approx(0.7, abs=0.15)
    assert (noise.by, noise.groups) == ("day", 80)
    assert type(formula).from_json(formula.to_json()) == formula
    # without the column the days learned from tell it alone
    assert model.to_formula(test.drop(columns="day")).fit.errors.noise_shape.share == pytest.approx(
        0.7, abs=0.15
    )


def test_the_last_bits_in_which_machines_differ_choose_no_other_rows() -> None:
    draws = np.random.default_rng(5)
    groups = np.repeat(np.arange(60), 30)
    inputs = draws.uniform(1.0, 9.0, (len(groups), 2))
    residual = draws.normal(size=60)[groups] + draws.normal(size=len(groups))
    weights = np.ones(len(groups))

    def order_on(machine: float) -> list[int]:
        rounding = 1.0 + machine * draws.uniform(-1.0, 1.0, len(groups))
        shared = SharedErrors.of(residual * rounding**2, weights, groups)
        target = np.log(inputs).sum(axis=1) * (1.0 + 2e-16 * rounding) - shared.common
        return order_of_rows(inputs, target).tolist()

    assert all(order_on(1e-9) == order_on(0.0) for _ in range(5))
