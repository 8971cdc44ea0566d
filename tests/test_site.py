"""The documentation as a site: it builds without a warning, links lead somewhere, and nothing comes from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXPORTED = (ROOT / "tests" / "exported_names.txt").read_text("utf-8").split()
MODULES = {name.partition(".")[0] for name in EXPORTED if "." in name}
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@dataclass
class Page(HTMLParser):
    """What a page refers to, what it loads, and what can be referred to in it."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.add(given.get("id", ""))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and "href" in given:
            self.loads.append(given["href"])
        elif "src" in given:
            self.loads.append(given["src"])


def read_page(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text("utf-8"))
    return page


def dead(site: dict[Path, Page]) -> list[str]:
    """Return the links of pages that lead to no file, or to no place in it."""
    found = []
    for path, page in site.items():
        for link in (*page.links, *page.loads):
            name, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z]+:", name):
                continue
            target = (path.parent / name.partition("?")[0]).resolve() if name else path
            if not target.is_file() or (anchor and target in site and anchor not in site[target].anchors):
                found.append(f"{path.name}: {link}")
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    folder = tmp_path_factory.mktemp("site").resolve()
    strict = ("--quiet", "--fail-on-warning", "--keep-going", "--doctree-dir", str(folder / ".doctrees"))
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *strict, str(DOCS), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stdout + built.stderr) == (0, "")
    return {path: read_page(path) for path in folder.rglob("*.html")}


@pytest.mark.slow
def test_the_site_has_no_dead_link(site):
    assert len(site) > 25
    assert not dead(site)


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site):
    assert not [load for page in site.values() for load in page.loads if re.match(r"([a-z]+:)?//", load)]


@pytest.mark.slow
def test_every_exported_name_has_its_place_in_the_site(site):
    anchors = set().union(*(page.anchors for page in site.values()))
    public = {f"kanopt.{name}" for name in EXPORTED} - {f"kanopt.{module}" for module in MODULES}
    assert not public - anchors


def test_the_pages_of_the_api_have_every_exported_name_once():
    pages = "\n".join(page.read_text("utf-8") for page in sorted((DOCS / "api").glob("*.md")))
    told = re.findall(r"^\.\. auto\w+:: kanopt\.([\w.]+)$", pages, re.MULTILINE)
    assert len(told) == len(set(told))
    assert set(EXPORTED) - MODULES <= set(told)  # types that calls return have a place without being exported


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page of the repository: its headings, without signs and with hyphens."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS.glob("*.md")], ids=lambda page: page.name)
def test_links_of_a_page_of_the_repository_lead_somewhere(page):
    missing = []
    for link in LINK.findall(page.read_text("utf-8")):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not re.match(r"[a-z]+:", link) and (
            not target.exists() or (anchor and anchor not in anchors_of(target))
        ):
            missing.append(link)
    assert not missing
