"""What is read from a network and from the simpler ones that were tried: which law is taken, and what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.errors import FitError
from kanopt.formulas import Formula, Variable
from kanopt.formulas.complexity import count_operators
from kanopt.kan.description import Network, evaluate_spline
from kanopt.kan.links import Softplus
from kanopt.surrogates import Feature
from kanopt.surrogates.distill import HeldOut, Trained, distill, networks
from kanopt.surrogates.distill.control import Control
from kanopt.surrogates.distill.drafts import drafts
from kanopt.surrogates.distill.judge import OPERATOR
from kanopt.surrogates.distill.networks import Read, curves, read
from kanopt.surrogates.distill.shortening import MOST
from tests.surrogates.distill.by_hand import HIGH, LOW, NUMBER, Floats, decoded, layer, spline, times, trained

HUMPS = spline(lambda z: np.sin(7 * z) + 0.5 * np.cos(13 * z))


def humps(z: Floats) -> Floats:
    """A curve that no closed form of the library is close to."""
    return evaluate_spline(z, LOW, HIGH, HUMPS)


@pytest.fixture(autouse=True)
def only_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here is reading networks; the law found on the rows beside them would often be chosen."""
    monkeypatch.setattr("kanopt.surrogates.distill.drafts.closed_law", lambda *_: None)


