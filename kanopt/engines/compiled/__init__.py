"""Compiled code of searches: how it is made, and loaded."""
