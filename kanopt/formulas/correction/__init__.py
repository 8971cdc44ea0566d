"""A known law, corrected by rows: constants that move, and lines, curves and tables of columns where rows insist."""

from kanopt.formulas.correction.correcting import correct

__all__ = ["correct"]
