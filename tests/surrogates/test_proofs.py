"""What a model is asked to prove, as a user gives it."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kanopt import FitError, KANRegressor
from kanopt.kan.description import Layer, Network
from kanopt.kan.links import Exponential, Logistic, Softplus
from kanopt.kan.verify import Verdict
from kanopt.surrogates.encoding import encoding_of
from kanopt.surrogates.proofs import ShapeClaims, proofs
from tests.kan.verify_cases import polynomial


@pytest.fixture(scope="module")
def rising():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"km": rng.uniform(5, 80, 60), "load_t": rng.uniform(1, 10, 60)})
    options = {"log_target": False, "log_features": [], "loss": "squared"}
    return KANRegressor((), **options).fit(table, 2.0 * table["km"] + table["load_t"])


@pytest.mark.parametrize("sign", [2, "up", True, 0.5])
def test_a_sign_is_one_of_three(rising, sign):
    with pytest.raises(FitError, match=r"verify: column 'km' has .*use \+1 \(rises\), -1 \(falls\) or 0"):
        rising.verify(monotone={"km": sign})


def test_a_sign_of_zero_claims_nothing(rising):
    assert rising.verify(monotone={"km": 1, "load_t": 0})["claim"].tolist() == ["rises with km"]


@pytest.mark.parametrize("word", ["convex", "concave"])
def test_one_name_is_no_list_of_columns(rising, word):
    with pytest.raises(FitError, match=rf"verify: {word}='km' must be a list of columns, such as \['km'\]"):
        rising.verify(**{word: "km"})


def law_of(link=None, powers=(0.0, 1.0), logs=False, log_target=False):
    """The law link(p(x)) of a column x, or of its logarithm, between 1 and 2: all that proofs look at."""
    encoding = encoding_of(pd.DataFrame({"x": [1.0, 2.0]})).with_logs([logs])
    low, high = encoding.numeric[0].bounds
    layer = Layer(
        np.array([low]), np.array([high]), polynomial(low, high, powers)[None, None], (), np.zeros(1)
    )
    network = Network((layer,))

    def predict(numbers, codes):
        output = network(numbers, codes)
        if log_target:
            return np.exp(output)
        return output if link is None else link(output)

    known = {"encoding": encoding, "network": network, "link": link, "log_target": log_target}
    return SimpleNamespace(**known, smearing=1.0, floor=None, predict=predict)


LINKS = [Exponential(unit=2.0), Softplus(scale=0.4, low=2.0), Logistic(low=0.0, high=1000.0)]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("inside", [1e-4, 1e-6])
def test_bounds_next_to_an_end_of_a_link_are_the_ones_asked_for(link, end, inside):
    if end == "high" and math.isinf(link.ends[1]):
        return
    bound = link.ends[0] + inside if end == "low" else link.ends[1] - inside
    place = float(link.exact_inverse(np.array(bound)))
    encoded = law_of().encoding.numeric[0].bounds
    for shift in (-0.5, 0.5):  # the law passes by the bound, no nearer than half a unit of the output
        turned = law_of(link, (place + shift - (encoded[0] if shift > 0 else encoded[1]), 1.0))
        asked = {
            "at least": ShapeClaims(bounds=(bound, math.inf)),
            "at most": ShapeClaims(bounds=(-math.inf, bound)),
        }
        for words, question in asked.items():
            answer = proofs(turned, question, 1000).iloc[0]
            holds = (words == "at least") == (shift > 0)
            assert answer["verdict"] == ("proved" if holds else "refuted"), (words, shift)


@pytest.mark.parametrize("link", LINKS)
def test_bounds_at_and_beyond_the_ends_are_settled_at_once(link):
    low, high = link.ends
    law = law_of(link)
    for bound in (low, low - 1e-4):
        assert proofs(law, ShapeClaims(bounds=(bound, math.inf)), 1).iloc[0]["verdict"] == "proved"
        answer = proofs(law, ShapeClaims(bounds=(-math.inf, bound)), 1).iloc[0]
        assert (answer["verdict"], answer["boxes"]) == ("refuted", 0)
        assert "everywhere" in answer["where"]
    if math.isfinite(high):
        assert proofs(law, ShapeClaims(bounds=(high, math.inf)), 1).iloc[0]["verdict"] == "refuted"
        assert proofs(law, ShapeClaims(bounds=(-math.inf, high + 1e-4)), 1).iloc[0]["verdict"] == "proved"


def test_a_bound_that_rounding_hides_is_undecided():
    link = Logistic(low=1e9, high=2e9)
    object.__setattr__(link, "exact_inverse", lambda target: np.array(0.0))
    answer = proofs(law_of(link), ShapeClaims(bounds=(1.2e9, math.inf)), 1000).iloc[0]
    assert (answer["verdict"], answer["boxes"]) == ("undecided", 0)
    assert "rounding hides" in answer["where"]


def test_a_law_close_to_its_lower_end_is_not_refuted():
    """From the review: a clipped inverse tested a bound of 1 where 0.54 was asked for."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (400, 2))
    y = 0.7 + 500 * x[:, 0] ** 2 * (0.5 + x[:, 1])
    model = KANRegressor((), bounds=(0.0, 1000.0), seed=1, log_target=False).fit(x, y)
    least = model.predict(rng.uniform(x.min(axis=0), x.max(axis=0), (5000, 2))).min()
    assert model.verify(bounds=(0.2 * least, None))["verdict"].tolist() == ["proved"]


@pytest.mark.parametrize(
    ("law", "word", "reason"),
    [
        (law_of(log_target=True), "concave", "exponential of the network's output"),
        (law_of(Softplus()), "concave", "softplus of the network's output"),
        (law_of(Logistic()), "concave", "logistic function of the network's output"),
        (law_of(Logistic()), "convex", "logistic function of the network's output"),
        (law_of(powers=(0.0, 1.0, 1.0), logs=True), "concave", "the law reads the logarithm of x"),
        (
            law_of(Softplus(), (0.0, 0.0, -1.0)),
            "convex",
            "it is convex where the output is, but this output is not",
        ),
    ],
)
def test_where_says_why_a_shape_is_undecided(law, word, reason):
    answer = proofs(law, ShapeClaims(**{word: ("x",)}), 1000).iloc[0]
    assert answer["verdict"] == "undecided"
    assert reason in answer["where"]


@pytest.mark.parametrize(
    ("boxes", "where"),
    [(20, "the budget of 20 boxes is spent: give a larger one"), (7, "rounding hides the answer")],
)
def test_a_spent_budget_is_named(monkeypatch, boxes, where):
    def verify(network, claim, lower, upper, *, budget):
        return Verdict(claim, "undecided", boxes)

    monkeypatch.setattr("kanopt.surrogates.proofs.verify", verify)
    answer = proofs(law_of(), ShapeClaims(monotone={"x": 1}), 20).iloc[0]
    assert tuple(answer[["verdict", "boxes", "where"]]) == ("undecided", boxes, where)


def test_concave_and_rising_in_the_logarithm_is_concave():
    for powers, word, verdict in (
        ((0.0, 1.0), "concave", "proved"),  # log x
        ((0.0, -1.0), "convex", "proved"),  # −log x
        ((0.0, -1.0), "concave", "undecided"),
    ):
        answer = proofs(law_of(powers=powers, logs=True), ShapeClaims(**{word: ("x",)}), 1000).iloc[0]
        assert answer["verdict"] == verdict, (powers, word)
