"""The domain of a formula: ranges, known categories, and joint tests of several inputs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.columns import common_shape, in_bounds, read_columns
from kanopt.formulas.variables import Variable, check_name, settle
from kanopt.text import range_text

_EDGE = 1e-9
_RIDGE = 1e-6


@dataclass(frozen=True)
class JointTest:
    """A joint test of several inputs: the leverage of a row with respect to the training rows.

    The leverage is ``h = zᵀ G⁻¹ z`` with ``z = [1, scaled inputs]`` and ``G`` the mean of ``z zᵀ`` over the
    training rows (Hoaglin and Welsch 1978, "The hat matrix in regression and ANOVA", The American
    Statistician 32(1), times the number of rows). A short trip with a full load may lie within the range of
    each input although no similar trip was seen; its leverage detects that.

    Parameters
    ----------
    names
        The numeric inputs tested.
    log
        For each, whether it enters by its logarithm.
    centre, scale
        Mean and standard deviation of each, after the logarithm.
    inverse
        ``G⁻¹``, (k + 1) × (k + 1).
    threshold
        The largest leverage of a training row.
    """

    names: tuple[str, ...]
    log: tuple[bool, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    inverse: tuple[tuple[float, ...], ...]
    threshold: float

    def __post_init__(self) -> None:
        count = len(self.names)
        shapes = {len(self.log), len(self.centre), len(self.scale), len(self.inverse) - 1}
        if shapes != {count} or any(len(row) != count + 1 for row in self.inverse):
            raise FormulaError(f"joint test of {self.names!r}: its parts differ in length")
        settle(self, f"joint test of {self.names!r}")
        if any(scale <= 0 for scale in self.scale):
            raise FormulaError(f"joint test of {self.names!r}: a scale is not positive")

    def scaled(self, columns: Mapping[str, NDArray[Any]]) -> list[Floats]:
        """Return 1 and the scaled inputs; the logarithm of a non-positive number is −∞."""
        parts: list[Floats] = [np.ones(())]
        for name, log, centre, scale in zip(self.names, self.log, self.centre, self.scale, strict=True):
            values = columns[name]
            if log:
                values = np.log(values, out=np.full(values.shape, -np.inf), where=values > 0)
            parts.append((values - centre) / scale)
        return parts

    def leverage(self, columns: Mapping[str, NDArray[Any]]) -> Floats:
        """Return the leverage of every row; the columns broadcast."""
        with np.errstate(invalid="ignore", over="ignore"):
            z = np.stack(np.broadcast_arrays(*self.scaled(columns)))
            total = (np.tensordot(np.array(self.inverse), z, 1) * z).sum(axis=0)
        # infinite inputs come out as NaN and are as far outside as can be
        return np.where(np.isnan(total), np.inf, total)

    def contains(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Return a mask of the rows whose leverage is at most the threshold."""
        return np.asarray(self.leverage(columns) <= self.threshold * (1 + _EDGE))


def joint_test(numbers: Mapping[str, Floats], log: frozenset[str]) -> JointTest | None:
    """Build the leverage test of the inputs that vary; a single input needs none."""
    scaled: dict[str, tuple[bool, float, float, Floats]] = {}
    for name, raw in numbers.items():
        by_log = name in log
        values = np.log(raw) if by_log else raw
        centre, scale = float(values.mean()), float(values.std())
        if scale > _EDGE * max(1.0, abs(centre)):
            scaled[name] = (by_log, centre, scale, (values - centre) / scale)
    if len(scaled) < 2:
        return None
    z = np.column_stack(
        [np.ones(len(next(iter(scaled.values()))[3])), *(item[3] for item in scaled.values())]
    )
    # the ridge keeps exactly collinear inputs testable: off their common line the leverage becomes huge
    inverse = np.linalg.inv(z.T @ z / len(z) + _RIDGE * np.eye(z.shape[1]))
    inverse = (inverse + inverse.T) / 2
    return JointTest(
        names=tuple(scaled),
        log=tuple(item[0] for item in scaled.values()),
        centre=tuple(item[1] for item in scaled.values()),
        scale=tuple(item[2] for item in scaled.values()),
        inverse=tuple(tuple(float(x) for x in row) for row in inverse),
        threshold=float(np.einsum("ij,jk,ik->i", z, inverse, z).max()),
    )


