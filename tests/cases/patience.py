"""Searches that give up sooner: on the few clients of a test the best plan is found in the first steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TypeVar

import pytest

from kanopt.surrogates.ladder import closed

learn = import_module("kanopt.scenarios.learn")

__all__ = ["FEW_REFITS", "found_soon", "hurried", "in_all_refits", "in_few_refits", "little_patience"]

T = TypeVar("T")

_FEW = {
    "kanopt.routing.search.solver._CYCLE": 100,
    "kanopt.routing.search.solver._CYCLE_PER_CLIENT": 20,
    "kanopt.routing.search.ortools._STEPS": 200,
    "kanopt.routing.search.ortools._STEPS_PER_CLIENT": 20,
    "kanopt.routing.search.pyvrp_search._STEPS": 200,
}
"""Steps without a better plan after which a search ends by itself; those that ship are ten times as many."""

FEW_REFITS = "kanopt.surrogates.ladder.closed.REFITS", 120.0
"""A quarter of the refits of a search for a law, for code that is to run, however good its laws are."""

_ALL_REFITS = closed.REFITS


@contextmanager
def little_patience() -> Iterator[None]:
    """Let routing searches of this process end by themselves ten times sooner."""
    with pytest.MonkeyPatch.context() as patch:
        for name, steps in _FEW.items():
            patch.setattr(name, steps)
        yield


@contextmanager
def in_all_refits() -> Iterator[None]:
    """Search for laws as long as it ships, for laws that are kept: other tests find them again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closed, "REFITS", _ALL_REFITS)
        yield


@contextmanager
def in_few_refits() -> Iterator[None]:
    """Search for laws in less time, but those of scenarios, which are kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*FEW_REFITS)
        patch.setattr(learn, "fit_law", in_all_refits()(learn.fit_law))
        yield


def found_soon(solve: Callable[[], T], good: Callable[[T], bool]) -> T:
    """Return what one engine finds with little patience where that is good, else what it finds as it ships.

    With more patience the same search goes on from there: what it has found before, it finds as it ships too.
    """
    with little_patience():
        found = solve()
    return found if good(found) else solve()


def hurried(code: str) -> str:
    """Return code that runs the same road in less time: it is to run, however good its plans and networks are.

    Plans are looked for half a second, and networks that choose their structure have no hidden nodes.

    Examples
    --------
    >>> print(hurried("model = ko.KANRegressor(seed=7)"))
    model = ko.KANRegressor(hidden=(), seed=7)
    >>> print(hurried("ko.KANRegressor((2,), seed=7); ko.solve(problem, time_limit=30)"))
    ko.KANRegressor((2,), seed=7); ko.solve(problem, time_limit=0.5)
    """
    code = re.sub(r"time_limit=\d+", "time_limit=0.5", code)
    return re.sub(r"KANRegressor\((?=seed=|monotone=)", "KANRegressor(hidden=(), ", code)
