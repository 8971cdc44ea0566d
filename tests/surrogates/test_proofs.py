"""What a model is asked to prove, as a user gives it."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kanopt import FitError, KANRegressor
from kanopt.errors import KanoptWarning
from kanopt.kan.description import Layer, Network
from kanopt.kan.links import Logistic, Softplus
from kanopt.surrogates.encoding import encoding_of
from kanopt.surrogates.proofs import ShapeClaims, proofs
from tests.cases.small_networks import polynomial


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


def test_where_nothing_is_claimed_it_is_told_what_can_be(rising):
    with pytest.warns(KanoptWarning, match=r"nothing to prove, .* monotone=\{'km': \+1\}, convex=.*bounds="):
        assert rising.verify().empty


@pytest.mark.parametrize("word", ["convex", "concave"])
def test_one_name_is_no_list_of_columns(rising, word):
    with pytest.raises(FitError, match=rf"verify: {word}='km' must be a list of columns, such as \['km'\]"):
        rising.verify(**{word: "km"})


def law_of(link=None, powers=(0.0, 1.0), logs=False, smearing=None):
    """The law link(p(x)) or smearing · exp(p(x)) of a column x, or of its logarithm, between 1 and 2."""
    encoding = encoding_of(pd.DataFrame({"x": [1.0, 2.0]})).with_logs([logs])
    low, high = encoding.numeric[0].bounds
    layer = Layer(
        np.array([low]), np.array([high]), polynomial(low, high, powers)[None, None], (), np.zeros(1)
    )
    known = {
        "encoding": encoding,
        "network": Network((layer,)),
        "link": link,
        "log_target": smearing is not None,
    }
    return SimpleNamespace(**known, smearing=smearing or 1.0, floor=None)


LINKS = [Softplus(scale=0.4, low=2.0), Logistic(low=0.0, high=1000.0), 2.0]
ENDS = [(2.0, math.inf), (0.0, 1000.0), (0.0, math.inf)]


def linked(link, powers=(0.0, 1.0)):
    """The law behind a link, or twice the exponential."""
    return law_of(smearing=link, powers=powers) if isinstance(link, float) else law_of(link, powers)


@pytest.mark.parametrize(("link", "ends"), list(zip(LINKS, ENDS, strict=True)))
@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("inside", [1e-4, 1e-6])
def test_bounds_next_to_an_end_of_a_link_are_the_ones_asked_for(link, ends, end, inside):
    if end == "high" and math.isinf(ends[1]):
        return
    bound = ends[0] + inside if end == "low" else ends[1] - inside
    place = math.log(bound / link) if isinstance(link, float) else float(link.exact_inverse(np.array(bound)))
    encoded = law_of().encoding.numeric[0].bounds
    for shift in (-0.5, 0.5):  # the law passes by the bound, no nearer than half a unit of the output
        turned = linked(link, (place + shift - (encoded[0] if shift > 0 else encoded[1]), 1.0))
        asked = {
            "at least": ShapeClaims(bounds=(bound, math.inf)),
            "at most": ShapeClaims(bounds=(-math.inf, bound)),
        }
        for words, question in asked.items():
            answer = proofs(turned, question, 1000).iloc[0]
            holds = (words == "at least") == (shift > 0)
            assert answer["verdict"] == ("proved" if holds else "refuted"), (words, shift)


@pytest.mark.parametrize(("link", "ends"), list(zip(LINKS, ENDS, strict=True)))
def test_bounds_at_and_beyond_the_ends_are_settled_at_once(link, ends):
    low, high = ends
    law = linked(link)
    for bound in (low, low - 1e-4):
        assert proofs(law, ShapeClaims(bounds=(bound, math.inf)), 1).iloc[0]["verdict"] == "proved"
        answer = proofs(law, ShapeClaims(bounds=(-math.inf, bound)), 1).iloc[0]
        assert (answer["verdict"], answer["boxes"]) == ("refuted", 1)
        assert "at x = " in answer["where"]
    if math.isfinite(high):
        assert proofs(law, ShapeClaims(bounds=(high, math.inf)), 1).iloc[0]["verdict"] == "refuted"
        assert proofs(law, ShapeClaims(bounds=(-math.inf, high + 1e-4)), 1).iloc[0]["verdict"] == "proved"


def test_both_ends_are_one_claim():
    answers = proofs(law_of(), ShapeClaims(bounds=(0.9, 2.5)), 1000)
    assert answers["claim"].tolist() == ["at least 0.9 and at most 2.5"]
    assert answers["verdict"].tolist() == ["proved"]
    assert proofs(law_of(), ShapeClaims(bounds=(0.9, 1.5)), 1000).iloc[0]["verdict"] == "refuted"


def test_a_law_close_to_its_lower_end_is_not_refuted():
    """From the review: a clipped inverse tested a bound of 1 where 0.54 was asked for."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (400, 2))
    y = 0.7 + 500 * x[:, 0] ** 2 * (0.5 + x[:, 1])
    model = KANRegressor((), bounds=(0.0, 1000.0), seed=1, log_target=False).fit(x, y)
    least = model.predict(rng.uniform(x.min(axis=0), x.max(axis=0), (5000, 2))).min()
    assert model.verify(bounds=(0.2 * least, None))["verdict"].tolist() == ["proved"]


@pytest.mark.parametrize(
    ("law", "word", "verdict"),
    [
        (law_of(smearing=1.5), "concave", "refuted"),
        (law_of(smearing=1.5), "convex", "proved"),
        (law_of(powers=(0.0, 2.0), logs=True, smearing=1.0), "convex", "proved"),  # x²
        (law_of(powers=(0.0, 0.5), logs=True, smearing=1.0), "concave", "proved"),  # √x
        (law_of(Softplus()), "concave", "refuted"),
        (law_of(Logistic(), (-5.0, 1.0)), "concave", "refuted"),
        (law_of(Logistic(), (-5.0, 1.0)), "convex", "proved"),
        (law_of(Logistic(), (5.0, 1.0)), "concave", "proved"),
        (law_of(powers=(0.0, 1.0), logs=True), "concave", "proved"),  # log x
        (law_of(powers=(0.0, -1.0), logs=True), "convex", "proved"),  # −log x
        (law_of(powers=(0.0, -1.0), logs=True), "concave", "refuted"),
        (law_of(powers=(0.0, 1.0, 1.0), logs=True), "concave", "refuted"),
        (law_of(Softplus(), (0.0, 0.0, -1.0)), "convex", "proved"),  # though its network is not
        (law_of(Softplus(), (0.0, 0.0, -0.1)), "convex", "refuted"),
    ],
)
def test_shapes_are_those_of_the_law_and_not_of_its_network(law, word, verdict):
    answer = proofs(law, ShapeClaims(**{word: ("x",)}), 1000).iloc[0]
    assert answer["verdict"] == verdict
    assert answer["where"].count(" at x = ") == (3 if verdict == "refuted" else 0)


def test_a_spent_budget_is_named():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (200, 2))
    model = KANRegressor((3,), seed=1, log_target=False).fit(
        x, np.sin(6 * x[:, 0]) + np.hypot(x[:, 0], x[:, 1])
    )
    least = model.predict(x).min()
    answer = proofs(model._law, ShapeClaims(bounds=(least - 0.2, math.inf)), 3).iloc[0]
    assert (answer["verdict"], answer["boxes"]) == ("undecided", 3)
    assert answer["where"] == "the budget of 3 boxes is spent: give a larger one"
