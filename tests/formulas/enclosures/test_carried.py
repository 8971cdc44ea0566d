"""Facts that travel with the formula: in its text, in its file, and never on to another formula."""

from dataclasses import replace

from kanopt.formulas import Domain, Formula, Input, Range, Table, Variable, parse_formula

KM, KIND = Variable("km", "km", low=0.0, high=90.0), Variable("kind", kind="category")
LAW = Formula(
    Input("km") ** 1.5 * Table.of({"van": 1.0, "truck": 1.5}, "kind"), (KM, KIND), Variable("fuel", "l")
)
PROOF = LAW.prove(monotone={"km": -1}, convex=["km"], low=0.0, high=1e6, finite=True)
CARRIER = replace(LAW, shapes=PROOF.facts)


def test_facts_come_back_from_a_file():
    again = Formula.from_json(CARRIER.to_json())
    assert again == CARRIER
    assert again.shapes == PROOF.facts
    assert again.shapes[0].witness[0].inputs["kind"] in ("van", "truck")


def test_a_formula_keeps_the_facts_on_itself_and_lets_others_go():
    other = parse_formula("2 * km", [KM], Variable("fuel", "l"))
    assert replace(other, shapes=PROOF.facts).shapes == ()
    assert replace(CARRIER, root=LAW.root * 2.0).shapes == ()
    assert replace(CARRIER, domain=Domain((Range("km", 1.0, 5.0),))).shapes == ()
    assert replace(CARRIER, inputs=(replace(KM, high=900.0), KIND)).shapes == ()
    assert replace(CARRIER, per="leg").shapes == PROOF.facts
    # an input that is not read has no part in it
    assert replace(CARRIER, inputs=(KM, KIND, Variable("hour"))).shapes == PROOF.facts
