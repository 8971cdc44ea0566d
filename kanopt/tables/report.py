"""Metadata of a frame: units, and the report of how it was read.

Both live in ``frame.attrs["kanopt"]`` as plain dictionaries, so that they survive slicing, copying and a
Parquet round trip; read them with :func:`units_of` and :func:`report_of`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import is_numeric_dtype
from pydantic import TypeAdapter

from kanopt.array_types import Floats
from kanopt.display import Part, Shown
from kanopt.errors import TableError, nearest, warn_user
from kanopt.text import count_text, join_list, list_names
from kanopt.units import check_unit

KEY = "kanopt"
_MOST_REASONS, _MOST_NOTES = 3, 4
"""So many of them a remark names."""


@dataclass(frozen=True)
class BadCell:
    """One cell that violates the specification of its column.

    Parameters
    ----------
    row
        The row of the file, the header being row 1; in Parquet, SQL and frames, the record counted from 1.
    column, value
        The column's name in the frame, and the cell as it stands in the source.
    reason
        The fault.
    """

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, repr=False)
class TableReport(Shown):
    """How a table was read: what was found, what was left out, and why.

    Parameters
    ----------
    source
        The path, or the database without its password.
    format
        Kind, encoding, separator and line ends.
    sha256
        Hash of the file's bytes, or of the records a query returned.
    rows_read
        Data rows found in the source.
    rows
        Rows in the frame.
    left_out
        Reason to number of rows.
    set_missing
        Column to reason to number of cells that were there and are missing now.
    missing
        Column to number of cells that were blank, or marked as missing, in the source.
    duplicates
        Rows that repeat an earlier one and were kept.
    columns_left_out
        Columns of the source that were not asked for.
    derived
        Columns that were computed from others, each with its text.
    units
        Column to unit.
    signs
        Decimal sign and sign between thousands, as keys of :class:`TextFormat`, where the cells of the file showed that
        they are not a point and none.
    notes
        Whatever else was decided while reading, one sentence each.
    examples
        The first bad cells of each kind.

    Examples
    --------
    >>> print(TableReport("trips.csv", "CSV", "ab" * 32, 3, 2, left_out={"minutes: not a number": 1}))
    trips.csv (CSV), sha256 abababababab…
      3 rows read, 2 kept, 1 left out
      1 of 3 rows left out: 1 × minutes: not a number
    """

    source: str
    format: str
    sha256: str
    rows_read: int
    rows: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    set_missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    columns_left_out: tuple[str, ...] = ()
    derived: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    signs: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    examples: tuple[BadCell, ...] = ()

    def _shown(self) -> list[Part]:
        lines: list[Part] = [f"{self.source} ({self.format}), sha256 {self.sha256[:12]}…"]
        gone = self.rows_read - self.rows
        left = f"{gone:,}" if gone else "none"
        lines.append(f"  {count_text(self.rows_read, 'row')} read, {self.rows:,} kept, {left} left out")
        lines += [f"  {told}" for told in self.remarks()]
        lines += [f"  derived: {name} = {text}" for name, text in self.derived.items()]
        for column, n in self.missing.items():
            lines.append(f"  {column}: {n:,} missing{'' if column in self.derived else ' in the source'}")
        if self.columns_left_out:
            lines.append(f"  not asked for: {list_names(self.columns_left_out, 12, quoted=False)}")
        if self.units:
            lines.append("  units: " + ", ".join(f"{c} [{u or '1'}]" for c, u in self.units.items()))
        return lines

    def remarks(self) -> tuple[str, ...]:
        """Return in at most two lines what became of rows and cells, and what was decided about the others.

        Blank cells, and columns that were not asked for, are no matter of reading.

        Examples
        --------
        >>> bad = BadCell(3, "minutes", "soon", "not a number")
        >>> left = {"minutes: not a number": 1}
        >>> TableReport("trips.csv", "CSV", "ab", 3, 2, left_out=left, examples=(bad,)).remarks()
        ("1 of 3 rows left out: 1 × minutes: not a number (such as 'soon' in row 3)",)
        """
        told = []
        if gone := self.rows_read - self.rows:
            rows = count_text(self.rows_read, "row")
            told.append(f"{gone:,} of {rows} left out: {self._reasons(self.left_out)}")
        emptied = {
            f"{column}: {why}": count
            for column, each in self.set_missing.items()
            for why, count in each.items()
        }
        if emptied:
            cells = count_text(sum(emptied.values()), "cell")
            told.append(f"{cells} set missing: {self._reasons(emptied)}")
        if self.duplicates:
            repeat = (
                "repeats an earlier one and is" if self.duplicates == 1 else "repeat an earlier one and are"
            )
            told.append(f"{count_text(self.duplicates, 'row')} {repeat} kept")
        decided = list(self.notes)
        if len(decided) > _MOST_NOTES:
            decided[_MOST_NOTES:] = [f"{len(decided) - _MOST_NOTES:,} more"]
            decided[-2:] = [" and ".join(decided[-2:])]
        return tuple(filter(None, ("; ".join(told), "; ".join(decided))))

    def _reasons(self, counts: Mapping[str, int]) -> str:
        """List the most frequent reasons with their numbers and the first cell of each."""
        first: dict[str, str] = {}
        for cell in self.examples:
            first.setdefault(
                f"{cell.column}: {cell.reason}", f" (such as {cell.value!r} in row {cell.row:,})"
            )
        ranked = sorted(counts.items(), key=lambda entry: -entry[1])
        return join_list([f"{count:,} × {why}{first.get(why, '')}" for why, count in ranked], _MOST_REASONS)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain dictionaries and lists, ready for JSON."""
        plain: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> TableReport:
        """Rebuild a report from :meth:`to_dict`."""
        return _adapter().validate_python(plain)


