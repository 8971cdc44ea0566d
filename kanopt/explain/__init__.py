"""Explanations of results as data and sentences: cost terms, reasons, alternatives and conflicts.

``kanopt.explain`` is this package and can also be called as a function: ``ko.explain(result)``.
"""

from __future__ import annotations

import sys
from types import ModuleType

from kanopt.explain.differences import difference
from kanopt.explain.explanation import Explanation, explain
from kanopt.plans.result import Result

__all__ = ["Explanation", "difference", "explain"]


class _CallableModule(ModuleType):
    """The module, made callable, since importing it rebinds ``kanopt.explain`` to the module."""

    def __call__(self, result: Result) -> Explanation:
        return explain(result)


sys.modules[__name__].__class__ = _CallableModule
