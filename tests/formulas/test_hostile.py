"""Formula files and texts from strangers: whatever they hold, they are refused at once and in words one can print."""

from __future__ import annotations

import json
import re

import pytest

from kanopt.errors import FileFormatError, FormulaError
from kanopt.formulas import Apply, Formula, Input, Sum, Variable, parse_formula
from kanopt.formulas.serialize import LARGEST_FILE
from tests.effort import at_most

KM = Variable("km", "km")
LAW = parse_formula("2 * km", [KM], Variable("fuel", "l"))
BASE = json.loads(LAW.to_json())
Formula.from_json(LAW.to_json())  # the first file has what is worked out once in a process
INPUT = {"kind": "input", "name": "km"}
LONG = "x" * 4_000_000


def with_nodes(*nodes):
    return {**BASE, "nodes": [INPUT, *nodes], "root": len(nodes)}


MANY = ["q" * 190 + str(k) for k in range(5_000)]


def inputs(*names):
    return {**BASE, "inputs": [{**BASE["inputs"][0], "name": name} for name in names]}


def refused_quickly(call, error, calls=2_000, megabytes=None):
    """Return the message of an error that comes after little work, can be printed and is no longer than a screen."""
    with at_most(calls, megabytes=megabytes), pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert len(message) < 3_000
    message.encode()
    return message


FILES = {
    "a long key": ({**BASE, LONG: 1}, "Unexpected keyword argument"),
    "a long unit": ({**BASE, "output": {**BASE["output"], "unit": LONG}}, "longer than 80 characters"),
    "a tower of units": ({**BASE, "output": {**BASE["output"], "unit": "km^9^9^9"}}, "cannot read"),
    "a long occasion": ({**BASE, "per": LONG}, "formula.per .* at most 200 characters"),
    "an occasion of lines": ({**BASE, "per": "leg\n<script>"}, "formula.per .* no control characters"),
    "a long version": ({**BASE, "version": LONG}, "version 'xxx"),
    "a long name of a constant": (
        with_nodes({"kind": "constant", "value": 1, "name": LONG, "standard_error": None}),
        r"nodes\[1\].name .* at most 200",
    ),
    "a name from right to left": (inputs("km\u202e"), "no control characters"),
    "half a letter": (inputs("km\ud800"), "unexpected end of hex escape"),
    "many long names": (
        {**inputs(*MANY), "nodes": [{**INPUT, "name": "q" * 200}], "root": 0},
        "which is no input",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_files(kind):
    content, words = FILES[kind]
    text = json.dumps(content)
    # inputs are checked one by one
    calls = 2_000 + 80 * len(content["inputs"])
    message = refused_quickly(lambda: Formula.from_json(text), FileFormatError, calls)
    assert re.search(words, message), message


def test_a_file_is_not_read_beyond_what_a_formula_may_have(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(200 * LARGEST_FILE)  # of holes
    message = refused_quickly(lambda: Formula.load(path), FileFormatError, megabytes=4e-6 * LARGEST_FILE)
    assert "1,000,000,000 bytes are too many for a formula file" in message


XY = [Variable("x"), Variable("y")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * 10_000_000, "10,000,000 characters are too many"),
        ("x\u202e + y", r"'\\u202e' has no place"),
        ("x + 1 ?\u202e \x1b[31m", "has no place"),
        ("\u0445 * 2", "unknown name '\u0445'"),
        ("٣ * x", "has no place"),
        ("a" * 9_999, "unknown name 'aaa"),
        ("a" * 9_990 + "(x)", "unknown function 'aaa"),
        ("(" * 50 + "x" + ")^2" * 50 + "^3", "ambiguous"),
        ("+".join(f"n{k}" for k in range(1_000)), "unknown name 'n0'"),
        ("+".join(f"n{k}" for k in range(1_500)), "more than 1,000 operators"),
    ],
)
def test_texts(text, words):
    calls = 20_000 + 10 * min(len(text), 10_000)
    message = refused_quickly(lambda: parse_formula(text, XY, Variable("z")), FormulaError, calls)
    assert re.search(words, message), message
    assert all(sign.isprintable() or sign == "\n" for sign in message)


def test_a_large_law_in_many_exponents_is_refused_at_once():
    root = Sum(tuple(Apply("sin", Input("x") + float(k)) for k in range(4_000)))
    law = Formula(root, (Variable("x"),), Variable("big"))
    text = "*".join(f"x^(big + {k})" for k in range(300))
    # an exponent is as large as the whole law: it is looked at a few times, and not three hundred times
    calls = 40 * root.size
    message = refused_quickly(
        lambda: parse_formula(text, XY, Variable("z"), {"big": law}), FormulaError, calls
    )
    assert "too large" in message
