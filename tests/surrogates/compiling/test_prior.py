"""A law that is known, corrected by rows: little is said by few, much by many, and nothing beyond them."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from kanopt import (
    FileFormatError,
    FitError,
    Formula,
    FormulaError,
    KANRegressor,
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas import Product
from kanopt.surrogates.compiling import PriorRegressor
from kanopt.surrogates.compiling.fading import FADE
from kanopt.tables import with_units

INPUTS = [
    Variable("t0", "min", low=2, high=10),
    Variable("flow", low=1, high=25),
    Variable("cap", low=5, high=25),
]


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
    time = RIGHT.evaluate(frame) * np.exp(noise * rng.normal(size=rows))
    return frame, pd.Series(time, name="t")


def rmse(predicted, actual):
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


@pytest.fixture(scope="module")
def test_rows():
    return links(1000, 99, noise=0.0)


@pytest.fixture(scope="module")
def corrected():
    return KANRegressor.from_formula(WRONG, hidden=(), scale="additive").fit(*links(30, 1))


@pytest.fixture(scope="module")
def network():
    """The network of the prior, on few cells."""
    return KANRegressor.from_formula(WRONG, refine="network", tolerance=0.02, seed=1).fit(*links(30, 1))


def test_before_a_fit_it_is_the_prior(test_rows):
    frame, time = test_rows
    model = KANRegressor.from_formula(WRONG)
    assert isinstance(model, KANRegressor)
    np.testing.assert_array_equal(model.predict(frame), WRONG.evaluate(frame))
    np.testing.assert_array_equal(model.predict(frame.assign(other=1)), WRONG.evaluate(frame))
    np.testing.assert_array_equal(model.predict(frame.to_numpy()), WRONG.evaluate(frame))
    summary = model.summary((frame, time))
    assert summary.structure.startswith("the prior as it is, no rows seen; network with 2 + 1 hidden nodes")
    assert summary.fit.index.tolist() == ["network against the formula", "held out"]
    assert summary.fit.loc["network against the formula", "rmse"] < 0.05
    assert model.encoding_.names == ("t0", "flow", "cap")
    formula = model.to_formula((frame, time))
    assert formula.root == WRONG.root
    assert formula.provenance["prior"] == "t0 · (1 + 0.1 · (flow / cap)^4)"
    assert formula.provenance["correction"] == "none, no rows were seen"
    assert formula.fit.rows_train == 0
    assert len(model.diagram().layers) == 4
    assert model.verify(monotone={"t0": +1})["verdict"].tolist() == ["proved"]
    assert set(model.effects(grid=3)["feature"]) == {"t0", "flow", "cap"}
    assert model.outside(frame.head(1).assign(flow=90.0))["columns"].tolist() == ["flow"]


def test_intervals_of_a_prior_need_rows(test_rows, corrected):
    frame, _ = test_rows
    model = KANRegressor.from_formula(WRONG)
    with pytest.raises(FitError, match=r"seen no rows.*calibration=\(X, y\)"):
        model.predict_interval(frame)
    rows, target = links(200, 5)
    for each in (model, corrected):
        interval = each.predict_interval(rows, 0.9, calibration=links(400, 6))
        assert 0.8 < target.between(interval["lower"], interval["upper"]).mean() < 0.97
    inside = ~corrected.outside(rows)["outside"]
    interval = corrected.predict_interval(rows[inside], 0.9)
    assert 0.75 < target[inside].between(interval["lower"], interval["upper"]).mean() < 1.0
    assert not interval["outside"].any()


@pytest.mark.filterwarnings("ignore::kanopt.DomainWarning")  # some rows are beyond the thirty
def test_thirty_rows_are_better_than_the_prior_and_than_a_law_from_scratch(test_rows):
    frame, time = test_rows
    for seed in (1, 2):
        rows = links(30, seed)
        model = KANRegressor.from_formula(WRONG, seed=1).fit(*rows)
        scratch = KANRegressor(seed=1).fit(*rows)
        inside = ~model.outside(frame)["outside"].to_numpy()
        found, prior, alone = (
            rmse(predict(frame[inside]), time[inside])
            for predict in (model.predict, WRONG.evaluate, scratch.predict)
        )
        assert found < 0.35 * min(prior, alone)
        assert rmse(model.predict(frame), time) < 0.5 * min(
            rmse(WRONG.evaluate(frame), time), rmse(scratch.predict(frame), time)
        )


def test_few_noisy_rows_leave_a_right_prior_as_it_is(test_rows):
    frame, _ = test_rows
    stayed = []
    for seed in range(4):
        model = KANRegressor.from_formula(RIGHT, scale="additive").fit(*links(20, seed, noise=0.2))
        stayed.append(model.formula_.root == RIGHT.root)
        assert rmse(model.predict(frame), RIGHT.evaluate(frame)) < 1.2  # the noise is 1.7
    assert sum(stayed) >= 3
    assert model.alternatives_["chosen"].sum() == 1


def test_many_rows_are_followed_as_well_as_from_scratch(test_rows):
    frame, time = test_rows
    rows = links(2_000, 4)
    model = KANRegressor.from_formula(WRONG, hidden=(), scale="additive").fit(*rows)
    scratch = KANRegressor(hidden=(2,), log_target=True, starts=1, grid_size=5, seed=1).fit(*rows)
    assert rmse(model.predict(frame), time) < min(0.02, rmse(scratch.predict(frame), time))


def test_beyond_the_rows_it_is_the_prior_again(corrected):
    frame, _ = links(30, 1)
    middle = frame.median()
    for name in frame:
        low, high = frame[name].min(), frame[name].max()
        margin = FADE * (high - low)
        beyond = pd.DataFrame([middle.to_dict()] * 4).assign(
            **{name: [low - 1.01 * margin, low - 2 * margin, high + 1.01 * margin, 5 * high]}
        )
        np.testing.assert_allclose(corrected.predict(beyond), WRONG.evaluate(beyond), rtol=1e-12)
    assert corrected.predict(middle.to_frame().T)[0] != WRONG.evaluate(middle.to_frame().T)[0]


def test_beyond_may_be_the_law(test_rows):
    frame, time = test_rows
    model = KANRegressor.from_formula(WRONG, beyond="law", hidden=()).fit(*links(30, 1, noise=0.0))
    assert str(model.formula_) == "t0 + 0.15 · t0 · (flow / cap)^4"
    np.testing.assert_allclose(model.predict(frame), time, rtol=1e-3)


def test_the_formula_says_where_it_comes_from(corrected, test_rows):
    frame, time = test_rows
    formula = corrected.to_formula(frame.assign(t=time), per="link")
    np.testing.assert_array_equal(formula.evaluate(frame), corrected.predict(frame))
    assert formula.provenance["prior"] == "t0 · (1 + 0.1 · (flow / cap)^4)"
    assert formula.provenance["correction"] == "learned on 30 rows: terms of the prior"
    assert (formula.per, formula.output.name, formula.output.unit) == ("link", "t", "min")
    assert formula.fit.rows_train == 30
    assert [each.chosen for each in formula.alternatives].count(True) == 1
    assert formula.domain.range_of("flow").high == links(30, 1)[0]["flow"].max()
    assert Formula.from_json(formula.to_json()).root == formula.root
    with pytest.raises(FormulaError, match=r"is below 0\.999999"):
        corrected.to_formula((frame, time), min_r2=0.999999)
    with pytest.raises(FitError, match="no column 'flow'"):
        corrected.to_formula(frame.drop(columns="flow").assign(t=time))
    with pytest.raises(FitError, match="gives min, and the rows hold 't' in h"):
        corrected.to_formula(with_units(frame.assign(t=time), {"t": "h"}))


def test_the_network_is_the_law_among_the_rows(corrected):
    frame, _ = links(30, 1)
    numbers, codes = corrected.encoding_.transform(frame[list(corrected.encoding_.names)])
    np.testing.assert_allclose(corrected._law.predict(numbers, codes), corrected.predict(frame), atol=0.05)
    assert corrected.summary().fit.index.tolist() == ["prior", "training", "left out"]
    assert corrected.attribution().features["feature"].tolist()
    assert corrected.verify(monotone={"t0": +1}).loc[0, "verdict"] == "proved"


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
    return frame, cost.rename("cost")


def test_columns_the_prior_does_not_know_play_a_part():
    frame, cost = trips()
    prior = parse_formula("2 * km^0.9", [Variable("km")], Variable("cost"))
    model = KANRegressor.from_formula(prior, periodic={"hour": 24}, hidden=(), scale="factor").fit(
        frame, cost
    )
    test, actual = trips(seed=1)
    assert rmse(np.log(model.predict(test)), np.log(actual)) < 0.05
    assert set(model.encoding_.names) == {"km", "vehicle", "hour"}
    row = test.head(1)
    assert model.predict(row.assign(hour=row["hour"] + 24))[0] == pytest.approx(model.predict(row)[0])
    # a vehicle that was not seen has the effect of none
    unknown = model.predict(pd.concat([row.assign(vehicle=v) for v in ("bike", "tram", "truck")]))
    assert unknown[0] < unknown[1] < unknown[2]
    assert model.formula_.evaluate(test) == pytest.approx(model.predict(test))


def test_exponents_are_corrected():
    frame, cost = trips()
    rate = Table.of({"van": 1.0, "truck": 1.5, "bike": 0.6}, "vehicle")
    base = parse_formula("2 * km^0.9", [Variable("km", low=1, high=90)], Variable("cost"))
    inputs = (*base.inputs, Variable("vehicle", kind="category"))
    prior = Formula(Product((base.root, rate)), inputs, base.output)
    model = KANRegressor.from_formula(prior, hidden=(), beyond="law", scale="factor").fit(
        frame[["km", "vehicle"]], cost
    )
    low, high = model.predict(pd.DataFrame({"km": [5.0, 50.0], "vehicle": "van"}))
    assert np.log10(high / low) == pytest.approx(0.8, abs=0.03)
    assert model.predict(pd.DataFrame({"km": [5.0], "vehicle": ["truck"]}))[0] / low == pytest.approx(
        1.5, abs=0.05
    )


def test_a_network_learns_what_curves_cannot():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.uniform(-1, 1, 400), "b": rng.uniform(-1, 1, 400)})
    truth = 3 + frame["a"] + 2 * frame["a"] * frame["b"]
    prior = parse_formula("3 + a", [Variable("a"), Variable("b")], Variable("y"))
    target = (truth + 0.05 * rng.normal(size=400)).rename("y")
    train, test = slice(0, 250), slice(250, None)
    model = KANRegressor.from_formula(prior, starts=2, scale="additive", seed=1).fit(
        frame[train], target[train]
    )
    assert "network" in model._learned.what
    assert rmse(model.predict(frame[test]), truth[test]) < 0.05
    formula = model.to_formula((frame[test], target[test]))
    assert rmse(formula.evaluate(frame[test]), truth[test]) < 0.05
    plain = KANRegressor.from_formula(prior, hidden=(), scale="additive").fit(frame[train], target[train])
    assert rmse(plain.predict(frame[test]), truth[test]) > 0.5


def test_the_network_of_the_prior_is_trained(test_rows, network, monkeypatch):
    frame, time = test_rows
    model = network
    # the law is to be that of the network, and not one found on the rows beside it
    monkeypatch.setattr("kanopt.surrogates.distill.drafts.closed_law", lambda *_: None)
    assert model.network_.hidden == (2, 1)
    assert rmse(model.predict(frame), time) < 0.5 * rmse(WRONG.evaluate(frame), time)
    np.testing.assert_allclose(
        model._law.predict(*model._encode(frame)), model.predict(frame), rtol=1e-7, atol=1e-7
    )
    formula = model.to_formula((frame, time))
    assert rmse(formula.evaluate(frame), time) < 0.5 * rmse(WRONG.evaluate(frame), time)
    assert formula.provenance["correction"] == "learned on 30 rows: the network of the prior, trained"
    assert all(constant.standard_error is None for constant in formula.constants)
    with pytest.raises(FitError, match=r"no place for column 'lanes'.*refine='correction'"):
        model.fit(links(30, 1)[0].assign(lanes=range(30)), links(30, 1)[1])
    assert model.feature_names_in_.tolist() == ["t0", "flow", "cap"]


def test_the_network_of_a_right_prior_stays():
    model = KANRegressor.from_formula(RIGHT, refine="network", tolerance=0.02).fit(*links(15, 3, noise=0.2))
    assert model.formula_.root == RIGHT.root
    assert model._learned.what == "the prior as it is"


def test_a_power_law_is_trained_as_a_log_target():
    frame, cost = trips()
    prior = parse_formula("2 * km^0.9", [Variable("km", low=1, high=90)], Variable("cost"))
    rate = Table.of({"van": 1.0, "truck": 1.2, "bike": 1.0}, "vehicle")
    law = Formula(
        Product((prior.root, rate)), (*prior.inputs, Variable("vehicle", kind="category")), prior.output
    )
    model = KANRegressor.from_formula(law, refine="network").fit(frame[["km", "vehicle"]], cost)
    assert model.log_target_
    test, actual = trips(seed=1)
    assert model.predict(test).sum() == pytest.approx(actual.sum(), rel=0.03)
    ratio = model.predict(test.assign(vehicle="truck")) / model.predict(test.assign(vehicle="bike"))
    assert ratio.mean() == pytest.approx(2.5, rel=0.1)
    interval = model.predict_interval(test, 0.9)
    assert 0.8 < actual.between(interval["lower"], interval["upper"]).mean() < 0.98


def test_a_prior_without_a_network_predicts_and_learns():
    prior = parse_formula("max(3, 2 * km)", [Variable("km", low=0, high=9)], Variable("cost"))
    model = KANRegressor.from_formula(prior)
    frame = pd.DataFrame({"km": np.linspace(0, 9, 40)})
    np.testing.assert_array_equal(model.predict(frame), prior.evaluate(frame))
    with pytest.raises(FormulaError, match=r"no network to look into: .*a maximum.*formula_ and predict"):
        model.summary()
    model.fit(frame, 1.5 * prior.evaluate(frame))
    assert rmse(model.predict(frame), 1.5 * prior.evaluate(frame)) < 0.01
    assert not hasattr(model, "network_")
    with pytest.raises(FormulaError, match="no network to look into"):
        model.effects()
    with pytest.raises(FormulaError, match="a maximum"):
        KANRegressor.from_formula(prior, refine="network").fit(frame, prior.evaluate(frame))


def test_a_prior_without_ranges_learns_them():
    prior = parse_formula("2 * km", [Variable("km")], Variable("cost"))
    model = KANRegressor.from_formula(prior)
    with pytest.raises(FormulaError, match=r"'km' has no range.*ranges=\{'km': \(low, high\)\}"):
        model.diagram()
    assert KANRegressor.from_formula(prior, ranges={"km": (0, 9)}).network_.hidden == ()
    frame = pd.DataFrame({"km": np.linspace(1, 9, 30)})
    assert model.fit(frame, 2 * frame["km"].rename("cost")).encoding_.numbers[0].high == 9.0


def test_units_of_the_rows_are_those_of_the_prior():
    prior = parse_formula("2 * km", [Variable("km", "km", low=0, high=90)], Variable("cost"))
    km = np.linspace(1, 60, 50)
    frame = with_units(pd.DataFrame({"km": 1000.0 * km}), {"km": "m"})
    for refine in ("correction", "network"):
        model = KANRegressor.from_formula(prior, refine=refine, beyond="law").fit(frame, 3 * km)
        np.testing.assert_allclose(model.predict(frame), 3 * km, rtol=0.01)
        np.testing.assert_allclose(model._law.predict(*model._encode(frame)), 3 * km, rtol=0.01)
        assert model.to_formula((frame, 3 * km)).evaluate({"km": 10.0}) == pytest.approx(30.0, rel=0.01)


def test_copies_of_a_model(corrected, network, tmp_path, test_rows):
    frame, _ = test_rows
    fresh = clone(corrected)
    assert fresh.get_params() == corrected.get_params()
    np.testing.assert_array_equal(fresh.predict(frame), WRONG.evaluate(frame))
    np.testing.assert_array_equal(fresh.fit(*links(30, 1)).predict(frame), corrected.predict(frame))
    for model in (KANRegressor.from_formula(WRONG), corrected, network):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(frame), model.predict(frame))
        model.save(tmp_path / "law.kan")
        loaded = KANRegressor.load(tmp_path / "law.kan")
        assert isinstance(loaded, PriorRegressor)
        np.testing.assert_array_equal(loaded.predict(frame), model.predict(frame))
        assert str(loaded.summary()) == str(model.summary())
        assert loaded.get_params()["prior"].root == WRONG.root
        pd.testing.assert_frame_equal(loaded.outside(frame), model.outside(frame))
        assert loaded.to_formula((frame, RIGHT.evaluate(frame))).root == loaded.formula_.root
    loaded.save(tmp_path / "again.kan")
    pd.testing.assert_frame_equal(
        KANRegressor.load(tmp_path / "again.kan").predict_interval(frame), network.predict_interval(frame)
    )


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("prior", "{}"),
        ("law", 3),
        ("learned", {"what": "x", "rows": 3, "scale": "none"}),
        ("learned", None),
        ("inputs", 4),
        ("prior", None),
    ],
)
def test_damaged_files_are_refused(corrected, tmp_path, part, change):
    import json

    corrected.save(tmp_path / "law.kan")
    with np.load(tmp_path / "law.kan") as archive:
        arrays = {name: archive[name] for name in archive.files}
    header = json.loads(arrays.pop("header").tobytes())
    header[part] = change
    with (tmp_path / "bad.kan").open("wb") as file:
        np.savez_compressed(file, header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), **arrays)
    with pytest.raises(FileFormatError, match=r"bad\.kan"):
        KANRegressor.load(tmp_path / "bad.kan")


def test_it_works_in_pipelines_and_cross_validation():
    frame, time = links(60, 7)
    model = KANRegressor.from_formula(WRONG, hidden=(), scale="additive")
    assert cross_val_score(make_pipeline(model), frame, time, cv=2).min() > 0.9
    assert "prior" in model.get_params()
    assert model.set_params(beyond="law").beyond == "law"


def test_weights_are_copies():
    frame, time = links(40, 8)
    model = KANRegressor.from_formula(WRONG, hidden=(), scale="additive")
    doubled = clone(model).fit(pd.concat([frame, frame]), pd.concat([time, time]))
    weighted = clone(model).fit(frame, time, sample_weight=np.full(40, 2.0))
    zero = clone(model).fit(
        pd.concat([frame, frame.assign(flow=np.nan)]),
        pd.concat([time, time]),
        sample_weight=[1.0] * 40 + [0.0] * 40,
    )
    plain = clone(model).fit(frame, time)
    np.testing.assert_allclose(doubled.predict(frame), weighted.predict(frame), rtol=0.01)
    np.testing.assert_allclose(zero.predict(frame), plain.predict(frame))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"refine": "both"}, r"refine='both' is unknown; use one of 'correction', 'network'"),
        ({"scale": 3}, "scale=3 is unknown"),
        ({"beyond": None}, "beyond=None is unknown"),
        ({"tolerance": 0}, "tolerance=0 must lie between 0 and 1"),
        ({"ranges": {"km": (0, 1)}}, "reads no number 'km'"),
        ({"ranges": {"flow": (3, 1)}}, "no interval from 3 to 1"),
    ],
)
def test_arguments_that_make_no_sense(arguments, message):
    with pytest.raises((FitError, FormulaError), match=message):
        KANRegressor.from_formula(WRONG, **arguments)


def test_what_cannot_be_learned_is_refused(corrected):
    frame, time = links(30, 1)
    model = clone(corrected)
    with pytest.raises(FitError, match=r"prior='t0' must be a Formula"):
        KANRegressor.from_formula("t0")
    with pytest.raises(FitError, match="n_samples = 3"):
        model.fit(frame.head(3), time.head(3))
    with pytest.raises(FormulaError, match="input 'flow' is missing"):
        model.fit(frame.drop(columns="flow"), time)
    with pytest.raises(FormulaError, match="missing values"):
        model.fit(frame.assign(cap=np.nan), time)
    with pytest.raises(FitError, match="'lanes' is constant"):
        model.fit(frame.assign(lanes=2), time)
    with pytest.raises(FitError, match="tables in memory"):
        model.fit("links.parquet", "t")
    with pytest.raises(FitError, match="one law of one target"):
        model.fit(frame, np.column_stack([time, time]))
    with pytest.raises(FitError, match=r"the target is -1 in row 0; use scale='additive'"):
        clone(model).set_params(scale="factor").fit(frame, time.where(time.index != 0, -1.0))
    with pytest.raises(FitError, match=r"reads 3 columns, 't0', 'flow', 'cap'"):
        model.predict(np.ones((2, 2)))
    assert (
        not clone(model)
        .set_params(scale="additive")
        .fit(frame, time.where(time.index != 0, -1.0))
        .log_target_
    )


def test_a_prior_and_a_corrected_law_predict_without_torch(corrected, tmp_path):
    corrected.save(tmp_path / "law.kan")
    code = (
        "import sys, kanopt as ko; law = ko.parse_formula('2 * km', [ko.Variable('km', low=1, high=9)], "
        "ko.Variable('cost')); print(ko.KANRegressor.from_formula(law).effects(2)['effect'].tolist()); "
        f"print(ko.KANRegressor.load(r'{tmp_path / 'law.kan'}').predict([[5.0, 9.0, 9.0]]), 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split()[-1] == "False"
