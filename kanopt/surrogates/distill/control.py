"""What a person decides about a law before it is read: functions pinned, operators forbidden or preferred.

The names are those of what stands in the formula, not of what an edge of the network computes: behind a logarithm of
the target, a straight edge of a logarithm is a power of the column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kanopt.errors import FitError, nearest
from kanopt.surrogates.distill.forms import Form
from kanopt.surrogates.distill.mixed import Edge
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.signomials import PREFERRED

__all__ = ["OPERATORS", "Control", "written"]

OPERATORS = (
    "linear",
    "quadratic",
    "power",
    "exp",
    "gaussian",
    "log",
    "sine",
    "tanh",
    "softplus",
    "hinge",
    "step",
    "curve",
    "none",
)
"""What a column may be pinned to, and what may be forbidden or preferred; "none" leaves a column out."""
_ON_ROWS = {
    "linear": {"linear"},
    "power": {"linear", "power"},
    "exp": {"exp"},
    "gaussian": {"gaussian"},
    "log": {"log"},
    "sine": {"sine"},
    "hinge": {"hinge"},
    "step": {"step"},
}
_PLAIN = {
    "zero": "none",
    "log_shifted": "log",
    "pure sine": "sine",
    "cosine": "sine",
    "wave": "sine",
    "cycle": "curve",
}
_OF_LOG = {"linear": ("log", "power"), "exp": ("power",)}
_IN_EXPONENT = {"linear": ("exp",), "log": ("power",), "quadratic": ("gaussian",), "log_shifted": ("power",)}
_AS_IT_IS = ("zero", "curve", "cycle", "table")


def written(form: Form, *, log_input: bool, log_output: bool) -> tuple[str, ...]:
    """Return what a form is called once it stands in the formula, the likeliest first.

    Parameters
    ----------
    form
        Of an edge.
    log_input
        Whether the edge is of the logarithm of a column.
    log_output
        Whether it is added to the logarithm of the target, so that its exponential is a factor.

    Examples
    --------
    >>> from kanopt.surrogates.distill.forms import LINEAR
    >>> written(LINEAR, log_input=False, log_output=True), written(LINEAR, log_input=True, log_output=True)
    (('exp',), ('power',))
    """
    name = form.name
    if name in _AS_IT_IS or not (log_input or log_output):
        return (_PLAIN.get(name, name),)
    if log_input and log_output:
        return ("power",) if name == "linear" else ()
    return (_OF_LOG if log_input else _IN_EXPONENT).get(name, ())


@dataclass(frozen=True)
class Control:
    """What was decided by hand.

    Parameters
    ----------
    pin
        Operators among which a column, or an edge by its name in the alternatives of a formula, is to be.
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
        for what, given in [*((f"pin[{name!r}]", p) for name, p in pins.items()), ("prefer", control.prefer)]:
            if given and set(given) <= set(control.forbid):
                raise FitError(f"{what}={list(given)!r} is forbidden by forbid={list(control.forbid)!r}")
        for word in ("none", "linear"):
            if word in control.forbid:
                raise FitError(f"forbid: {word!r} cannot be forbidden, since every law falls back on it")
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

    def check_names(self, features: Iterable[Feature], edges: Collection[str]) -> None:
        """Refuse a pin of what is no column and no edge, and one that a column cannot take.

        Raises
        ------
        FitError
            With what is near.
        """
        kinds = {feature.name: feature.kind for feature in features}
        for name, given in self.pin.items():
            if name not in kinds and name not in edges:
                known = [*kinds, *edges]
                raise FitError(f"pin: {name!r} is no column of the model and no edge; {nearest(name, known)}")
            fits = {"category": {"none"}, "cycle": {"sine", "curve", "none"}}.get(kinds.get(name, ""))
            if fits is not None and not set(given) & fits:
                listed = ", ".join(sorted(fits))
                raise FitError(f"pin: {name!r} is a {kinds[name]}, which can be pinned to {listed} only")

    def left_out(self, column: str) -> bool:
        """Whether a column is to be left out."""
        return self.pin.get(column) == ("none",)

    def on_rows(self, names: Iterable[str]) -> dict[int, frozenset[str]] | None:
        """Return the kinds of factors that columns may be on the rows; None where only a network can do what is asked.

        Parameters
        ----------
        names
            Of the columns that are looked at.
        """
        columns = {name: place for place, name in enumerate(names)}
        allowed = {}
        for name, given in self.pin.items():
            if self.left_out(name):
                continue
            kinds = frozenset().union(*(_ON_ROWS.get(each, ()) for each in given if each not in self.forbid))
            if not kinds or name not in columns:
                return None
            allowed[columns[name]] = kinds
        return allowed

    @property
    def forbidden_on_rows(self) -> frozenset[str]:
        """Kinds of factors that are forbidden on the rows."""
        return frozenset(set(self.forbid) & set(_ON_ROWS))

    @property
    def preferred_on_rows(self) -> frozenset[str]:
        """Kinds of factors that are preferred on the rows."""
        return frozenset(set(self.prefer) & set(_ON_ROWS))

    def on_edge(self, edge: Edge, names: Iterable[str], *, log_input: bool, log_output: bool) -> Edge:
        """Return an edge that may become only what is allowed there.

        Parameters
        ----------
        edge
            A curve, or a table.
        names
            What it is called: its column, and its own name.
        log_input, log_output
            See :func:`written`.

        Raises
        ------
        FitError
            If it can become nothing of what is asked.
        """
        pins = [self.pin[name] for name in names if name in self.pin]
        if ("none",) in pins:
            return edge.dropped()
        if edge.form.name == "table" or not (pins or self.forbid):
            return edge

        def allowed(form: Form) -> bool:
            called = set(written(form, log_input=log_input, log_output=log_output))
            if form.name == "zero":
                return not pins or all("none" in pin for pin in pins)
            if called & set(self.forbid) and not called - set(self.forbid):
                return False
            return all(called & set(pin) for pin in pins)

        family = tuple(form for form in edge.family if allowed(form))
        keeps = allowed(edge.form)
        if not family and not keeps:
            what = " or ".join(pins[0]) if pins else "closed form"
            raise FitError(
                f"pin: the network has {' and '.join(names)} in a place where it cannot become {what}; fit it with "
                "other log_features or log_target, or pin it to something else"
            )
        return edge.restricted(family, keeps=keeps)

    def price(self, edge: Edge, *, log_input: bool, log_output: bool) -> float:
        """Return the share of its price that the form of an edge costs."""
        called = written(edge.form, log_input=log_input, log_output=log_output)
        return PREFERRED if set(called[:1]) & set(self.prefer) else 1.0


def _operators(given: Any, what: str) -> tuple[str, ...]:
    listed = (given,) if isinstance(given, str) else given
    if isinstance(listed, Mapping) or not isinstance(listed, Iterable):
        raise FitError(f"{what}={given!r} must be an operator or several, of {', '.join(OPERATORS)}")
    out = tuple(dict.fromkeys(listed))
    for word in out:
        if word not in OPERATORS:
            raise FitError(f"{what}: {word!r} is no operator; {nearest(str(word), OPERATORS)}")
    return out
