from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.kan.derivatives import Derivatives
from kanopt.kan.description import Network
from kanopt.surrogates.diagnostics import (
    NetworkSurface,
    Sample,
    SeparabilityTests,
    sample_of,
    structure_tests,
)
from kanopt.surrogates.encoding import Feature, FeatureEncoding
from tests.cases.law_search_networks import additive, layer, line, product, square, through_sum, times

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def uniform(columns: int, low: float = 0.5, high: float = 1.9, n: int = 300) -> Floats:
    return np.random.default_rng(0).uniform(low, high, (n, columns))


def found_in(network: Network, numbers: Floats, names: str = "xyz") -> SeparabilityTests:
    return structure_tests(
        NetworkSurface(network), Sample.of_numbers(tuple(names[: numbers.shape[1]]), numbers)
    )


def held(found: SeparabilityTests) -> set[tuple[str, str, str]]:
    return set(found.supported[["test", "first", "second"]].itertuples(index=False, name=None))


def strength(found: SeparabilityTests, test: str, first: str, second: str = "") -> float:
    frame = found.tests
    chosen = frame[(frame["test"] == test) & (frame["first"] == first) & (frame["second"] == second)]
    return float(chosen["strength"].item())


def test_the_square_of_a_sum_depends_on_the_sum_alone() -> None:
    found = found_in(through_sum(square, line, line), uniform(2))
    assert held(found) == {("x + y", "x", "y")}
    assert strength(found, "x + y", "x", "y") == pytest.approx(1.0, abs=1e-6)
    assert strength(found, "x - y", "x", "y") == 0.0
    assert found.modules() == (("x", "y"),)
    around_zero = found_in(through_sum(square, line, line), uniform(2, -1.0, 1.0))
    assert held(around_zero) == {("x + y", "x", "y")}  # (x + y)² is neither even nor odd in x


def test_the_square_of_a_difference() -> None:
    assert held(found_in(through_sum(square, line, times(-1.0)), uniform(2))) == {("x - y", "x", "y")}
    nearly = found_in(through_sum(square, line, times(1.3)), uniform(2))
    assert held(nearly) == set()
    assert strength(nearly, "x + y", "x", "y") == pytest.approx(1 - 0.3 / 1.3, abs=1e-6)


def test_a_product_is_multiplicative_and_depends_on_the_product() -> None:
    found = found_in(product([line, None], [None, line]), uniform(2))
    assert held(found) == {("multiplicative", "x", "y"), ("x * y", "x", "y")}
    # The same law by quarter squares, from sums alone, and where it changes its sign.
    squares = Network(
        (layer([[line, line], [line, times(-1.0)]]), layer([[times(0.25, square)], [times(-0.25, square)]]))
    )
    assert held(found_in(squares, uniform(2))) == held(found)
    both_signs = found_in(squares, uniform(2, -1.0, 1.0))
    assert held(both_signs) == held(found) | {("odd", "x", ""), ("odd", "y", "")}


def test_x_y_exp_z_is_a_product_over_all_three() -> None:
    first = layer([[None, line, None], [None, None, line], [line, None, None]], products=1)
    second = layer([[None, np.exp], [line, None]], products=1)
    found = found_in(Network((first, second, layer([[line]]))), uniform(3))
    assert found.modules("multiplicative") == (("x",), ("y",), ("z",))
    assert found.modules("additive") == (("x", "y", "z"),)
    pairs = {("x", "y"), ("x", "z"), ("y", "z")}
    expected = {(test, *pair) for test in ("multiplicative", "joint") for pair in pairs}
    assert held(found) == expected | {("x * y", "x", "y")}


def test_a_sum_is_additive_and_its_columns_even_or_odd() -> None:
    found = found_in(additive(square, np.sin), uniform(2, -1.0, 1.0))
    assert held(found) == {("additive", "x", "y"), ("even", "x", ""), ("odd", "y", "")}
    assert found.modules() == (("x",), ("y",))
    assert found.modules("multiplicative") == (("x", "y"),)
    assert str(found).splitlines()[:2] == ["sum of f(x) + f(y)", "no product of smaller parts"]
    assert "even in x (strength 1.00)" in str(found)
    assert "even" not in set(found_in(additive(square, np.sin), uniform(2)).tests["test"])  # no mirror images


