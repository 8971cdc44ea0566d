"""Write files atomically, under names that stay in their folder; read regular files, to a limit."""

from __future__ import annotations

import contextlib
import csv
import errno
import glob
import hashlib
import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanopt.errors import FileFormatError, nearest

if TYPE_CHECKING:
    import pandas as pd


# Texts in CSV files that spreadsheets do not take for formulas, and their way back.
#
# A spreadsheet computes a cell that begins like a formula, even one that the file quotes, and a formula may
# run programs and send data away (OWASP: CSV injection). An apostrophe before the sign keeps it from that.

# where commas are decimal signs, spreadsheets begin a new cell at every semicolon
_SIGNS = "=+\\-@\t\r\n＝＋－＠"
_FORMULA = re.compile(f"(^|;)(?=[ \t\r\n']*[{_SIGNS}])")
GUARDED = f"(^|;)'[ \t\r\n']*[{_SIGNS}]"
"""Regular expression, of Python and of RE2, that is found in every guarded text."""
_GUARD = re.compile(f"(^|;)'(?=[ \t\r\n']*[{_SIGNS}])")


def guarded(text: str) -> str:
    """Return a text with an apostrophe wherever a spreadsheet would see the beginning of a formula.

    Examples
    --------
    >>> guarded("=1+1"), guarded("van; -2"), guarded("Saint-Ouen"), guarded("'=1")
    ("'=1+1", "van;' -2", 'Saint-Ouen', "''=1")
    """
    return _FORMULA.sub(r"\1'", text)


def unguarded(text: str) -> str:
    """Return the text that :func:`guarded` was given.

    Examples
    --------
    >>> unguarded("'=1+1"), unguarded("'s-Gravenhage"), unguarded("''=1")
    ('=1+1', "'s-Gravenhage", "'=1")
    """
    return _GUARD.sub(r"\1", text)


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV for people, in which texts are texts to a spreadsheet, too; numbers stay as they are.

    Examples
    --------
    >>> import pandas as pd
    >>> print(csv_text(pd.DataFrame({"client": ["@home", "Lyon"], "load": [-1.5, 2.0]})), end="")
    client,load
    '@home,-1.5
    Lyon,2.0
    """
    safe = frame.map(_cell).rename(columns=_cell)
    text: str = safe.to_csv(index=False, lineterminator="\n")
    # pandas quotes the line end that it writes and no other, which would begin a row of its own
    if "\r" in text:
        text = safe.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text


def _cell(value: Any) -> Any:
    return guarded(value) if isinstance(value, str) else value


if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


# what a file name cannot hold or end with on one system or another, and the devices of Windows
_UNFIT = re.compile(
    r"""[<>:"/\\|?*%\x00-\x1f\x7f\ud800-\udfff]|^[.\s]|[.\s]$|^(?=(con|prn|aux|nul|com\d|lpt\d)(\.|$)).""",
    re.IGNORECASE,
)
_LONGEST = 120  # bytes; most systems allow 255
_PREFIX = 40
"""Characters of a file's name in that of the unfinished one, which must not become too long."""
_SHOWN = 200
"""Characters of a path that cannot be one in a message."""
_HANDLES = Path("/proc/self/fd")
"""Where open files have paths under Linux, also those without a name."""
_ABANDONED = 3_600.0
"""Seconds after which nobody writes at an unfinished file any more."""


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


