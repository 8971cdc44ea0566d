"""Models on disk without pickle: one zip of plain arrays and a JSON header.

A model file from a stranger is data; reading it executes nothing.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FileFormatError

__all__ = ["read_model", "write_model"]

FORMAT = "kanopt-model"
VERSION = 2


def write_model(
    path: str | os.PathLike[str], header: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> None:
    """Write a header and named arrays; the file appears whole or not at all."""
    target = Path(path)
    text = json.dumps({"format": FORMAT, "version": VERSION, **header}, allow_nan=False)
    temporary = target.with_name(target.name + ".part")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(
                file, allow_pickle=False, header=np.frombuffer(text.encode(), dtype=np.uint8), **arrays
            )
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


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
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays.pop("header").tobytes().decode())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, EOFError, AttributeError, TypeError) as error:
        raise _damaged(path, error) from error
    except (zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, error) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise FileFormatError(f"{path}: this is not a saved KANRegressor; write one with model.save(path)")
    if header.get("version") != VERSION:
        raise FileFormatError(
            f"{path}: written in version {header.get('version')!r} of the format, this kanopt reads "
            f"version {VERSION}; update kanopt or save the model again"
        )
    return header, arrays


def _damaged(path: str | os.PathLike[str], error: Exception) -> FileFormatError:
    return FileFormatError(
        f"{path}: not a readable model file ({type(error).__name__}: {error}); it may be cut off or changed; "
        "save the model again"
    )
