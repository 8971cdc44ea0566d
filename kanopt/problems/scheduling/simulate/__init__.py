"""The referee of schedules: when tasks end on the laws, which rules they break and what they cost."""
