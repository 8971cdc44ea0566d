from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from kanopt.kan.description import Network
from kanopt.kan.links import Link, Logistic, Softplus
from kanopt.surrogates import KANRegressor
from kanopt.surrogates.diagnostics import attribution_of, sample_of, structure_of, surface_of
from kanopt.surrogates.encoding import Feature, FeatureEncoding
from kanopt.surrogates.law import NetworkLaw
from tests.cases.law_search_networks import additive, layer, line, through_sum, times

Floats = NDArray[np.float64]


def law_of(
    network: Network,
    features: tuple[Feature, ...],
    numbers: Floats,
    codes: NDArray[np.int64] | None = None,
    *,
    log_target: bool = False,
    deviation: float = 0.0,
) -> NetworkLaw:
    """A law with a known network; every parameter has the same standard deviation."""
    return NetworkLaw(
        encoding=FeatureEncoding(features),
        network=network,
        log_target=log_target,
        smearing=1.5 if log_target else 1.0,
        loss="squared",
        covariance=deviation**2 * np.eye(network.parameters.size),
        variance=0.01,
        edf=3.0,
        residuals=np.zeros(0),
        residual_weights=np.zeros(0),
        smoothing=np.zeros(0),
        numbers=numbers,
        codes=np.zeros((len(numbers), 0), dtype=np.int64) if codes is None else codes,
        importance=np.zeros(0),
        measures={},
    )


def power_law(deviation: float = 0.0) -> NetworkLaw:
    """1.5 · km^0.7 · t^0.7."""
    numbers = np.log(np.random.default_rng(0).uniform(1.0, 9.0, (200, 2)))
    features = tuple(Feature(name, "number", log=True, low=1.0, high=9.0) for name in ("km", "t"))
    network = additive(times(0.7), times(0.7))
    return law_of(network, features, numbers, log_target=True, deviation=deviation)


def test_a_power_law_is_a_product_in_the_units_of_the_target() -> None:
    found = structure_of(power_law())
    assert found.modules("multiplicative") == (("km",), ("t",))
    assert found.modules("additive") == (("km", "t"),)
    held = found.supported[["test", "first", "second"]].values.tolist()
    assert ["x * y", "km", "t"] in held
    assert str(found).splitlines() == [
        "no sum of smaller parts",
        "product of f(km) × f(t)",
        "km * t enters as one (strength 1.00)",
    ]


def test_noise_comes_from_the_covariance() -> None:
    exact, noisy = (structure_of(power_law(deviation)).tests for deviation in (0.0, 0.02))
    assert exact["noise"].max() == 0.0
    assert (
        noisy.loc[noisy["test"] == "multiplicative", "noise"].item() < 1e-9
    )  # no parameters break an additive log
    assert (noisy.loc[noisy["test"] != "multiplicative", "noise"] > 0.05).all()
    twice = structure_of(power_law(0.04)).tests
    assert np.allclose(twice["noise"], 2.0 * noisy["noise"], rtol=0.05, atol=1e-9)
    assert np.allclose(
        structure_of(power_law(0.02)).tests["noise"], noisy["noise"]
    )  # the same draws every time


def test_rows_outside_the_domain_are_left_out() -> None:
    law = power_law()
    far = np.full((50, 2), 30.0)
    rows = (np.vstack([law.numbers, far]), np.zeros((len(law.numbers) + 50, 0), dtype=np.int64))
    assert structure_of(law, rows).tests.equals(structure_of(law).tests)
    with pytest.raises(ValueError, match="got 0"):
        structure_of(law, (far, rows[1][:50]))


def test_attribution_of_a_law_names_its_columns() -> None:
    rng = np.random.default_rng(0)
    numbers, codes = rng.uniform(0.0, 1.0, (100, 2)), rng.integers(0, 2, (100, 1))
    features = (
        Feature("hour", "cycle", scale=24.0, low=0.0, high=24.0),
        Feature("mode", "category", categories=("air", "road")),
        Feature("km", "number", scale=10.0, low=0.0, high=10.0),
    )
    network = Network(
        (layer([[line]], cycles=[[lambda z: np.sin(2 * np.pi * z)]], tables=([[0.0], [9.0]],)),),
    )
    law = law_of(network, features, numbers, codes)
    frame = attribution_of(law, output="cost").features
    assert frame["feature"].tolist() == ["mode", "hour", "km"]
    few = attribution_of(law, (numbers[:10], codes[:10])).features
    assert few["score"].iloc[0] == pytest.approx(9.0 * codes[:10, 0].std())
    assert attribution_of(replace(law, log_target=True), output="cost").nodes["node"].iloc[-1] == "log cost"
    sample = sample_of(law.encoding, numbers, codes)
    assert sample.names == ("km", "hour")
    assert sample.periodic.tolist() == [False, True]
    assert np.allclose(sample.values, numbers * [10.0, 24.0])
    tests = set(structure_of(law).tests["test"])
    assert tests == {
        "additive",
        "multiplicative",
        "joint",
    }  # an hour has no sums and products with a distance


@pytest.mark.parametrize("link", [Softplus(scale=0.7), Logistic(low=-1.0, high=3.0)])
def test_links_are_differentiated_twice(link: Link) -> None:
    numbers = np.random.default_rng(0).uniform(0.5, 1.5, (100, 2))
    features = tuple(Feature(name, "number", low=0.5, high=1.5) for name in "xy")
    law = replace(law_of(through_sum(np.sin, line, line), features, numbers), link=link)
    surface = surface_of(law)
    found = surface.derivatives(numbers, law.codes)
    assert np.allclose(found.values, law.predict(numbers, law.codes))
    step = 1e-5
    for column in range(2):
        move = step * np.eye(2)[column]
        up, down = (surface.derivatives(numbers + sign * move, law.codes) for sign in (1.0, -1.0))
        assert np.allclose(found.gradient[:, column], (up.values - down.values) / (2 * step), atol=1e-8)
        assert np.allclose(found.hessian[:, column], (up.gradient - down.gradient) / (2 * step), atol=1e-6)
    held = structure_of(law).supported[["test", "first", "second"]].values.tolist()
    assert ["x + y", "x", "y"] in held


def test_an_unknown_link_is_refused() -> None:
    @dataclass(frozen=True)
    class Twice(Link):
        def __call__(self, output: Any) -> Any:
            return 2.0 * output

        def slope(self, output: Any) -> Any:
            return 2.0 + 0.0 * output

    with pytest.raises(TypeError, match="Twice"):
        structure_of(replace(power_law(), log_target=False, link=Twice()))


def test_structure_is_found_in_noisy_rows() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.uniform(0.5, 2.0, (400, 3)), columns=["x", "y", "z"])
    clean = (rows["x"] + rows["y"]) ** 2 + np.sin(3 * rows["z"])
    target = pd.Series(clean + 0.05 * clean.std() * rng.normal(size=400), name="cost")
    model = KANRegressor(hidden=(2,), log_target=False, log_features=[], loss="squared", starts=4)
    law = model.fit(rows, target)._law
    found = structure_of(law)
    assert found.modules() == (("x", "y"), ("z",))
    assert ["x + y", "x", "y"] in found.supported[["test", "first", "second"]].values.tolist()
    shares = attribution_of(law).features.set_index("feature")["share"]
    assert shares["x"] == pytest.approx(shares["y"], rel=0.15)
    assert shares["z"] < 0.5 * shares["x"]
