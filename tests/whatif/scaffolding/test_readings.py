"""Small tables as people have them: which become which part, whatever they are called and in whatever order."""

from __future__ import annotations

import tomllib
from itertools import permutations
from pathlib import Path

import pytest

import kanopt as ko
from kanopt.errors import TableError
from kanopt.whatif.scaffolding.kinds import guess_roles
from kanopt.whatif.scaffolding.sources import read_sources

TABLES = {
    "fuel": {
        "Tankstellen.csv": "Tankstelle;Rechtswert (km);Hochwert (km);Bestellmenge (l);Öffnung;Schließung;"
        "Abladezeit (min)\n"
        "T1;3;4;2000;06:00;12:00;20\nT2;-3;5;1500;07:00;15:00;20\n",
        "Tankwagen.csv": "Tankwagen;Stück;Fassungsvermögen (l);Einsatzkosten (€);Kosten pro km (€);von;bis;"
        "Tempo (km/h)\n"
        "TW1;2;8000;90;0,8;05:00;15:00;55\n",
        "Raffinerie.csv": "Raffinerie;Rechtswert (km);Hochwert (km)\nR;0;0\n",
    },
    "repairs": {
        "visitas.csv": "Visita,X (km),Y (km),Duración (min),Desde,Hasta,Especialidad\n"
        "V1,3,4,45,08:00,12:00,gas\nV2,5,5,30,09:00,13:00,\n",
        "tecnicos.csv": "Técnico,Coste por km (€),Coste por hora (€),Entrada,Salida,Especialidades\n"
        "Ana,0.3,25,08:00,16:00,gas\nLuis,0.3,22,08:00,16:00,\n",
        "oficina.csv": "Oficina,X (km),Y (km)\nCentral,0,0\n",
    },
    "alternatives": {
        "Arbeitsgänge.csv": "Auftrag;Schritt;Anlage;Minuten\nA;1;M1;20\nA;1;M2;25\nA;2;M3;30\nB;1;M1;15\n",
        "Aufträge.csv": "Auftrag;Fertig bis;Strafe je Stunde (€)\nA;08:00;60\nB;09:00;30\n",
    },
    "network": {
        "mills.csv": "Mill,Product,Max tonnes,Cost per tonne (EUR)\nM1,flour,100,200\nM1,bran,50,90\nM2,flour,80,210\n",
        "bakeries.csv": "Bakery,Product,Tonnes\nB1,flour,60\nB1,bran,20\nB2,flour,70\n",
        "haulage.csv": "Mill,Bakery,EUR per tonne\nM1,B1,10\nM1,B2,12\nM2,B1,9\nM2,B2,8\n",
    },
}
READ = {
    "fuel": {
        "vehicles": {
            "capacity": "Fassungsvermögen (l)",
            "num_available": "Stück",
            "shift_start": "von",
            "shift_end": "bis",
        },
        "clients": {
            "demand": "Bestellmenge (l)",
            "earliest": "Öffnung",
            "service_duration": "Abladezeit (min)",
        },
        "depots": {"name": "Raffinerie"},
    },
    "repairs": {
        "vehicles": {"shift_start": "Entrada", "shift_end": "Salida", "skills": "Especialidades"},
        "clients": {"needs": "Especialidad", "service_duration": "Duración (min)"},
    },
    "alternatives": {"jobs": {"due_date": "Fertig bis", "tardiness_cost": "Strafe je Stunde (€)"}},
    "network": {
        "suppliers": {"name": "Mill", "product": "Product", "capacity": "Max tonnes"},
        "demand": {"market": "Bakery", "product": "Product", "demand": "Tonnes"},
        "lanes": {"tail": "Mill", "head": "Bakery"},
    },
}


def written(files: dict[str, str], folder: Path) -> list[Path]:
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in files]


@pytest.mark.parametrize("case", TABLES)
def test_columns_become_fields_in_whatever_order_the_files_are_named(tmp_path: Path, case: str) -> None:
    for paths in permutations(written(TABLES[case], tmp_path)):
        parts = guess_roles(read_sources(paths)[0], None).parts
        for part, expected in READ[case].items():
            filled = {each.field.name: each.column.name for each in parts[part].filled}
            assert expected.items() <= filled.items()


def test_rows_of_one_step_are_ways_to_do_it(tmp_path: Path) -> None:
    made = ko.scaffold(written(TABLES["alternatives"], tmp_path))
    assert made.made["made_tasks"]["name"].tolist() == ["A 1", "A 2", "B 1"]
    assert made.made["made_modes"]["task"].tolist() == ["A 1", "A 1", "A 2", "B 1"]


def test_chains_of_predecessors_become_an_order_and_others_are_refused(tmp_path: Path) -> None:
    steps = "Step;Order;Machine;Minutes;After\nS1;O;M;20;S2\nS2;O;M;30;S3\nS3;O;N;10;\n"
    orders = "Order;Due;Late (EUR/h)\nO;1:00;60\n"
    made = ko.scaffold(written({"steps.csv": steps, "orders.csv": orders}, tmp_path))
    assert made.made["made_tasks"].set_index("name")["order"].to_dict() == {"S1": 3, "S2": 2, "S3": 1}
    both = steps.replace("S2;O;M;30;S3", "S2;O;M;30;").replace("S1;O;M;20;S2", "S1;O;M;20;S2,S3")
    with pytest.raises(TableError, match="'S1' comes after 'S2', 'S3', which is no chain"):
        ko.scaffold(written({"steps.csv": both, "orders.csv": orders}, tmp_path))


def test_what_fits_no_field_is_asked_about(tmp_path: Path) -> None:
    files = dict(TABLES["alternatives"])
    files["Arbeitsgänge.csv"] = "Auftrag;Schritt;Anlage;Minuten;Bediener\nA;1;M1;20;Kaya\nB;1;M1;15;Kaya\n"
    made = ko.scaffold(written(files, tmp_path))
    (question,) = made.questions
    assert "'Bediener'" in question.text
    path = made.write(tmp_path / "first.toml")
    with pytest.raises(ko.ScenarioError, match="Bediener"):
        ko.load_scenario(path)
    path = made.answered(["ignore"]).write(path, replace=True)
    assert tomllib.loads(path.read_text("utf-8"))["questions"][0]["answer"] == "ignore"
    assert ko.load_scenario(path).run(time_limit=1).result.has_plan


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*the facility 'none'")
@pytest.mark.parametrize(
    ("weight", "price"),
    [(400, 400 * 0.30), (600, 600 * 0.20)],
    ids=["below the bracket", "above it"],
)
def test_a_rate_card_is_paid_by_the_weight_of_the_shipment(tmp_path: Path, weight: int, price: float) -> None:
    files = {
        "rates.csv": "Hub,Shop,From kg,EUR per 100 kg\nH,S,0,30\nH,S,500,20\n",
        "hubs.csv": "Hub,In stock (kg)\nH,2000\n",
        "shops.csv": f"Shop,Order (kg)\nS,{weight}\n",
    }
    path = ko.scaffold(written(files, tmp_path)).write(tmp_path / "first.toml")
    assert ko.load_scenario(path).run(time_limit=1).result.objective == pytest.approx(price, abs=0.005)
