"""Every mistake of a scenario file is named at its line and key, all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kanopt.errors import ScenarioError
from kanopt.scenarios import load_scenario


def line_of(path: Path, text: str) -> int:
    return next(n for n, line in enumerate(path.read_text().splitlines(), start=1) if text in line)


def issues(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path).check()
    return [(issue.line, issue.key, issue.message) for issue in caught.value.issues]


def rows(text: str) -> list[list[str]]:
    """Return the rows of a table of tests: what is replaced by what, the key that is named, and words about it."""
    return [line.replace("⏎", "\n").split(" | ") for line in text.strip().splitlines()]


EDITS = rows("""
[solver] | [slover] | slover | unknown key; did you mean 'solver'?
[solver] | [[solver]] | solver | must be a table of key = value, not a list
[tables.depots] | [tables]⏎x = 3⏎[tables.depots] | tables.x | must be a table of key = value, not the number 3
time_limit = 1 | time_limit = "1" | solver.time_limit | must be a number, not the text '1'
time_limit = 1 | workers = 1.5 | solver.workers | must be a whole number, not the number 1.5
seed = 3 | seed = -1 | scenario.seed | must be at least 0, not the number -1
kind = "routing" | kind = "ruting" | problem.kind | unknown kind 'ruting'; did you mean 'routing'?
⏎table = "vehicles" |  | problem.vehicles.table | is missing
[problem.clients]⏎ | [problem.clint]⏎ | problem.clint | unknown key; did you mean 'clients'?
demand = "demand_t" | demand = "demand_kg" | problem.clients.columns.demand | did you mean 'demand_t'?
demand = "demand_t" | demnd = "demand_t" | problem.clients.columns.demnd | no 'demnd' to read here; did you mean
fuel = "fuel" | fuel = "feul" | problem.cost.fuel | no law 'feul' under [surrogates]; did you mean 'fuel'?
km = "arc.distance" | km = "arcs.distance" | problem.bind.km | unknown scope 'arcs'; did you mean 'arc'?
km = "arc.distance" | km = true | problem.bind.km | not the truth value true
km = "arc.distance" | km = "clock.hour" | problem.bind.km | they do not measure the same thing
km = "arc.distance" | km = "link.length" | problem.bind.km | the problem does not know 'link.length'
km = "arc.distance" | km = 1⏎nolaw = { km = 1 } | problem.bind.nolaw | the problem reads no law 'nolaw'
km = "arc.distance" | km = 1⏎minutes = { miles = 1 } | problem.bind.minutes.miles | law 'minutes' has no input 'miles'
"vehicle.fuel_price" | "vehicle.fuel_prise" | problem.bind.price | not know 'vehicle.fuel_prise'; did you mean
load = "state.load"⏎ |  | problem.bind | the input 'load' of its law is not bound; write load = "state.load"
unit = "min" | unit = "minuts" | surrogates.minutes.unit | unknown unit 'minuts'; did you mean 'minute'?
unit = "EUR" | unit = "USD" | problem.cost.fuel | law 'fuel': formula for 'fuel': cannot convert 'USD'
demand_t = "t" | demand_t = "min" | problem.clients.columns.demand | the unit of its field: cannot convert 'min'
{ fuel_price = "EUR/l" } | { fule_price = "EUR/l" } | tables.vehicles.units.fule_price | did you mean 'fuel_price'?
path = "depots.csv" | path = "depot.csv" | tables.depots.path | depot.csv
path = "depots.csv" | path = "data\\new.csv" | tables.depots.path | write / between folders, as in "data/new.csv"
path = "depots.csv" |  | tables.depots.path | is missing
formula = "2 * km" | formula = "2 * kn" | surrogates.minutes.formula | column 5: unknown name 'kn'; known: 'km'
formula = "litres * price" | formula = "fuel * price" | surrogates.fuel.formula | names itself; no law can be put in
{ price = "EUR/l" } | { price = "EUR/l", tax = "" } | surrogates.fuel.inputs.tax | the formula does not use 'tax'
[solver] | [problem.units]⏎time = "km"⏎[solver] | problem.units.time | does not measure time
[solver] | [problem.policy]⏎longest_cost = 1⏎[solver] | problem.policy.longest_cost | did you mean 'longest_route_cost'?
[solver] | [problem.policy]⏎pinned = { "vn 2" = ["west"] }⏎[solver] | problem.policy | did you mean 'van'
kind = "routing" | kind = "routing"⏎detour = 0.5 | problem.detour | must be at least 1, not the number 0.5
""")


@pytest.mark.parametrize(("old", "new", "key", "message"), EDITS)
def test_one_mistake_is_named_where_it_stands(edited, old, new, key, message):
    path = edited(old, new)
    found = issues(path)
    (line, told), *_ = [(line, told) for line, where, told in found if where == key and message in told]
    assert told, found
    if "\n" not in new and f"{key.rpartition('.')[2]} =" in new:
        assert line == line_of(path, new)


LAWS = rows("""
table = "trips" | table = "trip" | table | unknown table 'trip'; did you mean 'trips'?
target = "minutes" | target = "minuts" | target | has no column 'minuts'; did you mean 'minutes'?
features = ["km"] | features = ["kms"] | features[1] | has no column 'kms'; did you mean 'km'?
features = ["km"] | features = [] | features | must be a list of at least 1, not a list
features = ["km"] | features = ["minutes"] | features[1] | 'minutes' is the target
monotone = { km = 1 } | monotone = { kn = 1 } | monotone.kn | not among the features; known: 'km'
monotone = { km = 1 } | monotone = { km = 2 } | monotone.km | must be one of -1, 1, not the number 2
min_r2 = 0.8 | positive = 3 | positive | must be one of 'auto', true, false, not the number 3
min_r2 = 0.8 | groups = "km" | groups | 'km' says which rows share an error
, last = 4 |  | holdout | by and last belong together
by = "week", last = 4 | by = "wek", last = 4 | holdout.by | did you mean 'week'?
""")
GIVEN = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
LAW = """[tables.trips]
path = "trips.csv"

