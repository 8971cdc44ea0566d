"""A fitted law: a network as a formula of curves, with what is known of its errors."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator

from kanopt.errors import FormulaError
from kanopt.formulas import Apply, Constant, Formula, Maximum, Product, Variable
from kanopt.formulas.serialize import from_json
from kanopt.kan.links import Logistic, Softplus
from kanopt.surrogates.conformal import ResidualRange, residual_range
from kanopt.surrogates.curves import in_units, linked, network_output, place_name
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.text import number_text

if TYPE_CHECKING:
    from kanopt.formulas.enclosures.facts import Point
    from kanopt.kan.constraints import ShapeConstraints

LARGEST = 650.0
"""Logarithms beyond this are cut off, far outside any data: their exponentials would not be numbers."""
FLOOR_BUDGET = 1_000
"""Boxes in which a law is to be proved to stay above zero; one that is not is held there."""
LEAST = float(np.finfo(np.float64).tiny)
"""What a positive law falls to at least, far outside any data, where its exponentials would be zero."""


def _packed(array: NDArray[Any]) -> dict[str, Any]:
    """Return numbers as JSON holds them: their shape, and their bytes as text."""
    kind = "<f8" if array.dtype.kind == "f" else "<i8"
    return {"shape": array.shape, "numbers": base64.b64encode(array.astype(kind).tobytes()).decode()}


def _unpacked(value: Any, kind: str) -> NDArray[Any]:
    """Undo :func:`_packed`."""
    try:
        numbers = np.frombuffer(base64.b64decode(value["numbers"], validate=True), dtype=kind)
        array = numbers.reshape([int(side) for side in value["shape"]])
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"this is no array of numbers ({error})") from None
    if not np.isfinite(array).all():
        raise ValueError("a number is infinite or none")
    return array


Floats = Annotated[
    NDArray[np.float64], PlainValidator(partial(_unpacked, kind="<f8")), PlainSerializer(_packed)
]
Integers = Annotated[
    NDArray[np.int64], PlainValidator(partial(_unpacked, kind="<i8")), PlainSerializer(_packed)
]
Network = Annotated[
    Formula,
    # how long a network may be, the size of the file has decided
    PlainValidator(lambda value: from_json(Formula, text := json.dumps(value), len(text))),
    PlainSerializer(lambda formula: json.loads(formula.to_json())),
]
Measure = Annotated[
    float,
    Field(allow_inf_nan=True),
    BeforeValidator(lambda value: math.nan if value is None else value),
    PlainSerializer(lambda value: None if math.isnan(value) else value),
]
"""R² of a constant target is not defined."""


@dataclass(frozen=True, eq=False)
class FittedLaw:
    """The result of a fit.

    Parameters
    ----------
    encoding, network, log_target, smearing, link
        The law: ``network(encoded)``, ``smearing × exp(network(encoded))`` for a log target, or
        ``link(network(encoded))`` for a positive or bounded one. The domain of the network is that of the training
        rows.
    loss
        The loss of the fit.
    variance, edf
        Residual variance, and effective number of parameters.
    residuals, residual_weights, middle
        Leave-one-out residuals of the training rows, sorted, of the logarithm for a log target; how many independent
        rows each stands for; and what the law says of these rows, on the scale of the residuals.
    numbers, codes
        Encoded sample of training rows over which effects are averaged.
    importance
        Importance of every column, see :func:`kanopt.surrogates.summary.feature_importances`.
    measures
        Measures of fit on the training rows, in-sample and leave-one-out.
    lowest
        Smallest target of the training rows.
    floor
        What the law is held at where the network falls below it; None for nothing. Without a link and logarithm only.
    """

    __pydantic_config__: ClassVar = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")

    encoding: FeatureEncoding
    network: Network
    log_target: bool
    smearing: float
    loss: str
    variance: float
    edf: float
    residuals: Floats
    residual_weights: Floats
    middle: Floats
    numbers: Floats
    codes: Integers
    importance: Floats
    measures: dict[str, dict[str, Measure]]
    lowest: float
    link: Softplus | Logistic | None = None
    floor: float | None = None

    @property
    def formula(self) -> Formula:
        """What the law predicts as a formula over the box of the training rows, of columns called by their places.

        Where an exponential overflows, far outside any data, a prediction is cut off and the formula is not.
        """
        placed = [
            replace(each, name=place_name(place), categories=tuple(map(str, range(len(each.categories)))))
            for place, each in enumerate(self.encoding.inputs)
        ]
        root = in_units(self.network.root, placed)
        if self.log_target:
            root = Product((Constant(self.smearing), Apply("exp", root)))
        elif self.link is not None:
            root = linked(self.link, root)
        elif self.floor is not None:
            root = Maximum((Constant(self.floor), root))
        ends = [(0.0, each.scale) if each.kind == "cycle" else (each.low, each.high) for each in placed]
        inputs = [
            Variable(each.name, low=low, high=high) if each.is_numeric else category
            for each, category, (low, high) in zip(placed, self.network.inputs, ends, strict=True)
        ]
        return Formula(root, tuple(inputs), Variable("target"))

    def predict(self, numbers: Floats, codes: Integers) -> Floats:
        """Return the target for encoded rows, shape (n,)."""
        value = self.on_residual_scale(numbers, codes)
        if self.log_target:
            return np.maximum(self.smearing * np.exp(np.minimum(value, LARGEST)), LEAST)
        stays_positive = isinstance(self.link, Softplus) and self.link.low == 0.0
        return np.maximum(value, LEAST) if stays_positive else value

    def outside(self, numbers: Floats) -> NDArray[np.bool_]:
        """Return a mask of the encoded rows outside the domain of the training rows; (n,)."""
        return self.network.domain.outside({place_name(k): column for k, column in enumerate(numbers.T)})

    def on_residual_scale(self, numbers: Floats, codes: Integers) -> Floats:
        """Return what the law says of rows on the scale of its residuals: the logarithm for a log target; (n,)."""
        output = network_output(self.network, numbers, codes)
        if self.link is not None:
            return self.link(output)
        return output if self.floor is None else np.maximum(output, self.floor)

    def residual(self, numbers: Floats, codes: Integers, target: Floats) -> Floats:
        """Return the residuals of rows, of the logarithm for a log target; (n,)."""
        middle = self.on_residual_scale(numbers, codes)
        return (np.log(target) if self.log_target else target) - middle

    def residual_range(self, coverage: float) -> ResidualRange:
        """Return the range into which the residual of a new row falls with probability `coverage`."""
        return residual_range(self.residuals, self.middle, self.residual_weights, coverage)

    def interval_around(
        self, numbers: Floats, codes: Integers, around: ResidualRange
    ) -> tuple[Floats, Floats]:
        """Return the ends of the interval that a range of residuals leaves around every prediction; each (n,)."""
        middle = self.on_residual_scale(numbers, codes)
        low, high = (middle + end for end in around.at(middle))
        if self.log_target:
            return np.exp(np.minimum(low, LARGEST)), np.exp(np.minimum(high, LARGEST))
        ends = (-np.inf, np.inf) if self.link is None else self.link.ends
        return np.clip(low, *ends), np.clip(high, *ends)


def proofs(law: FittedLaw, shapes: ShapeConstraints, ends: tuple[float, float], budget: int) -> pd.DataFrame:
    """Prove or refute, claim by claim, that a law has shapes and lies between two ends over the box of its rows.

    The column ``where`` of the frame says why a claim does not hold.
    """
    claims = _claims(law.encoding, shapes, ends)
    try:
        formula = law.formula
    except FormulaError as error:
        rows = [(words, "undecided", 0, str(error)) for words, _ in claims]
    else:
        rows = [_proof(law.encoding, formula, *claim, budget) for claim in claims]
    return pd.DataFrame(rows, columns=["claim", "verdict", "boxes", "where"])


def held_positive(law: FittedLaw) -> FittedLaw:
    """Return a law of a positive target held at the smallest one, unless it is proved to stay above zero by itself."""
    if not law.lowest > 0.0:
        return law
    try:
        proved = law.formula.prove(low=0.0, boxes=FLOOR_BUDGET).proved
    except FormulaError:  # a network too large to be written as a formula
        proved = False
    return law if proved else replace(law, floor=law.lowest)


def _claims(
    encoding: FeatureEncoding, shapes: ShapeConstraints, ends: tuple[float, float]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield every claim in words, and what is to be proved of the formula for it."""
    names = [feature.name for feature in encoding.numbers]
    for place, sign in enumerate(shapes.monotonic):
        if sign:
            words = f"{'rises' if sign > 0 else 'falls'} with {names[place]}"
            yield words, [{"monotone": {place_name(place): sign}}]
    for word, sign in (("convex", 1), ("concave", -1)):
        places = [place for place, bend in enumerate(shapes.convexity) if bend == sign]
        if places:
            words = f"{word} in {', '.join(names[place] for place in places)}"
            together = " jointly" if len(places) > 1 else ""
            yield words + together, [{"convex": {tuple(map(place_name, places)): sign}}]
    parts = [
        (told, word, end)
        for told, word, end in zip(("at least", "at most"), ("low", "high"), ends, strict=True)
        if math.isfinite(end)
    ]
    if parts:
        words = " and ".join(f"{told} {number_text(end, 6)}" for told, _, end in parts)
        yield words, [{word: end} for _, word, end in parts]


def _proof(
    encoding: FeatureEncoding, formula: Formula, words: str, parts: list[dict[str, Any]], budget: int
) -> tuple[str, str, int, str]:
    """Decide the parts of a claim one after the other, until one fails."""
    verdict, boxes, where = "proved", 0, ""
    for part in parts:
        fact = formula.prove(**part, boxes=max(budget - boxes, 1)).facts[-1]
        verdict, boxes = fact.verdict, boxes + fact.boxes
        where = "; ".join(_where(encoding, point) for point in fact.witness) or fact.why
        if verdict != "proved":
            break
    return words, verdict, boxes, where


def _where(encoding: FeatureEncoding, point: Point) -> str:
    """Return a point in words, in the units of the table."""
    told = []
    for place, feature in enumerate(encoding.inputs):
        value = point.inputs[place_name(place)]
        told.append(
            f"{feature.name} = "
            + (f"{value:.6g}" if feature.is_numeric else str(feature.categories[int(value)]))
        )
    return f"{point.value:.8g} at {', '.join(told)}"
