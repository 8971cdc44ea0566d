"""Local search of schedules by compiled code that knows every rule of the referee."""
