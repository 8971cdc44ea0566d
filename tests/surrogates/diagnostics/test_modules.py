from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from random import Random

import numpy as np
import pandas as pd
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kanopt.kan.derivatives import Derivatives
from kanopt.kan.description import Network
from kanopt.surrogates import KANRegressor
from kanopt.surrogates.diagnostics import Module, NetworkSurface, Sample, SeparabilityTests, structure_tests
from kanopt.surrogates.diagnostics.partial_laws import StructureTestSetting, connected_groups, part_of
from tests.cases.law_search_networks import additive, layer, line, through_sum

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass
class Written:
    """A law written down, differentiated by sympy."""

    text: str
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        symbols = sp.symbols(self.names)
        law = sp.sympify(self.text)
        self.f = sp.lambdify(symbols, law)
        self.g = [sp.lambdify(symbols, sp.diff(law, a)) for a in symbols]
        self.h = [[sp.lambdify(symbols, sp.diff(law, a, b)) for b in symbols] for a in symbols]

    def __call__(self, numbers: Floats, codes: Integers) -> Floats:
        return np.asarray(self.f(*numbers.T)) * np.ones(len(numbers))

    def derivatives(self, numbers: Floats, codes: Integers) -> Derivatives:
        def at(call: Callable[..., Floats]) -> Floats:
            return np.asarray(call(*numbers.T)) * np.ones(len(numbers))

        gradient = np.column_stack([at(each) for each in self.g])
        hessian = np.stack([np.stack([at(each) for each in row], axis=1) for row in self.h], axis=1)
        return Derivatives(self(numbers, codes), gradient, hessian)


def of(text: str, names: str, low: float = 0.5, high: float = 1.9, n: int = 200) -> SeparabilityTests:
    rows = np.random.default_rng(0).uniform(low, high, (n, len(names)))
    return structure_tests(Written(text, tuple(names)), Sample.of_numbers(tuple(names), rows))


def short(module: Module) -> str:
    """The tree in one line, without strengths."""
    if module.kind == "column":
        return module.columns[0]
    if module.kind == "pair":
        return f"[{module.relation}]"
    plus = " + c" if module.constant else ""
    return f"{module.kind}({', '.join(map(short, module.children))}{plus})"


KNOWN = [
    ("x + sin(y)", "xy", "sum(x, y)"),
    ("x**2 * exp(y)", "xy", "product(x, y)"),
    ("x*y", "xy", "[x · y]"),
    ("sin(x/y)", "xy", "[x / y]"),
    ("(x - y)**2", "xy", "[x − y]"),
    ("3*x + 3*y + z**2", "xyz", "sum([x + y], z)"),
    ("x*y*z", "xyz", "[x · y · z]"),
    ("(x + y - z)**2", "xyz", "[x + y − z]"),
    ("sin(x*y/z)", "xyz", "[x · y / z]"),
    ("(x/y)**2 * exp(z)", "xyz", "product([x / y], z)"),
    ("x*(1 + (y/z)**4)", "xyz", "product(x, [y / z])"),
    ("(x + y**2)*exp(z)", "xyz", "product(sum(x, y), z)"),
    ("x**2 * exp(y) + sin(z)", "xyz", "sum(product(x, y), z)"),
    ("x**2 * exp(y) + 7 + log(z)*w**3", "xyzw", "sum(product(x, y), product(z, w))"),
    ("5 + x**2 * exp(y)", "xy", "product(x, y + c)"),
    ("z*(5 + x**2 * exp(y))", "xyz", "product(product(x, y + c), z)"),
    ("w + z*(5 + x**2 * exp(y))", "xyzw", "sum(product(product(x, y + c), z), w)"),
    ("w + exp(z)*(x + sin(y))", "xyzw", "sum(product(sum(x, y), z), w)"),
    ("exp(x*y + x**2) + w**2", "xyw", "sum(joint(x, y), w)"),
    ("sin(x/y + z**2)", "xyz", "joint([x / y], z)"),
    ("sin(x/y + z**2) + w**2", "xyzw", "sum(joint([x / y], z), w)"),
    ("sin(x**2 + x*y**3) * z**2 + exp(z)*sin(x**2 + x*y**3)**2", "xyz", "joint(joint(x, y), z)"),
    ("sin(x + 2*y**2 + z)", "xyz", "joint([x + z], y)"),
    ("exp(sin(3*x)*y + x*z + y*z**2)", "xyz", "joint(x, y, z)"),
]


