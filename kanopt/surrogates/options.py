"""Check the arguments of :class:`~kanopt.surrogates.KANRegressor`, and collect them in one record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from kanopt.errors import FitError, nearest
from kanopt.formulas.modules import NO_PERIOD, NO_SHAPE
from kanopt.formulas.nodes import LARGEST
from kanopt.kan.ranges import ShapeConstraints
from kanopt.kan.trainer import TrainerOptions
from kanopt.kan.training import LOSSES, FitOptions
from kanopt.surrogates.encoding import Feature, FeatureEncoding
from kanopt.surrogates.monitor import FitMonitor
from kanopt.text import number_text


def _plain(value: Any) -> Any:
    """Return numpy's numbers and arrays as Python's."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic | pd.Index) else value


_PLAIN = BeforeValidator(_plain)
_Auto = Literal["auto"]
Count = Annotated[int, Field(strict=True, ge=0), _PLAIN]
Whole = Annotated[int, Field(strict=True, ge=1), _PLAIN]
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False), _PLAIN]
Size = Annotated[_Number, Field(ge=0)]
_Truth = Annotated[_Auto | Annotated[bool, Field(strict=True)] | Literal[0, 1], _PLAIN]
_LOSSES = ("auto", *LOSSES)
_OPTIONS: dict[str, Any] = {
    "hidden": Annotated[_Auto | tuple[Whole, ...], _PLAIN],
    "log_target": _Truth,
    "positive": _Truth,
    "loss": Literal[_LOSSES],
    "grid_size": _Auto | Whole,
    "smoothing": _Auto | Size,
    "starts": Whole,
    "seed": Annotated[Count, Field(lt=1 << 63)],
    "bounds": Annotated[tuple[_Number, _Number] | None, _PLAIN],
    "period": Annotated[_Number, Field(gt=0)],
}
"""What each option may be."""


def _checked(name: str, value: Any, called: str = "") -> Any:
    """Return the value of an option; None for "auto".

    Raises
    ------
    FitError
        If it is not allowed.
    """
    try:
        found = TypeAdapter(_OPTIONS[name]).validate_python(value)
    except ValidationError as error:
        told = dict.fromkeys(each["msg"].removeprefix("Input should be ") for each in error.errors())
        raise FitError(f"{called or name}={value!r} must be {' or '.join(told)}") from None
    return None if found == "auto" else found


@dataclass(frozen=True)
class Settings:
    """The arguments of :class:`~kanopt.surrogates.KANRegressor`; None is "auto".

    Parameters
    ----------
    hidden
        Widths of the hidden layers.
    log_target, logs
        Whether the logarithm of the target, and of each number, is taken.
    target_range
        ``"any"``, ``"positive"`` or ``"bounded"``, with `bounds`: the range of the law's values.
    fit
        How networks are fitted, but for what goes with a structure.
    hold_positive
        Whether a law that could fall below zero among its data is held at the smallest target, where all are positive.
    """

    hidden: tuple[int, ...] | None
    log_target: bool | None
    logs: tuple[bool, ...] | None
    loss: str | None
    grid_size: int | None
    fit: FitOptions
    target_range: Literal["any", "positive", "bounded"]
    bounds: tuple[float, float]
    seed: int
    device: torch.device
    hold_positive: bool = False
    monitor: FitMonitor = field(default_factory=FitMonitor)

    @property
    def shape_constraints(self) -> ShapeConstraints:
        """Shape constraints of the numbers."""
        return self.fit.shape_constraints

    @property
    def ends(self) -> tuple[float, float]:
        """Between what the law's values are asked to lie."""
        return {"any": (-np.inf, np.inf), "positive": (0.0, np.inf), "bounded": self.bounds}[
            self.target_range
        ]


def settings_of(given: Any, encoding: FeatureEncoding, watch: FitMonitor | None = None) -> Settings:
    """Check every argument of a :class:`~kanopt.surrogates.KANRegressor` against the columns.

    Raises
    ------
    FitError
        For invalid values, contradictory arguments, and columns that do not exist or are of the wrong kind.
    """
    columns = min(getattr(given, "n_features_in_", len(encoding.features)), len(encoding.features))
    wanted = shapes_of(given.monotone, encoding, columns)
    log_target = _checked("log_target", given.log_target)
    positive, bounds = _checked("positive", given.positive), _checked("bounds", given.bounds)
    monitor = watch or FitMonitor()
    settings = Settings(
        hidden=_checked("hidden", given.hidden),
        log_target=None if log_target is None else bool(log_target),
        logs=_logs(given.log_features, encoding),
        loss=_checked("loss", given.loss),
        grid_size=_checked("grid_size", given.grid_size),
        fit=FitOptions(
            starts=_checked("starts", given.starts),
            smoothing=_checked("smoothing", given.smoothing),
            shape_constraints=wanted,
            trainer=TrainerOptions(watch=monitor),
        ),
        target_range="bounded" if bounds else "positive" if positive else "any",
        bounds=bounds or (0.0, 0.0),
        hold_positive=positive is None and bounds is None,
        seed=_checked("seed", given.seed),
        device=device_of(given.device),
        monitor=monitor,
    )
    _check_together(settings, encoding, positive=bool(positive))
    return settings


def device_of(device: Any) -> torch.device:
    """Return the device to train on: ``"auto"`` is CUDA if available."""
    if is_open(device):
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.zeros(1, dtype=torch.float64, device=chosen)
    except (AssertionError, RuntimeError, TypeError, NotImplementedError) as error:
        raise FitError(f"device={device!r} is not there; use 'auto', 'cpu' or 'cuda'") from error
    if chosen.type not in ("cpu", "cuda"):
        # Metal has no double precision, in which the trainer works; a meta device holds no numbers.
        raise FitError(f"device={device!r} cannot train a law; use 'auto', 'cpu' or 'cuda'")
    return chosen


