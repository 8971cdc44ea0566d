"""Verify shape claims about a law, and return the verdicts as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from kanopt.errors import FitError, nearest
from kanopt.kan.verify import Bounded, Claim, Concave, Convex, Decreasing, Increasing, Witness, verify
from kanopt.kan.verify.claims import Outcome, Verdict
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.law import NetworkLaw
from kanopt.text import number_text

__all__ = ["ShapeClaims", "held_positive", "proofs"]

_FLOOR_BUDGET = 1_000
"""Boxes in which a law is to be proved to stay above zero; one that is not is held there."""


@dataclass(frozen=True)
class ShapeClaims:
    """Shape claims by column name; see :meth:`KANRegressor.verify`."""

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
        """Build claims from the user's arguments.

        Raises
        ------
        FitError
            For an invalid sign, and for a single name instead of a list of columns.
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
    def from_arguments(cls, arguments: Any, encoding: FeatureEncoding) -> Self:
        """Return the shape constraints of a fitted model as claims."""
        from kanopt.surrogates.options import settings_of

        settings = settings_of(arguments, encoding)
        names = [feature.name for feature in encoding.numbers]
        signs = dict(zip(names, settings.shape_constraints.monotonic, strict=False))
        bends = dict(zip(names, settings.shape_constraints.convexity, strict=False))
        ends = {"any": None, "positive": (0.0, math.inf), "bounded": settings.bounds}[settings.target_range]
        return cls(
            {name: sign for name, sign in signs.items() if sign},
            tuple(name for name, bend in bends.items() if bend > 0),
            tuple(name for name, bend in bends.items() if bend < 0),
            ends,
        )


@dataclass(frozen=True)
class _LawClaim:
    """A claim about the law, in words, and the claims about its network that decide it.

    Attributes
    ----------
    claims
        Claims about the network that together imply that about the law; empty if it is decided without the network.
    settled
        The verdict if there are no claims.
    why
        The reason for an undecided verdict: without claims, or if a refuted claim does not refute that about the law.
        Empty if it does.
    """

    words: str
    claims: tuple[Claim, ...] = ()
    settled: Outcome = "undecided"
    why: str = ""


def proofs(law: NetworkLaw, asked: ShapeClaims, budget: int) -> pd.DataFrame:
    """Verify every claim over the box of the training rows.

    A claim about the law is translated into claims about the network's output. For a logarithmic, positive or bounded
    law a convex output is sufficient but not necessary for a convex law, so a refuted claim leaves it undecided; and
    some shapes cannot be decided by any claim about the output. The column ``where`` gives the reason.
    """
    rows = [_answer(law, question, budget) for question in _questions(law, asked)]
    return pd.DataFrame(rows, columns=["claim", "verdict", "boxes", "where"])


def held_positive(law: NetworkLaw) -> NetworkLaw:
    """Return a law of a positive target held at the smallest one, unless it is proved to stay above zero by itself."""
    if not law.lowest > 0.0:
        return law
    answer = _answer(law, _bounds(law, 0.0, math.inf), _FLOOR_BUDGET)
    return law if answer["verdict"] == "proved" else replace(law, floor=law.lowest)


def _answer(law: NetworkLaw, question: _LawClaim, budget: int) -> dict[str, Any]:
    lower, upper = (np.array(ends) for ends in _box(law.encoding))
    outcome, boxes, where = question.settled, 0, question.why
    for claim in question.claims:
        verdict = verify(law.network, claim, lower, upper, budget=max(1, budget - boxes))
        outcome, boxes, where = verdict.verdict, boxes + verdict.boxes, ""
        if verdict.refuted and (why := question.why or _held(law, verdict)):
            outcome, where = "undecided", why
        elif verdict.refuted and verdict.witness:
            where = _where(law, verdict.witness)
        elif outcome == "undecided":
            spent = f"the budget of {budget} boxes is spent: give a larger one"
            where = spent if boxes >= budget else "rounding hides the answer"
        if outcome != "proved":
            break
    return {"claim": question.words, "verdict": outcome, "boxes": boxes, "where": where}


def _held(law: NetworkLaw, verdict: Verdict) -> str:
    """Return why a network of another shape does not make the law one: it is held where the network fails."""
    if law.floor is None or isinstance(verdict.claim, Bounded) or verdict.witness is None:
        return ""
    held = bool((verdict.witness.values < law.floor).any())
    return f"{_held_text(law.floor)}, and the network has another shape below that" if held else ""


def _held_text(floor: float) -> str:
    return f"the law is held at {number_text(floor)} or above"


def _questions(law: NetworkLaw, asked: ShapeClaims) -> list[_LawClaim]:
    found = []
    for name, sign in asked.monotone.items():
        place = _place(law.encoding, name)
        claim = Increasing(place) if sign > 0 else Decreasing(place)
        found.append(_LawClaim(f"{'rises' if sign > 0 else 'falls'} with {name}", (claim,)))
    if asked.convex:
        found.append(_convexity_claims(law, asked.convex, 1))
    if asked.concave:
        found.append(_convexity_claims(law, asked.concave, -1))
    if asked.bounds is not None:
        found.append(_bounds(law, *asked.bounds))
    return found


