"""Explanations that only routing plans have: conflicts and alternatives."""