[surrogates.minutes]
table = "trips"
target = "minutes"
features = ["km"]
monotone = { km = 1 }
min_r2 = 0.8
holdout = { by = "week", last = 4 }"""


def with_law(tiny: Path, law: str, trips: str = "") -> Path:
    trips = trips or "week,km,minutes\n" + "".join(f"{k},{k},{2 * k}\n" for k in range(1, 9))
    (tiny.parent / "trips.csv").write_text(trips)
    tiny.write_text(tiny.read_text().replace(GIVEN, law))
    return tiny


@pytest.mark.parametrize(("old", "new", "key", "message"), LAWS)
def test_mistakes_in_a_law_to_be_learned(tiny, old, new, key, message):
    assert old in LAW
    found = issues(with_law(tiny, LAW.replace(old, new)))
    assert any(k == f"surrogates.minutes.{key}" and message in m for _, k, m in found), found


def test_a_blank_in_a_target_is_refused_unless_said_otherwise(tiny):
    law = LAW.replace('holdout = { by = "week", last = 4 }', "")
    trips = "km,minutes\n" + "".join(f"{k},{2 * k}\n" for k in range(1, 30)) + "3,\n5,\n"
    [(line, key, message)] = issues(with_law(tiny, law, trips))
    assert (line, key) == (line_of(tiny, 'target = "minutes"'), "surrogates.minutes.target")
    assert "no value in 2 of 31 rows (rows 31, 32)" in message
    tiny.write_text(tiny.read_text().replace('target = "minutes"', 'target = "minutes"\non_missing = "drop"'))
    load_scenario(tiny).check()


STAGES = rows("""
seed = 3 | seed = "three" | scenario.seed
path = "routes.csv" | path = "routes.csv"⏎on_bda = "drop" | tables.routes.on_bda
unit = "l" | unit = "liitre" | surrogates.litres.unit
time_limit = 1 | time_limit = 1⏎workrs = 2 | solver.workrs

formula = "0.1 * km | formula = "0.1 * kn | surrogates.litres.formula
demand = "demand_t" | demand = "demand_kg" | problem.clients.columns.demand
""")


def test_all_mistakes_in_keys_come_at_once_then_those_in_what_they_name_then_those_in_tables(tiny):
    right, gap = tiny.read_text(), STAGES.index([""])
    for stage in (STAGES[:gap], STAGES[gap + 1 :]):
        text = right
        for old, new, _ in stage:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        tiny.write_text(text)
        assert [key for _, key, _ in issues(tiny)] == [key for *_, key in stage]
    tiny.write_text(right)
    clients = tiny.with_name("clients.csv")
    clients.write_text(clients.read_text().replace("7,17,5\neast", "17,7,5\neast").replace("south", "west"))
    found = issues(tiny)
    assert [key for _, key, _ in found] == ["problem.clients", "problem.clients"]
    assert "'west' appears more than once" in found[0][2]
    assert "the window closes before it opens" in found[1][2]


TABLES = rows("""
clients | 7,17,5⏎east | 17,7,5⏎east | problem | closes before it opens
clients | 0.5, | -0.5, | problem | north
clients | 0.5, | half, | tables.clients.path | on_bad = { demand_t = "drop" } does so for one column
clients | east | north | problem.clients | 'north' appears more than once
vehicles | capacity | capcity | problem.vehicles | 'capcity' (the field capacity, in t?)
depots | name, | nam, | problem.depots | column 'name' is missing; did you mean 'nam'?
routes | van,1,2,east | van,1,2,eats | problem.today | did you mean 'east'?
""")


@pytest.mark.parametrize(("table", "old", "new", "key", "words"), TABLES)
def test_mistakes_in_the_tables_name_table_and_value(tiny, table, old, new, key, words):
    path = tiny.parent / f"{table}.csv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    found = issues(tiny)
    assert any(where.startswith(key) and words in message for _, where, message in found), found


CHANGES = rows("""
scale = "vehicles.fuel_prise"⏎by = 2 | changes[1].scale | did you mean 'fuel_price'?
scale = "fuel_price"⏎by = 2 | changes[1].scale | must be 'table.column'
scale = "vehicles.fuel_price" | changes[1].by | is missing
scale = "a.b"⏎set = "a.b" | changes[1] | exactly one of set, scale, remove and add
open = "vehicles"⏎where = { name = "van" } | changes[1] | scale, remove and add, not 'open'
scale = "vehicles.fuel_price"⏎by = nan | changes[1].by | must be a finite number
remove = "vehicles"⏎where = { name = "vam" } | changes[1].where.name | has name = vam; did you mean 'van'?
remove = "routes"⏎where = { client = "east" } | changes[1].remove | the problem does not read the table 'routes'
set = "vehicles.num_available"⏎to = [1] | changes[1].to | must be a text, a number or a truth
add = "vehicles"⏎row = { nmae = "x" } | changes[1].row.nmae | did you mean 'name'?
""")


@pytest.mark.parametrize(("text", "key", "message"), CHANGES)
def test_mistakes_in_a_change(variant, text, key, message):
    [(_, where, told)] = issues(variant(f"[[changes]]\n{text}"))
    assert where == key
    assert message in told
