"""Read, check and split the user's tables; ready example tables with known laws."""

from kanopt.tables._text import TextFormat
from kanopt.tables.examples._city import City, make_city
from kanopt.tables.examples._sioux_falls import SiouxFalls, load_sioux_falls
from kanopt.tables.examples._supply import SupplyNetworkTables, make_supply_network
from kanopt.tables.examples._workshop import Workshop, make_workshop
from kanopt.tables.report import BadCell, TableReport, report_of, units_of, with_units
from kanopt.tables.schema import Column, Schema
from kanopt.tables.splitting import split
from kanopt.tables.table_reading import read_table

__all__ = [
    "BadCell",
    "City",
    "Column",
    "Schema",
    "SiouxFalls",
    "SupplyNetworkTables",
    "TableReport",
    "TextFormat",
    "Workshop",
    "load_sioux_falls",
    "make_city",
    "make_supply_network",
    "make_workshop",
    "read_table",
    "report_of",
    "split",
    "units_of",
    "with_units",
]
