"""What came of a comparison of models: errors, spread, and what each is good for beside its error."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from kanopt.array_types import Floats
from kanopt.display import Alarm, Part, Shown, grid_of
from kanopt.text import count_text, number_text, percent_text, score_text, seconds_text, shorten

if TYPE_CHECKING:
    from kanopt.formulas import Formula


KAN, FORMULA, PERCEPTRON = "KAN", "formula", "perceptron"
MODELS = {
    "mean": ("the mean", "one number"),
    "linear": ("the linear model", "weights"),
    "splines": ("additive splines", "curves"),
    "boosting": ("gradient boosting", "no"),
    "explainable boosting": ("the explainable boosting machine", "steps"),
    KAN: ("the KAN", "curves"),
    FORMULA: ("its formula", "formula"),
    PERCEPTRON: ("a perceptron of as many parameters", "no"),
}
"""What each model is called in a sentence, and what it can be read as."""
_MEASURES = ["rmse", "mae", "r2"]
_COSTS = ["parameters", "fit_seconds", "predict_seconds"]
_MOST_WIDE = 110
_TINY = 1e-300


@dataclass(frozen=True, eq=False, repr=False)
class Baselines(Shown):
    """A Kolmogorov-Arnold network, its formula and other models on the same folds of the same rows.

    Parameters
    ----------
    target, unit
        What was foretold, and its unit where that is known.
    per_fold
        One row per model and fold that was finished: errors, Σpredicted/Σactual, parameters, seconds, the formula of
        a formula, whether its search was cut short, and why there are no figures (empty where there are).
    rows, columns
        How many there are.
    folds
        How many folds were asked for.
    seconds
        Of it all, by the clock.
    stopped
        By what it was ended before the last fold; empty where it was not.
    absent
        Models that are not installed.
    """

    target: str
    per_fold: pd.DataFrame
    rows: int
    columns: int
    folds: int
    unit: str = ""
    seconds: float = 0.0
    stopped: str = ""
    absent: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """How many folds were finished."""
        return int(self.per_fold["fold"].nunique())

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per model, that of least error first; those without figures last.

        Columns ``model``; ``rmse``, ``mae`` and ``r2``, means over the folds, each with its standard deviation over
        the folds as ``…_spread``; ``against_kan``, by which share the error (``rmse``) is larger than the KAN's, and
        ``wins``, the folds in which it is smaller; ``verdict`` on that difference; ``parameters``; ``fit_seconds`` and
        ``predict_seconds`` of a fold; ``read`` as what; ``solver``, whether kanopt plans on it as it was measured
        here (a line of other makers can be written into a scenario by hand); ``reason``, why there are no figures.

        A difference is clear where a paired t-test of the logarithms of errors finds it over the folds, with the
        variance of Nadeau and Bengio (2003, Machine Learning 52), who account for what the training rows of folds
        share. It needs three folds.
        """
        found = pd.DataFrame([self._row(name) for name in self.per_fold["model"].unique()])
        return found.sort_values("rmse", kind="stable", na_position="last", ignore_index=True)

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`frame`."""
        return self.frame.copy()

    @property
    def formula(self) -> Formula | None:
        """The formula of the fold in which its error was the middle one; None where there is none."""
        found = self._of(FORMULA).query("reason == ''").sort_values("rmse")
        return None if found.empty else found["formula"].iloc[(len(found) - 1) // 2]

    def _of(self, name: str) -> pd.DataFrame:
        return self.per_fold[self.per_fold["model"] == name]

    def _row(self, name: str) -> dict[str, Any]:
        scores = self._of(name)
        failed = scores[scores["reason"] != ""]
        reason = "" if failed.empty else f"fold {failed['fold'].iloc[0]}: {failed['reason'].iloc[0]}"
        # a model that failed on one fold has no mean that is like those of the others
        return {
            "model": name,
            **scores[_MEASURES + _COSTS].mean(skipna=False),
            **scores[_MEASURES].std(skipna=False).add_suffix("_spread"),
            **self._difference(name),
            "read": MODELS[name][1],
            "solver": "yes" if name == FORMULA else "no",
            "reason": reason,
        }

    def _difference(self, name: str) -> dict[str, Any]:
        """Return how far the error of a model is from the KAN's, fold by fold."""
        ours, theirs = (self._of(each)["rmse"].to_numpy() for each in (KAN, name))
        if name == KAN or len(ours) != len(theirs) or not np.isfinite([ours, theirs]).all() or not ours.any():
            return {"against_kan": math.nan, "wins": math.nan, "verdict": ""}
        # ratios, since a fold that is hard is hard for all
        apart = np.log(np.maximum(theirs, _TINY) / np.maximum(ours, _TINY))
        share = float(theirs.mean() / ours.mean() - 1.0)
        told = "not clear" if not _is_clear(apart) else "larger" if share > 0 else "smaller"
        return {"against_kan": share, "wins": float((apart < 0).sum()), "verdict": told}

    def answers(self) -> Iterator[str]:
        """Yield what the figures say of the KAN: against a perceptron, the best of the others, and its formula."""
        rows: dict[str, Any] = {str(row.model): row for row in self.frame.itertuples()}
        if KAN not in rows or rows[KAN].reason:
            why = f" ({rows[KAN].reason})" if KAN in rows else ""
            yield f"The KAN has no figures, so that nothing is compared with it{why}."
            return
        if PERCEPTRON in rows:
            yield f"KAN or MLP: {self._sentence(rows[PERCEPTRON])}"
        others = (row for name, row in rows.items() if name not in (KAN, FORMULA) and not row.reason)
        best = next(others, None)
        if best is not None and best.model != PERCEPTRON:
            yield f"KAN or the best of the others: {self._sentence(best)}"
        if FORMULA in rows and not rows[FORMULA].reason:
            share = float(rows[FORMULA].against_kan)
            told = "the same" if round(share, 3) == 0 else percent_text(share, signed=True)
            yield f"As a formula: error {told} against the KAN ({self._how_clear(rows[FORMULA])})."

    def _sentence(self, row: Any) -> str:
        share, called = float(row.against_kan), MODELS[row.model][0]
        if math.isnan(share):
            return f"{called} has no figures ({row.reason or 'the KAN is without error'})."
        if round(abs(share), 3) == 0:
            return f"the error of {called} is that of the KAN."
        word = "larger than" if share > 0 else "smaller than"
        return (
            f"the error of {called} is {percent_text(abs(share))} {word} the KAN's ({self._how_clear(row)})."
        )

    def _how_clear(self, row: Any) -> str:
        smaller = f"smaller in {int(row.wins)} of {count_text(self.done, 'fold')}"
        if self.done < 3:
            return f"{smaller}; too few to tell whether that is chance"
        return smaller if row.verdict != "not clear" else f"{smaller}; it may be chance"

    def _shown(self) -> Iterator[Part]:
        models, folds = count_text(len(self.frame), "model"), count_text(self.done, "fold")
        where = f"{count_text(self.rows, 'row')} and {count_text(self.columns, 'column')}"
        yield f"{self.target}: {models} on the same {folds} of {where} ({seconds_text(self.seconds)})"
        if self.stopped:
            yield Alarm(f"STOPPED {self.stopped} after {self.done} of {count_text(self.folds, 'fold')}")
        yield from ("", *self.answers(), "")
        yield self._table()
        yield from self.notes()

    def _table(self) -> Part:
        """Return the rows that have figures."""
        known = self.frame[self.frame["reason"] == ""]
        if known.empty:
            return "no model has figures"
        unit = f" [{self.unit}]" if self.unit else ""
        shown = pd.DataFrame({"model": known["model"]})
        for name, head in (("rmse", f"RMSE{unit}"), ("mae", f"MAE{unit}")):
            pairs = zip(known[name], known[f"{name}_spread"], strict=True)
            shown[head] = [_with_spread(*pair) for pair in pairs]
        shown["R²"] = known["r2"].map(score_text)
        shown["RMSE against KAN"] = [
            "" if math.isnan(share) else percent_text(share, signed=True) for share in known["against_kan"]
        ]
        shown["parameters"] = known["parameters"].map(lambda size: f"{size:,.0f}")
        for name, head in (("fit_seconds", "fit"), ("predict_seconds", "predict")):
            shown[head] = known[name].map(lambda seconds: f"{number_text(seconds, 2)} s")
        shown["read as"], shown["kanopt plans on it"] = known["read"], known["solver"]
        return grid_of(shown, number_text)

    def notes(self) -> Iterator[str]:
        """Yield what must be said beside the figures: models that failed or are absent, searches cut short."""
        for row in self.frame.itertuples():
            if row.reason:
                yield f"{row.model}: no figures; {shorten(str(row.reason), _MOST_WIDE)}"
        for name in self.absent:
            yield f"{name}: not installed (pip install interpret)"
        for name in (KAN, FORMULA):
            if cut := int(self._of(name)["stopped"].sum()):
                yield f"{name}: its search was ended by the budget in {cut} of {count_text(self.done, 'fold')}"
        if self.formula is not None:
            yield f"formula of the middle fold: {self.formula}"

    def plot(self, ax: Any = None) -> Any:
        """Draw the error of every model, and of every fold beside it, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_baselines(self, ax=ax)


def _with_spread(value: float, spread: float) -> str:
    return number_text(value) if math.isnan(spread) else f"{number_text(value)} ± {number_text(spread, 2)}"


def _is_clear(apart: Floats) -> bool:
    """Whether errors of the same folds differ by more than chance.

    Examples
    --------
    >>> _is_clear(np.array([1.0, 1.1, 0.9, 1.0, 1.0])), _is_clear(np.array([1.0, -1.1, 0.9, -1.0, 1.0]))
    (True, False)
    """
    folds = len(apart)
    if folds < 3:
        return False
    spread = float(apart.std(ddof=1)) * math.sqrt(1.0 / folds + 1.0 / (folds - 1))
    return bool(abs(apart.mean()) > float(student.ppf(0.975, folds - 1)) * spread)
