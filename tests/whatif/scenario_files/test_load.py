import math
from pathlib import Path

import pytest

from kanopt.errors import ScenarioError
from kanopt.problems import Route
from kanopt.whatif import load_scenario
from kanopt.whatif.learn import learn


def line_of(path, text):
    return next(n for n, line in enumerate(path.read_text().splitlines(), start=1) if text in line)


def issues(path):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path).check()
    return [(issue.line, issue.key, issue.message) for issue in caught.value.issues]


def test_a_scenario_holds_what_its_file_says(tiny):
    scenario = load_scenario(tiny)
    scenario.check()
    assert (scenario.name, scenario.seed, scenario.kind, scenario.path) == ("Tiny", 3, "routing", tiny)
    assert list(scenario.tables) == ["depots", "clients", "vehicles", "routes"]
    assert list(scenario.laws) == ["minutes", "litres", "fuel"]
    assert scenario.changes == ()


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("[solver]", "[slover]", "slover", "unknown section; did you mean 'solver'?"),
        ("time_limit = 1", "time_limt = 1", "solver.time_limt", "unknown key; did you mean 'time_limit'?"),
        ("time_limit = 1", 'time_limit = "1"', "solver.time_limit", "must be a number, not the text '1'"),
        ("time_limit = 1", "time_limit = 0", "solver.time_limit", "must be greater than 0, not the number 0"),
        (
            "time_limit = 1",
            "time_limit = inf",
            "solver.time_limit",
            "must be a finite number, not the number inf",
        ),
        ("time_limit = 1", "workers = 1.5", "solver.workers", "must be a whole number, not the number 1.5"),
        (
            "seed = 3",
            "seed = " + "9" * 400,
            "scenario.seed",
            "must be less than 9.22337e18, not a whole number",
        ),
        ("seed = 3", "seed = -1", "scenario.seed", "must be at least 0, not the number -1"),
        ('name = "Tiny"', "name = 3", "scenario.name", "must be a text in quotes, not the number 3"),
        ('name = "Tiny"', 'name = ""', "scenario.name", "must be a text that is not empty, not the text ''"),
        (
            'kind = "routing"',
            'kind = "ruting"',
            "problem.kind",
            "unknown kind 'ruting'; did you mean 'routing'?",
        ),
        ('table = "vehicles"', "", "problem.vehicles.table", "is missing"),
        (
            'table = "vehicles"',
            'table = "vehicle"',
            "problem.vehicles.table",
            "unknown table 'vehicle'; did you mean 'vehicles'?",
        ),
        (
            'demand = "demand_t"',
            'demand = "demand_kg"',
            "problem.clients.columns.demand",
            "table 'clients' has no column 'demand_kg'; did you mean 'demand_t'?",
        ),
        (
            'demand = "demand_t"',
            'demnd = "demand_t"',
            "problem.clients.columns.demnd",
            "there is no 'demnd' to read here; did you mean 'demand'?",
        ),
        (
            'fuel = "fuel"',
            'fuel = "feul"',
            "problem.cost.fuel",
            "there is no law 'feul' under [surrogates]; did you mean 'fuel'?",
        ),
        (
            'law = "minutes"',
            'law = "minute"',
            "problem.duration.law",
            "there is no law 'minute' under [surrogates]; did you mean 'minutes'?",
        ),
        (
            'km = "arc.distance"',
            'km = "arcs.distance"',
            "problem.bind.km",
            "binding 'arcs.distance': unknown scope 'arcs'; did you mean 'arc'?",
        ),
        (
            'unit = "min"',
            'unit = "minuts"',
            "surrogates.minutes.unit",
            "unknown unit 'minuts'; did you mean 'minute'?",
        ),
        (
            'units = { fuel_price = "EUR/l" }',
            'units = { fule_price = "EUR/l" }',
            "tables.vehicles.units.fule_price",
            "did you mean 'fuel_price'?",
        ),
        (
            'path = "depots.csv"',
            'path = "depot.csv"',
            "tables.depots.path",
            "depot.csv",
        ),
        (
            'path = "depots.csv"',
            "",
            "tables.depots",
            'give either path = "file.csv" or url',
        ),
        (
            'formula = "2 * km"',
            'formula = "2 * kn"',
            "surrogates.minutes.formula",
            "column 5: unknown name 'kn'; known: 'km'",
        ),
        (
            'formula = "2 * km"',
            'formula = "2 * (km"',
            "surrogates.minutes.formula",
            "this bracket is not closed",
        ),
        (
            'formula = "litres * price"',
            'formula = "liters * price"',
            "surrogates.fuel.formula",
            "unknown name 'liters'; did you mean 'litres'?",
        ),
        (
            'formula = "litres * price"',
            'formula = "fuel * price"',
            "surrogates.fuel.formula",
            "names itself; no law can be put in",
        ),
        (
            'inputs = { price = "EUR/l" }',
            'inputs = { price = "EUR/l", tax = "" }',
            "surrogates.fuel.inputs.tax",
            "the formula does not use 'tax'; leave it out",
        ),
        (
            'table = "routes"',
            'table = "route"',
            "problem.today.table",
            "unknown table 'route'; did you mean 'routes'?",
        ),
    ],
)
def test_one_mistake_is_named_where_it_stands(edited, old, new, key, message):
    path = edited(old, new)
    found = issues(path)
    wanted = [issue for issue in found if issue[1] == key]
    assert wanted, found
    assert message in wanted[0][2]
    if new and "=" in new:
        assert wanted[0][0] == line_of(path, new.split("\n")[0])


