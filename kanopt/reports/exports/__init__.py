"""Plans as files for other programs and for print: workbook, map, tables, summary, work orders."""

from kanopt.reports.exports.export import (
    EXPORTS,
    export,
    export_all,
    export_files,
    export_tables,
    refuse_exports,
)

__all__ = ["EXPORTS", "export", "export_all", "export_files", "export_tables", "refuse_exports"]
