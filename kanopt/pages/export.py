"""The formats that a plan is exported to, by name."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanopt.display import Fold, Grid, Part, told
from kanopt.errors import ProblemError, nearest
from kanopt.files import replace_file
from kanopt.pages.markdown import markdown_text
from kanopt.pages.story import ReportSubject, subject_of
from kanopt.pages.workbook import TABLES, frame_book, plan_csv, workbook
from kanopt.pages.write import render
from kanopt.plans.base import Problem
from kanopt.plans.findings import WorkOrder
from kanopt.plans.geography import EarthLine, EarthPoint, Property

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.plans.result import PlanExports


# A plan as GeoJSON (RFC 7946, Butler et al. 2016), which maps and geographic information systems read.


_DECIMALS = 7  # of a degree: a centimetre; section 11.2 advises against more than are known
_SURROGATE = re.compile("[\ud800-\udfff]")
Place = tuple[float, float]


def geojson_text(subject: ReportSubject) -> str:
    """Return the lines and the places of a plan as a collection of features.

    Positions are longitude, latitude on WGS 84, the one reference system of the format. A line across the antimeridian
    is cut there into several (section 3.1.9).

    Raises
    ------
    ProblemError
        If places are no latitudes and longitudes: the format has no way to say what other coordinates mean.
    """
    result = subject.explanation.result
    earth = None if result.assessment is None else result.assessment.on_earth()
    if earth is None:
        raise ProblemError(no_map(result.problem))
    features = [*map(_line, earth.lines), *map(_point, earth.points)]
    text = json.dumps({"type": "FeatureCollection", "features": features}, allow_nan=False, indent=1)
    # so that a page that holds the text in a script cannot be ended by a name
    return text.replace("<", "\\u003c") + "\n"


def no_map(problem: Problem[Any]) -> str:
    """Say why there can be no such map of a plan of a problem; empty where there can."""
    if problem.on_earth:
        return ""
    return (
        "GeoJSON has longitudes and latitudes (RFC 7946), and the places of this plan have none; "
        "give every place a lat and a lon in degrees in place of x and y, or leave the export 'geojson' out"
    )


def _point(point: EarthPoint) -> dict[str, Any]:
    return _feature("Point", _position(point.lat, point.lon), point.properties)


def _line(line: EarthLine) -> dict[str, Any]:
    parts = _cut([(_turned(lon), lat) for lat, lon in line.places])
    rounded = [[_position(lat, lon) for lon, lat in part] for part in parts]
    if len(rounded) == 1:
        return _feature("LineString", rounded[0], line.properties)
    return _feature("MultiLineString", rounded, line.properties)


def _feature(kind: str, coordinates: Any, properties: Mapping[str, Property]) -> dict[str, Any]:
    said = {key: _value(value) for key, value in properties.items()}
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": said}


def _value(value: Property) -> Property:
    """Return a property as JSON can hold it: a number that is none is null."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _position(lat: float, lon: float) -> list[float]:
    return [round(_turned(lon), _DECIMALS), round(lat, _DECIMALS)]


def _turned(lon: float) -> float:
    """Return a longitude between -180 and 180."""
    return lon if -180 <= lon <= 180 else (lon + 180) % 360 - 180


def _cut(way: Sequence[Place]) -> list[list[Place]]:
    """Cut a way of (lon, lat) wherever the shorter way between two places leads across the antimeridian.

    Examples
    --------
    >>> _cut([(170.0, 0.0), (-170.0, 10.0)])
    [[(170.0, 0.0), (180.0, 5.0)], [(-180.0, 5.0), (-170.0, 10.0)]]
    """
    parts = [[way[0]]]
    for (lon, lat), (to_lon, to_lat) in pairwise(way):
        if abs(to_lon - lon) > 180:
            side = math.copysign(180.0, lon)
            ahead = to_lon + 2 * side
            # both on the antimeridian: the way runs along it
            share = (side - lon) / (ahead - lon) if ahead != lon else 0.0
            crossing = lat + share * (to_lat - lat)
            parts[-1].append((side, crossing))
            parts.append([(-side, crossing)])
        parts[-1].append((to_lon, to_lat))
    return parts


# The pages that drivers and machine operators are handed, one for each.


_NONE = (
    "work orders: {} no vehicle and no machine to write one for; export 'md' or 'csv' in place of 'orders'"
)


@dataclass(frozen=True)
class OrdersPage:
    """The data of the template."""

    title: str
    orders: tuple[WorkOrder, ...]


def work_orders_page(subject: ReportSubject) -> str:
    """Return one HTML page that prints with a sheet for each vehicle or machine, without columns that are empty.

    Raises
    ------
    ProblemError
        If the kind of problem has neither, or none is used.
    """
    result = subject.explanation.result
    orders = () if result.assessment is None else result.assessment.work_orders()
    if not orders:
        raise ProblemError(_NONE.format(f"this {result.problem.kind} plan uses"))
    return render("page.html.j2", OrdersPage(subject.title, tuple(order.filled() for order in orders)))


