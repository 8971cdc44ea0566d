"""The ladder of laws: which stand on it, which is taken, and what is told of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.formulas import Formula, Node, Variable, parse_formula
from kanopt.kan.ranges import ShapeConstraints
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.ladder import HeldOut, Trained, find_law, ladder
from kanopt.surrogates.ladder.ladder import Ladder, ladder_of
from kanopt.surrogates.ladder.rungs import Rung
from tests.cases.hand_networks import Network
from tests.surrogates.ladder.by_hand import NUMBER, decoded, layer, times, trained

ROWS = np.random.default_rng(6).uniform(0, 1, (200, 2))
NOISE = 0.1 * np.random.default_rng(2).standard_normal(200)
TARGET = 2 * ROWS[:, 0] + ROWS[:, 1]
VARIABLES = tuple(Variable(feature.name) for feature in NUMBER)
FALLS, RISES = "2 * a - b^2", "2 * a + b"
FRAME = decoded(NUMBER, ROWS).assign(y=TARGET)


def straight(**changes: object) -> Trained:
    network = Network((layer([[times(2.0)], [times(1.0)]], [0.0]),))
    model = replace(trained(network, NUMBER, ROWS, TARGET), structure="additive", edf=3.0)
    return replace(model, **changes)


def root(text: str) -> Node:
    return parse_formula(text, VARIABLES, Variable("y")).root


def rung(text: str, **changes: object) -> Rung:
    said = np.broadcast_to(parse_formula(text, VARIABLES, Variable("y")).evaluate(FRAME), 200)
    return replace(Rung(text, root(text), 2.0, lambda _: said), **changes)


def law_of(model: Trained, frame: object = FRAME) -> Formula:
    return find_law(model, HeldOut(frame, Variable("y"), ""), -10.0)


# --------------------------------------------------------------------------------------------- which of them is taken


def offer(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    rungs = tuple(rung(text) for text in texts)
    order = tuple(range(len(texts)))
    monkeypatch.setattr(
        ladder,
        "ladder_of",
        lambda _: Ladder(
            rungs, 200.0, np.ones((1, len(rungs))), order, np.ones(len(rungs), bool), (TARGET,) * len(rungs)
        ),
    )


def taken(law: Formula) -> str:
    return law.provenance["written by"].partition(":")[0]


def test_a_law_whose_shape_is_refuted_is_let_go_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, FALLS, RISES, "a")
    law = law_of(straight(wanted=ShapeConstraints(monotonic=(1, 1))))
    assert taken(law) == RISES
    assert [fact.verdict for fact in law.shapes] == ["proved"] * 3
    assert taken(law_of(straight())) == FALLS


def test_a_law_without_a_value_for_a_held_out_row_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A root of a logarithm was taken, of which a held-out trip shorter than all others was none."""
    least = float(ROWS[:, 0].min())
    ends = f"2 * (a - {least - 1e-6!r})^0.5 + b"
    offer(monkeypatch, ends, "a + b")
    assert taken(law_of(straight())) == ends
    shorter = FRAME.copy()
    shorter.loc[3, "a"] = least - 1e-3
    law = law_of(straight(), shorter)
    assert taken(law) == ends
    assert law.held.startswith("a below")


def test_where_all_are_refuted_the_last_is_taken_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, FALLS, "a - b")
    law = law_of(straight(wanted=ShapeConstraints(monotonic=(1, 1))))
    assert taken(law) == "a - b"
    assert "refuted" in [fact.verdict for fact in law.shapes]


# ------------------------------------------------------------------------------------------------ which comes first


def judged(monkeypatch: pytest.MonkeyPatch, rungs: Sequence[Rung], **changes: object) -> list[str]:
    monkeypatch.setattr(ladder, "RUNGS", (lambda *_: iter(rungs),))
    model = straight(rows=Rows(ROWS, TARGET + NOISE, np.ones(200)), **changes)
    found = ladder_of(model)
    return [found.rungs[place].name for place in found.order]


