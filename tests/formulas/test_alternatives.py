from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import Alternative, Formula, Variable, parse_formula

CHOSEN = Alternative(6, 1.0, True, "a · km", 223.0)


def law(text: str) -> Formula:
    return parse_formula(text, [Variable("km", "km")], Variable("fuel", "l"))


def test_each_formula_that_was_considered_is_one_to_be_used(tmp_path: Path) -> None:
    other, steps = law("0.1 + 0.12 * km"), Alternative(9, 0.7, text="km: linear", length=290.0)
    tried = (Alternative(3, 2.0, text="0.1 + 0.12 · km", length=225.0, law=other, rival=True), CHOSEN, steps)
    chosen = replace(law("0.12 * km"), alternatives=tried)
    assert len(chosen.formulas) == 3
    assert chosen.formulas[0] == other
    assert chosen.formulas[1] is chosen
    assert chosen.formulas[-2] is chosen
    assert chosen.formulas[:2] == (other, chosen)
    with pytest.raises(FormulaError, match=r"formulas\[2\]: 'km: linear' was compared, but not written"):
        chosen.formulas[2]
    with pytest.raises(FormulaError, match=r"^formulas\['x'\]: no formula that was considered has that name"):
        chosen.formulas["x"]
    with pytest.raises(IndexError):
        chosen.formulas[3]
    again = Formula.load(chosen.save(tmp_path / "law.json"))
    assert again == chosen
    assert again.formulas[0].evaluate({"km": 10.0}) == pytest.approx(1.3)
    # a file of an earlier version
    plain = json.loads(chosen.to_json())
    for each in plain["alternatives"]:
        del each["law"], each["rival"], each["refused"]
    assert [each.law for each in Formula.from_json(json.dumps(plain)).alternatives] == [None] * 3


def test_the_frame_of_a_formula() -> None:
    plain = law("0.12 * km")
    assert plain.considered().empty
    tried = replace(plain, alternatives=(CHOSEN, Alternative(4, 2.1, text="a", length=223.5)))
    frame = tried.considered()
    assert list(frame) == ["chosen", "rung", "formula", "complexity", "error", "length", "buys", "why"]
    assert frame["chosen"].tolist() == [True, False]
    assert frame["why"].tolist() == [
        "shortest description",
        "2 operators fewer, its error is 2.1, not 1; its description is longer: a close call",
    ]
