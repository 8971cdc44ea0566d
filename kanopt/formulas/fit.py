"""The held-out fit of a law, and the alternatives considered in its selection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.error_model import ErrorModel
from kanopt.formulas.variables import settle
from kanopt.text import list_names, number_text, score_text

Level: TypeAlias = Literal["good", "usable", "weak"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
GOOD_R2, LEAST_R2 = 0.9, 0.7
GOOD_SUM = 0.03
_TIMES = 10.0
"""How many times as far out as the second farthest a value stands alone. Of tails with a finite variance (Pareto's with
an exponent of 2, and all that are lighter) that happens to one table in a hundred, since the ratio of the two largest
is beyond r with a probability of at most r^-2."""
_FEWEST_AROUND = 10
"""Values among which one may stand alone."""


@dataclass(frozen=True)
class VerdictReason:
    """One reason why a law is not good, or what is to be known of its table.

    Parameters
    ----------
    level
        The best verdict that it allows; ``"good"`` for what is only to be known.
    message
        What is wrong, in a clause about the law, with numbers: ``"it explains 57 % of …"``.
    advice
        What to do about it, in a clause.
    kind
        What was found in the table, in a word or two (``"copy of the target"``); empty for what the law itself shows.
    columns, rows
        The columns that are concerned, and the rows by what they are called; empty for all.
    """

    level: Level
    message: str
    advice: str
    kind: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.level not in get_args(Level):
            raise FormulaError(f"a verdict is one of {list_names(get_args(Level))}, not {self.level!r}")
        settle(self, "verdict")

    def __str__(self) -> str:
        return f"{self.message}; {self.advice}"


def level_of_r2(r2: float) -> Level:
    """Return the best verdict that a share of explained variance allows."""
    return "good" if r2 >= GOOD_R2 else "usable" if r2 >= LEAST_R2 else "weak"


def stands_alone(values: Any) -> int | None:
    """Return the place of the one value that is ten times as large as any other; None where none is.

    Parameters
    ----------
    values
        Sizes, not below zero; (n,).

    Examples
    --------
    >>> stands_alone([1.0, 2.0, 0.5] * 4 + [25.0]), stands_alone([1.0, 2.0, 0.5] * 4 + [9.0])
    (12, None)
    """
    sizes = np.asarray(values, dtype=np.float64)
    if len(sizes) <= _FEWEST_AROUND:
        return None
    second, first = np.partition(sizes, -2)[-2:]
    return int(np.argmax(sizes)) if 0.0 < second * _TIMES < first else None


@dataclass(frozen=True)
class Fit:
    """The held-out fit of a law, in the original units of its output.

    Parameters
    ----------
    r2
        Fraction of the variance explained on the held-out rows.
    rmse, mae
        Root mean square and mean absolute error.
    ratio
        Sum of predictions divided by the sum of actual values: 1.02 means that sums are 2 % too high.
    rows_train, rows_test
        Numbers of training rows and of held-out rows.
    data_hash
        Digest of the table.
    smearing
        Factor that corrects the bias of the sums of a law with a logarithmic target (Duan 1983, "Smearing estimate",
        JASA 78); 1 otherwise.
    residual_quantiles
        Pairs of a level and the quantile of actual minus predicted.
    errors
        Bias and noise as a function of the prediction, by which the errors of a sum are told; None for few rows, and in
        files of earlier versions.
    lowest
        Smallest actual value among the rows learned from and held out; None if unknown.
    findings
        What was found in the table of the law, see :func:`kanopt.surrogates.audit.audit`; each caps the verdict.

    Examples
    --------
    >>> fit = Fit.of(np.array([10.0, 12.0, 14.0]), np.array([10.5, 12.0, 13.5]), rows_train=90)
    >>> round(fit.r2, 4), round(fit.ratio, 4), fit.rows_test
    (0.9375, 1.0, 3)
    """

    r2: float
    rmse: float
    mae: float
    ratio: float
    rows_train: int
    rows_test: int
    data_hash: str = ""
    smearing: float = 1.0
    residual_quantiles: tuple[tuple[float, float], ...] = ()
    errors: ErrorModel | None = None
    lowest: float | None = None
    findings: tuple[VerdictReason, ...] = ()

    def __post_init__(self) -> None:
        settle(self, "fit")
        if min(self.rows_train, self.rows_test) < 0 or min(self.rmse, self.mae) < 0:
            raise FormulaError("a fit has no negative errors or rows")

    @classmethod
    def of(
        cls,
        actual: Any,
        predicted: Any,
        *,
        rows_train: int,
        data_hash: str = "",
        smearing: float = 1.0,
        lowest: float | None = None,
        labels: Any = None,
    ) -> Fit:
        """Measure the fit on held-out rows.

        One row that stands alone, by its value or by how far the law misses it, is left out and named in
        :attr:`findings` where it would decide the verdict by itself: a typing error makes no right law weak, and one
        large row no wrong law good.

        Parameters
        ----------
        actual, predicted
            Arrays of shape (n,), in the output's unit.
        rows_train, data_hash, smearing
            Passed on.
        lowest
            Smallest actual value of the training rows; None if unknown.
        labels
            What the held-out rows are called, a sequence or an index; their places if left out.

        Raises
        ------
        FormulaError
            If there are fewer than two rows, a value is not finite, the actual values do not vary, or they
            sum to 0.
        """
        y, p = np.asarray(actual, dtype=np.float64).ravel(), np.asarray(predicted, dtype=np.float64).ravel()
        if y.shape != p.shape or y.size < 2:
            raise FormulaError(
                f"a fit needs two or more held-out rows, got {y.size} actual and {p.size} predicted"
            )
        if not (np.isfinite(y).all() and np.isfinite(p).all()):
            raise FormulaError("a fit cannot be measured where actual or predicted values are not finite")
        if np.ptp(y) == 0 or float(y.sum()) == 0:
            raise FormulaError("a fit cannot be measured where the actual values do not vary, or sum to zero")
        kept, findings = _without_one(y, p, labels)
        y, p = y[kept], p[kept]
        residual = y - p
        return cls(
            r2=_r2(y, p),
            rmse=float(np.sqrt(np.square(residual).mean())),
            mae=float(np.abs(residual).mean()),
            ratio=float(p.sum()) / float(y.sum()),
            rows_train=rows_train,
            rows_test=int(y.size),
            data_hash=data_hash,
            smearing=smearing,
            residual_quantiles=tuple(zip(QUANTILES, np.quantile(residual, QUANTILES).tolist(), strict=True)),
            errors=ErrorModel.of(y, p, rows_train=rows_train),
            lowest=None if lowest is None else min(float(lowest), float(y.min())),
            findings=findings,
        )

    @property
    def error_model(self) -> ErrorModel:
        """The bias and the noise of the law; of fits without :attr:`errors` from RMSE and sums alone."""
        if self.errors is not None:
            return self.errors
        rows = max(self.rows_test, 1)
        factor = 1.0 / self.ratio if self.ratio > 0 else 1.0
        return ErrorModel(0.0, factor, (self.rmse**2 / rows, 0.0, 0.0), self.rmse, 0.0, 0.0, self.rows_test)

    def __str__(self) -> str:
        found = list_names([each.kind for each in self.findings], 4, quoted=False)
        return (
            f"R² {score_text(self.r2)}, RMSE {number_text(self.rmse)}, mean absolute error {number_text(self.mae)}, "
            f"predicted/actual {score_text(self.ratio)} on {self.rows_test:,} held-out rows "
            f"({self.rows_train:,} learned from)" + (f"; found in the table: {found}" if found else "")
        )


def _r2(y: NDArray[np.float64], p: NDArray[np.float64]) -> float:
    return 1.0 - float(np.square(y - p).sum()) / float(np.square(y - y.mean()).sum())


def _without_one(
    y: NDArray[np.float64], p: NDArray[np.float64], labels: Any
) -> tuple[NDArray[np.bool_], tuple[VerdictReason, ...]]:
    """Return the rows to measure by, all or all but one that would decide the verdict, and what is said of it."""
    everything = np.ones(len(y), dtype=bool)
    for sizes, what in ((np.abs(y - p), "missed row"), (np.abs(y - np.median(y)), "row that dominates")):
        place = stands_alone(sizes)
        if place is None:
            continue
        kept = np.arange(len(y)) != place
        if np.ptp(y[kept]) == 0 or float(y[kept].sum()) == 0:
            continue
        before, after = _r2(y, p), _r2(y[kept], p[kept])
        moved = abs(float(p.sum() / y.sum() - p[kept].sum() / y[kept].sum()))
        if level_of_r2(before) == level_of_r2(after) and moved <= GOOD_SUM:
            continue
        name = f"held-out row {place}" if labels is None else f"row {labels[place]}"
        how = (
            "ten times as far off as any other"
            if what == "missed row"
            else "ten times as far out as any other"
        )
        message = (
            f"{name} is left out of the judgement, with {number_text(y[place])} where the law says "
            f"{number_text(p[place])}, {how}: with it, R² would be {score_text(before)}"
        )
        return kept, (VerdictReason("good", message, "see whether it is a mistake", what, rows=(name,)),)
    return everything, ()
