"""Read, check and split the user's tables; ready example tables with known laws."""

from kanopt.tables._text import TextFormat
from kanopt.tables.examples import (
    City,
    SiouxFalls,
    SupplyNetworkTables,
    Workshop,
    load_city,
    load_sioux_falls,
    load_supply_network,
    load_workshop,
)
from kanopt.tables.report import BadCell, TableReport, report_of, units_of, with_units
from kanopt.tables.splitting import split
from kanopt.tables.table_reading import read_table

__all__ = [
    "BadCell",
    "City",
    "SiouxFalls",
    "SupplyNetworkTables",
    "TableReport",
    "TextFormat",
    "Workshop",
    "load_city",
    "load_sioux_falls",
    "load_supply_network",
    "load_workshop",
    "read_table",
    "report_of",
    "split",
    "units_of",
    "with_units",
]
