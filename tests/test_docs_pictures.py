"""The pictures of docs/formulas.md are those of its code, and the same code draws the same bytes."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from kanopt.formulas import Variable, parse_formula

DOCS = Path(__file__).parent.parent / "docs"
LARGEST = 60_000
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
SMALL = """
```python
from dataclasses import replace
import numpy as np
import pandas as pd
import kanopt as ko
from kanopt.formulas import Alternative, Variable, parse_formula

rng = np.random.default_rng(0)
train = pd.DataFrame({"free_min": rng.uniform(2, 30, 60), "flow": rng.uniform(200, 2600, 60)})
train["capacity"], train["stops"] = rng.uniform(1000, 2200, 60), rng.integers(0, 7, 60)
train["minutes"] = train["free_min"] * (1 + 0.15 * (train["flow"] / train["capacity"]) ** 4) + rng.normal(0, 1, 60)
train["minutes"] += 0.4 * train["stops"]
test = train
```

Text between the blocks.

```python
model = ko.KANRegressor(hidden=(), seed=0).fit(train[["free_min", "flow"]], train["minutes"])
inputs = [Variable(name) for name in ("free_min", "flow", "capacity", "stops")]
text = "c1 * stops + free_min * (1 + c2 * (flow / capacity) ^ 4)"
formula = parse_formula(text, inputs, Variable("minutes", "min"), constants={"c1": 0.4, "c2": 0.15})
formula = formula.refit(train, test=test)
considered = [(0, 9.0, "23.9"), (4, 3.0, "2 · free_min"), (9, 0.8, str(formula)), (30, 0.7, "every edge a curve")]
alternatives = tuple(Alternative(ops, error, ops == 9, told) for ops, error, told in considered)
formula = replace(formula, alternatives=alternatives)
here, away = {"congestion": 0.15, "wait": 0.4}, {"congestion": 0.15, "wait": 0.4}
handbook = formula.fixed({"c2": 0.15}).refit(train)
steeper = formula.edited("c1 * stops + free_min * (1 + c2 * (flow / capacity) ^ c3)", {"c3": 4.0}).refit(train)
both, there = formula.refit(train), formula.refit(train, only=["c2"])
print("this is not shown")
```
"""


@pytest.fixture(name="pictures", scope="module")
def _pictures() -> ModuleType:
    spec = spec_from_file_location("docs_pictures", DOCS / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_same_code_draws_the_same_bytes(
    pictures: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "small.md"
    page.write_text(SMALL, encoding="utf-8")
    for folder in ("a", "b"):
        pictures.main(["--page", str(page), "--out", str(tmp_path / folder)])
    drawn = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert drawn == sorted(f"{name}.svg" for name in pictures.PICTURES)
    for name in drawn:
        first, second = ((tmp_path / folder / name).read_bytes() for folder in ("a", "b"))
        assert first == second
        assert pictures.digest(page).encode() in first
    assert "not shown" not in capsys.readouterr().out


def test_every_picture_of_the_page_is_there_described_small_and_up_to_date(pictures: ModuleType) -> None:
    shown = IMAGE.findall((DOCS / "formulas.md").read_text(encoding="utf-8"))
    assert [path for _, path in shown] == [f"pictures/{name}.svg" for name in pictures.PICTURES]
    assert {path.name for path in pictures.OUT.iterdir()} == {f"{name}.svg" for name in pictures.PICTURES}
    for words, path in shown:
        text = (DOCS / path).read_text(encoding="utf-8")
        assert len(words) > 80
        assert len(text.encode()) < LARGEST
        assert f"code {pictures.digest(DOCS / 'formulas.md')}" in text, (
            f"{path} was drawn from other code: run python docs/pictures.py, and look at what it draws"
        )
        ElementTree.fromstring(text)
        assert not re.search(r"<script|<image|https?://(?!www\.w3\.org|purl\.org|creativecommons\.org)", text)


def test_steps_of_the_network_are_told_from_formulas(pictures: ModuleType) -> None:
    law = parse_formula("0.12 * km", [Variable("km", "km")], Variable("fuel", "l"))
    formulas = ["23.99", "2 · km", "-3", "1.5e+06 · km^-0.5", "km"]
    steps = ["every edge a curve", "km → node 1: exp", "nodes are monomials, their functions curves", "s(km)"]
    assert all(pictures._is_text_of(law, text) for text in formulas)
    assert not any(pictures._is_text_of(law, text) for text in steps)
