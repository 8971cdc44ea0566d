"""Where one plan beats another, in sentences: a shallow tree on what a sweep varied."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.display import Part, Shown
from kanopt.errors import Issue, ScenarioError
from kanopt.formulas.edges import edges_along
from kanopt.text import count_text, join_list, money_text, number_text, percent_text
from kanopt.whatif.changes import Value
from kanopt.whatif.sweeps.axes import Axis, value_text
from kanopt.whatif.sweeps.point_result import REFUSED, REPEAT, PointResult
from kanopt.whatif.sweeps.prepare import unit_of_axis
from kanopt.whatif.sweeps.sweep_result import Sweep

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.whatif.scenario_files.problem_spec import ProblemSpec

_EQUAL = 1e-9
_DEPTHS = (1, 2, 3)
_COLUMNS = ["rule", "points", "wins", "coverage", "purity", "mean_gain"]


@dataclass(frozen=True, eq=False, repr=False)
class WhereWins(Shown):
    """Where one plan beats another.

    Parameters
    ----------
    names
        What they are called, the winner of the question first.
    unit
        Unit of prices.
    frame
        One row per rule, the one that covers most first. Columns ``rule`` in words; ``points`` it holds at, and
        ``wins`` among them; ``coverage``, its share of all wins; ``purity``, the share of its points that are wins;
        ``mean_gain``, by how much the price is lower there on average.
    points
        One row per point that was compared: the values, ``gain`` (how much cheaper the first is), ``wins``.
    inside_noise, unlike
        Points left out: those whose difference lies inside the noise, and those at which a plan is missing, breaks
        other rules, or leaves out something else.
    noise_known
        Whether the noise of the searches was measured.
    """

    names: tuple[str, str]
    unit: str
    frame: pd.DataFrame
    points: pd.DataFrame
    inside_noise: int
    unlike: int
    noise_known: bool

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`frame`."""
        return self.frame

    def sentences(self) -> tuple[str, ...]:
        """Return a sentence for each rule, and what was left out."""
        return (*self._rules(), *self._left_out())

    def _rules(self) -> Iterator[str]:
        first, second = self.names
        wins, count = int(self.points["wins"].sum()), len(self.points)
        if not count:
            return
        if not self.points["gain"].any():
            yield f"{first} beats {second} at none of {count_text(count, 'point')} compared"
            return
        if wins in (0, count):
            better, worse = (first, second) if wins else (second, first)
            gain = money_text(float(self.points["gain"].abs().mean()), self.unit)
            yield f"{better} beats {worse} at all {count_text(count, 'point')} compared, by {gain} on average"
            return
        if self.frame.empty:
            yield f"{first} beats {second} at {wins:,} of {count_text(count, 'point')}, and no simple rule says where"
        for rule, points, won, coverage, _, mean_gain in self.frame.itertuples(index=False, name=None):
            yield (
                f"{first} beats {second} where {rule}: at {won:,} of the {count_text(points, 'point')} there, "
                f"{percent_text(coverage)} of all where it does, by {money_text(mean_gain, self.unit)} on average"
            )

    def _left_out(self) -> Iterator[str]:
        if self.inside_noise:
            yield f"left out: {count_text(self.inside_noise, 'point')} with a difference inside the noise of the search"
        if self.unlike:
            yield f"left out: {count_text(self.unlike, 'point')} at which plans do not compare like with like"
        if not self.noise_known:
            yield f"the noise of the searches was not measured; {REPEAT}"

    def _shown(self) -> tuple[Part, ...]:
        return self.sentences() or ("no point could be compared",)


def where_wins(sweep: Sweep, other: Sweep | None = None, *, depth: int = 2) -> WhereWins:
    """Say where one plan beats another: "B beats A where fuel is above 1.7 and demand below 1.1".

    A tree of a few questions is grown on the values of the points (Breiman et al. 1984). Its thresholds lie between
    two values that were asked: on an edge of a law, where one lies there, else on a round number.

    Parameters
    ----------
    sweep
        Prices of one plan, or of plans made anew.
    other
        Prices of another one at the same points, as from ``plan="today"`` beside ``plan="kept"``, or of another
        scenario. Left out, plans made anew are compared with the plan that was kept.
    depth
        Questions in a row, 1 to 3.

    Raises
    ------
    ScenarioError
        If the points are not the same, or there is nothing to compare with.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/parcel_city.toml")                         # doctest: +SKIP
    >>> axes = {"vehicles.fuel_price": ko.grid(1, 2, 9), "clients.demand_t": ko.factors(0.8, 1.2, 9)}
    >>> print(ko.where_wins(ko.sweep(base, axes, plan="kept"), ko.sweep(base, axes, plan="today")))  # doctest: +SKIP
    """
    if depth not in _DEPTHS:
        raise _error("depth", f"is 1, 2 or 3, not {depth!r}")
    if other is None and not sweep.anew:
        raise _error(
            "other", "a plan that is kept is compared with another sweep, or plans made anew with it"
        )
    if other is not None and (other.axes, other.design_points) != (sweep.axes, sweep.design_points):
        raise _error("other", "both sweeps have the same paths and the same points")
    compared = _Compared.of(sweep, other)
    points = pd.DataFrame(compared.values, columns=[axis.label for axis in sweep.axes])
    points["gain"], points["wins"] = compared.gains, compared.gains > 0
    rules = list(_rules(sweep, compared, depth)) if points["wins"].nunique() == 2 else []
    frame = pd.DataFrame(rules, columns=_COLUMNS).sort_values("coverage", ascending=False, kind="stable")
    return WhereWins(
        names=_names(sweep, other),
        unit=sweep.unit,
        frame=frame.reset_index(drop=True),
        points=points,
        inside_noise=compared.inside_noise,
        unlike=compared.unlike,
        noise_known=compared.noise_known,
    )


