"""What people call units: for hints in messages and for what a header may mean, never to convert anything.

A vocabulary, not a rule. Words stand in small letters and without accents.
"""

from __future__ import annotations

_UNITS = {
    "mm cm km": "",
    "m metre metres meter meters": "m",
    "kms kilometre kilometres kilometer kilometers kilometros kilometrique kilometrico kilometr kilometry": "km",
    "mi mile miles milla millas": "mi",
    "h hr hrs hour hours hourly horaire std stunde stunden heure heures hora horas godz godzina godziny godzin": "h",
    "ora ore orario oraria horario horaria uur uren": "h",
    "min mins minute minutes minuten minutos minuta minuty minut minuti minuut": "min",
    "s sekunde sec secs second seconds sekunden secondes segundos sekundy sekund": "s",
    "d day days daily tag tage jour jours dia dias dzien dni giorno giorni dag dagen": "day",
    "week weeks weekly woche wochen semaine semaines semana semanas tydzien tygodnie tygodni": "week",
    "settimana settimane weken": "week",
    "month months monthly monat monate mois mes meses mese mesi maand maanden miesiac miesiace": "month",
    "year years yearly": "year",
    "kg kgs kilo kilos kilogramm kilogram kilograms kilogramy": "kg",
    "g gram grams": "g",
    "t ton tons tonne tonnes tonnen tonelada toneladas tona tony": "t",
    "lb lbs pound pounds libra libras": "lb",
    "l ltr litro litros liter liters litre litres litr litry litrow": "l",
    "hl hectolitre hectolitres hektoliter hectolitro hectolitros hektolitr hektolitry": "hl",
    "qm sqm": "m^2",
    "sqft": "ft^2",
    "m3 cbm": "m^3",
    "eur euro euros €": "EUR",
    "usd dollar dollars $": "USD",
    "gbp £": "GBP",
    "chf": "CHF",
    "pln zl zloty zlote zlotych": "PLN",
    "kwh": "kWh",
    "mwh": "MWh",
    "kw": "kW",
    "pal pallet pallets palette paletten palettes palet palets pale pales plt paleta palety": "pallet",
    "epal europalette europaletten": "pallet",
    "pcs pc piece pieces stk stueck stuck unidades szt sztuka sztuki sztuk pezzo pezzi stuks": "pcs",
    "parcel parcels colli collo kolli kollo paket pakete bulto bultos paczka paczki": "parcel",
    "container containers contenedor contenedores conteneur conteneurs kontener kontenery": "container",
    "teu": "TEU",
    "box boxes": "box",
    "bag bags sack sacks worek worki workow": "bag",
    "crate crates case cases kiste kisten caisse caisses caja cajas skrzynka skrzynki": "crate",
    "krat kratten cassa casse cassetta cassette": "crate",
    "carton cartons karton kartons kartony": "carton",
    "kmh kph": "km/h",
    "mph": "mph",
    "mpg": "mi/gal",
}

UNIT_WORDS = {word: unit or word for words, unit in _UNITS.items() for word in words.split()}
"""Word to the unit that is meant."""
