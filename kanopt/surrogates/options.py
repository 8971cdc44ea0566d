"""The arguments of :class:`~kanopt.surrogates.KANRegressor`, checked and put into one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Protocol

import torch

from kanopt.errors import FitError, nearest
from kanopt.kan.robust import LOSSES
from kanopt.surrogates.encoding import Encoding, Feature
from kanopt.surrogates.selection import Settings

__all__ = ["Arguments", "device_of", "settings_of"]


class Arguments(Protocol):
    """The arguments as given."""

    hidden: Any
    grid_size: Any
    smoothing: Any
    starts: Any
    monotone: Any
    log_target: Any
    log_features: Any
    loss: Any
    seed: Any
    device: Any


def settings_of(given: Arguments, encoding: Encoding) -> Settings:
    """Check every argument against the columns.

    Raises
    ------
    FitError
        For a value that is not allowed, and for a column that does not exist or cannot be meant.
    """
    return Settings(
        hidden=_hidden(given.hidden),
        log_target=_log_target(given.log_target),
        logs=_logs(given.log_features, encoding),
        loss=_loss(given.loss),
        grid_size=_whole(given.grid_size, "grid_size", 1),
        smoothing=_smoothing(given.smoothing),
        starts=_whole(given.starts, "starts", 1),
        signs=_signs(given.monotone, encoding),
        seed=_whole(given.seed, "seed", 0),
        device=device_of(given.device),
    )


def device_of(device: Any) -> torch.device:
    """Return the device to train on: ``"auto"`` is CUDA where there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise FitError(f"device={device!r} is no device; use 'auto', 'cpu' or 'cuda'") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise FitError(f"device={device!r}: no CUDA device is available here; use 'auto' or 'cpu'")
    return chosen


def _whole(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise FitError(f"{name}={value!r} must be a whole number of at least {least}")
    return int(value)


def _hidden(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, str) and value == "auto":
        return None
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise FitError(
            f"hidden={value!r} must be 'auto' or the widths of the hidden layers, such as () or (4,)"
        )
    return tuple(_whole(width, "a width in hidden", 1) for width in value)


def _log_target(value: Any) -> bool | None:
    if isinstance(value, str) and value == "auto":
        return None
    if value not in (True, False):
        raise FitError(f"log_target={value!r} must be 'auto', True or False")
    return bool(value)


def _loss(value: Any) -> str | None:
    if value == "auto":
        return None
    if value not in LOSSES:
        raise FitError(f"loss={value!r} is unknown; {nearest(str(value), ('auto', *LOSSES))}")
    return str(value)


def _smoothing(value: Any) -> float | None:
    if isinstance(value, str) and value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 <= float(value) < float("inf"):
        raise FitError(f"smoothing={value!r} must be 'auto' or a number of at least 0")
    return float(value)


def _logs(value: Any, encoding: Encoding) -> tuple[bool, ...] | None:
    if isinstance(value, str):
        if value == "auto":
            return None
        raise FitError(f"log_features={value!r} must be 'auto' or a list of columns, such as ['{value}']")
    chosen = {_column(name, encoding, "log_features").name for name in value or ()}
    flags = []
    for feature in encoding.features:
        if feature.name in chosen and feature.kind == "category":
            raise FitError(
                f"log_features: column {feature.name!r} is a category; only numbers have logarithms"
            )
        if feature.name in chosen and feature.low <= 0.0:
            raise FitError(
                f"log_features: column {feature.name!r} goes down to {feature.low:g}, which has no "
                "logarithm; leave it out of log_features, or leave these rows out"
            )
        if feature.kind == "number":
            flags.append(feature.name in chosen)
    return tuple(flags)


def _signs(value: Any, encoding: Encoding) -> tuple[int, ...]:
    if value is None:
        return ()
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str) and len(value) == len(encoding.features):
        pairs = list(enumerate(value))
    else:
        raise FitError(
            f"monotone={value!r} must map columns to +1 or -1, or hold one of -1, 0, +1 for each of the "
            f"{len(encoding.features)} columns"
        )
    signs: dict[str, int] = {}
    for name, sign in pairs:
        feature = _column(name, encoding, "monotone")
        if isinstance(sign, bool) or sign not in (-1, 0, 1):
            raise FitError(f"monotone: column {feature.name!r} has {sign!r}; use +1 (rises), -1 (falls) or 0")
        if sign != 0 and feature.kind == "category":
            raise FitError(f"monotone: column {feature.name!r} is a category, which has no order")
        signs[feature.name] = int(sign)
    return tuple(signs.get(feature.name, 0) for feature in encoding.numbers)


def _column(name: Any, encoding: Encoding, where: str) -> Feature:
    if isinstance(name, Integral) and 0 <= int(name) < len(encoding.features):
        return encoding.features[int(name)]
    for feature in encoding.features:
        if feature.name == name:
            return feature
    raise FitError(f"{where}: there is no column {name!r}; {nearest(str(name), encoding.names)}")
