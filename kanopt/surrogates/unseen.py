"""Categories that did not occur in training: refused, or taken for the average of those that did."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import DomainWarning, FitError, nearest
from kanopt.formulas import Formula, Table
from kanopt.formulas.nodes import Node, rebuild
from kanopt.formulas.rounding import round_measures
from kanopt.formulas.variables import category_label
from kanopt.surrogates.encoding import FeatureEncoding, row_name
from kanopt.surrogates.law import FittedLaw
from kanopt.text import count_text, join_list

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def pools(unseen: Any) -> bool:
    """Return whether unseen categories are pooled rather than refused.

    Raises
    ------
    FitError
        If `unseen` is neither "error" nor "pooled".
    """
    if not isinstance(unseen, str) or unseen not in ("error", "pooled"):
        raise FitError(f"unseen={unseen!r} is unknown; {nearest(str(unseen), ('error', 'pooled'))}")
    return unseen == "pooled"


def predict_pooled(law: FittedLaw, numbers: Floats, codes: Integers) -> Floats:
    """Return the target for encoded rows in which −1 is an unseen category, shape (n,).

    It is the mean prediction over the categories of training rows, as often as they occur (the partial dependence of
    Friedman 2001, Ann. Stat. 29, section 8.2): what is expected of a row of which nothing but the other columns is
    known. Sums of a law with a log target stay right, which the mean of the logarithm would lower.
    """
    unseen = codes < 0
    predicted = np.empty(len(codes))
    for pattern in np.unique(unseen, axis=0):
        rows = np.flatnonzero((unseen == pattern).all(axis=1))
        known, counts = np.unique(law.codes[:, pattern], axis=0, return_counts=True)
        filled, total = codes[rows], np.zeros(len(rows))
        for combination, count in zip(known, counts, strict=True):
            filled[:, pattern] = combination
            total += count * law.predict(numbers[rows], filled)
        predicted[rows] = total / counts.sum()
    return predicted


def unseen_rows(encoding: FeatureEncoding, codes: Integers) -> dict[str, NDArray[np.bool_]]:
    """Return for every column with an unseen category, which has the code −1, in which rows that is; (n,) each."""
    unseen = {feature.name: code < 0 for feature, code in zip(encoding.categories, codes.T, strict=True)}
    return {name: rows for name, rows in unseen.items() if rows.any()}


def warn_of_unseen(X: Any, unseen: Mapping[str, NDArray[np.bool_]], what: str) -> None:
    """Warn once of all rows with a category that did not occur, by column; see :func:`unseen_rows`."""
    if not unseen:
        return
    rows, columns = np.any(list(unseen.values()), axis=0), list(unseen)
    first = row_name(X.index if isinstance(X, pd.DataFrame) else None, int(rows.argmax()))
    warnings.warn(
        f"{count_text(int(rows.sum()), 'row')} of {len(rows):,} have a category of {join_list(columns, 5)} that did "
        f"not occur in training (the first is {first}); {what}",
        DomainWarning,
        stacklevel=3,
    )


def with_fallbacks(formula: Formula, encoding: FeatureEncoding, codes: Floats, weights: Floats) -> Formula:
    """Return the formula with a fallback in every table: the mean of its entries over the training rows.

    So have the formulas that were considered beside it.

    Parameters
    ----------
    encoding
        That of the columns, of which the categories are used.
    codes, weights
        Categories of the training rows, (n, categories), and their weights (n,).
    """
    labels = {
        feature.name: np.array([category_label(each) for each in feature.categories], dtype=object)[
            codes[:, place].astype(np.int64)
        ]
        for place, feature in enumerate(encoding.categories)
    }

    def put(node: Node) -> Node:
        if not isinstance(node, Table) or node.fallback is not None:
            return node
        entries: dict[Sequence[str], float] = dict(node.entries)
        found = [entries.get(key) for key in zip(*(labels[name] for name in node.inputs), strict=True)]
        known = np.array([value is not None for value in found])
        values = np.array([0.0 if value is None else value for value in found])
        return replace(node, fallback=round_measures(float(np.average(values, weights=weights * known))))

    def pooled(law: Formula) -> Formula:
        told = {**law.provenance, "unseen categories": "the mean of those of the training rows"}
        return replace(law, root=rebuild(law.root, put), provenance=told)

    considered = (replace(each, law=each.law and pooled(each.law)) for each in formula.alternatives)
    return replace(pooled(formula), alternatives=tuple(considered))