def test_an_unknown_field_of_a_scope_points_at_its_binding(edited):
    path = edited('price = "vehicle.fuel_price"', 'price = "vehicle.fuel_prise"')
    [(line, key, message)] = issues(path)
    assert (line, key) == (line_of(path, "fuel_prise"), "problem.bind.price")
    assert "did you mean 'fuel_price'?" in message


def test_an_input_left_unbound_says_what_to_write(edited):
    [(line, key, message)] = issues(edited('load = "state.load"\n', ""))
    assert (key, line > 0) == ("problem.bind", True)
    assert "the input 'load' of law 'fuel' is not bound; write load = \"scope.field\"" in message


def test_a_binding_of_an_unknown_input_names_the_nearest(edited):
    found = issues(edited('load = "state.load"', 'laod = "state.load"'))
    assert [key for _, key, _ in found] == ["problem.bind", "problem.bind.laod"]
    assert "did you mean 'load'?" in found[1][2]


def test_laws_that_name_each_other_are_refused(edited):
    path = edited('formula = "2 * km"', 'formula = "fuel * km"')
    path.write_text(path.read_text().replace('formula = "litres * price"', 'formula = "minutes * price"'))
    found = issues(path)
    assert [key for _, key, _ in found] == ["surrogates.minutes.formula", "surrogates.fuel.formula"]
    assert "comes back to 'minutes'" in found[0][2]


def test_all_mistakes_of_a_file_come_at_once_in_its_order(tiny):
    text = tiny.read_text()
    for old, new in {
        "seed = 3": 'seed = "three"',
        'unit = "l"': 'unit = "liitre"',
        'table = "depots"': 'table = "depts"',
        "time_limit = 1": "time_limit = 1\nworkrs = 2",
    }.items():
        text = text.replace(old, new)
    tiny.write_text(text)
    found = issues(tiny)
    assert [key for _, key, _ in found] == [
        "scenario.seed",
        "surrogates.litres.unit",
        "problem.depots.table",
        "solver.workrs",
    ]
    assert [line for line, _, _ in found] == sorted(line for line, _, _ in found)


@pytest.mark.parametrize(
    ("table", "old", "new", "key", "words"),
    [
        ("clients", "7,17,5\neast", "17,7,5\neast", "problem", "closes before it opens"),
        ("clients", "0.5,", "-0.5,", "problem", "north"),
        ("clients", "0.5,", "half,", "tables.clients.path", "'half'"),
        ("clients", "east", "north", "problem.clients", "'north' appears more than once"),
        ("vehicles", "capacity", "capcity", "problem.vehicles", "'capcity' (the field capacity, in t?)"),
        ("depots", "name,", "nam,", "problem.depots", "column 'name' is missing; did you mean 'nam'?"),
        ("routes", "van,1,2,east", "van,1,2,eats", "problem.today", "did you mean 'east'?"),
        ("routes", "van,1,2,east", "vna,1,2,east", "problem.today", "did you mean 'van'?"),
    ],
)
def test_mistakes_in_the_tables_name_table_and_value(tiny, table, old, new, key, words):
    path = tiny.parent / f"{table}.csv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    found = issues(tiny)
    assert any(found_key.startswith(key) and words in message for _, found_key, message in found), found


