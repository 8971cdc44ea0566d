"""Orders of many days and what was driven on them, read into days; what cannot be used is named and counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from kanopt.array_types import Floats
from kanopt.errors import nearest
from kanopt.faults import said
from kanopt.questions.axes import refused
from kanopt.questions.review import LEVEL
from kanopt.scenarios.changes import field_defaults
from kanopt.scenarios.scenario import Scenario
from kanopt.tables import read_table, units_of, with_units
from kanopt.tables.report import renamed
from kanopt.text import count_text, join_list, list_names, money_text, percent_text
from kanopt.units import convert

# What days tell together: means with intervals, how many vehicles to own, and whether a variant is to be
# accepted.

SURE = 0.95
"""How often an interval holds the mean of all days like these."""
_MOST_DAYS = 1000
"""Days beyond which it is not said how many more would tell."""
_FEWEST = 3
_UNSEEN = 0.05
"""Share of the price by which a day that was not seen yet may be unlike the others."""
_TINY = 1e-12


class Mean(NamedTuple):
    """A mean over days with its interval, by Student's t; NaN where a single day tells nothing of it."""

    mean: float
    low: float
    high: float
    days: int


def mean_of(values: Floats) -> Mean:
    """Return the mean of what was measured on days, as if these were drawn from many like them.

    Examples
    --------
    >>> mean_of(np.array([1.0, 2.0, 3.0])).low.__round__(2), mean_of(np.array([1.0])).low
    (-0.48, nan)
    """
    from scipy.stats import t as student

    known = values[np.isfinite(values)]
    count = len(known)
    if count < 2:
        return Mean(float(known.mean()) if count else math.nan, math.nan, math.nan, count)
    mean, error = float(known.mean()), float(known.std(ddof=1)) / math.sqrt(count)
    half = error * float(student.ppf(0.5 + SURE / 2.0, count - 1))
    return Mean(mean, mean - half, mean + half, count)


def interval_text(found: Mean, *, signed: bool = False) -> str:
    """Write the interval of a price; empty where a single day tells nothing of it.

    Examples
    --------
    >>> interval_text(Mean(2.0, -0.5, 4.5, 3), signed=True)
    '−0.50 to +4.50'
    """
    if math.isnan(found.low):
        return ""
    return f"{money_text(found.low, signed=signed)} to {money_text(found.high, signed=signed)}"


def share_of_days(count: int, days: int) -> Mean:
    """Return on which share of days something was so, with Wilson's interval, which is honest near 0 and 1.

    Examples
    --------
    >>> share_of_days(20, 20).low.__round__(2)
    0.84
    """
    from scipy.stats import binomtest

    ends = binomtest(count, days).proportion_ci(SURE, method="wilson")
    return Mean(count / days, float(ends.low), float(ends.high), days)


def fleet_of(used: pd.DataFrame, own: Mapping[str, float], hire: Mapping[str, float]) -> pd.DataFrame:
    """Return what it costs a day to own so many vehicles of a type, and to hire the others on days that need more.

    Parameters
    ----------
    used
        How many vehicles of each type every day needs, a column for each type.
    own
        What a vehicle costs that is owned, each day, whether it is used or not, by type.
    hire
        What one costs that is hired for a day; types of which that is not known have no price.

    Returns
    -------
    DataFrame
        ``type``, ``owned``, ``needed`` (share of days that need so many), ``low`` and ``high`` of that, ``overflow``
        (share of days on which some are hired), ``hired`` (vehicles hired a day), ``cost`` (a day), ``break_even``
        (from which price of hiring on the last of those owned pays), ``best``.

    Examples
    --------
    >>> days = pd.DataFrame({"van": [2, 2, 2, 4]})
    >>> fleet_of(days, {"van": 50.0}, {"van": 120.0})[["owned", "hired", "cost", "break_even", "best"]]
       owned  hired   cost  break_even   best
    0      0   2.50  300.0         NaN  False
    1      1   1.50  230.0        50.0  False
    2      2   0.50  160.0        50.0   True
    3      3   0.25  180.0       200.0  False
    4      4   0.00  200.0       200.0  False
    """
    rows: list[tuple[Any, ...]] = []
    for name in used.columns if len(used) else ():
        counts, price = used[name].to_numpy(float), hire.get(str(name), math.nan)
        costs = []
        for owned in range(int(counts.max()) + 1):
            needed = share_of_days(int((counts >= owned).sum()), len(counts))
            hired = float(np.maximum(counts - owned, 0.0).mean())
            costs.append(own[name] * owned + price * hired)
            even = own[name] / needed.mean if owned else math.nan
            overflow = float((counts > owned).mean())
            rows.append((name, owned, *needed[:3], overflow, hired, costs[-1], even, False))
        if not math.isnan(price):
            best = len(rows) - len(costs) + int(np.argmin(costs))
            rows[best] = (*rows[best][:-1], True)
    columns = ["type", "owned", "needed", "low", "high", "overflow", "hired", "cost", "break_even", "best"]
    return pd.DataFrame(rows, columns=columns)


