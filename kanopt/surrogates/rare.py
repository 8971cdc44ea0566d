"""Categories of one or two rows, four where a name is close: nothing is learned from them, a known one stands for each.

Each value of a category is a constant in every node and table that reads it, so that a single odd row, most often a
name with a typo, would decide which structures a law can afford. So rows of such categories have no part in learning.
Afterwards each is taken for the known category that foretells its rows best, the more readily the more rows that one
has: the mode of a posterior whose prior are the effects of the known ones (nonparametric empirical Bayes; Kiefer and
Wolfowitz 1956, Ann. Math. Stat. 27).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import KanoptWarning
from kanopt.formulas.nodes import Node, rebuild
from kanopt.formulas.pieces import Table
from kanopt.formulas.variables import category_label
from kanopt.surrogates.encoding import Category, Feature, FeatureEncoding, row_name
from kanopt.text import count_text, fixed_text, join_list, list_names

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.surrogates.law import FittedLaw
    from kanopt.surrogates.trials import TrainingTable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

RARE, TYPO = 3, 5
"""Rows below which a category may be too rare to be learned from, and one whose name is close to another's."""
TYPICAL = 0.1
"""Share of the rows of the category of a typical row below which it is: where all have few rows, none is rare."""
MOST = 0.05
"""Share of the rows of a table that may be of rare categories; where there are more, they are what it is about."""
STRANGE = 4.0
"""Standard deviations beyond which no known category foretells a row."""
ALIKE = 0.8
"""Ratio of equal letters above which two names are close (Ratcliff and Metzener 1988)."""
OFTEN = 20
"""How many times as many rows a category has of which another may be a typo."""
LETTERS = 200_000
"""Products of lengths up to which names are compared: a microsecond and more each."""
SHOWN = 5


@dataclass(frozen=True, eq=False)
class RareCategories:
    """Rows that have no part in learning, (n,), and the codes of their categories by place among the categories."""

    rows: Flags
    codes: Mapping[int, tuple[int, ...]]


def without_rare(table: TrainingTable) -> tuple[TrainingTable, RareCategories]:
    """Return the table without rare categories and their rows, and which these are.

    None is rare in a column of which nothing would be left to compare.
    """
    gone, rare = np.zeros(len(table), dtype=bool), {}
    for place, feature in enumerate(table.encoding.categories):
        codes = table.codes[:, place]
        count, weight = (np.bincount(codes, each, len(feature.categories)) for each in (None, table.weights))
        # a row may stand for many; many rows are not few, though each of them counts for little
        size = np.maximum(count, weight)
        close = close_names(dict(zip(feature.categories, size.tolist(), strict=True)))
        least = np.array([TYPO if value in close else RARE for value in feature.categories])
        few = np.flatnonzero(size < np.minimum(least, TYPICAL * _typical(size)))
        more = gone | np.isin(codes, few)
        if len(few) and more.sum() <= MOST * len(table) and _varies(table, ~more):
            gone, rare[place] = more, tuple(map(int, few))
    return (_kept(table, gone, rare) if rare else table), RareCategories(gone, rare)


def _typical(size: Floats) -> float:
    """Return the rows of the category of a typical row: half of all rows are of categories with no more rows."""
    ordered = np.sort(size)
    total = np.cumsum(ordered)
    return float(ordered[np.searchsorted(total, 0.5 * total[-1])])


def _varies(table: TrainingTable, rows: Flags) -> bool:
    """Return whether no column, nor the target, is constant in some rows."""
    columns = (table.numbers[rows], table.codes[rows], table.target[rows, None])
    return all((np.ptp(values, axis=0) > 0).all() for values in columns)


def _kept(table: TrainingTable, gone: Flags, rare: Mapping[int, Sequence[int]]) -> TrainingTable:
    codes, features = table.codes[~gone], {}
    for place, few in rare.items():
        feature = table.encoding.categories[place]
        kept = np.setdiff1d(np.arange(len(feature.categories)), few)
        codes[:, place] = np.searchsorted(kept, codes[:, place])
        features[feature.name] = replace(feature, categories=tuple(feature.categories[code] for code in kept))
    encoding = FeatureEncoding(tuple(features.get(each.name, each) for each in table.encoding.features))
    groups = None if table.groups is None else np.unique(table.groups[~gone], return_inverse=True)[1]
    return replace(
        table,
        numbers=table.numbers[~gone],
        codes=codes,
        target=table.target[~gone],
        weights=table.weights[~gone],
        encoding=encoding,
        groups=groups,
    )