def test_a_blank_in_a_target_is_refused_unless_said_otherwise(tiny):
    (tiny.parent / "trips.csv").write_text(
        "km,minutes\n" + "".join(f"{k},{2 * k}\n" for k in range(1, 30)) + "3,\n5,\n"
    )
    text = tiny.read_text().replace(
        '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"',
        '[surrogates.minutes]\ntable = "trips"\ntarget = "minutes"\nfeatures = ["km"]',
    )
    tiny.write_text(text.replace("[tables.depots]", '[tables.trips]\npath = "trips.csv"\n\n[tables.depots]'))
    [(line, key, message)] = issues(tiny)
    assert (line, key) == (line_of(tiny, 'target = "minutes"'), "surrogates.minutes.target")
    assert "no value in 2 of 31 rows (rows 31, 32)" in message
    tiny.write_text(tiny.read_text().replace('target = "minutes"', 'target = "minutes"\non_missing = "drop"'))
    load_scenario(tiny).check()


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ('table = "trips"', 'table = "trip"', "table", "unknown table 'trip'; did you mean 'trips'?"),
        (
            'target = "minutes"',
            'target = "minuts"',
            "target",
            "has no column 'minuts'; did you mean 'minutes'?",
        ),
        ('features = ["km"]', 'features = ["kms"]', "features[1]", "has no column 'kms'; did you mean 'km'?"),
        ('features = ["km"]', "features = []", "features", "must be a list of at least 1, not a list"),
        (
            'features = ["km"]',
            'features = "km"',
            "features",
            'must be a list such as ["a", "b"], not the text',
        ),
        ('features = ["km"]', 'features = ["km", "km"]', "features[2]", "'km' is listed twice"),
        ('features = ["km"]', 'features = ["minutes"]', "features[1]", "'minutes' is the target"),
        (
            "monotone = { km = 1 }",
            "monotone = { kn = 1 }",
            "monotone.kn",
            "not among the features; known: 'km'",
        ),
        (
            "monotone = { km = 1 }",
            "monotone = { km = 2 }",
            "monotone.km",
            "must be one of -1, 1, not the number 2",
        ),
        ("min_r2 = 0.8", "positive = 3", "positive", "must be one of 'auto', true, false, not the number 3"),
        ("min_r2 = 0.8", "periodic = { kn = 24 }", "periodic.kn", "not among the features; known: 'km'"),
        ("min_r2 = 0.8", "periodic = { km = 0 }", "periodic.km", "must be greater than 0"),
        ("min_r2 = 0.8", 'convex = ["km", "kn"]', "convex[2]", "not among the features"),
        ("min_r2 = 0.8", 'pin = { kn = "log" }', "pin.kn", "not among the features; known: 'km'"),
        ("min_r2 = 0.8", 'pin = { km = "logg" }', "pin.km", "unknown operator 'logg'; did you mean 'log'?"),
        (
            "min_r2 = 0.8",
            'pin = { km = ["log", "sin"] }',
            "pin.km",
            "unknown operator 'sin'; did you mean 'sine'?",
        ),
        ("min_r2 = 0.8", "pin = { km = [] }", "pin.km", "an empty list leaves nothing to choose"),
        (
            "min_r2 = 0.8",
            "pin = { km = 1 }",
            "pin.km",
            'must be an operator such as "sine", or a list of several, not',
        ),
        ("min_r2 = 0.8", "pin = { km = [1] }", "pin.km", "unknown operator 1"),
        ("min_r2 = 0.8", 'pin = "log"', "pin", "must be a table"),
        ("min_r2 = 0.8", 'forbid = ["expp"]', "forbid", "unknown operator 'expp'; did you mean 'exp'?"),
        ("min_r2 = 0.8", 'forbid = "linear"', "forbid", "'linear' cannot be forbidden"),
        ("min_r2 = 0.8", "prefer = { exp = 1 }", "prefer", "must be an operator such as"),
        ("min_r2 = 0.8", 'prefer = ["none"]', "prefer", "'none' cannot be preferred; pin a column"),
        ("min_r2 = 0.8", 'prefer = "exp"\nforbid = ["exp", "log"]', "prefer", "'exp' is forbidden by forbid"),
        ("min_r2 = 0.8", 'pin = { km = "exp" }\nforbid = "exp"', "pin.km", "'exp' is forbidden by forbid"),
        (
            "min_r2 = 0.8",
            'periodic = { km = 9 }\npin = { km = "exp" }',
            "pin.km",
            "is a cycle, which can be pinned to curve",
        ),
        ("min_r2 = 0.8", 'pin = { km = "none" }', "pin", "every feature is pinned to 'none'"),
        ("min_r2 = 0.8", 'forbids = ["exp"]', "forbids", "unknown key; did you mean 'forbid'?"),
        ("min_r2 = 0.8", "bounds = [1]", "bounds[2]", "is missing"),
        ("min_r2 = 0.8", "min_r2 = 1.8", "min_r2", "must be at most 1, not the number 1.8"),
        (", last = 4", "", "holdout", "by and last belong together"),
        ('by = "week", last = 4', 'by = "wek", last = 4', "holdout.by", "did you mean 'week'?"),
    ],
)
def test_mistakes_in_a_law_to_be_learned(tiny, old, new, key, message):
    (tiny.parent / "trips.csv").write_text(
        "week,km,minutes\n" + "".join(f"{k},{k},{2 * k}\n" for k in range(1, 9))
    )
    law = """[surrogates.minutes]
table = "trips"
target = "minutes"
features = ["km"]
monotone = { km = 1 }
min_r2 = 0.8
holdout = { by = "week", last = 4 }"""
    given = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
    text = tiny.read_text().replace(given, '[tables.trips]\npath = "trips.csv"\n\n' + law)
    assert old in text
    tiny.write_text(text.replace(old, new))
    found = issues(tiny)
    assert any(k == f"surrogates.minutes.{key}" and message in m for _, k, m in found), found