@cache
def _adapter() -> TypeAdapter[TableReport]:
    return TypeAdapter(TableReport)


def report_of(frame: pd.DataFrame) -> TableReport:
    """Return how a frame was read.

    Raises
    ------
    TableError
        If the frame carries no report.

    Examples
    --------
    >>> from kanopt.tables import load_example
    >>> report_of(load_example("city").trips).rows
    5000
    """
    plain = frame.attrs.get(KEY, {}).get("report")
    if plain is None:
        raise TableError(
            "this frame carries no report: it did not come from read_table, or an operation such as merge "
            "made a new frame of it; pass it through read_table(frame) for one"
        )
    return TableReport.from_dict(plain)


def units_of(frame: pd.DataFrame) -> dict[str, str]:
    """Return the declared units of the columns a frame has; columns without one are absent.

    Examples
    --------
    >>> units_of(with_units(pd.DataFrame({"distance": [1.0]}), {"distance": "km"}))
    {'distance': 'km'}
    """
    units: Mapping[str, str] = frame.attrs.get(KEY, {}).get("units", {})
    return {column: unit for column, unit in units.items() if column in frame.columns}


def with_units(frame: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Return the frame with units declared for some of its columns; values are not converted.

    Raises
    ------
    TableError
        If a column is unknown.
    UnitError
        If a unit is unknown.

    Examples
    --------
    >>> with_units(pd.DataFrame({"distance": [1.0]}), {"distnce": "km"})
    Traceback (most recent call last):
    ...
    kanopt.errors.TableError: no column 'distnce' to give the unit 'km'; did you mean 'distance'?
    """
    checked = {}
    for column, unit in units.items():
        if column not in frame.columns:
            raise TableError(
                f"no column {column!r} to give the unit {unit!r}; {nearest(column, map(str, frame.columns))}"
            )
        checked[column] = check_unit(unit)
    stored = dict(frame.attrs.get(KEY, {}))
    result = frame.copy(deep=False)
    columns = stored.get("columns", _names(frame))
    result.attrs[KEY] = {
        **stored,
        "units": {**stored.get("units", {}), **checked},
        "columns": [*columns, *(name for name in map(str, checked) if name not in columns)],
    }
    return result


def renamed(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return the frame with columns called otherwise, old name to new, and their units with them.

    Examples
    --------
    >>> units_of(renamed(with_units(pd.DataFrame({"km": [1.0]}), {"km": "km"}), {"km": "distance"}))
    {'distance': 'km'}
    """
    units = {names.get(column, column): unit for column, unit in units_of(frame).items()}
    result = frame.rename(columns=names)
    result.attrs[KEY] = {**frame.attrs.get(KEY, {}), "units": units, "columns": _names(result)}
    return result


def declared_units(frame: pd.DataFrame, what: str) -> dict[str, str]:
    """Return the units of a frame as :func:`units_of` does, to whoever reads it.

    pandas knows nothing of units, which are kept by the names of columns: ``frame.rename`` loses them. So units of
    columns that are gone, beside columns that came later and have none, are told of.

    Parameters
    ----------
    frame
        The frame.
    what
        What it is called in the warning.

    Warns
    -----
    KanoptWarning
        If units may have been lost.
    """
    stored = frame.attrs.get(KEY, {})
    found = units_of(frame)
    lost = {column: unit for column, unit in stored.get("units", {}).items() if column not in found and unit}
    if not lost:
        return found
    came = [
        str(name)
        for name, kind in frame.dtypes.items()
        if str(name) not in stored.get("columns", ()) and name not in found and is_numeric_dtype(kind)
    ]
    if came:
        told = list_names([f"{column!r} ({unit})" for column, unit in lost.items()], quoted=False)
        warn_user(
            f"{what}: no unit is declared for {list_names(came)}, but there are units of columns that are gone: "
            f"{told}; a frame renamed by pandas loses them: declare them again, ko.with_units({what}, …)"
        )
    return found


def _names(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame.columns]


def attach_report(
    frame: pd.DataFrame, report: TableReport, rows: NDArray[np.int64] | None = None
) -> pd.DataFrame:
    """Store a report, the units it names, and where `rows` are in the source in the frame itself; return the frame."""
    frame.attrs[KEY] = {"units": dict(report.units), "columns": _names(frame), "report": report.to_dict()}
    if rows is not None:
        # attributes are copied with every slice: a text is, by reference
        starts = np.flatnonzero(np.diff(rows, prepend=rows[:1] - 2) != 1)
        ends = np.append(starts[1:], len(rows)) - 1
        frame.attrs[KEY]["rows"] = " ".join(f"{rows[i]}-{rows[k]}" for i, k in zip(starts, ends, strict=True))
    return frame


def rows_in_source(frame: pd.DataFrame) -> NDArray[np.int64] | None:
    """Return for each row of a frame which one it is in what it was read from, counted as a person would; (n,).

    None where that is not known: the frame was not read, or has other rows than then.

    Examples
    --------
    >>> report = TableReport("trips.csv", "CSV", "ab" * 32, rows_read=4, rows=3)
    >>> read = attach_report(pd.DataFrame({"km": [1, 2, 4]}), report, np.array([2, 3, 5]))
    >>> rows_in_source(read), rows_in_source(read[1:])
    (array([2, 3, 5]), None)
    """
    told = frame.attrs.get(KEY, {}).get("rows", "")
    runs = [tuple(map(int, run.split("-"))) for run in told.split()]
    rows = [np.arange(first, last + 1) for first, last in runs]
    found = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    as_read = pd.RangeIndex(len(frame))
    return found if rows and len(found) == len(frame) and as_read.equals(frame.index) else None


def with_report(
    frame: pd.DataFrame, source: str, units: Mapping[str, str], *, how: str = "made by kanopt"
) -> pd.DataFrame:
    """Give a frame that was made, or ships with the package, its units and a report."""
    named = with_units(frame, units)
    report = TableReport(
        source=source,
        format=how,
        sha256=hash_rows(frame),
        rows_read=len(frame),
        rows=len(frame),
        units=units_of(named),
    )
    return attach_report(named, report)


def hash_rows(frame: pd.DataFrame) -> str:
    """Return a sum of the names and cells of a frame, by which another one is told from it."""
    found = hashlib.sha256()
    for name, column in frame.items():
        found.update(repr(name).encode())
        plain = column.astype(object).map(str) if column.dtype.kind == "O" else column
        found.update(pd.util.hash_pandas_object(plain, index=False).to_numpy().tobytes())
    return found.hexdigest()


# Example tables with known laws, which ship with the package.
#
# The files were made by these laws, with noise and gross errors; those of Sioux Falls are published.

FREE_SPEED = 35.0  # km/h
BUMPS = ((0.55, 8.0, 1.2), (0.45, 17.0, 1.5))  # height, hour, width in hours
IDLE, ROLL, DRAG = 1.8, 0.045, 1.2e-5  # l/h, l/km, l h²/km³
LOAD_EFFECT, LOAD_CAPACITY = 0.4, 3.5  # share of fuel at full load; t
FUEL_PRICE, WEAR = 1.65, 0.22  # EUR/l, EUR/km

SIOUX_FALLS_UNITS = {
    "links": {"capacity_veh_h": "veh/h", "free_flow_min": "min", "volume": "veh/h", "time_min": "min"},
    "nodes": {"x_km": "km", "y_km": "km"},
}


@dataclass(frozen=True, eq=False)
class City:
    """The tables of an example city and the true laws that its trip log was made from.

    With ``strength`` s, clock hour h, distance d (km) and load w (t) on board::

        slowdown(h) = 1 + s · (0.55 · exp(−((h − 8)/1.2)²/2) + 0.45 · exp(−((h − 17)/1.5)²/2))
        v(h)        = 35 / slowdown(h)                                            km/h
        minutes     = 60 · d / v(h)
        fuel        = d · (1.8/v + 0.045 + 1.2e-5 · v²) · (1 + 0.4 · s · w/3.5)    litres, v = v(h)
        cost        = 1.65 · fuel + 0.22 · d                                      EUR: fuel and wear

    At full strength the morning peak takes 1.55 times as long as a free road (never more than 1.6), and a
    full van burns 40 % more than an empty one, which raises the cost of a trip by less than 40 %. At strength
    0 time and fuel are proportional to distance.

    The log holds these laws as they would be measured: ``minutes``, ``fuel_l`` and ``cost_eur`` each carry an
    independent log-normal factor of mean one and coefficient of variation 0.08, and in each of them 1 % of
    the rows is grossly wrong, multiplied or divided by a factor between 2 and 4.

    Attributes
    ----------
    trips
        5,000 rows: week (1–20), distance_km (0.5–25), load_t (0–3.5), hour (6–20, decimal), minutes, fuel_l,
        cost_eur.
    clients
        60 rows: name, x_km, y_km, demand_t, ready_h, due_h (decimal clock hours; a third have a window of 2
        to 4 hours, the others the whole day), service_min. The demand adds up to 14.2 t.
    vehicles
        2 rows: name, count, capacity_t, fixed_cost_eur, cost_per_hour_eur (the driver), fuel_price (EUR/l),
        shift_start_h, shift_end_h. Four large vans of 3.5 t and two small ones of 2 t carry 18 t; without one
        large van 98 % of the room left is needed, and 20 % more demand needs 95 % of all six vans.
    depots
        1 row: name, x_km, y_km.
    strength
        From 0 (no congestion, no effect of load) to 1, which is that of the tables of the package.

    Examples
    --------
    >>> city = load_example("city")
    >>> float(city.slowdown(8.0).round(2)), float(city.true_minutes(35.0, 12.5).round(1))
    (1.55, 60.3)
    """

    trips: pd.DataFrame
    clients: pd.DataFrame
    vehicles: pd.DataFrame
    depots: pd.DataFrame
    strength: float = 1.0

    def slowdown(self, hour: ArrayLike) -> Floats:
        """Return the factor on free-flow travel time at a clock hour; arrays broadcast."""
        clock = np.asarray(hour, dtype=np.float64)
        bumps = sum(height * np.exp(-(((clock - at) / width) ** 2) / 2) for height, at, width in BUMPS)
        return np.asarray(1.0 + self.strength * bumps, dtype=np.float64)

    def true_minutes(self, distance_km: ArrayLike, hour: ArrayLike) -> Floats:
        """Return the duration of a trip in minutes; arrays broadcast."""
        distance = np.asarray(distance_km, dtype=np.float64)
        return 60.0 * distance * self.slowdown(hour) / FREE_SPEED

    def true_fuel_l(self, distance_km: ArrayLike, load_t: ArrayLike, hour: ArrayLike) -> Floats:
        """Return the fuel that a trip consumes in litres; arrays broadcast."""
        distance, load = np.asarray(distance_km, dtype=np.float64), np.asarray(load_t, dtype=np.float64)
        speed = FREE_SPEED / self.slowdown(hour)
        per_km = IDLE / speed + ROLL + DRAG * speed**2
        return distance * per_km * (1.0 + LOAD_EFFECT * self.strength * load / LOAD_CAPACITY)

    def true_cost_eur(self, distance_km: ArrayLike, load_t: ArrayLike, hour: ArrayLike) -> Floats:
        """Return the cost of a trip, fuel and wear, in EUR; arrays broadcast."""
        distance = np.asarray(distance_km, dtype=np.float64)
        return FUEL_PRICE * self.true_fuel_l(distance, load_t, hour) + WEAR * distance


class Example(SimpleNamespace):
    """The tables of an example, as attributes; see :func:`load_example`."""


_EXAMPLES = {
    "city": "trips clients vehicles depots",
    "sioux_falls": "links nodes",
    "supply_network": "freight demand suppliers sites markets products periods lanes",
    "workshop": "log jobs tasks machines modes setups breaks power",
}


def load_example(name: str) -> Any:
    """Return the tables of an example with known laws: ``city``, ``sioux_falls``, ``supply_network``, ``workshop``.

    In all logs times, costs and amounts carry a log-normal factor of mean one and coefficient of variation 0.08, and
    1 % of the rows are multiplied or divided by 2 to 4.

    * **city**: a :class:`City`, whose methods are the laws.
    * **sioux_falls**: 76 links and 24 nodes of the test network of LeBlanc, Morlok and Pierskalla (1975,
      Transportation Research 9, pp. 309-318; https://github.com/bstabler/TransportationNetworks). The time of a link is
      ``free_flow_min · (1 + 0.15 · (volume / capacity_veh_h)^4)`` minutes (Bureau of Public Roads), the volumes are the
      user equilibrium for the published trips, and the nodes are drawn after the paper's diagram.
    * **supply_network**: freight (cost = base + rate · d^0.9 · w^0.6 EUR, by mode: van 20 and 0.80, truck 60 and 0.90,
      rail 350 and 0.62; km, t), demand (pallets = size · (p/100)^0.9 · (price/reference)^−1.4 ·
      (1 + 0.25 · sin(2π(month − 4)/12)), by product: standard 60 and 400, chilled 25 and 900), and suppliers, sites,
      markets, products, periods and lanes.
    * **workshop**: a log of tasks (minutes = pace · hardness · (15 + 0.12 · length + 4 · √weight) and
      kwh = power · minutes/60 · (0.6 + 0.4 · hardness), by machine: mill A 1 and 9, mill B 0.8 and 14, lathe 1.1 and
      7.5, router 0.9 and 11, old mill 1.35 and 8 kW; by material: aluminium 0.8, steel 1.3, plastic 0.6), and jobs,
      tasks, machines, modes, setups, breaks and the price of power.

    Raises
    ------
    TableError
        If there is no such example.

    Examples
    --------
    >>> network = load_example("sioux_falls")
    >>> len(network.links), len(network.nodes)
    (76, 24)
    """
    if name not in _EXAMPLES:
        raise TableError(f"there is no example {name!r}; {nearest(name, _EXAMPLES)}")
    found: dict[str, Any] = {}
    for part in _EXAMPLES[name].split():
        # one file for each table, which holds the units too
        ending = "csv" if name == "sioux_falls" else "parquet"
        with (files("kanopt.tables") / "data" / f"{name}_{part}.{ending}").open("rb") as file:
            frame = pd.read_csv(file) if ending == "csv" else pd.read_parquet(file)
        units = SIOUX_FALLS_UNITS[part] if ending == "csv" else frame.attrs.pop("units")
        found[part] = with_report(frame, f'load_example("{name}").{part}', units, how="shipped with kanopt")
    return (City if name == "city" else Example)(**found)