def test_two_columns_may_enter_as_one_function_that_is_neither_sum_nor_product() -> None:
    # z · (x² + sin y): the ratio of the slopes in x and y does not know z.
    found = found_in(product([square, np.sin, None], [None, None, line]), uniform(3))
    joint = found.tests[found.tests["test"] == "joint"]
    assert joint["verdict"].tolist() == ["holds", "fails", "fails"]
    assert found.modules("multiplicative") == (("x", "y"), ("z",))
    # sin y · (x² + z): now y is the one outside.
    found = found_in(product([square, None, line], [None, np.sin, None]), uniform(3))
    assert found.modules("multiplicative") == (("x", "z"), ("y",))
    assert ("joint", "x", "z") in held(found)
    assert ("joint", "x", "y") not in held(found)


def test_a_ratio_in_logarithms_is_found_in_the_units_of_the_columns() -> None:
    numbers = np.log(uniform(2, 1.0, 5.0))
    features = (
        Feature("km", "number", log=True, low=1.0, high=5.0),
        Feature("h", "number", log=True, low=1.0, high=5.0),
    )
    sample = sample_of(FeatureEncoding(features), numbers, np.zeros((len(numbers), 0), dtype=np.int64))
    assert np.allclose(sample.values, np.exp(numbers))
    found = structure_tests(NetworkSurface(through_sum(np.sin, line, times(-1.0))), sample)
    assert held(found) == {("x / y", "km", "h")}
    # A power law, by a network for the logarithm of the target.
    surface = NetworkSurface(additive(times(0.7), times(0.3)), lambda f: (np.exp(f),) * 3)
    found = structure_tests(surface, sample)
    assert held(found) == {("multiplicative", "km", "h")}
    equal = NetworkSurface(additive(times(0.7), times(0.7)), lambda f: (np.exp(f),) * 3)
    assert held(structure_tests(equal, sample)) == {("multiplicative", "km", "h"), ("x * y", "km", "h")}


def test_units_of_columns_and_target_change_no_verdict() -> None:
    numbers = uniform(2)
    features = tuple(Feature(name, "number", scale=1000.0, low=0.0, high=2000.0) for name in "xy")
    codes = np.zeros((len(numbers), 0), dtype=np.int64)
    scaled = sample_of(FeatureEncoding(features), numbers, codes)
    network = through_sum(times(1e-6, square), line, line)
    assert held(structure_tests(NetworkSurface(network), scaled)) == {("x + y", "x", "y")}
    plain = found_in(through_sum(square, line, line), numbers).tests
    found = structure_tests(NetworkSurface(network), scaled).tests
    assert np.allclose(found["strength"], plain["strength"])
    assert np.allclose(found["size"], 1e-6 * plain["size"], atol=1e-12)


def categorical(network: Network, tables: int) -> SeparabilityTests:
    numbers = uniform(1)
    codes = np.random.default_rng(2).integers(0, 3, (len(numbers), tables))
    sample = Sample.of_numbers(("x",), numbers)
    names = ("mode", "day")[:tables]
    sample = Sample(("x",), names, numbers, codes, sample.values, sample.slopes, sample.periodic)
    return structure_tests(NetworkSurface(network), sample)


def test_categories_add_or_multiply() -> None:
    table = [[1.0], [2.0], [4.0]]
    plus = categorical(Network((layer([[line]], tables=(table,)),)), 1)
    assert plus.modules() == (("x",), ("mode",))
    assert plus.modules("multiplicative") == (("x", "mode"),)
    columns = [[0.0, 1.0], [0.0, 2.0], [0.0, 4.0]]
    first = layer([[line, None]], tables=(columns,), products=1)
    by = categorical(Network((first, layer([[line]]))), 1)
    assert by.modules() == (("x", "mode"),)
    assert by.modules("multiplicative") == (("x",), ("mode",))


