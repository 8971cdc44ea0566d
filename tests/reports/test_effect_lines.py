"""What the inputs of a law do, in lines of text: sentences that are true of it, and pictures that fit."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from kanopt.formulas import Fit, Variable, parse_formula
from kanopt.reports.effect_lines import effect_lines
from kanopt.whatif.learn import LearnedLaw

FIT = Fit(0.98, 1.5, 1.1, 1.01, 400, 100)


def trips(**importance: float) -> LearnedLaw:
    inputs = [Variable("km", "km", low=1, high=30), Variable("hour", "h", low=6, high=20)]
    law = parse_formula("2 * km + 0.1 * (hour - 12)^2", inputs, Variable("minutes", "min"))
    summary = pd.DataFrame({"feature": list(importance), "importance": list(importance.values())})
    return LearnedLaw("minutes", replace(law, fit=FIT), summary if importance else None)


def test_sentences_say_what_each_input_does_the_one_that_matters_most_first():
    head, hour, km = effect_lines(trips(km=0.2, hour=0.8))
    assert head.startswith(
        "    what each input does and its share of what varies, the others held at km = 15.5 km and "
    )
    assert hour.startswith("      hour   80 %  falls from 34.6 to ")
    assert hour.endswith(" min, over 6 to 20 h")
    assert "min at 12 h, then rises to " in hour
    assert km.startswith("      km     20 %  rises from 2.")
    assert km.endswith(" min, over 1 to 30 km")


def test_pictures_are_drawn_where_a_terminal_has_room_and_lines_fit():
    law = trips(km=0.2, hour=0.8)
    assert not any(set("▁█") & set(line) for line in effect_lines(law) + effect_lines(law, 50))
    for width in (60, 80, 140):
        lines = effect_lines(law, width)
        assert max(map(len, lines)) < width
        assert sum("▁" in line for line in lines) == 2
    words = " ".join(" ".join(effect_lines(law, 60)).split())
    assert "min at 12 h, then rises" in words
