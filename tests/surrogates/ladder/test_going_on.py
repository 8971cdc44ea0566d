"""Of laws of about equal error the one that goes on beyond its data is taken, and where there is none a law is held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.formulas import Domain, Formula, Variable, parse_formula
from kanopt.surrogates import Feature
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.ladder import HeldOut, Trained, find_law, ladder
from kanopt.surrogates.ladder.additive import Choice, additive_laws
from kanopt.surrogates.ladder.functions import functions_of
from kanopt.surrogates.ladder.going_on import beyond, held_ends, is_no_worse
from kanopt.surrogates.ladder.ladder import Ladder
from kanopt.surrogates.ladder.rungs import Rung
from tests.cases.hand_networks import Network
from tests.surrogates.ladder.by_hand import NUMBER, decoded, layer, times, trained

Array = NDArray[np.float64]
RNG = np.random.default_rng(3)
KM = (Feature("km", "number", low=1.2, high=4.0),)
ROWS = np.linspace(1.2, 4.0, 400)[:, None]
NOISE = RNG.normal(0.0, 0.5, 400)
MINUTES = 2.0 + 3.0 * ROWS[:, 0] + NOISE
GOES_ON = "2 + 3 * km"
VARIABLES = (Variable("km"),)


def model(target: np.ndarray = MINUTES) -> Trained:
    network = Network((layer([[times(3.0)]], [2.0]),))
    return replace(trained(network, KM, ROWS, target), lowest=float(target.min()), edf=2.0)


def law_of(
    monkeypatch: pytest.MonkeyPatch,
    *offered: str,
    of: Trained | None = None,
    variables: tuple[Variable, ...] = VARIABLES,
) -> Formula:
    """The law that is taken of those on a ladder, in this order."""
    of = model() if of is None else of
    inputs, rungs = decoded(of.features, of.rows.inputs), []
    for text in offered:
        law = parse_formula(text, variables, Variable("y"))
        rungs.append(Rung(text, law.root, 2.0, lambda _: ones))
    ones = np.ones(len(rungs))
    places = tuple(range(len(rungs)))
    found = Ladder(tuple(rungs), 200.0, ones[None], places, ones > 0.0, (ones,) * len(rungs))
    monkeypatch.setattr(ladder, "ladder_of", lambda _: found)
    return find_law(of, HeldOut(inputs.assign(y=of.rows.target), Variable("y"), ""), -1e9)


def test_a_law_that_ends_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    curved = 5.0 + 4.0 * (ROWS[:, 0] - 1.0) ** 0.4 + 0.1 * NOISE
    law = law_of(monkeypatch, "5 + 4 * (km - 1)^0.4", "2 * km + 7.5 - 1 / km", of=model(curved))
    # at the shortest trip, below which it had no value
    assert law.held == "km below 1.2 counts as 1.2"
    assert law.evaluate({"km": 0.0}) == pytest.approx(5 + 4 * 0.2**0.4)
    assert law.evaluate({"km": 2.0}) == pytest.approx(9.0)
    assert all(fact.verdict != "refuted" for fact in law.shapes)


@pytest.mark.parametrize("bears_out", [True, False])
def test_a_law_that_few_rows_far_out_bear_out_is_not_held_before_them(
    monkeypatch: pytest.MonkeyPatch, bears_out: bool
) -> None:
    """It was held where rows are dense, and refused for what it said of the rows beyond."""
    rows = np.append(ROWS, [[12.0]], axis=0)
    target = np.exp(0.8 * rows[:, 0]) + np.append(0.01 * NOISE, 0.0)
    target[-1] = target[-1] if bears_out else np.exp(0.8 * 4.0)
    asked = model(target)
    asked = replace(asked, rows=replace(asked.rows, inputs=rows, weight=np.ones(401)))
    law = law_of(monkeypatch, "exp(0.8 * km)", of=asked)
    assert (law.held == "") == bears_out, law.held


def test_a_pole_that_the_rows_have_led_to_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    law = law_of(monkeypatch, "9 / km", of=model(9.0 / ROWS[:, 0]))
    assert str(law) == "9 / km"


def test_a_law_that_explodes_among_its_data_is_held_at_the_largest_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No row says that it does not: none has both, but a plan, or a row held out, may."""
    x = np.linspace(0.0, 1.0, 200)
    rows = np.vstack([np.column_stack([x, 0 * x]), np.column_stack([0 * x, x])])
    target = np.exp(rows.sum(axis=1))
    text = "exp(a + b + 9 * a * b)"
    variables = [Variable("a"), Variable("b")]
    network = Network((layer([[times(1.0)], [times(1.0)]], [0.0]),))
    known = replace(trained(network, NUMBER, rows, target), lowest=1.0, edf=2.0)
    law = law_of(monkeypatch, text, of=known, variables=tuple(variables))
    assert law.held == "y above 2.718 counts as 2.718"
    assert law.evaluate({"a": 1.0, "b": 1.0}) == pytest.approx(np.e)
    np.testing.assert_allclose(law.evaluate({"a": rows[:, 0], "b": rows[:, 1]}), target)


