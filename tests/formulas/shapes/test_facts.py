import math

import pytest

from kanopt.errors import FormulaError
from kanopt.formulas.shapes import Point, ShapeFact, ShapeProof

LOW, HIGH = (Point((("km", at),), (("kind", "van"),), 7.0 - at) for at in (1.0, 2.0))
PROVED = ShapeFact("rises", "km", verdict="proved", boxes=3)
REFUTED = ShapeFact("rises", "km", verdict="refuted", witness=(LOW, HIGH))
OPEN = ShapeFact("at most", bound=5.0, left=0.25, boxes=2000, why="the budget is spent")


def test_facts_read_as_words():
    assert str(PROVED) == "rises with km: proved"
    assert str(REFUTED) == "rises with km: refuted (6 at km = 1, kind = van; 5 at km = 2, kind = van)"
    assert str(OPEN) == "at most 5: undecided on 25 % of the volume (the budget is spent)"
    assert ShapeFact("concave", "km").text == "concave in km"
    assert LOW.inputs == {"km": 1.0, "kind": "van"}
    assert str(Point((), (), 3.0)) == "3"
    assert str(Point((("km", 0.0),), (), None)) == "no finite value at km = 0"


def test_a_proof_is_a_table_of_facts():
    proof = ShapeProof((PROVED, REFUTED, OPEN), (("km", 0.0, math.inf),))
    frame = proof.to_frame()
    assert frame.columns.tolist() == ["claim", "verdict", "boxes", "left", "where"]
    assert frame["verdict"].tolist() == ["proved", "refuted", "undecided"]
    assert frame["where"].tolist()[0] == ""
    assert not proof.proved
    assert ShapeProof((PROVED,)).proved
    assert proof.refuted == (REFUTED,)
    assert proof.undecided == (OPEN,)
    assert "rises with km" in proof._repr_html_()
    assert str(proof).count("\n") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": "rise", "input": "km"}, "no shape 'rise'; did you mean 'rises'"),
        ({"shape": "rises", "input": "km", "verdict": "true"}, "no verdict 'true'"),
        ({"shape": "rises"}, "an input and no number"),
        ({"shape": "rises", "input": "km", "bound": 1.0}, "an input and no number"),
        ({"shape": "at least"}, "a number and no input"),
        ({"shape": "at least", "input": "km", "bound": 1.0}, "a number and no input"),
        ({"shape": "finite", "input": "km"}, "an input and no number"),
        ({"shape": "finite", "bound": 1.0}, "a number and no input"),
        ({"shape": "at least", "bound": math.inf}, "must be finite"),
        ({"shape": "rises", "input": "km", "left": math.nan}, "must be finite"),
        ({"shape": "rises", "input": "km", "left": -1.0}, "not negative"),
        ({"shape": "rises", "input": "km", "verdict": "refuted"}, "has the points where it fails"),
        ({"shape": "rises", "input": "km", "verdict": "refuted", "witness": (LOW,)}, "has the points"),
        ({"shape": "rises", "input": "km", "verdict": "proved", "witness": (LOW, HIGH)}, "and no other"),
    ],
)
def test_facts_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(FormulaError, match=message):
        ShapeFact(**arguments)


def test_a_point_has_finite_numbers():
    with pytest.raises(FormulaError, match="finite numbers only"):
        Point((("km", math.inf),), (), 1.0)