class Acceptance(NamedTuple):
    """Whether a variant is to be accepted: the word, what its prices came to, and how surely.

    Parameters
    ----------
    word
        ``"accept"``, ``"reject"`` or ``"undecided"``.
    change
        What it costs more a day.
    evidence
        How much likelier the days are with a difference than without (an e-value); at 20 one is found.
    more
        Days that would tell if they go on as these; None where more than a thousand would be needed.
    why
        Why it is rejected whatever it costs; empty where the price decides.
    """

    word: str
    change: Mean
    evidence: float
    more: int | None
    why: str = ""

    def text(self, unit: str, price: float) -> str:
        """Say it in a sentence; `price` is what a day costs as it is."""
        if self.why:
            return f"Reject the variant: {self.why}."
        if not self.change.days:
            return "There is no day on which the variant compares."
        amount = f"{money_text(self.change.mean, unit, signed=True)} a day"
        if price:
            amount += f" ({percent_text(self.change.mean / price, signed=True)})"
        if ends := interval_text(self.change, signed=True):
            amount += f", {ends}"
        days = count_text(self.change.days, "day")
        if self.word != "undecided":
            return f"{self.word.capitalize()} the variant: {amount}, over {days}."
        more = f"more than {_MOST_DAYS:,}" if self.more is None else f"about {self.more:,} more"
        return f"The variant is undecided after {days}: {amount}. If they go on like this, {more} days would tell."


def acceptance(changes: Floats, price: float, why: str = "") -> Acceptance:
    """Judge a variant by what it costs more on days, one after the other, however often one looks.

    That there is a difference is weighed against none by a mixture of likelihood ratios, as :func:`kanopt.drift` does;
    the spread of days is not known, so that it is the ratio of t-tests (Lai 1976, *Ann. Stat.* 4; Hendriksen, de Heide
    and Grünwald 2021, *Bayesian Anal.* 16). A variant without any effect is accepted, or rejected, in at most one of
    twenty cases, if differences spread about it as a normal distribution does. Where later days turn the mean round,
    nothing is decided. Many variants save the same on most days and cost much on few: as if such a day had been seen,
    the spread is that of the days and of one that is unlike them by a twentieth of the price.

    Parameters
    ----------
    changes
        Price with the variant less the price as it is, by day.
    price
        What a day costs as it is.
    why
        Why it is rejected whatever it costs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> [acceptance(rng.normal(mean, 10.0, 40), 500.0).word for mean in (-10.0, 0.0, 10.0)]
    ['accept', 'undecided', 'reject']
    """
    known, unseen = changes[np.isfinite(changes)], (_UNSEEN * price) ** 2
    counts = np.arange(1, len(known) + 1)
    means = np.cumsum(known) / counts
    squares = np.maximum(np.cumsum(np.square(known)) - counts * np.square(means), 0.0)
    ratios = _evidence(counts, means, squares + unseen)
    found, change = np.flatnonzero(ratios >= 1.0 / LEVEL), mean_of(known)
    evidence = float(ratios.max(initial=1.0))
    is_clear = len(found) and means[found[0]] * means[-1] > 0.0
    if why or is_clear:
        word = "reject" if why or means[-1] > 0.0 else "accept"
        return Acceptance(word, change, evidence, 0, why)
    if not len(known):
        return Acceptance("undecided", change, evidence, None)
    later = np.arange(1, _MOST_DAYS + 1)
    spread = squares[-1] / max(len(known) - 1, 1)
    ratios = _evidence(len(known) + later, change.mean, spread * (len(known) + later - 1) + unseen)
    more = later[ratios >= 1.0 / LEVEL]
    return Acceptance("undecided", change, evidence, int(more[0]) if len(more) else None)


def _evidence(count: NDArray[np.int64], mean: Floats | float, squares: Floats) -> Floats:
    """Return the ratio of likelihoods with and without a difference, of about one standard deviation of a day.

    Parameters
    ----------
    count, mean, squares
        Days, their mean, and the sum of squares about it.
    """
    own = count * np.square(mean)
    ratio = (squares + own + _TINY) / (squares + own / (1.0 + count) + _TINY)
    found = np.exp(np.minimum(0.5 * count * np.log(ratio) - 0.5 * np.log1p(count), 700.0))
    return np.asarray(np.where(count < _FEWEST, 1.0, found))


WHEN = ("date", "day")
"""What the column of dates is called, where nothing else is said."""
WHO = ("client", "name")
_AMOUNTS = ("demand", "pickup")
"""What several orders of a client on one day add up to."""
_PLACE = ("x", "y", "lat", "lon", "node")


