from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import Alternative, Formula, Variable, parse_formula
from kanopt.formulas.alternatives import reasons

CHOSEN = Alternative(6, 1.0, True, "a · km", 223.0)


numbers = st.floats(0, 1e12, allow_nan=False)


@given(
    st.lists(
        st.tuples(st.integers(0, 400), numbers, st.none() | st.floats(-1e9, 1e9)), min_size=2, max_size=6
    )
)
def test_what_is_said_agrees_with_the_numbers(rows: list[tuple[int, float, float | None]]) -> None:
    first, *others = (Alternative(c, e, place == 0, length=d) for place, (c, e, d) in enumerate(rows))
    of_first, *texts = reasons([first, *others])
    assert of_first
    for other, text in zip(others, texts, strict=True):
        assert "nan" not in text
        assert "inf" not in text
        assert ("fewer" in text) == (other.complexity < first.complexity)
        assert (" more" in text.replace("weighs more", "")) == (other.complexity > first.complexity)
        if "same error" in text:
            assert other.error == pytest.approx(first.error, rel=0.0051)
        elif "larger" in text or "times as large" in text:
            assert other.error > first.error
        elif "smaller" in text:
            assert other.error < first.error
        if "description is longer" in text or "description is shorter" in text or "weighs" in text:
            assert other.length is not None
            assert first.length is not None
            assert ("description is shorter" in text) == (other.length < first.length)
        if "which weighs more" in text:
            assert other.error > first.error
        shorter_and_more = "description is shorter" in text and other.complexity > first.complexity
        assert ("longer to read" in text) == shorter_and_more


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
    with pytest.raises(IndexError, match=r"formulas\[3\]: 3 formulas considered"):
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
    law = parse_formula("0.12 * km", [Variable("km", "km")], Variable("fuel", "l"))
    assert law.considered().empty
    assert list(law.considered()) == [
        "chosen",
        "rung",
        "formula",
        "complexity",
        "error",
        "length",
        "buys",
        "why",
    ]
    written = "a sum of products found on the rows: no larger error than the network's"
    tried = replace(
        law, alternatives=(CHOSEN, Alternative(4, 2.1, text="a")), provenance={"written by": written}
    )
    frame = tried.considered()
    assert frame["chosen"].tolist() == [True, False]
    assert frame["chosen"].dtype == bool
    assert frame["length"].tolist() == pytest.approx([223.0, np.nan], nan_ok=True)
    assert frame["why"].tolist() == [
        "smallest error; no larger error than the network's",
        "2 operators fewer, but its error is 2.1 times as large",
    ]
