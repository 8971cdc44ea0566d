"""One law from one table: ``kanopt fit --table``, whose options are checked like the keys of a scenario file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from pandas import DataFrame

    from kanopt.tables import TextFormat
    from kanopt.tables.table_reading import OnBad
    from kanopt.whatif import LearnedLaw
    from kanopt.whatif.events import OnEvent
    from kanopt.whatif.learn import Cache
    from kanopt.whatif.scenario_files.layers import Mistake


def fit_table(
    table: Path,
    *,
    units: str,
    on_bad: OnBad,
    seed: int | None,
    report: OnEvent,
    cache: Cache,
    **asked: Any,
) -> LearnedLaw:
    """Read a table and learn a law from it.

    Parameters
    ----------
    table
        The file.
    units, on_bad
        How it is read, as given on the command line.
    seed
        For the split and the network; 0 if None.
    report, cache
        As of :func:`kanopt.whatif.learn.learn`.
    asked
        The options that say what is learned, and others on how the table is read, as given on the command line.

    Raises
    ------
    click.UsageError
        With every option that asks for what cannot be.
    TableError, FitError
        If the table cannot be read or learned from.
    FormulaError
        If the law predicts too poorly to be used.
    KeyboardInterrupt
        If Ctrl-C came before there was one that does.
    """
    from kanopt.errors import FormulaError
    from kanopt.interrupt import Interrupt
    from kanopt.tables import report_of
    from kanopt.whatif.events import Event
    from kanopt.whatif.learn import learn_law
    from kanopt.whatif.scenario_files.laws import law_mistakes
    from kanopt.whatif.scenario_files.sections import read_law
    from kanopt.whatif.scenario_files.spec import LearnedSpec

    sheet, form = asked.pop("sheet"), _text_format({name: asked.pop(name) for name in _FORM})
    rules = {
        "derive": _parse_texts("derive", asked.pop("derive"), "'NAME=TEXT', as in 'minutes=seconds / 60'"),
        "dates": _parse_texts("dates", asked.pop("dates"), "'COLUMN=FORMAT', as in 'pickup=%d.%m.%Y %H:%M'"),
        "drop_where": asked.pop("drop_where"),
    }
    entry = _surrogate_section(table, asked)
    options = {"units": _parse_pairs(units), "on_bad": on_bad, "form": form, **rules}
    frame = _read_table(table, sheet, _columns(entry), options)
    for remark in report_of(frame).remarks():
        report(Event("learn", f"note: {table}: {remark}"))
    _require(frame, (entry["target"], *entry["features"]), table)
    name = entry["target"]
    spec, mistakes = read_law(entry, ("surrogates", name))
    if spec is not None:
        mistakes += law_mistakes({name: spec}, [table.name], {table.name: frame})
    if mistakes or not isinstance(spec, LearnedSpec):
        raise click.UsageError("\n".join(_option_messages(mistakes)))
    with Interrupt() as stop:
        try:
            return learn_law(name, spec, frame, seed or 0, report, cache)
        except FormulaError as error:
            if not stop.asked:
                raise
            told = f"stopped while law {name!r} was learned, which was too early: {error}"
            raise KeyboardInterrupt(f"{told}\n--budget SECONDS ends a search by itself") from None


def _surrogate_section(table: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a scenario file would say under ``[surrogates]``."""
    readers: Mapping[str, Callable[[Any], Any]] = {
        "features": lambda text: [word.strip() for word in text.split(",")],
        "monotone": _parse_signs,
        "periodic": _parse_periods,
        "pin": _parse_pins,
        "holdout": _parse_holdout,
        "forbid": _parse_operators,
        "prefer": _parse_operators,
    }
    given = {key: value for key, value in asked.items() if value is not None}
    read = {key: readers[key](value) if key in readers else value for key, value in given.items()}
    return {"table": table.name, **read, "on_missing": "drop"}


def _columns(entry: Mapping[str, Any]) -> list[str]:
    """Return the columns that a law is learned from, or split by."""
    by = entry["holdout"].get("by") if "holdout" in entry else None
    named = [entry["target"], *entry["features"], by, entry.get("groups")]
    return list(dict.fromkeys(name for name in named if name))


