"""The pictures of docs/formulas.md are those of its code, and the same code draws the same bytes."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parent.parent / "docs"
LARGEST = 60_000
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


@pytest.fixture(name="pictures", scope="module")
def _pictures() -> ModuleType:
    spec = spec_from_file_location("docs_pictures", DOCS / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
