"""Models on disk without pickle: one zip of plain arrays and a JSON header.

A model file from a stranger is data; reading it executes nothing.
"""

from __future__ import annotations

import io
import json
import math
import os
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FileFormatError
from kanopt.files import open_regular, replace_file
from kanopt.surrogates.file_checks import check_columns, check_law
from kanopt.surrogates.law import law_from_parts, law_to_parts
from kanopt.surrogates.missing import MissingIndicators
from kanopt.units import check_unit

if TYPE_CHECKING:
    from kanopt.surrogates.regressor import KANRegressor

__all__ = ["load_model", "model_of_parts", "model_parts", "read_model", "write_model"]

ModelT = TypeVar("ModelT", bound="KANRegressor")

Measures = dict[str, dict[str, float]]
FORMAT = "kanopt-model"
VERSION = 3
LARGEST = 1 << 29
"""Bytes that a file may hold when unpacked; a model has a few megabytes, and 16 bytes per row it was fitted to."""
UNPACKED, MOST_PACKED = 1 << 26, 50
"""Bytes that any file may hold when unpacked, and how often its own size a larger one may."""
LARGEST_HEADER = 1 << 23
_BEGINNING = b"PK\x03\x04"
_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    AttributeError,
    TypeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,  # of encrypted files, of what nests too deep, and of ways of packing that are unknown
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,  # these two of the header of an array, which numpy reads with Python's tokenizer
    tokenize.TokenError,
)


def write_model(
    path: str | os.PathLike[str], header: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> None:
    """Write a header and named arrays; the file appears whole or not at all."""
    text = json.dumps({"format": FORMAT, "version": VERSION, **header}, allow_nan=False)
    content = io.BytesIO()
    np.savez_compressed(
        content, allow_pickle=False, header=np.frombuffer(text.encode(), dtype=np.uint8), **arrays
    )
    replace_file(path, content.getvalue())


def read_model(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what :func:`write_model` wrote.

    Raises
    ------
    FileFormatError
        Where the file is damaged, something else, or of a newer version.
    FileNotFoundError
        Where there is none.
    """
    try:
        arrays = _arrays(Path(path))
        header = json.loads(arrays.pop("header").tobytes().decode())
    except (FileNotFoundError, FileFormatError):
        raise
    except _UNREADABLE as error:
        raise _unreadable_error(path, error) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise FileFormatError(f"{path}: this is not a saved KANRegressor; write one with model.save(path)")
    if header.get("version") != VERSION:
        raise FileFormatError(
            f"{path}: written in version {header.get('version')!r} of the format, this kanopt reads "
            f"version {VERSION}; update kanopt or save the model again"
        )
    return header, arrays


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file that is not too large and begins as one of ours."""
    with open_regular(path, "a model file") as file:
        if file.read(len(_BEGINNING)) != _BEGINNING:
            raise FileFormatError(
                f"{path}: not written by KANRegressor.save; load what model.save(path) has written"
            )
        with zipfile.ZipFile(file) as parts:
            _check_sizes(path, parts)
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}


def _check_sizes(path: Path, parts: zipfile.ZipFile) -> None:
    """Refuse what is too large when unpacked, before anything is.

    Raises
    ------
    FileFormatError
        If it is.
    """
    sizes = {part.filename: part.file_size for part in parts.infolist()}
    unpacked, packed = sum(sizes.values()), path.stat().st_size
    # numbers of a model pack to a half or a third; only what repeats itself packs to a fiftieth
    if unpacked > min(LARGEST, max(UNPACKED, MOST_PACKED * packed)):
        raise FileFormatError(
            f"{path}: {unpacked:,} bytes when unpacked are too many for a model file of {packed:,}"
        )
    if sizes.get("header.npy", 0) > LARGEST_HEADER:
        raise FileFormatError(
            f"{path}: a header of {sizes['header.npy']:,} bytes is too large, at most {LARGEST_HEADER:,}"
        )


def _unreadable_error(path: str | os.PathLike[str], error: BaseException) -> FileFormatError:
    # numpy advises to trust files that hold objects, which no file of ours does.
    why = "it holds Python objects" if "pickle" in str(error) else f"{type(error).__name__}: {error}"
    return FileFormatError(
        f"{path}: not a readable model file ({why}); it may be cut off or changed; save the model again"
    )


def model_parts(model: KANRegressor) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what is written: a header for JSON, and named arrays."""
    header, arrays = law_to_parts(model._law)
    header["measures"] = _defined(header["measures"])
    header["target"] = model.target_name_
    header["columns"] = list(model._columns)
    header["named"] = hasattr(model, "feature_names_in_")
    header["fills"] = dict(model._indicators.fills)
    header["units"] = dict(model._units)
    header["stopped"] = model.stopped_
    header["arguments"] = {name: _to_json_value(value) for name, value in model.get_params().items()}
    header["alternatives"] = json.loads(model.alternatives_.to_json(orient="records", double_precision=15))
    return header, arrays


def load_model(asked: type[ModelT], path: str | os.PathLike[str]) -> ModelT:
    """Read a model; see :meth:`kanopt.KANRegressor.load`."""
    header, arrays = read_model(path)
    try:
        return model_of_parts(asked, header, arrays)
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}; save the model again") from error
    except (*_UNREADABLE, IndexError) as error:
        raise FileFormatError(
            f"{path}: the saved model lacks a part or holds a wrong one ({type(error).__name__}: {error}); save "
            "the model again"
        ) from error


def model_of_parts(kind: type[ModelT], header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> ModelT:
    """Undo :func:`model_parts`."""
    header["measures"] = _undefined_as_nan(header["measures"])
    law = law_from_parts(header, arrays)
    check_law(law)
    model = kind(**{name: _argument(value) for name, value in header["arguments"].items()})
    target, named = str(header["target"]), bool(header["named"])
    columns = _columns(header["columns"], law.encoding.names)
    model.alternatives_ = _alternatives(header["alternatives"])
    fills = {str(k): v if isinstance(v, str) else float(v) for k, v in header["fills"].items()}
    check_columns(columns, fills, law.encoding)
    model._indicators = MissingIndicators(fills)
    model.n_features_in_ = len(columns)
    if named:
        model.feature_names_in_ = np.array(columns, dtype=object)
    model._columns = columns
    model._rows = model._known_rows = model._grouped_rows = None
    # files from before columns were converted have none
    model._units = {str(name): check_unit(unit) for name, unit in header.get("units", {}).items()}
    model._set_fitted(law, target)
    # files from before fits were marked have no mark
    model.stopped_ = str(header.get("stopped", ""))
    return model


def _columns(found: Any, encoded: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of the table; files from before columns could be idle hold their number alone."""
    if isinstance(found, int):
        return encoded[:found] if 1 <= found <= len(encoded) else ()
    return tuple(map(str, found))


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


def _defined(measures: Measures) -> dict[str, dict[str, float | None]]:
    """Return measures as JSON can hold them: null for R² of a constant target, which is not defined."""
    return {
        rows: {name: None if math.isnan(value) else value for name, value in found.items()}
        for rows, found in measures.items()
    }


def _undefined_as_nan(measures: Mapping[str, Mapping[str, float | None]]) -> Measures:
    """Undo :func:`_defined`."""
    return {
        rows: {name: math.nan if value is None else float(value) for name, value in found.items()}
        for rows, found in measures.items()
    }


def _argument(value: Any) -> Any:
    """Undo :func:`_to_json_value`."""
    return dict(value["pairs"]) if isinstance(value, dict) else _tuples(value)


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _alternatives(records: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{name: _tuples(value) for name, value in row.items()} for row in records])
