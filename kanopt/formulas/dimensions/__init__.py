"""Dimensional analysis of formulas: whether declared units agree, and which units the constants then have.

:mod:`~kanopt.formulas.dimensions.inference` infers the unit of every step of a formula as equations over unknown
units, which :mod:`~kanopt.formulas.dimensions.messages` solves; :mod:`~kanopt.formulas.dimensions.analysis` collects
the result and :mod:`~kanopt.formulas.dimensions.messages` puts errors into words.
"""