_FEW_ROWS = 5
_LEVELS = (0.1, 0.5, 0.9)
_ROUNDING = 1e-9
_EXPECTED = 30.0
"""Rows that would break an order if the inputs had nothing to do with each other, from which on it is no chance."""
_STRETCHES = 5
"""A stretch of one of so many parts of a range is wide."""


@dataclass(frozen=True)
class Range:
    """The range of one numeric input in the training rows, ends included.

    Parameters
    ----------
    name, low, high
        The input, its smallest and its largest value.
    sparse
        Wide stretches within with hardly a row, as pairs of their ends; see :meth:`of_values`.

    Examples
    --------
    >>> Range("hour", 6.0, 20.0).contains(np.array([5.0, 6.0, 20.0])).tolist()
    [False, True, True]
    """

    name: str
    low: float
    high: float
    sparse: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name, "range")
        settle(self, f"range of {self.name!r}")
        if not all(isinstance(end, Real) for end in (self.low, self.high)):
            raise FormulaError(f"range of {self.name!r}: its ends must be numbers")
        if self.low > self.high:
            raise FormulaError(f"range of {self.name!r}: {self.low!r} to {self.high!r} holds no number")

    @classmethod
    def of_values(cls, name: str, values: Floats) -> Range:
        """Return the range of values; sparse are stretches of a fifth of it or more with fewer than five of them.

        Examples
        --------
        >>> [(low, high)] = Range.of_values("km", np.append(np.linspace(1.0, 50.0, 400), 101.0)).sparse
        >>> round(low, 1), high
        (49.5, 101.0)
        """
        low, high = float(values.min()), float(values.max())
        ordered = np.sort(values)
        if len(np.unique(values)) <= _FEW_ROWS * _STRETCHES:
            return cls(name, low, high)
        # from each value to the fifth after it there are four in between
        spans = ordered[_FEW_ROWS:] - ordered[:-_FEW_ROWS]
        wide = [
            (float(ordered[at]), float(ordered[at + _FEW_ROWS]))
            for at in np.flatnonzero(spans >= (high - low) / _STRETCHES)
        ]
        return cls(name, low, high, _merged(wide))

    @property
    def dense_end(self) -> float:
        """Where the data end, but for a few rows far above all others.

        Examples
        --------
        >>> round(Range.of_values("kg", np.append(np.linspace(0.0, 50.0, 400), 900.0)).dense_end, 1)
        49.5
        """
        low, high = self.sparse[-1] if self.sparse else (self.high, self.high)
        return low if high >= self.high and low > self.low else self.high

    def contains(self, values: Floats) -> NDArray[np.bool_]:
        """Return a mask of the values within the range, with a relative tolerance of 1e-9."""
        return in_bounds(values, self.low, self.high)