def test_what_a_damaged_law_names_is_checked_in_the_same_go(tiny):
    rows = "".join(f"{k},{k},{2 * k if k < 8 else ''}\n" for k in range(1, 9))
    (tiny.parent / "trips.csv").write_text("week,km,minutes\n" + rows)
    law = """[tables.trips]
path = "trips.csv"

[surrogates.minutes]
table = "trips"
target = "minutes"
features = ["km", "weak"]
pin = { km = ["log", "sin"], kn = "log" }
forbid = ["expp"]
on_missing = "dropp"
holdout = { by = "wek" }
network = { starts = 0 }"""
    given = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
    text = tiny.read_text().replace(given, law)
    tiny.write_text(text)
    told = [(key.removeprefix("surrogates.minutes."), message) for _, key, message in issues(tiny)]
    assert [key for key, _ in told] == [
        "features[2]",
        "pin.km",
        "pin.kn",
        "forbid",
        "on_missing",
        "holdout",
        "network.starts",
    ]
    assert "'kn' is not among the features; known: 'km', 'weak'" in dict(told)["pin.kn"]
    # the rows that a mistaken holdout would be drawn from are not judged by another
    (tiny.parent / "trips.csv").write_text("week,km,minutes\n1,1,2\n")
    tiny.write_text(text.replace(', "weak"', ""))
    told = [message for _, key, message in issues(tiny) if key == "surrogates.minutes.holdout"]
    assert told == ['by and last belong together: { by = "week", last = 4 }']


