"""How sure a plan is: on-time probabilities, overload and the worst days, and plans that keep promises."""
