"""What a person decides about a law before it is read: functions pinned, operators forbidden or preferred.

The names are those of what stands in the formula: behind a logarithm of the target, a straight function of a logarithm
is a power of the column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kanopt.errors import FitError, nearest
from kanopt.formulas import Node
from kanopt.formulas.operators import OPERATORS, contradictions, operator_words
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.ladder.standing import standing

__all__ = ["OPERATORS", "Control"]

_ON_ROWS = {
    "linear": {"linear"},
    "power": {"linear", "power"},
    "exp": {"exp"},
    "gaussian": {"gaussian"},
    "log": {"log"},
    "sine": {"sine"},
    "hinge": {"hinge"},
    "step": {"step"},
    "curve": {"curve"},
}


@dataclass(frozen=True)
class Control:
    """What was decided by hand.

    Parameters
    ----------
    pin
        Operators among which a column is to be.
    forbid
        Operators that are not to be used anywhere.
    prefer
        Operators that cost half.
    """

    pin: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    forbid: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()

    @classmethod
    def of(cls, pin: Any, forbid: Any, prefer: Any) -> Control:
        """Check what a user gave.

        Raises
        ------
        FitError
            If an operator is not known, or one is both pinned or preferred and forbidden.

        Examples
        --------
        >>> Control.of({"hour": "sine"}, ["exp"], None).recorded
        {'pinned': 'hour: sine', 'forbidden': 'exp'}
        """
        if pin is not None and not isinstance(pin, Mapping):
            raise FitError(
                f"pin={pin!r} must map columns to operators, such as {{'hour': 'sine', 'km': ['linear', 'power']}}"
            )
        pins = {str(name): _operators(given, f"pin[{name!r}]") for name, given in (pin or {}).items()}
        control = cls(pins, _operators(forbid or (), "forbid"), _operators(prefer or (), "prefer"))
        control._refuse_contradictions({})
        return control

    def __bool__(self) -> bool:
        return bool(self.pin or self.forbid or self.prefer)

    @property
    def recorded(self) -> dict[str, str]:
        """What is written into the provenance of a formula."""
        pins = "; ".join(f"{name}: {' or '.join(given)}" for name, given in self.pin.items())
        parts = {
            "pinned": pins,
            "forbidden": ", ".join(self.forbid),
            "preferred": ", ".join(self.prefer),
        }
        return {word: text for word, text in parts.items() if text}

    def check_names(self, features: Iterable[Feature]) -> None:
        """Refuse a pin of what is no column, and one that a column cannot take.

        Parameters
        ----------
        features
            The columns of the model.

        Raises
        ------
        FitError
            With what is near.
        """
        kinds = {feature.name: feature.kind for feature in features}
        for name in self.pin:
            if name not in kinds:
                raise FitError(f"pin: {name!r} is no column of the model; {nearest(name, kinds)}")
        self._refuse_contradictions(kinds)

    def _refuse_contradictions(self, kinds: Mapping[str, str]) -> None:
        for (word, *column), told in contradictions(self.pin, self.forbid, self.prefer, kinds):
            raise FitError(f"{word}{f'[{column[0]!r}]' if column else ''}: {told}")

    def check_law(self, root: Node, columns: Collection[str], used: Collection[str], ways: str) -> None:
        """Refuse a law without a column that was pinned to a function, or with an operator that was forbidden.

        Parameters
        ----------
        root
            The law.
        columns
            Of the model.
        used
            Those in the law.
        ways
            How the model was fitted, where that brings operators in.

        Raises
        ------
        FitError
            That says what to do.
        """
        for name, given in self.pin.items():
            if name in columns and name not in used and "none" not in given:
                raise FitError(
                    f"pin: the model found no use for {name!r}, so that no {' or '.join(given)} of it is in the law; "
                    f"leave the pin out, or pin it to {[*given, 'none']!r} to let it go"
                )
        found = standing(root)
        wrong = sorted(found & set(self.forbid))
        if "square" in found and {"power", "quadratic"} <= set(self.forbid):
            wrong.append("square")
        if wrong:
            raise FitError(
                f"forbid: {' and '.join(wrong)} cannot be avoided in a law of this model{ways}; fit it otherwise, or "
                "allow what is needed"
            )

    def left_out(self, column: str) -> bool:
        """Whether a column is to be left out."""
        return self.pin.get(column) == ("none",)

    def on_rows(self, names: Iterable[str]) -> dict[int, frozenset[str]] | None:
        """Return the kinds of factors that columns may be on the rows; None where only a sum of curves can be that.

        Parameters
        ----------
        names
            Of the columns that are looked at.
        """
        columns = {name: place for place, name in enumerate(names)}
        allowed = {}
        for name, given in self.pin.items():
            if self.left_out(name) or (name not in columns and "none" in given):
                continue
            kinds = frozenset().union(*(_ON_ROWS.get(each, ()) for each in given if each not in self.forbid))
            if not kinds or name not in columns:
                return None
            allowed[columns[name]] = kinds
        return allowed

    def required_on_rows(self, names: Iterable[str]) -> frozenset[int]:
        """Return the places of the columns that must be in the law: pinned, and not to "none" among others."""
        return frozenset(
            place for place, name in enumerate(names) if "none" not in self.pin.get(name, ("none",))
        )

    @property
    def forbidden_on_rows(self) -> frozenset[str]:
        """Kinds of factors that are forbidden on the rows."""
        return frozenset(set(self.forbid) & {*_ON_ROWS, "quadratic"})

    @property
    def preferred_on_rows(self) -> frozenset[str]:
        """Kinds of factors that are preferred on the rows."""
        return frozenset(set(self.prefer) & set(_ON_ROWS))


def _operators(given: Any, what: str) -> tuple[str, ...]:
    try:
        return operator_words(given)
    except ValueError as error:
        raise FitError(f"{what}: {error}") from None