def test_what_is_decided_about_a_law_is_checked_and_reaches_it(tiny):
    rows = "".join(f"{k},{'ab'[k % 2]},{4 + 3 * math.log(k) + 0.01 * (k % 3)}\n" for k in range(1, 61))
    (tiny.parent / "trips.csv").write_text("km,mode,minutes\n" + rows)
    law = """[tables.trips]
path = "trips.csv"

[surrogates.minutes]
table = "trips"
target = "minutes"
features = ["km", "mode"]
network = { hidden = [], starts = 1 }
pin = { km = ["log", "sine"], mode = "none", "node 1 → output" = "exp" }
forbid = "step"
prefer = ["log"]"""
    given = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
    text = tiny.read_text().replace(given, law).replace("[problem.bind]", '[problem.bind]\nmode = "a"')
    tiny.write_text(text.replace('mode = "none"', 'mode = "sine"'))
    assert ("surrogates.minutes.pin.mode", "'mode' is a category, which can be pinned to none only") in [
        (key, message) for _, key, message in issues(tiny)
    ]
    tiny.write_text(text)
    scenario = load_scenario(tiny)
    spec = scenario.laws["minutes"]
    assert spec.pin == {"km": ("log", "sine"), "mode": ("none",), "node 1 → output": ("exp",)}
    with pytest.raises(ScenarioError, match=r"surrogates\.minutes: pin: 'node 1 → output' is no column"):
        learn(scenario, 0, lambda _: None)
    tiny.write_text(text.replace(', "node 1 → output" = "exp"', ""))
    law = learn(load_scenario(tiny), 0, lambda _: None)["minutes"].formula
    assert "log(" in str(law)
    assert law.used == {"km"}
    again = type(law).from_json(law.to_json())
    for provenance in (law.provenance, again.provenance):
        assert provenance["pinned"] == "km: log or sine; mode: none"
        assert provenance["forbidden"] == "step"
        assert provenance["preferred"] == "log"


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (
            '[[changes]]\nscale = "vehicles.fuel_prise"\nby = 2',
            "changes[1].scale",
            "did you mean 'fuel_price'?",
        ),
        ('[[changes]]\nscale = "vehicle.fuel_price"\nby = 2', "changes[1].scale", "did you mean 'vehicles'?"),
        ('[[changes]]\nscale = "fuel_price"\nby = 2', "changes[1].scale", "must be 'table.column'"),
        ('[[changes]]\nscale = "vehicles.fuel_price"', "changes[1]", "scale needs 'by', such as by = 1.15"),
        (
            '[[changes]]\nscale = "vehicles.fuel_price"\nto = 2\nby = 2',
            "changes[1]",
            "scale does not take 'to'; it takes 'by' and 'where'",
        ),
        (
            '[[changes]]\nscale = "a.b"\nset = "a.b"',
            "changes[1]",
            "exactly one of set, scale, remove, add, open and close",
        ),
        ('[[changes]]\nscale = "vehicles.fuel_price"\nby = nan', "changes[1].by", "must be a finite number"),
        ('[[changes]]\nremove = "vehicles"', "changes[1]", "remove needs 'where'"),
        (
            '[[changes]]\nremove = "vehicles"\nwhere = { name = "vam" }',
            "changes[1].where.name",
            "no row of 'vehicles' has name = vam; did you mean 'van'?",
        ),
        (
            '[[changes]]\nremove = "vehicles"\nwhere = { name = [] }',
            "changes[1].where.name",
            "matches no row",
        ),
        (
            '[[changes]]\nremove = "routes"\nwhere = { client = "east" }',
            "changes[1].remove",
            "the problem does not read the table 'routes'",
        ),
        ('[changes]\nremove = "vehicles"', "changes", "write each change under its own [[changes]]"),
        (
            '[[changes]]\nset = "vehicles.num_available"\nto = [1]',
            "changes[1].to",
            "must be a text, a number or a truth",
        ),
        (
            '[[changes]]\nadd = "vehicles"\nrow = { nmae = "x" }',
            "changes[1].row.nmae",
            "did you mean 'name'?",
        ),
    ],
)
def test_mistakes_in_a_change(variant, text, key, message):
    found = issues(variant(text))
    assert [k for _, k, _ in found] == [key], found
    assert message in found[0][2]


def test_changes_follow_one_another(variant):
    scenario = load_scenario(
        variant(
            """
            name = "Changed"

            [[changes]]
            scale = "clients.demand"
            by = 0.5

            [[changes]]
            set = "clients.demand_t"
            to = 1
            where = { name = "north" }

            [[changes]]
            remove = "vehicles"
            where = { name = "truck" }
            """
        )
    )
    scenario.check()
    assert scenario.changed["clients"]["demand_t"].tolist() == [1.0, 0.3, 0.2, 0.35]
    assert scenario.changed["vehicles"]["name"].tolist() == ["van"]
    assert scenario.tables["vehicles"]["name"].tolist() == ["van", "truck"]


def test_a_variant_takes_its_name_from_itself(variant):
    assert load_scenario(variant("", name="dear_fuel.toml")).name == "dear_fuel"
    assert load_scenario(variant('name = "Dear fuel"')).name == "Dear fuel"


def test_a_row_that_was_taken_out_cannot_be_changed_again(variant):
    found = issues(
        variant(
            """
            [[changes]]
            remove = "vehicles"
            where = { name = "truck" }

            [[changes]]
            set = "vehicles.num_available"
            to = 2
            where = { name = "truck" }
            """
        )
    )
    assert [key for _, key, _ in found] == ["changes[2].where.name"]


