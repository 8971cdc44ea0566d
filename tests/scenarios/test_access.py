"""What a scenario file from a stranger can read, and what it cannot."""

import pytest

from kanopt.cli import main as program
from kanopt.errors import ScenarioError
from kanopt.scenarios import load_scenario

SECRET = "name,num_available,capacity\nsecret word,1,5\nanother secret,x,5\n"


def mistakes(path, **allowed):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, **allowed)
    return [(issue.key, issue.message) for issue in caught.value.issues]


def main(*arguments):
    """Return the exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        program(list(arguments))
    return ended.value.code


@pytest.fixture
def secret(tiny):
    """A table beside the scenario's folder, with a cell that is refused and shown where it may be read."""
    path = tiny.parent.parent / "secret.csv"
    path.write_text(SECRET)
    return path


@pytest.mark.parametrize("form", ["relative", "absolute", "link"])
def test_a_table_outside_the_folder_is_not_opened(edited, secret, form):
    given = {"relative": "../secret.csv", "absolute": str(secret), "link": "inside.csv"}[form]
    path = edited('path = "vehicles.csv"', f'path = "{given}"')
    (path.parent / "inside.csv").symlink_to(secret)
    [(key, message)] = mistakes(path)
    assert key == "tables.vehicles.path"
    assert any(words in message for words in ("lies outside the folder", "no such file", "a file of SQLite"))
    assert "--allow-outside" in message
    assert "secret word" not in message
    secret.write_text(
        "name,num_available,capacity,fixed_cost,fuel_price,shift_start,shift_end\nvan,2,1.2,20,1.6,420,1020\n"
    )
    assert load_scenario(path, allow_outside=True).tables["vehicles"]["name"].tolist() == ["van"]
