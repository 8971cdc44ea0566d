"""Units and reports that travel with a frame."""

from __future__ import annotations

from kanopt.tables import BadCell, TableReport

REPORT = TableReport(
    source="trips.csv",
    format="text",
    sha256="0123456789abcdef" * 4,
    rows_read=1_200,
    rows=1_190,
    left_out={"minutes: not a number": 10},
    set_missing={"load": {"below the minimum 0": 3}},
    missing={"load": 1},
    duplicates=2,
    columns_left_out=tuple(f"c{k}" for k in range(14)),
    units={"minutes": "min", "share": ""},
    notes=("2 blank lines skipped",),
    examples=(BadCell(17, "minutes", "soon", "not a number"),),
)


def test_a_person_can_read_it() -> None:
    assert str(REPORT).splitlines() == [
        "trips.csv (text), sha256 0123456789ab…",
        "  1,200 rows read, 1,190 kept, 10 left out",
        "  10 of 1,200 rows left out: 10 × minutes: not a number (such as 'soon' in row 17); 3 cells set missing: "
        "3 × load: below the minimum 0; 2 rows repeat an earlier one and are kept",
        "  2 blank lines skipped",
        "  load: 1 missing in the source",
        "  not asked for: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 and 2 more",
        "  units: minutes [min], share [1]",
    ]
    assert repr(REPORT) == str(REPORT)
