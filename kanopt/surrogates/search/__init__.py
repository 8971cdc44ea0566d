"""The law as sums of products, looked for on the rows themselves: what a person would have written down."""

from kanopt.surrogates.search.fitting import Rules
from kanopt.surrogates.search.graph import graph
from kanopt.surrogates.search.search import REFITS, Found, Task, search
from kanopt.surrogates.search.structure import Law, operators

__all__ = [
    "REFITS",
    "Found",
    "Law",
    "Rules",
    "Task",
    "graph",
    "operators",
    "search",
]
