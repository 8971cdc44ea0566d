"""Rows that hold a law back: which, how many, how much better a law would be without them, and what to write.

Each suspicion (see :mod:`kanopt.surrogates.cleaning`) is put to the test: a sum of splines is learned with and
without the rows it means, and foretells rows that it did not learn from. It chooses as a law does: the target or its
logarithm, and least squares or a loss that gross errors hardly move (Tukey's biweight; Beaton and Tukey 1974,
Technometrics 16), so that nothing is blamed for what robust learning does by itself. A rule is proposed where the rows
that it drops contradict the law of all others, and either

* rows that no suspicion is about are foretold better without them, beyond chance; or
* they hold a value that cannot be, and carry a large part of the squared error by themselves. Rows that are only far
  from others do that in any law, and nothing is wrong with them for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from kanopt.array_types import Floats
from kanopt.errors import TableError, nearest
from kanopt.formulas.error_model import robust_deviation
from kanopt.formulas.variables import is_name
from kanopt.records.headers import read_header
from kanopt.tables import units_of
from kanopt.tables.stores import holds_numbers
from kanopt.text import count_text, number_text, percent_text
from kanopt.units import convert, same_dimension

if TYPE_CHECKING:
    import pandas as pd


# Which rows of a table a law cannot be about, by how their values look: zeros, codes, far values, odd
# ratios.
#
# These are suspicions, each a condition in the words of ``drop_where``; whether the rows hold a law back is
# measured by :mod:`kanopt.surrogates.cleaning`.

SOME = 0.05
"""Share of the rows that may be odd: where there are more, the table is about them."""
GROUP, APART = 0.004, 1.0
"""Share of the rows from which far ones are a group, if the gap to the others has so many robust standard deviations:
the ends of skewed and heavy-tailed columns are fewer, and lie closer to one another."""
CODES = (-999.0, -99.0, -9.0, -1.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0)
"""Numbers that stand for "not known" in tables of many makers."""
REPEATED = 3
"""Rows that must hold a number for it to be a code."""
NEAR, MOST = 0.1, 0.8
"""Part of the width of the middle half of a column within which numbers are near, and the share of a lump that is one
number."""
FAR = 5.0
"""Robust standard deviations from the median beyond which a value is looked at."""
NORMAL = 1.349
"""Width of the middle half of a normal distribution, in standard deviations."""
FASTEST = 130.0
"""km/h that hardly a road allows."""
LINKED = 0.5
"""Correlation of the logarithms of feature and target above which their ratio means something."""


class Kind(NamedTuple):
    """What is asked of rows before they are proposed to be dropped.

    Parameters
    ----------
    odd
        Robust standard deviations by which the law of the others misses the typical one of them.
    others
        Rows that no suspicion is about and that are missed as badly, for each of them: with more, it is the noise of
        the table that is so.
    better
        Share of the error by which the others are foretold better without them,
    carried
        or share of the squared error that is theirs.
    beyond
        How many times as badly as the worst of the others they are missed to carry it.
    """

    odd: float
    others: float
    better: float
    carried: float
    beyond: float = 0.0


KINDS = {
    "value": Kind(3.0, 0.5, 0.02, 0.1),
    # one number in many rows, and none near it, is odd by itself
    "lump": Kind(2.0, 2.0, 0.02, 0.1),
    # without rows that are missed for their target every law foretells the others better
    "target": Kind(5.0, 0.5, 0.02, 0.1),
    # rows that are only far from others carry much of the error in any law,
    "far": Kind(3.0, 0.5, 0.05, math.inf),
    # unless they are farther from all others than these lie apart, as a wind of 1,048 mph,
    "isolated": Kind(3.0, 0.5, 0.05, 0.1),
    "far target": Kind(5.0, 0.5, 0.05, math.inf),
    # or many behind a wide gap, as those in another unit: others may be the end of a heavy tail
    "group of targets": Kind(5.0, 0.5, 0.05, 0.3, 10.0),
    # cannot be, whatever a law makes of them
    "impossible": Kind(-math.inf, math.inf, -math.inf, 0.0),
}


class Suspicion(NamedTuple):
    """A condition that rows meet which may be no part of a law, what is odd about them, and their kind."""

    rule: str
    why: str
    kind: str


def suspicions(
    numbers: Mapping[str, Floats], target: str, units: Mapping[str, str] | None = None
) -> list[Suspicion]:
    """Return conditions that a few rows of a table meet.

    Parameters
    ----------
    numbers
        Name to values, NaN where missing; the target among them.
    target
        What is to be foretold.
    units
        Units of columns; of others the header is asked.

    Examples
    --------
    >>> km = np.r_[np.linspace(2.0, 9.0, 97), 0.0, 999.0, -1.0]
    >>> [each.rule for each in suspicions({"km": km, "litres": np.linspace(4.0, 30.0, 100)}, "litres")]
    ['km < 0', 'km <= 0', 'km > 100', 'litres / km < 0.2']
    """
    found: dict[str, Suspicion] = {}
    for name, values in numbers.items():
        known = values[np.isfinite(values)]
        if len(known) < 20 or known.min() == known.max():
            continue
        for rule, why, at in (*_not_positive(name, known), *_codes(name, known)):
            kind = "lump" if _is_lump(known, at) else "target" if name == target else "value"
            found.setdefault(rule, Suspicion(rule, why, kind))
        for rule, kind in _far(_quoted(name), known, of_target=name == target):
            found.setdefault(rule, Suspicion(rule, "far from all others", kind))
    for name, values in numbers.items():
        for rule, kind in _ratios(name, values, target, numbers[target]) if name != target else ():
            found.setdefault(rule, Suspicion(rule, "an odd ratio", kind))
    units = {name: (units or {}).get(name) or _hinted_unit(name) for name in numbers}
    for name, values in numbers.items():
        if units[name] and same_dimension(units[name], "km") and same_dimension(units[target] or "km", "h"):
            found |= {each.rule: each for each in _speeds(name, values, target, numbers[target], units)}
    return list(found.values())


def _hinted_unit(name: str) -> str:
    """Return the unit that a header hints at; a distance of none is taken for one of km, which miles are beyond."""
    header = read_header(name)
    return header.unit or ("km" if {"distance", "dist"} & set(header.words) else "")


def _speeds(
    name: str, values: Floats, target: str, wanted: Floats, units: Mapping[str, str]
) -> Iterator[Suspicion]:
    """Yield that a way takes less time than any road allows, and that no way takes more than the usual row."""
    most = FASTEST * convert(1.0, units[target], "h") / convert(1.0, units[name], "km")
    usual, way, time = float(np.nanmedian(wanted)), _quoted(name), _quoted(target)
    for at, rule, why in (
        (values > most * wanted, f"{way} > {most:.6g} * {time}", f"faster than {FASTEST:g} km/h"),
        (
            (values <= 0.0) & (wanted > usual),
            f"{way} <= 0 and {time} > {usual:.6g}",
            "at zero, and longer than usual",
        ),
    ):
        if 0 < at.mean() <= SOME:
            yield Suspicion(rule, why, "impossible")


def _quoted(name: str) -> str:
    """Return a name as a text about columns has it."""
    from kanopt.formulas.parser import CALLED
    from kanopt.formulas.row_parser import KEYWORDS

    return name if name.isidentifier() and name.lower() not in {*KEYWORDS, *CALLED} else f"`{name}`"


def _is_lump(known: Floats, at: NDArray[np.bool_]) -> bool:
    """Return whether some rows hold one number that stands by itself."""
    held, counts = np.unique(known[at], return_counts=True)
    value = held[counts.argmax()]
    others = np.unique(known[~at])
    step = float(np.diff(others).min()) if len(others) > 1 else 0.0
    low, high = np.quantile(known[~at], (0.25, 0.75))
    near = np.abs(known[~at] - value) <= max(NEAR * (high - low), 1.01 * step)
    return bool(counts.max() >= MOST * at.sum() and near.sum() < 0.5 * at.sum())


def _not_positive(name: str, known: Floats) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    for rule, at, why in (
        ("< 0", known < 0, "below zero"),
        ("<= 0", known <= 0, "at zero or below" if (known < 0).any() else "at zero"),
    ):
        if 0 < at.mean() <= SOME:
            yield f"{_quoted(name)} {rule}", why, at


def _codes(name: str, known: Floats) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    for code in CODES:
        count = int((known == code).sum())
        if REPEATED <= count <= SOME * len(known):
            others = known[known != code]
            # among others a code would be one value of many
            if not np.quantile(others, 0.01) <= code <= np.quantile(others, 0.99):
                rule = f"{_quoted(name)} == {number_text(code)}"
                yield rule, "a number that stands for not known", known == code


def _far(text: str, known: Floats, *, of_target: bool) -> Iterator[tuple[str, str]]:
    """Yield limits in gaps of the values, far from where most of them are, with the kind of the rows beyond."""
    for positive in (False, True):
        there = known[known > 0] if positive else known
        if len(there) < 20 or (positive and len(there) < (1.0 - SOME) * len(known)):
            continue
        scaled = np.log(there) if positive else there
        low, middle, high = np.quantile(scaled, (0.25, 0.5, 0.75))
        spread = (high - low) / NORMAL
        if not spread > 0.0:
            continue
        for sign in (1.0, -1.0):
            ordered = np.sort(sign * (scaled - middle) / spread)
            least = max(REPEATED, math.ceil(GROUP * len(ordered)))
            for several in (least, 1):
                limit = _limit(ordered, several)
                if limit is None:
                    continue
                inner, outer = (middle + sign * spread * each for each in limit)
                ends = (math.exp(inner), math.exp(outer)) if positive else (inner, outer)
                rule = f"{text} {'>' if sign > 0 else '<'} {_simple_between(*ends)}"
                if of_target:
                    group = several == least and limit[1] - limit[0] >= APART
                    yield rule, "group of targets" if group else "far target"
                    continue
                others = known[sign * known < sign * ends[1]]
                # numbers of very different size, rounded on the way through logarithms, may leave none
                isolated = len(others) and abs(ends[1] - ends[0]) > np.ptp(others)
                yield rule, "isolated" if isolated else "far"


def _limit(ordered: Floats, several: int) -> tuple[float, float] | None:
    """Return the ends of the widest gap with several values beyond, in standard deviations; None where none is far."""
    first = max(int(np.searchsorted(ordered, FAR)), math.ceil((1.0 - SOME) * len(ordered)), 1)
    last = len(ordered) - several
    if first > last:
        return None
    place = first + int((ordered[first : last + 1] - ordered[first - 1 : last]).argmax())
    return float(ordered[place - 1]), float(ordered[place])


def _simple_between(one: float, other: float) -> str:
    """Return a number of few digits between two others.

    Examples
    --------
    >>> _simple_between(9.2, 999.0), _simple_between(183.4, 171.2), _simple_between(-0.31, -7.0)
    ('100', '180', '-1')
    """
    low, high = sorted((one, other))
    middle = math.sqrt(low * high) if low > 0 else -math.sqrt(low * high) if high < 0 else (low + high) / 2.0
    for digits in range(1, 8):
        step = 10.0 ** (math.floor(math.log10(max(abs(middle), 1e-300))) - digits + 1)
        for choice in (5.0 * step, step):
            if low < (value := round(middle / choice) * choice) < high:
                return f"{value:.10g}"
    return f"{middle:.10g}"


def _ratios(name: str, values: Floats, target: str, wanted: Floats) -> Iterator[tuple[str, str]]:
    """Yield limits of what one unit of a feature takes of the target, such as minutes for a mile."""
    both = (values > 0) & (wanted > 0)
    if both.sum() < max(20, (1.0 - SOME) * len(values)):
        return
    x, y = np.log(values[both]), np.log(wanted[both])
    # most rows rise together, whatever a few of them do
    if x.min() == x.max() or y.min() == y.max() or spearmanr(x, y).statistic <= LINKED:
        return
    yield from _far(f"{_quoted(target)} / {_quoted(name)}", np.exp(y - x), of_target=True)


Flags = NDArray[np.bool_]

LEAST_ROWS, MOST_ROWS = 60, 4_000
"""Rows below which nothing is proposed, and those drawn from more."""
MOST_FEATURES, MOST_CATEGORIES, MOST_RULES = 12, 30, 4
FOLDS = 4
ALIKE = 0.95
"""Share of what the best rule saves by which another one is as good."""
SURE = 3.0
"""Standard errors by which a rule must lower the error."""
CARRIED, TIMES = 0.1, 5.0
"""Share of the squared error that rows carry by themselves, and how many times their share of the rows it must be."""


@dataclass(frozen=True)
class CleaningProposal:
    """A condition by which rows are better left out.

    Attributes
    ----------
    rule
        The condition, as ``drop_where`` has it.
    rows, of
        How many rows it means, and of how many.
    why
        What is odd about them.
    error_with, error_without
        Root mean square error of a quick fit on held-out rows that no suspicion is about, learned with these rows and
        without them.
    carried
        The share of the squared error on all held-out rows that is theirs.
    """

    rule: str
    rows: int
    of: int
    why: str
    error_with: float
    error_without: float
    carried: float

    @property
    def gain(self) -> float:
        """Share of the error that is saved."""
        return 1.0 - self.error_without / self.error_with

    def __str__(self) -> str:
        told = []
        if self.gain >= KINDS["value"].better:
            errors = f"{number_text(self.error_without, 3)} instead of {number_text(self.error_with, 3)}"
            told.append(f"without, a quick fit misses held-out rows by {errors}")
        if self.carried >= CARRIED:
            carry = "it carries" if self.rows == 1 else "they carry"
            told.append(f"{carry} {percent_text(self.carried)} of its squared error")
        start = f"{self.rows:,} of {count_text(self.of, 'row')}, {self.why}"
        if not told:
            return f"{start}, cannot be: {drop_where_line([self])}"
        hold = "holds" if self.rows == 1 else "hold"
        return f"{start}, {hold} the law back: {drop_where_line([self])}; {' and '.join(told)}"


def drop_where_line(proposals: Sequence[CleaningProposal]) -> str:
    """Return what a scenario file says of several proposals.

    Examples
    --------
    >>> drop_where_line([CleaningProposal("km <= 0", 3, 100, "at zero", 2.0, 1.5, 0.2)])
    'drop_where = ["km <= 0"]'
    """
    rules = ", ".join('"' + each.rule.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in proposals)
    return f"drop_where = [{rules}]"


def propose_cleaning(
    table: pd.DataFrame, target: str, features: Sequence[str], *, seed: int = 0
) -> tuple[CleaningProposal, ...]:
    """Propose conditions on rows that hold a law of a table back; nothing is dropped.

    Values at zero or below in a column of positive ones, codes such as 999, values far from all others, and odd ratios
    of target and feature are looked at. Of the rows that remain, some are foretold by a quick fit with and without the
    doubtful ones: a condition is proposed only where that is better without them. Where the target is a time and a
    feature a way, rows at speeds that cannot be are proposed in any case.

    Parameters
    ----------
    table
        The rows to learn from; those without a value in a column that is needed are not looked at.
    target
        What the law foretells.
    features
        From which columns.
    seed
        Draws rows and folds.

    Returns
    -------
    tuple of CleaningProposal
        The one that helps most first; the others are what helps beyond it. ``drop_where`` of
        :func:`~kanopt.tables.read_table` and of a scenario file takes their rules.

    Raises
    ------
    TableError
        If a column is not there, or the target is no number.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> km = rng.uniform(2.0, 30.0, 400)
    >>> trips = pd.DataFrame({"km": km, "minutes": 3.0 + 1.5 * km + rng.normal(size=400)})
    >>> trips.loc[::40, "km"] = 0.0
    >>> [found.rule for found in propose_cleaning(trips, "minutes", ["km"])]
    ['km <= 0']
    """
    for name in (target, *features):
        if name not in table.columns:
            raise TableError(f"no column {name!r}; {nearest(name, map(str, table.columns))}")
    used = table[list(dict.fromkeys([target, *features]))]
    used = used[used.notna().all(axis="columns")]
    if not holds_numbers(used[target]):
        raise TableError(f"the target {target!r} holds no numbers")
    if len(used) < LEAST_ROWS or len(features) > MOST_FEATURES:
        return ()
    numbers = {str(name): used[name].to_numpy(np.float64) for name in used if holds_numbers(used[name])}
    named = {name: values for name, values in numbers.items() if is_name(name)}  # of others no rule can speak
    doubts = suspicions(named, target, units_of(table)) if target in named else []
    means = [_rows_of(each.rule, numbers, len(used)) for each in doubts]
    pairs = [(doubt, at) for doubt, at in zip(doubts, means, strict=True) if at.any() and not at.all()]
    if not pairs:
        return ()
    rows = np.random.default_rng(seed).permutation(len(used))[:MOST_ROWS]
    return tuple(_chosen(_trial(used.iloc[rows], target, features), pairs, rows))


def quick_residuals(table: pd.DataFrame, target: str, features: Sequence[str], *, seed: int = 0) -> Floats:
    """Return what a quick fit leaves of the target of each row that it did not learn from; (n,).

    It is a sum of bent lines of the features, on the scale, of the target or its logarithm, on which it is closer.

    Parameters
    ----------
    table
        Rows without blanks.
    target, features
        What is foretold from what.
    seed
        Draws the folds.
    """
    rows = np.random.default_rng(seed).permutation(len(table))
    trial = _trial(table.iloc[rows], target, features)
    ways = trial.foretold(np.zeros(len(rows), dtype=bool))
    (log, _), values = min(ways.items(), key=lambda way: float(np.abs(trial.target - way[1]).mean()))
    left = np.empty(len(rows))
    left[rows] = np.log(trial.target / np.maximum(values, 1e-300)) if log else trial.target - values
    return left


def _trial(used: pd.DataFrame, target: str, features: Sequence[str]) -> _Trial:
    """Return rows, in an order drawn at random, as they are tried."""
    numeric = [name for name in features if holds_numbers(used[name])]
    numbers = [used[name].to_numpy(np.float64) for name in numeric] or [np.zeros(len(used))]
    categories = used[[name for name in features if name not in numeric]]
    fold = np.arange(len(used)) % FOLDS
    return _Trial(np.column_stack(numbers), _indicators(categories), used[target].to_numpy(np.float64), fold)


def _rows_of(rule: str, numbers: dict[str, Floats], count: int) -> Flags:
    """Return the rows that a rule means, as it will be read."""
    from kanopt.formulas.row_parser import parse_row_text

    return parse_row_text(rule, dict.fromkeys(numbers, "number"), "drop_where").masks(numbers, count)[0]


def _indicators(categories: pd.DataFrame) -> Floats:
    """Return a column of zeros and ones for each frequent value of each category; (n, k)."""
    columns = []
    for name in categories:
        texts = categories[name].astype(str)
        frequent = texts.value_counts().index[:MOST_CATEGORIES]
        columns += [(texts == value).to_numpy(np.float64) for value in frequent]
    return np.column_stack(columns) if columns else np.zeros((len(categories), 0))


def _chosen(
    trial: _Trial, pairs: Sequence[tuple[Suspicion, Flags]], rows: NDArray[np.int64]
) -> Iterator[CleaningProposal]:
    """Yield one rule after the other, each the one that helps most beyond those before."""
    left = [(doubt, at, at[rows]) for doubt, at in pairs]
    undoubted = ~np.logical_or.reduce([drawn for _, _, drawn in left])
    if undoubted.sum() < LEAST_ROWS // 2:
        return
    gone, gone_of_all = np.zeros(len(rows), dtype=bool), np.zeros(len(pairs[0][1]), dtype=bool)
    base = trial.foretold(gone)
    for _ in range(MOST_RULES):
        tried = []
        for doubt, at, drawn in left:
            if (drawn & ~gone).any():
                without = trial.foretold(gone | drawn)
                found = trial.compared((base, without), undoubted, ~gone, drawn & ~gone, KINDS[doubt.kind])
                tried += [] if found is None else [(found, doubt, at, drawn, without)]
        if not tried:
            return
        most = max(each[0].saved for each in tried)
        # the plainest rule of those that do about the same
        found, doubt, at, drawn, base = next(
            each for each in tried if each[0].saved >= min(ALIKE * most, most)
        )
        count = int((at & ~gone_of_all).sum())
        yield CleaningProposal(
            doubt.rule, count, len(at), doubt.why, found.before, found.after, found.carried
        )
        gone, gone_of_all = gone | drawn, gone_of_all | at


class _Effect(NamedTuple):
    """The errors with and without some rows, the share of the squared error that is theirs, and how much is saved."""

    before: float
    after: float
    carried: float
    saved: float


@dataclass(frozen=True, eq=False)
class _Trial:
    """Rows on which suspicions are tried: numbers (n, i), indicators of categories (n, k), target and fold of each."""

    numbers: Floats
    indicators: Floats
    target: Floats
    fold: NDArray[np.int64]

    def foretold(self, gone: Flags) -> dict[tuple[bool, bool], Floats]:
        """Return what is foretold of each row by fits without it and without some rows; by log and robustness.

        Logarithms are those of the target; they are missing where it is not positive in what is learned from.
        """
        found: dict[tuple[bool, bool], Floats] = {}
        for fold in range(FOLDS):
            held = self.fold == fold
            learned = ~held & ~gone
            matrix = _basis(self.numbers, self.indicators, learned)
            for log in (False, True):
                y = self.target[learned]
                if log and not (y > 0).all():
                    continue
                y = np.log(y) if log else y
                for robust in (False, True):
                    fitted = _ridge(matrix[learned], y, robust=robust)
                    values = matrix[held] @ fitted
                    if log:
                        left = np.clip(y - matrix[learned] @ fitted, -3.0, 3.0)
                        values = np.exp(np.clip(values, -50.0, 50.0)) * np.exp(left).mean()
                    found.setdefault((log, robust), np.full(len(held), np.nan))[held] = values
        return {way: values for way, values in found.items() if not np.isnan(values).any()}

    def compared(
        self,
        ways: tuple[dict[tuple[bool, bool], Floats], ...],
        undoubted: Flags,
        there: Flags,
        dropped: Flags,
        asked: Kind,
    ) -> _Effect | None:
        """Return what it does to the law that some of the rows `there` are dropped; None where they need not go.

        `ways` are what is foretold with them and without; `undoubted` are the rows that no suspicion is about.
        """
        before, after = (self._best(each, undoubted) for each in ways)
        squares = [(self.target - each) ** 2 for each in (before, after)]
        gain = (squares[0] - squares[1])[undoubted]
        errors = [float(np.sqrt(each[undoubted].mean())) for each in squares]
        better = gain.mean() >= SURE * float(gain.std() / np.sqrt(len(gain)))
        better = better and errors[1] <= (1.0 - asked.better) * errors[0]
        carried = float(squares[1][dropped].sum() / squares[1][there].sum())
        missed = np.sqrt(squares[1]) / self._spread(after, undoubted)
        typical = float(np.median(missed[dropped]))
        worst = float(np.sort(missed[undoubted])[-min(dropped.sum(), undoubted.sum())])
        heavy = carried >= max(asked.carried, TIMES * float(dropped.sum() / there.sum()))
        heavy = heavy and typical >= asked.beyond * worst
        alike = float((missed[undoubted] >= typical).sum() / dropped.sum())
        needed = (better or heavy) and typical >= asked.odd and alike <= asked.others
        if not needed and asked is not KINDS["impossible"]:
            return None
        saved = 1.0 - float(squares[1][there & ~dropped].sum() / squares[0][there].sum())
        return _Effect(errors[0], errors[1], carried, saved)

    def _best(self, ways: dict[tuple[bool, bool], Floats], rows: Flags) -> Floats:
        return min(ways.values(), key=lambda each: float(((self.target - each)[rows] ** 2).mean()))

    def _spread(self, foretold: Floats, rows: Flags) -> Floats:
        """Return the usual error at each row, which may grow with what is foretold; (n,)."""
        missed = np.abs(self.target - foretold)
        order = np.argsort(foretold[rows])
        parts = np.array_split(order, max(1, min(8, int(rows.sum()) // 50)))
        ends = np.array([foretold[rows][part].max() for part in parts[:-1]])
        usual = np.array([robust_deviation(missed[rows][part]) for part in parts])
        least = max(0.05 * float(usual.max()), 1e-9 * (1.0 + float(np.abs(self.target).max())))
        return np.asarray(np.maximum(usual[np.searchsorted(ends, foretold)], least))


def _basis(numbers: Floats, indicators: Floats, learned: Flags) -> Floats:
    """Return straight lines with bends at quantiles, of each number and of its logarithm; standardised, (n, k)."""
    columns: list[Any] = [np.ones(len(numbers))]
    for values in numbers.T:
        lowest = values[learned].min()
        scales = [values] + ([np.log(np.maximum(values, lowest))] if lowest > 0 else [])
        for each in scales:
            knots = np.unique(np.quantile(each[learned], np.linspace(0.0, 1.0, 8)[1:-1]))
            columns += [each, *(np.maximum(each - knot, 0.0) for knot in knots)]
    columns += list(indicators.T)
    matrix = np.column_stack(columns)
    matrix[:, 1:] -= matrix[learned, 1:].mean(axis=0)
    scale = matrix[learned].std(axis=0)
    scale[0] = 1.0
    return np.asarray(matrix / np.where(scale > 1e-12, scale, np.inf))


def _ridge(matrix: Floats, y: Floats, *, robust: bool) -> Floats:
    """Return the coefficients of penalised least squares, reweighted where gross errors are to count little."""
    fitted = _solved(matrix, y, np.ones(len(y)))
    for turn in range(5 if robust else 0):
        left = np.abs(y - matrix @ fitted)
        left /= robust_deviation(left) + 1e-12 * (1.0 + np.abs(y).max())
        # from absolute errors to the biweight
        biweight = np.square(np.maximum(1.0 - np.square(left / 4.685), 1e-6))
        fitted = _solved(matrix, y, 1.0 / np.maximum(left, 1.0) if turn < 2 else biweight)
    return fitted


def _solved(matrix: Floats, y: Floats, weights: Floats) -> Floats:
    weighted = matrix * weights[:, None]
    penalty = np.full(matrix.shape[1], 1e-3 * weights.sum())
    penalty[0] = 0.0  # that of the mean
    square = weighted.T @ matrix + np.diag(penalty + 1e-9 * len(y))
    return np.asarray(np.linalg.solve(square, weighted.T @ y), dtype=np.float64)
