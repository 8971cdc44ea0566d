"""The referee of supply plans: stocks and deliveries that follow from flows, broken rules and prices."""
