"""Explanations that only routing plans have: conflicts, alternatives, and the searches that prove them."""