def test_two_categories_and_what_a_category_does_to_a_pair() -> None:
    first = layer(
        [[line, None, None]],
        tables=(
            [[0.0, 1.0, 0.0], [0.0, 2.0, 0.0], [0.0, 4.0, 0.0]],
            [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 3.0]],
        ),
        products=1,
    )
    found = categorical(Network((first, layer([[line], [line]]))), 2)  # x + mode · day
    assert found.modules() == (("x",), ("mode", "day"))
    assert found.modules("multiplicative") == (("x", "mode", "day"),)
    numbers = uniform(2)
    codes = np.random.default_rng(2).integers(0, 2, (len(numbers), 1))
    plain = Sample.of_numbers(("x", "y"), numbers)
    sample = Sample(plain.names, ("mode",), numbers, codes, plain.values, plain.slopes, plain.periodic)
    turning = layer([[line, None], [None, line]], tables=([[0.0, 0.0], [0.0, 2.0]],), products=1)
    found = structure_tests(NetworkSurface(Network((turning, layer([[line]])))), sample)  # x · (y + mode)
    joint = found.tests[found.tests["test"] == "joint"]
    assert joint["verdict"].tolist() == ["fails"]


class Known:
    """x + y + share · x · y."""

    def __init__(self, share: float) -> None:
        self.share = share

    def __call__(self, numbers: Floats, codes: Integers) -> Floats:
        x, y = numbers.T
        return np.asarray(x + y + self.share * x * y)

    def derivatives(self, numbers: Floats, codes: Integers) -> Derivatives:
        gradient = 1.0 + self.share * numbers[:, ::-1]
        hessian = np.tile(self.share * (1.0 - np.eye(2)), (len(numbers), 1, 1))
        return Derivatives(self(numbers, codes), gradient, hessian)


def test_a_departure_counts_against_its_standard_error_and_the_residuals() -> None:
    numbers = uniform(2, -1.0, 1.0)
    sample = Sample.of_numbers(("x", "y"), numbers)
    both = float(np.prod(numbers.std(axis=0)))
    sure = structure_tests(Known(0.1), sample)
    row = sure.tests.iloc[0]
    assert row["size"] == pytest.approx(0.1 * both)
    assert row["verdict"] == "fails"
    assert row["noise"] == 0.0
    # The coefficient of x·y has the standard error 0.03 or 0.1; draws are taken at a hundredth of it.
    for error, verdict in ((0.03, "fails"), (0.1, "holds")):
        draws = [Known(0.1 + 0.01 * error * move) for move in (1.0, -1.0)]
        found = structure_tests(Known(0.1), sample, nearby=draws, step=0.01).tests.iloc[0]
        assert found["noise"] == pytest.approx(error * both, rel=1e-6)
        assert found["threshold"] == pytest.approx(
            max(2 * error * both, 0.02 * Known(0.1)(numbers, sample.codes).std())
        )
        assert found["verdict"] == verdict
    vague = [Known(0.1 + 0.01 * move) for move in (1.0, -1.0)]
    assert (
        structure_tests(Known(0.1), sample, nearby=vague, step=0.01).tests["verdict"].iloc[0] == "undecided"
    )
    assert structure_tests(Known(0.1), sample, residual=3.0).tests["verdict"].iloc[0] == "holds"
    assert structure_tests(Known(0.1), sample, tolerance=0.1).modules() == (("x",), ("y",))


def test_columns_that_do_not_matter_have_no_symmetries() -> None:
    found = found_in(additive(line, times(1e-3)), uniform(2))
    verdicts = dict(zip(found.tests["test"], found.tests["verdict"], strict=True))
    assert verdicts["additive"] == "holds"
    assert verdicts["x + y"] == "fails"
    idle = found_in(additive(line, times(1e-3), times(1e-3)), uniform(3)).tests
    pair = idle[(idle["first"] == "y") & (idle["second"] == "z")]
    assert dict(zip(pair["test"], pair["verdict"], strict=True)) == {
        "additive": "holds",
        "multiplicative": "holds",
        "joint": "undecided",
        "x + y": "undecided",
        "x - y": "undecided",
        "x * y": "undecided",
        "x / y": "undecided",
    }


def test_constants_single_columns_and_single_rows() -> None:
    flat = found_in(additive(times(0.0), times(0.0)), uniform(2, -1.0, 1.0))
    assert flat.tests["size"].max() == 0.0
    assert flat.modules() == (("x",), ("y",))
    alone = found_in(additive(square), uniform(1, -1.0, 1.0))
    assert held(alone) == {("even", "x", "")}
    none = found_in(additive(square), uniform(1))
    assert none.to_frame().empty
    assert none.modules() == (("x",),)
    with pytest.raises(ValueError, match="got 1"):
        found_in(additive(square), uniform(1)[:1])
