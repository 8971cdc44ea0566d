"""Formulas as one SQL expression."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kanopt.errors import FormulaError
from kanopt.formulas.columns import GAP
from kanopt.formulas.export.source import SourceWriter, Span, nest_pairs, spans_of, tell_apart
from kanopt.formulas.functions import function_named
from kanopt.formulas.pieces import Curve, Step, Table, gap_inputs
from kanopt.formulas.printing import ATOM, OPEN, WORD, TextPart
from kanopt.formulas.variables import Variable

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["to_sql"]

_LONGEST = 2_000_000
_SHADOWED = re.compile(
    "current_(catalog|date|role|schema|time|timestamp|user)|localtime|localtimestamp|session_user|user",
    re.IGNORECASE,
)
"""Names that DuckDB 1 and 2 take for functions of their own where a subquery reads a column outside it, even quoted."""


def to_sql(formula: Formula) -> str:
    """Return one SQL expression; see :meth:`kanopt.formulas.Formula.to_sql`.

    It uses only functions available in SQLite 3.35, PostgreSQL and DuckDB, and is tested on SQLite and DuckDB. Columns
    are read as floating-point numbers, because whole and decimal ones overflow or are divided without a remainder. An
    argument that is needed more than once is computed in a scalar subquery. Where the formula is undefined, the
    expression is NULL or infinite, or raises the database's own error.

    Raises
    ------
    FormulaError
        If a name or category contains a backslash, which some databases treat as an escape; if two inputs differ only
        in capitals, which SQLite and DuckDB take for the same column; if a subquery would read a column such as
        ``user``, which DuckDB takes for a function; or if the text is over 2 million characters.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> to_sql(parse_formula("0.12 * km^2 / load", [Variable("km"), Variable("load")], Variable("fuel")))
    '0.12 * POWER(CAST("km" AS DOUBLE PRECISION), 2.0) / CAST("load" AS DOUBLE PRECISION)'
    """
    used = [variable for variable in formula.inputs if variable.name in formula.used]
    tell_apart([variable.name for variable in used], formula.output.name, "a table of SQLite or DuckDB")
    gaps = gap_inputs(formula.root)
    names = {variable.name: _column(variable, variable.name in gaps) for variable in used}
    text = _Sql(names).write(formula.root)
    hidden = [name for name in names if _SHADOWED.fullmatch(name)] if "(SELECT" in text else []
    if hidden:
        raise FormulaError(
            f"formula for {formula.output.name!r}: DuckDB takes the column {hidden[0]!r} for a function of its own "
            "in a subquery, which this formula needs; rename the input"
        )
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


def _column(variable: Variable, filled: bool) -> str:
    column = _quoted(variable.name, '"')
    if not variable.is_category:
        return f"CAST({column} AS DOUBLE PRECISION)"
    return f"COALESCE({column}, '{GAP}')" if filled else column


class _Sql(SourceWriter):
    """The SQL writer: expressions have no statements, so shared steps are repeated or bound in a subquery.

    Parameters
    ----------
    names
        How the column of every input is written. No alias has the name of a column, regardless of case.
    """

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__(names)
        self.taken = {name.lower() for name in names}
        self.aliases = 0

    def alias(self) -> str:
        self.aliases += 1
        found = f"kanopt_{self.aliases}"
        return self.alias() if found in self.taken else found

    def spell(self, template: str, *parts: TextPart) -> TextPart:
        """Put parts into a template; one that occurs there more than once is computed once, in a subquery."""
        marks = ["@"] if len(parts) == 1 else ["@1", "@2"]
        named = [
            part if part.level == WORD or template.count(mark) <= 1 else TextPart(self.alias(), WORD)
            for mark, part in zip(marks, parts, strict=True)
        ]
        bound = [
            f"{part.text} AS {word.text}" for part, word in zip(parts, named, strict=True) if part != word
        ]
        filled = super().spell(template, *named)
        if not bound:
            return filled
        # without the limit a database may put the parts back where they are named, and parts of parts again
        source = f"(SELECT {', '.join(bound)} LIMIT 1) AS {self.alias()}"
        return TextPart(" ".join(["(SELECT", filled.text, "FROM", source]) + ")", ATOM)

    def apply(self, function: str, argument: TextPart) -> TextPart:
        return self.spell(function_named(function).sql, argument)

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return self.call("POWER", [base, exponent])

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        sign, other = (">=", "<") if which == "max" else ("<=", ">")
        # with NULL neither comparison holds, so that NULL comes out
        larger = f"CASE WHEN @1 {sign} @2 THEN @1 WHEN @1 {other} @2 THEN @2 END"
        return nest_pairs(parts, lambda a, b: self.spell(larger, a, b))

    def curve(self, curve: Curve, argument: TextPart) -> TextPart:
        if curve.periodic:
            period = curve.high - curve.low
            argument = self.spell(f"@ - {period!r} * FLOOR((@ - {curve.low!r}) / {period!r})", argument)
        return self.spell(_cubics(curve), argument)

    def step(self, step: Step, argument: TextPart) -> TextPart:
        cases = [
            f"WHEN @ < {edge!r} THEN {value!r}"
            for edge, value in zip(step.breakpoints, step.values, strict=False)
        ]
        return self.spell(
            " ".join(["CASE", *cases, f"WHEN @ IS NOT NULL THEN {step.values[-1]!r} END"]), argument
        )

    def table(self, table: Table) -> TextPart:
        columns = [self.name(name) for name in table.inputs]
        cases = [
            f"WHEN {' AND '.join(f'{c} = {_quoted(part, chr(39))}' for c, part in zip(columns, key, strict=True))} "
            f"THEN {number!r}"
            for key, number in table.entries
        ]
        given = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        cases += [] if table.fallback is None else [f"WHEN {given} THEN {table.fallback!r}"]
        return TextPart(" ".join(["CASE", *cases, "END"]), OPEN)


def _cubics(curve: Curve) -> str:
    """Return the template that finds the span of ``@`` and evaluates its polynomial in the distance from its start."""
    *spans, last = spans_of(curve)
    cases = [f"WHEN @ < {span.end!r} THEN {_polynomial(span)}" for span in spans]
    return " ".join(["CASE", *cases, f"ELSE {_polynomial(last)} END"]) if cases else _polynomial(last)


def _polynomial(span: Span) -> str:
    *others, text = map(repr, span.coefficients)
    for coefficient in reversed(others):
        text = f"{coefficient} + (@ - {span.start!r}) * ({text})"
    return text
