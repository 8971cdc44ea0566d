"""Write files atomically, under names that stay in their folder; read regular files, to a limit."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import BinaryIO

from kanopt.errors import FileFormatError

__all__ = ["file_name", "open_regular", "read_file", "replace_file"]

# what a file name cannot hold or end with on one system or another, and the devices of Windows
_UNFIT = re.compile(
    r"""[<>:"/\\|?*%\x00-\x1f\x7f\ud800-\udfff]|^[.\s]|[.\s]$|^(?=(con|prn|aux|nul|com\d|lpt\d)(\.|$)).""",
    re.IGNORECASE,
)
_LONGEST = 120  # bytes; most systems allow 255


def file_name(name: str, suffix: str) -> str:
    """Return a file's name for something that a user or a file has named.

    Letters that a name cannot hold on some system are written as in an URL, so that no name leads out of a folder and
    different names stay different; long names are cut and end with a hash.

    Parameters
    ----------
    name
        What the thing is called.
    suffix
        How the file's name ends, with its dot.

    Examples
    --------
    >>> file_name("travel time", ".json"), file_name("../cost/h", ".json"), file_name("nul", ".json")
    ('travel time.json', '%2E.%2Fcost%2Fh.json', '%6Eul.json')
    """
    safe = _UNFIT.sub(lambda found: f"%{ord(found[0]):02X}", name) or "%"
    raw = safe.encode()
    if len(raw) > _LONGEST:
        safe = f"{raw[:_LONGEST].decode(errors='ignore')}-{hashlib.sha256(raw).hexdigest()[:8]}"
    return safe + suffix


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


def read_file(path: str | os.PathLike[str], largest: int, what: str) -> bytes:
    """Read a regular file to a limit: a pipe would never end, and a file may grow while it is read.

    Parameters
    ----------
    path
        Path of the file.
    largest
        Bytes it may hold.
    what
        What such a file is, for messages: ``"a formula file"``.

    Raises
    ------
    FileFormatError
        If it is no regular file, larger, or its path holds a zero byte.
    OSError
        If it is not there or may not be read.
    """
    with open_regular(path, what) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        size = Path(path).stat().st_size
        raise FileFormatError(
            f"{os.fspath(path)}: {size:,} bytes are too many for {what}, at most {largest:,}"
        )
    return content


def open_regular(path: str | os.PathLike[str], what: str) -> BinaryIO:
    """Open a regular file for reading; see :func:`read_file`."""
    try:
        if b"\0" in os.fsencode(path):
            raise FileFormatError(f"{os.fspath(path)!r} is no path: it holds a zero byte")
    except UnicodeEncodeError:
        raise FileFormatError(f"{os.fspath(path)!r} is no path: it holds half a character") from None
    source = Path(path)
    if source.exists() and not source.is_file():
        kind = "a folder" if source.is_dir() else "a pipe, a device or the like"
        raise FileFormatError(f"{source}: is {kind}, not {what}")
    return source.open("rb")