@pytest.mark.parametrize(("text", "names", "expected"), KNOWN, ids=[text for text, _, _ in KNOWN])
def test_laws_of_known_structure(text: str, names: str, expected: str) -> None:
    found = of(text, names).tree()
    assert short(found) == expected
    assert sorted(found.columns) == sorted(names)


def nested(draw: st.DrawFn, names: tuple[str, ...], kind: str) -> tuple[str, str]:
    """A law and its tree: sums in products in sums, of functions that no symmetry joins."""
    functions = {"x": "sin(x)", "y": "exp(y)", "z": "z**2", "w": "log(3 + w**3)", "v": "cos(v)"}
    if len(names) == 1:
        return functions[names[0]], names[0]
    cut = draw(st.integers(1, len(names) - 1))
    other = "product" if kind == "sum" else "sum"
    parts = [nested(draw, part, other) for part in (names[:cut], names[cut:])]
    sign = " + " if kind == "sum" else " * "
    return sign.join(f"({text})" for text, _ in parts), f"{kind}({', '.join(tree for _, tree in parts)})"


@st.composite
def laws(draw: st.DrawFn) -> tuple[str, str, tuple[str, ...]]:
    names = tuple("xyzwv"[: draw(st.integers(2, 5))])
    return (*nested(draw, names, draw(st.sampled_from(["sum", "product"]))), names)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(laws())
def test_sums_of_products_of_sums_are_found_again(law: tuple[str, str, tuple[str, ...]]) -> None:
    text, tree, names = law
    rows = np.random.default_rng(0).uniform(0.5, 1.4, (120, len(names)))
    found = structure_tests(Written(text, names), Sample.of_numbers(names, rows), tolerance=1e-6).tree()
    assert short(found) == tree
    assert min(module.strength or 1.0 for module in every(found)) > 0.999


def every(module: Module) -> list[Module]:
    return [module, *(each for child in module.children for each in every(child))]


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.sampled_from([known for known in KNOWN if len(known[1]) > 2]), st.randoms())
def test_the_order_of_the_columns_changes_nothing_but_the_order(
    known: tuple[str, str, str], random: Random
) -> None:
    text, names, _ = known
    orders = ["".join(order) for order in permutations(names)]
    other = of(text, orders[random.randint(0, len(orders) - 1)]).tree()
    straight = of(text, names).tree()

    def shape(module: Module) -> tuple[str, frozenset[str], bool, frozenset[object]]:
        children = frozenset(shape(child) for child in module.children)
        return module.kind, frozenset(module.columns), module.constant, children

    assert shape(other) == shape(straight)


def test_a_part_is_held_where_the_rest_does_not_vanish() -> None:
    # At z = 0, in the very middle of the rows, nothing is left of the part in x and y.
    rows = np.random.default_rng(0).uniform(-1.0, 1.0, (201, 3))
    rows[:, :2] += 1.6
    law = Written("z**3 * (2 + x**2 * exp(y))", ("x", "y", "z"))
    sample = Sample.of_numbers(("x", "y", "z"), rows)
    assert short(structure_tests(law, sample).tree()) == "product(product(x, y + c), z)"
    part = part_of(StructureTestSetting(law, sample, (), 1.0, 0.0, 0.02), ("x", "y"))
    values = part.surface(part.sample.numbers, part.sample.codes)
    inner = 2 + rows[:, 0] ** 2 * np.exp(rows[:, 1])
    assert np.ptp(values / inner) < 1e-12 * np.abs(values / inner).max()
    assert values.std() > 1e-4
    found = part.surface.derivatives(part.sample.numbers, part.sample.codes)
    assert (found.gradient.shape, found.hessian.shape) == ((201, 2), (201, 2, 2))
    assert part.sample.names == ("x", "y")


