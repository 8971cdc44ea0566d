"""What decides between laws beside the rows: declared units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.search import Rules, Task, graph, search
from kanopt.surrogates.search.structure import (
    ONE,
    Hinge,
    Parameter,
    Power,
    Term,
)
from kanopt.units import powers_of

Floats = NDArray[np.float64]
FREE, MINUS = Parameter(0.7), Parameter(-1.0, free=False)
TWO = Parameter(2.0, free=False)


def units(*words: str) -> tuple[object, ...]:
    return tuple(powers_of(word) if word else None for word in words)


def test_units_tell_which_coefficient_may_be_one() -> None:
    rules = Rules(5.0, units=units("km", "EUR/km", "h", ""), output=powers_of("EUR"))
    km, rate, h, bare = (Power(j, ONE) for j in range(4))
    assert rules.may_be_one(Term(FREE, (km, rate)), inner=False)
    assert not rules.may_be_one(Term(FREE, (km,)), inner=False)
    assert not rules.may_be_one(Term(FREE, (km, rate)), inner=True)
    assert rules.may_be_one(Term(FREE, (h, Power(2, MINUS))), inner=True)
    assert rules.may_be_one(Term(FREE, (km, bare)), inner=False)
    assert rules.may_be_one(Term(FREE, (Hinge(0, FREE),)), inner=False)
    assert Rules(5.0).may_be_one(Term(FREE, (km,)), inner=False)
    assert replace(rules, output=None).may_be_one(Term(FREE, (km,)), inner=False)
    assert replace(rules, output=powers_of("km^2")).may_be_one(Term(FREE, (Power(0, TWO),)), inner=False)


def read(x: Floats, y: Floats, names: str, rules: Rules) -> str:
    found = search(Task(x, y, np.ones(len(y)), rules))
    return to_infix(graph(found.best.law, names.split(), found.scales))


def congested(off: float, noise: float, rows: int = 300) -> tuple[Floats, Floats]:
    """Free-flow time, flow and capacity; the capacity in a power that is off by something."""
    rng = np.random.default_rng(8)
    t0, q, c = rng.uniform(2, 30, rows), rng.uniform(300, 2400, rows), rng.uniform(1000, 2200, rows)
    y = t0 * (1 + 0.15 * (q / c) ** 4 * (c / 1500) ** off)
    return np.column_stack([t0, q, c]), y + noise * y.std() * rng.standard_normal(rows)


LINKS = Rules(OPERATOR, units=units("min", "veh/h", "veh/h"), output=powers_of("min"))


@pytest.mark.slow
def test_flow_over_capacity_is_a_pure_number() -> None:
    assert read(*congested(0.0, 0.01), "t0 q c", LINKS) == "t0 · (1 + 0.15 · q^4 / c^4)"


def test_a_price_that_happens_to_be_one_keeps_its_name_and_a_pure_number_does_not() -> None:
    rng = np.random.default_rng(2)
    km = rng.uniform(5, 90, 300)
    y = 1.0003 * km + 2.0 * rng.standard_normal(300)
    price = read(km[:, None], y, "km", Rules(OPERATOR, units=units("km"), output=powers_of("EUR")))
    coefficient, of = price.split(" · ")
    assert (float(coefficient), of) == (pytest.approx(1.0, abs=0.01), "km")
    for rules in (Rules(OPERATOR, units=units("km"), output=powers_of("km")), Rules(OPERATOR)):
        assert read(km[:, None], y, "km", rules) == "km"
