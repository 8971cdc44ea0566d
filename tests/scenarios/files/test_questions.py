"""What only the user knows is asked: nothing is planned before it is answered, or said to be left open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import kanopt as ko
from kanopt.cli import main
from kanopt.errors import ScenarioError

QUESTION = """
[[questions]]
about = "clients.Dauer"
text = "what is Dauer of clients: how long a stop takes?"
answer = ""
[questions.answers]
service = { "problem.clients.columns.service_duration" = "Dauer (min.)", 'tables.clients.units."Dauer (min.)"' = "h" }
ignore = { "tables.clients.ignore" = ["Dauer (min.)"] }
odd = { "solver.time_limit.x" = 3 }
"""


def asked(path: Path) -> list[tuple[str, str]]:
    with pytest.raises(ScenarioError) as raised:
        ko.load_scenario(path).check()
    return [(issue.key, issue.message) for issue in raised.value.issues]


def renamed_service(tiny: Path, answer: str = "") -> Path:
    clients = tiny.parent / "clients.csv"
    clients.write_text(clients.read_text().replace("service_duration", "Dauer (min.)"))
    tiny.write_text(tiny.read_text() + QUESTION.replace('answer = ""', f'answer = "{answer}"'))
    return tiny


def test_an_answer_sets_its_keys(tiny: Path) -> None:
    scenario = ko.load_scenario(renamed_service(tiny, "service"))
    scenario.check()
    assert [client.service_duration for client in scenario.build(scenario.drafts).clients] == [300.0] * 4


def test_an_answer_adds_to_lists_and_what_is_ignored_is_not_read(tiny: Path) -> None:
    text = renamed_service(tiny, "ignore").read_text()
    tiny.write_text(text.replace('path = "clients.csv"', 'path = "clients.csv"\nignore = ["floor"]', 1))
    clients = tiny.parent / "clients.csv"
    head, *rows = clients.read_text().splitlines()
    clients.write_text("\n".join([f"{head},floor", *(f"{row},2" for row in rows)]))
    scenario = ko.load_scenario(tiny)
    assert list(scenario.tables["clients"]) == ["name", "x", "y", "demand_t", "ready_h", "due_h"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("serivce", "unknown answer 'serivce'; did you mean 'service'?"),
        ("odd", "sets a key below solver.time_limit, which is no table"),
    ],
)
def test_answers_that_are_none(tiny: Path, answer: str, told: str) -> None:
    assert told in [message for _, message in asked(renamed_service(tiny, answer))]


COLUMNS = {
    "bell": ("9:00", "10:30", "9:00", "11:15"),
    "goes with": ("south", "north, west", "", "east"),
    "fragile": ("yes", "no", "no", "yes"),
    "priority": (1, 2, 1, 1),
    "pickup_kg": (1, 2, 1, 1),
}
"""Columns that look like a rule, by values or words."""
NO_RULES = {"address": ("Main St 1", "Main St 2", "Oak 3", "Oak 4"), "note": ("yes", "no", "", "no")}


@pytest.mark.parametrize("column", [*COLUMNS, *NO_RULES])
def test_columns_that_look_like_a_rule_are_asked_about_until_they_are_ignored(
    tiny: Path, column: str
) -> None:
    clients = tiny.parent / "clients.csv"
    head, *rows = clients.read_text().splitlines()
    cells = {**COLUMNS, **NO_RULES}[column]
    lines = [f"{head},{column}", *(f'{row},"{cell}"' for row, cell in zip(rows, cells, strict=True))]
    clients.write_text("\n".join(lines))
    if column in NO_RULES:
        ko.load_scenario(tiny).check()
        return
    ((key, message),) = asked(tiny)
    assert key == "problem.clients"
    assert f'write ignore = ["{column}"] under [tables.clients]' in message
    tiny.write_text(
        tiny.read_text().replace('path = "clients.csv"', f'path = "clients.csv"\nignore = ["{column}"]')
    )
    scenario = ko.load_scenario(tiny)
    scenario.check()
    assert scenario.remarks() == scenario.notes() == ()


def test_what_is_ignored_must_be_there_and_unused(tiny: Path) -> None:
    text = tiny.read_text().replace(
        'path = "clients.csv"', 'path = "clients.csv"\nignore = ["demand_t", "aera"]'
    )
    tiny.write_text(text)
    found = dict(asked(tiny))
    assert found["problem.clients.columns.demand"].startswith("'demand_t' is what [tables.clients] ignores")
    assert found["tables.clients.ignore[2]"].startswith("there is no column 'aera'")


@pytest.mark.parametrize("command", ["check", "run", "solve", "compare", "sweep"])
def test_commands_end_with_the_question_or_go_on_and_say_so(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tiny.parent)
    renamed_service(tiny)
    tiny.with_name("dear.toml").write_text(
        '[scenario]\nbase = "tiny.toml"\n[[changes]]\nscale = "vehicles.fuel_price"\nby = 2'
    )
    more = {"compare": ["dear.toml"], "sweep": ["--scale", "vehicles.fuel_price=1,2"]}.get(command, [])
    limit = [] if command == "check" else ["--time-limit", "0.2"]

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    code, out, err = call(command, "tiny.toml", *more, *limit)
    assert code == 2
    assert "what is Dauer" in out + err
    code, out, err = call(command, "tiny.toml", *more, *limit, "--lenient")
    assert code == 0
    assert "what is Dauer" in (err if command == "check" else out.splitlines()[0])
    if command == "run":
        told = json.loads(call(command, "tiny.toml", *limit, "--lenient", "--json")[1])
        assert "what is Dauer" in told["unanswered"][0]
        page = (tiny.parent / "reports" / "tiny.html").read_text()
        assert "sure to hold without an answer" in page
        assert "What to do" not in page
        for claim in ("rule is kept", "given numbers", "is proved", "checked again"):
            assert claim not in (out + page).replace("nothing is proved", "")
