"""The code in the documentation runs, from top to bottom of a page; what does not says why, and is counted."""

import re
import tomllib
from pathlib import Path

import matplotlib as mpl
import pytest

from kanopt.cli import main
from kanopt.cli.commands import kanopt
from kanopt.scenarios.files.sections import read_sections
from tests.cases.pages import PAGES, ROOT, blocks_of, commands_of, hurried_command, readers_folder
from tests.cases.patience import hurried, in_few_refits
from tests.cases.told import differences, end_of, seconds_left_out

PATH = re.compile(
    r"`((?:kanopt|tests|benchmarks|docs|scenarios)/[\w/.]*|(?:errors|text|worker)\.py|[a-z]+/[\w/]+\.py)`"
)
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
KINDS = {"python", "console", "toml", "text", "{eval-rst}", "{toctree}"}
RUN = {"python", "console"}
NOT_RUN = {
    "README.md": 1,
    "CONTRIBUTING.md": 1,
    "docs/benchmarks.md": 2,
    "docs/planning.md": 1,
    "docs/start.md": 1,
}
EXIT_CODES = {
    "kanopt compare scenarios/parcel_city_ill.toml": 3,  # two drivers are ill
    "kanopt check town.toml": 2,  # asks about columns
}


def runs(page):
    """Say whether a page has blocks that are run; degrees.md is run below, where its output is compared."""
    return page.stem != "degrees" and any(block.kind in RUN and not block.reason for block in blocks_of(page))


def run_commands(code, capsys):
    """Run the commands of a block; what is shown below one that searches for no plan is what it says."""
    for words, shown in commands_of(code):
        assert words[0] == "kanopt", words
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(hurried_command(words))
        said = capsys.readouterr()
        assert (caught.value.code or 0) == EXIT_CODES.get(" ".join(words), 0), said.err
        if words[1] in ("check", "init") or "today" in words:
            rest = seconds_left_out(said.err + said.out)
            for line in map(seconds_left_out, shown):
                end = end_of(line, rest)
                assert end >= 0, line
                rest = rest[end:]


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if runs(page)], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_code_of_a_page_runs(page, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    readers_folder(tmp_path)
    names = {"__name__": "page"}
    for block in blocks_of(page):
        if block.kind == "console" and not block.reason:
            run_commands(block.code, capsys)
        elif block.kind == "python" and not block.reason:
            blank_lines_before = "\n" * block.line  # so that a traceback names the line of the page
            with in_few_refits():
                exec(compile(blank_lines_before + hurried(block.code), str(page), "exec"), names)


def test_every_block_says_what_it_is():
    assert [block.place for block in BLOCKS if block.kind not in KINDS] == []


def test_blocks_that_are_not_run_are_counted():
    counted: dict[str, int] = {}
    for block in BLOCKS:
        if block.reason:
            assert block.kind in RUN, block.place
            name = block.page.relative_to(ROOT).as_posix()
            counted[name] = counted.get(name, 0) + 1
    assert counted == NOT_RUN


def test_commands_of_a_block_have_a_prompt():
    without = [block.place for block in BLOCKS if block.kind == "console" and not block.code.startswith("$ ")]
    assert without == []


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.kind == "toml"], ids=lambda block: block.place
)
def test_keys_of_a_block_of_a_scenario_file_are_known(block):
    _, mistakes = read_sections(tomllib.loads(block.code))
    assert [mistake for mistake in mistakes if "unknown" in mistake.message] == []


def test_the_page_on_degrees_shows_what_its_code_prints(capsys):
    page = (ROOT / "docs" / "degrees.md").read_text(encoding="utf-8")
    names = {"__name__": "page"}
    shown = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    for code, text in shown:
        exec(compile(code, "degrees.md", "exec"), names)
        assert not differences(text, capsys.readouterr().out)
    assert len(shown) == 4
    assert len(shown) == sum(block.kind == "python" for block in blocks_of(ROOT / "docs" / "degrees.md"))


@pytest.mark.parametrize(
    "page", [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md"], ids=lambda page: page.name
)
def test_files_that_a_page_names_are_there(page: Path):
    named = PATH.findall(page.read_text("utf-8"))
    assert len(named) > 20
    missing = [name for name in named if not (ROOT / name).exists() and not (ROOT / "kanopt" / name).exists()]
    assert not missing


def test_messages_of_the_page_on_trouble_stand_in_the_code():
    page = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    headings = re.findall(r"^### `(.*)`$", page, re.MULTILINE)
    code = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "kanopt").rglob("*.py")))
    code = re.sub(r'""".*?"""|^ *#[^\n]*$', "", code, flags=re.DOTALL | re.MULTILINE)
    code = re.sub(r"""["']\s*\n\s*[rf]*["']""", "", code)  # a text that goes on in the next line
    told = [part.strip(" :") for heading in headings for part in heading.split("…")]
    assert len(headings) > 20
    assert [part for part in told if part not in code] == []


def test_every_benchmark_is_named_on_the_page_of_figures_and_no_other():
    named = set(re.findall(r"\b([a-z]\w*\.py)\b", (ROOT / "docs" / "benchmarks.md").read_text("utf-8")))
    scripts = {
        path.name
        for path in (ROOT / "benchmarks").glob("*.py")
        if '__name__ == "__main__"' in path.read_text("utf-8")
    }
    assert named == scripts


def test_every_command_stands_on_the_page_of_the_command_line():
    page = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    told = {
        word
        for cell in re.findall(r"^\| (`kanopt .*?) \|", page, re.MULTILINE)
        for word in re.findall(r"[\w-]+", cell)
    }
    assert set(kanopt.commands) - told == set()


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 120
