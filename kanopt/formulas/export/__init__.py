"""Formulas in other languages: Python, SQL, JavaScript, and the cells of Excel.

Every export computes the formula exactly, curves as piecewise cubic polynomials and tables as look-ups, at full
precision (in Excel at its fifteen digits); names are quoted or replaced so that no column name can inject code.
"""
