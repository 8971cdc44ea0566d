"""Write files atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(path: str | Path, content: bytes) -> Path:
    """Write a file atomically: write to a temporary file beside it and rename that.

    Parameters
    ----------
    path
        Path of the file, in an existing folder.
    content
        Content of the file.

    Raises
    ------
    OSError
        If the folder does not exist or may not be written to, or the path is that of a folder.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_file(Path(folder, "note.txt"), b"1 km").read_bytes()
    b'1 km'
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"{target}: the folder {str(target.parent)!r} does not exist; create it, or write to another"
        )
    if target.is_dir():
        raise IsADirectoryError(f"{target}: this is a folder; name a file in it")
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)  # mkstemp makes files that only the owner may read
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target
