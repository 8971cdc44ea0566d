"""A Chromium without a screen, driven from outside: one JSON command a line in, one JSON answer a line out.

It runs in a process of its own, so that a browser that dies ends no test run, and needs only PySide6 (LGPL), the
binding of Qt, which brings Chromium as QtWebEngine. :mod:`tests.browser.browser` speaks to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop, QMarginsF, Qt, QTimer, QUrl
from PySide6.QtGui import QPageLayout, QPageSize
from PySide6.QtPdf import QPdfDocument
from PySide6.QtTest import QTest
from PySide6.QtWebEngineCore import (
    QWebEnginePage,
    QWebEngineProfile,
    QWebEngineSettings,
    QWebEngineUrlRequestInterceptor,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication

KEYS = {
    "Tab": Qt.Key.Key_Tab,
    "Enter": Qt.Key.Key_Return,
    "Space": Qt.Key.Key_Space,
    "Escape": Qt.Key.Key_Escape,
    "Left": Qt.Key.Key_Left,
    "Right": Qt.Key.Key_Right,
    "Home": Qt.Key.Key_Home,
    "End": Qt.Key.Key_End,
}
PAPER_MARGINS = (15.0, 16.0, 15.0, 16.0)  # mm: left, top, right, bottom
SETTLE = 150  # ms that a page gets to be laid out and painted


class Requests(QWebEngineUrlRequestInterceptor):
    """Notes everything that a page asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def interceptRequest(self, info: Any) -> None:  # noqa: N802
        self.seen.append(info.requestUrl().toString())


class Page(QWebEnginePage):
    """A page that keeps what is said on its console."""

    def __init__(self, profile: QWebEngineProfile) -> None:
        super().__init__(profile)
        self.said: list[str] = []

    def javaScriptConsoleMessage(self, level: Any, message: str, line: int, source: str) -> None:  # noqa: N802
        self.said.append(f"{level.name}: {message} ({source}:{line})")


class Browser:
    """What a line of input can ask for; each method is a command."""

    def __init__(self) -> None:
        self.requests, self.profile = Requests(), QWebEngineProfile()
        self.profile.setUrlRequestInterceptor(self.requests)
        self.view = QWebEngineView()
        self.view.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen, True)
        self.page = Page(self.profile)

    def open(self, path: str, width: int, height: int, scripts: bool) -> bool:
        """Load a file; say whether it could be read."""
        old, self.page = self.page, Page(self.profile)
        settings = self.page.settings()
        settings.setAttribute(QWebEngineSettings.WebAttribute.JavascriptEnabled, scripts)
        settings.setAttribute(QWebEngineSettings.WebAttribute.FocusOnNavigationEnabled, True)
        # so that what a page must not ask for is asked for where nothing forbids it
        settings.setAttribute(QWebEngineSettings.WebAttribute.LocalContentCanAccessRemoteUrls, True)
        self.requests.seen.clear()
        self.view.setPage(self.page)
        old.deleteLater()
        self.view.resize(width, height)
        self.view.show()
        self.page.load(QUrl.fromLocalFile(path))
        done = self._wait(lambda back: self.page.loadFinished.connect(back))
        self._settle()
        return bool(done)

    def evaluate(self, script: str) -> Any:
        """Run a script in the page, which must give JSON text or nothing, and return what that says."""
        text = self._wait(lambda back: self.page.runJavaScript(script, 0, back))
        return json.loads(text) if text else None

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.view.resize(width, height)
        self._settle()

    def press(self, key: str, shift: bool = False) -> None:
        """Press and release a key."""
        modifier = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
        QTest.keyClick(self.view.focusProxy() or self.view, KEYS[key], modifier)
        self._settle(40)

    def text(self) -> str:
        """Return the words of the page, as they are read without a script too."""
        return str(self._wait(lambda back: self.page.toPlainText(back)))

    def console(self) -> list[str]:
        """Return what was said on the console since the page was opened."""
        return self.page.said

    def asked_for(self) -> list[str]:
        """Return every address that was asked for since the page was opened."""
        return self.requests.seen

    def picture(self, path: str) -> None:
        """Save the window as a PNG."""
        self._settle(400)
        self.view.grab().save(path)

    def pdf(self, path: str) -> None:
        """Print the page on A4."""
        # Qt takes margins from here, not from the page's own rule, which says the same
        layout = QPageLayout(
            QPageSize(QPageSize.PageSizeId.A4),
            QPageLayout.Orientation.Portrait,
            QMarginsF(*PAPER_MARGINS),
            QPageLayout.Unit.Millimeter,
        )
        data = self._wait(lambda back: self.page.printToPdf(back, layout))
        Path(path).write_bytes(bytes(data))

    def sheets(self, path: str) -> list[str]:
        """Return the words on each sheet of a PDF."""
        document = QPdfDocument(self.view)
        document.load(path)
        return [document.getAllText(place).text() for place in range(document.pageCount())]

    def _settle(self, milliseconds: int = SETTLE) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def _wait(self, ask: Callable[[Callable[[Any], None]], Any]) -> Any:
        """Return what is handed to the function that `ask` is given."""
        loop, found = QEventLoop(), []

        def back(value: Any = None) -> None:
            found.append(value)
            loop.quit()

        ask(back)
        if not found:
            loop.exec()
        return found[0]


def main() -> None:
    """Answer commands until the input ends."""
    application = QApplication(sys.argv[:1])
    browser = Browser()
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(browser, command.pop("do"))(**command)
        print(json.dumps(answer), flush=True)
    browser.page.deleteLater()
    application.processEvents()


if __name__ == "__main__":
    main()
