"""Laws that are offered one after the other, and which of them is taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from kanopt.errors import FitError
from kanopt.formulas import Alternative, Formula, Node, Variable, parse_formula
from kanopt.kan.constraints import ShapeConstraints
from kanopt.surrogates.ladder import HeldOut, Trained, find_law, ladder
from kanopt.surrogates.ladder import drafts as offered
from kanopt.surrogates.ladder.closed import Closed
from kanopt.surrogates.ladder.control import Control
from kanopt.surrogates.ladder.drafts import Draft, drafts
from kanopt.surrogates.rows import Rows
from tests.cases.hand_networks import Network
from tests.surrogates.ladder.by_hand import NUMBER, decoded, layer, times, trained

ROWS = np.random.default_rng(6).uniform(0, 1, (200, 2))
TARGET = 2 * ROWS[:, 0] + ROWS[:, 1]
VARIABLES = tuple(Variable(feature.name) for feature in NUMBER)


def straight(**changes: object) -> Trained:
    network = Network((layer([[times(2.0)], [times(1.0)]], [0.0]),))
    model = replace(trained(network, NUMBER, ROWS, TARGET), structure="additive", edf=3.0)
    return replace(model, **changes)


def root(text: str) -> Node:
    return parse_formula(text, VARIABLES, Variable("y")).root


def law_of(model: Trained) -> Formula:
    frame = decoded(NUMBER, ROWS).assign(y=TARGET)
    return find_law(model, HeldOut(frame, Variable("y"), ""), -10.0)


def closed(text: str, *, residual: float = 0.1, price: float = 5.0) -> Closed:
    law = parse_formula(text, VARIABLES, Variable("y"))
    rows = Rows(ROWS, TARGET, np.ones(200))
    front = (Alternative(1, residual, True, text),)
    return Closed(law, rows, np.full(200, residual), False, 2, price, front)


class Offers:
    """Drafts that note how many of them were asked for."""

    def __init__(self, *texts: str) -> None:
        self.texts, self.asked = texts, list[str]()

    def __call__(self, model: Trained) -> Iterator[Draft]:
        for text in self.texts:
            self.asked.append(text)
            yield Draft(root(text), text, (Alternative(1, 0.0, True, text),))


# ------------------------------------------------------------------------------------------ which draft is taken

FALLS, RISES = "2 * a - b^2", "2 * a + b"


def test_a_draft_whose_shape_is_refuted_is_let_go_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    offers = Offers(FALLS, RISES, "a")
    monkeypatch.setattr(ladder, "drafts", offers)
    law = law_of(straight(wanted=ShapeConstraints(monotonic=(1, 1))))
    assert law.provenance["written by"] == RISES
    assert [fact.verdict for fact in law.shapes] == ["proved"] * 3
    assert [each.text for each in law.alternatives] == [str(law)]
    # and nothing is worked out that is not needed
    assert offers.asked == [FALLS, RISES]


def test_where_nothing_was_asked_the_first_draft_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    offers = Offers(FALLS, RISES)
    monkeypatch.setattr(ladder, "drafts", offers)
    assert law_of(straight()).provenance["written by"] == FALLS
    assert offers.asked == [FALLS]


@pytest.mark.parametrize("floor", [None, 0.01])
def test_a_draft_without_a_value_somewhere_is_let_go(
    floor: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "2 * a + (b - 0.5)^0.5"
    monkeypatch.setattr(ladder, "drafts", Offers(nowhere, RISES))
    assert law_of(straight(floor=floor)).provenance["written by"] == RISES


def test_a_draft_without_a_value_for_a_held_out_row_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A root of a logarithm was taken, of which a held-out trip shorter than all others was none."""
    model, least = straight(), float(ROWS[:, 0].min())
    ends = f"2 * (a - {least - 1e-6!r})^0.5 + b"
    monkeypatch.setattr(ladder, "drafts", Offers(ends, RISES))
    assert law_of(model).provenance["written by"] == ends
    frame = decoded(NUMBER, ROWS).assign(y=TARGET)
    frame.loc[3, "a"] = least - 1e-3
    law = find_law(model, HeldOut(frame, Variable("y"), ""), -10.0)
    assert law.provenance["written by"] == RISES


