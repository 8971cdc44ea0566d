"""The words by which headers of histories speak of outcomes, conditions, dates and measures, in several languages.

A vocabulary, not a rule. Words stand in small letters and without accents, as headers are read; English, German,
French, Spanish and Polish. Words that are run together are taken apart: ``tsales``, ``totqty`` and
``Transportkosten`` hold words that are known.
"""

from __future__ import annotations

from functools import lru_cache

from kanopt.whatif.scaffolding.sources import ColumnFacts

__all__ = [
    "AFTERWARDS",
    "CALENDAR",
    "CHANGED",
    "CONDITIONS",
    "DATES",
    "DAYS",
    "LEVERS",
    "MEASURE_WORDS",
    "OUTCOMES",
    "PLANNED",
    "RATIOS",
    "THINGS",
    "WEAKER",
    "words_of",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OUTCOMES = {
    5: _words("target outcome response y label"),
    4: _words(
        """
        duration minutes travel traveltime cost costs fare freight consumption demand sales sold kwh energy bags
        pallets strength
        fahrzeit fahrtzeit lieferzeit laufzeit dauer fracht kosten verbrauch absatz umsatz bedarf nachfrage energie
        duree fret cout couts consommation demande ventes carburant
        duracion flete coste costes costo costos consumo demanda ventas energia combustible
        koszt koszty zuzycie popyt sprzedaz fracht paliwo
        """
    ),
    3: _words(
        """
        time minute delay price prices amount seconds sec secs elapsed revenue revenues qty quantity rate hours
        tip tips tolls demanded fuel mpg rentals bikers riders passengers traffic count value wage wages salary takings
        turnover bill bills sale prc expenditure emissions
        zeit preis betrag menge erloes verspaetung anzahl wert rechnung lohn fahrgaeste
        temps prix montant quantite retard recette recettes nombre valeur salaire facture
        tiempo precio importe cantidad retraso ingresos valor salario factura
        czas cena kwota ilosc opoznienie przychod przychody liczba wartosc
        """
    ),
}
"""Words of headers by how likely what they name is wanted to be known."""
WEAKER = _words(
    """
    volume output production yield ridership trips rides orders visits calls arrivals departures bookings incidents
    accidents claims crashes deaths fatal injuries fatalities rent gas gasoline total petrol diesel oil
    electricity speed score throughput consumed produced delivered visitors patients co2
    menge ausstoss produktion fahrten unfaelle miete strom besucher production produccion produkcja predkosc
    """
)
"""Words of what is wanted to be known where no plainer one is there, and which may be known beforehand."""
LEVERS = _words(
    """
    price prices prc rate value count passengers hours wage wages preis wert anzahl lohn prix nombre valeur salaire
    precio valor salario cena liczba wartosc
    """
)
"""Words of outcomes that are as often decided or known before: prices, numbers of people."""
PLANNED = _words(
    """
    sched scheduled planned expected promised list listed orig original asking initial start lag lagged previous prev
    forecast budget historical
    geplant soll plan prevu initiale previsto planowany planowana
    """
)
"""Words by which a header says that what it names is known before."""
AFTERWARDS = _words(
    "bids actual realised realized completed finished tatsaechlich ist reel realizado rzeczywisty"
)
"""Words of what is known only afterwards, whatever it is."""
RATIOS = _words(
    "per pct percent percentage share shares ratio index prozent anteil quote pourcent part porcentaje procent"
)
"""Words of what is made of two others."""
CONDITIONS = _words(
    """
    temp temps temperature hum humidity wind windspeed rain snow precip precipitation rainfall snowfall cloud clouds
    cloudcover weather pressure dew visibility sunshine storm wave waves hightemp lowtemp avgtemp
    age sex gender pop population education educ unemp unem unemployment cpi inflation gdp interest
    distance dist altitude elevation capacity size area sqft length width height
    temperatur regen schnee wetter luftfeuchte alter einwohner entfernung strecke
    temperature pluie neige vent habitants
    temperatura lluvia nieve viento edad habitantes distancia
    deszcz snieg wiatr wiek odleglosc dystans
    """
) - _words("temps")
"""Words of what nobody plans to foretell: weather, people, places, sizes."""
CALENDAR = _words(
    """
    hour hr std stunde minute day dow weekday tag week woche month mnth monat year yr jahr date period quarter datum
    jour mois semaine annee heure dia mes semana ano anio hora fecha dzien miesiac tydzien rok godzina wochentag
    """
)
DATES = _words("year week period date jahr woche yr datum fecha annee semaine ano anio semana rok tydzien")
DAYS = _words("day tag jour dia dzien")
THINGS = _words(
    """
    state region city town county country district zone area borough route line firm company branch sector industry
    store shop plant depot warehouse site station customer client supplier vendor driver vehicle truck machine product
    item category class type group segment
    land ort stadt kunde lieferant fahrer fahrzeug filiale lager linie werk artikel
    pays ville client fournisseur magasin ligne produit pais ciudad cliente proveedor tienda producto
    kraj miasto klient dostawca sklep kierowca pojazd produkt
    """
)
"""Words of things of which a whole number is a name."""
MEASURE_WORDS = {
    "length": _words(
        "distance dist length mileage entfernung strecke distanz distancia odleglosc dystans trasa"
    ),
    "time": _words(
        """
        duration time travel elapsed dauer fahrzeit fahrtzeit lieferzeit laufzeit zeit duree delay verspaetung retard
        duracion tiempo retraso czas opoznienie
        """
    ),
    "money": _words(
        """
        cost costs fare freight price prices prc fracht kosten charge tip tips tolls toll insurance revenue
        revenues fee bill bills takings turnover expenditure salary rent sale
        preis betrag umsatz erloes rechnung miete lohn prix cout couts fret montant recette recettes facture
        precio coste costes costo costos flete importe ingresos factura salario
        cena koszt koszty kwota przychod przychody
        """
    ),
    "energy": _words("energy energie energia consumption electricity strom"),
    "amount": _words(
        """
        load weight demand quantity qty volume sales bags gewicht ladung menge absatz bedarf nachfrage poids quantite
        charge demande ventes peso cantidad carga demanda ventas waga masa ilosc popyt sprzedaz
        """
    )
    - _words("charge"),
}
CHANGED = _words("l ln log c d g r cl dl gr sq sqrt real rel norm log10 2")
"""What stands before or behind a name where its column was logged, squared, differenced or deflated."""

_BEFORE = _words(
    "jul tot total avg mean med max min log ln num sum cum air run lead ride travel gas elec high low net gross"
)
_SHORT = _words("qty prc")  # known with a letter behind, as those of buyers a and b
_COMPOUNDS = _words(
    "zeit dauer kosten preis menge strecke umsatz verbrauch betrag gewicht datum fracht fahrten lohn miete "
    "anteil share percent"
)
"""Words before which any other may stand: Transportkosten, Lieferdatum, laborshare."""
_WHOLE = _words(
    """
    account accurate candidate corporate current discount estimate moderate operate private rental separate temperate
    torrent county counties country countries counter update welfare climate sometimes sunday monday today birthday
    """
)
"""Words that hold another one by chance."""
_KNOWN = frozenset().union(
    *OUTCOMES.values(),
    WEAKER,
    _words("share shares ratio percent percentage prozent anteil"),
    CONDITIONS,
    DATES,
    DAYS,
    CALENDAR,
    *MEASURE_WORDS.values(),
)
_FROM = {4: 2, 5: 3, 6: 4}  # letters that may stand before a word of so many; before longer ones any


def words_of(column: ColumnFacts) -> frozenset[str]:
    """Return the words of a header, those among them that are run together with others too.

    Examples
    --------
    >>> import pandas as pd
    >>> sorted(words_of(ColumnFacts("totqty", pd.Series([1]), 1)))
    ['qty', 'tot', 'totqty']
    """
    return frozenset(word for piece in column.header.pieces for word in _taken_apart(piece))


@lru_cache(maxsize=4096)
def _taken_apart(piece: str) -> tuple[str, ...]:
    """Return a piece and the known word it begins or ends with."""
    if piece in _KNOWN or piece in _WHOLE:
        return (piece,)
    for word in sorted(_KNOWN, key=len, reverse=True):
        if len(word) < 3:
            break
        before, after = piece.removesuffix(word), piece.removeprefix(word)
        if before != piece and before in _BEFORE:
            return (piece, before, word)
        most = 99 if word in _COMPOUNDS else _FROM.get(len(word), 99)
        if before != piece and len(word) > 3 and len(before) <= most:
            return (piece, word)
        behind = 2 if len(word) > 4 else 1
        if after != piece and len(after) <= behind and (len(word) > 3 or word in _SHORT):
            return (piece, word)
    return (piece,)
