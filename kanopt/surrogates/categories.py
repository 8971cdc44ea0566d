"""Categories of few rows, and those that did not occur in training.

Each value of a category is a constant in every node and table that reads it, so that a single odd row, most often a
name with a typo, would decide which structures a law can afford. So rows of such categories have no part in learning.
Afterwards each is taken for the known category that foretells its rows best, the more readily the more rows that one
has: the mode of a posterior whose prior are the effects of the known ones (nonparametric empirical Bayes; Kiefer and
Wolfowitz 1956, Ann. Math. Stat. 27). A category that did not occur is refused, or taken for the average of those that
did.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import DomainWarning, FitError, nearest, warn_user
from kanopt.formulas import Formula, Table
from kanopt.formulas.base_formula import AnyFormula
from kanopt.formulas.nodes import Node, rebuild
from kanopt.formulas.simplify import round_measures
from kanopt.formulas.variables import category_label
from kanopt.surrogates.conformal import weighted_quantile
from kanopt.surrogates.curves import FittedLaw
from kanopt.surrogates.encoding import Category, FeatureEncoding, row_name
from kanopt.text import count_text, join_list

Flags = NDArray[np.bool_]
Rare = Mapping[str, Sequence[Category]]
"""Categories of few rows, by column."""

RARE = 3
"""Rows below which a category may be too rare to be learned from."""
TYPICAL = 0.1
"""Share of the rows of the category of a typical row below which it is: where all have few rows, none is rare."""
MOST = 0.05
"""Share of the rows of a table that may be of rare categories; where there are more, they are what it is about."""
SHOWN = 5


def rare_categories(
    frame: pd.DataFrame, target: Floats, weights: Floats, encoding: FeatureEncoding
) -> tuple[Rare, Flags]:
    """Return the categories from which nothing is to be learned, and the rows that have one; (n,).

    None is rare in a column of which nothing would be left to compare.
    """
    gone, rare = np.zeros(len(frame), dtype=bool), dict[str, Sequence[Category]]()
    for feature in encoding.categories:
        codes = pd.Categorical(frame[feature.name].astype(object), categories=feature.categories).codes
        count, weight = (np.bincount(codes, each, len(feature.categories)) for each in (None, weights))
        # a row may stand for many; many rows are not few, though each of them counts for little
        size = np.maximum(count, weight)
        # half of all rows are of categories with no more rows than the typical one
        few = np.flatnonzero(size < min(RARE, TYPICAL * weighted_quantile(size, size, 0.5)))
        more = gone | np.isin(codes, few)
        kept = frame[~more].assign(**{f"{feature.name} of": target[~more]})
        if len(few) and more.sum() <= MOST * len(frame) and bool((kept.nunique() > 1).all()):
            gone, rare[feature.name] = more, [feature.categories[place] for place in few]
    return rare, gone


def with_rare(law: FittedLaw, frame: pd.DataFrame, target: Floats, rare: Rare) -> FittedLaw:
    """Return the law with each rare category taken for the known one that foretells its rows best, and warn of them.

    Parameters
    ----------
    law
        Learned without them.
    frame, target
        All rows.
    rare
        Which they are.
    """
    others = frame.copy()
    for name, few in rare.items():
        values = frame[name].astype(object)
        others[name] = values.where(~values.isin(few), values.mode()[0])
    squares = float(np.average(law.residuals**2, weights=law.residual_weights))
    scale = max(math.sqrt(squares), np.finfo(float).tiny)
    taken = dict[str, tuple[tuple[Category, Category], ...]]()
    for feature in law.encoding.categories:
        column, pairs, told = frame[feature.name], [], []
        size = column.value_counts().to_dict()
        for value in rare.get(feature.name, ()):
            rows = (column == value).to_numpy()
            likelihood = dict[Category, float]()
            for known in feature.categories:
                encoded = law.encoding.transform(others[rows].assign(**{feature.name: known}))
                missed = law.residual(encoded, target[rows]) / scale
                # Student's t with four degrees of freedom: one gross error does not decide
                likelihood[known] = np.log(size[known]) - 2.5 * np.log1p(missed**2 / 4.0).sum()
            pairs.append((value, max(likelihood, key=likelihood.__getitem__)))
            first = row_name(column.index, int(rows.argmax()))
            text = f"{value!r} ({count_text(int(rows.sum()), 'row')}, the first is {first})"
            told.append(f"{text} is taken for {pairs[-1][1]!r}, which foretells it best")
        if told:
            warn_user(
                f"column {feature.name!r} has categories of too few rows to learn from: {join_list(told, SHOWN)}; mend "
                "the table where a name is mistyped, and collect more rows of others"
            )
        taken[feature.name] = tuple(pairs)
    features = tuple(replace(each, taken_for=taken.get(each.name, ())) for each in law.encoding.features)
    return replace(law, encoding=FeatureEncoding(features))


def in_known_words(frame: pd.DataFrame, encoding: FeatureEncoding) -> pd.DataFrame:
    """Return the frame with rare categories in the words of those they are taken for."""
    taken = {feature.name: dict(feature.taken_for) for feature in encoding.categories if feature.taken_for}
    return frame.assign(
        **{
            name: frame[name].astype(object).map(lambda value, known=known: known.get(value, value))
            for name, known in taken.items()
        }
    )


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


def predict_pooled(law: FittedLaw, encoded: Floats) -> Floats:
    """Return the target for encoded rows in which −1 is an unseen category, shape (n,).

    It is the mean prediction over the categories of training rows, as often as they occur (the partial dependence of
    Friedman 2001, Ann. Stat. 29, section 8.2): what is expected of a row of which nothing but the other columns is
    known. Sums of a law with a log target stay right, which the mean of the logarithm would lower.
    """
    numeric = len(law.encoding.numeric)
    unseen = encoded[:, numeric:] < 0
    predicted = np.empty(len(encoded))
    for pattern in np.unique(unseen, axis=0):
        rows = np.flatnonzero((unseen == pattern).all(axis=1))
        places = numeric + np.flatnonzero(pattern)
        known, counts = np.unique(law.sample[:, places], axis=0, return_counts=True)
        filled, total = encoded[rows], np.zeros(len(rows))
        for combination, count in zip(known, counts, strict=True):
            filled[:, places] = combination
            total += count * law.predict(filled)
        predicted[rows] = total / counts.sum()
    return predicted


def unseen_rows(encoding: FeatureEncoding, encoded: Floats) -> dict[str, NDArray[np.bool_]]:
    """Return for every column with an unseen category, which has the code −1, in which rows that is; (n,) each."""
    codes = encoded.T[len(encoding.numeric) :]
    unseen = {feature.name: code < 0 for feature, code in zip(encoding.categories, codes, strict=True)}
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


def with_categories(
    formula: Formula, encoding: FeatureEncoding, codes: Floats, weights: Floats, *, pooled: bool
) -> Formula:
    """Return the formula, and those considered beside it, with what they say of rare and unseen categories.

    Rare categories are known as those they are taken for. Where unseen ones are pooled, every table has a fallback:
    what its numbers were drawn to, or their mean over the training rows. Else a table with a number for every
    combination has none.

    Parameters
    ----------
    encoding
        That of the columns, of which the categories are used.
    codes, weights
        Categories of the training rows, (n, categories), and their weights (n,).
    pooled
        Whether unseen categories are pooled.
    """
    labels, taken = dict[str, NDArray[np.object_]](), dict[str, dict[str, str]]()
    for feature, column in zip(encoding.categories, codes.T, strict=True):
        known = np.array([category_label(each) for each in feature.categories], dtype=object)
        labels[feature.name] = known[column.astype(np.int64)]
        taken[feature.name] = {category_label(a): category_label(b) for a, b in feature.taken_for}

    def put(node: Node) -> Node:
        if not isinstance(node, Table):
            return node
        entries: dict[tuple[str, ...], float] = dict(node.entries)
        fallback = node.fallback
        if pooled and fallback is None:
            keys = zip(*(labels[name] for name in node.inputs), strict=True)
            found = np.array([entries.get(key, np.nan) for key in keys])
            fallback = round_measures(
                float(np.average(np.nan_to_num(found), weights=weights * ~np.isnan(found)))
            )
        elif not pooled and all(key in entries for key in product(*node.categories)):
            fallback = None
        for place, name in enumerate(node.inputs):
            for rare, known in taken[name].items():
                like = [(key, value) for key, value in entries.items() if key[place] == known]
                entries |= {(*key[:place], rare, *key[place + 1 :]): value for key, value in like}
        return replace(node, entries=tuple(entries.items()), fallback=fallback)

    def told(law: AnyFormula) -> AnyFormula:
        known = tuple(
            (name, tuple(sorted({*each, *taken.get(name, {})}))) for name, each in law.domain.categories
        )
        few = tuple(
            (name, tuple(each)) for name, each in taken.items() if each and law.domain.categories_of(name)
        )
        return replace(
            law, root=rebuild(law.root, put), domain=replace(law.domain, categories=known, rare=few)
        )

    words = [f"{name}: {rare} as {known}" for name, each in taken.items() for rare, known in each.items()]
    provenance = {
        **formula.provenance,
        **({"rare categories": join_list(words, SHOWN)} if words else {}),
        **({"unseen categories": "the mean of those of the training rows"} if pooled and labels else {}),
    }
    considered = tuple(replace(each, law=each.law and told(each.law)) for each in formula.alternatives)
    return replace(told(formula), alternatives=considered, provenance=provenance)
