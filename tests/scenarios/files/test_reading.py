"""What a scenario file says is what the scenario holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanopt.errors import ScenarioError
from kanopt.routing import Route
from kanopt.scenarios import load_scenario
from kanopt.tables import report_of, units_of

GIVEN = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'


def with_columns(path: Path, *lines: str) -> None:
    """Put further cells behind the rows of a table."""
    rows = path.read_text().splitlines()
    path.write_text("\n".join(f"{row},{more}" for row, more in zip(rows, lines, strict=True)))


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)


def test_routes_under_way_and_releases_are_read(edited):
    path = edited(
        "[solver]",
        '[tables.out]\npath = "out.csv"\n[problem.started]\ntable = "out"\ncolumns = { client = "where" }\n'
        '[problem.policy]\nnot_before = "10:30"\n[solver]',
    )
    out = path.parent / "out.csv"
    out.write_text("vehicle,stop,where,departure,locked\nvan 2,1,west,8:30,true\nvan 2,2,south,8:30,false\n")
    with_columns(path.parent / "clients.csv", "release_time", "9:15", "", "", "")
    scenario = load_scenario(path)
    scenario.check()
    problem = scenario.build(scenario.drafts)
    assert problem.started == (Route("van", 2, "hub", ("west", "south"), 510.0, 1),)
    assert (problem.data.not_before, problem.data.release[1]) == (630.0, 555.0)
    later = scenario.set("out.departure", "8:45").set("clients.release_time", "9:00")
    changed = later.build(later.drafts)
    assert changed.started[0].departure == 525.0
    assert changed.data.release[1:].tolist() == [540.0] * 4
    out.write_text("vehicle,stop,where,locked\nvan 3,1,west,1\n")
    with pytest.raises(ScenarioError, match="van 3 does not exist"):
        load_scenario(path).check()


def test_a_saved_law_is_read_and_a_damaged_one_refused(tiny, edited):
    law, saved = load_scenario(tiny).formulas({})["minutes"], tiny.parent / "minutes.json"
    law.save(saved)
    edited(GIVEN.partition("\n")[2], 'file = "minutes.json"')
    assert str(load_scenario(tiny).formulas({})["minutes"]) == str(law)
    saved.write_text("{}")
    with pytest.raises(ScenarioError, match=r"tiny.toml:\d+: surrogates.minutes.file: "):
        load_scenario(tiny)
    saved.unlink()
    with pytest.raises(ScenarioError, match=r"'minutes.json' cannot be read"):
        load_scenario(tiny)


# bases


def test_keys_complete_those_of_the_base_and_another_source_replaces_an_entry(tiny, variant):
    (tiny.parent / "more").mkdir()
    (tiny.parent / "more" / "depots.csv").write_text("name,x,y\nyard,0,1\n")
    write(
        tiny.parent / "more", base='[scenario]\nbase = "../tiny.toml"\n[tables.depots]\npath = "depots.csv"\n'
    )
    more = '[surrogates.minutes]\nformula = "3 * km"\ninputs = { km = "km" }\n[solver]\nworkers = 2\n'
    scenario = load_scenario(variant(more, base="more/base.toml"))
    assert scenario.tables["depots"]["name"].tolist() == ["yard"]
    assert (scenario.solver.time_limit, scenario.solver.workers) == (1.0, 2)
    # the unit of the law stood beside the other formula
    assert scenario.formulas({})["minutes"].output.unit == ""


def test_a_mistake_points_at_the_file_where_the_key_stands(tiny, variant):
    tiny.write_text(tiny.read_text() + '\n[[changes]]\nset = "clients.x"\nto = [1]\n')
    path = variant('\n[[changes]]\nset = "clients.x"\nto = [2]\n[report]\ntitel = "x"\n')
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    last = len(tiny.read_text().splitlines())
    assert [(Path(issue.file).name, issue.line, issue.key) for issue in caught.value.issues] == [
        ("tiny.toml", last, "changes[1].to"),
        ("variant.toml", 6, "changes[1].to"),
        ("variant.toml", 8, "report.titel"),
    ]


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ('"bse.toml"', "did you mean"),
        ("3", 'must be a file such as "base.toml", not the number 3'),
        ('"upper.toml"', "the bases form a loop: upper.toml → upper.toml"),
        ('"base.toml"', "the bases form a loop: upper.toml → base.toml → upper.toml"),
    ],
)
def test_a_base_that_cannot_be_read_is_named_where_it_stands(tmp_path, base, words):
    write(tmp_path, base='[scenario]\nbase = "upper.toml"\n', upper=f"[scenario]\nbase = {base}\n")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "upper.toml")
    [issue] = caught.value.issues
    assert (issue.line, issue.key) == (2, "scenario.base")
    assert words in issue.message


# columns

LEARNED = '[surrogates.time]\ntable = "trips"\ntarget = "minutes"\nfeatures = ["km"]\n'


# derived columns and dropped rows

DERIVED = "seconds,km,pickup,note\n" + "".join(
    f"{60 * k},{k % 7},2024-01-0{1 + k % 7} {k % 24:02}:30:00,{'x' if k % 2 else 'y'}\n" for k in range(1, 41)
)


def derived(folder: Path, table: str) -> Path:
    (folder / "trips.csv").write_text(DERIVED)
    law = LEARNED.replace('["km"]', '["km", "start_h"]')
    (folder / "s.toml").write_text(f'[tables.trips]\npath = "trips.csv"\n{table}\n{law}')
    return folder / "s.toml"


def test_laws_may_be_of_derived_columns_and_a_what_if_adds_to_them(tmp_path):
    path = derived(
        tmp_path,
        'units = { seconds = "s", minutes = "min" }\ndrop_where = ["km <= 0", "note == \'z\'"]\n'
        '[tables.trips.derive]\nminutes = "hours * 60"\nstart_h = "hour(pickup)"\nhours = "seconds / 3600"',
    )
    scenario = load_scenario(path)
    trips = scenario.tables["trips"]
    assert (units_of(trips)["minutes"], units_of(trips)["start_h"], len(trips)) == ("min", "h", 35)
    told = [str(note) for note in scenario.reading_notes()]
    assert told[0].endswith("tables.trips: 5 of 40 rows left out: 5 × drop_where km <= 0")
    assert told[1].endswith("tables.trips: drop_where note == 'z': no row is so")
    write(tmp_path, more='[scenario]\nbase = "s.toml"\n[tables.trips]\ndrop_where = ["km > 5"]')
    more = load_scenario(tmp_path / "more.toml").tables["trips"]
    assert list(report_of(more).derived) == ["start_h", "hours", "minutes"]
    assert more["km"].max() == 5


# supply
