"""The referee of routing plans: how routes are driven on the laws, which rules they break and what they cost."""
