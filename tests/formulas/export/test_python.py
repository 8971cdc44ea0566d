import ast

import numpy as np
import pytest

from kanopt.formulas import Curve, Formula, Input, Step, Sum, Table, Variable
from tests.formulas.export.engines import compiled


def test_curves_and_tables_broadcast_and_extrapolate():
    curve = Curve("s", Input("x"), (0.0, 1.0, 4.0, 2.0, 1.0), 0.0, 1.0)
    wave = Curve("w", Input("x"), (0.0, 1.0, 4.0), 0.0, 1.0, periodic=True)
    table = Table.of({("van", "a"): 1.0, ("truck", "b"): 2.0}, "kind", "place", fallback=7.0)
    toll = Step(Input("x"), (0.3, 0.6), (1.0, 2.0, 3.0))
    names = (Variable("x"), Variable("kind", kind="category"), Variable("place", kind="category"))
    law = Formula(Sum((curve, wave, table, toll)), names, Variable("cost"))
    data = {"x": np.linspace(-2, 3, 40)[:, None], "kind": np.array(["van", "truck"]), "place": "b"}
    found = compiled(law)(**data)
    assert found.shape == (40, 2)
    np.testing.assert_allclose(found, law.evaluate(data), rtol=1e-12)


@pytest.mark.parametrize(
    "name",
    [
        "class",
        "np",
        "_curve",
        "2nd",
        "a b",
        "größe",
        "重量",
        'x"""',
        "x'''",
        "a\\",
        "f(x): import os",
        "return",
        "#",
        'x"; import os; y="',
    ],
)
def test_no_name_can_change_what_the_source_does(name):
    law = Formula(Input(name) * 2 + Input("a_b"), (Variable(name), Variable("a_b")), Variable(name))
    tree = ast.parse(law.to_python())
    assert [type(node).__name__ for node in tree.body] == ["Import", "FunctionDef"]
    assert compiled(law)(3.0, 1.0) == 7.0
