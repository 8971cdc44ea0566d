"""Small tables as people have them: which become which part, whatever they are called and in whatever order."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import kanopt as ko
from kanopt.errors import TableError

DEPOT = {"yard.csv": "Yard,x (km),y (km)\nHome,0,0\n"}
PLACES = ("Hof", *"ABCDE")
PAIRS = [(tail, head) for tail in PLACES for head in PLACES if tail != head]
STOPS = "Kunde;Menge (kg);Standzeit (min)\n" + "".join(f"{name};120,5;6\n" for name in PLACES[1:])
VANS = "Fahrzeug;Anzahl;Nutzlast (kg);Lohn (EUR/h);Preis je km (EUR/km)\nT;2;600;24,50;0,42\n"
SQUARE = ";".join(("", *PLACES)) + "\n" + "".join(f"{name};11;12;9;14;8;13\n" for name in PLACES)
CASES = {
    "once from every place to every other, in a file of any name": (
        {
            "kunden.csv": STOPS,
            "fahrzeuge.csv": VANS,
            "wege.csv": "Von;Nach;km;Fahrzeit (min)\n"
            + "".join(f"{tail};{head};6,4;11\n" for tail, head in PAIRS),
        },
        "distances.distance: km; durations.duration: Fahrzeit (min); clients.demand: Menge (kg)",
    ),
    "two squares with nothing in the corner": (
        {"kunden.csv": STOPS, "fahrzeuge.csv": VANS, "Fahrzeiten.csv": SQUARE, "Strecken km.csv": SQUARE},
        "distances of routing: ; durations of routing: ; depots.name: name",
    ),
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
    "alternatives": (
        {
            "Arbeitsgänge.csv": "Auftrag;Schritt;Anlage;Minuten\nA;1;M1;20\nA;1;M2;25\nA;2;M3;30\nB;1;M1;15\n",
            "Aufträge.csv": "Auftrag;Fertig bis;Strafe je Stunde (€)\nA;08:00;60\nB;09:00;30\n",
        },
        "jobs.due_date: Fertig bis; jobs.tardiness_cost: Strafe je Stunde (€)",
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
    "what a way burns, tons beside pounds, and hours from which more is paid": (
        {
            "sites.csv": "Site,East (mi),North (mi),Weight (lb)\nA,1,2,900\nB,4,5,800\n",
            "yard.csv": "Yard,East (mi),North (mi)\nY,0,0\n",
            "trucks.csv": "Truck,Payload (tons),Hours,Pay ($/h),Overtime premium ($/h),Consumption (l/100 mi),"
            "Fuel price ($/l),mph\nT,5,8,21,9,11,4.1,30\n",
        },
        "unit short_ton: Payload (tons); vehicles.shift_duration: Hours; "
        "vehicles.unit_overtime_cost: Overtime premium ($/h); unit l/100 mi: Consumption (l/100 mi)",
    ),
    "a unit cost, and a rate of things": (
        {
            "plants.csv": "Plant,Capacity (sets),Unit cost ($)\nH,90,84\n",
            "orders.csv": "Shop,Sets\nD,31\nA,28\n",
            "freight.csv": "From,To,$/set\nH,D,3.9\nH,A,3.4\n",
        },
        "suppliers.unit_cost: Unit cost ($); lanes.tail: From; unit USD/item: $/set",
    ),
    "a charge, and ways in minutes": (
        {
            "clients.csv": "Client;Charge (kg)\nA;320\nB;210\n",
            "camions.csv": "Camion;Charge utile (kg);€/km\nM;900;0,45\n",
            "trajets.csv": "De;Vers;Km;Min\nDépôt;A;9;21\nDépôt;B;12;25\nA;B;4;13\n",
        },
        "clients.demand: Charge (kg); unit kg: Charge (kg); durations.duration: Min",
    ),
    "orders that begin on a day": (
        {
            "commandes.csv": "Commande;Date de début;Livraison;Pénalité (€/h)\nT1;14/12/2026;15/12/2026 06:00;12\n"
            "T2;15/12/2026;15/12/2026 16:00;8\n",
            "etapes.csv": "Commande;Étape;Poste;Durée (h)\nT1;1;Coupe;6\nT2;1;Coupe;4\n",
        },
        "jobs.release_date: Date de début; jobs.due_date: Livraison",
    ),
    "a number and a name, ways by the number, wages beside those of overtime": (
        {
            "stops.csv": "Stop name,Stop ID,Weight (lbs)\nMiller,S1,600\nDiner,S2,400\n",
            "trucks.csv": "Truck,Max weight (lbs),Driver $/hr,Overtime $/hr after 8h,$/mile\n"
            "A,2400,24,36,0.9\nB,900,20,,0.5\n",
            "miles.csv": "From,To,Miles\nDC,S1,5.8\nS1,DC,5.8\nDC,S2,8.7\nS2,DC,8.7\nS1,S2,2.9\nS2,S1,2.9\n",
        },
        "clients.name: Stop ID; vehicles.unit_duration_cost: Driver $/hr; distances.distance: Miles",
    ),
    "a number and a name, and products in columns": (
        {
            "Silos.csv": "Nr.;Silo;Vorrat Weizen (t);Vorrat Roggen (t)\n1;Nord;400;150\n2;Süd;260;220\n",
            "Mühlen.csv": "Nr.;Mühle;Bedarf Weizen (t);Bedarf Roggen (t)\n11;Aue;180;90\n12;Berg;240;60\n",
            "Fracht (EUR je t).csv": ";Aue;Berg\nNord;8,4;11,2\nSüd;9,7;7,8\n",
        },
        "suppliers.name: Silo; suppliers.capacity: vorrat; demand.market: Mühle; demand.demand: bedarf",
    ),
    "things counted in a word of the trade, with a rate for them and a km": (
        {
            "Forste.csv": "Forst;Einschlag (Fm);Preis (EUR/Fm)\nE;420;72\nH;350;69\n",
            "Werke.csv": "Werk;Bedarf (Fm)\nN;300\nO;260\n",
            "Entfernung (km).csv": ";N;O\nE;24;51\nH;33;18\n",
            "Annahmen.csv": "Größe;Wert;Einheit\nFrachtsatz;0,21;EUR/(Fm*km)\n",
        },
        "suppliers.capacity: Einschlag (Fm); unit item: Bedarf (Fm); unit EUR/(pcs*km): Frachtsatz (EUR/(pcs*km))",
    ),
    "steps whose machines and minutes are numbered": (
        {
            "piezas.csv": "Pieza;Máquina 1;Min 1;Máquina 2;Min 2;Entrega;Multa (€/h)\n"
            "P1;Torno;40;Fresa;35;07:30;20\nP2;Fresa;25;Torno;50;07:15;32\n",
            "máquinas.csv": "Máquina;Inicio;Fin\nTorno;06:00;14:00\nFresa;06:00;14:00\n",
        },
        "tasks.order: order; modes.duration: duration; jobs.due_date: Entrega; jobs.tardiness_cost: Multa (€/h)",
    ),
    "skills parted by slashes, school years, and garden centres": (
        {
            "centres.csv": "No,Centre,Town,Trees,Skill,Years\n1,Acre,Alton,80,gas,7-9\n2,Mill,Cole,120,water,7-11\n",
            "lorries.csv": "Plate,Room (trees),Skills,Cost (£/mile)\nAB,200,gas/water,0.62\nKL,130,gas,0.41\n",
            "chart.csv": "miles,Nursery,Alton,Cole\nNursery,0,12,8\nAlton,12,0,14\nCole,8,14,0\n",
        },
        "clients.name: Town; clients.demand: Trees; clients.needs: Skill; vehicles.capacity: Room (trees)",
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
    ],
    ids=["steps of an article", "an amount and a rate", "machines of which any will do"],
)
def test_steps_are_worked_out_where_no_table_has_them(
    tmp_path: Path, files: dict[str, str], modes: list[list[object]]
) -> None:
    made = ko.scaffold(written(files, tmp_path))
    assert made.made["made_modes"].to_numpy().tolist() == modes
    assert not made.questions


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


def test_a_matrix_with_margins_is_a_network(tmp_path: Path) -> None:
    text = "EUR/t;Port;Fair;Stock (t)\nMoor;5.2;7.9;320\nBirch;8.1;4.3;280\nNeed (t);240;300;\n"
    made = ko.scaffold(written({"gravel.csv": text}, tmp_path))
    assert made.made["made_lanes"].to_numpy().tolist()[0] == ["Moor", "Port", 5.2]
    assert made.made["made_suppliers"]["Stock (t)"].tolist() == [320, 280]
    assert made.made["made_demand"]["Need (t)"].tolist() == [240, 300]


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


def test_numbers_that_can_be_read_in_two_ways_are_read_as_said(tmp_path: Path) -> None:
    (path,) = written(
        {"runs.csv": "km;cost\n" + "".join(f"{k};1.{37 * k % 900 + 100}\n" for k in range(60))}, tmp_path
    )
    with pytest.raises(TableError, match="--decimal"):
        ko.scaffold([path])
    assert tomllib.loads(ko.scaffold([path], decimal=",").toml(tmp_path / "s.toml"))["tables"]["runs"][
        "form"
    ] == {"decimal": ",", "thousands": "."}


def test_pallets_are_limited_where_vehicles_have_places_for_them_and_a_depot_may_go_by_its_number(
    tmp_path: Path,
) -> None:
    files = {
        "kunden.csv": "Nr;Name;Gewicht_kg;Paletten\n201;Huber;420;2\n202;Mozart;310;1\n",
        "lager.csv": "Nr;Name\n100;Lager Süd\n",
        "fahrzeuge.csv": "Typ;Nutzlast_kg;Palettenplätze;HUF_per_km\nSprinter;1000;2;32\nLKW;2200;7;58\n",
        "wege.csv": "von;nach;km;min\n100;201;15;20\n201;100;15;20\n100;202;28;30\n202;100;28;30\n"
        "201;202;9;8\n202;201;9;8\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    rows = made.guesses
    read = {f"{guess}: {column}" for column, guess in zip(rows["column"], rows["guess"], strict=True)}
    assert {"clients.name: Nr", "depots.name: Nr", "unit HUF/km: HUF_per_km"} <= read
    assert not made.questions
    assert 'capacities = ["Paletten"] # check' in made.toml(tmp_path / "scenario.toml")


@pytest.mark.parametrize("second", ["Line B", "Press"])
def test_rows_of_an_order_that_may_be_ways_or_steps_are_asked_about(tmp_path: Path, second: str) -> None:
    files = {
        "times.csv": f"Order,Line,Minutes\nA,Line A,40\nA,{second},55\nB,Line A,50\nC,{second},35\n",
        "orders.csv": "Order,Due,Fee ($/h)\nA,8:00,20\nB,9:00,30\nC,9:30,10\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    assert made.made["made_tasks"]["name"].tolist() == ["A", "B", "C"]
    (question,) = made.questions
    assert list(question.answers) == ["one of them", "one after the other"]
    assert made.made["made_modes_of_steps"].iloc[:, 0].tolist() == ["A 1", "A 2", "B 1", "C 1"]


def test_a_second_limit_is_read_where_clients_and_vehicles_tell_it(tmp_path: Path) -> None:
    for shops, vans, told in (
        ("Volume (m3)", "Loading space (m3)", ["Volume"]),
        ("Volume (m3)", "Loading space (l)", ["Volume"]),
        ("Pallets", "Pallet places", ["Pallets"]),
        ("Volume (m3)", "Seats", None),
    ):
        files = DEPOT | {
            "shops.csv": f"Shop,x (km),y (km),Weight (kg),{shops}\nA,1,2,300,2.5\nB,4,5,200,1.5\n",
            "vans.csv": f"Van,Payload (kg),{vans},EUR/km\nV,800,{3000 if '(l)' in vans else 3},0.4\n",
        }
        made = ko.scaffold(written(files, tmp_path))
        policy = tomllib.loads(made.toml(tmp_path / "s.toml"))["problem"].get("policy", {})
        assert policy.get("capacities") == told
        assert not made.questions


def test_zones_of_clients_and_vehicles_are_no_load_and_days_of_a_lane_no_period(tmp_path: Path) -> None:
    files = DEPOT | {
        "shops.csv": "Shop,x (km),y (km),Weight (kg),Zone\nA,1,2,300,2\nB,4,5,200,1\n",
        "vans.csv": "Van,Payload (kg),Zone,EUR/km\nV,800,1,0.4\nW,800,2,0.4\n",
    }
    assert "capacities" not in ko.scaffold(written(files, tmp_path)).toml(tmp_path / "s.toml")
    files = {
        "works.csv": "Plant,Output (t),Cost (EUR/t)\nX,90,12\nY,80,14\n",
        "sites.csv": "Market,Wanted (t)\nP,60\nQ,50\n",
        "lanes.csv": "Plant,Market,Rate (EUR/t),Days,Min quantity\nX,P,5,1,3\nX,Q,6,2,3\nY,P,7,2,4\nY,Q,4,1,4\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    assert "'Min quantity'" in made.questions[0].text
    assert 'formula = "rate"' in made.toml(tmp_path / "s.toml")
    assert not any("Days 1" in frame.to_string() for frame in made.made.values())


def test_laws_read_the_zones_and_the_weekday_as_the_plan_has_them(tmp_path: Path) -> None:
    zones, rows = ["North", "South", "West"], []
    for day in range(40):
        for place in range(12):
            start, end = zones[(day + place) % 3], zones[place % 3]
            km = 3 + place + 0.1 * day
            minutes = 3 + km * (1.5 + 0.6 * (start == "North") + 0.4 * (end == "West") + 0.5 * (day % 7 == 0))
            rows.append(f"2026-03-{day % 28 + 1:02d} {7 + place % 9}:30,{start},{end},{km:.1f},{minutes:.2f}")
    files = {
        "trips.csv": "Departure,From zone,To zone,km,Minutes\n" + "\n".join(rows) + "\n",
        "clients.csv": "Client,x (km),y (km),Zone,Crates,until\nA,1,2,North,3,12:00\nB,4,5,West,2,11:00\n",
        "depot.csv": "Depot,x (km),y (km),Zone\nD,0,0,South\n",
        "vans.csv": "Van,Crates max,EUR/km,EUR/h\nV,9,0.4,24\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    written_file = made.write(tmp_path / "scenario.toml").read_text("utf-8")
    bound = tomllib.loads(written_file)["problem"]["bind"]["travel_time"]
    assert bound["From zone"] == "arc.from_Zone"
    assert bound["To zone"] == "arc.to_Zone"
    assert "day.weekday" in bound.values()
    assert "problem.day" in {question.about for question in made.questions}


FLORISTS = {
    "stops.csv": "Address,x (km),y (km),Boxes,Delivery windows\nA,1,2,3,8:00-9:00 or 14:00-15:00\nB,4,5,2,9:00-11:00\n",
    "vans.csv": "Van,Boxes max,EUR/km,km/h\nV,9,0.4,40\n",
}
BATCHES = (
    "Batch,Mix (min),Oven A (min),Oven B (min),Due,Fee ($/min)\nRye,15,35,45,5:00,1\nBun,10,,20,5:10,1\n"
)


def test_what_a_plan_is_told_in_a_word_or_a_number_is_read(tmp_path: Path) -> None:
    """Each of these was once asked about, or read as something else without a word."""
    cases: list[tuple[dict[str, str], list[str]]] = [
        (DEPOT | FLORISTS, ['windows = "Delivery windows"']),
        (
            {"batches.csv": BATCHES, "machines.csv": "Machine,Opens\nMixer,4:00\nOven A,4:00\nOven B,4:30\n"},
            ["[problem.calendars]", "made_modes"],
        ),
        (
            {
                "producteurs.csv": "Producteur;Récolte (t);Prix (€/t)\nBrest;40;210\nAmiens;35;185\n",
                "plateformes.csv": "Plateforme;Capacité (t)\nLe Mans;45\nRouen;40\n",
                "magasins.csv": "Magasin;Mois;Besoin (t)\nParis;1;9\nParis;2;8\nTours;1;5\nTours;2;6\n",
                "amont.csv": "€/t;Le Mans;Rouen\nBrest;18;31\nAmiens;34;14\n",
                "aval.csv": "€/t;Paris;Tours\nLe Mans;21;11\nRouen;16;36\n",
            },
            ["[problem.suppliers]", "[problem.facilities]", "[problem.demand]", "[problem.periods]"],
        ),
        (
            {
                "quarries.csv": "Quarry,Output (t),Gate price (£/t),Haul rate (£/t/km)\nHill,60,8,0.1\nMoor,50,9,0.2\n",
                "sites.csv": "Site,Wanted (t)\nBridge,30\nWharf,40\n",
                "km.csv": "km,Bridge,Wharf\nHill,14,22\nMoor,35,28\n",
            },
            ['formula = "rate * distance"'],
        ),
        (
            {
                "werke.csv": "Werk;Kapazität (t);Kosten (€/t)\nFulda;130;41\nGera;110;39\n",
                "bedarf.csv": "Markt;Bedarf (t)\nHof;60\nJena;50\n",
                "frachten.csv": "von;nach;Satz (€/t);Mindestfracht (€)\nFulda;Hof;9;300\nFulda;Jena;8;250\n"
                "Gera;Hof;6;200\nGera;Jena;5;180\n",
            },
            ['formula = "max(minimum, rate * weight)"'],
        ),
        (
            {  # brackets in kg, amounts in tonnes
                "werke.csv": "Werk;Vorrat (t);Preis (€/t)\nUlm;90;310,5\n",
                "märkte.csv": "Markt;Bedarf (t)\nM;0,4\nN;2,5\n",
                "tarif.csv": "Von;Nach;ab (kg);bis (kg);€/100 kg;Mindestfracht (€)\n"
                "Ulm;M;0;1000;6,1;30\nUlm;M;1000;5000;4;30\nUlm;N;0;1000;6;30\nUlm;N;1000;5000;4;30\n",
            },
            ['formula = "max(minimum, weight * (rate_0', "(weight - 1))"],
        ),
        (
            {
                "cars.csv": "Car,Work,Bays,Promised,Per hour late (£)\nAsk,1:30,A or B,10:00,12\nFox,0:45,B,9:00,2\n",
                "bays.csv": "Bay,Opens,Rest from,Rest until\nA,8:00,,\nB,8:15,12:00,12:30\n",
            },
            ["[problem.calendars]", "[problem.modes]"],
        ),
        (
            {
                "kunden.csv": "Kunde;Liter\nAuer;3.000\nDorn;2.500\n",
                "wagen.csv": "Wagen;Inhalt (l);€/km;€/h\nTW;8.000;1,1;32\n",
                "km.csv": "km;Lager;Auer;Dorn\nLager;0;22;15\nAuer;22;0;12\nDorn;15;12;0\n",
                "zeiten.csv": "h:mm;Lager;Auer;Dorn\nLager;0:00;0:28;0:20\nAuer;0:28;0:00;0:16\nDorn;0:20;0:16;0:00\n",
            },
            ["[problem.distances]", "[problem.durations]"],
        ),
    ]
    for place, (files, told) in enumerate(cases):
        folder = tmp_path / str(place)
        folder.mkdir()
        made = ko.scaffold(written(files, folder))
        text = made.toml(folder / "scenario.toml")
        assert [one for one in told if one not in text] == []
        assert not made.questions
        if place == 1:
            assert sorted(made.made["made_modes"]["task"]) == ["Bun 1", "Bun 2", "Rye 1", "Rye 2", "Rye 2"]


ODD = {
    "a depot that is the row of clients where nothing is to do": (
        {
            "Kunden.csv": "Kunde;X (km);Y (km);Kisten;von;bis\nHof;0;0;;;\nA;3;4;2;8:00;9:00\nB;0;5;3;8:00;9:30\n",
            "Lkw.csv": "Lkw;Kisten max;€/km;km/h\nL;9;1;60\n",
        },
        5.0 + 10**0.5 + 5.0,
    ),
    "homes of vehicles in their own table": (
        {
            "stops.csv": "Stop,X (m),Y (m),Crates\nA,3000,4000,2\nB,0,-2000,3\n",
            "vans.csv": "Van,Base X (m),Base Y (m),Crates max,Speed (m/s),$/km\nV,0,0,4,10,1\nW,0,0,4,10,1\n",
        },
        10.0 + 4.0,
    ),
    "depots between which no way is told": (
        {
            "calls.csv": "Call,Slot,Minutes on site\nH,08:00-16:00,20\nI,08:00-16:00,30\n"
            "J,09:00-16:00,10\nK,09:00-15:00,5\n",
            "engineers.csv": "Engineer,Branch,Rate (£/h),£/mile\nR,North,60,1\nS,South,60,2\n",
            "branches.csv": "Branch\nNorth\nSouth\n",
            "travel.csv": "From,To,Miles,Minutes\nNorth,H,1,2\nNorth,I,9,20\nNorth,J,2,5\nSouth,H,8,20\nSouth,I,1,3\n"
            "South,J,9,25\nH,I,9,20\nH,J,1,2\nI,J,9,22\nNorth,K,20,50\nSouth,K,1,3\nH,K,9,20\nI,K,1,2\nJ,K,9,22\n",
        },
        (30 + 9 + 4.0) + (35 + 8 + 6.0),
    ),
    "a lane that is closed": (
        {
            "Werke.csv": "Werk;Kapazität (t)\nU;90\nV;90\n",
            "Märkte.csv": "Markt;Bedarf (t)\nM;10\nN;20\n",
            "Strecken.csv": "von;nach;Fracht (€/t);gesperrt\nU;M;1;ja\nU;N;4;nein\nV;M;3;nein\nV;N;5;nein\n",
        },
        10 * 3.0 + 20 * 4.0,
    ),
    "hours without minutes, who is blocked or out of use, most stops, the speed of the yard, and a remark": (
        {
            "shops.csv": "Shop;x (km);y (km);Boxes;Opening hours;Unload;Blocked\nA;3;4;2;8-12 / 13-17;1 h 30 min;no\n"
            "B;0;5;1;9-12;15 min;no\nC;9;9;1;8-12;15 min;yes\n* ring the bell;;;;;;\n",
            "vans.csv": "Van;Boxes max;Max stops;€/km;In use\nU;9;1;1;yes\nV;9;1;1;yes\nW;9;9;0,1;no\n",
            "yard.csv": "Yard;x (km);y (km);Speed (km/h)\nY;0;0;60\n",
        },
        10.0 + 10.0,
    ),
    "days of the week, and ways to a depot that is not open": (
        {
            "plants.csv": "Plant,Capacity (kg/day)\nP,40\n",
            "depots.csv": "Depot,Handling ($/kg),Open\nD,1,yes\nE,0,no\n",
            "demand.csv": "Shop,Mon,Tue\nM,10,20\nN,5,5\n",
            "lanes.csv": "From,To,$/kg\nP,D,1\nP,E,0.5\nD,M,1\nD,N,2\nE,M,0.1\nE,N,0.1\n",
        },
        30 * 3.0 + 10 * 4.0,
    ),
    "who has cancelled, and a name of the matrix that is no depot": (
        {
            "stops.csv": "Client;Litres;Statut\nAubry;3;confirmé\nGarage Carrel;9;annulé\nDuval;2;confirmé\n",
            "camions.csv": "Camion;Citerne (l);€/km\nS;5;1\n",
            "trajets.csv": "De;À;km\nDépôt;Aubry;4\nDépôt;Garage Carrel;1\nDépôt;Duval;5\nAubry;Garage Carrel;9\n"
            "Aubry;Duval;3\nGarage Carrel;Duval;9\n",
        },
        12.0,
    ),
    "the depot's place beside the shift and the speed of all": (
        {
            "clienti.csv": "Cliente;X (km);Y (km);Colli\nA;3;4;2\nB;0;5;3\n",
            "furgoni.csv": "Targa;Colli max;€/km\nU;9;1\n",
            "parametri.csv": "Voce;Valore\nDeposito X (km);0\nDeposito Y (km);0\nVelocità (km/h);60\n"
            "Inizio turno;6:00\nFine turno;14:00\n",
        },
        10.0 + 10**0.5,
    ),
    "sites that are open for use, and one that is closed": (
        {
            "mines.csv": "Mine,Available (tons),Price ($/ton)\nP,90,2\n",
            "yards.csv": "Yard,Capacity (tons),Rent if used ($),Status\nD,50,100,open\nE,50,10,open\nF,50,0,closed\n",
            "counties.csv": "County,Order (tons)\nM,20\n",
            "freight.csv": "From,To,$/ton\nP,D,1\nP,E,2\nP,F,1\nD,M,1\nE,M,1\nF,M,1\n",
        },
        20 * 5.0 + 10.0,
    ),
    "predecessors in a list, across orders": (
        {
            "ops.csv": 'Op,Order,Machine,Minutes,After\n10,A,L,30,\n20,B,K,20,\n30,B,L,10,"10, 20"\n',
            "orders.csv": "Order,Due,Late fee ($/h)\nA,07:00,60\nB,06:30,60\n",
            "machines.csv": "Machine,Opens,Closes\nL,06:00,14:00\nK,06:00,14:00\n",
        },
        10.0,
    ),
    "two ovens of different names, which cost by the hour": (
        {
            "batches.csv": "Batch;Deck oven (min);Rack oven (min);Due;Late fee ($/h)\n"
            "A;30;20;07:00;60\nB;60;-;07:00;60\n",
            "ovens.csv": "Oven;On from;Off at;Cost ($/h)\nDeck oven;06:00;12:00;12\nRack oven;06:00;12:00;15\n",
        },
        5.0 + 12.0,
    ),
    "a rate card of trucks by the km, up to a weight": (
        {
            "mills.csv": "Mill;Available (t);Price (€/t)\nL;40;2\n",
            "farms.csv": "Farm;Demand (t)\nM;6\nN;12\n",
            "km.csv": "km;M;N\nL;10;20\n",
            "card.csv": "From (t);Up to (t);€/km per truck\n0;8;1\n8;15;1.5\n",
        },
        18 * 2.0 + 10.0 + 30.0,
    ),
    "plants that cost when they run, and penalties by market": (
        {
            "plants.csv": "Plant,Capacity (cases/week),Fixed cost if run (£/week),Cost per case (£)\n"
            "P,40,100,1\nQ,40,20,2\n",
            "markets.csv": "Market,Demand (cases/week),Shortage penalty (£/case)\nM,10,9\nN,5,2\n",
            "freight.csv": "£/case,M,N\nP,1,1\nQ,1,3\n",
        },
        20 + 10 * 3.0 + 5 * 2.0,
    ),
    "a freight rate by the distance of each way": (
        {
            "werke.csv": "Werk;Kapazität (t/Monat);Herstellkosten (€/t)\nP;50;2\n",
            "kunden.csv": "Kunde;Bedarf (t/Monat)\nM;10\nN;4\n",
            "entfernung_km.csv": "Werk;M;N\nP;40;100\n",
            "frachttarif.csv": "bis km;€/t\n50;1\n100;3\n200;7\n",
        },
        10 * 3.0 + 4 * 5.0,
    ),
    "an alternative machine in a column of its own": (
        {
            "jobs.csv": "Job,Due,Late cost (£/h)\nA,08:00,60\nB,08:00,60\n",
            "routing.csv": "Job,Step,Operation,Machine,Alternative machine,Minutes\n"
            "A,1,Cut,Saw,,30\nA,2,Rout,CNC 1,CNC 2,30\nB,1,Rout,CNC 1,,60\n",
            "machines.csv": "Machine,Starts,Ends,Cost (£/h)\nSaw,07:00,15:00,10\nCNC 1,07:00,15:00,20\n"
            "CNC 2,07:00,15:00,40\n",
        },
        5.0 + 20.0 + 20.0,
    ),
    "setups of the machine that their file is called after": (
        {
            "jobs.csv": "Job,Ink,Press (min),Cutter (min),Due,Penalty (£ per hour late)\n"
            "A,Black,30,10,07:40,60\nB,Blue,20,10,08:00,60\n",
            "press_changeover_min.csv": "from/to,Black,Blue\nBlack,0,10\nBlue,30,0\n",
            "machines.csv": "Machine,From,To\nPress,07:00,15:00\nCutter,07:00,15:00\n",
        },
        10.0,
    ),
    "crews that carry nothing, and what is paid where one does not come": (
        {
            "avisos.csv": "Aviso;Especialidad;Duración (min);Desde;Hasta;Penalización si no se atiende (€)\n"
            "A;Gas;30;8:00;12:00;100\nB;Clima;30;8:00;12:00;25\n",
            "tecnicos.csv": "Técnico;Teléfono;Especialidades;Entrada;Salida;€/hora\n"
            "Marta;600 100 201;Gas, Clima;7:00;15:00;60\n",
            "minutos.csv": "min;Base;A;B\nBase;0;10;20\nA;10;0;15\nB;20;15;0\n",
        },
        10 + 30 + 10 + 25.0,
    ),
    "moments at which material is there": (
        {
            "pedidos.csv": "Pedido;Horneado (min);Hornos posibles;Material disponible;Entrega;Retraso (€/h)\n"
            "A;30;H1, H2;12/06/2026 06:30;12/06/2026 06:50;60\nB;20;H1;12/06/2026 06:00;12/06/2026 07:00;60\n",
            "hornos.csv": "Horno;Abre;Cierra\n"
            "H1;12/06/2026 06:00;12/06/2026 13:00\nH2;12/06/2026 06:00;12/06/2026 12:00\n",
        },
        10.0,
    ),
    "what a machine is set up for when it opens": (
        {
            "orders.csv": "Order,Colour,Minutes,Due,Late fee ($/min)\nA,Red,30,06:50,1\nB,Red,10,06:00,1\n",
            "lines.csv": "Line,Loaded,Start,End\nL,Blue,06:00,14:00\n",
            "changeover.csv": "From / to (min),Blue,Red\nBlue,0,20\nRed,25,0\n",
        },
        30.0 + 10.0,
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_tables_of_new_users_are_planned_at_their_true_price_without_a_question(
    tmp_path: Path, case: str
) -> None:
    files, price = ODD[case]
    made = ko.scaffold(written(files, tmp_path))
    assert not made.questions
    run = ko.load_scenario(made.write(tmp_path / "first.toml")).run(time_limit=1)
    assert run.result.objective == pytest.approx(price, abs=0.005)


def test_ovens_that_are_counted_bake_side_by_side(tmp_path: Path) -> None:
    files = {
        "orders.csv": "Order,Mixer (min),Oven (min),Due,Late fee ($/min)\nA,10,60,05:10,1\nB,10,60,05:20,1\n",
        "places.csv": "Machine,Quantity,Opens,Closes\nMixer,1,04:00,12:00\nOven,2,04:00,12:00\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    run = ko.load_scenario(made.write(tmp_path / "first.toml")).run(time_limit=1)
    assert not made.questions
    assert run.result.objective == pytest.approx(0.0)
    assert {*run.problem.machines["name"]} == {"Mixer", "Oven 1", "Oven 2"}


def test_capacity_that_differs_by_quarter_is_asked_about(tmp_path: Path) -> None:
    files = {
        "plants.csv": "Plant,Cost ($/ton),Q1 output,Q2 output\nB,182,140,0\nC,176,120,160\n",
        "regions.csv": "Region,Q1,Q2\nN,60,40\nE,85,55\n",
        "rates.csv": "Plant,Region,$/ton\nB,N,12\nB,E,21\nC,N,16\nC,E,7\n",
    }
    made = ko.scaffold(written(files, tmp_path))
    assert any("Q2 output" in question.text for question in made.questions)
