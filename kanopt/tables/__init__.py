"""Read, check and split the user's tables; ready example tables with known laws."""

from kanopt.tables._text import TextFormat
from kanopt.tables.examples._city import City, make_city
from kanopt.tables.reading import read_table
from kanopt.tables.report import BadCell, TableReport, report_of, units_of, with_units
from kanopt.tables.schema import Column, Schema
from kanopt.tables.splitting import split

__all__ = [
    "BadCell",
    "City",
    "Column",
    "Schema",
    "TableReport",
    "TextFormat",
    "make_city",
    "read_table",
    "report_of",
    "split",
    "units_of",
    "with_units",
]
