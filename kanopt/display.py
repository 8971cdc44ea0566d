"""The one call upward: a ``plot``, ``to_html`` or other method of a lower room loads the reports when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanopt import reports as reports

__all__ = ["reports"]


def __getattr__(name: str) -> Any:
    # by name, at the first use: drawing libraries are loaded by whoever draws, and imports point one way
    if name != "reports":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("kanopt.reports")
