"""What tips a plan: switch points, tornados, Sobol's indices, and where one plan beats another."""
