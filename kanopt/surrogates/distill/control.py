"""What a person decides about a law before it is read: functions pinned, operators forbidden or preferred.

The names are those of what stands in the formula, not of what an edge of the network computes: behind a logarithm of
the target, a straight edge of a logarithm is a power of the column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from kanopt.errors import FitError, nearest
from kanopt.formulas import Node
from kanopt.formulas.operators import NEEDED, OPERATORS, POSSIBLE
from kanopt.surrogates.distill.build import graph
from kanopt.surrogates.distill.forms import Form
from kanopt.surrogates.distill.mixed import Edge, Mixed
from kanopt.surrogates.distill.standing import standing
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.signomials import PREFERRED

__all__ = ["OPERATORS", "Control", "Scale", "contained", "written"]

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
_PLAIN = {
    "zero": "none",
    "log_shifted": "log",
    "pure sine": "sine",
    "cosine": "sine",
    "wave": "sine",
    "cycle": "curve",
}
_OF_LOG = {"linear": ("log",), "exp": ("power",)}
_BEHIND_NODES = {"linear": ("log", "power"), "exp": ("power",)}
"""The exponential of a node with straight edges from logarithms is a product of powers."""
_IN_EXPONENT = {"linear": ("exp",), "log": ("power",), "quadratic": ("gaussian",), "log_shifted": ("power",)}
_AS_IT_IS = ("zero", "curve", "cycle", "table")


@dataclass(frozen=True)
class Scale:
    """On which scale an edge stands.

    Parameters
    ----------
    log_input
        Whether it is of the logarithm of a column.
    log_output
        Whether it is added to the logarithm of the target, so that its exponential is a factor.
    hidden
        Whether nodes are behind it.
    of_node
        Whether it is of a node and not of a column.
    """

    log_input: bool = False
    log_output: bool = False
    hidden: bool = False
    of_node: bool = False


def written(form: Form, scale: Scale) -> tuple[str, ...]:
    """Return what a form is called once it stands in the formula, the likeliest first; empty for what has no name.

    Parameters
    ----------
    form
        Of an edge.
    scale
        Where the edge stands.

    Examples
    --------
    >>> from kanopt.surrogates.distill.forms import LINEAR
    >>> written(LINEAR, Scale(log_output=True)), written(LINEAR, Scale(log_input=True, log_output=True))
    (('exp',), ('power',))
    """
    name = form.name
    if name in _AS_IT_IS or not (scale.log_input or scale.log_output):
        return (_PLAIN.get(name, name),)
    if scale.log_input and scale.log_output:
        return ("power",) if name == "linear" else ()
    if scale.log_output:
        return ("exp", "power") if scale.of_node and name == "linear" else _IN_EXPONENT.get(name, ())
    return (_BEHIND_NODES if scale.hidden else _OF_LOG).get(name, ())


def contained(form: Form, scale: Scale) -> frozenset[str]:
    """Return all operators that a form brings into the formula.

    Examples
    --------
    >>> from kanopt.surrogates.distill.forms import PURE_SINE
    >>> sorted(contained(PURE_SINE, Scale(log_output=True)))
    ['exp', 'sine']
    """
    if form.name in _AS_IT_IS:
        return frozenset(written(form, scale) if form.name in ("curve", "cycle") else ()) | (
            {"log"} if scale.log_input and form.name == "curve" else frozenset()
        )
    if len(written(form, scale)) > 1:
        return frozenset()  # nodes decide
    return _brought(form, scale.log_input, scale.log_output)


@cache
def _brought(form: Form, log_input: bool, log_output: bool) -> frozenset[str]:
    """Return the operators in the graph of a form with numbers that are not simple."""
    edge = Edge(0, 0, 0, form, np.linspace(0.3, 0.7, form.size))
    feature = Feature("x", "number", log=log_input)
    errors = np.full(form.size + 1, np.nan)
    model = Mixed((edge,), (np.array([0.2]),))
    found = standing(graph(model, (feature,), 1.0 if log_output else None, errors))
    return frozenset("quadratic" if each == "square" else each for each in found)


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
        for what, given in pins.items():
            if not given:
                raise FitError(
                    f"pin[{what!r}]=[] names no operator; leave it out, or write 'none' to leave {what} out"
                )
        if "none" in control.prefer:
            raise FitError("prefer: 'none' cannot be preferred; pin a column to it to leave the column out")
        for word in NEEDED:
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

    def check_names(self, features: Iterable[Feature], edges: Mapping[str, str]) -> None:
        """Refuse a pin of what is no column and no edge, and one that a column cannot take.

        Parameters
        ----------
        features
            The columns of the model.
        edges
            The names of the edges to the kinds of the columns from which they come; empty for nodes.

        Raises
        ------
        FitError
            With what is near.
        """
        kinds = {**edges, **{feature.name: feature.kind for feature in features}}
        for name, given in self.pin.items():
            if name not in kinds:
                raise FitError(f"pin: {name!r} is no column of the model and no edge; {nearest(name, kinds)}")
            fits = POSSIBLE.get(kinds[name])
            if fits is not None and not set(given) & set(fits):
                listed = ", ".join(sorted(fits))
                raise FitError(f"pin: {name!r} is a {kinds[name]}, which can be pinned to {listed} only")

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

    def on_rows(self, names: Iterable[str], known: Collection[str]) -> dict[int, frozenset[str]] | None:
        """Return the kinds of factors that columns may be on the rows; None where only a network can do what is asked.

        Parameters
        ----------
        names
            Of the columns that are looked at.
        known
            Of all columns of the model.
        """
        columns = {name: place for place, name in enumerate(names)}
        allowed = {}
        for name, given in self.pin.items():
            if name not in known:
                return None  # an edge, which only the network has
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

    def on_edge(self, edge: Edge, names: Iterable[str], scale: Scale) -> Edge:
        """Return an edge that may become only what is allowed there.

        Parameters
        ----------
        edge
            A curve, or a table.
        names
            What it is called: its column, and its own name.
        scale
            Where it stands.

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
            called = set(written(form, scale))
            if form.name == "zero":
                return not pins or all("none" in pin for pin in pins)
            if contained(form, scale) & set(self.forbid) or (called and called <= set(self.forbid)):
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

    def price(self, edge: Edge, scale: Scale) -> float:
        """Return the share of its price that the form of an edge costs."""
        called = written(edge.form, scale)
        return PREFERRED if set(called[:1]) & set(self.prefer) else 1.0


def _operators(given: Any, what: str) -> tuple[str, ...]:
    listed = (given,) if isinstance(given, str) else given
    if isinstance(listed, Mapping) or not isinstance(listed, Iterable):
        raise FitError(f"{what}={given!r} must be an operator or several, of {', '.join(OPERATORS)}")
    words = list(listed)
    for word in words:
        if word not in OPERATORS:
            raise FitError(f"{what}: {word!r} is no operator; {nearest(str(word), OPERATORS)}")
    return tuple(dict.fromkeys(words))
