"""Solver of supply problems: a mixed-integer linear model in HiGHS."""
