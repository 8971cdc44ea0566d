"""Any table gives a law with finite values, or an error that says why it cannot."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt import KanoptWarning, KANRegressor
from kanopt.errors import FitError

pytestmark = [
    pytest.mark.filterwarnings("ignore::kanopt.DomainWarning"),  # laws are asked far beyond their data too
]
SCALES = st.integers(-9, 9).map(lambda power: 10.0**power)
SEEDS = st.integers(0, 2**20)
COLUMNS = (
    "uniform",
    "lognormal",
    "integers",
    "ties",
    "almost constant",
    "outlier",
    "timestamps",
    "text",
    "truth",
    "identifiers",
)
TARGETS = (
    "signal",
    "noise",
    "constant",
    "almost constant",
    "huge",
    "tiny",
    "zeros",
    "negative",
    "positive",
    "outlier",
    "two values",
)
RANGES = 3.0
"""Ranges of the target by which a prediction for a training row may leave it."""


def column(kind, scale, rows, rng):
    values = {
        "uniform": lambda: scale * (rng.choice([0.0, 1.0, 1e6]) + rng.uniform(-1, 1, rows)),
        "lognormal": lambda: scale * np.exp(2 * rng.normal(size=rows)),
        "integers": lambda: rng.integers(-5, 20, rows),
        "ties": lambda: scale * rng.integers(0, 3, rows),
        "almost constant": lambda: scale * (1.0 + 1e-6 * (np.arange(rows) == rows // 2)),
        "outlier": lambda: scale * np.where(np.arange(rows) == rows // 3, 1e6, rng.normal(size=rows)),
        "timestamps": lambda: 1_700_000_000_000_000_000 + 3_600_000_000_000 * rng.integers(0, 5000, rows),
        "text": lambda: rng.choice(list("abc"), rows),
        "truth": lambda: rng.choice([True, False], rows),
        "identifiers": lambda: np.array([f"row {row}" for row in range(rows)]),
    }
    return values[kind]()


def target(kind, frame, rng):
    rows = len(frame)
    numbers = frame.select_dtypes("number").astype(float)
    signal = ((numbers - numbers.mean()) / numbers.std().replace(0.0, 1.0)).sum(axis=1).fillna(0.0).to_numpy()
    noisy = signal + 0.3 * rng.normal(size=rows)
    values = {
        "signal": lambda: signal,
        "noise": lambda: rng.normal(size=rows),
        "constant": lambda: np.full(rows, rng.choice([0.0, 3.0, -1e5, 1e-9])),
        "almost constant": lambda: 1.0 + 1e-9 * noisy,
        "huge": lambda: 1e9 * noisy,
        "tiny": lambda: 1e-9 * noisy,
        "zeros": lambda: np.maximum(noisy, 0.0),
        "negative": lambda: -np.exp(0.5 * noisy),
        "positive": lambda: np.exp(np.clip(noisy, -9, 9)),
        "outlier": lambda: np.where(np.arange(rows) == rows // 2, 1e6, noisy),
        "two values": lambda: np.sign(noisy),
    }
    return pd.Series(values[kind](), name="y")


@st.composite
def tables(draw, columns=COLUMNS, targets=TARGETS, least=4):
    """A table of 4 to 60 rows and 1 to 4 columns, some of them copies or multiples of others, and a target."""
    rows = draw(st.sampled_from([row for row in (4, 5, 6, 8, 12, 20, 40, 60) if row >= least]))
    rng = np.random.default_rng(draw(SEEDS))
    kinds = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=4))
    frame = pd.DataFrame({f"c{i}": column(kind, draw(SCALES), rows, rng) for i, kind in enumerate(kinds)})
    numbers = frame.select_dtypes("number").columns
    relation = draw(st.sampled_from(["none", "copy", "line"]))
    if len(numbers) > 1 and relation != "none":
        first = frame[numbers[0]]
        frame[numbers[-1]] = first if relation == "copy" else 2.0 * first + 1.0
    return frame, target(draw(st.sampled_from(targets)), frame, rng)


def number(frame):
    """Name of the first numeric column, or of the first column."""
    return next(iter([*frame.select_dtypes("number").columns, *frame.columns]))


SIGNS = st.sampled_from([-1, 1])
OPTIONS = {
    "plain": lambda frame, y: st.just({}),
    "shapes": lambda frame, y: st.one_of(
        st.builds(lambda sign: {"monotone": {number(frame): sign}}, SIGNS),
        st.just({"positive": True}),
        st.sampled_from([{"bounds": (0.0, 1.0)}, {"bounds": (y.min() - 1.0, y.max() + 1.0)}]),
    ),
    "scales": lambda frame, y: st.one_of(
        st.builds(lambda period: {"periodic": {number(frame): period}}, st.sampled_from([1e-3, 7.0, 1e6])),
        st.sampled_from([{"log_target": bool(y.min() > 0)}, {}]),
        st.just({"log_features": [number(frame)] if frame[number(frame)].dtype == "float64" else []}),
    ),
    "training": lambda frame, y: st.one_of(
        st.builds(lambda loss: {"loss": loss}, st.sampled_from(["huber", "tukey"])),
        st.builds(lambda size: {"smoothing": size}, st.sampled_from([0.0, 1e6])),
        st.sampled_from([{"precision": "mixed"}, {"grid_size": 1}, {"grid_size": 20}]),
    ),
}


@st.composite
def cases(draw, group):
    """A table, weights and arguments."""
    frame, y = draw(tables())
    arguments = {
        "hidden": draw(st.sampled_from([(), (1,), (2,), "auto"])),
        "starts": draw(st.integers(1, 2)),
        "seed": draw(st.integers(0, 3)),
        **draw(OPTIONS[group](frame, y)),
    }
    rng = np.random.default_rng(draw(SEEDS))
    if arguments.get("missing"):
        frame[number(frame)] = frame[number(frame)].where(rng.random(len(frame)) > 0.3)
    weighted = draw(st.sampled_from([False, False, True]))
    weights = rng.choice([0.0, 1.0, 1.0, 1e-6, 1e6], len(frame)) if weighted else None
    return frame, y, weights, arguments


def far(frame, ranges=10.0):
    """Rows far outside, on both sides; positive columns stay positive."""
    moved = frame.copy()
    for name in frame.select_dtypes("number"):
        low, high = float(frame[name].min()), float(frame[name].max())
        below = low - ranges * (high - low)
        above = np.arange(len(frame)) % 2 == 0
        moved[name] = np.where(above, high + ranges * (high - low), abs(below) if low > 0 else below)
    return moved


def fitted(frame, y, weights, arguments):
    """Return the model, or None where the fit is refused in words that name something of the case."""
    try:
        return KANRegressor(**arguments).fit(frame, y, weights)
    except FitError as error:
        words = str(error)
    assert any(name in words for name in (*frame.columns, *arguments, "n_samples")), words
    return None


def check(model, frame):
    predicted = model.predict(frame)
    assert np.isfinite(predicted).all()
    beyond = far(frame)
    assert np.isfinite(model.predict(beyond)).all()
    for rows in (frame, beyond):
        interval = model.predict_interval(rows)
        assert np.isfinite(interval[["lower", "prediction", "upper"]].to_numpy()).all()
        assert (interval["lower"] <= interval["upper"]).all()
    assert np.isfinite(model.effects(grid=5).frame["effect"].astype(float)).all()
    assert not model.predict_interval(frame)["outside"].any()
    assert "effective parameters" in str(model.summary())
    return predicted


@pytest.mark.slow
@pytest.mark.parametrize("group", list(OPTIONS))
def test_any_table_gives_a_finite_law_or_an_error_in_words(group):
    fits = 0

    @settings(max_examples=10, deadline=None)
    @given(cases(group))
    def run(case):
        nonlocal fits
        frame, y, weights, arguments = case
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", KanoptWarning)  # "default" would print them all at the end
            model = fitted(frame, y, weights, arguments)
            if model is None:
                return
            fits += 1
            used = frame if weights is None else frame[weights > 0]
            predicted = check(model, used)
            if arguments["seed"] % 2:  # that a fit repeats itself is seen on every other table
                again = KANRegressor(**arguments).fit(frame, y, weights)
                assert np.array_equal(again.predict(used), predicted)
        if weights is None and group == "plain":
            width = max(np.ptp(y), 1e-9 * y.abs().max())
            assert (predicted >= y.min() - RANGES * width).all()
            assert (predicted <= y.max() + RANGES * width).all()

    run()
    assert fits >= 5


NUMBERS = ("uniform", "lognormal", "integers", "ties", "outlier")


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [(), (2,)])
@settings(max_examples=8, deadline=None)
@given(table=tables(NUMBERS, ("noise", "zeros", "negative", "positive"), least=12), seed=st.integers(0, 3))
def test_units_of_columns_and_of_the_target_do_not_matter(hidden, table, seed):
    frame, y = table
    arguments = {"hidden": hidden, "log_target": False, "log_features": [], "starts": 1, "seed": seed}
    model = fitted(frame, y, None, arguments)
    if model is None:
        return
    first = frame.columns[0]
    scaled = frame.assign(**{first: 1e9 * frame[first]})
    rescaled = KANRegressor(**arguments).fit(scaled, 1e-9 * y)
    np.testing.assert_allclose(
        1e9 * rescaled.predict(scaled), model.predict(frame), rtol=1e-6, atol=1e-6 * y.std()
    )


def wave(rows=40):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.uniform(1, 2, rows), "b": rng.normal(size=rows)})
    return frame, (np.sin(3 * frame["a"]) + 0.1 * frame["b"]).rename("y")


@pytest.mark.parametrize("hidden", [(), (2,)])
@pytest.mark.parametrize("size", [1e-320, 1e-300, 1e-100, 1e12, 1e50])
def test_columns_of_any_size_give_the_same_law(hidden, size):
    frame, y = wave()
    model = KANRegressor(hidden, starts=2).fit(frame.assign(a=size * frame["a"]), y)
    assert np.abs(check(model, frame.assign(a=size * frame["a"])) - y).max() < 0.01


@pytest.mark.parametrize("hidden", [(), (2,)])
@pytest.mark.parametrize("factor", [1e-140, 1e-100, 1e-12, 1e12, 1e58])
def test_targets_of_any_size_give_the_same_law(hidden, factor):
    frame, y = wave()
    model = KANRegressor(hidden, starts=2).fit(frame, factor * y)
    assert np.abs(check(model, frame) / factor - y).max() < 0.01


@pytest.mark.parametrize("offset", [1e6, 1e12, 1e15])
def test_large_offsets_leave_a_law(offset):
    frame, y = wave()
    model = KANRegressor(()).fit(frame.assign(a=offset + 1000 * frame["a"]), offset + 1000 * y)
    error = np.abs(check(model, frame.assign(a=offset + 1000 * frame["a"])) - offset - 1000 * y)
    assert error.max() < 10.0 + 4.0 * np.spacing(offset)


@pytest.mark.parametrize("value", [1e300, -1e100, 1.7e308])
def test_numbers_too_large_for_their_powers_are_refused(value):
    frame, y = wave()
    with pytest.raises(FitError, match=r"column 'a': row 3 holds .* larger unit"):
        KANRegressor().fit(frame.assign(a=frame["a"].where(frame.index != 3, value)), y)
    with pytest.raises(FitError, match=r"target 'y': row 3 holds .* larger unit"):
        KANRegressor().fit(frame, y.where(y.index != 3, value))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full(40, 2.5), "column 'a' is constant"),
        (np.arange(40) + 1j, "column 'a' holds complex numbers"),
        (pd.Series([[1], [2]] * 20), "column 'a' holds values that are neither numbers nor categories"),
        (pd.date_range("2024-01-01", periods=40), "column 'a' holds Timestamp values"),
        (np.where(np.arange(40) == 7, np.nan, 1.0), "column 'a': 1 missing"),
        (np.where(np.arange(40) == 7, np.inf, 1.0), "column 'a': 1 infinite"),
        (1_700_000_000_000_000_000 + np.arange(40), "column 'a' is constant"),
    ],
)
def test_columns_that_no_law_can_be_learned_from_are_refused(values, message):
    frame, y = wave()
    with pytest.raises(FitError, match=message):
        KANRegressor().fit(frame.assign(a=values), y)


def test_tables_without_columns_are_refused():
    frame, y = wave()
    with pytest.raises(FitError, match="no columns"):
        KANRegressor().fit(frame[[]], y)


def test_a_law_of_a_constant_has_no_r2():
    frame, _ = wave()
    model = KANRegressor(()).fit(frame, np.full(40, 3.0))
    assert np.isnan(model.summary().fit.loc["training", "r2"])
    np.testing.assert_allclose(model.predict(frame), 3.0)
