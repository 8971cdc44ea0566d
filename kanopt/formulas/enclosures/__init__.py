"""Bounds of formulas and of their derivatives over boxes, and proofs of their shape."""
