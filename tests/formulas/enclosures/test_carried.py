"""Facts that travel with the formula: in its text, in its file, and never on to another formula."""

import json
from dataclasses import replace

import pytest

from kanopt.errors import FileFormatError
from kanopt.formulas import Domain, Formula, Input, Range, Table, Variable, parse_formula

KM, KIND = Variable("km", "km", low=0.0, high=90.0), Variable("kind", kind="category")
LAW = Formula(
    Input("km") ** 1.5 * Table.of({"van": 1.0, "truck": 1.5}, "kind"), (KM, KIND), Variable("fuel", "l")
)
PROOF = LAW.prove(monotone={"km": -1}, convex=["km"], low=0.0, high=1e6, finite=True)
CARRIER = replace(LAW, shapes=PROOF.facts)


def test_a_law_says_what_was_proved_of_it():
    assert [text for what, text in CARRIER.facts() if what == "shape"] == [
        str(PROOF.facts[0]),
        "convex in km: proved on the whole domain",
        "at least 0: proved on the whole domain",
        "at most 1,000,000: proved on the whole domain",
        "finite everywhere: proved on the whole domain",
    ]
    assert "refuted" in str(PROOF.facts[0])
    assert "convex in km: proved on the whole domain" in CARRIER._repr_html_()


def test_facts_come_back_from_a_file():
    again = Formula.from_json(CARRIER.to_json())
    assert again == CARRIER
    assert again.shapes == PROOF.facts
    assert again.shapes[0].witness[0].inputs["kind"] in ("van", "truck")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"verdict": "certain"}, r"formula.shapes\[0\].verdict: expected 'proved' .* found 'certain'"),
        ({"shape": ["rises"]}, r"shapes\[0\].shape: expected 'rises' or .* found list"),
        ({"boxes": -1}, r"shapes\[0\].boxes: expected a whole number"),
        ({"witness": []}, "has the points where it fails"),
        ({"extra": 1}, "unknown key 'extra'"),
        ({"left": "all"}, r"shapes\[0\].left: expected a number"),
    ],
)
def test_facts_that_are_none_are_refused_by_place(changes, message):
    content = json.loads(CARRIER.to_json())
    content["shapes"][0].update(changes)
    with pytest.raises(FileFormatError, match=message):
        Formula.from_json(json.dumps(content))


def test_a_formula_keeps_the_facts_on_itself_and_lets_others_go():
    other = parse_formula("2 * km", [KM], Variable("fuel", "l"))
    assert replace(other, shapes=PROOF.facts).shapes == ()
    assert replace(CARRIER, root=LAW.root * 2.0).shapes == ()
    assert replace(CARRIER, domain=Domain((Range("km", 1.0, 5.0),))).shapes == ()
    assert replace(CARRIER, inputs=(replace(KM, high=900.0), KIND)).shapes == ()
    assert replace(CARRIER, per="leg").shapes == PROOF.facts
    # an input that is not read has no part in it
    assert replace(CARRIER, inputs=(KM, KIND, Variable("hour"))).shapes == PROOF.facts
    assert CARRIER.terms[0].formula.shapes in ((), PROOF.facts)
