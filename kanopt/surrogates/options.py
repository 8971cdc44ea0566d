"""Check the arguments of :class:`~kanopt.surrogates.KANRegressor`, and collect them in one record."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from kanopt.errors import FitError, KanoptWarning, nearest
from kanopt.formulas.operators import NO_PERIOD, NO_SHAPE
from kanopt.kan.constraints import ShapeConstraints
from kanopt.kan.robust import LOSSES
from kanopt.surrogates.encoding import Feature, FeatureEncoding, row_name
from kanopt.surrogates.input_checks import whole_number
from kanopt.surrogates.monitor import FitMonitor
from kanopt.surrogates.naming import by_name, column_of
from kanopt.surrogates.settings import Settings
from kanopt.text import number_text

__all__ = [
    "RegressorArguments",
    "device_of",
    "is_open",
    "periods_of",
    "settings_of",
    "warn_of_contradictions",
]


class RegressorArguments(Protocol):
    """The arguments as given."""

    hidden: Any
    products: Any
    grid_size: Any
    smoothing: Any
    starts: Any
    monotone: Any
    convex: Any
    concave: Any
    positive: Any
    bounds: Any
    log_target: Any
    log_features: Any
    loss: Any
    precision: Any
    seed: Any
    device: Any


def settings_of(
    given: RegressorArguments, encoding: FeatureEncoding, watch: FitMonitor | None = None
) -> Settings:
    """Check every argument against the columns.

    Raises
    ------
    FitError
        For invalid values, contradictory arguments, and columns that do not exist or are of the wrong kind.
    """
    columns = min(getattr(given, "n_features_in_", len(encoding.features)), len(encoding.features))
    wanted = ShapeConstraints(
        _monotonic(given.monotone, encoding, columns), _convexity(given.convex, given.concave, encoding)
    )
    hidden = _hidden(given.hidden)
    if hidden is None and {-1, 1} <= set(wanted.convexity):
        hidden = ()  # the only laws that can be both, see _check_together
    reach, bounds = _target_range(given.positive, given.bounds)
    settings = Settings(
        hidden=hidden,
        products=_products(given.products, hidden),
        log_target=_log_target(given.log_target),
        logs=_logs(given.log_features, encoding, wanted),
        loss=_choice(given.loss, "loss", ("auto", *LOSSES)),
        grid_size=None if _is_auto(given.grid_size) else whole_number(given.grid_size, "grid_size", 1),
        smoothing=_smoothing(given.smoothing),
        criterion="evidence" if _is_text(given.smoothing, "evidence") else "gcv",
        starts=whole_number(given.starts, "starts", 1),
        shape_constraints=wanted,
        target_range=reach,
        bounds=bounds,
        hold_positive=_is_auto(given.positive) and reach == "any" and -1 not in wanted.convexity,
        precision="mixed"
        if _choice(given.precision, "precision", ("double", "mixed")) == "mixed"
        else "double",
        seed=_seed(given.seed),
        device=device_of(given.device),
        monitor=watch or FitMonitor(),
    )
    _check_together(settings)
    return settings


def device_of(device: Any) -> torch.device:
    """Return the device to train on: ``"auto"`` is CUDA if available."""
    if _is_auto(device):
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise FitError(f"device={device!r} is no device; use 'auto', 'cpu' or 'cuda'") from error
    if chosen.type not in ("cpu", "cuda"):
        # Metal has no double precision, in which the trainer works; a meta device holds no numbers.
        raise FitError(f"device={device!r} cannot train a law; use 'auto', 'cpu' or 'cuda'")
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise FitError(f"device={device!r}: no CUDA device is available here; use 'auto' or 'cpu'")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise FitError(
            f"device={device!r}: there are {torch.cuda.device_count()} CUDA devices, counted from 0"
        )
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
    periods = {}
    for name, period in periodic.items():
        feature = _number(name, encoding, "periodic")
        if isinstance(period, bool) or not isinstance(period, Real) or not 0.0 < float(period) < float("inf"):
            raise FitError(
                f"periodic: column {feature.name!r} has period {period!r}; it must be a number above 0"
            )
        periods[feature.name] = float(period)
    return periods


def warn_of_contradictions(
    target: NDArray[np.float64],
    weights: NDArray[np.float64],
    settings: Settings,
    index: pd.Index[Any] | None = None,
) -> None:
    """Warn if many targets are outside the requested range of the law by more than a tenth of their spread.

    Raises
    ------
    FitError
        If most of them are.
    """
    if settings.target_range == "any":
        return
    low, high = settings.bounds if settings.target_range == "bounded" else (0.0, np.inf)
    noise = 0.1 * float(target.std())
    beyond = (target < low - noise) | (target > high + noise)
    share = float(np.average(beyond, weights=weights))
    asked = f"bounds=({low:g}, {high:g})" if settings.target_range == "bounded" else "positive=True"
    first = int(beyond.argmax())
    message = (
        f"{asked}: the target is outside in {int(beyond.sum()):,} of {len(target):,} rows, the first "
        f"{number_text(target[first], 6)} in {row_name(index, first)}, where no such law can follow"
    )
    if share > 0.5:
        raise FitError(f"{message}; ask for other ends, or for none")
    if share > 0.05:
        warnings.warn(message, KanoptWarning, stacklevel=2)


def _check_together(settings: Settings) -> None:
    """Refuse arguments that contradict each other."""
    bends = {bend for bend in settings.shape_constraints.convexity if bend}
    if settings.shape_constraints and any(settings.products):
        raise FitError(
            f"products={settings.products} with monotone, convex or concave: a product node keeps no shape; leave "
            "out one"
        )
    if settings.hidden and len(bends) > 1:
        raise FitError(
            "convex and concave columns together need an additive law: the shapes cannot both be held through hidden "
            "nodes; use hidden=(), or ask for one of the two"
        )
    if settings.log_target and -1 in bends:
        raise FitError(
            "concave with log_target=True: exp(concave) need not be concave; use log_target=False, or leave out concave"
        )
    if settings.target_range == "positive" and -1 in bends:
        raise FitError(
            "concave with positive=True: a positive law is bent upwards near zero; leave out one of the two"
        )
    if settings.target_range == "bounded" and bends:
        raise FitError(
            "convex or concave with bounds: a law that flattens at both ends is neither; leave out one"
        )
    if settings.target_range == "bounded" and settings.log_target:
        raise FitError("bounds with log_target=True: use one of the two")


def _seed(value: Any) -> int:
    seed = whole_number(value, "seed", 0)
    if seed >= 1 << 63:
        raise FitError(f"seed={value!r} is too large; use a whole number below 2**63")
    return seed


def _is_text(value: Any, text: str) -> bool:
    return isinstance(value, str) and value == text


def is_open(value: Any) -> bool:
    """Whether an argument leaves the choice: None or "auto"."""
    return value is None or _is_auto(value)


def _is_auto(value: Any) -> bool:
    return _is_text(value, "auto")


def _is_truth(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_)) or (isinstance(value, Integral) and int(value) in (0, 1))


def _hidden(value: Any) -> tuple[int, ...] | None:
    if _is_auto(value):
        return None
    value = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        one = f"({value},)" if isinstance(value, Integral) and int(value) > 0 else "(4,)"
        raise FitError(
            f"hidden={value!r} must be 'auto' or the widths of the hidden layers, such as () or {one}"
        )
    for width in value:
        if isinstance(width, bool) or not isinstance(width, Integral) or int(width) < 1:
            raise FitError(
                f"hidden={tuple(value)!r}: {width!r} is no width of a layer, which is a whole number of at least 1; "
                "() has no hidden layer"
            )
    return tuple(int(width) for width in value)


def _products(value: Any, hidden: tuple[int, ...] | None) -> tuple[int, ...]:
    if _is_auto(value):
        return ()
    if hidden is None or not isinstance(value, Sequence) or len(value) != len(hidden):
        raise FitError(
            f"products={value!r} must be 'auto', or say how many nodes of every hidden layer multiply, such as "
            "hidden=(3,), products=(1,)"
        )
    counts = tuple(whole_number(count, "a number in products", 0) for count in value)
    if any(count > width for count, width in zip(counts, hidden, strict=True)):
        raise FitError(f"products={value!r}: there are only hidden={hidden} nodes")
    return counts


def _log_target(value: Any) -> bool | None:
    if _is_auto(value):
        return None
    if not _is_truth(value):
        raise FitError(f"log_target={value!r} must be 'auto', True or False")
    return bool(value)


def _choice(value: Any, name: str, known: Sequence[str]) -> str | None:
    if not isinstance(value, str) or value not in known:
        raise FitError(f"{name}={value!r} is unknown; {nearest(str(value), known)}")
    return None if _is_auto(value) else value


def _smoothing(value: Any) -> float | None:
    if isinstance(value, str) and value in ("auto", "evidence"):
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 <= float(value) < float("inf"):
        raise FitError(f"smoothing={value!r} must be 'auto', 'evidence' or a number of at least 0")
    return float(value)


def _target_range(
    positive: Any, bounds: Any
) -> tuple[Literal["any", "positive", "bounded"], tuple[float, float]]:
    """Return the requested range of the law's values."""
    if not _is_truth(positive) and not _is_auto(positive):
        raise FitError(f"positive={positive!r} must be 'auto', True or False")
    positive = not _is_auto(positive) and bool(positive)
    if bounds is None:
        return ("positive" if positive else "any"), (0.0, 0.0)
    try:
        low, high = (float(end) for end in bounds)
    except (TypeError, ValueError) as error:
        raise FitError(f"bounds={bounds!r} must be two numbers, the lower first, such as (0, 24)") from error
    if not -np.inf < low < high < np.inf:
        raise FitError(f"bounds={bounds!r}: the lower end must lie below the upper, and both be finite")
    if positive and low < 0:
        raise FitError(
            f"positive=True with bounds={bounds!r}: the lower end is below zero; drop positive or raise it"
        )
    return "bounded", (low, high)


