import json
import math
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import Curve, Formula, Input, Step, Sum, Table, Variable
from kanopt.formulas.functions import FUNCTIONS
from tests.formulas.strategies import laws, raw, rows, steady

NODE = shutil.which("node")


class _Math:
    """JavaScript's Math on Python floats, so that exported expressions can be checked where there is no node."""

    def __getattr__(self, name):
        plain = {
            "max": lambda *parts: max(parts),
            "min": lambda *parts: min(parts),
            "abs": abs,
            "pow": self.pow,
        }
        return plain.get(name) or getattr(math, name)

    @staticmethod
    def pow(x, y):
        return float(np.power(x, y))


def by_hand(source, row):
    """Evaluate the statements of an exported function as what they are in Python too: calls, signs and brackets.

    The helpers for curves, stairs and tables are replaced by these; node runs the real ones.
    """

    def curve(x, low, width, periodic, pieces):
        place = (x - low) / width
        n = len(pieces)
        inside = place % n if periodic else min(max(place, 0.0), n)
        span = min(int(inside), n - 1)
        c = pieces[span]
        value = sum(c[k] * (inside - span) ** k for k in range(4))
        slope = pieces[0][1] if place < 0 else pieces[-1][1] + 2 * pieces[-1][2] + 3 * pieces[-1][3]
        return value + (0.0 if periodic else slope * (place - inside))

    space = {
        "Math": _Math(),
        "number": float,
        "text": lambda name: str(row[name]),
        "row": row,
        "curve": curve,
        "stair": lambda x, edges, values: values[sum(edge <= x for edge in edges)],
        "table": lambda entries, fallback, *key: dict(entries).get(
            json.dumps(key, separators=(",", ":")), fallback
        ),
        "null": None,
        "true": True,
        "false": False,
    }
    result = None
    for line in source.splitlines():
        if found := re.fullmatch(r"  const (\w+) = ((?!\().*);", line):
            space[found[1]] = eval(found[2], {}, space)
        elif found := re.fullmatch(r"  return (.*);", line):
            result = eval(found[1], {}, space)
    return result


def run(cases):
    """Run [(source, rows)] in one node process; return the values, NaN for what has none."""
    script = "const out = [];\n"
    for source, records in cases:
        name = re.search(r"function (\w+)\(", source)[1]
        script += f"{{ {source}\n for (const r of {json.dumps(records)}) out.push({name}(r)); }}\n"
    script += "console.log(JSON.stringify(out.map((v) => Number.isFinite(v) ? v : null)));"
    done = subprocess.run(
        [NODE, "-"], input=script, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return [math.nan if value is None else value for value in json.loads(done.stdout)]


@settings(max_examples=8)
@given(st.lists(st.tuples(laws(), rows()), min_size=4, max_size=8))
def test_the_source_computes_the_formula(drawn):
    cases, expected = [], []
    for law, data in drawn:
        try:
            values, ok = raw(law, data), steady(law, data)
        except FormulaError:
            continue
        if not ok.any():
            continue
        records = [{name: column[i].item() for name, column in data.items()} for i in np.flatnonzero(ok)]
        source = law.to_javascript()
        hand = [by_hand(source, record) for record in records]
        np.testing.assert_allclose(hand, values[ok], rtol=1e-6, atol=1e-6)
        cases.append((source, records))
        expected += values[ok].tolist()
    if NODE:
        np.testing.assert_allclose(run(cases), expected, rtol=1e-6, atol=1e-6)


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
        found = run([(law.to_javascript(), [{"x": float(point)} for point in points])])
        np.testing.assert_allclose(found, law.evaluate({"x": points}), rtol=1e-12)
    law = Formula(Sum(tuple(PIECES)), (Variable("x"),), Variable("y"))
    assert np.isnan(run([(law.to_javascript(), [{}])])).all()


@pytest.mark.skipif(not NODE, reason="node is not installed; by_hand checks the expressions")
def test_what_is_missing_from_a_row_is_neither_zero_nor_a_category():
    law = Formula(
        Input("km") + Table.of({"van": 1.0}, "v", fallback=9.0),
        (Variable("km"), Variable("v", kind="category")),
        Variable("y"),
    )
    gaps = [{"v": "van"}, *({"km": km, "v": "van"} for km in (None, "", " "))]
    assert np.isnan(run([(law.to_javascript(), gaps)])).all()
    assert run([(law.to_javascript(), [{"km": "2.5", "v": "bus"}])]) == [11.5]
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
    assert run([(source, records)]) == [1.5, 2.5]
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run([(source, [{'the "kind"': "c\\", "place": "e"}])])
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
        assert run([(source, [{name: 3.0}])]) == [6.0]


def test_every_function_is_spelled():
    for name in FUNCTIONS:
        assert FUNCTIONS[name].javascript.count("@") >= 1


@pytest.mark.skipif(not NODE, reason="node is not installed; by_hand checks the expressions")
def test_a_gap_is_the_category_that_stands_for_it():
    kind = Variable("kind", kind="category")
    law = Formula(Table.of({"van": 1.0, "missing": 3.0}, "kind"), (kind,), Variable("cost"))
    assert run([(law.to_javascript(), [{"kind": "van"}, {"kind": None}, {}])]) == [1.0, 3.0, 3.0]
