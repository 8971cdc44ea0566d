"""The table of demands of a supply scenario: the standard deviation of those that are not certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanopt.errors import ScenarioError
from kanopt.whatif import load_scenario
from tests.corpus.small_files import FILES

ROWS = FILES["wanted.csv"].split()


def net(tmp_path: Path, deviations: list[str], *, header: str = "demand_sd", columns: str = "") -> Path:
    """Write the small network with a deviation for each demand."""
    for name, text in FILES.items():
        tmp_path.joinpath(name).write_text(text)
    lines = [f"{row},{cell}" for row, cell in zip(ROWS, [header, *deviations], strict=True)]
    tmp_path.joinpath("wanted.csv").write_text("\n".join(lines) + "\n")
    path = tmp_path / "net.toml"
    path.write_text(
        path.read_text().replace('demand = { table = "wanted" }', f'demand = {{ table = "wanted"{columns} }}')
    )
    return path


def test_a_column_of_deviations_is_read(tmp_path):
    scenario = load_scenario(net(tmp_path, ["3", "9", "", "0"]))
    scenario.check(planning=True)
    assert scenario.build({"rate": scenario.formulas({})["rate"]}).demand_deviation[:, 0].tolist() == [
        [3.0, 9.0],
        [0.0, 0.0],
    ]


def test_a_column_of_another_name_is_named(tmp_path):
    columns = ', columns = { demand_sd = "spread" }'
    scenario = load_scenario(net(tmp_path, ["3", "9", "", "0"], header="spread", columns=columns))
    assert scenario.build({"rate": scenario.formulas({})["rate"]}).demand_deviation.sum() == 12.0


def test_what_is_no_deviation_is_refused_with_its_place(tmp_path):
    path = net(tmp_path, ["3", "9", "-3", "0"])
    place = path.read_text().split("\n").index('demand = { table = "wanted" }') + 1
    message = rf"net.toml:{place}: problem.demand: demand_sd: −3 for 'Nice', product 'flour', period 'p1'"
    with pytest.raises(ScenarioError, match=message):
        load_scenario(path).run()
    with pytest.raises(ScenarioError, match=r"'demand_sd'.*\n.*1 of 4 values: not a number"):
        load_scenario(net(tmp_path, ["3", "9", "wide", "0"]))
