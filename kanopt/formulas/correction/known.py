"""A known law with a name for whatever may move, and a corrected law as a graph and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.estimation.class_law import ClassLaw
from kanopt.formulas.estimation.class_moves import Attempt
from kanopt.formulas.estimation.drawn import Smooth
from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.estimation.naming import fresh_names, with_named_constants
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Input,
    Maximum,
    Node,
    Power,
    Product,
    Sum,
    postorder,
    rebuild,
)
from kanopt.formulas.parameters import Covariance, is_parameter, names_in, parameters_of, with_standard_errors
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.printing import to_infix
from kanopt.formulas.simplify import simplify_graph
from kanopt.text import number_text


@dataclass(frozen=True, eq=False)
class NamedLaw:
    """A law with a name for whatever may move.

    Parameters
    ----------
    formula
        The law as it is known.
    root
        The law with names as a search of laws by class has them, which begin with what a constant is: before a term
        (c), added (a), an exponent (p), or something else (k).
    names
        What the constants are called in the law, by these names.
    exponents
        Whole numbers to which inputs are raised: moving one brings in a power.
    level
        What multiplies the whole law, or is added to it.
    """

    formula: BaseFormula
    root: Node
    names: Mapping[str, str]
    exponents: frozenset[str]
    level: str

    @classmethod
    def of(cls, formula: BaseFormula, rows: EstimationRows, *, factor: bool) -> NamedLaw:
        """Name the constants of a law: its own, a factor per term and one of all, what is added, exponents of inputs.

        Examples
        --------
        >>> import numpy as np
        >>> from kanopt.formulas import parse_formula
        >>> rows = EstimationRows({"km": np.arange(3.0), "load": np.ones(3)}, np.ones(3), np.ones(3))
        >>> law = NamedLaw.of(parse_formula("km * load + 2 * km", ["km", "load"], "cost"), rows, factor=False)
        >>> to_infix(law.root), law.names
        ('0 + km · load^1 + 1 · 2 · km', {'a1': 'c1', 'c2': 'c2', 'p3': 'c4', 'c4': 'c3'})
        """
        plain = simplify_graph(formula.root)  # 60 / 70 is one number
        terms = plain.terms if isinstance(plain, Sum) else (plain,)
        scaled = (term if isinstance(term, Constant) else _times(1.0, term) for term in terms)
        whole = Sum((Constant(0.0), *scaled))
        named = with_named_constants(replace(formula, root=whole, covariance=None)).root
        assert isinstance(named, Sum)
        added = {each.name for each in named.terms if isinstance(each, Constant)}
        before = {each.name for term in named.terms for each in term.children if isinstance(each, Constant)}
        raised = {
            node.exponent.name
            for node in postorder(named)
            if isinstance(node, Power) and isinstance(node.exponent, Constant)
        }
        fresh = fresh_names(replace(formula, root=named, covariance=None))
        names: dict[str, str] = {}

        def new(letter: str, value: float, name: str = "") -> Constant:
            own = next((own for own, other in names.items() if other == name), f"{letter}{len(names) + 1}")
            names.setdefault(own, name or next(fresh))
            return Constant(value, own)

        def put(node: Node) -> Node:
            match node:
                case Constant(name=name, value=value) if is_parameter(node):
                    letter = (
                        "a" if name in added else "c" if name in before else "p" if name in raised else "k"
                    )
                    return new(letter, value, name)
                case Product(factors=factors):
                    return Product(tuple(map(power, factors)))
            return node

        def power(node: Node) -> Node:
            match node:
                case Input(name=name) if rows.columns[name].min() > 0.0:
                    return Power(node, new("p", 1.0))
                case Power(base=Input(name=name), exponent=Constant(name="", value=value)):
                    return Power(node.base, new("p", value)) if rows.columns[name].min() > 0.0 else node
            return node

        root = rebuild(named, put)
        level = next((own for own in names if own[0] == "a"), "")
        if factor or not level:
            one = new("c", 1.0) if factor else new("a", 0.0)
            level, root = one.name, (Product((one, root)) if factor else Sum((one, root)))
        known = {each.name for each in postorder(named) if is_parameter(each) and isinstance(each, Constant)}
        exponents = frozenset(own for own, name in names.items() if own[0] == "p" and name not in known)
        return cls(formula, root, names, exponents, level)

    def is_kept(self, attempt: Attempt) -> bool:
        """Whether nothing was corrected."""
        return attempt.root == self.root and not attempt.by and attempt.held == frozenset(self.names)

    def written(self, attempt: Attempt) -> tuple[Node, Covariance | None]:
        """Return a corrected law as it is read, and the covariance of its numbers; what is held is as it was known."""
        if self.is_kept(attempt):
            return self.formula.root, None
        root, covariance = ClassLaw(attempt.fit, log=False).written()
        own = parameters_of(self.formula.root)
        fresh = (name for name in fresh_names(self.formula) if name not in self.names.values())
        names = {name: self.names.get(name) or next(fresh) for name in parameters_of(root)}
        known = {node.key for node in postorder(self.formula.root)}

        def is_new(node: Node) -> bool:
            return isinstance(node, Table | Apply) and node.key not in known and not parameters_of(node)

        def put(node: Node) -> Node:
            if isinstance(node, Product):
                return Product(tuple(sorted(node.factors, key=is_new)))
            if isinstance(node, Curve):
                return node if node.key in known else levelled(node)
            if not isinstance(node, Constant) or not is_parameter(node):
                return node
            if node.name in attempt.held:
                return Constant(node.value, names[node.name] if names[node.name] in own else "")
            return Constant(node.value, names[node.name])

        root = simplify_graph(rebuild(root, put))
        curves = {node.name for node in postorder(root) if isinstance(node, Curve)}
        moved = {names[name] for name in names if name not in attempt.held}
        told = {name for name in names_in(root) if name in moved or name.split("[")[0] not in {*own, *curves}}
        told -= {names[name] for name in names if name in attempt.held}
        if covariance is None or not told:
            return root, None
        called = tuple(names.get(name, name) for name in covariance.names)
        known_of = replace(covariance, names=called).restrict(told)
        return (root, None) if known_of is None else (with_standard_errors(root, known_of), known_of)

    def words(self, attempt: Attempt) -> str:
        """Return the corrections in words."""
        before, numbers = parameters_of(self.root), attempt.fit.numbers.tolist()
        after = dict(zip(attempt.fit.free.names, numbers, strict=False))
        told = [
            f"{self.names[name]} from {number_text(before[name], 4)} to {number_text(after[name], 4)}"
            for name in after
            if name in before and name not in attempt.held
        ]
        for each in attempt.fit.classes:
            text = f"{'curve' if isinstance(each, Smooth) else 'table'} of {', '.join(each.columns)}"
            of = self.names.get(each.name, "") if each.name != self.level else ""
            told.append(f"{text} in {of}" if of else text)
        told += [text for node in postorder(attempt.root) if (text := self._added(node))]
        return "; ".join(dict.fromkeys(told)) or "none"

    def _added(self, node: Node) -> str:
        """Return what a step of the law is that was added to it; empty for others."""
        new = [
            each
            for each in node.children
            if is_parameter(each) and getattr(each, "name", "") not in self.names
        ]
        match node:
            case _ if not new:
                return ""
            case Power(exponent=Step(argument=of)):
                return f"bracket of {to_infix(of)}"
            case Power(base=of):
                return f"power of {to_infix(of)}"
            case Product(factors=(_, Maximum(parts=(Sum(terms=(of, _)), _)))):
                return f"bend of {to_infix(of)}"
            case Product(factors=(_, of)):
                return f"line of {to_infix(of)}"
            case Maximum():
                return "a least value"
        return "a constant"


def _times(value: float, term: Node) -> Product:
    """Return a term times a number, as one product."""
    return Product((Constant(value), *(term.factors if isinstance(term, Product) else (term,))))


def levelled(curve: Curve) -> Curve:
    """Return the curve with three intervals more at either end, over which it turns level.

    Beyond them it keeps its last value, while its own end tangents would lead anywhere.

    Examples
    --------
    >>> import numpy as np
    >>> rising = Curve("s", Input("x"), (-1.0, 0.0, 1.0, 2.0), 0.0, 1.0)
    >>> levelled(rising).at(np.array([0.5, 1.0, 4.0, 90.0])).round(9).tolist()
    [0.5, 1.0, 1.0, 1.0]
    """
    if curve.periodic:
        return curve
    first, _, last, _ = curve.ends
    coefficients = (*(first,) * 3, *curve.coefficients, *(last,) * 3)
    return Curve(
        curve.name,
        curve.argument,
        coefficients,
        curve.low - 3.0 * curve.width,
        curve.high + 3.0 * curve.width,
    )
