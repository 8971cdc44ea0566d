"""The sections of a scenario file, each a strict model; ``[problem]`` has models of its own in ``problem_spec``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator

from kanopt.errors import nearest
from kanopt.plans.days_in_time import DAYS_IN_TIME
from kanopt.records.declaration import Unit
from kanopt.scenarios.files.layers import FileModel
from kanopt.scenarios.files.problem_spec import Name
from kanopt.validation import describe_value

Several: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""A number of things, one at least."""


def _scalar(value: Any) -> Any:
    """Let a cell be a text, a number or a truth value, and nothing else."""
    if isinstance(value, (str, int, float)):
        return value
    raise ValueError(f"must be a text, a number or a truth value, not {describe_value(value)}")


def _cells(value: Any) -> Any:
    if isinstance(value, list):
        if not value:
            raise ValueError("an empty list matches no row")
        return tuple(_scalar(item) for item in value)
    return _scalar(value)


def _action(value: Any) -> Any:
    """Let ``on_bad`` be one word for all columns, or a word for each of some."""
    words = ("error", "missing", "drop", "text")
    for word in value.values() if isinstance(value, dict) else (value,):
        if word not in words:
            raise ValueError(f"unknown word {word!r}; {nearest(str(word), words)}")
    return value


def _operators(value: Any) -> tuple[str, ...]:
    from kanopt.formulas.operators import operator_words

    return operator_words(value)


def _path(text: str) -> str:
    """Let a path be any text but one with signs that TOML makes of a backslash."""
    if found := next((sign for sign in text if sign in "\b\t\n\f\r"), None):
        shown = repr(text)[1:-1].replace("\\", "/")
        raise ValueError(
            f"{text!r} has a {found!r} in it, which TOML makes of a \\ in a text: write / between folders, as in "
            f'"{shown}"'
        )
    return text


OnBad: TypeAlias = Annotated[Any, BeforeValidator(_action)]
Operators: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_operators)]
Words: TypeAlias = Annotated[tuple[str, ...], Field(strict=False)]
Cell: TypeAlias = Annotated[Any, BeforeValidator(_scalar)]
Cells: TypeAlias = Annotated[Any, BeforeValidator(_cells)]


class HeadSpec(FileModel):
    """``[scenario]``: what this is, and the file it varies."""

    name: Name | None = None
    base: Name | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    description: str = ""


class FormSpec(FileModel):
    """``[tables.x.form]``: how a text file is written, where it does not speak for itself."""

    separator: str | None = None
    decimal: Literal[".", ","] | None = None
    thousands: str = ""
    encoding: Name | None = None
    missing: Words | None = None
    quote: str = '"'
    header: Several = 1


class TableSpec(FileModel):
    """``[tables.x]``: where a table comes from, its units, and what to do with bad cells."""

    path: Annotated[Name, AfterValidator(_path)] | None = None
    url: Name | None = None
    query: Name | None = None
    sheet: Name | None = None
    columns: Words = ()
    ignore: Words = ()
    units: dict[str, Unit] = Field(default_factory=dict)
    dates: dict[str, Name] = Field(default_factory=dict)
    minimum: dict[str, float] = Field(default_factory=dict)
    maximum: dict[str, float] = Field(default_factory=dict)
    derive: dict[Name, Name] = Field(default_factory=dict)
    drop_where: Words = ()
    on_bad: OnBad = "error"
    on_duplicate: Literal["keep", "drop", "error"] = "keep"
    form: FormSpec = FormSpec()

    @model_validator(mode="after")
    def _one_source(self) -> TableSpec:
        if (self.path is None) == (self.url is None):
            raise ValueError('give either path = "file.csv" or url = "sqlite:///file.db" with a query')
        if (self.url is None) != (self.query is None):
            raise ValueError("url and query belong together")
        if self.sheet is not None and self.path is None:
            raise ValueError('sheet belongs to a workbook: path = "book.xlsx"')
        return self

    def source(self, resolve: Callable[[str], Path]) -> str | Path:
        """Return where the table is read from; `resolve` says where a path in the file leads."""
        if self.url is None:
            return resolve(self.path or "")
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(self.url)
        except (ArgumentError, ValueError):  # whoever reads it says so
            return self.url
        if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
            return self.url
        # as SQLAlchemy reads it: %2e%2e leads up as well, and a host changes nothing
        return url.set(database=str(resolve(url.database))).render_as_string(hide_password=False)


