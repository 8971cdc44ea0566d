"""What the parts of each kind of problem are called in names of files, and what a table must hold to be one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kanopt.problems import RoutingUnits, SchedulingUnits, SupplyUnits
from kanopt.records.likeness import TableField

__all__ = ["HISTORY_WORDS", "PARTS", "Part", "fields_of"]


@dataclass(frozen=True)
class Part:
    """A part of a problem.

    Parameters
    ----------
    kind, name
        The kind of problem, and the part in it.
    words
        Words in the name of a file that tell of it, in small letters without accents.
    needs
        Groups of fields; of each group all must be there, and one group is enough.
    most
        More rows than these it hardly has.
    """

    kind: str
    name: str
    words: frozenset[str]
    needs: tuple[tuple[str, ...], ...] = ((),)
    most: int = 5_000

    @property
    def named(self) -> bool:
        """Whether its rows have names."""
        return any(field.name == "name" for field in fields_of(self.kind, self.name)) and self.name != "modes"


_PLACE = (("x", "y"), ("lat", "lon"))

_PARTS = """
routing depots: depot depots hub hubs base bases lager garage garages dc depositos deposito entrepot entrepots
routing clients: client clients customer customers stop stops shop shops store stores order orders delivery deliveries
    visits kunde kunden auftrage lieferungen arrets clientes paradas drops addresses
routing vehicles: vehicle vehicles fleet van vans truck trucks lorry lorries car cars fahrzeug fahrzeuge fuhrpark
    vehicule vehicules flotte camion camiones flota vehiculos
routing distances: distances distance matrix entfernungen
routing durations: durations times traveltimes fahrzeiten matrix
routing links: link links road roads street streets edge edges arc arcs segment segments strassen routes rues calles
routing nodes: node nodes junction junctions intersection intersections crossing crossings vertices knoten noeuds nodos
scheduling jobs: job jobs order orders workorders auftrag auftrage pedidos commandes
scheduling tasks: task tasks operation operations ops steps vorgange arbeitsgange taches tareas routing
scheduling machines: machine machines resource resources workcenters stations lines maschine maschinen anlagen maquinas
scheduling modes: mode modes alternatives eligible assignments options
scheduling setups: setup setups changeover changeovers rusten rustzeiten
scheduling calendars: calendar calendars break breaks downtime downtimes maintenance shifts pausen wartung
scheduling power_price: power electricity energy tariff prices strompreise
supply suppliers: supplier suppliers vendor vendors lieferant lieferanten fournisseurs proveedores sources
supply facilities: facility facilities site sites plant plants warehouse warehouses dc dcs factory factories hubs depots
    standorte werke lager entrepots almacenes
supply markets: market markets customer customers region regions client clients store stores markte kunden marches
    mercados destinations
supply products: product products item items sku skus article articles artikel produkte produits productos commodities
supply periods: period periods month months week weeks perioden monate calendar periodos
supply lanes: lane lanes arc arcs link links route routes connections routen strecken rutas
supply demand: demand demands forecast orders bedarf nachfrage demande demanda requirements
"""

_NEEDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "depots": _PLACE,
    "clients": _PLACE,
    "vehicles": (
        ("capacity",),
        ("num_available",),
        ("unit_duration_cost",),
        ("unit_distance_cost",),
        ("fixed_cost",),
    ),
    "distances": (("from", "to", "distance"),),
    "durations": (("from", "to", "duration"),),
    "links": (("tail", "head", "length"),),
    "nodes": _PLACE,
    "jobs": (("due_date",), ("release_date",), ("tardiness_cost",), ("name",)),
    "tasks": (("job",),),
    "modes": (("task", "machine"),),
    "setups": (("before", "after", "time"),),
    "calendars": (("start", "end"),),
    "power_price": (("start", "price"),),
    "suppliers": (("capacity",), ("unit_cost",), ("product",), *_PLACE),
    "facilities": (("capacity",), ("fixed_cost",), *_PLACE),
    "lanes": (("tail", "head"),),
    "demand": (("market", "demand"),),
}
_MOST = {
    "depots": 50,
    "vehicles": 500,
    "machines": 500,
    "facilities": 2_000,
    "products": 2_000,
    "periods": 500,
}
_PAIRS = {
    "distances": (("from", str), ("to", str), ("distance", float)),
    "durations": (("from", str), ("to", str), ("duration", float)),
    "links": (("tail", str), ("head", str), ("length", float)),
    "nodes": (("name", str), ("x", float), ("y", float), ("lat", float), ("lon", float)),
    "demand": (("market", str), ("product", str), ("period", str), ("demand", float), ("demand_sd", float)),
}

_HISTORY = """
trip trips log logs history historical past shipment shipments freight sales tours runs records measurements data train
training observations fahrten touren verkaufe sendungen historie trajets ventes envois viajes ventas envios deliveries
telematics flights rides actuals transactions invoices
"""
HISTORY_WORDS = frozenset(_HISTORY.split())
"""Words in the name of a file whose rows are what happened, from which laws are learned."""


@lru_cache(maxsize=64)
def fields_of(kind: str, part: str) -> tuple[TableField, ...]:
    """Return the fields of a part.

    Examples
    --------
    >>> [field.name for field in fields_of("scheduling", "setups")]
    ['before', 'after', 'time', 'machine']
    """
    if part in _PAIRS:
        units = {"distance": "km", "duration": "min", "length": "km", "x": "km", "y": "km"}
        return tuple(TableField(name, units.get(name, ""), kind_) for name, kind_ in _PAIRS[part])
    units_of_kind = {"routing": RoutingUnits, "scheduling": SchedulingUnits, "supply": SupplyUnits}[kind]
    table = next(table for table in units_of_kind().tables() if table.name == part)
    return tuple(TableField.of(item, table) for item in table.fields)


def _parts(text: str) -> tuple[Part, ...]:
    lines = text.strip().replace("\n    ", " ").splitlines()
    found = []
    for line in lines:
        names, _, words = line.partition(":")
        kind, name = names.split()
        found.append(
            Part(kind, name, frozenset(words.split()), _NEEDS.get(name, ((),)), _MOST.get(name, 5_000))
        )
    return tuple(found)


PARTS = _parts(_PARTS)
"""Every part that a table may be."""
