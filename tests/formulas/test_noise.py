"""The distribution of errors around a law, and what rows of a group share of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from kanopt.formulas import ErrorModel
from kanopt.formulas.error_model import Noise


def grouped(groups: int, rows: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(groups), rows)
    errors = np.sqrt(share) * rng.standard_normal(groups)[codes]
    return errors + np.sqrt(1.0 - share) * rng.standard_normal(len(codes)), codes


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_the_share_of_groups_is_found(share: float) -> None:
    errors, codes = grouped(400, 15, share, 1)
    noise = Noise.of(errors, codes, by="day")
    # standard error of the intraclass correlation of 400 groups of 15 (Donner 1986): below 0.025
    assert noise.share == pytest.approx(share, abs=0.06)
    assert (noise.by, noise.groups) == ("day", 400)
    assert noise.usual == pytest.approx(1.0, abs=0.06)


def test_gross_errors_are_told_from_those_of_a_bad_day() -> None:
    errors, codes = grouped(300, 20, 0.8, 2)
    wild = np.random.default_rng(3).permutation(len(errors)) < 60
    noise = Noise.of(errors + 12.0 * wild, codes, by="day")
    assert noise.gross_share == pytest.approx(0.01)
    assert noise.share == pytest.approx(0.8, abs=0.06)
    drawn = noise.own((200_000,), np.random.default_rng(0))
    assert (drawn > 6.0).mean() == pytest.approx(0.01, rel=0.1)
    assert noise.without_gross().own((200_000,), np.random.default_rng(0)).max() < 3.0


@given(st.sampled_from([0.9, 0.95, 0.99]), st.integers(0, 50))
def test_a_quantile_covers_fresh_rows_of_a_skew_distribution(level: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    learned, fresh = rng.gamma(3.0, 1.0, (2, 4000))
    drawn = Noise.of(learned - 3.0).own((200_000,), np.random.default_rng(0))
    covered = float((fresh <= np.quantile(drawn, level) + 3.0).mean())
    # both samples have a binomial error of √(q (1 − q) / 4000); five of both together
    assert abs(covered - level) < 5.0 * np.sqrt(2.0 * level * (1.0 - level) / 4000)


def test_sums_of_errors_know_what_places_share() -> None:
    """Against brute force: a hundred legs of one day, whose errors do not average out."""
    model = ErrorModel(0.0, 1.0, (0.0, 0.0, 0.0), 0.2, 1.0, 10.0, 100, Noise(share=0.4, by="day"))
    predicted, rng = np.full(100, 10.0), np.random.default_rng(6)
    shared = np.sqrt(0.4) * rng.standard_normal((20_000, 1))
    drawn = 2.0 * (shared + np.sqrt(0.6) * rng.standard_normal((20_000, 100)))
    mean, variance = model.total(predicted, np.ones(100))
    assert mean == 0.0
    assert np.sqrt(variance) == pytest.approx(drawn.sum(axis=1).std(), rel=0.02)
    assert model.draw(predicted, 20_000, rng).sum(axis=1).std() == pytest.approx(np.sqrt(variance), rel=0.02)
    alone = replace(model, noise_shape=None)
    assert alone.total(predicted, np.ones(100))[1] == pytest.approx(400.0)


@pytest.mark.parametrize(("groups", "rows", "share"), [(100, 50, 0.8), (20, 5, 0.1), (10, 4, 0.3)])
def test_a_promise_holds_on_average_over_logs_however_small_their_groups_are(
    groups: int, rows: int, share: float
) -> None:
    """Twenty legs of a fresh day, whose time is normal with a known deviation, under the doubt of many logs."""
    legs, rng, level = 20, np.random.default_rng(8), 0.95
    deviation = np.sqrt(share * legs**2 + (1.0 - share) * legs)
    held = []
    for log in range(150):
        noise = Noise.of(*grouped(groups, rows, share, 1000 + log), by="day")
        assert noise.group_size == rows
        alone = np.sqrt((1.0 - noise.share) * legs) * noise.usual * rng.standard_normal(2000)
        day = legs * noise.draw_common(2000, rng) * rng.standard_normal(2000) + alone
        held.append(norm.cdf(np.quantile(day, level) / deviation))
    # deviations of the share between logs are 0.016 to 0.06: three standard errors of the mean
    assert np.mean(held) == pytest.approx(level, abs=0.003 + 3.0 * np.std(held) / np.sqrt(150))
    assert np.mean(held) > 0.935
