"""Sweeps: many what-ifs as one question, on processes or a cluster, on disk as they come."""
