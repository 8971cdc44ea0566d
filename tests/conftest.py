"""Settings for every test: no timing decides, and random examples are the same on every run."""

from __future__ import annotations

import gc
import os

# Small matrices gain nothing from threads, and on a busy machine threads spin while they wait for each other: with two
# of them a test takes up to nine times the CPU seconds. OpenBLAS reads this once, when numpy is loaded.
os.environ["OMP_NUM_THREADS"] = "1"
# Processes that tests start read what is compiled already, also where Python is told to keep nothing compiled: else
# each of them compiles the package again, a second of most. So do the next tests.
os.environ["PYTHONDONTWRITEBYTECODE"] = ""

import signal
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import matplotlib as mpl
import pytest
import torch
from hypothesis import HealthCheck, settings

from kanopt.interrupt import Interrupt
from kanopt.scenarios.learn import FOLDER_VARIABLE
from tests.cases.patience import little_patience

settings.register_profile(
    "kanopt", deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("kanopt")
mpl.use("Agg")
sys.dont_write_bytecode = False
_LONG = ("test_notebooks.py", "test_docs.py")
_AS_SHIPPED = (
    "routing/search/test_variants.py",
    "test_corpus.py",
    "test_docs.py",
    "test_parcel_city.py",
)
torch.set_num_threads(1)
# What is collected stays until the end. Python would go through it again and again for garbage, a quarter of the time.
gc.disable()


@pytest.fixture(autouse=True, scope="session")
def _law_cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep learned laws in a folder of this run, also in processes that tests start: the user's own stays as it is.

    The workers of one run share it.
    """
    one_of_several = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if one_of_several else base) / "laws"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder))
        yield


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> None:
    """Let Ctrl-C be heard also where the tests run in the background, whose processes ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="module")
def _little_patience(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let searches end sooner, but where how good they are or what users see is looked at."""
    with nullcontext() if request.path.as_posix().endswith(_AS_SHIPPED) else little_patience():
        yield


@pytest.fixture
def empty_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for learned laws in which there are none, for this test alone."""
    folder = tmp_path_factory.mktemp("laws") / "kept"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture(autouse=True)
def _no_ctrl_c_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the Ctrl-C of the test before, after which the next would count as the second."""
    monkeypatch.setattr(Interrupt, "_last_asked", float("-inf"))


def pytest_collection_finish() -> None:
    """Let garbage be collected again, but not looked for among what was collected by then, and more seldom.

    Nearly all that tests leave behind goes with its last reference: every 700 objects is for programs that run on.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no worker is still at one when the others have finished."""
    items.sort(key=lambda item: item.path.name not in _LONG)