def test_categories_take_part() -> None:
    # x + mode · (5 + day): the change of a shuffled category stands for its derivative.
    rng = np.random.default_rng(2)
    numbers, codes = rng.uniform(0.5, 1.9, (300, 1)), rng.integers(0, 3, (300, 2))
    first = layer(
        [[line, None, None]],
        tables=(
            [[0.0, 1.0, 0.0], [0.0, 2.0, 0.0], [0.0, 4.0, 0.0]],
            [[0.0, 0.0, 6.0], [0.0, 0.0, 4.0], [0.0, 0.0, 8.0]],
        ),
        products=1,
    )
    surface = NetworkSurface(Network((first, layer([[line], [line]]))))
    plain = Sample.of_numbers(("x",), numbers)
    sample = Sample(("x",), ("mode", "day"), numbers, codes, plain.values, plain.slopes, plain.periodic)
    assert short(structure_tests(surface, sample).tree()) == "sum(x, product(mode, day))"


def test_a_product_that_noise_hides_is_joint() -> None:
    exact = of("x**2*exp(y) + sin(z)", "xyz")
    assert short(exact.tree()) == "sum(product(x, y), z)"
    rows = np.random.default_rng(0).uniform(0.5, 1.9, (200, 3))
    law = Written("x**2*exp(y) + sin(z)", ("x", "y", "z"))
    draws = [
        Written(f"x**2*exp(y) + sin(z) + {move}*(x - y)**4 + {move}*sin(9*x*y)", ("x", "y", "z"))
        for move in (0.01, -0.01)
    ]
    clear = structure_tests(law, Sample.of_numbers(("x", "y", "z"), rows), nearby=draws, step=1.0)
    assert short(clear.tree()) == "sum(product(x, y), z)"
    vague = structure_tests(law, Sample.of_numbers(("x", "y", "z"), rows), nearby=draws, step=0.02)
    assert short(vague.tree()) == "sum(joint(x, y), z)"


def test_the_strength_says_how_nearly() -> None:
    found = of("x**2*exp(y) + 0.15*sin(x*y) + w**3", "xyw")
    product = found.tree().children[0]
    assert short(found.tree()) == "sum(product(x, y), w)"
    assert product.strength is not None
    assert 0.8 < product.strength < 0.999
    assert short(of("x**2*exp(y) + 3*sin(x*y) + w**3", "xyw").tree()) == "sum(joint(x, y), w)"


def test_single_columns_constants_and_text() -> None:
    rows = np.random.default_rng(0).uniform(0.5, 1.9, (50, 1))
    alone = structure_tests(NetworkSurface(additive(np.sin)), Sample.of_numbers(("x",), rows)).tree()
    assert (str(alone), alone.depth, list(alone.leaves)) == ("x", 0, [alone])
    assert short(of("x*0 + 3", "xy").tree()) == "sum(x, y)"
    tree = of("w + exp(z)*(5 + x**2*exp(y))", "xyzw").tree()
    assert str(tree).splitlines() == [
        "sum (strength 1.00)",
        "  product (strength 1.00)",
        "    product plus a constant (strength 1.00)",
        "      x",
        "      y",
        "    z",
        "  w",
    ]
    assert (tree.depth, [leaf.columns[0] for leaf in tree.leaves]) == (3, list("xyzw"))
    joint = of("sin(x/y + z**2) + w**2", "xyzw").tree()
    assert str(joint).splitlines()[1:] == [
        "  one function of",
        "    x / y enters as one (strength 1.00)",
        "    z",
        "  w",
    ]
    assert str(of("exp(sin(3*x)*y + x*z + y*z**2)", "xyz").tree()) == "one function of x, y and z"
    assert connected_groups(("x", "y"), []) == (("x",), ("y",))


def test_the_tree_of_a_law_learned_from_noisy_rows() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.uniform(0.5, 2.0, (400, 3)), columns=["x", "y", "z"])
    clean = 2.0 * rows["x"] ** 2 * np.sqrt(rows["y"]) + np.sin(3 * rows["z"])
    target = pd.Series(clean + 0.02 * clean.std() * rng.normal(size=400), name="cost")
    model = KANRegressor(hidden=(2,), log_target=False, log_features=[], loss="squared", starts=4)
    assert short(model.fit(rows, target).separability().tree()) == "sum(product(x, y), z)"


def test_a_sum_seen_through_a_function_is_joint() -> None:
    network = through_sum(np.sin, line, lambda x: x**2, np.exp)
    rows = np.random.default_rng(0).uniform(0.2, 0.9, (200, 3))
    assert short(structure_tests(NetworkSurface(network), Sample.of_numbers(tuple("xyz"), rows)).tree()) == (
        "joint(x, y, z)"
    )
