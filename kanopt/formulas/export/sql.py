"""Formulas as one SQL expression."""

from __future__ import annotations

import re

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.columns import GAP
from kanopt.formulas.export.source import SourceWriter, nest_pairs, tell_apart
from kanopt.formulas.pieces import gap_inputs
from kanopt.formulas.spelling import ATOM, WORD, TextPart
from kanopt.formulas.variables import Variable

_LONGEST = 2_000_000
_SHADOWED = re.compile(
    "current_(catalog|date|role|schema|time|timestamp|user)|localtime|localtimestamp|session_user|user",
    re.IGNORECASE,
)
"""Names that DuckDB 1 and 2 take for functions of their own where a subquery reads a column outside it, even quoted."""


def to_sql(formula: BaseFormula) -> str:
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

    language = family = "sql"

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

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return self.call("POWER", [base, exponent])

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        sign, other = (">=", "<") if which == "max" else ("<=", ">")
        # with NULL neither comparison holds, so that NULL comes out
        larger = f"CASE WHEN @1 {sign} @2 THEN @1 WHEN @1 {other} @2 THEN @2 END"
        return nest_pairs(parts, lambda a, b: self.spell(larger, a, b))

    def label(self, label: str) -> str:
        """Write a category."""
        return _quoted(label, "'")