class QuestionSpec(FileModel):
    """``[[questions]]``: what only the user knows, and the keys that each answer sets."""

    about: str = ""
    text: Name
    answer: str = ""
    answers: Annotated[dict[Name, dict[Name, Any]], Field(min_length=1)]


class HoldoutSpec(FileModel):
    """Which rows a law is tested on: the last groups of a column, or a share drawn at random."""

    by: Name | None = None
    last: Several | None = None
    share: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> HoldoutSpec:
        if (self.by is None) != (self.last is None):
            raise ValueError('by and last belong together: { by = "week", last = 4 }')
        if (self.by is None) == (self.share is None):
            raise ValueError('write { by = "week", last = 4 } or { share = 0.2 }')
        return self


class NetworkSpec(FileModel):
    """``[surrogates.x.network]``: what of the network is not to be chosen by itself."""

    hidden: Annotated[tuple[Several, ...], Field(strict=False)] | None = None
    products: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)] | None = None
    grid_size: Several | None = None
    smoothing: Literal["evidence"] | Annotated[float, Field(ge=0)] | None = None
    starts: Several | None = None
    log_target: bool | None = None
    log_features: Words | None = None
    loss: Literal["squared", "huber", "tukey"] | None = None


class LearnedSpec(FileModel):
    """``[surrogates.x]`` with a table: a law to be learned."""

    table: Name
    target: Name
    features: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    monotone: dict[str, Literal[-1, 1]] = Field(default_factory=dict)
    convex: Words = ()
    concave: Words = ()
    positive: Literal["auto", True, False] = "auto"
    bounds: Annotated[tuple[float, float], Field(strict=False)] | None = None
    periodic: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    pin: dict[str, Operators] = Field(default_factory=dict)
    forbid: Operators = ()
    prefer: Operators = ()
    min_r2: Annotated[float, Field(le=1)] = 0.5
    on_low: Literal["refuse", "mark"] = "refuse"
    on_missing: Literal["error", "drop"] = "error"
    holdout: HoldoutSpec = HoldoutSpec(share=0.2)
    groups: Name | None = None
    unseen: Literal["error", "pooled"] = "error"
    budget: Annotated[float, Field(gt=0, le=86_400)] | None = None
    network: NetworkSpec = NetworkSpec()
    per: str = ""


class GivenSpec(FileModel):
    """``[surrogates.x]`` with a formula: a law written by hand, in terms of inputs and other laws."""

    formula: Name
    inputs: dict[str, Unit] = Field(default_factory=dict)
    unit: Unit = ""
    per: str = ""


class SavedSpec(FileModel):
    """``[surrogates.x]`` with a file: a law that ``kanopt fit --out`` saved."""

    file: Name


LawSpec: TypeAlias = LearnedSpec | GivenSpec | SavedSpec


def _change(action: str, **keys: Any) -> type[FileModel]:
    """Return the model of an entry of ``[[changes]]``."""
    named: dict[str, Any] = {action: (Name, ...), **keys}
    return create_model(f"{action.title()}Spec", __base__=FileModel, **named)


_SOME_ROWS: Any = (dict[str, Cells], Field(default_factory=dict))
_THESE_ROWS: Any = (Annotated[dict[str, Cells], Field(min_length=1)], ...)
CHANGES = {
    "set": _change("set", to=(Cell, ...), where=_SOME_ROWS),
    "scale": _change("scale", by=(float, ...), where=_SOME_ROWS),
    "remove": _change("remove", where=_THESE_ROWS),
    "add": _change("add", row=(Annotated[dict[str, Cell], Field(min_length=1)], ...)),
}
"""``[[changes]]``: each action with what it needs."""


class SolverSpec(FileModel):
    """``[solver]``: what to search with, how long, with how many threads, by the clock or by counted work, how sure."""

    name: Literal["ortools"] | None = None
    time_limit: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    workers: Several = 1
    deterministic: bool = False
    days_in_time: Annotated[float, Field(gt=0, lt=1)] | Literal["none"] = DAYS_IN_TIME

    @property
    def share_in_time(self) -> float | None:
        """Share of days on which everyone is to be in time; None where that is not asked for."""
        return None if self.days_in_time == "none" else self.days_in_time


class ReportSpec(FileModel):
    """``[report]``."""

    title: str = ""
    plans_per_year: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    rows: bool = True
    assumed: Words = ()