def _logs(value: Any, encoding: FeatureEncoding, wanted: ShapeConstraints) -> tuple[bool, ...] | None:
    if isinstance(value, str):
        if value == "auto":
            return None
        raise FitError(f"log_features={value!r} must be 'auto' or a list of columns, such as ['{value}']")
    names = value.tolist() if isinstance(value, (np.ndarray, pd.Index)) else value
    if names is None or not isinstance(names, (Sequence, set, frozenset)):
        raise FitError(f"log_features={value!r} must be 'auto' or a list of columns, such as [] or ['km']")
    chosen = {_number(name, encoding, "log_features").name for name in names}
    bends = wanted.convexity or (0,) * len(encoding.numbers)
    for feature, bend in zip(encoding.numbers, bends, strict=True):
        if feature.name in chosen and feature.low <= 0.0:
            raise FitError(
                f"log_features: column {feature.name!r} goes down to {number_text(feature.low, 6)}, which has no "
                "logarithm; leave it out of log_features, or leave these rows out"
            )
        if feature.name in chosen and bend:
            raise FitError(
                f"log_features: column {feature.name!r} is asked to be convex or concave, and what is so in its "
                "logarithm need not be in the column; leave it out of log_features"
            )
    periodic = next((feature.name for feature in encoding.periodic if feature.name in chosen), None)
    if periodic is not None:
        raise FitError(
            f"log_features: column {periodic!r} is periodic, which its logarithm is not; leave it out"
        )
    return tuple(feature.name in chosen for feature in encoding.numbers)


