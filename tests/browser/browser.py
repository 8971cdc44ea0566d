"""A browser that tests ask, in a child process: see :mod:`tests.browser.chromium`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Browser", "is_installed"]

_CHILD = Path(__file__).with_name("chromium.py")
_QUIET = "--disable-gpu --hide-scrollbars"
_DARK = " --blink-settings=preferredColorScheme=0"


def is_installed() -> bool:
    """Say whether there is a browser: the extra ``browser``."""
    return find_spec("PySide6") is not None and find_spec("PySide6.QtWebEngineCore") is not None


class Browser:
    """A Chromium without a screen.

    Parameters
    ----------
    log
        Where what it says of itself is written.
    dark
        Whether its reader prefers dark colours.
    """

    def __init__(self, log: Path, *, dark: bool = False) -> None:
        self._log = log
        settings = {
            "QT_QPA_PLATFORM": "offscreen",
            "QTWEBENGINE_CHROMIUM_FLAGS": _QUIET + _DARK * dark,
        }
        if hasattr(os, "getuid") and os.getuid() == 0:  # Chromium's sandbox refuses root, as in containers
            settings["QTWEBENGINE_DISABLE_SANDBOX"] = "1"
        with log.open("w") as errors:
            self._child = subprocess.Popen(
                [sys.executable, str(_CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                env={**os.environ, **settings},
            )

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.communicate(timeout=60)

    def open(self, page: Path, width: int = 1300, height: int = 900, *, scripts: bool = True) -> None:
        """Load a file and wait until it is laid out."""
        known = {"path": str(page), "width": width, "height": height, "scripts": scripts}
        assert self._ask("open", **known), f"{page} could not be opened"

    def run(self, body: str) -> Any:
        """Return what the body of a JavaScript function returns in the page, as JSON carries it."""
        return self._ask("evaluate", script=f"JSON.stringify((() => {{ {body} }})())")

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self._ask("resize", width=width, height=height)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key."""
        self._ask("press", key=key, shift=shift)

    def text(self) -> str:
        """Return the words that the page shows."""
        return str(self._ask("text"))

    def console(self) -> list[str]:
        """Return what was said on the console since the page was opened."""
        return list(self._ask("console"))

    def asked_for(self) -> list[str]:
        """Return every address that was asked for since the page was opened."""
        return list(self._ask("asked_for"))

    def picture(self, path: Path) -> None:
        """Save the window as a PNG."""
        self._ask("picture", path=str(path))

    def pdf(self, path: Path) -> None:
        """Print the page on A4."""
        self._ask("pdf", path=str(path))

    def sheets(self, path: Path) -> list[str]:
        """Return the words on each sheet of a PDF."""
        return list(self._ask("sheets", path=str(path)))

    def _ask(self, command: str, **given: Any) -> Any:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps({"do": command, **given}) + "\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        assert answer, f"the browser ended in {command}: {self._log.read_text('utf-8')[-2000:]}"
        return json.loads(answer)
