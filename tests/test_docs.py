"""The code in the documentation runs, from top to bottom of a page."""

import re
from pathlib import Path

import matplotlib as mpl
import pytest

from tests.cases.patience import FEW_REFITS, hurried

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
PATH = re.compile(
    r"`((?:kanopt|tests|benchmarks|docs|scenarios)/[\w/.]*|(?:errors|text|worker)\.py|[a-z]+/[\w/]+\.py)`"
)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    # degrees.md is run below, where its output is compared
    [page for page in PAGES if page.stem != "degrees" and BLOCK.search(page.read_text(encoding="utf-8"))],
    ids=lambda page: page.name,
)
def test_code_of_a_page_runs(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(*FEW_REFITS)
    mpl.use("Agg")
    names = {"__name__": "page"}
    for block in BLOCK.findall(hurried(page.read_text(encoding="utf-8"))):
        exec(compile(block, page.name, "exec"), names)
    assert len(names) > 2


def test_the_page_on_degrees_shows_what_its_code_prints(capsys):
    page = (ROOT / "docs" / "degrees.md").read_text(encoding="utf-8")
    names = {"__name__": "page"}
    shown = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    for code, text in shown:
        exec(compile(code, "degrees.md", "exec"), names)
        assert capsys.readouterr().out == text
    assert len(shown) == 4


@pytest.mark.parametrize(
    "page", [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md"], ids=lambda page: page.name
)
def test_files_that_a_page_names_are_there(page):
    named = PATH.findall(page.read_text("utf-8"))
    assert len(named) > 20
    missing = [name for name in named if not (ROOT / name).exists() and not (ROOT / "kanopt" / name).exists()]
    assert not missing
