"""Text files in the pages of codes of western and of central Europe, told apart by their words."""

from pathlib import Path

import pandas as pd
import pytest

import kanopt as ko

WESTERN = {
    "German": "Auftrag;Größe;Rüstzeit;Gewicht\nSchraubstöcke;4;12;3\nTürgriffe;2;8;1\nSpäne für Öfen;7;5;2",
    "French": "tournée;arrêt;durée;dépôt\nSaint-Étienne;Evêché;7;Besançon\nCréteil;Hôpital;9;Nîmes",
    "Spanish": "pedido;almacén;tamaño;estación\nJaén;Logroño;3;otoño\nLeón;A Coruña;4;primavera",
    "Portuguese": "armazém;distância;condição;pão\nCovilhã;12;bom;não\nGuimarães;7;razões;sim",
    "Danish": "ordre;vægt;læssetid;sted\nRugbrød;3;4;Næstved\nSmør;5;2;Sønderborg\nÆbler;1;2;Tårnby",
    "Catalan": "ciutat;província;pes;lloc\nValència;València;3;mòdul\nGirona;Àger;5;cafè",
    "Icelandic": "staður;þyngd;gata\nBreiðholt;3;Hátún\nKópavogur;5;Þverá",
    "Estonian": "koht;kaal;tänav\nPõlva;3;Võru\nPärnu;5;Õie",
    "Italian": "quantità;priorità;città;qualità\n3;1;Forlì;più\n2;4;Cantù;però",
}
CENTRAL = {
    "Polish": "pojazd;ładowność;prędkość;kierowca\nŻuk;3;40;Paweł Wiśniewski\nJelcz;9;60;Michał Dąbrowski",
    "Czech": "dodávka;hmotnost;příjezd;ulice\nKafe;3;8:00;Křížová\nČaj;2;9:30;Vinařská\nRýže;4;7:15;U Rybníčků",
    "Hungarian": "rendelés;súly;kezdés;idő\nTejföl;3;8:00;hétfő\nSütemény;2;9:00;gyűjtő",
    "Slovak": "objednávka;hmotnosť;trasa;vozidlo\nĽanový olej;3;Žilina;kŕmny voz\nMäso;2;Trenčín;chladiaci",
    "Croatian": "narudžba;težina;vozač;skladište\nŠećer;3;Đuro;Čakovec\nKruh;2;Željko;Požega",
    "Romanian": "comandă;greutate;şofer;judeţ\nPâine;3;Ştefan;Braşov\nBrânză;2;Mihăiţă;Timiş",
}


@pytest.mark.parametrize(
    ("text", "page"),
    [(text, page) for page, each in (("cp1252", WESTERN), ("cp1250", CENTRAL)) for text in each.values()],
    ids=[*WESTERN, *CENTRAL],
)
def test_the_page_of_codes_is_told_by_the_words(text: str, page: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(page))
    frame = ko.read_table(path)
    header, *rows = [line.split(";") for line in text.split("\n")]
    assert [*frame.columns] == header
    assert [*frame.iloc[:, 0].astype(str)] == [row[0] for row in rows]
    assert f"not UTF-8, so read as {page}: check names with accents" in str(ko.report_of(frame))


@pytest.mark.parametrize("in_workbook", [False, True])
def test_numbers_among_texts_with_decimal_commas_are_read_as_they_are(
    in_workbook: bool, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"weight": ["1,5", 2.25, 3, "1.234,5"], "name": ["a", "b", "c", "d"]})
    if in_workbook:
        frame.to_excel(tmp_path / "book.xlsx", index=False)
    source = tmp_path / "book.xlsx" if in_workbook else frame
    read = ko.read_table(source, form=ko.TextFormat(decimal=",", thousands="."))
    assert read["weight"].tolist() == [1.5, 2.25, 3.0, 1234.5]
