"""Formulas made of straight pieces, for solvers that take no others, with a proof of how far they are from the law.

:meth:`kanopt.formulas.Formula.piecewise` makes them.
"""
