"""kanopt: from tables to laws a person can read, and from laws to plans.

::

    tables → KAN → formula → problem → plan → explanation → report

Importing kanopt loads nothing heavy: each public name brings its own libraries when it is first used.

Examples
--------
>>> import kanopt as ko
>>> law = ko.parse_formula("0.4 * d + 2", [ko.Variable("d", "km")], ko.Variable("cost", "EUR"))
>>> float(law.evaluate({"d": 10.0}))
6.0
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanopt.explain import Explanation as Explanation
    from kanopt.explain import difference as difference
    from kanopt.explain import explain as explain

_HOME = {
    "explain": ("Explanation", "difference", "explain"),
}

_MODULE_OF = {name: f"kanopt.{room}" for room, names in _HOME.items() for name in names}

__version__ = _version("kanopt")
__all__ = sorted(_MODULE_OF)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'kanopt' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
