"""Formulas in other languages: Python, SQL, JavaScript and sympy.

Every export computes the formula itself, curves as piecewise cubic polynomials and tables as look-ups, at
full precision; names are quoted or replaced so that no column name can change what the text does.
"""
