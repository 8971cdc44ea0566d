"""Every mistake of a file is named in one go, whatever section it stands in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kanopt as ko
from tests.corpus.small_files import FILES


def told(path: Path) -> dict[str, str]:
    with pytest.raises(ko.ScenarioError) as caught:
        ko.load_scenario(path).check()
    found: dict[str, str] = {}
    for issue in caught.value.issues:
        assert issue.key not in found, issue
        found[issue.key] = issue.message
    return found


def broken(path: Path, edits: dict[tuple[str, str], str]) -> Path:
    """Replace texts in the files of a scenario, each of which stands there once."""
    for (name, old), new in edits.items():
        file = path.parent / name
        text = file.read_text()
        assert text.count(old) == 1, (name, old, text.count(old))
        file.write_text(text.replace(old, new))
    return path


MISTAKES = {
    ("tiny.toml", "seed = 3"): 'seed = "three"',
    (
        "tiny.toml",
        '[tables.routes]\npath = "routes.csv"',
    ): '[tables.routes]\npath = "routes.csv"\non_bda = "drop"',
    ("tiny.toml", 'ready_h = "h"'): 'ready_h = "hrs."',
    ("tiny.toml", 'formula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'): (
        'formula = "2 * km"\ninputs = { km = "km" }\nunit = "minuts"'
    ),
    ("tiny.toml", 'formula = "0.1 * km'): 'formula = "0.1 * kn',
    ("tiny.toml", 'kind = "routing"'): 'kind = "routing"\npolicie = { backhaul = true }',
    ("tiny.toml", 'demand = "demand_t"'): 'demand = "demand_kg"',
    ("tiny.toml", '[problem.vehicles]\ntable = "vehicles"'): '[problem.vehicles]\ntable = "vans"',
    ("tiny.toml", 'km = "arc.distance"'): 'km = "arc.distanse"',
    ("tiny.toml", "time_limit = 1"): "time_limit = 0",
    ("clients.csv", "south,0,-3,0.4,7,17,5"): "south,0,-3,0.4,7,17,",
    ("depots.csv", "hub"): "north",
}


def test_mistakes_in_all_sections_are_named_at_once(tiny):
    path = broken(tiny, MISTAKES)
    change = '\n[[changes]]\nscale = "vehicles.fuel_prise"\nby = 2\n'
    path.write_text(path.read_text() + change)
    found = told(path)
    assert {key: re.sub(r"(?s)[;\n].*", "", message) for key, message in found.items()} == {
        "scenario.seed": "must be a whole number, not the text 'three'",
        "tables.clients.units.ready_h": "unit 'hrs.': cannot read '.'",
        "tables.routes.on_bda": "unknown key",
        "surrogates.minutes.unit": "unknown unit 'minuts'",
        "surrogates.litres.formula": "formula for 'litres', column 7: unknown name 'kn'",
        "problem.policie": "unknown key",
        "problem.clients": "column 'service_duration', row 3: is blank",
        "problem.depots": "'north' appears among depots and clients",
        "problem.clients.columns.demand": "table 'clients' has no column 'demand_kg'",
        "problem.vehicles.table": "unknown table 'vans'",
        "problem.bind.km": "a routing problem does not know 'arc.distanse'",
        "solver.time_limit": "must be greater than 0, not the number 0",
        "changes[1].scale": "table 'vehicles' has no column 'fuel_prise'",
    }


@pytest.mark.parametrize("kind", ['kind = "ruting"', ""])
def test_a_problem_of_an_unknown_kind_is_checked_as_what_it_looks_like(tiny, kind):
    path = broken(
        tiny, {("tiny.toml", 'kind = "routing"'): kind, ("tiny.toml", 'law = "minutes"'): 'law = "minuts"'}
    )
    assert told(path).keys() == {"problem.kind", "problem.duration.law"}


def test_a_binding_that_is_mistaken_is_not_said_to_be_missing(tiny):
    path = broken(tiny, {("tiny.toml", 'km = "arc.distance"'): 'km = "arcs.distance"'})
    assert told(path).keys() == {"problem.bind.km"}


def test_a_superfluous_binding_is_named_beside_mistaken_columns(tiny):
    path = broken(
        tiny,
        {
            ("tiny.toml", 'demand = "demand_t"'): 'demnad = "demand_t"',
            ("tiny.toml", 'km = "arc.distance"'): 'km = "arc.distance"\nfoo = "arc.distance"',
        },
    )
    assert told(path).keys() == {"problem.clients.columns.demnad", "problem.bind.foo"}


def test_what_an_input_may_be_bound_to_is_named_by_name_and_unit(tiny):
    path = broken(tiny, {("tiny.toml", 'load = "state.load"\nprice = "vehicle.fuel_price"'): ""})
    text = path.read_text().replace("litres * price", "litres * fuel_price")
    path.write_text(text.replace('inputs = { price = "EUR/l" }', 'inputs = { fuel_price = "EUR/l" }'))
    with pytest.raises(ko.ScenarioError) as caught:
        ko.load_scenario(path)
    messages = " ".join(issue.message for issue in caught.value.issues)
    assert 'such as load = "state.load"' in messages
    assert 'such as fuel_price = "vehicle.fuel_price"' in messages


def test_what_measures_something_else_is_refused_where_it_is_bound(tiny):
    path = broken(tiny, {("tiny.toml", 'load = "state.load"'): 'load = "clock.hour"'})
    assert told(path) == {
        "problem.bind.load": "clock.hour is in h, but the input 'load' of law 'fuel' is in t; they do not measure the "
        "same thing"
    }


def small(folder: Path, name: str) -> Path:
    """Write the small files of the corpus, of which one is the scenario asked for."""
    for file, text in FILES.items():
        (folder / file).write_text(text, "utf-8")
    return folder / name


def test_mistakes_of_a_schedule_are_named_at_once(tmp_path):
    path = broken(
        small(tmp_path, "shop.toml"),
        {
            ("shop.toml", "horizon = 500"): "horizon = -1",
            ("tasks.csv", "b1,B"): "b1,C",
            ("modes.csv", "b1,drill"): "b1,dril",
            ("tasks.csv", "a2,A,2"): "a2,A,1",
        },
    )
    with pytest.raises(ko.ScenarioError) as caught:
        ko.load_scenario(path).check()
    keys = {issue.key for issue in caught.value.issues}
    assert keys == {"problem.horizon", "problem.jobs", "problem.modes", "problem.tasks"}
    messages = " ".join(issue.message for issue in caught.value.issues)
    for words in (
        "'C' is none of the jobs",
        "'dril' is none of the machines",
        "have the same order",
        "must be greater than 0",
    ):
        assert words in messages


def test_mistakes_of_a_network_are_named_at_once(tmp_path):
    path = broken(
        small(tmp_path, "net.toml"),
        {
            ("net.toml", "time_limit = 20"): "time_limit = -20",
            ("lanes.csv", "north,Lyon"): "north,Lion",
            ("net.toml", 'unit = "EUR/t"'): 'unit = "km"',
        },
    )
    with pytest.raises(ko.ScenarioError) as caught:
        ko.load_scenario(path).check()
    messages = " ".join(str(issue) for issue in caught.value.issues)
    for words in ("'Lion' is unknown; did you mean 'Lyon'?", "solver.time_limit", "gives km, but EUR"):
        assert words in messages


def test_hints_name_the_field_and_the_column_that_measure_the_same(tiny):
    path = broken(
        tiny,
        {
            ("tiny.toml", 'demand = "demand_t"'): 'payload = "demand_t", service_duration = "minutes"',
            ("vehicles.csv", "name,num_available"): "type,num_available",
            ("clients.csv", "ready_h,due_h,service_duration"): "ready_h,due_h,stop_min",
        },
    )
    found = told(path)
    assert found["problem.clients.columns.service_duration"].endswith("did you mean 'stop_min'?")
    assert found["problem.vehicles"].startswith("column 'name' is missing")


def test_advice_for_tables_is_in_the_words_of_the_file(tiny):
    path = broken(tiny, {("clients.csv", "north,0,4,0.5"): "north,0,4,half"})
    message = told(path)["tables.clients.path"]
    assert 'on_bad = "drop"' in message
    assert "on_bad=" not in message