def test_a_saved_law_is_read_and_a_damaged_one_refused(tiny, edited):
    law = load_scenario(tiny).formulas({})["minutes"]
    law.save(tiny.parent / "minutes.json")
    edited('formula = "2 * km"\ninputs = { km = "km" }\nunit = "min"', 'file = "minutes.json"')
    scenario = load_scenario(tiny)
    scenario.check()
    assert str(scenario.formulas({})["minutes"]) == str(law)
    (tiny.parent / "minutes.json").write_text("{}")
    [(line, key, _)] = issues(tiny)
    assert (line, key) == (line_of(tiny, "minutes.json"), "surrogates.minutes.file")
    (tiny.parent / "minutes.json").unlink()
    assert "minutes.json" in issues(tiny)[0][2]


def test_a_value_beyond_the_limits_of_its_column_is_refused_or_left_out(edited):
    path = edited('path = "clients.csv"', 'path = "clients.csv"\nminimum = { demand_t = 0.45 }')
    [(line, key, message)] = issues(path)
    assert (line, key) == (line_of(path, "clients.csv"), "tables.clients.path")
    assert "below the minimum 0.45" in message
    path.write_text(path.read_text().replace("minimum = {", 'on_bad = "drop"\nminimum = {'))
    scenario = load_scenario(path)
    assert scenario.tables["clients"]["name"].tolist() == ["north", "east", "west"]
    path.write_text(path.read_text().replace("{ demand_t = 0.45", "{ demnd_t = 0.45"))
    assert "did you mean 'demand_t'?" in issues(path)[0][2]


def test_a_table_comes_from_a_database(tiny, edited):
    import sqlite3

    with sqlite3.connect(tiny.parent / "vans.db") as database:
        database.execute(
            "create table vans (name text, num_available integer, capacity real, fuel_price real)"
        )
        database.execute("insert into vans values ('van', 2, 1.2, 1.6)")
    database.close()
    url = f"sqlite:///{tiny.parent / 'vans.db'}"
    path = edited('path = "vehicles.csv"', f'url = "{url}"\nquery = "select * from vans"')
    assert load_scenario(path, allow_sql=True).tables["vehicles"]["num_available"].tolist() == [2]
    path.write_text(path.read_text().replace('query = "select * from vans"', ""))
    assert issues(path)[0][2] == "url and query belong together"


def test_laws_and_inputs_without_units_are_remarked(edited):
    path = edited('inputs = { km = "km" }\nunit = "min"', 'inputs = { km = "" }')
    told = {issue.key: (issue.line, issue.message) for issue in load_scenario(path).remarks()}
    assert told == {
        "problem.bind.km": (
            line_of(path, 'km = "arc.distance"'),
            "the input 'km' of law 'minutes' has no unit, so that arc.distance is read as it is",
        ),
        "surrogates.minutes": (
            line_of(path, "[surrogates.minutes]"),
            "has no unit, so that its values are taken in that of the problem",
        ),
    }


def test_a_law_whose_units_do_not_agree_is_remarked_and_runs_all_the_same(edited):
    path = edited(
        'formula = "litres * price"\ninputs = { price = "EUR/l" }',
        'formula = "litres * price + litres"\ninputs = { price = "EUR/l" }',
    )
    scenario = load_scenario(path)
    scenario.check()
    [remark] = scenario.remarks()
    assert (remark.line, remark.key) == (line_of(path, "litres * price + litres"), "surrogates.fuel.formula")
    # the law named inside is told as it is written, in the unit it gives
    assert remark.message == (
        "the units do not agree: litres · price + litres: litres · price is in EUR, litres is in l; they cannot be "
        "added: multiply one by a constant, or correct a declared unit"
    )


