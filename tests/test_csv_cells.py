"""No text of a CSV file is a formula to a spreadsheet, and all texts come back."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.cli.output import save_table
from kanopt.files import GUARDED, csv_text, guarded, unguarded
from kanopt.tables import read_table, report_of

texts = st.text(st.sampled_from("=+-@'; \t\r\nab1,\"＝"), max_size=8) | st.text(max_size=8)


@pytest.mark.slow
@given(texts)
def test_every_text_comes_back(text):
    assert unguarded(guarded(text)) == text
    assert bool(re.search(GUARDED, guarded(text))) == (guarded(text) != text)


@given(st.lists(texts.filter(lambda text: "\x00" not in text), min_size=1, max_size=3))
def test_no_cell_begins_like_a_formula_whatever_the_separator_is(cells):
    content = csv_text(pd.DataFrame([cells], columns=[f"c{place}" for place in range(len(cells))]))
    (_, row) = csv.reader(io.StringIO(content, newline=""))
    for cell in row:
        for part in cell.split(";"):
            assert part.strip(" \t\r\n")[:1] not in tuple("=+-@＝＋－＠"), content
            assert part[:1] not in ("\t", "\r", "\n"), content


def test_numbers_and_harmless_texts_stay_as_they_are():
    frame = pd.DataFrame({"a": [-1.5, None], "b": ["s-Hertogenbosch", None], "c": [-3, 4], "-d": ["-1", "x"]})
    assert csv_text(frame) == "a,b,c,'-d\n-1.5,s-Hertogenbosch,-3,'-1\n,,4,x\n"


def test_plans_are_written_so(tmp_path: Path):
    frame = pd.DataFrame({"vehicle": ["van"], "client": ["@SUM(A1)"], "stop": [1]})
    path = save_table(frame, tmp_path / "out" / "plan.csv")
    assert path.read_text() == "vehicle,client,stop\nvan,'@SUM(A1),1\n"


def test_the_tables_that_are_written_are_read_again(tmp_path: Path):
    names = ["=1+1", "@home", "-", "'=x", "'s-Gravenhage", "+49 30", '=HYPERLINK("http://x";"y")', "Lyon"]
    frame = pd.DataFrame({"client": names, "load": [-1.0] * len(names)})
    path = tmp_path / "plan.csv"
    path.write_text(csv_text(frame))
    again = read_table(path)
    assert again["client"].tolist() == names
    assert again["load"].tolist() == frame["load"].tolist()
    assert "6 cells are read without an apostrophe" in str(report_of(again))
    assert "apostrophe" not in str(report_of(read_table(_plain(tmp_path))))


def _plain(folder: Path) -> Path:
    path = folder / "plain.csv"
    path.write_text("client,load\n's-Gravenhage,1\nd'Or,2\n")
    return path