@dataclass(frozen=True, eq=False)
class Day:
    """A day of orders.

    Parameters
    ----------
    name
        Its date, or what the table calls it.
    clients
        Who ordered, as the table of clients of the scenario has them.
    names
        Their names.
    driven
        What was driven; None where nothing is known of it.
    unplaced
        Who ordered and is no client and has no place, so that nobody can go there.
    """

    name: str
    clients: pd.DataFrame
    names: tuple[str, ...]
    driven: pd.DataFrame | None = None
    unplaced: tuple[str, ...] = ()

    def of(self, scenario: Scenario) -> Scenario:
        """Return a scenario on this day: its clients are those who ordered, with all its changes made."""
        table, spec = client_table(scenario), scenario.problem
        with suppress(ValueError):  # a day that is called otherwise has no date for laws to read
            spec = spec.model_copy(update={"day": date.fromisoformat(self.name)})
        found = replace(
            scenario,
            sections=replace(scenario.sections, problem=spec),
            altered={**scenario.altered, table: self.clients},
        )
        for change in scenario.changes:
            if change.table == table and not found.changed[table].empty:
                found, mistakes = found.after(change)
                # one of clients who have not ordered concerns nobody
                for mistake in (each for each in mistakes if each.key[:1] != ("where",)):
                    raise refused("plan_days", str(change), said(mistake.message))
        name = f"{scenario.name}, {self.name}"
        return replace(found, name=name, changes=scenario.changes, told=scenario.told)


def client_table(scenario: Scenario) -> str:
    """Return the table of the scenario that its clients are read from."""
    return scenario.problem.parts()["clients"].table


def read_days(scenario: Scenario, orders: Any, history: Any) -> tuple[tuple[Day, ...], tuple[str, ...]]:
    """Read orders and what was driven.

    Parameters
    ----------
    scenario
        Whose clients order.
    orders, history
        Frames, files, or names of tables of the scenario; nothing is known of what was driven where history is None.

    Returns
    -------
    days, notes
        The days in their order, and what is wrong, missing or unknown in the tables, in sentences.

    Raises
    ------
    ScenarioError
        If a table is none, has no column of dates or clients, or no row has a date.
    """
    if scenario.kind != "routing":
        raise refused("plan_days", "base", f"plans days of routes, and {scenario.name!r} is {scenario.kind}")
    notes: list[str] = []
    asked = _table(scenario, orders, "orders", notes)
    clients, lost = _clients_of(scenario, asked, notes)
    names = list(asked["date"].unique())
    drove: dict[Any, pd.DataFrame] = {}
    rows = None if history is None else _table(scenario, history, "history", notes)
    if rows is not None:
        units = units_of(rows)
        drove = {
            name: with_units(part, units) for name, part in rows.drop(columns="date").groupby(rows["date"])
        }
        without, unknown = (
            [day for day in drove if day not in names],
            [day for day in names if day not in drove],
        )
        _tell(notes, "day", "without orders, on which something was driven, left out", without)
        _tell(notes, "day", "of orders of which nothing is known that was driven", unknown)
    own, unlike, days = _name_column(scenario), list[str](), []
    for name in names:
        is_of_day = asked["date"] == name
        part = _once(scenario, clients[is_of_day & ~lost], unlike)
        unplaced = tuple(asked.loc[is_of_day & lost, "client"])
        made = with_units(part, units_of(scenario.tables[client_table(scenario)]))
        days.append(Day(str(name), made, tuple(part[own]), drove.get(name), unplaced))
    _tell(
        notes,
        "client",
        "with orders on a day that differ in more than amounts, of which the first counts",
        unlike,
    )
    return tuple(days), tuple(notes)


def _name_column(scenario: Scenario) -> str:
    return scenario.problem.parts()["clients"].columns.get("name", "name")


def _table(scenario: Scenario, given: Any, what: str, notes: list[str]) -> pd.DataFrame:
    """Return the rows of a table that have a date and a client, in the order of their dates.

    Raises
    ------
    ScenarioError
        If it is none, has no column of dates or clients, or no row has both.
    """
    if isinstance(given, str) and given in scenario.tables:
        frame = scenario.tables[given]
    elif isinstance(given, (str, Path)) and not Path(given).exists():
        told = f"there is no file and no table {str(given)!r}; {nearest(str(given), scenario.tables)}"
        raise refused("plan_days", what, told)
    else:
        frame = read_table(given)
    known = list(map(str, frame.columns))
    words = {}
    for field, usual in (("date", WHEN), ("client", (*WHO, _name_column(scenario)))):
        name = next((name for name in usual if name in known), None)
        if name is None:
            raise refused("plan_days", what, f"has no column {field!r}, only {list_names(known)}; call it so")
        words[name] = field
    frame = renamed(frame, words).reset_index(drop=True)
    dates, clients = _dates(frame["date"]), _names(frame["client"])
    for cells, word in ((dates, "date"), (clients, "client")):
        rows = [str(row + 1) for row in np.flatnonzero(cells.isna() | (cells == ""))]
        _tell(notes, f"row of {what}", f"without a {word}, left out: number", rows, f"rows of {what}")
    frame = frame.assign(date=dates, client=clients)[~(dates.isna() | clients.isna() | (clients == ""))]
    if frame.empty:
        raise refused("plan_days", what, "no row has a date, such as 2026-03-02, and a client")
    return frame.sort_values("date", kind="stable", key=_in_order, ignore_index=True)


