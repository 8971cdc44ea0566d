"""PyVRP as an engine: its model of a routing problem, and its search."""
