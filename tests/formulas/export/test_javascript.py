import subprocess

import numpy as np
import pytest

from kanopt.formulas import Curve, Formula, Input, Step, Sum, Table, Variable
from tests.formulas.export.engines import NODE, by_hand, run_node

x = Input("x")
PIECES = [
    Curve("s", x, (0.0, 1.0, 4.0, 2.0, 1.0), 0.0, 1.0),
    Curve("w", x, (0.0, 1.0, 4.0), 0.0, 1.0, periodic=True),
    Step(x, (0.3, 0.6), (1.0, 2.0, 3.0)),
]


@pytest.mark.skipif(not NODE, reason="node is not installed; by_hand checks the expressions")
def test_helpers_in_node():
    points = np.linspace(-2, 3, 41)
    for node in PIECES:
        law = Formula(node, (Variable("x"),), Variable("y"))
        found = run_node([(law.to_javascript(), [{"x": float(point)} for point in points])])
        np.testing.assert_allclose(found, law.evaluate({"x": points}), rtol=1e-12)
    law = Formula(Sum(tuple(PIECES)), (Variable("x"),), Variable("y"))
    assert np.isnan(run_node([(law.to_javascript(), [{}])])).all()


@pytest.mark.skipif(not NODE, reason="node is not installed; by_hand checks the expressions")
def test_what_is_missing_from_a_row_is_neither_zero_nor_a_category():
    law = Formula(
        Input("km") + Table.of({"van": 1.0}, "v", fallback=9.0),
        (Variable("km"), Variable("v", kind="category")),
        Variable("y"),
    )
    gaps = [{"v": "van"}, *({"km": km, "v": "van"} for km in (None, "", " "))]
    assert np.isnan(run_node([(law.to_javascript(), gaps)])).all()
    assert run_node([(law.to_javascript(), [{"km": "2.5", "v": "bus"}])]) == [11.5]
    script = law.to_javascript() + "\nfor (const v of [null, undefined]) try { y({km: 1, v}) } "
    done = subprocess.run(
        [NODE, "-"],
        input=script + "catch (e) { console.log(e.message) }",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["no value for v"] * 2


@pytest.mark.skipif(not NODE, reason="node is not installed; by_hand checks the expressions")
def test_tables_in_node():
    entries = {('a "b"', "ü</script>"): 1.5, ("c\\", "d"): 2.5}
    names = (Variable('the "kind"', kind="category"), Variable("place", kind="category"))
    law = Formula(Table.of(entries, 'the "kind"', "place"), names, Variable("y"))
    source = law.to_javascript()
    assert "</script>" not in source
    records = [{'the "kind"': a, "place": b} for a, b in entries]
    assert run_node([(source, records)]) == [1.5, 2.5]
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_node([(source, [{'the "kind"': "c\\", "place": "e"}])])
    assert "RangeError: no entry for c\\, e" in caught.value.stderr


@pytest.mark.parametrize(
    "name",
    [
        "class",
        "Math",
        "curve",
        "a b",
        "größe",
        'x"]; evil(); [',
        "</script><script>evil()",
        "a\\",
        "*/ evil() /*",
    ],
)
def test_no_name_can_change_what_the_source_does(name):
    law = Formula(Input(name) * 2.0, (Variable(name),), Variable(name))
    source = law.to_javascript()
    assert by_hand(source, {name: 3.0}) == 6.0
    assert "</script" not in source
    if NODE:
        assert run_node([(source, [{name: 3.0}])]) == [6.0]
