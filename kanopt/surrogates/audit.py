"""What an auditor finds in the table of a law: the target among its features, rows known before, units mixed.

Each finding is a reason of the verdict and caps it. Whatever chance may do is weighed against chance: relations hold in
99 of 100 rows to the last digit that is written, numbers that never repeat are compared with draws that may, equal rows
with rows of equal predictions, and rows of one day with rows of all. An alarm by chance alone comes about once in
thousands of tables for each test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kanopt.array_types import Floats
from kanopt.errors import warn_user
from kanopt.formulas.error_model import FEWEST_FOUND, clipped, shared_part
from kanopt.formulas.fit import VerdictReason
from kanopt.formulas.variables import Variable
from kanopt.formulas.verdict import expects_rise
from kanopt.surrogates.encoding import row_name
from kanopt.tables import units_of, with_units
from kanopt.tables.stores import holds_numbers
from kanopt.text import count_text, list_names, number_text, percent_text

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula


CHANCE = 1e-4
"""Probability with which one test may give an alarm in a table without a fault."""
SURE = 4.0
"""Standard deviations of a count, with as little a chance."""
MOSTLY = 0.99
"""Share of the rows in which a relation holds: a few typing errors do not hide it."""
LEAST, MOST_ROWS, MOST_COLUMNS = 20, 4_000, 40
"""Rows, and distinct values, below which a relation may be chance; rows and columns that are looked at."""
COARSE = 0.1
"""Part of the spread of the target by which rounding may blur a relation that is still one."""
MARGIN, FILLED = 1.1, 0.35
"""By how much a line that is estimated adds to the blur of rounding, and the part of it that the median is off: half
where one number is rounded, a quarter of a normal error of which 99 in 100 are within."""
FEW_DIGITS = 4.0
"""Halves of the last digit of the target by which the rounding of a few others may blur it, however little it does."""
FACTORS = (24.0, 60.0, 100.0, 1000.0, 3600.0)
"""Between two units of one measure: days and hours, hours and minutes, m and cm, km and m, hours and seconds."""
TINY = 1e-300
GAP = 0.25
"""Part of the way between two units, in logarithms, on which no row lies: tails thin out without a gap."""
SHARED = 0.1
"""Part of the variance of errors that rows of a group share from which it is told: with 10 rows in each, what they say
together counts for half as many."""
FEWEST_VARYING = 30
"""Held-out rows that differ from the commonest value below which a fit says little."""


def leaks(
    frame: pd.DataFrame, target: str, columns: Sequence[str] | None = None
) -> tuple[VerdictReason, ...]:
    """Find columns that are the target once more, that it is made of, that number the rows, or are in two units.

    Parameters
    ----------
    frame
        The rows.
    target
        What is to be foretold; a column of numbers.
    columns
        Those that a law may read; all others if left out. Of texts nothing is said.

    Returns
    -------
    tuple of VerdictReason
        Each with its kind, its columns, and the best verdict that a law of them may have.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trips = pd.DataFrame({"stops": rng.integers(1, 9, 300), "start": rng.uniform(300, 900, 300).round()})
    >>> trips["end"] = trips["start"] + 10.0 * trips["stops"] + rng.integers(1, 40, 300)
    >>> trips["minutes"] = trips["end"] - trips["start"]
    >>> [(found.kind, found.columns, found.level) for found in leaks(trips, "minutes")]
    [('parts of the target', ('start', 'end'), 'weak')]
    """
    units = units_of(frame)
    names = [
        str(name) for name in frame.columns if (name != target and columns is None) or name in (columns or ())
    ]
    names = [name for name in names if holds_numbers(frame[name])][:MOST_COLUMNS]
    whole = {name: frame[name].to_numpy(np.float64, na_value=np.nan) for name in [target, *names]}
    at = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), MOST_ROWS)).astype(np.int64))
    numbers = {name: values[at] for name, values in whole.items()}
    y = numbers.pop(target)
    if len(at) < LEAST or len(np.unique(y)) < LEAST / 2:
        return ()
    output = Variable(target, units.get(target, ""))
    found: list[VerdictReason] = []

    def tell(level: Literal["weak", "usable"], kind: str, message: str, advice: str, *columns: str) -> None:
        found.append(VerdictReason(level, message, advice, kind, columns))

    for name, x in numbers.items():
        # a time that follows exactly from a way is a law
        law = expects_rise(Variable(name, units.get(name, "")), output)
        if not law and (_linear(x, y) or _same_order(x, y)):
            told = f"{name} is {target} once more: it goes in its order, or follows it in a line, to the last digit"
            tell("weak", "copy of the target", told, "leave it out", name)
    copies = {name for each in found for name in each.columns}
    rest = {name: x for name, x in numbers.items() if name not in copies}
    for parts in () if copies else _parts_of_sum(rest, y):
        told = f"{target} is a sum or a difference of {list_names(parts, quoted=False)} in every row"
        tell("weak", "parts of the target", told, "leave out what is known only afterwards", *parts)
    for one, sign, other in _factors(rest, y):
        told = f"{target} is {one} {sign} {other} times a constant in every row"
        advice = "if both are known beforehand, write it by hand; if not, leave out the one that is not"
        tell("usable", "factors of the target", told, advice, one, other)
    for name in names:
        if numbers_rows(whole[name]):
            told = (
                f"{name} numbers the rows: {len(frame):,} whole numbers, close to one another, and none twice"
            )
            tell("usable", "row number", told, "leave it out, no other row has it", name)
    found += [each for name, x in rest.items() for each in _mixed(name, x, target, y)]
    return tuple(found)


def audit(law: Formula, train: pd.DataFrame, test: pd.DataFrame, target: str) -> tuple[VerdictReason, ...]:
    """Find what is wrong with the table of a law.

    Parameters
    ----------
    law
        The law, learned from the first rows.
    train, test
        The rows that it was learned from, and those that it is judged by, with the target.
    target
        The column that it foretells.
    """
    used = [name for name in map(str, train.columns) if name in law.used]
    units = {variable.name: variable.unit for variable in law.inputs if variable.name in used}
    both = pd.concat([train[[*used, target]], test[[*used, target]]], ignore_index=True)
    both = with_units(both, {name: unit for name, unit in {**units, target: law.output.unit}.items() if unit})
    return (*leaks(both, target, used), *_known_before(law, train, test, target), *_constant(test[target]))


def sharing(
    frame: pd.DataFrame, residual: Floats, columns: Sequence[str], *, ordered: bool
) -> tuple[VerdictReason, ...]:
    """Find the column whose rows share an error that no law of the features explains, or a drift from row to row.

    A column of groups is one of texts, whole numbers or dates with ten values or more, each of several rows. What a
    line with bends along its numbers explains is no error that rows share.

    Parameters
    ----------
    frame
        The rows in their order.
    residual
        What a law leaves of the target of each; (n,).
    columns
        Those that the law does not read.
    ordered
        Whether a drift along the rows is looked for.

    Returns
    -------
    tuple of VerdictReason
        At most one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame({"day": np.repeat(np.arange(40), 20), "van": rng.integers(0, 12, 800)})
    >>> left = rng.normal(size=40)[frame["day"]] + rng.normal(size=800)
    >>> [(found.kind, found.columns) for found in sharing(frame, left, ["day", "van"], ordered=True)]
    [('errors shared', ('day',))]
    """
    scores = stats.norm.ppf((stats.rankdata(residual) - 0.5) / len(residual))
    shares: dict[str, float] = {}
    for name in columns:
        codes, known = pd.factorize(_days(frame[name]))
        if (
            (codes < 0).any()
            or not FEWEST_FOUND <= len(known) <= len(frame) / 2
            or not _is_label(frame[name])
        ):
            continue
        left = scores - _smooth(frame[name], scores)
        if _by_chance(left, codes, len(known)) * len(columns) < CHANCE:
            shares[name] = shared_part(clipped(left), np.ones(len(left)), codes.astype(np.int64))
    best = max(shares, key=lambda name: shares[name], default="")
    if best and shares[best] >= SHARED:
        message = f"rows of one {best} share {percent_text(shares[best])} of the variance of its errors"
        advice = f'say groups = "{best}", or make it a feature'
        return (VerdictReason("usable", message, advice, "errors shared", (best,)),)
    rank, p = stats.spearmanr(np.arange(len(residual)), residual) if ordered and not shares else (0.0, 1.0)
    if p < CHANCE and rank**2 >= SHARED / 2:
        message = "its errors drift along the rows, which were held out at random"
        advice = "hold out the last ones by a column of time, or make that a feature"
        return (VerdictReason("usable", message, advice, "drift"),)
    return ()


def _step(values: Floats) -> float:
    """Return the unit in which numbers are written, such as that of the last decimal; 0 where that is not seen.

    Examples
    --------
    >>> _step(np.array([1.25, 3.52, 3.53])), _step(np.array([4.25, 7.5, 7.75])), _step(np.sqrt([1.0, 2.0, 3.0]))
    (0.01, 0.25, 0.0)
    """
    gaps = np.diff(np.unique(values))
    for unit in (float(gaps.min(initial=np.inf)), *(10.0**-digits for digits in range(7))):
        parts = (values - values[0]) / unit  # as of 7.3, 7.8 and 8.8
        if (np.abs(parts - np.round(parts)) < 1e-6 * np.maximum(1.0, np.abs(parts) * 1e-6)).all():
            return round(unit, 9) if len(gaps) else 0.0
    return 0.0


def _holds(y: Floats, said: Floats, *blurs: Any) -> bool:
    """Whether something says the target in as good as every row: to its last digit, or blurred as rounding blurs.

    What rounded numbers say is off by about their rounding, at most one of `blurs`, in many rows; of a law with little
    noise most rows are closer.
    """
    off = np.abs(y - said) - 1e-9 * float(np.abs(y).max())
    spread = float(np.subtract(*np.quantile(y, (0.84, 0.16)))) / 2.0
    own = min(_step(y) / 2.0, COARSE * spread) * MARGIN
    if (off <= own).mean() >= MOSTLY:
        return True
    limits = [np.minimum(MARGIN * blur, COARSE * spread) for blur in blurs]
    return any(
        (off <= own + most).mean() >= MOSTLY
        # sums of a few numbers that are written to one digit are exact in many rows
        and (np.median(off / np.maximum(most, TINY)) >= FILLED or np.max(most) <= FEW_DIGITS * own)
        for most in limits
    )


def _linear(x: Floats, y: Floats) -> bool:
    """Whether a target is a straight line of a column, to the last digit of both."""
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < LEAST or len(np.unique(x)) < LEAST / 2:
        return False
    ends, others = np.quantile(x, (0.1, 0.9)), np.quantile(y, (0.1, 0.9))
    rising = float(stats.spearmanr(x, y).statistic) > 0
    slope = (1.0 if rising else -1.0) * float(np.ptp(others)) / max(float(np.ptp(ends)), TINY)
    off = np.abs(y - slope * x - np.median(y - slope * x))
    near = off <= np.quantile(off, MOSTLY)
    slope, shift = np.polyfit(x[near], y[near], 1) if np.ptp(x[near]) > 0 else (0.0, 0.0)
    return _holds(y, slope * x + shift, abs(slope) * _step(x) / 2.0)


def _same_order(x: Floats, y: Floats) -> bool:
    """Whether a target rises or falls with a column from row to row, as with a logarithm of itself.

    Rows with one value of the column have to have one target: of a coarser column a law with little noise does as much.
    """
    both = np.isfinite(x) & np.isfinite(y)
    order = np.lexsort((y[both], x[both]))
    x, y = x[both][order], y[both][order]
    if len(x) < LEAST or min(len(np.unique(x)), len(np.unique(y))) < LEAST / 2:
        return False
    tied, steps = np.diff(x) == 0.0, np.diff(y)
    split = float((tied & (steps != 0.0)).mean())
    return split <= 1.0 - MOSTLY and bool((steps[~tied] >= 0.0).all() or (steps[~tied] <= 0.0).all())


def _parts_of_sum(numbers: Mapping[str, Floats], y: Floats) -> Iterator[tuple[str, ...]]:
    """Yield the fewest columns of which the target is the sum, with one weight and any signs."""
    known = [name for name, x in numbers.items() if np.isfinite(x).mean() > 0.9 and np.nanstd(x) > 0.0]
    there = np.isfinite(y) & np.all([np.isfinite(numbers[name]) for name in known] or [y == y], axis=0)
    if len(known) < 2 or there.sum() < max(LEAST, 2 * len(known) + 10):
        return
    columns = {name: numbers[name][there] for name in known}
    weights = _weights(columns, y[there])
    for name in sorted(weights, key=lambda each: abs(weights[each]) * float(columns[each].std())):
        fewer = {each: columns[each] for each in weights if each != name}
        weights = _weights(fewer, y[there]) or weights
    sizes = np.abs(list(weights.values()))
    if len(sizes) > 1 and sizes.max() < 1.01 * sizes.min():
        yield tuple(weights)


def _weights(columns: Mapping[str, Floats], y: Floats) -> dict[str, float]:
    """Return weights with which columns add up to the target, but for a constant and rounding; empty for none."""
    if not columns:
        return {}
    x = np.column_stack([*columns.values(), np.ones(len(y))])
    scale = np.abs(x).max(axis=0)
    low, high = np.quantile(x, ((1.0 - MOSTLY) / 2.0, (1.0 + MOSTLY) / 2.0), axis=0)
    kept = ((x >= low) & (x <= high)).all(axis=1)  # a typing error would draw the plane to itself
    for _ in range(2):  # a second time without the rows that are farthest off
        found = np.linalg.lstsq(x[kept] / scale, y[kept], rcond=1e-10)[0] / scale
        off = np.abs(y - x @ found)
        kept = off <= np.quantile(off, MOSTLY)
    blurs = [abs(w) * _step(each) / 2.0 for w, each in zip(found, columns.values(), strict=False)]
    if not _holds(y, x @ found, *blurs, sum(blurs)):
        return {}
    return dict(zip(columns, found[:-1].tolist(), strict=True))


def _factors(numbers: Mapping[str, Floats], y: Floats) -> Iterator[tuple[str, str, str]]:
    """Yield the first two columns whose product or quotient is the target, with the sign between them."""
    names = [name for name, x in numbers.items() if (np.nan_to_num(x) > 0).all() and len(np.unique(x)) > 2]
    if not (np.nan_to_num(y) > 0).all():
        return
    for one in names:
        for other in names:
            a, b = numbers[one], numbers[other]
            for sign, z in (("·", a * b), ("/", a / b)) if one < other else (("/", a / b),):
                factor = float(np.median(y / z))
                blurs = [factor * z * _step(each) / each / 2.0 for each in (a, b)]
                if one != other and _holds(y, factor * z, *blurs):
                    yield one, sign, other
                    return


def numbers_rows(values: Floats) -> bool:
    """Say whether whole numbers are all different although draws from their range would repeat themselves.

    That n draws from R numbers are all different has a probability of at most exp(-n (n - 1) / 2 R).

    Parameters
    ----------
    values
        Numbers of a column; (n,).

    Examples
    --------
    >>> numbers_rows(np.arange(7.0, 60.0)), numbers_rows(np.arange(7.0, 60.0) ** 3)
    (True, False)
    """
    n = len(values)
    if n < LEAST or not (np.isfinite(values).all() and (values == np.round(values)).all()):
        return False
    span = float(np.ptp(values)) + 1.0
    return len(np.unique(values)) == n and bool(n * (n - 1) / (2.0 * span) > -np.log(CHANCE))


def _mixed(name: str, x: Floats, target: str, y: Floats) -> Iterator[VerdictReason]:
    """Yield that a column and the target fit together in some rows only with one of them in another unit."""
    both = (np.nan_to_num(x) > 0) & (np.nan_to_num(y) > 0)
    if both.sum() < max(2 * LEAST, 0.9 * len(x)):
        return
    a, b = np.log(x[both]), np.log(y[both])
    for values in (a, b, b - a):
        order = np.argsort(values)
        gaps = np.diff(values[order])[LEAST // 2 - 1 : -(LEAST // 2 - 1)]
        cut = int(np.argmax(gaps)) + LEAST // 2
        apart = float(gaps.max())
        few, many = sorted((order[:cut], order[cut:]), key=len)
        if factor := _factor_between(a, b, few, many, apart):
            message = (
                f"in {len(few):,} of {len(a):,} rows {name} and {target} fit together only if one of them is taken "
                f"times {number_text(factor)}, or divided by it: one is in two units"
            )
            yield VerdictReason("weak", message, "convert these rows", "mixed units", (name, target))
            return


def _factor_between(a: Floats, b: Floats, few: Any, many: Any, apart: float) -> float:
    """Return the factor between two units by which a column is off in few rows, which lie apart; 0 for none."""
    line = stats.linregress(a[many], b[many]) if np.ptp(a[many]) > 0 else None
    if line is None or not line.pvalue < CHANCE or not min(np.ptp(a[few]), np.ptp(b[few])) > 0:
        return 0.0
    if not stats.spearmanr(a[few], b[few]).pvalue < 0.01:
        return 0.0
    off = b[many] - line.intercept - line.slope * a[many]
    spread = float(np.std(off))
    sure = 3.0 * spread * np.sqrt(1.6 / len(few))  # of a median
    for factor in (each for each in FACTORS if apart > GAP * np.log(each)):
        for shift in (np.log(factor), -np.log(factor)):
            for moved in (line.slope * shift, shift):
                left = b[few] - line.intercept - line.slope * a[few] - moved
                # rows of one unit would have to be off by far more than their noise
                if abs(float(np.median(left))) <= sure and abs(moved) > 5.0 * spread:
                    return factor
    return 0.0


def _known_before(
    law: Formula, train: pd.DataFrame, test: pd.DataFrame, target: str
) -> Iterator[VerdictReason]:
    """Yield how many of the rows that judge the law were learned from, beyond what chance repeats.

    Of a law that leaves no error a row says what another one says in any case.
    """
    names = [str(name) for name in train.columns]
    features = [name for name in names if name != target]
    rows, seen = _hashes(test[names]), _hashes(train)
    if np.array_equal(np.sort(rows), np.sort(seen)):
        yield _judged(f"the {len(test):,} rows that judge the law are those it was learned from", ())
        return
    known = np.isin(rows, seen)
    if known.sum() < 2 or (law.fit is not None and law.fit.r2 > 1.0 - CHANCE):
        return
    twins = (
        pd.Series(_hashes(test[features])).map(pd.Series(_hashes(train[features])).value_counts()).fillna(0.0)
    )
    usual = _alike(law, pd.concat([train, test[names]], ignore_index=True), features, target)
    chance = 1.0 - (1.0 - usual) ** twins.to_numpy()
    if known.sum() > chance.sum() + SURE * np.sqrt((chance * (1.0 - chance)).sum()) + 1.0:
        first = row_name(test.index, int(known.argmax()))
        count = f"{int(known.sum()):,} of the {len(test):,} rows that judge the law"
        told = f"{count} were learned from (the first is {first})"
        yield _judged(told, (first,))


def _alike(law: Formula, rows: pd.DataFrame, features: Sequence[str], target: str) -> float:
    """Return how often chance gives two rows with equal features one target: as two rows one error, to the last digit.

    Rows with other features are compared, those for which the law says about the same first.
    """
    y, p = rows[target].to_numpy(np.float64), np.broadcast_to(law.evaluate(rows), len(rows))
    order = np.argsort(p, kind="stable")
    y, left, inputs = y[order], (y - p)[order], _hashes(rows[features])[order]
    near, same, pairs = _step(y) / 2.0, 1.0, 2.0  # Laplace's rule, where no pair is alike
    for lag in 2 ** np.arange(int(np.log2(len(rows)))):
        apart = inputs[lag:] != inputs[:-lag]
        alike = (np.abs(left[lag:] - left[:-lag]) < near) | (y[lag:] == y[:-lag])
        same, pairs = same + float((alike & apart).sum()), pairs + float(apart.sum())
    return same / pairs


def _judged(told: str, names: tuple[str, ...]) -> VerdictReason:
    warn_user(
        f"{told}: its R² and its errors are not those of new rows, and a law that has learned noise passes. Pass rows "
        "that fit has not seen, such as the second frame of kanopt.split"
    )
    return VerdictReason(
        "usable", told, "drop copies, or hold out other rows", "rows known before", rows=names
    )


def _hashes(frame: pd.DataFrame) -> NDArray[np.uint64]:
    texts = frame.astype(object).map(str)  # categories of two frames may have other codes
    return np.asarray(pd.util.hash_pandas_object(texts, index=False), dtype=np.uint64)


def _constant(actual: pd.Series[Any]) -> Iterator[VerdictReason]:
    common = actual.mode().iloc[0]
    others = int((actual != common).sum())
    if others < min(FEWEST_VARYING, len(actual) / 2):
        message = (
            f"{actual.name} is {number_text(float(common))} but for {count_text(others, 'held-out row')}"
        )
        yield VerdictReason(
            "usable", message, "collect rows in which it differs", "nearly constant", (str(actual.name),)
        )


def _days(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.dt.floor("D") if pd.api.types.is_datetime64_any_dtype(values.dtype) else values


def _is_label(values: pd.Series[Any]) -> bool:
    """Whether a column may say which rows belong together: no number with decimals."""
    if not holds_numbers(values):
        return True
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    return bool((numbers == np.round(numbers)).all())


def _smooth(values: pd.Series[Any], scores: Floats) -> Floats:
    """Return what a line with bends along the numbers of a column explains: an amount tells of the target so."""
    if not holds_numbers(values):
        return np.zeros(len(scores))
    ranks = stats.rankdata(values) / len(values)
    basis = np.column_stack(
        [np.ones(len(ranks)), ranks, *(np.maximum(ranks - knot, 0.0) for knot in (0.25, 0.5, 0.75))]
    )
    return np.asarray(basis @ np.linalg.lstsq(basis, scores, rcond=None)[0])


def _by_chance(scores: Floats, codes: NDArray[Any], count: int) -> float:
    """Return how likely chance makes means of groups so different (one-way analysis of variance of normal scores)."""
    size = np.bincount(codes)
    means = np.bincount(codes, scores) / size
    between = float(size @ (means - scores.mean()) ** 2)
    within = float(np.square(scores - means[codes]).sum())
    free = len(scores) - count
    return float(stats.f.sf(between / (count - 1) / max(within / free, 1e-300), count - 1, free))
