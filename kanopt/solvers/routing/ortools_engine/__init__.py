"""OR-Tools' routing library as an engine: its model of a routing problem, and its searches."""
