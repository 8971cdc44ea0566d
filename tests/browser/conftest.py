"""One browser for all tests of a process, in each of two colour schemes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.browser import Browser, is_installed

collect_ignore = ["chromium.py"]  # runs as a process of its own, with settings of its own


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser whose reader prefers light colours."""
    with _browser(tmp_path_factory, dark=False) as found:
        yield found


@pytest.fixture(scope="session")
def dark_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser whose reader prefers dark colours."""
    with _browser(tmp_path_factory, dark=True) as found:
        yield found


def _browser(folders: pytest.TempPathFactory, *, dark: bool) -> Browser:
    if not is_installed():
        pytest.skip("no browser: pip install 'kanopt[browser]'")
    return Browser(folders.mktemp("browser") / "log.txt", dark=dark)
