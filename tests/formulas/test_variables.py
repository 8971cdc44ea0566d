import numpy as np
import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import Variable, category_label


@pytest.mark.parametrize(
    "name", ["", " ", " x", "a\nb", "a\x00b", "`x`", "__class__", "x" * 201, "a\u2028b", 7]
)
def test_names_that_could_do_harm_are_refused(name):
    with pytest.raises(FormulaError, match="name"):
        Variable(name)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "text"}, "kind is 'number' or 'category'"),
        ({"kind": "category", "low": 0.0}, "neither bounds nor a unit"),
        ({"kind": "category", "unit": "km"}, "neither bounds nor a unit"),
        ({"categories": ("a",)}, "a number has no categories"),
        ({"low": 2.0, "high": 1.0}, "hold no number"),
        ({"low": float("nan")}, "hold no number"),
        ({"kind": "category", "categories": ("a", "a")}, "named twice"),
        ({"kind": "category", "categories": (1, 1.0)}, "named twice"),
    ],
)
def test_contradictions_are_refused(fields, message):
    with pytest.raises(FormulaError, match=message):
        Variable("v", **fields)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (2014, "2014"),
        (2014.0, "2014"),
        (np.int64(3), "3"),
        (np.float32(1.0), "1"),
        (2.5, "2.5"),
        (True, "True"),
        ("3.0", "3.0"),
        (None, "None"),
        (float("inf"), "inf"),
    ],
)
def test_category_labels(value, label):
    assert category_label(value) == label