def with_rare(law: FittedLaw, table: TrainingTable, rare: RareCategories) -> tuple[FittedLaw, Floats]:
    """Return the law with each rare category taken for a known one, and how far off it is in every row.

    Parameters
    ----------
    law
        Learned without them.
    table, rare
        The table with them, and which they are, see :func:`without_rare`.

    Returns
    -------
    law
        The law.
    off
        How many standard deviations of the noise it misses each row by that has a rare category, 0 elsewhere; (n,).
    """
    off = np.zeros(len(table))
    if not rare.codes:
        return law, off
    known, given = law.encoding.categories, table.encoding.categories
    sizes, codes = _in_codes_of(law, table)
    numbers, codes = law.encoding.encode_numbers(table.numbers[rare.rows]), codes[rare.rows]
    target, before = table.target[rare.rows], table.codes[rare.rows]
    scale = max(float(np.sqrt(law.variance)), np.finfo(float).tiny)
    taken = {}
    for place, few in rare.codes.items():
        pairs = []
        for code in few:
            rows = before[:, place] == code
            missed = _missed(law, numbers[rows], codes[rows], target[rows], place) / scale
            # Student's t with four degrees of freedom: one gross error does not decide
            best = int((np.log(sizes[place]) - 2.5 * np.log1p(missed**2 / 4.0).sum(axis=1)).argmax())
            codes[rows, place] = best
            pairs.append((given[place].categories[code], known[place].categories[best]))
        taken[known[place].name] = tuple(pairs)
    off[rare.rows] = np.abs(law.residual(numbers, codes, target)) / scale
    features = tuple(replace(each, taken_for=taken.get(each.name, ())) for each in law.encoding.features)
    return replace(law, encoding=FeatureEncoding(features)), off


def _in_codes_of(law: FittedLaw, table: TrainingTable) -> tuple[list[Floats], Integers]:
    """Return the rows of every category the law knows, and the codes of all rows in it; rare are the most frequent."""
    sizes, codes = [], np.empty_like(table.codes)
    for place, (given, known) in enumerate(
        zip(table.encoding.categories, law.encoding.categories, strict=True)
    ):
        size = np.bincount(table.codes[:, place], table.weights, minlength=len(given.categories)).astype(
            float
        )
        sizes.append(
            size[np.isin(np.arange(len(size)), [given.categories.index(v) for v in known.categories])]
        )
        now = {value: code for code, value in enumerate(known.categories)}
        frequent = int(sizes[-1].argmax())
        codes[:, place] = np.array([now.get(value, frequent) for value in given.categories])[
            table.codes[:, place]
        ]
    return sizes, codes


def _missed(law: FittedLaw, numbers: Floats, codes: Integers, target: Floats, place: int) -> Floats:
    """Return what the law leaves of rows with every known category at a place in turn; (categories, n)."""
    every = len(law.encoding.categories[place].categories)
    tried = np.repeat(codes[None], every, axis=0)
    tried[:, :, place] = np.arange(every)[:, None]
    left = law.residual(
        np.tile(numbers, (every, 1)), tried.reshape(-1, codes.shape[1]), np.tile(target, every)
    )
    return np.asarray(left.reshape(every, -1))


def warn_of_rare(
    table: TrainingTable, encoding: FeatureEncoding, off: Floats, index: pd.Index | None
) -> None:
    """Warn of categories that are taken for others, and of names that are close to those of many more rows.

    Parameters
    ----------
    table
        All rows.
    encoding
        That of the law, which says what is taken for what.
    off
        By how many standard deviations of the noise the law misses rows of rare categories, (n,).
    index
        Labels of the rows.
    """
    for codes, given, feature in zip(
        table.codes.T, table.encoding.categories, encoding.categories, strict=True
    ):
        if told := _told(codes, given.categories, feature, off, index):
            warnings.warn(
                f"column {feature.name!r}: {'; '.join(told)}. Nothing was renamed: mend the table where names are "
                "wrong",
                KanoptWarning,
                stacklevel=5,
            )


