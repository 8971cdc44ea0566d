"""Categories of few rows, and those that did not occur in training.

Each value of a category is a constant in every node and table that reads it, so that a single odd row, most often a
name with a typo, would decide which structures a law can afford. So rows of such categories have no part in learning.
Afterwards each is taken for the known category that foretells its rows best, the more readily the more rows that one
has: the mode of a posterior whose prior are the effects of the known ones (nonparametric empirical Bayes; Kiefer and
Wolfowitz 1956, Ann. Math. Stat. 27). A category that did not occur is refused, or taken for the average of those that
did.
"""

from __future__ import annotations

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
from kanopt.surrogates.curves import FittedLaw
from kanopt.surrogates.encoding import Category, FeatureEncoding, row_name
from kanopt.text import count_text, fixed_text, join_list

Flags = NDArray[np.bool_]
Rare = Mapping[str, Sequence[Category]]
"""Categories of few rows, by column."""

RARE = 3
"""Rows below which a category may be too rare to be learned from."""
TYPICAL = 0.1
"""Share of the rows of the category of a typical row below which it is: where all have few rows, none is rare."""
MOST = 0.05
"""Share of the rows of a table that may be of rare categories; where there are more, they are what it is about."""
STRANGE = 4.0
"""Standard deviations beyond which no known category foretells a row."""
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
        few = np.flatnonzero(size < min(RARE, TYPICAL * _typical(size)))
        more = gone | np.isin(codes, few)
        kept = frame[~more].assign(**{f"{feature.name} of": target[~more]})
        if len(few) and more.sum() <= MOST * len(frame) and bool((kept.nunique() > 1).all()):
            gone, rare[feature.name] = more, [feature.categories[place] for place in few]
    return rare, gone


def _typical(size: Floats) -> float:
    """Return the rows of the category of a typical row: half of all rows are of categories with no more rows."""
    ordered = np.sort(size)
    total = np.cumsum(ordered)
    return float(ordered[np.searchsorted(total, 0.5 * total[-1])])


def with_rare(
    law: FittedLaw, frame: pd.DataFrame, target: Floats, rare: Rare
) -> tuple[FittedLaw, dict[tuple[str, Category], float]]:
    """Return the law with each rare category taken for a known one, and how far off it is at worst.

    Parameters
    ----------
    law
        Learned without them.
    frame, target
        All rows.
    rare
        Which they are.

    Returns
    -------
    law
        The law.
    off
        By how many standard deviations of the noise it misses a row of each.
    """
    others = frame.copy()
    for name, few in rare.items():
        values = frame[name].astype(object)
        others[name] = values.where(~values.isin(few), values.mode()[0])
    scale = max(float(np.sqrt(law.variance)), np.finfo(float).tiny)

    def missed(rows: Flags, name: str, known: Category) -> Floats:
        encoded = law.encoding.transform(others[rows].assign(**{name: known}))
        return np.asarray(law.residual(encoded, target[rows]) / scale)

    taken, off = dict[str, tuple[tuple[Category, Category], ...]](), dict[tuple[str, Category], float]()
    for feature in law.encoding.categories:
        size, pairs = frame[feature.name].value_counts().to_dict(), []
        for value in rare.get(feature.name, ()):
            rows = (frame[feature.name] == value).to_numpy()
            left = {known: missed(rows, feature.name, known) for known in feature.categories}
            # Student's t with four degrees of freedom: one gross error does not decide
            best = max(
                left, key=lambda known: np.log(size[known]) - 2.5 * np.log1p(left[known] ** 2 / 4.0).sum()
            )
            off[feature.name, value] = float(np.abs(left[best]).max())
            pairs.append((value, best))
        taken[feature.name] = tuple(pairs)
    features = tuple(replace(each, taken_for=taken.get(each.name, ())) for each in law.encoding.features)
    return replace(law, encoding=FeatureEncoding(features)), off


def warn_of_rare(
    frame: pd.DataFrame, encoding: FeatureEncoding, off: Mapping[tuple[str, Category], float]
) -> None:
    """Warn of categories that are taken for others, those first that the law misses by most of the noise.

    Parameters
    ----------
    frame
        All rows.
    encoding
        That of the law, which says what is taken for what.
    off
        By how many standard deviations of the noise the law misses rows of rare categories.
    """
    for feature in encoding.categories:
        column, told = frame[feature.name], []
        for value, known in sorted(feature.taken_for, key=lambda pair: -off[feature.name, pair[0]]):
            at, missed = (column == value).to_numpy(), off[feature.name, value]
            first = row_name(column.index, int(at.argmax()))
            text = f"{value!r} ({count_text(int(at.sum()), 'row')}, the first is {first})"
            worse = f" and misses it by {fixed_text(missed, 1)} times the noise" if missed > STRANGE else ""
            told.append(f"{text} is taken for {known!r}, which foretells it best{worse}")
        if told:
            warn_user(
                f"column {feature.name!r} has categories of too few rows to learn from: {join_list(told, SHOWN)}; mend "
                "the table where a name is mistyped, and collect more rows of others"
            )


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
    if not encoding.categories:
        return formula
    labels = {
        feature.name: np.array([category_label(each) for each in feature.categories], dtype=object)[
            codes[:, place].astype(np.int64)
        ]
        for place, feature in enumerate(encoding.categories)
    }
    taken = {
        feature.name: {category_label(rare): category_label(known) for rare, known in feature.taken_for}
        for feature in encoding.categories
        if feature.taken_for
    }

    def fallback(node: Table) -> float | None:
        entries: dict[Sequence[str], float] = dict(node.entries)
        if not pooled:
            return None if all(key in entries for key in product(*node.categories)) else node.fallback
        if node.fallback is not None:
            return node.fallback
        found = [entries.get(key) for key in zip(*(labels[name] for name in node.inputs), strict=True)]
        known = np.array([value is not None for value in found])
        values = np.array([0.0 if value is None else value for value in found])
        return round_measures(float(np.average(values, weights=weights * known)))

    def put(node: Node) -> Node:
        if not isinstance(node, Table):
            return node
        entries, rest = dict(node.entries), fallback(node)
        for place, name in enumerate(node.inputs):
            for rare, known in taken.get(name, {}).items():
                like = [(key, value) for key, value in entries.items() if key[place] == known]
                entries |= {(*key[:place], rare, *key[place + 1 :]): value for key, value in like}
        return replace(node, entries=tuple(entries.items()), fallback=rest)

    def told(law: AnyFormula) -> AnyFormula:
        known = tuple(
            (name, tuple(sorted({*labels, *taken.get(name, {})}))) for name, labels in law.domain.categories
        )
        few = tuple((name, tuple(each)) for name, each in taken.items() if law.domain.categories_of(name))
        domain = replace(law.domain, categories=known, rare=few)
        return replace(law, root=rebuild(law.root, put), domain=domain)

    words = [f"{name}: {rare} as {known}" for name, each in taken.items() for rare, known in each.items()]
    provenance = dict(formula.provenance)
    if words:
        provenance["rare categories"] = join_list(words, SHOWN)
    if pooled:
        provenance["unseen categories"] = "the mean of those of the training rows"
    considered = tuple(replace(each, law=each.law and told(each.law)) for each in formula.alternatives)
    return replace(told(formula), alternatives=considered, provenance=provenance)