def _names(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return names as texts: 1, not 1.0, where a blank made numbers of whole ones."""
    return cells.convert_dtypes().astype("string").str.strip()


def _dates(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return the days of rows: dates as texts such as 2026-03-02; numbers and other names as they are."""
    if is_numeric_dtype(cells):
        return cells.convert_dtypes()  # 1, not 1.0, where a blank made numbers of whole ones
    read = _read_dates(cells)
    return (
        read.dt.date.astype("string")
        if read.notna().any()
        else cells.astype("string").str.strip().replace("", None)
    )


def _read_dates(cells: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_datetime(cells, format="ISO8601", errors="coerce")


def _in_order(days: pd.Series[Any]) -> pd.Series[Any]:
    """Return what days are sorted by: dates and numbers by themselves, other names as they first stand."""
    if is_numeric_dtype(days) or _read_dates(days).notna().any():
        return days
    return pd.Series(pd.factorize(days)[0], days.index)


def _clients_of(
    scenario: Scenario, orders: pd.DataFrame, notes: list[str]
) -> tuple[pd.DataFrame, pd.Series[bool]]:
    """Return a client for each order, with what the order says instead, and who is none and has no place."""
    part, own = scenario.problem.parts()["clients"], _name_column(scenario)
    known = scenario.tables[part.table]
    rows = known.assign(**{own: _names(known[own])}).set_index(own, drop=False)
    if rows.index.has_duplicates:
        name = str(rows.index[rows.index.duplicated()][0])
        told = (
            f"several rows of table {part.table!r} are called {name!r}, so that no order says which is meant"
        )
        raise refused("plan_days", "base", told)
    found = rows.reindex(orders["client"]).reset_index(drop=True).assign(**{own: orders["client"]})
    readable, unread = {*known.columns, *scenario.problem.readable_names("clients")}, []
    for column in orders.columns.drop(["date", "client"]):
        field = part.columns.get(column, column)
        if field not in readable:
            unread.append(str(column))
            continue
        unit, wanted = units_of(orders).get(column), units_of(known).get(field)
        given = (
            orders[column]
            if unit in (None, wanted) or not wanted
            else orders[column] * convert(1.0, str(unit), wanted)
        )
        found[field] = given.where(given.notna(), found[field]) if field in found else given
    if unread:
        notes.append(f"Nothing reads of the orders: {list_names(unread)}.")
    is_new = ~found[own].isin(rows.index)
    places = [name for name in (part.columns.get(each, each) for each in _PLACE) if name in found]
    lost = is_new & found[places].isna().all(axis=1)
    unplaced = found.loc[lost, own].tolist()
    _tell(notes, "order", "of somebody who is no client and has no place, not planned", unplaced)
    for column, value in field_defaults(scenario.problem, part.table, known).items():
        if column in found:
            found[column] = found[column].where(~is_new | found[column].notna(), value)
    return found, lost


def _once(scenario: Scenario, clients: pd.DataFrame, unlike: list[str]) -> pd.DataFrame:
    """Return each client once; what several orders of one want adds up, else the first one counts."""
    columns, own = scenario.problem.parts()["clients"].columns, _name_column(scenario)
    if not clients[own].duplicated().any():
        return clients.reset_index(drop=True)
    amounts = [name for name in (columns.get(each, each) for each in _AMOUNTS) if name in clients]
    groups = clients.groupby(own, sort=False)
    differ = groups[list(clients.columns.drop([own, *amounts]))].nunique().gt(1).any(axis=1)
    unlike += differ.index[differ].tolist()
    return (
        groups.first()
        .assign(**{name: groups[name].sum() for name in amounts})
        .reset_index()[list(clients.columns)]
    )


def _tell(notes: list[str], one: str, what: str, names: Sequence[str], many: str = "") -> None:
    """Note how many things there are, and which."""
    if names:
        shown = join_list(list(map(str, dict.fromkeys(names))), 5)
        notes.append(f"{count_text(len(names), one, many)} {what}: {shown}.".replace("number: ", "number "))