def _convexity_claims(law: NetworkLaw, names: tuple[str, ...], sign: int) -> _LawClaim:
    """Return claims that the law is convex (concave for −1) in the columns `names`.

    An increasing convex function of a convex output is convex, and so is a convex, decreasing function of the
    logarithms of columns, which are concave; conversely for concave (Boyd and Vandenberghe 2004, *Convex Optimization*,
    sec. 3.2.4). The exponential and the softplus are convex, so they cannot prove a concave law.
    """
    word = "convex" if sign > 0 else "concave"
    words = f"{word} in {', '.join(names)}" + (" jointly" if len(names) > 1 else "")
    places = tuple(_place(law.encoding, name) for name in names)
    if law.floor is not None and sign < 0:
        return _LawClaim(words, why=f"{_held_text(law.floor)}, which is not concave")
    behind = _link_text(law)
    if behind and (sign < 0 or _has_an_upper_end(law)):
        return _LawClaim(words, why=f"{behind}; that the output is {word} would not make the law so")
    logs = tuple(place for place in places if law.encoding.numeric[place].log)
    claims: tuple[Claim, ...] = (Convex(places),) if sign > 0 else (Concave(places),)
    claims += tuple(Decreasing(place) if sign > 0 else Increasing(place) for place in logs)
    known, enough = [behind] if behind else [], ""
    if logs:
        columns = ", ".join(law.encoding.numeric[place].name for place in logs)
        known.append(f"the law reads the logarithm of {columns} (log_features=[] reads columns as they are)")
        enough = f" and {'falls' if sign > 0 else 'rises'} with every such logarithm"
    why = (
        f"{'; '.join(known)}; it is {word} where the output is{enough}, but this output is not"
        if known
        else ""
    )
    return _LawClaim(words, claims, why=why)


def _has_an_upper_end(law: NetworkLaw) -> bool:
    return law.link is not None and math.isfinite(law.link.ends[1])


def _link_text(law: NetworkLaw) -> str:
    """Return the link from the network's output to the law in words; empty for none."""
    if law.log_target:
        return "the law is the exponential of the network's output (log_target=False fits the output itself)"
    if law.link is None:
        return ""
    if math.isinf(law.link.ends[1]):
        return "the law is a softplus of the network's output, which keeps it positive"
    return "the law is a logistic function of the network's output, which keeps it between its bounds"


def _bounds(law: NetworkLaw, low: float, high: float) -> _LawClaim:
    """Translate bounds of the law into bounds of the network's output, or decide them by the link alone."""
    words = " and ".join(
        ([f"at least {number_text(low, 6)}"] if low > -math.inf else [])
        + ([f"at most {number_text(high, 6)}"] if high < math.inf else [])
    )
    least, most = (0.0, math.inf) if law.log_target else law.link.ends if law.link else (-math.inf, math.inf)
    if low >= most or high <= least:
        lower, upper = number_text(least, 6), number_text(most, 6)
        between = f"between {lower} and {upper}" if math.isfinite(most) else f"above {lower}"
        return _LawClaim(words, settled="refuted", why=f"the law lies {between} everywhere")
    if law.floor is not None:
        if high < law.floor:
            return _LawClaim(words, settled="refuted", why=_held_text(law.floor))
        low = low if low > law.floor else -math.inf
    output = [-math.inf, math.inf]
    for place, bound in enumerate((low, high)):
        if least < bound < most:
            output[place] = _output(law, bound)
            if math.isnan(output[place]):
                why = f"no output of the network gives {bound!r}: rounding hides it so near to an end of the law"
                return _LawClaim(words, why=why)
    if output == [-math.inf, math.inf]:
        return _LawClaim(words, settled="proved")
    return _LawClaim(words, (Bounded(*output),))


def _output(law: NetworkLaw, bound: float) -> float:
    """Return the output at which the law is `bound`; NaN if rounding makes it ambiguous."""
    if law.log_target:
        return math.log(bound) - math.log(law.smearing)
    if law.link is None:
        return bound
    output = law.link.exact_inverse(np.array(bound))
    back = float(law.link(output))
    ends = [end for end in law.link.ends if math.isfinite(end)]
    # An error counts by what is left to the nearest end, but a law itself is rounded in its last place.
    near = min(abs(bound - end) for end in ends)
    rounding = 4.0 * np.finfo(np.float64).eps * max(abs(bound), *map(abs, ends))
    return float(output) if abs(back - bound) <= 1e-9 * near + rounding else math.nan


def _place(encoding: FeatureEncoding, name: str) -> int:
    names = [feature.name for feature in encoding.numeric]
    if name not in names:
        raise FitError(f"verify: there is no number {name!r}; {nearest(str(name), names)}")
    return names.index(name)


def _box(encoding: FeatureEncoding) -> tuple[list[float], list[float]]:
    """Return the box of the encoded numbers: the training range, one period of a cycle."""
    ends = [(0.0, 1.0) if feature.kind == "cycle" else feature.bounds for feature in encoding.numeric]
    return [low for low, _ in ends], [high for _, high in ends]


def _where(law: NetworkLaw, witness: Witness) -> str:
    """Return in words where a claim fails, in the units of the table."""
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