def periods_of(periodic: Any, encoding: FeatureEncoding) -> dict[str, float]:
    """Return the period of every periodic column by name.

    Raises
    ------
    FitError
        For a period that is not a positive number, and for a column that does not exist or is a category.
    """
    if periodic is None:
        return {}
    if not isinstance(periodic, Mapping):
        raise FitError(f"periodic={periodic!r} must map columns to their periods, such as {{'hour': 24}}")
    found = {}
    for name, period in periodic.items():
        feature = column_of(name, encoding, "periodic")
        if feature.kind == "category":
            raise FitError(f"periodic: column {feature.name!r} {NO_PERIOD}")
        found[feature.name] = _checked("period", period, f"periodic: the period of column {feature.name!r}")
    return found


def _check_together(settings: Settings, encoding: FeatureEncoding, *, positive: bool) -> None:
    """Refuse arguments that contradict each other."""
    low, high = settings.bounds
    bounded = settings.target_range == "bounded"
    steps = 1
    for width in (len(encoding.features), *(settings.hidden or ())):
        steps = 2 + width * (1 + steps)
    faults = {
        f"bounds={low, high}: the lower end must lie below the upper": bounded and not low < high,
        f"positive=True with bounds={low, high}: the lower end is below zero; drop positive or raise it": (
            bounded and positive and low < 0.0
        ),
        f"hidden={settings.hidden}: written out as a formula the law would have {steps:,} steps, at most {LARGEST:,} "
        "can be had; ask for fewer nodes": steps > LARGEST,
        "bounds with log_target=True: use one of the two": bounded and bool(settings.log_target),
    }
    if fault := next((told for told, holds in faults.items() if holds), None):
        raise FitError(fault)


def is_open(value: Any) -> bool:
    """Whether an argument leaves the choice: None or "auto"."""
    return value is None or (isinstance(value, str) and value == "auto")


def _logs(value: Any, encoding: FeatureEncoding) -> tuple[bool, ...] | None:
    names = _plain(value)
    if isinstance(names, str) and names == "auto":
        return None
    if isinstance(names, str) or not isinstance(names, Iterable):
        example = [names if isinstance(names, str) else "km"]
        raise FitError(f"log_features={value!r} must be 'auto' or a list of columns, such as {example}")
    chosen = [column_of(name, encoding, "log_features") for name in names]
    for feature in chosen:
        why = {
            "category": "is a category; only numbers have logarithms",
            "cycle": "is periodic, which its logarithm is not",
            "number": f"goes down to {number_text(feature.low, 6)}, which has no logarithm",
        }[feature.kind]
        if feature.kind != "number" or feature.low <= 0.0:
            raise FitError(f"log_features: column {feature.name!r} {why}; leave it out of log_features")
    return tuple(feature in chosen for feature in encoding.numbers)


def shapes_of(monotone: Any, encoding: FeatureEncoding, columns: int) -> ShapeConstraints:
    """Return the shapes that are asked for of the numbers.

    Raises
    ------
    FitError
        For columns that do not exist or have no order, and signs that are none.
    """
    value, known = _plain(monotone), {len(encoding.features), columns}
    if value is None:
        return ShapeConstraints()
    if isinstance(value, (Mapping, pd.Series)):
        named: dict[Any, Any] = dict(value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str) and len(value) in known:
        named = {name: sign for name, sign in zip(encoding.names, value, strict=False) if sign != 0}
    else:
        raise FitError(
            f"monotone={value!r} must map columns to +1 or -1, such as {{'km': 1}}, or hold one of -1, 0, +1 for each "
            f"of the {max(known)} columns"
        )
    signs: dict[str, int] = {}
    for name, sign in named.items():
        if isinstance(sign, bool) or sign not in (-1, 0, 1):
            raise FitError(f"monotone: column {name!r} has {sign!r}; use +1 (rises), -1 (falls) or 0")
        feature = column_of(name, encoding, "monotone")
        if sign and feature.kind in NO_SHAPE:
            raise FitError(f"monotone: column {feature.name!r} {NO_SHAPE[feature.kind]}")
        signs[feature.name] = int(sign)
    return ShapeConstraints(tuple(signs.get(feature.name, 0) for feature in encoding.numbers))


def column_of(name: Any, encoding: FeatureEncoding, where: str) -> Feature:
    """Return the column with a label, else that at a position.

    If columns are numbered, a number is a label, so that its meaning does not depend on their order.

    Raises
    ------
    FitError
        If there is no such column.

    Examples
    --------
    >>> numbered = FeatureEncoding((Feature("1", "number"), Feature("2", "number")))
    >>> named = FeatureEncoding((Feature("km", "number"), Feature("load_t", "number")))
    >>> column_of(1, numbered, "monotone").name, column_of(1, named, "monotone").name
    ('1', 'load_t')
    """
    whole = isinstance(name, Integral) and not isinstance(name, bool)
    wanted = str(int(name)) if whole else name
    for feature in encoding.features:
        if feature.name == wanted:
            return feature
    numbered = any(feature.name.removeprefix("-").isdecimal() for feature in encoding.features)
    if whole and not numbered and 0 <= int(name) < len(encoding.features):
        return encoding.features[int(name)]
    raise FitError(f"{where}: there is no column {name!r}; {nearest(str(name), encoding.names)}")
