"""Read, check and split the user's tables; ready example tables with known laws."""

from kanopt.tables._text import TextFormat as TextFormat
from kanopt.tables.report import BadCell as BadCell
from kanopt.tables.report import City as City
from kanopt.tables.report import TableReport as TableReport
from kanopt.tables.report import load_example as load_example
from kanopt.tables.report import report_of as report_of
from kanopt.tables.report import units_of as units_of
from kanopt.tables.report import with_units as with_units
from kanopt.tables.splitting import split as split
from kanopt.tables.table_reading import read_table as read_table
