import numpy as np
import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Domain,
    Fit,
    Formula,
    Input,
    Power,
    Range,
    ReferenceValue,
    Table,
    Variable,
    parse_formula,
)
from kanopt.refs import arc, clock, vehicle

KM, HOUR, KIND = Variable("km", "km", low=0.0), Variable("hour", "h"), Variable("kind", kind="category")
MINUTES = Variable("minutes", "min")
rush = Curve("s", Input("hour"), (0.0, 0.0, 0.0, 0.4, 0.1, 0.5, 0.0, 0.0), 0.0, 24.0, periodic=True)
rate = Table.of({"van": 1.0, "truck": 1.3}, "kind", name="rate")
root = (2.0 + 1.5 * Input("km") * Apply("exp", rush)) * rate
law = Formula(
    root,
    (KM, HOUR, KIND),
    MINUTES,
    "leg",
    domain=Domain((Range("km", 0.5, 90.0),), (("kind", ("van", "truck")),)),
)


def test_matrices_meet_columns_and_single_numbers():
    km = np.arange(12.0).reshape(3, 4)
    hour = np.array([6.0, 9.0, 12.0, 15.0])
    found = law.evaluate({"km": km, "hour": hour, "kind": "truck"})
    expected = (2.0 + 1.5 * km * np.exp(rush.at(hour))) * 1.3
    np.testing.assert_allclose(found, expected)
    assert found.dtype == np.float64
    single = law.evaluate({"km": 3.0, "hour": 9.0, "kind": "van"})
    assert isinstance(single, np.ndarray)
    assert single.shape == ()
    assert law.evaluate({"km": [], "hour": [], "kind": []}).shape == (0,)


def test_no_value_at_a_finite_input_is_refused_by_place():
    inverse = parse_formula("1 / km", [KM], MINUTES)
    with pytest.raises(FormulaError, match=r"no finite value where km=0 \(1 of 3 places\)"):
        inverse.evaluate({"km": [1.0, 0.0, 2.0]})


def test_a_law_that_ends_outside_its_data_says_how_to_learn_one_that_goes_on():
    ends = parse_formula("log(km) ^ 1.5", [Variable("km", "km", low=2, high=60)], MINUTES)
    message = (
        r"where km=0.5 .*outside its data \(km 0.5 km \(valid from 2 to 60\)\).*such as one of its `formulas`"
    )
    with pytest.raises(FormulaError, match=message):
        ends.evaluate({"km": [5.0, 0.5]})


def test_outside_is_the_box_of_domain_and_declaration():
    data = {"km": np.array([0.4, 0.5, 90.0, 91.0, -1.0]), "hour": 30.0, "kind": "van"}
    assert law.outside(data).tolist() == [True, False, False, True, True]
    assert law.outside({**data, "kind": "bike"}).all()
    declared = parse_formula("km", [Variable("km", "km", high=5.0)], MINUTES)
    assert declared.outside({"km": [5.0, 5.1]}).tolist() == [False, True]
    listed = Formula(rate, (Variable("kind", kind="category", categories=("van",)),), MINUTES)
    assert listed.outside({"kind": ["van", "truck"]}).tolist() == [False, True]


def test_what_is_known_is_told():
    named = Constant(0.98, "elasticity", 0.0123)
    law = Formula(
        Power(Input("km"), named) * rate,
        (Variable("km", "km", low=1.0, high=50.0), KIND),
        MINUTES,
        "leg",
        fit=Fit(0.97, 1.5, 1.1, 1.01, 400, 100),
        domain=Domain((Range("km", 0.5, 90.0),), (("kind", ("van", "truck")),)),
    )
    assert law.facts()[:-1] == [
        ("output", "minutes [min] per leg"),
        ("input", "km [km], valid from 1 to 50"),
        ("input", "kind, known: van, truck"),
        ("constant", "elasticity 0.98 ± 0.012"),
        ("table", "rate(kind): van 1, truck 1.3"),
    ]
    assert law.tables == (rate,)
    assert law.facts()[-1] == ("held-out fit", str(law.fit))
    assert "constant: elasticity 0.98 ± 0.012" in law.text().splitlines()
    assert ">elasticity 0.98 ± 0.012<" in law._repr_html_()
    assert repr(law) == "<Formula minutes [min] per leg = km^0.98 · rate(kind)>"
    bare = Formula(rate, (KIND,), Variable("x"))
    told = [("output", "x"), ("input", "kind"), ("table", "rate(kind): van 1, truck 1.3")]
    assert bare.facts() == told
    assert repr(bare) == "<Formula x = rate(kind)>"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Formula(Input("k"), (KM,), MINUTES), "reads 'k', which is no input; did you mean 'km'"),
        (lambda: Formula(Input("km"), (KM, KM), MINUTES), "two inputs have the same name"),
        (lambda: Formula(Input("kind"), (KIND,), MINUTES), "'kind' is a category"),
        (lambda: Formula(Table.of({"a": 1.0}, "km"), (KM,), MINUTES), "'km' is a number"),
    ],
)
def test_formulas_without_a_meaning_are_refused(make, message):
    with pytest.raises(FormulaError, match=message):
        make()


def test_binding_converts_units_and_holds_constants():
    bound = law.bind(km=arc.distance, hour=clock.hour, kind="van")
    known = {
        "arc.distance": ReferenceValue(np.array([[0.0, 5000.0]]), "m"),
        "clock.hour": ReferenceValue(np.array(480.0), "min"),
    }
    found = bound.evaluate(lambda reference: known[str(reference)], unit="h")
    expected = law.evaluate({"km": [[0.0, 5.0]], "hour": 8.0, "kind": "van"}) / 60
    np.testing.assert_allclose(found, expected)
    assert bound.references == (arc.distance, clock.hour)
    assert bound.state_references == (clock.hour,)
    assert bound.outside(lambda reference: known[str(reference)]).tolist() == [[True, False]]


def test_bindings_that_do_not_fit_are_refused():
    with pytest.raises(FormulaError, match="has no input 'kmm'; did you mean 'km'"):
        law.bind(kmm=arc.distance)
    with pytest.raises(FormulaError, match="unbound input 'hour', 'kind'"):
        law.bind(km=arc.distance)
    bound = law.bind(km=vehicle.weight, hour=8.0, kind="van")
    with pytest.raises(FormulaError, match=r"'km' bound to vehicle.weight: cannot convert 't'"):
        bound.evaluate(lambda reference: ReferenceValue(np.array(1.0), "t"))
    with pytest.raises(FormulaError, match="formula for 'minutes': cannot convert 'min'"):
        law.bind(km=3.0, hour=8.0, kind="van").evaluate(
            lambda reference: ReferenceValue(np.array(1.0)), unit="EUR"
        )