def _names(sweep: Sweep, other: Sweep | None) -> tuple[str, str]:
    if other is None:
        return "planning anew", "the plan that is kept"
    names = [one.scenario.name for one in (sweep, other)]
    if names[0] != names[1]:
        return names[0], names[1]
    told = ["planning anew" if one.anew else f"the plan of {one.base.solver}" for one in (sweep, other)]
    given = [one.base.solver == "given plan" for one in (sweep, other)]
    told = ["today's plan" if given[k] and not (sweep, other)[k].anew else told[k] for k in (0, 1)]
    return (told[0], told[1]) if told[0] != told[1] else ("the first plan", "the second plan")


@dataclass(frozen=True, eq=False)
class _Compared:
    """The points that can be compared, and how much cheaper the first plan is."""

    values: list[tuple[Value, ...]]
    gains: NDArray[np.float64]
    inside_noise: int
    unlike: int
    noise_known: bool

    @classmethod
    def of(cls, sweep: Sweep, other: Sweep | None) -> _Compared:
        others = {} if other is None else {found.point: found for found in other.results}
        values, gains, hidden, unlike, known = [], [], 0, 0, True
        for found in sweep.results:
            beside = others.get(found.point)
            before, alike = _beside(found, beside, own=other is None)
            if not alike or math.isnan(before) or math.isnan(found.objective):
                unlike += 1
                continue
            noise = (
                _noise(found, sweep.anew)
                if other is None
                else max(
                    _noise(found, sweep.anew),
                    _noise(beside, other.anew) if beside is not None else 0.0,
                    key=_nan_last,
                )
            )
            known &= not math.isnan(noise)
            gain = before - found.objective
            same = abs(gain) <= _EQUAL * max(1.0, abs(before))
            # the plan that is kept may be the best still; two plans of one price tell nothing
            if (same and other is not None) or (
                not same and abs(gain) <= (0.0 if math.isnan(noise) else noise)
            ):
                hidden += 1
                continue
            values.append(sweep.design_points[found.point])
            gains.append(0.0 if same else gain)
        return cls(values, np.array(gains, dtype=float), hidden, unlike, known)


def _beside(found: PointResult, beside: PointResult | None, *, own: bool) -> tuple[float, bool]:
    """Return the price that a point is compared with, and whether both plans serve the same."""
    if found.status == REFUSED:
        return math.nan, False
    if own:
        return found.kept_objective, found.kept_status not in (
            "infeasible",
            "partial",
        ) or found.kept_status == found.status
    if beside is None or beside.status == REFUSED:
        return math.nan, False
    return beside.objective, found.does_as_much_as(beside.rank)


def _noise(found: PointResult, anew: bool) -> float:
    return found.noise if anew else 0.0


def _nan_last(value: float) -> float:
    return math.inf if math.isnan(value) else value


@dataclass(frozen=True)
class _Feature:
    """A column of the tree: a number, or whether an axis has a value that is no number."""

    axis: int
    word: Value | None
    column: NDArray[np.float64]


def _features(axes: Sequence[Axis], values: Sequence[Sequence[Value]]) -> Iterator[_Feature]:
    for place in range(len(axes)):
        column = [row[place] for row in values]
        if all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in column):
            yield _Feature(place, None, np.array(column, dtype=float))
        else:
            for word in dict.fromkeys(column):
                yield _Feature(place, word, np.array([float(one == word) for one in column]))


def _rules(sweep: Sweep, compared: _Compared, depth: int) -> Iterator[list[Any]]:
    """Yield the leaves of a tree at which the first plan wins more often than not."""
    from sklearn.tree import DecisionTreeClassifier

    features = list(_features(sweep.axes, compared.values))
    matrix = np.stack([one.column for one in features], axis=1)
    wins = compared.gains > 0
    tree = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(matrix, wins).tree_
    leaves = tree.apply(matrix.astype(np.float32))
    for bounds, members in _merged(_leaves(tree, features), leaves, wins):
        inside = np.isin(leaves, members)
        if not bounds or wins[inside].mean() <= 0.5:
            continue
        words = [_bound_text(sweep, features[number], *ends) for number, ends in sorted(bounds.items())]
        won = int(wins[inside].sum())
        gain = float(compared.gains[inside].mean())
        yield [join_list(words), int(inside.sum()), won, won / wins.sum(), won / inside.sum(), gain]


