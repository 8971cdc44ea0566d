"""What people call units: for hints in messages and for what a header may mean, never to convert anything.

A vocabulary, not a rule. Words stand in small letters and without accents.
"""

from __future__ import annotations

__all__ = ["UNIT_WORDS"]

_UNITS = {
    "mm cm km": "",
    "m metre metres meter meters": "m",
    "kms kilometre kilometres kilometer kilometers kilometros kilometrique kilometrico": "km",
    "mi mile miles milla millas": "mi",
    "h hr hrs hour hours hourly horaire std stunde stunden heure heures hora horas": "h",
    "min mins minute minutes minuten minutos": "min",
    "s sekunde sec secs second seconds sekunden secondes segundos": "s",
    "d day days daily tag tage jour jours dia dias": "day",
    "week weeks weekly woche wochen semaine semaines semana semanas": "week",
    "month months monthly monat monate mois": "month",
    "year years yearly": "year",
    "kg kgs kilo kilos kilogramm kilogram kilograms": "kg",
    "g gram grams": "g",
    "t ton tons tonne tonnes tonnen tonelada toneladas": "t",
    "lb lbs pound pounds libra libras": "lb",
    "l ltr litro litros liter liters litre litres": "l",
    "hl hectolitre hectolitres hektoliter hectolitro hectolitros": "hl",
    "qm sqm": "m^2",
    "sqft": "ft^2",
    "m3 cbm": "m^3",
    "eur euro euros €": "EUR",
    "usd dollar dollars $": "USD",
    "gbp £": "GBP",
    "chf": "CHF",
    "kwh": "kWh",
    "mwh": "MWh",
    "kw": "kW",
    "pallet pallets palette paletten palettes palet palets pale pales plt epal europalette europaletten": "pallet",
    "pcs pc piece pieces stk stueck stuck unidades": "pcs",
    "parcel parcels colli collo kolli kollo paket pakete bulto bultos": "parcel",
    "container containers": "container",
    "teu": "TEU",
    "box boxes": "box",
    "crate crates kiste kisten caisse caisses caja cajas": "crate",
    "carton cartons karton kartons": "carton",
    "kmh kph": "km/h",
    "mph": "mph",
    "mpg": "mi/gal",
}

UNIT_WORDS = {word: unit or word for words, unit in _UNITS.items() for word in words.split()}
"""Word to the unit that is meant."""
