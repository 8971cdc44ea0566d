"""What a first scenario asks about its tables, and what becomes of the answers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import openpyxl
import pytest

import kanopt as ko
from tests.scenarios.init.test_readings import CASES, DEPOT, written


@pytest.mark.parametrize(("answer", "paid"), [("in all", 16), ("on top", 26)])
def test_whether_a_price_of_overtime_is_all_of_it_is_asked(tmp_path: Path, answer: str, paid: float) -> None:
    files = DEPOT | {
        "shops.csv": "Shop,x (km),y (km),Pallets\nA,0,25,3\n",
        "trucks.csv": "Truck,Pallets max,km/h,Wage (€/h),Normal hours (h),Overtime rate (€/h)\nT,9,50,10,0.6,16\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    (question,) = made.questions
    assert "'Overtime rate (€/h)' in all" in question.text
    path = made.answered([answer]).write(tmp_path / "first.toml")
    scenario = ko.load_scenario(path)
    assert not scenario.change_sentences()
    assert not scenario.remarks()  # what a derived column is made of is read
    run = scenario.run(time_limit=1)
    assert run.result.objective == pytest.approx(0.6 * 10 + 0.4 * paid, abs=0.5)
    files["trucks.csv"] = files["trucks.csv"].replace("Overtime rate", "Overtime premium")
    assert not ko.scaffold(written(files, tmp_path)).questions


def test_what_fits_no_field_is_asked_about(tmp_path: Path) -> None:
    files = dict(CASES["alternatives"][0])
    files["Arbeitsgänge.csv"] = "Auftrag;Schritt;Anlage;Minuten;Bediener\nA;1;M1;20;Kaya\nB;1;M1;15;Kaya\n"
    made = ko.scaffold(written(files, tmp_path))
    (question,) = made.questions
    assert "'Bediener'" in question.text
    assert "no second resource" in question.text
    path = made.write(tmp_path / "first.toml")
    with pytest.raises(ko.errors.ScenarioError, match="Bediener"):
        ko.load_scenario(path)
    path = made.answered(["ignore"]).write(path, replace=True)
    assert tomllib.loads(path.read_text("utf-8"))["questions"][0]["answer"] == "ignore"
    assert ko.load_scenario(path).run(time_limit=1).result.has_plan


@pytest.mark.parametrize(("price", "asked"), [("0,5", 0), ("about 0,5", 1)])
def test_a_text_of_a_sheet_that_is_no_number_is_asked_about(tmp_path: Path, price: str, asked: int) -> None:
    """The fleet is written anew, since fixed costs have a sign of money; a cell that is blank there costs nothing."""
    book = openpyxl.Workbook()
    rows = (["T", 9, "38,5 €", price, 50], ["U", 9, "40 €", "0,7", 50])
    for row in (["Truck", "Pallets max", "Fixed costs (€)", "€/km", "km/h"], *rows):
        book.active.append(row)
    files = DEPOT | {"shops.csv": "Shop,x (km),y (km),Pallets\nA,0,25,3\n"}
    paths = written(files, tmp_path)
    book.save(tmp_path / "trucks.xlsx")
    made = ko.scaffold([*paths, tmp_path / "trucks.xlsx"])
    assert len(made.questions) == asked
    if asked:
        assert "'€/km' holds 'about 0,5'" in made.questions[0].text
    else:
        run = ko.load_scenario(made.write(tmp_path / "first.toml")).run(time_limit=1)
        assert run.result.objective == pytest.approx(38.5 + 0.5 * 50, abs=0.5)


SHOP = {
    "steps.csv": "Order,Step,Machine,Minutes,Operator\nA,1,saw,60,Kim\nA,2,paint,60,Lee\nB,1,saw,60,Lee\n"
    "B,2,paint,60,Kim\nC,1,saw,60,Kim\n",
    "orders.csv": "Order,Due,Late (EUR/h)\nA,2:00,60\nB,3:00,60\nC,3:00,60\n",
}


FLEET_OF_ONE = DEPOT | {
    "shops.csv": "Shop,x (km),y (km),Pallets\nA,0,10,3\nB,0,20,-1\nC,0,5,1\n",
    "trucks.csv": "Truck,Pallets max,€/km,km/h\nT,9,1,50\n",
}


@pytest.mark.parametrize(
    ("files", "about", "answer", "price"),
    [
        # at 0:00 saw A by Kim, 1:00 saw B by Lee, paint A would be by Lee, too: A waits, or B, and C ends at 3:00
        (SHOP, "tasks.Operator", "ignore", 0),
        (SHOP, "tasks.Operator", "needs", 60),
    ],
    ids=["operators may be left out", "operators are needed"],
)
def test_what_is_asked_decides_the_price(
    tmp_path: Path, files: dict[str, str], about: str, answer: str, price: float
) -> None:
    made = ko.scaffold(written(files, tmp_path))
    assert [one.about for one in made.questions] == [about]
    path = made.answered([answer]).write(tmp_path / "first.toml")
    assert ko.load_scenario(path).run(time_limit=2).result.objective == pytest.approx(price, abs=0.005)


@pytest.mark.parametrize(("answer", "price"), [("every machine", 30), ("paint", 0)])
def test_setups_without_a_machine_are_asked_about_where_a_job_is_of_one_family(
    tmp_path: Path, answer: str, price: float
) -> None:
    files = {
        "steps.csv": "Order,Step,Machine,Minutes\nA,1,saw,60\nA,2,paint,30\nB,1,saw,60\nB,2,paint,30\n",
        "orders.csv": "Order,Colour,Due,Late (EUR/h)\nA,red,2:00,60\nB,blue,2:30,60\n",
        "setups.csv": "From colour,To colour,Minutes\nred,blue,30\nblue,red,30\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    assert [list(one.answers) for one in made.questions] == [["every machine", "saw", "paint"]]
    path = made.answered([answer]).write(tmp_path / "first.toml")
    assert ko.load_scenario(path).run(time_limit=2).result.objective == pytest.approx(price, abs=0.005)


ASKED = {
    "machines that are needed at once": (
        {
            "steps.csv": "Job,Step,Machine,Minutes\nA,1,saw + lift,45\nA,2,press,70\nB,1,saw,30\n",
            "jobs.csv": "Job,Due,Late fee (€/h)\nA,10:00,9\nB,11:00,9\n",
            "machines.csv": "Machine,Open,Close\nsaw,8:00,17:00\nlift,8:00,17:00\npress,8:00,17:00\n",
        },
        "'saw + lift'",
    ),
    "lanes that are counted in containers": (
        {
            "plants.csv": "Plant,Capacity (t)\nA,100\nB,80\n",
            "customers.csv": "Customer,Demand (t)\nX,60\nY,70\n",
            "lanes.csv": "From,To,Freight (USD/t),Capacity (containers)\nA,X,5,3\nA,Y,6,4\nB,X,7,3\nB,Y,4,5\n",
        },
        "containers",
    ),
    "what plants make of all products together": (
        {
            "plants.csv": "Plant,Capacity (hl)\nL,45\nM,40\n",
            "costs.csv": "Plant,Blonde (€/hl),Brune (€/hl)\nL,40,55\nM,44,49\n",
            "demand.csv": "Shop,Blonde (hl),Brune (hl)\nP,30,20\nN,20,10\n",
            "freight.csv": "From,To,Freight (€/hl)\nL,P,6\nL,N,12\nM,P,8\nM,N,9\n",
        },
        "'Plant', which the plan has",
    ),
    "a table of the plan that is not read": (
        CASES["network"][0] | {"quotas.csv": "Bakery,At most (t)\nB1,10\nB2,20\n"},
        "quotas.csv",
    ),
    "hours that may be a limit": (
        DEPOT
        | {
            "shops.csv": "Shop,x (km),y (km),Pallets\nA,1,2,3\nB,4,5,6\n",
            "trucks.csv": "Truck,Pallets max,€/km,km/h,Hours (h)\nT,9,1,50,7\n",
        },
        "'Hours (h)'",
    ),
    "a driver's time before a rest": (
        FLEET_OF_ONE
        | {
            "trucks.csv": "Truck,Pallets max,€/km,km/h,Driving time before a rest (h)\nT,9,1,50,4.5\n",
            "shops.csv": "Shop,x (km),y (km),Pallets\nA,0,10,3\nB,0,20,1\n",
        },
        "'Driving time before a rest (h)'",
    ),
}
"""What looks like a rule that a plan cannot read, and words of the question about it."""


@pytest.mark.parametrize("case", ASKED)
def test_what_looks_like_a_rule_and_is_not_read_is_asked_about(tmp_path: Path, case: str) -> None:
    files, words = ASKED[case]
    questions = ko.scaffold(written(files, tmp_path)).questions
    assert any(words in question.text for question in questions), [question.text for question in questions]


def test_an_amount_below_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ko.errors.TableError, match="'Pallets'"):
        ko.scaffold(written(FLEET_OF_ONE, tmp_path))


def test_any_speed_that_is_answered_has_units_that_agree(tmp_path: Path) -> None:
    files = FLEET_OF_ONE | {
        "trucks.csv": "Truck,Pallets max,€/h\nT,9,30\n",
        "shops.csv": "Shop,x (km),y (km),Pallets\nA,0,10,3\nB,0,20,1\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    for speed in ("60", "40"):
        path = made.answered([speed]).write(tmp_path / "first.toml", replace=True)
        scenario = ko.load_scenario(path)
        assert not scenario.law_remarks()
        run = scenario.run(time_limit=1)
        assert run.result.objective == pytest.approx(30 * 40 / float(speed), abs=0.005)
