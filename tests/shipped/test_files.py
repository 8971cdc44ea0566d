"""The files that ship: free of mistakes, complete, and made by the committed script."""

import runpy
from pathlib import Path

import pytest

from kanopt.scenarios import load_scenario

FILES = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_scenario_is_free_of_mistakes_and_remarks(file):
    scenario = load_scenario(file)
    scenario.check()
    assert scenario.remarks() == ()
    assert scenario.description


def test_the_tables_are_those_the_script_writes(scenarios, tmp_path):
    script = runpy.run_path(str(scenarios / "make_tables.py"))
    script["main"].__globals__["HERE"] = tmp_path
    script["main"]()
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.csv"))
    assert written == sorted(path.relative_to(scenarios) for path in scenarios.rglob("*.csv"))
    for path in written:
        assert (tmp_path / path).read_bytes() == (scenarios / path).read_bytes(), path
    assert sum(path.stat().st_size for path in scenarios.rglob("*.csv")) < 1_000_000