def test_units_of_a_law_by_hand_are_checked_against_the_output(edited):
    path = edited('formula = "2 * km"', 'formula = "km"')
    [remark] = load_scenario(path).remarks()
    assert remark.message == (
        "the units do not agree: km is in km, but minutes is declared in min; multiply by a constant, or correct a "
        "declared unit"
    )


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ('km = "arc.distance"', 'km = "far"', "problem.bind.km", "'far' is neither; write \"scope.field\""),
        ('km = "arc.distance"', "km = true", "problem.bind.km", "not the truth value true"),
        (
            'km = "arc.distance"',
            'km = "arc.distance"\nnolaw = { km = "arc.distance" }',
            "problem.bind.nolaw",
            "the problem reads no law 'nolaw'",
        ),
        (
            'km = "arc.distance"',
            'km = "arc.distance"\nminutes = { miles = "arc.distance" }',
            "problem.bind.minutes.miles",
            "law 'minutes' has no input 'miles'; known: 'km'",
        ),
        ('unit = "EUR"', 'unit = "USD"', "problem.cost.fuel", "law 'fuel' gives USD, but EUR is wanted here"),
        (
            'demand_t = "t"',
            'demand_t = "min"',
            "problem.clients",
            "column 'demand_t' does not fit the unit of its field: cannot convert 'min'",
        ),
        ("[solver]", "[[solver]]", "solver", "must be a table of key = value, not a list"),
        (
            "[tables.depots]",
            "[tables]\nx = 3\n[tables.depots]",
            "tables.x",
            "must be a table [tables.x], not the number 3",
        ),
        (
            'path = "depots.csv"',
            'path = "depots.csv"\non_bad = "skip"',
            "tables.depots.on_bad",
            "unknown word 'skip'",
        ),
    ],
)
def test_further_mistakes(edited, old, new, key, message):
    found = issues(edited(old, new))
    assert any(k == key and message in m for _, k, m in found), found


STOPS = """
[surrogates.stop]
formula = "4 + 10 * t"
inputs = { t = "t" }
unit = "min"

[problem.policy]
service = { law = "stop" }
capacities = ["pallets"]
apart = [["food", "paint"]]
backhaul = true
longest_route_cost = 0.25
pinned = { "van 2" = ["west"] }

[problem.bind.stop]
t = "client.demand"

[solver]"""


def test_a_policy_holds_what_the_file_says(edited):
    path = edited("[solver]", STOPS)
    clients = path.parent / "clients.csv"
    rows = clients.read_text().splitlines()
    more = ["pallets,goods,windows", "1,food,", "2,paint,", "1,,", "1,,"]
    clients.write_text("\n".join(f"{row},{new}" for row, new in zip(rows, more, strict=True)))
    rows = clients.read_text().replace(",7,17,5,2,paint,", ',,,5,2,paint,"8:00-10:00, 13:00-15:00"')
    clients.write_text(rows)
    fleet = path.parent / "vehicles.csv"
    rows = fleet.read_text().splitlines()
    more = ["pallets,returns,breaks", "3,false,30 in 11:00-13:00", "9,true,"]
    fleet.write_text("\n".join(f"{row},{new}" for row, new in zip(rows, more, strict=True)))
    scenario = load_scenario(path)
    scenario.check()
    problem = scenario.build(scenario.formulas({}))
    data = problem.data
    assert data.service_times.stated[0, 1] == pytest.approx(9.0)
    assert data.demands[1].tolist() == [0.0, 1.0, 2.0, 1.0, 1.0]
    assert data.windows[1] == ((480.0, 600.0), (780.0, 900.0))
    assert data.breaks[0][0].length == 30.0
    assert [vehicle.returns for vehicle in problem.vehicles] == [False, True]
    policy = problem.policy
    assert policy.apart == [("food", "paint")]
    assert (policy.backhaul, policy.longest_route_cost, policy.pinned) == (True, 0.25, {"van 2": ["west"]})


def test_a_law_of_stops_may_read_the_clock_and_the_load(edited):
    law = STOPS.replace('"4 + 10 * t"', '"4 + t + 0.1 * hour"').replace('t = "t" }', 't = "t", hour = "h" }')
    bound = law.replace('t = "client.demand"', 't = "state.load"\nhour = "clock.hour"')
    scenario = load_scenario(
        edited("[solver]", bound.partition("capacities")[0] + bound[bound.index("[problem.bind") :])
    )
    scenario.check()
    problem = scenario.build(scenario.formulas({}))
    assert {one.reference for one in problem.frozen_inputs() if one.law == "service"} == {
        "state.load",
        "clock.hour",
    }
    driven = problem.drive(problem.plan_from({"van 1": ["west"]}).routes)
    load = problem.data.demand[problem.data.index["west"]]
    assert driven.stay[0] == pytest.approx(4.0 + load + 0.1 * driven.begin[0] / 60.0)


UNDER_WAY = """
[tables.out]
path = "out.csv"

[problem.started]
table = "out"
columns = { client = "where" }

[problem.policy]
not_before = "10:30"

[solver]"""


