"""Write files atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(path: str | os.PathLike[str], content: bytes | str, *, make_folders: bool = False) -> Path:
    """Write a file atomically: nobody sees half of it, and one that cannot be written leaves what was there.

    Parameters
    ----------
    path
        Path of the file.
    content
        Content of the file; text is written in UTF-8 with its line ends as they are.
    make_folders
        Make the folders on the way; otherwise the file's folder must exist.

    Raises
    ------
    OSError
        If the folder does not exist or may not be written to, or the path is that of a folder.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_file(Path(folder, "note.txt"), "1 km").read_bytes()
    b'1 km'
    """
    target = Path(path)
    if make_folders:
        target.parent.mkdir(parents=True, exist_ok=True)
    elif not target.parent.is_dir():
        raise FileNotFoundError(
            f"{target}: the folder {str(target.parent)!r} does not exist; create it, or write to another"
        )
    if target.is_dir():
        raise IsADirectoryError(f"{target}: this is a folder; name a file in it")
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        mask = os.umask(0)
        os.umask(mask)
        unfinished.chmod(0o666 & ~mask)  # mkstemp makes files that only the owner may read
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return target
