"""Dimensional analysis of formulas: whether declared units agree, and which units the constants then have.

:mod:`~kanopt.formulas.dimensions.analysis` infers the unit of every step of a formula as equations over unknown
units; :mod:`~kanopt.formulas.dimensions.equations` solves them and puts errors into words.
"""
