"""What a person decides about a law before it is read: functions pinned, operators forbidden or preferred.

The names are those of what stands in the formula: behind a logarithm of the target, a straight function of a logarithm
is a power of the column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kanopt.errors import FitError, nearest
from kanopt.formulas import Apply, Constant, Curve, Maximum, Minimum, Node, Power, Product, Step, Sum, Table
from kanopt.formulas.modules import OPERATORS, contradictions, operator_words
from kanopt.formulas.nodes import postorder
from kanopt.surrogates.encoding import Feature

__all__ = ["OPERATORS", "Control", "standing"]

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


_FUNCTIONS = {
    "log": "log",
    "log1p": "log",
    "sin": "sine",
    "cos": "sine",
    "relu": "hinge",
}


def standing(root: Node) -> frozenset[str]:
    """Return the operators in a graph, of those that can be forbidden.

    A quotient is no power. The exponential of a curve or table, which is how they stand behind the logarithm of a
    target, belongs to them. A square may be a power as well as a part of a quadratic function, and is called
    "square"; within an exponential it makes that a Gaussian.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> x = Input("x")
    >>> sorted(standing(2 * x**0.5 + Apply("sin", x) / x)), sorted(standing(Apply("exp", -1.0 * x**2)))
    (['power', 'sine'], ['gaussian'])
    """
    inside = {
        below.key
        for node in postorder(root)
        if isinstance(node, Apply) and node.function == "exp"
        for below in _squares(node.argument)
    }
    found = (_of(node, inside) for node in postorder(root))
    return frozenset(name for name in found if name)


def _squares(argument: Node) -> Iterable[Node]:
    """Return the squares among the factors of the terms of an argument."""
    return (n for n in _parts(argument) if isinstance(n, Power) and n.exponent == Constant(2.0))


def _parts(argument: Node) -> Iterable[Node]:
    terms = argument.terms if isinstance(argument, Sum) else (argument,)
    return (part for term in terms for part in (term.factors if isinstance(term, Product) else (term,)))


def _of(node: Node, gaussian: set[bytes]) -> str:
    match node:
        case Apply(function="exp", argument=argument):
            if _tabulated(argument):
                return ""
            return "gaussian" if any(True for _ in _squares(argument)) else "exp"
        case Apply(function=function):
            return _FUNCTIONS.get(function, "")
        case Maximum() | Minimum():
            return "hinge"
        case Step():
            return "step"
        case Curve():
            return "curve"
        case Power(exponent=Constant(value=value)):
            if value == 2.0:
                return "" if node.key in gaussian else "square"
            return "" if abs(value) == 1.0 else "power"
        case Power():
            return "power"
    return ""


def _tabulated(argument: Node) -> bool:
    """Whether an argument is of curves and tables only."""
    return all(isinstance(part, Curve | Table | Constant) for part in _parts(argument))