def test_a_month_has_no_thirteenth(monkeypatch: pytest.MonkeyPatch) -> None:
    month = np.arange(1.0, 13.0).repeat(10)
    known = replace(model(), features=(Feature("month", "number", low=1.0, high=12.0),))
    grows = parse_formula("exp(month)", [Variable("month")], Variable("y"))
    grows = replace(grows, domain=Domain.from_rows(grows.inputs, {"month": month}))
    rows = replace(known.rows, inputs=month[:, None], target=np.exp(month), weight=np.ones(120))
    assert beyond(grows, replace(known, rows=rows)).endings == ()
    other = replace(rows, inputs=np.append(month, 12.5)[:, None], target=np.ones(121), weight=np.ones(121))
    assert beyond(grows, replace(known, rows=other)).endings[0].what == "grows too fast"


def test_a_law_that_goes_on_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    law = law_of(monkeypatch, GOES_ON, "3 * km + 2.001")
    assert law.provenance["written by"].startswith(f"{GOES_ON}: the plainest")


def test_residuals_differ_by_chance_or_by_nothing_or_do_not() -> None:
    rows = Rows(ROWS, MINUTES, np.ones(400))
    assert is_no_worse(NOISE, NOISE, rows)
    assert is_no_worse(1.002 * NOISE, NOISE, rows)  # practically equal
    assert not is_no_worse(1.02 * NOISE, NOISE, rows)  # on every row a little, which is no chance
    other = np.random.default_rng(4).permutation(NOISE)
    assert is_no_worse(other, NOISE, rows)
    assert not is_no_worse(other, 0.9 * NOISE, rows)
    assert not is_no_worse(np.full(400, np.nan), NOISE, rows)


@pytest.mark.parametrize(("trend", "held"), [(lambda x: np.minimum(x, 3.0), True), (lambda x: x**1.2, False)])
def test_rows_at_an_edge_say_whether_a_curve_goes_on_there(
    trend: Callable[[Array], Array], held: bool
) -> None:
    """A curve ends in a slope, which a trend that has come to its end belies."""
    x = np.sort(np.random.default_rng(5).uniform(1.0, 4.0, 600))
    target = 9.0 + 4.0 * trend(x) + np.random.default_rng(6).normal(0.0, 0.3, 600)
    of = replace(model(target), features=(Feature("level", "number", low=1.0, high=4.0),))
    of = replace(of, rows=Rows(x[:, None], target, np.ones(600)))
    curve = functions_of(of.features[0], 0, x, log_target=False)[0]
    choice = Choice(((curve,),), (0,), lambda squares, freedom, price: squares, lambda _: 0.0)
    law = additive_laws(choice, of.rows)[0]
    assert (("level", "above") in held_ends(law, of)) == held
