"""What is shown beside a law that was found on the rows: simpler and closer laws, and those that are as good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Formula
from kanopt.surrogates.ladder.going_on import BIGGER, LOOSE
from kanopt.surrogates.ladder.plain import Plain
from kanopt.surrogates.ladder.smearing import multiplied
from kanopt.surrogates.rows import Rows
from kanopt.surrogates.search import Found, operators
from kanopt.surrogates.search.evaluation import value
from kanopt.surrogates.search.fitting import Fitted
from kanopt.surrogates.search.structure import freedom, signature

Array = NDArray[np.float64]

SHOWN, MOST_RIVALS = 12, 2
"""Laws that are shown, and those among them that are as good as the chosen one in another structure."""


@dataclass(frozen=True, eq=False)
class Beside:
    """A law of the target that the search has found, how many constants it has, and why it was not taken."""

    law: Formula
    parameters: int
    refused: str


def besides(
    table: Plain, found: Found, chosen: Fitted, part: Rows, refused: Mapping[object, str], *, log: bool
) -> tuple[Beside, ...]:
    """Return the laws that no other beats in both operators and error, and such as are as good as the chosen one.

    Parameters
    ----------
    table, found
        The columns, and the laws of the search.
    chosen
        The law that was taken.
    part, log
        The rows of the search, and whether their target is a logarithm.
    refused
        Why laws could not be taken, by their signatures.
    """
    laws = [fit for fit in (found.best, *found.others) if fit is not chosen]
    shown, best = [], np.inf
    for fit in sorted(laws, key=lambda fit: (operators(fit.law), fit.squares)):
        if fit.squares < 0.98 * best:
            best = min(best, fit.squares)
            shown.append(fit)
    shown = [*shown[-SHOWN:], *(fit for fit in _alike(laws, chosen, part.total) if fit not in shown)]
    columns, target = table.columns(part, found.scales), np.exp(part.target) if log else part.target

    def told(fit: Fitted) -> Beside:
        law = table.formula(table.written(fit.law, found.scales))
        if log:  # one of the logarithm is made one of the mean (Duan 1983)
            ratio = target / value(fit.law, columns)
            law = multiplied(law, part.lift * float(part.weight @ ratio) / part.total)
        why = refused.get(signature(fit.law), "the search on the rows has passed it over")
        return Beside(law, freedom(fit.law), why)

    return tuple(map(told, shown))


def _alike(laws: list[Fitted], chosen: Fitted, rows: float) -> list[Fitted]:
    """Return laws of other structures that are about as good as the chosen one, and about as short to read."""
    seen, found = {signature(chosen.law, held=False)}, list[Fitted]()
    for fit in sorted(laws, key=lambda fit: fit.squares):
        structure = signature(fit.law, held=False)
        near = fit.squares <= LOOSE * chosen.squares and operators(fit.law) <= operators(chosen.law) + BIGGER
        if near and structure not in seen and np.isfinite(fit.variances(rows)).all():
            seen.add(structure)
            found.append(fit)
    return found[:MOST_RIVALS]
