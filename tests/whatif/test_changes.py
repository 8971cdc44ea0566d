import pandas as pd
import pytest

from kanopt.errors import ScenarioError
from kanopt.tables import units_of, with_units
from kanopt.whatif import load_scenario
from kanopt.whatif.changes import Change


@pytest.fixture
def vehicles() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "name": ["van", "truck"],
            "num_available": [4, 2],
            "price": [1.5, 2.0],
            "cold": [True, False],
            "depot": [1, 2],
        }
    )
    return with_units(frame, {"price": "EUR/l"})


def messages(change: Change, frame: pd.DataFrame, names: dict[str, str] | None = None) -> list[str]:
    return [mistake.message for mistake in change.mistakes(frame, names)]


def test_scale_touches_the_rows_asked_for_and_keeps_units(vehicles):
    changed = Change("scale", "vehicles", "price", 1.5, where={"name": "van"}).apply(vehicles)
    assert changed["price"].tolist() == [2.25, 2.0]
    assert vehicles["price"].tolist() == [1.5, 2.0]
    assert units_of(changed) == {"price": "EUR/l"}


def test_close_takes_rows_out_and_add_puts_one_in(vehicles):
    closed = Change("remove", "vehicles", where={"depot": (2, 3)}).apply(vehicles)
    assert closed["name"].tolist() == ["van"]
    added = Change("add", "vehicles", row={"name": "bike", "num_available": 3, "price": 0.5}).apply(vehicles)
    assert added["name"].tolist() == ["van", "truck", "bike"]
    assert added["num_available"].dtype == "int64"
    assert added["price"].tolist() == [1.5, 2.0, 0.5]
    assert added["depot"].isna().tolist() == [False, False, True]
    assert units_of(added) == {"price": "EUR/l"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change("scale", "t", "name", 2.0), "'name' of 't' holds no numbers; use set"),
        (Change("set", "t", "price", "a"), "'price' of 't' holds numbers, not the text 'a'"),
        (Change("set", "t", "name", 3), "'name' of 't' holds texts, not the number 3"),
        (Change("set", "t", "cold", 1), "'cold' of 't' holds true or false, not the number 1"),
        (Change("remove", "t", where={"name": ("a", "b")}), "no row of 't' has name = a or b"),
        (Change("remove", "t", where={"name": "van", "depot": 2}), "name = van and depot = 2 together"),
        (Change("add", "t", row={"num_available": "many"}), "holds numbers, not the text 'many'"),
    ],
)
def test_what_does_not_fit_the_table_is_named(vehicles, change, message):
    [told] = messages(change, vehicles)
    assert message in told


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (Change("set", "vehicles", "num_available", 10**400), ("to",)),
        (Change("scale", "vehicles", "num_available", -(10**400)), ("by",)),
        (Change("remove", "vehicles", where={"num_available": (2, 10**400)}), ("where", "num_available")),
        (Change("add", "vehicles", row={"name": "bike", "price": 1e300}), ("row", "price")),
    ],
)
def test_numbers_beyond_those_of_a_problem_are_named(vehicles, change, key):
    assert [mistake.key for mistake in change.mistakes(vehicles)] == [key]
    assert "must be at most 1e100" in messages(change, vehicles)[0]


def test_a_change_of_rows_that_are_gone_says_so(shared_tiny):
    base = load_scenario(shared_tiny).remove("clients", where={"name": "north"})
    gone = "an earlier change took out, or altered, every row of 'clients' with name = north"
    with pytest.raises(ScenarioError, match=gone):
        base.set("clients.demand", 0.1, where={"name": "north"})
    with pytest.raises(ScenarioError, match="did you mean 'south'"):
        base.set("clients.demand", 0.1, where={"name": "suoth"})


def test_a_clock_time_may_be_written_as_a_time_of_day(shared_tiny):
    base = load_scenario(shared_tiny)
    later = base.set("vehicles.shift_end", "18:00").set("clients.due_h", "4:30 PM")
    problem = later.build(later.drafts)
    assert problem.vehicles[0].shift_end == 1080.0
    assert problem.clients[0].latest == 990.0
    assert str(later.changes[0]) == "vehicles.shift_end set to 18:00"
    with pytest.raises(ScenarioError, match="holds numbers, not the text 'six'"):
        base.set("vehicles.shift_end", "six")
