"""What tips a plan: switch points and tornados."""