def _parse_texts(option: str, texts: Iterable[str], wanted: str) -> dict[str, str]:
    """Read ``minutes=seconds / 60``, each a text of its own."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not name or not equals or not value:
            raise click.UsageError(f"--{option} {text}: write --{option} {wanted}")
        if name in found:
            raise click.UsageError(f"--{option} {name} is given twice")
        found[name] = value
    return found


def _option_messages(mistakes: Iterable[Mistake]) -> list[str]:
    """Name the option that each mistake is in."""
    lines = []
    for mistake in mistakes:
        key, *words = mistake.key[2:] or ("table",)
        option = f"--{str(key).replace('_', '-')}"
        column = next((f" {word}" for word in words if isinstance(word, str)), "")
        lines.append(f"{option}{column}: {mistake.message}")
    return list(dict.fromkeys(lines))


def _parse_pairs(text: str) -> dict[str, str]:
    """Read ``distance=km,minutes=min``."""
    pairs = (pair.partition("=")[::2] for pair in text.split(",") if pair)
    return {column.strip(): word.strip() for column, word in pairs}


def _parse_signs(text: str) -> dict[str, Literal[-1, 1]]:
    """Read ``distance=+1,speed=-1``."""
    known: dict[str, Literal[-1, 1]] = {"+1": 1, "1": 1, "-1": -1}
    pairs = _parse_pairs(text)
    for column, word in pairs.items():
        if word not in known:
            raise click.UsageError(f"--monotone {column}={word}: write {column}=+1 or {column}=-1")
    return {column: known[word] for column, word in pairs.items()}


def _parse_periods(text: str) -> dict[str, float]:
    """Read ``hour=24,day=7``."""
    periods = {}
    for column, word in _parse_pairs(text).items():
        try:
            periods[column] = float(word)
        except ValueError:
            message = f"--periodic {column}={word}: write the length of the period, as in {column}=24"
            raise click.UsageError(message) from None
    return periods


def _parse_holdout(text: str) -> dict[str, Any]:
    """Read ``0.2`` or ``week=4``."""
    column, equals, number = (part.strip() for part in text.partition("="))
    try:
        return {"by": column, "last": int(number)} if equals else {"share": float(text)}
    except ValueError:
        raise click.UsageError(
            f"--holdout {text}: write a share of the rows, as in 0.2, or the last groups of a column, as in week=4"
        ) from None


def _parse_pins(texts: Iterable[str]) -> dict[str, list[str]]:
    """Read ``hour=sine`` and ``km=linear|power``, each a text of its own."""
    pins: dict[str, list[str]] = {}
    for text in texts:
        column, equals, words = (part.strip() for part in text.partition("="))
        if not column or not equals:
            raise click.UsageError(f"--pin {text}: write --pin COLUMN=OPERATOR, as in --pin hour=sine")
        if "=" in words:
            raise click.UsageError(f"--pin {text}: write --pin once for each column")
        if column in pins:
            both = "|".join([*pins[column], *_parse_operators(words)])
            raise click.UsageError(f"--pin {column} is given twice; write --pin '{column}={both}'")
        pins[column] = _parse_operators(words)
    return pins


def _parse_operators(text: str) -> list[str]:
    """Read ``exp,log`` or ``exp|log``."""
    return [word.strip() for word in text.replace("|", ",").split(",") if word.strip()]


_FORM = ("separator", "decimal", "thousands", "encoding", "header")
"""Options that say how a text file is written."""


def _text_format(given: Mapping[str, Any]) -> TextFormat:
    """Return how a text file is written, as given on the command line."""
    from kanopt.errors import TableError
    from kanopt.tables import TextFormat

    try:
        return TextFormat(**{**given, "separator": {"tab": "\t"}.get(given["separator"], given["separator"])})
    except TableError as error:
        option = min((name for name in _FORM if name in str(error)), key=str(error).find)
        raise click.UsageError(f"--{option} {given[option]}: {error}") from None


def _read_table(
    table: Path, sheet: str | None, wanted: Sequence[str], options: Mapping[str, Any]
) -> DataFrame:
    """Read the columns that are wanted, and the others as they come; messages also say which option helps."""
    import warnings

    from kanopt.errors import KanoptWarning, TableError, warn_user
    from kanopt.tables.row_rules import RowRules
    from kanopt.tables.table_reading import load_table, read_table

    form: TextFormat = options["form"]

    def with_options(message: str) -> str:
        options = {
            "on_bad=": "--on-bad missing or --on-bad drop",
            "dates says": "--dates COLUMN=FORMAT",
            "separator=": "--separator SIGN",
            "encoding": "--encoding NAME",
            "header=": "--header ROW",
            "drop_where=": "--drop-where CONDITION",
            'sheet = "': "--sheet NAME",
            "thousands=…": f"--thousands {'.' if form.decimal == ',' else ','}",
            "thousands='.'": "--thousands .",
            "thousands=','": "--thousands ,",
            "TextFormat(decimal='.')": "--decimal .",
            "TextFormat(decimal=',')": "--decimal ,",
        }
        advice = "; ".join(option for words, option in options.items() if words in message)
        return f"{message}\nOn the command line: {advice}" if advice else message

    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always", KanoptWarning)
        try:
            raw = load_table(table, None, form, sheet)
            there = [name for name in raw.names if name in wanted or raw.names.count(name) == 1]
            known = set(wanted) <= {*raw.names, *options["derive"]}
            asked = options["on_bad"] if isinstance(options["on_bad"], dict) else {"*": options["on_bad"]}
            # what no law reads may be anything, and may say which rows share an error
            ruled = RowRules(options["derive"], options["drop_where"]).names()
            unread = {name: "text" for name in there if name not in wanted and name not in ruled}
            read = {**options, "on_bad": {**unread, **asked}}
            frame = read_table(raw, columns=there, **read) if known else read_table(raw, **options)
        except TableError as error:
            raise TableError(with_options(str(error))) from None
    for each in recorded:
        warn_user(with_options(str(each.message)))
    return frame


def _require(frame: Any, columns: tuple[str, ...], table: Path) -> None:
    from kanopt.errors import TableError, nearest

    missing = [column for column in columns if column not in frame.columns]
    if missing:
        known = [str(column) for column in frame.columns]
        raise TableError(
            "\n".join(f"{table}: no column {name!r}; {nearest(name, known)}" for name in missing)
        )
