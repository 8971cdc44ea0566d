"""What came of a comparison of models: errors, spread, and what each is good for beside its error."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from kanopt.display import Alarm, Part, Shown, grid_of
from kanopt.surrogates.peers.fold import FORMULA, KAN, MODELS, PERCEPTRON, Score
from kanopt.text import (
    count_text,
    number_text,
    percent_text,
    score_text,
    seconds_text,
    shorten,
)

if TYPE_CHECKING:
    from kanopt.formulas import Formula

__all__ = ["Baselines"]

Floats = NDArray[np.float64]

_READ_AS = {
    "mean": "one number",
    "linear": "weights",
    "splines": "curves",
    "boosting": "no",
    "explainable boosting": "steps",
    KAN: "curves",
    FORMULA: "formula",
    PERCEPTRON: "no",
}
_CALLED = {
    "mean": "the mean",
    "linear": "the linear model",
    "splines": "additive splines",
    "boosting": "gradient boosting",
    "explainable boosting": "the explainable boosting machine",
    KAN: "the KAN",
    FORMULA: "its formula",
    PERCEPTRON: "the perceptron",
}
_MEASURES = ("rmse", "mae", "r2")
_MOST_WIDE = 110
_TINY = 1e-300


@dataclass(frozen=True, eq=False, repr=False)
class Baselines(Shown):
    """A Kolmogorov-Arnold network, its formula and other models on the same folds of the same rows.

    Parameters
    ----------
    target, unit
        What was foretold, and its unit where that is known.
    rows, columns
        How many there are.
    folds
        How many folds were asked for.
    scores
        Of every model on every fold that was finished.
    seconds
        Of it all, by the clock.
    stopped
        By what it was ended before the last fold; empty where it was not.
    absent
        Models that are not installed.
    """

    target: str
    rows: int
    columns: int
    folds: int
    scores: tuple[Score, ...]
    unit: str = ""
    seconds: float = 0.0
    stopped: str = ""
    absent: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """How many folds were finished."""
        return len({score.fold for score in self.scores})

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
        found = pd.DataFrame([self._row(name) for name in MODELS if self._of(name)])
        if found.empty:
            return found
        return found.sort_values("rmse", kind="stable", na_position="last", ignore_index=True)

    @cached_property
    def per_fold(self) -> pd.DataFrame:
        """One row per model and fold: errors, Σpredicted/Σactual, parameters, seconds, and why there are none."""
        kept = [
            "model",
            "fold",
            *_MEASURES,
            "ratio",
            "parameters",
            "fit_seconds",
            "predict_seconds",
            "reason",
        ]
        return pd.DataFrame(
            [{name: getattr(score, name) for name in kept} for score in self.scores], columns=kept
        )

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`frame`."""
        return self.frame.copy()

    @property
    def formula(self) -> Formula | None:
        """The formula of the fold in which its error was the middle one; None where there is none."""
        found = sorted((s for s in self._of(FORMULA) if s.formula is not None), key=lambda score: score.rmse)
        return found[(len(found) - 1) // 2].formula if found else None

    @property
    def warned(self) -> tuple[str, ...]:
        """What was warned of while models were learned, each once, with the model."""
        return tuple(
            dict.fromkeys(f"{score.model}: {each}" for score in self.scores for each in score.warned)
        )

    def _of(self, name: str) -> list[Score]:
        return [score for score in self.scores if score.model == name]

    def _errors(self, name: str) -> Floats:
        """Return the error of a model on every fold; empty where it failed on one, so that all means are alike."""
        scores = self._of(name)
        return np.array([] if any(s.reason for s in scores) else [s.rmse for s in scores])

    def _row(self, name: str) -> dict[str, Any]:
        scores = self._of(name)
        failed = [f"fold {score.fold}: {score.reason}" for score in scores if score.reason]
        row: dict[str, Any] = {"model": name}
        for measure in _MEASURES:
            values = np.array([math.nan] if failed else [getattr(score, measure) for score in scores])
            row[measure] = float(values.mean())
            row[f"{measure}_spread"] = float(values.std(ddof=1)) if len(values) > 1 else math.nan
        row |= self._difference(name)
        for key in ("parameters", "fit_seconds", "predict_seconds"):
            row[key] = math.nan if failed else float(np.mean([getattr(score, key) for score in scores]))
        solver = "yes" if name == FORMULA else "no"
        return {**row, "read": _READ_AS[name], "solver": solver, "reason": failed[0] if failed else ""}

    def _difference(self, name: str) -> dict[str, Any]:
        """Return how far the error of a model is from the KAN's, fold by fold."""
        ours, theirs = self._errors(KAN), self._errors(name)
        if name == KAN or not len(ours) or len(ours) != len(theirs) or ours.mean() == 0.0:
            return {"against_kan": math.nan, "wins": math.nan, "verdict": ""}
        # ratios, since a fold that is hard is hard for all
        apart = np.log(np.maximum(theirs, _TINY) / np.maximum(ours, _TINY))
        share = float(theirs.mean() / ours.mean() - 1.0)
        clear = _is_clear(apart)
        told = "not clear" if not clear else "larger" if share > 0 else "smaller"
        return {"against_kan": share, "wins": float((apart < 0).sum()), "verdict": told}

    def answers(self) -> Iterator[str]:
        """Yield what the figures say of the KAN: against a perceptron, the best of the others, and its formula."""
        rows: dict[str, Any] = {str(row.model): row for row in self.frame.itertuples()}
        if KAN not in rows or not len(self._errors(KAN)):
            why = f" ({rows[KAN].reason})" if KAN in rows else ""
            yield f"The KAN has no figures, so that nothing is compared with it{why}."
            return
        if PERCEPTRON in rows:
            yield f"KAN or MLP: {self._sentence(rows[PERCEPTRON], 'a perceptron of as many parameters')}"
        others = [row for name, row in rows.items() if name not in (KAN, FORMULA) and not row.reason]
        best = min(others, key=lambda row: float(row.rmse), default=None)
        if best is not None and best.model != PERCEPTRON:
            yield f"KAN or the best of the others: {self._sentence(best, _CALLED[str(best.model)])}"
        if FORMULA in rows and not rows[FORMULA].reason:
            share = float(rows[FORMULA].against_kan)
            told = "the same" if round(share, 3) == 0 else f"{percent_text(share, signed=True)}"
            yield f"As a formula: error {told} against the KAN ({self._how_clear(rows[FORMULA])})."

    def _sentence(self, row: Any, called: str) -> str:
        share = float(row.against_kan)
        if math.isnan(share):
            return f"{called} has no figures ({row.reason or 'the KAN is without error'})."
        size = percent_text(abs(share))
        if round(abs(share), 3) == 0:
            return f"the error of {called} is that of the KAN."
        word = "larger than" if share > 0 else "smaller than"
        return f"the error of {called} is {size} {word} the KAN's ({self._how_clear(row)})."

    def _how_clear(self, row: Any) -> str:
        smaller = f"smaller in {int(row.wins)} of {count_text(self.done, 'fold')}"
        if self.done < 3:
            return f"{smaller}; too few to tell whether that is chance"
        return smaller if row.verdict != "not clear" else f"{smaller}; it may be chance"

    def _shown(self) -> Iterator[Part]:
        yield self._heading()
        if self.stopped:
            yield Alarm(f"STOPPED {self.stopped} after {self.done} of {count_text(self.folds, 'fold')}")
        yield from ("", *self.answers(), "")
        yield self._table()
        yield from self.notes()

    def _heading(self) -> str:
        models = count_text(len(self.frame), "model")
        where = f"{count_text(self.rows, 'row')} and {count_text(self.columns, 'column')}"
        folds = f"the same {count_text(self.done, 'fold')}"
        return f"{self.target}: {models} on {folds} of {where} ({seconds_text(self.seconds)})"

    def _table(self) -> Part:
        """Return the rows that have figures."""
        known = self.frame[self.frame["reason"] == ""]
        if known.empty:
            return "no model has figures"
        unit = f" [{self.unit}]" if self.unit else ""
        shown = pd.DataFrame({"model": known["model"]})
        for name, head in (("rmse", f"RMSE{unit}"), ("mae", f"MAE{unit}")):
            shown[head] = [
                _with_spread(*pair) for pair in zip(known[name], known[f"{name}_spread"], strict=True)
            ]
        shown["R²"] = known["r2"].map(score_text)
        against = known["against_kan"].map(
            lambda share: "" if math.isnan(share) else percent_text(share, signed=True)
        )
        shown["RMSE against KAN"] = against
        shown["parameters"] = known["parameters"].map(lambda size: f"{size:,.0f}")
        shown["fit"] = known["fit_seconds"].map(seconds_text)
        shown["predict"] = known["predict_seconds"].map(_short_seconds)
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
            if cut := sum(score.stopped for score in self._of(name)):
                yield f"{name}: its search was ended by the budget in {cut} of {count_text(self.done, 'fold')}"
        if self.formula is not None:
            yield f"formula of the middle fold: {self.formula}"
        if self.warned:
            yield f"{count_text(len(self.warned), 'warning')} while models were learned: see .warned"

    def plot(self, ax: Any = None) -> Any:
        """Draw the error of every model, and of every fold beside it, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_baselines(self, ax=ax)

    def refused(self) -> tuple[str, ...]:
        """Return the models that have no figures."""
        return tuple(str(row.model) for row in self.frame.itertuples() if row.reason)


def _with_spread(value: float, spread: float) -> str:
    """Write a mean and its standard deviation with the same decimals.

    Examples
    --------
    >>> _with_spread(3.0081, 0.1234), _with_spread(1234.5, math.nan), _with_spread(0.0, 0.0)
    ('3.008 ± 0.123', '1234', '0 ± 0')
    """
    text = number_text(value)
    if math.isnan(spread):
        return text
    decimals = len(text.partition(".")[2]) if "e" not in text else None
    return f"{text} ± {number_text(spread, 2) if decimals is None else f'{spread:,.{decimals}f}'}"


def _short_seconds(seconds: float) -> str:
    return f"{number_text(1000 * seconds, 2)} ms" if seconds < 1 else seconds_text(seconds)


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
