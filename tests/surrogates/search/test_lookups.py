"""Tables of categories and curves in the search: laws that have them come out, and laws that have none get none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.formulas import Curve, Formula, Table, Variable
from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.nodes import count_operators, postorder
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.search import Found, Rules, Task, graph, search
from kanopt.surrogates.search.program import Columns, cancels, centred, felt, value
from kanopt.surrogates.search.structure import ONE, Law, Parameter, Power, Tabulated, Term

Floats = NDArray[np.float64]
ROWS = 800
FEW = 120.0
"""A quarter of the refits of the default: what is found in so many is found in all."""
NAMES = ["km", "load", "hour", "vehicle", "depot"]
LABELS = {3: ("van", "truck", "lorry", "bike"), 4: tuple("ABCDE")}
BY_VEHICLE = np.array([1.0, 1.3, 1.9, 0.8])
BY_DEPOT = np.array([3.0, 5.0, 9.0, 4.0, 12.0])


@pytest.fixture(scope="module")
def rows() -> Floats:
    rng = np.random.default_rng(11)
    numbers = [rng.uniform(low, high, ROWS) for low, high in ((2, 80), (0, 3.5), (0, 24))]
    # vans are the commonest
    return np.column_stack([*numbers, rng.choice(4, ROWS, p=(0.4, 0.2, 0.2, 0.2)), rng.integers(0, 5, ROWS)])


def found_in(rows: Floats, y: Floats, *, log: bool = False, refits: float = FEW, **more: float) -> Found:
    target = np.log(y) if log else y
    sizes = {3: 4, 4: 5}
    task = Task(rows, target, np.ones(len(y)), Rules(OPERATOR), log=log, categories=sizes, **more)
    return search(task, refits=refits)


def written(found: Found) -> tuple[str, Formula]:
    root = graph(found.best.law, NAMES, found.scales, LABELS)
    kinds = ("number", "number", "number", "category", "category")
    inputs = tuple(Variable(name, kind=kind) for name, kind in zip(NAMES, kinds, strict=True))
    return to_infix(root), Formula(root, inputs, Variable("y"))


def tables(formula: Formula) -> dict[str, list[float]]:
    return {n.inputs[0]: [x for _, x in n.entries] for n in postorder(formula.root) if isinstance(n, Table)}


def profile(hour: Floats) -> Floats:
    return (
        1.0
        + 0.55 * np.exp(-(((hour - 8.0) / 1.2) ** 2) / 2)
        + 0.45 * np.exp(-(((hour - 17.0) / 1.5) ** 2) / 2)
    )


CASES: list[tuple[str, bool, Callable[..., Floats]]] = [
    (
        "km^# · (# + # · load) · by(vehicle)",
        True,
        lambda km, load, vehicle, depot: 0.9 * km**0.9 * (1 + 0.05 * load) * vehicle,
    ),
    ("by(depot) + # · load + # · km", False, lambda km, load, vehicle, depot: depot + 0.4 * km + 1.5 * load),
    (
        "by1(depot) + # · load + # · km · by2(vehicle)",
        False,
        lambda km, load, vehicle, depot: depot + 0.4 * km * vehicle + 1.5 * load,
    ),
    ("# + # · load + # · km", False, lambda km, load, vehicle, depot: 3.0 + 0.4 * km + 1.5 * load),
]


@pytest.mark.parametrize(("reads", "log", "truth"), CASES, ids=[case[0] for case in CASES])
def test_a_law_with_tables_is_found_as_it_was_written(
    rows: Floats, reads: str, log: bool, truth: Callable[..., Floats]
) -> None:
    noise = np.random.default_rng(5).standard_normal(ROWS)
    codes = rows[:, 3:].astype(int)
    y = truth(rows[:, 0], rows[:, 1], BY_VEHICLE[codes[:, 0]], BY_DEPOT[codes[:, 1]])
    y = y * np.exp(0.03 * noise) if log else y + 0.5 * noise
    text, formula = written(found_in(rows, y, log=log))
    for constant in formula.constants:
        text = text.replace(f"{constant.value:.4g}", "#")
    assert sorted(text.split(" + ")) == sorted(reads.split(" + "))
    known = tables(formula)
    if "vehicle" in known:
        np.testing.assert_allclose(known["vehicle"], BY_VEHICLE, rtol=0.03)
    if "depot" in known:
        np.testing.assert_allclose(known["depot"], BY_DEPOT, atol=0.5)


@pytest.mark.slow
def test_a_curve_is_tried_where_a_network_explains_more_and_only_there(rows: Floats) -> None:
    noise = np.random.default_rng(6).standard_normal(ROWS)
    y = 0.11 * rows[:, 0] * (1 + 0.2 * rows[:, 1]) * profile(rows[:, 2]) * np.exp(0.05 * noise)
    text, formula = written(found_in(rows, y, log=True, with_curves=True, refits=240.0))
    assert text.endswith("· load) · s(hour)")
    curve = next(node for node in postorder(formula.root) if isinstance(node, Curve))
    hours = np.linspace(1.0, 23.0, 50)
    ratio = curve.at(hours) / profile(hours)
    np.testing.assert_allclose(ratio / ratio.mean(), 1.0, atol=0.08)
    without, _ = written(found_in(rows, y, log=True))
    assert "s(" not in without


def test_a_curve_that_goes_round_meets_itself(rows: Floats) -> None:
    noise = np.random.default_rng(7).standard_normal(ROWS)
    y = 5.0 + 3.0 * profile(rows[:, 2]) + 0.2 * noise + rows[:, 0]
    sizes = {3: 4, 4: 5}
    task = Task(
        rows, y, np.ones(ROWS), Rules(OPERATOR), periods={2: 24.0}, categories=sizes, with_curves=True
    )
    found = search(task, refits=FEW)
    _, formula = written(found)
    curve = next(node for node in postorder(formula.root) if isinstance(node, Curve))
    assert curve.periodic
    assert (curve.low, round(curve.high, 9)) == (0.0, 24.0)


def test_a_curve_is_one_on_average_and_the_law_stays_the_same(rows: Floats) -> None:
    bends = tuple(Parameter(x) for x in (4.0, 2.0, 7.0, 5.0, 3.0))
    law = Law(
        (Term(Parameter(2.0), (Power(0, ONE), Tabulated(2, bends, "x", 0.0, 24.0))), Term(Parameter(1.0)))
    )
    columns = Columns(rows, np.ones(5), {3: 4, 4: 5})
    plainer = centred(law, columns, np.ones(ROWS))
    np.testing.assert_allclose(value(plainer, columns), value(law, columns))
    factor = plainer.terms[0].factors[1]
    assert isinstance(factor, Tabulated)
    mean = (columns.basis(factor) @ [each.value for each in factor.values]).mean()
    np.testing.assert_allclose(mean, 1.0)


def test_a_depot_in_a_region_has_its_own_table_and_the_region_another() -> None:
    rng = np.random.default_rng(0)
    km, region = rng.uniform(2, 80, ROWS), rng.integers(0, 3, ROWS)
    depot = 3 * region + rng.integers(0, 3, ROWS)
    fixed, rate = rng.uniform(1, 30, 9), np.array([1.0, 1.6, 0.7])
    y = fixed[depot] + km * rate[region] + 0.3 * rng.standard_normal(ROWS)
    inputs = np.column_stack([km, region, depot]).astype(float)
    task = Task(inputs, y, np.ones(ROWS), Rules(OPERATOR), categories={1: 3, 2: 9})
    found = search(task, refits=FEW)
    root = graph(found.best.law, ["km", "region", "depot"], found.scales, {1: "abc", 2: "ABCDEFGHI"})
    looked_up = {n.inputs[0]: [x for _, x in n.entries] for n in postorder(root) if isinstance(n, Table)}
    assert (
        count_operators(root) <= 5
    )  # by1(depot) + c · km · by2(region), or the region as a factor of the sum
    ratio = np.array(looked_up["region"]) / rate
    np.testing.assert_allclose(ratio / ratio[0], 1.0, rtol=0.01)
    assert len(looked_up["depot"]) == 9


def test_numbers_that_no_row_feels_are_held(rows: Floats) -> None:
    some = rows[rows[:, 3] != 2.0]
    columns = Columns(some, np.ones(5), {3: 4, 4: 5})
    by = Tabulated(3, (ONE, Parameter(1.3), Parameter(1.9), Parameter(0.8)))
    law = Law((Term(Parameter(2.0), (Power(0, ONE), by)),))
    held = felt(law, columns).terms[0].factors[1]
    assert isinstance(held, Tabulated)
    assert [each.free for each in held.values] == [False, True, False, True]
    assert value(felt(law, columns), columns).tolist() == value(law, columns).tolist()


def test_a_small_difference_of_large_terms_is_no_law(rows: Floats) -> None:
    columns = Columns(rows, np.ones(5), {3: 4, 4: 5})
    km, bent = Power(0, ONE), Power(0, Parameter(1.003))
    assert cancels(Law((Term(Parameter(20.0), (km,)), Term(Parameter(-19.5), (bent,)))), columns)
    assert not cancels(Law((Term(Parameter(20.0), (km,)), Term(Parameter(-9.5), (bent,)))), columns)