def _leaves(tree: Any, features: Sequence[_Feature]) -> list[tuple[int, dict[int, tuple[float, float]]]]:
    """Return each leaf with the ends between which each feature lies there."""
    found = []
    left = [(0, dict[int, tuple[float, float]]())]
    while left:
        node, bounds = left.pop()
        if tree.children_left[node] < 0:
            found.append((node, bounds))
            continue
        number, threshold = int(tree.feature[node]), float(tree.threshold[node])
        low, high = bounds.get(number, (-math.inf, math.inf))
        left.append((tree.children_left[node], {**bounds, number: (low, min(high, threshold))}))
        left.append((tree.children_right[node], {**bounds, number: (max(low, threshold), high)}))
    return found


def _merged(
    leaves: Sequence[tuple[int, dict[int, tuple[float, float]]]],
    members: NDArray[np.int64],
    wins: NDArray[np.bool_],
) -> Iterator[tuple[dict[int, tuple[float, float]], list[int]]]:
    """Yield winning leaves; two that differ at one threshold only become one."""
    won = [(bounds, [leaf]) for leaf, bounds in leaves if wins[members == leaf].mean() > 0.5]
    again = True
    while again:
        again = False
        for one in won:
            for other in won:
                joined = None if one is other else _joined(one[0], other[0])
                if joined is not None:
                    won = [kept for kept in won if kept is not one and kept is not other]
                    won.append((joined, [*one[1], *other[1]]))
                    again = True
                    break
            if again:
                break
    yield from won


def _joined(
    one: Mapping[int, tuple[float, float]], other: Mapping[int, tuple[float, float]]
) -> dict[int, tuple[float, float]] | None:
    """Return the box of two that lie side by side and differ in one feature only; None of others."""
    everything = (-math.inf, math.inf)
    unlike = [key for key in {*one, *other} if one.get(key, everything) != other.get(key, everything)]
    if len(unlike) != 1:
        return None
    key = unlike[0]
    (low, high), (low2, high2) = sorted((one.get(key, everything), other.get(key, everything)))
    if high < low2:
        return None
    joined = {**one, key: (low, max(high, high2))}
    return {number: ends for number, ends in joined.items() if ends != everything}


def _bound_text(sweep: Sweep, feature: _Feature, low: float, high: float) -> str:
    axis = sweep.axes[feature.axis]
    if feature.word is not None:
        is_it = low > 0
        return f"{axis.label} is {'' if is_it else 'not '}{value_text(feature.word)}"
    texts = []
    for word, threshold in (("above", low), ("below", high)):
        if math.isfinite(threshold):
            value, law = _snapped(sweep, axis, feature.column, threshold)
            texts.append(f"{word} {number_text(value, 6)}{f' (an edge of the law of {law})' if law else ''}")
    return f"{axis.label} is {' and '.join(texts)}"


def _snapped(sweep: Sweep, axis: Axis, column: NDArray[np.float64], threshold: float) -> tuple[float, str]:
    """Return the edge of a law between the two values around a threshold, with its law; else a round number."""
    low, high = float(column[column <= threshold].max()), float(column[column > threshold].min())
    for formula, name, factor in _laws_of(sweep, axis):
        for edge in edges_along(formula, name, low * factor, high * factor):
            return edge / factor, formula.output.name
    for digits in range(1, 12):
        rounded = float(f"{threshold:.{digits}g}")
        if low <= rounded < high:
            return rounded, ""
    return threshold, ""


def _laws_of(sweep: Sweep, axis: Axis) -> Iterator[tuple[Formula, str, float]]:
    """Yield the laws that read what an axis sets, the input that does, and how many of its units one unit is."""
    from kanopt.problems.law_use import unit_factor

    assessment = sweep.base.assessment
    if axis.values.action == "scale" or assessment is None:
        return
    spec, unit = sweep.scenario.problem, unit_of_axis(sweep.scenario, axis)
    for use in assessment.law_uses:
        for variable in use.formula.inputs:
            if (
                variable.name in use.formula.used
                and not variable.is_category
                and _reads(spec, axis, variable.name)
            ):
                yield use.formula, variable.name, unit_factor(unit, variable.unit)


def _reads(spec: ProblemSpec, axis: Axis, name: str) -> bool:
    """Whether an input of this name is bound to what an axis sets."""
    change = axis.change(axis.values.items[0])
    if change.is_of_section:
        return axis.path.startswith("problem.bind.") and axis.path.rpartition(".")[2] == name
    bound = [spec.bindings_of(law).get(name) for law in spec.law_uses().values()]
    for name, field in filter(None, map(spec.column_of, bound)):
        part = spec.parts()[name]
        if part.table == change.table and change.column in (part.columns.get(field, field), field):
            return True
    return False


def _error(place: str, message: str) -> ScenarioError:
    return ScenarioError([Issue("where", 0, place, message)])
