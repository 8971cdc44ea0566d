"""Models on disk: JSON of the law as a formula of curves, and of the columns that it reads.

A model file from a stranger is data. Reading it executes nothing, and all of it is checked before anything is computed
from it, so that a loaded model never fails with an internal error or returns NaN.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import pandas as pd
from pydantic import ConfigDict, TypeAdapter, ValidationError

from kanopt.errors import FileFormatError, KanoptError
from kanopt.files import read_file, replace_file
from kanopt.kan.links import Softplus
from kanopt.surrogates.curves import layers_of, places_of
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.law import FittedLaw
from kanopt.surrogates.missing import MissingIndicators
from kanopt.surrogates.readings import FittedModel
from kanopt.units import check_unit

ModelT = TypeVar("ModelT", bound=FittedModel)

LARGEST = 1 << 29
"""Bytes that a file may hold; a model has a few megabytes, and 33 bytes for each row that it was fitted to."""
MEASURES = {"rows", "r2", "rmse", "mae", "ratio"}


@dataclass(frozen=True)
class _ModelFile:
    """What a file holds: the law, the columns of the table, and how the model was asked for."""

    __pydantic_config__: ClassVar = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")

    format: Literal["kanopt model"]
    version: Literal[5]
    law: FittedLaw
    target: str
    columns: tuple[str, ...]
    named: bool
    fills: dict[str, float | str]
    units: dict[str, str]
    stopped: str
    arguments: dict[str, Any]
    alternatives: list[dict[str, Any]]


@cache
def _model_file() -> TypeAdapter[_ModelFile]:
    return TypeAdapter(_ModelFile)


def save_model(model: FittedModel, path: str | os.PathLike[str]) -> None:
    """Write a model; see :meth:`kanopt.KANRegressor.save`."""
    content = _ModelFile(
        "kanopt model",
        5,
        law=model._law,
        target=model.target_name_,
        columns=model._columns,
        named=hasattr(model, "feature_names_in_"),
        fills=dict(model._indicators.fills),
        units=dict(model._units),
        stopped=model.stopped_,
        arguments={name: _to_json_value(value) for name, value in model.get_params().items()},
        alternatives=json.loads(model.alternatives_.to_json(orient="records", double_precision=15)),
    )
    replace_file(path, json.dumps(_model_file().dump_python(content, mode="json"), allow_nan=False))


def load_model(asked: type[ModelT], path: str | os.PathLike[str]) -> ModelT:
    """Read a model; see :meth:`kanopt.KANRegressor.load`."""
    content = read_file(path, LARGEST, "a model file")
    try:
        found = _model_file().validate_json(content)
        fault = next(_faults(found), "")
        if fault:
            raise FileFormatError(fault)
        model = asked(**{name: _argument(value) for name, value in found.arguments.items()})
        model._units = {name: check_unit(unit) for name, unit in found.units.items()}
        model.alternatives_ = _alternatives(found.alternatives)
    except ValidationError as error:
        raise FileFormatError(f"{path}: {_told(error)}") from None
    except (KanoptError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: {error}; save the model again") from error
    model._indicators = MissingIndicators(found.fills)
    model.n_features_in_ = len(found.columns)
    if found.named:
        model.feature_names_in_ = np.array(found.columns, dtype=object)
    model._columns = found.columns
    model._rows = model._known_rows = model._groups = None
    model._set_fitted(found.law, found.target)
    model.stopped_ = found.stopped
    return model


def _told(error: ValidationError) -> str:
    """Return in words why a file is no model."""
    faults = {each["loc"]: each for each in error.errors(include_url=False)}
    if () in faults or ("format",) in faults:
        why = faults[()]["msg"] if () in faults else "it is another kind of file"
        return f"not written by KANRegressor.save ({why}); load what model.save(path) has written"
    if ("version",) in faults:
        return (
            f"written in version {faults['version',]['input']!r:.20} of the format, this kanopt reads version 5; "
            "update kanopt or save the model again"
        )
    place, fault = next(iter(faults.items()))
    return f"{'.'.join(map(str, place)):.200}: {fault['msg']:.400}; save the model again"


def _faults(found: _ModelFile) -> Iterator[str]:
    """Yield what does not fit together."""
    law, features = found.law, found.law.encoding.features
    yield from (
        f"the encoding of column {each.name!r} makes no sense" for each in features if not _makes_sense(each)
    )
    names = law.encoding.names
    kept = [name for name in found.columns if name in names]
    if not kept or len({*names}) < len(names) or len({*found.columns}) < len(found.columns):
        yield "the columns are none, or have one name twice"
    if list(names[: len(kept)]) != kept:
        yield "the columns are not those of the encoding"
    numeric = {each.name: each.is_numeric for each in features}
    for name, fill in found.fills.items():
        if name not in kept or numeric[name] is isinstance(fill, str):
            yield f"the fill of column {name!r} does not fit"
    known = {each.name for each in law.network.domain.ranges} | dict(law.network.domain.quantiles).keys()
    known |= {name for test in law.network.domain.joints for name in test.names}
    if law.network.inputs != places_of(law.encoding) or known - {each.name for each in law.network.inputs}:
        yield "the network does not read the columns of the encoding"
    layers_of(law.network)  # says what is wrong with it
    codes = {each.name: (each.categories,) for each in law.network.inputs}
    if any(table.categories != codes[table.inputs[0]] for table in law.network.tables):
        yield "a table of the network is not of the categories of the encoding"
    link = law.link or Softplus()
    fits = link.ends[0] < link.ends[1] and not (law.log_target and law.link)
    if not law.smearing > 0.0 or not law.variance >= 0.0 or not fits or getattr(link, "scale", 1.0) <= 0.0:
        yield "smearing, variance or link make no sense"
    if not law.measures or any(
        set(each) != MEASURES or math.isnan(each["rows"]) for each in law.measures.values()
    ):
        yield "the measures are incomplete"
    yield from _misshapen(law)
    with np.errstate(all="ignore"):
        foretold = law.predict(law.numbers, law.codes)
    if not np.isfinite(foretold).all():
        yield "the network gives no numbers for the rows kept in the file"


def _makes_sense(feature: Feature) -> bool:
    """Return whether the encoding of a column is consistent."""
    labels, taken = feature.categories, feature.taken_for
    if feature.scale <= 0.0 or feature.low > feature.high:
        return False
    if feature.kind == "category":
        known = all(like in labels and rare not in labels for rare, like in taken)
        return known and 0 < len(set(labels)) == len(labels) and not feature.log
    return not labels and not taken and not (feature.log and (feature.low <= 0.0 or feature.kind == "cycle"))


def _misshapen(law: FittedLaw) -> Iterator[str]:
    """Yield which arrays do not fit the network or each other."""
    rows, encoding = len(law.numbers) if law.numbers.ndim else 0, law.encoding
    most = np.array([len(each.categories) for each in encoding.categories], dtype=np.int64)
    shapes: dict[str, list[tuple[int, ...]]] = {
        "residual_weights": [law.residuals.shape],
        "middle": [law.residuals.shape],
        "importance": [(len(encoding.features),)],
        "numbers": [(rows, len(encoding.numeric))],
        "codes": [(rows, len(most))],
        "residuals": [(law.residuals.size,)],
    }
    wrong = [name for name, known in shapes.items() if getattr(law, name).shape not in known]
    yield from (f"{name} is of another shape" for name in wrong)
    if not rows or not law.residuals.size or not (np.diff(law.residuals) >= 0.0).all():
        yield "there are no rows, or residuals are not in order"
    if not (law.residual_weights >= 0.0).all() or not law.residual_weights.sum() > 0.0:
        yield "weights of residuals are below zero, or all zero"
    if not ((law.codes >= 0) & (law.codes < most)).all():
        yield "codes lie outside the categories"


def _to_json_value(value: Any) -> Any:
    """Return an argument as JSON can hold it."""
    if isinstance(value, Mapping):
        # Keys may be names or positions, which JSON would make names.
        return {"pairs": [[_to_json_value(key), _to_json_value(item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return [_to_json_value(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    plain = value is None or isinstance(value, (bool, int, float, str))
    return value if plain else str(value)  # such as torch.device("cpu")


def _argument(value: Any) -> Any:
    """Undo :func:`_to_json_value`."""
    return dict(value["pairs"]) if isinstance(value, dict) else _tuples(value)


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _alternatives(records: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{name: _tuples(value) for name, value in row.items()} for row in records])
