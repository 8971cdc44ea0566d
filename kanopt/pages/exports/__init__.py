"""Plans as files for other programs and for print: workbook, map, tables, summary, work orders."""