@pytest.fixture
def as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are read as curves, so that a test decides how long their laws are."""
    monkeypatch.setattr(networks, "_read", curves)


@pytest.fixture
def inputs() -> Floats:
    return np.random.default_rng(8).uniform(0, 1, (400, 2))


def additive(inputs: Floats, target: Floats, slope: float = 1.0) -> Trained:
    network = Network((layer([[humps], [times(slope)]], [0.2]),))
    return replace(trained(network, NUMBER, inputs, target), edf=12.0, structure="additive")


def hidden(inputs: Floats, target: Floats) -> Trained:
    """The same function of the inputs, spread over three nodes: nine curves."""
    shares = (0.5, 0.3, 0.2)
    first = layer(
        [[lambda z, s=s: s * humps(z) for s in shares], [times(s) for s in shares]],
        [0.0, 0.1, 0.1],
    )
    network = Network((first, layer([[times(1.0)]] * 3, [0.0])))
    return replace(trained(network, NUMBER, inputs, target), edf=60.0, structure="3 hidden nodes")


def says(found: Read) -> Floats:
    """What the formula gives that is made of a reading."""
    draft = next(iter(drafts(found.trained)))
    inputs = tuple(Variable(feature.name) for feature in found.trained.features)
    data = decoded(found.trained.features, found.trained.rows.inputs)
    return np.asarray(Formula(draft.root, inputs, Variable("y")).evaluate(data))


@pytest.mark.parametrize("way", ["as it is", "link", "log"])
def test_what_is_predicted_is_what_the_formula_says(way: str, inputs: Floats, as_they_are: None) -> None:
    noise = np.exp(0.2 * np.random.default_rng(0).standard_normal(len(inputs)))
    output = humps(inputs[:, 0]) + inputs[:, 1] + 0.2
    model = additive(inputs, 5.0 + output * noise)
    if way == "link":
        model = replace(model, link=Softplus(scale=2.0), rows=replace(model.rows, target=output))
    if way == "log":
        model = replace(model, log_target=True, rows=replace(model.rows, target=output + np.log(noise)))
    found = read(model)
    law, natural, logarithm = says(found), found.predicted(log=False), found.predicted(log=True)
    np.testing.assert_allclose(natural, law, rtol=1e-9)
    if way == "log":
        # the factor from the median to the mean is no part of a model of the logarithm
        smearing = np.mean(np.exp(model.rows.target - output))
        np.testing.assert_allclose(logarithm, np.log(law / smearing), atol=1e-9)
    else:
        np.testing.assert_allclose(np.exp(logarithm[law > 0]), law[law > 0], rtol=1e-9)
        assert np.isnan(logarithm[law < 0]).all()


def test_features_taken_as_logarithms_are_predicted_alike(as_they_are: None) -> None:
    feature = Feature("km", "number", scale=1.0, log=True, low=1.0, high=np.e)
    x = np.linspace(0.0, 1.0, 50)[:, None]
    model = trained(Network((layer([[humps]], [0.3]),)), (feature,), x, humps(x[:, 0]))
    found = read(model)
    np.testing.assert_allclose(found.predicted(log=False), says(found), atol=1e-9)


def test_a_simpler_network_that_is_as_good_is_read_instead(inputs: Floats, as_they_are: None) -> None:
    target = humps(inputs[:, 0]) + inputs[:, 1] + 0.1 * np.random.default_rng(1).standard_normal(len(inputs))
    plain = additive(inputs, target)
    chosen = replace(hidden(inputs, target), simpler=(plain,))
    assert read(replace(chosen, simpler=())).operators > MOST
    found = read(chosen)
    assert found.trained is plain
    assert found.operators <= MOST
    assert found.price == pytest.approx(OPERATOR * 10)
    frame = decoded(NUMBER, inputs).assign(y=target)
    law = distill(chosen, HeldOut(frame, Variable("y"), ""), 0.5)
    assert count_operators(law.root) == found.operators
    assert law.provenance["written by"] == (
        "edges of a simpler network that was tried (additive), closed forms and curves"
    )


def test_a_simpler_network_that_is_far_off_is_not_read(
    inputs: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def noted(trained: Trained) -> Read:
        asked.append(trained.structure)
        return curves(trained)

    monkeypatch.setattr(networks, "_read", noted)
    target = humps(inputs[:, 0]) + inputs[:, 1] + 0.1 * np.random.default_rng(1).standard_normal(len(inputs))
    far = replace(additive(inputs, target, slope=-30.0), structure="far off")
    chosen = replace(hidden(inputs, target), simpler=(far, additive(inputs, target)))
    assert read(chosen).trained is chosen.simpler[1]
    assert asked == ["3 hidden nodes", "additive"]


def test_a_simpler_network_of_another_scale_is_compared_on_that_of_the_chosen(
    inputs: Floats, as_they_are: None
) -> None:
    rng = np.random.default_rng(2)
    output = humps(inputs[:, 0]) + inputs[:, 1] + 0.2
    target = np.exp(output + 0.1 * rng.standard_normal(len(inputs)))
    logarithm = additive(inputs, target)
    logarithm = replace(logarithm, log_target=True, rows=replace(logarithm.rows, target=np.log(target)))
    # it does not predict the target itself but its logarithm, and has values where that has none
    wrong = additive(inputs, target, slope=-4.0)
    spread = hidden(inputs, target)
    spread = replace(spread, log_target=True, rows=logarithm.rows, simpler=(wrong, logarithm))
    with np.errstate(invalid="raise"):
        assert read(spread).trained is logarithm
    assert read(replace(spread, simpler=(wrong,))).trained.structure == "3 hidden nodes"


def test_a_simpler_network_that_misses_more_is_not_read(inputs: Floats, as_they_are: None) -> None:
    target = humps(inputs[:, 0]) + inputs[:, 1] + 0.1 * np.random.default_rng(1).standard_normal(len(inputs))
    chosen = replace(hidden(inputs, target), simpler=(additive(inputs, target, slope=-2.0),))
    assert read(chosen).trained is chosen


def test_simpler_networks_are_not_read_where_the_law_is_short(
    inputs: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def noted(model: Trained) -> Read:
        asked.append(model)
        return curves(model)

    monkeypatch.setattr(networks, "_read", noted)
    target = humps(inputs[:, 0]) + inputs[:, 1]
    plain = additive(inputs, target)
    assert read(replace(plain, simpler=(additive(inputs, target),))).trained.structure == "additive"
    assert len(asked) == 1


def test_a_simpler_network_without_what_was_asked_is_passed_over(
    inputs: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = humps(inputs[:, 0]) + inputs[:, 1]
    impossible, plain = replace(additive(inputs, target), structure="impossible"), additive(inputs, target)

    def noted(model: Trained) -> Read:
        if model.structure == "impossible":
            raise FitError("pin: no")
        return curves(model)

    monkeypatch.setattr(networks, "_read", noted)
    chosen = replace(hidden(inputs, target), simpler=(impossible, plain))
    assert read(chosen).trained is plain
    with pytest.raises(FitError, match="pin"):
        read(replace(impossible, simpler=(plain,)))


def test_what_was_pinned_by_the_name_of_an_edge_is_read_from_the_network_that_has_it(
    inputs: Floats, as_they_are: None
) -> None:
    target = humps(inputs[:, 0]) + inputs[:, 1]
    pinned = Control.of({"a → node 2": "curve"}, None, None)
    chosen = replace(hidden(inputs, target), simpler=(additive(inputs, target),), control=pinned)
    assert read(chosen).trained is chosen
    by_column = Control.of({"a": "curve"}, None, None)
    assert read(replace(chosen, control=by_column)).trained.structure == "additive"


@pytest.mark.parametrize("link", [None, Softplus(scale=2.0)])
def test_the_network_as_it_is_has_the_error_and_the_length_of_the_network(
    link: Softplus | None, inputs: Floats
) -> None:
    output = humps(inputs[:, 0]) + inputs[:, 1] + 0.2
    given = output if link is None else link(output)
    target = given + 0.3 * np.random.default_rng(3).standard_normal(len(inputs))
    found = curves(replace(additive(inputs, target), link=link))
    (shown,) = found.front
    assert shown.chosen
    assert shown.error == pytest.approx(np.sqrt(np.mean((target - given) ** 2)), rel=1e-6)
    # two curves of five and a sum of three parts, and what the link adds
    assert shown.complexity == found.operators == (12 if link is None else 14)
    assert found.fit.parameters == 12.0


@pytest.mark.slow
def test_a_long_network_becomes_a_law_on_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    # eight curves that no closed form is close to, six of which are significant and hardly matter: a row stands for 40
    rng = np.random.default_rng(4)
    columns = tuple(Feature(f"x{k}", "number", low=0.0, high=1.0) for k in range(8))
    inputs = rng.uniform(0, 1, (1000, 8))
    sizes = [3.0, 2.0, *[0.06] * 6]
    target = sum(s * humps(z) for s, z in zip(sizes, inputs.T, strict=True)) + rng.standard_normal(1000)
    network = Network((layer([[lambda z, s=s: s * humps(z)] for s in sizes], [0.0]),))
    model = trained(network, columns, inputs, target)
    model = replace(model, edf=50.0, rows=replace(model.rows, weight=np.full(1000, 40.0)))
    held_out = HeldOut(decoded(columns, inputs).assign(y=target), Variable("y"), "")
    law = distill(model, held_out, 0.5)
    assert count_operators(law.root) <= MOST
    assert {"x0", "x1"} <= law.used
    monkeypatch.setattr("kanopt.surrogates.distill.shortening.GIVEN_UP", 0.0)
    long = distill(model, held_out, 0.5)
    assert count_operators(long.root) > MOST
    assert law.fit.rmse < 1.02 * long.fit.rmse
