"""Example tables, each with the true laws that it was drawn from."""
