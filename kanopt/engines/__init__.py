"""What the searches of all kinds share: the interface of a solver, CP-SAT, HiGHS, pieces, and the compiled kernel."""