def _monotonic(value: Any, encoding: FeatureEncoding, columns: int) -> tuple[int, ...]:
    if value is None:
        return ()
    value = value.tolist() if isinstance(value, np.ndarray) else value
    known = {len(encoding.features), columns}
    if isinstance(value, (Mapping, pd.Series)):
        named = by_name(dict(value.items()), encoding, "monotone")
    elif isinstance(value, Sequence) and not isinstance(value, str) and len(value) in known:
        named = {name: sign for name, sign in zip(encoding.names, value, strict=False) if sign != 0}
    else:
        raise FitError(
            f"monotone={value!r} must map columns to +1 or -1, or hold one of -1, 0, +1 for each of the "
            f"{columns} columns"
        )
    signs: dict[str, int] = {}
    for name, sign in named.items():
        feature = column_of(name, encoding, "monotone")
        if isinstance(sign, bool) or sign not in (-1, 0, 1):
            raise FitError(f"monotone: column {feature.name!r} has {sign!r}; use +1 (rises), -1 (falls) or 0")
        if sign != 0:
            _refuse_unordered(feature, "monotone")
        signs[feature.name] = int(sign)
    return tuple(signs.get(feature.name, 0) for feature in encoding.numbers)


def _convexity(convex: Any, concave: Any, encoding: FeatureEncoding) -> tuple[int, ...]:
    bends: dict[str, int] = {}
    for value, bend, what in ((convex, 1, "convex"), (concave, -1, "concave")):
        if value is None:
            continue
        if isinstance(value, str) or not isinstance(value, (Sequence, set, frozenset)):
            raise FitError(f"{what}={value!r} must be a list of columns")
        for name in value:
            feature = column_of(name, encoding, what)
            _refuse_unordered(feature, what)
            if bends.get(feature.name, bend) != bend:
                raise FitError(
                    f"column {feature.name!r} is in both convex and concave; a line is both: ask for neither"
                )
            bends[feature.name] = bend
    return tuple(bends.get(feature.name, 0) for feature in encoding.numbers) if bends else ()


def _refuse_unordered(feature: Feature, where: str) -> None:
    if feature.kind in NO_SHAPE:
        raise FitError(f"{where}: column {feature.name!r} {NO_SHAPE[feature.kind]}")


def _number(name: Any, encoding: FeatureEncoding, where: str) -> Feature:
    feature = column_of(name, encoding, where)
    if feature.kind == "category":
        why = "is a category; only numbers have logarithms" if where == "log_features" else NO_PERIOD
        raise FitError(f"{where}: column {feature.name!r} {why}")
    return feature
