"""Whatever state the tables of a scenario are in, each command names it and ends with code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cases.command_line import edit

TABLES = ("depots.csv", "clients.csv", "vehicles.csv")
COMMANDS = {
    "check": (),
    "fit": (),
    "run": (),
    "solve": (),
    "compare": ("dear.toml",),
    "sweep": ("--set", "vehicles.fixed_cost=10,20"),
    "tornado": ("--set", "vehicles.fixed_cost=10:20"),
    "switch-points": ("--set", "vehicles.fixed_cost=10:20"),
    "monte-carlo": (),
    "risk": (),
}


def absent(case: Path) -> None:
    for name in TABLES:
        (case / name).unlink()


def one_missing(case: Path) -> None:
    (case / "clients.csv").unlink()


def empty(case: Path) -> None:
    (case / "clients.csv").write_text("")


def header_only(case: Path) -> None:
    (case / "clients.csv").write_text("name,x,y,demand,earliest,latest\n")


def swapped(case: Path) -> None:
    clients, vehicles = (case / name for name in TABLES[1:])
    clients_text, vehicles_text = clients.read_text(), vehicles.read_text()
    clients.write_text(vehicles_text)
    vehicles.write_text(clients_text)


def blank_price(case: Path) -> None:
    (case / "vehicles.csv").write_text(
        "name,capacity,fixed_cost,unit_duration_cost\nvan,1.2,9,\nlorry,3,9,\n"
    )
    edit(
        case / "case.toml",
        'path = "vehicles.csv"',
        'path = "vehicles.csv"\nunits = { unit_duration_cost = "EUR/h" }',
    )


def unreadable(case: Path) -> None:
    (case / "clients.csv").write_bytes(b"\x00\x01\xff\xfe" * 50)


def link_to_itself(case: Path) -> None:
    (case / "clients.csv").unlink()
    (case / "clients.csv").symlink_to("clients.csv")


def folder(case: Path) -> None:
    (case / "clients.csv").unlink()
    (case / "clients.csv").mkdir()


def scenario_links_to_itself(case: Path) -> None:
    (case / "case.toml").unlink()
    (case / "case.toml").symlink_to("case.toml")


NAMED = {
    absent: ("depots.csv", "clients.csv", "vehicles.csv"),
    one_missing: ("clients.csv",),
    empty: ("clients.csv",),
    header_only: ("clients",),
    swapped: (),
    blank_price: ("unit_duration_cost", "blank"),
    unreadable: ("clients.csv",),
    link_to_itself: ("clients.csv",),
    folder: ("clients.csv",),
    scenario_links_to_itself: ("case.toml",),
}
LAWS_ALONE = (header_only, swapped, blank_price)
"""What `fit` has nothing to say of: laws written by hand read no table."""


@pytest.mark.parametrize("state", NAMED, ids=lambda state: state.__name__)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_the_state_of_the_tables(
    case: Path, cli: Callable[..., tuple[int, str, str]], command: str, state: Callable[[Path], None]
) -> None:
    state(case)
    code, out, err = cli(command.split()[0], "case.toml", *COMMANDS[command])
    assert "fault of kanopt" not in err
    if command == "fit" and state in LAWS_ALONE:
        return
    assert code == 2
    assert [word for word in NAMED[state] if word not in out + err] == []
    assert not (case / "reports").exists()


def test_too_little_memory_is_no_fault_of_kanopt(
    case: Path, cli: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("kanopt.scenarios.load_scenario", short)
    code, _, err = cli("run", "case.toml")
    assert code == 2
    assert "memory" in err
    assert "fault of kanopt" not in err