def test_the_plainest_of_laws_that_predict_alike_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    longer = rung("2 * a + b + 0.001 * a * b")
    assert judged(monkeypatch, [longer, rung("2 * a"), rung(RISES)])[0] == RISES


def test_a_law_with_a_larger_error_is_not_taken_for_being_short(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(monkeypatch, [rung("2 * a + 0.5"), rung(RISES)]) == [RISES, "2 * a + 0.5"]


@pytest.mark.parametrize(("slope", "told"), [(0.02, True), (1.0, False)])
def test_a_law_that_half_of_the_rows_would_give_is_told_as_a_rival(
    monkeypatch: pytest.MonkeyPatch, slope: float, told: bool
) -> None:
    both = f"2 * a + {slope} * b"
    model = straight(rows=Rows(ROWS, 2.0 * ROWS[:, 0] + slope * ROWS[:, 1] + NOISE, np.ones(200)))
    monkeypatch.setattr(ladder, "RUNGS", (lambda *_: iter([rung(both), rung("2 * a")]),))
    found = ladder_of(model)
    longer = [each.name for each in found.rungs].index(both)
    assert found.is_rival(1 - longer, longer) == told


def test_a_law_that_is_bent_to_its_rows_gives_way_at_their_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    def bent(blocks: NDArray[np.int64]) -> NDArray[np.float64]:
        # closer between the rows, and far off where those at an edge were left out
        return TARGET + 0.5 * NOISE + 3.0 * (blocks < 0).any() * (blocks >= 0)

    wrong = rung("2 * a + b + 0.001 * a^3 * b", left_out=bent)
    assert judged(monkeypatch, [wrong, rung(RISES)])[0] == RISES
    assert (
        judged(monkeypatch, [replace(wrong, left_out=lambda _: TARGET + 0.5 * NOISE), rung(RISES)])[0]
        != RISES
    )


def test_what_nobody_can_read_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    long = rung(" + ".join(f"{k} * a^{k} * b^{k}" for k in range(2, 14)), left_out=lambda _: TARGET + NOISE)
    assert long.operators > 30
    assert judged(monkeypatch, [long, rung("2 * a + 0.5")])[0] == "2 * a + 0.5"


def test_what_was_refused_is_shown_and_never_taken_and_no_law_is_shown_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rungs = [rung("a", refused="it is none"), rung("2.1 * a + b", refused="passed over"), rung(RISES)]
    assert judged(monkeypatch, rungs) == [RISES]
    law = law_of(straight())
    assert law.considered()["rung"].tolist() == ["a", RISES]
    assert str(law.formulas["a"]) == "a"
    assert law.considered()["buys"].tolist()[1] == pytest.approx(1.0)


# ---------------------------------------------------------------------------------------------------- what stands on it


def test_the_network_as_it_is_stands_on_the_ladder() -> None:
    found = ladder_of(straight())
    (network,) = [each for each in found.rungs if each.name == "network"]
    law = Formula(network.root, VARIABLES, Variable("y"))
    assert len(law.curves) == 2
    np.testing.assert_allclose(law.evaluate(decoded(NUMBER, ROWS)), TARGET, atol=1e-9)
    assert not Formula(found.rungs[found.order[0]].root, VARIABLES, Variable("y")).curves


def test_the_law_of_a_logarithm_has_the_factor_from_the_median_to_the_mean() -> None:
    noise = 5.0 * NOISE
    model = straight(rows=Rows(ROWS, TARGET + noise, np.ones(200), log=True))
    (network,) = [each for each in ladder_of(model).rungs if each.name == "network"]
    assert network.smearing == pytest.approx(np.mean(np.exp(noise)))
    law = Formula(network.root, VARIABLES, Variable("y"))
    np.testing.assert_allclose(
        law.evaluate(decoded(NUMBER, ROWS)), network.smearing * np.exp(TARGET), rtol=1e-9
    )
