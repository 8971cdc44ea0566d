"""The files that ship: free of mistakes, complete, and made by the committed script."""

import runpy
from pathlib import Path

import pytest

from kanopt.whatif import load_scenario

FILES = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_scenario_is_free_of_mistakes_and_remarks(file):
    scenario = load_scenario(file)
    scenario.check()
    assert scenario.remarks() == ()
    assert scenario.description


@pytest.mark.slow
def test_every_kind_has_a_scenario_and_what_ifs():
    bases = {file.stem for file in FILES if len(load_scenario(file).layers.documents) == 1}
    assert bases == {"coffee", "parcel_city", "parcel_month", "sioux_falls", "supply_network", "workshop"}
    for base in bases:
        variants = [load_scenario(file) for file in FILES if file.stem.startswith(f"{base}_")]
        assert len(variants) >= 2
        assert all(variant.layers.documents[-1].path.stem == base for variant in variants)


def test_the_tables_are_those_the_script_writes(scenarios, tmp_path):
    script = runpy.run_path(str(scenarios / "make_tables.py"))
    script["main"].__globals__["HERE"] = tmp_path
    script["main"]()
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.csv"))
    assert written == sorted(path.relative_to(scenarios) for path in scenarios.rglob("*.csv"))
    for path in written:
        assert (tmp_path / path).read_bytes() == (scenarios / path).read_bytes(), path
    assert sum(path.stat().st_size for path in scenarios.rglob("*.csv")) < 1_000_000
