"""Formulas as one SQL expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kanopt.errors import FormulaError
from kanopt.formulas.columns import GAP
from kanopt.formulas.export.source import SourceWriter, Span, nest_pairs, spans_of
from kanopt.formulas.functions import function_named
from kanopt.formulas.pieces import Curve, Step, Table, gap_inputs
from kanopt.formulas.printing import ATOM, SUM, TextPart

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["to_sql"]

_LONGEST = 2_000_000


def to_sql(formula: Formula) -> str:
    """Return one SQL expression; see :meth:`kanopt.formulas.Formula.to_sql`.

    It uses only functions available in SQLite 3.35, PostgreSQL and DuckDB, and is tested on SQLite. An argument that is
    needed more than once is computed in a scalar subquery. Where the formula is undefined, the expression is NULL or
    raises the database's own error.

    Raises
    ------
    FormulaError
        If a name or category contains a backslash, which some databases treat as an escape, or the text is over 2
        million characters.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> to_sql(parse_formula("0.12 * km^2 / load", [Variable("km"), Variable("load")], Variable("fuel")))
    '0.12 * POWER("km", 2.0) / (1.0 * "load")'
    """
    names = {variable.name: _identifier(variable.name) for variable in formula.inputs}
    names |= {name: f"COALESCE({names[name]}, '{GAP}')" for name in gap_inputs(formula.root)}
    text = _Sql(names).write(formula.root)
    if len(text) > _LONGEST:
        raise FormulaError(
            f"formula for {formula.output.name!r}: {len(text):,} characters of SQL are too many"
        )
    return text


def _quoted(text: str, mark: str) -> str:
    if "\\" in text or "\x00" in text:
        raise FormulaError(
            f"{text!r} cannot be written in SQL: some databases take a backslash for an escape, and NUL for the end"
        )
    return f"{mark}{text.replace(mark, 2 * mark)}{mark}"


def _identifier(name: str) -> str:
    return _quoted(name, '"')


class _Sql(SourceWriter):
    """The SQL writer: expressions have no statements, so shared steps are repeated or bound in a subquery."""

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__(names)
        self.aliases = 0

    def alias(self) -> str:
        self.aliases += 1
        return f"kanopt_{self.aliases}"

    def within(self, parts: Sequence[TextPart], inner: Callable[..., str]) -> str:
        """Return `inner` of the parts; a part that is more than a column is computed once, in a subquery."""
        words = [part.text if part.text.startswith('"') else self.alias() for part in parts]
        bound = [
            f"{part.text} AS {word}" for part, word in zip(parts, words, strict=True) if part.text != word
        ]
        text = inner(*words)
        if not bound:
            return f"({text})"
        # without the limit a database may put the parts back where they are named, and parts of parts again
        return " ".join(
            ["(SELECT", text, "FROM (SELECT", ", ".join(bound), "LIMIT 1) AS", self.alias() + ")"]
        )

    def apply(self, function: str, argument: TextPart) -> TextPart:
        template = function_named(function).sql
        if template.count("@") == 1:
            return TextPart(template.replace("@", argument.text), ATOM)
        return TextPart(self.within([argument], lambda x: template.replace("@", x)), ATOM)

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return TextPart(f"POWER({base.text}, {exponent.text})", ATOM)

    def fraction(self, above: str, below: list[str]) -> str:
        # 1.0 keeps two whole-numbered columns from being divided as integers
        return f"{above} / ({self.times.join(['1.0', *below])})"

    def extreme(self, which: str, parts: list[str]) -> str:
        sign, other = (">=", "<") if which == "max" else ("<=", ">")

        def larger(a: str, b: str) -> str:
            # with NULL neither comparison holds, so that NULL comes out
            return f"CASE WHEN {a} {sign} {b} THEN {a} WHEN {a} {other} {b} THEN {b} END"

        return nest_pairs(parts, lambda a, b: self.within([TextPart(a, SUM), TextPart(b, SUM)], larger))

    def curve(self, curve: Curve, argument: TextPart) -> str:
        if curve.periodic:
            period = curve.high - curve.low
            turned = self.within(
                [argument], lambda x: f"{x} - {period!r} * FLOOR(({x} - {curve.low!r}) / {period!r})"
            )
            return self.within([TextPart(turned, SUM)], lambda x: _cubics(curve, x))
        return self.within([argument], lambda x: _cubics(curve, x))

    def step(self, step: Step, argument: TextPart) -> str:
        def stairs(x: str) -> str:
            cases = [
                f"WHEN {x} < {edge!r} THEN {value!r}"
                for edge, value in zip(step.breakpoints, step.values, strict=False)
            ]
            return " ".join(["CASE", *cases, f"WHEN {x} IS NOT NULL THEN {step.values[-1]!r} END"])

        return self.within([argument], stairs)

    def table(self, table: Table) -> str:
        columns = [self.name(name) for name in table.inputs]
        cases = [
            f"WHEN {' AND '.join(f'{c} = {_quoted(part, chr(39))}' for c, part in zip(columns, key, strict=True))} "
            f"THEN {number!r}"
            for key, number in table.entries
        ]
        given = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        cases += [] if table.fallback is None else [f"WHEN {given} THEN {table.fallback!r}"]
        return " ".join(["(CASE", *cases, "END)"])


def _cubics(curve: Curve, x: str) -> str:
    """Return the CASE that finds the span of `x` and evaluates its polynomial in the distance from the span's start."""
    *spans, last = spans_of(curve)
    cases = [f"WHEN {x} < {span.end!r} THEN {_polynomial(span, x)}" for span in spans]
    return " ".join(["CASE", *cases, f"ELSE {_polynomial(last, x)} END"]) if cases else _polynomial(last, x)


def _polynomial(span: Span, x: str) -> str:
    *others, text = map(repr, span.coefficients)
    for coefficient in reversed(others):
        text = f"{coefficient} + ({x} - {span.start!r}) * ({text})"
    return text