def test_routes_under_way_and_releases_are_read(edited):
    path = edited("[solver]", UNDER_WAY)
    (path.parent / "out.csv").write_text(
        "vehicle,stop,where,departure,locked\nvan 2,1,west,8:30,true\nvan 2,2,south,8:30,false\n"
    )
    clients = path.parent / "clients.csv"
    rows = clients.read_text().splitlines()
    clients.write_text(
        "\n".join(f"{row},{new}" for row, new in zip(rows, ["release_time", "9:15", "", "", ""], strict=True))
    )
    fleet = path.parent / "vehicles.csv"
    rows = fleet.read_text().splitlines()
    fleet.write_text(
        "\n".join(f"{row},{new}" for row, new in zip(rows, ["end_depot", "hub", ""], strict=True))
    )
    scenario = load_scenario(path)
    scenario.check()
    problem = scenario.build(scenario.formulas({}))
    assert problem.started == (Route("van", 2, "hub", ("west", "south"), 510.0, 1),)
    assert problem.data.not_before == 630.0
    assert problem.data.release[1] == 555.0
    assert problem.vehicles[0].end_depot == "hub"
    run = scenario.run()
    assert run.result.check.ok
    assert [route.clients[0] for route in run.result.plan.routes if route.label == "van 2"] == ["west"]
    later = scenario.set("out.departure", "8:45").set("clients.release_time", "9:00")
    changed = later.build(later.formulas({}))
    assert changed.started[0].departure == 525.0
    assert changed.data.release[1:].tolist() == [540.0] * 4
    (path.parent / "out.csv").write_text("vehicle,stop,where,locked\nvan 3,1,west,1\n")
    assert any("van 3 does not exist" in message for _, _, message in issues(path)), issues(path)


def test_mistakes_in_a_policy_are_told(edited):
    path = edited(
        "[solver]", '[problem.policy]\nlongest_route_cst = 1\npinned = { "vn 2" = ["west"] }\n\n[solver]'
    )
    found = issues(path)
    assert any("did you mean 'longest_route_cost'?" in message for _, _, message in found), found
    path.write_text(path.read_text().replace("longest_route_cst = 1\n", ""))
    found = issues(path)
    assert any("pinned names the vehicle 'vn 2'; did you mean 'van'" in message for _, _, message in found), (
        found
    )


def test_work_is_counted_where_solvers_can(tmp_path: Path) -> None:
    scenarios = Path(__file__).parents[3] / "scenarios"
    (tmp_path / "supply.toml").write_text(
        f'[scenario]\nbase = "{scenarios / "supply_network.toml"}"\n[solver]\ndeterministic = true\n', "utf-8"
    )
    with pytest.raises(
        ScenarioError, match=r"supply.toml:4: solver.deterministic: solvers of supply problems stop"
    ):
        load_scenario(tmp_path / "supply.toml", allow_outside=True)
    (tmp_path / "routes.toml").write_text(
        f'[scenario]\nbase = "{scenarios / "parcel_city.toml"}"\n[solver]\ndeterministic = true\n', "utf-8"
    )
    assert load_scenario(tmp_path / "routes.toml", allow_outside=True).solver.deterministic


LEARNED = """
[tables.log]
path = "log.csv"
[surrogates.toll]
table = "log"
target = "toll"
features = ["zone"]
holdout = { share = 0.3 }
"""


@pytest.mark.parametrize("built_on", ["", "1 + "])
def test_a_category_that_a_law_cannot_know_is_named_before_it_is_learned(tiny, built_on):
    tiny.with_name("log.csv").write_text("zone,toll\n" + "city,3\nport,5\n" * 5)
    clients = tiny.with_name("clients.csv")
    zones = iter(["zone", "city", "port", "coast", "city"])
    clients.write_text("".join(f"{line},{next(zones)}\n" for line in clients.read_text().splitlines()))
    tiny.with_name("depots.csv").write_text("name,x,y,zone\nhub,0,0,city\n")
    text = tiny.read_text() + LEARNED
    if built_on:
        text += '\n[surrogates.fee]\nformula = "1 + toll"\n'
    law = "fee" if built_on else "toll"
    text = text.replace('fuel = "fuel"', f'fuel = "fuel"\ntoll = "{law}"').replace(
        'km = "arc.distance"', 'km = "arc.distance"\nzone = "client.zone"'
    )
    tiny.write_text(text)
    with pytest.raises(ScenarioError) as refused:
        load_scenario(tiny).check()
    assert "unseen category 'coast'; known: 'city', 'port'" in str(refused.value)
    clients.write_text(clients.read_text().replace("coast", "port"))
    load_scenario(tiny).check()
