"""What a scenario file from a stranger can read, and what it cannot."""

import sqlite3

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


@pytest.fixture
def asking(tiny, edited):
    """A scenario that asks a database beside it; the path of the database is relative to the file."""
    with sqlite3.connect(tiny.parent / "vans.db") as database:
        database.execute(
            "create table vans (name text, num_available integer, capacity real, fuel_price real)"
        )
        database.execute("insert into vans values ('van', 2, 1.2, 1.6)")
    database.close()
    return edited('path = "vehicles.csv"', 'url = "sqlite:///vans.db"\nquery = "select * from vans"')


def test_a_database_is_asked_with_consent_only(asking):
    [(key, message)] = mistakes(asking)
    assert key == "tables.vehicles.url"
    assert "--allow-sql" in message
    assert load_scenario(asking, allow_sql=True).tables["vehicles"]["num_available"].tolist() == [2]


def test_a_query_changes_nothing_with_consent_either(asking):
    asking.write_text(asking.read_text().replace("select * from vans", "drop table vans"))
    before = (asking.parent / "vans.db").read_bytes()
    assert "not authorized" in mistakes(asking, allow_sql=True)[0][1]
    assert (asking.parent / "vans.db").read_bytes() == before


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///%2e%2e/vans.db",
        "sqlite:///..%2fvans.db",
        "sqlite+pysqlite:///%2E%2E/vans.db",
        "sqlite://host/../vans.db",
        "sqlite://me:word@host/{outside}",
        "sqlite://host/{outside}",
        "sqlite:///{outside}",
    ],
)
def test_no_spelling_of_a_url_leads_out_of_the_folder(asking, url):
    outside = asking.parent.parent / "vans.db"
    (asking.parent / "vans.db").rename(outside)
    asking.write_text(asking.read_text().replace("sqlite:///vans.db", url.format(outside=outside)))
    [(key, message)] = mistakes(asking, allow_sql=True)
    assert key == "tables.vehicles.url"
    assert any(words in message for words in ("lies outside the folder", "no such file", "a file of SQLite"))


def test_a_database_is_found_whatever_its_folder_is_called(asking, tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd") / "50 %41 #1?"
    asking.parent.rename(folder)
    assert len(load_scenario(folder / asking.name, allow_sql=True).tables["vehicles"]) == 1


def test_check_asks_no_database_and_checks_the_rest(asking, capsys, monkeypatch):
    def refuse(*_):
        raise AssertionError("a database was asked")

    monkeypatch.setattr("kanopt.tables.table_reading.read_sql", refuse)
    assert main("check", str(asking)) == 0
    assert "a table comes from a database, which was not asked" in capsys.readouterr().out
    asking.write_text(asking.read_text().replace("time_limit = 1", "time_limt = 1"))
    assert main("check", str(asking)) == 2
    assert "solver.time_limt" in capsys.readouterr().out
