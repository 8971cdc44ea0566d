"""Small tables as people have them: which become which part, whatever they are called and in whatever order."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest

import kanopt as ko
from kanopt.errors import TableError

DEPOT = {"yard.csv": "Yard,x (km),y (km)\nHome,0,0\n"}
CASES = {
    "fuel in German": (
        {
            "Tankstellen.csv": "Tankstelle;Rechtswert (km);Hochwert (km);Bestellmenge (l);Öffnung;Schließung\n"
            "T1;3;4;2000;06:00;12:00\nT2;-3;5;1500;07:00;15:00\n",
            "Tankwagen.csv": "Tankwagen;Stück;Fassungsvermögen (l);Einsatzkosten (€);Kosten je 100 km (€);von;bis\n"
            "TW1;2;8000;90;80;05:00;15:00\n",
            "Raffinerie.csv": "Raffinerie;Rechtswert (km);Hochwert (km)\nR;0;0\n",
        },
        "vehicles.capacity: Fassungsvermögen (l); vehicles.num_available: Stück; vehicles.shift_start: von; "
        "vehicles.unit_distance_cost: Kosten je 100 km (€); clients.demand: Bestellmenge (l); depots.name: Raffinerie",
    ),
    "skills by values, empties by their word": (
        {
            "visitas.csv": "Visita,X (km),Y (km),Cajas llenas,Cajas vacías,Requisito\nV1,3,4,9,2,gas\nV2,5,5,3,4,\n",
            "furgonetas.csv": "Furgoneta,Cajas,Coste por km (€),Límite km/día,Dotación\n"
            "Ana,20,0.3,80,gas\nLuis,20,0.4,60,\n",
            "oficina.csv": "Oficina,X (km),Y (km)\nCentral,0,0\n",
        },
        "clients.demand: Cajas llenas; clients.pickup: Cajas vacías; clients.needs: Requisito; "
        "vehicles.skills: Dotación; vehicles.max_distance: Límite km/día; vehicles.capacity: Cajas",
    ),
    "technicians whose orders are at the places of a long table, and lunch in three columns": (
        {
            "Aufträge.csv": "Auftragsnr.;Kunde;Benötigte Qualifikation;Termin von;Termin bis;Dauer (min)\n"
            "A1;Huber;Gas;08:00;10:00;60\nA2;Maier;Elektro;09:00;12:00;45\n",
            "Techniker.csv": "Techniker;Qualifikation;Pause frühestens;Pause spätestens;Pausendauer (min);"
            "Stundensatz (€)\nAnna;Gas, Elektro;11:30;13:30;30;42\nBernd;Elektro;;;;36\n",
            "Entfernungen.csv": "Von;Nach;Entfernung (km);Fahrzeit (min)\nHof;Huber;11;20\nHuber;Hof;11;20\n"
            "Hof;Maier;12;21\nMaier;Hof;12;21\nHuber;Maier;5;9\nMaier;Huber;5;9\n",
        },
        "clients.name: Kunde; clients.needs: Benötigte Qualifikation; vehicles.breaks: breaks; "
        "durations.duration: Fahrzeit (min)",
    ),
    "hours from which overtime is paid are no limit": (
        DEPOT
        | {
            "shops.csv": "Shop,x (km),y (km),Pallets\nA,1,2,3\nB,4,5,6\n",
            "trucks.csv": "Truck,Pallets max,€/km,Wage (€/h),Hours (h),Overtime premium (€/h),km/h\nT,9,1,20,8,9,50\n",
        },
        "vehicles.shift_duration: Hours (h); vehicles.unit_overtime_cost: Overtime premium (€/h)",
    ),
    "two tables of the same orders": (
        {
            "ops.csv": "Order,Step,Machine,Minutes\nO1,1,A,20\nO1,2,B,30\nO2,1,B,10\n",
            "due.csv": "Order,Due\nO1,1:00\nO2,1:30\n",
            "fees.csv": "Order,Late fee (€/h)\nO2,40\nO1,30\n",
        },
        "jobs.due_date: Due; jobs.tardiness_cost: Late fee (€/h)",
    ),
    "alternatives": (
        {
            "Arbeitsgänge.csv": "Auftrag;Schritt;Anlage;Minuten\nA;1;M1;20\nA;1;M2;25\nA;2;M3;30\nB;1;M1;15\n",
            "Aufträge.csv": "Auftrag;Fertig bis;Strafe je Stunde (€)\nA;08:00;60\nB;09:00;30\n",
        },
        "jobs.due_date: Fertig bis; jobs.tardiness_cost: Strafe je Stunde (€)",
    ),
    "things in columns": (
        DEPOT
        | {
            "shops.csv": "Shop,x (km),y (km),Load (kg)\nA,1,2,300\nB,4,5,600\n",
            "vans.csv": ",Small,Large\nHow many,1,2\nMax load (kg),700,900\nEUR per km,0.5,0.7\n",
        },
        "vehicles.num_available: How many; vehicles.capacity: Max load (kg); vehicles.unit_distance_cost: EUR per km",
    ),
    "network": (
        {
            "mills.csv": "Mill,Product,Max tonnes,Cost per tonne (EUR)\n"
            "M1,flour,100,200\nM1,bran,50,90\nM2,flour,80,210\n",
            "bakeries.csv": "Bakery,Product,Tonnes\nB1,flour,60\nB1,bran,20\nB2,flour,70\n",
            "haulage.csv": "Mill,Bakery,EUR per tonne\nM1,B1,10\nM1,B2,12\nM2,B1,9\nM2,B2,8\n",
        },
        "suppliers.name: Mill; suppliers.product: Product; suppliers.capacity: Max tonnes; demand.market: Bakery; "
        "demand.demand: Tonnes; lanes.tail: Mill; lanes.head: Bakery",
    ),
    "telephones, clock times of Germany, and how long a stop takes in hours and minutes": (
        {
            "Baustellen.csv": "Baustelle;Telefon;Menge (t);Dauer;ab;bis\nNord;555-0142;9;0:45;6.30 Uhr;12.00 Uhr\n"
            "Süd;555-0178;5;0:30;7.00 Uhr;9.30 Uhr\n",
            "LKW.csv": "LKW;Nutzlast (t);Kosten je km (€);Beginn;Feierabend\nA;12;1;6.00 Uhr;15.00 Uhr\n",
            "km.csv": "km;Hof;Nord;Süd\nHof;0;4;5\nNord;4;0;3\nSüd;5;3;0\n",
        },
        "clients.earliest: ab; clients.latest: bis; clients.service_duration: Dauer; vehicles.shift_start: Beginn",
    ),
    "settings with a column of units, and cells with theirs": (
        {
            "Stopps.csv": "Kunde;X km;Y km;Kisten;Telefon;Dauer;ab;bis\nNord;5;1;9;0297-551201;20 min;7:00;9:00\n"
            "Süd;2;4;5;0172-440210;15 min;8:00;9:30\n",
            "LKW.csv": "LKW;Kisten max;Kosten je km (€)\nA;20;1\n",
            "Hof.csv": "Hof;X km;Y km\nHof;0;0\n",
            "Annahmen.csv": "Größe;Wert;Einheit\nMittlere Geschwindigkeit;42;km/h\n",
        },
        "clients.service_duration: Dauer; clients.earliest: ab; unit min: Dauer; "
        "unit km/h: Mittlere Geschwindigkeit (km/h)",
    ),
    "set-up and pieces, and power of loads": (
        {
            "orders.csv": "WO,Qty,Promised,Late fee (USD/h)\nW1,40,13:00,48\nW2,25,14:30,60\n",
            "routing.csv": "WO,Op,Oven,Setup (min),Run (min/pc),Power (kW)\nW1,10,A,10,1,90\nW2,10,A,15,3,60\n",
            "spot.csv": "From,Price (EUR/MWh)\n00:00,70\n06:00,145\n",
        },
        "jobs.due_date: Promised; modes.duration: duration; unit kW: Power (kW); power_price.price: Price (EUR/MWh)",
    ),
    "ways to do a step, and marks for none": (
        {
            "Opérations.csv": "Opération;Commande;Après;Tour A (min);Tour B (min);Fraiseuse (min)\n"
            "A1;C7;-;60;75;-\nA2;C7;A1;-;-;45\nB1;C8;-;50;40;-\nB2;C8;B1;-;-;60\n",
            "Commandes.csv": "Commande;Livrer avant;Pénalité (€/h)\nC7;9:30;48\nC8;9:00;60\n",
        },
        "tasks.after: Après; tasks.job: Commande; jobs.due_date: Livrer avant",
    ),
    "a price of trays, and what is asked for a week": (
        {
            "production.csv": "Plant,Juice,Weekly capacity (trays),Cost per tray\n"
            "F,o,420,6.1\nF,a,150,5.4\nY,a,380,5\n",
            "orders.csv": "Centre,o,a\nD,210,130\nA,140,90\n",
            "freight.csv": "From,To,Freight ($/tray)\nF,D,0.9\nF,A,1.2\nY,D,0.8\nY,A,1.5\n",
        },
        "suppliers.capacity: Weekly capacity (trays); suppliers.unit_cost: Cost per tray",
    ),
    "months in columns, and stock": (
        {
            "Werk.csv": "Werk;Monatsleistung (t);Kosten ab Werk (€/t)\nStade;320;95\n",
            "Lager.csv": "Lager;Lagerplatz (t);Lagergeld (€/t und Monat)\nCelle;90;6\n",
            "Absatz (t).csv": "Händler;Mai;Juni\nGarten;110;240\nBau;130;210\n",
            "Frachten.csv": "ab;an;Fracht €/t\nStade;Celle;11,2\nCelle;Garten;9,1\nCelle;Bau;6,7\n",
        },
        "facilities.holding_cost: Lagergeld (€/t und Monat); demand.period: period; demand.demand: Absatz (t)",
    ),
    "a shop in Polish, with units in the row below the headers": (
        {
            "zlecenia.csv": "Zlecenie;Termin;Kara\n;;zł/h\nZ1;8:30;60\nZ2;9:00;90\n",
            "operacje.csv": "Zlecenie;Lp.;Maszyna;Czas\n;;;[min]\nZ1;1;Tokarka;60\nZ1;2;Piec;30\nZ2;1;Piec;45\n",
            "maszyny.csv": "Maszyna;Zmiana od;Zmiana do\nTokarka;6:00;14:00\nPiec;6:00;14:00\n",
        },
        "jobs.due_date: Termin; jobs.tardiness_cost: Kara; unit PLN/h: Kara; machines.name: Maszyna",
    ),
    "a title and a date above the headers": (
        DEPOT
        | {
            "shops.csv": "Stops of Monday,,,\nPrinted 2026-03-02,,,\nShop,x (km),y (km),Pallets\nA,1,2,3\nB,4,5,6\n",
            "trucks.csv": "Truck,Pallets max,€/km,km/h\nT,9,1,50\n",
        },
        "clients.name: Shop; clients.demand: Pallets",
    ),
    "bags that weigh something": (
        {
            "produkty.csv": "Produkt;Waga worka (kg);Kara za brak (zł/worek)\nsaletra;25;46\nmocznik;50;112\n",
            "zaklady.csv": "Zakład;Produkt;Zdolność (worki/tydzień);Koszt (zł/worek)\n"
            "P;saletra;90;41\nP;mocznik;80;92\n",
            "odbiorcy.csv": "Odbiorca;saletra;mocznik\nA;40;30\nB;30;20\n",
            "trasy.csv": "Z;Do;Fracht (zł/t)\nP;A;88\nP;B;36\n",
        },
        "products.weight: Waga worka (kg); unit kg/bag: Waga worka (kg); "
        "products.shortage_cost: Kara za brak (zł/worek); suppliers.capacity: Zdolność (worki/tydzień)",
    ),
}


def written(files: dict[str, str], folder: Path) -> list[Path]:
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in files]


@pytest.mark.parametrize("case", CASES)
def test_columns_become_fields_in_whatever_order_the_files_are_named(tmp_path: Path, case: str) -> None:
    files, expected = CASES[case]
    paths = written(files, tmp_path)
    for order in (paths, paths[::-1]):
        rows = ko.scaffold(order).guesses
        read = {f"{guess}: {column}" for column, guess in zip(rows["column"], rows["guess"], strict=True)}
        assert set(expected.split("; ")) <= read


@pytest.mark.parametrize(
    ("columns", "row", "expected"),
    [
        ("Lunch from,Lunch to,Lunch (h)", "11:30,13:30,0.5", "30 in 690-780"),
        ("Pause von,Pause bis", "12:00,12:45", "45 in 720-720"),
    ],
)
def test_a_break_in_several_columns_is_over_by_its_end(
    tmp_path: Path, columns: str, row: str, expected: str
) -> None:
    files = DEPOT | {
        "shops.csv": "Shop,x (km),y (km),Pallets\nA,1,2,3\nB,4,5,6\n",
        "trucks.csv": f"Truck,Pallets max,€/km,km/h,{columns}\nT,9,1,50,{row}\nU,9,1,50{',' * row.count(',')},\n",
    }
    made = ko.scaffold(written(files, tmp_path)).made["made_vehicles"]
    assert made["breaks"].tolist()[0] == expected
    assert made["breaks"].isna().tolist() == [False, True]


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


@pytest.mark.parametrize("last", ["Summe,,,10", ",,,10", "C,5,5,10"])
def test_a_last_row_with_the_sums_of_the_others_is_left_out_and_told(tmp_path: Path, last: str) -> None:
    files = DEPOT | {
        "shops.csv": f"Shop,x (km),y (km),Pallets\nA,1,2,3\nB,4,4,7\n{last}\n",
        "trucks.csv": "Truck,Pallets max,€/km,km/h\nT,30,1,50\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    run = ko.load_scenario(made.write(tmp_path / "first.toml")).run(time_limit=1)
    others = ["C"] if last.startswith("C") else []
    assert [client.name for client in run.problem.clients] == ["A", "B", *others]
    assert ("the last row of shops.csv" in run.told()) == (not others)


@pytest.mark.parametrize("told", [True, False])
def test_dates_with_a_time_of_day_count_from_the_day_on_which_the_plan_begins(
    tmp_path: Path, told: bool
) -> None:
    ready = (";Ready", ";2026-11-29 06:00", ";2026-12-01 07:00") if told else ("", "", "")
    files = {
        "orders.csv": f"Order;Due;Late (EUR/h){ready[0]}\nA;2026-11-30 01:00;10{ready[1]}\n"
        f"B;2026-12-01 09:00;20{ready[2]}\n",
        "operations.csv": "Operation;Order;Machine;Minutes\nA1;A;saw;90\nB1;B;mill;150\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    assert [one.about for one in made.questions] == ([] if told else ["problem.day"])
    path = made.answered([] if told else ["2026-11-30"]).write(tmp_path / "first.toml")
    run = ko.load_scenario(path).run(time_limit=1)
    due = [job.due_date for job in run.problem.data.jobs]
    # B is late by half an hour where it is ready at 7, A by as much where the plan begins with its due date
    assert due == ([1500.0, 3420.0] if told else [60.0, 1980.0])
    assert run.result.objective == pytest.approx(10 if told else 5, abs=1e-6)


def test_dates_want_the_day_of_the_plan(tmp_path: Path) -> None:
    due = pd.DataFrame({"name": ["A"], "due_date": [pd.Timestamp("2026-11-30 14:00")]})
    with pytest.raises(ko.ProblemError, match="write the day of the plan: day='2026-11-30'"):
        ko.SchedulingProblem(due, [ko.scheduling.Task("t", "A")], [ko.scheduling.Machine("m")], [])


@pytest.mark.parametrize(
    ("stations", "tasks"),
    [("Press 1,Press 2", ["R1", "R2"]), ("Print,Fold", ["R1 1", "R1 2", "R2 1", "R2 2"])],
)
def test_stations_in_columns_are_steps_unless_they_are_called_alike(
    tmp_path: Path, stations: str, tasks: list[str]
) -> None:
    one, other = stations.split(",")
    text = f"Run,{one} (min),{other} (min),Due (min),Late (EUR/min)\nR1,40,50,60,1\nR2,30,20,70,2\n"
    made = ko.scaffold(written({"runs.csv": text}, tmp_path))
    assert sorted(made.made["made_tasks"]["name"]) == tasks


@pytest.mark.parametrize(("after", "late"), [("S3", 20), ("", 10)], ids=["a chain", "a network"])
def test_tasks_come_after_what_their_predecessors_say(tmp_path: Path, after: str, late: float) -> None:
    steps = f"Step;Order;Machine;Minutes;After\nS1;O;M;20;S2, S3\nS2;O;M;30;{after}\nS3;O;N;10;\n"
    if after:
        steps = steps.replace("S2, S3", "S2")
    orders = "Order;Due;Late (EUR/h)\nO;0:40;60\n"
    made = ko.scaffold(written({"steps.csv": steps, "orders.csv": orders}, tmp_path))
    assert not made.questions
    # of a chain the last ends after 60 minutes, of a network after 50: S2 and S3 run side by side
    run = ko.load_scenario(made.write(tmp_path / "first.toml")).run(time_limit=1)
    assert run.result.objective == pytest.approx(late, abs=1e-6)


@pytest.mark.parametrize(
    ("after", "asked"),
    [
        (["", "S1", "S1", "", "T1"], []),
        (["", "S1", "", "", "T1"], ["tasks.after"]),
        (["", "", "", "S1", ""], []),
    ],
    ids=["linked", "one alone", "of other jobs alone"],
)
def test_a_task_without_an_order_is_asked_about(tmp_path: Path, after: list[str], asked: list[str]) -> None:
    names = ["S1", "S2", "S3", "T1", "T2"]
    rows = "".join(f"{n};{n[0]};{n}m;20;{a}\n" for n, a in zip(names, after, strict=True))
    orders = "Order;Due;Late (EUR/h)\nS;1:00;60\nT;1:00;60\n"
    files = {"steps.csv": f"Step;Order;Machine;Minutes;After\n{rows}", "orders.csv": orders}
    made = ko.scaffold(written(files, tmp_path))
    assert [one.about for one in made.questions] == asked


def test_orders_from_place_to_place_are_two_stops(tmp_path: Path) -> None:
    files = DEPOT | {
        "orders.csv": "Ref,Pickup x (km),Pickup y (km),Delivery x (km),Delivery y (km),Pallets,Pickup until,"
        "Deliver by\n"
        "R1,1,2,5,6,3,10:00,12:00\n",
        "trucks.csv": "Truck,Pallets max,€/km,km/h\nT,9,1,50\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    stops = made.made["made_clients"].set_index("Ref")
    assert stops.loc["R1 (loading)", ["x", "y", "latest", "Pallets"]].tolist() == [1, 2, "10:00", 0]
    assert stops.loc["R1", ["x", "y", "latest", "source"]].tolist() == [5, 6, "12:00", "R1 (loading)"]
    assert not made.questions


def test_a_matrix_with_margins_is_a_network(tmp_path: Path) -> None:
    text = "EUR/t;Port;Fair;Stock (t)\nMoor;5.2;7.9;320\nBirch;8.1;4.3;280\nNeed (t);240;300;\n"
    made = ko.scaffold(written({"gravel.csv": text}, tmp_path))
    assert made.made["made_lanes"].to_numpy().tolist()[0] == ["Moor", "Port", 5.2]
    assert made.made["made_suppliers"]["Stock (t)"].tolist() == [320, 280]
    assert made.made["made_demand"]["Need (t)"].tolist() == [240, 300]


def test_machines_that_are_needed_at_once_are_asked_about(tmp_path: Path) -> None:
    files = {
        "steps.csv": "Job,Step,Machine,Minutes\nA,1,saw + lift,45\nA,2,press,70\nB,1,saw,30\n",
        "jobs.csv": "Job,Due,Late fee (€/h)\nA,10:00,9\nB,11:00,9\n",
        "machines.csv": "Machine,Open,Close\nsaw,8:00,17:00\nlift,8:00,17:00\npress,8:00,17:00\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    (question,) = made.questions
    assert "'saw + lift'" in question.text
    assert "no second resource" in question.text
    assert made.made["made_modes"]["machine"].tolist() == ["saw", "press", "saw"]


def test_what_fits_no_field_is_asked_about(tmp_path: Path) -> None:
    files = dict(CASES["alternatives"][0])
    files["Arbeitsgänge.csv"] = "Auftrag;Schritt;Anlage;Minuten;Bediener\nA;1;M1;20;Kaya\nB;1;M1;15;Kaya\n"
    made = ko.scaffold(written(files, tmp_path))
    (question,) = made.questions
    assert "'Bediener'" in question.text
    assert "no second resource" in question.text
    path = made.write(tmp_path / "first.toml")
    with pytest.raises(ko.ScenarioError, match="Bediener"):
        ko.load_scenario(path)
    path = made.answered(["ignore"]).write(path, replace=True)
    assert tomllib.loads(path.read_text("utf-8"))["questions"][0]["answer"] == "ignore"
    assert ko.load_scenario(path).run(time_limit=1).result.has_plan


def test_a_column_is_offered_the_field_that_measures_the_same(tmp_path: Path) -> None:
    files = DEPOT | {
        "shops.csv": "Shop,x (km),y (km),Pallets\nA,1,2,3\nB,4,5,6\n",
        "trucks.csv": "Truck,Pallets max,€/km,km/h,Hours (h)\nT,9,1,50,7\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    (question,) = made.questions
    assert list(question.answers) == ["vehicles.max_duration", "ignore"]
    path = made.answered(["vehicles.max_duration"]).write(tmp_path / "first.toml")
    assert tomllib.loads(path.read_text("utf-8"))["questions"][0]["answer"] == "vehicles.max_duration"
    assert "Hours (h)" not in str(ko.load_scenario(path).remarks())


@pytest.mark.slow
def test_a_way_is_divided_by_a_speed_in_its_own_unit(tmp_path: Path) -> None:
    files = {
        "yard.csv": "Yard,Miles east,Miles north\nHome,0,0\n",
        "shops.csv": "Shop,Miles east,Miles north\nA,3,4\n",
        "vans.csv": "Van,Driver £/h,mph\nV,20,20\n",
    }
    path = ko.scaffold(written(files, tmp_path)).write(tmp_path / "first.toml")
    # ten miles at 20 mph are half an hour
    assert ko.load_scenario(path).run(time_limit=1).result.objective == pytest.approx(10, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "price"), [("tariff", 90), ("ignore", 50)])
def test_a_minimum_beside_a_rate_may_be_the_least_that_a_shipment_costs(
    tmp_path: Path, answer: str, price: float
) -> None:
    files = {
        "rates.csv": "Hub,Shop,EUR per 100 kg,Minimum (EUR)\nH,S,10,50\nH,T,10,35\n",
        "hubs.csv": "Hub,In stock (kg)\nH,2000\n",
        "shops.csv": "Shop,Order (kg)\nS,100\nT,400\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    assert [list(one.answers) for one in made.questions] == [["tariff", "ignore"]]
    path = made.answered([answer]).write(tmp_path / "first.toml")
    assert ko.load_scenario(path).run(time_limit=1).result.objective == pytest.approx(price, abs=0.005)


@pytest.mark.parametrize(
    "quotas", ["Bakery,At most (t)\nB1,10\nB2,20\n", "Bakery,At most (t)\nB1,10\nB1,20\n"]
)
def test_a_table_that_speaks_of_the_plan_and_is_not_read_is_asked_about(tmp_path: Path, quotas: str) -> None:
    made = ko.scaffold(written(CASES["network"][0] | {"quotas.csv": quotas}, tmp_path))
    assert any("quotas.csv" in question.text for question in made.questions)


def test_numbers_that_can_be_read_in_two_ways_are_read_as_said(tmp_path: Path) -> None:
    (path,) = written(
        {"runs.csv": "km;cost\n" + "".join(f"{k};1.{37 * k % 900 + 100}\n" for k in range(60))}, tmp_path
    )
    with pytest.raises(TableError, match="--decimal"):
        ko.scaffold([path])
    assert tomllib.loads(ko.scaffold([path], decimal=",").toml(tmp_path / "s.toml"))["tables"]["runs"][
        "form"
    ] == {"decimal": ",", "thousands": "."}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("weight", "price"), [(400, 120), (600, 120), (900, 180)], ids=["below", "at the step", "above it"]
)
@pytest.mark.parametrize(
    "rates",
    [
        "Hub,Shop,From kg,EUR per 100 kg\nH,S,0,30\nH,S,500,20\n",
        "Hub;Shop;≤ 400 kg;≤ 600 kg;≤ 900 kg\nH;S;120;120;180\n",
    ],
    ids=["from a weight on", "flat up to a weight"],
)
def test_a_rate_card_is_paid_by_the_weight_of_the_shipment(
    tmp_path: Path, rates: str, weight: int, price: float
) -> None:
    files = {
        "rates.csv": rates,
        "hubs.csv": "Hub,In stock (kg)\nH,2000\n",
        "shops.csv": f"Shop,Order (kg)\nS,{weight}\n",
    }
    path = ko.scaffold(written(files, tmp_path)).write(tmp_path / "first.toml")
    assert ko.load_scenario(path).run(time_limit=1).result.objective == pytest.approx(price, abs=0.005)


FLEET = {
    "stops.csv": "Customer,Pallets,Unload (min)\nAsh,4,10\nBirch,5,15\nCedar,3,10\n",
    "lorries.csv": "Lorry,Pallets max,Cost per mile,Duty,mph\nL1,9,2.1,06:00-14:00,30\nL2,9,2.1,06:30-14:00,30\n",
}
TRIANGLES = {
    "blanks above": "miles,Depot,Ash,Birch,Cedar\nDepot,,,,\nAsh,12,,,\nBirch,9,7,,\nCedar,20,13,16,\n",
    "zeros below": "miles,Depot,Ash,Birch,Cedar\nDepot,0,12,9,20\nAsh,0,0,7,13\nBirch,0,0,0,16\nCedar,0,0,0,0\n",
    "a list": "from,to,miles\nDepot,Ash,12\nDepot,Birch,9\nDepot,Cedar,20\nAsh,Birch,7\nAsh,Cedar,13\nBirch,Cedar,16\n",
    "both ends in a cell": "Way,miles\n"
    "Depot - Ash,12\nDepot - Birch,9\nDepot - Cedar,20\nAsh - Birch,7\nAsh - Cedar,13\nBirch - Cedar,16\n",
}


@pytest.mark.parametrize("shape", TRIANGLES)
def test_one_direction_of_each_pair_means_both_and_a_shift_in_one_cell_has_two_ends(
    tmp_path: Path, shape: str
) -> None:
    made = ko.scaffold(written(FLEET | {"ways.csv": TRIANGLES[shape]}, tmp_path))
    ways = made.made["made_distances"]
    lengths = {(tail, head): miles for tail, head, miles in ways.to_numpy().tolist()}
    assert len(ways) == 12
    assert lengths["Cedar", "Ash"] == lengths["Ash", "Cedar"] == 13
    assert made.made["made_vehicles"][["shift_start", "shift_end"]].to_numpy().tolist() == [
        [360, 840],
        [390, 840],
    ]


def test_ways_of_which_some_stand_in_both_directions_are_as_they_are(tmp_path: Path) -> None:
    ways = TRIANGLES["a list"] + "Ash,Depot,11\n"
    with pytest.raises(TableError, match="no value for"):
        ko.scaffold(written(FLEET | {"ways.csv": ways}, tmp_path))


@pytest.mark.parametrize(
    ("files", "modes"),
    [
        (
            {
                "orders.csv": "Order;Article;Quantity (pcs);Due\nA;gate;3;12:00\nB;fence;6;14:00\n",
                "routing.csv": "Article;Step;Machine;Time (min/pcs)\ngate;1;saw;10\ngate;2;weld;20\nfence;1;saw;5\n",
            },
            [["A 1", "saw", 30], ["A 2", "weld", 60], ["B 1", "saw", 30]],
        ),
        (
            {
                "batches.csv": "Batch,Weight (kg),Due\nA,1200,10:00\nB,800,09:30\n",
                "lines.csv": "Line,Throughput (kg/h)\nN,800\nS,500\n",
            },
            [["A", "N", 1.5], ["A", "S", 2.4], ["B", "N", 1], ["B", "S", 1.6]],
        ),
        (
            {
                "steps.csv": "Job,Step,Machine,Time\nA,1,saw 1 or saw 2,0:45\nA,2,press,1:10\nB,1,saw 1,0:30\n",
                "jobs.csv": "Job,Plate,Due\nA,x7,10:00\nB,x9,11:00\n",
                "machines.csv": "Machine,Open,Close\nsaw 1,8:00,17:00\nsaw 2,8:00,17:00\npress,8:00,17:00\n",
            },
            [["A 1", "saw 1", 45], ["A 1", "saw 2", 45], ["A 2", "press", 70], ["B 1", "saw 1", 30]],
        ),
        (
            {
                "steps.csv": "Job,Step,Machine,Minutes\nA,1,P1/P2,45\nA,2,CNC/5,70\nB,1,P2 or P1,30\n",
                "jobs.csv": "Job,Due\nA,10:00\nB,11:00\n",
            },
            [
                ["A 1", "P1", 45],
                ["A 1", "P2", 45],
                ["A 2", "CNC/5", 70],
                ["B 1", "P2", 30],
                ["B 1", "P1", 30],
            ],
        ),
    ],
    ids=[
        "steps of an article",
        "an amount and a rate",
        "machines of which any will do",
        "without their table",
    ],
)
def test_steps_are_worked_out_where_no_table_has_them(
    tmp_path: Path, files: dict[str, str], modes: list[list[object]]
) -> None:
    made = ko.scaffold(written(files, tmp_path))
    assert made.made["made_modes"].to_numpy().tolist() == modes
    assert not made.questions


def test_products_are_what_tables_of_places_share(tmp_path: Path) -> None:
    files = {
        "plants.csv": "Plant,Oil,Supply (t),Price (EUR/t)\nP1,fine,50,300\nP1,coarse,40,200\nP2,fine,60,310\n",
        "customers.csv": "Customer,fine,coarse\nC1,30,20\nC2,50,20\n",
        "freight.csv": "Route,EUR/t\nP1 → C1,10\nP1 → C2,12\nP2 → C1,9\nP2 → C2,15\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    assert made.made["made_demand"].to_numpy().tolist()[0] == ["C1", "fine", 30]
    assert made.made["made_lanes"].to_numpy().tolist()[0] == ["P1", "C1", 10]
    assert "suppliers.product" in set(made.guesses.loc[made.guesses["column"] == "Oil", "guess"])


@pytest.mark.parametrize(
    "costs",
    [
        "Plant;fine (€/t);coarse (€/t)\nP1;200;90\nP2;210;80\n",
        "Plant;Oil;Cost (€/t)\nP2;fine;210\nP2;coarse;80\nP1;coarse;90\nP1;fine;200\n",
    ],
)
def test_what_a_second_table_says_of_plants_and_products_is_joined(tmp_path: Path, costs: str) -> None:
    files = {
        "plants.csv": "Plant;Oil;Capacity (t)\nP1;fine;120\nP1;coarse;80\nP2;fine;150\nP2;coarse;60\n",
        "costs.csv": costs,
        "needs.csv": "Customer;Oil;Demand (t)\nN;fine;100\nN;coarse;50\nS;fine;120\nS;coarse;60\n",
        "freight.csv": "from;to;Freight €/t\nP1;N;10\nP1;S;20\nP2;N;18\nP2;S;9\n",
    }
    path = ko.scaffold(written(files, tmp_path)).write(tmp_path / "first.toml")
    result = ko.load_scenario(path).run(time_limit=1).result
    assert result.objective == pytest.approx(120 * 219 + 60 * 89 + 100 * 210 + 50 * 100, abs=0.005)


def test_what_is_counted_otherwise_than_the_plan_counts_is_asked_about(tmp_path: Path) -> None:
    files = {
        "plants.csv": "Plant,Capacity (t)\nA,100\nB,80\n",
        "customers.csv": "Customer,Demand (t)\nX,60\nY,70\n",
        "lanes.csv": "From,To,Freight (USD/t),Capacity (containers)\nA,X,5,3\nA,Y,6,4\nB,X,7,3\nB,Y,4,5\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    assert ["containers" in question.text for question in made.questions] == [True]
    files["goods.csv"] = "Product,t per container\nsugar,25\n"
    made = ko.scaffold(written(files, tmp_path))
    assert not made.questions
    assert made.made["made_lanes"]["Capacity (containers)"].tolist() == [75, 100, 75, 125]


def test_what_plants_make_of_all_products_together_is_asked_about(tmp_path: Path) -> None:
    files = {
        "plants.csv": "Plant,Capacity (hl)\nL,45\nM,40\n",
        "costs.csv": "Plant,Blonde (€/hl),Brune (€/hl)\nL,40,55\nM,44,49\n",
        "demand.csv": "Shop,Blonde (hl),Brune (hl)\nP,30,20\nN,20,10\n",
        "freight.csv": "From,To,Freight (€/hl)\nL,P,6\nL,N,12\nM,P,8\nM,N,9\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    assert any("'Plant', which the plan has" in question.text for question in made.questions)


def test_power_of_machines_is_paid_by_the_hour_and_a_pause_in_two_columns_is_kept(tmp_path: Path) -> None:
    files = {
        "loads.csv": "Load;Kiln;Minutes;Wanted by;Late fee (€/h)\nbowls;K;120;10:00;60\npots;K;60;14:00;60\n",
        "kilns.csv": "Kiln;Draws (kW);Opens;Closes;Lunch from;Lunch to\nK;40;8:00;16:00;12:00;13:00\n",
        "power.csv": "From;Price (ct/kWh)\n0:00;20\n11:00;10\n15:00;50\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    assert not made.questions
    run = ko.load_scenario(made.write(tmp_path / "first.toml")).run(time_limit=2)
    # bowls from 8 to 10 at 20 cents, pots from 11 to 12 or from 13 to 14 at 10
    assert run.result.objective == pytest.approx(40 * (2 * 0.2 + 0.1), abs=0.005)


@pytest.mark.parametrize(("header", "asked"), [("Wear (€/h)", True), ("Height (m)", False)])
def test_a_price_that_nothing_reads_is_asked_about(tmp_path: Path, header: str, asked: bool) -> None:
    files = {
        "ops.csv": "Order,Step,Machine,Minutes\nO1,1,A,20\nO1,2,B,30\nO2,1,B,10\n",
        "orders.csv": "Order,Due,Late fee (€/h)\nO1,1:00,30\nO2,1:30,40\n",
        "machines.csv": f"Machine,{header}\nA,3\nB,2\n",
    }
    assert bool(ko.scaffold(written(files, tmp_path)).questions) == asked


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
        (FLEET_OF_ONE, "clients.Pallets", "leave out", 20),
    ],
    ids=["operators may be left out", "operators are needed", "a negative number"],
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


def test_how_long_a_driver_rests_is_asked_where_only_the_time_at_the_wheel_is_told(tmp_path: Path) -> None:
    trucks = "Truck,Pallets max,€/km,km/h,Driving time before a rest (h)\nT,9,1,50,4.5\n"
    shops = FLEET_OF_ONE["shops.csv"].replace("-1", "1")
    files = FLEET_OF_ONE | {"trucks.csv": trucks, "shops.csv": shops}
    made = ko.scaffold(written(files, tmp_path))
    path = made.answered(["45 min"]).write(tmp_path / "first.toml")
    scenario = ko.load_scenario(path)
    (vehicle,) = scenario.build(scenario.drafts).vehicles
    assert (vehicle.max_driving, vehicle.rest_duration) == (270, 45)
