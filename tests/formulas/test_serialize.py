import json

import pytest
from hypothesis import given

from kanopt.errors import FileFormatError
from kanopt.formulas import (
    Alternative,
    Constant,
    Curve,
    Domain,
    Fit,
    Formula,
    Input,
    Sum,
    Table,
    Variable,
)
from kanopt.formulas.serialize import LARGEST_FILE
from tests.formulas.strategies import laws

KM, KIND = Variable("km", "km", low=0.0), Variable("kind", kind="category", categories=("van", "truck"))
curve = Curve("s", Input("km"), (0.0, 0.1, 1 / 3, 2.0, 5e-324), 0.1, 24.0)
law = Formula(
    Sum((Constant(1.5, "base", 0.02), curve * Table.of({"van": 1.0, "truck": 1.25}, "kind", fallback=1.1))),
    (KM, KIND),
    Variable("fuel", "l"),
    per="leg",
    fit=Fit(0.97, 1.0, 0.8, 1.01, 800, 200, "ab12", 1.03, ((0.05, -2.0), (0.95, 2.0))),
    domain=Domain.from_rows((KM, KIND), {"km": [1.0, 2.0, 5.0], "kind": ["van", "truck", "van"]}),
    provenance={"table": "trips.csv", "note": 'quotes " and \\ and </script>'},
    alternatives=(Alternative(5, 1.2, True, "a"), Alternative(3, 2.0)),
)


def test_a_formula_comes_back_with_all_it_had(tmp_path):
    again = Formula.from_json(law.to_json())
    assert again == law
    assert again.provenance == law.provenance
    path = law.save(tmp_path / "fuel.json")
    assert Formula.load(str(path)) == law
    assert [item.name for item in tmp_path.iterdir()] == ["fuel.json"]


def test_keys_with_defaults_may_be_missing():
    content = changed()
    whole = {key: content[key] for key in ("format", "version", "nodes", "root", "inputs", "output")}
    again = Formula.from_json(json.dumps(whole))
    assert again == Formula(law.root, law.inputs, law.output)


@given(laws())
def test_any_formula_comes_back(formula):
    assert Formula.from_json(formula.to_json()) == formula


def changed(**changes):
    content = json.loads(law.to_json())
    content.update(changes)
    return content


def with_node(**node):
    content = json.loads(law.to_json())
    content["nodes"][0] = node
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "no formula file"),
        (changed(format="pickle"), "no formula file"),
        (changed(version=2), "version 2: this kanopt reads version 1"),
        (changed(nodes=[1]), r"nodes\[0\]: unknown kind of node None"),
        (changed(root=True), "formula.root: expected the position"),
        (changed(root=99), "formula.root: expected the position"),
        (changed(inptus=[]), "formula.inptus: Unexpected keyword argument"),
        (changed(output={}), "formula.output.name: Field required"),
        (changed(output={**changed()["output"], "unit": "frob"}), "formula.output: unknown unit 'frob'"),
        (changed(output={**changed()["output"], "name": "__init__"}), "two underscores"),
        (changed(inputs=[]), "formula: formula for 'fuel' reads"),
        (changed(provenance={"a": 1}), "provenance.a: Input should be a valid string"),
        (
            changed(fit={**changed()["fit"], "rows_test": -1}),
            "formula.fit: a fit has no negative errors or rows",
        ),
        (changed(parts=[{**changed(), "parts": [1]}]), "parts.0..parts.0.: Input should be an object"),
        (with_node(kind="exec", code="1"), r"nodes\[0\]: unknown kind of node 'exec'"),
        (
            with_node(kind="constant", value="1", name="", standard_error=None),
            "value: Input should be a valid number, found '1'",
        ),
        (with_node(kind="constant", value=10**400, name="", standard_error=None), "finite number"),
        (with_node(kind="input", name="__dict__"), "two underscores"),
        (
            with_node(kind="apply", function="__import__", argument=0),
            "expected the position of one of the 0 nodes",
        ),
        (with_node(kind="sum", terms=[]), "at least one part"),
    ],
)
def test_files_that_are_no_formula_are_refused_by_place(content, message):
    with pytest.raises(FileFormatError, match=message):
        Formula.from_json(json.dumps(content))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no formula file: it is no JSON"),
        (law.to_json()[:300], "no formula file: it is no JSON, or cut off"),
        ('{"format": "kanopt formula", "version": NaN}', "formula file of version nan"),
        ("[" * 200_000, "nests too deep|no formula file"),
        (" " * (LARGEST_FILE + 1), "too large"),
        ('{"format": "kanopt formula", "version": 1, "x": "' + "a" * 10_000_000 + '"}', "too large"),
    ],
)
def test_hostile_texts_are_refused(text, message):
    with pytest.raises(FileFormatError, match=message):
        Formula.from_json(text)


def test_a_bomb_of_shared_nodes_is_refused():
    nodes = [{"kind": "input", "name": "km"}] + [{"kind": "sum", "terms": [i, i]} for i in range(60)]
    with pytest.raises(FileFormatError, match=r"nodes\[17\]: the formula is too large"):
        Formula.from_json(json.dumps(changed(nodes=nodes, root=60)))
    chain = [{"kind": "input", "name": "km"}] + [{"kind": "sum", "terms": [i]} for i in range(1_000)]
    with pytest.raises(FileFormatError, match=r"nodes\[250\]: the formula is too large"):
        Formula.from_json(json.dumps(changed(nodes=chain, root=1000)))


def test_files_name_themselves(tmp_path):
    path = tmp_path / "law.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"law.json: this is no formula file"):
        Formula.load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="no text in UTF-8"):
        Formula.load(path)
    path.write_bytes(b" " * (LARGEST_FILE + 1))
    with pytest.raises(FileFormatError, match="bytes are too many for a formula file"):
        Formula.load(path)
    with pytest.raises(FileNotFoundError, match=r"^no such file: .*lew.json; did you mean 'law.json'\?$"):
        Formula.load(tmp_path / "lew.json")
    with pytest.raises(FileFormatError, match="is text"):
        Formula.from_json(b"{}")