@dataclass(frozen=True)
class Domain:
    """The domain in which a formula is valid; of one that was written by hand nothing is known.

    Parameters
    ----------
    ranges
        Ranges of the numeric inputs in the training rows.
    categories
        Pairs of a categorical input and its categories in the training rows.
    joints
        Joint tests of the inputs, those of every law the formula was composed of.
    quantiles
        Pairs of a numeric input and three values that occur in the training rows, its quantiles 0.1, 0.5 and 0.9.
    commonest
        Pairs of a categorical input and the category of most training rows.
    rare
        Pairs of a categorical input and those of its categories of which nothing was learned, since they have too few
        rows: another one stands for each.
    orders
        Pairs of numeric inputs of which the first is never above the second; see :func:`orders_of`.

    Examples
    --------
    >>> km = np.linspace(1.0, 100.0, 50)
    >>> domain = Domain.from_rows([Variable("km"), Variable("minutes")], {"km": km, "minutes": 5 + 1.2 * km})
    >>> trips = {"km": np.array([50.0, 50.0, 200.0]), "minutes": np.array([65.0, 10.0, 245.0])}
    >>> domain.outside(trips).tolist()
    [False, True, True]
    """

    ranges: tuple[Range, ...] = ()
    categories: tuple[tuple[str, tuple[str, ...]], ...] = ()
    joints: tuple[JointTest, ...] = ()
    quantiles: tuple[tuple[str, tuple[float, float, float]], ...] = ()
    commonest: tuple[tuple[str, str], ...] = ()
    rare: tuple[tuple[str, tuple[str, ...]], ...] = ()
    orders: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        settle(self, "domain")
        for name, values in self.quantiles:
            if len(values) != len(_LEVELS):
                raise FormulaError(f"quantiles of {name!r}: {values!r} are not {len(_LEVELS)} numbers")

    @classmethod
    def from_rows(
        cls, inputs: Sequence[Variable], rows: Any, periods: Mapping[str, float] | None = None
    ) -> Domain:
        """Learn the domain from training rows, all of which are inside.

        Numeric inputs that vary are tested jointly twice, untransformed and with the logarithms of the positive ones,
        because some laws are linear in the inputs and some in their logarithms.

        Parameters
        ----------
        inputs
            The law's inputs.
        rows
            The training rows: a DataFrame, or a mapping of name to array of shape (n,).
        periods
            Periods of the inputs that start anew. They go together with every value of the others, and their range is
            that of :func:`cycle_range`.

        Raises
        ------
        FormulaError
            If there are no rows, or an input is missing or has gaps.
        """
        columns = read_columns(inputs, rows, frozenset(variable.name for variable in inputs))
        if inputs and not math.prod(common_shape(columns)):
            raise FormulaError("a domain cannot be learned from no rows")
        numbers = {v.name: columns[v.name].ravel() for v in inputs if not v.is_category}
        labels = {v.name: Counter(columns[v.name].ravel().tolist()) for v in inputs if v.is_category}
        around = periods or {}
        ranges = tuple(
            Range(name, *cycle_range(x, around[name])) if name in around else Range.of_values(name, x)
            for name, x in numbers.items()
        )
        straight = {name: x for name, x in numbers.items() if name not in around}
        positive = frozenset(item.name for item in ranges if item.low > 0 and item.name in straight)
        tests = [joint_test(straight, log) for log in dict.fromkeys((frozenset[str](), positive))]
        return cls(
            ranges,
            tuple((name, tuple(sorted(rows))) for name, rows in labels.items()),
            tuple(test for test in tests if test is not None),
            tuple((name, _quantiles(x)) for name, x in numbers.items()),
            tuple((name, min(rows, key=lambda one: (-rows[one], one))) for name, rows in labels.items()),
            orders=orders_of(straight),
        )

    @classmethod
    def intersection(cls, domains: Iterable[Domain]) -> Domain:
        """Return the intersection of `domains`; what is usual is taken of the first where it lies within."""
        domains = tuple(domains)
        boxes: dict[str, Range] = {}
        labels: dict[str, tuple[str, ...]] = {}
        joints: list[JointTest] = []
        for domain in domains:
            for new in domain.ranges:
                old = boxes.get(new.name, new)
                low, high = max(old.low, new.low), min(old.high, new.high)
                if low > high:
                    raise FormulaError(
                        f"input {new.name!r}: one law was learned on {range_text(old.low, old.high)} and another "
                        f"on {range_text(new.low, new.high)}; nowhere do both hold"
                    )
                boxes[new.name] = Range(new.name, low, high)
            for name, known in domain.categories:
                labels[name] = tuple(label for label in labels.get(name, known) if label in known)
            joints += [joint for joint in domain.joints if joint not in joints]
        return cls(
            tuple(boxes.values()),
            tuple(labels.items()),
            tuple(joints),
            *_usual_values(domains, boxes, labels),
            tuple(dict.fromkeys(order for domain in domains for order in domain.orders)),
        )

    def range_of(self, name: str) -> Range | None:
        """Return the range of a numeric input, or None."""
        return next((item for item in self.ranges if item.name == name), None)

    def categories_of(self, name: str) -> tuple[str, ...] | None:
        """Return the known categories of an input, or None."""
        return dict(self.categories).get(name)

    def quantiles_of(self, name: str) -> tuple[float, float, float] | None:
        """Return the quantiles 0.1, 0.5 and 0.9 of a numeric input, or None."""
        return dict(self.quantiles).get(name)

    def rare_of(self, name: str) -> tuple[str, ...]:
        """Return the categories of an input of which nothing was learned."""
        return dict(self.rare).get(name, ())

    def tests(self, columns: Mapping[str, NDArray[Any]]) -> dict[tuple[str, ...], NDArray[np.bool_]]:
        """Return, for each input or combination of inputs tested, a mask of the rows outside.

        Inputs that are not among `columns` are not tested.
        """
        found: dict[tuple[str, ...], NDArray[np.bool_]] = {}
        for item in self.ranges:
            if item.name in columns:
                found[(item.name,)] = ~item.contains(columns[item.name])
        for name, known in self.categories:
            if name in columns:
                found[(name,)] = ~_isin(columns[name], known)
        for pair in self.orders:
            if all(name in columns for name in pair):
                lower, upper = (columns[name] for name in pair)
                found[pair] = lower > upper + _ROUNDING * np.abs(upper)
        for joint in self.joints:
            if all(name in columns for name in joint.names):
                beyond = ~joint.contains(columns)
                earlier = found.get(joint.names)
                found[joint.names] = beyond if earlier is None else earlier | beyond
        return found

    def widened(self, share: float) -> Domain:
        """Return the domain with ranges that reach further by a share of their widths on both sides; joint tests too.

        Examples
        --------
        >>> Domain((Range("km", 0.0, 50.0),)).widened(0.1).range_of("km")
        Range(name='km', low=-5.0, high=55.0, sparse=())
        """
        wider = [(item, share * (item.high - item.low)) for item in self.ranges]
        return replace(
            self,
            ranges=tuple(Range(item.name, item.low - by, item.high + by) for item, by in wider),
            # a leverage grows as the square of the distance from the middle of the rows
            joints=tuple(
                replace(joint, threshold=joint.threshold * (1.0 + 2.0 * share) ** 2) for joint in self.joints
            ),
        )

    def outside(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Return a mask of the places outside the domain, in the shape to which the inputs broadcast."""
        result = np.zeros(common_shape(columns), dtype=bool)
        for beyond in self.tests(columns).values():
            result |= beyond
        return result


def orders_of(numbers: Mapping[str, Floats]) -> tuple[tuple[str, str], ...]:
    """Return pairs of columns of which the first is on no row above the second, and would often be by chance.

    Examples
    --------
    >>> low = np.random.default_rng(0).uniform(0.0, 10.0, 200)
    >>> orders_of({"low": low, "high": low + np.arange(200) % 7, "far": low + 90.0})
    (('low', 'high'),)
    """
    found = []
    for first, lower in numbers.items():
        for second, upper in numbers.items():
            if first == second or not (lower <= upper).all() or (lower == upper).all():
                continue
            if float(np.mean(np.searchsorted(np.sort(upper), lower))) >= _EXPECTED:
                found.append((first, second))
    return tuple(found)


def _quantiles(values: Floats) -> tuple[float, float, float]:
    """Return quantiles that are values themselves, so that those of whole numbers are whole."""
    low, middle, high = np.quantile(values, _LEVELS, method="inverted_cdf").tolist()
    return low, middle, high


def _usual_values(
    domains: Iterable[Domain], boxes: Mapping[str, Range], labels: Mapping[str, tuple[str, ...]]
) -> tuple[Any, Any, Any]:
    """Return quantiles, commonest and rare categories of several domains, within ranges and categories."""
    quantiles: dict[str, tuple[float, float, float]] = {}
    commonest: dict[str, str] = {}
    rare: dict[str, tuple[str, ...]] = {}
    for domain in domains:
        for name, values in domain.quantiles:
            if name in boxes and boxes[name].contains(np.array(values)).all():
                quantiles.setdefault(name, values)
        for name, label in domain.commonest:
            if label in labels.get(name, ()):
                commonest.setdefault(name, label)
        for name, few in domain.rare:
            both = (*rare.get(name, ()), *(label for label in few if label in labels.get(name, ())))
            rare[name] = tuple(dict.fromkeys(both))
    return tuple(quantiles.items()), tuple(commonest.items()), tuple(rare.items())


def _merged(stretches: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return stretches in ascending order, those that overlap as one."""
    found: list[tuple[float, float]] = []
    for low, high in sorted(stretches):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _isin(values: NDArray[Any], known: Sequence[str]) -> NDArray[np.bool_]:
    import pandas as pd

    found: NDArray[np.bool_] = pd.Index(values.ravel(), dtype=object).isin(list(known)).reshape(values.shape)
    return found


def cycle_range(values: Floats, period: float) -> tuple[float, float]:
    """Return the range of a periodic column, which is a whole period where the rows go all the way round.

    They do where the step from the last value on to the first of the next period is hardly wider than a step between.

    Examples
    --------
    >>> cycle_range(np.arange(24.0), 24.0), cycle_range(np.arange(6.0, 20.0), 24.0)
    ((0.0, 24.0), (6.0, 19.0))
    """
    low, high = float(values.min()), float(values.max())
    if high - low >= period or high == low:
        return low, high
    widest = float(np.diff(np.unique(values)).max())
    if low + period - high >= 2.0 * widest:
        return low, high
    first = float(np.floor(low / period)) * period
    return (first, first + period) if high <= first + period else (low, low + period)
