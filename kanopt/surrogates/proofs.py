"""Shapes of a law in words: what was asked, put to the verifier, and its answers as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FitError, nearest
from kanopt.kan.verify import Bounded, Claim, Concave, Convex, Falls, Rises, Witness, verify
from kanopt.surrogates.encoding import Encoding
from kanopt.surrogates.law import Law

__all__ = ["Asked", "proofs"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """Shapes by column name; see :meth:`KANRegressor.verify`."""

    monotone: Mapping[str, int] = field(default_factory=dict)
    convex: tuple[str, ...] = ()
    concave: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None

    def __bool__(self) -> bool:
        return bool(self.monotone or self.convex or self.concave or self.bounds)

    @classmethod
    def of(
        cls,
        monotone: Mapping[str, int] | None,
        convex: Iterable[str] | None,
        concave: Iterable[str] | None,
        bounds: tuple[float | None, float | None] | None,
    ) -> Self:
        """Build it from arguments as a user gives them.

        Raises
        ------
        FitError
            For a sign that is none, and for a name where a list of columns is meant.
        """
        for word, columns in (("convex", convex), ("concave", concave)):
            if isinstance(columns, str):
                raise FitError(f"verify: {word}={columns!r} must be a list of columns, such as [{columns!r}]")
        for name, sign in (monotone or {}).items():
            if isinstance(sign, bool) or sign not in (-1, 0, 1):
                raise FitError(f"verify: column {name!r} has {sign!r}; use +1 (rises), -1 (falls) or 0")
        ends = None
        if bounds is not None:
            low, high = bounds
            ends = (-math.inf if low is None else float(low), math.inf if high is None else float(high))
        return cls(
            {n: s for n, s in (monotone or {}).items() if s}, tuple(convex or ()), tuple(concave or ()), ends
        )

    @classmethod
    def from_arguments(cls, arguments: Any, encoding: Encoding) -> Self:
        """Return what a fitted model was asked to hold."""
        from kanopt.surrogates.options import settings_of

        settings = settings_of(arguments, encoding)
        names = [feature.name for feature in encoding.numbers]
        signs = dict(zip(names, settings.wanted.signs, strict=False))
        bends = dict(zip(names, settings.wanted.bends, strict=False))
        ends = {"any": None, "positive": (0.0, math.inf), "bounded": settings.bounds}[settings.reach]
        return cls(
            {name: sign for name, sign in signs.items() if sign},
            tuple(name for name, bend in bends.items() if bend > 0),
            tuple(name for name, bend in bends.items() if bend < 0),
            ends,
        )


def proofs(law: Law, asked: Asked, budget: int) -> pd.DataFrame:
    """Put every claim to the verifier, over the box of the training rows.

    A claim about the law is translated into one about the network's output. For a logarithmic, positive or bounded law
    a convex output is enough for a convex law but not needed, so that what fails there is undecided.
    """
    rows = []
    for words, claim, sufficient in _claims(law, asked):
        if isinstance(claim, str):
            rows.append({"claim": words, "verdict": claim, "boxes": 0, "where": ""})
            continue
        lower, upper = (np.array(ends) for ends in _box(law.encoding))
        verdict = verify(law.network, claim, lower, upper, budget=budget)
        outcome = "undecided" if verdict.refuted and sufficient else verdict.verdict
        where = _where(law, verdict.witness) if outcome == "refuted" and verdict.witness else ""
        rows.append({"claim": words, "verdict": outcome, "boxes": verdict.boxes, "where": where})
    return pd.DataFrame(rows, columns=["claim", "verdict", "boxes", "where"])


def _claims(law: Law, asked: Asked) -> list[tuple[str, Claim | str, bool]]:
    """Return every claim in words, for the network (or its verdict at once), and whether it is only sufficient."""
    encoding, found = law.encoding, list[tuple[str, Claim | str, bool]]()
    plain = not law.log_target and law.link is None
    for name, sign in asked.monotone.items():
        place = _place(encoding, name)
        claim = Rises(place) if sign > 0 else Falls(place)
        found.append((f"{'rises' if sign > 0 else 'falls'} with {name}", claim, False))
    for names, kind, word in ((asked.convex, Convex, "convex"), (asked.concave, Concave, "concave")):
        if not names:
            continue
        places = tuple(_place(encoding, name) for name in names)
        logs = any(encoding.numeric[place].log for place in places)
        # exp, softplus: convex and increasing, so convex stays convex; nothing is known of the rest.
        known = not logs and (
            plain or (kind is Convex and (law.link is None or math.isinf(law.link.ends[1])))
        )
        words = f"{word} in {', '.join(names)}" + (" jointly" if len(names) > 1 else "")
        found.append((words, kind(places) if known else "undecided", not plain))
    if asked.bounds is not None:
        low, high = asked.bounds
        words = " and ".join(
            ([f"at least {low:g}"] if low > -math.inf else [])
            + ([f"at most {high:g}"] if high < math.inf else [])
        )
        found.append((words, _bounds(law, low, high), False))
    return found


def _bounds(law: Law, low: float, high: float) -> Claim | str:
    """Translate bounds of the law into bounds of the network's output; a verdict where the link alone decides."""
    if law.log_target:
        ends = [math.log(end / law.smearing) if end > 0 else -math.inf for end in (low, high)]
        if ends[1] == -math.inf:
            return "refuted"
        low, high = ends
    elif law.link is not None:
        least, most = law.link.ends
        if low >= most or high <= least:
            return "refuted"
        low = -math.inf if low <= least else float(law.link.inverse(np.array(low)))
        high = math.inf if high >= most else float(law.link.inverse(np.array(high)))
    return "proved" if math.isinf(low) and math.isinf(high) else Bounded(low, high)


def _place(encoding: Encoding, name: str) -> int:
    names = [feature.name for feature in encoding.numeric]
    if name not in names:
        raise FitError(f"verify: there is no number {name!r}; {nearest(str(name), names)}")
    return names.index(name)


def _box(encoding: Encoding) -> tuple[list[float], list[float]]:
    """Return the box of the encoded numbers: the training range, one period of a cycle."""
    ends = [(0.0, 1.0) if feature.kind == "cycle" else feature.bounds for feature in encoding.numeric]
    return [low for low, _ in ends], [high for _, high in ends]


def _where(law: Law, witness: Witness) -> str:
    """Say in the units of the table where a claim fails."""
    encoding = law.encoding
    values = law.predict(witness.numbers, np.tile(witness.codes, (len(witness.numbers), 1)))
    labels = [
        f"{feature.name} = {feature.categories[int(code)]}"
        for feature, code in zip(encoding.categories, witness.codes, strict=True)
    ]
    points = []
    for numbers, value in zip(witness.numbers, values, strict=True):
        columns = zip(encoding.numeric, numbers, strict=True)
        place = [f"{feature.name} = {float(feature.decode(np.array([x]))[0]):.6g}" for feature, x in columns]
        points.append(f"{value:.8g} at {', '.join([*place, *labels])}")
    return "; ".join(points)