def no_work_orders(problem: Problem[Any]) -> str:
    """Say why there can be no work orders of a plan of a problem; empty where there can."""
    return "" if problem.has_work_orders else _NONE.format(f"a {problem.kind} plan has")


Content = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Export:
    """A format.

    Parameters
    ----------
    suffix
        How the file's name ends after that of the scenario; of a folder it begins the names of the files.
    content
        From the subject to the content of the file, under the empty name; of several files, under theirs.
    files
        Names of all files that there may be; of one file the empty name.
    needs_plan
        Whether there is nothing to write without a plan.
    lacks
        Says what a problem lacks for it; empty for nothing.
    """

    suffix: str
    content: Callable[[ReportSubject], Content]
    files: tuple[str, ...] = ("",)
    needs_plan: bool = True
    lacks: Callable[[Problem[Any]], str] = lambda problem: ""


EXPORTS: Mapping[str, Export] = {
    "xlsx": Export(".xlsx", lambda subject: {"": workbook(subject)}),
    "geojson": Export(".geojson", lambda subject: {"": geojson_text(subject)}, lacks=no_map),
    "csv": Export("_tables", plan_csv, tuple(f"{name}.csv" for name in TABLES)),
    "csv-comma": Export(
        "_tables_comma", partial(plan_csv, commas=True), tuple(f"{name}.csv" for name in TABLES)
    ),
    "md": Export(".md", lambda subject: {"": markdown_text(subject)}, needs_plan=False),
    "orders": Export("_orders.html", lambda subject: {"": work_orders_page(subject)}, lacks=no_work_orders),
}
"""Every format, by the name that ``--export`` takes."""


def export(source: PlanExports, name: str, target: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write a plan in one format.

    Parameters
    ----------
    source
        A result, or a run of a scenario.
    name
        One of `EXPORTS`.
    target
        The file; of ``"csv"`` and ``"csv-comma"`` a folder. Folders are made.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ProblemError
        If the format is unknown, there is no plan, or the plan lacks what the format needs.
    """
    if name not in EXPORTS:
        raise ProblemError(f"there is no export {name!r}; {nearest(name, EXPORTS)}")
    return _write(subject_of(source), name, Path(target))


def _write(subject: ReportSubject, name: str, target: Path) -> tuple[Path, ...]:
    chosen, result = EXPORTS[name], subject.explanation.result
    if chosen.files != ("",) and target.suffix.lower() == ".csv":
        raise ProblemError(
            f"{target} is a folder to be, with a file for each table; name it otherwise, as in "
            f"{target.stem!r}. The plan alone as one file: to_frame().to_csv({target.name!r})"
        )
    if chosen.needs_plan and not result.has_plan:
        raise ProblemError(f"{target}: there is no plan to export ({result.status.value}); 'md' says why")
    return tuple(
        replace_file(target / file if file else target, content, make_folders=True)
        for file, content in chosen.content(subject).items()
    )


def export_files(names: Iterable[str], folder: Path, stem: str) -> list[Path]:
    """Return every file that :func:`export_all` may write."""
    return [
        target / file if file else target
        for name in names
        for target in [folder / f"{stem}{EXPORTS[name].suffix}"]
        for file in EXPORTS[name].files
    ]


def refuse_exports(problem: Problem[Any], names: Iterable[str]) -> None:
    """Refuse formats that no plan of a problem can be written in, before one is made.

    Raises
    ------
    ProblemError
        With what the problem lacks for each of them.
    """
    lacking = [EXPORTS[name].lacks(problem) for name in names]
    if any(lacking):
        raise ProblemError("\n".join(filter(None, lacking)))


def export_all(source: PlanExports, names: Iterable[str], folder: Path, stem: str) -> list[Path]:
    """Write a plan in several formats beside its report.

    A format that the plan lacks something for is refused after all others are written.

    Parameters
    ----------
    source
        A result, or a run of a scenario.
    names
        Of `EXPORTS`.
    folder
        Folder of the files.
    stem
        How their names begin.

    Returns
    -------
    list of Path
        The files written. Without a plan those that need none.

    Raises
    ------
    ProblemError
        If a format cannot be written, such as a map of places that are no latitudes and longitudes.
    """
    subject = subject_of(source)
    written: list[Path] = []
    refused: list[ProblemError] = []
    for name in names:
        if EXPORTS[name].needs_plan and not subject.explanation.result.has_plan:
            continue
        try:
            written += _write(subject, name, folder / f"{stem}{EXPORTS[name].suffix}")
        except ProblemError as error:
            refused.append(error)
    if refused:
        raise ProblemError("\n".join(map(str, refused)))
    return written


def export_tables(
    parts: Iterable[Part],
    tables: Mapping[str, pd.DataFrame],
    target: str | os.PathLike[str],
    forms: Mapping[str, str] | None = None,
) -> Path:
    """Write what an answer says, and its tables, as a workbook, in which `forms` say what numbers are."""
    said = told(part for part in parts if not isinstance(part, (Fold, Grid)))
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return replace_file(target, frame_book(lines, tables, forms), make_folders=True)