def test_what_is_undecided_is_no_reason_to_let_a_draft_go(monkeypatch: pytest.MonkeyPatch) -> None:
    bends = "a^3 - a^2 + 0.5 * a + b"  # it rises, but on one box bounds of the slope do not tell
    monkeypatch.setattr(ladder, "drafts", Offers(bends, RISES))
    monkeypatch.setattr("kanopt.surrogates.ladder.shaped._BOXES", 1)
    law = law_of(straight(wanted=ShapeConstraints(monotonic=(1, 1))))
    assert law.provenance["written by"] == bends
    assert law.shapes[0].verdict == "undecided"


def test_where_all_are_refuted_the_last_is_taken_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "drafts", Offers(FALLS, "a - b"))
    law = law_of(straight(wanted=ShapeConstraints(monotonic=(1, 1))))
    assert law.provenance["written by"] == "a - b"
    assert "refuted" in [fact.verdict for fact in law.shapes]


# ------------------------------------------------------------------------------------------ which drafts there are


def ways(model: Trained) -> list[str]:
    return [draft.how for draft in drafts(model)]


def test_the_network_as_it_is_is_among_them_and_what_was_considered_shows_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offered, "closed_law", lambda *_: closed("2 * a + b", residual=0.1))
    found = list(drafts(straight()))
    (network,) = [draft for draft in found if "every edge a curve" in draft.how]
    law = Formula(network.root, VARIABLES, Variable("y"))
    assert len(law.curves) == 2
    np.testing.assert_allclose(law.evaluate(decoded(NUMBER, ROWS)), TARGET, atol=1e-9)
    assert all([each.chosen for each in draft.alternatives].count(True) == 1 for draft in found)
    assert not Formula(found[0].root, VARIABLES, Variable("y")).curves


def test_where_a_person_decided_the_network_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offered, "closed_law", lambda *_: None)
    model = straight(control=Control.of({"a": "linear"}, None, None))
    assert ways(model) == ["a sum of functions of one column"]


def test_the_plainest_of_laws_that_predict_alike_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = 0.1 * np.random.default_rng(2).standard_normal(200)
    model = straight(rows=Rows(ROWS, TARGET + noise, np.ones(200)))
    monkeypatch.setattr(offered, "closed_law", lambda *_: closed("2 * a + b + 0 * a^2 * b"))
    first, *_ = drafts(model)
    assert first.how == "a sum of functions of one column"


def test_a_law_with_a_larger_error_is_not_taken_for_being_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offered, "closed_law", lambda *_: closed("2 * a", residual=0.5))
    first, *_ = drafts(straight())
    assert first.how == "a sum of functions of one column"


def test_without_what_was_asked_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offered, "closed_law", lambda *_: None)
    with pytest.raises(FitError, match="'a' cannot become sine"):
        ways(straight(control=Control.of({"a": "sine"}, None, None)))


def test_the_law_of_a_logarithm_has_the_factor_from_the_median_to_the_mean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offered, "closed_law", lambda *_: None)
    noise = 0.5 * np.random.default_rng(1).standard_normal(200)
    model = straight(log_target=True, rows=Rows(ROWS, TARGET + noise, np.ones(200)))
    (network,) = [draft for draft in drafts(model) if "every edge a curve" in draft.how]
    assert network.smearing == pytest.approx(np.mean(np.exp(noise)))
    law = Formula(network.root, VARIABLES, Variable("y"))
    np.testing.assert_allclose(
        law.evaluate(decoded(NUMBER, ROWS)), network.smearing * np.exp(TARGET), rtol=1e-9
    )