def check_target(path: str | os.PathLike[str]) -> None:
    """Refuse a file that could not be written, before there is anything to write.

    Folders on the way may be missing; they are made with the file.

    Parameters
    ----------
    path
        Path of the file.

    Raises
    ------
    OSError
        If the path is that of a folder or device, leads through a file, or ends where nothing may be written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_target(Path(folder, "new", "note.txt"))
    """
    folder = _nearest_folder(_resolved(path), path)
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def replace_file(path: str | os.PathLike[str], content: bytes | str, *, make_folders: bool = False) -> Path:
    """Write a file atomically: nobody sees half of it, and one that cannot be written leaves what was there.

    A process that is killed meanwhile leaves an unfinished file whose name ends in ``.tmp``, which whoever writes the
    file an hour later removes.

    Parameters
    ----------
    path
        Path of the file. Where it is a link, the file that it leads to is replaced.
    content
        Content of the file; text is written in UTF-8 with its line ends as they are.
    make_folders
        Make the folders on the way; otherwise the file's folder must exist.

    Raises
    ------
    OSError
        If the folder does not exist or may not be written to, the path is that of a folder or device, or the disk is
        full.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_file(Path(folder, "note.txt"), "1 km").read_bytes()
    b'1 km'
    """
    target = _resolved(path)
    if make_folders:
        _nearest_folder(target, path)
        target.parent.mkdir(parents=True, exist_ok=True)
    elif not target.parent.is_dir():
        raise FileNotFoundError(
            f"{path}: the folder {str(target.parent)!r} does not exist; create it, or write to another"
        )
    try:
        _replace(target, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        # neither a full disk nor one that is read only says of itself which file it is about
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    return Path(path)


@contextlib.contextmanager
def hold_file(path: str | os.PathLike[str]) -> Iterator[bool]:
    """Hold a file against other processes that hold it so; yields whether it could be had.

    However a process ends, what it held is free again. The file stays where it is, and is empty.

    Parameters
    ----------
    path
        Path of the file, made if it is not there.

    Raises
    ------
    OSError
        If it cannot be made, or the file system knows no locks.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "lock")
    ...     with hold_file(path) as first, hold_file(path) as second:
    ...         first, second
    (True, False)
    """
    with Path(path).open("ab") as file:
        try:
            if sys.platform == "win32":
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # what another process holds is told so by POSIX and by Windows
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise OSError(error.errno, f"cannot be locked: {error.strerror}", str(path)) from error
            yield False
            return
        yield True


@contextlib.contextmanager
def temporary_path() -> Iterator[Path]:
    """Yield a path for a temporary file that can be opened any number of times and is gone at the end.

    Under Linux it is gone also where the process is killed: the file has no name.

    Examples
    --------
    >>> with temporary_path() as path:
    ...     _ = path.write_text("1 km")
    ...     path.read_text()
    '1 km'
    """
    if _HANDLES.is_dir():
        with tempfile.TemporaryFile() as file:
            yield _HANDLES / str(file.fileno())
    else:
        with tempfile.TemporaryDirectory(prefix="kanopt-") as folder:
            yield Path(folder, "temporary")


def _nearest_folder(target: Path, given: str | os.PathLike[str]) -> Path:
    """Return the first folder above a file that is there.

    Raises
    ------
    NotADirectoryError
        If the way leads through a file.
    """
    folder = next(parent for parent in target.parents if parent.exists())
    if not folder.is_dir():
        raise NotADirectoryError(f"{given}: {str(folder)!r} is a file, not a folder; write to another")
    return folder


def _resolved(path: str | os.PathLike[str]) -> Path:
    """Return the file that a path leads to.

    Raises
    ------
    OSError
        If it is a folder or device.
    """
    given = Path(path)
    if given.is_dir():
        raise IsADirectoryError(f"{path}: this is a folder; name a file in it")
    if given.exists() and not given.is_file():
        raise OSError(f"{path}: this is a device or a pipe, which cannot be replaced; name a file")
    return Path(os.path.realpath(path))


def _replace(target: Path, content: bytes) -> None:
    """Write a file beside the target, then put it in its place."""
    prefix = f".{target.name[:_PREFIX]}."
    for path in target.parent.glob(f"{glob.escape(prefix)}*.tmp"):
        # of a writer that was killed; one that is gone needs no removing
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()
    unfinished = target.parent / f"{prefix}{secrets.token_hex(4)}.tmp"
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # some file systems notice only now that they are full
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


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
    with require_file(path, what).open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        size = Path(path).stat().st_size
        raise FileFormatError(
            f"{os.fspath(path)}: {size:,} bytes are too many for {what}, at most {largest:,}"
        )
    return content


def require_file(path: str | os.PathLike[str], what: str) -> Path:
    """Return a path at which there is a regular file.

    Raises
    ------
    FileFormatError
        If it is no path, or something else is there.
    FileNotFoundError
        If nothing is there; names the folder that is missing, or the file that has nearly this name.
    """
    require_path(path)
    source = Path(path)
    if source.is_file():
        return source
    if source.exists():
        kind = "a folder" if source.is_dir() else "a pipe, a device or the like"
        raise FileFormatError(f"{source}: is {kind}, not {what}")
    if not source.parent.is_dir():
        raise FileNotFoundError(f"no such file: {source}; there is no folder {str(source.parent)!r}")
    hint = nearest(source.name, [each.name for each in source.parent.iterdir()])
    advice = f"; {hint}" if hint.startswith("did you mean") else ""
    raise FileNotFoundError(f"no such file: {source}{advice}")


def require_path(path: str | os.PathLike[str]) -> None:
    r"""Refuse what the system takes for no path, whether there is a file or not.

    Parameters
    ----------
    path
        What was given as a path.

    Raises
    ------
    FileFormatError
        If it holds a zero byte or half a character, is longer than paths may be, or leads through links in a circle.

    Examples
    --------
    >>> require_path("no/such/file.csv")
    >>> require_path("a\0b.csv")
    Traceback (most recent call last):
    ...
    kanopt.errors.FileFormatError: 'a\x00b.csv' is no path: it holds a zero byte
    """
    given = repr(os.fspath(path))
    shown = given if len(given) <= _SHOWN else f"{given[: _SHOWN // 2]}…{given[-_SHOWN // 2 :]}"
    try:
        os.lstat(os.fsencode(path))
    except UnicodeEncodeError:
        raise FileFormatError(f"{shown} is no path: it holds half a character") from None
    except ValueError:
        raise FileFormatError(f"{shown} is no path: it holds a zero byte") from None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise FileFormatError(f"{shown} is no path: {error.strerror}") from None
