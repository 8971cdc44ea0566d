"""Read, check and split the user's tables; ready example tables with known laws."""

from kanopt.tables.examples._city import City, make_city
from kanopt.tables.report import BadCell, TableReport, report_of, units_of, with_units
from kanopt.tables.splitting import split

__all__ = [
    "BadCell",
    "City",
    "TableReport",
    "make_city",
    "report_of",
    "split",
    "units_of",
    "with_units",
]