def _told(
    codes: Integers, values: Sequence[Category], feature: Feature, off: Floats, index: pd.Index | None
) -> list[str]:
    """Return what there is to say of rare categories and close names of one column."""
    rows = dict(zip(values, np.bincount(codes, minlength=len(values)).tolist(), strict=True))
    close, taken = close_names(rows), dict(feature.taken_for)
    told, others = [], []
    for value in dict.fromkeys([*close, *taken]):
        at = codes == values.index(value)
        worst = float(off[at].max())
        if value not in close and worst <= STRANGE:
            others.append(str(value))
            continue
        count = count_text(rows[value], "row")
        text = f"category {value!r} ({count}, the first is {row_name(index, int(at.argmax()))})"
        if near := close.get(value):
            text += f" is close to {near!r} ({count_text(rows[near], 'row')}): a typo?"
        if value in taken:
            text += f"{' It' if near else ''} has too few rows to learn from, and is taken for {taken[value]!r}, which "
            missed = f"misses it by {fixed_text(worst, 1)} times the noise: collect more rows of it"
            text += missed if worst > STRANGE else "foretells it best"
        told.append(text)
    if len(told) > SHOWN:
        told[SHOWN:] = [f"{len(told) - SHOWN:,} more such categories"]
    if others:
        has, it = ("has", "it") if len(others) == 1 else ("have", "each")
        told.append(
            f"{list_names(others)} {has} too few rows to learn from, and the known category that foretells {it} best "
            f"stands for {it}"
        )
    return told


def close_names(rows: Mapping[Category, float]) -> dict[Category, Category]:
    """Return names that are close to that of a category with many more rows, and that one: most often a typo.

    Names that differ in their numbers are different things.

    Examples
    --------
    >>> close_names({"Sprinter": 411, "eVito": 180, "Sprnter": 1, "sprinter": 2, "Crafter": 3})
    {'Sprnter': 'Sprinter', 'sprinter': 'Sprinter'}
    >>> close_names({"depot 1": 411, "depot 2": 1})
    {}
    """
    names = {name: count for name, count in rows.items() if isinstance(name, str)}
    most = max(names.values(), default=0)
    few = [name for name, count in names.items() if OFTEN * count <= most]
    many = sorted((name for name in names if names[name] >= OFTEN), key=lambda name: -names[name])
    if sum(map(len, few)) * sum(map(len, many)) > LETTERS:
        return {}
    found: dict[Category, Category] = {}
    for name in few:
        likely = (each for each in many if OFTEN * names[name] <= names[each] and _is_close(name, each))
        best = max(likely, key=lambda each: _likeness(name, each), default=None)
        found |= {} if best is None else {name: best}
    return found


def _is_close(name: str, other: str) -> bool:
    return re.findall(r"\d+", name) == re.findall(r"\d+", other) and _likeness(name, other) > ALIKE


def _likeness(name: str, other: str) -> float:
    return SequenceMatcher(None, name.casefold().strip(), other.casefold().strip(), autojunk=False).ratio()


def in_known_words(frame: pd.DataFrame, encoding: FeatureEncoding) -> pd.DataFrame:
    """Return the frame with rare categories in the words of those they are taken for."""
    taken = {feature.name: dict(feature.taken_for) for feature in encoding.categories if feature.taken_for}
    columns = {
        name: frame[name].astype(object).map(lambda value, known=known: known.get(value, value))
        for name, known in taken.items()
    }
    return frame.assign(**columns) if columns else frame


def with_rare_entries(formula: Formula, encoding: FeatureEncoding) -> Formula:
    """Return the formula, and those considered beside it, knowing rare categories as those they are taken for."""
    taken = {
        feature.name: {category_label(rare): category_label(known) for rare, known in feature.taken_for}
        for feature in encoding.categories
        if feature.taken_for
    }
    if not taken:
        return formula

    def put(node: Node) -> Node:
        if not isinstance(node, Table):
            return node
        entries = dict(node.entries)
        for place, name in enumerate(node.inputs):
            for rare, known in taken.get(name, {}).items():
                like = [(key, value) for key, value in entries.items() if key[place] == known]
                entries |= {(*key[:place], rare, *key[place + 1 :]): value for key, value in like}
        return replace(node, entries=tuple(entries.items()))

    def extended(law: Formula) -> Formula:
        known = tuple(
            (name, tuple(sorted({*labels, *taken.get(name, {})}))) for name, labels in law.domain.categories
        )
        few = tuple((name, tuple(each)) for name, each in taken.items() if law.domain.categories_of(name))
        domain = replace(law.domain, categories=known, rare=few)
        return replace(law, root=rebuild(law.root, put), domain=domain)

    told = [f"{name}: {rare} as {known}" for name, each in taken.items() for rare, known in each.items()]
    considered = tuple(replace(each, law=each.law and extended(each.law)) for each in formula.alternatives)
    provenance = {**formula.provenance, "rare categories": join_list(told, SHOWN)}
    return replace(extended(formula), alternatives=considered, provenance=provenance)
