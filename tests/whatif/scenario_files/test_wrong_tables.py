"""Swapped tables and files are told as such, in place of what follows from them."""

from __future__ import annotations

from pathlib import Path

import pytest

import kanopt as ko
from kanopt.errors import ScenarioError
from tests.cases.command_line import FILES

MAPPED = FILES["case.toml"].replace(
    '[problem.clients]\ntable = "clients"\n',
    '[problem.clients]\ntable = "clients"\n[problem.clients.columns]\ndemand = "kg"\nearliest = "open"\nx = "east"\n',
)


def mistakes(folder: Path, text: str, *swaps: tuple[str, str]) -> list[tuple[str, str]]:
    for one, other in swaps:
        assert one in text
        text = text.replace(one, "\0").replace(other, one).replace("\0", other)
    for name, content in FILES.items():
        (folder / name).write_text(content)
    if text.startswith(MAPPED[:20]) and "earliest = " in text:
        content = FILES["clients.csv"].replace("demand,earliest", "kg,open").replace("name,x", "name,east")
        (folder / "clients.csv").write_text(content)
    (folder / "case.toml").write_text(text)
    with pytest.raises(ScenarioError) as raised:
        ko.load_scenario(folder / "case.toml")
    return [(issue.key, issue.message) for issue in raised.value.issues]


@pytest.mark.parametrize("text", [FILES["case.toml"], MAPPED], ids=["plain", "columns"])
@pytest.mark.parametrize(
    ("one", "other"), [('"clients.csv"', '"vehicles.csv"'), ('table = "clients"', 'table = "vehicles"')]
)
def test_swapped_files_or_tables(tmp_path: Path, text: str, one: str, other: str) -> None:
    found = mistakes(tmp_path, text, (one, other))
    assert [key for key, _ in found] == ["problem.clients.table", "problem.vehicles.table"]
    assert all(message.endswith("are two tables, or their files, swapped?") for _, message in found)


def test_one_table_for_two_parts(tmp_path: Path) -> None:
    text = FILES["case.toml"].replace(
        '[problem.vehicles]\ntable = "vehicles"', '[problem.vehicles]\ntable = "clients"'
    )
    ((key, message),) = mistakes(tmp_path, text)
    assert key == "problem.vehicles.table"
    assert message.startswith(
        "table 'clients' has columns of clients, 'demand', 'earliest', 'latest', 'name' and"
    )
    assert "'capacity', 'fixed_cost', 'name', 'num_available' and 2 more, are in table 'vehicles'" in message


@pytest.mark.parametrize("path", ["data\\new.csv", "data\\trips.csv"])
def test_a_path_with_signs_of_a_backslash(tmp_path: Path, path: str) -> None:
    found = dict(mistakes(tmp_path, FILES["case.toml"].replace("clients.csv", path)))
    assert f'write / between folders, as in "{path.replace(chr(92), "/")}"' in found["tables.clients.path"]
